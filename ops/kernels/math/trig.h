// sin and cos for every finite argument. Included by math.h.
#pragma once

#include "ops/kernels/math/exp.h"
#include "ops/kernels/math/pair.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {

// x = n pi/2 + angle, |angle| <= pi/4 (a hair more); turn holds n modulo 4 in its low bits.
template <class T>
struct Quadrant {
  Pair<T> angle;
  UnsignedVec<T> turn;
};

// The first 1280 bits of 2/pi.
constexpr unsigned long long kTwoOverPi[20] = {
    0xa2f9836e4e441529ull, 0xfc2757d1f534ddc0ull, 0xdb6295993c439041ull, 0xfe5163abdebbc561ull,
    0xb7246e3a424dd2e0ull, 0x06492eea09d1921cull, 0xfe1deb1cb129a73eull, 0xe88235f52ebb4484ull,
    0xe99c7026b45f7e41ull, 0x3991d639835339f4ull, 0x9c845f8bbdf9283bull, 0x1ff897ffde05980full,
    0xef2f118b5a0a6d1full, 0x6d367ecf27cb09b7ull, 0x4f463f669e5fea2dull, 0x7527bac7ebe5f17bull,
    0x3d0739f78a5292eaull, 0x6bfb5fb11f8d5d08ull, 0x56033046fc7b6babull, 0xf0cfbc209af4361dull};

// 64 bits of 2/pi from bit `first` on, bit 1 being the first after the point; zeros before it.
static inline unsigned long long two_over_pi_bits(int first) {
  const int bit = first - 1;
  if (bit <= -64) return 0;
  if (bit < 0) return kTwoOverPi[0] >> -bit;
  const int word = bit / 64, shift = bit % 64;
  if (shift == 0) return kTwoOverPi[word];
  return (kTwoOverPi[word] << shift) | (kTwoOverPi[word + 1] >> (64 - shift));
}

static inline double bits_to_double(unsigned long long bits) {
  double value;
  __builtin_memcpy(&value, &bits, 8);
  return value;
}

// One large finite x: multiplies its 53-bit integer by the 192 bits of 2/pi that matter modulo 4.
// Integer arithmetic and exact splits only, so every instruction set gives the same bits.
[[maybe_unused]] static __attribute__((noinline)) void reduce_large_angle(double x, double* high, double* low,
                                                         int* turn) {
  unsigned long long bits;
  __builtin_memcpy(&bits, &x, 8);
  const int exponent = static_cast<int>((bits >> 52) & 0x7ff) - 1075;
  const unsigned long long integer = (bits & ((1ull << 52) - 1)) | (1ull << 52);
  using Wide = unsigned __int128;
  const Wide product0 = static_cast<Wide>(integer) * two_over_pi_bits(exponent - 1 + 128);
  const Wide product1 = static_cast<Wide>(integer) * two_over_pi_bits(exponent - 1 + 64);
  const unsigned long long product2 = integer * two_over_pi_bits(exponent - 1);
  const Wide middle = (product0 >> 64) + static_cast<unsigned long long>(product1);
  const unsigned long long top = product2 + static_cast<unsigned long long>(product1 >> 64) +
                                 static_cast<unsigned long long>(middle >> 64);
  const unsigned long long second = static_cast<unsigned long long>(middle);
  const unsigned long long third = static_cast<unsigned long long>(product0);
  // top:second:third is x * 2/pi modulo 4, the point after two bits. Round to the nearest turn.
  Wide fraction = (static_cast<Wide>(top << 2 | second >> 62) << 64) | (second << 2 | third >> 62);
  int n = static_cast<int>(top >> 62);
  const bool negative = (fraction >> 127) != 0;
  if (negative) {
    fraction = -fraction;
    ++n;
  }
  const unsigned long long head = static_cast<unsigned long long>(fraction >> 64);
  int zeros = head != 0 ? __builtin_clzll(head) : 64;
  if (zeros > 63) zeros = 63;  // no double comes nearer than 2^-62 to a multiple of pi/2
  fraction <<= zeros;
  const double unit = bits_to_double(static_cast<unsigned long long>(1023 - 53 - zeros) << 52);
  const double a = static_cast<double>(static_cast<long long>(fraction >> 75)) * unit;
  const double b = static_cast<double>(static_cast<long long>(
                       static_cast<unsigned long long>(fraction >> 22) & ((1ull << 53) - 1))) *
                   (unit * 0x1p-53);
  // (a + b) * pi/2, the product of the high parts split exactly.
  const double p_high = 0x1.921fb54p+0, p_low = 0x1.10b4611a6p-30;  // 26 and 33 bits
  const double a_big = a * 134217729.0;
  const double a_high = a_big - (a_big - a), a_low = a - a_high;
  const double first = a_high * p_high;  // exact
  const double rest =
      (a_low * p_high + a_high * p_low) + (a_low * p_low + b * 0x1.921fb54442d18p+0);
  const double sum = first + rest;
  const double sum_low = rest - (sum - first);
  const bool flip = negative != ((bits >> 63) != 0);
  *high = flip ? -sum : sum;
  *low = flip ? -sum_low : sum_low;
  *turn = ((bits >> 63) != 0 ? -n : n) & 3;
}

