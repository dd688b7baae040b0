// Matrix products: what the driver (ops/gemm.cpp) hands to the kernels of one instruction set.
#pragma once

#include <cstdint>

#include "ops/kernels/isa.h"

namespace simdgrad::kernels {

// One block of C with the whole of K: c = alpha * a b + beta * addend. Strides are in elements.
template <class T>
struct GemmBlock {
  std::int64_t m = 0, n = 0, k = 0;
  const T* a = nullptr;
  std::int64_t a_row = 0, a_column = 0;
  const T* b = nullptr;
  std::int64_t b_row = 0, b_column = 0;
  T* c = nullptr;                        // overlaps no operand
  std::int64_t c_row = 0, c_column = 0;  // one of them is 1
  T alpha = 1, beta = 1;
  const T* addend = nullptr;  // nullptr: none, and beta does not matter
  std::int64_t addend_row = 0, addend_column = 0;
  bool pack_a = false, pack_b = false;  // pack_b is needed where b_column != 1
  T* scratch = nullptr;                 // scratch_elements() of this block, 64-byte aligned
};

template <class T>
struct GemmTable {
  int lanes;  // elements of a register
  // How many elements of scratch the block needs (0: none) with its k, pack_a and pack_b.
  std::int64_t (*scratch_elements)(const GemmBlock<T>&);
  // m, n, k >= 1. Every element is the sum, in order, of one fused chain per piece of K; pieces
  // depend on k alone. So forms, packing and blocks do not change a single bit, m and n neither.
  void (*run)(const GemmBlock<T>&);
  // c[i, j] = alpha * sum over k of a[i, :] b[:, j] + beta * addend, a_column = b_row = 1: lanes run
  // along K. Other bits than run's, so that the driver chooses by shape alone.
  void (*dot)(const GemmBlock<T>&);
};

struct GemmKernels {
  GemmTable<float> f32;
  GemmTable<double> f64;
};

template <class T>
inline constexpr std::int64_t kGemmDepth = 0;  // the longest piece of K
template <>
inline constexpr std::int64_t kGemmDepth<float> = 384;
template <>
inline constexpr std::int64_t kGemmDepth<double> = 256;

}  // namespace simdgrad::kernels

SIMDGRAD_DECLARE_KERNELS(GemmKernels, gemm_kernels)
