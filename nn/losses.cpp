// The losses as modules, over nn::functional.
#include <simdgrad/nn/functional.h>
#include <simdgrad/nn/losses.h>

#include <ostream>

namespace simdgrad::nn {

namespace F = functional;

namespace {

// A clone is reset while it still shows its model's buffer: it gets one of its own.
Tensor own(const Tensor& given, const Tensor& shown) {
  return given.defined() && shown.defined() ? given.detach().clone() : given;
}

}  // namespace

CrossEntropyLossImpl::CrossEntropyLossImpl(CrossEntropyLossOptions chosen)
    : options(std::move(chosen)) {
  reset();
}
void CrossEntropyLossImpl::reset() {
  weight = register_buffer("weight", own(options.weight(), weight));
}
void CrossEntropyLossImpl::pretty_print(std::ostream& stream) const {
  stream << "torch::nn::CrossEntropyLoss()";
}
Tensor CrossEntropyLossImpl::forward(const Tensor& input, const Tensor& target) {
  return F::cross_entropy(input, target, CrossEntropyLossOptions(options).weight(weight));
}

NLLLossImpl::NLLLossImpl(NLLLossOptions chosen) : options(std::move(chosen)) { reset(); }
void NLLLossImpl::reset() { weight = register_buffer("weight", own(options.weight(), weight)); }
void NLLLossImpl::pretty_print(std::ostream& stream) const { stream << "torch::nn::NLLLoss()"; }
Tensor NLLLossImpl::forward(const Tensor& input, const Tensor& target) {
  return F::nll_loss(input, target, NLLLossOptions(options).weight(weight));
}

void MSELossImpl::pretty_print(std::ostream& stream) const { stream << "torch::nn::MSELoss()"; }
Tensor MSELossImpl::forward(const Tensor& input, const Tensor& target) {
  return F::mse_loss(input, target, options);
}

BCEWithLogitsLossImpl::BCEWithLogitsLossImpl(BCEWithLogitsLossOptions chosen)
    : options(std::move(chosen)) {
  reset();
}
void BCEWithLogitsLossImpl::reset() {
  weight = register_buffer("weight", own(options.weight(), weight));
  pos_weight = register_buffer("pos_weight", own(options.pos_weight(), pos_weight));
}
void BCEWithLogitsLossImpl::pretty_print(std::ostream& stream) const {
  stream << "torch::nn::BCEWithLogitsLoss()";
}
Tensor BCEWithLogitsLossImpl::forward(const Tensor& input, const Tensor& target) {
  return F::binary_cross_entropy_with_logits(
      input, target, BCEWithLogitsLossOptions(options).weight(weight).pos_weight(pos_weight));
}

}  // namespace simdgrad::nn
