// Vec<T> and Mask<T>: one register of T (float or double) and one truth value per lane.
// A thin wrapper of xsimd::batch, the only place that knows xsimd versions differ. Not taken from
// xsimd, because the answer depends on its version: `!=` (8.1: false for NaN), mask `^` on AVX-512
// (8.1: an `or`), max and min (the NaN rule flipped in 14), round, negation of zero, reductions.
#pragma once

#include "ops/kernels/isa.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {

template <class T>
struct VecTraits;

// Int is the compiler's own vector type: + - * & | ^ ~ << >> work on it everywhere.
template <>
struct VecTraits<float> {
  using Scalar = int;
  static constexpr int kBytes = sizeof(xsimd::batch<float, Arch>);
  typedef int Int __attribute__((vector_size(kBytes)));
  typedef unsigned Unsigned __attribute__((vector_size(kBytes)));
};
template <>
struct VecTraits<double> {
  using Scalar = long long;
  static constexpr int kBytes = sizeof(xsimd::batch<double, Arch>);
  typedef long long Int __attribute__((vector_size(kBytes)));
  typedef unsigned long long Unsigned __attribute__((vector_size(kBytes)));
};

template <class T>
using IntVec = typename VecTraits<T>::Int;
template <class T>
using UnsignedVec = typename VecTraits<T>::Unsigned;
template <class T>
using IntScalar = typename VecTraits<T>::Scalar;

template <class T>
struct Mask {
  using Batch = xsimd::batch_bool<T, Arch>;
  using Register = typename Batch::register_type;
  static constexpr int size = VecTraits<T>::kBytes / static_cast<int>(sizeof(T));

  Register reg;

  SIMDGRAD_INLINE Mask() {}
  SIMDGRAD_INLINE explicit Mask(Register r) : reg(r) {}
  SIMDGRAD_INLINE explicit Mask(Batch b) : reg(static_cast<Register>(b)) {}

#if SIMDGRAD_ISA_AVX512
  SIMDGRAD_INLINE static Mask all_of(bool value) {
    return Mask(static_cast<Register>(value ? -1 : 0));
  }
  friend SIMDGRAD_INLINE Mask operator&(Mask a, Mask b) {
    return Mask(static_cast<Register>(a.reg & b.reg));
  }
  friend SIMDGRAD_INLINE Mask operator|(Mask a, Mask b) {
    return Mask(static_cast<Register>(a.reg | b.reg));
  }
  friend SIMDGRAD_INLINE Mask operator^(Mask a, Mask b) {
    return Mask(static_cast<Register>(a.reg ^ b.reg));
  }
  friend SIMDGRAD_INLINE Mask operator!(Mask a) { return Mask(static_cast<Register>(~a.reg)); }
#else
  using Int = IntVec<T>;
  SIMDGRAD_INLINE static Mask all_of(bool value) {
    return Mask((Register)(Int{} - static_cast<IntScalar<T>>(value)));
  }
  friend SIMDGRAD_INLINE Mask operator&(Mask a, Mask b) {
    return Mask((Register)((Int)a.reg & (Int)b.reg));
  }
  friend SIMDGRAD_INLINE Mask operator|(Mask a, Mask b) {
    return Mask((Register)((Int)a.reg | (Int)b.reg));
  }
  friend SIMDGRAD_INLINE Mask operator^(Mask a, Mask b) {
    return Mask((Register)((Int)a.reg ^ (Int)b.reg));
  }
  friend SIMDGRAD_INLINE Mask operator!(Mask a) { return Mask((Register)(~(Int)a.reg)); }
#endif

  // `size` bytes, nonzero is true. The partial form reads n bytes only; the rest is false.
  SIMDGRAD_INLINE static Mask load_bool(const void* p) {
#if SIMDGRAD_ISA_AVX512
    if constexpr (size == 16) {
      const __m128i bytes = _mm_loadu_si128(static_cast<const __m128i*>(p));
      return Mask(static_cast<Register>(_mm_test_epi8_mask(bytes, bytes)));
    } else {
      const __m128i bytes = _mm_loadl_epi64(static_cast<const __m128i*>(p));
      return Mask(static_cast<Register>(_mm_test_epi8_mask(bytes, bytes)));
    }
#elif SIMDGRAD_ISA_AVX2
    if constexpr (size == 8) {
      const __m256i wide = _mm256_cvtepu8_epi32(_mm_loadl_epi64(static_cast<const __m128i*>(p)));
      return !Mask(_mm256_castsi256_ps(_mm256_cmpeq_epi32(wide, _mm256_setzero_si256())));
    } else {
      int word;
      __builtin_memcpy(&word, p, 4);
      const __m256i wide = _mm256_cvtepu8_epi64(_mm_cvtsi32_si128(word));
      return !Mask(_mm256_castsi256_pd(_mm256_cmpeq_epi64(wide, _mm256_setzero_si256())));
    }
#else
    const unsigned char* bytes = static_cast<const unsigned char*>(p);
    Int wide;
    for (int i = 0; i < size; ++i) wide[i] = -static_cast<IntScalar<T>>(bytes[i] != 0);
    return Mask((Register)wide);
#endif
  }
  SIMDGRAD_INLINE static Mask load_bool_partial(const void* p, int n) {
    unsigned char bytes[16] = {};
    for (int i = 0; i < n; ++i) bytes[i] = static_cast<const unsigned char*>(p)[i];
    return load_bool(bytes);
  }

