// Arithmetic in which a row-sparse tensor takes part: add, sub, mul, div, neg and the reductions
// come here when an operand is sparse. Texts and results are those of PyTorch's COO
// tensors; what it has no kernel for is refused before anything is read.
#pragma once

#include "core/tensor_impl.h"

namespace simdgrad {

// self + alpha * other. dense + sparse is dense, sparse + sparse the two lists of entries one after
// the other; sparse + dense is refused.
Tensor add_sparse(const Tensor& self, const Tensor& other, const Scalar& alpha);
Tensor& add_sparse_(Tensor& self, const Tensor& other, const Scalar& alpha);
// self - alpha * other, likewise.
Tensor sub_sparse(const Tensor& self, const Tensor& other, const Scalar& alpha);
Tensor& sub_sparse_(Tensor& self, const Tensor& other, const Scalar& alpha);

// Each entry times a number, or times a tensor without dimensions.
Tensor mul_sparse(const Tensor& self, const Tensor& other);
Tensor mul_sparse(const Tensor& self, const Scalar& other);
Tensor& mul_sparse_(Tensor& self, const Tensor& other);
Tensor& mul_sparse_(Tensor& self, const Scalar& other);

// Each entry by a number, or by a tensor without dimensions.
Tensor div_sparse(const Tensor& self, const Tensor& other);
Tensor div_sparse(const Tensor& self, const Scalar& other);
Tensor& div_sparse_(Tensor& self, const Tensor& other);
Tensor& div_sparse_(Tensor& self, const Scalar& other);

Tensor neg_sparse(const Tensor& self);
Tensor& neg_sparse_(Tensor& self);

// A new tensor of self's shape without entries.
Tensor empty_sparse_like(const Tensor& self, ScalarType dtype);

// Over all elements or some dimensions, absent ones being 0. Over every sparse dimension the result is
// dense, else it is sparse.
Tensor sum_sparse(const Tensor& self, std::optional<ScalarType> dtype);
Tensor sum_sparse(const Tensor& self, OptionalIntArrayRef dims, bool keepdim,
                  std::optional<ScalarType> dtype);

}  // namespace simdgrad
