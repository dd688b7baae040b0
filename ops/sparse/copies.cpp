// Copies of sparse tensors, and emptied ones.
#include <simdgrad/views.h>

#include "ops/sparse/arithmetic.h"
#include "ops/sparse/entries.h"
#include "ops/views/shape.h"
#include "ops/views/sparse_copies.h"

namespace simdgrad {

Tensor empty_sparse_like(const Tensor& self, ScalarType dtype) {
  const TensorExtra& parts = parts_of(self);
  Dims sizes(parts.values.sizes());
  sizes[0] = 0;
  return make_sparse(make_tensor({parts.indices.size(0), 0}, kLong), make_tensor(sizes, dtype),
                     self.sizes(), true);
}

Tensor& zero_sparse_(Tensor& self) {
  const bool records = needs_gradient(self);
  check_inplace(self, records);
  const Tensor none = empty_sparse_like(self, impl(self).dtype);
  InplaceHistory history(self);
  if (records)
    history.record<"ZeroBackward0">(std::tie(self), [](Gradients& d) {
      const Tensor& dy = d.dy();
      d.set(0, dy.is_sparse() ? empty_sparse_like(dy, dy.scalar_type())
                              : zeros_of(dy.sizes(), dy.scalar_type()));
    });
  replace_parts(self, parts_of(none).indices, parts_of(none).values, true);
  history.commit();
  return self;
}

Tensor clone_sparse(const Tensor& self) {
  const TensorExtra& parts = parts_of(self);
  Tensor y;
  {
    const GradModeGuard no_grad(false);
    y = make_sparse(parts.indices.clone(), parts.values.clone(), self.sizes(), parts.coalesced);
  }
  if (needs_gradient(self))
    record<"CloneBackward0">(y, std::tie(self), [](Gradients& d) { d.set(0, d.take_dy()); });
  return y;
}

Tensor convert_sparse(const Tensor& self, ScalarType dtype, bool copy) {
  const TensorExtra& parts = parts_of(self);
  const ScalarType before = impl(self).dtype;
  Tensor y;
  {
    const GradModeGuard no_grad(false);
    y = make_sparse(copy ? parts.indices.clone() : parts.indices,
                    parts.values.to(dtype, false, copy), self.sizes(), parts.coalesced);
  }
  if (is_floating_point(dtype) && needs_gradient(self))
    record<"ToCopyBackward0">(y, std::tie(self),
                              [before](Gradients& d) { d.set(0, d.dy().to(before)); });
  return y;
}

}  // namespace simdgrad
