// Products with lanes along K, for few rows or columns of long vectors: operands that lie along K are
// read as they are. Included by gemm.cpp only.
#pragma once

#include <cstdint>

#include "ops/kernels/gemm.h"
#include "ops/kernels/gemm_pack.h"
#include "ops/kernels/gemm_stripes.h"
#include "ops/kernels/gemm_tile.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {
namespace {

// A tile of sums, its columns of b and a row of a fill 29 of 32 registers, 13 of 16.
inline constexpr int kDotRows = SIMDGRAD_ISA_AVX512 || SIMDGRAD_ISA_NEON ? 6 : 3;
inline constexpr int kDotColumns = SIMDGRAD_ISA_AVX512 || SIMDGRAD_ISA_NEON ? 4 : 3;

// Up to how many rows or columns this form may be chosen. On avx2 the stripes wait for loads from 7 on:
// 10 x 128 x 256 would take 1.5 times as long as by run, where only products along k gain.
inline constexpr int kDotNarrow = SIMDGRAD_ISA_AVX2 ? 6 : 15;

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
      const Vec<T> z = in_register(load(a + i * a_row + p));
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

// The same as store_elements for rows of `columns` sums, 4 apart, that lie along rows of c: a row at a
// time (64 x 10 x 128: a third of the time went into single elements).
template <class T, int columns>
inline void store_fours(const T* sums, int rows, T* c, std::int64_t c_row, const Finish<T>& finish) {
  typedef T Four __attribute__((vector_size(4 * sizeof(T))));
  for (int i = 0; i < rows; ++i, sums += 4, c += c_row) {
    Four x;
    __builtin_memcpy(&x, sums, sizeof x);
    if (finish.alpha != T(1)) x *= finish.alpha;
    if (finish.addend != nullptr) {
      const T* const addend = finish.addend + i * finish.addend_row;
      Four y{};
      if (finish.addend_column == 1) {
        __builtin_memcpy(&y, addend, columns * sizeof(T));
      } else {
        for (int j = 0; j < columns; ++j) y[j] = addend[j * finish.addend_column];
      }
      if (finish.beta != T(1)) y *= finish.beta;
      x += y;
    }
    __builtin_memcpy(c, &x, columns * sizeof(T));
  }
}
template <class T>
using StoreFours = void (*)(const T*, int, T*, std::int64_t, const Finish<T>&);
template <class T>
constexpr StoreFours<T> kStoreFours[] = {store_fours<T, 1>, store_fours<T, 2>, store_fours<T, 3>,
                                         store_fours<T, 4>};

template <class T>
void dot_along(const GemmBlock<T>& block) {
  const Split down = split(block.m, kDotRows), along = split(block.n, kDotColumns);
  Finish<T> finish{block.alpha, block.beta, nullptr, block.addend_row, block.addend_column};
  const auto tile = [&](std::int64_t ti, std::int64_t tj) {
    const std::int64_t i = begin_of(down, ti), j = begin_of(along, tj);
    const int rows = static_cast<int>(size_of(down, ti));
    const int columns = static_cast<int>(size_of(along, tj));
    // Rows are written from the first to the last, as whole registers.
    alignas(64) T sums[kDotRows * 4 + Vec<T>::size];
    kDots<T>.functions[rows - 1][columns - 1](block.a + i * block.a_row, block.a_row,
                                              block.b + j * block.b_column, block.b_column, block.k,
                                              sums);
    if (block.addend) finish.addend = block.addend + i * block.addend_row + j * block.addend_column;
    T* const c = block.c + i * block.c_row + j * block.c_column;
    if (block.c_column == 1) {
      kStoreFours<T>[columns - 1](sums, rows, c, block.c_row, finish);
    } else {
      store_elements(sums, 4, rows, columns, c, block.c_row, block.c_column, finish);
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

// The longer operand is b. It is read as it lies along k or along its columns; else, and a where b
// lies along k, are copied to lie along k.
template <class T>
bool takes_stripes(const GemmBlock<T>& block) {
  return block.b_row != 1 && block.b_column == 1;
}
template <class T>
std::int64_t dot_row(const GemmBlock<T>& block) {
  return (block.k + Vec<T>::size - 1) / Vec<T>::size * Vec<T>::size;
}

template <class T>
std::int64_t prepare_dot(GemmBlock<T>& block) {
  block.pack_a = block.pack_b = false;
  if (takes_stripes(block)) return 0;
  block.pack_a = block.a_column != 1;
  block.pack_b = block.b_row != 1;
  block.packed_b = block.pack_a ? block.m * dot_row(block) : 0;
  return block.packed_b + (block.pack_b ? block.n * dot_row(block) : 0);
}

template <class T>
void dot(const GemmBlock<T>& block) {
  if (takes_stripes(block)) return stripes(block);
  if (!block.pack_a && !block.pack_b) return dot_along(block);
  GemmBlock<T> packed = block;
  const std::int64_t row = dot_row(block);
  if (block.pack_a) {
    pack(block.a, block.a_row, block.a_column, block.m, block.k, block.k, block.scratch, row);
    packed.a = block.scratch;
    packed.a_row = row;
    packed.a_column = 1;
  }
  if (block.pack_b) {
    T* const to = block.scratch + block.packed_b;
    pack(block.b, block.b_column, block.b_row, block.n, block.k, block.k, to, row);
    packed.b = to;
    packed.b_column = row;
    packed.b_row = 1;
  }
  dot_along(packed);
}

}  // namespace
}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
