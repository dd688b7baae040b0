// The base of layers and models, as torch::nn::Module.
#pragma once

#include <simdgrad/ordered_dict.h>
#include <simdgrad/tensor.h>

#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace simdgrad::nn {

// Owns parameters (tensors to train), buffers (other tensors) and submodules, by name and in the
// order of registration. Derive from it, register what belongs to it in the constructor, and write
// a forward():
//
//   struct Net : nn::Module {
//     Net() : hidden(register_module("hidden", nn::Linear(784, 128))),
//             output(register_module("output", nn::Linear(128, 10))) {}
//     Tensor forward(const Tensor& x) { return output(relu(hidden(x))); }
//     nn::Linear hidden, output;
//   };
//   auto net = std::make_shared<Net>();
//
// Walking the tree (parameters(), modules() ...) visits a module before its children. Errors:
// "Parameter 'w' already defined", names that are empty or hold a dot.
class SIMDGRAD_API Module : public std::enable_shared_from_this<Module> {
 public:
  Module();
  explicit Module(std::string name);
  Module(const Module&) = default;
  Module& operator=(const Module&) = default;
  virtual ~Module();

  // The type's name, "torch::nn::LinearImpl", or the one given.
  const std::string& name() const noexcept;

  // "hidden.weight" ...: names joined by dots. Without recurse: this module's own.
  std::vector<Tensor> parameters(bool recurse = true) const;
  OrderedDict<std::string, Tensor> named_parameters(bool recurse = true) const;
  std::vector<Tensor> buffers(bool recurse = true) const;
  OrderedDict<std::string, Tensor> named_buffers(bool recurse = true) const;
  std::vector<std::shared_ptr<Module>> modules(bool include_self = true) const;
  OrderedDict<std::string, std::shared_ptr<Module>> named_modules(
      const std::string& name_prefix = std::string(), bool include_self = true) const;
  std::vector<std::shared_ptr<Module>> children() const;
  OrderedDict<std::string, std::shared_ptr<Module>> named_children() const;

  // Calls f on this module and all below it.
  void apply(const std::function<void(Module&)>& f);
  void apply(const std::function<void(const std::string&, Module&)>& f,
             const std::string& name_prefix = std::string());

  // Training mode decides what dropout does; eval() is train(false).
  virtual void train(bool on = true);
  void eval();
  virtual bool is_training() const noexcept;
  // Converts parameters and buffers, integer buffers too.
  virtual void to(ScalarType dtype);
  virtual void to(Device) {}
  // Drops the gradients of all parameters, or sets them to zero.
  virtual void zero_grad(bool set_to_none = true);

  // A copy of its own: clones parameters, buffers and submodules. Cloneable<Derived> implements it.
  virtual std::shared_ptr<Module> clone() const;

  // The one line that printing shows, "torch::nn::Linear(in_features=4, out_features=5, bias=true)".
  virtual void pretty_print(std::ostream& stream) const;

  // The module as the derived type, null if it is another; by reference: Error if it is another.
  template <class T>
  auto* as() noexcept {
    return dynamic_cast<ContainedType<T>*>(this);
  }
  template <class T>
  const auto* as() const noexcept {
    return dynamic_cast<const ContainedType<T>*>(this);
  }

  // An undefined tensor registers a parameter that is not there (a layer without bias); it is left
  // out of parameters(). Integer parameters must not require grad.
  Tensor& register_parameter(std::string name, Tensor tensor, bool requires_grad = true);
  Tensor& register_buffer(std::string name, Tensor tensor);
  template <class T>
  std::shared_ptr<T> register_module(std::string name, std::shared_ptr<T> module) {
    add_module(std::move(name), module);
    return module;
  }
  // A module holder, such as nn::Linear.
  template <class Holder>
    requires requires(Holder holder) { holder.ptr(); }
  Holder register_module(std::string name, Holder module) {
    add_module(std::move(name), module.ptr());
    return module;
  }
  template <class T>
  std::shared_ptr<T> replace_module(const std::string& name, std::shared_ptr<T> module) {
    exchange_module(name, module);
    return module;
  }
  void unregister_module(const std::string& name);

 protected:
  void add_module(std::string name, std::shared_ptr<Module> module);
  void exchange_module(const std::string& name, std::shared_ptr<Module> module);
  // What clone() is made of: drops parameters, buffers and children; copies those of another module
  // of the same type in, the children by clone_().
  void forget_registered();
  void copy_registered(const Module& from);
  // Becomes a copy of another module of the same type: of a Cloneable all members, else what is
  // registered.
  virtual void clone_(const Module& other);

  OrderedDict<std::string, Tensor> parameters_;
  OrderedDict<std::string, Tensor> buffers_;
  OrderedDict<std::string, std::shared_ptr<Module>> children_;
  bool is_training_ = true;

