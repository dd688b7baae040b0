// Small pieces that the optimizers share.
#pragma once

#include <simdgrad/optim/optimizer.h>

#include <typeinfo>

namespace simdgrad::optim {

// mine = theirs where mine stands at its class's default.
template <class T>
void inherit_unset(T& mine, const T& class_default, const T& theirs) {
  if (mine == class_default) mine = theirs;
}

inline std::vector<OptimizerParamGroup> one_group(std::vector<Tensor> params) {
  std::vector<OptimizerParamGroup> groups;
  groups.emplace_back(std::move(params));
  return groups;
}

// Options and states come from outside too, perhaps another optimizer's.
template <class Wanted, class Given>
Wanted& checked_as(Given& given, const char* optimizer, const char* what) {
  if (typeid(given) == typeid(Wanted)) [[likely]]
    return static_cast<Wanted&>(given);
  Wanted* const derived = dynamic_cast<Wanted*>(&given);
  SIMDGRAD_CHECK(derived, optimizer, ": got ", what, " of another optimizer");
  return *derived;
}

// What a step would refuse on the way is refused before it changes anything.
inline void check_parameter(const Tensor& parameter, const char* optimizer) {
  const Tensor& gradient = parameter.grad();
  const ScalarType dtype = parameter.scalar_type(), gradient_dtype = gradient.scalar_type();
  SIMDGRAD_CHECK(is_floating_point(dtype), optimizer, ": a parameter has dtype ", dtype_name(dtype),
                 ", needed Float or Double");
  SIMDGRAD_CHECK(gradient_dtype == dtype || gradient.is_sparse(), optimizer,
                 ": a gradient has dtype ", dtype_name(gradient_dtype), ", its parameter ",
                 dtype_name(dtype));
  SIMDGRAD_CHECK(gradient.sizes() == parameter.sizes(), optimizer, ": a gradient has sizes ",
                 gradient.sizes(), ", its parameter ", parameter.sizes());
  SIMDGRAD_CHECK(parameter.is_contiguous() || !detail::has_repeats(parameter), optimizer,
                 ": a parameter of sizes ", parameter.sizes(), " and strides ", parameter.strides(),
                 " has elements that share memory");
}

// Equal, or both undefined.
inline bool same_numbers(const Tensor& a, const Tensor& b) {
  if (!a.defined() || !b.defined()) return a.defined() == b.defined();
  if (a.is_sparse() || b.is_sparse())
    return a.is_sparse() && b.is_sparse() && a.to_dense().equal(b.to_dense());
  return a.equal(b);
}

}  // namespace simdgrad::optim
