// The V of formulas.h under create_graph: formulas become public operations on tensors, which record
// themselves. Numbers stay numbers until they meet a tensor.
#pragma once

#include <simdgrad/pointwise.h>

#include "core/tensor_impl.h"

namespace simdgrad {

class SymbolicMask {
 public:
  explicit SymbolicMask(bool value) : value_(value) {}
  explicit SymbolicMask(Tensor mask) : mask_(std::move(mask)) {}
  bool is_constant() const { return !mask_.defined(); }
  bool value() const { return value_; }
  const Tensor& mask() const { return mask_; }

  friend SymbolicMask operator&(const SymbolicMask& a, const SymbolicMask& b) {
    if (a.is_constant()) return a.value_ ? b : a;
    if (b.is_constant()) return b.value_ ? a : b;
    return SymbolicMask(logical_and(a.mask_, b.mask_));
  }
  friend SymbolicMask operator|(const SymbolicMask& a, const SymbolicMask& b) {
    if (a.is_constant()) return a.value_ ? a : b;
    if (b.is_constant()) return b.value_ ? b : a;
    return SymbolicMask(logical_or(a.mask_, b.mask_));
  }
  friend SymbolicMask operator!(const SymbolicMask& a) {
    return a.is_constant() ? SymbolicMask(!a.value_) : SymbolicMask(logical_not(a.mask_));
  }

 private:
  Tensor mask_;
  bool value_ = false;
};

class Symbolic {
 public:
  explicit Symbolic(double number = 0) : number_(number) {}
  explicit Symbolic(Tensor tensor) : tensor_(std::move(tensor)) {}
  bool is_number() const { return !tensor_.defined(); }
  // The result; a number becomes a tensor of that shape and dtype.
  Tensor tensor(const Tensor& like) && {
    if (!is_number()) return std::move(tensor_);
    Tensor result = make_like(like, impl(like).dtype);
    result.fill_(number_);
    return result;
  }

#define SIMDGRAD_SYMBOLIC(op)                                                             \
  friend Symbolic operator op(const Symbolic& a, const Symbolic& b) {                     \
    if (a.is_number() && b.is_number()) return Symbolic(a.number_ op b.number_);          \
    if (a.is_number()) return Symbolic(Scalar(a.number_) op b.tensor_);                   \
    return Symbolic(b.is_number() ? a.tensor_ op Scalar(b.number_) : a.tensor_ op b.tensor_); \
  }
  SIMDGRAD_SYMBOLIC(+)
  SIMDGRAD_SYMBOLIC(-)
  SIMDGRAD_SYMBOLIC(*)
  SIMDGRAD_SYMBOLIC(/)
#undef SIMDGRAD_SYMBOLIC
#define SIMDGRAD_SYMBOLIC(op)                                                                     \
  friend SymbolicMask operator op(const Symbolic& a, const Symbolic& b) {                         \
    if (a.is_number() && b.is_number()) return SymbolicMask(a.number_ op b.number_);              \
    if (a.is_number()) return SymbolicMask(Scalar(a.number_) op b.tensor_);                       \
    return SymbolicMask(b.is_number() ? a.tensor_ op Scalar(b.number_) : a.tensor_ op b.tensor_); \
  }
  SIMDGRAD_SYMBOLIC(==)
  SIMDGRAD_SYMBOLIC(!=)
  SIMDGRAD_SYMBOLIC(<)
  SIMDGRAD_SYMBOLIC(<=)
  SIMDGRAD_SYMBOLIC(>)
  SIMDGRAD_SYMBOLIC(>=)
#undef SIMDGRAD_SYMBOLIC
  friend Symbolic operator-(const Symbolic& a) {
    return a.is_number() ? Symbolic(-a.number_) : Symbolic(-a.tensor_);
  }

  friend Symbolic select(const SymbolicMask& mask, const Symbolic& a, const Symbolic& b) {
    if (mask.is_constant()) return mask.value() ? a : b;
    const Tensor& holds = mask.mask();
    if (a.is_number())
      return Symbolic(b.is_number() ? where(holds, Scalar(a.number_), Scalar(b.number_))
                                    : where(holds, Scalar(a.number_), b.tensor_));
    return Symbolic(b.is_number() ? where(holds, a.tensor_, Scalar(b.number_))
                                  : where(holds, a.tensor_, b.tensor_));
  }
  friend SymbolicMask is_nan(const Symbolic& x) { return x != x; }
  friend Symbolic max(const Symbolic& a, const Symbolic& b) {
    return select((a > b) | is_nan(a), a, b);
  }
  friend Symbolic min(const Symbolic& a, const Symbolic& b) {
    return select((a < b) | is_nan(a), a, b);
  }
  friend Symbolic fma(const Symbolic& a, const Symbolic& b, const Symbolic& c) { return a * b + c; }
  friend Symbolic pow(const Symbolic& a, const Symbolic& b) {
    if (a.is_number()) return Symbolic(simdgrad::pow(Scalar(a.number_), b.tensor_));
    return Symbolic(b.is_number() ? simdgrad::pow(a.tensor_, Scalar(b.number_))
                                  : simdgrad::pow(a.tensor_, b.tensor_));
  }
  // Found before the formulas' own: one node instead of a chain.
  friend Symbolic power(const Symbolic& x, double exponent) {
    return Symbolic(simdgrad::pow(x.tensor_, Scalar(exponent)));
  }
  friend Symbolic normal_cdf(const Symbolic& x) {
    return Symbolic(0.5) * (Symbolic(1) + erf(x * Symbolic(0.7071067811865476)));
  }
  // Every row of the public list is a function that formulas may use.
#define SIMDGRAD_UNARY(function, Formula) \
  friend Symbolic function(const Symbolic& x) { return Symbolic(simdgrad::function(x.tensor_)); }
#include <simdgrad/unary_ops.inc>
#undef SIMDGRAD_UNARY

 private:
  Tensor tensor_;
  double number_ = 0;
};

}  // namespace simdgrad
