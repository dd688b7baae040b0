// Parts put together and taken apart, entries looked up by index.
#include "ops/sparse/entries.h"

#include <simdgrad/indexing.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/sparse.h>
#include <simdgrad/views.h>

#include <algorithm>

#include "ops/indexing/rows.h"
#include "ops/loops/copy.h"

namespace simdgrad {

Tensor sparse_from_parts(const Tensor& indices, const Tensor& values, IntArrayRef sizes,
                         bool coalesced) {
  if (!needs_gradient(values)) return make_sparse(indices, values, sizes, coalesced);
  Tensor y = make_sparse(indices, make_detached(values, true), sizes, coalesced);
  record<"SparseCooTensorWithDimsAndTensorsBackward0">(
      y, std::tie(values),
      [at = Saved(indices)](Gradients& d) { d.set(0, entries_at(d.dy(), at(d))); });
  return y;
}

void replace_parts(const Tensor& self, Tensor indices, Tensor values, bool coalesced) {
  TensorExtra& parts = *impl(self).extra;
  parts.indices = std::move(indices);
  parts.values = std::move(values);
  parts.coalesced = coalesced;
}

namespace {

[[noreturn, gnu::cold]] void throw_out_of_range(int64_t index, size_t dim, int64_t size) {
  SIMDGRAD_CHECK(index >= 0, "found negative index ", index, " for dim ", dim);
  SIMDGRAD_THROW("size is inconsistent with indices: for dim ", dim, ", size is ", size,
                 " but found index ", index);
}

}  // namespace

// Indices were checked when the tensor was made, but are shared with whoever made it and may have been
// written since: reading them here is what everything that computes goes through.
EntryRows::EntryRows(const Tensor& indices, IntArrayRef sizes) {
  const TensorImpl& from = impl(indices);
  const int64_t sparse_dim = from.sizes()[0], count = from.sizes()[1];
  if (sparse_dim == 1) {
    // The one row of indices, as it lies where it has no gaps.
    rows_ = contiguous_values(make_alias(indices, count, from.strides()[1], from.storage_offset()));
    const int64_t bad = first_bad_id(rows_, 0, sizes[0]);
    if (bad >= 0) throw_out_of_range(data()[bad], 0, sizes[0]);
    return;
  }
  rows_ = make_tensor(count, kLong);
  int64_t* to = static_cast<int64_t*>(impl(rows_).data);
  std::fill_n(to, count, 0);
  const int64_t* id = static_cast<const int64_t*>(from.data);
  for (size_t d = 0; d < static_cast<size_t>(sparse_dim); ++d)
    for (int64_t i = 0; i < count; ++i) {
      const int64_t index = id[static_cast<int64_t>(d) * from.strides()[0] + i * from.strides()[1]];
      if (index < 0 || index >= sizes[d]) [[unlikely]]
        throw_out_of_range(index, d, sizes[d]);
      to[i] = to[i] * sizes[d] + index;
    }
}

namespace {

// For each wanted row its place in `rising`, and whether it is missing there (then the place is 0).
bool find_rows(const EntryRows& wanted, const EntryRows& rising, int64_t* places, bool* missing) {
  bool any_missing = false;
  const int64_t* begin = rising.data();
  const int64_t* end = begin + rising.count();
  for (int64_t i = 0; i < wanted.count(); ++i) {
    const int64_t* at = std::lower_bound(begin, end, wanted.data()[i]);
    missing[i] = at == end || *at != wanted.data()[i];
    places[i] = missing[i] ? 0 : at - begin;
    any_missing |= missing[i];
  }
  return any_missing;
}

Tensor entries_of_sparse(const Tensor& from, const Tensor& indices) {
  const Tensor source = coalesce(from);
  const Tensor values = source.values();
  const EntryRows wanted(indices, from.sizes());
  if (values.size(0) == 0) {
    Dims sizes(values.sizes());
    sizes[0] = wanted.count();
    return values.sum(0, true).expand(sizes);  // zeros, with a history
  }
  const EntryRows rising(parts_of(source).indices, from.sizes());
  Tensor places = make_tensor(wanted.count(), kLong);
  Tensor missing = make_tensor(wanted.count(), kBool);
  const bool any_missing = find_rows(wanted, rising, static_cast<int64_t*>(impl(places).data),
                                     static_cast<bool*>(impl(missing).data));
  Tensor y = values.index_select(0, places);
  if (!any_missing) return y;
  Dims column(y.dim(), 1);
  column[0] = wanted.count();
  return y.masked_fill(missing.view(column), 0);
}

}  // namespace

Tensor entries_at(const Tensor& from, const Tensor& indices) {
  if (impl(from).is_sparse()) {
    // A sum with a tensor without entries may have other sparse dimensions than its operand.
    if (parts_of(from).indices.size(0) != indices.size(0)) return entries_at(to_dense(from), indices);
    return entries_of_sparse(from, indices);
  }
  const int64_t sparse_dim = impl(indices).sizes()[0];
  const EntryRows rows(indices, from.sizes());
  if (sparse_dim == 1) return from.index_select(0, rows.tensor());
  // [sparse sizes..., dense sizes...] as [rows, dense sizes...]
  Dims sizes;
  sizes.push_back(SparseShape(from.sizes(), sparse_dim).rows);
  for (size_t i = static_cast<size_t>(sparse_dim); i < from.sizes().size(); ++i)
    sizes.push_back(from.sizes()[i]);
  return from.reshape(sizes).index_select(0, rows.tensor());
}

}  // namespace simdgrad
