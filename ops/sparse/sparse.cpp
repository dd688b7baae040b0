// Sparse tensors made, read, coalesced and converted from and to dense ones.
#include <simdgrad/sparse.h>

#include <algorithm>

#include "ops/loops/broadcast.h"
#include "ops/loops/copy.h"
#include "ops/rows/sums.h"
#include "ops/sparse/entries.h"
#include "ops/views/shape.h"

namespace simdgrad {
namespace {

void check_sparse_layout(const TensorOptions& options) {
  SIMDGRAD_CHECK(!options.has_layout() || options.layout() == kSparse,
                 "expected sparse layout, but got layout Strided");
}

void check_layouts(const Tensor& indices, const Tensor& values) {
  check_defined(indices, "indices", 1);
  check_defined(values, "values", 2);
  SIMDGRAD_CHECK(!impl(values).is_sparse(),
                 "expected values to be a dense tensor, but got values of layout Sparse");
  SIMDGRAD_CHECK(!impl(indices).is_sparse(),
                 "expected indices to be a dense tensor, but got indices of layout Sparse");
  SIMDGRAD_CHECK(impl(indices).dtype == kLong, "indices must be an int64 tensor");
  SIMDGRAD_CHECK(impl(indices).ndim == 2,
                 "indices must be sparse_dim x nnz, but got: ", indices.sizes());
}

// values as [nnz, ...]: a number without dimensions counts as one entry.
Tensor expanded_values(const Tensor& values) {
  return impl(values).ndim == 0 ? values.reshape({1}) : values;
}

void check_parts(const Tensor& indices, const Tensor& values, IntArrayRef size) {
  const int64_t sparse_dim = indices.size(0), dense_dim = values.dim() - 1;
  SIMDGRAD_CHECK(static_cast<int64_t>(size.size()) == sparse_dim + dense_dim,
                 "'len(size) == sparse_dim + dense_dim' is not satisfied: len(size) = ",
                 size.size(), ", sparse_dim = ", sparse_dim, ", dense_dim = ", dense_dim);
  SIMDGRAD_CHECK(indices.size(1) == values.size(0),
                 "indices and values must have same nnz, but got nnz from indices: ",
                 indices.size(1), ", nnz from values: ", values.size(0));
  Dims expected;
  expected.push_back(values.size(0));
  for (int64_t i = sparse_dim; i < sparse_dim + dense_dim; ++i)
    expected.push_back(size[static_cast<size_t>(i)]);
  SIMDGRAD_CHECK(IntArrayRef(expected) == values.sizes(), "values has incorrect size, expected ",
                 IntArrayRef(expected), ", got ", values.sizes());
}

// Smallest and largest index along sparse dimension d; {0, -1} where there is none.
std::pair<int64_t, int64_t> index_range(const Tensor& indices, int64_t d) {
  const TensorImpl& from = impl(indices);
  const int64_t count = from.sizes()[1], step = from.strides()[1];
  const int64_t* id = static_cast<const int64_t*>(from.data) + d * from.strides()[0];
  if (count == 0) return {0, -1};
  int64_t smallest = id[0], largest = id[0];
  for (int64_t i = 1; i < count; ++i) {
    smallest = std::min(smallest, id[i * step]);
    largest = std::max(largest, id[i * step]);
  }
  return {smallest, largest};
}

void check_range(const Tensor& indices, IntArrayRef size) {
  for (int64_t d = 0; d < indices.size(0); ++d) {
    const auto [smallest, largest] = index_range(indices, d);
    SIMDGRAD_CHECK(smallest >= 0, "found negative index ", smallest, " for dim ", d);
    SIMDGRAD_CHECK(largest < size[static_cast<size_t>(d)],
                   "size is inconsistent with indices: for dim ", d, ", size is ",
                   size[static_cast<size_t>(d)], " but found index ", largest);
  }
}

void check_size(IntArrayRef size) {
  check_sizes_nonnegative({size.data(), size.size()});
  numel({size.data(), size.size()});
}

// Parts of a sparse tensor only.
const TensorExtra& checked_parts(const Tensor& self, const char* what,
                                 const char* kind = " expected sparse coordinate tensor layout") {
  check_defined(self);
  SIMDGRAD_CHECK(impl(self).is_sparse(), what, kind, " but got Strided");
  return parts_of(self);
}

}  // namespace

namespace {

// The values, where indices, values and size go together.
Tensor checked_entries(const Tensor& indices, const Tensor& values, IntArrayRef size) {
  check_layouts(indices, values);
  Tensor entries = expanded_values(values);
  check_parts(indices, entries, size);
  check_size(size);
  check_range(indices, size);
  return entries;
}

}  // namespace

void _validate_sparse_coo_tensor_args(const Tensor& indices, const Tensor& values, IntArrayRef size) {
  checked_entries(indices, values, size);
}

// --- making them --------------------------------------------------------------------------------
Tensor sparse_coo_tensor(const Tensor& indices, const Tensor& values, IntArrayRef size,
                         const TensorOptions& options, std::optional<bool> is_coalesced) {
  check_sparse_layout(options);
  Tensor entries = checked_entries(indices, values, size);
  if (options.has_dtype()) entries = entries.to(options.dtype());
  const bool coalesced = is_coalesced.value_or(entries.size(0) < 2);
  const Tensor at = make_detached(indices, true);
  if (!options.requires_grad()) return sparse_from_parts(at, entries, size, coalesced);
  Tensor leaf = make_sparse(at, entries.detach(), size, coalesced);
  leaf.set_requires_grad(true);
  return leaf;
}

Tensor sparse_coo_tensor(const Tensor& indices, const Tensor& values, const TensorOptions& options,
                         std::optional<bool> is_coalesced) {
  check_layouts(indices, values);
  const Tensor entries = expanded_values(values);
  Dims size;
  for (int64_t d = 0; d < indices.size(0); ++d) {
    const auto [smallest, largest] = index_range(indices, d);
    SIMDGRAD_CHECK(smallest >= 0, "found negative index ", smallest, " for dim ", d);
    size.push_back(checked_add(largest, 1));
  }
  for (int64_t d = 1; d < entries.dim(); ++d) size.push_back(entries.size(d));
  return sparse_coo_tensor(indices, values, size, options, is_coalesced);
}

Tensor sparse_coo_tensor(IntArrayRef size, const TensorOptions& options) {
  check_sparse_layout(options);
  check_size(size);
  Tensor y = make_sparse(make_tensor({static_cast<int64_t>(size.size()), 0}, kLong),
                         make_tensor(0, options.dtype()), size, true);
  if (options.requires_grad()) y.set_requires_grad(true);
  return y;
}

// --- members ------------------------------------------------------------------------------------
namespace {

// PyTorch has these for sparse tensors alone, and its dispatcher says so.
const TensorExtra& parts_for(const Tensor& self, const char* name) {
  check_defined(self);
  SIMDGRAD_CHECK_AS(NotImplementedError, impl(self).is_sparse(), "Could not run 'aten::", name,
                    "' with arguments from the 'CPU' backend.");
  return parts_of(self);
}

}  // namespace

// A handle of its own on the numbers: what becomes of it does not change the parts' shapes.
Tensor Tensor::_indices() const { return make_detached(parts_for(*this, "_indices").indices, true); }
Tensor Tensor::_values() const { return make_detached(parts_for(*this, "_values").values, true); }
int64_t Tensor::_nnz() const { return parts_for(*this, "_nnz").indices.size(1); }
bool Tensor::is_coalesced() const { return checked_parts(*this, "is_coalesced").coalesced; }

Tensor Tensor::indices() const {
  const TensorExtra& parts = checked_parts(*this, "indices");
  SIMDGRAD_CHECK(parts.coalesced,
                 "Cannot get indices on an uncoalesced tensor, please call .coalesce() first");
  return make_detached(parts.indices, true);
}

namespace {

// dx = dy as the entries at x's indices.
template <size_t capacity>
void record_values(const Tensor& y, const Tensor& self) {
  record<"ValuesBackward0">(
      y, std::tie(self),
      [indices = Saved(parts_of(self).indices), sizes = FixedDims<capacity>(self.sizes())](
          Gradients& d) { d.set(0, sparse_from_parts(indices(d), d.dy(), sizes, true)); });
}

}  // namespace

Tensor Tensor::values() const {
  const TensorExtra& parts = checked_parts(*this, "values", " expected sparse tensor layout");
  SIMDGRAD_CHECK(parts.coalesced,
                 "Cannot get values on an uncoalesced tensor, please call .coalesce() first");
  Tensor y = make_detached(parts.values, true);
  if (!needs_gradient(*this)) return y;
  if (dim() <= kInlineDims)
    record_values<kInlineDims>(y, *this);
  else
    record_values<kMaxDims>(y, *this);
  return y;
}

int64_t Tensor::sparse_dim() const {
  check_defined(*this);
  return impl(*this).is_sparse() ? parts_of(*this).indices.size(0) : 0;
}
int64_t Tensor::dense_dim() const { return dim() - sparse_dim(); }
Tensor Tensor::coalesce() const { return simdgrad::coalesce(*this); }
Tensor Tensor::to_dense() const { return simdgrad::to_dense(*this); }
Tensor Tensor::to_sparse() const { return simdgrad::to_sparse(*this); }
Tensor Tensor::to_sparse(int64_t sparse_dim) const {
  return simdgrad::to_sparse(*this, sparse_dim);
}

// --- conversions --------------------------------------------------------------------------------
namespace {

// Indices [sparse_dim, groups] of the first entry of each group.
Tensor group_indices(const Tensor& indices, const RowGrouping& groups) {
  const TensorImpl& from = impl(indices);
  Tensor y = make_tensor({from.sizes()[0], groups.groups()}, kLong);
  int64_t* to = static_cast<int64_t*>(impl(y).data);
  const int64_t* id = static_cast<const int64_t*>(from.data);
  for (int64_t d = 0; d < from.sizes()[0]; ++d)
    for (int64_t g = 0; g < groups.groups(); ++g)
      *to++ = id[d * from.strides()[0] + groups.order()[groups.starts()[g]] * from.strides()[1]];
  return y;
}

RowGrouping group_entries(const EntryRows& rows, const SparseShape& shape) {
  return RowGrouping(rows.data(), rows.count(), shape.rows);
}

Tensor merge_entries(const Tensor& self) {
  const TensorExtra& parts = parts_of(self);
  const SparseShape shape(self.sizes(), parts.indices.size(0));
  const EntryRows rows(parts.indices, self.sizes());
  const RowGrouping groups = group_entries(rows, shape);
  const Tensor values = contiguous_values(parts.values);
  Dims sizes(values.sizes());
  sizes[0] = groups.groups();
  Tensor merged = zero_table(sizes, values.scalar_type());
  sum_groups({values.scalar_type(), impl(merged).data, shape.columns, impl(values).data,
              shape.columns, nullptr, shape.columns},
             groups);
  return make_sparse(group_indices(parts.indices, groups), merged, self.sizes(), true);
}

// Each index once, in rising order.
Tensor distinct_indices(const Tensor& indices, IntArrayRef sizes) {
  const EntryRows rows(indices, sizes);
  return group_indices(indices, group_entries(rows, SparseShape(sizes, impl(indices).sizes()[0])));
}

}  // namespace

Tensor coalesce(const Tensor& self) {
  if (checked_parts(self, "coalesce").coalesced) return self;
  Tensor y = merge_entries(self);
  if (needs_gradient(self))
    record<"CoalesceBackward0">(y, std::tie(self), [](Gradients& d) { d.set(0, d.take_dy()); });
  return y;
}

Tensor to_dense(const Tensor& self) {
  check_defined(self);
  if (!impl(self).is_sparse()) return self;
  const TensorExtra& parts = parts_of(self);
  const SparseShape shape(self.sizes(), parts.indices.size(0));
  Tensor y = zero_table(self.sizes(), impl(self).dtype);
  const EntryRows rows(parts.indices, self.sizes());
  const Tensor values = contiguous_values(parts.values);
  add_rows_by_id({impl(y).dtype, impl(y).data, shape.columns, impl(values).data, shape.columns,
                  nullptr, shape.columns},
                 rows.data(), rows.count(), shape.rows);
  if (needs_gradient(self))
    record<"ToDenseBackward0">(
        y, std::tie(self),
        [indices = Saved(parts.indices), coalesced = parts.coalesced](Gradients& d) {
          const Tensor at = coalesced ? indices(d) : distinct_indices(indices(d), d.dy().sizes());
          d.set(0, sparse_from_parts(at, entries_at(d.dy(), at), d.dy().sizes(), true));
        });
  return y;
}

namespace {

void check_sparse_dim(const Tensor& self, int64_t sparse_dim) {
  SIMDGRAD_CHECK(sparse_dim >= 0 && sparse_dim <= self.dim(),
                 "dense_to_sparse: sparse_dim argument must be in [0,", self.dim(), "] range, but ",
                 sparse_dim, " is given");
  SIMDGRAD_CHECK(sparse_dim > 0 || self.dim() == 0,
                 "dense_to_sparse: sparse_dim argument must be in >0 when self.dim()>0");
}

// Positions along the sparse dimensions that hold something, [sparse_dim, count].
Tensor nonzero_indices(const Tensor& dense, IntArrayRef sizes, int64_t sparse_dim) {
  const SparseShape shape(sizes, sparse_dim);
  Tensor flags = make_tensor(shape.rows, kBool);
  bool* flag = static_cast<bool*>(impl(flags).data);
  find_nonzero_rows(
      {impl(dense).dtype, nullptr, 0, impl(dense).data, shape.columns, nullptr, shape.columns},
      shape.rows, flag);
  const int64_t count = std::count(flag, flag + shape.rows, true);
  Tensor indices = make_tensor({sparse_dim, count}, kLong);
  int64_t* to = static_cast<int64_t*>(impl(indices).data);
  for (int64_t row = 0, entry = 0; row < shape.rows; ++row) {
    if (!flag[row]) continue;
    int64_t rest = row;
    for (int64_t d = sparse_dim; d-- > 0;) {
      const int64_t size = sizes[static_cast<size_t>(d)];
      to[d * count + entry] = rest % size;
      rest /= size;
    }
    ++entry;
  }
  return indices;
}

}  // namespace

Tensor to_sparse(const Tensor& self, int64_t sparse_dim) {
  check_defined(self);
  if (impl(self).is_sparse()) {
    SIMDGRAD_CHECK(sparse_dim == self.sparse_dim(),
                   "to_sparse: conversion from Sparse to Sparse with sparse_dim argument "
                   "!=self.sparse_dim() is not supported");
    return self;
  }
  check_sparse_dim(self, sparse_dim);
  Tensor y;
  {
    const GradModeGuard no_grad(false);
    const Tensor dense = contiguous_values(self);
    const Tensor indices = nonzero_indices(dense, self.sizes(), sparse_dim);
    y = sparse_from_parts(indices, entries_at(dense, indices), self.sizes(), true);
  }
  if (needs_gradient(self))
    record<"ToSparseBackward0">(y, std::tie(self),
                                [](Gradients& d) { d.set(0, to_dense(d.dy())); });
  return y;
}

Tensor to_sparse(const Tensor& self) {
  check_defined(self);
  return impl(self).is_sparse() ? self : to_sparse(self, self.dim());
}

}  // namespace simdgrad
