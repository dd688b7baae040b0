// SGD over the fused step; row-sparse gradients by addition.
#include <simdgrad/autograd.h>
#include <simdgrad/creation.h>
#include <simdgrad/fused_optimizers.h>
#include <simdgrad/optim/sgd.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/sparse.h>
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
  const auto& options = checked_as<const SGDOptions>(given, "SGD", "options");
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
    const auto& options = checked_as<const SGDOptions>(group.options(), "SGD", "options");
    for (const Tensor& parameter : group.params()) {
      if (!parameter.grad().defined()) continue;
      check_parameter(parameter, "SGD");
      SIMDGRAD_CHECK(options.weight_decay() == 0 || !parameter.grad().is_sparse(),
                     "add(sparse, dense) is not supported. Use add(dense, sparse) instead.");
    }
  }
  changes_.clear();
  for (const OptimizerParamGroup& group : groups_) prepare(group);
  check_indices();
  // Adding a row-sparse gradient takes memory of its own, a dense step none: those rows go first.
  for (Change& change : changes_)
    if (change.gradient.is_sparse()) apply(change);
  for (Change& change : changes_)
    if (!change.gradient.is_sparse()) apply(change);
  changes_.clear();
  return loss;
}

// All memory first: running out of it here changes nothing that counts.
void SGD::prepare(const OptimizerParamGroup& group) {
  const auto& options = static_cast<const SGDOptions&>(group.options());
  for (const Tensor& parameter : group.params()) {
    const Tensor& gradient = parameter.grad();
    if (!gradient.defined()) continue;
    Change& change = changes_.emplace_back(Change{&options, parameter, gradient, {}, nullptr, false});
    if (options.momentum() == 0) continue;
    std::unique_ptr<OptimizerParamState>& state =
        state_of(state_, parameter, [] { return std::make_unique<SGDParamState>(); });
    change.buffer = &checked_as<SGDParamState>(*state, "SGD", "a state").momentum_buffer();
    change.first = !change.buffer->defined();
    if (!gradient.is_sparse()) {
      SIMDGRAD_CHECK(change.first || !change.buffer->is_sparse(),
                     "add(sparse, dense) is not supported. Use add(dense, sparse) instead.");
      if (change.first) change.next = empty_like(parameter);
      continue;
    }
    // Coalesced, so that the buffer has one entry per row ever touched.
    change.next = change.first ? gradient.detach().clone().coalesce()
                               : change.buffer->mul(options.momentum())
                                     .add(gradient, 1 - options.dampening())
                                     .coalesce();
    change.gradient = options.nesterov() ? gradient.add(change.next, options.momentum()) : change.next;
  }
}

// A sparse gradient's indices may be a caller's buffer that was written over. What is applied first looks
// at its own before it changes anything.
void SGD::check_indices() const {
  bool first = true;
  for (const Change& change : changes_) {
    if (!change.gradient.is_sparse()) continue;
    if (!std::exchange(first, false))
      _validate_sparse_coo_tensor_args(change.gradient._indices(), change.gradient._values(),
                                       change.gradient.sizes());
  }
}

void SGD::apply(Change& change) {
  const SGDOptions& options = *change.options;
  if (change.gradient.is_sparse()) {
    // Through detach(): a parameter that requires grad is a leaf, which no operation may change.
    change.parameter.detach().add_(change.gradient, -options.lr());
    if (change.next.defined()) *change.buffer = std::move(change.next);
    return;
  }
  if (change.next.defined()) *change.buffer = std::move(change.next);
  _fused_sgd_(change.parameter, change.gradient,
              change.buffer ? TensorList(*change.buffer) : TensorList(), options.weight_decay(),
              options.momentum(), options.lr(), options.dampening(), options.nesterov(), false,
              change.first);
}

}  // namespace simdgrad::optim
