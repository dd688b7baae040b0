// Sums, extremes and their kin over the rows or the columns of a strided block of numbers.
//
// Bits depend on shapes alone: a row is folded by 64 floats (32 doubles) side by side on every
// instruction set, columns eight rows at a time. Callers cut long rows into blocks of fixed length.
#pragma once

#include <cstdint>

#include "ops/kernels/isa.h"

namespace simdgrad::kernels {

// What is folded. Partial results of the sums are folded by kSum, of kMaxAbs by kMax.
enum class Fold : uint8_t {
  kSum,
  kMax,  // NaN wins
  kMin,
  kSumAbs,
  kSumSquares,
  kMaxAbs,
  kCount,               // of what is not zero; NaN counts
  kSumSquaredDistance,  // from shift[output]
};
constexpr int kFoldCount = 8;

template <class T>
struct ReduceTable {
  // out[r] = fold of x[r * row_stride + i] over i < n.
  using Rows = void (*)(const T* x, int64_t row_stride, int64_t rows, int64_t n, const T* shift,
                        T* out);
  // out[o * width + c] = fold of x[o * outer_stride + r * row_stride + c] over r < rows, rows > 0.
  using Columns = void (*)(const T* x, int64_t outer_stride, int64_t outers, int64_t row_stride,
                           int64_t rows, int64_t width, const T* shift, T* out);
  Rows rows[kFoldCount];
  Columns columns[kFoldCount];

  // The extreme and the first index where it stands; the first NaN where there is one. [0] is the
  // maximum, [1] the minimum. n > 0; rows < 2^31.
  void (*arg_rows[2])(const T* x, int64_t row_stride, int64_t rows, int64_t n, T* values,
                      int64_t* indices);
  void (*arg_columns[2])(const T* x, int64_t outer_stride, int64_t outers, int64_t row_stride,
                         int64_t rows, int64_t width, T* values, int64_t* indices);

  // x /= divisor; x = sqrt(x / divisor). In place on n contiguous numbers.
  void (*divide)(T* x, int64_t n, T divisor);
  void (*divide_sqrt)(T* x, int64_t n, T divisor);
};

struct ReduceKernels {
  ReduceTable<float> f32;
  ReduceTable<double> f64;
};

}  // namespace simdgrad::kernels

SIMDGRAD_DECLARE_KERNELS(ReduceKernels, reduce_kernels)
