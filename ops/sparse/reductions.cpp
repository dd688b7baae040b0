// Sums of sparse tensors.
//
// Over every sparse dimension the result is dense; over fewer it is sparse, with the entries that now
// share an index added up. As in PyTorch the tensor is coalesced first.
#include <simdgrad/reductions.h>
#include <simdgrad/sparse.h>
#include <simdgrad/views.h>

#include "ops/loops/copy.h"
#include "ops/loops/reductions_plan.h"
#include "ops/sparse/arithmetic.h"
#include "ops/sparse/entries.h"
#include "ops/views/shape.h"

namespace simdgrad {

using reductions::DimMask;

namespace {

bool has(DimMask mask, int64_t dim) { return mask >> dim & 1; }

// The values summed over the dense dimensions of the mask, and over the entries where `entries`.
Tensor summed_values(const TensorExtra& parts, DimMask mask, bool entries, bool keepdim,
                     std::optional<ScalarType> dtype) {
  const int64_t sparse_dim = parts.indices.size(0);
  if (!dtype && !is_floating_point(parts.values.scalar_type())) dtype = kLong;
  Tensor y = parts.values;
  if (entries) y = y.sum(0, true, dtype);
  Dims dims;
  for (int64_t d = 1; d < y.dim(); ++d)
    if (has(mask, sparse_dim + d - 1)) dims.push_back(d);
  if (dims.empty()) return y.to(dtype.value_or(y.scalar_type()));
  return y.sum(IntArrayRef(dims), keepdim, dtype);
}

// The indices without the rows of the mask, or with zeros there.
Tensor kept_indices(const Tensor& indices, DimMask mask, bool keepdim) {
  const int64_t sparse_dim = indices.size(0);
  int64_t rows = 0;
  for (int64_t d = 0; d < sparse_dim; ++d) rows += keepdim || !has(mask, d);
  Tensor y = zeros_of({rows, indices.size(1)}, kLong);
  for (int64_t d = 0, to = 0; d < sparse_dim; ++d) {
    if (!has(mask, d)) copy_values(y.select(0, to), indices.select(0, d));
    to += keepdim || !has(mask, d);
  }
  return y;
}

Tensor sum_values(const Tensor& self, DimMask mask, bool keepdim, std::optional<ScalarType> dtype) {
  const GradModeGuard no_grad(false);
  const DimMask sparse_dims = reductions::all_dims(parts_of(self).indices.size(0));
  Dims sizes;
  reductions::reduced_sizes(self, mask, keepdim, sizes);
  if ((mask & sparse_dims) == sparse_dims)
    return summed_values(parts_of(self), mask, true, keepdim, dtype).reshape(sizes);
  const Tensor whole = coalesce(self);
  const bool keeps_indices = (mask & sparse_dims) == 0;
  const TensorExtra& parts = parts_of(whole);
  const Tensor y = make_sparse(kept_indices(parts.indices, mask, keepdim),
                               summed_values(parts, mask, false, keepdim, dtype), sizes, keeps_indices);
  return keeps_indices ? y : coalesce(y);
}

template <NodeName name>
Tensor sum_over(const Tensor& self, DimMask mask, bool keepdim, std::optional<ScalarType> dtype) {
  SIMDGRAD_CHECK(!dtype || is_floating_point(*dtype) || !needs_gradient(self),
                 "Autograd not support dtype: ", to_string(*dtype));
  Tensor y = sum_values(self, mask, keepdim, dtype);
  if (!is_floating_point(impl(y).dtype) || !needs_gradient(self)) return y;
  record_with_dims<name>(
      y, self, self.sizes(),
      [before = impl(self).dtype, mask, keepdim](Gradients& d, IntArrayRef sizes) {
        Tensor dy = to_dense(d.dy());
        for (int64_t i = 0; !keepdim && i < static_cast<int64_t>(sizes.size()); ++i)
          if (has(mask, i)) dy = dy.unsqueeze(i);
        d.set(0, dy.to(before).expand(sizes));
      });
  return y;
}

}  // namespace

Tensor sum_sparse(const Tensor& self, std::optional<ScalarType> dtype) {
  return sum_over<"SumBackward0">(self, reductions::all_dims(self.dim()), false, dtype);
}
Tensor sum_sparse(const Tensor& self, OptionalIntArrayRef dims, bool keepdim,
                  std::optional<ScalarType> dtype) {
  // An empty list is no dimension, as in PyTorch; of a dense tensor it is all of them.
  const DimMask mask = dims && dims->empty() ? 0 : reductions::dim_mask(dims, self.dim());
  return sum_over<"SumBackward1">(self, mask, keepdim, dtype);
}

}  // namespace simdgrad
