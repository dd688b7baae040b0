// Entries by ids: index_select, index_add_, and where a tensor is not zero.
#include <algorithm>

#include "ops/loops/broadcast.h"
#include "ops/loops/copy.h"
#include "ops/indexing/advanced.h"
#include "ops/indexing/rows.h"
#include "simdgrad/indexing.h"

namespace simdgrad {
namespace {

bool is_id_type(ScalarType type) { return type == kLong || type == kInt; }

// The move between a table and a block whose dimension `dim` goes by ids. A 0-d tensor counts as
// one of shape [1].
struct DimMove {
  Dims sizes, table_strides, block_strides;
  RowMove move;

  DimMove(const TensorImpl& table, const TensorImpl& block, size_t dim, const Tensor& ids)
      : sizes(table.size_list()),
        table_strides(table.stride_list()),
        block_strides(block.stride_list()) {
    int64_t table_stride = 1, block_stride = 1, limit = 1;
    if (table.ndim > 0) {
      limit = sizes[dim];
      table_stride = table_strides[dim];
      sizes.erase(dim);
      table_strides.erase(dim);
    }
    if (block.ndim > 0) {
      block_stride = block_strides[dim];
      block_strides.erase(dim);
    }
    move = {table.dtype,    sizes,           block.data,      block_stride,
            block_strides,  table.data,      table_stride,    table_strides,
            impl(ids).data, impl(ids).dtype, impl(ids).numel, limit};
  }
  DimMove(const DimMove&) = delete;
};

[[noreturn, gnu::cold]] void throw_not_selectable(const TensorImpl& self, int64_t dim, int64_t id) {
  const int64_t size = self.ndim > 0 ? self.sizes()[dim] : 1;
  SIMDGRAD_CHECK(size > 0, "index_select(): self indexing axis dim should be positive");
  SIMDGRAD_CHECK(!(dim == 1 && self.ndim > 1), "INDICES element is out of DATA bounds, id=", id,
                 " axis_dim=", size);
  SIMDGRAD_THROW_AS(IndexError, "index out of range in self");
}

Tensor index_select_backward(const Tensor& dy, IntArrayRef sizes, int64_t dim,
                             const Tensor& index) {
  Tensor dx = zeros_of(sizes, dy.scalar_type());
  // A 0-d input: one sum.
  if (sizes.empty()) return dy.sum();
  return index_add_(dx, dim, index, dy);
}

}  // namespace

Tensor index_select(const Tensor& self, int64_t dim, const Tensor& index) {
  check_dense(self, "index_select");
  check_dense(index, "index_select", "index");
  const TensorImpl& x = impl(self);
  SIMDGRAD_CHECK_AS(IndexError, impl(index).ndim <= 1,
                    "index_select(): Index is supposed to be a vector");
  SIMDGRAD_CHECK(is_id_type(impl(index).dtype),
                 "index_select(): Expected dtype int32 or int64 for index");
  dim = wrap_dim(dim, x.ndim);
  const int64_t n = impl(index).numel;
  SIMDGRAD_CHECK(x.ndim > 0 || n == 1,
                 "index_select(): Index to scalar can have only 1 value, got ", n, " value(s)");
  Dims sizes(x.size_list());
  if (x.ndim > 0) sizes[static_cast<size_t>(dim)] = n;
  const Tensor ids = contiguous_values(index);
  const int64_t bad = first_bad_id(ids, 0, x.ndim > 0 ? x.sizes()[dim] : 1);
  if (bad >= 0) throw_not_selectable(x, dim, id_at(ids, bad));
  Tensor y = make_tensor(sizes, x.dtype);
  take_rows(DimMove(x, impl(y), static_cast<size_t>(dim), ids).move);
  if (needs_gradient(self))
    record<"IndexSelectBackward0">(
        y, std::tie(self),
        [index = Saved(index), x_sizes = KeptDims(x.size_list()), dim](Gradients& d) {
          d.set(0, index_select_backward(d.dy(), x_sizes, dim, index(d)));
        });
  return y;
}

namespace {

void check_index_add(const TensorImpl& self, int64_t dim, const TensorImpl& index,
                     const TensorImpl& source) {
  SIMDGRAD_CHECK_AS(
      IndexError, index.ndim <= 1,
      "index_add_(): Index is supposed to be a vector, but got dim: ", static_cast<int>(index.ndim),
      " with type: ", to_string(index.dtype), " and size: ", index.size_list());
  SIMDGRAD_CHECK(
      is_id_type(index.dtype),
      "index_add_(): Expected dtype int32/int64 for index but got: ", to_string(index.dtype));
  SIMDGRAD_CHECK(self.dtype == source.dtype, "index_add_(): self (", to_string(self.dtype),
                 ") and source (", to_string(source.dtype), ") must have the same scalar type");
  bool fits = self.ndim == source.ndim;
  for (int i = 0; fits && i < self.ndim; ++i)
    fits = i == dim || self.sizes()[i] == source.sizes()[i];
  SIMDGRAD_CHECK(fits,
                 "source tensor shape must match self tensor shape, excluding the specified "
                 "dimension. Got self.shape = ",
                 self.size_list(), " source.shape = ", source.size_list());
  const int64_t entries = source.ndim > 0 ? source.sizes()[dim] : 1;
  SIMDGRAD_CHECK(index.numel == entries, "index_add_(): Number of indices (", index.numel,
                 ") should be equal to source.size(dim): (", entries, "), for dim: ", dim);
}

// Adds into `to`, which has self's shape: self itself, or a copy. Checks come first.
Tensor checked_ids_to_add(const Tensor& self, int64_t& dim, const Tensor& index,
                          const Tensor& source) {
  check_dense(self, "index_add_");
  check_dense(index, "index_add_", "index");
  check_dense(source, "index_add_", "source");
  const TensorImpl& y = impl(self);
  dim = wrap_dim(dim, y.ndim);
  check_index_add(y, dim, impl(index), impl(source));
  const Tensor ids = contiguous_values(index);
  check_ids_in_range(ids, dim, y.ndim > 0 ? y.sizes()[dim] : 1);
  return ids;
}

auto index_add_formula(const Tensor& index, int64_t dim) {
  return [index = Saved(index), dim](Gradients& d) {
    if (d.needs(0)) d.set(0, d.dy());
    if (d.needs(1)) d.set(1, d.dy().index_select(dim, index(d)));
  };
}

}  // namespace

Tensor& index_add_(Tensor& self, int64_t dim, const Tensor& index, const Tensor& source) {
  const Tensor ids = checked_ids_to_add(self, dim, index, source);
  const bool records = needs_gradient(self, source);
  check_inplace(self, records);
  InplaceHistory history(self);
  if (records)
    history.record<"IndexAddBackward0">(std::tie(self, source), index_add_formula(index, dim));
  const TensorImpl& y = impl(self);
  const Tensor from = apart(source, y);
  const Tensor safe_ids = apart(ids, y);
  add_rows(DimMove(y, impl(from), static_cast<size_t>(dim), safe_ids).move);
  history.commit();
  return self;
}

Tensor index_add(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source) {
  const Tensor ids = checked_ids_to_add(self, dim, index, source);
  const Tensor y = make_clone_shape(self, impl(self).dtype);
  copy_values(y, self);
  add_rows(DimMove(impl(y), impl(source), static_cast<size_t>(dim), ids).move);
  if (needs_gradient(self, source))
    record<"IndexAddBackward0">(y, std::tie(self, source), index_add_formula(index, dim));
  return y;
}

// --- masks --------------------------------------------------------------------------------------
Tensor true_positions(const Tensor& mask) {
  const Tensor dense = contiguous_values(mask);
  const uint8_t* truth = static_cast<const uint8_t*>(impl(dense).data);
  const int64_t n = impl(dense).numel;
  int64_t count = 0;
  for (int64_t i = 0; i < n; ++i) count += truth[i] != 0;
  Tensor positions = make_tensor({count}, kLong);
  int64_t* to = static_cast<int64_t*>(impl(positions).data);
  for (int64_t i = 0; to != static_cast<int64_t*>(impl(positions).data) + count; ++i) {
    *to = i;
    to += truth[i] != 0;
  }
  return positions;
}

Tensor nonzero(const Tensor& self) {
  check_dense(self, "nonzero");
  const TensorImpl& x = impl(self);
  const Tensor positions = true_positions(contiguous_values(self, kBool));
  const int64_t count = impl(positions).numel;
  const int64_t ndim = x.ndim;
  // One column of memory per dimension.
  Tensor y = make_strided({count, ndim}, {1, std::max<int64_t>(count, 1)}, kLong);
  const int64_t* position = static_cast<const int64_t*>(impl(positions).data);
  int64_t* to = static_cast<int64_t*>(impl(y).data);
  for (int64_t k = 0; k < count; ++k) {
    int64_t rest = position[k];
    for (int64_t i = ndim; i-- > 0;) {
      to[k + i * count] = rest % x.sizes()[i];
      rest /= x.sizes()[i];
    }
  }
  return y;
}

Tensor masked_select(const Tensor& self, const Tensor& mask) {
  check_dense(self, "masked_select");
  check_dense(mask, "masked_select", "mask");
  SIMDGRAD_CHECK(impl(mask).dtype == kBool, "masked_select: expected BoolTensor for mask, got ",
                 to_string(impl(mask).dtype));
  Dims sizes;
  broadcast_shapes(impl(self).size_list(), impl(mask).size_list(), sizes);
  // Read where they are: expand changes no numbers, and its gradient sums.
  const Tensor wide = impl(self).size_list() == IntArrayRef(sizes) ? self : self.expand(sizes);
  Tensor chosen = make_tensor(sizes, kBool);
  copy_values(chosen, mask);
  AdvancedIndex index;
  index.ids = true_positions(chosen);
  index.checked = true;
  index.limit = impl(chosen).numel;
  Tensor y = make_tensor({impl(index.ids).numel}, impl(self).dtype);
  const Tensor flat = contiguous_values(wide);
  const int64_t n = index.limit;
  take_rows({impl(y).dtype,
             {},
             impl(y).data,
             1,
             {},
             impl(flat).data,
             1,
             {},
             impl(index.ids).data,
             kLong,
             impl(index.ids).numel,
             n});
  if (needs_gradient(wide)) {
    index.dims = 1;
    const int64_t found = impl(index.ids).numel;
    index.shape = KeptDims(IntArrayRef(found));
    record<"MaskedSelectBackward0">(
        y, std::tie(wide), [index, n, x_sizes = KeptDims(impl(wide).size_list())](Gradients& d) {
          d.set(0, add_to_zeros(d.dy(), index, {n}).view(x_sizes));
        });
  }
  return y;
}

}  // namespace simdgrad
