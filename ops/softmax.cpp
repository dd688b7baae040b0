#include <simdgrad/pointwise.h>
#include <simdgrad/reductions.h>
#include <simdgrad/views.h>

#include "core/parallel.h"
#include "ops/broadcast.h"
#include "ops/kernels/softmax.h"
#include "ops/kernels/table.h"
#include "ops/reductions.h"
#include "ops/row_tasks.h"

namespace simdgrad {

using namespace reductions;

namespace {

// Moves `dim` last and makes rows of it; outside the graph.
Tensor dim_last(const Tensor& x, int64_t dim) {
  return (x.dim() == 0 ? x : x.transpose(dim, -1)).contiguous();
}
// The result of rows made by dim_last, in the operand's order of dimensions.
Tensor dim_back(const Tensor& y, int64_t dim, bool moved) {
  return moved ? y.transpose(dim, -1).contiguous().detach() : y;
}

bool is_last(const Tensor& x, int64_t dim) { return x.dim() == 0 || dim == x.dim() - 1; }

template <class Run>
Tensor over_rows(const Tensor& x, int64_t dim, Run&& run) {
  const GradModeGuard no_grad(false);
  const Tensor rows =
      impl(x).is_contiguous() && is_last(x, dim) ? x : dim_last(make_detached(x, true), dim);
  Tensor y = make_tensor(rows.sizes(), rows.scalar_type());
  const int64_t n = rows.dim() == 0 ? 1 : rows.size(-1);
  if (rows.numel() > 0) run(rows, y, rows.numel() / n, n);
  return dim_back(y, dim, !is_last(x, dim));
}

Tensor forward(const Tensor& x, int64_t dim, bool log_form) {
  return over_rows(x, dim, [&](const Tensor& from, const Tensor& to, int64_t rows, int64_t n) {
    for_float_type(from.scalar_type(), [&]<class T>(T) {
      const auto& table = softmax_table<T>();
      const auto kernel = log_form ? table.forward_log : table.forward;
      const T* in = static_cast<const T*>(impl(from).data);
      T* out = static_cast<T*>(impl(to).data);
      for_rows(rows, n, 2.0, [&](int64_t begin, int64_t end) {
        kernel(in + begin * n, out + begin * n, end - begin, n);
      });
    });
  });
}

Tensor fused_backward(const Tensor& y, const Tensor& dy, int64_t dim, bool log_form) {
  const Tensor gradient = dim_last(dy, dim);
  return over_rows(y, dim, [&](const Tensor& from, const Tensor& to, int64_t rows, int64_t n) {
    for_float_type(from.scalar_type(), [&]<class T>(T) {
      const auto& table = softmax_table<T>();
      const auto kernel = log_form ? table.backward_log : table.backward;
      const T* in = static_cast<const T*>(impl(from).data);
      const T* g = static_cast<const T*>(impl(gradient).data);
      T* out = static_cast<T*>(impl(to).data);
      for_rows(rows, n, 1.5, [&](int64_t begin, int64_t end) {
        kernel(in + begin * n, g + begin * n, out + begin * n, end - begin, n);
      });
    });
  });
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
