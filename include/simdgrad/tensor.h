// The Tensor: a counted handle to a block of numbers, their shape, and their place in the graph.
//
// Members are one line each and do what the free function of the same name does; the documentation
// stands there: pointwise.h, reductions.h, linear_algebra.h, views.h, indexing.h, creation.h,
// random.h, sparse.h, autograd.h. The class is long because it lists them all.
#pragma once

#include <simdgrad/array_ref.h>
#include <simdgrad/error.h>
#include <simdgrad/export.h>
#include <simdgrad/generator.h>
#include <simdgrad/reference_count.h>
#include <simdgrad/scalar.h>
#include <simdgrad/tensor_options.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace simdgrad {

class Node;
class NodePtr;
class TensorImpl;
class Tensor;
namespace indexing {
class TensorIndex;
}

using TensorList = ArrayRef<Tensor>;

namespace detail {
// The count that a handle touches; the rest of the tensor stands behind it (core/tensor_impl.h).
struct Counted {
  ReferenceCount references;
};
SIMDGRAD_API void destroy_tensor(Counted* tensor) noexcept;

template <class T>
constexpr const char* c_type_name() {
  if constexpr (!std::is_integral_v<T>) return sizeof(T) == 4 ? "float" : "double";
  if constexpr (std::is_unsigned_v<T>)
    return sizeof(T) == 1 ? "uint8_t" : sizeof(T) == 2 ? "uint16_t" : sizeof(T) == 4 ? "uint32_t" : "uint64_t";
  return sizeof(T) == 1 ? "int8_t" : sizeof(T) == 2 ? "int16_t" : sizeof(T) == 4 ? "int" : "int64_t";
}
struct TensorHook;
}  // namespace detail

// Copying a Tensor aliases it: both handles see the same numbers, shape and gradient. A default
// made Tensor is undefined: it has no numbers and most calls refuse it.
class SIMDGRAD_API Tensor {
 public:
  Tensor() noexcept : impl_(nullptr) {}
  Tensor(const Tensor& other) noexcept : impl_(other.impl_) { retain(); }
  Tensor(Tensor&& other) noexcept : impl_(other.impl_) { other.impl_ = nullptr; }
  ~Tensor() { release(); }
  Tensor& operator=(const Tensor& other) & noexcept {
    Tensor copy(other);
    std::swap(impl_, copy.impl_);
    return *this;
  }
  Tensor& operator=(Tensor&& other) & noexcept {
    std::swap(impl_, other.impl_);
    return *this;
  }
  // Assignment into a view, `x[0] = y` or `x.index({Slice(), 1}) = 2`: copies the numbers in.
  Tensor& operator=(const Tensor& source) &&;
  Tensor& operator=(Tensor&& source) &&;
  Tensor& operator=(const Scalar& value) &&;

  // --- what it is -------------------------------------------------------------------------------
  bool defined() const { return impl_ != nullptr; }
  bool is_same(const Tensor& other) const { return impl_ == other.impl_; }
  // How many handles there are; 0 for an undefined tensor.
  size_t use_count() const;
  void reset() { *this = Tensor(); }
  int64_t dim() const;
  int64_t ndimension() const { return dim(); }
  int64_t numel() const;
  IntArrayRef sizes() const;
  IntArrayRef strides() const;  // in elements
  int64_t size(int64_t dim) const;
  int64_t stride(int64_t dim) const;
  int64_t storage_offset() const;  // in elements
  ScalarType scalar_type() const;
  TypeMeta dtype() const { return TypeMeta(scalar_type()); }  // prints as "float", "long int"
  Layout layout() const;
  Device device() const { return {}; }
  TensorOptions options() const;
  int64_t element_size() const { return simdgrad::element_size(scalar_type()); }
  int64_t itemsize() const { return element_size(); }
  int64_t nbytes() const { return numel() * element_size(); }
  bool is_contiguous() const;
  bool is_floating_point() const { return simdgrad::is_floating_point(scalar_type()); }
  bool is_sparse() const { return layout() == kSparse; }
  bool is_cpu() const { return true; }
  bool has_storage() const;
  // Do both share one storage?
  bool is_alias_of(const Tensor& other) const;
  // "CPUFloatType", "SparseCPUDoubleType": the type's name in PyTorch's C++ texts.
  std::string toString() const;

