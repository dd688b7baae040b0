// exp, expm1, tanh, sigmoid. Included by math.h.
#pragma once

#include "ops/kernels/vec.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {

// c0 + x (c1 + x (c2 + ...)), by Horner's rule: the fewest operations, many vectors in flight.
template <class T, class... Rest>
SIMDGRAD_INLINE Vec<T> polynomial(Vec<T> x, double c0, Rest... rest) {
  if constexpr (sizeof...(rest) == 0) {
    return Vec<T>(c0);
  } else {
    return fma(polynomial(x, rest...), x, Vec<T>(c0));
  }
}

// The same of eight coefficients by Estrin's scheme, four steps deep instead of seven: where one value
// takes so many steps that those of the next vectors no longer fit into the processor's window.
template <class T>
SIMDGRAD_INLINE Vec<T> polynomial_of_8(Vec<T> x, Vec<T> square, double c0, double c1, double c2,
                                       double c3, double c4, double c5, double c6, double c7) {
  const auto pair = [&](double low, double high) { return fma(x, Vec<T>(high), Vec<T>(low)); };
  const Vec<T> low = fma(pair(c2, c3), square, pair(c0, c1));
  const Vec<T> high = fma(pair(c6, c7), square, pair(c4, c5));
  return fma(high, square * square, low);
}

template <class T>
struct FloatFormat;
template <>
struct FloatFormat<float> {
  static constexpr int kMantissaBits = 23;
  static constexpr int kBias = 127;
  static constexpr double kRoundingMagic = 0x1.8p23;  // x + magic leaves round(x) in the low bits
};
template <>
struct FloatFormat<double> {
  static constexpr int kMantissaBits = 52;
  static constexpr int kBias = 1023;
  static constexpr double kRoundingMagic = 0x1.8p52;
};

// x = n ln 2 + r, |r| <= ln 2 / 2 (a hair more). The high part of ln 2 has so few bits that
// n * high is exact. `r_low` is what rounding r lost; expm1 and pow need it.
template <class T>
struct ExpReduced {
  Vec<T> n, shifted, r, r_low;
};
// The low bits of `shifted` hold n + bias.
template <class T>
SIMDGRAD_INLINE ExpReduced<T> reduce_exp(Vec<T> x, int bias = 0) {
  constexpr bool single = sizeof(T) == 4;
  const Vec<T> magic(FloatFormat<T>::kRoundingMagic + bias);
  const Vec<T> high(single ? 0x1.62e4p-1 : 0x1.62e42fefa38p-1);
  const Vec<T> low(single ? 0x1.7f7d1cp-20 : 0x1.ef35793c7673p-45);
  ExpReduced<T> result;
  result.shifted = fma(x, Vec<T>(0x1.71547652b82fep+0), magic);
  result.n = result.shifted - magic;
  const Vec<T> rest = fnma(result.n, high, x);
  result.r = fnma(result.n, low, rest);
  result.r_low = fnma(result.n, low, rest - result.r);
  return result;
}

// p * 2^n in one rounding, denormal results included; |n| <= 2 * bias - 100. With `normal`, n and
// the result are in the range of normal numbers and one factor will do.
template <bool normal = false, class T>
SIMDGRAD_INLINE Vec<T> scale_exponent(Vec<T> p, const ExpReduced<T>& reduced) {
#if SIMDGRAD_ISA_AVX512
  using Batch = xsimd::batch<T, Arch>;
  if constexpr (sizeof(T) == 4) {
    return Vec<T>(Batch(_mm512_scalef_ps(p.reg(), reduced.n.reg())));
  } else {
    return Vec<T>(Batch(_mm512_scalef_pd(p.reg(), reduced.n.reg())));
  }
#else
  using Unsigned = UnsignedVec<T>;
  constexpr int mantissa = FloatFormat<T>::kMantissaBits;
  const Unsigned magic = (Unsigned)Vec<T>(FloatFormat<T>::kRoundingMagic).bits();
  if constexpr (normal) {
    const Unsigned exponent = (Unsigned)reduced.shifted.bits() - magic + FloatFormat<T>::kBias;
    return p * Vec<T>::from_bits(exponent << mantissa);
  }
  // Two factors, each in range; the first product is exact.
  const Unsigned sum = (Unsigned)reduced.shifted.bits() - magic + 2 * FloatFormat<T>::kBias;
  const Unsigned half = sum >> 1;
  return p * Vec<T>::from_bits(half << mantissa) * Vec<T>::from_bits((sum - half) << mantissa);
#endif
}

