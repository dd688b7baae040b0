// Softmax, log-softmax and layer normalisation over contiguous rows.
#pragma once

#include <cstdint>

#include "ops/kernels/isa.h"

namespace simdgrad::kernels {

template <class T>
struct SoftmaxTable {
  // y[r, :] = softmax of x[r, :], or its logarithm; n > 0.
  void (*forward)(const T* x, T* y, int64_t rows, int64_t n);
  void (*forward_log)(const T* x, T* y, int64_t rows, int64_t n);
  // The same down each column of [rows, width] with this row stride; [1] is the logarithm's.
  void (*forward_columns[2])(const T* x, T* y, int64_t rows, int64_t row_stride, int64_t width);
  void (*backward_columns[2])(const T* y, const T* dy, T* dx, int64_t rows, int64_t row_stride,
                              int64_t width);
  // dx = y (dy - sum y dy);  dx = dy - e^y sum dy
  void (*backward)(const T* y, const T* dy, T* dx, int64_t rows, int64_t n);
  void (*backward_log)(const T* y, const T* dy, T* dx, int64_t rows, int64_t n);
  // e = e^(x - tops[r]), tops[r] the largest of row r; sums[r] of e, and its logarithm.
  void (*exp_rows)(const T* x, T* e, int64_t rows, int64_t n, T* tops, T* sums, T* log_sums);
  // y[r, :] = x[r, :] factors[r]
  void (*scale_rows)(const T* x, int64_t rows, int64_t n, const T* factors, T* y);
  // y = (x - mean) rstd weight + bias per row, with mean[r] and rstd[r] = 1 / sqrt(var + eps) given
  // back. Null weight and bias count as 1 and 0.
  void (*layer_norm)(const T* x, const T* weight, const T* bias, T* y, T* mean, T* rstd,
                     int64_t rows, int64_t n, T eps);
  // dx = rstd (g - mean of g - xhat mean of g xhat), g = dy weight, xhat = (x - mean) rstd; and over
  // these rows dweight = sum of dy xhat, dbias = sum of dy. dx may be null, or dweight and dbias.
  void (*layer_norm_backward)(const T* x, const T* weight, const T* mean, const T* rstd,
                              const T* dy, T* dx, int64_t rows, int64_t n, T* dweight, T* dbias);
};

struct SoftmaxKernels {
  SoftmaxTable<float> f32;
  SoftmaxTable<double> f64;
};

}  // namespace simdgrad::kernels

SIMDGRAD_DECLARE_KERNELS(SoftmaxKernels, softmax_kernels)
