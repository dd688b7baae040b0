// The kernels of the pointwise operations, in the order of their lists. `formula` is the struct of
// ops/pointwise/formulas.h that a kernel belongs to, for those that have members.
#pragma once

#include "ops/kernels/isa.h"
#include "ops/kernels/row.h"

// Formulas that are no row of a public list: they have members, or serve functions written by hand.
#define SIMDGRAD_MORE_UNARY(X) X(Gelu) X(GeluTanh) X(Softplus) X(Clamp) X(PowScalar)
#define SIMDGRAD_MORE_BINARY(X) X(Add) X(AddScaled) X(Sub) X(Mul) X(Div) X(DivTrunc) X(DivFloor) X(Pow)
#define SIMDGRAD_COMPARISONS(X) X(Eq) X(Ne) X(Lt) X(Le) X(Gt) X(Ge)
#define SIMDGRAD_FLOAT_TESTS(X) X(IsNan) X(IsInf) X(IsFinite)

namespace simdgrad::kernels {

#define SIMDGRAD_ENUMERATOR(Formula) Formula,
enum class UnaryOp {
#define SIMDGRAD_UNARY(function, Formula) Formula,
#include <simdgrad/unary_ops.inc>
#undef SIMDGRAD_UNARY
  SIMDGRAD_MORE_UNARY(SIMDGRAD_ENUMERATOR) count
};
enum class BinaryOp {
#define SIMDGRAD_BINARY(function, Formula) Formula,
#include <simdgrad/binary_ops.inc>
#undef SIMDGRAD_BINARY
  SIMDGRAD_MORE_BINARY(SIMDGRAD_ENUMERATOR) count
};
enum class CompareOp { SIMDGRAD_COMPARISONS(SIMDGRAD_ENUMERATOR) count };
enum class FloatTest { SIMDGRAD_FLOAT_TESTS(SIMDGRAD_ENUMERATOR) count };
#undef SIMDGRAD_ENUMERATOR

// First index of every table: 0 for float, 1 for double.
struct UnaryKernels {
  RowKernel forward[2][static_cast<int>(UnaryOp::count)];   // y, x
  RowKernel backward[2][static_cast<int>(UnaryOp::count)];  // dx, saved, dy
};
struct BinaryKernels {
  RowKernel forward[2][static_cast<int>(BinaryOp::count)];     // y, a, b
  RowKernel backward_a[2][static_cast<int>(BinaryOp::count)];  // da, a, b, dy
  RowKernel backward_b[2][static_cast<int>(BinaryOp::count)];  // db, a, b, dy
};
// A bool is a byte of 0 or 1; any other byte reads as true.
struct MaskKernels {
  RowKernel compare[2][static_cast<int>(CompareOp::count)];  // bool, a, b
  RowKernel test[2][static_cast<int>(FloatTest::count)];     // bool, x
  RowKernel is_close[2];                                     // bool, a, b
  RowKernel where[2];                                        // y, bool, a, b
};

}  // namespace simdgrad::kernels

SIMDGRAD_DECLARE_KERNELS(UnaryKernels, unary_kernels)
SIMDGRAD_DECLARE_KERNELS(BinaryKernels, binary_kernels)
SIMDGRAD_DECLARE_KERNELS(MaskKernels, mask_kernels)