// (e^r - 1 - r) / r^2, minimax (weighted Lawson iteration in 50 digits, coefficients rounded one
// by one). `single` has relative error 2^-28 in e^r, the longer ones 2^-31 and 2^-61 in e^r - 1.
template <class T>
SIMDGRAD_INLINE Vec<T> exp_tail(Vec<T> r) {
  if constexpr (sizeof(T) == 4) {
    return polynomial(r, 0x1.fffffcp-2, 0x1.55549p-3, 0x1.5558aap-5, 0x1.123b1p-7, 0x1.6a56a8p-10);
  } else {
    return polynomial(r, 0x1.000000000000ap-1, 0x1.55555555554fap-3, 0x1.5555555550615p-5,
                      0x1.111111112793fp-7, 0x1.6c16c184b09dap-10, 0x1.a01a012beb165p-13,
                      0x1.a019989bb27bfp-16, 0x1.71df202a962d2p-19, 0x1.28aecc82f3fe3p-22,
                      0x1.ad8a4a23fe141p-26);
  }
}
// e^r. Without fused multiply-add products round too, and the steps are those that keep them small.
template <class T>
SIMDGRAD_INLINE Vec<T> exp_near_0(Vec<T> r) {
#if SIMDGRAD_ISA_HAS_FMA
  return fma(fma(exp_tail(r), r, Vec<T>(1)), r, Vec<T>(1));
#else
  return Vec<T>(1) + fma(r * r, exp_tail(r), r);
#endif
}
// 2^n e^r of what reduce_exp gave; r by itself, since callers may have mended it.
template <bool normal = false, class T>
SIMDGRAD_INLINE Vec<T> exp_of(const ExpReduced<T>& reduced, Vec<T> r) {
  return scale_exponent<normal>(exp_near_0(r), reduced);
}
template <class T>
SIMDGRAD_INLINE Vec<T> expm1_tail(Vec<T> r) {
  if constexpr (sizeof(T) == 4) {
    return polynomial(r, 0x1.0p-1, 0x1.555554p-3, 0x1.5554fp-5, 0x1.11130ep-7, 0x1.6d43cep-10,
                      0x1.9dfc2ep-13);
  } else {
    return polynomial(r, 0x1.0000000000000p-1, 0x1.5555555555559p-3, 0x1.555555555554ep-5,
                      0x1.111111110f62fp-7, 0x1.6c16c16c1a402p-10, 0x1.a01a01b01e40fp-13,
                      0x1.a01a019040c19p-16, 0x1.71ddf7b328f21p-19, 0x1.27e50e7a709c9p-22,
                      0x1.af5ff2da169e4p-26, 0x1.1f21b4cad380ap-29);
  }
}

// Values beyond a bound become the bound; NaN stays.
template <class T>
SIMDGRAD_INLINE Vec<T> clamp_keep_nan(Vec<T> x, double low, double high) {
  return clamp_above(clamp_below(x, Vec<T>(low)), Vec<T>(high));
}

template <class T>
SIMDGRAD_INLINE Vec<T> exp(Vec<T> x) {
  constexpr bool single = sizeof(T) == 4;
  // Beyond these the result rounds to 0 or to infinity.
  x = clamp_keep_nan(x, single ? -104.0 : -746.0, single ? 89.0 : 710.0);
  const ExpReduced<T> reduced = reduce_exp(x);
  return exp_of(reduced, reduced.r);
}

// exp for x <= 0. What it gives above means nothing; NaN stays.
template <class T>
SIMDGRAD_INLINE Vec<T> exp_up_to_1(Vec<T> x) {
  const ExpReduced<T> reduced = reduce_exp(clamp_below(x, Vec<T>(sizeof(T) == 4 ? -104.0 : -746.0)));
  return exp_of(reduced, reduced.r);
}

// exp for |x| <= 80, where no bound needs a check.
template <class T>
SIMDGRAD_INLINE Vec<T> exp_moderate(Vec<T> x) {
  const ExpReduced<T> reduced = reduce_exp(x);
  return exp_of<true>(reduced, reduced.r);
}

