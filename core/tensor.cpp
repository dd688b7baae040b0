// What a tensor says of itself.
#include <simdgrad/tensor.h>

#include "core/dtypes.h"
#include "core/tensor_impl.h"

namespace simdgrad {

void detail::refuse_access(const char* call) {
  SIMDGRAD_THROW("ArrayRef: attempted to access ", call, "() of empty list");
}
void detail::refuse_slice(size_t first, size_t count, size_t size) {
  SIMDGRAD_THROW("ArrayRef: invalid slice, N = ", first, "; M = ", count, "; size = ", size);
}

namespace {

const TensorImpl& checked(const Tensor& tensor) {
  check_defined(tensor);
  return impl(tensor);
}

const TensorImpl& strided(const Tensor& tensor, const char* what) {
  const TensorImpl& of = checked(tensor);
  SIMDGRAD_CHECK(!of.is_sparse(), what, ": got a sparse tensor, which has no strided data of its own");
  return of;
}

const TensorImpl& stored(const Tensor& tensor) {
  const TensorImpl& of = checked(tensor);
  SIMDGRAD_CHECK(!of.is_sparse(), "Cannot access data pointer of Tensor that doesn't have storage");
  return of;
}

}  // namespace

bool detail::has_repeats(const Tensor& tensor) { return strided(tensor, "stride").has_repeats(); }

size_t Tensor::use_count() const {
  return impl_ ? impl_->references.load(std::memory_order_relaxed) : 0;
}
int64_t Tensor::dim() const { return checked(*this).ndim; }
int64_t Tensor::numel() const { return impl_ ? impl(*this).numel : 0; }
IntArrayRef Tensor::sizes() const {
  static constexpr int64_t kUndefined = 0;  // PyTorch's answer for an undefined tensor: [0]
  return impl_ ? impl(*this).size_list() : IntArrayRef(kUndefined);
}
IntArrayRef Tensor::strides() const { return strided(*this, "strides").stride_list(); }
int64_t Tensor::size(int64_t dim) const {
  const TensorImpl& of = checked(*this);
  SIMDGRAD_CHECK_AS(IndexError, of.ndim > 0, "Dimension specified as ", dim,
                    " but tensor has no dimensions");
  return of.sizes()[wrap_dim(dim, of.ndim)];
}
int64_t Tensor::stride(int64_t dim) const {
  const TensorImpl& of = strided(*this, "stride");
  SIMDGRAD_CHECK_AS(IndexError, of.ndim > 0, "Dimension specified as ", dim,
                    " but tensor has no dimensions");
  return of.strides()[wrap_dim(dim, of.ndim)];
}
int64_t Tensor::storage_offset() const { return strided(*this, "storage_offset").storage_offset(); }
ScalarType Tensor::scalar_type() const { return checked(*this).dtype; }
Layout Tensor::layout() const { return checked(*this).layout; }
TensorOptions Tensor::options() const {
  const TensorImpl& of = checked(*this);
  return TensorOptions().dtype(of.dtype).layout(of.layout);
}
bool Tensor::is_contiguous() const { return strided(*this, "is_contiguous").is_contiguous(); }
bool Tensor::has_storage() const { return impl_ && !impl(*this).is_sparse(); }
bool Tensor::is_alias_of(const Tensor& other) const {
  return has_storage() && other.has_storage() && impl(*this).storage == impl(other).storage;
}
std::string Tensor::toString() const {
  if (!impl_) return "UndefinedType";
  const TensorImpl& of = impl(*this);
  return std::string(of.is_sparse() ? "SparseCPU" : "CPU") + to_string(of.dtype) + "Type";
}

void* Tensor::data_ptr() const { return stored(*this).data; }

void* Tensor::typed_data(ScalarType expected) const {
  const TensorImpl& of = stored(*this);
  SIMDGRAD_CHECK(of.dtype == expected, "expected scalar type ", to_string(expected), " but found ",
                 to_string(of.dtype));
  return of.data;
}

Scalar Tensor::item() const {
  const TensorImpl& of = checked(*this);
  SIMDGRAD_CHECK(of.numel == 1, "a Tensor with ", of.numel,
                 " elements cannot be converted to Scalar");
  if (of.is_sparse()) return to_dense().item();
  return for_type(of.dtype, [&]<class T>(T) { return Scalar(*static_cast<const T*>(of.data)); });
}

bool Tensor::is_nonzero() const {
  const int64_t count = numel();
  SIMDGRAD_CHECK(count != 0, "Boolean value of Tensor with no values is ambiguous");
  SIMDGRAD_CHECK(count == 1, "Boolean value of Tensor with more than one value is ambiguous");
  return item().to<bool>();
}

}  // namespace simdgrad
