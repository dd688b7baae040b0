// x.index({...}) and x.index_put_({...}, y): which views, and which tensors, an index means.
#include "simdgrad/indexing.h"

#include "ops/loops/broadcast.h"
#include "ops/loops/copy.h"
#include "ops/indexing/advanced.h"
#include "simdgrad/views.h"

namespace simdgrad {
namespace indexing {

TensorIndex::TensorIndex(const char* text) : kind_(Kind::ellipsis) {
  SIMDGRAD_CHECK(std::string_view(text) == "...",
                 "Expected \"...\" to represent an ellipsis index, but got \"", text, "\"");
}

}  // namespace indexing

namespace {

using indexing::TensorIndex;
using Kind = TensorIndex::Kind;

Tensor apply_select(const Tensor& self, int64_t dim, int64_t index, size_t position) {
  const TensorImpl& x = impl(self);
  SIMDGRAD_CHECK_AS(IndexError, x.ndim > 0 || index != 0,
                    "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or "
                    "`tensor.item<T>()` in C++ to convert a 0-dim tensor to a number");
  dim = wrap_dim(dim, x.ndim);
  const int64_t size = x.ndim > 0 ? x.sizes()[dim] : 0;
  SIMDGRAD_CHECK_AS(IndexError, index >= -size && index < size, "index ", index,
                    " is out of bounds for dimension ", position, " with size ", size);
  return self.select(dim, index);
}

void check_step(const indexing::Slice& slice) {
  const int64_t step = slice.step.value_or(1);
  SIMDGRAD_CHECK_AS(ValueError, step != 0, "slice step cannot be zero");
  SIMDGRAD_CHECK_AS(ValueError, step > 0, "step must be greater than zero");
}

Tensor apply_slice(const Tensor& self, int64_t dim, const indexing::Slice& slice) {
  check_step(slice);
  return self.slice(dim, slice.start, slice.stop, slice.step.value_or(1));
}

bool is_whole(const indexing::Slice& slice, int64_t size) {
  return slice.start.value_or(0) == 0 && slice.stop.value_or(size) >= size &&
         slice.step.value_or(1) == 1;
}

// The tensor that a bool stands for, on a dimension of size 1.
Tensor bool_ids(bool value) {
  Tensor ids = make_tensor({value ? 1 : 0}, kLong);
  if (value) *static_cast<int64_t*>(impl(ids).data) = 0;
  return ids;
}

// The views of an index, applied one after the other, and its tensors, by dimension of the result.
struct Applied {
  Tensor self;
  std::vector<Tensor> tensors;
  int64_t dim = 0;

  void add_tensor(const Tensor& tensor) {
    tensors.resize(static_cast<size_t>(dim) + 1 - skipped_);
    tensors.back() = tensor;
    const bool mask = impl(tensor).dtype == kBool || impl(tensor).dtype == kByte;
    const size_t covered = mask ? impl(tensor).ndim : 1;
    dim += static_cast<int64_t>(covered);
    skipped_ += covered - 1;
  }
  void add_bool(bool value) {
    self = self.unsqueeze(dim);
    add_tensor(bool_ids(value));
  }
  void add(const TensorIndex& index, size_t position, int64_t ellipsis_dims) {
    switch (index.kind()) {
      case Kind::none:
        self = self.unsqueeze(dim++);
        return;
      case Kind::ellipsis:
        dim += ellipsis_dims;
        return;
      case Kind::integer:
        self = apply_select(self, dim, index.integer(), position);
        return;
      case Kind::boolean:
        return add_bool(index.boolean());
      case Kind::slice:
        check_step(index.slice());
        if (!is_whole(index.slice(), self.size(dim))) self = apply_slice(self, dim, index.slice());
        ++dim;
        return;
      case Kind::tensor:
        break;
    }
    const Tensor& tensor = index.tensor();
    if (!tensor.defined()) {
      ++dim;
      return;
    }
    check_dense(tensor, "index", "indices");
    if (impl(tensor).ndim > 0 || !is_integral(impl(tensor).dtype, true)) return add_tensor(tensor);
    const ScalarType type = impl(tensor).dtype;
    if (type == kBool || type == kByte) return add_bool(tensor.is_nonzero());
    self = apply_select(self, dim, tensor.item().to_long(), position);
  }