  // --- its numbers ------------------------------------------------------------------------------
  // The first element. T must be the element type, or the untyped form used. Error for a sparse
  // tensor, an undefined one and another T.
  void* data_ptr() const;
  template <class T>
  T* data_ptr() const {
    return static_cast<T*>(typed_data(scalar_type_of<T>));
  }
  template <class T>
  const T* const_data_ptr() const {
    return static_cast<const T*>(typed_data(scalar_type_of<T>));
  }
  template <class T>
  T* mutable_data_ptr() const {
    return data_ptr<T>();
  }
  // The number of a one-element tensor. Errors: "a Tensor with 3 elements cannot be converted to
  // Scalar", "value cannot be converted to type uint8_t without overflow".
  Scalar item() const;
  template <class T>
  T item() const {
    const Scalar value = item();
    SIMDGRAD_CHECK(value.fits<T>(), "value cannot be converted to type ", detail::c_type_name<T>(),
                   " without overflow");
    return value.to<T>();
  }
  // True when the one element is not zero; Error for any other number of elements.
  bool is_nonzero() const;

  // --- autograd (autograd.h) --------------------------------------------------------------------
  bool requires_grad() const;
  const Tensor& set_requires_grad(bool requires_grad) const;
  const Tensor& requires_grad_(bool requires_grad = true) const {
    return set_requires_grad(requires_grad);
  }
  bool is_leaf() const;
  const Tensor& grad() const;
  Tensor& mutable_grad() const;
  NodePtr grad_fn() const;
  int64_t output_nr() const;
  void backward(const Tensor& gradient = {}, std::optional<bool> retain_graph = std::nullopt,
                bool create_graph = false,
                std::optional<TensorList> inputs = std::nullopt) const;
  Tensor detach() const;
  Tensor& detach_();
  Tensor tensor_data() const;
  Tensor data() const;
  Tensor variable_data() const { return data(); }
  void set_data(const Tensor& data) const;
  void retain_grad() const;
  bool retains_grad() const;
  bool is_view() const;
  Tensor _base() const;
  int64_t _version() const;
  // A hook is `void(Tensor)` or `Tensor(Tensor)`; it is called with the gradient of this tensor.
  template <class Hook>
  unsigned register_hook(Hook hook) const;
  void remove_hook(unsigned position) const;
  unsigned _add_hook(std::unique_ptr<detail::TensorHook> hook) const;

