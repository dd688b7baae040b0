// The planted faults. None of them is in the library.
#include "tests/fuzz/calls/planted.h"

#include <simdgrad/creation.h>
#include <simdgrad/indexing.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/reductions.h>
#include <simdgrad/views.h>

#include <algorithm>
#include <stdexcept>

#include "autograd/record.h"

namespace planted {

using simdgrad::Gradients;
using simdgrad::IntArrayRef;
using simdgrad::Saved;
using simdgrad::Tensor;

Tensor scatter_add(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source) {
  Tensor y = simdgrad::scatter_add(self.detach(), dim, index, source.detach());
  if (simdgrad::needs_gradient(self, source))
    simdgrad::record<"ScatterAddBackward0">(
        y, std::tie(self, source),
        [index = Saved(index), dim, sizes = simdgrad::Dims(source.sizes())](Gradients& d) {
          if (d.needs(0)) d.set(0, d.dy());
          if (!d.needs(1)) return;
          Tensor dx = simdgrad::zeros(sizes, d.dy().scalar_type());
          const Tensor ids = index(d);
          if (ids.numel() > 0) dx.copy_(d.dy().gather(dim, ids));
          static_cast<char*>(dx.data_ptr())[0] = 0;
          d.set(1, dx);
        });
  return y;
}

Tensor& mul_(Tensor& self, const Tensor& other) {
  SIMDGRAD_CHECK(self.defined() && other.defined() && !self.is_sparse(),
                 "mul_: needs a dense tensor");
  SIMDGRAD_CHECK(self.sizes() == other.sizes(), "mul_: needs two tensors of one shape");
  const void* const from = simdgrad::impl(other).data;
  if (self.numel() > 0) (void)*static_cast<const volatile char*>(from);
  return self.mul_(other);
}

Tensor ones(IntArrayRef sizes) {
  uint64_t wrapped = 1;
  __int128 whole = 1;
  for (const int64_t size : sizes) {
    SIMDGRAD_CHECK(size >= 0, "ones: needs sizes of 0 or more");
    wrapped *= static_cast<uint64_t>(size);
    whole = std::min<__int128>(whole, 1 << 30) * size;
  }
  SIMDGRAD_CHECK(wrapped < 4096, "ones: needs fewer than 4096 elements");
  const Tensor y = simdgrad::empty(static_cast<int64_t>(wrapped));
  std::fill_n(y.data_ptr<float>(), static_cast<int64_t>(std::min<__int128>(whole, 4096)), 1.f);
  return y;
}

Tensor embedding(const Tensor& weight, const Tensor& indices) {
  Tensor y = weight.detach().index_select(0, indices);
  if (simdgrad::needs_gradient(weight))
    simdgrad::record<"EmbeddingBackward0">(
        y, std::tie(weight),
        [indices = Saved(indices), sizes = simdgrad::Dims(weight.sizes())](Gradients& d) {
          const Tensor dx = simdgrad::zeros(sizes, d.dy().scalar_type());
          const Tensor ids = indices(d).to(simdgrad::kLong).contiguous();
          for (int64_t i = 0; i < ids.numel() && dx.numel() > 0; ++i) {
            const int64_t row = ids.data_ptr<int64_t>()[i] * dx.stride(0) * dx.element_size();
            static_cast<char*>(dx.data_ptr())[row] = 1;
          }
          d.set(0, dx);
        });
  return y;
}

Tensor mul(const Tensor& self, const Tensor& other) { return self.mul(other.detach()); }

Tensor sum(const Tensor& self) {
  Tensor y = self.detach().sum();
  if (simdgrad::needs_gradient(self) && self.dim() > 0)
    simdgrad::record<"SumBackward0">(y, std::tie(self),
                                     [sizes = simdgrad::Dims(self.sizes())](Gradients& d) {
                                       d.set(0, d.dy().expand(IntArrayRef(sizes).slice(1)));
                                     });
  return y;
}

Tensor add(const Tensor& self, const Tensor& other) {
  static volatile int turns = 0;
  while (self.sizes() != other.sizes()) turns = turns + 1;
  return self.add(other);
}

Tensor relu(const Tensor& self) {
  const simdgrad::NoGradGuard no_grad;
  return self.detach().relu_();
}

Tensor chunk(const Tensor& self, int64_t chunks) {
  std::vector<Tensor> parts;
  parts.reserve(static_cast<size_t>(chunks));
  return self.clone();
}

}  // namespace planted
