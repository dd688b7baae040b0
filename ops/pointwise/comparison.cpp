// Comparisons, tests of floats, logic; bool results, outside the graph.
#include <algorithm>
#include <cstring>

#include "ops/pointwise/integer_kernels.h"
#include "ops/pointwise/pointwise.h"

namespace simdgrad {

using namespace pointwise;
using kernels::CompareOp;
using kernels::FloatTest;
using kernels::table;

namespace {

RowKernel compare_kernel(CompareOp op, ScalarType compute) {
  if (compute == ScalarType::Long) return integer_kernel(op);
  return table().masks->compare[float_index(compute)][static_cast<int>(op)];
}

Tensor compare(const Tensor& a, const Tensor& b, CompareOp op, const char* name) {
  check_dense(a, name);
  check_dense(b, name, "other");
  const ScalarType compute = compute_type(result_type(a, b));
  Dims shape;
  broadcast_shapes(impl(a).size_list(), impl(b).size_list(), shape);
  Tensor y = make_result(shape, ScalarType::Bool, {&a, &b});
  const LoopOperand operands[] = {LoopOperand(y), {a, compute}, {b, compute}};
  elementwise_loop(shape, operands, 3, compare_kernel(op, compute), nullptr);
  return y;
}

Tensor compare(const Tensor& a, const Scalar& b, CompareOp op, const char* name) {
  check_dense(a, name);
  const ScalarType compute = compute_type(result_type(a, b));
  Tensor y = make_result(impl(a).size_list(), ScalarType::Bool, {&a});
  const Number number(b, compute);
  const LoopOperand operands[] = {LoopOperand(y), {a, compute}, number.operand()};
  elementwise_loop(impl(a).size_list(), operands, 3, compare_kernel(op, compute), nullptr);
  return y;
}

Tensor test_floats(const Tensor& x, FloatTest test, bool of_integers, const char* name) {
  check_dense(x, name);
  const ScalarType dtype = impl(x).dtype;
  Tensor y = make_result(impl(x).size_list(), ScalarType::Bool, {&x});
  if (!is_floating_point(dtype)) {
    std::memset(impl(y).data, of_integers, static_cast<size_t>(impl(y).numel));
    return y;
  }
  const LoopOperand operands[] = {LoopOperand(y), LoopOperand(x)};
  elementwise_loop(impl(x).size_list(), operands, 2,
                   table().masks->test[float_index(dtype)][static_cast<int>(test)], nullptr);
  return y;
}

}  // namespace

#define SIMDGRAD_COMPARE(function, Op, op, mirrored)                                             \
  Tensor function(const Tensor& self, const Tensor& other) {                                     \
    return compare(self, other, CompareOp::Op, #function);                                       \
  }                                                                                              \
  Tensor function(const Tensor& self, const Scalar& other) {                                     \
    return compare(self, other, CompareOp::Op, #function);                                       \
  }                                                                                              \
  Tensor operator op(const Tensor& self, const Tensor& other) { return function(self, other); }  \
  Tensor operator op(const Tensor& self, const Scalar& other) { return function(self, other); }  \
  Tensor operator op(const Scalar& self, const Tensor& other) { return mirrored(other, self); }  \
  Tensor Tensor::function(const Tensor& other) const { return simdgrad::function(*this, other); } \
  Tensor Tensor::function(const Scalar& other) const { return simdgrad::function(*this, other); }
SIMDGRAD_COMPARE(eq, Eq, ==, eq)
SIMDGRAD_COMPARE(ne, Ne, !=, ne)
SIMDGRAD_COMPARE(lt, Lt, <, gt)
SIMDGRAD_COMPARE(le, Le, <=, ge)
SIMDGRAD_COMPARE(gt, Gt, >, lt)
SIMDGRAD_COMPARE(ge, Ge, >=, le)
#undef SIMDGRAD_COMPARE

Tensor isnan(const Tensor& self) { return test_floats(self, FloatTest::IsNan, false, "isnan"); }
Tensor isinf(const Tensor& self) { return test_floats(self, FloatTest::IsInf, false, "isinf"); }
Tensor isfinite(const Tensor& self) {
  return test_floats(self, FloatTest::IsFinite, true, "isfinite");
}

// --- logic --------------------------------------------------------------------------------------
namespace {

Tensor bits(const Tensor& a, const Tensor& b, BitOp op, ScalarType dtype) {
  Dims shape;
  broadcast_shapes(impl(a).size_list(), impl(b).size_list(), shape);
  Tensor y = make_result(shape, dtype, {&a, &b});
  const LoopOperand operands[] = {
      {y, ScalarType::Long}, {a, ScalarType::Long}, {b, ScalarType::Long}};
  elementwise_loop(shape, operands, 3, integer_kernel(op), nullptr);
  return y;
}

Tensor truth(const Tensor& x) { return impl(x).dtype == ScalarType::Bool ? x : ne(x, 0); }

Tensor logical(const Tensor& a, const Tensor& b, BitOp op, const char* name) {
  check_dense(a, name);
  check_dense(b, name, "other");
  return bits(truth(a), truth(b), op, ScalarType::Bool);
}

Tensor bitwise(const Tensor& a, const Tensor& b, BitOp op, const char* name) {
  check_dense(a, name);
  check_dense(b, name, "other");
  const ScalarType dtype = result_type(a, b);
  SIMDGRAD_CHECK(!is_floating_point(dtype), "\"", name, "_cpu\" not implemented for '",
                 to_string(dtype), "'");
  return bits(a, b, op, dtype);
}

}  // namespace

Tensor logical_not(const Tensor& self) { return eq(self, 0); }
Tensor logical_and(const Tensor& self, const Tensor& other) {
  return logical(self, other, BitOp::bit_and, "logical_and");
}
Tensor logical_or(const Tensor& self, const Tensor& other) {
  return logical(self, other, BitOp::bit_or, "logical_or");
}
Tensor logical_xor(const Tensor& self, const Tensor& other) {
  return logical(self, other, BitOp::bit_xor, "logical_xor");
}
Tensor bitwise_not(const Tensor& self) {
  check_dense(self, "bitwise_not");
  const ScalarType dtype = impl(self).dtype;
  if (dtype == ScalarType::Bool) return logical_not(self);
  SIMDGRAD_CHECK(!is_floating_point(dtype), "\"bitwise_not_cpu\" not implemented for '",
                 to_string(dtype), "'");
  return bits(self, self, BitOp::bit_not, dtype);
}
Tensor bitwise_and(const Tensor& self, const Tensor& other) {
  return bitwise(self, other, BitOp::bit_and, "bitwise_and");
}
Tensor bitwise_or(const Tensor& self, const Tensor& other) {
  return bitwise(self, other, BitOp::bit_or, "bitwise_or");
}
Tensor bitwise_xor(const Tensor& self, const Tensor& other) {
  return bitwise(self, other, BitOp::bit_xor, "bitwise_xor");
}
Tensor operator&(const Tensor& self, const Tensor& other) { return bitwise_and(self, other); }
Tensor operator|(const Tensor& self, const Tensor& other) { return bitwise_or(self, other); }
Tensor operator^(const Tensor& self, const Tensor& other) { return bitwise_xor(self, other); }

Tensor Tensor::logical_not() const { return simdgrad::logical_not(*this); }
Tensor Tensor::logical_and(const Tensor& other) const {
  return simdgrad::logical_and(*this, other);
}
Tensor Tensor::logical_or(const Tensor& other) const { return simdgrad::logical_or(*this, other); }
Tensor Tensor::isnan() const { return simdgrad::isnan(*this); }
Tensor Tensor::isinf() const { return simdgrad::isinf(*this); }
Tensor Tensor::isfinite() const { return simdgrad::isfinite(*this); }
Tensor Tensor::operator~() const { return bitwise_not(*this); }

// --- are two tensors the same? ------------------------------------------------------------------
namespace {

// Of a result of this file, which lies dense in memory.
bool all_true(const Tensor& mask) {
  return !impl(mask).numel ||
         !std::memchr(impl(mask).data, 0, static_cast<size_t>(impl(mask).numel));
}

}  // namespace

Tensor isclose(const Tensor& self, const Tensor& other, double rtol, double atol, bool equal_nan) {
  check_dense(self, "isclose");
  check_dense(other, "isclose", "other");
  SIMDGRAD_CHECK(impl(self).dtype == impl(other).dtype, to_string(impl(self).dtype),
                 " did not match ", to_string(impl(other).dtype));
  SIMDGRAD_CHECK(rtol >= 0, "rtol must be greater than or equal to zero, but got ", rtol);
  SIMDGRAD_CHECK(atol >= 0, "atol must be greater than or equal to zero, but got ", atol);
  // Integers are compared as doubles.
  const ScalarType dtype = impl(self).dtype;
  const ScalarType compute = is_floating_point(dtype) ? dtype : ScalarType::Double;
  Dims shape;
  broadcast_shapes(impl(self).size_list(), impl(other).size_list(), shape);
  Tensor y = make_result(shape, ScalarType::Bool, {&self, &other});
  const LoopOperand operands[] = {LoopOperand(y), {self, compute}, {other, compute}};
  const formulas::IsClose formula{rtol, atol, equal_nan};
  elementwise_loop(shape, operands, 3, table().masks->is_close[float_index(compute)], &formula);
  return y;
}

bool allclose(const Tensor& self, const Tensor& other, double rtol, double atol, bool equal_nan) {
  return all_true(isclose(self, other, rtol, atol, equal_nan));
}

bool equal(const Tensor& self, const Tensor& other) {
  check_dense(self, "equal");
  check_dense(other, "equal", "other");
  return impl(self).size_list() == impl(other).size_list() && all_true(eq(self, other));
}

bool Tensor::equal(const Tensor& other) const { return simdgrad::equal(*this, other); }
bool Tensor::allclose(const Tensor& other, double rtol, double atol, bool equal_nan) const {
  return simdgrad::allclose(*this, other, rtol, atol, equal_nan);
}

}  // namespace simdgrad
