// Sums and multiples of row-sparse tensors; the few pointwise operations that they have. No graph.
#pragma once

#include <simdgrad/tensor.h>

namespace simdgrad {

// self + alpha other, at least one of them sparse. Dense + sparse is dense; sparse + sparse keeps
// the entries of both, not coalesced. Error: "add(sparse, dense) is not supported. Use add(dense,
// sparse) instead."
Tensor add_sparse(const Tensor& self, const Tensor& other, const Scalar& alpha);
Tensor& add_sparse_(Tensor& self, const Tensor& other, const Scalar& alpha);
// A multiple of a sparse tensor; `other` is a number or a 0-d tensor.
Tensor mul_sparse(const Tensor& self, const Tensor& other);
Tensor mul_sparse(const Tensor& self, const Scalar& other);
Tensor& mul_sparse_(Tensor& self, const Tensor& other);
Tensor& mul_sparse_(Tensor& self, const Scalar& other);

}  // namespace simdgrad
