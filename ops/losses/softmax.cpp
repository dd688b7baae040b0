// softmax and log_softmax along any dimension.
#include <simdgrad/pointwise.h>
#include <simdgrad/reductions.h>
#include <simdgrad/views.h>

#include <algorithm>

#include "core/parallel.h"
#include "ops/loops/broadcast.h"
#include "ops/loops/copy.h"
#include "ops/kernels/softmax.h"
#include "ops/kernels/table.h"
#include "ops/reductions/reductions.h"
#include "ops/loops/row_tasks.h"

namespace simdgrad {

using namespace reductions;

namespace {

bool is_last(const Tensor& x, int64_t dim) { return x.dim() == 0 || dim == x.dim() - 1; }

// [outer, n, inner] around the dimension.
struct Span {
  int64_t outer = 1, n = 1, inner = 1;
};
Span span_of(const TensorImpl& x, int64_t dim) {
  Span span;
  for (int64_t d = 0; d < x.ndim; ++d)
    (d < dim ? span.outer : d == dim ? span.n : span.inner) *= x.sizes()[d];
  return span;
}

// Columns that one task takes, by shape alone: enough tasks for 16 threads, whole cache lines, no more
// than stay in L1 with their sums.
int64_t columns_per_task(const Span& span) {
  const int64_t even = span.outer * span.inner / 16;
  return std::clamp<int64_t>((even + 15) / 16 * 16, 16, 512);
}

// rows(begin, end) on ranges of `outer` where the dimension is the last, else columns(o, begin, end).
template <class Rows, class Columns>
void over_span(const Span& span, double nanoseconds, Rows rows, Columns columns) {
  const int64_t size = span.n * span.inner;
  if (span.outer * size == 0) return;
  if (span.inner == 1) return for_rows(span.outer, size, nanoseconds, rows);
  const int64_t width = columns_per_task(span);
  const int64_t strips = (span.inner - 1) / width + 1;
  for_rows(span.outer * strips, size / strips, nanoseconds, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t first = task % strips * width;
      columns(task / strips, first, std::min(first + width, span.inner));
    }
  });
}

Tensor forward(const Tensor& x, int64_t dim, bool log_form) {
  const Tensor from = contiguous_values(x);
  const Tensor y = make_tensor(impl(from).size_list(), impl(from).dtype);
  const Span span = span_of(impl(from), dim);
  for_float_type(impl(from).dtype, [&]<class T>(T) {
    const auto& table = softmax_table<T>();
    const T* in = static_cast<const T*>(impl(from).data);
    T* out = static_cast<T*>(impl(y).data);
    const int64_t n = span.n;
    over_span(
        span, 2.0,
        [&](int64_t begin, int64_t end) {
          (log_form ? table.forward_log : table.forward)(in + begin * n, out + begin * n,
                                                         end - begin, n);
        },
        [&](int64_t o, int64_t begin, int64_t end) {
          const int64_t at = o * n * span.inner + begin;
          table.forward_columns[log_form](in + at, out + at, n, span.inner, end - begin);
        });
  });
  return y;
}

Tensor fused_backward(const Tensor& y, const Tensor& dy, int64_t dim, bool log_form) {
  const Tensor gradient = contiguous_values(dy);
  const Tensor dx = make_tensor(impl(y).size_list(), impl(y).dtype);
  const Span span = span_of(impl(y), dim);
  for_float_type(impl(y).dtype, [&]<class T>(T) {
    const auto& table = softmax_table<T>();
    const T* in = static_cast<const T*>(impl(y).data);
    const T* g = static_cast<const T*>(impl(gradient).data);
    T* out = static_cast<T*>(impl(dx).data);
    const int64_t n = span.n;
    over_span(
        span, 1.5,
        [&](int64_t begin, int64_t end) {
          (log_form ? table.backward_log : table.backward)(
              in + begin * n, g + begin * n, out + begin * n, end - begin, n);
        },
        [&](int64_t o, int64_t begin, int64_t end) {
          const int64_t at = o * n * span.inner + begin;
          table.backward_columns[log_form](in + at, g + at, out + at, n, span.inner, end - begin);
        });
  });
  return dx;
}

Tensor composed_backward(const Tensor& y, const Tensor& dy, int64_t dim, bool log_form) {
  if (log_form) return dy - y.exp() * dy.sum(dim, true);
  const Tensor weighted = y * dy;
  return weighted - y * weighted.sum(dim, true);
}

template <NodeName name>
Tensor softmax_over(const Tensor& self, int64_t given, std::optional<ScalarType> dtype,
                    bool log_form) {
  check_dense(self, log_form ? "log_softmax" : "softmax");
  const int64_t dim = wrap_dim(given, self.dim());
  const ScalarType type = self.scalar_type();
  SIMDGRAD_CHECK(dtype ? is_floating_point(*dtype) : is_floating_point(type), "\"",
                 log_form ? "log_" : "",
                 is_last(self, dim) ? "softmax_lastdim_kernel_impl" : "softmax_kernel_impl",
                 "\" not implemented for '", to_string(dtype.value_or(type)), "'");
  Tensor y = forward(as_float(self, dtype), dim, log_form);
  if (needs_gradient(self))
    record<name>(y, std::tie(self), [result = Saved::output(y), dim, log_form, type](Gradients& d) {
      const Tensor value = result(d);
      const Tensor dx = d.create_graph() ? composed_backward(value, d.dy(), dim, log_form)
                                         : fused_backward(value, d.dy(), dim, log_form);
      d.set(0, dx.scalar_type() == type ? dx : dx.to(type));
    });
  return y;
}

}  // namespace

Tensor softmax(const Tensor& self, int64_t dim, std::optional<ScalarType> dtype) {
  return softmax_over<"SoftmaxBackward0">(self, dim, dtype, false);
}
Tensor log_softmax(const Tensor& self, int64_t dim, std::optional<ScalarType> dtype) {
  return softmax_over<"LogSoftmaxBackward0">(self, dim, dtype, true);
}

Tensor Tensor::softmax(int64_t dim, std::optional<ScalarType> dtype) const {
  return simdgrad::softmax(*this, dim, dtype);
}
Tensor Tensor::log_softmax(int64_t dim, std::optional<ScalarType> dtype) const {
  return simdgrad::log_softmax(*this, dim, dtype);
}

}  // namespace simdgrad
