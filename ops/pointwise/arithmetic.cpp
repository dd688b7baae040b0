// Sums, differences, products, quotients; every row of binary_ops.inc.
#include "ops/pointwise/nodes.h"
#include "ops/sparse/arithmetic.h"

namespace simdgrad {

using namespace pointwise;

#define SIMDGRAD_BINARY(function, Formula)                                                 \
  Tensor function(const Tensor& self, const Tensor& other) {                               \
    return binary<#Formula "Backward0", formulas::Formula>(self, other, #function);        \
  }                                                                                        \
  Tensor Tensor::function(const Tensor& other) const { return simdgrad::function(*this, other); }
#include <simdgrad/binary_ops.inc>
#undef SIMDGRAD_BINARY

namespace {

bool is_sparse(const Tensor& tensor) { return tensor.defined() && impl(tensor).is_sparse(); }
bool is_one(const Scalar& alpha) { return alpha.to_double() == 1; }

void check_alpha(ScalarType dtype, const Scalar& alpha) {
  SIMDGRAD_CHECK(!alpha.is_boolean() || dtype == ScalarType::Bool,
                 "Boolean alpha only supported for Boolean results.");
  SIMDGRAD_CHECK(is_floating_point(dtype) || alpha.is_integral(true),
                 "For integral input tensors, argument alpha must not be a floating point number.");
}

[[noreturn, gnu::cold]] void refuse_bool_difference(bool both) {
  SIMDGRAD_CHECK(!both,
                 "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` "
                 "or `logical_xor()` operator instead.");
  SIMDGRAD_THROW(
      "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to "
      "invert a mask, use the `~` or `logical_not()` operator instead.");
}
bool is_bool(const Tensor& tensor) {
  return tensor.defined() && impl(tensor).dtype == ScalarType::Bool;
}
void check_difference(const Tensor& a, const Tensor& b) {
  if (is_bool(a) || is_bool(b)) [[unlikely]]
    refuse_bool_difference(is_bool(a) && is_bool(b));
}
void check_difference(const Tensor& a, const Scalar& b) {
  if (is_bool(a)) [[unlikely]]
    refuse_bool_difference(b.is_boolean());
}

// PyTorch's text; a sum with a number has no zeros left.
void check_not_sparse(const Tensor& self) {
  SIMDGRAD_CHECK(!is_sparse(self),
                 "add(sparse, dense) is not supported. Use add(dense, sparse) instead.");
}

}  // namespace

// --- add ----------------------------------------------------------------------------------------
Tensor add(const Tensor& self, const Tensor& other, const Scalar& alpha) {
  if (is_sparse(self) || is_sparse(other)) [[unlikely]]
    return add_sparse(self, other, alpha);
  if (is_one(alpha) && !alpha.is_boolean())
    return binary<"AddBackward0", formulas::Add>(self, other, "add");
  check_dense(self, "add");
  check_dense(other, "add", "other");
  check_alpha(result_type(self, other), alpha);
  return binary<"AddBackward0">(self, other, "add", formulas::AddScaled{alpha.to_double()});
}
Tensor add(const Tensor& self, const Scalar& other, const Scalar& alpha) {
  check_not_sparse(self);
  if (is_one(alpha) && !alpha.is_boolean())
    return with_number<"AddBackward1", formulas::Add>(self, other, "add");
  check_dense(self, "add");
  check_alpha(result_type(self, other), alpha);
  return with_number<"AddBackward1">(self, other, "add", formulas::AddScaled{alpha.to_double()});
}
Tensor& add_(Tensor& self, const Tensor& other, const Scalar& alpha) {
  if (is_sparse(self) || is_sparse(other)) [[unlikely]]
    return add_sparse_(self, other, alpha);
  if (is_one(alpha) && !alpha.is_boolean())
    return binary_inplace<"AddBackward0", formulas::Add>(self, other, "add_");
  check_dense(self, "add_");
  check_dense(other, "add_", "other");
  check_alpha(result_type(self, other), alpha);
  return binary_inplace<"AddBackward0">(self, other, "add_",
                                        formulas::AddScaled{alpha.to_double()});
}
Tensor& add_(Tensor& self, const Scalar& other, const Scalar& alpha) {
  check_not_sparse(self);
  if (is_one(alpha) && !alpha.is_boolean())
    return with_number_inplace<"AddBackward1", formulas::Add>(self, other, "add_");
  check_dense(self, "add_");
  check_alpha(result_type(self, other), alpha);
  return with_number_inplace<"AddBackward1">(self, other, "add_",
                                             formulas::AddScaled{alpha.to_double()});
}

// --- sub: a + (-alpha) b where alpha is not 1 ---------------------------------------------------
Tensor sub(const Tensor& self, const Tensor& other, const Scalar& alpha) {
  if (is_sparse(self) || is_sparse(other)) [[unlikely]]
    return sub_sparse(self, other, alpha);
  check_difference(self, other);
  if (is_one(alpha)) return binary<"SubBackward0", formulas::Sub>(self, other, "sub");
  check_dense(self, "sub");
  check_dense(other, "sub", "other");
  check_alpha(result_type(self, other), alpha);
  return binary<"SubBackward0">(self, other, "sub", formulas::AddScaled{-alpha.to_double()});
}
Tensor sub(const Tensor& self, const Scalar& other, const Scalar& alpha) {
  check_not_sparse(self);
  check_difference(self, other);
  if (is_one(alpha)) return with_number<"SubBackward1", formulas::Sub>(self, other, "sub");
  check_dense(self, "sub");
  check_alpha(result_type(self, other), alpha);
  return with_number<"SubBackward1">(self, other, "sub", formulas::AddScaled{-alpha.to_double()});
}
Tensor& sub_(Tensor& self, const Tensor& other, const Scalar& alpha) {
  if (is_sparse(self) || is_sparse(other)) [[unlikely]]
    return sub_sparse_(self, other, alpha);
  check_difference(self, other);
  if (is_one(alpha)) return binary_inplace<"SubBackward0", formulas::Sub>(self, other, "sub_");
  check_dense(self, "sub_");
  check_dense(other, "sub_", "other");
  check_alpha(result_type(self, other), alpha);
  return binary_inplace<"SubBackward0">(self, other, "sub_",
                                        formulas::AddScaled{-alpha.to_double()});
}
Tensor& sub_(Tensor& self, const Scalar& other, const Scalar& alpha) {
  check_not_sparse(self);
  check_difference(self, other);
  if (is_one(alpha)) return with_number_inplace<"SubBackward1", formulas::Sub>(self, other, "sub_");
  check_dense(self, "sub_");
  check_alpha(result_type(self, other), alpha);
  return with_number_inplace<"SubBackward1">(self, other, "sub_",
                                             formulas::AddScaled{-alpha.to_double()});
}

// --- mul ----------------------------------------------------------------------------------------
Tensor mul(const Tensor& self, const Tensor& other) {
  if (is_sparse(self) || is_sparse(other)) [[unlikely]]
    return mul_sparse(self, other);
  return binary<"MulBackward0", formulas::Mul>(self, other, "mul");
}
Tensor mul(const Tensor& self, const Scalar& other) {
  if (is_sparse(self)) [[unlikely]]
    return mul_sparse(self, other);
  return with_number<"MulBackward1", formulas::Mul>(self, other, "mul");
}
Tensor& mul_(Tensor& self, const Tensor& other) {
  if (is_sparse(self) || is_sparse(other)) [[unlikely]]
    return mul_sparse_(self, other);
  return binary_inplace<"MulBackward0", formulas::Mul>(self, other, "mul_");
}
Tensor& mul_(Tensor& self, const Scalar& other) {
  if (is_sparse(self)) [[unlikely]]
    return mul_sparse_(self, other);
  return with_number_inplace<"MulBackward1", formulas::Mul>(self, other, "mul_");
}

// --- div ----------------------------------------------------------------------------------------
Tensor div(const Tensor& self, const Tensor& other) {
  if (is_sparse(self) || is_sparse(other)) [[unlikely]]
    return div_sparse(self, other);
  return binary<"DivBackward0", formulas::Div>(self, other, "div");
}
Tensor div(const Tensor& self, const Scalar& other) {
  if (is_sparse(self)) [[unlikely]]
    return div_sparse(self, other);
  return with_number<"DivBackward1", formulas::Div>(self, other, "div");
}
Tensor& div_(Tensor& self, const Tensor& other) {
  if (is_sparse(self) || is_sparse(other)) [[unlikely]]
    return div_sparse_(self, other);
  return binary_inplace<"DivBackward0", formulas::Div>(self, other, "div_");
}
Tensor& div_(Tensor& self, const Scalar& other) {
  if (is_sparse(self)) [[unlikely]]
    return div_sparse_(self, other);
  return with_number_inplace<"DivBackward1", formulas::Div>(self, other, "div_");
}

namespace {

// True for "floor", false for "trunc".
bool rounds_down(std::string_view mode) {
  SIMDGRAD_CHECK(mode == "floor" || mode == "trunc",
                 "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '",
                 mode, "'");
  return mode == "floor";
}
void check_rounded(ScalarType dtype, bool down) {
  SIMDGRAD_CHECK(dtype != ScalarType::Bool, "\"", down ? "div_floor_cpu" : "div_trunc_cpu",
                 "\" not implemented for 'Bool'");
}

}  // namespace

Tensor div(const Tensor& self, const Tensor& other, std::optional<std::string_view> rounding_mode) {
  if (!rounding_mode) return div(self, other);
  const bool down = rounds_down(*rounding_mode);
  check_dense(self, "div");
  check_dense(other, "div", "other");
  check_rounded(result_type(self, other), down);
  if (down) return binary<"DivBackward2", formulas::DivFloor>(self, other, "div");
  return binary<"DivBackward2", formulas::DivTrunc>(self, other, "div");
}
Tensor div(const Tensor& self, const Scalar& other, std::optional<std::string_view> rounding_mode) {
  if (!rounding_mode) return div(self, other);
  const bool down = rounds_down(*rounding_mode);
  check_dense(self, "div");
  check_rounded(result_type(self, other), down);
  if (down) return with_number<"DivBackward3", formulas::DivFloor>(self, other, "div");
  return with_number<"DivBackward3", formulas::DivTrunc>(self, other, "div");
}

// --- operators and members ----------------------------------------------------------------------
Tensor operator+(const Tensor& self, const Tensor& other) { return add(self, other); }
Tensor operator+(const Tensor& self, const Scalar& other) { return add(self, other); }
Tensor operator+(const Scalar& self, const Tensor& other) { return add(other, self); }
Tensor operator-(const Tensor& self, const Tensor& other) { return sub(self, other); }
Tensor operator-(const Tensor& self, const Scalar& other) { return sub(self, other); }
Tensor operator-(const Scalar& self, const Tensor& other) {
  if (is_bool(other)) [[unlikely]]
    refuse_bool_difference(true);
  return number_with<"SubBackward0", formulas::Sub>(self, other, "sub");
}
Tensor operator*(const Tensor& self, const Tensor& other) { return mul(self, other); }
Tensor operator*(const Tensor& self, const Scalar& other) { return mul(self, other); }
Tensor operator*(const Scalar& self, const Tensor& other) { return mul(other, self); }
Tensor operator/(const Tensor& self, const Tensor& other) { return div(self, other); }
Tensor operator/(const Tensor& self, const Scalar& other) { return div(self, other); }
Tensor operator/(const Scalar& self, const Tensor& other) {
  return number_with<"DivBackward0", formulas::Div>(self, other, "div");
}

Tensor Tensor::add(const Tensor& other, const Scalar& alpha) const {
  return simdgrad::add(*this, other, alpha);
}
Tensor Tensor::add(const Scalar& other, const Scalar& alpha) const {
  return simdgrad::add(*this, other, alpha);
}
Tensor& Tensor::add_(const Tensor& other, const Scalar& alpha) {
  return simdgrad::add_(*this, other, alpha);
}
Tensor& Tensor::add_(const Scalar& other, const Scalar& alpha) {
  return simdgrad::add_(*this, other, alpha);
}
Tensor Tensor::sub(const Tensor& other, const Scalar& alpha) const {
  return simdgrad::sub(*this, other, alpha);
}
Tensor Tensor::sub(const Scalar& other, const Scalar& alpha) const {
  return simdgrad::sub(*this, other, alpha);
}
Tensor& Tensor::sub_(const Tensor& other, const Scalar& alpha) {
  return simdgrad::sub_(*this, other, alpha);
}
Tensor& Tensor::sub_(const Scalar& other, const Scalar& alpha) {
  return simdgrad::sub_(*this, other, alpha);
}
Tensor Tensor::mul(const Tensor& other) const { return simdgrad::mul(*this, other); }
Tensor Tensor::mul(const Scalar& other) const { return simdgrad::mul(*this, other); }
Tensor& Tensor::mul_(const Tensor& other) { return simdgrad::mul_(*this, other); }
Tensor& Tensor::mul_(const Scalar& other) { return simdgrad::mul_(*this, other); }
Tensor Tensor::div(const Tensor& other) const { return simdgrad::div(*this, other); }
Tensor Tensor::div(const Scalar& other) const { return simdgrad::div(*this, other); }
Tensor Tensor::div(const Tensor& other, std::optional<std::string_view> rounding_mode) const {
  return simdgrad::div(*this, other, rounding_mode);
}
Tensor Tensor::div(const Scalar& other, std::optional<std::string_view> rounding_mode) const {
  return simdgrad::div(*this, other, rounding_mode);
}
Tensor& Tensor::div_(const Tensor& other) { return simdgrad::div_(*this, other); }
Tensor& Tensor::div_(const Scalar& other) { return simdgrad::div_(*this, other); }

}  // namespace simdgrad