// Lanes beyond `limit` (and infinities and NaN) one by one; the others keep what they have.
template <class T>
SIMDGRAD_INLINE void reduce_large_lanes(Vec<T> x, Mask<T> large, Quadrant<T>& quadrant) {
  constexpr int size = Vec<T>::size;
  T values[size], high[size], low[size], turn[size];
  x.store(values);
  for (int i = 0; i < size; ++i) {
    double high_i = 0, low_i = 0;
    int turn_i = 0;
    if (__builtin_isfinite(values[i])) {
      const double wide = static_cast<double>(values[i]);
      if (__builtin_fabs(wide) > 1) reduce_large_angle(wide, &high_i, &low_i, &turn_i);
    } else {
      high_i = __builtin_nan("");
    }
    high[i] = static_cast<T>(high_i);
    low[i] = static_cast<T>((high_i - static_cast<double>(high[i])) + low_i);
    turn[i] = static_cast<T>(turn_i);
  }
  const Vec<T> magic(FloatFormat<T>::kRoundingMagic);
  const Vec<T> turn_bits = Vec<T>::load(turn) + magic;
  quadrant.angle.high = select(large, Vec<T>::load(high), quadrant.angle.high);
  quadrant.angle.low = select(large, Vec<T>::load(low), quadrant.angle.low);
  quadrant.turn =
      (UnsignedVec<T>)select(large, turn_bits, Vec<T>::from_bits(quadrant.turn)).bits();
}

// Cody-Waite: pi/2 in three parts of 24 (53) bits, in pair arithmetic; exact enough for float up to
// 1.3e5 and double up to 1e9. x - n * part1 has no rounding error at all.
template <class T>
SIMDGRAD_INLINE Quadrant<T> reduce_angle(Vec<T> x) {
  constexpr bool single = sizeof(T) == 4;
  const Vec<T> magic(FloatFormat<T>::kRoundingMagic);
  Quadrant<T> quadrant;
  const Vec<T> shifted = fma(x, Vec<T>(0x1.45f306dc9c883p-1), magic);
  const Vec<T> n = shifted - magic;
  quadrant.turn = (UnsignedVec<T>)shifted.bits();
  const Pair<T> first = two_product(n, Vec<T>(single ? 0x1.921fb6p+0 : 0x1.921fb54442d18p+0));
  const Vec<T> rest = (x - first.high) - first.low;
  const Pair<T> second =
      two_product(n, Vec<T>(single ? -0x1.777a5cp-25 : 0x1.1a62633145c07p-54));
  const Pair<T> sum = two_sum(rest, -second.high);
  const Vec<T> low =
      fnma(n, Vec<T>(single ? -0x1.ee59dap-50 : -0x1.f1976b7ed8fbcp-110), sum.low - second.low);
  quadrant.angle = quick_two_sum(sum.high, low);
  const Mask<T> large = !(abs(x) <= Vec<T>(single ? 0x1p17 : 0x1p30));
  if (__builtin_expect(any(large), 0)) reduce_large_lanes(x, large, quadrant);
  return quadrant;
}

// Odd turns take the cosine of the angle, turns 2 and 3 the other sign. Both series are minimax as
// exp_tail in exp.h: relative errors 2^-27.8 and 2^-32 (float), 2^-57.7 and 2^-63 (double).
template <class T>
SIMDGRAD_INLINE Vec<T> sine_of_turn(Quadrant<T> quadrant, unsigned long long quarter) {
  using Unsigned = UnsignedVec<T>;
  constexpr int mantissa = FloatFormat<T>::kMantissaBits;
  const Vec<T> a = quadrant.angle.high, a_low = quadrant.angle.low;
  const Vec<T> z = a * a;
  Vec<T> s, c;
  if constexpr (sizeof(T) == 4) {
    s = polynomial(z, -0x1.555544p-3, 0x1.1106cap-7, -0x1.991e08p-13);
    c = polynomial(z, 0x1.55554ap-5, -0x1.6c0c16p-10, 0x1.99df46p-16);
  } else {
    s = polynomial(z, -0x1.5555555555547p-3, 0x1.111111110f576p-7, -0x1.a01a019bae1ffp-13,
                   0x1.71de351f8e29ap-19, -0x1.ae5e20028d49fp-26, 0x1.5d7e5b0fdd86cp-33);
    c = polynomial(z, 0x1.5555555555549p-5, -0x1.6c16c16c14bf0p-10, 0x1.a01a019c2a67cp-16,
                   -0x1.27e4f7aa1720bp-22, 0x1.1ee9abcc1d710p-29, -0x1.8f8dda91765d5p-37);
  }
  const Vec<T> half_square = Vec<T>(0.5) * z;
  const Vec<T> one_less = Vec<T>(1) - half_square;
  const Vec<T> sine = a + fma(a * z, s, a_low * one_less);
  const Vec<T> lost = (Vec<T>(1) - one_less) - half_square;
  const Vec<T> cosine = one_less + fma(z * z, c, fnma(a, a_low, lost));
  const Unsigned turn = quadrant.turn + splat<T>(quarter);
  // Bit 0 moved into the exponent field makes a number that is zero or not.
  const Vec<T> odd = Vec<T>::from_bits((turn << mantissa) & splat<T>(1ull << mantissa));
  const Unsigned sign = (turn << (sizeof(T) * 8 - 2)) & (Unsigned)Vec<T>::sign_bit();
  return Vec<T>::from_bits((Unsigned)select(odd > Vec<T>(0), cosine, sine).bits() ^ sign);
}

template <class T>
SIMDGRAD_INLINE Vec<T> sin(Vec<T> x) {
  const Vec<T> y = sine_of_turn(reduce_angle(x), 0);
  // Keeps -0 and denormals.
  return select(abs(x) < Vec<T>(sizeof(T) == 4 ? 0x1p-13 : 0x1p-27), x, y);
}
template <class T>
SIMDGRAD_INLINE Vec<T> cos(Vec<T> x) {
  return sine_of_turn(reduce_angle(x), 1);
}

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
