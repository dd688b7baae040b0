// Adam and AdamW, as torch::optim::Adam and torch::optim::AdamW.
#pragma once

#include <simdgrad/nn/module.h>
#include <simdgrad/optim/optimizer.h>

#include <tuple>

namespace simdgrad::optim {

struct SIMDGRAD_API AdamOptions : CloneableAs<AdamOptions, OptimizerOptions> {
  AdamOptions(double lr = 1e-3) : lr_(lr) {}
  using Betas = std::tuple<double, double>;
  SIMDGRAD_ARG(double, lr);
  SIMDGRAD_ARG(Betas, betas) = std::make_tuple(0.9, 0.999);
  SIMDGRAD_ARG(double, eps) = 1e-8;
  SIMDGRAD_ARG(double, weight_decay) = 0;
  SIMDGRAD_ARG(bool, amsgrad) = false;

 public:
  double get_lr() const override { return lr_; }
  void set_lr(double lr) override { lr_ = lr; }
  void inherit(const OptimizerOptions& defaults) override;
  bool operator==(const AdamOptions& other) const;
};

struct SIMDGRAD_API AdamParamState : CloneableAs<AdamParamState, OptimizerParamState> {
  SIMDGRAD_ARG(int64_t, step) = 0;
  SIMDGRAD_ARG(Tensor, exp_avg);
  SIMDGRAD_ARG(Tensor, exp_avg_sq);
  SIMDGRAD_ARG(Tensor, max_exp_avg_sq) = {};

 public:
  bool operator==(const AdamParamState& other) const;
};

struct SIMDGRAD_API AdamWOptions : CloneableAs<AdamWOptions, OptimizerOptions> {
  AdamWOptions(double lr = 1e-3) : lr_(lr) {}
  using Betas = std::tuple<double, double>;
  SIMDGRAD_ARG(double, lr);
  SIMDGRAD_ARG(Betas, betas) = std::make_tuple(0.9, 0.999);
  SIMDGRAD_ARG(double, eps) = 1e-8;
  SIMDGRAD_ARG(double, weight_decay) = 1e-2;
  SIMDGRAD_ARG(bool, amsgrad) = false;

 public:
  double get_lr() const override { return lr_; }
  void set_lr(double lr) override { lr_ = lr; }
  void inherit(const OptimizerOptions& defaults) override;
  bool operator==(const AdamWOptions& other) const;
};
using AdamWParamState = AdamParamState;

// Adaptive moments, Kingma and Ba 2014, with amsgrad of Reddi et al. 2018; weight decay goes through
// the gradient. The formula stands at _fused_adam_. Row-sparse gradients are refused: "Adam does not
// support sparse gradients". Errors: "Invalid learning rate: -1", "Invalid epsilon value: -1",
// "Invalid beta parameter at index 0: 1.5", "Invalid weight_decay value: -1".
class SIMDGRAD_API Adam : public Optimizer {
 public:
  explicit Adam(std::vector<OptimizerParamGroup> groups, AdamOptions defaults = {});
  explicit Adam(std::vector<Tensor> params, AdamOptions defaults = {});
  Tensor step(LossClosure closure = nullptr) override;

 protected:
  void check_options(const OptimizerOptions& options) const override;
};

// Adam with decoupled weight decay, Loshchilov and Hutter 2017. As Adam otherwise.
class SIMDGRAD_API AdamW : public Optimizer {
 public:
  explicit AdamW(std::vector<OptimizerParamGroup> groups, AdamWOptions defaults = {});
  explicit AdamW(std::vector<Tensor> params, AdamWOptions defaults = {});
  Tensor step(LossClosure closure = nullptr) override;

 protected:
  void check_options(const OptimizerOptions& options) const override;
};

}  // namespace simdgrad::optim
