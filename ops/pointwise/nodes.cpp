// OperandShapes: what a broadcast or promoted operand's gradient is brought back to.
#include "ops/pointwise/nodes.h"

#include <algorithm>

namespace simdgrad::pointwise {

OperandShapes::OperandShapes(const Tensor& a, const Tensor& b) {
  const TensorImpl* operands[] = {&impl(a), &impl(b)};
  block_ = static_cast<int64_t*>(
      allocate((4 + operands[0]->ndim + operands[1]->ndim) * sizeof(int64_t)));
  int64_t* to = block_;
  for (const TensorImpl* operand : operands) {
    *to++ = static_cast<int64_t>(operand->dtype);
    *to++ = operand->ndim;
    to = std::copy_n(operand->sizes(), operand->ndim, to);
  }
}

size_t OperandShapes::bytes() const {
  const int64_t first = block_[1];
  return static_cast<size_t>(4 + first + block_[3 + first]) * sizeof(int64_t);
}

OperandShapes::~OperandShapes() {
  if (block_) deallocate(block_, bytes());
}

Tensor OperandShapes::reduce(Tensor gradient, int operand) const {
  const int64_t* from = operand == 0 ? block_ : block_ + 2 + block_[1];
  return reduce_gradient(std::move(gradient), {from + 2, static_cast<size_t>(from[1])},
                         static_cast<ScalarType>(from[0]));
}

}  // namespace simdgrad::pointwise