 private:
  size_t skipped_ = 0;  // dimensions that masks cover beyond their one place in the list
};

int64_t count_dims(ArrayRef<TensorIndex> indices) {
  int64_t count = 0;
  for (const TensorIndex& index : indices) {
    if (index.kind() == Kind::integer || index.kind() == Kind::slice) ++count;
    if (index.kind() != Kind::tensor) continue;
    const bool mask = index.tensor().defined() &&
                      (impl(index.tensor()).dtype == kBool || impl(index.tensor()).dtype == kByte);
    count += mask ? index.tensor().dim() : 1;
  }
  return count;
}

Applied apply(const Tensor& self, ArrayRef<TensorIndex> indices) {
  const int64_t specified = count_dims(indices);
  SIMDGRAD_CHECK_AS(IndexError, specified <= impl(self).ndim,
                    "too many indices for tensor of dimension ", static_cast<int>(impl(self).ndim));
  Applied applied;
  applied.self = self;
  for (size_t i = 0; i < indices.size(); ++i)
    applied.add(indices[i], i, impl(self).ndim - specified);
  return applied;
}

// The view that one index gives, undefined where it takes the general way.
Tensor single_view(const Tensor& self, const TensorIndex& index) {
  switch (index.kind()) {
    case Kind::none:
      return self.unsqueeze(0);
    case Kind::integer:
      return apply_select(self, 0, index.integer(), 0);
    case Kind::slice:
      return apply_slice(self, 0, index.slice());
    default:
      return {};
  }
}

// A view of all of it: what x[...] is.
Tensor alias(const Tensor& self) {
  const TensorImpl& x = impl(self);
  Tensor y = make_view(self, x.size_list(), x.stride_list(), x.storage_offset());
  if (needs_gradient(self))
    record<"AliasBackward0">(y, std::tie(self), [](Gradients& d) { d.set(0, d.take_dy()); });
  return y;
}

}  // namespace

Tensor index(const Tensor& self, ArrayRef<TensorIndex> indices) {
  check_dense(self, "index");
  SIMDGRAD_CHECK(!indices.empty(),
                 "Passing an empty index list to Tensor::index() is not valid syntax");
  if (indices.size() == 1)
    if (Tensor view = single_view(self, indices[0]); view.defined()) return view;
  const Applied applied = apply(self, indices);
  if (applied.tensors.empty()) {
    bool tensor_given = false;
    for (const TensorIndex& one : indices) tensor_given |= one.kind() == Kind::tensor;
    SIMDGRAD_CHECK_AS(IndexError, !tensor_given || !applied.self.is_same(self),
                      "at least one index must be provided");
    return applied.self.is_same(self) ? alias(self) : applied.self;
  }
  Dims strides;
  const AdvancedIndex advanced = make_advanced_index(applied.self, applied.tensors, &strides);
  return take(applied.self, advanced, &strides);
}

namespace {

// Without the leading dimensions of size 1 that a destination may lack.
Tensor drop_leading_ones(const Tensor& value) {
  const IntArrayRef sizes = impl(value).size_list();
  size_t first = 0;
  while (first < sizes.size() && sizes[first] == 1) ++first;
  return first == 0 ? value : value.view(sizes.slice(first));
}

void copy_into(Tensor view, const Tensor& value) {
  if (impl(value).size_list() == impl(view).size_list()) {
    view.copy_(value);
  } else if (impl(value).ndim == 0) {
    simdgrad::fill_(view, value);
  } else {
    view.copy_(drop_leading_ones(value).expand(view.sizes()));
  }
}

}  // namespace

Tensor& index_put_(Tensor& self, ArrayRef<TensorIndex> indices, const Tensor& value) {
  check_dense(self, "index_put_");
  check_dense(value, "index_put_", "value");
  SIMDGRAD_CHECK(!indices.empty(),
                 "Passing an empty index list to Tensor::index_put_() is not valid syntax");
  if (indices.size() == 1) {
    const TensorIndex& only = indices[0];
    if (only.kind() == Kind::boolean && !only.boolean()) return self;
    if (only.kind() == Kind::ellipsis) {
      copy_into(self, value);
      return self;
    }
    const Tensor view = only.kind() == Kind::boolean ? self.unsqueeze(0) : single_view(self, only);
    if (view.defined()) {
      // A slice of everything is self: no view enters the graph.
      const bool whole =
          only.kind() == Kind::slice && impl(view).size_list() == impl(self).size_list();
      copy_into(whole ? self : view, value);
      return self;
    }
  }
  const Applied applied = apply(self, indices);
  if (applied.tensors.empty()) {
    copy_into(applied.self, value);
    return self;
  }
  const AdvancedIndex advanced = make_advanced_index(applied.self, applied.tensors, nullptr);
  Dims sizes;
  advanced.result_sizes(impl(applied.self).size_list(), sizes);
  put(applied.self, advanced,
      impl(value).size_list() == IntArrayRef(sizes) ? value : drop_leading_ones(value));
  return self;
}

Tensor& index_put_(Tensor& self, ArrayRef<TensorIndex> indices, const Scalar& value) {
  check_dense(self, "index_put_");
  // As a number of self's dtype, cut where it is a float and self is not.
  Tensor number = make_tensor({}, impl(self).dtype);
  fill_contiguous(impl(number).data, impl(self).dtype, 1, value);
  return index_put_(self, indices, number);
}

Tensor index_put(const Tensor& self, ArrayRef<TensorIndex> indices, const Tensor& value) {
  Tensor y = clone(self);
  return index_put_(y, indices, value);
}

// --- members ------------------------------------------------------------------------------------
Tensor Tensor::operator[](const Tensor& index) const {
  check_defined(index, "index");
  SIMDGRAD_CHECK_AS(IndexError, index.dim() == 0,
                    "Can only index with tensors that are scalars (zero-dim)");
  SIMDGRAD_CHECK_AS(IndexError, is_integral(index.scalar_type(), false),
                    "Can only index tensors with integral scalars");
  return select(0, index.item().to_long());
}
Tensor Tensor::index(ArrayRef<TensorIndex> indices) const {
  return simdgrad::index(*this, indices);
}
Tensor Tensor::index(std::initializer_list<TensorIndex> indices) const {
  return simdgrad::index(*this, indices);
}
Tensor& Tensor::index_put_(ArrayRef<TensorIndex> indices, const Tensor& value) {
  return simdgrad::index_put_(*this, indices, value);
}
Tensor& Tensor::index_put_(ArrayRef<TensorIndex> indices, const Scalar& value) {
  return simdgrad::index_put_(*this, indices, value);
}
Tensor& Tensor::index_put_(std::initializer_list<TensorIndex> indices, const Tensor& value) {
  return simdgrad::index_put_(*this, indices, value);
}
Tensor& Tensor::index_put_(std::initializer_list<TensorIndex> indices, const Scalar& value) {
  return simdgrad::index_put_(*this, indices, value);
}
Tensor Tensor::index_select(int64_t dim, const Tensor& index) const {
  return simdgrad::index_select(*this, dim, index);
}
Tensor Tensor::gather(int64_t dim, const Tensor& index) const {
  return simdgrad::gather(*this, dim, index);
}
Tensor Tensor::masked_select(const Tensor& mask) const {
  return simdgrad::masked_select(*this, mask);
}
Tensor Tensor::nonzero() const { return simdgrad::nonzero(*this); }
Tensor Tensor::index_put(ArrayRef<TensorIndex> indices, const Tensor& value) const {
  return simdgrad::index_put(*this, indices, value);
}
Tensor Tensor::index_add(int64_t dim, const Tensor& index, const Tensor& source) const {
  return simdgrad::index_add(*this, dim, index, source);
}
Tensor Tensor::scatter_add(int64_t dim, const Tensor& index, const Tensor& source) const {
  return simdgrad::scatter_add(*this, dim, index, source);
}
Tensor& Tensor::index_add_(int64_t dim, const Tensor& index, const Tensor& source) {
  return simdgrad::index_add_(*this, dim, index, source);
}
Tensor& Tensor::scatter_add_(int64_t dim, const Tensor& index, const Tensor& source) {
  return simdgrad::scatter_add_(*this, dim, index, source);
}

}  // namespace simdgrad
