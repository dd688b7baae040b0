// Hooks run, added and removed; retain_grad.
#include "autograd/hooks.h"

#include <algorithm>

#include "autograd/accumulate_grad.h"

namespace simdgrad {

Tensor run_hook_list(const std::vector<std::unique_ptr<detail::TensorHook>>& hooks,
                     Tensor gradient) {
  // By index: a hook may add another.
  for (size_t i = 0; i < hooks.size(); ++i) {
    if (!hooks[i]) continue;
    Tensor changed = hooks[i]->call(gradient);
    if (!changed.defined()) continue;
    const int64_t nr = static_cast<int64_t>(i);
    SIMDGRAD_CHECK(changed.scalar_type() == gradient.scalar_type() &&
                       changed.layout() == gradient.layout(),
                   "hook '", nr, "' has changed the type of value (was ", gradient.toString(), " got ",
                   changed.toString(), ")");
    SIMDGRAD_CHECK(changed.sizes() == gradient.sizes(), "hook '", nr,
                   "' has changed the size of value");
    gradient = std::move(changed);
  }
  return gradient;
}

void run_hooks(Node& node, Tensor* gradients, uint32_t count) {
  detail::NodeExtra& extra = *NodeAccess::extra(node);
  for (size_t i = 0; i < extra.tensor_hooks.size(); ++i) {
    const uint32_t nr = extra.tensor_hooks[i].input_nr;
    if (nr < count && gradients[nr].defined())
      gradients[nr] = run_hook_list(extra.tensor_hooks[i].hooks, std::move(gradients[nr]));
  }
  if (extra.retained.empty()) return;
  // Other threads may run the same graph: none of their additions is lost.
  const NodeLock lock(node);
  for (const detail::NodeExtra::Retained& retained : extra.retained) {
    const Tensor& gradient = gradients[retained.input_nr];
    if (!gradient.defined()) continue;
    Tensor& sum = retained.tensor->grad;
    // A tensor of its own: what the engine hands on stays as it is whatever becomes of this one.
    sum = sum.defined() ? sum_of(sum, gradient) : gradient.clone();
  }
}

namespace {

detail::NodeExtra& extra_of(Node& node) {
  detail::NodeExtra*& extra = NodeAccess::extra(node);
  if (!extra) extra = new detail::NodeExtra;
  return *extra;
}

std::vector<std::unique_ptr<detail::TensorHook>>& hooks_of(const Tensor& tensor) {
  const NodePtr node = tensor.grad_fn();
  if (!node) return impl(tensor).extra_part().hooks;
  const uint32_t nr = impl(tensor).output_nr;
  auto& lists = extra_of(*node).tensor_hooks;
  for (auto& list : lists)
    if (list.input_nr == nr) return list.hooks;
  lists.push_back({nr, {}});
  return lists.back().hooks;
}

void retain_at(TensorImpl& tensor, Node& node) {
  extra_of(node).retained.push_back({tensor.output_nr, &tensor});
}

void forget_at(TensorImpl& tensor, Node& node) {
  if (detail::NodeExtra* extra = NodeAccess::extra(node))
    std::erase_if(extra->retained, [&](const auto& entry) { return entry.tensor == &tensor; });
}

}  // namespace

unsigned Tensor::_add_hook(std::unique_ptr<detail::TensorHook> hook) const {
  check_defined(*this);
  SIMDGRAD_CHECK(requires_grad(),
                 "cannot register a hook on a variable that doesn't require gradient");
  auto& hooks = hooks_of(*this);
  hooks.push_back(std::move(hook));
  return static_cast<unsigned>(hooks.size() - 1);
}

void Tensor::remove_hook(unsigned position) const {
  check_defined(*this);
  auto& hooks = hooks_of(*this);
  SIMDGRAD_CHECK(position < hooks.size(), "Invalid index, no hook at position ", position);
  hooks[position].reset();
}

void Tensor::retain_grad() const {
  check_defined(*this);
  SIMDGRAD_CHECK(requires_grad(), "can't retain_grad on Tensor that has requires_grad=False");
  if (is_leaf() || retains_grad()) return;
  const NodePtr node = grad_fn();
  retain_at(impl(*this), *node);
  impl(*this).set_flag(TensorImpl::kRetainsGrad, true);
}

bool Tensor::retains_grad() const {
  return defined() && (impl(*this).flags & TensorImpl::kRetainsGrad);
}

void reserve_retained_grad(TensorImpl& tensor, Node& to) {
  if (!(tensor.flags & TensorImpl::kRetainsGrad)) return;
  auto& retained = extra_of(to).retained;
  retained.reserve(retained.size() + 1);
}

void move_retained_grad(TensorImpl& tensor, Node* from) noexcept {
  if (!(tensor.flags & TensorImpl::kRetainsGrad)) return;
  if (from) forget_at(tensor, *from);
  if (tensor.grad_fn) {
    retain_at(tensor, *tensor.grad_fn);
  } else {
    tensor.set_flag(TensorImpl::kRetainsGrad, false);
  }
}

namespace detail {

void forget_retained_grad(TensorImpl* tensor) noexcept {
  if (tensor->grad_fn) forget_at(*tensor, *tensor->grad_fn);
}

}  // namespace detail
}  // namespace simdgrad
