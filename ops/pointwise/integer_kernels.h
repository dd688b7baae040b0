// The pointwise operations of integers and bool: rows of int64 (other types are converted on the
// way), compiled once, plain loops.
#pragma once

#include <simdgrad/scalar_type.h>

#include "ops/kernels/pointwise.h"

namespace simdgrad {

// Null where the operation has no integer form. Sums and products wrap; a division by 0 throws.
RowKernel integer_kernel(kernels::UnaryOp op);
RowKernel integer_kernel(kernels::BinaryOp op);
RowKernel integer_kernel(kernels::CompareOp op);  // bool, int64, int64
enum class BitOp { bit_not, bit_and, bit_or, bit_xor };
RowKernel integer_kernel(BitOp op);
// y, bool, a, b, with y, a and b of this type, whatever it is.
RowKernel plain_where_kernel(ScalarType dtype);

}  // namespace simdgrad
