// A nest of loops over two memories, brought into a simple form.
#pragma once

#include <utility>

#include "core/tensor_impl.h"

namespace simdgrad {

// An N-d loop over two memories; strides in bytes, outermost dimension first.
struct StridedPlan {
  int ndim = 0;
  int64_t sizes[kMaxDims], to[kMaxDims], from[kMaxDims];

  void push(int64_t size, int64_t to_stride, int64_t from_stride) {
    sizes[ndim] = size;
    to[ndim] = to_stride;
    from[ndim++] = from_stride;
  }
  void move_to_end(int from_dim) {
    for (int i = from_dim; i + 1 < ndim; ++i) {
      std::swap(sizes[i], sizes[i + 1]);
      std::swap(to[i], to[i + 1]);
      std::swap(from[i], from[i + 1]);
    }
  }
  int64_t outer_count(int inner) const {
    int64_t count = 1;
    for (int i = 0; i < ndim - inner; ++i) count *= sizes[i];
    return count;
  }
};

// Ordered so that writes advance in memory; dimensions that follow one another on both sides join.
inline void make_plan(StridedPlan& plan, IntArrayRef sizes, IntArrayRef to, int64_t to_item,
                      IntArrayRef from, int64_t from_item) {
  StridedPlan sorted;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 1) continue;
    sorted.push(sizes[i], to[i] * to_item, from[i] * from_item);
    for (int k = sorted.ndim - 1; k > 0; --k) {
      const bool before = sorted.to[k] > sorted.to[k - 1] ||
                          (sorted.to[k] == sorted.to[k - 1] && sorted.from[k] > sorted.from[k - 1]);
      if (!before) break;
      std::swap(sorted.sizes[k], sorted.sizes[k - 1]);
      std::swap(sorted.to[k], sorted.to[k - 1]);
      std::swap(sorted.from[k], sorted.from[k - 1]);
    }
  }
  for (int i = 0; i < sorted.ndim; ++i) {
    const int last = plan.ndim - 1;
    if (last >= 0 && plan.to[last] == sorted.to[i] * sorted.sizes[i] &&
        plan.from[last] == sorted.from[i] * sorted.sizes[i]) {
      plan.sizes[last] *= sorted.sizes[i];
      plan.to[last] = sorted.to[i];
      plan.from[last] = sorted.from[i];
    } else {
      plan.push(sorted.sizes[i], sorted.to[i], sorted.from[i]);
    }
  }
  if (plan.ndim == 0) plan.push(1, to_item, from_item);
}

// f(to offset, from offset) for the outer indices begin .. end of all but the last `inner`
// dimensions.
template <class F>
void for_outer(const StridedPlan& plan, int inner, int64_t begin, int64_t end, F f) {
  const int outer = plan.ndim - inner;
  int64_t index[kMaxDims];
  int64_t to = 0, from = 0, rest = begin;
  for (int i = outer; i-- > 0;) {
    index[i] = rest % plan.sizes[i];
    rest /= plan.sizes[i];
    to += index[i] * plan.to[i];
    from += index[i] * plan.from[i];
  }
  for (int64_t at = begin; at < end; ++at) {
    f(to, from);
    for (int i = outer; i-- > 0;) {
      to += plan.to[i];
      from += plan.from[i];
      if (++index[i] < plan.sizes[i]) break;
      to -= plan.sizes[i] * plan.to[i];
      from -= plan.sizes[i] * plan.from[i];
      index[i] = 0;
    }
  }
}

}  // namespace simdgrad
