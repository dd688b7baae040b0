// A tensor's place in the graph: edges, saved tensors, views and in-place operations.
#include <simdgrad/creation.h>

#include "autograd/accumulate_grad.h"
#include "autograd/copy_slices.h"
#include "autograd/hooks.h"
#include "autograd/record.h"

namespace simdgrad {

namespace {

const TensorImpl& base_of(const TensorImpl& view) {
  return *static_cast<const TensorImpl*>(view.base);
}


// "Exp" of "ExpBackward0" and "Add1" of "AddBackward1", as PyTorch's texts name operations.
std::string operation_name(const Node& node) {
  std::string name = node.name();
  const std::string middle = "Backward";
  const size_t at = name.find(middle);
  if (at == std::string::npos) return name;
  name.erase(at, middle.size());
  if (name.size() == at + 1 && name.back() == '0') name.pop_back();
  return name;
}

// PyTorch's refusals to change a view (or, where `indirect`, what it shows) whose history could not
// tell of it.
[[noreturn, gnu::cold]] void refuse_view(const Tensor& self, bool indirect) {
  const char* const happening = indirect
      ? "its base or another view of its base has been modified inplace"
      : "is being modified inplace";
  const TensorImpl& of = impl(self);
  SIMDGRAD_CHECK(
      of.view_kind() != ViewKind::kNoGrad, "A view was created in no_grad mode and ", happening,
      " with grad mode enabled. Given that this use case is ambiguous and error-prone, it is forbidden. "
      "You can clarify your code by moving both the view and the inplace either both inside the no_grad "
      "block (if you don't want the inplace to be tracked) or both outside (if you want the inplace to "
      "be tracked).");
  const std::string origin = of.grad_fn ? operation_name(*of.grad_fn) : "a function";
  SIMDGRAD_CHECK(
      of.view_kind() != ViewKind::kMultiOutput, "Output ", of.output_nr, " of ", origin,
      " is a view and ", happening,
      ". This view is the output of a function that returns multiple views. Such functions do not allow "
      "the output views to be modified inplace. You should replace the inplace operation by an "
      "out-of-place one.");
  SIMDGRAD_THROW(
      "Output ", of.output_nr, " of ", origin, " is a view and ", happening,
      ". This view was created inside a custom Function (or because an input was returned as-is) and the "
      "autograd logic to handle view+inplace would override the custom backward associated with the "
      "custom Function, leading to incorrect gradients. This behavior is forbidden. You can fix this by "
      "cloning the output of the custom Function.");
}

// A view whose base was changed in place since has a grad_fn that no longer tells its history: it is
// made anew, as a strided view of the base as it is now.
void refresh_view_history(const Tensor& tensor) {
  TensorImpl& view = impl(tensor);
  if (view.view_version == view.current_version()) [[likely]]
    return;
  const bool of_base = base_of(view).requires_grad();
  if (view.view_kind() != ViewKind::kDefault && (of_base || view.requires_grad()))
    refuse_view(tensor, true);
  if (!of_base) return;
  const GradModeGuard guard(true);
  const Tensor again =
      share(view.base).as_strided(view.size_list(), view.stride_list(), view.storage_offset());
  reserve_retained_grad(view, *impl(again).grad_fn);
  Node* before = std::exchange(view.grad_fn, std::exchange(impl(again).grad_fn, nullptr));
  view.output_nr = 0;
  view.flags |= TensorImpl::kRequiresGrad;
  view.view_version = view.current_version();
  move_retained_grad(view, before);
  if (before) detail::release_node(before);
}

}  // namespace

detail::RawEdge gradient_edge(const Tensor& tensor) {
  if (!tensor_requires_grad(tensor)) return {};
  TensorImpl& of = impl(tensor);
  if (of.is_view()) refresh_view_history(tensor);
  if (of.grad_fn) {
    detail::retain_node(of.grad_fn);
    return {of.grad_fn, of.output_nr};
  }
  if (!of.requires_grad()) return {};
  return {grad_accumulator(tensor), 0};
}

void Saved::throw_changed(const Gradients& d) const {
  const TensorImpl& saved = impl(tensor_);
  const Node* origin = output_ ? &d.node() : saved.grad_fn;
  const uint32_t nr = output_ ? output_ - 1 : saved.output_nr;
  std::string what = "[" + tensor_.toString() + " ";
  std::string sizes = "[";
  for (int64_t size : tensor_.sizes())
    sizes += (sizes.size() > 1 ? ", " : "") + std::to_string(size);
  what += sizes + "]]";
  if (origin) what += ", which is output " + std::to_string(nr) + " of " + operation_name(*origin) + ",";
  SIMDGRAD_THROW(
      "one of the variables needed for gradient computation has been modified by an inplace "
      "operation: ",
      what, " is at version ", saved.current_version(), "; expected version ", version_,
      " instead. Hint: enable anomaly detection to find the operation that failed to compute its "
      "gradient, with torch.autograd.set_detect_anomaly(True, check_nan=False).");
}

Tensor Saved::operator()(const Gradients& d) const {
  const Tensor& saved = values(d);
  if (!output_ || !thread_state.grad_enabled || !saved.defined()) return saved;
  Tensor result = make_detached(tensor_, true);
  detail::retain_node(&d.node());
  set_history(result, &d.node(), output_ - 1);
  return result;
}

Tensor with_zero_derivative(const Tensor& gradient, const Tensor& of) {
  if (!needs_gradient(of)) return gradient;
  Tensor y = make_detached(gradient, true);
  record<"ZeroDerivativeBackward0">(
      y, std::tie(gradient, of),
      [sizes = Dims(of.sizes()), dtype = of.scalar_type()](Gradients& d) {
        if (d.needs(0)) d.set(0, d.dy());
        if (d.needs(1)) d.set(1, zeros(sizes, dtype));
      });
  return y;
}

Tensor make_view(const Tensor& self, IntArrayRef sizes, IntArrayRef strides, int64_t offset) {
  Tensor result = make_alias(self, sizes, strides, offset);
  TensorImpl& view = impl(result);
  const TensorImpl& from = impl(self);
  view.base = from.is_view() ? from.base : self.counted();
  view.base->references.add();
  view.flags |= TensorImpl::kIsView;
  view.view_version = view.current_version();
  ViewKind kind = thread_state.grad_enabled ? ViewKind::kDefault : ViewKind::kNoGrad;
  if (from.is_view() && from.view_kind() != ViewKind::kDefault) kind = from.view_kind();
  view.set_view_kind(kind);
  return result;
}

namespace {

void check_no_internal_overlap(const TensorImpl& self) {
  SIMDGRAD_CHECK(self.is_contiguous() || self.numel == 0 || !self.has_repeats(),
                 "unsupported operation: more than one element of the written-to tensor refers to a "
                 "single memory location. Please clone() the tensor before performing the operation.");
}

}  // namespace

void check_inplace(const Tensor& self, bool records) {
  check_defined(self);
  const TensorImpl& of = impl(self);
  if (records) {
    if (of.is_view()) {
      if (of.view_kind() != ViewKind::kDefault) refuse_view(self, false);
      SIMDGRAD_CHECK(!(tensor_requires_grad(self) && !base_of(of).grad_fn),
                     "a view of a leaf Variable that requires grad is being used in an in-place "
                     "operation.");
    }
    SIMDGRAD_CHECK(!(of.requires_grad() && !of.grad_fn),
                   "a leaf Variable that requires grad is being used in an in-place operation.");
  }
  if (!of.is_sparse()) check_no_internal_overlap(of);
}

void InplaceHistory::take_for_view(NodePtr node) {
  TensorImpl& of = impl(self_);
  if (of.is_view()) {
    const Tensor base = share(of.base);
    node = NodePtr::adopt(new CopySlices(base, self_, std::move(node)));
    reserve_retained_grad(impl(base), *node);
  } else {
    reserve_retained_grad(of, *node);
  }
  node_ = std::move(node);
}

void InplaceHistory::rebase() noexcept {
  TensorImpl& of = impl(self_);
  TensorImpl& owner = of.is_view() ? *static_cast<TensorImpl*>(of.base) : of;
  const NodePtr before = NodePtr::adopt(std::exchange(owner.grad_fn, node_.release()));
  owner.output_nr = 0;
  owner.flags |= TensorImpl::kRequiresGrad;
  move_retained_grad(owner, before.get());
  if (!of.is_view()) return;
  // The view follows at once, so that what is recorded next sees its new history; where there is no
  // memory for that, when it is asked for.
  of.view_version = of.current_version() - 1;
  try {
    refresh_view_history(self_);
  } catch (...) {
  }
}

}  // namespace simdgrad
