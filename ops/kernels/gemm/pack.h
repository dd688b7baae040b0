// Copies of operands into the order in which the GEMM tiles read them. Included by gemm.cpp only.
#pragma once

#include <cstdint>

#include "ops/kernels/vec.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {
namespace {

// Two registers, picked lane by lane; lanes of y count on from those of x.
#if defined(__clang__)
#define SIMDGRAD_PICK(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#else
#define SIMDGRAD_PICK(x, y, ...) __builtin_shuffle(x, y, IntVec<T>{__VA_ARGS__})
#endif

// One step of a transpose: within 128 bits, low or high halves of x and y interleaved in units of
// `unit` elements; beyond, 128-bit lanes exchanged (AVX-512: x0 x2 y0 y2 or x1 x3 y1 y3).
template <class T, int unit, bool high>
SIMDGRAD_INLINE typename Vec<T>::Register interleave(typename Vec<T>::Register x,
                                                     typename Vec<T>::Register y) {
  constexpr int n = Vec<T>::size;
  constexpr int bytes = unit * static_cast<int>(sizeof(T));
  constexpr int h = high ? 1 : 0;
  if constexpr (n == 2) {
    return SIMDGRAD_PICK(x, y, h, 2 + h);
  } else if constexpr (n == 4 && sizeof(T) == 4) {
    if constexpr (unit == 1) {
      return SIMDGRAD_PICK(x, y, 2 * h, 4 + 2 * h, 1 + 2 * h, 5 + 2 * h);
    } else {
      return SIMDGRAD_PICK(x, y, 2 * h, 2 * h + 1, 4 + 2 * h, 5 + 2 * h);
    }
  } else if constexpr (n == 4) {  // AVX2, double
    if constexpr (bytes == 8) {
      return SIMDGRAD_PICK(x, y, h, 4 + h, 2 + h, 6 + h);
    } else {
      return SIMDGRAD_PICK(x, y, 2 * h, 2 * h + 1, 4 + 2 * h, 5 + 2 * h);
    }
  } else if constexpr (n == 8 && sizeof(T) == 4) {  // AVX2, float
    if constexpr (unit == 1) {
      constexpr int o = 2 * h;
      return SIMDGRAD_PICK(x, y, o, 8 + o, o + 1, 9 + o, 4 + o, 12 + o, 5 + o, 13 + o);
    } else if constexpr (unit == 2) {
      constexpr int o = 2 * h;
      return SIMDGRAD_PICK(x, y, o, o + 1, 8 + o, 9 + o, 4 + o, 5 + o, 12 + o, 13 + o);
    } else {
      constexpr int o = 4 * h;
      return SIMDGRAD_PICK(x, y, o, o + 1, o + 2, o + 3, 8 + o, 9 + o, 10 + o, 11 + o);
    }
  } else if constexpr (n == 8) {  // AVX-512, double
    if constexpr (bytes == 8) {
      return SIMDGRAD_PICK(x, y, h, 8 + h, 2 + h, 10 + h, 4 + h, 12 + h, 6 + h, 14 + h);
    } else {
      constexpr int o = 2 * h;
      return SIMDGRAD_PICK(x, y, o, o + 1, o + 4, o + 5, 8 + o, 9 + o, 12 + o, 13 + o);
    }
  } else {  // AVX-512, float
    if constexpr (unit == 1) {
      constexpr int o = 2 * h;
      return SIMDGRAD_PICK(x, y, o, 16 + o, 1 + o, 17 + o, 4 + o, 20 + o, 5 + o, 21 + o, 8 + o,
                           24 + o, 9 + o, 25 + o, 12 + o, 28 + o, 13 + o, 29 + o);
    } else if constexpr (unit == 2) {
      constexpr int o = 2 * h;
      return SIMDGRAD_PICK(x, y, o, 1 + o, 16 + o, 17 + o, 4 + o, 5 + o, 20 + o, 21 + o, 8 + o,
                           9 + o, 24 + o, 25 + o, 12 + o, 13 + o, 28 + o, 29 + o);
    } else {
      constexpr int o = 4 * h;
      return SIMDGRAD_PICK(x, y, o, 1 + o, 2 + o, 3 + o, 8 + o, 9 + o, 10 + o, 11 + o, 16 + o,
                           17 + o, 18 + o, 19 + o, 24 + o, 25 + o, 26 + o, 27 + o);
    }
  }
}
#undef SIMDGRAD_PICK

// x[i] is row i, then column i. Steps of one kind keep low results in the first register of a pair
// and high ones in the second, so the columns come out in the order that column_register names.
template <class T, int unit>
SIMDGRAD_INLINE void interleave_pairs(typename Vec<T>::Register* x) {
  constexpr int n = Vec<T>::size;
#pragma GCC unroll 16
  for (int i = 0; i < n; ++i) {
    if ((i & unit) == 0) {
      const typename Vec<T>::Register low = interleave<T, unit, false>(x[i], x[i + unit]);
      x[i + unit] = interleave<T, unit, true>(x[i], x[i + unit]);
      x[i] = low;
    }
  }
}

template <class T>
SIMDGRAD_INLINE void transpose(typename Vec<T>::Register* x) {
  constexpr int n = Vec<T>::size;
  constexpr int in_lane = 16 / static_cast<int>(sizeof(T));
  interleave_pairs<T, 1>(x);
  if constexpr (in_lane == 4) interleave_pairs<T, 2>(x);
  if constexpr (n >= 2 * in_lane) interleave_pairs<T, in_lane>(x);
  if constexpr (n >= 4 * in_lane) interleave_pairs<T, 2 * in_lane>(x);
}

// Where column c is after transpose(): each step sends the low part of its bit to the lower register.
template <class T>
constexpr int column_register(int c) {
  constexpr int n = Vec<T>::size;
  constexpr int in_lane = 16 / static_cast<int>(sizeof(T));
  // Bits of c from the top of its 128-bit part down are decided by the steps in order.
  if (n == 2) return c;
  int part = c % in_lane, lane = c / in_lane, r = 0;
  if (in_lane == 4) {
    r |= (part & 2) ? 1 : 0;
    r |= (part & 1) ? 2 : 0;
  } else {
    r |= part;
  }
  if (n == 2 * in_lane) r |= lane ? in_lane : 0;
  if (n == 4 * in_lane) {
    r |= (lane & 1) ? in_lane : 0;
    r |= (lane & 2) ? 2 * in_lane : 0;
  }
  return r;
}

// to[c * to_row + r] = from[r * from_row + c] for r < rows, c < columns, both at most one register.
// Writes whole registers: rows from `rows` on are zero.
template <class T, bool full>
SIMDGRAD_INLINE void transpose_block(const T* from, std::int64_t from_row, int rows, int columns,
                                     T* to, std::int64_t to_row) {
  constexpr int n = Vec<T>::size;
  typename Vec<T>::Register x[n];
#pragma GCC unroll 16
  for (int r = 0; r < n; ++r) {
    if constexpr (full) {
      x[r] = Vec<T>::load(from + r * from_row).reg();
    } else {
      x[r] = r < rows ? Vec<T>::load_partial(from + r * from_row, columns).reg() : Vec<T>(0).reg();
    }
  }
  transpose<T>(x);
#pragma GCC unroll 16
  for (int c = 0; c < n; ++c) {
    if (full || c < columns) {
      Vec<T>(typename Vec<T>::Batch(x[column_register<T>(c)])).store(to + c * to_row);
    }
  }
}

// to[c * to_row + r] = from[r * from_row + c]; each to row is written up to a whole register.
// Groups of rows go from last to first, so that what one writes beyond its end, the next mends.
template <class T>
[[gnu::noinline]] void copy_transposed(const T* from, std::int64_t from_row, std::int64_t rows,
                                       std::int64_t columns, T* to, std::int64_t to_row) {
  constexpr int n = Vec<T>::size;
  for (std::int64_t r = (rows - 1) / n * n; r >= 0; r -= n) {
    const T* source = from + r * from_row;
    T* target = to + r;
    std::int64_t c = 0;
    if (rows - r >= n) {
      for (; c + n <= columns; c += n) {
        transpose_block<T, true>(source + c, from_row, n, n, target + c * to_row, to_row);
      }
    }
    const int rest_rows = static_cast<int>(rows - r < n ? rows - r : n);
    for (; c < columns; c += n) {
      const int rest = static_cast<int>(columns - c < n ? columns - c : n);
      transpose_block<T, false>(source + c, from_row, rest_rows, rest, target + c * to_row, to_row);
    }
  }
}

// to[p * to_row + i] = from[p * from_row + i] for p < count and i < width; whole registers are
// written, with zeros (or what lies there, where `available` elements may be read) beyond width.
// The tail goes first: what it writes beyond its end, whole registers mend.
template <class T>
[[gnu::noinline]] void copy_rows(const T* from, std::int64_t from_row, std::int64_t count,
                                 std::int64_t width, std::int64_t available, T* to,
                                 std::int64_t to_row) {
  constexpr int n = Vec<T>::size;
  const std::int64_t begin = (width - 1) / n * n;
  const std::int64_t whole = available - begin >= n ? begin + n : begin;
  if (whole == begin) {
    const int rest = static_cast<int>(width - begin);
    for (std::int64_t p = 0; p < count; ++p) {
      Vec<T>::load_partial(from + p * from_row + begin, rest).store(to + p * to_row + begin);
    }
  }
  if (whole == 0) return;
  // Row by row: rows 4096 bytes apart share a set of L1, and would be gone at a second visit.
  for (std::int64_t p = 0; p < count; ++p) {
    for (std::int64_t i = 0; i < whole; i += n) Vec<T>::load(from + i).store(to + i);
    from += from_row;
    to += to_row;
  }
}

// The same for any strides, element by element; zeros up to to_row.
template <class T>
[[gnu::noinline]] void copy_strided(const T* from, std::int64_t from_p, std::int64_t from_i,
                                    std::int64_t count, std::int64_t width, T* to,
                                    std::int64_t to_row) {
  for (std::int64_t p = 0; p < count; ++p) {
    for (std::int64_t i = 0; i < width; ++i) to[p * to_row + i] = from[p * from_p + i * from_i];
    for (std::int64_t i = width; i < to_row; ++i) to[p * to_row + i] = 0;
  }
}

// to[p * to_row + i] = from[p * from_p + i * from_i], whatever the strides. `available` >= width
// elements along i may be read. to needs a register of room beyond its end unless to_row is a
// multiple of the register; then rows are filled up with zeros or, within `available`, anything.
template <class T>
void pack(const T* from, std::int64_t from_p, std::int64_t from_i, std::int64_t count,
          std::int64_t width, std::int64_t available, T* to, std::int64_t to_row) {
  if (from_i == 1) {
    copy_rows(from, from_p, count, width, available, to, to_row);
  } else if (from_p == 1) {
    copy_transposed(from, from_i, width, count, to, to_row);
  } else {
    copy_strided(from, from_p, from_i, count, width, to, to_row);
  }
}

// to[(p * rows + i) * lanes + any] = from[p * from_p + i * from_i]: each element over a register.
template <class T, int rows>
SIMDGRAD_INLINE void pack_repeated_rows(const T* from, std::int64_t from_p, std::int64_t from_i,
                                        std::int64_t count, T* to) {
  constexpr int n = Vec<T>::size;
  for (std::int64_t p = 0; p < count; ++p) {
#pragma GCC unroll 4
    for (int i = 0; i < rows; ++i) Vec<T>(from[i * from_i]).store(to + i * n);
    from += from_p;
    to += rows * n;
  }
}
template <class T>
[[gnu::noinline]] void pack_repeated(const T* from, std::int64_t from_p, std::int64_t from_i,
                                     std::int64_t count, int rows, T* to) {
  if (rows == 4) return pack_repeated_rows<T, 4>(from, from_p, from_i, count, to);
  if (rows == 3) return pack_repeated_rows<T, 3>(from, from_p, from_i, count, to);
  if (rows == 2) return pack_repeated_rows<T, 2>(from, from_p, from_i, count, to);
  pack_repeated_rows<T, 1>(from, from_p, from_i, count, to);
}

}  // namespace
}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
