// Pointwise values without graph: dtypes, layouts of results, checks, kernels found and run.
#include "ops/pointwise/pointwise.h"

#include <algorithm>

#include "ops/loops/copy.h"
#include "ops/pointwise/integer_kernels.h"
#include "ops/sparse/arithmetic.h"

namespace simdgrad::pointwise {

using kernels::table;

Number::Number(const Scalar& value, ScalarType kernel_dtype) : i64(0), dtype(kernel_dtype) {
  switch (kernel_dtype) {
    case ScalarType::Float: f32 = value.to<float>(); break;
    case ScalarType::Double: f64 = value.to<double>(); break;
    case ScalarType::Bool: b8 = value.to<bool>(); break;
    default: i64 = value.to<int64_t>();
  }
}

// --- the layout of results ----------------------------------------------------------------------
namespace {

// The stride of an operand along dimension `dim` of the result; 0 where it is repeated.
int64_t stride_along(const Tensor& operand, IntArrayRef sizes, size_t dim) {
  const TensorImpl& of = impl(operand);
  if (dim + of.ndim < sizes.size()) return 0;
  const size_t own = dim + of.ndim - sizes.size();
  return of.sizes()[own] == 1 && sizes[dim] != 1 ? 0 : of.strides()[own];
}

// Does dimension x go outside of y? 1, -1, or 0 where no operand can tell.
int compare_dims(IntArrayRef sizes, std::initializer_list<const Tensor*> operands, size_t x,
                 size_t y) {
  for (const Tensor* operand : operands) {
    const int64_t along_x = stride_along(*operand, sizes, x);
    const int64_t along_y = stride_along(*operand, sizes, y);
    if (along_x == 0 || along_y == 0) continue;
    if (along_x != along_y) return along_x < along_y ? -1 : 1;
    if (sizes[x] > sizes[y]) return 1;
  }
  return 0;
}

}  // namespace

Tensor make_result(IntArrayRef sizes, ScalarType dtype,
                   std::initializer_list<const Tensor*> operands) {
  const size_t ndim = sizes.size();
  bool contiguous = true;
  for (const Tensor* operand : operands)
    contiguous &= impl(*operand).is_contiguous() && impl(*operand).size_list() == sizes;
  if (contiguous || ndim < 2) return make_tensor(sizes, dtype);
  // Dimensions from the innermost out; comparisons may be undecided, hence the insertion by hand.
  size_t order[kMaxDims];
  for (size_t i = 0; i < ndim; ++i) order[i] = ndim - 1 - i;
  for (size_t i = 1; i < ndim; ++i) {
    size_t moving = i;
    for (size_t j = i; j-- > 0;) {
      const int comparison = compare_dims(sizes, operands, order[j], order[moving]);
      if (comparison > 0) {
        std::swap(order[j], order[moving]);
        moving = j;
      } else if (comparison < 0) {
        break;
      }
    }
  }
  Dims strides(ndim);
  int64_t stride = 1;
  for (size_t i = 0; i < ndim; ++i) {
    strides[order[i]] = stride;
    stride *= std::max<int64_t>(sizes[order[i]], 1);
  }
  check_sizes_nonnegative({sizes.data(), ndim});
  return make_strided(sizes, strides, dtype);
}

// --- checks -------------------------------------------------------------------------------------
void check_result_type(ScalarType result, ScalarType into) {
  SIMDGRAD_CHECK(result == into || can_cast(result, into), "result type ", to_string(result),
                 " can't be cast to the desired output type ", to_string(into));
}

namespace {

// The dtype that an operation gives for operands of this one.
ScalarType output_type(ScalarType operands, bool keeps_type) {
  return keeps_type || is_floating_point(operands) ? operands : get_default_dtype();
}

RowKernel unary_kernel(const UnaryCall& call, ScalarType compute) {
  if (compute == ScalarType::Long) return integer_kernel(call.op);
  return table().unary->forward[float_index(compute)][static_cast<int>(call.op)];
}
RowKernel binary_kernel(const BinaryCall& call, ScalarType compute) {
  if (compute == ScalarType::Long) return integer_kernel(call.op);
  return table().binary->forward[float_index(compute)][static_cast<int>(call.op)];
}

// An operand that is read: itself, or a copy where it overlaps what is written.
Tensor readable(const Tensor& self, const Tensor& other) {
  return check_no_partial_overlap(self, other) ? contiguous_values(other) : other;
}

}  // namespace

// --- one tensor ---------------------------------------------------------------------------------
namespace {

void unary_loop(const Tensor& y, const Tensor& x, const UnaryCall& call, ScalarType compute) {
  const LoopOperand operands[] = {{y, compute}, {x, compute}};
  elementwise_loop(impl(y).size_list(), operands, 2, unary_kernel(call, compute), call.formula, 1);
}

void check_unary_type(ScalarType dtype, const UnaryCall& call) {
  SIMDGRAD_CHECK(dtype != ScalarType::Bool || !call.refuses_bool, call.refuses_bool);
  SIMDGRAD_CHECK(is_floating_point(dtype) || !call.floats_only, "\"", call.floats_only,
                 "\" not implemented for '", to_string(dtype), "'");
}

[[gnu::noinline]] Tensor unary_general(const Tensor& x, const UnaryCall& call) {
  if (call.op == UnaryOp::Neg && x.defined() && impl(x).is_sparse()) return neg_sparse(x);
  check_dense(x, call.name);
  check_unary_type(impl(x).dtype, call);
  const ScalarType dtype = output_type(impl(x).dtype, call.keeps_type);
  Tensor y = make_result(impl(x).size_list(), dtype, {&x});
  unary_loop(y, x, call, compute_type(dtype));
  return y;
}

}  // namespace

Tensor unary_forward(const Tensor& x, const UnaryCall& call) {
  const TensorImpl* from = impl_of(x);
  if (!is_plain(from)) [[unlikely]]
    return unary_general(x, call);
  Tensor y = make_contiguous_like(*from);
  const RowKernel kernel =
      table().unary->forward[float_index(from->dtype)][static_cast<int>(call.op)];
  run_plain<2>(kernel, from->numel, element_size(from->dtype), {bytes_of(impl_of(y)), bytes_of(from)},
               {1, 1}, call.formula);
  return y;
}

void unary_into(const Tensor& self, const UnaryCall& call) {
  check_unary_type(impl(self).dtype, call);
  const ScalarType dtype = output_type(impl(self).dtype, call.keeps_type);
  check_result_type(dtype, impl(self).dtype);
  const TensorImpl* to = impl_of(self);
  if (!is_plain(to)) {
    unary_loop(self, self, call, compute_type(dtype));
    return;
  }
  run_plain<2>(unary_kernel(call, dtype), to->numel, element_size(dtype),
               {bytes_of(to), bytes_of(to)}, {1, 1}, call.formula);
}

namespace {

// Room for a gradient that matches dy: dy's own, given away in `last_dy`, where nobody else sees it.
[[gnu::always_inline]] inline Tensor gradient_like(const TensorImpl& dy, Tensor* last_dy) {
  return last_dy && is_free(dy) ? std::move(*last_dy) : make_contiguous_like(dy);
}

}  // namespace

Tensor unary_backward(UnaryOp op, const Tensor& saved, const Tensor& dy, const void* formula,
                      Tensor* last_dy) {
  const TensorImpl* from = impl_of(dy);
  const RowKernel kernel =
      table().unary->backward[float_index(from->dtype)][static_cast<int>(op)];
  const TensorImpl* kept = saved.defined() ? impl_of(saved) : from;
  if (match(from, kept)) [[likely]] {
    Tensor dx = gradient_like(*from, last_dy);
    run_plain<3>(kernel, from->numel, element_size(from->dtype),
                 {bytes_of(impl_of(dx)), bytes_of(kept), bytes_of(from)}, {1, 1, 1}, formula);
    return dx;
  }
  check_dense(dy, "backward", "gradient");
  const Tensor& other = saved.defined() ? saved : dy;
  Tensor dx = make_result(from->size_list(), from->dtype, {&dy, &other});
  const LoopOperand operands[] = {LoopOperand(dx), {other, from->dtype}, LoopOperand(dy)};
  elementwise_loop(from->size_list(), operands, 3, kernel, formula, 1);
  return dx;
}

// --- two tensors, or one and a number -----------------------------------------------------------
namespace {

[[gnu::noinline]] Tensor binary_general(const Tensor& a, const Tensor& b, const BinaryCall& call) {
  check_dense(a, call.name);
  check_dense(b, call.name, "other");
  const ScalarType dtype = output_type(result_type(a, b), call.keeps_type);
  const ScalarType compute = compute_type(dtype);
  Dims shape;
  broadcast_shapes(impl(a).size_list(), impl(b).size_list(), shape);
  Tensor y = make_result(shape, dtype, {&a, &b});
  const LoopOperand operands[] = {{y, compute}, {a, compute}, {b, compute}};
  elementwise_loop(shape, operands, 3, binary_kernel(call, compute), call.formula);
  return y;
}

// A number on either side of a tensor that is no plain float one.
[[gnu::noinline]] Tensor number_general(const Tensor& x, const Scalar& value, bool number_first,
                                        const BinaryCall& call) {
  check_dense(x, call.name, number_first ? "other" : "self");
  const ScalarType dtype = output_type(result_type(x, value), call.keeps_type);
  const ScalarType compute = compute_type(dtype);
  Tensor y = make_result(impl(x).size_list(), dtype, {&x});
  const Number number(value, compute);
  LoopOperand operands[] = {{y, compute}, {x, compute}, number.operand()};
  if (number_first) std::swap(operands[1], operands[2]);
  elementwise_loop(impl(x).size_list(), operands, 3, binary_kernel(call, compute), call.formula);
  return y;
}

Tensor number_forward(const Tensor& x, const Scalar& value, bool number_first,
                      const BinaryCall& call) {
  const TensorImpl* from = impl_of(x);
  if (!is_plain(from)) [[unlikely]]
    return number_general(x, value, number_first, call);
  Tensor y = make_contiguous_like(*from);
  const RowKernel kernel =
      table().binary->forward[float_index(from->dtype)][static_cast<int>(call.op)];
  const Number number(value, from->dtype);
  char* const at = reinterpret_cast<char*>(const_cast<double*>(&number.f64));
  if (number_first) {
    run_plain<3>(kernel, from->numel, element_size(from->dtype),
                 {bytes_of(impl_of(y)), at, bytes_of(from)}, {1, 0, 1}, call.formula);
  } else {
    run_plain<3>(kernel, from->numel, element_size(from->dtype),
                 {bytes_of(impl_of(y)), bytes_of(from), at}, {1, 1, 0}, call.formula);
  }
  return y;
}

}  // namespace

Tensor binary_plain(const TensorImpl* a, const TensorImpl* b, BinaryOp op, const void* formula) {
  Tensor y = make_contiguous_like(*a);
  run_plain<3>(table().binary->forward[float_index(a->dtype)][static_cast<int>(op)], a->numel,
               element_size(a->dtype), {bytes_of(impl_of(y)), bytes_of(a), bytes_of(b)}, {1, 1, 1},
               formula);
  return y;
}
Tensor binary_forward(const Tensor& a, const Tensor& b, const BinaryCall& call) {
  const TensorImpl* x = impl_of(a);
  const TensorImpl* z = impl_of(b);
  if (x && z && match(x, z)) return binary_plain(x, z, call.op, call.formula);
  return binary_general(a, b, call);
}
Tensor binary_forward(const Tensor& a, const Scalar& b, const BinaryCall& call) {
  return number_forward(a, b, false, call);
}
Tensor binary_forward(const Scalar& a, const Tensor& b, const BinaryCall& call) {
  return number_forward(b, a, true, call);
}

void binary_plain_into(const TensorImpl* to, const TensorImpl* from, BinaryOp op,
                       const void* formula) {
  run_plain<3>(table().binary->forward[float_index(to->dtype)][static_cast<int>(op)], to->numel,
               element_size(to->dtype), {bytes_of(to), bytes_of(to), bytes_of(from)}, {1, 1, 1},
               formula);
}
void binary_into(const Tensor& self, const Tensor& other, const BinaryCall& call) {
  const TensorImpl* to = impl_of(self);
  const TensorImpl* from = impl_of(other);
  if (match(to, from) && (to->data == from->data || to->storage != from->storage)) [[likely]]
    return binary_plain_into(to, from, call.op, call.formula);
  const ScalarType dtype = output_type(result_type(self, other), call.keeps_type);
  check_result_type(dtype, to->dtype);
  check_broadcasts_to(to->size_list(), to->size_list(), from->size_list());
  const Tensor operand = readable(self, other);
  const ScalarType compute = compute_type(dtype);
  const LoopOperand operands[] = {{self, compute}, {self, compute}, {operand, compute}};
  elementwise_loop(to->size_list(), operands, 3, binary_kernel(call, compute), call.formula);
}

void binary_into(const Tensor& self, const Scalar& other, const BinaryCall& call) {
  const TensorImpl* to = impl_of(self);
  const ScalarType dtype = output_type(result_type(self, other), call.keeps_type);
  check_result_type(dtype, to->dtype);
  const ScalarType compute = compute_type(dtype);
  const Number number(other, compute);
  if (is_plain(to)) {
    run_plain<3>(binary_kernel(call, compute), to->numel, element_size(compute),
                 {bytes_of(to), bytes_of(to), number.operand().data}, {1, 1, 0}, call.formula);
    return;
  }
  const LoopOperand operands[] = {{self, compute}, {self, compute}, number.operand()};
  elementwise_loop(to->size_list(), operands, 3, binary_kernel(call, compute), call.formula);
}

namespace {

inline RowKernel backward_kernel(BinaryOp op, bool of_a, ScalarType dtype) {
  const kernels::BinaryKernels& all = *table().binary;
  return (of_a ? all.backward_a : all.backward_b)[float_index(dtype)][static_cast<int>(op)];
}

[[gnu::noinline]] Tensor binary_backward_general(RowKernel kernel, const Tensor& a, const Tensor& b,
                                                 const Tensor& dy, const void* formula,
                                                 const LoopOperand& number_a,
                                                 const LoopOperand& number_b) {
  check_dense(dy, "backward", "gradient");
  const ScalarType dtype = impl(dy).dtype;
  Tensor dx = make_result(impl(dy).size_list(), dtype, {&dy});
  const LoopOperand operands[] = {LoopOperand(dx), a.defined() ? LoopOperand(a, dtype) : number_a,
                                  b.defined() ? LoopOperand(b, dtype) : number_b, LoopOperand(dy)};
  elementwise_loop(impl(dy).size_list(), operands, 4, kernel, formula, 0.5);
  return dx;
}

}  // namespace

Tensor binary_backward(BinaryOp op, bool of_a, const Tensor& a, const Tensor& b, const Tensor& dy,
                       const void* formula, Tensor* last_dy) {
  const TensorImpl* from = impl_of(dy);
  // What is not there is not read either: dy stands in for it.
  const TensorImpl* x = a.defined() ? impl_of(a) : from;
  const TensorImpl* z = b.defined() ? impl_of(b) : from;
  if (!is_plain(from) || !(x == from || match(from, x)) || !(z == from || match(from, z)))
      [[unlikely]] {
    const Number none(0, from->dtype);
    return binary_backward_general(backward_kernel(op, of_a, from->dtype), a, b, dy, formula,
                                   none.operand(), none.operand());
  }
  Tensor dx = gradient_like(*from, last_dy);
  run_plain<4>(backward_kernel(op, of_a, from->dtype), from->numel, element_size(from->dtype),
               {bytes_of(impl_of(dx)), bytes_of(x), bytes_of(z), bytes_of(from)}, {1, 1, 1, 1},
               formula);
  return dx;
}

Tensor number_backward(BinaryOp op, bool left, const Tensor& tensor, const Scalar& number,
                       const Tensor& dy, const void* formula, Tensor* last_dy) {
  const TensorImpl* from = impl_of(dy);
  const TensorImpl* x = tensor.defined() ? impl_of(tensor) : from;
  const RowKernel kernel = backward_kernel(op, !left, from->dtype);
  const Number value(number, from->dtype);
  if (!match(from, x)) [[unlikely]] {
    const Tensor none;
    return binary_backward_general(kernel, left ? none : tensor, left ? tensor : none, dy, formula,
                                   value.operand(), value.operand());
  }
  Tensor dx = gradient_like(*from, last_dy);
  char* const at = value.operand().data;
  run_plain<4>(kernel, from->numel, element_size(from->dtype),
               {bytes_of(impl_of(dx)), left ? at : bytes_of(x), left ? bytes_of(x) : at,
                bytes_of(from)},
               {1, !left, left, 1}, formula);
  return dx;
}

}  // namespace simdgrad::pointwise
