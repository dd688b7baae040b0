// The kernels of the instruction set in use. A family adds a member here and a line in
// ops/loops/dispatch.cpp.
#pragma once

#include "core/cpu.h"

namespace simdgrad::kernels {

struct CopyKernels;
struct RowKernels;
struct GemmKernels;
struct UnaryKernels;
struct BinaryKernels;
struct MaskKernels;
struct OptimizerKernels;
struct ReduceKernels;
struct SoftmaxKernels;
struct LossKernels;
struct ScatterKernels;
struct RandomKernels;

struct Table {
  const GemmKernels* gemm = nullptr;
  const CopyKernels* copy = nullptr;
  const RowKernels* rows = nullptr;
  const UnaryKernels* unary = nullptr;
  const BinaryKernels* binary = nullptr;
  const MaskKernels* masks = nullptr;
  const OptimizerKernels* optimizer = nullptr;
  const ReduceKernels* reduce = nullptr;
  const SoftmaxKernels* softmax = nullptr;
  const LossKernels* losses = nullptr;
  const ScatterKernels* scatter = nullptr;
  const RandomKernels* random = nullptr;
};

extern const Table tables[kIsaCount] __attribute__((visibility("hidden")));

// Follows testing::force_isa. One relaxed load and one branch. Families stand in their own headers.
inline const Table& table() { return tables[static_cast<int>(active_isa())]; }

}  // namespace simdgrad::kernels
