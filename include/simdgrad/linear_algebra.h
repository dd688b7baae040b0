// Products of vectors and matrices.
//
// All of them compute with one matrix product, so that the same operands give the same bits whether
// they come through mm, addmm, matmul or linear, transposed or not, and for any number of threads.
// Operands have one dtype; integers compute in int64. Sums over no elements are 0.
#pragma once

#include <simdgrad/tensor.h>

namespace simdgrad {

// y[n,p] = self[n,m] mat2[m,p].  d self = dy mat2^T, d mat2 = self^T dy.
// Errors: "self must be a matrix", "mat2 must be a matrix", "mat1 and mat2 shapes cannot be
// multiplied (3x4 and 5x6)", "expected m1 and m2 to have the same dtype, but got: float != double".
// torch::mm, MmBackward0.
SIMDGRAD_API Tensor mm(const Tensor& self, const Tensor& mat2);

// y[n] = self[n,m] vec[m].  d self = dy vec^T, d vec = self^T dy.
// Error: "size mismatch, got input (3), mat (3x4), vec (5)". torch::mv, MvBackward0.
SIMDGRAD_API Tensor mv(const Tensor& self, const Tensor& vec);

// y = sum of self[i] tensor[i], both [n].  d self = dy tensor, d tensor = dy self.
// Error: "inconsistent tensor size, expected tensor [4] and src [5] to have the same number of
// elements, but got 4 and 5 elements respectively". torch::dot, DotBackward0.
SIMDGRAD_API Tensor dot(const Tensor& self, const Tensor& tensor);

// y[b,n,p] = self[b,n,m] mat2[b,m,p] for every b.  d self = dy mat2^T, d mat2 = self^T dy.
// Error: "Expected size for first two dimensions of batch2 tensor to be: [2, 4] but got: [2, 5].".
// torch::bmm, BmmBackward0.
SIMDGRAD_API Tensor bmm(const Tensor& self, const Tensor& mat2);

// y = beta self + alpha mat1[n,m] mat2[m,p]; self expands to [n,p] and is not read where beta is 0
// (NaN in it does not spread).  d self = beta dy, d mat1 = alpha dy mat2^T, d mat2 = alpha mat1^T dy.
// Error: "The expanded size of the tensor (5) must match the existing size (6) at non-singleton
// dimension 1.  Target sizes: [3, 5].  Tensor sizes: [6]", "mat1 and mat2 must have the same dtype, but
// got Double and Float", "mat1 must be a matrix, got 1-D tensor", and mm's of the shapes.
// torch::addmm, AddmmBackward0.
SIMDGRAD_API Tensor addmm(const Tensor& self, const Tensor& mat1, const Tensor& mat2,
                          const Scalar& beta = 1, const Scalar& alpha = 1);

// The product by rank, as torch::matmul: 1-d 1-d dot, 2-d 1-d mv, 1-d 2-d and 2-d 2-d mm; beyond
// that the last two dimensions are matrices and those before broadcast (bmm, or one mm where only
// one side has them).
// Error: "both arguments to matmul need to be at least 1D, but they are 0D and 1D".
SIMDGRAD_API Tensor matmul(const Tensor& self, const Tensor& other);

// y[..., out] = input[..., in] weight[out,in]^T + bias[out]; an undefined bias counts as none.
//   d input = dy weight, d weight = dy^T input, d bias = dy summed over all but its last dimension.
// Recorded as PyTorch does: AddmmBackward0 or MmBackward0 over the TBackward0 of weight for 2-d
// input. torch::nn::functional::linear.
SIMDGRAD_API Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias = {});

}  // namespace simdgrad
