// The functions of torch::nn::functional: layers and losses without a module, with options by name.
//
//   namespace F = nn::functional;
//   F::cross_entropy(logits, ids, F::CrossEntropyFuncOptions().label_smoothing(0.1));
//
// Each forwards to the function of simdgrad that has its name or is named beside it, where formula,
// shapes, gradient and errors stand.
#pragma once

#include <simdgrad/nn/layers.h>
#include <simdgrad/nn/losses.h>

#include <optional>
#include <vector>

namespace simdgrad::nn::functional {

// input weight^T + bias. linear.
SIMDGRAD_API Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias = {});

// --- rows by ids --------------------------------------------------------------------------------
struct EmbeddingFuncOptions {
  // Negative counts from the end. Error: "Padding_idx must be within num_embeddings".
  SIMDGRAD_ARG(std::optional<int64_t>, padding_idx) = std::nullopt;
  SIMDGRAD_ARG(std::optional<double>, max_norm) = std::nullopt;
  SIMDGRAD_ARG(double, norm_type) = 2.0;
  SIMDGRAD_ARG(bool, scale_grad_by_freq) = false;
  SIMDGRAD_ARG(bool, sparse) = false;
};
// weight[input]; the order of the tensors is not that of simdgrad::embedding. With max_norm,
// embedding_renorm_ changes weight first.
SIMDGRAD_API Tensor embedding(const Tensor& input, const Tensor& weight,
                              const EmbeddingFuncOptions& options = {});
// one_hot; -1: as many classes as the largest id needs.
SIMDGRAD_API Tensor one_hot(const Tensor& tensor, int64_t num_classes = -1);

// --- activations --------------------------------------------------------------------------------
using ReLUFuncOptions = ReLUOptions;
using GELUFuncOptions = GELUOptions;
SIMDGRAD_API Tensor relu(Tensor input, const ReLUFuncOptions& options = {});
SIMDGRAD_API Tensor gelu(const Tensor& input, const GELUFuncOptions& options = {});
SIMDGRAD_API Tensor silu(const Tensor& input);
using SoftplusFuncOptions = SoftplusOptions;
SIMDGRAD_API Tensor softplus(const Tensor& input, const SoftplusFuncOptions& options = {});

// dtype: converts the input first.
struct SoftmaxFuncOptions {
  SoftmaxFuncOptions(int64_t dim) : dim_(dim) {}
  SIMDGRAD_ARG(int64_t, dim);
  SIMDGRAD_ARG(std::optional<ScalarType>, dtype) = std::nullopt;
};
using LogSoftmaxFuncOptions = SoftmaxFuncOptions;
SIMDGRAD_API Tensor softmax(const Tensor& input, const SoftmaxFuncOptions& options);
SIMDGRAD_API Tensor log_softmax(const Tensor& input, const LogSoftmaxFuncOptions& options);

// --- dropout, normalisation ---------------------------------------------------------------------
struct DropoutFuncOptions {
  SIMDGRAD_ARG(double, p) = 0.5;
  SIMDGRAD_ARG(bool, training) = true;
  SIMDGRAD_ARG(bool, inplace) = false;
};
SIMDGRAD_API Tensor dropout(Tensor input, const DropoutFuncOptions& options = {});

struct LayerNormFuncOptions {
  LayerNormFuncOptions(std::vector<int64_t> normalized_shape)
      : normalized_shape_(std::move(normalized_shape)) {}
  SIMDGRAD_ARG(std::vector<int64_t>, normalized_shape);
  SIMDGRAD_ARG(Tensor, weight) = {};
  SIMDGRAD_ARG(Tensor, bias) = {};
  SIMDGRAD_ARG(double, eps) = 1e-5;
};
SIMDGRAD_API Tensor layer_norm(const Tensor& input, const LayerNormFuncOptions& options);

// --- losses -------------------------------------------------------------------------------------
using CrossEntropyFuncOptions = CrossEntropyLossOptions;
using NLLLossFuncOptions = NLLLossOptions;
using MSELossFuncOptions = MSELossOptions;
using BinaryCrossEntropyWithLogitsFuncOptions = BCEWithLogitsLossOptions;

// cross_entropy_loss.
SIMDGRAD_API Tensor cross_entropy(const Tensor& input, const Tensor& target,
                                  const CrossEntropyFuncOptions& options = {});
// nll_loss. Errors: "Expected 2 or more dimensions (got 1)", "Expected input batch_size (3) to
// match target batch_size (2).".
SIMDGRAD_API Tensor nll_loss(const Tensor& input, const Tensor& target,
                             const NLLLossFuncOptions& options = {});
// mse_loss. Other sizes broadcast, with a warning.
SIMDGRAD_API Tensor mse_loss(const Tensor& input, const Tensor& target,
                             const MSELossFuncOptions& options = {});
// binary_cross_entropy_with_logits. Error: "Target size ([3]) must be the same as input size ([3,
// 1])".
SIMDGRAD_API Tensor binary_cross_entropy_with_logits(
    const Tensor& input, const Tensor& target,
    const BinaryCrossEntropyWithLogitsFuncOptions& options = {});

}  // namespace simdgrad::nn::functional
