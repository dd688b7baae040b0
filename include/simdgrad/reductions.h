// Reductions over some or all dimensions, softmax and logsumexp.
//
// `dims`: dimensions to reduce, negative ones from the end; none, or an empty list, means all.
// keepdim leaves them with size 1. Errors: "Dimension out of range (expected to be in range of [-2,
// 1], but got 2)", "dim 0 appears multiple times in the list of dims". Results are the same bits for
// any number of threads: numbers are added in blocks and a tree that depend on shape and layout
// alone. Gradients spread over what was reduced; all have derivatives of any order.
#pragma once

#include <simdgrad/tensor.h>

#include <tuple>

namespace simdgrad {

// y = the sum, 0 of nothing; integers and bool sum to int64. dtype: convert to it first.
// dx = dy.  torch::sum, SumBackward0 (all) and SumBackward1 (dims)
SIMDGRAD_API Tensor sum(const Tensor& self, std::optional<ScalarType> dtype = std::nullopt);
SIMDGRAD_API Tensor sum(const Tensor& self, OptionalIntArrayRef dims, bool keepdim = false,
                        std::optional<ScalarType> dtype = std::nullopt);

// y = sum / n, NaN of nothing.  dx = dy / n.  Error: "mean(): could not infer output dtype. Input
// dtype must be either a floating point or complex dtype. Got: Long".
// torch::mean, MeanBackward0 and MeanBackward1
SIMDGRAD_API Tensor mean(const Tensor& self, std::optional<ScalarType> dtype = std::nullopt);
SIMDGRAD_API Tensor mean(const Tensor& self, OptionalIntArrayRef dims, bool keepdim = false,
                         std::optional<ScalarType> dtype = std::nullopt);

// y = the largest (smallest) of all, NaN if there is one. Equal ones share dy evenly.
// Error: "max(): Expected reduction dim to be specified for input.numel() == 0. Specify the
// reduction dim with the 'dim' argument.".  torch::max, MaxBackward1, MinBackward1
SIMDGRAD_API Tensor max(const Tensor& self);
SIMDGRAD_API Tensor min(const Tensor& self);

// The largest (smallest) along one dimension and its index: the first one, or the first NaN. The
// gradient goes there alone.  torch::max, MaxBackward0, MinBackward0
SIMDGRAD_API std::tuple<Tensor, Tensor> max(const Tensor& self, int64_t dim, bool keepdim = false);
SIMDGRAD_API std::tuple<Tensor, Tensor> min(const Tensor& self, int64_t dim, bool keepdim = false);

// maximum and minimum under their other names.  torch::max, torch::min of two tensors
SIMDGRAD_API Tensor max(const Tensor& self, const Tensor& other);
SIMDGRAD_API Tensor min(const Tensor& self, const Tensor& other);

// y = the largest (smallest) over dims. Equal ones share dy evenly.
// torch::amax, AmaxBackward0, AminBackward0
SIMDGRAD_API Tensor amax(const Tensor& self, IntArrayRef dims = {}, bool keepdim = false);
SIMDGRAD_API Tensor amin(const Tensor& self, IntArrayRef dims = {}, bool keepdim = false);

// The index (int64) of the largest (smallest), in row-major order of all without a dim; the first of
// equals, the first NaN.  torch::argmax, torch::argmin
SIMDGRAD_API Tensor argmax(const Tensor& self, std::optional<int64_t> dim = std::nullopt,
                           bool keepdim = false);
SIMDGRAD_API Tensor argmin(const Tensor& self, std::optional<int64_t> dim = std::nullopt,
                           bool keepdim = false);

// y = sum (x - mean)^2 / (n - correction); correction is 1, or 0 with unbiased false. Two passes.
// dx = 2 (x - mean) dy / (n - correction).  torch::var, VarBackward0
SIMDGRAD_API Tensor var(const Tensor& self, bool unbiased = true);
SIMDGRAD_API Tensor var(const Tensor& self, OptionalIntArrayRef dims, bool unbiased,
                        bool keepdim = false);
SIMDGRAD_API Tensor var(const Tensor& self, OptionalIntArrayRef dims,
                        const std::optional<Scalar>& correction = std::nullopt,
                        bool keepdim = false);
inline Tensor var(const Tensor& self, int dim) { return self.var(dim); }  // not unbiased = true
// The root of var; its gradient is 0 where it is 0.  torch::std, StdBackward0
SIMDGRAD_API Tensor std(const Tensor& self, bool unbiased = true);
SIMDGRAD_API Tensor std(const Tensor& self, OptionalIntArrayRef dims, bool unbiased,
                        bool keepdim = false);
SIMDGRAD_API Tensor std(const Tensor& self, OptionalIntArrayRef dims,
                        const std::optional<Scalar>& correction = std::nullopt,
                        bool keepdim = false);
inline Tensor std(const Tensor& self, int dim) { return self.std(dim); }

// y = (sum |x|^p)^(1/p); p = 0 counts what is not 0, inf is the largest |x|, -inf the smallest. The
// gradient is 0 where y is 0. A row-sparse tensor counts as the dense one.
// torch::norm, NormBackward0 (all) and NormBackward1 (dims)
SIMDGRAD_API Tensor norm(const Tensor& self, const Scalar& p = 2);
SIMDGRAD_API Tensor norm(const Tensor& self, const std::optional<Scalar>& p, IntArrayRef dims,
                         bool keepdim = false);

// y = log sum e^x, without overflow.  dx = e^(x - y) dy.  torch::logsumexp, LogsumexpBackward0
SIMDGRAD_API Tensor logsumexp(const Tensor& self, IntArrayRef dims, bool keepdim = false);

// Is everything (anything) not 0? bool, uint8 for uint8; of nothing true (false).
// torch::all, torch::any
SIMDGRAD_API Tensor all(const Tensor& self);
SIMDGRAD_API Tensor all(const Tensor& self, int64_t dim, bool keepdim = false);
SIMDGRAD_API Tensor any(const Tensor& self);
SIMDGRAD_API Tensor any(const Tensor& self, int64_t dim, bool keepdim = false);

// y_i = e^x_i / sum e^x along a dimension, without overflow; NaN where all are -inf or one is inf.
// dx = y (dy - sum y dy).  dtype: convert to it first.  torch::softmax, SoftmaxBackward0
SIMDGRAD_API Tensor softmax(const Tensor& self, int64_t dim,
                            std::optional<ScalarType> dtype = std::nullopt);
// y = log softmax.  dx = dy - e^y sum dy.  torch::log_softmax, LogSoftmaxBackward0
SIMDGRAD_API Tensor log_softmax(const Tensor& self, int64_t dim,
                                std::optional<ScalarType> dtype = std::nullopt);

}  // namespace simdgrad
