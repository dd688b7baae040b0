// The operations of one tensor: every row of unary_ops.inc, and those with arguments.
#include <limits>

#include "ops/pointwise/nodes.h"

namespace simdgrad {

using namespace pointwise;

#define SIMDGRAD_UNARY(function, Formula)                                   \
  Tensor function(const Tensor& self) {                                     \
    return unary<#Formula "Backward0", formulas::Formula>(self, #function); \
  }                                                                         \
  Tensor& function##_(Tensor& self) {                                       \
    return unary_inplace<#Formula "Backward0", formulas::Formula>(self, #function "_"); \
  }                                                                         \
  Tensor Tensor::function() const { return simdgrad::function(*this); }     \
  Tensor& Tensor::function##_() { return simdgrad::function##_(*this); }
#include <simdgrad/unary_ops.inc>
#undef SIMDGRAD_UNARY

Tensor square(const Tensor& self) { return pow(self, 2); }
Tensor& square_(Tensor& self) { return pow_(self, 2); }
Tensor Tensor::square() const { return simdgrad::square(*this); }
Tensor& Tensor::square_() { return simdgrad::square_(*this); }

Tensor gelu(const Tensor& self, std::string_view approximate) {
  if (approximate == "none") return unary<"GeluBackward0", formulas::Gelu>(self, "gelu");
  SIMDGRAD_CHECK(approximate == "tanh", "approximate argument must be either none or tanh.");
  return unary<"GeluBackward0", formulas::GeluTanh>(self, "gelu");
}

Tensor softplus(const Tensor& self, const Scalar& beta, const Scalar& threshold) {
  return unary<"SoftplusBackward0">(self, "softplus",
                                    formulas::Softplus{beta.to_double(), threshold.to_double()});
}

// --- clamp --------------------------------------------------------------------------------------
namespace {

using Bound = std::optional<Scalar>;

ScalarType clamp_type(const Tensor& self, const Bound& min, const Bound& max) {
  SIMDGRAD_CHECK(min || max, "torch.clamp: At least one of 'min' or 'max' must not be None");
  if (is_floating_point(impl(self).dtype)) return impl(self).dtype;
  ResultType type;
  type.add(self);
  if (min) type.add(*min);
  if (max) type.add(*max);
  return type.get();
}

formulas::Clamp clamp_formula(const Bound& min, const Bound& max) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return {min ? min->to_double() : -infinity, max ? max->to_double() : infinity};
}

bool is_nan(const Bound& bound) { return bound && bound->to_double() != bound->to_double(); }

// A bound that is NaN makes every number NaN.
const Scalar kNan(std::numeric_limits<double>::quiet_NaN());

template <NodeName name>
Tensor clamp_to(const Tensor& self, const Bound& min, const Bound& max) {
  check_dense(self, "clamp");
  const ScalarType dtype = clamp_type(self, min, max);
  if (is_floating_point(dtype) && !is_nan(min) && !is_nan(max))
    return unary<name>(self, "clamp", clamp_formula(min, max));
  if (is_floating_point(dtype)) {
    const formulas::Clamp formula = clamp_formula(min, max);
    Tensor y = binary_forward(self, kNan, binary_call("clamp", formulas::Mul()));
    if (needs_gradient(self)) record<name>(y, std::tie(self), unary_node(self, y, formula));
    return y;
  }
  // Integers: exactly, in their own type.
  Tensor y = min ? binary_forward(self, *min, binary_call("clamp", formulas::Maximum())) : self;
  return max ? binary_forward(y, *max, binary_call("clamp", formulas::Minimum())) : y;
}

template <NodeName name>
Tensor& clamp_into(Tensor& self, const Bound& min, const Bound& max) {
  check_dense(self, "clamp_");
  const ScalarType dtype = clamp_type(self, min, max);
  SIMDGRAD_CHECK(can_cast(dtype, impl(self).dtype), "result type ", to_string(dtype),
                 " can't be cast to the desired output type ", TypeMeta(impl(self).dtype).name());
  if (is_floating_point(dtype) && !is_nan(min) && !is_nan(max))
    return unary_inplace<name>(self, "clamp_", clamp_formula(min, max));
  const bool records = needs_gradient(self);
  check_inplace(self, records);
  InplaceHistory history(self);
  if (records)
    history.record<name>(std::tie(self), unary_node(self.clone(), self, clamp_formula(min, max)));
  if (is_floating_point(dtype)) {
    binary_into(self, kNan, binary_call("clamp_", formulas::Mul()));
  } else {
    if (min) binary_into(self, *min, binary_call("clamp_", formulas::Maximum()));
    if (max) binary_into(self, *max, binary_call("clamp_", formulas::Minimum()));
  }
  history.commit();
  return self;
}

}  // namespace

Tensor clamp(const Tensor& self, const Bound& min, const Bound& max) {
  return clamp_to<"ClampBackward1">(self, min, max);
}
Tensor& clamp_(Tensor& self, const Bound& min, const Bound& max) {
  return clamp_into<"ClampBackward1">(self, min, max);
}
Tensor clamp_min(const Tensor& self, const Scalar& min) {
  return clamp_to<"ClampMinBackward0">(self, min, std::nullopt);
}
Tensor& clamp_min_(Tensor& self, const Scalar& min) {
  return clamp_into<"ClampMinBackward0">(self, min, std::nullopt);
}
Tensor clamp_max(const Tensor& self, const Scalar& max) {
  return clamp_to<"ClampMaxBackward0">(self, std::nullopt, max);
}
Tensor& clamp_max_(Tensor& self, const Scalar& max) {
  return clamp_into<"ClampMaxBackward0">(self, std::nullopt, max);
}

Tensor Tensor::clamp(const Bound& min, const Bound& max) const {
  return simdgrad::clamp(*this, min, max);
}
Tensor& Tensor::clamp_(const Bound& min, const Bound& max) {
  return simdgrad::clamp_(*this, min, max);
}
Tensor Tensor::clamp_min(const Scalar& min) const { return simdgrad::clamp_min(*this, min); }
Tensor& Tensor::clamp_min_(const Scalar& min) { return simdgrad::clamp_min_(*this, min); }
Tensor Tensor::clamp_max(const Scalar& max) const { return simdgrad::clamp_max(*this, max); }
Tensor& Tensor::clamp_max_(const Scalar& max) { return simdgrad::clamp_max_(*this, max); }

}  // namespace simdgrad
