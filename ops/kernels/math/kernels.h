// The vector maths as plain loops, for the accuracy test and tools/accuracy.cpp only.
#pragma once

#include <cstdint>

#include "ops/kernels/isa.h"

namespace simdgrad::kernels {

template <class T>
struct MathFunctions {
  using Unary = void (*)(const T* x, T* y, std::int64_t n);
  Unary exp, expm1, log, log1p, log2, sin, cos, tanh, sigmoid, erf, rsqrt, log1p_exp, gelu;
  void (*pow)(const T* x, const T* exponent, T* y, std::int64_t n);
};

struct MathKernels {
  MathFunctions<float> f32;
  MathFunctions<double> f64;
};

}  // namespace simdgrad::kernels

SIMDGRAD_DECLARE_KERNELS(MathKernels, math_kernels)
