// Walks over several tensors of one shape at once and hands rows to a kernel. Broadcasting, strides,
// permuted layouts and conversions of dtype end here: kernels see rows of one dtype with strides 0
// and 1.
#pragma once

#include "core/tensor_impl.h"
#include "ops/kernels/row.h"

namespace simdgrad {

// One operand: where it is, and as which dtype the kernel reads (writes) it.
struct LoopOperand {
  char* data = nullptr;
  IntArrayRef sizes, strides;  // aligned with the loop's shape at the last dimension
  ScalarType dtype = ScalarType::Float;    // in memory
  ScalarType compute = ScalarType::Float;  // for the kernel

  LoopOperand() = default;
  LoopOperand(const Tensor& tensor, ScalarType kernel_dtype)
      : data(static_cast<char*>(impl(tensor).data)),
        sizes(impl(tensor).size_list()),
        strides(impl(tensor).stride_list()),
        dtype(impl(tensor).dtype),
        compute(kernel_dtype) {}
  explicit LoopOperand(const Tensor& tensor) : LoopOperand(tensor, impl(tensor).dtype) {}
  // One number for all elements, of the kernel's dtype.
  LoopOperand(const void* number, ScalarType kernel_dtype)
      : data(const_cast<char*>(static_cast<const char*>(number))),
        dtype(kernel_dtype),
        compute(kernel_dtype) {}
};

constexpr int kMaxLoopOperands = 6;
constexpr int64_t kLoopChunk = 16384;  // elements that one task takes, a multiple of every lane count

// Runs the kernel over `sizes`; operand 0 is written and has exactly this shape, the others expand
// to it. `nanoseconds` is the estimated cost of one element. Elements are visited once each, in
// chunks that depend on the shape alone; work below about 20 us stays on this thread.
void elementwise_loop(IntArrayRef sizes, const LoopOperand* operands, int count, RowKernel kernel,
                      const void* formula, double nanoseconds = 0.3);

// The same for contiguous operands of one shape and the kernel's own dtypes (or numbers, stride 0).
// No planning: for small n this is the kernel call and little else.
void contiguous_loop(int64_t n, char* const* data, const int64_t* strides,
                     const int64_t* element_sizes, int count, RowKernel kernel, const void* formula,
                     double nanoseconds = 0.3);

// Copies n numbers, converting; strides in elements. Floats become bool by != 0 and integers by
// truncation.
using ConvertRow = void (*)(char* to, int64_t to_stride, const char* from, int64_t from_stride,
                            int64_t n);
ConvertRow convert_row(ScalarType to, ScalarType from);

}  // namespace simdgrad
