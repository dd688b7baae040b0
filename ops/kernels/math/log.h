// log, log1p, log2, pow. Included by math.h.
#pragma once

#include "ops/kernels/math/exp.h"
#include "ops/kernels/math/pair.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {

template <class T>
struct LogReduced {
  Vec<T> k, m;
  UnsignedVec<T> k_bits;  // k << mantissa bits
};

// x = 2^k m, m in [sqrt(1/2), sqrt(2)), for normal positive x.
template <class T>
SIMDGRAD_INLINE LogReduced<T> split_exponent(Vec<T> x) {
  using Unsigned = UnsignedVec<T>;
  using Word = unsigned long long;
  constexpr bool single = sizeof(T) == 4;
  constexpr int mantissa = FloatFormat<T>::kMantissaBits;
  constexpr Word half_root = single ? 0x3f3504f3ull : 0x3fe6a09e667f3bcdull;
  constexpr Word offset = static_cast<Word>(FloatFormat<T>::kBias + 1) << mantissa;
  // The offset makes the exponent nonnegative, so that a logical shift serves: arithmetic ones of
  // 64 bits need AVX-512. Then 2^mantissa in the exponent field turns it into a number.
  const Unsigned moved = (Unsigned)x.bits() - splat<T>(half_root - offset);
  const Unsigned fraction = moved & splat<T>((1ull << mantissa) - 1);
  const Unsigned exponent = moved >> mantissa;
  constexpr double base = single ? 0x1p23 : 0x1p52;
  LogReduced<T> result;
  result.k = Vec<T>::from_bits(exponent | (Unsigned)Vec<T>(base).bits()) -
             Vec<T>(base + FloatFormat<T>::kBias + 1);
  result.m = Vec<T>::from_bits(fraction + splat<T>(half_root));
  result.k_bits = (moved ^ fraction) - splat<T>(offset);
  return result;
}

// P of log(1 + f) = f - f^2 / 2 + f^3 P(f), |f| < 0.42.
SIMDGRAD_INLINE Vec<float> log_polynomial(Vec<float> f, Vec<float> square) {
  return polynomial_of_8(f, square, 0x1.555554p-2, -0x1.00022ap-2, 0x1.99a02ap-3, -0x1.547166p-3,
                         0x1.22d6dap-3, -0x1.0d8baap-3, 0x1.05751ap-3, -0x1.38cf3cp-4);
}
// f^2 / 2 - log(1 + f) + f, that is log(1 + f) = f - (f^2 / 2 - tail); |f| < 0.42.
// float: f^3 P(f); double: s = f / (2 + f), log(1 + f) = 2 s + s^3 P(s^2). Minimax as exp_tail in
// exp.h, relative errors 2^-27 and 2^-59.
template <class T>
SIMDGRAD_INLINE Vec<T> log_tail(Vec<T> f, Vec<T> half_square) {
  if constexpr (sizeof(T) == 4) {
    const Vec<T> square = f * f;
    return f * square * log_polynomial(f, square);
  } else {
    const Vec<T> s = f / (Vec<T>(2) + f);
    const Vec<T> z = s * s;
    const Vec<T> p = polynomial(z, 0x1.5555555555593p-1, 0x1.999999997f99ap-2,
                                0x1.2492494232ff9p-2, 0x1.c71c51ce81836p-3, 0x1.74664bf885037p-3,
                                0x1.39a05229d12a8p-3, 0x1.2f14721a6711ap-3);
    return s * fma(z, p, half_square);
  }
}

// k ln 2 + log(1 + f).
template <class T>
SIMDGRAD_INLINE Vec<T> log_sum(Vec<T> k, Vec<T> f) {
  constexpr bool single = sizeof(T) == 4;
  const Vec<T> half_square = Vec<T>(0.5) * (f * f);
  const Vec<T> tail = fma(k, Vec<T>(single ? 0x1.7f7d1cp-20 : 0x1.ef35793c7673p-45),
                          log_tail(f, half_square));
  const Vec<T> y = f - (half_square - tail);
  return fma(k, Vec<T>(single ? 0x1.62e4p-1 : 0x1.62e42fefa38p-1), y);
}

// What a logarithm of x is outside the positive finite numbers: -inf, NaN, +inf.
template <class T>
SIMDGRAD_INLINE Vec<T> log_special(Vec<T> x, Vec<T> y) {
  const Vec<T> infinity(static_cast<T>(__builtin_inf()));
  const Vec<T> not_positive =
      select(x == Vec<T>(0), -infinity, Vec<T>(static_cast<T>(__builtin_nan(""))));
  const Mask<T> finite = x < infinity;
  return select((x > Vec<T>(0)) & finite, y, select(finite, not_positive, x));
}

