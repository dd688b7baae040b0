// Random numbers in bulk: mt19937's words, and the numbers that are made of them.
#pragma once

#include <cstdint>

#include "ops/kernels/isa.h"

namespace simdgrad::kernels {

struct RandomKernels {
  // mt19937's next 624 words, in place.
  void (*twist)(uint32_t* words);
  // The 624 draws that the words stand for.
  void (*temper)(const uint32_t* words, uint32_t* draws);
  // (draw & (2^24 - 1)) * 2^-24 * width + from, each operation rounded on its own.
  void (*uniform)(const uint32_t* draws, float* out, int64_t n, float width, float from);
  // `value` where the low 53 bits of (draws[2 i] << 32 | draws[2 i + 1]) are below limit, else 0.
  void (*below_f32)(const uint32_t* draws, float* out, int64_t n, uint64_t limit, float value);
  void (*below_f64)(const uint32_t* draws, double* out, int64_t n, uint64_t limit, double value);
  // Box-Muller in place on blocks of 16 uniforms: of 8 come the radii, of 8 the angles.
  void (*normal_f32)(float* data, int64_t blocks, float mean, float std);
  void (*normal_f64)(double* data, int64_t blocks, double mean, double std);
};

}  // namespace simdgrad::kernels
SIMDGRAD_DECLARE_KERNELS(RandomKernels, random_kernels)
