#include "ops/kernels/copy.h"

#include <cstring>

#include "ops/kernels/vec.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {
namespace {

#define SIMDGRAD_RESTRICT __restrict__

void fill(char* to, const char* pattern, int64_t bytes) {
  using V = Vec<float>;
  constexpr int64_t lanes = V::size * 4;
  V parts[kPatternBytes / lanes];
  for (int i = 0; i < kPatternBytes / lanes; ++i)
    parts[i] = V::load(reinterpret_cast<const float*>(pattern + i * lanes));
  int64_t at = 0;
  for (; at + kPatternBytes <= bytes; at += kPatternBytes)
    for (int i = 0; i < kPatternBytes / lanes; ++i)
      parts[i].store(reinterpret_cast<float*>(to + at + i * lanes));
  std::memcpy(to + at, pattern, static_cast<size_t>(bytes - at));
}

// --- strided ------------------------------------------------------------------------------------
template <class T>
SIMDGRAD_INLINE void copy_items(char* to, int64_t to_stride, const char* from, int64_t from_stride,
                                int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    std::memcpy(to + i * to_stride, from + i * from_stride, sizeof(T));
}

void strided(char* to, int64_t to_stride, const char* from, int64_t from_stride, int64_t n,
             int item) {
  switch (item) {
    case 1:
      return copy_items<uint8_t>(to, to_stride, from, from_stride, n);
    case 2:
      return copy_items<uint16_t>(to, to_stride, from, from_stride, n);
    case 4:
      return copy_items<uint32_t>(to, to_stride, from, from_stride, n);
    default:
      return copy_items<uint64_t>(to, to_stride, from, from_stride, n);
  }
}

// --- transposes ---------------------------------------------------------------------------------
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

template <int step, int i, class T>
SIMDGRAD_INLINE void exchange_pairs(Vec<T>* rows) {
  constexpr int n = Vec<T>::size;
  if constexpr (i < n) {
    if constexpr ((i & step) == 0) exchange<step>(rows[i], rows[i + step]);
    exchange_pairs<step, i + 1>(rows);
  }
}
template <int step, class T>
SIMDGRAD_INLINE void exchange_all(Vec<T>* rows) {
  if constexpr (step < Vec<T>::size) {
    exchange_pairs<step, 0>(rows);
    exchange_all<step * 2>(rows);
  }
}
template <int i, class T>
SIMDGRAD_INLINE void load_rows(Vec<T>* rows, const char* from, int64_t stride) {
  if constexpr (i < Vec<T>::size) {
    rows[i] = Vec<T>::load(reinterpret_cast<const T*>(from + i * stride));
    load_rows<i + 1>(rows, from, stride);
  }
}
template <int i, class T>
SIMDGRAD_INLINE void store_rows(const Vec<T>* rows, char* to, int64_t stride) {
  if constexpr (i < Vec<T>::size) {
    rows[i].store(reinterpret_cast<T*>(to + i * stride));
    store_rows<i + 1>(rows, to, stride);
  }
}

template <class T>
SIMDGRAD_INLINE void transpose_edge(char* to, int64_t to_stride, const char* from,
                                    int64_t from_stride, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      std::memcpy(to + r * to_stride + c * static_cast<int64_t>(sizeof(T)),
                  from + c * from_stride + r * static_cast<int64_t>(sizeof(T)), sizeof(T));
}

// One register square at a time; it moves bits only, so T stands for any type of its size.
template <class T>
void transpose_squares(char* to, int64_t to_stride, const char* from, int64_t from_stride,
                       int64_t rows, int64_t columns) {
  constexpr int64_t n = Vec<T>::size;
  constexpr int64_t item = sizeof(T);
  const int64_t whole_rows = rows / n * n;
  const int64_t whole_columns = columns / n * n;
  for (int64_t r = 0; r < whole_rows; r += n) {
    char* to_row = to + r * to_stride;
    const char* from_row = from + r * item;
    for (int64_t c = 0; c < whole_columns; c += n) {
      Vec<T> square[n];
      load_rows<0>(square, from_row + c * from_stride, from_stride);
      exchange_all<1>(square);
      store_rows<0>(square, to_row + c * item, to_stride);
    }
    transpose_edge<T>(to_row + whole_columns * item, to_stride,
                      from_row + whole_columns * from_stride, from_stride, n,
                      columns - whole_columns);
  }
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

// --- conversions --------------------------------------------------------------------------------
template <class T>
constexpr bool is_real = false;
template <>
constexpr bool is_real<float> = true;
template <>
constexpr bool is_real<double> = true;

struct Truth {  // bool in memory: one byte, 0 or 1
  uint8_t byte;
};

template <class To, class From>
SIMDGRAD_INLINE To converted(From x) {
  if constexpr (__is_same(From, Truth)) {
    return converted<To>(x.byte);
  } else if constexpr (__is_same(To, Truth)) {
    return {static_cast<uint8_t>(x != 0)};
  } else if constexpr (__is_same(To, uint8_t) && is_real<From>) {
    return static_cast<To>(static_cast<int64_t>(x));
  } else if constexpr (sizeof(To) < 4 && is_real<From>) {
    return static_cast<To>(static_cast<int32_t>(x));
  } else {
    return static_cast<To>(x);
  }
}

// Bytes to and from floats: compilers find the vector form in two steps of one kind each.
template <class To, class From>
constexpr bool through_int = (sizeof(From) == 1 && is_real<To>) ||
                             (is_real<From> && sizeof(To) == 1 && !__is_same(To, uint8_t));
template <class To, class From>
SIMDGRAD_INLINE int32_t as_int(From x) {
  if constexpr (__is_same(To, Truth)) {
    return x != 0 ? 1 : 0;
  } else {
    return converted<int32_t>(x);
  }
}
template <class To>
SIMDGRAD_INLINE To from_int(int32_t x) {
  if constexpr (__is_same(To, Truth)) {
    return {static_cast<uint8_t>(x)};
  } else {
    return static_cast<To>(x);
  }
}

template <class To, class From>
void convert(char* to_bytes, int64_t to_stride, const char* from_bytes, int64_t from_stride,
             int64_t n) {
  To* SIMDGRAD_RESTRICT to = reinterpret_cast<To*>(to_bytes);
  const From* SIMDGRAD_RESTRICT from = reinterpret_cast<const From*>(from_bytes);
  int64_t i = 0;
  if (to_stride == 1 && from_stride == 1) {
    // Blocks of a fixed length, which the compiler turns into vector conversions.
    constexpr int kBlock = 32;
    for (; i + kBlock <= n; i += kBlock) {
      if constexpr (through_int<To, From>) {
        int32_t whole[kBlock];
        for (int k = 0; k < kBlock; ++k) whole[k] = as_int<To>(from[i + k]);
        for (int k = 0; k < kBlock; ++k) to[i + k] = from_int<To>(whole[k]);
      } else {
        for (int k = 0; k < kBlock; ++k) to[i + k] = converted<To>(from[i + k]);
      }
    }
  }
  for (; i < n; ++i) to[i * to_stride] = converted<To>(from[i * from_stride]);
}

#define SIMDGRAD_CONVERT_TO(To)                                                            \
  {                                                                                        \
    convert<To, uint8_t>, convert<To, int8_t>, convert<To, int16_t>, convert<To, int32_t>, \
        convert<To, int64_t>, convert<To, float>, convert<To, double>, convert<To, Truth>  \
  }

}  // namespace

extern const CopyKernels copy_kernels = {
    fill,
    strided,
    transpose,
    // In the order of ScalarType.
    {SIMDGRAD_CONVERT_TO(uint8_t), SIMDGRAD_CONVERT_TO(int8_t), SIMDGRAD_CONVERT_TO(int16_t),
     SIMDGRAD_CONVERT_TO(int32_t), SIMDGRAD_CONVERT_TO(int64_t), SIMDGRAD_CONVERT_TO(float),
     SIMDGRAD_CONVERT_TO(double), SIMDGRAD_CONVERT_TO(Truth)},
};

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
