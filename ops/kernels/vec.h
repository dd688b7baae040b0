// Vec<T> and Mask<T>: one register of T (float or double) and one truth value per lane.
// A thin wrapper of xsimd::batch, the only place that knows xsimd versions differ. Not taken from
// xsimd, because the answer depends on its version: `!=` (8.1: false for NaN), mask `^` on AVX-512
// (8.1: an `or`), max and min (the NaN rule flipped in 14), round, negation of zero, reductions.
#pragma once

#include "ops/kernels/vec_types.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {

// Below, the second and third arguments of two- and three-operand functions accept plain numbers.
template <class T>
struct TypeIdentity {
  using type = T;
};
template <class T>
using Same = typename TypeIdentity<Vec<T>>::type;

// a * b + c in one rounding where the machine has it; two roundings on sse2.
template <class T>
SIMDGRAD_INLINE Vec<T> fma(Vec<T> a, Same<T> b, Same<T> c) {
#if SIMDGRAD_ISA_AVX512
  // xsimd 8.1 has no fused form for AVX-512.
  if constexpr (sizeof(T) == 4) {
    return Vec<T>(xsimd::batch<T, Arch>(_mm512_fmadd_ps(a.reg(), b.reg(), c.reg())));
  } else {
    return Vec<T>(xsimd::batch<T, Arch>(_mm512_fmadd_pd(a.reg(), b.reg(), c.reg())));
  }
#elif SIMDGRAD_ISA_NEON
  if constexpr (sizeof(T) == 4) {
    return Vec<T>(xsimd::batch<T, Arch>(vfmaq_f32(c.reg(), a.reg(), b.reg())));
  } else {
    return Vec<T>(xsimd::batch<T, Arch>(vfmaq_f64(c.reg(), a.reg(), b.reg())));
  }
#elif SIMDGRAD_ISA_AVX2
  return Vec<T>(xsimd::fma(a.batch, b.batch, c.batch));
#else
  return a * b + c;
#endif
}

// c - a * b, and a * b - c.
template <class T>
SIMDGRAD_INLINE Vec<T> fnma(Vec<T> a, Same<T> b, Same<T> c) {
  using Batch [[maybe_unused]] = xsimd::batch<T, Arch>;
  [[maybe_unused]] constexpr bool single = sizeof(T) == 4;
#if SIMDGRAD_ISA_AVX512
  if constexpr (single) return Vec<T>(Batch(_mm512_fnmadd_ps(a.reg(), b.reg(), c.reg())));
  if constexpr (!single) return Vec<T>(Batch(_mm512_fnmadd_pd(a.reg(), b.reg(), c.reg())));
#elif SIMDGRAD_ISA_AVX2
  if constexpr (single) return Vec<T>(Batch(_mm256_fnmadd_ps(a.reg(), b.reg(), c.reg())));
  if constexpr (!single) return Vec<T>(Batch(_mm256_fnmadd_pd(a.reg(), b.reg(), c.reg())));
#elif SIMDGRAD_ISA_NEON
  if constexpr (single) return Vec<T>(Batch(vfmsq_f32(c.reg(), a.reg(), b.reg())));
  if constexpr (!single) return Vec<T>(Batch(vfmsq_f64(c.reg(), a.reg(), b.reg())));
#else
  return c - a * b;
#endif
}
template <class T>
SIMDGRAD_INLINE Vec<T> fms(Vec<T> a, Same<T> b, Same<T> c) {
#if SIMDGRAD_ISA_HAS_FMA
  return fma(a, b, -c);
#else
  return a * b - c;
#endif
}

// mask ? a : b, lane by lane.
template <class T>
SIMDGRAD_INLINE Vec<T> select(Mask<T> mask, Same<T> a, Same<T> b) {
#if SIMDGRAD_ISA_AVX512
  if constexpr (sizeof(T) == 4) {
    return Vec<T>(xsimd::batch<T, Arch>(_mm512_mask_blend_ps(mask.reg, b.reg(), a.reg())));
  } else {
    return Vec<T>(xsimd::batch<T, Arch>(_mm512_mask_blend_pd(mask.reg, b.reg(), a.reg())));
  }
#elif SIMDGRAD_ISA_AVX2
  if constexpr (sizeof(T) == 4) {
    return Vec<T>(xsimd::batch<T, Arch>(_mm256_blendv_ps(b.reg(), a.reg(), mask.reg)));
  } else {
    return Vec<T>(xsimd::batch<T, Arch>(_mm256_blendv_pd(b.reg(), a.reg(), mask.reg)));
  }
#else
  using Int = IntVec<T>;
  return Vec<T>::from_bits(((Int)mask.reg & a.bits()) | (~(Int)mask.reg & b.bits()));
#endif
}