  // Writes `size` bytes of 0 or 1; the partial form writes n.
  SIMDGRAD_INLINE void store_bool(void* p) const {
#if SIMDGRAD_ISA_AVX512
    const __m128i bytes = _mm_maskz_set1_epi8(static_cast<__mmask16>(reg), 1);
    if constexpr (size == 16) {
      _mm_storeu_si128(static_cast<__m128i*>(p), bytes);
    } else {
      _mm_storel_epi64(static_cast<__m128i*>(p), bytes);
    }
#elif SIMDGRAD_ISA_AVX2
    const __m256i wide = (__m256i)reg;
    const __m128i halves =
        _mm_packs_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
    const __m128i ones = _mm_and_si128(_mm_packs_epi16(halves, halves), _mm_set1_epi8(1));
    if constexpr (size == 8) {
      _mm_storel_epi64(static_cast<__m128i*>(p), ones);
    } else {
      // 8 half-lanes of 4 doubles: keep every other byte.
      const __m128i even = _mm_and_si128(ones, _mm_set1_epi16(0xff));
      const int word = _mm_cvtsi128_si32(_mm_packus_epi16(even, even));
      __builtin_memcpy(p, &word, 4);
    }
#else
    const Int wide = (Int)reg;
    for (int i = 0; i < size; ++i) {
      static_cast<unsigned char*>(p)[i] = static_cast<unsigned char>(wide[i] & 1);
    }
#endif
  }
  SIMDGRAD_INLINE void store_bool_partial(void* p, int n) const {
    unsigned char bytes[16];
    store_bool(bytes);
    for (int i = 0; i < n; ++i) static_cast<unsigned char*>(p)[i] = bytes[i];
  }
};

template <class T>
SIMDGRAD_INLINE bool any(Mask<T> m) {
#if SIMDGRAD_ISA_AVX512
  return m.reg != 0;
#elif SIMDGRAD_ISA_NEON
  return vmaxvq_u32((uint32x4_t)m.reg) != 0;
#elif SIMDGRAD_ISA_AVX2
  return _mm256_movemask_epi8((__m256i)m.reg) != 0;
#else
  return _mm_movemask_epi8((__m128i)m.reg) != 0;
#endif
}

template <class T>
SIMDGRAD_INLINE bool all(Mask<T> m) {
  return !any(!m);
}

template <class T>
struct Vec {
  using value_type = T;
  using Batch = xsimd::batch<T, Arch>;
  using Register = typename Batch::register_type;
  using MaskType = Mask<T>;
  using Int = IntVec<T>;
  static constexpr int size = VecTraits<T>::kBytes / static_cast<int>(sizeof(T));

  Batch batch;

  SIMDGRAD_INLINE Vec() {}
  SIMDGRAD_INLINE explicit Vec(Batch b) : batch(b) {}
  // Any number, rounded to T first: Vec<float>(0.1), Vec<double>(1).
  template <class S>
    requires(__is_class(S) == false && requires(S s) { static_cast<T>(s) + s; })
  SIMDGRAD_INLINE Vec(S s) : batch(static_cast<T>(s)) {}

  SIMDGRAD_INLINE Register reg() const { return static_cast<Register>(batch); }
  SIMDGRAD_INLINE Int bits() const { return (Int)reg(); }
  SIMDGRAD_INLINE static Vec from_bits(Int bits) { return Vec(Batch((Register)bits)); }
  SIMDGRAD_INLINE static Vec from_bits(UnsignedVec<T> bits) {
    return Vec(Batch((Register)bits));
  }

  // No alignment is needed anywhere.
  SIMDGRAD_INLINE static Vec load(const T* p) { return Vec(Batch::load_unaligned(p)); }
  SIMDGRAD_INLINE void store(T* p) const { batch.store_unaligned(p); }

  // n in [0, size]; lanes from n on are zero, memory from p + n on is never touched.
  SIMDGRAD_INLINE static Vec load_partial(const T* p, int n) {
#if SIMDGRAD_ISA_AVX512
    if constexpr (sizeof(T) == 4) {
      return Vec(Batch(_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1u), p)));
    } else {
      return Vec(Batch(_mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << n) - 1u), p)));
    }
