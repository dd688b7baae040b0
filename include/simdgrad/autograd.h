// Gradients: grad modes, backward, grad, and functions with a derivative of one's own; as
// torch::autograd and torch::NoGradGuard.
#pragma once

#include <simdgrad/node.h>
#include <simdgrad/tensor.h>

#include <optional>
#include <vector>

namespace simdgrad {

// Whether operations of this thread are recorded.
struct SIMDGRAD_API GradMode {
  static bool is_enabled();
  static void set_enabled(bool enabled);
};

// Sets the grad mode of this thread while it lives.
class SIMDGRAD_API AutoGradMode {
 public:
  explicit AutoGradMode(bool enabled);
  ~AutoGradMode();
  AutoGradMode(const AutoGradMode&) = delete;
  AutoGradMode& operator=(const AutoGradMode&) = delete;

 private:
  bool before_;
};

// Nothing of this thread is recorded while it lives; results require no gradient.
//
//   { NoGradGuard no_grad; weight -= 0.1 * weight.grad(); }
struct NoGradGuard : AutoGradMode {
  NoGradGuard() : AutoGradMode(false) {}
};

namespace autograd {

using simdgrad::Edge;
using simdgrad::Node;
using simdgrad::AutoGradMode;
using simdgrad::GradMode;
using Variable = Tensor;
using variable_list = std::vector<Tensor>;
using edge_list = std::vector<Edge>;

// Adds d(sum of tensors[i] . grad_tensors[i]) / d(leaf) to the grad() of every leaf that requires
// it, or only of `inputs` when some are given (non-leaves among them retain their gradient).
//
// tensors: each requires grad. grad_tensors: one of the same shape per tensor, or none; an undefined
// one means 1 for a tensor of one element. retain_graph: keep the saved tensors for another
// backward (default: create_graph). create_graph: record the gradients' own graph, so that they can
// be differentiated. Follows torch::autograd::backward.
//
// Errors: "element 0 of tensors does not require grad and does not have a grad_fn", "grad can be
// implicitly created only for scalar outputs", "invalid gradient at index 0 - got [2] but expected
// shape compatible with [3, 4]", and those of the nodes.
SIMDGRAD_API void backward(const variable_list& tensors, const variable_list& grad_tensors = {},
                           std::optional<bool> retain_graph = std::nullopt,
                           bool create_graph = false, const variable_list& inputs = {});

// d(sum of outputs[i] . grad_outputs[i]) / d(inputs[j]) for every input; leaves' grad() is not
// touched. An input that the outputs do not depend on gives an undefined tensor if allow_unused,
// else an Error. Follows torch::autograd::grad.
//
//   Tensor x = tensor(3.0, requires_grad());
//   Tensor dx = autograd::grad({x * x}, {x}, {}, true, true)[0];   // 6, with a graph
SIMDGRAD_API variable_list grad(const variable_list& outputs, const variable_list& inputs,
                                const variable_list& grad_outputs = {},
                                std::optional<bool> retain_graph = std::nullopt,
                                bool create_graph = false, bool allow_unused = false);

}  // namespace autograd

}  // namespace simdgrad
