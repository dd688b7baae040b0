// One optimizer step over flat memory, every array read and written once.
#pragma once

#include <cstdint>

#include "ops/kernels/isa.h"

namespace simdgrad::kernels {

struct SgdStep {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, maximize;
  bool first;  // the momentum buffer is taken from the gradient, not read
};

struct AdamStep {
  double lr, beta1, beta2, eps, weight_decay;
  double step_size;         // lr / (1 - beta1^t)
  double root_correction2;  // (1 - beta2^t)^(1/2)
  bool decoupled;           // AdamW: the weight decays on its own, not through the gradient
  bool maximize;
};

// All arrays have n elements of f32 or f64. A null buffer or maximum is not used.
struct OptimizerKernels {
  using Sgd = void (*)(void* weight, const void* gradient, void* buffer, int64_t n,
                       const SgdStep& step);
  using Adam = void (*)(void* weight, const void* gradient, void* average, void* average_square,
                        void* maximum, int64_t n, const AdamStep& step);
  Sgd sgd_f32, sgd_f64;
  Adam adam_f32, adam_f64;
};

}  // namespace simdgrad::kernels

SIMDGRAD_DECLARE_KERNELS(OptimizerKernels, optimizer_kernels)
