// Sums and differences of sparse tensors, and of dense and sparse ones.
#include <simdgrad/pointwise.h>
#include <simdgrad/sparse.h>
#include <simdgrad/views.h>

#include <algorithm>

#include "ops/loops/broadcast.h"
#include "ops/loops/copy.h"
#include "ops/indexing/rows.h"
#include "ops/rows/sums.h"
#include "ops/sparse/arithmetic.h"
#include "ops/sparse/entries.h"
#include "ops/sparse/sums.h"
#include "ops/views/shape.h"

namespace simdgrad {
namespace {

Tensor scaled(const Tensor& gradient, const Scalar& alpha) {
  return alpha.equal(1) ? gradient : mul(gradient, alpha);
}
Tensor converted(Tensor gradient, ScalarType dtype) { return gradient.to(dtype); }

// --- dense + alpha * sparse ---------------------------------------------------------------------
// Rows of y without gaps: how far apart they lie; -1 where y's strides have no such rows.
int64_t row_distance(const Tensor& y, int64_t sparse_dim, int64_t columns) {
  const TensorImpl& to = impl(y);
  if (to.is_contiguous()) return columns;
  if (sparse_dim != 1) return -1;
  int64_t next = 1;
  for (size_t i = to.ndim; i-- > 1;) {
    if (to.sizes()[i] == 1) continue;
    if (to.strides()[i] != next) return -1;
    next *= to.sizes()[i];
  }
  return to.strides()[0];
}

// table row ids[p] += alpha * value row p where rows of the table have gaps: the rows that are named
// go through a buffer.
void add_through_buffer(const Tensor& y, const Tensor& values, const EntryRows& rows,
                        const Scalar& alpha) {
  const TensorImpl& table = impl(y);
  const RowGrouping groups(rows.data(), rows.count(), table.sizes()[0]);
  Tensor places = make_tensor(rows.count(), kLong);
  int64_t* place = static_cast<int64_t*>(impl(places).data);
  for (int64_t g = 0; g < groups.groups(); ++g)
    for (int64_t k = groups.starts()[g]; k < groups.starts()[g + 1]; ++k)
      place[groups.order()[k]] = g;
  Dims sizes(table.size_list());
  sizes[0] = groups.groups();
  const Tensor buffer = make_tensor(sizes, table.dtype);
  const int64_t columns = impl(buffer).numel / std::max<int64_t>(1, groups.groups());
  const RowMove move{table.dtype,
                     table.size_list().slice(1),
                     impl(buffer).data,
                     impl(buffer).strides()[0],
                     impl(buffer).stride_list().slice(1),
                     table.data,
                     table.strides()[0],
                     table.stride_list().slice(1),
                     groups.ids(),
                     kLong,
                     groups.groups(),
                     table.sizes()[0]};
  take_rows(move);
  add_rows_by_id(
      {table.dtype, impl(buffer).data, columns, impl(values).data, columns, nullptr, columns},
      place, rows.count(), groups.groups(), alpha);
  put_rows(move);
}

// y += alpha * sparse; only the rows that are named are read or written.
void add_entries(const Tensor& y, const Tensor& sparse, const Scalar& alpha) {
  const TensorExtra& parts = parts_of(sparse);
  const int64_t sparse_dim = parts.indices.size(0);
  const SparseShape shape(y.sizes(), sparse_dim);
  const ScalarType dtype = impl(y).dtype;
  Tensor values = contiguous_values(parts.values, dtype);
  if (impl(values).storage == impl(y).storage) values = values.clone();
  const EntryRows rows(parts.indices, y.sizes());
  const int64_t distance = row_distance(y, sparse_dim, shape.columns);
  if (distance < 0 && sparse_dim == 1) return add_through_buffer(y, values, rows, alpha);
  const Tensor table = distance < 0 ? contiguous_values(y) : y;
  add_rows_by_id({dtype, impl(table).data, distance < 0 ? shape.columns : distance,
                  impl(values).data, shape.columns, nullptr, shape.columns},
                 rows.data(), rows.count(), shape.rows, alpha);
  if (distance < 0) copy_values(y, table);
}

}  // namespace

void check_dense_sum(const Tensor& self, const Tensor& other) {
  SIMDGRAD_CHECK(self.sizes() == other.sizes(),
                 "add: expected 'self' and 'other' to have same size, but self has size ",
                 self.sizes(), " while other has size ", other.sizes(),
                 " (FYI: dense-sparse addition does not currently support broadcasting)");
}

void check_cast(ScalarType from, ScalarType to) {
  SIMDGRAD_CHECK(can_cast(from, to), "Can't convert result type ", to_string(from), " to output ",
                 to_string(to), " in add operation");
}

namespace {

// --- sparse + alpha * sparse --------------------------------------------------------------------
struct Parts {
  Tensor indices, values;
  bool coalesced;
};

void check_sparse_sum(const Tensor& self, const Tensor& other) {
  check_defined(self);
  check_defined(other, "other", 1);
  SIMDGRAD_CHECK(impl(other).is_sparse(),
                 "add(sparse, dense) is not supported. Use add(dense, sparse) instead.");
  SIMDGRAD_CHECK(self.sizes() == other.sizes(),
                 "add: expected sizes of 'self' and 'other' to match, but ", self.sizes(),
                 " != ", other.sizes());
}

void check_density(const Tensor& self, const Tensor& other) {
  SIMDGRAD_CHECK(self.sparse_dim() == other.sparse_dim(),
                 "add: expected 'self' and 'other' to have same density, but 'self' has ",
                 self.sparse_dim(), " sparse dimensions while 'other' has ", other.sparse_dim(),
                 " sparse dimensions");
}

// Where each entry of a and of b goes when the two lists are walked together, always taking the one
// whose index comes first and joining entries of equal index: the order of a merge, though neither
// list needs to be sorted. Returns how many entries there are then.
int64_t walk_together(const EntryRows& a, const EntryRows& b, int64_t* to_a, int64_t* to_b) {
  int64_t i = 0, j = 0, count = 0;
  for (; i < a.count() || j < b.count(); ++count) {
    const int64_t first = i < a.count() ? a.data()[i] : INT64_MAX;
    const int64_t second = j < b.count() ? b.data()[j] : INT64_MAX;
    if (first <= second) to_a[i++] = count;
    if (second <= first) to_b[j++] = count;
  }
  return count;
}

// Indices [sparse_dim, count] with those of a and b at their places.
Tensor placed_indices(const Tensor& a, const Tensor& b, int64_t count, const int64_t* to_a,
                      const int64_t* to_b) {
  Tensor y = make_tensor({a.size(0), count}, kLong);
  const auto place = [&](const Tensor& from, const int64_t* to) {
    const TensorImpl& list = impl(from);
    for (int64_t d = 0; d < list.sizes()[0]; ++d)
      for (int64_t i = 0; i < list.sizes()[1]; ++i)
        static_cast<int64_t*>(impl(y).data)[d * count + to[i]] =
            static_cast<const int64_t*>(list.data)[d * list.strides()[0] + i * list.strides()[1]];
  };
  place(a, to_a);
  place(b, to_b);
  return y;
}

Parts merged_sum(const Tensor& self, const Tensor& other, const Scalar& alpha, ScalarType dtype) {
  const TensorExtra& a = parts_of(self);
  const TensorExtra& b = parts_of(other);
  const EntryRows a_rows(a.indices, self.sizes()), b_rows(b.indices, self.sizes());
  Tensor places = make_tensor(a_rows.count() + b_rows.count(), kLong);
  int64_t* to_a = static_cast<int64_t*>(impl(places).data);
  int64_t* to_b = to_a + a_rows.count();
  const int64_t count = walk_together(a_rows, b_rows, to_a, to_b);
  Dims sizes(a.values.sizes());
  sizes[0] = count;
  Tensor values = zeros_of(sizes, dtype);
  const int64_t columns = SparseShape(self.sizes(), a.indices.size(0)).columns;
  const auto add_list = [&](const Tensor& from, const int64_t* to, const Scalar& factor) {
    const Tensor entries = contiguous_values(from, dtype);
    add_rows_by_id(
        {dtype, impl(values).data, columns, impl(entries).data, columns, nullptr, columns}, to,
        from.size(0), count, factor);
  };
  add_list(a.values, to_a, 1);
  add_list(b.values, to_b, alpha);
  return {placed_indices(a.indices, b.indices, count, to_a, to_b), values,
          a.coalesced && b.coalesced};
}

// One list after the other. Where that holds more numbers than the dense tensor has, coalesced.
Parts joined_sum(const Tensor& self, const Tensor& other, const Scalar& alpha, ScalarType dtype) {
  const TensorExtra& a = parts_of(self);
  const TensorExtra& b = parts_of(other);
  const int64_t first = a.indices.size(1), second = b.indices.size(1);
  Tensor indices = make_tensor({a.indices.size(0), first + second}, kLong);
  Dims sizes(a.values.sizes());
  sizes[0] = first + second;
  Tensor values = make_tensor(sizes, dtype);
  copy_values(indices.narrow(1, 0, first), a.indices);
  copy_values(indices.narrow(1, first, second), b.indices);
  copy_values(values.narrow(0, 0, first), a.values);
  copy_values(values.narrow(0, first, second),
              scaled(alpha.equal(1) ? b.values : b.values.to(dtype), alpha));
  if (first + second <= self.numel()) return {indices, values, false};
  const Tensor merged = coalesce(make_sparse(indices, values, self.sizes(), false));
  return {parts_of(merged).indices, parts_of(merged).values, false};
}

// As libtorch: entries of equal index join where both lists of values lie without gaps, else the
// lists are put one after the other.
Parts sparse_sum(const Tensor& self, const Tensor& other, const Scalar& alpha, ScalarType dtype) {
  const GradModeGuard no_grad(false);
  const TensorExtra& a = parts_of(self);
  const TensorExtra& b = parts_of(other);
  if (b.indices.size(1) == 0)
    return {a.indices.clone(), contiguous_values(a.values.to(dtype, false, true)), a.coalesced};
  if (a.indices.size(1) == 0)
    return {b.indices.clone(), b.values.to(dtype).mul(alpha), b.coalesced};
  check_density(self, other);
  return impl(a.values).is_contiguous() && impl(b.values).is_contiguous()
             ? merged_sum(self, other, alpha, dtype)
             : joined_sum(self, other, alpha, dtype);
}

template <NodeName name>
void record_sum(const Tensor& y, const Tensor& self, const Tensor& other, const Scalar& alpha) {
  record<name>(y, std::tie(self, other),
               [alpha, self_type = impl(self).dtype, other_type = impl(other).dtype](Gradients& d) {
                 if (d.needs(0)) d.set(0, converted(d.dy(), self_type));
                 if (d.needs(1)) d.set(1, converted(scaled(d.dy(), alpha), other_type));
               });
}

bool is_sparse(const Tensor& tensor) { return tensor.defined() && impl(tensor).is_sparse(); }

}  // namespace

namespace {

template <NodeName name>
Tensor sum_of(const Tensor& self, const Tensor& other, const Scalar& alpha) {
  Tensor y;
  if (is_sparse(self)) {
    check_sparse_sum(self, other);
    Parts sum = sparse_sum(self, other, alpha, promote_types(impl(self).dtype, impl(other).dtype));
    y = make_sparse(std::move(sum.indices), std::move(sum.values), self.sizes(), sum.coalesced);
  } else {
    check_dense(self, "add");
    check_dense_sum(self, other);
    y = make_clone_shape(self, promote_types(impl(self).dtype, impl(other).dtype));
    copy_values(y, self);
    add_entries(y, other, alpha);
  }
  if (is_floating_point(impl(y).dtype) && needs_gradient(self, other))
    record_sum<name>(y, self, other, alpha);
  return y;
}

template <NodeName name>
Tensor& sum_into(Tensor& self, const Tensor& other, const Scalar& alpha) {
  if (is_sparse(self)) {
    check_sparse_sum(self, other);
  } else {
    check_dense(self, "add_");
    check_dense_sum(self, other);
  }
  const ScalarType dtype = impl(self).dtype;
  check_cast(promote_types(dtype, impl(other).dtype), dtype);
  const bool records = needs_gradient(self, other);
  check_inplace(self, records);
  InplaceHistory history(self);
  if (records)
    history.record<name>(std::tie(self, other), [alpha, other_type = impl(other).dtype](Gradients& d) {
      if (d.needs(0)) d.set(0, d.dy());
      if (d.needs(1)) d.set(1, converted(scaled(d.dy(), alpha), other_type));
    });
  if (is_sparse(self)) {
    Parts sum = sparse_sum(self, other, alpha, dtype);
    replace_parts(self, std::move(sum.indices), std::move(sum.values), sum.coalesced);
  } else {
    add_entries(self, other, alpha);
  }
  history.commit();
  return self;
}

}  // namespace

Tensor add_sparse(const Tensor& self, const Tensor& other, const Scalar& alpha) {
  return sum_of<"AddBackward0">(self, other, alpha);
}
Tensor& add_sparse_(Tensor& self, const Tensor& other, const Scalar& alpha) {
  return sum_into<"AddBackward0">(self, other, alpha);
}
Tensor sub_sparse(const Tensor& self, const Tensor& other, const Scalar& alpha) {
  return sum_of<"SubBackward0">(self, other, -alpha);
}
Tensor& sub_sparse_(Tensor& self, const Tensor& other, const Scalar& alpha) {
  return sum_into<"SubBackward0">(self, other, -alpha);
}

}  // namespace simdgrad
