// Numbers as unevaluated sums high + low, twice the precision of T. Included by log.h and trig.h.
// Without fused multiply-add, exact products go through split halves: same values.
#pragma once

#include "ops/kernels/vec.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {

template <class T>
struct Pair {
  Vec<T> high, low;
};

template <class T>
SIMDGRAD_INLINE UnsignedVec<T> splat(unsigned long long word) {
  if constexpr (sizeof(T) == 4) {
    return UnsignedVec<T>{} + static_cast<unsigned>(word);
  } else {
    return UnsignedVec<T>{} + word;
  }
}

// a + b exactly; the quick form needs |a| >= |b| or a == 0.
template <class T>
SIMDGRAD_INLINE Pair<T> quick_two_sum(Vec<T> a, Vec<T> b) {
  const Vec<T> sum = a + b;
  return {sum, b - (sum - a)};
}
template <class T>
SIMDGRAD_INLINE Pair<T> two_sum(Vec<T> a, Vec<T> b) {
  const Vec<T> sum = a + b;
  const Vec<T> b_part = sum - a;
  return {sum, (a - (sum - b_part)) + (b - b_part)};
}

// a * b exactly, short of overflow and underflow.
template <class T>
SIMDGRAD_INLINE Pair<T> two_product(Vec<T> a, Vec<T> b) {
  const Vec<T> product = a * b;
#if SIMDGRAD_ISA_HAS_FMA
  return {product, fms(a, b, product)};
#else
  const Vec<T> splitter(sizeof(T) == 4 ? 0x1p12 + 1 : 0x1p27 + 1);
  const Vec<T> a_big = splitter * a, b_big = splitter * b;
  const Vec<T> a_high = a_big - (a_big - a), b_high = b_big - (b_big - b);
  const Vec<T> a_low = a - a_high, b_low = b - b_high;
  return {product,
          a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)};
#endif
}

template <class T>
SIMDGRAD_INLINE Pair<T> multiply(Pair<T> a, Pair<T> b) {
  const Pair<T> p = two_product(a.high, b.high);
  return quick_two_sum(p.high, p.low + fma(a.high, b.low, a.low * b.high));
}
template <class T>
SIMDGRAD_INLINE Pair<T> square(Pair<T> a) {
  const Pair<T> p = two_product(a.high, a.high);
  return quick_two_sum(p.high, fma(a.high + a.high, a.low, p.low));
}
// a / b: the quotient, then what its exact residual adds. The reciprocal serves both: a division of doubles
// takes 16 cycles on avx512, and what the quotient lacks by it is in the residual.
template <class T>
SIMDGRAD_INLINE Pair<T> divide(Vec<T> a, Pair<T> b) {
  const Vec<T> inverse = Vec<T>(1) / b.high;
  const Vec<T> quotient = a * inverse;
  const Pair<T> back = two_product(quotient, b.high);
  const Vec<T> residual = ((a - back.high) - back.low) - quotient * b.low;
  return quick_two_sum(quotient, residual * inverse);
}

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
