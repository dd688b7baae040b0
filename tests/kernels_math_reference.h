// What the vector maths is measured against: the C library in double (for float) and in long double
// (for double), whose own error is far below one unit in the last place of the narrower type.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "ops/kernels/math/kernels.h"

namespace simdgrad::math_reference {

template <class T>
struct Wider;
template <>
struct Wider<float> {
  using type = double;
  using Bits = std::uint32_t;
};
template <>
struct Wider<double> {
  using type = long double;
  using Bits = std::uint64_t;
};
template <class T>
using Wide = typename Wider<T>::type;

template <class T>
T from_bits(typename Wider<T>::Bits bits) {
  T value;
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}
template <class T>
typename Wider<T>::Bits to_bits(T value) {
  typename Wider<T>::Bits bits;
  std::memcpy(&bits, &value, sizeof(T));
  return bits;
}

// Distance of y from the true value, in units in the last place of T at the true value; infinite
// where one is NaN and the other not. The overflow threshold counts as the next value would.
template <class T>
double ulp_error(T y, Wide<T> truth) {
  using W = Wide<T>;
  if (std::isnan(truth) || std::isnan(y)) {
    return std::isnan(truth) && std::isnan(y) ? 0 : std::numeric_limits<double>::infinity();
  }
  int exponent = 0;
  const W largest = std::ldexp(W(1), std::numeric_limits<T>::max_exponent);
  const bool truth_over = std::abs(truth) >= largest;
  if (truth_over) truth = std::copysign(largest, truth);
  W value = y;
  if (std::isinf(y)) value = std::copysign(largest, value);
  std::frexp(truth, &exponent);
  const int smallest = std::numeric_limits<T>::min_exponent;
  if (exponent < smallest || truth == 0) exponent = smallest;
  if (truth_over) exponent = std::numeric_limits<T>::max_exponent;
  const W unit = std::ldexp(W(1), exponent - std::numeric_limits<T>::digits);
  return static_cast<double>(std::abs(value - truth) / unit);
}

template <class T>
struct Function {
  const char* name;
  void (*kernels::MathFunctions<T>::*loop)(const T*, T*, std::int64_t);
  Wide<T> (*truth)(Wide<T>);
  double bound;       // units in the last place, with fused multiply-add
  double bound_sse2;  // and without
  // Below this x an absolute error counts, in units of 1e-7.
  double absolute_below = -std::numeric_limits<double>::infinity();

  double error(T x, T y) const { return error(x, y, truth(x)); }
  double error(T x, T y, Wide<T> wanted) const {
    if (x < absolute_below && std::isfinite(x))
      return static_cast<double>(std::abs(y - wanted)) / 1e-7;
    return ulp_error<T>(y, wanted);
  }
};

template <class W>
W sigmoid(W x) {
  return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
}
template <class W>
W softplus(W x) {
  return (x > 0 ? x : W(0)) + std::log1p(std::exp(-std::abs(x)));
}

template <class W>
W gelu(W x) {
  return std::max(x, W(-1000)) * std::erfc(-x / std::sqrt(W(2))) / 2;  // 0 at -infinity
}

template <class T>
struct Functions {
  using W = Wide<T>;
  using M = kernels::MathFunctions<T>;
  static constexpr int kCount = 13;
  Function<T> all[kCount] = {
      {"exp", &M::exp, [](W x) { return std::exp(x); }, 1.1, 1.1},
      {"expm1", &M::expm1, [](W x) { return std::expm1(x); }, 1.4, 1.5},
      {"log", &M::log, [](W x) { return std::log(x); }, 1.0, 1.0},
      {"log1p", &M::log1p, [](W x) { return std::log1p(x); }, 1.5, 1.5},
      {"log2", &M::log2, [](W x) { return std::log2(x); }, 1.1, 1.1},
      {"sin", &M::sin, [](W x) { return std::sin(x); }, 1.0, 1.0},
      {"cos", &M::cos, [](W x) { return std::cos(x); }, 1.0, 1.0},
      {"tanh", &M::tanh, [](W x) { return std::tanh(x); }, 1.4, 1.4},
      {"sigmoid", &M::sigmoid, [](W x) { return sigmoid(x); }, 2.0, 2.5},
      {"erf", &M::erf, [](W x) { return std::erf(x); }, 1.25, 1.3},
      {"rsqrt", &M::rsqrt, [](W x) { return 1 / std::sqrt(x); }, 1.5, 1.5},
      {"log1p_exp", &M::log1p_exp, [](W x) { return softplus(x); }, 1.8, 1.8},
      {"gelu", &M::gelu, [](W x) { return gelu(x); }, sizeof(T) == 4 ? 2.0 : 3.5, 3.5, -1},
  };
};

struct InstructionSet {
  const char* name;
  const kernels::MathKernels* kernels;
  bool usable;
};

#if defined(__x86_64__)
inline constexpr int kInstructionSets = 3;
inline InstructionSet instruction_set(int i) {
  __builtin_cpu_init();
  if (i == 0) return {"sse2", &kernels::sse2::math_kernels, true};
  if (i == 1) {
    return {"avx2", &kernels::avx2::math_kernels,
            __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")};
  }
  return {"avx512", &kernels::avx512::math_kernels,
          __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
              __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")};
}
#else
inline constexpr int kInstructionSets = 1;
inline InstructionSet instruction_set(int) { return {"neon", &kernels::neon::math_kernels, true}; }
#endif

}  // namespace simdgrad::math_reference
