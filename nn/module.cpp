// Module: what is registered, walked, converted, cloned and printed.
#include <simdgrad/autograd.h>
#include <simdgrad/nn/module.h>
#include <simdgrad/views.h>

#include <cxxabi.h>

#include <cstdlib>
#include <sstream>
#include <typeinfo>

namespace simdgrad::nn {
namespace {

std::string joined(const std::string& prefix, const std::string& name) {
  return prefix.empty() ? name : prefix + "." + name;
}

void check_name(const std::string& name, const char* what) {
  SIMDGRAD_CHECK(!name.empty(), what, " name must not be empty");
  SIMDGRAD_CHECK(name.find('.') == std::string::npos, what, " name must not contain a dot (got '",
                 name, "')");
}

std::string demangled(const std::type_info& type) {
  int status = 0;
  char* text = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
  const std::string name = status == 0 ? text : type.name();
  std::free(text);
  return name;
}

}  // namespace

Module::Module()
    : parameters_("Parameter"), buffers_("Buffer"), children_("Submodule") {}
Module::Module(std::string name) : Module() { name_ = std::move(name); }
Module::~Module() = default;

const std::string& Module::name() const noexcept {
  if (name_.empty()) {
    // The library's own layers go by the names that programs know: torch::nn::LinearImpl.
    std::string name = demangled(typeid(*this));
    const std::string ours = "simdgrad::";
    if (name.compare(0, ours.size(), ours) == 0) name = "torch::" + name.substr(ours.size());
    name_ = name;
  }
  return name_;
}

template <class Visit>
void Module::visit_tree(const std::string& prefix, const Visit& visit) const {
  visit(prefix, *this);
  for (const auto& child : children_)
    child.value()->visit_tree(joined(prefix, child.key()), visit);
}

OrderedDict<std::string, Tensor> Module::named_parameters(bool recurse) const {
  OrderedDict<std::string, Tensor> result("Parameter");
  const auto add = [&](const std::string& prefix, const Module& module) {
    for (const auto& parameter : module.parameters_)
      if (parameter.value().defined())
        result.insert(joined(prefix, parameter.key()), parameter.value());
  };
  if (recurse) {
    visit_tree("", add);
  } else {
    add("", *this);
  }
  return result;
}

OrderedDict<std::string, Tensor> Module::named_buffers(bool recurse) const {
  OrderedDict<std::string, Tensor> result("Buffer");
  const auto add = [&](const std::string& prefix, const Module& module) {
    for (const auto& buffer : module.buffers_)
      if (buffer.value().defined()) result.insert(joined(prefix, buffer.key()), buffer.value());
  };
  if (recurse) {
    visit_tree("", add);
  } else {
    add("", *this);
  }
  return result;
}

std::vector<Tensor> Module::parameters(bool recurse) const {
  return named_parameters(recurse).values();
}
std::vector<Tensor> Module::buffers(bool recurse) const { return named_buffers(recurse).values(); }

OrderedDict<std::string, std::shared_ptr<Module>> Module::named_modules(
    const std::string& name_prefix, bool include_self) const {
  OrderedDict<std::string, std::shared_ptr<Module>> result("Module");
  visit_tree(name_prefix, [&](const std::string& path, const Module& module) {
    if (&module == this) {
      if (!include_self) return;
      const std::shared_ptr<const Module> self = weak_from_this().lock();
      SIMDGRAD_CHECK(self,
                     "It looks like you attempted to retrieve your top-level module as a shared_ptr, "
                     "but it is not stored in a shared_ptr. Use std::make_shared<", name(),
                     "> instead of creating your module on the stack, or alternatively do not try to "
                     "access your top-level module at all by passing /*include_self=*/false to "
                     "modules() or named_modules()");
      result.insert(path, std::const_pointer_cast<Module>(self));
      return;
    }
    result.insert(path, std::const_pointer_cast<Module>(module.weak_from_this().lock()));
  });
  return result;
}

std::vector<std::shared_ptr<Module>> Module::modules(bool include_self) const {
  return named_modules("", include_self).values();
}
std::vector<std::shared_ptr<Module>> Module::children() const { return children_.values(); }
OrderedDict<std::string, std::shared_ptr<Module>> Module::named_children() const {
  return children_;
}

void Module::apply(const std::function<void(Module&)>& f) {
  SIMDGRAD_CHECK(f, "apply: got an empty function");
  visit_tree("", [&](const std::string&, const Module& module) { f(const_cast<Module&>(module)); });
}

void Module::apply(const std::function<void(const std::string&, Module&)>& f,
                   const std::string& name_prefix) {
  SIMDGRAD_CHECK(f, "apply: got an empty function");
  visit_tree(name_prefix, [&](const std::string& path, const Module& module) {
    f(path, const_cast<Module&>(module));
  });
}

void Module::train(bool on) {
  is_training_ = on;
  for (const auto& child : children_) child.value()->train(on);
}
void Module::eval() { train(false); }
bool Module::is_training() const noexcept { return is_training_; }

void Module::to(ScalarType dtype) {
  visit_tree("", [&](const std::string&, const Module& module) {
    for (const auto* tensors : {&module.parameters_, &module.buffers_})
      for (const auto& item : *tensors)
        SIMDGRAD_CHECK(!item.value().defined() || !item.value().requires_grad() ||
                           is_floating_point(dtype),
                       "data set to a tensor that requires gradients must be floating point or complex "
                       "dtype");
  });
  for (const auto& child : children_) child.value()->to(dtype);
  for (auto& parameter : parameters_)
    if (parameter.value().defined()) parameter.value().set_data(parameter.value().data().to(dtype));
  for (auto& buffer : buffers_)
    if (buffer.value().defined()) buffer.value().set_data(buffer.value().data().to(dtype));
}

void Module::zero_grad(bool set_to_none) {
  for (const auto& child : children_) child.value()->zero_grad(set_to_none);
  for (auto& parameter : parameters_) {
    if (!parameter.value().defined()) continue;
    Tensor& gradient = parameter.value().mutable_grad();
    if (!gradient.defined()) continue;
    if (set_to_none) {
      gradient.reset();
    } else {
      gradient = gradient.detach();
      gradient.zero_();
    }
  }
}

std::shared_ptr<Module> Module::clone() const {
  SIMDGRAD_THROW("clone() has not been implemented for ", name(), ". Subclass torch::nn::Cloneable<",
                 name(), "> instead of torch::nn::Module to inherit the ability to clone.");
}

void Module::pretty_print(std::ostream& stream) const { stream << name(); }

void Module::print_tree(std::ostream& stream, const std::string& indentation) const {
  pretty_print(stream);
  if (children_.is_empty()) return;
  stream << "(\n";
  const std::string deeper = indentation + "  ";
  for (const auto& child : children_) {
    stream << deeper << '(' << child.key() << "): ";
    child.value()->print_tree(stream, deeper);
    stream << '\n';
  }
  stream << indentation << ')';
}

std::ostream& operator<<(std::ostream& stream, const Module& module) {
  module.print_tree(stream, "");
  return stream;
}

Tensor& Module::register_parameter(std::string name, Tensor tensor, bool requires_grad) {
  check_name(name, "Parameter");
  if (!tensor.defined()) return parameters_.insert(std::move(name), std::move(tensor));
  // A non-leaf stays one, as in PyTorch: it requires grad through its history.
  if (tensor.is_leaf() || !requires_grad) tensor.set_requires_grad(requires_grad);
  return parameters_.insert(std::move(name), std::move(tensor));
}

Tensor& Module::register_buffer(std::string name, Tensor tensor) {
  check_name(name, "Buffer");
  return buffers_.insert(std::move(name), std::move(tensor));
}

namespace {

// A module below itself would be walked for ever.
void check_child(const Module& parent, const std::shared_ptr<Module>& child, const char* operation,
                 const std::string& name) {
  SIMDGRAD_CHECK(child, operation, ": got no module for the name '", name, "'");
  child->apply([&](Module& module) {
    SIMDGRAD_CHECK(&module != &parent, operation, ": '", name, "' is ",
                   child.get() == &parent ? "the module itself" : "a module above this one",
                   ", which cannot be below itself");
  });
}

}  // namespace

void Module::add_module(std::string name, std::shared_ptr<Module> module) {
  check_name(name, "Submodule");
  check_child(*this, module, "register_module", name);
  children_.insert(std::move(name), std::move(module));
}

void Module::exchange_module(const std::string& name, std::shared_ptr<Module> module) {
  check_child(*this, module, "replace_module", name);
  children_[name] = std::move(module);
}

void Module::unregister_module(const std::string& name) {
  SIMDGRAD_CHECK(children_.contains(name), "No Module with name `", name, "` is registered");
  children_.erase(name);
}

void Module::forget_registered() {
  parameters_.clear();
  buffers_.clear();
  children_.clear();
}

namespace {

void copy_tensors(const OrderedDict<std::string, Tensor>& from,
                  OrderedDict<std::string, Tensor>& to) {
  SIMDGRAD_CHECK(from.size() == to.size(),
                 "The cloned module does not have the same number of parameters or buffers as the "
                 "original module after calling reset(). Are you sure you called "
                 "register_parameter() or register_buffer() inside reset() and not the constructor?");
  for (const auto& entry : from) {
    const Tensor& source = entry.value();
    if (source.defined()) to[entry.key()].set_data(source.detach().clone());
  }
}

}  // namespace

void Module::copy_registered(const Module& from) {
  const NoGradGuard no_grad;
  copy_tensors(from.parameters_, parameters_);
  copy_tensors(from.buffers_, buffers_);
  SIMDGRAD_CHECK(children_.size() == from.children_.size(),
                 "The cloned module does not have the same number of child modules as the original "
                 "module after calling reset(). Are you sure you called register_module() inside reset() "
                 "and not the constructor?");
  // The member that holds a child keeps pointing at it: its contents change, not the pointer.
  for (const auto& child : from.children_) children_[child.key()]->clone_(*child.value());
  is_training_ = from.is_training_;
}

void Module::clone_(const Module& other) { copy_registered(other); }

}  // namespace simdgrad::nn