  // --- pointwise (pointwise.h) ------------------------------------------------------------------
#define SIMDGRAD_UNARY(function, Formula) \
  Tensor function() const;                \
  Tensor& function##_();
#include <simdgrad/unary_ops.inc>
#undef SIMDGRAD_UNARY
  Tensor add(const Tensor& other, const Scalar& alpha = 1) const;
  Tensor add(const Scalar& other, const Scalar& alpha = 1) const;
  Tensor& add_(const Tensor& other, const Scalar& alpha = 1);
  Tensor& add_(const Scalar& other, const Scalar& alpha = 1);
  Tensor sub(const Tensor& other, const Scalar& alpha = 1) const;
  Tensor sub(const Scalar& other, const Scalar& alpha = 1) const;
  Tensor& sub_(const Tensor& other, const Scalar& alpha = 1);
  Tensor& sub_(const Scalar& other, const Scalar& alpha = 1);
  Tensor mul(const Tensor& other) const;
  Tensor mul(const Scalar& other) const;
  Tensor& mul_(const Tensor& other);
  Tensor& mul_(const Scalar& other);
  Tensor div(const Tensor& other) const;
  Tensor div(const Scalar& other) const;
  Tensor div(const Tensor& other, std::optional<std::string_view> rounding_mode) const;
  Tensor div(const Scalar& other, std::optional<std::string_view> rounding_mode) const;
  Tensor& div_(const Tensor& other);
  Tensor& div_(const Scalar& other);
  Tensor pow(const Tensor& exponent) const;
  Tensor pow(const Scalar& exponent) const;
  Tensor& pow_(const Tensor& exponent);
  Tensor& pow_(const Scalar& exponent);
  Tensor square() const;
  Tensor& square_();
  Tensor clamp(const std::optional<Scalar>& min = std::nullopt,
               const std::optional<Scalar>& max = std::nullopt) const;
  Tensor& clamp_(const std::optional<Scalar>& min = std::nullopt,
                 const std::optional<Scalar>& max = std::nullopt);
  Tensor clamp_min(const Scalar& min) const;
  Tensor& clamp_min_(const Scalar& min);
  Tensor clamp_max(const Scalar& max) const;
  Tensor& clamp_max_(const Scalar& max);
#define SIMDGRAD_BINARY(function, Formula) Tensor function(const Tensor& other) const;
#include <simdgrad/binary_ops.inc>
#undef SIMDGRAD_BINARY
  Tensor where(const Tensor& condition, const Tensor& other) const;
  Tensor masked_fill(const Tensor& mask, const Scalar& value) const;
  Tensor masked_fill(const Tensor& mask, const Tensor& value) const;
  Tensor& masked_fill_(const Tensor& mask, const Scalar& value);
  Tensor& masked_fill_(const Tensor& mask, const Tensor& value);
#define SIMDGRAD_COMPARISON(function)        \
  Tensor function(const Tensor& other) const; \
  Tensor function(const Scalar& other) const;
  SIMDGRAD_COMPARISON(eq)
  SIMDGRAD_COMPARISON(ne)
  SIMDGRAD_COMPARISON(lt)
  SIMDGRAD_COMPARISON(le)
  SIMDGRAD_COMPARISON(gt)
  SIMDGRAD_COMPARISON(ge)
#undef SIMDGRAD_COMPARISON
  Tensor logical_not() const;
  Tensor logical_and(const Tensor& other) const;
  Tensor logical_or(const Tensor& other) const;
  Tensor isnan() const;
  Tensor isinf() const;
  Tensor isfinite() const;
  bool equal(const Tensor& other) const;
  bool allclose(const Tensor& other, double rtol = 1e-5, double atol = 1e-8,
                bool equal_nan = false) const;
  Tensor operator-() const { return neg(); }
  Tensor operator!() const { return logical_not(); }
  Tensor operator~() const;
  Tensor& operator+=(const Tensor& other) { return add_(other); }
  Tensor& operator+=(const Scalar& other) { return add_(other); }
  Tensor& operator-=(const Tensor& other) { return sub_(other); }
  Tensor& operator-=(const Scalar& other) { return sub_(other); }
  Tensor& operator*=(const Tensor& other) { return mul_(other); }
  Tensor& operator*=(const Scalar& other) { return mul_(other); }
  Tensor& operator/=(const Tensor& other) { return div_(other); }
  Tensor& operator/=(const Scalar& other) { return div_(other); }

  // --- reductions, softmax (reductions.h) -------------------------------------------------------
  Tensor sum(std::optional<ScalarType> dtype = std::nullopt) const;
  Tensor sum(OptionalIntArrayRef dims, bool keepdim = false,
             std::optional<ScalarType> dtype = std::nullopt) const;
  Tensor mean(std::optional<ScalarType> dtype = std::nullopt) const;
  Tensor mean(OptionalIntArrayRef dims, bool keepdim = false,
              std::optional<ScalarType> dtype = std::nullopt) const;
  Tensor max() const;
  Tensor min() const;
  std::tuple<Tensor, Tensor> max(int64_t dim, bool keepdim = false) const;
  std::tuple<Tensor, Tensor> min(int64_t dim, bool keepdim = false) const;
  Tensor max(const Tensor& other) const { return maximum(other); }
  Tensor min(const Tensor& other) const { return minimum(other); }
  Tensor amax(IntArrayRef dims = {}, bool keepdim = false) const;
  Tensor amin(IntArrayRef dims = {}, bool keepdim = false) const;
  Tensor argmax(std::optional<int64_t> dim = std::nullopt, bool keepdim = false) const;
  Tensor argmin(std::optional<int64_t> dim = std::nullopt, bool keepdim = false) const;
  Tensor var(bool unbiased = true) const;
  Tensor var(int dim) const { return var(OptionalIntArrayRef(int64_t{dim})); }  // not var(true)
  Tensor var(OptionalIntArrayRef dims, bool unbiased, bool keepdim = false) const;
  Tensor var(OptionalIntArrayRef dims, const std::optional<Scalar>& correction = std::nullopt,
             bool keepdim = false) const;
  Tensor std(bool unbiased = true) const;
  Tensor std(int dim) const { return std(OptionalIntArrayRef(int64_t{dim})); }
  Tensor std(OptionalIntArrayRef dims, bool unbiased, bool keepdim = false) const;
  Tensor std(OptionalIntArrayRef dims, const std::optional<Scalar>& correction = std::nullopt,
             bool keepdim = false) const;
  Tensor norm(const Scalar& p = 2) const;
  Tensor norm(const std::optional<Scalar>& p, IntArrayRef dims, bool keepdim = false) const;
  Tensor logsumexp(IntArrayRef dims, bool keepdim = false) const;
  Tensor all() const;
  Tensor all(int64_t dim, bool keepdim = false) const;
  Tensor any() const;
  Tensor any(int64_t dim, bool keepdim = false) const;
  Tensor softmax(int64_t dim, std::optional<ScalarType> dtype = std::nullopt) const;
  Tensor log_softmax(int64_t dim, std::optional<ScalarType> dtype = std::nullopt) const;