template <class T>
SIMDGRAD_INLINE Vec<T> expm1(Vec<T> x) {
  constexpr bool single = sizeof(T) == 4;
  const Vec<T> bounded = clamp_keep_nan(x, single ? -30.0 : -60.0, single ? 89.0 : 710.0);
  const ExpReduced<T> reduced = reduce_exp(bounded);
  const Vec<T> r = reduced.r;
  // e^(r + low) - e^r is low e^r, and 1 + r is enough of e^r here.
  const Vec<T> low = fma(reduced.r_low, r, reduced.r_low);
  const Vec<T> e = r + fma(r * r, expm1_tail(r), low);
  // 2^n e + (2^n - 1), with 2^(n-1) in its place so that n = 128 (1024) is in range.
  constexpr int mantissa = FloatFormat<T>::kMantissaBits;
  using Unsigned = UnsignedVec<T>;
  const Unsigned magic = (Unsigned)Vec<T>(FloatFormat<T>::kRoundingMagic).bits();
  const Unsigned exponent =
      (Unsigned)reduced.shifted.bits() - magic + (FloatFormat<T>::kBias - 1);
  const Vec<T> half = Vec<T>::from_bits(exponent << mantissa);
  const Vec<T> y = Vec<T>(2) * fma(half, e, half - Vec<T>(0.5));
  // Keeps -0 and denormals, and NaN, whose bits made no exponent.
  return select(abs(x) >= Vec<T>(single ? 0x1p-26 : 0x1p-55), y, x);
}

// x + x^3 P(x^2) below 0.6, 1 - 2 / (e^2x + 1) above. P: minimax as exp_tail, error 2^-28, 2^-58.
template <class T>
SIMDGRAD_INLINE Vec<T> tanh(Vec<T> x) {
  constexpr bool single = sizeof(T) == 4;
  const Vec<T> a = abs(x);
  const Vec<T> z = a * a;
  Vec<T> p;
  if constexpr (single) {
    p = polynomial(z, -0x1.555532p-2, 0x1.110704p-3, -0x1.b8389ap-5, 0x1.52117p-6, -0x1.758d74p-8);
  } else {
    p = polynomial(z, -0x1.555555555553p-2, 0x1.111111110e1cfp-3, -0x1.ba1ba1b7819cfp-5,
                   0x1.664f47f034405p-6, -0x1.226e2294bf4c6p-7, 0x1.d6d0c64612523p-9,
                   -0x1.7d79d9d5ccb78p-10, 0x1.33db130473879p-11, -0x1.e32cfc4bb78a3p-13,
                   0x1.4ca96d94d4218p-14, -0x1.2032a7c76618ep-16);
  }
  const Vec<T> small = fma(a * z, p, a);
  // At 10 (20) the result is 1.
  const Vec<T> bounded = clamp_above(a, Vec<T>(single ? 10.0 : 20.0));
  const Vec<T> large = Vec<T>(1) - Vec<T>(2) / (exp_moderate(bounded + bounded) + Vec<T>(1));
  return copysign(select(a < Vec<T>(single ? 0.625 : 0.6), small, large), x);
}

// 1 / (1 + e^-x) as c / (c + w e^r), w = c 2^n: c = 2^-30 (2^-100) keeps w in range where the result is
// denormal. (c + w) + w (e^r - 1) has one rounding that counts, which leaves the result within 1.8 ulp
// without a branch or a second division.
template <class T>
SIMDGRAD_INLINE Vec<T> sigmoid(Vec<T> x) {
  constexpr bool single = sizeof(T) == 4;
  constexpr int shift = single ? 30 : 100;
  // From 30 (50) on the result is 1, below -104 (-746) it is 0.
  const Vec<T> bounded = clamp_keep_nan(x, single ? -104.0 : -746.0, single ? 30.0 : 50.0);
  const ExpReduced<T> reduced = reduce_exp(-bounded, FloatFormat<T>::kBias - shift);
  const Vec<T> r = reduced.r;
  const Vec<T> rest = fma(r * r, exp_tail(r), r);
  const Vec<T> c(single ? 0x1p-30 : 0x1p-100);
  const Vec<T> w = Vec<T>::from_bits((UnsignedVec<T>)reduced.shifted.bits()
                                     << FloatFormat<T>::kMantissaBits);
  const Vec<T> sum = c + w;
  const Vec<T> lost = c - (sum - w);  // 0 unless w is 2^24 (2^53) times c and more
  return c / (sum + fma(w, rest, lost));
}

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
