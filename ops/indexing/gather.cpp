// gather and scatter_add_: one id per element.
#include <algorithm>
#include "core/dtypes.h"
#include "core/parallel.h"

#include "ops/loops/broadcast.h"
#include "ops/loops/copy.h"
#include "ops/indexing/advanced.h"
#include "ops/indexing/rows.h"
#include "ops/kernels/rows.h"
#include "ops/kernels/table.h"
#include "simdgrad/indexing.h"

namespace simdgrad {
namespace {

// Walks rows of `index` along its last dimension. Element j of a row: the block at block_at +
// j * block_stride, the table at table_at + j * table_stride + id * id_stride.
struct GatherLoop {
  Dims sizes, ids, block, table;  // of all dimensions; `table` is 0 along dim
  int64_t id_stride = 0;
  int64_t rows = 1, n = 1;
  // Where ids are checked on the way, a row at a time, against [0, limit).
  bool checks = false;
  int64_t dim, limit = 0;

  GatherLoop(const TensorImpl& index, const TensorImpl& in_block, const TensorImpl& in_table,
             int64_t along)
      : sizes(index.size_list()),
        ids(index.stride_list()),
        block(in_block.stride_list()),
        table(in_table.stride_list()),
        dim(along) {
    id_stride = 1;
    if (!table.empty()) {
      id_stride = table[static_cast<size_t>(dim)];
      table[static_cast<size_t>(dim)] = 0;
    }
    // A 0-d tensor counts as one of shape [1], on either side.
    for (Dims* strides : {&sizes, &ids, &block, &table})
      while (strides->size() < std::max<size_t>(1, index.ndim))
        strides->push_back(strides == &sizes);
    for (size_t i = 0; i + 1 < sizes.size(); ++i) rows *= sizes[i];
    n = sizes.back();
  }

