// The layers: parameters, first values, printed form, forward.
#include <simdgrad/autograd.h>
#include <simdgrad/creation.h>
#include <simdgrad/embedding.h>
#include <simdgrad/linear_algebra.h>
#include <simdgrad/nn/init.h>
#include <simdgrad/nn/layers.h>
#include <simdgrad/normalization.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/random.h>
#include <simdgrad/reductions.h>
#include <simdgrad/views.h>

#include <cmath>
#include <iomanip>
#include <ostream>

namespace simdgrad::nn {
namespace {

const char* text(bool value) { return value ? "true" : "false"; }

}  // namespace

LinearImpl::LinearImpl(const LinearOptions& chosen) : options(chosen) { reset(); }

void LinearImpl::reset() {
  weight = register_parameter("weight", empty({options.out_features(), options.in_features()}));
  bias = options.bias() ? register_parameter("bias", empty({options.out_features()}))
                        : register_parameter("bias", {}, false);
  reset_parameters();
}

void LinearImpl::reset_parameters() {
  init::kaiming_uniform_(weight, std::sqrt(5.0));
  if (!bias.defined()) return;
  const double bound = 1 / std::sqrt(static_cast<double>(options.in_features()));
  init::uniform_(bias, -bound, bound);
}

void LinearImpl::pretty_print(std::ostream& stream) const {
  stream << "torch::nn::Linear(in_features=" << options.in_features()
         << ", out_features=" << options.out_features() << ", bias=" << text(options.bias()) << ')';
}

Tensor LinearImpl::forward(const Tensor& input) { return linear(input, weight, bias); }

EmbeddingImpl::EmbeddingImpl(EmbeddingOptions chosen) : options(std::move(chosen)) { reset(); }

void EmbeddingImpl::reset() {
  const int64_t count = options.num_embeddings();
  if (options.padding_idx()) {
    int64_t row = *options.padding_idx();
    SIMDGRAD_CHECK(count > 0 && row >= -count && row < count,
                   "Padding_idx must be within num_embeddings");
    if (row < 0) options.padding_idx(row + count);
  }
  if (options._weight().defined()) {
    SIMDGRAD_CHECK(options._weight().sizes() ==
                       IntArrayRef({count, options.embedding_dim()}),
                   "Shape of _weight does not match num_embeddings and embedding_dim");
    // A clone is reset while it still shows its model's weight: it gets one of its own.
    if (weight.defined()) options._weight(options._weight().detach().clone());
    weight = register_parameter("weight", options._weight());
    return;
  }
  weight = register_parameter("weight", empty({count, options.embedding_dim()}));
  reset_parameters();
}

void EmbeddingImpl::reset_parameters() {
  init::normal_(weight);
  if (!options.padding_idx()) return;
  const NoGradGuard no_grad;
  weight[*options.padding_idx()].zero_();
}

void EmbeddingImpl::pretty_print(std::ostream& stream) const {
  stream << "torch::nn::Embedding(num_embeddings=" << options.num_embeddings()
         << ", embedding_dim=" << options.embedding_dim();
  if (options.padding_idx()) stream << ", padding_idx=" << *options.padding_idx();
  if (options.max_norm()) stream << ", max_norm=" << *options.max_norm();
  if (options.norm_type() != 2) stream << ", norm_type=" << options.norm_type();
  if (options.scale_grad_by_freq())
    stream << ", scale_grad_by_freq=true";
  if (options.sparse()) stream << ", sparse=true";
  stream << ')';
}

Tensor EmbeddingImpl::forward(const Tensor& ids) {
  if (options.max_norm()) {
    const NoGradGuard no_grad;
    embedding_renorm_(weight, ids, *options.max_norm(), options.norm_type());
  }
  return embedding(weight, ids, options.padding_idx().value_or(-1), options.scale_grad_by_freq(),
                   options.sparse());
}

Embedding Embedding::from_pretrained(const Tensor& embeddings,
                                     const EmbeddingFromPretrainedOptions& options) {
  SIMDGRAD_CHECK(embeddings.dim() == 2, "Embeddings parameter is expected to be 2-dimensional");
  Embedding result(EmbeddingOptions(embeddings.size(0), embeddings.size(1))
                       ._weight(embeddings)
                       .padding_idx(options.padding_idx())
                       .max_norm(options.max_norm())
                       .norm_type(options.norm_type())
                       .scale_grad_by_freq(options.scale_grad_by_freq())
                       .sparse(options.sparse()));
  result->weight.set_requires_grad(!options.freeze());
  return result;
}

void ReLUImpl::pretty_print(std::ostream& stream) const {
  stream << "torch::nn::ReLU(";
  if (options.inplace()) stream << "inplace=true";
  stream << ')';
}
Tensor ReLUImpl::forward(Tensor input) { return options.inplace() ? input.relu_() : relu(input); }

void TanhImpl::pretty_print(std::ostream& stream) const { stream << "torch::nn::Tanh()"; }
Tensor TanhImpl::forward(const Tensor& input) { return tanh(input); }

void SigmoidImpl::pretty_print(std::ostream& stream) const { stream << "torch::nn::Sigmoid()"; }
Tensor SigmoidImpl::forward(const Tensor& input) { return sigmoid(input); }

void GELUImpl::pretty_print(std::ostream& stream) const { stream << "torch::nn::GELU()"; }
Tensor GELUImpl::forward(const Tensor& input) { return gelu(input, options.approximate()); }

void SoftplusImpl::pretty_print(std::ostream& stream) const {
  stream << "torch::nn::Softplus(beta=" << options.beta() << ", threshold=" << options.threshold() << ')';
}
Tensor SoftplusImpl::forward(const Tensor& input) {
  return softplus(input, options.beta(), options.threshold());
}

void SoftmaxImpl::pretty_print(std::ostream& stream) const {
  stream << "torch::nn::Softmax(dim=" << options.dim() << ')';
}
Tensor SoftmaxImpl::forward(const Tensor& input) { return softmax(input, options.dim()); }

void LogSoftmaxImpl::pretty_print(std::ostream& stream) const {
  stream << "torch::nn::LogSoftmax(dim=" << options.dim() << ')';
}
Tensor LogSoftmaxImpl::forward(const Tensor& input) { return log_softmax(input, options.dim()); }

DropoutImpl::DropoutImpl(const DropoutOptions& chosen) : options(chosen) { reset(); }

void DropoutImpl::reset() {
  SIMDGRAD_CHECK(options.p() >= 0 && options.p() <= 1,
                 "dropout probability has to be between 0 and 1, but got ", options.p());
}

void DropoutImpl::pretty_print(std::ostream& stream) const {
  stream << "torch::nn::Dropout(p=" << options.p() << ", inplace=" << text(options.inplace()) << ')';
}

Tensor DropoutImpl::forward(Tensor input) {
  if (!options.inplace()) return dropout(input, options.p(), is_training());
  if (!is_training() || options.p() == 0) return input;
  return input.mul_(dropout(ones_like(input), options.p(), true));
}

LayerNormImpl::LayerNormImpl(LayerNormOptions chosen) : options(std::move(chosen)) { reset(); }

void LayerNormImpl::reset() {
  if (options.elementwise_affine()) {
    weight = register_parameter("weight", simdgrad::empty(options.normalized_shape()));
    bias = register_parameter("bias", simdgrad::empty(options.normalized_shape()));
  } else {
    weight = register_parameter("weight", {}, false);
    bias = register_parameter("bias", {}, false);
  }
  reset_parameters();
}

void LayerNormImpl::reset_parameters() {
  if (!options.elementwise_affine()) return;
  init::ones_(weight);
  init::zeros_(bias);
}

void LayerNormImpl::pretty_print(std::ostream& stream) const {
  stream << "torch::nn::LayerNorm(" << IntArrayRef(options.normalized_shape())
         << ", eps=" << options.eps()
         << ", elementwise_affine=" << (options.elementwise_affine() ? "true" : "false") << ')';
}

Tensor LayerNormImpl::forward(const Tensor& input) {
  return layer_norm(input, options.normalized_shape(), weight, bias, options.eps());
}

void IdentityImpl::pretty_print(std::ostream& stream) const { stream << "torch::nn::Identity()"; }

void FlattenImpl::pretty_print(std::ostream& stream) const {
  stream << "torch::nn::Flatten(start_dim=" << options.start_dim()
         << ", end_dim=" << options.end_dim() << ')';
}
Tensor FlattenImpl::forward(const Tensor& input) {
  return flatten(input, options.start_dim(), options.end_dim());
}

FunctionalImpl::FunctionalImpl(Function function) : function_(std::move(function)) {
  SIMDGRAD_CHECK(function_, "Functional: got an empty function");
}

void FunctionalImpl::pretty_print(std::ostream& stream) const {
  stream << "torch::nn::Functional()";
}

}  // namespace simdgrad::nn
