// Fills, strided copies and conversions of dtype; transpose.h has the transposes.
#include "ops/kernels/copy.h"

#include <cstring>

#include "ops/kernels/transpose.h"
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