// x in a register: else GCC reads what several operations share from memory for each of them.
template <class T>
SIMDGRAD_INLINE Vec<T> in_register(Vec<T> x) {
  typename Vec<T>::Register r = x.reg();
#if SIMDGRAD_ISA_NEON
  __asm__("" : "+w"(r));
#else
  __asm__("" : "+v"(r));
#endif
  return Vec<T>(typename Vec<T>::Batch(r));
}

template <class T>
SIMDGRAD_INLINE Mask<T> is_nan(Vec<T> x) {
  return !(x == x);
}
template <class T>
SIMDGRAD_INLINE Vec<T> abs(Vec<T> x) {
  return Vec<T>::from_bits(x.bits() & ~Vec<T>::sign_bit());
}
template <class T>
SIMDGRAD_INLINE Mask<T> is_inf(Vec<T> x) {
  return abs(x) == Vec<T>(static_cast<T>(__builtin_inf()));
}
// Magnitude of x, sign of y.
template <class T>
SIMDGRAD_INLINE Vec<T> copysign(Vec<T> x, Same<T> y) {
  using Int = IntVec<T>;
  const Int sign = Vec<T>::sign_bit();
  return Vec<T>::from_bits((x.bits() & ~sign) | (y.bits() & sign));
}
template <class T>
SIMDGRAD_INLINE Vec<T> sqrt(Vec<T> x) {
#if SIMDGRAD_ISA_NEON  // exact; xsimd's float form may be an estimate
  if constexpr (sizeof(T) == 4) {
    return Vec<T>(xsimd::batch<T, Arch>(vsqrtq_f32(x.reg())));
  } else {
    return Vec<T>(xsimd::batch<T, Arch>(vsqrtq_f64(x.reg())));
  }
#else
  return Vec<T>(xsimd::sqrt(x.batch));
#endif
}

// The larger, or NaN when either is NaN. Of +0 and -0 the second.
template <class T>
SIMDGRAD_INLINE Vec<T> max(Vec<T> a, Same<T> b) {
  return select((a > b) | is_nan(a), a, b);
}
template <class T>
SIMDGRAD_INLINE Vec<T> min(Vec<T> a, Same<T> b) {
  return select((a < b) | is_nan(a), a, b);
}

// The bound where x is above (below) it; NaN in x stays. One instruction on x86, whose min and max
// return their second operand when either is NaN.
template <class T>
SIMDGRAD_INLINE Vec<T> clamp_above(Vec<T> x, Same<T> high) {
  using Batch [[maybe_unused]] = xsimd::batch<T, Arch>;
  [[maybe_unused]] constexpr bool single = sizeof(T) == 4;
#if SIMDGRAD_ISA_AVX512
  if constexpr (single) return Vec<T>(Batch(_mm512_min_ps(high.reg(), x.reg())));
  if constexpr (!single) return Vec<T>(Batch(_mm512_min_pd(high.reg(), x.reg())));
#elif SIMDGRAD_ISA_AVX2
  if constexpr (single) return Vec<T>(Batch(_mm256_min_ps(high.reg(), x.reg())));
  if constexpr (!single) return Vec<T>(Batch(_mm256_min_pd(high.reg(), x.reg())));
#elif SIMDGRAD_ISA_SSE2
  if constexpr (single) return Vec<T>(Batch(_mm_min_ps(high.reg(), x.reg())));
  if constexpr (!single) return Vec<T>(Batch(_mm_min_pd(high.reg(), x.reg())));
#else
  return select(x > high, high, x);
#endif
}
template <class T>
SIMDGRAD_INLINE Vec<T> clamp_below(Vec<T> x, Same<T> low) {
  using Batch [[maybe_unused]] = xsimd::batch<T, Arch>;
  [[maybe_unused]] constexpr bool single = sizeof(T) == 4;
#if SIMDGRAD_ISA_AVX512
  if constexpr (single) return Vec<T>(Batch(_mm512_max_ps(low.reg(), x.reg())));
  if constexpr (!single) return Vec<T>(Batch(_mm512_max_pd(low.reg(), x.reg())));
#elif SIMDGRAD_ISA_AVX2
  if constexpr (single) return Vec<T>(Batch(_mm256_max_ps(low.reg(), x.reg())));
  if constexpr (!single) return Vec<T>(Batch(_mm256_max_pd(low.reg(), x.reg())));
#elif SIMDGRAD_ISA_SSE2
  if constexpr (single) return Vec<T>(Batch(_mm_max_ps(low.reg(), x.reg())));
  if constexpr (!single) return Vec<T>(Batch(_mm_max_pd(low.reg(), x.reg())));
#else
  return select(x < low, low, x);
#endif
}

