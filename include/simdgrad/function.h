// Functions with a derivative of one's own, as torch::autograd::Function.
//
//   struct Cube : autograd::Function<Cube> {
//     static Tensor forward(autograd::AutogradContext* ctx, const Tensor& x) {
//       ctx->save_for_backward({x});
//       return x * x * x;
//     }
//     static autograd::variable_list backward(autograd::AutogradContext* ctx,
//                                             autograd::variable_list grad_outputs) {
//       const Tensor x = ctx->get_saved_variables()[0];
//       return {grad_outputs[0] * 3 * x * x};
//     }
//   };
//   Tensor y = Cube::apply(x);
#pragma once

#include <simdgrad/autograd.h>

#include <memory>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <unordered_map>
#include <variant>
#include <vector>

namespace simdgrad {

// A value of any of a few kinds, for AutogradContext::saved_data; the part of c10::IValue that
// programs use. The to...() calls throw Error when it holds another kind.
class SIMDGRAD_API IValue {
 public:
  IValue() = default;
  IValue(Tensor value) : value_(std::move(value)) {}
  IValue(const char* value) : value_(std::string(value)) {}
  IValue(std::string value) : value_(std::move(value)) {}
  IValue(std::vector<int64_t> value) : value_(std::move(value)) {}
  template <class T>
    requires std::is_arithmetic_v<T>
  IValue(T value) {
    if constexpr (std::is_same_v<T, bool>) {
      value_ = value;
    } else if constexpr (std::is_floating_point_v<T>) {
      value_ = static_cast<double>(value);
    } else {
      value_ = static_cast<int64_t>(value);
    }
  }
  int64_t toInt() const;
  double toDouble() const;
  bool toBool() const;
  const Tensor& toTensor() const;
  const std::string& toStringRef() const;
  const std::vector<int64_t>& toIntVector() const;
  bool isNone() const { return value_.index() == 0; }

 private:
  std::variant<std::monostate, int64_t, double, bool, Tensor, std::string, std::vector<int64_t>>
      value_;
};

namespace autograd {

class CustomNode;

// What forward leaves for backward.
class SIMDGRAD_API AutogradContext {
 public:
  // Plain values by name; tensors of the graph go through save_for_backward, which checks that they
  // are not changed in between.
  std::unordered_map<std::string, IValue> saved_data;

  // Inputs or outputs of forward that backward will read.
  void save_for_backward(variable_list to_save);
  // Error if one was modified in place since, or the graph has been released.
  variable_list get_saved_variables() const;
  // Inputs that forward changed in place and returns.
  void mark_dirty(const variable_list& inputs);
  // Outputs that have no gradient.
  void mark_non_differentiable(const variable_list& outputs);
  // With false, backward sees undefined tensors instead of zeros for outputs nobody used.
  void set_materialize_grads(bool value) { materialize_grads_ = value; }
  // Does tensor argument `index` (counted among the tensors) require a gradient?
  bool needs_input_grad(size_t index) const;

 private:
  friend class CustomNode;
  friend class CustomCall;
  struct SavedList;
  variable_list to_save_;
  variable_list dirty_;
  variable_list non_differentiable_;
  std::vector<bool> needs_input_grad_;
  bool materialize_grads_ = true;
  CustomNode* node_ = nullptr;
};

// The type-independent part of one Function<T>::apply.
class SIMDGRAD_API CustomCall {
 public:
  using BackwardFunction = variable_list (*)(AutogradContext*, variable_list);
  CustomCall(const std::type_info& type, BackwardFunction backward);
  ~CustomCall();
  CustomCall(const CustomCall&) = delete;

  void add_argument();                        // one that is no tensor
  void add_argument(const Tensor& argument);  // may be undefined
  void add_argument(const variable_list& arguments);
  AutogradContext* context();
  // Gives the outputs of forward their history.
  variable_list finish(variable_list outputs);

 private:
  struct State;
  NodePtr make_node(const variable_list& outputs);
  std::unique_ptr<State> state_;
};

// T has static forward(AutogradContext*, args...) returning a Tensor or a variable_list, and static
// backward(AutogradContext*, variable_list grad_outputs) returning one gradient per argument of
// forward (undefined for those that are no tensors or need none; a list of tensors counts one by
// one). apply calls forward without recording it. The node is named
// "torch::autograd::CppNode<T>".
//
// Errors in backward: "function torch::autograd::CppNode<T> returned an incorrect number of
// gradients (expected 2, got 1)",
// "Function torch::autograd::CppNode<T> returned an invalid gradient at index 0 - got [7] but
// expected shape compatible with [3]".
template <class T>
struct Function {
  template <class... Args>
  static auto apply(Args&&... args) {
    CustomCall call(typeid(T), &T::backward);
    (add(call, args), ...);
    using Result = decltype(T::forward(call.context(), std::forward<Args>(args)...));
    if constexpr (std::is_same_v<std::decay_t<Result>, Tensor>) {
      variable_list outputs;
      {
        const NoGradGuard no_grad;
        outputs.push_back(T::forward(call.context(), std::forward<Args>(args)...));
      }
      return std::move(call.finish(std::move(outputs))[0]);
    } else {
      variable_list outputs;
      {
        const NoGradGuard no_grad;
        outputs = T::forward(call.context(), std::forward<Args>(args)...);
      }
      return call.finish(std::move(outputs));
    }
  }

 private:
  template <class Arg>
  static void add(CustomCall& call, const Arg& argument) {
    if constexpr (std::is_convertible_v<const Arg&, const Tensor&> ||
                  std::is_convertible_v<const Arg&, const variable_list&>) {
      call.add_argument(argument);
    } else if constexpr (std::is_same_v<Arg, std::optional<Tensor>>) {
      call.add_argument(argument ? *argument : Tensor());
    } else {
      call.add_argument();
    }
  }
};

}  // namespace autograd
}  // namespace simdgrad
