// Views that show a part of their input: select, slice, narrow.
#include "ops/loops/broadcast.h"
#include "ops/loops/copy.h"
#include "ops/views/shape.h"
#include "simdgrad/views.h"

namespace simdgrad {
namespace {

// Where a part lies in a tensor.
struct Window {
  Dims sizes, strides;
  int64_t offset = 0;
};

Window select_window(IntArrayRef sizes, IntArrayRef strides, int64_t dim, int64_t index) {
  Window window{Dims(sizes), Dims(strides), index * strides[static_cast<size_t>(dim)]};
  window.sizes.erase(static_cast<size_t>(dim));
  window.strides.erase(static_cast<size_t>(dim));
  return window;
}

Window slice_window(IntArrayRef sizes, IntArrayRef strides, int64_t dim, int64_t start, int64_t end,
                    int64_t step) {
  const size_t d = static_cast<size_t>(dim);
  Window window{Dims(sizes), Dims(strides), start * strides[d]};
  window.sizes[d] = end > start ? (end - start - 1) / step + 1 : 0;
  window.strides[d] = checked_multiply(window.strides[d], step);
  return window;
}

// Zeros of `sizes` with dy copied into the window.
template <class MakeWindow>
Tensor embed_in_zeros(const Tensor& dy, IntArrayRef sizes, MakeWindow make_window) {
  Tensor dx = zeros_of(sizes, impl(dy).dtype);
  const Window window = make_window(impl(dx).stride_list());
  copy_strided(static_cast<char*>(impl(dx).data) + window.offset * dx.element_size(),
               impl(dx).dtype, window.strides, impl(dy).data, impl(dy).dtype,
               impl(dy).stride_list(), window.sizes);
  return dx;
}

}  // namespace

Tensor zeros_of(IntArrayRef sizes, ScalarType dtype) {
  Tensor zeros = make_tensor(sizes, dtype);
  fill_contiguous(impl(zeros).data, dtype, impl(zeros).numel, 0);
  return zeros;
}

Tensor select_backward(const Tensor& dy, IntArrayRef sizes, int64_t dim, int64_t index) {
  check_dense(dy, "select_backward", "grad_output");
  Tensor dx = embed_in_zeros(
      dy, sizes, [&](IntArrayRef strides) { return select_window(sizes, strides, dim, index); });
  if (needs_gradient(dy))
    record<"SelectBackwardBackward0">(
        dx, std::tie(dy), [dim, index](Gradients& d) { d.set(0, d.dy().select(dim, index)); });
  return dx;
}

Tensor slice_backward(const Tensor& dy, IntArrayRef sizes, int64_t dim, int64_t start, int64_t end,
                      int64_t step) {
  check_dense(dy, "slice_backward", "grad_output");
  Tensor dx = embed_in_zeros(dy, sizes, [&](IntArrayRef strides) {
    return slice_window(sizes, strides, dim, start, end, step);
  });
  if (needs_gradient(dy))
    record<"SliceBackwardBackward0">(dx, std::tie(dy), [dim, start, end, step](Gradients& d) {
      d.set(0, d.dy().slice(dim, start, end, step));
    });
  return dx;
}

Tensor select(const Tensor& self, int64_t dim, int64_t index) {
  check_dense(self, "select");
  const TensorImpl& x = impl(self);
  SIMDGRAD_CHECK_AS(IndexError, x.ndim > 0, "select() cannot be applied to a 0-dim tensor.");
  dim = wrap_dim(dim, x.ndim);
  const int64_t size = x.sizes()[dim];
  SIMDGRAD_CHECK_AS(IndexError, index >= -size && index < size, "select(): index ", index,
                    " out of range for tensor of size ", x.size_list(), " at dimension ", dim);
  if (index < 0) index += size;
  const Window part = select_window(x.size_list(), x.stride_list(), dim, index);
  Tensor y = make_view(self, part.sizes, part.strides, x.storage_offset() + part.offset);
  if (needs_gradient(self)) {
    const uint32_t at = static_cast<uint32_t>(dim);
    if (x.ndim <= 4)  // small enough for a node of 128 bytes
      record<"SelectBackward0">(y, std::tie(self),
                                [kept = FixedDims<4>(x.size_list()), at, index](Gradients& d) {
                                  d.set(0, select_backward(d.dy(), kept, at, index));
                                });
    else
      record<"SelectBackward0">(
          y, std::tie(self), [kept = FixedDims<kMaxDims>(x.size_list()), at, index](Gradients& d) {
            d.set(0, select_backward(d.dy(), kept, at, index));
          });
  }
  return y;
}

Tensor slice(const Tensor& self, int64_t dim, std::optional<int64_t> from,
             std::optional<int64_t> to, int64_t step) {
  check_dense(self, "slice");
  const TensorImpl& x = impl(self);
  SIMDGRAD_CHECK_AS(IndexError, x.ndim > 0, "slice() cannot be applied to a 0-dim tensor.");
  dim = wrap_dim(dim, x.ndim);
  SIMDGRAD_CHECK(step > 0, "slice step must be positive");
  const int64_t size = x.sizes()[dim];
  int64_t start = from.value_or(0);
  int64_t end = to.value_or(size);
  if (start < 0) start += size;
  if (end < 0) end += size;
  start = start < 0 ? 0 : start > size ? size : start;
  end = end < start ? start : end > size ? size : end;
  const Window part = slice_window(x.size_list(), x.stride_list(), dim, start, end, step);
  Tensor y = make_view(self, part.sizes, part.strides, x.storage_offset() + part.offset);
  if (needs_gradient(self)) {
    const auto formula = [dim, start, end, step](Gradients& d, IntArrayRef x_sizes) {
      d.set(0, slice_backward(d.dy(), x_sizes, dim, start, end, step));
    };
    record_with_dims<"SliceBackward0">(y, self, x.size_list(), formula);
  }
  return y;
}

Tensor narrow(const Tensor& self, int64_t dim, int64_t start, int64_t length) {
  check_dense(self, "narrow");
  const TensorImpl& x = impl(self);
  SIMDGRAD_CHECK(x.ndim > 0, "narrow() cannot be applied to a 0-dim tensor.");
  SIMDGRAD_CHECK(length >= 0, "narrow(): length must be non-negative.");
  dim = wrap_dim(dim, x.ndim);
  const int64_t size = x.sizes()[dim];
  SIMDGRAD_CHECK_AS(IndexError, start >= -size && start <= size,
                    "start out of range (expected to be in range of [", -size, ", ", size,
                    "], but got ", start, ")");
  if (start < 0) start += size;
  SIMDGRAD_CHECK(start <= size - length, "start (", start, ") + length (", length,
                 ") exceeds dimension size (", size, ").");
  return slice(self, dim, start, start + length, 1);
}

}  // namespace simdgrad
