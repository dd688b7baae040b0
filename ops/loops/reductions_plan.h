// How a reduction over any dimensions of any layout becomes calls of the row and column kernels.
//
// Dimensions are sorted by stride and merged; the innermost reduced one goes first, over rows where
// it is the fastest in memory and over columns otherwise; what is left is reduced in turn. Long
// rows are cut into blocks of 4096 numbers, tall columns into blocks of 256 to 512 rows, and the
// partial results are reduced by the same routine: a tree that depends on shape and layout alone.
#pragma once

#include "core/dtypes.h"
#include "core/tensor_impl.h"
#include "ops/kernels/reduce.h"

namespace simdgrad::reductions {

using kernels::Fold;

// Which dimensions go: bit i for dimension i.
using DimMask = uint64_t;

// None or an empty list means all. Errors: "Dimension out of range ...", "dim 0 appears multiple
// times in the list of dims".
DimMask dim_mask(OptionalIntArrayRef dims, int64_t ndim);
inline DimMask all_dims(int64_t ndim) { return ndim >= 64 ? ~DimMask{0} : (DimMask{1} << ndim) - 1; }
// Shape of the result.
void reduced_sizes(const Tensor& x, DimMask mask, bool keepdim, Dims& sizes);
// How many numbers go into each result.
int64_t reduced_count(const Tensor& x, DimMask mask);

// The fold of a float or double tensor, contiguous, without graph. An empty one of a sum is 0.
Tensor fold(Fold kind, const Tensor& x, DimMask mask, bool keepdim);

// Sum of squared distances from the mean of what is reduced, divided by `divisor`; its root if
// `root`. Two passes: the variance of float numbers far from 0 stays accurate.
Tensor mean_squared_distance(const Tensor& x, DimMask mask, bool keepdim, double divisor,
                             bool root);

// x / divisor and sqrt(x / divisor), in place, on a contiguous float tensor without graph.
void divide_in_place(const Tensor& x, double divisor, bool root = false);

// The extreme along one dimension (of a contiguous copy where needed) and where it first stands.
// `minimum` or maximum. Any dtype. Size of the dimension is not 0.
void extreme_along(const Tensor& x, int64_t dim, bool keepdim, bool minimum, Tensor& values,
                   Tensor& indices);

// Reductions of integers and bool, over the same dimensions, without graph.
enum class IntegerFold { kSum, kMax, kMin, kAll, kAny };
Tensor fold_integers(IntegerFold kind, const Tensor& x, DimMask mask, bool keepdim);

// x with the reduced dimensions last, contiguous: [outputs, reduced]. No graph.
Tensor reduced_last(const Tensor& x, DimMask mask);
// The results of its rows with the shape that reducing x has.
Tensor with_shape(const Tensor& results, const Tensor& x, DimMask mask, bool keepdim);

inline const kernels::ReduceTable<float>& reduce_table(const kernels::ReduceKernels& k, float) {
  return k.f32;
}
inline const kernels::ReduceTable<double>& reduce_table(const kernels::ReduceKernels& k, double) {
  return k.f64;
}

}  // namespace simdgrad::reductions
