// Rows of a table by id.
#pragma once

#include <simdgrad/tensor.h>

namespace simdgrad {

// y[..., d] = weight[indices[...], d]. weight [V, dim] of any dtype and strides; indices int64 or
// int32 of any shape and strides, each in [0, V); y [indices..., dim], row-major.
//
// d weight[v] = the sum of dy[p] over the positions p with indices[p] = v, in order of appearance:
// the bits do not depend on the number of threads. Rows of padding_idx get none (negative: no such
// row). scale_grad_by_freq divides each sum by how often v occurs. A dense gradient costs V * dim
// numbers; with sparse = true it is a row-sparse tensor (sparse.h) of the ids as they come, repeats
// included, and costs what the positions cost. Both have derivatives of any order.
//
// Errors: "'weight' must be 2-D"; "Expected tensor for argument #1 'indices' to have one of the
// following scalar types: Long, Int; but got CPUFloatType instead (while checking arguments for
// embedding)"; IndexError "index out of range in self"; in backward "embedding_backward:
// scale_grad_by_freq not supported with sparse gradients". torch::embedding, EmbeddingBackward0.
SIMDGRAD_API Tensor embedding(const Tensor& weight, const Tensor& indices, int64_t padding_idx = -1,
                              bool scale_grad_by_freq = false, bool sparse = false);

// Scales the rows of self that indices name down to norm max_norm, in place, where their norm of
// order norm_type is larger: row *= max_norm / (norm + 1e-7). self [V, dim] of floats, indices as in
// embedding; each row is treated once however often its id occurs, and no other is touched. Not
// differentiable: backward through it is refused. Errors: "Expected 2-dimensional tensor, but got
// 1-dimensional tensor for argument #1 'self' (while checking arguments for embedding_renorm_)".
// torch::embedding_renorm_.
SIMDGRAD_API Tensor& embedding_renorm_(Tensor& self, const Tensor& indices, double max_norm,
                                       double norm_type);

// y[..., c] = 1 where self[...] = c, else 0, as int64; y [self..., num_classes]. num_classes = -1
// takes the largest id plus one. self: int64. Errors: "one_hot is only applicable to index tensor of
// type LongTensor."; "Class values must be non-negative."; "Class values must be smaller than
// num_classes."; "Can not infer total number of classes from empty tensor.". torch::one_hot.
SIMDGRAD_API Tensor one_hot(const Tensor& self, int64_t num_classes = -1);

}  // namespace simdgrad
