// What the files of the classification losses share.
#pragma once

#include <simdgrad/losses.h>

#include "core/tensor_impl.h"

namespace simdgrad::losses {

// A number cast to Reduction may be none of them.
inline void check_reduction(Reduction reduction, const char* operation) {
  SIMDGRAD_CHECK(reduction == kNone || reduction == kMean || reduction == kSum, operation,
                 ": got reduction ", static_cast<int64_t>(reduction), ", needed kNone, kMean or kSum");
}

// PyTorch's refusals: shapes, the target's dtype, the weight's size and dtype.
void check_class_targets(const Tensor& input, const Tensor& target, const Tensor& weight);

// Throws IndexError "Target 7 is out of bounds." unless 0 <= target < classes.
inline void check_class(int64_t target, int64_t classes) {
  // One comparison: a negative number is a large one without a sign.
  SIMDGRAD_CHECK_AS(IndexError, static_cast<uint64_t>(target) < static_cast<uint64_t>(classes),
                    "Target ", target, " is out of bounds.");
}

// The targets as contiguous int64, the weight contiguous; without graph.
Tensor class_numbers(const Tensor& target);
Tensor class_weights(const Tensor& weight);

template <class T>
T weight_of(const Tensor& weight, int64_t c) {
  return weight.defined() ? static_cast<const T*>(impl(weight).data)[c] : T(1);
}

// d loss / d input of nll_loss for dy = 1: -weight / divisor at the targets, else 0.
Tensor nll_slopes(IntArrayRef sizes, ScalarType dtype, const Tensor& target, const Tensor& weight,
                  int64_t ignore_index, double divisor);

}  // namespace simdgrad::losses
