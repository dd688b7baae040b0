// Adam and AdamW over the fused steps.
#include <simdgrad/autograd.h>
#include <simdgrad/creation.h>
#include <simdgrad/fused_optimizers.h>
#include <simdgrad/optim/adam.h>

#include "optim/options.h"

namespace simdgrad::optim {

bool AdamOptions::operator==(const AdamOptions& other) const {
  return lr_ == other.lr_ && betas_ == other.betas_ && eps_ == other.eps_ &&
         weight_decay_ == other.weight_decay_ && amsgrad_ == other.amsgrad_;
}

bool AdamWOptions::operator==(const AdamWOptions& other) const {
  return lr_ == other.lr_ && betas_ == other.betas_ && eps_ == other.eps_ &&
         weight_decay_ == other.weight_decay_ && amsgrad_ == other.amsgrad_;
}

namespace {

template <class Options>
void inherit_adam(Options& options, const OptimizerOptions& defaults) {
  const auto* from = dynamic_cast<const Options*>(&defaults);
  if (!from) return;
  const Options fresh;
  inherit_unset(options.lr(), fresh.lr(), from->lr());
  inherit_unset(options.betas(), fresh.betas(), from->betas());
  inherit_unset(options.eps(), fresh.eps(), from->eps());
  inherit_unset(options.weight_decay(), fresh.weight_decay(), from->weight_decay());
  inherit_unset(options.amsgrad(), fresh.amsgrad(), from->amsgrad());
}

}  // namespace

void AdamOptions::inherit(const OptimizerOptions& defaults) {
  inherit_adam(*this, defaults);
}
void AdamWOptions::inherit(const OptimizerOptions& defaults) {
  inherit_adam(*this, defaults);
}

bool AdamParamState::operator==(const AdamParamState& other) const {
  return step_ == other.step_ && same_numbers(exp_avg_, other.exp_avg_) &&
         same_numbers(exp_avg_sq_, other.exp_avg_sq_) &&
         same_numbers(max_exp_avg_sq_, other.max_exp_avg_sq_);
}

namespace {

template <class Options>
void check_adam_options(const Options& options) {
  const auto [beta1, beta2] = options.betas();
  SIMDGRAD_CHECK(options.lr() >= 0, "Invalid learning rate: ", options.lr());
  SIMDGRAD_CHECK(options.eps() >= 0, "Invalid epsilon value: ", options.eps());
  SIMDGRAD_CHECK(beta1 >= 0 && beta1 < 1, "Invalid beta parameter at index 0: ", beta1);
  SIMDGRAD_CHECK(beta2 >= 0 && beta2 < 1, "Invalid beta parameter at index 1: ", beta2);
  SIMDGRAD_CHECK(options.weight_decay() >= 0, "Invalid weight_decay value: ",
                 options.weight_decay());
}

using FusedStep = decltype(&_fused_adam_);

template <class Options>
void step_groups(std::vector<OptimizerParamGroup>& groups, Optimizer::StateMap& states,
                 const char* name, FusedStep fused) {
  // Refusals and memory first: if either fails, no parameter has changed.
  for (OptimizerParamGroup& group : groups) {
    for (const Tensor& parameter : group.params()) {
      const Tensor& gradient = parameter.grad();
      if (!gradient.defined()) continue;
      SIMDGRAD_CHECK(!gradient.is_sparse(), name, " does not support sparse gradients");
      check_parameter(parameter, name);
    }
  }
  for (OptimizerParamGroup& group : groups) {
    const bool amsgrad = checked_as<Options>(group.options(), name, "options").amsgrad();
    for (const Tensor& parameter : group.params()) {
      if (!parameter.grad().defined()) continue;
      std::unique_ptr<OptimizerParamState>& state = Optimizer::state_of(states, parameter, [&] {
        auto fresh = std::make_unique<AdamParamState>();
        fresh->exp_avg(zeros_like(parameter));
        fresh->exp_avg_sq(zeros_like(parameter));
        return fresh;
      });
      auto& adam = checked_as<AdamParamState>(*state, name, "a state");
      if (amsgrad && !adam.max_exp_avg_sq().defined()) adam.max_exp_avg_sq(zeros_like(parameter));
    }
  }
  for (OptimizerParamGroup& group : groups) {
    const auto& options = static_cast<const Options&>(group.options());
    const auto [beta1, beta2] = options.betas();
    for (const Tensor& parameter : group.params()) {
      if (!parameter.grad().defined()) continue;
      auto& state = static_cast<AdamParamState&>(*states.at(Optimizer::state_key(parameter)));
      const int64_t step = state.step() + 1;
      fused(parameter, parameter.grad(), state.exp_avg(), state.exp_avg_sq(),
            options.amsgrad() ? TensorList(state.max_exp_avg_sq()) : TensorList(), step,
            options.lr(), beta1, beta2, options.weight_decay(), options.eps(), options.amsgrad(),
            false);
      state.step(step);
    }
  }
}

}  // namespace

Adam::Adam(std::vector<OptimizerParamGroup> groups, AdamOptions defaults)
    : Optimizer(std::move(groups), std::make_unique<AdamOptions>(defaults)) {
  Adam::check_options(*defaults_);
  for (const OptimizerParamGroup& group : groups_) Adam::check_options(group.options());
}

Adam::Adam(std::vector<Tensor> params, AdamOptions defaults)
    : Adam(one_group(std::move(params)), std::move(defaults)) {}

void Adam::check_options(const OptimizerOptions& options) const {
  check_adam_options(checked_as<const AdamOptions>(options, "Adam", "options"));
}

Tensor Adam::step(LossClosure closure) {
  Tensor loss = run_closure(closure);
  const NoGradGuard no_grad;
  step_groups<AdamOptions>(groups_, state_, "Adam", &_fused_adam_);
  return loss;
}

AdamW::AdamW(std::vector<OptimizerParamGroup> groups, AdamWOptions defaults)
    : Optimizer(std::move(groups), std::make_unique<AdamWOptions>(defaults)) {
  AdamW::check_options(*defaults_);
  for (const OptimizerParamGroup& group : groups_) AdamW::check_options(group.options());
}

AdamW::AdamW(std::vector<Tensor> params, AdamWOptions defaults)
    : AdamW(one_group(std::move(params)), std::move(defaults)) {}

void AdamW::check_options(const OptimizerOptions& options) const {
  check_adam_options(checked_as<const AdamWOptions>(options, "AdamW", "options"));
}

Tensor AdamW::step(LossClosure closure) {
  Tensor loss = run_closure(closure);
  const NoGradGuard no_grad;
  step_groups<AdamWOptions>(groups_, state_, "AdamW", &_fused_adamw_);
  return loss;
}

}  // namespace simdgrad::optim
