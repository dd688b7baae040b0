// Small pieces that the optimizers share.
#pragma once

#include <simdgrad/optim/optimizer.h>

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

// Equal, or both undefined.
inline bool same_numbers(const Tensor& a, const Tensor& b) {
  if (!a.defined() || !b.defined()) return a.defined() == b.defined();
  if (a.is_sparse() || b.is_sparse())
    return a.is_sparse() && b.is_sparse() && a.to_dense().equal(b.to_dense());
  return a.equal(b);
}

}  // namespace simdgrad::optim
