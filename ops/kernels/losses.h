// Losses of pairs of numbers, summed, and their gradients.
#pragma once

#include <cstdint>

#include "ops/kernels/isa.h"

namespace simdgrad::kernels {

template <class T>
struct LossTable {
  // The sum of (x - t)^2, n > 0; dx = (x - t) factor.
  T (*squared_distance)(const T* x, const T* t, int64_t n);
  void (*squared_distance_backward)(const T* x, const T* t, int64_t n, T factor, T* dx);
  // The sum of -t log s(x) - (1 - t) log(1 - s(x)), s the sigmoid; dx = (s(x) - t) factor.
  T (*logits)(const T* x, const T* t, int64_t n);
  void (*logits_backward)(const T* x, const T* t, int64_t n, T factor, T* dx);
};

struct LossKernels {
  LossTable<float> f32;
  LossTable<double> f64;
};

}  // namespace simdgrad::kernels

SIMDGRAD_DECLARE_KERNELS(LossKernels, loss_kernels)