  // --- products (linear_algebra.h) --------------------------------------------------------------
  Tensor mm(const Tensor& mat2) const;
  Tensor mv(const Tensor& vec) const;
  Tensor dot(const Tensor& other) const;
  Tensor bmm(const Tensor& mat2) const;
  Tensor matmul(const Tensor& other) const;
  Tensor addmm(const Tensor& mat1, const Tensor& mat2, const Scalar& beta = 1,
               const Scalar& alpha = 1) const;

  // --- views, joining (views.h) -----------------------------------------------------------------
  Tensor view(IntArrayRef sizes) const;
  Tensor view_as(const Tensor& other) const { return view(other.sizes()); }
  Tensor reshape(IntArrayRef shape) const;
  Tensor reshape_as(const Tensor& other) const { return reshape(other.sizes()); }
  Tensor flatten(int64_t start_dim = 0, int64_t end_dim = -1) const;
  Tensor t() const;
  Tensor numpy_T() const;
  Tensor transpose(int64_t dim0, int64_t dim1) const;
  Tensor permute(IntArrayRef dims) const;
  Tensor expand(IntArrayRef sizes, bool implicit = false) const;
  Tensor expand_as(const Tensor& other) const { return expand(other.sizes()); }
  Tensor squeeze() const;
  Tensor squeeze(int64_t dim) const;
  Tensor squeeze(IntArrayRef dims) const;
  Tensor unsqueeze(int64_t dim) const;
  Tensor select(int64_t dim, int64_t index) const;
  Tensor slice(int64_t dim = 0, std::optional<int64_t> start = std::nullopt,
               std::optional<int64_t> end = std::nullopt, int64_t step = 1) const;
  Tensor narrow(int64_t dim, int64_t start, int64_t length) const;
  Tensor as_strided(IntArrayRef sizes, IntArrayRef strides,
                    std::optional<int64_t> storage_offset = std::nullopt) const;
  std::vector<Tensor> unbind(int64_t dim = 0) const;
  std::vector<Tensor> split(int64_t split_size, int64_t dim = 0) const;
  std::vector<Tensor> split(IntArrayRef split_sizes, int64_t dim = 0) const;
  std::vector<Tensor> split_with_sizes(IntArrayRef split_sizes, int64_t dim = 0) const;
  std::vector<Tensor> chunk(int64_t chunks, int64_t dim = 0) const;
  Tensor contiguous() const;
  Tensor clone() const;
  Tensor& copy_(const Tensor& source, bool non_blocking = false);
  Tensor to(ScalarType dtype, bool non_blocking = false, bool copy = false) const;
  Tensor to(TypeMeta dtype, bool non_blocking = false, bool copy = false) const {
    return to(dtype.toScalarType(), non_blocking, copy);
  }
  Tensor to(const TensorOptions& options, bool non_blocking = false, bool copy = false) const;
  Tensor to(Device device, ScalarType dtype, bool non_blocking = false, bool copy = false) const;
  Tensor to(const Tensor& other) const { return to(other.scalar_type()); }
  Tensor to(Device) const { return *this; }
  Tensor to(DeviceType type) const { return to(Device(type)); }
  Tensor type_as(const Tensor& other) const { return to(other.scalar_type()); }
  Tensor toType(ScalarType dtype) const { return to(dtype); }
  Tensor cpu() const { return *this; }

