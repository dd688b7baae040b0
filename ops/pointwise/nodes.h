// From a formula to an operation: values, the node that goes with them, in-place forms.
#pragma once

#include <optional>

#include "autograd/record.h"
#include "ops/pointwise/pointwise.h"
#include "ops/sparse/arithmetic.h"
#include "ops/pointwise/symbolic.h"

namespace simdgrad::pointwise {

template <class F>
constexpr bool formula_keeps_type() {
  if constexpr (requires { F::keeps_type; }) {
    return F::keeps_type;
  } else {
    return false;
  }
}
template <class F>
constexpr bool same_a() {
  if constexpr (requires { F::same_a; }) return F::same_a;
  return false;
}
template <class F>
constexpr bool same_b() {
  if constexpr (requires { F::same_b; }) return F::same_b;
  return false;
}
constexpr bool has(Uses set, Uses one) { return static_cast<int>(set) & static_cast<int>(one); }
// Members of the formula, or null if it has none.
template <class F>
const void* members(const F& formula) {
  return std::is_empty_v<F> ? nullptr : &formula;
}
template <class F>
UnaryCall unary_call(const char* name, const F& formula) {
  UnaryCall call{op_of<F>, name, formula_keeps_type<F>(), members(formula), nullptr, nullptr};
  if constexpr (requires { F::refuses_bool; }) call.refuses_bool = F::refuses_bool;
  if constexpr (requires { F::floats_only; }) call.floats_only = F::floats_only;
  return call;
}
template <class F>
BinaryCall binary_call(const char* name, const F& formula) {
  return {op_of<F>, name, formula_keeps_type<F>(), members(formula)};
}

// What a formula does not read is not there at all: a node that saves nothing can be run any number
// of times. `which` keeps two of them at one address.
template <int which>
struct NotSaved {
  Tensor operator()(const Gradients&) const { return {}; }
  Tensor values(const Gradients&) const { return {}; }
};
template <bool reads, int which = 0>
using SavedIf = std::conditional_t<reads, Saved, NotSaved<which>>;
template <class Kind>
[[gnu::always_inline]] inline Kind save_if(bool needed, const Tensor& tensor) {
  if constexpr (std::is_same_v<Kind, Saved>) {
    return needed ? Saved(tensor) : Saved();
  } else {
    return {};
  }
}

// Does backward go through operations on tensors? Where it is recorded itself, and where the gradient
// is row-sparse: products and negation know those.
inline bool by_operations(const Gradients& d) {
  return d.create_graph() || impl(d.dy()).is_sparse();
}

// Backward of a formula of one tensor.
template <class F>
struct UnaryNode {
  using Kept = SavedIf<F::saves != Saves::nothing>;
  [[no_unique_address]] Kept saved;
  [[no_unique_address]] F formula;

  void operator()(Gradients& d) const {
    if (by_operations(d)) {
      Tensor dx = formula.backward(Symbolic(saved(d)), Symbolic(d.dy())).tensor(d.dy());
      if constexpr (requires { F::zero_derivative; }) dx = with_zero_derivative(dx, saved(d));
      d.set(0, std::move(dx));
    } else {
      const Tensor& x = saved.values(d);
      d.set(0, unary_backward(op_of<F>, x, d.dy(), members(formula), d.last_dy()));
    }
  }
};
// `before` is what saves = input means, `after` what saves = output means.
template <class F>
UnaryNode<F> unary_node(const Tensor& before, const Tensor& after, const F& formula) {
  if constexpr (F::saves == Saves::input) return {Saved(before), formula};
  if constexpr (F::saves == Saves::output) return {Saved::output(after), formula};
  if constexpr (F::saves == Saves::nothing) return {{}, formula};
}

template <NodeName name, class F>
Tensor unary(const Tensor& self, const char* function, const F& formula = {}) {
  if constexpr (op_of<F> == UnaryOp::Neg)
    if (self.defined() && impl(self).is_sparse()) return neg_sparse(self);
  Tensor y = unary_forward(self, unary_call(function, formula));
  if (needs_gradient(self)) record<name>(y, std::tie(self), unary_node(self, y, formula));
  return y;
}

// While the node of an in-place operation is made: a saved output has the version that self will have.
struct NextVersion {
  TensorImpl& of;
  explicit NextVersion(const Tensor& tensor) : of(impl(tensor)) { of.bump_version(); }
  ~NextVersion() { of.version->version.fetch_sub(1, std::memory_order_relaxed); }
};
template <class F>
UnaryNode<F> unary_node_inplace(const Tensor& before, const Tensor& self, const F& formula) {
  const NextVersion next(self);
  return unary_node(before, self, formula);
}

template <NodeName name, class F>
Tensor& unary_inplace(Tensor& self, const char* function, const F& formula = {}) {
  if constexpr (op_of<F> == UnaryOp::Neg)
    if (self.defined() && impl(self).is_sparse()) return neg_sparse_(self);
  check_dense(self, function);
  const bool records = needs_gradient(self);
  check_inplace(self, records);
  InplaceHistory history(self);
  if (records) {
    const Tensor before = F::saves == Saves::input ? self.clone() : Tensor();
    history.record<name>(std::tie(self), unary_node_inplace(before, self, formula));
  }
  unary_into(self, unary_call(function, formula));
  history.commit();
  return self;
}

// The shapes and dtypes of two operands that were broadcast or promoted.
class OperandShapes {
 public:
  OperandShapes(const Tensor& a, const Tensor& b);
  OperandShapes(OperandShapes&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  ~OperandShapes();
  // The gradient of operand 0 or 1 from one in the result's shape.
  Tensor reduce(Tensor gradient, int operand) const;

 private:
  size_t bytes() const;
  int64_t* block_;  // dtype, ndim and sizes of a, then of b
};
// No broadcasting, no promotion: gradients are what the formula gives.
struct SameShapes {
  Tensor reduce(Tensor gradient, int) const { return gradient; }
};

// Backward of a formula of two tensors.
template <class F, class Shapes>
struct BinaryNode {
  using KeptA = SavedIf<has(F::for_a, Uses::a) || has(F::for_b, Uses::a), 0>;
  using KeptB = SavedIf<has(F::for_a, Uses::b) || has(F::for_b, Uses::b), 1>;
  using KeptOutput = SavedIf<has(F::for_a, Uses::output) || has(F::for_b, Uses::output), 2>;
  [[no_unique_address]] KeptA a;
  [[no_unique_address]] KeptB b;
  [[no_unique_address]] KeptOutput y;
  [[no_unique_address]] F formula;
  [[no_unique_address]] Shapes shapes;

