// Products with lanes along K in the very order of dot.h, where B lies along its columns: a lane
// of the dot form is a register here, and holds that lane's sum of as many columns. Included by
// gemm.cpp only.
#pragma once

#include <cstdint>

#include "ops/kernels/gemm/gemm.h"
#include "ops/kernels/gemm/tile.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {
namespace {

// Sums held at once: rows x stripes x vectors.
inline constexpr int kStripeVectors = 3;
inline constexpr int kStripeRows = 4;
inline constexpr int kStripeSums = SIMDGRAD_ISA_AVX512 || SIMDGRAD_ISA_NEON ? 8 : 4;

// A balanced tree over positions adds lanes as sum_lanes does: in a 128-bit part 0 + 2 and 1 + 3 of
// floats, 0 + 1 of doubles; then parts 0 + 2 and 1 + 3 of four.
template <class T>
constexpr int lane_of_position(int position) {
  constexpr int in_part = 16 / static_cast<int>(sizeof(T));
  constexpr int parts = Vec<T>::size / in_part;
  const auto turned = [](int i, int count) { return count == 4 ? (i & 1) * 2 + (i >> 1) : i; };
  return turned(position / in_part, parts) * in_part + turned(position % in_part, in_part);
}

template <int count, class T>
SIMDGRAD_INLINE Vec<T> add_tree(const Vec<T>* x) {
  if constexpr (count == 1) {
    return x[0];
  } else {
    return add_tree<count / 2>(x) + add_tree<count / 2>(x + count / 2);
  }
}

template <int count, int done = 0, class Body>
SIMDGRAD_INLINE void for_each_index(const Body& body) {
  if constexpr (done < count) {
    body(Index<done>());
    for_each_index<count, done + 1>(body);
  }
}

template <class T>
struct Stripes {
  std::int64_t k;
  const T* a;
  std::int64_t a_row, a_column;
  const T* b;
  std::int64_t b_row;
  int last_columns;  // of the last register of columns
};

// sums[(i * kStripeVectors + v) * lanes]: the product of `rows` rows and `vectors` registers of
// columns. `stripes` lanes are summed at a time.
template <class T, int rows, int vectors, bool whole>
[[gnu::noinline]] void stripe_tile(const Stripes<T>& tile, T* sums) {
  constexpr int n = Vec<T>::size;
  constexpr int stripes = kStripeSums / rows < n ? kStripeSums / rows : n;
  constexpr int groups = n / stripes;
  Vec<T> parts[rows][vectors][groups];
  const std::int64_t a_row = tile.a_row, a_column = tile.a_column, b_row = tile.b_row;
  const int last_columns = tile.last_columns;
  const auto group = [&](auto which) {
    constexpr int g = decltype(which)::value_of;
    Vec<T> x[rows][vectors][stripes];
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 3
      for (int v = 0; v < vectors; ++v) {
#pragma GCC unroll 8
        for (int s = 0; s < stripes; ++s) x[i][v][s] = Vec<T>(0);
      }
    }
    const auto step = [&](int s, const T* a, const T* b) __attribute__((always_inline)) {
      Vec<T> row[vectors];
#pragma GCC unroll 3
      for (int v = 0; v < vectors; ++v) {
        row[v] = whole || v + 1 < vectors ? Vec<T>::load(b + v * n)
                                          : Vec<T>::load_partial(b + v * n, last_columns);
      }
#pragma GCC unroll 8
      for (int i = 0; i < rows; ++i) {
        const Vec<T> y(a[i * a_row]);
#pragma GCC unroll 3
        for (int v = 0; v < vectors; ++v) x[i][v][s] = fma(y, row[v], x[i][v][s]);
      }
    };
    const T* a = tile.a;
    const T* b = tile.b;
    std::int64_t p = 0;
    for (; p + n <= tile.k; p += n) {
#pragma GCC unroll 8
      for (int s = 0; s < stripes; ++s) {
        const int lane = lane_of_position<T>(g * stripes + s);
        step(s, a + lane * a_column, b + lane * b_row);
      }
      a += n * a_column;
      b += n * b_row;
    }
    if (p < tile.k) {
#pragma GCC unroll 8
      for (int s = 0; s < stripes; ++s) {
        const int lane = lane_of_position<T>(g * stripes + s);
        if (p + lane < tile.k) {
          step(s, a + lane * a_column, b + lane * b_row);
        } else {  // as the dot form adds 0 * 0, which makes -0 a 0
#pragma GCC unroll 8
          for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 3
            for (int v = 0; v < vectors; ++v) x[i][v][s] = x[i][v][s] + Vec<T>(0);
          }
        }
      }
    }
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 3
      for (int v = 0; v < vectors; ++v) parts[i][v][g] = add_tree<stripes>(x[i][v]);
    }
  };
  for_each_index<groups>(group);
#pragma GCC unroll 8
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 3
    for (int v = 0; v < vectors; ++v) {
      add_tree<groups>(parts[i][v]).store(sums + (i * kStripeVectors + v) * n);
    }
  }
}

template <class T>
using StripeFunction = void (*)(const Stripes<T>&, T*);

// functions[last register whole][log2 of rows][vectors - 1].
template <class T>
struct StripeTable {
  StripeFunction<T> functions[2][3][kStripeVectors];

  template <int rows_log2, int vectors>
  constexpr void fill() {
    functions[0][rows_log2][vectors - 1] = stripe_tile<T, 1 << rows_log2, vectors, false>;
    functions[1][rows_log2][vectors - 1] = stripe_tile<T, 1 << rows_log2, vectors, true>;
    if constexpr (vectors < kStripeVectors) {
      fill<rows_log2, vectors + 1>();
    } else if constexpr (2 << rows_log2 <= kStripeRows) {
      fill<rows_log2 + 1, 1>();
    }
  }
  constexpr StripeTable() : functions{} { fill<0, 1>(); }
};
template <class T>
constexpr StripeTable<T> kStripes;

// b_column is 1. c may lie along rows or along columns.
template <class T>
void stripes(const GemmBlock<T>& block) {
  constexpr int n = Vec<T>::size;
  const Split panels = split((block.n + n - 1) / n, kStripeVectors);
  Finish<T> finish{block.alpha, block.beta, nullptr, block.addend_row, block.addend_column};
  alignas(64) T sums[kStripeRows * kStripeVectors * n];
  for (std::int64_t panel = 0; panel < panels.pieces; ++panel) {
    const std::int64_t j = begin_of(panels, panel) * n;
    const int vectors = static_cast<int>(size_of(panels, panel));
    const std::int64_t rest = block.n - j;
    const int columns = static_cast<int>(rest < vectors * n ? rest : vectors * n);
    const bool whole = columns == vectors * n;
    for (std::int64_t i = 0; i < block.m;) {
      const int log2 = block.m - i >= 4 ? 2 : block.m - i >= 2 ? 1 : 0, rows = 1 << log2;
      const Stripes<T> tile{
          block.k,     block.a + i * block.a_row,  block.a_row, block.a_column, block.b + j,
          block.b_row, columns - (vectors - 1) * n};
      kStripes<T>.functions[whole][log2][vectors - 1](tile, sums);
      if (block.addend)
        finish.addend = block.addend + i * block.addend_row + j * block.addend_column;
      T* const c = block.c + i * block.c_row + j * block.c_column;
      if (block.c_column == 1) {
        store_rows(sums, kStripeVectors * n, rows, columns, c, block.c_row, false, &finish);
      } else {
        store_elements(sums, kStripeVectors * n, rows, columns, c, block.c_row, block.c_column,
                       finish);
      }
      i += rows;
    }
  }
}

}  // namespace
}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
