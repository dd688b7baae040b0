// What all pointwise operations share: which kernel, over which layout, into which result; without
// graph. Their nodes stand in nodes.h, the operations in unary.cpp, arithmetic.cpp, power.cpp,
// choices.cpp and comparison.cpp.
#pragma once

#include <simdgrad/pointwise.h>

#include "core/parallel.h"
#include "ops/loops/broadcast.h"
#include "ops/loops/elementwise_loop.h"
#include "ops/pointwise/formulas.h"
#include "ops/kernels/pointwise.h"
#include "ops/kernels/table.h"

namespace simdgrad::pointwise {

using formulas::Saves;
using formulas::Uses;
using kernels::BinaryOp;
using kernels::UnaryOp;

// The kernels' number of a formula: op_of<formulas::Tanh> is UnaryOp::Tanh.
template <class Formula>
inline constexpr int op_of = -1;
#define SIMDGRAD_OP(Formula) \
  template <>                \
  inline constexpr auto op_of<formulas::Formula> = UnaryOp::Formula;
#define SIMDGRAD_UNARY(function, Formula) SIMDGRAD_OP(Formula)
#include <simdgrad/unary_ops.inc>
#undef SIMDGRAD_UNARY
SIMDGRAD_MORE_UNARY(SIMDGRAD_OP)
#undef SIMDGRAD_OP
#define SIMDGRAD_OP(Formula) \
  template <>                \
  inline constexpr auto op_of<formulas::Formula> = BinaryOp::Formula;
#define SIMDGRAD_BINARY(function, Formula) SIMDGRAD_OP(Formula)
#include <simdgrad/binary_ops.inc>
#undef SIMDGRAD_BINARY
SIMDGRAD_MORE_BINARY(SIMDGRAD_OP)
#undef SIMDGRAD_OP

inline int float_index(ScalarType dtype) { return dtype == ScalarType::Double; }

// What the driver has to know of an operation, whatever the formula.
struct UnaryCall {
  UnaryOp op;
  const char* name;
  bool keeps_type;
  const void* formula;       // its members, or null
  const char* refuses_bool;  // the text for bool, or null
  const char* floats_only;   // a name for the text for integers, or null
};
struct BinaryCall {
  BinaryOp op;
  const char* name;
  bool keeps_type;
  const void* formula;
};

// A number as an operand, in the dtype that the kernel computes in.
struct Number {
  union {
    float f32;
    double f64;
    int64_t i64;
    bool b8;
  };
  ScalarType dtype;
  Number(const Scalar& value, ScalarType kernel_dtype);
  LoopOperand operand() const { return {static_cast<const void*>(&f64), dtype}; }
};

// --- results ------------------------------------------------------------------------------------
// The dtype that kernels compute in: Float, Double, or Long for every integer and bool.
inline ScalarType compute_type(ScalarType dtype) {
  return is_floating_point(dtype) ? dtype : ScalarType::Long;
}
// An uninitialised result in the layout that the operands agree on (TensorIterator's rules). Those
// that are not of `sizes` expand to it.
Tensor make_result(IntArrayRef sizes, ScalarType dtype, std::initializer_list<const Tensor*> operands);

// Both are dense float tensors of one dtype and one shape, without gaps: a result of the same kind
// follows from one call of the kernel. Neither is null.
[[gnu::always_inline]] inline bool match(const TensorImpl* a, const TensorImpl* b) {
  if (a->dtype != b->dtype || a->ndim != b->ndim || a->layout != Layout::Strided ||
      b->layout != Layout::Strided || !is_floating_point(a->dtype) ||
      !(a->flags & b->flags & TensorImpl::kContiguous) || a->numel != b->numel)
    return false;
  const int64_t* x = a->sizes();
  const int64_t* y = b->sizes();
  for (int i = 0; i < a->ndim; ++i)
    if (x[i] != y[i]) return false;
  return true;
}
inline bool is_plain(const TensorImpl* x) {
  return x && x->layout == Layout::Strided && is_floating_point(x->dtype) && x->is_contiguous();
}

// The kernel over n elements of contiguous operands, all of the dtype `item` bytes wide.
template <int count>
inline void run_plain(RowKernel kernel, int64_t n, int64_t item, char* const (&data)[count],
                      const int64_t (&strides)[count], const void* formula) {
  if (n <= chunk_size(kLoopChunk)) [[likely]] {
    if (n) kernel(data, strides, n, formula);
    return;
  }
  int64_t items[count];
  for (int64_t& bytes : items) bytes = item;
  contiguous_loop(n, data, strides, items, count, kernel, formula);
}
inline char* bytes_of(const TensorImpl* tensor) { return static_cast<char*>(tensor->data); }

// --- values without graph -----------------------------------------------------------------------
Tensor unary_forward(const Tensor& x, const UnaryCall& call);
Tensor binary_forward(const Tensor& a, const Tensor& b, const BinaryCall& call);
// The same for operands that match.
Tensor binary_plain(const TensorImpl* a, const TensorImpl* b, BinaryOp op, const void* formula);
Tensor binary_forward(const Tensor& a, const Scalar& b, const BinaryCall& call);
Tensor binary_forward(const Scalar& a, const Tensor& b, const BinaryCall& call);
// Into `self`, whose checks are done here except for check_inplace.
void unary_into(const Tensor& self, const UnaryCall& call);
void binary_into(const Tensor& self, const Tensor& other, const BinaryCall& call);
void binary_into(const Tensor& self, const Scalar& other, const BinaryCall& call);
// The same for operands that match and share no memory, or all of it.
void binary_plain_into(const TensorImpl* to, const TensorImpl* from, BinaryOp op,
                       const void* formula);
// dx from what was saved (undefined if nothing) and dy. `last_dy` is null, or dy itself where this is
// its last use: its memory may then take the result.
Tensor unary_backward(UnaryOp op, const Tensor& saved, const Tensor& dy, const void* formula,
                      Tensor* last_dy);
// The gradient of a (or b) in the shape and dtype of dy; operands that it does not use may be
// undefined.
Tensor binary_backward(BinaryOp op, bool of_a, const Tensor& a, const Tensor& b, const Tensor& dy,
                       const void* formula, Tensor* last_dy);
// The same where one operand is a number: `left` says that it is a. The gradient is the tensor's.
Tensor number_backward(BinaryOp op, bool left, const Tensor& tensor, const Scalar& number,
                       const Tensor& dy, const void* formula, Tensor* last_dy);
// "result type Float can't be cast to the desired output type Long"
void check_result_type(ScalarType result, ScalarType into);

}  // namespace simdgrad::pointwise