// To integers, halves to even (PyTorch's round); NaN, infinities and the sign of zero kept.
template <class T>
SIMDGRAD_INLINE Vec<T> round(Vec<T> x) {
#if SIMDGRAD_ISA_AVX512
  if constexpr (sizeof(T) == 4) {
    return Vec<T>(xsimd::batch<T, Arch>(_mm512_roundscale_ps(x.reg(), 8)));
  } else {
    return Vec<T>(xsimd::batch<T, Arch>(_mm512_roundscale_pd(x.reg(), 8)));
  }
#elif SIMDGRAD_ISA_AVX2
  if constexpr (sizeof(T) == 4) {
    return Vec<T>(xsimd::batch<T, Arch>(_mm256_round_ps(x.reg(), 8)));
  } else {
    return Vec<T>(xsimd::batch<T, Arch>(_mm256_round_pd(x.reg(), 8)));
  }
#elif SIMDGRAD_ISA_NEON
  if constexpr (sizeof(T) == 4) {
    return Vec<T>(xsimd::batch<T, Arch>(vrndnq_f32(x.reg())));
  } else {
    return Vec<T>(xsimd::batch<T, Arch>(vrndnq_f64(x.reg())));
  }
#else
  // Adding 2^(mantissa bits) leaves no fraction; from there on x is an integer already.
  const Vec<T> big(sizeof(T) == 4 ? 0x1p23 : 0x1p52);
  const Vec<T> magnitude = abs(x);
  const Vec<T> whole = (magnitude + big) - big;
  return copysign(select(magnitude < big, whole, x), x);
#endif
}
template <class T>
SIMDGRAD_INLINE Vec<T> floor(Vec<T> x) {
#if SIMDGRAD_ISA_SSE2
  const Vec<T> r = round(x);
  return copysign(select(r > x, r - Vec<T>(1), r), x);
#elif SIMDGRAD_ISA_NEON  // xsimd's loses the sign of zero
  if constexpr (sizeof(T) == 4) {
    return Vec<T>(xsimd::batch<T, Arch>(vrndmq_f32(x.reg())));
  } else {
    return Vec<T>(xsimd::batch<T, Arch>(vrndmq_f64(x.reg())));
  }
#else
  return Vec<T>(xsimd::floor(x.batch));
#endif
}
template <class T>
SIMDGRAD_INLINE Vec<T> ceil(Vec<T> x) {
#if SIMDGRAD_ISA_SSE2
  const Vec<T> r = round(x);
  return copysign(select(r < x, r + Vec<T>(1), r), x);
#elif SIMDGRAD_ISA_NEON  // xsimd's loses the sign of zero
  if constexpr (sizeof(T) == 4) {
    return Vec<T>(xsimd::batch<T, Arch>(vrndpq_f32(x.reg())));
  } else {
    return Vec<T>(xsimd::batch<T, Arch>(vrndpq_f64(x.reg())));
  }
#else
  return Vec<T>(xsimd::ceil(x.batch));
#endif
}
template <class T>
SIMDGRAD_INLINE Vec<T> trunc(Vec<T> x) {
#if SIMDGRAD_ISA_SSE2
  return copysign(floor(abs(x)), x);
#elif SIMDGRAD_ISA_NEON  // xsimd's loses the sign of zero
  if constexpr (sizeof(T) == 4) {
    return Vec<T>(xsimd::batch<T, Arch>(vrndq_f32(x.reg())));
  } else {
    return Vec<T>(xsimd::batch<T, Arch>(vrndq_f64(x.reg())));
  }
#else
  return Vec<T>(xsimd::trunc(x.batch));
#endif
}

