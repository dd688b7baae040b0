// The refusals of sums of dense and sparse tensors, which products share.
#pragma once

#include "core/tensor_impl.h"

namespace simdgrad {

// "add: expected 'self' and 'other' to have same size, but ...": sparse operands are not broadcast.
void check_dense_sum(const Tensor& self, const Tensor& other);
// "Can't convert result type Float to output Long in add operation"
void check_cast(ScalarType from, ScalarType to);

}  // namespace simdgrad
