// Products with lanes along K, for few rows or columns of long vectors: operands that lie along K are
// read as they are. Included by gemm.cpp only.
#pragma once

#include <cstdint>

#include "ops/kernels/gemm/gemm.h"
#include "ops/kernels/gemm/pack.h"
#include "ops/kernels/gemm/stripes.h"
#include "ops/kernels/gemm/tile.h"

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

// Four elements, of which fewer may mean something.
template <class T>
struct FourOf {
  typedef T Type __attribute__((vector_size(4 * sizeof(T))));
};
template <class T>
using Four = typename FourOf<T>::Type;

// The sums of the lanes of 4 registers, each in the same order. (By reference: without AVX, four doubles
// have no agreed way to be returned.)
template <class T>
SIMDGRAD_INLINE void sum_lanes(const Vec<T>* x, Four<T>& sums) {
  const Vec<T> low = fold_pair<1>(x[0], x[1]), high = fold_pair<1>(x[2], x[3]);
  if constexpr (sizeof(T) == 4) {
    const Vec<float> y = fold_parts(fold_pair<2>(low, high));
#if SIMDGRAD_ISA_AVX512
    sums = (Four<float>)_mm512_castps512_ps128(y.reg());
#elif SIMDGRAD_ISA_AVX2
    sums = (Four<float>)_mm256_castps256_ps128(y.reg());
#else
    sums = (Four<float>)y.reg();
#endif
  } else {
    const Vec<double> y = fold_parts(low), z = fold_parts(high);
#if SIMDGRAD_ISA_AVX512
    sums = (Four<double>)_mm256_set_m128d(_mm512_castpd512_pd128(z.reg()),
                                          _mm512_castpd512_pd128(y.reg()));
#elif SIMDGRAD_ISA_AVX2
    sums = (Four<double>)_mm256_permute2f128_pd(y.reg(), z.reg(), 0x20);
#else
    __builtin_memcpy(&sums, &y, 16);
    __builtin_memcpy(reinterpret_cast<char*>(&sums) + 16, &z, 16);
#endif
  }
}

// c[j * c_column] = finish of sums[j] for the first `columns`, of row i of the finish. plain: of a row
// that needs none.
template <class T, int columns>
SIMDGRAD_INLINE void store_four(const Four<T>& sums, T* c, std::int64_t c_column, bool plain, int i,
                                const Finish<T>& finish) {
  if (plain) {
    __builtin_memcpy(c, &sums, columns * sizeof(T));
    return;
  }
  Four<T> x = sums;
  if (finish.alpha != T(1)) x *= finish.alpha;
  if (finish.addend != nullptr) {
    const T* const addend = finish.addend + i * finish.addend_row;
    Four<T> y{};
    if (finish.addend_column == 1) {
      __builtin_memcpy(&y, addend, columns * sizeof(T));
    } else {
      for (int j = 0; j < columns; ++j) y[j] = addend[j * finish.addend_column];
    }
    if (finish.beta != T(1)) y *= finish.beta;
    x += y;
  }
  if (c_column == 1) {
    __builtin_memcpy(c, &x, columns * sizeof(T));
  } else {
    for (int j = 0; j < columns; ++j) c[j * c_column] = x[j];
  }
}

template <class T>
struct DotTile {
  std::int64_t k;
  const T* a;
  std::int64_t a_row;
  const T* b;
  std::int64_t b_column;
  T* c;
  std::int64_t c_row, c_column;
  Finish<T> finish;
  std::int64_t count;  // of tiles, and from one to the next:
  std::int64_t a_next, b_next, c_next, addend_next;
};

