// a^b with tensors and numbers on either side.
#include <cmath>

#include "ops/pointwise/nodes.h"

namespace simdgrad {

using namespace pointwise;

namespace {

void check_integer_power(const Tensor& self, const Scalar& exponent) {
  SIMDGRAD_CHECK(is_floating_point(impl(self).dtype) || exponent.is_floating_point() ||
                     exponent.to_long() >= 0,
                 "Integers to negative integer powers are not allowed.");
}

// Backward of base^b, base a number: db = y ln(base) dy, 0 where base = 0 <= b.
struct NumberToPowerNode {
  Saved exponent, result;
  double base;

  void operator()(Gradients& d) const {
    Tensor db = d.dy() * (result(d) * std::log(base));
    if (base == 0) db = where(exponent(d) >= 0, 0, db);
    d.set(0, std::move(db));
  }
};

}  // namespace

Tensor pow(const Tensor& self, const Tensor& exponent) {
  return binary<"PowBackward1", formulas::Pow>(self, exponent, "pow");
}

Tensor pow(const Tensor& self, const Scalar& exponent) {
  check_dense(self, "pow");
  check_integer_power(self, exponent);
  if (is_floating_point(result_type(self, exponent)))
    return unary<"PowBackward0">(self, "pow", formulas::PowScalar{exponent.to_double()});
  return binary_forward(self, exponent, binary_call("pow", formulas::Pow()));
}

Tensor pow(const Scalar& self, const Tensor& exponent) {
  check_dense(exponent, "pow", "exponent");
  Tensor y = binary_forward(self, exponent, binary_call("pow", formulas::Pow()));
  if (needs_gradient(exponent)) {
    const double base = self.to_double();
    record<"PowBackward2">(
        y, std::tie(exponent),
        NumberToPowerNode{base == 0 ? Saved(exponent) : Saved(), Saved::output(y), base});
  }
  return y;
}

Tensor& pow_(Tensor& self, const Tensor& exponent) {
  return binary_inplace<"PowBackward1", formulas::Pow>(self, exponent, "pow_");
}

Tensor& pow_(Tensor& self, const Scalar& exponent) {
  check_dense(self, "pow_");
  check_integer_power(self, exponent);
  const ScalarType dtype = result_type(self, exponent);
  check_result_type(dtype, impl(self).dtype);
  if (is_floating_point(dtype))
    return unary_inplace<"PowBackward0">(self, "pow_", formulas::PowScalar{exponent.to_double()});
  check_inplace(self, false);
  InplaceHistory history(self);
  binary_into(self, exponent, binary_call("pow_", formulas::Pow()));
  history.commit();
  return self;
}

Tensor Tensor::pow(const Tensor& exponent) const { return simdgrad::pow(*this, exponent); }
Tensor Tensor::pow(const Scalar& exponent) const { return simdgrad::pow(*this, exponent); }
Tensor& Tensor::pow_(const Tensor& exponent) { return simdgrad::pow_(*this, exponent); }
Tensor& Tensor::pow_(const Scalar& exponent) { return simdgrad::pow_(*this, exponent); }

}  // namespace simdgrad
