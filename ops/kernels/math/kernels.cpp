// Each function of math.h as a loop over an array.
#include "ops/kernels/math/kernels.h"

#include "ops/kernels/math/math.h"
#include "ops/kernels/rounding.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {
namespace {

template <class T>
SIMDGRAD_INLINE Vec<T> gelu(Vec<T> x) {
  return times_normal_cdf(x);
}

#define SIMDGRAD_MATH_LOOP(function)                                                    \
  template <class T>                                                                    \
  void function##_loop(const T* x, T* y, std::int64_t n) {                              \
    constexpr int size = Vec<T>::size;                                                  \
    std::int64_t i = 0;                                                                 \
    for (; i + size <= n; i += size) function(Vec<T>::load(x + i)).store(y + i);        \
    const int rest = static_cast<int>(n - i);                                           \
    if (rest > 0) function(Vec<T>::load_partial(x + i, rest)).store_partial(y + i, rest); \
  }

SIMDGRAD_MATH_LOOP(exp)
SIMDGRAD_MATH_LOOP(expm1)
SIMDGRAD_MATH_LOOP(log)
SIMDGRAD_MATH_LOOP(log1p)
SIMDGRAD_MATH_LOOP(log2)
SIMDGRAD_MATH_LOOP(sin)
SIMDGRAD_MATH_LOOP(cos)
SIMDGRAD_MATH_LOOP(tanh)
SIMDGRAD_MATH_LOOP(sigmoid)
SIMDGRAD_MATH_LOOP(erf)
SIMDGRAD_MATH_LOOP(rsqrt)
SIMDGRAD_MATH_LOOP(log1p_exp)
SIMDGRAD_MATH_LOOP(gelu)
#undef SIMDGRAD_MATH_LOOP

template <class T>
void pow_loop(const T* x, const T* exponent, T* y, std::int64_t n) {
  using V = Vec<T>;
  std::int64_t i = 0;
  for (; i + V::size <= n; i += V::size) pow(V::load(x + i), V::load(exponent + i)).store(y + i);
  const int rest = static_cast<int>(n - i);
  if (rest > 0) {
    pow(V::load_partial(x + i, rest), V::load_partial(exponent + i, rest))
        .store_partial(y + i, rest);
  }
}

template <class T>
constexpr MathFunctions<T> functions() {
  return {nearest<exp_loop<T>>,     nearest<expm1_loop<T>>,     nearest<log_loop<T>>,
          nearest<log1p_loop<T>>,   nearest<log2_loop<T>>,      nearest<sin_loop<T>>,
          nearest<cos_loop<T>>,     nearest<tanh_loop<T>>,      nearest<sigmoid_loop<T>>,
          nearest<erf_loop<T>>,     nearest<rsqrt_loop<T>>,     nearest<log1p_exp_loop<T>>,
          nearest<gelu_loop<T>>,    nearest<pow_loop<T>>};
}

}  // namespace

extern constexpr MathKernels math_kernels = {functions<float>(), functions<double>()};

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
