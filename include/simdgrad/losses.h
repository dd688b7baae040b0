// Losses. reduction: kNone keeps one loss per element, kMean averages, kSum adds (enums.h; its
// numbers 0, 1, 2 are at::Reduction's).
#pragma once

#include <simdgrad/enums.h>
#include <simdgrad/tensor.h>

namespace simdgrad {

// input: log probabilities [N, C], [C] or [N, C, d1, ...]; target: classes [N], [] or [N, d1, ...],
// int64 or uint8.
//   l = -weight[t] input[n, t], 0 where t is ignore_index;
//   mean: sum l / sum of the weights used (NaN if there are none).
//   d input[n, t] = -weight[t] dy (over that sum).
// Errors: "Target 7 is out of bounds.", "Expected input batch_size (3) to match target batch_size
// (2).", a weight that has not C elements. torch::nll_loss, NllLossBackward0 (NllLoss2DBackward0 for
// more than 2 dimensions).
SIMDGRAD_API Tensor nll_loss(const Tensor& self, const Tensor& target, const Tensor& weight = {},
                             Reduction reduction = kMean, int64_t ignore_index = -100);

// nll_loss of log_softmax over the classes, as PyTorch composes it. target holds classes, or, with
// the shape of input, probabilities. label_smoothing in [0, 1] mixes in the mean over all classes.
// Errors: those of nll_loss and "label_smoothing must be between 0.0 and 1.0. Got: 1.5".
// torch::cross_entropy_loss.
SIMDGRAD_API Tensor cross_entropy_loss(const Tensor& self, const Tensor& target,
                                       const Tensor& weight = {}, Reduction reduction = kMean,
                                       int64_t ignore_index = -100, double label_smoothing = 0);

// l = (input - target)^2, broadcast.  d input = 2 (input - target) dy (/ n), d target = -d input.
// torch::mse_loss, MseLossBackward0.
SIMDGRAD_API Tensor mse_loss(const Tensor& self, const Tensor& target, Reduction reduction = kMean);

// l = -weight (pos_weight t log s(x) + (1 - t) log(1 - s(x))), s the sigmoid, without overflow.
// weight and pos_weight expand to the shape of input.
//   dx = weight (s(x) (pos_weight t + 1 - t) - pos_weight t) dy (/ n).
// Error: "Target size ([3]) must be the same as input size ([3, 1])".
// torch::binary_cross_entropy_with_logits, BinaryCrossEntropyWithLogitsBackward0.
SIMDGRAD_API Tensor binary_cross_entropy_with_logits(const Tensor& self, const Tensor& target,
                                                     const Tensor& weight = {},
                                                     const Tensor& pos_weight = {},
                                                     Reduction reduction = kMean);

}  // namespace simdgrad
