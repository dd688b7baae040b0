// Sums, means, variances, norms.
#include "ops/reductions/reductions.h"

#include <simdgrad/creation.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/reductions.h>
#include <simdgrad/sparse.h>
#include <simdgrad/views.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "core/warn_once.h"
#include "ops/loops/broadcast.h"
#include "ops/sparse/arithmetic.h"
#include "ops/views/shape.h"

namespace simdgrad {

namespace reductions {

Tensor as_float(const Tensor& self, std::optional<ScalarType> dtype) {
  const ScalarType to = dtype ? *dtype
                        : is_floating_point(self.scalar_type()) ? self.scalar_type()
                                                                : get_default_dtype();
  if (to == self.scalar_type()) return self;
  const GradModeGuard no_grad(false);
  return self.detach().to(to);
}

Tensor restored(const Tensor& reduced, DimMask mask, bool keepdim, int64_t ndim) {
  if (keepdim) return reduced;
  Tensor result = reduced;
  for (int64_t d = 0; d < ndim; ++d)
    if (mask >> d & 1) result = result.unsqueeze(d);
  return result;
}

Dims dims_of(DimMask mask, int64_t ndim) {
  Dims dims;
  for (int64_t d = 0; d < ndim; ++d)
    if (mask >> d & 1) dims.push_back(d);
  return dims;
}

}  // namespace reductions

using namespace reductions;

namespace {

// dy of a reduction, spread over what was reduced, in the operand's dtype.
Tensor spread(const Tensor& dy, IntArrayRef sizes, DimMask mask, bool keepdim, ScalarType dtype) {
  // One number needs no dimensions restored first.
  const TensorImpl& from = impl(dy);
  if (from.numel == 1 && from.dtype == dtype && !from.is_sparse() && !thread_state.grad_enabled) {
    const bool stays_one = std::all_of(sizes.begin(), sizes.end(), [](int64_t n) { return n == 1; });
    return make_alias(dy, sizes, Dims(sizes.size(), stays_one ? 1 : 0), from.storage_offset());
  }
  Tensor dx = restored(dy, mask, keepdim, static_cast<int64_t>(sizes.size())).expand(sizes);
  return dx.scalar_type() == dtype ? dx : dx.to(dtype);
}

Tensor sum_values(const Tensor& self, DimMask mask, bool keepdim, std::optional<ScalarType> dtype) {
  SIMDGRAD_CHECK(!dtype || is_floating_point(*dtype) || !needs_gradient(self),
                 "Autograd not support dtype: ", to_string(*dtype));
  if (!is_floating_point(self.scalar_type()) && !(dtype && is_floating_point(*dtype))) {
    const Tensor y = fold_integers(IntegerFold::kSum, self, mask, keepdim);
    return dtype ? y.to(*dtype) : y;
  }
  if (dtype && !is_floating_point(*dtype))
    return fold_integers(IntegerFold::kSum, self.detach().to(*dtype), mask, keepdim).to(*dtype);
  return fold(Fold::kSum, as_float(self, dtype), mask, keepdim);
}

template <NodeName name>
Tensor sum_over(const Tensor& self, DimMask mask, bool keepdim, std::optional<ScalarType> dtype) {
  Tensor y = sum_values(self, mask, keepdim, dtype);
  if (needs_gradient(self) && is_floating_point(y.scalar_type()))
    record_with_dims<name>(y, self, self.sizes(),
                           [mask, keepdim, type = self.scalar_type()](Gradients& d, IntArrayRef sizes) {
                             d.set(0, spread(d.dy(), sizes, mask, keepdim, type));
                           });
  return y;
}

void check_mean(const Tensor& self, std::optional<ScalarType> dtype) {
  const ScalarType type = dtype.value_or(self.scalar_type());
  SIMDGRAD_CHECK(is_floating_point(type), "mean(): could not infer output dtype. ",
                 dtype ? "Optional dtype" : "Input dtype",
                 " must be either a floating point or complex dtype. Got: ", to_string(type));
}

template <NodeName name>
Tensor mean_over(const Tensor& self, DimMask mask, bool keepdim, std::optional<ScalarType> dtype) {
  check_mean(self, dtype);
  Tensor y = fold(Fold::kSum, as_float(self, dtype), mask, keepdim);
  const double count = static_cast<double>(reduced_count(self, mask));
  divide_in_place(y, count);
  if (needs_gradient(self))
    record_with_dims<name>(
        y, self, self.sizes(),
        [mask, keepdim, count, type = self.scalar_type()](Gradients& d, IntArrayRef sizes) {
          d.set(0, spread(d.dy().div(count), sizes, mask, keepdim, type));
        });
  return y;
}

}  // namespace

Tensor sum(const Tensor& self, std::optional<ScalarType> dtype) {
  check_defined(self);
  if (self.is_sparse()) return sum_sparse(self, dtype);
  return sum_over<"SumBackward0">(self, all_dims(self.dim()), false, dtype);
}

Tensor sum(const Tensor& self, OptionalIntArrayRef dims, bool keepdim,
           std::optional<ScalarType> dtype) {
  check_defined(self);
  if (self.is_sparse()) return sum_sparse(self, dims, keepdim, dtype);
  return sum_over<"SumBackward1">(self, dim_mask(dims, self.dim()), keepdim, dtype);
}

Tensor mean(const Tensor& self, std::optional<ScalarType> dtype) {
  check_dense(self, "mean");
  return mean_over<"MeanBackward0">(self, all_dims(self.dim()), false, dtype);
}

Tensor mean(const Tensor& self, OptionalIntArrayRef dims, bool keepdim,
            std::optional<ScalarType> dtype) {
  check_dense(self, "mean");
  return mean_over<"MeanBackward1">(self, dim_mask(dims, self.dim()), keepdim, dtype);
}

namespace {

// d var = 2 (x - mean) dy / (n - correction)
Tensor var_gradient(const Tensor& dy, const Tensor& x, DimMask mask, bool keepdim, double divisor) {
  const Dims dims = dims_of(mask, x.dim());
  const Tensor centered = x.dim() == 0 ? x - x : x - x.mean(IntArrayRef(dims), true);
  return centered * restored(dy, mask, keepdim, x.dim()) * (2 / divisor);
}

double divisor_of(const Tensor& self, DimMask mask, const std::optional<Scalar>& correction,
                  const char* operation, WarnOnce& once) {
  const double left = static_cast<double>(reduced_count(self, mask)) -
                      (correction ? correction->to_double() : 1);
  if (left <= 0) [[unlikely]]
    once(std::string(operation) +
         "(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor "
         "(input numel divided by output numel).");
  return std::max(0.0, left);
}

void check_float(const Tensor& self, const char* text) {
  SIMDGRAD_CHECK(is_floating_point(self.scalar_type()), text, " only support floating point and complex dtypes");
}

Tensor variance(const Tensor& self, OptionalIntArrayRef dims, const std::optional<Scalar>& correction,
                bool keepdim) {
  check_dense(self, "var");
  check_float(self, "std and var");
  const DimMask mask = dim_mask(dims, self.dim());
  static constinit WarnOnce once;
  const double divisor = divisor_of(self, mask, correction, "var", once);
  Tensor y = mean_squared_distance(self, mask, keepdim, divisor, false);
  if (needs_gradient(self))
    record<"VarBackward0">(y, std::tie(self), [x = Saved(self), mask, keepdim, divisor](Gradients& d) {
      d.set(0, var_gradient(d.dy(), x(d), mask, keepdim, divisor));
    });
  return y;
}

Tensor deviation(const Tensor& self, OptionalIntArrayRef dims, const std::optional<Scalar>& correction,
                 bool keepdim) {
  check_dense(self, "std");
  check_float(self, "std and var");
  const DimMask mask = dim_mask(dims, self.dim());
  static constinit WarnOnce once;
  const double divisor = divisor_of(self, mask, correction, "std", once);
  Tensor y = mean_squared_distance(self, mask, keepdim, divisor, true);
  if (needs_gradient(self))
    record<"StdBackward0">(
        y, std::tie(self),
        [x = Saved(self), result = Saved::output(y), mask, keepdim, divisor](Gradients& d) {
          const Tensor std = result(d);
          const Tensor dvar = (d.dy() / (std * 2)).masked_fill(std.eq(0), 0);
          d.set(0, var_gradient(dvar, x(d), mask, keepdim, divisor));
        });
  return y;
}

std::optional<Scalar> correction_of(bool unbiased) { return Scalar(unbiased ? 1 : 0); }

}  // namespace

Tensor var(const Tensor& self, bool unbiased) {
  return variance(self, std::nullopt, correction_of(unbiased), false);
}
Tensor var(const Tensor& self, OptionalIntArrayRef dims, bool unbiased, bool keepdim) {
  return variance(self, dims, correction_of(unbiased), keepdim);
}
Tensor var(const Tensor& self, OptionalIntArrayRef dims, const std::optional<Scalar>& correction,
           bool keepdim) {
  return variance(self, dims, correction, keepdim);
}
Tensor std(const Tensor& self, bool unbiased) {
  return deviation(self, std::nullopt, correction_of(unbiased), false);
}
Tensor std(const Tensor& self, OptionalIntArrayRef dims, bool unbiased, bool keepdim) {
  return deviation(self, dims, correction_of(unbiased), keepdim);
}
Tensor std(const Tensor& self, OptionalIntArrayRef dims, const std::optional<Scalar>& correction,
           bool keepdim) {
  return deviation(self, dims, correction, keepdim);
}

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Tensor norm_values(const Tensor& self, double p, DimMask mask, bool keepdim) {
  const Tensor x = self.detach();
  if (p == 0) return fold(Fold::kCount, x, mask, keepdim);
  if (p == 1) return fold(Fold::kSumAbs, x, mask, keepdim);
  if (p == 2) {
    Tensor y = fold(Fold::kSumSquares, x, mask, keepdim);
    divide_in_place(y, 1, true);
    return y;
  }
  if (p == kInfinity) {
    return fold(Fold::kMaxAbs, x, mask, keepdim);
  }
  if (p == -kInfinity) return fold(Fold::kMin, x.abs(), mask, keepdim);
  return fold(Fold::kSum, x.abs().pow(p), mask, keepdim).pow(1 / p);
}

// A sum of nothing is 0; an extreme of nothing, or 0 to a negative power, is refused.
void check_norm_not_empty(const Tensor& self, double p, DimMask mask) {
  if (self.numel() > 0 || (p >= 0 && p != kInfinity)) return;
  SIMDGRAD_CHECK(mask != all_dims(self.dim()), "linalg.vector_norm cannot compute the ", Scalar(p),
                 " norm on an empty tensor because the operation does not have an identity");
  for (int64_t d = 0; d < self.dim(); ++d)
    SIMDGRAD_CHECK(!(mask >> d & 1) || self.size(d) > 0, "linalg.vector_norm cannot compute the ",
                   Scalar(p), " norm on the dimension ", d,
                   " because this dimension is empty and the operation does not have an identity");
}

// PyTorch's cases by p: written so that zeros and infinities give no NaN where the gradient exists.
Tensor norm_gradient(const Tensor& x, const Tensor& dy, double p, const Tensor& norm,
                     const Dims& dims) {
  if (p == 0) return zeros_like(x) * dy;
  if (p == 1) return x.sign() * dy;
  if (p == 2) return x * (dy / norm).masked_fill(norm.eq(0), 0);
  if (p == kInfinity || p == -kInfinity) {
    const Tensor extreme = x.detach().abs().eq(norm.detach()).to(x.scalar_type());
    const Tensor count = dims.empty() ? extreme : extreme.sum(IntArrayRef(dims), true);
    return x.sign() * extreme * (dy / count).masked_fill(count.eq(0), 0);  // 0 where the norm is a NaN
  }
  const Tensor scale = (dy / norm.pow(p - 1)).masked_fill(norm.eq(0), 0);
  const Tensor power = p < 2 ? x.sign() * x.abs().pow(p - 1).masked_fill(x.eq(0), 0)
                             : x * x.abs().pow(p - 2);
  return power * scale;
}

template <NodeName name>
Tensor norm_over(const Tensor& self, double p, DimMask mask, bool keepdim) {
  SIMDGRAD_CHECK(is_floating_point(self.scalar_type()),
                 "norm(): input dtype should be either floating point or complex. Got ",
                 to_string(self.scalar_type()), " instead.");
  check_norm_not_empty(self, p, mask);
  Tensor y = norm_values(self, p, mask, keepdim);
  if (needs_gradient(self))
    record<name>(y, std::tie(self),
                 [x = Saved(self), result = Saved::output(y), p, mask, keepdim](Gradients& d) {
                   const Tensor from = x(d);
                   const int64_t ndim = from.dim();
                   d.set(0, norm_gradient(from, restored(d.dy(), mask, keepdim, ndim), p,
                                          restored(result(d), mask, keepdim, ndim),
                                          dims_of(mask, ndim)));
                 });
  return y;
}

}  // namespace

