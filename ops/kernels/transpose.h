// Transposes of items of 1, 2, 4 or 8 bytes. Included by copy.cpp only.
#pragma once

#include <cstring>

#include "ops/kernels/vec.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {

// Lanes with bit `step` clear come from a, the others from `step` below in b; and the reverse.
template <int step, class T>
SIMDGRAD_INLINE void exchange(Vec<T>& a, Vec<T>& b) {
  constexpr int n = Vec<T>::size;
  const auto x = a.reg();
  const auto y = b.reg();
#define SIMDGRAD_LOW(i) ((i)&step ? n + (i)-step : (i))
#define SIMDGRAD_HIGH(i) ((i)&step ? n + (i) : (i) + step)
#if defined(__clang__)
#define SIMDGRAD_PICK(...) __builtin_shufflevector(x, y, __VA_ARGS__)
#else
#define SIMDGRAD_PICK(...) __builtin_shuffle(x, y, IntVec<T>{__VA_ARGS__})
#endif
#define SIMDGRAD_LANES2(f, i) f(i), f(i + 1)
#define SIMDGRAD_LANES4(f, i) SIMDGRAD_LANES2(f, i), SIMDGRAD_LANES2(f, i + 2)
#define SIMDGRAD_LANES8(f, i) SIMDGRAD_LANES4(f, i), SIMDGRAD_LANES4(f, i + 4)
#define SIMDGRAD_LANES16(f, i) SIMDGRAD_LANES8(f, i), SIMDGRAD_LANES8(f, i + 8)
#define SIMDGRAD_EXCHANGE(lanes)                                            \
  a = Vec<T>(xsimd::batch<T, Arch>(SIMDGRAD_PICK(lanes(SIMDGRAD_LOW, 0)))); \
  b = Vec<T>(xsimd::batch<T, Arch>(SIMDGRAD_PICK(lanes(SIMDGRAD_HIGH, 0))))
  if constexpr (n == 2) {
    SIMDGRAD_EXCHANGE(SIMDGRAD_LANES2);
  } else if constexpr (n == 4) {
    SIMDGRAD_EXCHANGE(SIMDGRAD_LANES4);
  } else if constexpr (n == 8) {
    SIMDGRAD_EXCHANGE(SIMDGRAD_LANES8);
  } else {
    SIMDGRAD_EXCHANGE(SIMDGRAD_LANES16);
  }
}

template <int count, int step, int i, class T>
SIMDGRAD_INLINE void exchange_pairs(Vec<T>* rows) {
  if constexpr (i < count) {
    if constexpr ((i & step) == 0) exchange<step>(rows[i], rows[i + step]);
    exchange_pairs<count, step, i + 1>(rows);
  }
}
// Squares of count x count lanes side by side in `count` registers.
template <int count, int step, class T>
SIMDGRAD_INLINE void exchange_all(Vec<T>* rows) {
  if constexpr (step < count) {
    exchange_pairs<count, step, 0>(rows);
    exchange_all<count, step * 2>(rows);
  }
}
template <int count, int i, class T>
SIMDGRAD_INLINE void load_rows(Vec<T>* rows, const char* from, int64_t stride) {
  if constexpr (i < count) {
    rows[i] = Vec<T>::load(reinterpret_cast<const T*>(from + i * stride));
    load_rows<count, i + 1>(rows, from, stride);
  }
}
template <int i, class T>
SIMDGRAD_INLINE void store_rows(const Vec<T>* rows, char* to, int64_t stride) {
  if constexpr (i < Vec<T>::size) {
    rows[i].store(reinterpret_cast<T*>(to + i * stride));
    store_rows<i + 1>(rows, to, stride);
  }
}

