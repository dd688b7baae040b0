// cross_entropy_loss.
#include <simdgrad/indexing.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/reductions.h>
#include <simdgrad/views.h>

#include "autograd/record.h"
#include "ops/loops/broadcast.h"
#include "ops/loops/copy.h"
#include "ops/losses/losses.h"
#include "ops/loops/row_tasks.h"

namespace simdgrad {

using namespace losses;

namespace {

// A weight per class, shaped to multiply the input along its class dimension.
Tensor along_classes(const Tensor& weight, const Tensor& input, int64_t class_dim) {
  Dims shape(static_cast<size_t>(input.dim()), 1);
  shape[static_cast<size_t>(class_dim)] = weight.numel();
  return weight.view(shape);
}

Tensor cross_entropy_of_probabilities(const Tensor& self, const Tensor& target, const Tensor& weight,
                                      Reduction reduction, double smoothing) {
  const int64_t class_dim = self.dim() == 1 ? 0 : 1;
  const int64_t classes = self.size(class_dim);
  SIMDGRAD_CHECK(is_floating_point(target.scalar_type()),
                 "Expected floating point type for target with class probabilities, got ",
                 to_string(target.scalar_type()));
  SIMDGRAD_CHECK(!weight.defined() || (weight.dim() == 1 && weight.numel() == classes),
                 "cross_entropy: weight tensor should be defined either for all ", classes,
                 " classes or no classes but got weight tensor of shape: ",
                 weight.defined() ? weight.sizes() : IntArrayRef());
  const Tensor wanted =
      smoothing > 0 ? target * (1 - smoothing) + smoothing / static_cast<double>(classes) : target;
  Tensor product = log_softmax(self, class_dim) * wanted;
  if (weight.defined()) product = product * along_classes(weight, self, class_dim);
  if (reduction == kSum) return -product.sum();
  if (reduction == kNone) return -product.sum(class_dim);
  const double samples = static_cast<double>(self.numel()) / static_cast<double>(classes);
  return -product.sum() / samples;
}

Tensor cross_entropy_smoothed(const Tensor& self, const Tensor& target, const Tensor& weight,
                              Reduction reduction, int64_t ignore_index, double smoothing) {
  const int64_t class_dim = self.dim() == 1 ? 0 : 1;
  const double classes = static_cast<double>(self.size(class_dim));
  const Tensor input = log_softmax(self, class_dim);
  const Tensor nll = nll_loss(input, target, weight, reduction, ignore_index);
  Tensor smooth = weight.defined()
                      ? -(input * along_classes(weight, self, class_dim)).sum(class_dim)
                      : -input.sum(class_dim);
  const Tensor ignored = target.eq(ignore_index);
  smooth = smooth.masked_fill(ignored, 0);
  Tensor result;
  if (reduction == kNone) {
    result = smooth;
  } else if (reduction == kSum) {
    result = smooth.sum();
  } else if (weight.defined()) {
    // Ignored targets take any weight: their losses are 0 and so is what they add here.
    const Tensor used = weight.detach().index_select(0, target.masked_fill(ignored, 0).flatten());
    result = smooth.sum() / used.masked_fill(ignored.flatten(), 0).sum();
  } else {
    result = smooth.sum() / ignored.logical_not().sum();
  }
  return nll * (1 - smoothing) + result * (smoothing / classes);
}

// Everything that backward needs of rows of logits: e = e^(x - largest), the sums of its rows.
struct Exponentials {
  Tensor e, sums;
};

// The losses of rows, and what divides them; keeps e for backward, which then takes no exponential.
template <class T>
Tensor row_losses(const Tensor& x, const Tensor& classes, const Tensor& weights,
                  IntArrayRef target_sizes, Reduction reduction, int64_t ignore_index,
                  Exponentials& kept, double& divisor) {
  const int64_t n = x.size(-1), rows = x.numel() / n;
  const int64_t* targets = static_cast<const int64_t*>(impl(classes).data);
  for (int64_t r = 0; r < rows; ++r)
    if (targets[r] != ignore_index) check_class(targets[r], n);
  kept.e = make_tensor(x.sizes(), scalar_type_of<T>);
  kept.sums = make_tensor({rows}, scalar_type_of<T>);
  const Tensor scratch = make_tensor({2, rows}, scalar_type_of<T>);
  const T* from = static_cast<const T*>(impl(x).data);
  T* e = static_cast<T*>(impl(kept.e).data);
  T* sums = static_cast<T*>(impl(kept.sums).data);
  T* tops = static_cast<T*>(impl(scratch).data);
  T* logs = tops + rows;
  const auto kernel = softmax_table<T>().exp_rows;
  for_rows(rows, n, 0.5, [&](int64_t begin, int64_t end) {
    kernel(from + begin * n, e + begin * n, end - begin, n, tops + begin, sums + begin,
           logs + begin);
  });
  Tensor y = make_tensor(reduction == kNone ? target_sizes : IntArrayRef(), scalar_type_of<T>);
  T* to = static_cast<T*>(impl(y).data);
  double sum = 0, used = 0;  // in double: their order of addition does not show in f32
  for (int64_t r = 0; r < rows; ++r) {
    T loss = 0;
    if (const int64_t c = targets[r]; c != ignore_index) {
      const T weight = weight_of<T>(weights, c);
      loss = -weight * (from[r * n + c] - tops[r] - logs[r]);
      used += weight;
    }
    if (reduction == kNone) to[r] = loss;
    sum += loss;
  }
  divisor = reduction == kMean ? used : 1;
  if (reduction != kNone) to[0] = static_cast<T>(reduction == kMean ? sum / used : sum);
  return y;
}

// d loss / d logits: e / sum scaled by the slope of the row's loss, less the slope at the target. Into
// dx, which may be e.
template <class T>
void row_gradients(const Tensor& dy, const Tensor& e, const Tensor& sums, const Tensor& classes,
                   const Tensor& weights, int64_t ignore_index, double divisor, const Tensor& dx) {
  const int64_t n = e.size(-1), rows = e.numel() / n;
  const int64_t* targets = static_cast<const int64_t*>(impl(classes).data);
  const Tensor given = dy.contiguous();
  const Tensor scratch = make_tensor({2, rows}, scalar_type_of<T>);
  const T* g = static_cast<const T*>(impl(given).data);
  const T* total = static_cast<const T*>(impl(sums).data);
  T* slopes = static_cast<T*>(impl(scratch).data);
  T* factors = slopes + rows;
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t c = targets[r];
    if (c != ignore_index) check_class(c, n);  // again: they may be a caller's buffer
    slopes[r] = c == ignore_index ? T(0)
                                  : static_cast<T>(weight_of<T>(weights, c) / divisor) *
                                        g[impl(given).ndim == 0 ? 0 : r];
    factors[r] = slopes[r] / total[r];
  }
  const T* from = static_cast<const T*>(impl(e).data);
  T* to = static_cast<T*>(impl(dx).data);
  const auto kernel = softmax_table<T>().scale_rows;
  for_rows(rows, n, 0.3, [&](int64_t begin, int64_t end) {
    kernel(from + begin * n, end - begin, n, factors + begin, to + begin * n);
    for (int64_t r = begin; r < end; ++r)
      if (targets[r] != ignore_index) to[r * n + targets[r]] -= slopes[r];
  });
}

// Do just the two nodes hold e, for the last time? dx then takes its place (256 x 10000: 730 us become
// 500, since one matrix less goes through the cache).
bool may_overwrite(const Tensor& e, const Gradients& d) {
  const TensorImpl& held = impl(e);
  return d.last_run() && held.references.load() == 2 && held.storage->references.is_one();
}

// log_softmax and nll_loss in one pass. The graph shows both nodes: NllLossBackward0 computes the
// gradient of the logits and LogSoftmaxBackward0 lets it through (its input 1). Under create_graph
// each does its own part, through input 1 as well; gradients of the log-softmax that double backward
// finds arrive at its input 0.
void record_cross_entropy(const Tensor& y, const Tensor& self, const Exponentials& kept,
                          const Tensor& classes, const Tensor& weights, Reduction reduction,
                          int64_t ignore_index, double divisor) {
  const int64_t dim = self.dim() - 1;
  const Tensor log_softmax_result = make_detached(kept.e, false);  // stands for it in the graph
  Node* log_softmax_node = make_node<"LogSoftmaxBackward0">(
      std::tie(self),
      [e = Saved(kept.e), sums = Saved(kept.sums), dim, still_read = Tensor()](Gradients& d) mutable {
        if (!d.create_graph() && !d.dy(0).defined()) return d.set(0, d.take_dy(1));
        const Tensor total = sums(d);
        const Tensor p = e(d) / (dim == 0 ? total : total.unsqueeze(1));
        if (!d.create_graph()) {
          const Tensor dx = d.dy(0) - p * d.dy(0).sum(dim, true);
          return d.set(0, d.dy(1).defined() ? dx + d.dy(1) : dx);
        }
        still_read = e(d);  // by this branch's graph, which comes back with a dy(0): see may_overwrite
        const Tensor log_p = make_detached(p.detach().log(), false);
        detail::retain_node(&d.node());
        set_history(log_p, &d.node(), 0);
        const Tensor dy = !d.dy(0).defined()   ? d.dy(1)
                          : !d.dy(1).defined() ? d.dy(0)
                                               : d.dy(0) + d.dy(1);
        d.set(0, dy - log_p.exp() * dy.sum(dim, true));
      },
      2);
  set_history(log_softmax_result, log_softmax_node, 1);
  record<"NllLossBackward0">(
      y, std::tie(log_softmax_result),
      [e = Saved(kept.e), sums = Saved(kept.sums), classes = Saved(classes),
       weights = Saved(weights), reduction, ignore_index, divisor](Gradients& d) {
        const Tensor& from = e.values(d);
        if (d.create_graph()) {
          const Tensor slopes = nll_slopes(from.sizes(), from.scalar_type(), classes(d), weights(d),
                                           ignore_index, divisor);
          const bool per_row = reduction == kNone && from.dim() > 1;
          return d.set(0, slopes * (per_row ? d.dy().unsqueeze(1) : d.dy()));
        }
        const Tensor dx =
            may_overwrite(from, d) ? from : make_tensor(from.sizes(), from.scalar_type());
        for_float_type(from.scalar_type(), [&]<class T>(T) {
          row_gradients<T>(d.dy(), from, sums(d), classes(d), weights(d), ignore_index, divisor, dx);
        });
        d.set(0, dx);
      });
}

Tensor fused_cross_entropy(const Tensor& self, const Tensor& target, const Tensor& weight,
                           Reduction reduction, int64_t ignore_index) {
  check_class_targets(self, target, weight);
  const Tensor classes = class_numbers(target), weights = class_weights(weight);
  const Tensor x = contiguous_values(self);
  Exponentials kept;
  double divisor = 1;
  Tensor y = for_float_type(self.scalar_type(), [&]<class T>(T) {
    return row_losses<T>(x, classes, weights, target.sizes(), reduction, ignore_index, kept,
                         divisor);
  });
  if (needs_gradient(self))
    record_cross_entropy(y, self, kept, classes, weights, reduction, ignore_index, divisor);
  return y;
}

}  // namespace

