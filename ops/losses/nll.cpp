// nll_loss.
#include <simdgrad/creation.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/views.h>

#include <cstring>

#include "autograd/record.h"
#include "ops/loops/broadcast.h"
#include "ops/losses/losses.h"
#include "ops/loops/reductions_plan.h"

namespace simdgrad {

using namespace losses;

namespace {

// [outer, classes, inner] of the input; one target per outer and inner.
struct Layout3 {
  int64_t outer = 1, classes = 1, inner = 1;
  int64_t at(int64_t o, int64_t c, int64_t i) const { return (o * classes + c) * inner + i; }
};

Layout3 layout_of(const Tensor& input) {
  Layout3 layout;
  const int64_t class_dim = input.dim() == 1 ? 0 : 1;
  for (int64_t d = 0; d < input.dim(); ++d)
    (d < class_dim ? layout.outer : d == class_dim ? layout.classes : layout.inner) *= input.size(d);
  return layout;
}

// Calls f(outer, inner, class, position) for every target that is not ignored, after checking it.
template <class F>
void for_targets(const Tensor& target, const Layout3& layout, int64_t ignore_index, F&& f) {
  const int64_t* classes = target.const_data_ptr<int64_t>();
  for (int64_t o = 0; o < layout.outer; ++o)
    for (int64_t i = 0; i < layout.inner; ++i) {
      const int64_t position = o * layout.inner + i, c = classes[position];
      if (c == ignore_index) continue;
      check_class(c, layout.classes);
      f(o, i, c, position);
    }
}

}  // namespace

namespace losses {

void check_class_targets(const Tensor& input, const Tensor& target, const Tensor& weight) {
  SIMDGRAD_CHECK_AS(ValueError, input.dim() > 0, "Expected 1 or more dimensions (got 0)");
  const ScalarType type = target.scalar_type();
  SIMDGRAD_CHECK(type == kLong || type == kByte,
                 "expected target dtype to be Long or Byte, but got ", to_string(type));
  const int64_t class_dim = input.dim() == 1 ? 0 : 1;
  const int64_t classes = input.size(class_dim);
  if (input.dim() <= 2) {
    SIMDGRAD_CHECK(target.dim() <= 1, "0D or 1D target tensor expected, multi-target not supported");
    if (input.dim() == 1) {
      SIMDGRAD_CHECK_AS(ValueError, target.numel() == 1,
                        "For 1D input, 1D target must have size 1, but got target size: ",
                        target.numel());
    } else {
      SIMDGRAD_CHECK_AS(ValueError, target.dim() == 1 && target.size(0) == input.size(0),
                        "Expected input batch_size (", input.size(0), ") to match target batch_size (",
                        target.dim() == 0 ? 1 : target.size(0), ").");
    }
  } else {
    Dims expected(input.sizes());
    expected.erase(1);
    SIMDGRAD_CHECK(input.dim() != 4 || target.dim() != 3 || target.sizes() == IntArrayRef(expected),
                   "size mismatch (got input: ", input.sizes(), " , target: ", target.sizes());
    SIMDGRAD_CHECK(target.sizes() == IntArrayRef(expected), "Expected target size ",
                   IntArrayRef(expected), ", got ", target.sizes());
  }
  SIMDGRAD_CHECK(!weight.defined() || (weight.dim() <= 1 && weight.numel() == classes),
                 "weight tensor should be defined either for all ", classes,
                 " classes or no classes but got weight tensor of shape: ",
                 weight.defined() ? weight.sizes() : IntArrayRef());
  SIMDGRAD_CHECK(!weight.defined() || weight.scalar_type() == input.scalar_type(),
                 "expected scalar type ", to_string(input.scalar_type()), " but found ",
                 weight.defined() ? to_string(weight.scalar_type()) : "");
}

Tensor class_numbers(const Tensor& target) {
  const GradModeGuard no_grad(false);
  return target.to(kLong).contiguous();
}

Tensor class_weights(const Tensor& weight) {
  const GradModeGuard no_grad(false);
  return weight.defined() ? weight.detach().contiguous() : Tensor();
}

Tensor nll_slopes(IntArrayRef sizes, ScalarType dtype, const Tensor& target, const Tensor& weight,
                  int64_t ignore_index, double divisor) {
  const GradModeGuard no_grad(false);
  Tensor slopes = zeros(sizes, dtype);
  const Layout3 layout = layout_of(slopes);
  for_float_type(dtype, [&]<class T>(T) {
    T* to = static_cast<T*>(impl(slopes).data);
    for_targets(target, layout, ignore_index, [&](int64_t o, int64_t i, int64_t c, int64_t) {
      to[layout.at(o, c, i)] = static_cast<T>(-weight_of<T>(weight, c) / divisor);
    });
  });
  return slopes;
}

}  // namespace losses

namespace {

// Losses and, for the mean, the sum of weights that divides them.
Tensor nll_values(const Tensor& input, const Tensor& target, const Tensor& weight,
                  IntArrayRef target_sizes, Reduction reduction, int64_t ignore_index,
                  double& divisor) {
  const Layout3 layout = layout_of(input);
  const Tensor x = input.detach().contiguous();
  Tensor y = make_tensor(reduction == kNone ? target_sizes : IntArrayRef(), input.scalar_type());
  for_float_type(x.scalar_type(), [&]<class T>(T) {
    const T* from = static_cast<const T*>(impl(x).data);
    T* to = static_cast<T*>(impl(y).data);
    if (reduction == kNone) std::memset(to, 0, static_cast<size_t>(y.nbytes()));
    // In double: the order of addition does not show in f32, and is fixed for f64.
    double sum = 0, weights = 0;
    for_targets(target, layout, ignore_index, [&](int64_t o, int64_t i, int64_t c, int64_t position) {
      const T w = weight_of<T>(weight, c);
      const T loss = -w * from[layout.at(o, c, i)];
      if (reduction == kNone) to[position] = loss;
      sum += loss;
      weights += w;
    });
    divisor = reduction == kMean ? weights : 1;
    if (reduction != kNone) to[0] = static_cast<T>(reduction == kMean ? sum / weights : sum);
  });
  return y;
}

// The slopes with dy worked in, in one pass over the targets.
Tensor nll_fused_backward(const Tensor& dy, IntArrayRef sizes, const Tensor& target,
                          const Tensor& weight, int64_t ignore_index, double divisor,
                          const Layout3& layout) {
  Tensor dx = zeros(sizes, dy.scalar_type());
  const Tensor g = dy.contiguous();
  for_float_type(dy.scalar_type(), [&]<class T>(T) {
    const T* from = static_cast<const T*>(impl(g).data);
    T* to = static_cast<T*>(impl(dx).data);
    const bool one = g.numel() == 1 && g.dim() == 0;
    for_targets(target, layout, ignore_index, [&](int64_t o, int64_t i, int64_t c, int64_t position) {
      to[layout.at(o, c, i)] =
          static_cast<T>(-weight_of<T>(weight, c) / divisor) * from[one ? 0 : position];
    });
  });
  return dx;
}

template <NodeName name>
void record_nll(const Tensor& y, const Tensor& self, const Tensor& target, const Tensor& weight,
                Reduction reduction, int64_t ignore_index, double divisor) {
  record<name>(
      y, std::tie(self),
      [input = Saved(self), target = Saved(target), weight = Saved(weight), reduction, ignore_index,
       divisor](Gradients& d) {
        const Tensor x = input(d);
        const Layout3 layout = layout_of(x);
        if (!d.create_graph()) {
          d.set(0, nll_fused_backward(d.dy(), x.sizes(), target(d), weight(d), ignore_index, divisor,
                                      layout));
          return;
        }
        const Tensor slopes = nll_slopes(x.sizes(), x.scalar_type(), target(d), weight(d),
                                         ignore_index, divisor);
        const Tensor dy = reduction == kNone && x.dim() > 1 ? d.dy().unsqueeze(1) : d.dy();
        d.set(0, with_zero_derivative(slopes * dy, x));
      });
}

}  // namespace

Tensor nll_loss(const Tensor& self, const Tensor& target, const Tensor& weight, Reduction reduction,
                int64_t ignore_index) {
  check_dense(self, "nll_loss");
  check_dense(target, "nll_loss", "target");
  check_reduction(reduction, "nll_loss");
  check_class_targets(self, target, weight);
  SIMDGRAD_CHECK(is_floating_point(self.scalar_type()), "\"nll_loss_out_frame\" not implemented for '",
                 to_string(self.scalar_type()), "'");
  const Tensor classes = class_numbers(target), weights = class_weights(weight);
  double divisor = 1;
  Tensor y = nll_values(self, classes, weights, target.sizes(), reduction, ignore_index, divisor);
  if (needs_gradient(self)) {
    if (self.dim() <= 2) {
      record_nll<"NllLossBackward0">(y, self, classes, weights, reduction, ignore_index, divisor);
    } else {
      record_nll<"NllLoss2DBackward0">(y, self, classes, weights, reduction, ignore_index, divisor);
    }
  }
  return y;
}

}  // namespace simdgrad
