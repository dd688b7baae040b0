// Shapes and types of results: what every operation on several tensors asks first.
#pragma once

#include "core/tensor_impl.h"

namespace simdgrad {

// The shape that both expand to, aligned at their last dimensions. Error: "The size of tensor a (4)
// must match the size of tensor b (5) at non-singleton dimension 1".
void broadcast_shapes(IntArrayRef a, IntArrayRef b, Dims& out);
// Refuses operands that expand beyond the output they are written to: "output with shape [3] doesn't
// match the broadcast shape [2, 3]".
void check_broadcasts_to(IntArrayRef sizes, IntArrayRef a, IntArrayRef b);

// The gradient of an operand of shape `sizes` that was broadcast: sums over the dimensions it was
// repeated along. The same tensor, not a copy, where the shapes are equal. Built of public
// operations, so it has derivatives.
Tensor sum_to(const Tensor& gradient, IntArrayRef sizes);
// sum_to, then the operand's dtype.
Tensor reduce_gradient(Tensor gradient, IntArrayRef sizes, ScalarType dtype);

// The dtype of a result, as torch::result_type: tensors with dimensions decide; 0-d tensors and
// then numbers only where theirs is the higher category (bool < integers < floats). A float number
// counts as the default dtype, an integer as Long.
ScalarType result_type(const Tensor& a, const Tensor& b);
ScalarType result_type(const Tensor& a, const Scalar& b);
ScalarType result_type(const Scalar& a, const Tensor& b);

// What several operands together make of their dtypes.
class ResultType {
 public:
  void add(const Tensor& tensor) {
    add(impl(tensor).ndim > 0 ? dimensioned_ : zero_dim_, impl(tensor).dtype);
  }
  void add(const Scalar& number);
  ScalarType get() const;

 private:
  struct Class {
    ScalarType dtype = ScalarType::Bool;
    bool any = false;
  };
  static void add(Class& to, ScalarType dtype) {
    to.dtype = to.any ? promote_types(to.dtype, dtype) : dtype;
    to.any = true;
  }
  static Class combine(Class higher, Class lower);
  Class dimensioned_, zero_dim_, number_;
};

// Refuses undefined and sparse tensors before their data is touched. Error: "mul: sparse tensors are
// not supported, got layout Sparse for argument 'self'".
void refuse_operand(const Tensor& tensor, const char* operation, const char* argument);
inline void check_dense(const Tensor& tensor, const char* operation, const char* argument = "self") {
  if (!tensor.defined() || impl(tensor).is_sparse()) [[unlikely]]
    refuse_operand(tensor, operation, argument);
}

}  // namespace simdgrad
