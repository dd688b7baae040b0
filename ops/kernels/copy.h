// Copies, conversions of dtype, fills and transposes over raw memory.
#pragma once

#include <cstdint>

#include "ops/kernels/isa.h"

namespace simdgrad::kernels {

// n numbers from one dtype to another; strides in elements. Floats become integers by truncation
// (what does not fit as the machine converts it) and bool by != 0.
using ConvertRow = void (*)(char* to, int64_t to_stride, const char* from, int64_t from_stride,
                            int64_t n);

constexpr int kPatternBytes = 64;

struct CopyKernels {
  // Repeats a pattern of 64 bytes.
  void (*fill)(char* to, const char* pattern, int64_t bytes);
  // n elements of 1, 2, 4 or 8 bytes; strides in bytes.
  void (*strided)(char* to, int64_t to_stride, const char* from, int64_t from_stride, int64_t n,
                  int item);
  // to[r][c] = from[c][r]: rows of `to` and columns of `from` are dense, to_stride and from_stride
  // (in bytes) lead from one to the next.
  void (*transpose)(char* to, int64_t to_stride, const char* from, int64_t from_stride,
                    int64_t rows, int64_t columns, int item);
  // By ScalarType: [to][from].
  ConvertRow convert[8][8];
};

}  // namespace simdgrad::kernels

SIMDGRAD_DECLARE_KERNELS(CopyKernels, copy_kernels)
