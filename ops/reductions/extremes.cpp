// Largest and smallest, where they stand, all and any.
#include <simdgrad/creation.h>
#include <simdgrad/indexing.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/reductions.h>
#include <simdgrad/views.h>

#include "ops/loops/broadcast.h"
#include "ops/reductions/reductions.h"

namespace simdgrad {

using namespace reductions;

namespace {

Tensor extreme(const Tensor& self, bool minimum, DimMask mask, bool keepdim) {
  if (is_floating_point(self.scalar_type()))
    return fold(minimum ? Fold::kMin : Fold::kMax, self, mask, keepdim);
  return fold_integers(minimum ? IntegerFold::kMin : IntegerFold::kMax, self, mask, keepdim);
}

// dy shared evenly among the elements equal to the extreme. Where that is a NaN, as PyTorch: the NaNs
// of max() and min(), and of amax() and amin() nobody, so that every gradient is a NaN.
Tensor shared_evenly(const Tensor& dy, const Tensor& x, const Tensor& y, const Dims& dims,
                     bool finds_nan) {
  const Tensor numbers = x.detach(), best = y.detach();
  Tensor chosen = numbers.eq(best);
  if (finds_nan) chosen = chosen.logical_or(numbers.isnan().logical_and(best.isnan()));
  const Tensor weight = chosen.to(x.scalar_type());
  const Tensor count = dims.empty() ? weight : weight.sum(IntArrayRef(dims), true);
  return dy * (weight / count);
}

template <NodeName name, bool finds_nan>
Tensor extreme_over(const Tensor& self, bool minimum, DimMask mask, bool keepdim) {
  Tensor y = extreme(self, minimum, mask, keepdim);
  if (needs_gradient(self))
    record<name>(y, std::tie(self),
                 [x = Saved(self), result = Saved::output(y), mask, keepdim](Gradients& d) {
                   const Tensor from = x(d);
                   const int64_t ndim = from.dim();
                   d.set(0, shared_evenly(restored(d.dy(), mask, keepdim, ndim), from,
                                          restored(result(d), mask, keepdim, ndim),
                                          dims_of(mask, ndim), finds_nan));
                 });
  return y;
}

void check_not_empty(const Tensor& self, const char* name) {
  SIMDGRAD_CHECK(self.numel() > 0, name,
                 "(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
                 "reduction dim with the 'dim' argument.");
}

// A dimension of size 0 has no extreme; without one, an empty result is fine.
void check_dim_not_empty(const Tensor& self, const char* name, int64_t dim) {
  SIMDGRAD_CHECK_AS(IndexError, self.dim() == 0 || self.size(dim) > 0, name, "(): Expected reduction dim ",
                    dim, " to have non-zero size.");
}

void check_dims_not_empty(const Tensor& self, const char* name, DimMask mask, bool given) {
  if (self.numel() > 0) return;
  SIMDGRAD_CHECK(given, name, "(): Expected reduction dim to be specified for input.numel() == 0. "
                              "Specify the reduction dim with the 'dim' argument.");
  for (int64_t d = 0; d < self.dim(); ++d)
    if (mask >> d & 1) check_dim_not_empty(self, name, d);
}

template <NodeName name>
std::tuple<Tensor, Tensor> extreme_along_dim(const Tensor& self, const char* operation, bool minimum,
                                             int64_t given, bool keepdim) {
  check_dense(self, operation);
  const int64_t dim = wrap_dim(given, self.dim());
  check_dim_not_empty(self, operation, dim);
  Tensor values, indices;
  if (self.dim() == 0) {
    values = self.detach().clone();
    indices = zeros({}, kLong);
  } else {
    extreme_along(self, dim, keepdim, minimum, values, indices);
  }
  if (needs_gradient(self)) {
    record<name>(values, std::tie(self),
                 [x = Saved(self), at = Saved(indices), dim, keepdim](Gradients& d) {
                   const Tensor from = x(d);
                   if (from.dim() == 0) return d.set(0, d.dy());
                   const Tensor index = keepdim ? at(d) : at(d).unsqueeze(dim);
                   const Tensor dy = keepdim ? d.dy() : d.dy().unsqueeze(dim);
                   d.set(0, scatter_add(zeros(from.sizes(), dy.scalar_type()), dim, index, dy));
                 });
  }
  return {values, indices};
}

Tensor index_of_extreme(const Tensor& self, const char* operation, bool minimum,
                        std::optional<int64_t> given, bool keepdim) {
  check_dense(self, operation);
  SIMDGRAD_CHECK(self.scalar_type() != kBool, operation, "(): does not support bool input");
  if (!given) {
    SIMDGRAD_CHECK_AS(IndexError, self.numel() > 0, operation,
                      "(): Expected reduction dim to be specified for input.numel() == 0.");
    Tensor values, indices;
    const GradModeGuard no_grad(false);
    extreme_along(self.detach().reshape({-1}), 0, false, minimum, values, indices);
    const Dims ones(keepdim ? static_cast<size_t>(self.dim()) : 0, 1);
    return indices.view(ones).detach();
  }
  const int64_t dim = wrap_dim(*given, self.dim());
  check_dim_not_empty(self, operation, dim);
  if (self.dim() == 0) return zeros({}, kLong);
  Tensor values, indices;
  extreme_along(self, dim, keepdim, minimum, values, indices);
  return indices;
}

Tensor truth(const Tensor& self, const char* operation, IntegerFold kind, DimMask mask, bool keepdim) {
  check_dense(self, operation);
  const GradModeGuard no_grad(false);
  const Tensor is_true = self.scalar_type() == kBool ? self : self.ne(0);
  const Tensor y = fold_integers(kind, is_true, mask, keepdim);
  return self.scalar_type() == kByte ? y.to(kByte) : y;
}

}  // namespace

Tensor max(const Tensor& self) {
  check_dense(self, "max");
  check_not_empty(self, "max");
  return extreme_over<"MaxBackward1", true>(self, false, all_dims(self.dim()), false);
}
Tensor min(const Tensor& self) {
  check_dense(self, "min");
  check_not_empty(self, "min");
  return extreme_over<"MinBackward1", true>(self, true, all_dims(self.dim()), false);
}
std::tuple<Tensor, Tensor> max(const Tensor& self, int64_t dim, bool keepdim) {
  return extreme_along_dim<"MaxBackward0">(self, "max", false, dim, keepdim);
}
std::tuple<Tensor, Tensor> min(const Tensor& self, int64_t dim, bool keepdim) {
  return extreme_along_dim<"MinBackward0">(self, "min", true, dim, keepdim);
}
Tensor max(const Tensor& self, const Tensor& other) { return maximum(self, other); }
Tensor min(const Tensor& self, const Tensor& other) { return minimum(self, other); }

Tensor amax(const Tensor& self, IntArrayRef dims, bool keepdim) {
  check_dense(self, "amax");
  const DimMask mask = dim_mask(dims, self.dim());
  check_dims_not_empty(self, "amax", mask, !dims.empty());
  return extreme_over<"AmaxBackward0", false>(self, false, mask, keepdim);
}
Tensor amin(const Tensor& self, IntArrayRef dims, bool keepdim) {
  check_dense(self, "amin");
  const DimMask mask = dim_mask(dims, self.dim());
  check_dims_not_empty(self, "amin", mask, !dims.empty());
  return extreme_over<"AminBackward0", false>(self, true, mask, keepdim);
}
Tensor argmax(const Tensor& self, std::optional<int64_t> dim, bool keepdim) {
  return index_of_extreme(self, "argmax", false, dim, keepdim);
}
Tensor argmin(const Tensor& self, std::optional<int64_t> dim, bool keepdim) {
  return index_of_extreme(self, "argmin", true, dim, keepdim);
}

Tensor all(const Tensor& self) {
  check_defined(self);
  return truth(self, "all", IntegerFold::kAll, all_dims(self.dim()), false);
}
Tensor all(const Tensor& self, int64_t dim, bool keepdim) {
  check_defined(self);
  return truth(self, "all", IntegerFold::kAll, dim_mask(dim, self.dim()), keepdim);
}
Tensor any(const Tensor& self) {
  check_defined(self);
  return truth(self, "any", IntegerFold::kAny, all_dims(self.dim()), false);
}
Tensor any(const Tensor& self, int64_t dim, bool keepdim) {
  check_defined(self);
  return truth(self, "any", IntegerFold::kAny, dim_mask(dim, self.dim()), keepdim);
}


Tensor Tensor::max() const { return simdgrad::max(*this); }
Tensor Tensor::min() const { return simdgrad::min(*this); }
std::tuple<Tensor, Tensor> Tensor::max(int64_t dim, bool keepdim) const {
  return simdgrad::max(*this, dim, keepdim);
}
std::tuple<Tensor, Tensor> Tensor::min(int64_t dim, bool keepdim) const {
  return simdgrad::min(*this, dim, keepdim);
}
Tensor Tensor::amax(IntArrayRef dims, bool keepdim) const {
  return simdgrad::amax(*this, dims, keepdim);
}
Tensor Tensor::amin(IntArrayRef dims, bool keepdim) const {
  return simdgrad::amin(*this, dims, keepdim);
}
Tensor Tensor::argmax(std::optional<int64_t> dim, bool keepdim) const {
  return simdgrad::argmax(*this, dim, keepdim);
}
Tensor Tensor::argmin(std::optional<int64_t> dim, bool keepdim) const {
  return simdgrad::argmin(*this, dim, keepdim);
}
Tensor Tensor::all() const { return simdgrad::all(*this); }
Tensor Tensor::all(int64_t dim, bool keepdim) const { return simdgrad::all(*this, dim, keepdim); }
Tensor Tensor::any() const { return simdgrad::any(*this); }
Tensor Tensor::any(int64_t dim, bool keepdim) const { return simdgrad::any(*this, dim, keepdim); }

}  // namespace simdgrad