#elif SIMDGRAD_ISA_AVX2
    if constexpr (sizeof(T) == 4) {
      return Vec(Batch(_mm256_maskload_ps(p, first_lanes(n))));
    } else {
      return Vec(Batch(_mm256_maskload_pd(p, first_lanes(n))));
    }
#else
    alignas(16) T buffer[size] = {};
    for (int i = 0; i < n; ++i) buffer[i] = p[i];
    return load(buffer);
#endif
  }
  SIMDGRAD_INLINE void store_partial(T* p, int n) const {
#if SIMDGRAD_ISA_AVX512
    if constexpr (sizeof(T) == 4) {
      _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1u), reg());
    } else {
      _mm512_mask_storeu_pd(p, static_cast<__mmask8>((1u << n) - 1u), reg());
    }
#elif SIMDGRAD_ISA_AVX2
    if constexpr (sizeof(T) == 4) {
      _mm256_maskstore_ps(p, first_lanes(n), reg());
    } else {
      _mm256_maskstore_pd(p, first_lanes(n), reg());
    }
#else
    alignas(16) T buffer[size];
    store(buffer);
    for (int i = 0; i < n; ++i) p[i] = buffer[i];
#endif
  }

  friend SIMDGRAD_INLINE Vec operator+(Vec a, Vec b) { return Vec(a.batch + b.batch); }
  friend SIMDGRAD_INLINE Vec operator-(Vec a, Vec b) { return Vec(a.batch - b.batch); }
  friend SIMDGRAD_INLINE Vec operator*(Vec a, Vec b) { return Vec(a.batch * b.batch); }
  friend SIMDGRAD_INLINE Vec operator/(Vec a, Vec b) { return Vec(a.batch / b.batch); }
  friend SIMDGRAD_INLINE Vec operator-(Vec a) { return from_bits(a.bits() ^ sign_bit()); }
  SIMDGRAD_INLINE Vec& operator+=(Vec b) { return *this = *this + b; }
  SIMDGRAD_INLINE Vec& operator-=(Vec b) { return *this = *this - b; }
  SIMDGRAD_INLINE Vec& operator*=(Vec b) { return *this = *this * b; }
  SIMDGRAD_INLINE Vec& operator/=(Vec b) { return *this = *this / b; }

  // False when either side is NaN, except !=, which is then true.
  friend SIMDGRAD_INLINE Mask<T> operator<(Vec a, Vec b) { return Mask<T>(a.batch < b.batch); }
  friend SIMDGRAD_INLINE Mask<T> operator<=(Vec a, Vec b) { return Mask<T>(a.batch <= b.batch); }
  friend SIMDGRAD_INLINE Mask<T> operator>(Vec a, Vec b) { return Mask<T>(b.batch < a.batch); }
  friend SIMDGRAD_INLINE Mask<T> operator>=(Vec a, Vec b) { return Mask<T>(b.batch <= a.batch); }
  friend SIMDGRAD_INLINE Mask<T> operator==(Vec a, Vec b) { return Mask<T>(a.batch == b.batch); }
  friend SIMDGRAD_INLINE Mask<T> operator!=(Vec a, Vec b) { return !(a == b); }

  SIMDGRAD_INLINE static Int broadcast_bits(IntScalar<T> bits) { return Int{} + bits; }
  SIMDGRAD_INLINE static Int sign_bit() {
    return broadcast_bits(static_cast<IntScalar<T>>(sizeof(T) == 4 ? 0x80000000ull : 1ull << 63));
  }

#if SIMDGRAD_ISA_AVX2
  SIMDGRAD_INLINE static __m256i first_lanes(int n) {
    if constexpr (sizeof(T) == 4) {
      return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    } else {
      return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
    }
  }
#endif
};

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
#if SIMDGRAD_ISA_HAS_FMA
  return fma(-a, b, c);
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
  return Vec<T>(xsimd::sqrt(x.batch));
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
  using Batch = xsimd::batch<T, Arch>;
  constexpr bool single = sizeof(T) == 4;
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
  using Batch = xsimd::batch<T, Arch>;
  constexpr bool single = sizeof(T) == 4;
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
#else
  return Vec<T>(xsimd::floor(x.batch));
#endif
}
template <class T>
SIMDGRAD_INLINE Vec<T> ceil(Vec<T> x) {
#if SIMDGRAD_ISA_SSE2
  const Vec<T> r = round(x);
  return copysign(select(r < x, r + Vec<T>(1), r), x);
#else
  return Vec<T>(xsimd::ceil(x.batch));
#endif
}
template <class T>
SIMDGRAD_INLINE Vec<T> trunc(Vec<T> x) {
#if SIMDGRAD_ISA_SSE2
  return copysign(floor(abs(x)), x);
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