 private:
  friend SIMDGRAD_API std::ostream& operator<<(std::ostream& stream, const Module& module);
  template <class T, class = void>
  struct Contained {
    using type = T;
  };
  template <class T>
  struct Contained<T, std::void_t<typename T::ContainedType>> {
    using type = typename T::ContainedType;
  };
  template <class T>
  using ContainedType = typename Contained<T>::type;
  template <class Visit>
  void visit_tree(const std::string& prefix, const Visit& visit) const;
  void print_tree(std::ostream& stream, const std::string& indentation) const;

  mutable std::string name_;
};

// Prints the module and what is below it, as Python does.
SIMDGRAD_API std::ostream& operator<<(std::ostream& stream, const Module& module);

// Gives Derived a clone(): made anew by reset(), then filled with copies of the tensors.
template <class Derived>
class Cloneable : public Module {
 public:
  using Module::Module;
  // Makes parameters, buffers and submodules anew.
  virtual void reset() = 0;
  std::shared_ptr<Module> clone() const override {
    auto copy = std::make_shared<Derived>(static_cast<const Derived&>(*this));
    Cloneable& to = *copy;
    to.forget_registered();
    to.reset();
    to.copy_registered(*this);
    return copy;
  }

 protected:
  void clone_(const Module& other) override {
    if constexpr (std::is_copy_assignable_v<Derived>) {
      const auto copy = std::dynamic_pointer_cast<Derived>(other.clone());
      SIMDGRAD_CHECK(copy, "Attempted to clone submodule, but it is of a different type than the "
                           "submodule it was to be cloned into");
      static_cast<Derived&>(*this) = *copy;
    } else {
      Module::clone_(other);
    }
  }
};

// A shared pointer to a module that acts like a value: nn::Linear holds an nn::LinearImpl. Copies
// share the module.
template <class ContainedModule>
class ModuleHolder {
 public:
  using ContainedType = ContainedModule;

  // Default options; for modules that have none without arguments use nullptr.
  ModuleHolder() : impl_(default_construct()) {}
  ModuleHolder(std::nullptr_t) {}
  template <class Head, class... Tail>
    requires(!std::is_base_of_v<ModuleHolder, std::decay_t<Head>> &&
             !std::is_convertible_v<Head, std::shared_ptr<ContainedModule>>)
  explicit ModuleHolder(Head&& head, Tail&&... tail)
      : impl_(std::make_shared<ContainedModule>(std::forward<Head>(head),
                                                std::forward<Tail>(tail)...)) {}
  ModuleHolder(std::shared_ptr<ContainedModule> module) : impl_(std::move(module)) {}

  explicit operator bool() const noexcept { return !is_empty(); }
  ContainedModule* operator->() { return get(); }
  const ContainedModule* operator->() const { return get(); }
  ContainedModule& operator*() { return *get(); }
  const ContainedModule& operator*() const { return *get(); }
  const std::shared_ptr<ContainedModule>& ptr() const {
    check();
    return impl_;
  }
  ContainedModule* get() {
    check();
    return impl_.get();
  }
  const ContainedModule* get() const {
    check();
    return impl_.get();
  }
  bool is_empty() const noexcept { return impl_ == nullptr; }

  template <class... Args>
  auto operator()(Args&&... args) {
    return get()->forward(std::forward<Args>(args)...);
  }
  template <class Arg>
  decltype(auto) operator[](Arg&& arg) {
    return (*get())[std::forward<Arg>(arg)];
  }

 protected:
  std::shared_ptr<ContainedModule> impl_;

 private:
  static std::shared_ptr<ContainedModule> default_construct() {
    if constexpr (std::is_default_constructible_v<ContainedModule>)
      return std::make_shared<ContainedModule>();
    else
      return nullptr;
  }
  void check() const {
    SIMDGRAD_CHECK(impl_, "Accessing empty ModuleHolder");
  }
};

template <class ContainedModule>
std::ostream& operator<<(std::ostream& stream, const ModuleHolder<ContainedModule>& module) {
  return stream << static_cast<const Module&>(*module);
}

// class Name : public ModuleHolder<NameImpl>
#define SIMDGRAD_MODULE(Name) SIMDGRAD_MODULE_IMPL(Name, Name##Impl)
#define SIMDGRAD_MODULE_IMPL(Name, Impl)                                   \
  class Name : public ::simdgrad::nn::ModuleHolder<Impl> {                 \
   public:                                                                 \
    using ::simdgrad::nn::ModuleHolder<Impl>::ModuleHolder;                \
    using Impl##_ [[maybe_unused]] = Impl;                                 \
  }

// A field of an options struct: `options.name(value)` sets it, `options.name()` reads it.
#define SIMDGRAD_ARG(Type, name)                                              \
 public:                                                                      \
  auto name(const Type& new_##name)->decltype(*this) {                        \
    this->name##_ = new_##name;                                               \
    return *this;                                                             \
  }                                                                           \
  auto name(Type&& new_##name)->decltype(*this) {                             \
    this->name##_ = std::move(new_##name);                                    \
    return *this;                                                             \
  }                                                                           \
  const Type& name() const noexcept { return this->name##_; }                 \
  Type& name() noexcept { return this->name##_; }                             \
                                                                              \
 private:                                                                     \
  Type name##_

}  // namespace simdgrad::nn