Tensor norm(const Tensor& self, const Scalar& p) {
  check_defined(self);
  if (self.is_sparse()) return norm(self.coalesce().values(), p);
  return norm_over<"NormBackward0">(self, p.to_double(), all_dims(self.dim()), false);
}

Tensor norm(const Tensor& self, const std::optional<Scalar>& p, IntArrayRef dims, bool keepdim) {
  check_dense(self, "norm");
  return norm_over<"NormBackward1">(self, p ? p->to_double() : 2, dim_mask(dims, self.dim()), keepdim);
}

Tensor logsumexp(const Tensor& self, IntArrayRef dims, bool keepdim) {
  check_dense(self, "logsumexp");
  const DimMask mask = dim_mask(dims, self.dim());
  Tensor y;
  {
    const GradModeGuard no_grad(false);
    const Tensor x = as_float(self, std::nullopt).detach();
    if (x.numel() == 0) {
      y = fold(Fold::kSum, x, mask, keepdim).log();
    } else {
      // An infinite maximum is not subtracted: inf - inf is no number.
      const Tensor top = fold(Fold::kMax, x, mask, true);
      const Tensor finite = where(top.abs().eq(kInfinity), zeros_like(top), top);
      const Tensor sums = fold(Fold::kSum, (x - finite).exp(), mask, true);
      y = with_shape(sums.log() + finite, self, mask, keepdim);
    }
  }
  if (needs_gradient(self))
    record<"LogsumexpBackward0">(
        y, std::tie(self), [x = Saved(self), result = Saved::output(y), mask, keepdim](Gradients& d) {
          const Tensor from = x(d);
          const int64_t ndim = from.dim();
          d.set(0, restored(d.dy(), mask, keepdim, ndim) *
                       (from - restored(result(d), mask, keepdim, ndim)).exp());
        });
  return y;
}

