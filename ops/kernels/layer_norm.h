// Layer normalisation over contiguous rows. Included by softmax.cpp only.
#pragma once

#include "ops/kernels/row_folds.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {

// Rows that fit the first-level cache together are taken several at a time, each step for all of them
// before the next: the processor need not wait for the sum of one row before it has something to do.
// 256 rows of 1024 forward: 27 us by one, 24 by two, 23 by four.
constexpr int kForwardRows = 4, kBackwardRows = 2;
template <class T>
SIMDGRAD_INLINE int group_of(int64_t left, int64_t n, int most) {
  if (n * static_cast<int64_t>(sizeof(T)) > 4096) return 1;
  return static_cast<int>(left < most ? left : most);
}

template <class T>
void layer_norm(const T* x, const T* weight, const T* bias, T* y, T* mean, T* rstd, int64_t rows,
                int64_t n, T eps) {
  const Vec<T> count(static_cast<T>(n));
  for (int64_t done = 0; done < rows;) {
    const int group = group_of<T>(rows - done, n, kForwardRows);
    Vec<T> center[kForwardRows], scale[kForwardRows];
    for (int r = 0; r < group; ++r)
      center[r] =
          fold_row<Adding<T>, T>(
              n, [&](int64_t i, int lanes) SIMDGRAD_FUSED { return read(x + r * n + i, lanes); }) /
          count;
    for (int r = 0; r < group; ++r) {
      const Vec<T> by = center[r];
      const Vec<T> squares = fold_row<Adding<T>, T>(n, [&](int64_t i, int lanes) SIMDGRAD_FUSED {
        const Vec<T> d = read(x + r * n + i, lanes) - by;
        return d * d;
      });
      scale[r] = Vec<T>(1) / sqrt(squares / count + Vec<T>(eps));
    }
    for (int r = 0; r < group; ++r, ++done, x += n, y += n) {
      const Vec<T> by = center[r], times = scale[r];
      for_row<T>(n, [&](int64_t i, int lanes) SIMDGRAD_FUSED {
        Vec<T> value = (read(x + i, lanes) - by) * times;
        if (weight) value = value * read(weight + i, lanes);
        if (bias) value = value + read(bias + i, lanes);
        write(value, y + i, lanes);
      });
      mean[done] = first_lane(by);
      rstd[done] = first_lane(times);
    }
  }
}

// What backward reads of a row, and the two means that dx needs.
template <class T, bool weighted>
struct NormRow {
  const T* x;
  const T* dy;
  const T* weight;
  Vec<T> center, scale, mean_g, mean_gx;

  SIMDGRAD_INLINE Vec<T> normal(int64_t i, int lanes) const {
    return (read(x + i, lanes) - center) * scale;
  }
  SIMDGRAD_INLINE Vec<T> gradient(int64_t i, int lanes) const {
    const Vec<T> g = read(dy + i, lanes);
    if constexpr (weighted) return g * read(weight + i, lanes);
    return g;
  }
  SIMDGRAD_INLINE void find_means(int64_t n) {
    const Vec<T> count(static_cast<T>(n));
    // Both in one pass where the accumulators fit the registers.
    if constexpr (SIMDGRAD_ISA_AVX512) {
      const Two<T> sums = fold_row<AddingTwo<T>, T>(n, [&](int64_t i, int lanes) SIMDGRAD_FUSED {
        const Vec<T> g = gradient(i, lanes);
        return Two<T>{g, g * normal(i, lanes)};
      });
      mean_g = sums.first / count;
      mean_gx = sums.second / count;
    } else {
      mean_g = fold_row<Adding<T>, T>(
                   n, [&](int64_t i, int lanes) SIMDGRAD_FUSED { return gradient(i, lanes); }) /
               count;
      mean_gx = fold_row<Adding<T>, T>(
                    n, [&](int64_t i, int lanes)
                           SIMDGRAD_FUSED { return gradient(i, lanes) * normal(i, lanes); }) /
                count;
    }
  }
};

// dx of `count` rows and what they add to dweight and dbias, which start here when this is `first`.
// dx or both of the others may be null.
template <int count, bool weighted, class T>
SIMDGRAD_INLINE void norm_backward_rows(const T* x, const T* weight, const T* mean, const T* rstd,
                                        const T* dy, T* dx, int64_t n, T* dweight, T* dbias,
                                        bool first) {
  NormRow<T, weighted> rows[count];
  unrolled<count>([&](int r) SIMDGRAD_FUSED {
    rows[r] = {x + r * n,       dy + r * n, weight,   Vec<T>(mean[r]),
               Vec<T>(rstd[r]), Vec<T>(0),  Vec<T>(0)};
    if (dx) rows[r].find_means(n);
  });
  for_row<T>(n, [&](int64_t i, int lanes) SIMDGRAD_FUSED {
    Vec<T> weight_sum(0), bias_sum(0);
    if (dweight && !first) {
      weight_sum = read(static_cast<const T*>(dweight) + i, lanes);
      bias_sum = read(static_cast<const T*>(dbias) + i, lanes);
    }
    unrolled<count>([&](int r) SIMDGRAD_FUSED {
      const NormRow<T, weighted>& row = rows[r];
      const Vec<T> g = read(row.dy + i, lanes), normal = row.normal(i, lanes);
      bias_sum = bias_sum + g;
      weight_sum = weight_sum + g * normal;
      if (dx)
        write(row.scale * (row.gradient(i, lanes) - row.mean_g - normal * row.mean_gx),
              dx + r * n + i, lanes);
    });
    if (dweight) {
      write(weight_sum, dweight + i, lanes);
      write(bias_sum, dbias + i, lanes);
    }
  });
}

template <bool weighted, class T>
void norm_backward(const T* x, const T* weight, const T* mean, const T* rstd, const T* dy, T* dx,
                   int64_t rows, int64_t n, T* dweight, T* dbias) {
  for (int64_t r = 0; r < rows;) {
    const int64_t at = r * n;
    T* const to = dx ? dx + at : nullptr;
    const int group = group_of<T>(rows - r, n, kBackwardRows);
    if (group == kBackwardRows) {
      norm_backward_rows<kBackwardRows, weighted>(x + at, weight, mean + r, rstd + r, dy + at, to,
                                                  n, dweight, dbias, r == 0);
    } else {
      norm_backward_rows<1, weighted>(x + at, weight, mean + r, rstd + r, dy + at, to, n, dweight,
                                      dbias, r == 0);
    }
    r += group;
  }
}

template <class T>
void layer_norm_backward(const T* x, const T* weight, const T* mean, const T* rstd, const T* dy,
                         T* dx, int64_t rows, int64_t n, T* dweight, T* dbias) {
  if (weight) {
    norm_backward<true>(x, weight, mean, rstd, dy, dx, rows, n, dweight, dbias);
  } else {
    norm_backward<false>(x, weight, mean, rstd, dy, dx, rows, n, dweight, dbias);
  }
}

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
