// Optimizer: groups, zero_grad, closures.
#include <simdgrad/autograd.h>
#include <simdgrad/optim/optimizer.h>

namespace simdgrad::optim {

OptimizerOptions::~OptimizerOptions() = default;
void OptimizerOptions::inherit(const OptimizerOptions&) {}
OptimizerParamState::~OptimizerParamState() = default;

OptimizerParamGroup::OptimizerParamGroup(const OptimizerParamGroup& other)
    : params_(other.params_), options_(other.options_ ? other.options_->clone() : nullptr) {}

const OptimizerOptions& OptimizerParamGroup::options() const {
  SIMDGRAD_CHECK(options_, "options: the group has none of its own");
  return *options_;
}
OptimizerOptions& OptimizerParamGroup::options() {
  return const_cast<OptimizerOptions&>(std::as_const(*this).options());
}

Optimizer::Optimizer(std::vector<OptimizerParamGroup> groups,
                     std::unique_ptr<OptimizerOptions> defaults)
    : defaults_(std::move(defaults)) {
  SIMDGRAD_CHECK(defaults_, "Optimizer: got no default options");
  for (const OptimizerParamGroup& group : groups) {
    // The derived class checks its own options once it exists; here only what all share.
    add_param_group(group);
  }
}

Optimizer::~Optimizer() = default;

void Optimizer::zero_grad(bool set_to_none) {
  for (OptimizerParamGroup& group : groups_) {
    for (Tensor& parameter : group.params()) {
      Tensor& gradient = parameter.mutable_grad();
      if (!gradient.defined()) continue;
      if (set_to_none) {
        gradient.reset();
      } else {
        gradient.detach_();
        gradient.zero_();
      }
    }
  }
}

void Optimizer::add_param_group(const OptimizerParamGroup& group) {
  for (const Tensor& parameter : group.params()) {
    SIMDGRAD_CHECK(parameter.defined(), "optimizer: got an undefined parameter");
    SIMDGRAD_CHECK(parameter.is_leaf(), "can't optimize a non-leaf Tensor");
    for (const OptimizerParamGroup& other : groups_)
      for (const Tensor& taken : other.params())
        SIMDGRAD_CHECK(!parameter.is_same(taken),
                       "some parameters appear in more than one parameter group");
  }
  OptimizerParamGroup added(group);
  if (added.has_options()) {
    added.options().inherit(*defaults_);
  } else {
    added.set_options(defaults_->clone());
  }
  groups_.push_back(std::move(added));
}

void Optimizer::add_parameters(const std::vector<Tensor>& parameters) {
  SIMDGRAD_CHECK(!groups_.empty(), "add_parameters: the optimizer has no parameter group");
  std::vector<Tensor>& own = groups_[0].params();
  own.insert(own.end(), parameters.begin(), parameters.end());
}

const std::vector<Tensor>& Optimizer::parameters() const {
  SIMDGRAD_CHECK(!groups_.empty(), "parameters: the optimizer has no parameter group");
  return groups_[0].params();
}

size_t Optimizer::size() const {
  size_t count = 0;
  for (const OptimizerParamGroup& group : groups_) count += group.params().size();
  return count;
}

Tensor Optimizer::run_closure(const LossClosure& closure) {
  if (!closure) return {};
  const AutoGradMode with_grad(true);
  return closure();
}

}  // namespace simdgrad::optim
