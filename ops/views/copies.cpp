// Copies that are in the graph: clone, contiguous, to, copy_, fill_, zero_.
#include "ops/loops/broadcast.h"
#include "ops/loops/copy.h"
#include "ops/views/shape.h"
#include "ops/views/sparse_copies.h"
#include "simdgrad/views.h"

namespace simdgrad {
namespace {

void record_clone(const Tensor& y, const Tensor& self) {
  if (needs_gradient(self))
    record<"CloneBackward0">(y, std::tie(self), [](Gradients& d) { d.set(0, d.take_dy()); });
}

}  // namespace

Tensor clone_contiguous(const Tensor& self) {
  Tensor y = make_tensor(impl(self).size_list(), impl(self).dtype);
  copy_values(y, self);
  record_clone(y, self);
  return y;
}

Tensor contiguous(const Tensor& self) {
  check_dense(self, "contiguous");
  return impl(self).is_contiguous() ? self : clone_contiguous(self);
}

namespace {

// A copy in `dtype` with the strides that clone gives.
Tensor copy_as(const Tensor& self, ScalarType dtype) {
  const TensorImpl& x = impl(self);
  Tensor y = make_clone_shape(self, dtype);
  // Equal strides without gaps: one run of memory on both sides.
  if (impl(y).stride_list() == x.stride_list())
    copy_contiguous(impl(y).data, dtype, x.data, x.dtype, x.numel);
  else
    copy_values(y, self);
  return y;
}

}  // namespace

Tensor clone(const Tensor& self) {
  check_defined(self);
  if (impl(self).is_sparse()) return clone_sparse(self);
  Tensor y = copy_as(self, impl(self).dtype);
  record_clone(y, self);
  return y;
}

Tensor to(const Tensor& self, ScalarType dtype, bool copy) {
  check_defined(self);
  const ScalarType before = impl(self).dtype;
  if (before == dtype && !copy) return self;
  if (impl(self).is_sparse()) return convert_sparse(self, dtype, copy);
  Tensor y = copy_as(self, dtype);
  if (is_floating_point(dtype) && needs_gradient(self))
    record<"ToCopyBackward0">(y, std::tie(self),
                              [before](Gradients& d) { d.set(0, d.take_dy().to(before)); });
  return y;
}

namespace {

template <size_t capacity>
void record_copy_of(InplaceHistory& history, const Tensor& self, const Tensor& source) {
  history.record<"torch::autograd::CopyBackwards">(
      std::tie(self, source),
      [x_type = impl(source).dtype, x_sizes = FixedDims<capacity>(impl(source).size_list())](
          Gradients& d) {
        if (d.needs(0)) d.set(0, zeros_of(d.dy().sizes(), d.dy().scalar_type()));
        if (d.needs(1)) d.set(1, reduce_gradient(d.dy(), x_sizes, x_type));
      });
}
void record_copy(InplaceHistory& history, const Tensor& self, const Tensor& source) {
  if (impl(source).ndim <= kInlineDims)
    record_copy_of<kInlineDims>(history, self, source);
  else
    record_copy_of<kMaxDims>(history, self, source);
}

}  // namespace

Tensor& copy_(Tensor& self, const Tensor& source) {
  check_dense(self, "copy_");
  check_dense(source, "copy_", "src");
  const TensorImpl& y = impl(self);
  const TensorImpl& x = impl(source);
  check_broadcasts_to(y.size_list(), y.size_list(), x.size_list());
  const bool records = is_floating_point(y.dtype) && needs_gradient(self, source);
  check_inplace(self, records);
  InplaceHistory history(self);
  if (records) record_copy(history, self, source);
  if (!self.is_same(source)) {
    const bool may_overlap = y.storage == x.storage && check_no_partial_overlap(self, source);
    copy_values(self, may_overlap ? copy_as(source, x.dtype) : source);
  }
  history.commit();
  return self;
}

namespace {

// self, or where its elements share memory (an expanded view) the part that shows each but once.
// Writing one number through it does the same.
Tensor without_repeats(const Tensor& self) {
  const TensorImpl& x = impl(self);
  if (x.is_contiguous() || !x.has_repeats()) return self;
  Dims sizes(x.size_list());
  for (size_t i = 0; i < x.ndim; ++i)
    if (x.strides()[i] == 0 && sizes[i] > 1) sizes[i] = 1;
  return make_view(self, sizes, x.stride_list(), x.storage_offset());
}

template <NodeName name>
Tensor& fill_with(Tensor& self, const Scalar& value, const char* operation) {
  check_dense(self, operation);
  const bool records = needs_gradient(self);
  const Tensor target = without_repeats(self);
  check_inplace(target, records);
  InplaceHistory history(target);
  if (records)
    history.record<name>(std::tie(target), [](Gradients& d) {
      d.set(0, zeros_of(d.dy().sizes(), d.dy().scalar_type()));
    });
  const TensorImpl& y = impl(target);
  if (y.is_contiguous())
    fill_contiguous(y.data, y.dtype, y.numel, value);
  else
    fill_strided(y.data, y.dtype, y.stride_list(), y.size_list(), value);
  history.commit();
  return self;
}

}  // namespace

Tensor& fill_(Tensor& self, const Scalar& value) {
  return fill_with<"FillBackward2">(self, value, "fill_");
}

Tensor& zero_(Tensor& self) {
  if (self.defined() && impl(self).is_sparse()) return zero_sparse_(self);
  return fill_with<"ZeroBackward0">(self, 0, "zero_");
}

Tensor& fill_(Tensor& self, const Tensor& value) {
  check_dense(self, "fill_");
  check_dense(value, "fill_", "value");
  SIMDGRAD_CHECK(impl(value).ndim == 0,
                 "fill_ only supports 0-dimension value tensor but got tensor with ",
                 static_cast<int>(impl(value).ndim), " dimensions.");
  const bool records = is_floating_point(impl(self).dtype) && needs_gradient(self, value);
  const Tensor target = without_repeats(self);
  check_inplace(target, records);
  InplaceHistory history(target);
  if (records)
    history.record<"FillBackward3">(
        std::tie(target, value), [dtype = impl(value).dtype](Gradients& d) {
          if (d.needs(0)) d.set(0, zeros_of(d.dy().sizes(), d.dy().scalar_type()));
          if (d.needs(1)) d.set(1, reduce_gradient(d.dy(), {}, dtype));
        });
  copy_values(target, impl(value).storage == impl(target).storage
                          ? copy_as(value, impl(value).dtype)
                          : value);
  history.commit();
  return self;
}

}  // namespace simdgrad