// Lane i becomes lane i ^ step.
template <int step, class T>
SIMDGRAD_INLINE Vec<T> swap_lanes(Vec<T> x) {
  constexpr int s = step;
  const auto r = x.reg();
#if defined(__clang__)
#define SIMDGRAD_SHUFFLE(...) __builtin_shufflevector(r, r, __VA_ARGS__)
#else
#define SIMDGRAD_SHUFFLE(...) __builtin_shuffle(r, IntVec<T>{__VA_ARGS__})
#endif
  if constexpr (Vec<T>::size == 2) {
    return Vec<T>(xsimd::batch<T, Arch>(SIMDGRAD_SHUFFLE(s, 1 ^ s)));
  } else if constexpr (Vec<T>::size == 4) {
    return Vec<T>(xsimd::batch<T, Arch>(SIMDGRAD_SHUFFLE(s, 1 ^ s, 2 ^ s, 3 ^ s)));
  } else if constexpr (Vec<T>::size == 8) {
    return Vec<T>(xsimd::batch<T, Arch>(
        SIMDGRAD_SHUFFLE(s, 1 ^ s, 2 ^ s, 3 ^ s, 4 ^ s, 5 ^ s, 6 ^ s, 7 ^ s)));
  } else {
    return Vec<T>(xsimd::batch<T, Arch>(
        SIMDGRAD_SHUFFLE(s, 1 ^ s, 2 ^ s, 3 ^ s, 4 ^ s, 5 ^ s, 6 ^ s, 7 ^ s, 8 ^ s, 9 ^ s, 10 ^ s,
                         11 ^ s, 12 ^ s, 13 ^ s, 14 ^ s, 15 ^ s)));
  }
#undef SIMDGRAD_SHUFFLE
}

// Folds halves: lanes i and i + size/2 first, then size/4, and so on. The order never changes.
#define SIMDGRAD_REDUCE(combine)                                                  \
  if constexpr (Vec<T>::size == 16) { x = combine(x, swap_lanes<8>(x)); }         \
  if constexpr (Vec<T>::size >= 8) { x = combine(x, swap_lanes<4>(x)); }          \
  if constexpr (Vec<T>::size >= 4) { x = combine(x, swap_lanes<2>(x)); }          \
  x = combine(x, swap_lanes<1>(x));                                               \
  return first_lane(x)

template <class T>
SIMDGRAD_INLINE T first_lane(Vec<T> x) {
  return x.reg()[0];
}
template <class T>
SIMDGRAD_INLINE Vec<T> add(Vec<T> a, Vec<T> b) {
  return a + b;
}
template <class T>
SIMDGRAD_INLINE T reduce_sum(Vec<T> x) {
  SIMDGRAD_REDUCE(add);
}
template <class T>
SIMDGRAD_INLINE T reduce_max(Vec<T> x) {
  SIMDGRAD_REDUCE(max);
}
template <class T>
SIMDGRAD_INLINE T reduce_min(Vec<T> x) {
  SIMDGRAD_REDUCE(min);
}
#undef SIMDGRAD_REDUCE

// float to two registers of double and back (rounded to nearest even): low has the first lanes.
SIMDGRAD_INLINE void widen(Vec<float> x, Vec<double>& low, Vec<double>& high) {
  using Batch = xsimd::batch<double, Arch>;
#if SIMDGRAD_ISA_AVX512
  low = Vec<double>(Batch(_mm512_cvtps_pd(_mm512_castps512_ps256(x.reg()))));
  high = Vec<double>(Batch(_mm512_cvtps_pd(_mm512_extractf32x8_ps(x.reg(), 1))));
#elif SIMDGRAD_ISA_AVX2
  low = Vec<double>(Batch(_mm256_cvtps_pd(_mm256_castps256_ps128(x.reg()))));
  high = Vec<double>(Batch(_mm256_cvtps_pd(_mm256_extractf128_ps(x.reg(), 1))));
#elif SIMDGRAD_ISA_NEON
  low = Vec<double>(Batch(vcvt_f64_f32(vget_low_f32(x.reg()))));
  high = Vec<double>(Batch(vcvt_high_f64_f32(x.reg())));
#else
  low = Vec<double>(Batch(_mm_cvtps_pd(x.reg())));
  high = Vec<double>(Batch(_mm_cvtps_pd(_mm_movehl_ps(x.reg(), x.reg()))));
#endif
}
SIMDGRAD_INLINE Vec<float> narrow(Vec<double> low, Vec<double> high) {
  using Batch = xsimd::batch<float, Arch>;
#if SIMDGRAD_ISA_AVX512
  const __m512 first = _mm512_castps256_ps512(_mm512_cvtpd_ps(low.reg()));
  return Vec<float>(Batch(_mm512_insertf32x8(first, _mm512_cvtpd_ps(high.reg()), 1)));
#elif SIMDGRAD_ISA_AVX2
  return Vec<float>(
      Batch(_mm256_set_m128(_mm256_cvtpd_ps(high.reg()), _mm256_cvtpd_ps(low.reg()))));
#elif SIMDGRAD_ISA_NEON
  return Vec<float>(Batch(vcvt_high_f32_f64(vcvt_f32_f64(low.reg()), high.reg())));
#else
  return Vec<float>(Batch(_mm_movelh_ps(_mm_cvtpd_ps(low.reg()), _mm_cvtpd_ps(high.reg()))));
#endif
}

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
