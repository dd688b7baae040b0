// where and masked_fill.
#include "ops/loops/copy.h"
#include "ops/pointwise/integer_kernels.h"
#include "ops/pointwise/nodes.h"

namespace simdgrad {

using namespace pointwise;

namespace {

// A tensor, or a number where it is undefined.
struct Choice {
  const Tensor& tensor;
  Scalar number;

  bool is_number() const { return !tensor.defined(); }
  void add_to(ResultType& type) const {
    if (is_number()) {
      type.add(number);
    } else {
      type.add(tensor);
    }
  }
};

const Tensor kNone;

RowKernel where_kernel(ScalarType dtype) {
  return is_floating_point(dtype) ? kernels::table().masks->where[float_index(dtype)]
                                  : plain_where_kernel(dtype);
}

// A number in the dtype of a result, with the check that it fits.
struct Stored {
  alignas(8) char bytes[8] = {};
  Stored(const Scalar& value, ScalarType dtype) { store_scalar(value, dtype, bytes); }
};

void run_where(const Tensor& y, const Tensor& mask, const LoopOperand& a, const LoopOperand& b) {
  const LoopOperand operands[] = {LoopOperand(y), {mask, ScalarType::Bool}, a, b};
  elementwise_loop(impl(y).size_list(), operands, 4, where_kernel(impl(y).dtype), nullptr);
}

// y = mask ? a : b without graph, in this dtype.
Tensor where_values(const Tensor& mask, const Choice& a, const Choice& b, ScalarType dtype) {
  Dims shape(impl(mask).size_list());
  for (const Choice* choice : {&a, &b}) {
    if (choice->is_number()) continue;
    // The message names the two in the order in which PyTorch expands them.
    const Dims before(shape);
    broadcast_shapes(before, impl(choice->tensor).size_list(), shape);
  }
  const Tensor& like = a.is_number() ? (b.is_number() ? mask : b.tensor) : a.tensor;
  const Tensor& second = b.is_number() ? like : b.tensor;
  Tensor y = make_result(shape, dtype, {&mask, &like, &second});
  const Stored number_a(a.is_number() ? a.number : Scalar(0), dtype);
  const Stored number_b(b.is_number() ? b.number : Scalar(0), dtype);
  run_where(y, mask, a.is_number() ? LoopOperand(number_a.bytes, dtype) : LoopOperand(a.tensor, dtype),
            b.is_number() ? LoopOperand(number_b.bytes, dtype) : LoopOperand(b.tensor, dtype));
  return y;
}

void check_condition(const Tensor& condition) {
  check_dense(condition, "where", "condition");
  const ScalarType dtype = impl(condition).dtype;
  SIMDGRAD_CHECK(dtype == ScalarType::Bool || dtype == ScalarType::Byte,
                 "where expected condition to be a boolean tensor, but got a tensor with dtype ",
                 to_string(dtype));
  if (dtype == ScalarType::Byte)
    warn("where received a uint8 condition tensor. This behavior is deprecated and will be removed "
         "in a future version of PyTorch. Use a boolean condition instead.");
}

// The gradient goes where the number came from; edges are those of a and b.
struct WhereNode {
  Saved condition;
  OperandShapes shapes;

  void operator()(Gradients& d) const {
    const Tensor holds = condition(d);
    if (d.needs(0)) d.set(0, shapes.reduce(where(holds, d.dy(), 0), 0));
    if (d.needs(1)) d.set(1, shapes.reduce(where(holds, 0, d.dy()), 1));
  }
};

Tensor choose(const Tensor& condition, const Choice& a, const Choice& b) {
  check_condition(condition);
  ResultType type;
  for (const Choice* choice : {&a, &b}) choice->add_to(type);
  Tensor y = where_values(condition, a, b, type.get());
  if (needs_gradient(a.tensor, b.tensor)) {
    const Tensor& first = a.is_number() ? b.tensor : a.tensor;
    const Tensor& second = b.is_number() ? a.tensor : b.tensor;
    record<"WhereBackward0">(y, std::tie(a.tensor, b.tensor),
                             WhereNode{Saved(condition), OperandShapes(first, second)});
  }
  return y;
}

}  // namespace

Tensor where(const Tensor& condition, const Tensor& self, const Tensor& other) {
  check_dense(self, "where");
  check_dense(other, "where", "other");
  return choose(condition, {self, 0}, {other, 0});
}
Tensor where(const Tensor& condition, const Scalar& self, const Tensor& other) {
  check_dense(other, "where", "other");
  return choose(condition, {kNone, self}, {other, 0});
}
Tensor where(const Tensor& condition, const Tensor& self, const Scalar& other) {
  check_dense(self, "where");
  return choose(condition, {self, 0}, {kNone, other});
}
Tensor where(const Tensor& condition, const Scalar& self, const Scalar& other) {
  return choose(condition, {kNone, self}, {kNone, other});
}
Tensor Tensor::where(const Tensor& condition, const Tensor& other) const {
  return simdgrad::where(condition, *this, other);
}

// --- masked_fill --------------------------------------------------------------------------------
namespace {

void check_mask(const Tensor& self, const Tensor& mask) {
  check_dense(self, "masked_fill");
  check_dense(mask, "masked_fill", "mask");
  SIMDGRAD_CHECK(impl(mask).dtype == ScalarType::Bool,
                 "masked_fill_ only supports boolean masks, but got mask with dtype ",
                 TypeMeta(impl(mask).dtype).name());
}
void check_value(const Tensor& value) {
  check_dense(value, "masked_fill", "value");
  SIMDGRAD_CHECK(impl(value).ndim == 0,
                 "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with ",
                 static_cast<int>(impl(value).ndim), " dimension(s).");
}

// Edge 0 is self's, edge 1 (where the value is a tensor) the value's. `both` are the shapes of self
// and value.
template <int edges>
struct MaskedFillNode {
  Saved mask;
  OperandShapes both;

