// Vector maths on Vec<float> and Vec<double>: ours, because the results must not depend on the
// xsimd version, denormals must be right, and a value must not depend on its lane.
//   exp expm1 log log1p log2 sin cos tanh sigmoid erf normal_cdf rsqrt log1p_exp pow
// avx2, avx512 and neon give the same bits; sse2, without fused multiply-add, may differ in the
// last one. Bounds in units in the last place stand in tests/kernels_math_reference.h.
#pragma once

#include "ops/kernels/math/exp.h"
#include "ops/kernels/math/log.h"
#include "ops/kernels/math/trig.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {

// Below the limit x + x P(x^2). Above it float: 1 - e^-P(x), P approximating -log erfc; double:
// 1 - e^-x^2 P(1 / (x + 2)). Minimax as exp_tail in exp.h, errors weighted by erfc / erf:
// 2^-30 and 2^-29 (float), 2^-62 and 2^-60 (double).
template <class T>
SIMDGRAD_INLINE Vec<T> erf(Vec<T> x) {
  constexpr bool single = sizeof(T) == 4;
  const Vec<T> a = clamp_above(abs(x), Vec<T>(single ? 4.0 : 6.0));  // erf is 1 from there on
  const Vec<T> z = a * a;
  Vec<T> p, tail;
  if constexpr (single) {
    p = polynomial(z, 0x1.06eba8p-3, -0x1.812742p-2, 0x1.ce2dfp-4, -0x1.b80d7p-6, 0x1.54c2b4p-8,
                   -0x1.aa3268p-11, 0x1.5cfc0ep-14);
    tail = exp_moderate(-polynomial(a, 0x1.9a0772p-13, 0x1.20af66p+0, 0x1.463c92p-1, 0x1.a9b58ep-4,
                           -0x1.6c2d44p-6, 0x1.8ee74p-9, -0x1.9af2a6p-13));
  } else {
    p = polynomial(z, 0x1.06eba8214db69p-3, -0x1.812746b037a2cp-2, 0x1.ce2f21a046179p-4,
                   -0x1.b82ce313879d7p-6, 0x1.565bcd352f3f5p-8, -0x1.c02dbaea429f5p-11,
                   0x1.f9a3ee1d42c41p-14, -0x1.f4e10ba0ddf29p-17, 0x1.ba9edff13f4f5p-20,
                   -0x1.655ec235f033ap-23, 0x1.1ce5d8040ed6bp-26, -0x1.009f17a480b33p-29,
                   0x1.8d5f7cacafe6cp-33);
    const Vec<T> u = Vec<T>(1) / (a + Vec<T>(2));
    tail = exp_moderate(-z) * polynomial(u, -0x1.9b038b6cf5e06p-19, 0x1.20f5ab460b37cp-1,
                                0x1.1f92898c30473p+0, 0x1.076239f8242abp+1, 0x1.e781118c20b65p+0,
                                0x1.3b1a096a8fdedp+3, -0x1.478457acb6746p+5, 0x1.4150cd9143d92p+7,
                                -0x1.fd81e80fbb783p+8, 0x1.f04ffea285726p+9, -0x1.1fa8c1504380dp+10,
                                0x1.75354a8235eeap+9, -0x1.a749e9c92cef8p+7);
  }
  const Vec<T> large = Vec<T>(1) - tail;
  return copysign(select(a < Vec<T>(single ? 0.921875 : 1.0), fma(a, p, a), large), x);
}

// 1 / sqrt(x), two roundings; no approximate instruction.
template <class T>
SIMDGRAD_INLINE Vec<T> rsqrt(Vec<T> x) {
  return Vec<T>(1) / sqrt(x);
}

// log(1 + e^x) without overflow, softplus: max(x, 0) + log(1 + e), e = e^-|x| at most 1, so that of
// log1p's range two pieces are left: e itself, and (1 + e) / 2.
template <class T>
SIMDGRAD_INLINE Vec<T> log1p_exp(Vec<T> x) {
  constexpr bool single = sizeof(T) == 4;
  const ExpReduced<T> reduced = reduce_exp(-clamp_above(abs(x), Vec<T>(single ? 104.0 : 746.0)));
  const Vec<T> e = exp_of(reduced, reduced.r);
  const Mask<T> large = e > Vec<T>(0.41421356);
  const Vec<T> f = select(large, fma(e, Vec<T>(0.5), Vec<T>(-0.5)), e);
  const Vec<T> positive = clamp_below(x, Vec<T>(0));
  if constexpr (single) {
    // Fewer steps than log_sum takes: one ln 2 instead of k of them in two parts.
    const Vec<T> square = f * f;
    const Vec<T> y = fma(square, fma(f, log_polynomial(f, square), Vec<T>(-0.5)), f);
    return positive + (select(large, Vec<T>(0.6931471805599453), Vec<T>(0)) + y);
  } else {
    return positive + log_sum(select(large, Vec<T>(1), Vec<T>(0)), f);
  }
}

// q = P(X < -a) for normal X and a >= 0: e^-(a P(a)) / 2, in one piece from 0 on, where erf needs two.
// P is minimax as exp_tail in exp.h: relative error of q 2^-27 up to a = 1, beyond that a q has an
// absolute error of 3e-9. From 6 on, where q is 1e-9, it is 0, whatever P has become.
SIMDGRAD_INLINE Vec<float> normal_tail(Vec<float> a) {
  using V = Vec<float>;
  const V linear = V(0x1.98845ap-1) * a, square = a * a;
  const V p = polynomial_of_8(a, square, 0x1.45f248p-2, 0x1.29c5cep-5, -0x1.3b6808p-8,
                              -0x1.2462c2p-20, 0x1.910c8p-13, -0x1.a2727ap-15, 0x1.a2b50ap-18,
                              -0x1.5e7f9ep-22);
  // The exponent with what its last rounding lost: an ulp of the exponent is an ulp of q.
  const V t = fma(square, p, linear);
  const V t_low = fma(square, p, linear - t);
  const ExpReduced<float> reduced = reduce_exp(-t);
  const V r = reduced.r - t_low;
#if SIMDGRAD_ISA_HAS_FMA
  // exp_tail's coefficients, halved: 0.5 e takes a step more (7.9 us of 32768 numbers instead of 7.3).
  const V half = polynomial(r, 0.5, 0.5, 0x1.fffffcp-3, 0x1.55549p-4, 0x1.5558aap-6, 0x1.123b1p-8,
                            0x1.6a56a8p-11);
#else
  const V half = V(0.5) * exp_near_0(r);
#endif
  return select(a >= V(6), V(0), scale_exponent<true>(half, reduced));
}

// P(X < x), and x times that, which is gelu.
template <class T>
SIMDGRAD_INLINE Vec<T> normal_cdf(Vec<T> x) {
  if constexpr (sizeof(T) == 4) {
    const Vec<T> q = normal_tail(abs(x));
    return select(x < Vec<T>(0), q, Vec<T>(1) - q);
  } else {
    return Vec<T>(0.5) * (Vec<T>(1) + erf(x * Vec<T>(0.7071067811865476)));
  }
}
template <class T>
SIMDGRAD_INLINE Vec<T> times_normal_cdf(Vec<T> x) {
  if constexpr (sizeof(T) == 4) {
    // max(x, -0) - |x| q: q is 0 from 6 on and below -40, where no infinity must meet it.
    const Vec<T> a = abs(clamp_keep_nan(x, -40, 6));
    return fnma(a, normal_tail(a), clamp_below(x, Vec<T>(-0.0)));
  } else {
    return clamp_below(x, Vec<T>(-40)) * normal_cdf(x);
  }
}

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
