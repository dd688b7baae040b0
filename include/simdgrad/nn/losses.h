// Losses as modules, as torch::nn. Each computes what the function of the same purpose in
// nn::functional computes with the same options.
#pragma once

#include <simdgrad/enums.h>
#include <simdgrad/nn/module.h>

namespace simdgrad::nn {

// --- CrossEntropyLoss ---------------------------------------------------------------------------
struct CrossEntropyLossOptions {
  // One factor per class, [classes]; undefined: all 1.
  SIMDGRAD_ARG(Tensor, weight);
  // Samples of this class count for nothing.
  SIMDGRAD_ARG(int64_t, ignore_index) = -100;
  SIMDGRAD_ARG(Reduction, reduction) = kMean;
  // This share of each target is spread over all classes.
  SIMDGRAD_ARG(double, label_smoothing) = 0.0;
};

// Of logits and ids of classes, or probabilities. torch::nn::CrossEntropyLoss.
class SIMDGRAD_API CrossEntropyLossImpl : public Cloneable<CrossEntropyLossImpl> {
 public:
  explicit CrossEntropyLossImpl(CrossEntropyLossOptions options = {});
  void reset() override;
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input, const Tensor& target);
  CrossEntropyLossOptions options;
  Tensor weight;  // a buffer
};
SIMDGRAD_MODULE(CrossEntropyLoss);

// --- NLLLoss ------------------------------------------------------------------------------------
struct NLLLossOptions {
  SIMDGRAD_ARG(Tensor, weight);
  SIMDGRAD_ARG(int64_t, ignore_index) = -100;
  SIMDGRAD_ARG(Reduction, reduction) = kMean;
};

// Of log-probabilities and ids of classes. torch::nn::NLLLoss.
class SIMDGRAD_API NLLLossImpl : public Cloneable<NLLLossImpl> {
 public:
  explicit NLLLossImpl(NLLLossOptions options = {});
  void reset() override;
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input, const Tensor& target);
  NLLLossOptions options;
  Tensor weight;  // a buffer
};
SIMDGRAD_MODULE(NLLLoss);

// --- MSELoss ------------------------------------------------------------------------------------
struct MSELossOptions {
  MSELossOptions() = default;
  MSELossOptions(Reduction reduction) : reduction_(reduction) {}
  SIMDGRAD_ARG(Reduction, reduction) = kMean;
};

// The squared difference. torch::nn::MSELoss.
class SIMDGRAD_API MSELossImpl : public Cloneable<MSELossImpl> {
 public:
  explicit MSELossImpl(MSELossOptions options = {}) : options(options) {}
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input, const Tensor& target);
  MSELossOptions options;
};
SIMDGRAD_MODULE(MSELoss);

// --- BCEWithLogitsLoss --------------------------------------------------------------------------
struct BCEWithLogitsLossOptions {
  // A factor per element, and one for the positive part; both broadcast.
  SIMDGRAD_ARG(Tensor, weight);
  SIMDGRAD_ARG(Reduction, reduction) = kMean;
  SIMDGRAD_ARG(Tensor, pos_weight);
};

// Binary cross entropy of logits and probabilities. torch::nn::BCEWithLogitsLoss.
class SIMDGRAD_API BCEWithLogitsLossImpl : public Cloneable<BCEWithLogitsLossImpl> {
 public:
  explicit BCEWithLogitsLossImpl(BCEWithLogitsLossOptions options = {});
  void reset() override;
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input, const Tensor& target);
  BCEWithLogitsLossOptions options;
  Tensor weight, pos_weight;  // buffers
};
SIMDGRAD_MODULE(BCEWithLogitsLoss);

}  // namespace simdgrad::nn