  void operator()(Gradients& d) const {
    if (d.needs(0)) d.set(0, shapes.reduce(gradient<true>(d, !d.needs(1)), 0));
    if (d.needs(1)) d.set(1, shapes.reduce(gradient<false>(d, true), 1));
  }

 private:
  // What stands in the place of b.
  template <Uses uses>
  const auto& second() const {
    if constexpr (has(uses, Uses::output)) {
      return y;
    } else {
      return b;
    }
  }
  template <bool of_a>
  Tensor gradient(Gradients& d, bool last) const {
    constexpr Uses uses = of_a ? F::for_a : F::for_b;
    constexpr bool reads_second = has(uses, Uses::b) || has(uses, Uses::output);
    if constexpr (of_a ? same_a<F>() : same_b<F>()) {
      return last ? d.take_dy() : d.dy();
    } else if (by_operations(d)) {
      const Symbolic x(has(uses, Uses::a) ? a(d) : Tensor());
      const Symbolic z(reads_second ? second<uses>()(d) : Tensor()), dy(d.dy());
      return (of_a ? formula.backward_a(x, z, dy) : formula.backward_b(x, z, dy)).tensor(d.dy());
    } else {
      const Tensor none;
      const Tensor& x = has(uses, Uses::a) ? a.values(d) : none;
      const Tensor& z = reads_second ? second<uses>().values(d) : none;
      return binary_backward(op_of<F>, of_a, x, z, d.dy(), members(formula),
                             last ? d.last_dy() : nullptr);
    }
  }
};

// `before` is a as it was before an in-place operation, else a itself; `kept` the numbers of b. `inplace`:
// the result is yet to be written to y.
template <bool inplace = false, class F, class Shapes>
BinaryNode<F, Shapes> binary_node(const Tensor& a, const Tensor& before, const Tensor& b, const Tensor& kept,
                                  const Tensor& y, const F& formula, Shapes shapes) {
  using Node = BinaryNode<F, Shapes>;
  const bool of_a = tensor_requires_grad(a), of_b = tensor_requires_grad(b);
  Node node{save_if<typename Node::KeptA>((of_a && has(F::for_a, Uses::a)) ||
                                              (of_b && has(F::for_b, Uses::a)),
                                          before),
            save_if<typename Node::KeptB>((of_a && has(F::for_a, Uses::b)) ||
                                              (of_b && has(F::for_b, Uses::b)),
                                          kept),
            {}, formula, std::move(shapes)};
  if constexpr (std::is_same_v<typename Node::KeptOutput, Saved>) {
    if ((of_a && has(F::for_a, Uses::output)) || (of_b && has(F::for_b, Uses::output))) {
      std::optional<NextVersion> next;
      if (inplace) next.emplace(y);
      node.y = Saved::output(y);
    }
  }
  return node;
}

inline bool same_shapes(const Tensor& a, const Tensor& b) {
  return impl(a).dtype == impl(b).dtype && impl(a).size_list() == impl(b).size_list();
}

template <NodeName name, class F>
[[gnu::noinline]] Tensor binary_any(const Tensor& self, const Tensor& other, const char* function,
                                    const F& formula) {
  Tensor y = binary_forward(self, other, binary_call(function, formula));
  if (needs_gradient(self, other)) {
    if (same_shapes(self, other)) {
      record<name>(y, std::tie(self, other),
                   binary_node(self, self, other, other, y, formula, SameShapes()));
    } else {
      record<name>(y, std::tie(self, other),
                   binary_node(self, self, other, other, y, formula, OperandShapes(self, other)));
    }
  }
  return y;
}

template <NodeName name, class F>
Tensor binary(const Tensor& self, const Tensor& other, const char* function, const F& formula = {}) {
  const TensorImpl* a = impl_of(self);
  const TensorImpl* b = impl_of(other);
  if (!a || !b || !match(a, b)) [[unlikely]]
    return binary_any<name>(self, other, function, formula);
  Tensor y = binary_plain(a, b, op_of<F>, members(formula));
  if (needs_gradient(self, other))
    record<name>(y, std::tie(self, other),
                 binary_node(self, self, other, other, y, formula, SameShapes()));
  return y;
}

template <NodeName name, class F>
Tensor& binary_inplace(Tensor& self, const Tensor& other, const char* function,
                       const F& formula = {}) {
  const TensorImpl* to = impl_of(self);
  const TensorImpl* from = impl_of(other);
  // Sums of gradients and what optimizers do by hand: nothing to check, nothing to record.
  if (to && from && match(to, from) && to->storage != from->storage &&
      !needs_gradient(self, other)) [[likely]] {
    binary_plain_into(to, from, op_of<F>, members(formula));
    impl(self).bump_version();
    return self;
  }
  check_dense(self, function);
  check_dense(other, function, "other");
  const bool records = needs_gradient(self, other);
  check_inplace(self, records);
  InplaceHistory history(self);
  if (records) {
    // The old numbers of self are gone afterwards: what needs them gets a copy.
    const bool of_a = tensor_requires_grad(self), of_b = tensor_requires_grad(other);
    const bool reads_self = (of_a && has(F::for_a, Uses::a)) || (of_b && has(F::for_b, Uses::a));
    const Tensor before = reads_self ? self.clone() : self;
    // An operand that shows self's numbers is changed too, which backward will refuse: without its
    // history, or the node that keeps it would be kept by it.
    const bool changes = impl(other).version == impl(self).version;
    const Tensor kept = changes ? make_detached(other, true) : other;
    if (same_shapes(self, other))
      history.record<name>(std::tie(self, other), binary_node<true>(self, before, other, kept, self,
                                                                    formula, SameShapes()));
    else
      history.record<name>(std::tie(self, other), binary_node<true>(self, before, other, kept, self, formula,
                                                                    OperandShapes(self, other)));
  }
  binary_into(self, other, binary_call(function, formula));
  history.commit();
  return self;
}

// --- with a number ------------------------------------------------------------------------------
// Backward of a formula of a tensor and a number, in this order or (`left`) the other one. Edge
// 0 is the tensor's; with the number on the left it is empty and edge 1 the tensor's.
template <class F, bool left>
struct NumberNode {
  static constexpr Uses uses = left ? F::for_b : F::for_a;
  using Kept = SavedIf<has(uses, left ? Uses::b : Uses::a)>;
  [[no_unique_address]] Kept saved;
  Scalar number;
  [[no_unique_address]] F formula;

