// SGD and Adam over flat memory.
#include "ops/kernels/optimizer.h"

#include "ops/kernels/math/divide.h"
#include "ops/kernels/vec.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {
namespace {

// Calls f(offset, lanes) over n elements; the last call may have fewer lanes than a register, and
// goes the same way through partial loads and stores.
template <class T, class F>
SIMDGRAD_INLINE void for_registers(int64_t n, F f) {
  int64_t i = 0;
  for (; i + Vec<T>::size <= n; i += Vec<T>::size) f(i, Vec<T>::size);
  if (i < n) f(i, static_cast<int>(n - i));
}

template <class T>
SIMDGRAD_INLINE Vec<T> read(const T* p, int lanes) {
  return lanes == Vec<T>::size ? Vec<T>::load(p) : Vec<T>::load_partial(p, lanes);
}
template <class T>
SIMDGRAD_INLINE void write(Vec<T> x, T* p, int lanes) {
  if (lanes == Vec<T>::size) {
    x.store(p);
  } else {
    x.store_partial(p, lanes);
  }
}

// g = +-gradient + weight_decay w;  b = g, or momentum b + (1 - dampening) g;
// w -= lr (g + momentum b with nesterov, b with momentum, else g)
template <class T>
void sgd(void* weight, const void* gradient, void* buffer, int64_t n, const SgdStep& step) {
  T* const w = static_cast<T*>(weight);
  const T* const g = static_cast<const T*>(gradient);
  T* const b = static_cast<T*>(buffer);
  const Vec<T> lr(step.lr), momentum(step.momentum), rest(1 - step.dampening),
      decay(step.weight_decay);
  for_registers<T>(n, [&](int64_t i, int lanes) {
    const Vec<T> x = read(w + i, lanes);
    Vec<T> d = read(g + i, lanes);
    if (step.maximize) d = -d;
    if (step.weight_decay != 0) d = d + decay * x;
    if (b) {
      const Vec<T> average = step.first ? d : momentum * read(b + i, lanes) + rest * d;
      write(average, b + i, lanes);
      d = step.nesterov ? d + momentum * average : average;
    }
    write(x - lr * d, w + i, lanes);
  });
}

// m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
// w -= step_size m / (sqrt(v or its maximum) / root_correction2 + eps)
template <class T>
void adam(void* weight, const void* gradient, void* average, void* average_square, void* maximum,
          int64_t n, const AdamStep& step) {
  T* const w = static_cast<T*>(weight);
  const T* const g = static_cast<const T*>(gradient);
  T* const m = static_cast<T*>(average);
  T* const v = static_cast<T*>(average_square);
  T* const top = static_cast<T*>(maximum);
  const Vec<T> beta1(step.beta1), rest1(1 - step.beta1), beta2(step.beta2), rest2(1 - step.beta2),
      eps(step.eps), size(step.step_size), decay(step.weight_decay),
      keep(1 - step.lr * step.weight_decay);
  const Divisor<T> root(Vec<T>(step.root_correction2));
  for_registers<T>(n, [&](int64_t i, int lanes) {
    Vec<T> x = read(w + i, lanes);
    Vec<T> d = read(g + i, lanes);
    if (step.maximize) d = -d;
    if (step.weight_decay != 0) {
      if (step.decoupled) {
        x = x * keep;
      } else {
        d = d + decay * x;
      }
    }
    const Vec<T> first = read(m + i, lanes) * beta1 + rest1 * d;
    Vec<T> second = read(v + i, lanes) * beta2 + rest2 * d * d;
    write(first, m + i, lanes);
    write(second, v + i, lanes);
    if (top) {
      second = max(read(top + i, lanes), second);
      write(second, top + i, lanes);
    }
    const Vec<T> denominator = root.of(sqrt(second)) + eps;
    write(x - size * (first / denominator), w + i, lanes);
  });
}

}  // namespace

extern const OptimizerKernels optimizer_kernels = {
    .sgd_f32 = sgd<float>,
    .sgd_f64 = sgd<double>,
    .adam_f32 = adam<float>,
    .adam_f64 = adam<double>,
};

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
