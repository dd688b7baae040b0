// The one entry for products of matrices: mm, addmm, matmul, bmm and linear all come here, a
// transposed view being another pair of strides.
//
// Bits: an element of the result depends on its row of a, its column of b, k, the epilogue, and on
// which of two orders its sum is taken in. That is a choice by m, n, k and the instruction set alone,
// so strides, transposes and threads never show.
// - In general the sum is cut into pieces of nearly equal length by k alone; each piece is one chain
//   of fused multiply-adds from 0 up, and the pieces are added in order. m, n and (sse2 apart, which
//   has no fused multiply-add) the instruction set do not show.
// - Fewer than 16 rows or columns (7 on avx2) may be summed with lanes along k, which is up to ten
//   times faster where both operands lie along k. An element is then the same for all m and n for
//   which that is chosen, and differs among instruction sets.
#pragma once

#include <cstdint>

#include <simdgrad/export.h>

namespace simdgrad::ops {

struct Matrix {
  const void* data = nullptr;
  std::int64_t row_stride = 0, column_stride = 0;  // in elements; zero and negative ones too
};

// result = alpha * (a b) + beta * addend, rounded after each operation; alpha and beta of 1 are not
// multiplied with, beta of 0 never reads the addend.
struct Epilogue {
  double alpha = 1, beta = 0;
  const void* addend = nullptr;  // [m, n]; must not overlap c
  std::int64_t addend_row_stride = 0, addend_column_stride = 0;
};

// c[m, n] from a[m, k] and b[k, n]. c is row-major, ldc elements from row to row, and overlaps none
// of the operands. k = 0 gives beta * addend, or zeros. T is float or double.
template <class T>
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, Matrix a, Matrix b, T* c,
          std::int64_t ldc, const Epilogue& epilogue = {});

// `batch` such products; operand i starts i * batch stride elements on, c is [batch, m, n]. The
// addend is used for each (addend_batch_stride 0) or moves along.
template <class T>
void gemm_batched(std::int64_t batch, std::int64_t m, std::int64_t n, std::int64_t k, Matrix a,
                  std::int64_t a_batch_stride, Matrix b, std::int64_t b_batch_stride, T* c,
                  const Epilogue& epilogue = {}, std::int64_t addend_batch_stride = 0);

}  // namespace simdgrad::ops