// c[i, j] = a row i times b column j, both along k. Tiles in a row, of which each can begin while the
// sums of the one before are still added up, and no more work between them than that: 64 x 10 x 128
// takes a fifth less time than with a call for each.
template <class T, int rows, int columns>
[[gnu::noinline]] void dot_tiles(const DotTile<T>& tile) {
  constexpr int n = Vec<T>::size;
  const std::int64_t k = tile.k, a_row = tile.a_row, b_column = tile.b_column;
  const std::int64_t c_row = tile.c_row, c_column = tile.c_column;
  const T* a = tile.a;
  const T* b = tile.b;
  T* c = tile.c;
  Finish<T> finish = tile.finish;
  const bool plain = c_column == 1 && finish.alpha == T(1) && finish.addend == nullptr;
  for (std::int64_t left = tile.count;;) {
    Vec<T> x[rows][4];
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 8
      for (int j = 0; j < 4; ++j) x[i][j] = Vec<T>(0);
    }
    const auto step = [&](auto load, std::int64_t p) {
      Vec<T> y[columns];
#pragma GCC unroll 8
      for (int j = 0; j < columns; ++j) y[j] = load(b + j * b_column + p);
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
    for (int i = 0; i < rows; ++i) {
      Four<T> sums;
      sum_lanes(x[i], sums);
      store_four<T, columns>(sums, c + i * c_row, c_column, plain, i, finish);
    }
    if (--left == 0) return;
    a += tile.a_next;
    b += tile.b_next;
    c += tile.c_next;
    if (finish.addend != nullptr) finish.addend += tile.addend_next;
  }
}

template <class T>
using DotFunction = void (*)(const DotTile<T>&);

template <class T>
struct DotTable {
  DotFunction<T> functions[kDotRows][kDotColumns];

  template <int rows, int columns>
  constexpr void fill() {
    if constexpr (columns <= kDotColumns) {
      functions[rows - 1][columns - 1] = dot_tiles<T, rows, columns>;
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
void dot_along(const GemmBlock<T>& block) {
  const Split down = split(block.m, kDotRows);
  DotTile<T> tile;
  tile.k = block.k;
  tile.a_row = block.a_row;
  tile.b_column = block.b_column;
  tile.c_row = block.c_row;
  tile.c_column = block.c_column;
  // `count` tiles of rows x columns, the first at [i, j], one below the other or side by side.
  const auto run = [&](std::int64_t i, std::int64_t rows, std::int64_t j, std::int64_t columns,
                       std::int64_t count, bool below) {
    const std::int64_t i_next = below ? rows : 0, j_next = below ? 0 : columns;
    tile.a = block.a + i * block.a_row;
    tile.b = block.b + j * block.b_column;
    tile.c = block.c + i * block.c_row + j * block.c_column;
    tile.finish = {block.alpha, block.beta, block.addend, block.addend_row, block.addend_column};
    if (block.addend) {
      tile.finish.addend += i * block.addend_row + j * block.addend_column;
    }
    tile.count = count;
    tile.a_next = i_next * block.a_row;
    tile.b_next = j_next * block.b_column;
    tile.c_next = i_next * block.c_row + j_next * block.c_column;
    tile.addend_next = i_next * block.addend_row + j_next * block.addend_column;
    kDots<T>.functions[rows - 1][columns - 1](tile);
  };
  const std::int64_t whole = block.n / kDotColumns, rest = block.n % kDotColumns;
  // The longer side in one call: what is read again and again is the shorter one.
  if (block.m > block.n) {
    for (std::int64_t j = 0; j < block.n; j += kDotColumns) {
      const std::int64_t columns = block.n - j < kDotColumns ? block.n - j : kDotColumns;
      if (down.longer > 0) run(0, down.shorter + 1, j, columns, down.longer, true);
      run(begin_of(down, down.longer), down.shorter, j, columns, down.pieces - down.longer, true);
    }
  } else {
    for (std::int64_t t = 0; t < down.pieces; ++t) {
      const std::int64_t i = begin_of(down, t), rows = size_of(down, t);
      if (whole > 0) run(i, rows, 0, kDotColumns, whole, false);
      if (rest > 0) run(i, rows, whole * kDotColumns, rest, 1, false);
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
