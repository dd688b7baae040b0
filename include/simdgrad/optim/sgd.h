// Stochastic gradient descent, as torch::optim::SGD.
#pragma once

#include <simdgrad/nn/module.h>
#include <simdgrad/optim/optimizer.h>

#include <optional>

namespace simdgrad::optim {

struct SIMDGRAD_API SGDOptions : CloneableAs<SGDOptions, OptimizerOptions> {
  SGDOptions(double lr = 1e-3) : lr_(lr) {}
  SIMDGRAD_ARG(double, lr);
  SIMDGRAD_ARG(double, momentum) = 0;
  SIMDGRAD_ARG(double, dampening) = 0;
  SIMDGRAD_ARG(double, weight_decay) = 0;
  SIMDGRAD_ARG(bool, nesterov) = false;

 public:
  double get_lr() const override { return lr_; }
  void set_lr(double lr) override { lr_ = lr; }
  void inherit(const OptimizerOptions& defaults) override;
  bool operator==(const SGDOptions& other) const;
};

struct SIMDGRAD_API SGDParamState : CloneableAs<SGDParamState, OptimizerParamState> {
  SIMDGRAD_ARG(Tensor, momentum_buffer);

 public:
  bool operator==(const SGDParamState& other) const;
};

// w -= lr g, with momentum, dampening, weight decay and Nesterov's form as in PyTorch (the formula
// stands at _fused_sgd_).
//
// A row-sparse gradient changes the rows it has, and equals the dense step without momentum. With
// momentum the buffer is row-sparse too and holds every row ever touched, all of which move at each
// step, as in the dense step (PyTorch's exact semantics: the cost is that of the rows ever touched).
// Weight decay on a row-sparse gradient: "add(sparse, dense) is not supported. Use add(dense,
// sparse) instead.".
//
// Errors: "Invalid learning rate: -1", "Invalid momentum value: -1", "Invalid weight_decay value:
// -1", "Nesterov momentum requires a momentum and zero dampening".
class SIMDGRAD_API SGD : public Optimizer {
 public:
  explicit SGD(std::vector<OptimizerParamGroup> groups, SGDOptions defaults = {});
  explicit SGD(std::vector<Tensor> params, SGDOptions defaults = {});
  Tensor step(LossClosure closure = nullptr) override;

 protected:
  void check_options(const OptimizerOptions& options) const override;

 private:
  // What a step will do to one parameter: `next` becomes its buffer, then it goes along `gradient`.
  struct Change {
    const SGDOptions* options;
    Tensor parameter, gradient, next;
    Tensor* buffer;
    bool first;
  };
  void prepare(const OptimizerParamGroup& group);
  void check_indices() const;
  static void apply(Change& change);

  std::vector<Change> changes_;  // of the present step; kept for its memory
};

}  // namespace simdgrad::optim
