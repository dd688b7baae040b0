// The types behind vec.h, which every kernel includes instead of this.
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
  friend SIMDGRAD_INLINE Vec operator/(Vec a, Vec b) {
#if SIMDGRAD_ISA_NEON  // xsimd's float form is a refined estimate
    if constexpr (sizeof(T) == 4) {
      return Vec(Batch(vdivq_f32(a.reg(), b.reg())));
    } else {
      return Vec(Batch(vdivq_f64(a.reg(), b.reg())));
    }
#else
    return Vec(a.batch / b.batch);
#endif
  }
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

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
