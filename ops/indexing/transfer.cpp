// Reading and writing through an AdvancedIndex: take, add_to_zeros, put.
#include <sstream>

#include "ops/loops/broadcast.h"
#include "ops/loops/copy.h"
#include "ops/indexing/advanced.h"
#include "ops/indexing/rows.h"

namespace simdgrad {
namespace {

// What a row move needs of the indexed tensor.
struct TableSide {
  Dims sizes, strides;  // of the other dimensions
  int64_t stride = 1;
  Tensor ids;
  int64_t limit;

  TableSide(const TensorImpl& self, const AdvancedIndex& index)
      : ids(index.ids), limit(index.limit) {
    Dims indexed_sizes, indexed_strides;
    for (size_t i = 0; i < self.ndim; ++i) {
      const bool indexed = index.dims >> i & 1;
      (indexed ? indexed_sizes : sizes).push_back(self.sizes()[i]);
      (indexed ? indexed_strides : strides).push_back(self.strides()[i]);
    }
    const size_t count = indexed_sizes.size();
    stride = indexed_strides[count - 1];
    bool even = true;
    for (size_t i = 0; i + 1 < count; ++i)
      even &= indexed_strides[i] == indexed_strides[i + 1] * indexed_sizes[i + 1];
    if (!even) place_by_offsets(indexed_sizes, indexed_strides);
  }

 private:
  // Where the indexed dimensions are not one run of memory: offsets take the place of positions.
  void place_by_offsets(const Dims& sizes_of, const Dims& strides_of) {
    Tensor offsets = make_tensor(impl(ids).size_list(), kLong);
    int64_t* to = static_cast<int64_t*>(impl(offsets).data);
    for (int64_t k = 0; k < impl(ids).numel; ++k) {
      int64_t rest = id_at(ids, k);
      if (rest < 0) rest += limit;
      int64_t offset = 0;
      for (size_t i = sizes_of.size(); i-- > 0;) {
        offset += rest % sizes_of[i] * strides_of[i];
        rest /= sizes_of[i];
      }
      to[k] = offset;
    }
    ids = std::move(offsets);
    stride = 1;
  }
};

// What it needs of the block, a tensor of the result's shape or one that expands to it.
struct BlockSide {
  Dims strides;  // of the other dimensions
  int64_t stride = 0;
  bool even = true;  // the index's part of the shape is walked with one stride

  BlockSide(IntArrayRef sizes, IntArrayRef all_strides, const AdvancedIndex& index) {
    const size_t count = index.shape.size();
    for (size_t i = 0; i < sizes.size(); ++i)
      if (i < index.at || i >= index.at + count) strides.push_back(all_strides[i]);
    int64_t expected = 0;
    bool first = true;
    for (size_t i = index.at + count; i-- > index.at;) {
      if (sizes[i] == 1) continue;
      if (first) stride = expected = all_strides[i];
      first = false;
      even &= all_strides[i] == expected;
      expected *= sizes[i];
    }
  }
};

RowMove make_move(const TableSide& table, void* table_data, const BlockSide& block,
                  void* block_data, ScalarType dtype) {
  return {dtype,
          table.sizes,
          block_data,
          block.stride,
          block.strides,
          table_data,
          table.stride,
          table.strides,
          impl(table.ids).data,
          impl(table.ids).dtype,
          impl(table.ids).numel,
          table.limit};
}

// A node keeps the index without its tensor, and the tensor as a saved one.
AdvancedIndex without_ids(AdvancedIndex index) {
  index.ids.reset();
  return index;
}
AdvancedIndex with_ids(const AdvancedIndex& kept, Tensor ids) {
  AdvancedIndex index = kept;
  index.ids = std::move(ids);
  return index;
}

bool is_row_major(IntArrayRef sizes, IntArrayRef strides) {
  int64_t expected = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    if (strides[i] != expected) return false;
    if (sizes[i] > 1) expected *= sizes[i];
  }
  return true;
}

}  // namespace

