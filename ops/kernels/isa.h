// The instruction sets kernels are compiled for, and the two macros every kernel family uses.
// The declaring half needs nothing; the half behind SIMDGRAD_ISA_NAME includes xsimd.
#pragma once

// Declares `extern const Type name` once per instruction set. Use at namespace scope, outside any
// namespace: SIMDGRAD_DECLARE_KERNELS(GemmKernels, gemm_kernels). Type lives in simdgrad::kernels.
#define SIMDGRAD_DECLARE_KERNELS(Type, name)                      \
  namespace simdgrad::kernels {                                   \
  namespace sse2 { extern const Type name; }                      \
  namespace avx2 { extern const Type name; }                      \
  namespace avx512 { extern const Type name; }                    \
  namespace neon { extern const Type name; }                      \
  }

#if defined(SIMDGRAD_ISA_NAME)

#include <xsimd/xsimd.hpp>

#define SIMDGRAD_INLINE inline __attribute__((always_inline))

// -DSIMDGRAD_ISA_NAME=avx2 is a bare word, so it is compared through numbered names.
#define SIMDGRAD_ISA_NUMBER_sse2 1
#define SIMDGRAD_ISA_NUMBER_avx2 2
#define SIMDGRAD_ISA_NUMBER_avx512 3
#define SIMDGRAD_ISA_NUMBER_neon 4
#define SIMDGRAD_ISA_PASTE_(a, b) a##b
#define SIMDGRAD_ISA_PASTE(a, b) SIMDGRAD_ISA_PASTE_(a, b)
#define SIMDGRAD_ISA_NUMBER SIMDGRAD_ISA_PASTE(SIMDGRAD_ISA_NUMBER_, SIMDGRAD_ISA_NAME)
#define SIMDGRAD_ISA_SSE2 (SIMDGRAD_ISA_NUMBER == 1)
#define SIMDGRAD_ISA_AVX2 (SIMDGRAD_ISA_NUMBER == 2)
#define SIMDGRAD_ISA_AVX512 (SIMDGRAD_ISA_NUMBER == 3)
#define SIMDGRAD_ISA_NEON (SIMDGRAD_ISA_NUMBER == 4)
// Fused multiply-add in one rounding. avx2, avx512 and neon give the same bits because of it.
#define SIMDGRAD_ISA_HAS_FMA (SIMDGRAD_ISA_NUMBER >= 2)

// These two name the flags that are missing instead of failing deep inside xsimd.
#if SIMDGRAD_ISA_AVX2 && !(defined(__AVX2__) && defined(__FMA__))
#error "avx2 kernels need -mavx2 -mfma"
#endif
#if SIMDGRAD_ISA_AVX512 && !(defined(__AVX512F__) && defined(__AVX512BW__) && \
                             defined(__AVX512DQ__) && defined(__AVX512VL__) && defined(__FMA__))
#error "avx512 kernels need -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512cd -mfma"
#endif

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {
#if SIMDGRAD_ISA_SSE2
using Arch = xsimd::sse2;
#elif SIMDGRAD_ISA_AVX2
using Arch = xsimd::fma3<xsimd::avx2>;
#elif SIMDGRAD_ISA_AVX512
using Arch = xsimd::avx512bw;
#elif SIMDGRAD_ISA_NEON
using Arch = xsimd::neon64;
#else
#error "SIMDGRAD_ISA_NAME must be sse2, avx2, avx512 or neon"
#endif
}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME

#endif  // SIMDGRAD_ISA_NAME
