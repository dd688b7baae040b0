// Sequential: modules kept under their names and run one after the other.
#include <simdgrad/nn/sequential.h>

#include <ostream>

namespace simdgrad::nn {

SequentialImpl::SequentialImpl() = default;

SequentialImpl::SequentialImpl(std::initializer_list<NamedAnyModule> modules) {
  for (const NamedAnyModule& entry : modules) append(entry.name(), entry.module());
}

SequentialImpl::SequentialImpl(OrderedDict<std::string, AnyModule>&& modules) {
  for (auto& entry : modules) append(entry.key(), std::move(entry.value()));
}

void SequentialImpl::append(std::string name, AnyModule module) {
  register_module(std::move(name), module.ptr());
  modules_.push_back(std::move(module));
}

std::shared_ptr<Module> SequentialImpl::clone() const {
  auto copy = std::make_shared<SequentialImpl>();
  for (size_t i = 0; i < modules_.size(); ++i)
    copy->append(children_[i].key(), modules_[i].with(modules_[i].ptr()->clone()));
  copy->is_training_ = is_training_;
  return copy;
}

void SequentialImpl::pretty_print(std::ostream& stream) const { stream << "torch::nn::Sequential"; }

Tensor SequentialImpl::run(const Tensor* inputs, size_t count) {
  SIMDGRAD_CHECK(!is_empty(), "Cannot call forward() on an empty Sequential");
  Tensor value = modules_[0].forward_list(inputs, count);
  for (size_t i = 1; i < modules_.size(); ++i) value = modules_[i].forward_list(&value, 1);
  return value;
}

const AnyModule& SequentialImpl::checked(size_t index) const {
  SIMDGRAD_CHECK(index < modules_.size(), "Index out of range");
  return modules_[index];
}

}  // namespace simdgrad::nn