  void operator()(Gradients& d) const {
    if (d.needs(left)) d.set(left, gradient(d));
  }

 private:
  Tensor gradient(Gradients& d) const {
    if constexpr (left ? same_b<F>() : same_a<F>()) {
      return d.take_dy();
    } else if (by_operations(d)) {
      const Symbolic tensor(saved(d)), value(number.to_double()), dy(d.dy());
      return (left ? formula.backward_b(value, tensor, dy) : formula.backward_a(tensor, value, dy))
          .tensor(d.dy());
    } else {
      const Tensor& x = saved.values(d);
      return number_backward(op_of<F>, left, x, number, d.dy(), members(formula), d.last_dy());
    }
  }
};
template <bool left, class F>
NumberNode<F, left> number_node(const Tensor& tensor, const Scalar& number, const F& formula) {
  return {save_if<typename NumberNode<F, left>::Kept>(true, tensor), number, formula};
}

template <NodeName name, class F>
Tensor with_number(const Tensor& self, const Scalar& other, const char* function,
                   const F& formula = {}) {
  Tensor y = binary_forward(self, other, binary_call(function, formula));
  if (needs_gradient(self)) record<name>(y, std::tie(self), number_node<false>(self, other, formula));
  return y;
}

template <NodeName name, class F>
Tensor& with_number_inplace(Tensor& self, const Scalar& other, const char* function,
                            const F& formula = {}) {
  check_dense(self, function);
  const bool records = needs_gradient(self);
  check_inplace(self, records);
  InplaceHistory history(self);
  if (records) {
    const Tensor before = has(F::for_a, Uses::a) ? self.clone() : self;
    history.record<name>(std::tie(self), number_node<false>(before, other, formula));
  }
  binary_into(self, other, binary_call(function, formula));
  history.commit();
  return self;
}

template <NodeName name, class F>
Tensor number_with(const Scalar& self, const Tensor& other, const char* function,
                   const F& formula = {}) {
  Tensor y = binary_forward(self, other, binary_call(function, formula));
  if (needs_gradient(other)) {
    const Tensor none;
    record<name>(y, std::tie(none, other), number_node<true>(other, self, formula));
  }
  return y;
}

}  // namespace simdgrad::pointwise