  void operator()(Gradients& d) const {
    const Tensor filled = mask(d);
    if (d.needs(0)) d.set(0, both.reduce(masked_fill(d.dy(), filled, 0), 0));
    if constexpr (edges == 2)
      if (d.needs(1)) d.set(1, both.reduce(where(filled, d.dy(), 0), 1));
  }
};

void fill_into(const Tensor& self, const Tensor& mask, const LoopOperand& value) {
  check_broadcasts_to(self.sizes(), self.sizes(), mask.sizes());
  run_where(self, mask, value, LoopOperand(self));
}

}  // namespace

Tensor masked_fill(const Tensor& self, const Tensor& mask, const Scalar& value) {
  check_mask(self, mask);
  Tensor y = where_values(mask, {kNone, value}, {self, 0}, impl(self).dtype);
  if (needs_gradient(self))
    record<"MaskedFillBackward0">(y, std::tie(self),
                                  MaskedFillNode<1>{Saved(mask), OperandShapes(self, self)});
  return y;
}

Tensor masked_fill(const Tensor& self, const Tensor& mask, const Tensor& value) {
  check_mask(self, mask);
  check_value(value);
  const bool records = needs_gradient(self, value);
  SIMDGRAD_CHECK(!records || is_floating_point(impl(self).dtype),
                 "Autograd not support dtype: ", to_string(impl(self).dtype));
  Tensor y = where_values(mask, {value, 0}, {self, 0}, impl(self).dtype);
  if (records)
    record<"MaskedFillBackward1">(y, std::tie(self, value),
                                  MaskedFillNode<2>{Saved(mask), OperandShapes(self, value)});
  return y;
}

Tensor& masked_fill_(Tensor& self, const Tensor& mask, const Scalar& value) {
  check_mask(self, mask);
  const bool records = needs_gradient(self);
  check_inplace(self, records);
  const Stored number(value, impl(self).dtype);
  InplaceHistory history(self);
  if (records)
    history.record<"MaskedFillBackward0">(
        std::tie(self), MaskedFillNode<1>{Saved(mask), OperandShapes(self, self)});
  fill_into(self, mask, LoopOperand(number.bytes, impl(self).dtype));
  history.commit();
  return self;
}

Tensor& masked_fill_(Tensor& self, const Tensor& mask, const Tensor& value) {
  check_mask(self, mask);
  check_value(value);
  const bool records = is_floating_point(impl(self).dtype) && needs_gradient(self, value);
  check_inplace(self, records);
  // Read before anything is written: it may be one of self's numbers.
  const Stored number(value.item(), impl(self).dtype);
  InplaceHistory history(self);
  if (records)
    history.record<"MaskedFillBackward1">(
        std::tie(self, value), MaskedFillNode<2>{Saved(mask), OperandShapes(self, value)});
  fill_into(self, mask, LoopOperand(number.bytes, impl(self).dtype));
  history.commit();
  return self;
}

Tensor Tensor::masked_fill(const Tensor& mask, const Scalar& value) const {
  return simdgrad::masked_fill(*this, mask, value);
}
Tensor Tensor::masked_fill(const Tensor& mask, const Tensor& value) const {
  return simdgrad::masked_fill(*this, mask, value);
}
Tensor& Tensor::masked_fill_(const Tensor& mask, const Scalar& value) {
  return simdgrad::masked_fill_(*this, mask, value);
}
Tensor& Tensor::masked_fill_(const Tensor& mask, const Tensor& value) {
  return simdgrad::masked_fill_(*this, mask, value);
}

}  // namespace simdgrad
