// Products with lanes along K, for few rows of long vectors: nothing is packed, every operand is
// read as it lies. Included by gemm.cpp only.
#pragma once

#include <cstdint>

#include "ops/kernels/gemm.h"
#include "ops/kernels/gemm_pack.h"
#include "ops/kernels/gemm_tile.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {
namespace {

// A tile of sums, its columns of b and a row of a fill 29 of 32 registers, 13 of 16.
inline constexpr int kDotRows = SIMDGRAD_ISA_AVX512 || SIMDGRAD_ISA_NEON ? 6 : 3;
inline constexpr int kDotColumns = SIMDGRAD_ISA_AVX512 || SIMDGRAD_ISA_NEON ? 4 : 3;

template <int unit, class T>
SIMDGRAD_INLINE Vec<T> fold_pair(Vec<T> a, Vec<T> b) {
  using Batch = typename Vec<T>::Batch;
  return Vec<T>(Batch(interleave<T, unit, false>(a.reg(), b.reg()))) +
         Vec<T>(Batch(interleave<T, unit, true>(a.reg(), b.reg())));
}

// Adds up the 128-bit parts.
template <class T>
SIMDGRAD_INLINE Vec<T> fold_parts(Vec<T> x) {
  constexpr int bytes = VecTraits<T>::kBytes;
  if constexpr (bytes == 64) x = x + swap_lanes<Vec<T>::size / 2>(x);
  if constexpr (bytes >= 32) x = x + swap_lanes<16 / static_cast<int>(sizeof(T))>(x);
  return x;
}

// to[i] = the sum of the lanes of x[i], for 4 registers; each in the same order. Writes a whole
// register, of which the rest means nothing.
template <class T>
SIMDGRAD_INLINE void sum_lanes(const Vec<T>* x, T* to) {
  const Vec<T> low = fold_pair<1>(x[0], x[1]), high = fold_pair<1>(x[2], x[3]);
  if constexpr (sizeof(T) == 4) {
    fold_parts(fold_pair<2>(low, high)).store(to);
  } else {
    fold_parts(low).store(to);
    fold_parts(high).store(to + 2);
  }
}

// sums[i * 4 + j] = a row i times b row j, both along k.
template <class T, int rows, int columns>
[[gnu::noinline]] void dot_tile(const T* a, std::int64_t a_row, const T* b, std::int64_t b_row,
                                std::int64_t k, T* sums) {
  constexpr int n = Vec<T>::size;
  Vec<T> x[rows][4];
#pragma GCC unroll 8
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 8
    for (int j = 0; j < 4; ++j) x[i][j] = Vec<T>(0);
  }
  const auto step = [&](auto load, std::int64_t p) {
    Vec<T> y[columns];
#pragma GCC unroll 8
    for (int j = 0; j < columns; ++j) y[j] = load(b + j * b_row + p);
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) {
      const Vec<T> z = load(a + i * a_row + p);
#pragma GCC unroll 8
      for (int j = 0; j < columns; ++j) x[i][j] = fma(z, y[j], x[i][j]);
    }
  };
  std::int64_t p = 0;
  for (; p + n <= k; p += n) step([](const T* q) { return Vec<T>::load(q); }, p);
  if (p < k) {
    const int rest = static_cast<int>(k - p);
    step([rest](const T* q) { return Vec<T>::load_partial(q, rest); }, p);
  }
#pragma GCC unroll 8
  for (int i = 0; i < rows; ++i) sum_lanes(x[i], sums + i * 4);
}

template <class T>
using DotFunction = void (*)(const T*, std::int64_t, const T*, std::int64_t, std::int64_t, T*);

template <class T>
struct DotTable {
  DotFunction<T> functions[kDotRows][kDotColumns];

  template <int rows, int columns>
  constexpr void fill() {
    if constexpr (columns <= kDotColumns) {
      functions[rows - 1][columns - 1] = dot_tile<T, rows, columns>;
      fill<rows, columns + 1>();
    } else if constexpr (rows < kDotRows) {
      fill<rows + 1, 1>();
    }
  }
  constexpr DotTable() : functions{} { fill<1, 1>(); }
};
template <class T>
constexpr DotTable<T> kDots;

template <class T>
void dot(const GemmBlock<T>& block) {
  const Split down = split(block.m, kDotRows), along = split(block.n, kDotColumns);
  const bool scaled = block.alpha != T(1);
  const auto tile = [&](std::int64_t ti, std::int64_t tj) {
    const std::int64_t i = begin_of(down, ti), j = begin_of(along, tj);
    const int rows = static_cast<int>(size_of(down, ti));
    const int columns = static_cast<int>(size_of(along, tj));
    // Rows are written from the first to the last, as whole registers.
    alignas(64) T sums[kDotRows * 4 + Vec<T>::size];
    kDots<T>.functions[rows - 1][columns - 1](block.a + i * block.a_row, block.a_row,
                                              block.b + j * block.b_column, block.b_column, block.k,
                                              sums);
    for (int r = 0; r < rows; ++r) {
      T* const target = block.c + (i + r) * block.c_row + j;
      for (int q = 0; q < columns; ++q) {
        T x = sums[r * 4 + q];
        if (scaled) x = x * block.alpha;
        if (block.addend) {
          const T y = block.addend[(i + r) * block.addend_row + (j + q) * block.addend_column];
          x = x + (block.beta == T(1) ? y : y * block.beta);
        }
        target[q] = x;
      }
    }
  };
  // The longer side outside: what is read again and again is the shorter one.
  if (block.m > block.n) {
    for (std::int64_t i = 0; i < down.pieces; ++i) {
      for (std::int64_t j = 0; j < along.pieces; ++j) tile(i, j);
    }
  } else {
    for (std::int64_t j = 0; j < along.pieces; ++j) {
      for (std::int64_t i = 0; i < down.pieces; ++i) tile(i, j);
    }
  }
}

}  // namespace
}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