Tensor Tensor::sum(std::optional<ScalarType> dtype) const { return simdgrad::sum(*this, dtype); }
Tensor Tensor::sum(OptionalIntArrayRef dims, bool keepdim, std::optional<ScalarType> dtype) const {
  return simdgrad::sum(*this, dims, keepdim, dtype);
}
Tensor Tensor::mean(std::optional<ScalarType> dtype) const { return simdgrad::mean(*this, dtype); }
Tensor Tensor::mean(OptionalIntArrayRef dims, bool keepdim, std::optional<ScalarType> dtype) const {
  return simdgrad::mean(*this, dims, keepdim, dtype);
}
Tensor Tensor::var(bool unbiased) const { return simdgrad::var(*this, unbiased); }
Tensor Tensor::var(OptionalIntArrayRef dims, bool unbiased, bool keepdim) const {
  return simdgrad::var(*this, dims, unbiased, keepdim);
}
Tensor Tensor::var(OptionalIntArrayRef dims, const std::optional<Scalar>& correction,
                   bool keepdim) const {
  return simdgrad::var(*this, dims, correction, keepdim);
}
Tensor Tensor::std(bool unbiased) const { return simdgrad::std(*this, unbiased); }
Tensor Tensor::std(OptionalIntArrayRef dims, bool unbiased, bool keepdim) const {
  return simdgrad::std(*this, dims, unbiased, keepdim);
}
Tensor Tensor::std(OptionalIntArrayRef dims, const std::optional<Scalar>& correction,
                   bool keepdim) const {
  return simdgrad::std(*this, dims, correction, keepdim);
}
Tensor Tensor::norm(const Scalar& p) const { return simdgrad::norm(*this, p); }
Tensor Tensor::norm(const std::optional<Scalar>& p, IntArrayRef dims, bool keepdim) const {
  return simdgrad::norm(*this, p, dims, keepdim);
}
Tensor Tensor::logsumexp(IntArrayRef dims, bool keepdim) const {
  return simdgrad::logsumexp(*this, dims, keepdim);
}

}  // namespace simdgrad
