// Lookup of rows by id, its gradient dense or row-sparse, and embedding_renorm_.
#include <simdgrad/creation.h>
#include <simdgrad/embedding.h>
#include <simdgrad/indexing.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/sparse.h>
#include <simdgrad/views.h>

#include <algorithm>
#include <cstring>

#include "autograd/record.h"
#include "ops/loops/broadcast.h"
#include "ops/loops/copy.h"
#include "ops/indexing/rows.h"
#include "ops/rows/layout.h"
#include "ops/rows/sums.h"
#include "ops/sparse/entries.h"

namespace simdgrad {
namespace {

void check_ids(const Tensor& ids, const char* argument, const char* operation) {
  SIMDGRAD_CHECK(ids.scalar_type() == kLong || ids.scalar_type() == kInt, "Expected tensor for ",
                 argument, " to have one of the following scalar types: Long, Int; but got ",
                 ids.toString(), " instead (while checking arguments for ", operation, ")");
}

// ids as the kernels read them; each is in [0, rows). Backward asks again: the numbers may be a caller's
// buffer that was written since.
Tensor checked_ids(const Tensor& indices, int64_t rows, ScalarType dtype) {
  Tensor ids = contiguous_values(indices, dtype);
  SIMDGRAD_CHECK_AS(IndexError, first_bad_id(ids, 0, rows) < 0, "index out of range in self");
  return ids;
}

// y [ids..., dim] = weight[ids], outside the graph.
Tensor gather_rows(const Tensor& weight, const Tensor& ids) {
  const TensorImpl& table = impl(weight);
  const int64_t dim = table.sizes()[1];
  Dims sizes(impl(ids).size_list());
  sizes.push_back(dim);
  Tensor y = make_tensor(sizes, table.dtype);
  const int64_t one = 1;
  take_rows({table.dtype, dim, impl(y).data, dim, one, table.data, table.strides()[0],
             table.strides()[1], impl(ids).data, impl(ids).dtype, impl(ids).numel,
             table.sizes()[0]});
  return y;
}

// How a lookup's gradient treats its rows.
struct RowRule {
  int64_t rows;         // of the table
  int64_t padding_idx;  // the row without a gradient; negative: none
  bool mean;            // by how often it occurs
};

Tensor weighted_rows(const Tensor& weight, const Tensor& indices, RowRule rule);

// d weight [V, dim] = for each row the sum of dy [ids..., dim] at its positions. Its derivative with
// respect to dy is weighted_rows, whose derivative is this again.
Tensor dense_gradient(const Tensor& dy, const Tensor& indices, RowRule rule) {
  check_dense(dy, "embedding_dense_backward", "grad_output");
  const TensorImpl& from = impl(dy);
  const int64_t dim = from.sizes()[from.ndim - 1];
  Tensor dw = zero_table({rule.rows, dim}, from.dtype);
  const Tensor ids = checked_ids(indices, rule.rows, kLong);
  const RowLayout rows(dy);
  add_rows_by_id({from.dtype, impl(dw).data, dim, rows.data(), rows.stride(), rows.offsets(), dim},
                 static_cast<const int64_t*>(impl(ids).data), impl(ids).numel, rule.rows, 1,
                 rule.padding_idx, rule.mean);
  if (needs_gradient(dy))
    record<"EmbeddingDenseBackwardBackward0">(
        dw, std::tie(dy), [ids = Saved(indices), rule](Gradients& d) {
          d.set(0, weighted_rows(to_dense(d.dy()), ids(d), rule));
        });
  return dw;
}

// What each position counts for: 0 for padding, else 1, or one over the occurrences of its id.
Tensor row_factors(const Tensor& ids, RowRule rule, ScalarType dtype) {
  const int64_t n = impl(ids).numel;
  const Tensor wide = contiguous_values(ids, kLong);
  const int64_t* id = static_cast<const int64_t*>(impl(wide).data);
  Tensor factors = make_tensor(n, kDouble);
  double* to = static_cast<double*>(impl(factors).data);
  std::fill_n(to, n, 1.0);
  if (rule.mean) {
    const RowGrouping groups(id, n, rule.rows);
    for (int64_t g = 0; g < groups.groups(); ++g) {
      const int64_t begin = groups.starts()[g], end = groups.starts()[g + 1];
      for (int64_t k = begin; k < end; ++k)
        to[groups.order()[k]] = 1 / static_cast<double>(end - begin);
    }
  }
  for (int64_t p = 0; p < n; ++p)
    if (id[p] == rule.padding_idx) to[p] = 0;
  return contiguous_values(factors, dtype);
}

// y[p] = weight[ids[p]], zero for padding, over the occurrences of ids[p] for the mean.
Tensor weighted_rows(const Tensor& weight, const Tensor& indices, RowRule rule) {
  const Tensor ids = checked_ids(indices, rule.rows, impl(indices).dtype);
  Tensor y = gather_rows(weight, ids);
  if (rule.mean || rule.padding_idx >= 0) {
    const GradModeGuard no_grad(false);
    Dims column(impl(ids).size_list());
    column.push_back(1);
    const Tensor factors = row_factors(ids, rule, impl(y).dtype).view(column);
    y.mul_(factors).masked_fill_(factors.eq(0),
                                 0);  // padding is 0 even where the table is not finite
  }
  if (needs_gradient(weight))
    record<"EmbeddingBackward0">(y, std::tie(weight), [kept = Saved(indices), rule](Gradients& d) {
      d.set(0, dense_gradient(d.dy(), kept(d), rule));
    });
  return y;
}

// The positions whose id is not `padding`, as int64; all: without reading further.
Tensor positions_without(const int64_t* ids, int64_t n, int64_t padding, bool& all) {
  const int64_t count = n - std::count(ids, ids + n, padding);
  all = count == n;
  if (all) return {};
  Tensor kept = make_tensor(count, kLong);
  int64_t* to = static_cast<int64_t*>(impl(kept).data);
  for (int64_t p = 0; p < n; ++p)
    if (ids[p] != padding) *to++ = p;
  return kept;
}

// d weight as entries: one per position, as they come, without those of padding. Written with public
// operations, so dy's history goes on; the values are a view of dy where nothing is left out. The ids
// are a copy: the caller may change hers.
Tensor sparse_gradient(Tensor dy, const Tensor& indices, RowRule rule) {
  const int64_t dim = dy.size(-1), n = impl(indices).numel;
  Tensor ids = make_tensor({1, n}, kLong);
  copy_values(ids.view(indices.sizes()), indices);
  checked_ids(ids, rule.rows, kLong);
  Tensor values = std::move(dy).reshape({n, dim});
  bool all = true;
  if (rule.padding_idx >= 0) {
    const Tensor kept =
        positions_without(static_cast<const int64_t*>(impl(ids).data), n, rule.padding_idx, all);
    if (!all) {
      ids = ids.index_select(1, kept);
      values = values.index_select(0, kept);
    }
  }
  return sparse_from_parts(ids, values, {rule.rows, dim}, ids.size(1) < 2);
}

}  // namespace

Tensor embedding(const Tensor& weight, const Tensor& indices, int64_t padding_idx,
                 bool scale_grad_by_freq, bool sparse) {
  check_defined(weight, "weight");
  check_defined(indices, "indices", 1);
  SIMDGRAD_CHECK(impl(weight).ndim == 2, "'weight' must be 2-D");
  check_dense(weight, "embedding", "weight");
  check_ids(indices, "argument #1 'indices'", "embedding");
  check_dense(indices, "embedding", "indices");
  const RowRule rule{impl(weight).sizes()[0], padding_idx, scale_grad_by_freq};
  Tensor y = gather_rows(weight, checked_ids(indices, rule.rows, impl(indices).dtype));
  if (is_floating_point(impl(weight).dtype) && needs_gradient(weight))
    record<"EmbeddingBackward0">(
        y, std::tie(weight), [ids = Saved(indices), rule, sparse](Gradients& d) {
          if (!sparse) return d.set(0, dense_gradient(d.dy(), ids(d), rule));
          SIMDGRAD_CHECK(
              !rule.mean,
              "embedding_backward: scale_grad_by_freq not supported with sparse gradients");
          d.set(0, sparse_gradient(d.take_dy(), ids(d), rule));
        });
  return y;
}

Tensor& embedding_renorm_(Tensor& self, const Tensor& indices, double max_norm, double norm_type) {
  check_defined(self);
  check_defined(indices, "indices", 1);
  SIMDGRAD_CHECK(impl(self).ndim == 2, "Expected 2-dimensional tensor, but got ",
                 static_cast<int>(impl(self).ndim),
                 "-dimensional tensor for argument #1 'self' (while checking arguments for "
                 "embedding_renorm_)");
  check_dense(self, "embedding_renorm_");
  check_ids(indices, "argument #2 'indices'", "embedding_renorm_");
  check_dense(indices, "embedding_renorm_", "indices");
  SIMDGRAD_CHECK(is_floating_point(impl(self).dtype),
                 "norm(): input dtype should be either floating point or complex. Got ",
                 to_string(impl(self).dtype), " instead.");
  const bool records = needs_gradient(self);
  check_inplace(self, records);
  TensorImpl& table = impl(self);
  const Tensor ids = checked_ids(indices, table.sizes()[0], kLong);
  const int64_t dim = table.sizes()[1];
  InplaceHistory history(self);
  if (records)
    history.record<"EmbeddingRenormBackward0">(std::tie(self), [](Gradients&) {
      SIMDGRAD_THROW("the derivative for 'embedding_renorm_' is not implemented.");
    });
  {
    const GradModeGuard no_grad(false);
    const RowGrouping groups(static_cast<const int64_t*>(impl(ids).data), impl(ids).numel,
                             table.sizes()[0]);
    Tensor distinct = make_tensor(groups.groups(), kLong);
    std::copy_n(groups.ids(), groups.groups(), static_cast<int64_t*>(impl(distinct).data));
    Tensor rows = gather_rows(self, distinct);
    // The factor in double, as a number would be.
    const Tensor norms = rows.norm(norm_type, 1, true).to(kDouble);
    const Tensor factors = where(norms.gt(max_norm), max_norm / (norms + 1e-7), ones_like(norms));
    rows.mul_(factors.to(table.dtype));
    const int64_t one = 1;
    put_rows({table.dtype, dim, impl(rows).data, dim, one, table.data, table.strides()[0],
              table.strides()[1], impl(distinct).data, kLong, groups.groups(), table.sizes()[0]});
  }
  history.commit();
  return self;
}

}  // namespace simdgrad
