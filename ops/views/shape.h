// What view nodes remember of shapes, and the backward of views that show a part.
#pragma once

#include "autograd/record.h"

namespace simdgrad {

// Numbers by value without a destructor, so that a node that keeps only these never expires.
template <size_t capacity>
struct FixedDims {
  uint32_t count;
  int64_t values[capacity];
  explicit FixedDims(IntArrayRef from) : count(static_cast<uint32_t>(from.size())) {
    for (size_t i = 0; i < from.size(); ++i) values[i] = from[i];
  }
  operator IntArrayRef() const { return {values, count}; }
};

// Records y with f(d, dims): dims are kept in the node, in little room where they are few.
template <NodeName name, size_t few = kInlineDims, size_t many = kMaxDims, class F>
void record_with_dims(const Tensor& y, const Tensor& self, IntArrayRef dims, F f) {
  static_assert(std::is_trivially_destructible_v<F>);
  if (dims.size() <= few)
    record<name>(y, std::tie(self),
                 [f, kept = FixedDims<few>(dims)](Gradients& d) { f(d, IntArrayRef(kept)); });
  else
    record<name>(y, std::tie(self),
                 [f, kept = FixedDims<many>(dims)](Gradients& d) { f(d, IntArrayRef(kept)); });
}

// Zeros of shape `sizes` with dy as entry `index` of dimension dim; its derivative is select.
Tensor select_backward(const Tensor& dy, IntArrayRef sizes, int64_t dim, int64_t index);
// Zeros of shape `sizes` with dy as entries start, start + step ... before end; its derivative is
// slice. Arguments as slice has normalised them.
Tensor slice_backward(const Tensor& dy, IntArrayRef sizes, int64_t dim, int64_t start, int64_t end,
                      int64_t step);

// matrix.t() for a gradient: outside the graph a plain alias, at half the price of a view.
Tensor transposed(const Tensor& matrix);

// Zeros, computed outside the graph.
Tensor zeros_of(IntArrayRef sizes, ScalarType dtype);

}  // namespace simdgrad
