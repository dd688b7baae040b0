// What all optimizers share, as torch::optim::Optimizer.
#pragma once

#include <simdgrad/tensor.h>

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

namespace simdgrad::optim {

// Settings of one group of parameters; each optimizer has its own.
class SIMDGRAD_API OptimizerOptions {
 public:
  virtual ~OptimizerOptions();
  virtual std::unique_ptr<OptimizerOptions> clone() const = 0;
  virtual double get_lr() const = 0;
  virtual void set_lr(double lr) = 0;
  // Takes the value of every option that stands at its class's own default from `defaults`: what a
  // group of parameters was not told, it has from its optimizer.
  virtual void inherit(const OptimizerOptions& defaults);
};

// What an optimizer remembers of one parameter.
class SIMDGRAD_API OptimizerParamState {
 public:
  virtual ~OptimizerParamState();
  virtual std::unique_ptr<OptimizerParamState> clone() const = 0;
};

// Gives Derived its clone().
template <class Derived, class Base>
class CloneableAs : public Base {
 public:
  std::unique_ptr<Base> clone() const override {
    return std::make_unique<Derived>(static_cast<const Derived&>(*this));
  }
};

// Parameters that share settings. Options that are not given, or are given as their class's default,
// are the optimizer's.
class SIMDGRAD_API OptimizerParamGroup {
 public:
  OptimizerParamGroup(std::vector<Tensor> params) : params_(std::move(params)) {}
  OptimizerParamGroup(std::vector<Tensor> params, std::unique_ptr<OptimizerOptions> options)
      : params_(std::move(params)), options_(std::move(options)) {}
  OptimizerParamGroup(const OptimizerParamGroup& other);
  OptimizerParamGroup(OptimizerParamGroup&&) noexcept = default;
  OptimizerParamGroup& operator=(OptimizerParamGroup&&) noexcept = default;

  bool has_options() const { return options_ != nullptr; }
  // Error where there are none.
  OptimizerOptions& options();
  const OptimizerOptions& options() const;
  void set_options(std::unique_ptr<OptimizerOptions> options) { options_ = std::move(options); }
  std::vector<Tensor>& params() { return params_; }
  const std::vector<Tensor>& params() const { return params_; }

 private:
  std::vector<Tensor> params_;
  std::unique_ptr<OptimizerOptions> options_;
};

// Changes parameters by their gradients. step() skips parameters without one, checks everything and
// makes all memory it needs before it changes anything: a step that fails leaves parameters and
// state as they were. It records no graph and adds one to the version of what it changes.
class SIMDGRAD_API Optimizer {
 public:
  using LossClosure = std::function<Tensor()>;
  using StateMap = std::unordered_map<const void*, std::unique_ptr<OptimizerParamState>>;

  Optimizer(std::vector<OptimizerParamGroup> groups, std::unique_ptr<OptimizerOptions> defaults);
  virtual ~Optimizer();
  Optimizer(const Optimizer&) = delete;
  Optimizer(Optimizer&&) = default;

  // One step. The closure, if given, computes the loss (and its gradients) first, with grad mode on;
  // its result is returned.
  virtual Tensor step(LossClosure closure = nullptr) = 0;
  // Drops the gradients of all parameters, or sets them to zero.
  void zero_grad(bool set_to_none = true);

  // Errors: "can't optimize a non-leaf Tensor", a parameter that another group has: "some parameters
  // appear in more than one parameter group".
  void add_param_group(const OptimizerParamGroup& group);
  void add_parameters(const std::vector<Tensor>& parameters);
  const std::vector<Tensor>& parameters() const;
  std::vector<OptimizerParamGroup>& param_groups() { return groups_; }
  const std::vector<OptimizerParamGroup>& param_groups() const { return groups_; }
  OptimizerOptions& defaults() { return *defaults_; }
  const OptimizerOptions& defaults() const { return *defaults_; }
  // By Tensor's identity: state()[state_key(parameter)].
  StateMap& state() { return state_; }
  const StateMap& state() const { return state_; }
  static const void* state_key(const Tensor& parameter) { return parameter.counted(); }
  size_t size() const;

  // The state of a parameter, made by make() where there is none yet; a make() that fails leaves none.
  template <class Make>
  static std::unique_ptr<OptimizerParamState>& state_of(StateMap& states, const Tensor& parameter,
                                                        const Make& make) {
    const auto found = states.find(state_key(parameter));
    if (found != states.end() && found->second) return found->second;
    std::unique_ptr<OptimizerParamState> fresh = make();
    return states[state_key(parameter)] = std::move(fresh);
  }

 protected:
  // Throws if these settings cannot be used.
  virtual void check_options(const OptimizerOptions& options) const = 0;
  static Tensor run_closure(const LossClosure& closure);

  std::vector<OptimizerParamGroup> groups_;
  StateMap state_;
  std::unique_ptr<OptimizerOptions> defaults_;
};

}  // namespace simdgrad::optim
