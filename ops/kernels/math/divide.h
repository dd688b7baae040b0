// Division by one number for many.
#pragma once

#include "ops/kernels/vec.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {

// x / number for many x: a product and its remainder's, three operations where a division of 512 bits
// takes 16 cycles. Rounded as division is (P. Markstein, "Computation of elementary functions on the IBM
// RISC System/6000", 1990) while the remainder, 2^-24 of x, is no denormal; below that a unit of the
// smallest numbers may be lost. number is finite and neither 0 nor denormal.
template <class T>
struct Divisor {
  Vec<T> number, inverse;

  SIMDGRAD_INLINE explicit Divisor(Vec<T> n) : number(n), inverse(Vec<T>(1) / n) {}

  // Of finite x; NaN for an infinite one.
  SIMDGRAD_INLINE Vec<T> of_finite(Vec<T> x) const {
#if SIMDGRAD_ISA_HAS_FMA
    const Vec<T> quotient = x * inverse;
    return fma(fnma(quotient, number, x), inverse, quotient);
#else
    return x / number;
#endif
  }
  SIMDGRAD_INLINE Vec<T> of(Vec<T> x) const {
#if SIMDGRAD_ISA_HAS_FMA
    return select(is_inf(x), x * inverse, of_finite(x));
#else
    return x / number;
#endif
  }
};

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
