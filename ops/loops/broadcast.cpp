// Common shapes and dtypes, gradients summed back, operands refused.
#include "ops/loops/broadcast.h"

#include <algorithm>

namespace simdgrad {

void broadcast_shapes(IntArrayRef a, IntArrayRef b, Dims& out) {
  const size_t ndim = std::max(a.size(), b.size());
  out.resize(0);
  for (size_t i = 0; i < ndim; ++i) {
    const int64_t from_a = i + a.size() < ndim ? 1 : a[i + a.size() - ndim];
    const int64_t from_b = i + b.size() < ndim ? 1 : b[i + b.size() - ndim];
    SIMDGRAD_CHECK(from_a == from_b || from_a == 1 || from_b == 1, "The size of tensor a (", from_a,
                   ") must match the size of tensor b (", from_b, ") at non-singleton dimension ",
                   i);
    out.push_back(from_a == 1 ? from_b : from_a);
  }
}

void check_broadcasts_to(IntArrayRef sizes, IntArrayRef a, IntArrayRef b) {
  if (a == sizes && b == sizes) return;
  Dims shape;
  broadcast_shapes(a, b, shape);
  SIMDGRAD_CHECK(IntArrayRef(shape) == sizes, "output with shape ", sizes,
                 " doesn't match the broadcast shape ", IntArrayRef(shape));
}

Tensor sum_to(const Tensor& gradient, IntArrayRef sizes) {
  const IntArrayRef from = impl(gradient).size_list();
  if (from == sizes) return gradient;
  SIMDGRAD_CHECK(from.size() >= sizes.size(), "sum_to: got a gradient of shape ", from,
                 ", needed one that ", sizes, " expands to");
  const size_t leading = from.size() - sizes.size();
  Dims dims;
  for (size_t i = 0; i < from.size(); ++i)
    if (i < leading || (sizes[i - leading] == 1 && from[i] != 1))
      dims.push_back(static_cast<int64_t>(i));
  if (dims.empty()) return gradient;  // shapes that agree where they are not 1
  if (leading == 0) return gradient.sum(IntArrayRef(dims), true);
  // Without keepdim where only leading dimensions go: one node less.
  if (dims.size() == leading) return gradient.sum(IntArrayRef(dims), false);
  return gradient.sum(IntArrayRef(dims), true).view(sizes);
}

Tensor reduce_gradient(Tensor gradient, IntArrayRef sizes, ScalarType dtype) {
  const TensorImpl& from = impl(gradient);
  if (from.size_list() != sizes) gradient = sum_to(gradient, sizes);
  if (impl(gradient).dtype != dtype) gradient = gradient.to(dtype);
  return gradient;
}

void ResultType::add(const Scalar& number) {
  add(number_, number.is_floating_point() ? get_default_dtype() : number.type());
}

ResultType::Class ResultType::combine(Class higher, Class lower) {
  if (!higher.any) return lower;
  if (!lower.any || is_floating_point(higher.dtype)) return higher;
  if (higher.dtype == ScalarType::Bool || is_floating_point(lower.dtype))
    return {promote_types(higher.dtype, lower.dtype), true};
  return higher;
}

ScalarType ResultType::get() const {
  return combine(dimensioned_, combine(zero_dim_, number_)).dtype;
}

ScalarType result_type(const Tensor& a, const Tensor& b) {
  if (impl(a).dtype == impl(b).dtype) return impl(a).dtype;
  ResultType result;
  result.add(a);
  result.add(b);
  return result.get();
}

ScalarType result_type(const Tensor& a, const Scalar& b) {
  if (is_floating_point(impl(a).dtype)) return impl(a).dtype;
  ResultType result;
  result.add(a);
  result.add(b);
  return result.get();
}

ScalarType result_type(const Scalar& a, const Tensor& b) { return result_type(b, a); }

void refuse_operand(const Tensor& tensor, const char* operation, const char* argument) {
  check_defined(tensor, argument);
  SIMDGRAD_THROW_AS(NotImplementedError, operation,
                    ": sparse tensors are not supported, got layout Sparse for argument '",
                    argument, "'");
}

}  // namespace simdgrad
