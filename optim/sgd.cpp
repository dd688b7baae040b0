#include <simdgrad/autograd.h>
#include <simdgrad/creation.h>
#include <simdgrad/fused_optimizers.h>
#include <simdgrad/optim/sgd.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/views.h>

#include "optim/options.h"

namespace simdgrad::optim {

bool SGDOptions::operator==(const SGDOptions& other) const {
  return lr_ == other.lr_ && momentum_ == other.momentum_ && dampening_ == other.dampening_ &&
         weight_decay_ == other.weight_decay_ && nesterov_ == other.nesterov_;
}

void SGDOptions::inherit(const OptimizerOptions& defaults) {
  const auto* from = dynamic_cast<const SGDOptions*>(&defaults);
  if (!from) return;
  const SGDOptions fresh;
  inherit_unset(lr_, fresh.lr_, from->lr_);
  inherit_unset(momentum_, fresh.momentum_, from->momentum_);
  inherit_unset(dampening_, fresh.dampening_, from->dampening_);
  inherit_unset(weight_decay_, fresh.weight_decay_, from->weight_decay_);
  inherit_unset(nesterov_, fresh.nesterov_, from->nesterov_);
}

bool SGDParamState::operator==(const SGDParamState& other) const {
  return same_numbers(momentum_buffer_, other.momentum_buffer_);
}

SGD::SGD(std::vector<OptimizerParamGroup> groups, SGDOptions defaults)
    : Optimizer(std::move(groups), std::make_unique<SGDOptions>(defaults)) {
  SGD::check_options(*defaults_);
  for (const OptimizerParamGroup& group : groups_) SGD::check_options(group.options());
}

SGD::SGD(std::vector<Tensor> params, SGDOptions defaults)
    : SGD(one_group(std::move(params)), std::move(defaults)) {}

void SGD::check_options(const OptimizerOptions& given) const {
  const auto& options = static_cast<const SGDOptions&>(given);
  SIMDGRAD_CHECK(options.lr() >= 0, "Invalid learning rate: ", options.lr());
  SIMDGRAD_CHECK(options.momentum() >= 0, "Invalid momentum value: ", options.momentum());
  SIMDGRAD_CHECK(options.weight_decay() >= 0, "Invalid weight_decay value: ",
                 options.weight_decay());
  SIMDGRAD_CHECK(!options.nesterov() || (options.momentum() > 0 && options.dampening() == 0),
                 "Nesterov momentum requires a momentum and zero dampening");
}

Tensor SGD::step(LossClosure closure) {
  Tensor loss = run_closure(closure);
  const NoGradGuard no_grad;
  for (OptimizerParamGroup& group : groups_) {
    const auto& options = static_cast<const SGDOptions&>(group.options());
    for (const Tensor& parameter : group.params()) {
      if (!parameter.grad().defined() || !parameter.grad().is_sparse()) continue;
      SIMDGRAD_CHECK(options.weight_decay() == 0,
                     "add(sparse, dense) is not supported. Use add(dense, sparse) instead.");
    }
  }
  for (OptimizerParamGroup& group : groups_) step_group(group);
  return loss;
}

void SGD::step_group(OptimizerParamGroup& group) {
  const auto& options = static_cast<const SGDOptions&>(group.options());
  const bool buffered = options.momentum() != 0;
  // Buffers first: running out of memory here changes no parameter.
  if (buffered) {
    for (const Tensor& parameter : group.params()) {
      if (!parameter.grad().defined()) continue;
      std::unique_ptr<OptimizerParamState>& state = state_[state_key(parameter)];
      if (!state) state = std::make_unique<SGDParamState>();
    }
  }
  for (Tensor& parameter : group.params()) {
    const Tensor& gradient = parameter.grad();
    if (!gradient.defined()) continue;
    if (gradient.is_sparse()) {
      step_sparse(parameter, gradient, options);
      continue;
    }
    Tensor* buffer = nullptr;
    bool first = false;
    if (buffered) {
      buffer = &static_cast<SGDParamState&>(*state_.at(state_key(parameter))).momentum_buffer();
      first = !buffer->defined();
      if (first) *buffer = empty_like(parameter);
    }
    _fused_sgd_(parameter, gradient, buffer ? TensorList(*buffer) : TensorList(),
                options.weight_decay(), options.momentum(), options.lr(), options.dampening(),
                options.nesterov(), false, first);
  }
}

void SGD::step_sparse(Tensor& parameter, const Tensor& gradient, const SGDOptions& options) {
  // Through data(): a parameter that requires grad is a leaf, which no operation may change.
  Tensor weight = parameter.detach();
  if (options.momentum() == 0) {
    weight.add_(gradient, -options.lr());
    return;
  }
  Tensor& buffer = static_cast<SGDParamState&>(*state_.at(state_key(parameter))).momentum_buffer();
  // Coalesced, so that the buffer has one entry per row ever touched.
  Tensor next = buffer.defined()
                    ? buffer.mul(options.momentum()).add(gradient, 1 - options.dampening()).coalesce()
                    : gradient.detach().clone().coalesce();
  if (options.nesterov()) {
    weight.add_(gradient.add(next, options.momentum()), -options.lr());
  } else {
    weight.add_(next, -options.lr());
  }
  buffer = std::move(next);
}

}  // namespace simdgrad::optim
