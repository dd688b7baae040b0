// The register tile of GEMM: rows x (registers of columns) accumulators, one instance per shape.
// Included by gemm.cpp only.
#pragma once

#include <cstdint>

#include "ops/kernels/gemm/gemm.h"
#include "ops/kernels/gemm/pack.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {
namespace {

template <int value>
struct Index {
  static constexpr int value_of = value;
};

inline Split split(std::int64_t n, std::int64_t longest) {
  // No division for small products: two of them take 5 ns.
  if (n <= longest) return {1, n, 0};
  if (n <= 2 * longest) return {2, n / 2, n % 2};
  if (n <= 3 * longest) return {3, n / 3, n % 3};
  const std::int64_t pieces = (n + longest - 1) / longest, shorter = n / pieces;
  return {pieces, shorter, n - pieces * shorter};
}
SIMDGRAD_INLINE std::int64_t begin_of(const Split& s, std::int64_t piece) {
  return piece * s.shorter + (piece < s.longer ? piece : s.longer);
}
SIMDGRAD_INLINE std::int64_t size_of(const Split& s, std::int64_t piece) {
  return s.shorter + (piece < s.longer ? 1 : 0);
}
SIMDGRAD_INLINE std::int64_t longest_of(const Split& s) {
  return s.shorter + (s.longer > 0 ? 1 : 0);
}

// Tiles are at most kMaxRows[v] rows by v registers of columns. 32 registers hold 24 accumulators,
// the row of B and a broadcast of A; 16 hold 12 and, where they do not suffice for the row of B, its
// registers are loaded at each use. More than 12 rows would be more streams than prefetchers follow
// (24 of them: 77 % instead of 92 % at k = 10000).
inline constexpr int kMaxVectors = SIMDGRAD_ISA_AVX2 ? 2 : 3;
#if SIMDGRAD_ISA_AVX512 || SIMDGRAD_ISA_NEON
inline constexpr int kMaxRows[] = {0, 12, 12, 8};
#elif SIMDGRAD_ISA_AVX2
inline constexpr int kMaxRows[] = {0, 12, 6, 4};
#else
inline constexpr int kMaxRows[] = {0, 8, 6, 4};
#endif

// What follows the last piece of K: c = alpha * sum + beta * addend, in PyTorch's order of rounding.
template <class T>
struct Finish {
  T alpha, beta;
  const T* addend;
  std::int64_t addend_row, addend_column;
};

// What is asked for while a tile is computed, a line of the cache with each step of k: the latency of the
// third level and the memory then hides behind the multiply-adds. Hardware follows a few long rows, not
// the short pieces of many rows that a tile reads and writes (1024 x 1024 x 1024: 83 % of peak, 91 % so).
struct Ahead {
  std::uintptr_t from;             // 0: nothing
  std::int64_t step, lines, next;  // `lines` of them `step` bytes apart, then the same `next` bytes on
};

template <class T>
struct Tile {
  std::int64_t k;
  const T* a;
  std::int64_t a_row, a_column;
  const T* b;  // whole registers are read of each of k rows
  std::int64_t b_row;
  T* c;
  std::int64_t c_row;
  const T* add;  // added to the sum when stored as it is: c itself, a bias; may be nullptr
  std::int64_t add_row;
  std::int64_t count;       // of tiles, all of one shape; 1 with columns
  std::int64_t a_next, b_next, c_next, add_next;  // from one to the next
  Ahead ahead;
  bool fetches_c;           // c's own lines first, before those of ahead
  T* saved_b;               // the rows of b are copied there as they are read (kSavesB); nullptr: nowhere
  int last_columns;         // of the last register of columns, where that is masked
  int columns;              // 0: the tile is stored from its registers; else its columns, by store_rows
  bool accumulate;          // with columns: c holds the sum over earlier pieces of K
  const Finish<T>* finish;  // with columns: nullptr before the last piece
};

template <class T>
SIMDGRAD_INLINE Vec<T> load_count(const T* from, int count) {
  return count == Vec<T>::size ? Vec<T>::load(from) : Vec<T>::load_partial(from, count);
}

// The first `count` lanes. On avx2 in pieces of 4, 2 and 1: there AMD's cores take a dozen cycles for
// a masked store (8 x 4 x 8: 92 ns, 73 ns in pieces).
template <class T>
SIMDGRAD_INLINE void store_count(Vec<T> x, T* to, int count) {
  constexpr int n = Vec<T>::size;
  if (count == n) {
    x.store(to);
    return;
  }
#if SIMDGRAD_ISA_AVX2
  alignas(32) T lanes[n];
  x.store(lanes);
  const T* from = lanes;
  const auto piece = [&](auto size) {
    constexpr int elements = decltype(size)::value_of;
    if (elements < n && (count & elements) != 0) {
      __builtin_memcpy(to, from, elements * sizeof(T));
      to += elements;
      from += elements;
    }
  };
  piece(Index<4>());
  piece(Index<2>());
  piece(Index<1>());
#else
  x.store_partial(to, count);
#endif
}

template <class T>
SIMDGRAD_INLINE Vec<T> load_addend(const T* addend, std::int64_t stride, int count) {
  if (stride == 1) return load_count(addend, count);
  alignas(64) T lanes[Vec<T>::size] = {};
  for (int i = 0; i < count; ++i) lanes[i] = addend[i * stride];
  return Vec<T>::load(lanes);
}

// c += or = the sums, and the finish, whose addend is that of the first element. Tiles that are cut
// off, or finished by more than one addition, end here.
template <class T>
[[gnu::noinline]] void store_rows(const T* sums, std::int64_t sums_row, int rows, int columns, T* c,
                                  std::int64_t c_row, bool accumulate, const Finish<T>* finish) {
  const bool plain = finish == nullptr || (finish->alpha == T(1) && finish->addend == nullptr);
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < columns; j += Vec<T>::size) {
      const int count = columns - j < Vec<T>::size ? columns - j : Vec<T>::size;
      T* const target = c + i * c_row + j;
      Vec<T> x = Vec<T>::load(sums + i * sums_row + j);
      if (accumulate) x = load_count(target, count) + x;
      if (!plain) {
        if (finish->alpha != T(1)) x = x * Vec<T>(finish->alpha);
        if (finish->addend != nullptr) {
          Vec<T> y =
              load_addend(finish->addend + i * finish->addend_row + j * finish->addend_column,
                          finish->addend_column, count);
          if (finish->beta != T(1)) y = y * Vec<T>(finish->beta);
          x = x + y;
        }
      }
      store_count(x, target, count);
    }
  }
}

