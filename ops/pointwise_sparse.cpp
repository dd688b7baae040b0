#include "ops/pointwise_sparse.h"

#include <simdgrad/pointwise.h>
#include <simdgrad/views.h>

#include "autograd/record.h"
#include "ops/broadcast.h"

namespace simdgrad {
namespace {

const TensorExtra& parts(const Tensor& sparse) { return *impl(sparse).extra; }

void check_sum(const Tensor& self, const Tensor& other) {
  check_defined(self);
  check_defined(other, "other", 1);
  SIMDGRAD_CHECK(impl(other).is_sparse(),
                 "add(sparse, dense) is not supported. Use add(dense, sparse) instead.");
  SIMDGRAD_CHECK(impl(self).size_list() == impl(other).size_list(),
                 "add: Expected 'self' and 'other' to have same size, but self has size ",
                 impl(self).size_list(), " while other has size ", impl(other).size_list(),
                 " (FYI: dense-sparse addition does not currently support broadcasting)");
}

Tensor scaled(const Tensor& values, const Scalar& alpha, ScalarType dtype) {
  Tensor result = alpha.to_double() == 1 ? values : mul(values, alpha);
  return impl(result).dtype == dtype ? result : result.to(dtype);
}

// Adds the rows of `other` into dense `self`.
void scatter(Tensor& self, const Tensor& other, const Scalar& alpha) {
  const TensorExtra& from = parts(other);
  SIMDGRAD_CHECK(impl(from.indices).sizes()[0] == 1, "add: got a tensor of ",
                 impl(from.indices).sizes()[0], " sparse dimensions, needed one");
  if (impl(from.values).numel == 0) return;
  self.index_add_(0, from.indices.select(0, 0), scaled(from.values, alpha, impl(self).dtype));
}

Tensor concatenated(const Tensor& self, const Tensor& other, const Scalar& alpha) {
  const TensorExtra& a = parts(self);
  const TensorExtra& b = parts(other);
  const ScalarType dtype = promote_types(impl(self).dtype, impl(other).dtype);
  const Tensor indices[] = {a.indices, b.indices};
  const Tensor values[] = {scaled(a.values, 1, dtype), scaled(b.values, alpha, dtype)};
  return make_sparse(cat(TensorList(indices), 1), cat(TensorList(values), 0),
                     impl(self).size_list(), false);
}

}  // namespace

Tensor add_sparse(const Tensor& self, const Tensor& other, const Scalar& alpha) {
  check_sum(self, other);
  const GradModeGuard guard(false);
  if (impl(self).is_sparse()) return concatenated(self, other, alpha);
  Tensor y = self.clone();
  scatter(y, other, alpha);
  return y;
}

Tensor& add_sparse_(Tensor& self, const Tensor& other, const Scalar& alpha) {
  check_sum(self, other);
  check_inplace(self, needs_gradient(self, other));
  const GradModeGuard guard(false);
  if (!impl(self).is_sparse()) {
    scatter(self, other, alpha);  // counts as the one change
    return self;
  }
  const Tensor sum = concatenated(self, other, alpha);
  TensorExtra& to = impl(self).extra_part();
  to.indices = parts(sum).indices;
  to.values = parts(sum).values;
  to.coalesced = false;
  finish_inplace(self);
  return self;
}

namespace {

// The one number of a 0-d operand.
Scalar number_of(const Tensor& self, const Tensor& other) {
  check_defined(other, "other", 1);
  SIMDGRAD_CHECK(impl(self).is_sparse() && !impl(other).is_sparse() && impl(other).ndim == 0,
                 "mul: a sparse tensor is multiplied by a number or a 0-d tensor only");
  return other.item();
}

}  // namespace

Tensor mul_sparse(const Tensor& self, const Tensor& other) {
  if (self.defined() && !impl(self).is_sparse()) return mul_sparse(other, self);
  return mul_sparse(self, number_of(self, other));
}
Tensor mul_sparse(const Tensor& self, const Scalar& other) {
  const GradModeGuard guard(false);
  return make_sparse(parts(self).indices, mul(parts(self).values, other), impl(self).size_list(),
                     parts(self).coalesced);
}
Tensor& mul_sparse_(Tensor& self, const Tensor& other) {
  return mul_sparse_(self, number_of(self, other));
}
Tensor& mul_sparse_(Tensor& self, const Scalar& other) {
  check_inplace(self, needs_gradient(self));
  const GradModeGuard guard(false);
  Tensor values = parts(self).values;
  mul_(values, other);
  finish_inplace(self);
  return self;
}

}  // namespace simdgrad
