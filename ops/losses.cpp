// mse_loss and binary_cross_entropy_with_logits.
#include <simdgrad/losses.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/reductions.h>
#include <simdgrad/views.h>

#include "autograd/record.h"
#include "ops/broadcast.h"

namespace simdgrad {
namespace {

Tensor reduced(const Tensor& losses, Reduction reduction) {
  return reduction == kMean ? losses.mean() : reduction == kSum ? losses.sum() : losses;
}

// What dy is multiplied with per element.
double share_of(Reduction reduction, int64_t count) {
  return reduction == kMean ? 1 / static_cast<double>(count) : 1;
}

}  // namespace

Tensor mse_loss(const Tensor& self, const Tensor& target, Reduction reduction) {
  check_dense(self, "mse_loss");
  check_dense(target, "mse_loss", "target");
  Tensor y;
  double share;
  {
    const GradModeGuard no_grad(false);
    const Tensor distance = self.sub(target);
    SIMDGRAD_CHECK(is_floating_point(distance.scalar_type()), "\"mse_cpu\" not implemented for '",
                   to_string(distance.scalar_type()), "'");
    share = share_of(reduction, distance.numel());
    y = reduced(distance.square(), reduction);
  }
  if (needs_gradient(self, target))
    record<"MseLossBackward0">(
        y, std::tie(self, target), [a = Saved(self), b = Saved(target), share](Gradients& d) {
          const Tensor from = a(d), to = b(d);
          const Tensor g = (from - to) * (d.dy() * (2 * share));
          if (d.needs(0)) d.set(0, reduce_gradient(g, from.sizes(), from.scalar_type()));
          if (d.needs(1)) d.set(1, reduce_gradient(-g, to.sizes(), to.scalar_type()));
        });
  return y;
}

namespace {

// log(1 + e^-|x|) + max(-x, 0) = -log s(x), without overflow.
Tensor minus_log_sigmoid(const Tensor& x) { return (-x.abs()).exp().log1p() + (-x).clamp_min(0); }

Tensor bce_values(const Tensor& x, const Tensor& t, const Tensor& weight, const Tensor& pos_weight) {
  const Tensor positive = minus_log_sigmoid(x);
  Tensor losses;
  if (pos_weight.defined()) {
    losses = (1 - t) * x + ((pos_weight - 1) * t + 1) * positive;
  } else {
    losses = (1 - t) * x + positive;
  }
  return weight.defined() ? losses * weight : losses;
}

}  // namespace

Tensor binary_cross_entropy_with_logits(const Tensor& self, const Tensor& target,
                                        const Tensor& weight, const Tensor& pos_weight,
                                        Reduction reduction) {
  check_dense(self, "binary_cross_entropy_with_logits");
  check_dense(target, "binary_cross_entropy_with_logits", "target");
  SIMDGRAD_CHECK_AS(ValueError, target.sizes() == self.sizes(), "Target size (", target.sizes(),
                    ") must be the same as input size (", self.sizes(), ")");
  Tensor y;
  {
    const GradModeGuard no_grad(false);
    y = reduced(bce_values(self, target, weight, pos_weight), reduction);
  }
  if (needs_gradient(self, target))
    record<"BinaryCrossEntropyWithLogitsBackward0">(
        y, std::tie(self, target),
        [x = Saved(self), t = Saved(target), w = Saved(weight), p = Saved(pos_weight),
         share = share_of(reduction, self.numel())](Gradients& d) {
          const Tensor from = x(d), to = t(d), weight = w(d), pos_weight = p(d);
          Tensor g = share == 1 ? d.dy() : d.dy() * share;
          if (weight.defined()) g = g * weight;
          if (d.needs(0)) {
            const Tensor s = from.sigmoid();
            if (pos_weight.defined()) {
              const Tensor positive = pos_weight * to;
              d.set(0, ((positive + 1 - to) * s - positive) * g);
            } else {
              d.set(0, (s - to) * g);
            }
          }
          if (d.needs(1)) {
            // d l / d t = -pos_weight log s(x) + log(1 - s(x)), negated twice.
            const Tensor up = minus_log_sigmoid(from), down = minus_log_sigmoid(-from);
            d.set(1, ((pos_weight.defined() ? pos_weight * up : up) - down) * g);
          }
        });
  return y;
}

}  // namespace simdgrad
