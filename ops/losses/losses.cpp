// mse_loss and binary_cross_entropy_with_logits.
#include <simdgrad/losses.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/reductions.h>
#include <simdgrad/views.h>

#include "autograd/record.h"
#include "core/parallel.h"
#include "ops/loops/broadcast.h"
#include "ops/kernels/losses.h"
#include "ops/kernels/table.h"
#include "ops/losses/losses.h"
#include "ops/loops/reductions_plan.h"

namespace simdgrad {
namespace {

template <class T>
const kernels::LossTable<T>& loss_table() {
  if constexpr (std::is_same_v<T, float>) {
    return kernels::table().losses->f32;
  } else {
    return kernels::table().losses->f64;
  }
}

// One pass serves two dense tensors of one shape and dtype whose losses are added.
bool fits_one_pass(const Tensor& x, const Tensor& target, Reduction reduction) {
  const TensorImpl &a = impl(x), &b = impl(target);
  return reduction != kNone && a.numel > 0 && a.is_contiguous() && b.is_contiguous() &&
         a.dtype == b.dtype && is_floating_point(a.dtype) && a.size_list() == b.size_list();
}

// The sum of the losses that `kernel` adds up over blocks of 4096, divided by n for the mean.
template <class T, class Kernel>
Tensor summed(const Tensor& x, const Tensor& target, Reduction reduction, double nanoseconds,
              Kernel kernel) {
  const int64_t n = impl(x).numel, block = std::max<int64_t>(16, chunk_size(4096));
  const int64_t blocks = (n - 1) / block + 1;
  const T* a = static_cast<const T*>(impl(x).data);
  const T* b = static_cast<const T*>(impl(target).data);
  Tensor partial = make_tensor(blocks == 1 ? IntArrayRef() : IntArrayRef(blocks), scalar_type_of<T>);
  T* to = static_cast<T*>(impl(partial).data);
  parallel_chunks(blocks, nanoseconds * static_cast<double>(n), [&](int64_t i) {
    to[i] = kernel(a + i * block, b + i * block, std::min(block, n - i * block));
  });
  if (blocks > 1) partial = reductions::fold(reductions::Fold::kSum, partial, 1, false);
  if (reduction == kMean) reductions::divide_in_place(partial, static_cast<double>(n));
  return partial;
}

// dx by a kernel that takes one factor for all numbers.
template <class T, class Kernel>
Tensor scaled(const Tensor& x, const Tensor& target, const Tensor& dy, double share,
              double nanoseconds, Kernel kernel) {
  const Tensor dx = make_tensor(impl(x).size_list(), scalar_type_of<T>);
  const T factor = *static_cast<const T*>(impl(dy).data) * static_cast<T>(share);
  const T* a = static_cast<const T*>(impl(x).data);
  const T* b = static_cast<const T*>(impl(target).data);
  T* to = static_cast<T*>(impl(dx).data);
  parallel_range(impl(x).numel, 16384, nanoseconds, [&](int64_t begin, int64_t end) {
    kernel(a + begin, b + begin, end - begin, factor, to + begin);
  });
  return dx;
}

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
  losses::check_reduction(reduction, "mse_loss");
  Tensor y;
  double share;
  const bool one_pass = fits_one_pass(self, target, reduction);
  if (one_pass) {
    share = share_of(reduction, self.numel());
    y = for_float_type(self.scalar_type(), [&]<class T>(T) {
      return summed<T>(self, target, reduction, 0.15, loss_table<T>().squared_distance);
    });
  } else {
    const GradModeGuard no_grad(false);
    const Tensor distance = self.sub(target);
    SIMDGRAD_CHECK(is_floating_point(distance.scalar_type()), "\"mse_cpu\" not implemented for '",
                   to_string(distance.scalar_type()), "'");
    share = share_of(reduction, distance.numel());
    y = reduced(distance.square(), reduction);
  }
  if (needs_gradient(self, target))
    record<"MseLossBackward0">(
        y, std::tie(self, target),
        [a = Saved(self), b = Saved(target), share, one_pass](Gradients& d) {
          const Tensor from = a(d), to = b(d);
          if (one_pass && !d.create_graph()) {
            Tensor dx = for_float_type(from.scalar_type(), [&]<class T>(T) {
              return scaled<T>(from, to, d.dy(), 2 * share, 0.2,
                               loss_table<T>().squared_distance_backward);
            });
            if (d.needs(1)) d.set(1, -dx);
            if (d.needs(0)) d.set(0, std::move(dx));
            return;
          }
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
  losses::check_reduction(reduction, "binary_cross_entropy_with_logits");
  SIMDGRAD_CHECK_AS(ValueError, target.sizes() == self.sizes(), "Target size (", target.sizes(),
                    ") must be the same as input size (", self.sizes(), ")");
  for (const Tensor& factor : {weight, pos_weight})
    if (factor.defined()) check_broadcasts_to(self.sizes(), factor.sizes(), self.sizes());
  Tensor y;
  const bool one_pass =
      !weight.defined() && !pos_weight.defined() && fits_one_pass(self, target, reduction);
  if (one_pass) {
    y = for_float_type(self.scalar_type(), [&]<class T>(T) {
      return summed<T>(self, target, reduction, 0.6, loss_table<T>().logits);
    });
  } else {
    const GradModeGuard no_grad(false);
    y = reduced(bce_values(self, target, weight, pos_weight), reduction);
  }
  if (needs_gradient(self, target))
    record<"BinaryCrossEntropyWithLogitsBackward0">(
        y, std::tie(self, target),
        [x = Saved(self), t = Saved(target), w = Saved(weight), p = Saved(pos_weight),
         share = share_of(reduction, self.numel()), one_pass](Gradients& d) {
          const Tensor from = x(d), to = t(d), weight = w(d), pos_weight = p(d);
          if (one_pass && !d.create_graph() && !d.needs(1)) {
            d.set(0, for_float_type(from.scalar_type(), [&]<class T>(T) {
              return scaled<T>(from, to, d.dy(), share, 0.5, loss_table<T>().logits_backward);
            }));
            return;
          }
          Tensor g = share == 1 ? d.dy() : d.dy() * share;
          if (weight.defined()) g = g * weight;
          if (d.needs(0)) {
            // (1 - t) s(x) - t s(-x): s(x) - t without its loss of digits.
            const Tensor positive = pos_weight.defined() ? pos_weight * to : to;
            const Tensor dx = ((1 - to) * from.sigmoid() - positive * (-from).sigmoid()) * g;
            d.set(0, dx.to(from.scalar_type()));
          }
          if (d.needs(1)) {
            // d l / d t = -pos_weight log s(x) + log(1 - s(x)), negated twice.
            const Tensor up = minus_log_sigmoid(from), down = minus_log_sigmoid(-from);
            const Tensor dt = ((pos_weight.defined() ? pos_weight * up : up) - down) * g;
            d.set(1, dt.to(to.scalar_type()));
          }
        });
  return y;
}

}  // namespace simdgrad
