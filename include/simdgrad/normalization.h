// Normalisation.
#pragma once

#include <simdgrad/tensor.h>

namespace simdgrad {

// y = (x - mean) / sqrt(variance + eps) weight + bias, mean and variance (over n) of the last
// dimensions, which are normalized_shape; weight and bias have that shape or are undefined.
//   dx = rstd (g - mean(g) - xhat mean(g xhat)), g = dy weight, xhat = (x - mean) rstd;
//   dweight = sum dy xhat, dbias = sum dy over the leading dimensions.
// Error: "Given normalized_shape=[4], expected input with shape [*, 4], but got input of size[2,
// 3]". torch::layer_norm, NativeLayerNormBackward0.
SIMDGRAD_API Tensor layer_norm(const Tensor& input, IntArrayRef normalized_shape,
                               const Tensor& weight = {}, const Tensor& bias = {},
                               double eps = 1e-5);

}  // namespace simdgrad