Tensor cross_entropy_loss(const Tensor& self, const Tensor& target, const Tensor& weight,
                          Reduction reduction, int64_t ignore_index, double label_smoothing) {
  check_dense(self, "cross_entropy_loss");
  check_dense(target, "cross_entropy_loss", "target");
  check_reduction(reduction, "cross_entropy_loss");
  SIMDGRAD_CHECK(label_smoothing >= 0 && label_smoothing <= 1,
                 "label_smoothing must be between 0.0 and 1.0. Got: ", label_smoothing);
  if (self.sizes() == target.sizes()) {
    SIMDGRAD_CHECK(ignore_index < 0,
                   "ignore_index is not supported for floating point target");
    return cross_entropy_of_probabilities(self, target, weight, reduction, label_smoothing);
  }
  if (label_smoothing > 0)
    return cross_entropy_smoothed(self, target, weight, reduction, ignore_index, label_smoothing);
  if (self.dim() >= 1 && self.dim() <= 2 && self.numel() > 0 &&
      is_floating_point(self.scalar_type()))
    return fused_cross_entropy(self, target, weight, reduction, ignore_index);
  return nll_loss(log_softmax(self, self.dim() == 1 ? 0 : 1), target, weight, reduction,
                  ignore_index);
}

}  // namespace simdgrad
