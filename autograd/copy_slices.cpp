// Backward through a view that was changed in place: the part it shows goes through the operation.
#include "autograd/copy_slices.h"

#include <memory>

namespace simdgrad {

CopySlices::Geometry::Geometry(const Tensor& of)
    : sizes(of.sizes()), strides(of.strides()), offset(of.storage_offset()) {}

CopySlices::CopySlices(const Tensor& base, const Tensor& view, NodePtr function)
    : Node(nullptr, 0),
      function_(std::move(function)),
      base_(base),
      view_(view),
      count_(function_->num_outputs()) {
  const detail::RawEdge to_base = gradient_edge(base);
  NodePtr owner = NodePtr::adopt(to_base.node);  // goes if the next line throws
  list_ = static_cast<detail::RawEdge*>(allocate(count_ * sizeof(detail::RawEdge)));
  list_[0] = {owner.release(), to_base.input_nr};
  // The function's own edge 0 led to the view; the others are ours too. The function keeps its edges: a
  // result that it saved has it for history when a gradient is differentiated again.
  const detail::RawEdge* theirs = NodeAccess::edges(*function_);
  for (uint32_t i = 1; i < count_; ++i) {
    if (theirs[i].node) detail::retain_node(theirs[i].node);
    list_[i] = theirs[i];
  }
  NodeAccess::use_edges(*this, list_, count_);
}

CopySlices::~CopySlices() {
  for (uint32_t i = 0; i < count_; ++i)
    if (list_[i].node) detail::release_node(list_[i].node);
  NodeAccess::use_edges(*this, nullptr, 0);
  deallocate(list_, count_ * sizeof(detail::RawEdge));
}

void CopySlices::backward(Gradients& d) {
  if (!function_) NodeAccess::throw_released();
  const Tensor& dy = d.dy();
  // A tensor of its own with the base's geometry; what lies outside the base does not matter.
  Tensor whole = make_strided(base_.sizes, base_.strides, dy.scalar_type());
  whole.copy_(dy);
  Tensor part = whole.as_strided(view_.sizes, view_.strides, view_.offset - base_.offset);

  Tensor part_dy = part.clone();
  const auto dx = std::make_unique<Tensor[]>(count_);
  const auto needed = std::make_unique<bool[]>(count_);
  for (uint32_t i = 0; i < count_; ++i) needed[i] = d.needs(i);
  Gradients inner(*function_, &part_dy, dx.get(), needed.get(), d.create_graph(),
                  d.last_run());
  NodeAccess::backward(*function_, inner);
  for (uint32_t i = 1; i < count_; ++i) d.set(i, std::move(dx[i]));
  if (!d.needs(0)) return;
  if (dx[0].defined()) {
    part.copy_(dx[0]);
  } else {
    part.zero_();
  }
  d.set(0, std::move(whole));
}

void CopySlices::release_variables() {
  if (function_) NodeAccess::release_variables(*function_);
}

}  // namespace simdgrad