// The same for c of any strides, one by one.
template <class T>
inline void store_elements(const T* sums, std::int64_t sums_row, int rows, int columns, T* c,
                           std::int64_t c_row, std::int64_t c_column, const Finish<T>& finish) {
  const bool scaled = finish.alpha != T(1);
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < columns; ++j) {
      T x = sums[i * sums_row + j];
      if (scaled) x = x * finish.alpha;
      if (finish.addend != nullptr) {
        const T y = finish.addend[i * finish.addend_row + j * finish.addend_column];
        x = x + (finish.beta == T(1) ? y : y * finish.beta);
      }
      c[i * c_row + j * c_column] = x;
    }
  }
}

// How a tile finds its elements of A: a_row apart; in a row (a packed tile, or a transposed operand),
// which makes the offsets constant; or packed with each repeated over a register. sse2 has no
// broadcast from memory: a load and a shuffle for 3 products held 4 x 3 tiles to 75 % of the peak,
// and repeated elements, which are one load, reach 87 %.
enum ElementsOfA { kApart, kInRow, kRepeated };
inline constexpr int kOrdersOfA = SIMDGRAD_ISA_SSE2 ? 3 : 2;

// Where the last register of columns is cut off: loads may be masked, and stores too where that is as
// fast as a whole one. Elsewhere such a panel of B is copied, and its tiles end in store_rows.
inline constexpr bool kMasksLoads = SIMDGRAD_ISA_AVX512 || SIMDGRAD_ISA_AVX2;
inline constexpr bool kMasksStores = SIMDGRAD_ISA_AVX512;

// Whether the first tile of a panel of B copies it while it reads it, which costs nothing beside 24
// multiply-adds. Copied rows lie one after the other: 256 x 256 x 256 takes 5 % less time of them.
inline constexpr bool kSavesB = SIMDGRAD_ISA_AVX512 || SIMDGRAD_ISA_AVX2;

// fetches: asks for what tile.ahead and fetches_c say, and copies b to saved_b. The form without is for
// what lies near: small products take 3 % fewer instructions of it.
template <class T, int rows, int vectors, ElementsOfA order, bool masked, bool fetches>
[[gnu::noinline]] void run_tile(const Tile<T>& tile) {
  constexpr int n = Vec<T>::size;
  const int last_columns = tile.last_columns;
  const auto load = [&](const T* from, int v) __attribute__((always_inline)) {
    return masked && v + 1 == vectors ? Vec<T>::load_partial(from + v * n, last_columns)
                                      : Vec<T>::load(from + v * n);
  };
  const T* a_begin = tile.a;
  const T* b_begin = tile.b;
  T* c_begin = tile.c;
  const T* add_begin = tile.add;
  constexpr bool repeated = order == kRepeated;
  const std::int64_t a_row = order == kInRow ? 1 : tile.a_row;
  const std::int64_t a_column = tile.a_column;
  const std::int64_t b_row = tile.b_row;
  for (std::int64_t left = tile.count;;) {
    Vec<T> sums[rows][vectors];
#pragma GCC unroll 32
    for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) sums[i][v] = Vec<T>(0);
    }
    const T* a = a_begin;
    const T* b = b_begin;
    T* c = c_begin;
    const T* add = add_begin;
    T* saved_b = fetches ? tile.saved_b : nullptr;
    const auto step = [&](auto saves) __attribute__((always_inline)) {
      Vec<T> row[vectors];
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) {
        row[v] = load(b, v);
        if constexpr (saves.value_of != 0) row[v].store(saved_b + v * n);
      }
