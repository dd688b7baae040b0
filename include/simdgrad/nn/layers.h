// The layers, as torch::nn. Each has its options struct, an Impl with forward(), and the holder that
// programs use. Parameters draw their first values from the default generator in PyTorch's order.
#pragma once

#include <simdgrad/nn/module.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace simdgrad::nn {

// --- Linear -------------------------------------------------------------------------------------
struct LinearOptions {
  LinearOptions(int64_t in_features, int64_t out_features)
      : in_features_(in_features), out_features_(out_features) {}
  SIMDGRAD_ARG(int64_t, in_features);
  SIMDGRAD_ARG(int64_t, out_features);
  SIMDGRAD_ARG(bool, bias) = true;
};

// y[..., out] = x[..., in] weight[out, in]^T + bias[out]. weight is uniform in +-1/sqrt(in)
// (kaiming_uniform_ with a = sqrt 5), and so is bias. torch::nn::Linear.
class SIMDGRAD_API LinearImpl : public Cloneable<LinearImpl> {
 public:
  LinearImpl(int64_t in_features, int64_t out_features)
      : LinearImpl(LinearOptions(in_features, out_features)) {}
  explicit LinearImpl(const LinearOptions& options);
  void reset() override;
  void reset_parameters();
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input);

  LinearOptions options;
  Tensor weight;
  Tensor bias;  // undefined without bias
};
SIMDGRAD_MODULE(Linear);

// --- Embedding ----------------------------------------------------------------------------------
struct EmbeddingOptions {
  EmbeddingOptions(int64_t num_embeddings, int64_t embedding_dim)
      : num_embeddings_(num_embeddings), embedding_dim_(embedding_dim) {}
  SIMDGRAD_ARG(int64_t, num_embeddings);
  SIMDGRAD_ARG(int64_t, embedding_dim);
  // This row is zero at first and gets no gradient; negative counts from the end.
  SIMDGRAD_ARG(std::optional<int64_t>, padding_idx) = std::nullopt;
  // Rows that are looked up with a larger norm are scaled down to it, in place, before the lookup.
  SIMDGRAD_ARG(std::optional<double>, max_norm) = std::nullopt;
  SIMDGRAD_ARG(double, norm_type) = 2.0;
  // Divides the gradient of a row by how often it was looked up.
  SIMDGRAD_ARG(bool, scale_grad_by_freq) = false;
  // The gradient of weight is row-sparse: its cost is that of the rows looked up.
  SIMDGRAD_ARG(bool, sparse) = false;
  // The weight to use, of any strides, instead of a fresh one; it is not copied.
  SIMDGRAD_ARG(Tensor, _weight) = Tensor();
};

// y[..., d] = weight[ids[...], d]. weight [num_embeddings, embedding_dim] is normal with mean 0 and
// standard deviation 1. torch::nn::Embedding.
class SIMDGRAD_API EmbeddingImpl : public Cloneable<EmbeddingImpl> {
 public:
  EmbeddingImpl(int64_t num_embeddings, int64_t embedding_dim)
      : EmbeddingImpl(EmbeddingOptions(num_embeddings, embedding_dim)) {}
  explicit EmbeddingImpl(EmbeddingOptions options);
  void reset() override;
  void reset_parameters();
  void pretty_print(std::ostream& stream) const override;
  // ids: int64 or int32, any shape.
  Tensor forward(const Tensor& ids);

  EmbeddingOptions options;
  Tensor weight;
};

struct EmbeddingFromPretrainedOptions {
  SIMDGRAD_ARG(bool, freeze) = true;
  SIMDGRAD_ARG(std::optional<int64_t>, padding_idx) = std::nullopt;
  SIMDGRAD_ARG(std::optional<double>, max_norm) = std::nullopt;
  SIMDGRAD_ARG(double, norm_type) = 2.0;
  SIMDGRAD_ARG(bool, scale_grad_by_freq) = false;
  SIMDGRAD_ARG(bool, sparse) = false;
};

class Embedding : public ModuleHolder<EmbeddingImpl> {
 public:
  using ModuleHolder<EmbeddingImpl>::ModuleHolder;
  // An embedding over the given rows; they do not train unless freeze(false).
  SIMDGRAD_API static Embedding from_pretrained(const Tensor& embeddings,
                                                const EmbeddingFromPretrainedOptions& options = {});
};

// --- activations --------------------------------------------------------------------------------
// max(x, 0). torch::nn::ReLU.
struct ReLUOptions {
  ReLUOptions(bool inplace = false) : inplace_(inplace) {}
  SIMDGRAD_ARG(bool, inplace);
};
class SIMDGRAD_API ReLUImpl : public Cloneable<ReLUImpl> {
 public:
  explicit ReLUImpl(const ReLUOptions& options = {}) : options(options) {}
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(Tensor input);
  ReLUOptions options;
};
SIMDGRAD_MODULE(ReLU);

// tanh x, 1 / (1 + e^-x). torch::nn::Tanh, torch::nn::Sigmoid.
class SIMDGRAD_API TanhImpl : public Cloneable<TanhImpl> {
 public:
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input);
};
SIMDGRAD_MODULE(Tanh);
class SIMDGRAD_API SigmoidImpl : public Cloneable<SigmoidImpl> {
 public:
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input);
};
SIMDGRAD_MODULE(Sigmoid);