Tensor take(const Tensor& self, const AdvancedIndex& index, const Dims* result_strides) {
  const TensorImpl& x = impl(self);
  Dims sizes;
  index.result_sizes(x.size_list(), sizes);
  Tensor y = make_tensor(sizes, x.dtype);
  if (impl(y).numel > 0) {
    check_ids(index);
    const BlockSide block(sizes, impl(y).stride_list(), index);
    take_rows(make_move(TableSide(x, index), x.data, block, impl(y).data, x.dtype));
  }
  if (result_strides && !is_row_major(sizes, *result_strides)) {
    Tensor permuted = make_strided(sizes, *result_strides, x.dtype);
    copy_values(permuted, y);
    y = std::move(permuted);
  }
  if (needs_gradient(self))
    record<"IndexBackward0">(
        y, std::tie(self),
        [ids = Saved(index.ids), kept = without_ids(index), x_sizes = KeptDims(x.size_list())](
            Gradients& d) { d.set(0, add_to_zeros(d.dy(), with_ids(kept, ids(d)), x_sizes)); });
  return y;
}

Tensor add_to_zeros(const Tensor& dy, const AdvancedIndex& index, IntArrayRef sizes) {
  check_dense(dy, "index_put_", "values");
  Tensor dx = zeros_of(sizes, impl(dy).dtype);
  if (impl(dy).numel > 0) {
    check_ids(index);
    Tensor from = dy;
    BlockSide block(impl(from).size_list(), impl(from).stride_list(), index);
    if (!block.even) {
      from = contiguous_values(from);
      block = BlockSide(impl(from).size_list(), impl(from).stride_list(), index);
    }
    add_rows(make_move(TableSide(impl(dx), index), impl(dx).data, block, impl(from).data,
                       impl(dx).dtype));
  }
  if (needs_gradient(dy)) {
    const Tensor zeros;
    record<"IndexPutImplBackward0">(
        dx, std::tie(zeros, dy), [ids = Saved(index.ids), kept = without_ids(index)](Gradients& d) {
          d.set(1, take(d.dy(), with_ids(kept, ids(d)), nullptr));
        });
  }
  return dx;
}

namespace {

void write_values(const TensorImpl& self, const AdvancedIndex& index, IntArrayRef sizes,
                  const Tensor& value) {
  Tensor from = value;
  Dims strides;
  expand_strides(impl(from), sizes, strides);
  BlockSide block(sizes, strides, index);
  if (!block.even) {
    from = make_tensor(sizes, self.dtype);
    copy_values(from, value);
    block = BlockSide(sizes, impl(from).stride_list(), index);
  }
  put_rows(make_move(TableSide(self, index), self.data, block, impl(from).data, self.dtype));
}

auto put_formula(const AdvancedIndex& index, const TensorImpl& value) {
  return [ids = Saved(index.ids), kept = without_ids(index),
          x_sizes = KeptDims(value.size_list()), dtype = value.dtype](Gradients& d) {
    const AdvancedIndex index = with_ids(kept, ids(d));
    if (d.needs(0)) {
      const Tensor dx = d.dy().clone();
      put(dx, index, zeros_of({}, dtype));
      d.set(0, dx);
    }
    if (d.needs(1)) d.set(1, reduce_gradient(take(d.dy(), index, nullptr), x_sizes, dtype));
  };
}

}  // namespace

void put(const Tensor& self, const AdvancedIndex& given, const Tensor& value) {
  const TensorImpl& y = impl(self);
  const TensorImpl& x = impl(value);
  SIMDGRAD_CHECK(x.dtype == y.dtype,
                 "Index put requires the source and destination dtypes match, got ", y.dtype,
                 " for the destination and ", x.dtype, " for the source.");
  Dims sizes;
  given.result_sizes(y.size_list(), sizes);
  bool fits = x.ndim <= sizes.size();
  for (size_t i = 0; fits && i < x.ndim; ++i)
    fits = x.sizes()[i] == 1 || x.sizes()[i] == sizes[sizes.size() - x.ndim + i];
  SIMDGRAD_CHECK(fits, "shape mismatch: value tensor of shape ", x.size_list(),
                 " cannot be broadcast to indexing result of shape ", IntArrayRef(sizes));
  int64_t count = 1;
  for (int64_t size : sizes) count *= size;
  if (count > 0) check_ids(given);
  const bool records = needs_gradient(self, value);
  check_inplace(self, records);
  AdvancedIndex index = given;
  // What is read must not change on the way.
  if (count > 0) index.ids = apart(index.ids, y);
  InplaceHistory history(self);
  if (records) history.record<"IndexPutBackward0">(std::tie(self, value), put_formula(index, x));
  if (count > 0) write_values(y, index, sizes, apart(value, y));
  history.commit();
}

}  // namespace simdgrad
