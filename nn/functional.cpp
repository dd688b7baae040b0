// nn::functional: options unpacked, libtorch's checks, then the function of simdgrad.
#include <simdgrad/autograd.h>
#include <simdgrad/creation.h>
#include <simdgrad/embedding.h>
#include <simdgrad/linear_algebra.h>
#include <simdgrad/losses.h>
#include <simdgrad/nn/functional.h>
#include <simdgrad/normalization.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/random.h>
#include <simdgrad/reductions.h>

// Unqualified names would find the functions of this namespace: those of simdgrad are spelled out.
namespace simdgrad::nn::functional {

Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias) {
  return simdgrad::linear(input, weight, bias);
}

Tensor embedding(const Tensor& input, const Tensor& weight, const EmbeddingFuncOptions& options) {
  int64_t padding = -1;
  if (options.padding_idx()) {
    padding = *options.padding_idx();
    const int64_t rows = weight.size(0);
    SIMDGRAD_CHECK(padding >= -rows && (padding < rows || padding == 0),
                   "Padding_idx must be within num_embeddings");
    if (padding < 0) padding += rows;
  }
  if (options.max_norm()) {
    const NoGradGuard no_grad;
    Tensor renormed = weight;
    simdgrad::embedding_renorm_(renormed, input.contiguous(), *options.max_norm(),
                                options.norm_type());
  }
  return simdgrad::embedding(weight, input, padding, options.scale_grad_by_freq(),
                             options.sparse());
}

Tensor one_hot(const Tensor& tensor, int64_t num_classes) {
  return simdgrad::one_hot(tensor, num_classes);
}

Tensor relu(Tensor input, const ReLUFuncOptions& options) {
  return options.inplace() ? input.relu_() : simdgrad::relu(input);
}

Tensor gelu(const Tensor& input, const GELUFuncOptions& options) {
  return simdgrad::gelu(input, options.approximate());
}

Tensor silu(const Tensor& input) { return simdgrad::silu(input); }

Tensor softplus(const Tensor& input, const SoftplusFuncOptions& options) {
  return simdgrad::softplus(input, options.beta(), options.threshold());
}

Tensor softmax(const Tensor& input, const SoftmaxFuncOptions& options) {
  return simdgrad::softmax(input, options.dim(), options.dtype());
}

Tensor log_softmax(const Tensor& input, const LogSoftmaxFuncOptions& options) {
  return simdgrad::log_softmax(input, options.dim(), options.dtype());
}

Tensor dropout(Tensor input, const DropoutFuncOptions& options) {
  SIMDGRAD_CHECK(options.p() >= 0 && options.p() <= 1,
                 "dropout probability has to be between 0 and 1, but got ", options.p());
  if (!options.inplace()) return simdgrad::dropout(input, options.p(), options.training());
  if (!options.training() || options.p() == 0) return input;
  return input.mul_(simdgrad::dropout(ones_like(input), options.p(), true));
}

Tensor layer_norm(const Tensor& input, const LayerNormFuncOptions& options) {
  return simdgrad::layer_norm(input, options.normalized_shape(), options.weight(), options.bias(),
                              options.eps());
}

Tensor cross_entropy(const Tensor& input, const Tensor& target,
                     const CrossEntropyFuncOptions& options) {
  return simdgrad::cross_entropy_loss(input, target, options.weight(), options.reduction(),
                                      options.ignore_index(), options.label_smoothing());
}

Tensor nll_loss(const Tensor& input, const Tensor& target, const NLLLossFuncOptions& options) {
  SIMDGRAD_CHECK(input.dim() >= 2, "Expected 2 or more dimensions (got ", input.dim(), ")");
  SIMDGRAD_CHECK(target.dim() >= 1, "nll_loss: got a target without dimensions, needed [",
                 input.size(0), "]");
  SIMDGRAD_CHECK(input.size(0) == target.size(0), "Expected input batch_size (", input.size(0),
                 ") to match target batch_size (", target.size(0), ").");
  return simdgrad::nll_loss(input, target, options.weight(), options.reduction(),
                            options.ignore_index());
}

Tensor mse_loss(const Tensor& input, const Tensor& target, const MSELossFuncOptions& options) {
  if (target.sizes() != input.sizes())
    warn(detail::build_message({"Using a target size (", target.sizes(),
                                ") that is different to the input size (", input.sizes(),
                                "). This will likely lead to incorrect results due to "
                                "broadcasting. Please ensure they have the same size."}));
  return simdgrad::mse_loss(input, target, options.reduction());
}

Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target,
                                        const BinaryCrossEntropyWithLogitsFuncOptions& options) {
  SIMDGRAD_CHECK(target.sizes() == input.sizes(), "Target size (", target.sizes(),
                 ") must be the same as input size (", input.sizes(), ")");
  return simdgrad::binary_cross_entropy_with_logits(input, target, options.weight(),
                                                    options.pos_weight(), options.reduction());
}

}  // namespace simdgrad::nn::functional