#pragma GCC unroll 32
      for (int i = 0; i < rows; ++i) {
        const Vec<T> x = repeated ? Vec<T>::load(a + i * n) : Vec<T>(a[i * a_row]);
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) {
          sums[i][v] = fma(x, repeated ? Vec<T>::load(b + v * n) : row[v], sums[i][v]);
        }
      }
      a += a_column;
      b += b_row;
      if constexpr (saves.value_of != 0) saved_b += vectors * n;
    };
    [[maybe_unused]] const auto fetching_steps = [&](auto saves) __attribute__((always_inline)) {
      constexpr std::int64_t bytes = sizeof(T);
      const std::int64_t of_c = tile.fetches_c && tile.k >= rows * vectors ? vectors : 0;
      std::int64_t left_of_k = tile.k;
      for (std::int64_t run = 0; left_of_k > 0; ++run) {
        const bool is_c = run < of_c;
        std::uintptr_t line = is_c ? reinterpret_cast<std::uintptr_t>(c + run * n)
                                   : tile.ahead.from + static_cast<std::uintptr_t>(
                                                           (run - of_c) * tile.ahead.next);
        const std::int64_t line_step = is_c ? tile.c_row * bytes : tile.ahead.step;
        std::int64_t p = is_c ? rows : tile.ahead.lines;
        if (p > left_of_k) p = left_of_k;
        left_of_k -= p;
        for (; p > 0; --p) {
          __builtin_prefetch(reinterpret_cast<const void*>(line), 0, 2);
          line += static_cast<std::uintptr_t>(line_step);
          step(saves);
        }
      }
    };
    if constexpr (!fetches) {
      for (std::int64_t p = tile.k; p > 0; --p) step(Index<0>());
    } else if (kSavesB && saved_b != nullptr) {
      fetching_steps(Index<kSavesB>());
    } else {
      fetching_steps(Index<0>());
    }
    if (tile.columns != 0) [[unlikely]] {
      alignas(64) T buffer[rows * vectors * n];
#pragma GCC unroll 32
      for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) sums[i][v].store(buffer + (i * vectors + v) * n);
      }
      store_rows(buffer, vectors * n, rows, tile.columns, c, tile.c_row, tile.accumulate,
                 tile.finish);
      return;
    }
#pragma GCC unroll 32
    for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) {
        Vec<T> x = sums[i][v];
        if (add != nullptr) x = load(add, v) + x;
        if (masked && kMasksStores && v + 1 == vectors) {
          x.store_partial(c + v * n, last_columns);
        } else {
          x.store(c + v * n);
        }
      }
      c += tile.c_row;
      if (add != nullptr) add += tile.add_row;
    }
    if (--left == 0) return;
    a_begin += tile.a_next;
    b_begin += tile.b_next;
    c_begin += tile.c_next;
    if (add_begin != nullptr) add_begin += tile.add_next;
  }
}

template <class T>
using TileFunction = void (*)(const Tile<T>&);

// All shapes: functions[fetches][masked][order of A][vectors - 1][rows - 1].
template <class T>
struct TileTable {
  TileFunction<T> functions[2][kMasksLoads ? 2 : 1][kOrdersOfA][kMaxVectors][kMaxRows[1]];

  template <int rows, int vectors>
  constexpr void fill() {
    if constexpr (vectors <= kMaxVectors) {
      if constexpr (rows <= kMaxRows[vectors]) {
        fill_orders<rows, vectors, false>();
        if constexpr (kMasksLoads) fill_orders<rows, vectors, true>();
        fill<rows + 1, vectors>();
      } else {
        fill<1, vectors + 1>();
      }
    }
  }
  template <int rows, int vectors, bool masked>
  constexpr void fill_orders() {
    fill_fetches<rows, vectors, kApart, masked>();
    fill_fetches<rows, vectors, kInRow, masked>();
    if constexpr (kOrdersOfA > kRepeated) fill_fetches<rows, vectors, kRepeated, masked>();
  }
  template <int rows, int vectors, ElementsOfA order, bool masked>
  constexpr void fill_fetches() {
    functions[0][masked][order][vectors - 1][rows - 1] =
        run_tile<T, rows, vectors, order, masked, false>;
    functions[1][masked][order][vectors - 1][rows - 1] =
        run_tile<T, rows, vectors, order, masked, true>;
  }
  constexpr TileTable() : functions{} { fill<1, 1>(); }
};
template <class T>
constexpr TileTable<T> kTiles;

}  // namespace
}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
