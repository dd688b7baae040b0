// How a leaf gets its gradient: taken over, cloned, or added to the one that is there.
#include "autograd/accumulate_grad.h"

#include "autograd/hooks.h"

namespace simdgrad {
namespace {

bool has_layout(const Tensor& gradient, const TensorImpl& leaf) {
  const TensorImpl& of = impl(gradient);
  if (leaf.is_contiguous() ||
      !is_non_overlapping_and_dense(leaf.size_list(), leaf.stride_list()))
    return of.is_contiguous();
  return of.stride_list() == leaf.stride_list();
}

// A tensor of its own with these numbers, in the leaf's strides if those are dense.
Tensor clone_in_layout(const Tensor& gradient, const Tensor& leaf, bool create_graph) {
  if (impl(gradient).is_sparse() || has_layout(gradient, impl(leaf)) || create_graph)
    return gradient.clone();
  Tensor copy = make_like(leaf, gradient.scalar_type());
  copy.copy_(gradient);
  return copy;
}

}  // namespace

bool is_unshared(const Tensor& tensor) {
  const TensorImpl& of = impl(tensor);
  if (!of.references.is_one()) return false;
  if (of.is_sparse())
    return is_unshared(of.extra->indices) && is_unshared(of.extra->values);
  // A view is the only one left on its storage when its base is held by nothing but the view.
  uint32_t expected = 1;
  if (of.is_view()) {
    if (!of.base->references.is_one()) return false;
    expected = 2;
  }
  return of.storage->references.load() == expected &&
         of.storage->owner != Storage::Owner::kCaller &&
         (of.is_contiguous() || is_non_overlapping_and_dense(of.size_list(), of.stride_list()));
}

Tensor sum_of(const Tensor& sum, const Tensor& more) {
  return impl(sum).is_sparse() && !impl(more).is_sparse() ? more.add(sum) : sum.add(more);
}

void add_gradient(Tensor& sum, Tensor more, bool create_graph) {
  if (!create_graph && is_free(impl(sum)) && impl(sum).is_contiguous() && !impl(sum).is_sparse()) {
    sum.add_(more);
    return;
  }
  // Behind a sparse one, whatever comes later goes first: dense numbers since sparse + dense is refused,
  // entries since libtorch has them in that order.
  const bool swapped = impl(sum).is_sparse();
  Tensor& first = swapped ? more : sum;
  const Tensor& second = swapped ? sum : more;
  if (create_graph || !is_unshared(first)) {
    sum = first.add(second);
  } else {
    first.add_(second);
    if (swapped) sum = std::move(more);
  }
}

namespace {

// May the leaf have it as its grad without a copy? As PyTorch, of a row-sparse one only the tensor itself
// has to be unshared: sums of such gradients never write into its parts.
bool can_steal(const Tensor& gradient, const TensorImpl& leaf) {
  const TensorImpl& of = impl(gradient);
  if (of.is_sparse()) return of.references.is_one();
  return is_unshared(gradient) && has_layout(gradient, leaf);
}

// set_data may have given the leaf another shape or dtype since the forward that this gradient is of.
[[gnu::noinline]] void check_fits(const Tensor& gradient, const TensorImpl& leaf) {
  const TensorImpl& of = impl(gradient);
  SIMDGRAD_CHECK(of.dtype == leaf.dtype && of.size_list() == leaf.size_list(),
                 "AccumulateGrad: got a gradient of type ", gradient.toString(), " and sizes ",
                 of.size_list(), " for a leaf of dtype ", to_string(leaf.dtype), " and sizes ",
                 leaf.size_list(), "; set_data changed the leaf after the forward");
}

// A gradient that was a view of something that only it still holds: now a tensor of its own.
Tensor without_base(Tensor gradient) {
  TensorImpl& of = impl(gradient);
  if (of.is_view()) {
    of.set_flag(TensorImpl::kIsView, false);
    Tensor::adopt(std::exchange(of.base, nullptr));
  }
  return gradient;
}

}  // namespace

AccumulateGrad::AccumulateGrad(TensorImpl& leaf) : Node(nullptr, 0), leaf_(Tensor::adopt(&leaf)) {
  flags_ |= NodeAccess::kAccumulates;
}

Node* grad_accumulator(const Tensor& leaf) {
  TensorImpl& of = impl(leaf);
  std::atomic<Node*>& slot = of.extra_part().accumulator;
  Node* node = slot.load(std::memory_order_acquire);
  if (!node) [[unlikely]] {
    Node* fresh = new AccumulateGrad(of);
    if (slot.compare_exchange_strong(node, fresh, std::memory_order_acq_rel)) {
      node = fresh;
    } else {
      NodeAccess::destroy(fresh);  // another thread was first
    }
  }
  of.references.add();
  return node;
}

namespace detail {

Counted* leaf_of(const Node& accumulator) noexcept {
  return static_cast<const AccumulateGrad&>(accumulator).variable().counted();
}
void destroy_accumulator(Node* node) noexcept { NodeAccess::destroy(node); }

}  // namespace detail

// The cases, dense or row-sparse:
// 1. no grad yet: the gradient becomes it. Stolen when nobody else can see its memory and its
//    strides are the leaf's (row-sparse: when nobody else has the tensor), cloned otherwise and under
//    create_graph.
// 2. a grad, no graph wanted: added in place; dense + sparse stays dense, sparse + dense becomes
//    dense, sparse + sparse is appended without coalescing.
// 3. under create_graph: grad = grad + gradient, out of place, since the old one may be in use.
void AccumulateGrad::backward(Gradients& d) {
  Tensor gradient = d.take_dy();
  if (!gradient.defined()) return;
  TensorImpl& leaf = impl(leaf_);
  TensorExtra* const extra = leaf.shared_extra();
  if (extra && !extra->hooks.empty()) gradient = run_hook_list(extra->hooks, std::move(gradient));
  if (leaf.flags & TensorImpl::kDataWasSet) [[unlikely]]
    check_fits(gradient, leaf);
  const NodeLock lock(*this);
  if (!leaf.grad.defined()) {
    const bool steal = !d.create_graph() && can_steal(gradient, leaf);
    leaf.grad = steal ? without_base(std::move(gradient))
                      : clone_in_layout(gradient, leaf_, d.create_graph());
  } else if (!d.create_graph() && !(impl(leaf.grad).is_sparse() && !impl(gradient).is_sparse())) {
    leaf.grad.add_(gradient);
  } else {
    leaf.grad = sum_of(leaf.grad, gradient);
  }
}

}  // namespace simdgrad