#if SIMDGRAD_ISA_AVX512
// Four rows' quarters in one register: a broadcast under a mask is a load and a blend, which leaves two
// steps of four to the shuffle units: 8.5 ns a square instead of 17.
SIMDGRAD_INLINE __m512 load_quarters(const char* from, int64_t stride) {
  const auto quarter = [&](int row) {
    return _mm_loadu_ps(reinterpret_cast<const float*>(from + row * stride));
  };
  __m512 v = _mm512_broadcast_f32x4(quarter(0));
  v = _mm512_mask_broadcast_f32x4(v, 0x00f0, quarter(4));
  v = _mm512_mask_broadcast_f32x4(v, 0x0f00, quarter(8));
  return _mm512_mask_broadcast_f32x4(v, 0xf000, quarter(12));
}
template <int part>
SIMDGRAD_INLINE void transpose_quarters(char* to, int64_t to_stride, const char* from,
                                        int64_t from_stride) {
  if constexpr (part < 4) {
    const char* at = from + part * 16;
    const __m512 a = load_quarters(at, from_stride),
                 b = load_quarters(at + from_stride, from_stride),
                 c = load_quarters(at + 2 * from_stride, from_stride),
                 d = load_quarters(at + 3 * from_stride, from_stride);
    const __m512d ab = _mm512_castps_pd(_mm512_unpacklo_ps(a, b)),
                  cd = _mm512_castps_pd(_mm512_unpacklo_ps(c, d)),
                  high_ab = _mm512_castps_pd(_mm512_unpackhi_ps(a, b)),
                  high_cd = _mm512_castps_pd(_mm512_unpackhi_ps(c, d));
    char* out = to + part * 4 * to_stride;
    _mm512_storeu_pd(out, _mm512_unpacklo_pd(ab, cd));
    _mm512_storeu_pd(out + to_stride, _mm512_unpackhi_pd(ab, cd));
    _mm512_storeu_pd(out + 2 * to_stride, _mm512_unpacklo_pd(high_ab, high_cd));
    _mm512_storeu_pd(out + 3 * to_stride, _mm512_unpackhi_pd(high_ab, high_cd));
    transpose_quarters<part + 1>(to, to_stride, from, from_stride);
  }
}
SIMDGRAD_INLINE void transpose_16x16(char* to, int64_t to_stride, const char* from,
                                     int64_t from_stride) {
  transpose_quarters<0>(to, to_stride, from, from_stride);
}
// The same eight rows at a time: sixteen whose lines collide do not fit the twelve ways of a set.
template <int row, int count>
SIMDGRAD_INLINE void store_halves(const Vec<float>* rows, char* to, int64_t to_stride) {
  if constexpr (row < count) {
    _mm256_storeu_ps(reinterpret_cast<float*>(to + row * to_stride),
                     _mm512_castps512_ps256(rows[row].reg()));
    _mm256_storeu_ps(reinterpret_cast<float*>(to + (row + count) * to_stride),
                     _mm512_extractf32x8_ps(rows[row].reg(), 1));
    store_halves<row + 1, count>(rows, to, to_stride);
  }
}
SIMDGRAD_INLINE void transpose_8x16(char* to, int64_t to_stride, const char* from,
                                    int64_t from_stride) {
  Vec<float> rows[8];
  load_rows<8, 0>(rows, from, from_stride);
  exchange_all<8, 1>(rows);
  store_halves<0, 8>(rows, to, to_stride);
}
#endif

template <class T>
SIMDGRAD_INLINE void transpose_edge(char* to, int64_t to_stride, const char* from,
                                    int64_t from_stride, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      std::memcpy(to + r * to_stride + c * static_cast<int64_t>(sizeof(T)),
                  from + c * from_stride + r * static_cast<int64_t>(sizeof(T)), sizeof(T));
}

// to[r][c] = from[c][r] in one square of registers.
template <class T>
SIMDGRAD_INLINE void transpose_square(char* to, int64_t to_stride, const char* from,
                                      int64_t from_stride) {
#if SIMDGRAD_ISA_AVX512
  if constexpr (Vec<T>::size == 16) return transpose_16x16(to, to_stride, from, from_stride);
#endif
  Vec<T> square[Vec<T>::size];
  load_rows<Vec<T>::size, 0>(square, from, from_stride);
  exchange_all<Vec<T>::size, 1>(square);
  store_rows<0>(square, to, to_stride);
}

template <int count, class T>
SIMDGRAD_INLINE void copy_registers(T* to, const T* from) {
  if constexpr (count > 0) {
    Vec<T>::load(from).store(to);
    copy_registers<count - 1>(to + Vec<T>::size, from + Vec<T>::size);
  }
}

// Whole squares into a tile.
template <class T>
SIMDGRAD_INLINE void fill_tile(char* tile, int64_t tile_stride, const char* from,
                               int64_t from_stride, int64_t rows, int64_t columns) {
  constexpr int64_t n = Vec<T>::size, item = sizeof(T), step = n < 8 ? n : 8;
  for (int64_t c = 0; c < columns; c += step)
    for (int64_t r = 0; r < rows; r += n) {
      char* const to = tile + r * tile_stride + c * item;
      const char* const at = from + c * from_stride + r * item;
#if SIMDGRAD_ISA_AVX512
      if constexpr (n == 16) {
        transpose_8x16(to, tile_stride, at, from_stride);
        continue;
      }
#endif
      transpose_square<T>(to, tile_stride, at, from_stride);
    }
}

