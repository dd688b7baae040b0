// Hooks on tensors: called with a gradient before it goes on, and retain_grad.
#pragma once

#include "autograd/record.h"

namespace simdgrad {

namespace detail {

// What few nodes have. Hooks of removed positions are null.
struct NodeExtra {
  struct TensorHooks {
    uint32_t input_nr;
    std::vector<std::unique_ptr<TensorHook>> hooks;
  };
  struct Retained {
    uint32_t input_nr;
    TensorImpl* tensor;  // not counted: it forgets itself here when it dies
  };
  std::vector<TensorHooks> tensor_hooks;
  std::vector<Retained> retained;
};

}  // namespace detail

// Runs the hooks of every gradient that enters `node`, then stores the retained ones.
void run_hooks(Node& node, Tensor* gradients, uint32_t count);
// Runs hooks one after the other on a gradient; refuses one that changes its shape.
Tensor run_hook_list(const std::vector<std::unique_ptr<detail::TensorHook>>& hooks, Tensor gradient);
// retain_grad of a tensor whose grad_fn changes: its gradient is now the new node's. Where that node
// has to find memory for it, it does so before: reserve_retained_grad(tensor, its node to be).
void reserve_retained_grad(TensorImpl& tensor, Node& to);
void move_retained_grad(TensorImpl& tensor, Node* from) noexcept;

}  // namespace simdgrad
