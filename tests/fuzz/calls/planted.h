// Operations with a fault each, of kinds that were found in the library: what does not find them here
// would not have found them there. They are read and called as the public headers are.
#pragma once

#include <simdgrad/autograd.h>
#include <simdgrad/tensor.h>

namespace planted {

// scatter_add, whose backward writes one element even where the index is empty: past the end of a
// block of no bytes.
simdgrad::Tensor scatter_add(const simdgrad::Tensor& self, int64_t dim,
                             const simdgrad::Tensor& index, const simdgrad::Tensor& source);
// An in-place product that reads the numbers of a sparse operand, which has no storage.
simdgrad::Tensor& mul_(simdgrad::Tensor& self, const simdgrad::Tensor& other);
// Ones of any shape, written by sizes while the memory is that of their wrapped product.
simdgrad::Tensor ones(simdgrad::IntArrayRef sizes);
// Rows by ids, which backward reads once more and trusts.
simdgrad::Tensor embedding(const simdgrad::Tensor& weight, const simdgrad::Tensor& indices);
// A product that forgets the gradient of one factor.
simdgrad::Tensor mul(const simdgrad::Tensor& self, const simdgrad::Tensor& other);
// A sum whose gradient has one dimension too few.
simdgrad::Tensor sum(const simdgrad::Tensor& self);
// Waits for ever for an operand of another shape.
simdgrad::Tensor add(const simdgrad::Tensor& self, const simdgrad::Tensor& other);
// Changes an argument that it should only read.
simdgrad::Tensor relu(const simdgrad::Tensor& self);
// A size that no vector has: std::length_error.
simdgrad::Tensor chunk(const simdgrad::Tensor& self, int64_t chunks);

}  // namespace planted