// Rows of the result whose single lines push each other out of every cache, as strides near a power of
// two make them do. Rows of 500 floats or more than 8 KB apart in `from` gain nothing.
SIMDGRAD_INLINE bool lines_collide(int64_t to_stride, int64_t from_stride) {
  return to_stride >= 4096 && to_stride % 2048 == 0 && from_stride <= 8192;
}

// Whole squares, by way of a tile in the first-level cache that takes 256 bytes at a time from a row and
// gives 512 to one. 1024 x 1024 floats: 197 us without it, 108 with it. Of 4 MB with that stride, reading
// single lines takes 127 us and writing them 555; 256 bytes 57 and 162; 512 bytes 42 and 41; contiguous
// memory 32 and 34. Elsewhere the tile costs more than it gains: 1000 x 1000 floats 86 and 125 us.
template <class T>
SIMDGRAD_INLINE void transpose_tiles_of_squares(char* to, int64_t to_stride, const char* from,
                                                int64_t from_stride, int64_t rows,
                                                int64_t columns) {
  constexpr int64_t n = Vec<T>::size, item = sizeof(T);
  constexpr int64_t tile_rows = 256 / item, tile_columns = 512 / item;
  alignas(64) char tile[tile_rows * tile_columns * item];
  for (int64_t r0 = 0; r0 < rows; r0 += tile_rows) {
    const int64_t high = rows - r0 < tile_rows ? rows - r0 : tile_rows;
    for (int64_t c0 = 0; c0 < columns; c0 += tile_columns) {
      const int64_t wide = columns - c0 < tile_columns ? columns - c0 : tile_columns;
      fill_tile<T>(tile, tile_columns * item, from + c0 * from_stride + r0 * item, from_stride,
                   high, wide);
      for (int64_t r = 0; r < high; ++r) {
        const T* row = reinterpret_cast<const T*>(tile + r * tile_columns * item);
        T* out = reinterpret_cast<T*>(to + (r0 + r) * to_stride + c0 * item);
        if (wide == tile_columns) {
          copy_registers<tile_columns / n>(out, row);  // a loop becomes a call of memcpy
        } else {
          for (int64_t c = 0; c < wide; c += n) Vec<T>::load(row + c).store(out + c);
        }
      }
    }
  }
}

// It moves bits only, so T stands for any type of its size.
template <class T>
void transpose_squares(char* to, int64_t to_stride, const char* from, int64_t from_stride,
                       int64_t rows, int64_t columns) {
  constexpr int64_t n = Vec<T>::size, item = sizeof(T);
  const int64_t whole_rows = rows / n * n, whole_columns = columns / n * n;
  if (lines_collide(to_stride, from_stride)) {
    transpose_tiles_of_squares<T>(to, to_stride, from, from_stride, whole_rows, whole_columns);
  } else {
    for (int64_t r = 0; r < whole_rows; r += n)
      for (int64_t c = 0; c < whole_columns; c += n)
        transpose_square<T>(to + r * to_stride + c * item, to_stride,
                            from + c * from_stride + r * item, from_stride);
  }
  transpose_edge<T>(to + whole_columns * item, to_stride, from + whole_columns * from_stride,
                    from_stride, whole_rows, columns - whole_columns);
  transpose_edge<T>(to + whole_rows * to_stride, to_stride, from + whole_rows * item, from_stride,
                    rows - whole_rows, columns);
}

// 16 x 16 at a time, so that both sides stay in the nearest cache.
template <class T>
void transpose_tiles(char* to, int64_t to_stride, const char* from, int64_t from_stride,
                     int64_t rows, int64_t columns) {
  constexpr int64_t tile = 16;
  for (int64_t r = 0; r < rows; r += tile)
    for (int64_t c = 0; c < columns; c += tile)
      transpose_edge<T>(to + r * to_stride + c * static_cast<int64_t>(sizeof(T)), to_stride,
                        from + c * from_stride + r * static_cast<int64_t>(sizeof(T)), from_stride,
                        rows - r < tile ? rows - r : tile, columns - c < tile ? columns - c : tile);
}

void transpose(char* to, int64_t to_stride, const char* from, int64_t from_stride, int64_t rows,
               int64_t columns, int item) {
  switch (item) {
    case 1:
      return transpose_tiles<uint8_t>(to, to_stride, from, from_stride, rows, columns);
    case 2:
      return transpose_tiles<uint16_t>(to, to_stride, from, from_stride, rows, columns);
    case 4:
      return transpose_squares<float>(to, to_stride, from, from_stride, rows, columns);
    default:
      return transpose_squares<double>(to, to_stride, from, from_stride, rows, columns);
  }
}

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
