// Matrix products: what the driver (ops/linear_algebra/gemm.cpp) hands to the kernels of one
// instruction set.
#pragma once

#include <cstdint>

#include "ops/kernels/isa.h"

namespace simdgrad::kernels {

// n items in as few pieces of at most `longest` as will do, of nearly equal length.
struct Split {
  std::int64_t pieces, shorter, longer;  // the first `longer` pieces have shorter + 1 items
};

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
  std::int64_t near_bytes = 0;  // operands and results of more are not expected in the second-level cache
  T* scratch = nullptr;  // as many elements as prepare said, 64-byte aligned

  // Filled by prepare.
  bool pack_a, pack_b;
  bool repeat_a;             // each element of packed A over a register
  bool save_b;               // the first tile packs B
  bool far_a, far_b, far_c;  // more than near_bytes
  bool looks_ahead;          // one of these, or save_b
  Split depth, panels, tiles;     // of k, of n in registers, of m
  std::int64_t tiles_at_once, panels_at_once;
  std::int64_t packed_b, turned_c;  // where in scratch
};

// c = a b, small, of operands read where they lie: b's and c's rows without gaps.
template <class T>
struct BareProduct {
  std::int64_t m, n, k;
  const T* a;
  std::int64_t a_row, a_column;
  const T* b;
  std::int64_t b_row;
  T* c;
  std::int64_t c_row;
};

template <class T>
struct GemmTable {
  int lanes_log2;  // of the elements of a register
  int narrow;      // the most rows or columns for which dot may pay
  // Cuts the block up, and says how many elements of scratch it needs (0: none).
  std::int64_t (*prepare)(GemmBlock<T>&);
  // m, n, k >= 1. Every element is the sum, in order, of one fused chain per piece of K; pieces
  // depend on k alone. So forms, packing and blocks do not change a single bit, m and n neither.
  void (*run)(const GemmBlock<T>&);
  // The bits of run without its preparations (16 x 16 x 32: 98 ns become 86). n is a multiple of
  // bare_columns; 0: there is no such form.
  int bare_columns;
  void (*bare)(const BareProduct<T>&);
  // The same product with lanes along K: other bits than run's, the same for all m, n and strides.
  // b should be the longer operand where not both lie along K.
  std::int64_t (*prepare_dot)(GemmBlock<T>&);
  void (*dot)(const GemmBlock<T>&);
};

struct GemmKernels {
  GemmTable<float> f32;
  GemmTable<double> f64;
};

// Bytes of b of a bare product: they stay in L1.
inline constexpr std::int64_t kBareBytes = 32 << 10;

template <class T>
inline constexpr std::int64_t kGemmDepth = 0;  // the longest piece of K
template <>
inline constexpr std::int64_t kGemmDepth<float> = 384;
template <>
inline constexpr std::int64_t kGemmDepth<double> = 256;

}  // namespace simdgrad::kernels

SIMDGRAD_DECLARE_KERNELS(GemmKernels, gemm_kernels)
