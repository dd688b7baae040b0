// Pointwise operations: one number of the result from one number of each operand.
//
// Operands broadcast: shapes are aligned at their last dimensions, and a size of 1 (or a missing
// one) repeats. Error: "The size of tensor a (4) must match the size of tensor b (5) at
// non-singleton dimension 1". Dtypes are promoted as torch::result_type does: tensors with
// dimensions decide, then 0-d tensors, then numbers, each only if of a higher category (bool <
// integers < floats). The result has the strides that the operands agree on, else contiguous ones.
//
// Names that end in _ write into `self`, which keeps its shape and dtype and gets a new version.
// Errors: "output with shape [3] doesn't match the broadcast shape [2, 3]", "result type Float can't
// be cast to the desired output type Long", "a leaf Variable that requires grad is being used in an
// in-place operation.", and the one about operands that overlap in memory.
//
// Gradients of broadcast operands are summed to the operand's shape, in the operand's dtype. All
// have derivatives of any order. Sparse tensors are refused unless said otherwise.
#pragma once

#include <simdgrad/tensor.h>

#include <optional>
#include <string_view>

namespace simdgrad {

// --- of one tensor ------------------------------------------------------------------------------
#define SIMDGRAD_UNARY(function, Formula)           \
  SIMDGRAD_API Tensor function(const Tensor& self); \
  SIMDGRAD_API Tensor& function##_(Tensor& self);
#include <simdgrad/unary_ops.inc>
#undef SIMDGRAD_UNARY

// y = x^2, type kept (bool becomes Long).  dx = 2 x dy.  torch::square
SIMDGRAD_API Tensor square(const Tensor& self);
SIMDGRAD_API Tensor& square_(Tensor& self);

// y = x P(X < x), X normal: x (1 + erf(x / sqrt 2)) / 2 for "none", and its approximation by
// x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 for "tanh". Float tensors only.
// dx = dy times the derivative of that form.  torch::gelu
SIMDGRAD_API Tensor gelu(const Tensor& self, std::string_view approximate = "none");

// y = log(1 + e^(beta x)) / beta, and x where beta x > threshold. Float tensors only.
// dx = sigmoid(beta x) dy, dy where beta x > threshold.  torch::softplus
SIMDGRAD_API Tensor softplus(const Tensor& self, const Scalar& beta = 1,
                             const Scalar& threshold = 20);

// y = min(max(x, min), max): min where x < min, max where that is above max; NaN in x stays. Type
// promoted with the bounds.  dx = dy where min <= x <= max, else 0.  Error if neither is given.
// torch::clamp
SIMDGRAD_API Tensor clamp(const Tensor& self, const std::optional<Scalar>& min = std::nullopt,
                          const std::optional<Scalar>& max = std::nullopt);
SIMDGRAD_API Tensor& clamp_(Tensor& self, const std::optional<Scalar>& min = std::nullopt,
                            const std::optional<Scalar>& max = std::nullopt);
// One bound.  torch::clamp_min, torch::clamp_max
SIMDGRAD_API Tensor clamp_min(const Tensor& self, const Scalar& min);
SIMDGRAD_API Tensor& clamp_min_(Tensor& self, const Scalar& min);
SIMDGRAD_API Tensor clamp_max(const Tensor& self, const Scalar& max);
SIMDGRAD_API Tensor& clamp_max_(Tensor& self, const Scalar& max);

// --- of two tensors -----------------------------------------------------------------------------
#define SIMDGRAD_BINARY(function, Formula) \
  SIMDGRAD_API Tensor function(const Tensor& self, const Tensor& other);
#include <simdgrad/binary_ops.inc>
#undef SIMDGRAD_BINARY

// y = a + alpha b, type promoted (bool + bool is logical or).  da = dy, db = alpha dy.
// Error: "For integral input tensors, argument alpha must not be a floating point number."
// A row-sparse tensor may be added to a dense or a row-sparse one, but no dense one to it.
// torch::add
SIMDGRAD_API Tensor add(const Tensor& self, const Tensor& other, const Scalar& alpha = 1);
SIMDGRAD_API Tensor add(const Tensor& self, const Scalar& other, const Scalar& alpha = 1);
SIMDGRAD_API Tensor& add_(Tensor& self, const Tensor& other, const Scalar& alpha = 1);
SIMDGRAD_API Tensor& add_(Tensor& self, const Scalar& other, const Scalar& alpha = 1);

// y = a - alpha b, type promoted; Error for bool.  da = dy, db = -alpha dy.  torch::sub
SIMDGRAD_API Tensor sub(const Tensor& self, const Tensor& other, const Scalar& alpha = 1);
SIMDGRAD_API Tensor sub(const Tensor& self, const Scalar& other, const Scalar& alpha = 1);
SIMDGRAD_API Tensor& sub_(Tensor& self, const Tensor& other, const Scalar& alpha = 1);
SIMDGRAD_API Tensor& sub_(Tensor& self, const Scalar& other, const Scalar& alpha = 1);

// y = a b, type promoted.  da = b dy, db = a dy. A row-sparse tensor may be multiplied by a number.
// torch::mul
SIMDGRAD_API Tensor mul(const Tensor& self, const Tensor& other);
SIMDGRAD_API Tensor mul(const Tensor& self, const Scalar& other);
SIMDGRAD_API Tensor& mul_(Tensor& self, const Tensor& other);
SIMDGRAD_API Tensor& mul_(Tensor& self, const Scalar& other);

// y = a / b, integers becoming the default float type.  da = dy / b, db = -dy a / b^2.  torch::div
SIMDGRAD_API Tensor div(const Tensor& self, const Tensor& other);
SIMDGRAD_API Tensor div(const Tensor& self, const Scalar& other);
SIMDGRAD_API Tensor& div_(Tensor& self, const Tensor& other);
SIMDGRAD_API Tensor& div_(Tensor& self, const Scalar& other);
// The same for rounding_mode nullopt; "trunc" rounds the quotient towards zero and "floor" down,
// both with zero gradient and type kept. Error "ZeroDivisionError" for integers over 0.
SIMDGRAD_API Tensor div(const Tensor& self, const Tensor& other,
                        std::optional<std::string_view> rounding_mode);
SIMDGRAD_API Tensor div(const Tensor& self, const Scalar& other,
                        std::optional<std::string_view> rounding_mode);

// y = a^b, type promoted.  da = b a^(b-1) dy, 0 where b = 0; db = y ln(a) dy, 0 where a = 0 <= b.
// Error: "Integers to negative integer powers are not allowed." for integers and a number < 0.
// torch::pow
SIMDGRAD_API Tensor pow(const Tensor& self, const Tensor& exponent);
SIMDGRAD_API Tensor pow(const Tensor& self, const Scalar& exponent);
SIMDGRAD_API Tensor pow(const Scalar& self, const Tensor& exponent);
SIMDGRAD_API Tensor& pow_(Tensor& self, const Tensor& exponent);
SIMDGRAD_API Tensor& pow_(Tensor& self, const Scalar& exponent);

// --- choices ------------------------------------------------------------------------------------
// y = a where the bool condition holds, b elsewhere; all three broadcast, a and b are promoted.
// da = dy where it holds, else 0; db the rest.  Error: "where expected condition to be a boolean
// tensor, but got a tensor with dtype Long".  torch::where
SIMDGRAD_API Tensor where(const Tensor& condition, const Tensor& self, const Tensor& other);
SIMDGRAD_API Tensor where(const Tensor& condition, const Scalar& self, const Tensor& other);
SIMDGRAD_API Tensor where(const Tensor& condition, const Tensor& self, const Scalar& other);
SIMDGRAD_API Tensor where(const Tensor& condition, const Scalar& self, const Scalar& other);

// y = value where the bool mask holds, x elsewhere, in x's dtype; mask and x broadcast. The value is
// a number or a 0-d tensor.  dx = 0 where it holds, else dy; dvalue = the sum of the rest.
// torch::masked_fill
SIMDGRAD_API Tensor masked_fill(const Tensor& self, const Tensor& mask, const Scalar& value);
SIMDGRAD_API Tensor masked_fill(const Tensor& self, const Tensor& mask, const Tensor& value);
SIMDGRAD_API Tensor& masked_fill_(Tensor& self, const Tensor& mask, const Scalar& value);
SIMDGRAD_API Tensor& masked_fill_(Tensor& self, const Tensor& mask, const Tensor& value);

// --- comparisons: bool results, no gradient -----------------------------------------------------
// a = b, a != b, a < b, a <= b, a > b, a >= b after promotion; NaN is equal to nothing.
// torch::eq, ne, lt, le, gt, ge
SIMDGRAD_API Tensor eq(const Tensor& self, const Tensor& other);
SIMDGRAD_API Tensor eq(const Tensor& self, const Scalar& other);
SIMDGRAD_API Tensor ne(const Tensor& self, const Tensor& other);
SIMDGRAD_API Tensor ne(const Tensor& self, const Scalar& other);
SIMDGRAD_API Tensor lt(const Tensor& self, const Tensor& other);
SIMDGRAD_API Tensor lt(const Tensor& self, const Scalar& other);
SIMDGRAD_API Tensor le(const Tensor& self, const Tensor& other);
SIMDGRAD_API Tensor le(const Tensor& self, const Scalar& other);
SIMDGRAD_API Tensor gt(const Tensor& self, const Tensor& other);
SIMDGRAD_API Tensor gt(const Tensor& self, const Scalar& other);
SIMDGRAD_API Tensor ge(const Tensor& self, const Tensor& other);
SIMDGRAD_API Tensor ge(const Tensor& self, const Scalar& other);

// Is it (not) a number, infinite, neither? False, false and true for integers and bool.
// torch::isnan, isinf, isfinite
SIMDGRAD_API Tensor isnan(const Tensor& self);
SIMDGRAD_API Tensor isinf(const Tensor& self);
SIMDGRAD_API Tensor isfinite(const Tensor& self);

// Everything but 0 counts as true.  torch::logical_not, logical_and, logical_or, logical_xor
SIMDGRAD_API Tensor logical_not(const Tensor& self);
SIMDGRAD_API Tensor logical_and(const Tensor& self, const Tensor& other);
SIMDGRAD_API Tensor logical_or(const Tensor& self, const Tensor& other);
SIMDGRAD_API Tensor logical_xor(const Tensor& self, const Tensor& other);

// Bit by bit on integers, logical on bool, type promoted; Error for floats.
// torch::bitwise_not, bitwise_and, bitwise_or, bitwise_xor
SIMDGRAD_API Tensor bitwise_not(const Tensor& self);
SIMDGRAD_API Tensor bitwise_and(const Tensor& self, const Tensor& other);
SIMDGRAD_API Tensor bitwise_or(const Tensor& self, const Tensor& other);
SIMDGRAD_API Tensor bitwise_xor(const Tensor& self, const Tensor& other);

// |a - b| <= atol + rtol |b|, or a = b (infinities), or both NaN with equal_nan. torch::isclose
SIMDGRAD_API Tensor isclose(const Tensor& self, const Tensor& other, double rtol = 1e-5,
                            double atol = 1e-8, bool equal_nan = false);
// Does isclose hold everywhere?  torch::allclose
SIMDGRAD_API bool allclose(const Tensor& self, const Tensor& other, double rtol = 1e-5,
                           double atol = 1e-8, bool equal_nan = false);
// The same shape and, after promotion, the same numbers?  torch::equal
SIMDGRAD_API bool equal(const Tensor& self, const Tensor& other);

// --- operators ----------------------------------------------------------------------------------
// add, sub, mul, div, and the comparisons; a number may stand on either side. 2 - x is recorded as
// SubBackward0 and 2 / x as DivBackward0, each with one edge.
#define SIMDGRAD_OPERATOR(op)                                            \
  SIMDGRAD_API Tensor operator op(const Tensor& self, const Tensor& other); \
  SIMDGRAD_API Tensor operator op(const Tensor& self, const Scalar& other); \
  SIMDGRAD_API Tensor operator op(const Scalar& self, const Tensor& other);
SIMDGRAD_OPERATOR(+)
SIMDGRAD_OPERATOR(-)
SIMDGRAD_OPERATOR(*)
SIMDGRAD_OPERATOR(/)
SIMDGRAD_OPERATOR(==)
SIMDGRAD_OPERATOR(!=)
SIMDGRAD_OPERATOR(<)
SIMDGRAD_OPERATOR(<=)
SIMDGRAD_OPERATOR(>)
SIMDGRAD_OPERATOR(>=)
#undef SIMDGRAD_OPERATOR
// bitwise_and, bitwise_or, bitwise_xor; ~x and !x are members.
SIMDGRAD_API Tensor operator&(const Tensor& self, const Tensor& other);
SIMDGRAD_API Tensor operator|(const Tensor& self, const Tensor& other);
SIMDGRAD_API Tensor operator^(const Tensor& self, const Tensor& other);

}  // namespace simdgrad
