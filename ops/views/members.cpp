// The Tensor members of views.h.
#include <sstream>

#include "ops/loops/copy.h"
#include "simdgrad/views.h"

namespace simdgrad {

Tensor& Tensor::operator=(const Tensor& source) && { return copy_(source); }
Tensor& Tensor::operator=(Tensor&& source) && { return copy_(source); }
Tensor& Tensor::operator=(const Scalar& value) && { return fill_(value); }

Tensor Tensor::view(IntArrayRef sizes) const { return simdgrad::view(*this, sizes); }
Tensor Tensor::reshape(IntArrayRef shape) const { return simdgrad::reshape(*this, shape); }
Tensor Tensor::flatten(int64_t start_dim, int64_t end_dim) const {
  return simdgrad::flatten(*this, start_dim, end_dim);
}
Tensor Tensor::t() const { return simdgrad::t(*this); }
Tensor Tensor::numpy_T() const { return simdgrad::numpy_T(*this); }
Tensor Tensor::transpose(int64_t dim0, int64_t dim1) const {
  return simdgrad::transpose(*this, dim0, dim1);
}
Tensor Tensor::permute(IntArrayRef dims) const { return simdgrad::permute(*this, dims); }
Tensor Tensor::expand(IntArrayRef sizes, bool implicit) const {
  return simdgrad::expand(*this, sizes, implicit);
}
Tensor Tensor::squeeze() const { return simdgrad::squeeze(*this); }
Tensor Tensor::squeeze(int64_t dim) const { return simdgrad::squeeze(*this, dim); }
Tensor Tensor::squeeze(IntArrayRef dims) const { return simdgrad::squeeze(*this, dims); }
Tensor Tensor::unsqueeze(int64_t dim) const { return simdgrad::unsqueeze(*this, dim); }
Tensor Tensor::select(int64_t dim, int64_t index) const {
  return simdgrad::select(*this, dim, index);
}
Tensor Tensor::slice(int64_t dim, std::optional<int64_t> start, std::optional<int64_t> end,
                     int64_t step) const {
  return simdgrad::slice(*this, dim, start, end, step);
}
Tensor Tensor::narrow(int64_t dim, int64_t start, int64_t length) const {
  return simdgrad::narrow(*this, dim, start, length);
}
Tensor Tensor::as_strided(IntArrayRef sizes, IntArrayRef strides,
                          std::optional<int64_t> storage_offset) const {
  return simdgrad::as_strided(*this, sizes, strides, storage_offset);
}
std::vector<Tensor> Tensor::unbind(int64_t dim) const { return simdgrad::unbind(*this, dim); }
std::vector<Tensor> Tensor::split(int64_t split_size, int64_t dim) const {
  return simdgrad::split(*this, split_size, dim);
}
std::vector<Tensor> Tensor::split(IntArrayRef split_sizes, int64_t dim) const {
  return simdgrad::split_with_sizes(*this, split_sizes, dim);
}
std::vector<Tensor> Tensor::split_with_sizes(IntArrayRef split_sizes, int64_t dim) const {
  return simdgrad::split_with_sizes(*this, split_sizes, dim);
}
std::vector<Tensor> Tensor::chunk(int64_t chunks, int64_t dim) const {
  return simdgrad::chunk(*this, chunks, dim);
}

Tensor Tensor::contiguous() const { return simdgrad::contiguous(*this); }
Tensor Tensor::clone() const { return simdgrad::clone(*this); }
Tensor& Tensor::copy_(const Tensor& source, bool) { return simdgrad::copy_(*this, source); }
Tensor Tensor::to(ScalarType dtype, bool, bool copy) const {
  return simdgrad::to(*this, dtype, copy);
}
Tensor Tensor::to(const TensorOptions& options, bool, bool copy) const {
  SIMDGRAD_CHECK(!options.requires_grad(),
                 "Operators taking TensorOptions cannot take a TensorOptions with "
                 "options.requires_grad set as true. This isn't implemented yet.");
  check_defined(*this);
  SIMDGRAD_CHECK(!options.has_layout() || options.layout() == layout(),
                 "to(options) doesn't support converting to a different layout, but got self.layout "
                 "being ", layout(), " and options.layout set as ", options.layout());
  return simdgrad::to(*this, options.dtype_opt().value_or(scalar_type()), copy);
}
Tensor Tensor::to(Device, ScalarType dtype, bool, bool copy) const {
  return simdgrad::to(*this, dtype, copy);
}
Tensor& Tensor::fill_(const Scalar& value) { return simdgrad::fill_(*this, value); }
Tensor& Tensor::fill_(const Tensor& value) { return simdgrad::fill_(*this, value); }
Tensor& Tensor::zero_() { return simdgrad::zero_(*this); }

}  // namespace simdgrad