  // --- indexing (indexing.h) --------------------------------------------------------------------
  Tensor operator[](int64_t index) const { return select(0, index); }
  Tensor operator[](const Tensor& index) const;
  Tensor operator[](const Scalar& index) const { return select(0, index.to_long()); }
  Tensor index(ArrayRef<indexing::TensorIndex> indices) const;
  Tensor index(std::initializer_list<indexing::TensorIndex> indices) const;
  Tensor& index_put_(ArrayRef<indexing::TensorIndex> indices, const Tensor& value);
  Tensor& index_put_(ArrayRef<indexing::TensorIndex> indices, const Scalar& value);
  Tensor& index_put_(std::initializer_list<indexing::TensorIndex> indices, const Tensor& value);
  Tensor& index_put_(std::initializer_list<indexing::TensorIndex> indices, const Scalar& value);
  Tensor index_select(int64_t dim, const Tensor& index) const;
  Tensor gather(int64_t dim, const Tensor& index) const;
  Tensor masked_select(const Tensor& mask) const;
  Tensor nonzero() const;
  Tensor index_put(ArrayRef<indexing::TensorIndex> indices, const Tensor& value) const;
  Tensor index_add(int64_t dim, const Tensor& index, const Tensor& source) const;
  Tensor scatter_add(int64_t dim, const Tensor& index, const Tensor& source) const;
  Tensor& index_add_(int64_t dim, const Tensor& index, const Tensor& source);
  Tensor& scatter_add_(int64_t dim, const Tensor& index, const Tensor& source);

  // --- filling in place (creation.h, random.h) --------------------------------------------------
  Tensor& fill_(const Scalar& value);
  Tensor& fill_(const Tensor& value);
  Tensor& zero_();
  Tensor& uniform_(double from = 0, double to = 1,
                   const std::optional<Generator>& generator = std::nullopt);
  Tensor& normal_(double mean = 0, double std = 1,
                  const std::optional<Generator>& generator = std::nullopt);
  Tensor& random_(const std::optional<Generator>& generator = std::nullopt);
  Tensor& random_(int64_t to, const std::optional<Generator>& generator = std::nullopt);
  Tensor& random_(int64_t from, std::optional<int64_t> to,
                  const std::optional<Generator>& generator = std::nullopt);
  Tensor& bernoulli_(double p = 0.5, const std::optional<Generator>& generator = std::nullopt);

  // --- row-sparse tensors (sparse.h) ------------------------------------------------------------
  Tensor indices() const;
  Tensor values() const;
  Tensor _indices() const;
  Tensor _values() const;
  int64_t _nnz() const;
  int64_t sparse_dim() const;
  int64_t dense_dim() const;
  bool is_coalesced() const;
  Tensor coalesce() const;
  Tensor to_dense() const;
  Tensor to_sparse() const;
  Tensor to_sparse(int64_t sparse_dim) const;

  // --- inside simdgrad --------------------------------------------------------------------------
  // Takes over one count of `impl`.
  static Tensor adopt(detail::Counted* impl) {
    Tensor result;
    result.impl_ = impl;
    return result;
  }
  detail::Counted* counted() const { return impl_; }
  // Gives up the handle without touching the count.
  detail::Counted* surrender() { return std::exchange(impl_, nullptr); }

 private:
  void retain() const {
    if (impl_) impl_->references.add();
  }
  void release() {
    if (impl_ && impl_->references.drop()) detail::destroy_tensor(impl_);
  }
  void* typed_data(ScalarType expected) const;

  detail::Counted* impl_;
};

namespace detail {
// Whether elements share memory, as those of an expanded tensor do: nothing can be written into it.
SIMDGRAD_API bool has_repeats(const Tensor& tensor);

struct TensorHook {
  virtual ~TensorHook() = default;
  // The gradient to go on with; undefined keeps the one given.
  virtual Tensor call(const Tensor& gradient) = 0;
};
template <class Hook>
struct CallableHook final : TensorHook {
  explicit CallableHook(Hook hook) : hook_(std::move(hook)) {}
  Tensor call(const Tensor& gradient) override {
    if constexpr (std::is_void_v<decltype(hook_(gradient))>) {
      hook_(gradient);
      return {};
    } else {
      return hook_(gradient);
    }
  }
  Hook hook_;
};
}  // namespace detail

template <class Hook>
unsigned Tensor::register_hook(Hook hook) const {
  return _add_hook(std::make_unique<detail::CallableHook<Hook>>(std::move(hook)));
}

// Python's form: tensor([[1., 2.]], grad_fn=<MmBackward0>). See printing.h for the options.
SIMDGRAD_API std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

}  // namespace simdgrad