// Denormals are scaled up; returns what to add to the exponent.
template <class T>
SIMDGRAD_INLINE Vec<T> normalize_denormal(Vec<T>& x) {
  constexpr bool single = sizeof(T) == 4;
  const Mask<T> denormal = x < Vec<T>(single ? 0x1p-126 : 0x1p-1022);
  x = select(denormal, x * Vec<T>(single ? 0x1p23 : 0x1p52), x);
  return select(denormal, Vec<T>(single ? -23.0 : -52.0), Vec<T>(0));
}

template <class T>
SIMDGRAD_INLINE Vec<T> log(Vec<T> x) {
  Vec<T> normal = x;
  const Vec<T> shift = normalize_denormal(normal);
  const LogReduced<T> reduced = split_exponent(normal);
  return log_special(x, log_sum(reduced.k + shift, reduced.m - Vec<T>(1)));
}

template <class T>
SIMDGRAD_INLINE Vec<T> log1p(Vec<T> x) {
  using Unsigned = UnsignedVec<T>;
  constexpr bool single = sizeof(T) == 4;
  const Vec<T> u = Vec<T>(1) + x;
  const LogReduced<T> reduced = split_exponent(u);
  // (1 + x) / 2^k - 1 without the rounding of 1 + x, where that rounding matters.
  const Unsigned one = (Unsigned)Vec<T>(1).bits();
  const Vec<T> scale = Vec<T>::from_bits(one - reduced.k_bits);
  const Vec<T> exact = fma(x, scale, scale - Vec<T>(1));
  const Vec<T> f =
      select(x < Vec<T>(single ? 0x1p24 : 0x1p53), exact, reduced.m - Vec<T>(1));
  const Vec<T> y = log_special(u, log_sum(reduced.k, f));
  return select(abs(x) < Vec<T>(single ? 0x1p-26 : 0x1p-55), x, y);
}

// (f - half_square + tail) / ln 2 as a pair, plus k.
template <class T>
SIMDGRAD_INLINE Vec<T> log2(Vec<T> x) {
  constexpr bool single = sizeof(T) == 4;
  Vec<T> normal = x;
  const Vec<T> shift = normalize_denormal(normal);
  const LogReduced<T> reduced = split_exponent(normal);
  const Vec<T> f = reduced.m - Vec<T>(1);
  const Vec<T> half_square = Vec<T>(0.5) * f * f;
  const Pair<T> natural = quick_two_sum(f, log_tail(f, half_square) - half_square);
  const Vec<T> high(single ? 0x1.715476p+0 : 0x1.71547652b82fep+0);
  const Vec<T> low(single ? 0x1.4ae0cp-26 : 0x1.777d0ffda0d24p-56);
  Pair<T> product = two_product(natural.high, high);
  product.low += fma(natural.high, low, natural.low * high);
  const Pair<T> sum = two_sum(reduced.k + shift, product.high);
  return log_special(x, sum.high + (sum.low + product.low));
}

// log2 of positive finite doubles to 2^-45, exp2 to 2^-34: enough for pow of floats.
SIMDGRAD_INLINE Vec<double> log2_for_float(Vec<double> x) {
  const LogReduced<double> reduced = split_exponent(x);
  const Vec<double> s = (reduced.m - Vec<double>(1)) / (reduced.m + Vec<double>(1));
  const Vec<double> p =
      polynomial(s * s, 0x1.71547652b8252p+1, 0x1.ec709dc53f35fp-1, 0x1.2776c28ec1310p-1,
                 0x1.a61a32e758673p-2, 0x1.47949cae6f4b8p-2, 0x1.21bc050111bafp-2);
  return log_special(x, fma(s, p, reduced.k));
}
SIMDGRAD_INLINE Vec<double> exp2_for_float(Vec<double> x) {
  x = clamp_keep_nan(x, -200.0, 200.0);
  const Vec<double> magic(FloatFormat<double>::kRoundingMagic);
  ExpReduced<double> reduced;
  reduced.shifted = x + magic;
  reduced.n = reduced.shifted - magic;
  const Vec<double> p =
      polynomial(x - reduced.n, 0x1.ffffffffa59d4p-1, 0x1.62e42fef6c0fap-1, 0x1.ebfbe0ac31377p-3,
                 0x1.c6b08e08926f8p-5, 0x1.3b29d6ecc9768p-7, 0x1.5d8714004ee59p-10,
                 0x1.446dea55221cfp-13, 0x1.00f8b2a5cd034p-16);
  return scale_exponent(p, reduced);
}

// |x|^y for x of any sign.
SIMDGRAD_INLINE Vec<float> power_of_magnitude(Vec<float> x, Vec<float> y) {
  Vec<double> x_low, x_high, y_low, y_high;
  widen(x, x_low, x_high);
  widen(y, y_low, y_high);
  return narrow(exp2_for_float(y_low * log2_for_float(x_low)),
                exp2_for_float(y_high * log2_for_float(x_high)));
}