  // row(ids offset, block offset, table offset) for rows begin .. end.
  template <class Row>
  void run(int64_t begin, int64_t end, Row row) const {
    for (int64_t at = begin; at < end; ++at) {
      int64_t id_at = 0, block_at = 0, table_at = 0, rest = at;
      for (size_t i = sizes.size() - 1; i-- > 0;) {
        const int64_t k = rest % sizes[i];
        rest /= sizes[i];
        id_at += k * ids[i];
        block_at += k * block[i];
        table_at += k * table[i];
      }
      row(id_at, block_at, table_at);
    }
  }
};

[[noreturn, gnu::cold]] void throw_out_of_range(int64_t id, int64_t dim, int64_t limit) {
  SIMDGRAD_THROW("index ", id, " is out of bounds for dimension ", dim, " with size ", limit);
}

template <class Id>
void check_row(const Id* ids, int64_t step, int64_t n, int64_t dim, int64_t limit) {
  int64_t bad = -1;
  if (step == 1) bad = kernels::table().rows->first_bad(ids, sizeof(Id), n, 0, limit);
  for (int64_t j = 0; step != 1 && bad < 0 && j < n; ++j)
    if (ids[j * step] < 0 || ids[j * step] >= limit) bad = j;
  if (bad >= 0) throw_out_of_range(ids[bad * step], dim, limit);
}

// move(element of the block, element of the table), in row-major order of the index.
template <class T, class Id, class Move>
void walk_row(const Id* ids, int64_t ids_step, T* block, int64_t block_step, T* table,
              int64_t table_step, int64_t id_stride, int64_t n, Move move) {
  for (int64_t j = 0; j < n; ++j)
    move(block[j * block_step],
         table[j * table_step + static_cast<int64_t>(ids[j * ids_step]) * id_stride]);
}
template <class T, class Id, class Move>
void walk(const GatherLoop& loop, const Id* ids, T* block, T* table, int64_t begin, int64_t end,
          Move move) {
  const int64_t ids_step = loop.ids.back();
  const int64_t block_step = loop.block.back();
  const int64_t table_step = loop.table.back();
  // Along the last dimension of row-major tensors all steps are constants.
  const bool plain = ids_step == 1 && block_step == 1 && table_step == 0 && loop.id_stride == 1;
  loop.run(begin, end, [&](int64_t id_at, int64_t block_at, int64_t table_at) {
    if (loop.checks) check_row(ids + id_at, ids_step, loop.n, loop.dim, loop.limit);
    if (plain)
      walk_row(ids + id_at, 1, block + block_at, 1, table + table_at, 0, 1, loop.n, move);
    else
      walk_row(ids + id_at, ids_step, block + block_at, block_step, table + table_at, table_step,
               loop.id_stride, loop.n, move);
  });
}
template <class T, class Move>
void walk(const GatherLoop& loop, const Tensor& ids, void* block, void* table, int64_t begin,
          int64_t end, Move move) {
  if (impl(ids).dtype == kInt)
    walk(loop, static_cast<const int32_t*>(impl(ids).data), static_cast<T*>(block),
         static_cast<T*>(table), begin, end, move);
  else
    walk(loop, static_cast<const int64_t*>(impl(ids).data), static_cast<T*>(block),
         static_cast<T*>(table), begin, end, move);
}

template <class T>
void gather_items(const GatherLoop& loop, const Tensor& ids, void* block, void* table) {
  const int64_t per_task = std::max<int64_t>(1, 8192 / std::max<int64_t>(1, loop.n));
  parallel_range(
      loop.rows, per_task, static_cast<double>(loop.n) * 1.5 + 5, [&](int64_t begin, int64_t end) {
        walk<T>(loop, ids, block, table, begin, end, [](T& to, const T& from) { to = from; });
      });
}
template <class T>
void add_items(const GatherLoop& loop, const Tensor& ids, void* block, void* table) {
  walk<T>(loop, ids, block, table, 0, loop.rows, [](const T& from, T& to) {
    if constexpr (std::is_integral_v<T>)
      to = static_cast<T>(static_cast<uint64_t>(to) + static_cast<uint64_t>(from));  // wraps
    else
      to = to + from;
  });
}

int64_t effective_size(const TensorImpl& x, int i) { return x.ndim == 0 ? 1 : x.sizes()[i]; }
int effective_dim(const TensorImpl& x) { return x.ndim == 0 ? 1 : x.ndim; }

}  // namespace

void check_ids_in_range(const Tensor& ids, int64_t dim, int64_t limit) {
  const int64_t bad = first_bad_id(ids, 0, limit);
  if (bad >= 0) throw_out_of_range(id_at(ids, bad), dim, limit);
}

Tensor gather(const Tensor& self, int64_t dim, const Tensor& index) {
  check_dense(self, "gather");
  check_dense(index, "gather", "index");
  const TensorImpl& x = impl(self);
  const TensorImpl& of = impl(index);
  dim = wrap_dim(dim, x.ndim);
  SIMDGRAD_CHECK(of.dtype == kLong || of.dtype == kInt,
                 "gather(): Expected dtype int32/int64 for index");
  Tensor y = make_tensor(of.size_list(), x.dtype);
  if (of.numel > 0) {
    SIMDGRAD_CHECK(effective_dim(x) == effective_dim(of),
                   "Index tensor must have the same number of dimensions as input tensor");
    for (int i = 0; i < effective_dim(x); ++i)
      SIMDGRAD_CHECK(i == dim || effective_size(of, i) <= effective_size(x, i),
                     "Size does not match at dimension ", i, " expected index ", of.size_list(),
                     " to be no larger than self ", x.size_list(), " apart from dimension ", dim);
    GatherLoop loop(of, impl(y), x, dim);
    loop.checks = true;  // y is not seen by anybody if one is bad
    loop.limit = effective_size(x, static_cast<int>(dim));
    switch (element_size(x.dtype)) {
      case 1:
        gather_items<uint8_t>(loop, index, impl(y).data, x.data);
        break;
      case 2:
        gather_items<uint16_t>(loop, index, impl(y).data, x.data);
        break;
      case 4:
        gather_items<uint32_t>(loop, index, impl(y).data, x.data);
        break;
      default:
        gather_items<uint64_t>(loop, index, impl(y).data, x.data);
    }
  }
  if (needs_gradient(self))
    record<"GatherBackward0">(
        y, std::tie(self),
        [index = Saved(index), x_sizes = KeptDims(x.size_list()), dim](Gradients& d) {
          Tensor dx = zeros_of(x_sizes, d.dy().scalar_type());
          d.set(0, scatter_add_(dx, dim, index(d), d.dy()));
        });
  return y;
}

namespace {

void check_scatter_add(const Tensor& self, int64_t& dim, const Tensor& index,
                       const Tensor& source) {
  check_dense(self, "scatter_add_");
  check_dense(index, "scatter_add_", "index");
  check_dense(source, "scatter_add_", "src");
  const TensorImpl& y = impl(self);
  const TensorImpl& of = impl(index);
  const TensorImpl& x = impl(source);
  dim = wrap_dim(dim, y.ndim);
  SIMDGRAD_CHECK(of.dtype == kLong || of.dtype == kInt,
                 "scatter(): Expected dtype int32/int64 for index");
  SIMDGRAD_CHECK(y.dtype == x.dtype, "scatter(): Expected self.dtype to be equal to src.dtype");
  if (of.numel == 0) return;
  SIMDGRAD_CHECK(effective_dim(y) == effective_dim(of),
                 "Index tensor must have the same number of dimensions as self tensor");
  SIMDGRAD_CHECK(effective_dim(x) == effective_dim(of),
                 "Index tensor must have the same number of dimensions as src tensor");
  for (int i = 0; i < effective_dim(y); ++i)
    SIMDGRAD_CHECK((i == dim || effective_size(of, i) <= effective_size(y, i)) &&
                       effective_size(of, i) <= effective_size(x, i),
                   "Expected index ", of.size_list(), " to be no larger than self ", y.size_list(),
                   " apart from dimension ", dim, " and to be no larger size than src ",
                   x.size_list());
  check_ids_in_range(contiguous_values(index), dim, effective_size(y, static_cast<int>(dim)));
}

// Checked. Neither index nor source shows memory of y.
void scatter_add_values(const TensorImpl& y, int64_t dim, const Tensor& ids, const Tensor& from) {
  if (impl(ids).numel == 0) return;
  const GatherLoop loop(impl(ids), impl(from), y, dim);
  void* block = impl(from).data;
  for_type(y.dtype, [&]<class T>(T) { add_items<T>(loop, ids, block, y.data); });
}

auto scatter_add_formula(const Tensor& index, const Tensor& source, int64_t dim) {
  return [index = Saved(index), x_sizes = KeptDims(impl(source).size_list()), dim](Gradients& d) {
    if (d.needs(0)) d.set(0, d.dy());
    if (!d.needs(1)) return;
    const Tensor ids = index(d);
    // An empty index may have any shape; nothing of the source was added.
    if (impl(ids).numel == 0) return d.set(1, zeros_of(x_sizes, d.dy().scalar_type()));
    Tensor dx = d.dy().gather(dim, ids);
    if (dx.dim() != static_cast<int64_t>(x_sizes.size()))  // one of them has no dimension, one number both
      dx = dx.reshape(x_sizes);
    // What the index leaves out of the source gets no gradient.
    for (size_t i = 0; i < x_sizes.size(); ++i) {
      const int64_t have = dx.size(static_cast<int64_t>(i));
      const int64_t size = IntArrayRef(x_sizes)[i];
      if (have == size) continue;
      Dims sizes(dx.sizes());
      sizes[i] = size;
      dx = slice_backward(dx, sizes, static_cast<int64_t>(i), 0, have, 1);
    }
    d.set(1, dx);
  };
}

}  // namespace

Tensor& scatter_add_(Tensor& self, int64_t dim, const Tensor& index, const Tensor& source) {
  check_scatter_add(self, dim, index, source);
  const bool records = needs_gradient(self, source);
  check_inplace(self, records);
  InplaceHistory history(self);
  if (records)
    history.record<"ScatterAddBackward0">(std::tie(self, source),
                                          scatter_add_formula(index, source, dim));
  scatter_add_values(impl(self), dim, apart(index, impl(self)), apart(source, impl(self)));
  history.commit();
  return self;
}

Tensor scatter_add(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source) {
  check_scatter_add(self, dim, index, source);
  const Tensor y = make_clone_shape(self, impl(self).dtype);
  copy_values(y, self);
  scatter_add_values(impl(y), dim, index, source);
  if (needs_gradient(self, source))
    record<"ScatterAddBackward0">(y, std::tie(self, source),
                                  scatter_add_formula(index, source, dim));
  return y;
}

}  // namespace simdgrad
