// Offsets of rows under strides, and a copy where rows have gaps.
#include "ops/rows/layout.h"

#include "ops/loops/copy.h"

namespace simdgrad {
namespace {

// The numbers of `tensor` with rows without gaps. Dimensions that repeat stay repeated: strides has
// 0 for them.
Tensor with_dense_rows(const Tensor& tensor, Dims& strides) {
  const TensorImpl& from = impl(tensor);
  const size_t last = from.ndim - 1u;
  Dims sizes(from.size_list());
  for (size_t i = 0; i < last; ++i)
    if (strides[i] == 0 && sizes[i] > 1) sizes[i] = 1;
  const Tensor copy =
      contiguous_values(make_alias(tensor, sizes, from.stride_list(), from.storage_offset()));
  for (size_t i = 0; i <= last; ++i)
    strides[i] = sizes[i] == from.sizes()[i] ? impl(copy).strides()[i] : 0;
  return copy;
}

}  // namespace

RowLayout::RowLayout(const Tensor& tensor) : rows_(tensor) {
  const TensorImpl& from = impl(tensor);
  const size_t last = from.ndim - 1u;
  const IntArrayRef sizes = from.size_list();
  for (size_t i = 0; i < last; ++i) count_ *= sizes[i];
  if (from.numel == 0) return;
  Dims strides(from.stride_list());
  if (sizes[last] > 1 && strides[last] != 1) rows_ = with_dense_rows(tensor, strides);
  // Evenly spaced where each dimension goes on from the one inside it.
  bool even = true;
  int64_t next = -1;
  for (size_t i = last; i-- > 0;) {
    if (sizes[i] == 1) continue;
    if (next < 0) stride_ = strides[i];
    even &= next < 0 || strides[i] == next;
    next = strides[i] * sizes[i];
  }
  if (!even) list_offsets(sizes.slice(0, last), strides);
}

void RowLayout::list_offsets(IntArrayRef sizes, IntArrayRef strides) {
  offsets_ = static_cast<int64_t*>(allocate(static_cast<size_t>(count_) * sizeof(int64_t)));
  Dims at(sizes.size());
  int64_t offset = 0;
  for (int64_t row = 0; row < count_; ++row) {
    offsets_[row] = offset;
    for (size_t i = sizes.size(); i-- > 0;) {
      offset += strides[i];
      if (++at[i] < sizes[i]) break;
      offset -= strides[i] * sizes[i];
      at[i] = 0;
    }
  }
}

RowLayout::~RowLayout() {
  if (offsets_) deallocate(offsets_, static_cast<size_t>(count_) * sizeof(int64_t));
}

}  // namespace simdgrad
