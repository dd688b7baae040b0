// Views that come in lists: one node, several outputs.
#include <algorithm>

#include "ops/loops/broadcast.h"
#include "ops/views/shape.h"
#include "simdgrad/views.h"

namespace simdgrad {
namespace {

// Under grad mode these may not be changed in place: one node holds the history of all of them.
void mark_as_list(const std::vector<Tensor>& views) {
  if (!thread_state.grad_enabled) return;
  for (const Tensor& view : views) impl(view).set_view_kind(ViewKind::kMultiOutput);
}

// Room for a list whose length the caller has chosen.
template <class T>
std::vector<T> list_of(int64_t count, const char* operation) {
  std::vector<T> list;
  try {
    list.reserve(static_cast<size_t>(count));
  } catch (const std::exception&) {
    SIMDGRAD_THROW(operation, ": no memory for a list of ", count, " tensors");
  }
  return list;
}

// The part of dimension dim that begins at start.
Tensor part_of(const Tensor& self, size_t dim, int64_t start, int64_t length) {
  const TensorImpl& x = impl(self);
  Dims sizes(x.size_list());
  sizes[dim] = length;
  return make_view(self, sizes, x.stride_list(), x.storage_offset() + start * x.strides()[dim]);
}

// dx of parts that lie one after the other along dim: their dy joined, with zeros where no gradient
// came. `length(i)` is the size of part i.
template <class Length>
Tensor join_gradients(Gradients& d, size_t count, IntArrayRef x_sizes, size_t dim, ScalarType dtype,
                      Length length) {
  std::vector<Tensor> parts(count);
  Dims sizes(x_sizes);
  for (size_t i = 0; i < count; ++i) {
    parts[i] = d.take_dy(static_cast<uint32_t>(i));
    if (parts[i].defined()) continue;
    sizes[dim] = length(i);
    parts[i] = zeros_of(sizes, dtype);
  }
  return cat(parts, static_cast<int64_t>(dim));
}

}  // namespace

std::vector<Tensor> unbind(const Tensor& self, int64_t dim) {
  check_dense(self, "unbind");
  const TensorImpl& x = impl(self);
  SIMDGRAD_CHECK_AS(IndexError, x.ndim > 0, "Dimension specified as ", dim,
                    " but tensor has no dimensions");
  const size_t at = static_cast<size_t>(wrap_dim(dim, x.ndim));
  const size_t count = static_cast<size_t>(x.sizes()[at]);
  Dims sizes(x.size_list()), strides(x.stride_list());
  sizes.erase(at);
  strides.erase(at);
  std::vector<Tensor> parts = list_of<Tensor>(x.sizes()[at], "unbind");
  for (size_t i = 0; i < count; ++i)
    parts.push_back(make_view(self, sizes, strides,
                              x.storage_offset() + static_cast<int64_t>(i) * x.strides()[at]));
  mark_as_list(parts);
  if (count && needs_gradient(self))
    record_outputs<"UnbindBackward0">(
        parts, std::tie(self),
        [kept = FixedDims<kMaxDims>(sizes), at, count, dtype = x.dtype](Gradients& d) {
          std::vector<Tensor> dy(count);
          for (size_t i = 0; i < count; ++i) {
            dy[i] = d.take_dy(static_cast<uint32_t>(i));
            if (!dy[i].defined()) dy[i] = zeros_of(kept, dtype);
          }
          d.set(0, stack(dy, static_cast<int64_t>(at)));
        });
  return parts;
}

std::vector<Tensor> split(const Tensor& self, int64_t split_size, int64_t dim) {
  check_dense(self, "split");
  const TensorImpl& x = impl(self);
  SIMDGRAD_CHECK(x.ndim > 0, "split expects at least a 1-dimensional tensor");
  SIMDGRAD_CHECK(split_size >= 0,
                 "split expects split_size be non-negative, but got split_size=", split_size);
  const size_t at = static_cast<size_t>(wrap_dim(dim, x.ndim));
  const int64_t size = x.sizes()[at];
  SIMDGRAD_CHECK(split_size > 0 || size == 0,
                 "split_size can only be 0 if dimension size is 0, but got dimension size of ",
                 size);
  const int64_t count = size == 0 ? 1 : (size - 1) / split_size + 1;
  std::vector<Tensor> parts = list_of<Tensor>(count, "split");
  for (int64_t i = 0; i < count; ++i)
    parts.push_back(part_of(self, at, i * split_size, std::min(split_size, size - i * split_size)));
  mark_as_list(parts);
  if (needs_gradient(self))
    record_outputs<"SplitBackward0">(
        parts, std::tie(self),
        [kept = FixedDims<kMaxDims>(x.size_list()), at, split_size, count, size,
         dtype = x.dtype](Gradients& d) {
          d.set(0, join_gradients(d, static_cast<size_t>(count), kept, at, dtype, [&](size_t i) {
                  return std::min(split_size, size - static_cast<int64_t>(i) * split_size);
                }));
        });
  return parts;
}

std::vector<Tensor> split_with_sizes(const Tensor& self, IntArrayRef split_sizes, int64_t dim) {
  check_dense(self, "split_with_sizes");
  const TensorImpl& x = impl(self);
  SIMDGRAD_CHECK(x.ndim > 0, "split expects at least a 1-dimensional tensor");
  const size_t at = static_cast<size_t>(wrap_dim(dim, x.ndim));
  const int64_t size = x.sizes()[at];
  int64_t total = 0;
  for (int64_t part : split_sizes) {
    SIMDGRAD_CHECK(part >= 0,
                   "split_with_sizes expects split_sizes have only non-negative entries, but got "
                   "split_sizes=",
                   split_sizes);
    total = checked_add(total, part);
  }
  SIMDGRAD_CHECK(total == size, "split_with_sizes expects split_sizes to sum exactly to ", size,
                 " (input tensor's size at dimension ", dim,
                 "), but got split_sizes=", split_sizes);
  std::vector<Tensor> parts;
  parts.reserve(split_sizes.size());
  int64_t start = 0;
  for (int64_t part : split_sizes) {
    parts.push_back(part_of(self, at, start, part));
    start += part;
  }
  mark_as_list(parts);
  if (!parts.empty() && needs_gradient(self)) {
    const auto record_lengths = [&](auto lengths, auto length) {
      record_outputs<"SplitWithSizesBackward0">(
          parts, std::tie(self),
          [kept = FixedDims<kMaxDims>(x.size_list()), at, count = parts.size(), lengths, length,
           dtype = x.dtype](Gradients& d) {
            d.set(0, join_gradients(d, count, kept, at, dtype,
                                    [&](size_t i) { return length(lengths, i); }));
          });
    };
    if (split_sizes.size() <= kMaxDims)
      record_lengths(FixedDims<kMaxDims>(split_sizes),
                     [](const FixedDims<kMaxDims>& list, size_t i) { return list.values[i]; });
    else
      record_lengths(split_sizes.vec(),
                     [](const std::vector<int64_t>& list, size_t i) { return list[i]; });
  }
  return parts;
}

std::vector<Tensor> split(const Tensor& self, IntArrayRef split_sizes, int64_t dim) {
  return split_with_sizes(self, split_sizes, dim);
}

std::vector<Tensor> chunk(const Tensor& self, int64_t chunks, int64_t dim) {
  check_dense(self, "chunk");
  const TensorImpl& x = impl(self);
  SIMDGRAD_CHECK(x.ndim > 0, "chunk expects at least a 1-dimensional tensor");
  SIMDGRAD_CHECK(chunks > 0, "chunk expects `chunks` to be greater than 0, got: ", chunks);
  const int64_t size = x.sizes()[wrap_dim(dim, x.ndim)];
  if (size == 0) {
    std::vector<int64_t> none = list_of<int64_t>(chunks, "chunk");
    none.resize(static_cast<size_t>(chunks));
    return split_with_sizes(self, none, dim);
  }
  return split(self, (size - 1) / chunks + 1, dim);
}

}  // namespace simdgrad
