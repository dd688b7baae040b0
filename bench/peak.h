// The most multiply-adds that a core does: twelve independent chains in registers and nothing else, for
// each instruction set. A call returns the float32 operations that it did.
#pragma once

#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace bench {

constexpr int kRounds = 20000;
#if defined(__x86_64__)
#define SIMDGRAD_CHAINS(Register, set1, step, lanes)                                        \
  {                                                                                         \
    Register x[12];                                                                         \
    _Pragma("GCC unroll 12") for (int i = 0; i < 12; ++i) x[i] = set1(0.5f + i);            \
    const Register y = set1(0.999f), z = set1(0.001f);                                      \
    for (int r = 0; r < kRounds; ++r) {                                                     \
      _Pragma("GCC unroll 12") for (int i = 0; i < 12; ++i) x[i] = step;                    \
    }                                                                                       \
    _Pragma("GCC unroll 12") for (int i = 0; i < 12; ++i) __asm__ volatile("" ::"v"(x[i])); \
    return 2.0 * lanes * 12 * kRounds;                                                      \
  }
// clang-format off
__attribute__((target("sse2"), noinline)) inline double chains_sse2()
    SIMDGRAD_CHAINS(__m128, _mm_set1_ps, _mm_add_ps(_mm_mul_ps(x[i], y), z), 4)
__attribute__((target("avx2,fma"), noinline)) inline double chains_avx2()
    SIMDGRAD_CHAINS(__m256, _mm256_set1_ps, _mm256_fmadd_ps(x[i], y, z), 8)
__attribute__((target("avx512f"), noinline)) inline double chains_avx512()
    SIMDGRAD_CHAINS(__m512, _mm512_set1_ps, _mm512_fmadd_ps(x[i], y, z), 16)
// clang-format on
#undef SIMDGRAD_CHAINS
#else
// GCC's generic vectors: NEON's registers.
inline double chains_neon() {
  typedef float Register __attribute__((vector_size(16)));
  Register x[24];
  for (int i = 0; i < 24; ++i) x[i] = Register{0.5f, 0.5f, 0.5f, 0.5f} + float(i);
  const Register y = Register{} + 0.999f, z = Register{} + 0.001f;
  for (int r = 0; r < kRounds; ++r)
    for (int i = 0; i < 24; ++i) x[i] = x[i] * y + z;
  for (int i = 0; i < 24; ++i) __asm__ volatile("" ::"w"(x[i]));
  return 2.0 * 4 * 24 * kRounds;
}
#endif

struct Chains {
  const char* isa;
  double (*run)();
};
inline std::vector<Chains> available_chains() {
#if defined(__x86_64__)
  std::vector<Chains> chains = {{"sse2", chains_sse2}};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    chains.push_back({"avx2", chains_avx2});
  if (__builtin_cpu_supports("avx512f")) chains.push_back({"avx512", chains_avx512});
  return chains;
#else
  return {{"neon", chains_neon}};
#endif
}

}  // namespace bench
