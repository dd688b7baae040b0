// Sparse tensors: entries at indices, all else 0, as torch's COO tensors.
//
// indices [sparse_dim, nnz] of int64 tell where the nnz entries lie along the first sparse_dim
// dimensions; values [nnz, ...] hold them, each entry spanning the other (dense) dimensions. The
// gradient of a table is row-sparse: sparse_dim 1, values [nnz, dim]. An index may occur more than
// once; its entries then count as their sum. coalesce() adds them up and sorts.
//
// What works on them: add, sub, mul, div, neg, sum (all, or over dimensions), norm, zero_, clone, detach,
// to(dtype), zeros_like, empty_like, printing, a dense tensor times one in place, and what is below.
// Everything else refuses them. A sum over every sparse dimension is dense, over others it is sparse and
// coalesced. Whoever reads indices checks them, since their numbers may be a caller's buffer.
#pragma once

#include <simdgrad/tensor.h>

namespace simdgrad {

// A sparse tensor of these parts, which it shares. size: [sparse sizes..., dense sizes...], inferred
// from the largest indices where it is not given. options: dtype converts the values, requires_grad
// makes a leaf. is_coalesced: the caller's word that indices are sorted and distinct; not checked.
// d values = dy at the indices. Errors: "indices must be an int64 tensor"; "indices and values must
// have same nnz, but got nnz from indices: 2, nnz from values: 3"; "'len(size) == sparse_dim +
// dense_dim' is not satisfied: ..."; "values has incorrect size, expected [3, 3], got [3, 2]"; "found
// negative index -1 for dim 0"; "size is inconsistent with indices: for dim 0, size is 2 but found
// index 2". at::sparse_coo_tensor, SparseCooTensorWithDimsAndTensorsBackward0.
SIMDGRAD_API Tensor sparse_coo_tensor(const Tensor& indices, const Tensor& values, IntArrayRef size,
                                      const TensorOptions& options = {},
                                      std::optional<bool> is_coalesced = std::nullopt);
SIMDGRAD_API Tensor sparse_coo_tensor(const Tensor& indices, const Tensor& values,
                                      const TensorOptions& options = {},
                                      std::optional<bool> is_coalesced = std::nullopt);
// Nothing where sparse_coo_tensor would take these parts; else its error. at::.
SIMDGRAD_API void _validate_sparse_coo_tensor_args(const Tensor& indices, const Tensor& values,
                                                   IntArrayRef size);
// One without entries; all dimensions are sparse.
SIMDGRAD_API Tensor sparse_coo_tensor(IntArrayRef size, const TensorOptions& options = {});

// The same tensor with each index once, in rising order; entries of equal index are added in order
// of appearance. self where it is coalesced already. torch.Tensor.coalesce, CoalesceBackward0.
SIMDGRAD_API Tensor coalesce(const Tensor& self);

// The same numbers in a dense tensor; a dense one is returned as it is. dx = dy at x's indices, as a
// sparse tensor. torch.Tensor.to_dense, ToDenseBackward0.
SIMDGRAD_API Tensor to_dense(const Tensor& self);

// The rows along the first sparse_dim dimensions (default: all) that hold a number other than 0.
// dx = dy, dense. Error: "dense_to_sparse: sparse_dim argument must be in [0,2] range, but 3 is
// given". torch.Tensor.to_sparse, ToSparseBackward0.
SIMDGRAD_API Tensor to_sparse(const Tensor& self, int64_t sparse_dim);
SIMDGRAD_API Tensor to_sparse(const Tensor& self);

}  // namespace simdgrad
