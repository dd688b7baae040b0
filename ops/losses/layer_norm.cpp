// layer_norm: one pass forward, one backward, public operations under create_graph.
#include <sstream>

#include <simdgrad/normalization.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/reductions.h>
#include <simdgrad/views.h>

#include "autograd/record.h"
#include "ops/loops/broadcast.h"
#include "ops/loops/copy.h"
#include "ops/loops/row_tasks.h"

namespace simdgrad {

using namespace reductions;

namespace {

void check_shapes(const Tensor& input, IntArrayRef shape, const Tensor& weight, const Tensor& bias) {
  SIMDGRAD_CHECK(!shape.empty(),
                 "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least "
                 "one element, but got normalized_shape = ", shape);
  SIMDGRAD_CHECK(!weight.defined() || weight.sizes() == shape,
                 "Expected weight to be of same shape as normalized_shape, but got weight of shape ",
                 weight.defined() ? weight.sizes() : shape, " and normalized_shape = ", shape);
  SIMDGRAD_CHECK(!bias.defined() || bias.sizes() == shape,
                 "Expected bias to be of same shape as normalized_shape, but got bias of shape ",
                 bias.defined() ? bias.sizes() : shape, " and normalized_shape = ", shape);
  const size_t ndim = static_cast<size_t>(input.dim());
  if (ndim < shape.size() || !(input.sizes().slice(ndim - shape.size()) == shape)) {
    std::ostringstream text;
    text << "Given normalized_shape=" << shape << ", expected input with shape [*";
    for (int64_t size : shape) text << ", " << size;
    text << "], but got input of size" << input.sizes();
    SIMDGRAD_THROW(text.str());
  }
  SIMDGRAD_CHECK(is_floating_point(input.scalar_type()),
                 "\"LayerNormKernelImpl\" not implemented for '", to_string(input.scalar_type()), "'");
  for (const Tensor* other : {&weight, &bias})
    SIMDGRAD_CHECK(!other->defined() || other->scalar_type() == input.scalar_type(),
                   "mixed dtype (CPU): expect parameter to have scalar type of ",
                   to_string(input.scalar_type()));
}

template <class T>
const T* data_or_null(const Tensor& tensor) {
  return tensor.defined() ? static_cast<const T*>(impl(tensor).data) : nullptr;
}

Tensor contiguous_or_undefined(const Tensor& tensor) {
  return tensor.defined() ? contiguous_values(tensor) : tensor;
}

// The dimensions in front of the normalised ones, and those themselves.
struct Split {
  Split(const Tensor& input, IntArrayRef shape) {
    const int64_t outer = input.dim() - static_cast<int64_t>(shape.size());
    for (int64_t d = 0; d < input.dim(); ++d) (d < outer ? leading : last).push_back(d);
    for (int64_t size : shape) n *= size;
    rows = n == 0 ? 0 : input.numel() / n;
  }
  Dims leading, last;
  int64_t n = 1, rows = 0;
};

Tensor sum_leading(const Tensor& x, const Dims& leading) {
  return leading.empty() ? x : x.sum(IntArrayRef(leading));
}

// With public operations: has derivatives of any order.
void composed_backward(Gradients& d, const Tensor& x, const Tensor& weight, const Split& split,
                       double eps) {
  const IntArrayRef last = split.last;
  const Tensor centered = x - x.mean(last, true);
  const Tensor rstd = (centered.square().mean(last, true) + eps).rsqrt();
  const Tensor normal = centered * rstd;
  if (d.needs(0)) {
    const Tensor g = weight.defined() ? d.dy() * weight : d.dy();
    d.set(0, rstd * (g - g.mean(last, true) - normal * (g * normal).mean(last, true)));
  }
  if (d.needs(1)) d.set(1, sum_leading(d.dy() * normal, split.leading));
  if (d.needs(2)) d.set(2, with_zero_derivative(sum_leading(d.dy(), split.leading), x));
}

// The sum of [blocks, n], with the normalised shape.
Tensor sum_blocks(const Tensor& partial, const Tensor& x, const Split& split) {
  const Tensor sum = fold(Fold::kSum, partial, 1, false);
  if (split.last.size() == 1) return sum;
  Dims shape, strides(split.last.size());
  for (int64_t dim : split.last) shape.push_back(x.size(dim));
  contiguous_strides(shape, strides.data());
  return make_alias(sum, shape, strides, 0);
}

// One pass gives dx and, per block of rows, dweight and dbias.
void fused_backward(Gradients& d, const Tensor& x, const Tensor& weight, const Tensor& mean,
                    const Tensor& rstd, const Split& split) {
  const Tensor from = x.contiguous(), dy = d.dy().contiguous();
  const Tensor scale = contiguous_or_undefined(weight);
  const int64_t n = split.n;
  const int64_t block =
      std::max<int64_t>(16, chunk_size(std::max<int64_t>(16, 16384 / std::max<int64_t>(1, n))));
  const int64_t blocks = split.rows == 0 ? 0 : (split.rows - 1) / block + 1;
  Tensor dx, weight_sums, bias_sums;
  if (d.needs(0)) dx = make_tensor(from.sizes(), from.scalar_type());
  if (d.needs(1) || d.needs(2)) {
    weight_sums = make_tensor({blocks, n}, from.scalar_type());
    bias_sums = make_tensor({blocks, n}, from.scalar_type());
  }
  for_float_type(from.scalar_type(), [&]<class T>(T) {
    const auto at = [](const Tensor& t) { return static_cast<T*>(impl(t).data); };
    const auto part = [](const Tensor& t, int64_t offset) {
      return t.defined() ? static_cast<T*>(impl(t).data) + offset : nullptr;
    };
    parallel_chunks(blocks, 1.0 * static_cast<double>(from.numel()), [&](int64_t b) {
      const int64_t first = b * block, offset = first * n;
      softmax_table<T>().layer_norm_backward(
          at(from) + offset, data_or_null<T>(scale), at(mean) + first, at(rstd) + first,
          at(dy) + offset, part(dx, offset), std::min(block, split.rows - first), n,
          part(weight_sums, b * n), part(bias_sums, b * n));
    });
  });
  if (d.needs(0)) d.set(0, dx);
  if (d.needs(1)) d.set(1, sum_blocks(weight_sums, from, split));
  if (d.needs(2)) d.set(2, sum_blocks(bias_sums, from, split));
}

}  // namespace

Tensor layer_norm(const Tensor& input, IntArrayRef normalized_shape, const Tensor& weight,
                  const Tensor& bias, double eps) {
  check_dense(input, "layer_norm", "input");
  check_shapes(input, normalized_shape, weight, bias);
  const Split split(input, normalized_shape);
  const Tensor from = contiguous_values(input);
  const Tensor scale = contiguous_or_undefined(weight), shift = contiguous_or_undefined(bias);
  Tensor y = make_tensor(input.sizes(), input.scalar_type());
  const Tensor mean = make_tensor(split.rows, input.scalar_type());
  const Tensor rstd = make_tensor(split.rows, input.scalar_type());
  for_float_type(input.scalar_type(), [&]<class T>(T) {
    const auto at = [](const Tensor& t) { return static_cast<T*>(impl(t).data); };
    for_rows(split.rows, split.n, 0.8, [&](int64_t begin, int64_t end) {
      softmax_table<T>().layer_norm(at(from) + begin * split.n, data_or_null<T>(scale),
                                    data_or_null<T>(shift), at(y) + begin * split.n,
                                    at(mean) + begin, at(rstd) + begin, end - begin, split.n,
                                    static_cast<T>(eps));
    });
  });
  if (needs_gradient(input, weight, bias))
    record<"NativeLayerNormBackward0">(
        y, std::tie(input, weight, bias),
        [x = Saved(input), w = Saved(weight), mean = Saved(mean), rstd = Saved(rstd), eps,
         dims = normalized_shape.size()](Gradients& d) {
          const Tensor from = x(d), scale = w(d);
          const Split split(from, from.sizes().slice(static_cast<size_t>(from.dim()) - dims));
          if (d.create_graph()) {
            composed_backward(d, from, scale, split, eps);
          } else {
            fused_backward(d, from, scale, mean(d), rstd(d), split);
          }
        });
  return y;
}

}  // namespace simdgrad