// x times the normal distribution function of x; approximate "tanh" uses its tanh form.
// torch::nn::GELU.
struct GELUOptions {
  SIMDGRAD_ARG(std::string, approximate) = "none";
};
class SIMDGRAD_API GELUImpl : public Cloneable<GELUImpl> {
 public:
  explicit GELUImpl(GELUOptions options = {}) : options(std::move(options)) {}
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input);
  GELUOptions options;
};
SIMDGRAD_MODULE(GELU);

// log(1 + e^(beta x)) / beta, x itself where beta x > threshold. torch::nn::Softplus.
struct SoftplusOptions {
  SIMDGRAD_ARG(double, beta) = 1.0;
  SIMDGRAD_ARG(double, threshold) = 20.0;
};
class SIMDGRAD_API SoftplusImpl : public Cloneable<SoftplusImpl> {
 public:
  explicit SoftplusImpl(SoftplusOptions options = {}) : options(options) {}
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input);
  SoftplusOptions options;
};
SIMDGRAD_MODULE(Softplus);

// e^x_i / sum e^x along a dimension, and its logarithm. torch::nn::Softmax, torch::nn::LogSoftmax.
struct SoftmaxOptions {
  SoftmaxOptions(int64_t dim) : dim_(dim) {}
  SIMDGRAD_ARG(int64_t, dim);
};
using LogSoftmaxOptions = SoftmaxOptions;
class SIMDGRAD_API SoftmaxImpl : public Cloneable<SoftmaxImpl> {
 public:
  explicit SoftmaxImpl(int64_t dim) : options(dim) {}
  explicit SoftmaxImpl(const SoftmaxOptions& options) : options(options) {}
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input);
  SoftmaxOptions options;
};
SIMDGRAD_MODULE(Softmax);
class SIMDGRAD_API LogSoftmaxImpl : public Cloneable<LogSoftmaxImpl> {
 public:
  explicit LogSoftmaxImpl(int64_t dim) : options(dim) {}
  explicit LogSoftmaxImpl(const LogSoftmaxOptions& options) : options(options) {}
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input);
  LogSoftmaxOptions options;
};
SIMDGRAD_MODULE(LogSoftmax);

// --- dropout, normalisation, shape --------------------------------------------------------------
// In training: 0 with probability p, else x / (1 - p). torch::nn::Dropout.
struct DropoutOptions {
  DropoutOptions(double p = 0.5) : p_(p) {}
  SIMDGRAD_ARG(double, p);
  SIMDGRAD_ARG(bool, inplace) = false;
};
class SIMDGRAD_API DropoutImpl : public Cloneable<DropoutImpl> {
 public:
  explicit DropoutImpl(double p) : DropoutImpl(DropoutOptions(p)) {}
  // Error: "dropout probability has to be between 0 and 1, but got 1.5".
  explicit DropoutImpl(const DropoutOptions& options = {});
  void reset() override;
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(Tensor input);
  DropoutOptions options;
};
SIMDGRAD_MODULE(Dropout);

// (x - mean) / sqrt(variance + eps) weight + bias over the last dimensions. torch::nn::LayerNorm.
struct LayerNormOptions {
  LayerNormOptions(std::vector<int64_t> normalized_shape)
      : normalized_shape_(std::move(normalized_shape)) {}
  SIMDGRAD_ARG(std::vector<int64_t>, normalized_shape);
  SIMDGRAD_ARG(double, eps) = 1e-5;
  SIMDGRAD_ARG(bool, elementwise_affine) = true;
};
class SIMDGRAD_API LayerNormImpl : public Cloneable<LayerNormImpl> {
 public:
  explicit LayerNormImpl(std::vector<int64_t> normalized_shape)
      : LayerNormImpl(LayerNormOptions(std::move(normalized_shape))) {}
  explicit LayerNormImpl(LayerNormOptions options);
  void reset() override;
  void reset_parameters();
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input);
  LayerNormOptions options;
  Tensor weight, bias;  // undefined without elementwise_affine
};
SIMDGRAD_MODULE(LayerNorm);

// Its input. Takes any arguments, as a stand-in for another layer. torch::nn::Identity.
class SIMDGRAD_API IdentityImpl : public Cloneable<IdentityImpl> {
 public:
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input) { return input; }
};
SIMDGRAD_MODULE(Identity);

// Dimensions start_dim to end_dim as one. torch::nn::Flatten.
struct FlattenOptions {
  SIMDGRAD_ARG(int64_t, start_dim) = 1;
  SIMDGRAD_ARG(int64_t, end_dim) = -1;
};
class SIMDGRAD_API FlattenImpl : public Cloneable<FlattenImpl> {
 public:
  explicit FlattenImpl(const FlattenOptions& options = {}) : options(options) {}
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input);
  FlattenOptions options;
};
SIMDGRAD_MODULE(Flatten);

// A function as a module: `Functional(relu)`, `Functional([](Tensor x) { return x * 2; })`,
// `Functional(log_softmax_of, 1)`: further arguments follow the tensor. torch::nn::Functional.
class SIMDGRAD_API FunctionalImpl : public Cloneable<FunctionalImpl> {
 public:
  using Function = std::function<Tensor(Tensor)>;
  // Error for an empty std::function.
  explicit FunctionalImpl(Function function);
  template <class SomeFunction, class... Args>
    requires(sizeof...(Args) > 0)
  explicit FunctionalImpl(SomeFunction function, Args... args)
      : function_([=](Tensor input) { return function(input, args...); }) {}
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(Tensor input) { return function_(std::move(input)); }
  Tensor operator()(Tensor input) { return forward(std::move(input)); }
  bool is_serializable() const { return false; }

 private:
  Function function_;
};
SIMDGRAD_MODULE(Functional);

}  // namespace simdgrad::nn
