// Where the rows of a tensor [..., columns] lie, for kernels that want rows without gaps.
#pragma once

#include "core/tensor_impl.h"

namespace simdgrad {

// Row p, in row-major order of the leading dimensions, is at offset(p). An expanded gradient, as a
// sum leaves it, is read as it lies; numbers are copied only where a row itself has gaps.
class RowLayout {
 public:
  // Keeps `tensor` alive.
  explicit RowLayout(const Tensor& tensor);
  ~RowLayout();
  RowLayout(const RowLayout&) = delete;
  RowLayout& operator=(const RowLayout&) = delete;

  const void* data() const { return impl(rows_).data; }
  int64_t stride() const { return stride_; }           // where there are no offsets; in elements
  const int64_t* offsets() const { return offsets_; }  // by row, in elements, or null

 private:
  void list_offsets(IntArrayRef sizes, IntArrayRef strides);

  Tensor rows_;
  int64_t count_ = 1, stride_ = 0;
  int64_t* offsets_ = nullptr;
};

}  // namespace simdgrad