// The logarithm as a pair good to 2^-68: s = f / (2 + f) as a pair,
// log(1 + f) = 2 s + 2/3 s^3 + 2/5 s^5 + s^7 P(s^2), the first two terms in pairs.
SIMDGRAD_INLINE Pair<double> log_pair(Vec<double> x) {
  using V = Vec<double>;
  const V shift = normalize_denormal(x);
  const LogReduced<double> reduced = split_exponent(x);
  const V k = reduced.k + shift;
  const V f = reduced.m - V(1);  // exact, as is 2 + f up to denominator.low
  const Pair<double> denominator = quick_two_sum(V(2), f);
  const Pair<double> s = divide(f, denominator);
  const Pair<double> z = square(s);
  const V p = polynomial_of_8(z.high, z.high * z.high, 0x1.2492492492489p-2, 0x1.c71c71c71f257p-3,
                              0x1.745d174347794p-3, 0x1.3b13b2820cb66p-3, 0x1.1110afbd003e4p-3,
                              0x1.e2053f25ccb36p-4, 0x1.ab5053c489094p-4, 0x1.c07185fc7b26ep-4);
  // 2/3 + z (2/5 + z p)
  const Pair<double> fifth =
      two_sum(V(0x1.999999999999ap-2), fma(z.high, p, V(-0x1.999999999999ap-56)));
  Pair<double> third = multiply(z, fifth);
  const Pair<double> sum = quick_two_sum(V(0x1.5555555555555p-1), third.high);
  third = {sum.high, sum.low + (third.low + V(0x1.5555555555555p-55))};
  const Pair<double> cubic = multiply(multiply(s, z), third);
  // k ln 2 + 2 s + cubic, largest first; k times the high part of ln 2 is exact.
  const V twice = s.high + s.high;
  Pair<double> total = two_sum(k * V(0x1.62e42fefa38p-1), twice);
  const Pair<double> next = two_sum(total.high, cubic.high);
  const Pair<double> ln2 = two_product(k, V(0x1.ef35793c7673p-45));
  const Pair<double> last = two_sum(next.high, ln2.high);
  const V rest = (total.low + next.low) + last.low +
                 ((s.low + s.low) + cubic.low + fma(k, V(0x1.f97b57a079a19p-103), ln2.low));
  return quick_two_sum(last.high, rest);
}
SIMDGRAD_INLINE Vec<double> power_of_magnitude(Vec<double> x, Vec<double> y) {
  using V = Vec<double>;
  const V a = abs(x);
  const V infinity(__builtin_inf());
  const Pair<double> logarithm = log_pair(a);
  // Zero, infinity and NaN bypass the pair.
  const V plain = log_special(a, logarithm.high);
  const V estimate = y * plain;
  // From 2^80 on the result is 0, 1 or infinity whatever the low part; the bound keeps the exact
  // product from overflowing.
  y = clamp_keep_nan(y, -0x1p80, 0x1p80);
  const Pair<double> product = two_product(y, logarithm.high);
  const Mask<double> moderate = abs(estimate) < V(800);
  const V t = select(moderate, product.high, clamp_keep_nan(estimate, -800, 800));
  const V t_low = select(moderate, fma(y, logarithm.low, product.low), V(0));
  const V bounded = clamp_keep_nan(t, -746, 710);
  const ExpReduced<double> reduced = reduce_exp(bounded);
  const Pair<double> sum = quick_two_sum(reduced.r, reduced.r_low + t_low);
  const V r = sum.high;
  const V tail = fma(r * r, exp_tail(r), fma(sum.low, r, sum.low));
  return scale_exponent(V(1) + (r + tail), reduced);
}

// C99's table of special cases: x^0 = 1 and 1^y = 1 even for NaN; a negative finite base needs an
// integer y; zeros and infinities take their sign from odd integers y.
template <class T>
SIMDGRAD_INLINE Vec<T> pow(Vec<T> x, Same<T> y) {
  const Vec<T> infinity(static_cast<T>(__builtin_inf()));
  const Vec<T> a = abs(x);
  Vec<T> result = power_of_magnitude(a, y);
  const Vec<T> half = y * Vec<T>(0.5);
  const Mask<T> integer = trunc(y) == y;
  const Mask<T> odd = integer & (trunc(half) != half);
  const Mask<T> negative = copysign(Vec<T>(1), x) < Vec<T>(0);
  result = select(negative & odd, -result, result);
  const Mask<T> undefined = (x < Vec<T>(0)) & (a < infinity) & !integer;
  result = select(undefined, Vec<T>(static_cast<T>(__builtin_nan(""))), result);
  const Mask<T> unit = (x == Vec<T>(1)) | (y == Vec<T>(0)) | ((a == Vec<T>(1)) & is_inf(y));
  return select(unit, Vec<T>(1), result);
}

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
