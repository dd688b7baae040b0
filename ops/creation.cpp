#include <simdgrad/creation.h>

#include <cmath>
#include <cstring>

#include "core/dtypes.h"
#include "core/tensor_impl.h"
#include "ops/loops/broadcast.h"
#include "ops/sparse/arithmetic.h"

namespace simdgrad {
namespace {

Tensor with_options(Tensor result, const TensorOptions& options) {
  if (options.requires_grad()) result.set_requires_grad(true);
  return result;
}

Tensor fresh(IntArrayRef sizes, const TensorOptions& options) {
  SIMDGRAD_CHECK(options.layout() == Layout::Strided,
                 "empty: got layout Sparse; sparse_coo_tensor makes sparse tensors");
  return make_tensor(sizes, options.dtype());
}

// Fills a fresh tensor, outside any graph.
void set_all(const Tensor& tensor, const Scalar& value) {
  if (value.equal(0) && !std::signbit(value.to_double())) {
    std::memset(impl(tensor).data, 0, static_cast<size_t>(tensor.nbytes()));
    return;
  }
  Tensor target = tensor;
  target.fill_(value);
  impl(tensor).version->version.store(0, std::memory_order_relaxed);
}

Tensor filled(IntArrayRef sizes, const Scalar& value, const TensorOptions& options) {
  Tensor result = fresh(sizes, options);
  set_all(result, value);
  return with_options(std::move(result), options);
}

Tensor fresh_like(const Tensor& self, const TensorOptions& options) {
  check_defined(self);
  const ScalarType dtype = options.has_dtype() ? options.dtype() : self.scalar_type();
  return self.is_sparse() ? empty_sparse_like(self, dtype) : make_like(self, dtype);
}

Tensor filled_like(const Tensor& self, const Scalar& value, const TensorOptions& options) {
  Tensor result = fresh_like(self, options);
  set_all(result, value);
  return with_options(std::move(result), options);
}

// What a value's own kind makes of a missing dtype.
ScalarType dtype_of(const Scalar& value) {
  return value.is_boolean() ? kBool : value.is_integral(false) ? kLong : get_default_dtype();
}

}  // namespace

Tensor empty(IntArrayRef sizes, const TensorOptions& options) {
  return with_options(fresh(sizes, options), options);
}
Tensor zeros(IntArrayRef sizes, const TensorOptions& options) {
  for (const int64_t size : sizes)
    SIMDGRAD_CHECK(size >= 0, "zeros: Dimension size must be non-negative.");
  return filled(sizes, 0, options);
}
Tensor ones(IntArrayRef sizes, const TensorOptions& options) { return filled(sizes, 1, options); }
Tensor full(IntArrayRef sizes, const Scalar& value, const TensorOptions& options) {
  return filled(sizes, value, options.has_dtype() ? options : options.dtype(dtype_of(value)));
}
Tensor empty_like(const Tensor& self, const TensorOptions& options) {
  return with_options(fresh_like(self, options), options);
}
Tensor zeros_like(const Tensor& self, const TensorOptions& options) {
  if (self.defined() && self.is_sparse()) return empty_like(self, options);
  return filled_like(self, 0, options);
}
Tensor ones_like(const Tensor& self, const TensorOptions& options) {
  return filled_like(self, 1, options);
}
Tensor full_like(const Tensor& self, const Scalar& value, const TensorOptions& options) {
  return filled_like(self, value, options);
}

Tensor arange(const Scalar& end, const TensorOptions& options) { return arange(0, end, 1, options); }
Tensor arange(const Scalar& start, const Scalar& end, const TensorOptions& options) {
  return arange(start, end, 1, options);
}

Tensor arange(const Scalar& start, const Scalar& end, const Scalar& step,
              const TensorOptions& options) {
  const double from = start.to_double(), to = end.to_double(), by = step.to_double();
  const bool integers =
      start.is_integral(true) && end.is_integral(true) && step.is_integral(true);
  const ScalarType dtype = options.has_dtype() ? options.dtype() : integers ? kLong : get_default_dtype();
  SIMDGRAD_CHECK(by != 0, "step must be nonzero");
  SIMDGRAD_CHECK(std::isfinite(from) && std::isfinite(to), "unsupported range: ", from, " -> ", to);
  SIMDGRAD_CHECK((by > 0 && to >= from) || (by < 0 && to <= from),
                 "upper bound and lower bound inconsistent with step sign");
  const double count = integers ? 0 : std::ceil((to - from) / by);
  SIMDGRAD_CHECK(count <= 9.2e18, "invalid size, possible overflow? arange from ", from, " to ", to,
                 " by ", by);
  const int64_t a = start.to_long(), s = step.to_long();
  // Differences of integers in 128 bits: the ends may lie 2^64 apart.
  const __int128 span = static_cast<__int128>(end.to_long()) - a;
  const int64_t n = integers ? static_cast<int64_t>((span + s - (s > 0 ? 1 : -1)) / s)
                             : static_cast<int64_t>(count);
  Tensor result = make_tensor(n, dtype);
  for_type(dtype, [&]<class T>(T) {
    T* out = static_cast<T*>(impl(result).data);
    if (integers) {
      for (int64_t i = 0; i < n; ++i) out[i] = static_cast<T>(a + s * i);
    } else {
      for (int64_t i = 0; i < n; ++i) out[i] = static_cast<T>(from + by * static_cast<double>(i));
    }
  });
  return with_options(std::move(result), options);
}

Tensor linspace(const Scalar& start, const Scalar& end, int64_t steps, const TensorOptions& options) {
  SIMDGRAD_CHECK(steps >= 0, "number of steps must be non-negative");
  Tensor result = make_tensor(steps, options.dtype());
  for_type(result.scalar_type(), [&]<class T>(T) {
    // Computed in the result's own float type from both ends towards the middle, so that it is
    // symmetric and ends exactly at `end`.
    using F = std::conditional_t<std::is_same_v<T, float>, float, double>;
    T* out = static_cast<T*>(impl(result).data);
    const F from = start.to<F>(), to = end.to<F>();
    const F by = steps > 1 ? (to - from) / static_cast<F>(steps - 1) : F(0);
    for (int64_t i = 0; i < steps; ++i)
      out[i] = static_cast<T>(i < steps / 2 || steps == 1
                                  ? from + by * static_cast<F>(i)
                                  : to - by * static_cast<F>(steps - 1 - i));
  });
  return with_options(std::move(result), options);
}

Tensor eye(int64_t n, const TensorOptions& options) { return eye(n, n, options); }

Tensor eye(int64_t n, int64_t m, const TensorOptions& options) {
  SIMDGRAD_CHECK(n >= 0, "n must be greater or equal to 0, got ", n);
  SIMDGRAD_CHECK(m >= 0, "m must be greater or equal to 0, got ", m);
  Tensor result = filled({n, m}, 0, options.requires_grad(false));
  for_type(result.scalar_type(), [&]<class T>(T) {
    T* out = static_cast<T*>(impl(result).data);
    for (int64_t i = 0; i < n && i < m; ++i) out[i * m + i] = T(1);
  });
  return with_options(std::move(result), options);
}

TensorData::TensorData(std::initializer_list<TensorData> list) : is_list_(true) {
  sizes_.push_back(static_cast<int64_t>(list.size()));
  if (list.size() == 0) return;
  const TensorData& first = *list.begin();
  dtype_ = first.dtype_;
  for (const TensorData& entry : list) {
    SIMDGRAD_CHECK(entry.sizes_ == first.sizes_, "Expected all sub-lists to have sizes: ",
                   first.sizes_.empty() ? std::string("[]") : join(first.sizes_), " (e.g. ",
                   first.to_string(), "), but got sub-list ", entry.to_string(), " with sizes: ",
                   entry.sizes_.empty() ? std::string("[]") : join(entry.sizes_));
    SIMDGRAD_CHECK(entry.dtype_ == dtype_ || entry.values_.empty(),
                   "Expected all elements of the tensor to have the same scalar type: ",
                   simdgrad::to_string(dtype_), ", but got element of scalar type: ",
                   simdgrad::to_string(entry.dtype_));
    values_.insert(values_.end(), entry.values_.begin(), entry.values_.end());
  }
  sizes_.insert(sizes_.end(), first.sizes_.begin(), first.sizes_.end());
}

ScalarType TensorData::scalar_type() const {
  return dtype_ == kDouble ? get_default_dtype() : dtype_;
}

namespace {

void append(std::string& text, const TensorData& data, size_t dim, size_t& next) {
  if (dim == data.sizes().size()) {
    const Scalar& value = data.values()[next++];
    std::string number = value.is_floating_point() ? std::to_string(value.to_double())
                                                   : std::to_string(value.to_long());
    if (value.is_floating_point()) {
      number.erase(number.find_last_not_of('0') + 1);
      if (number.back() == '.') number.pop_back();
    }
    text += number;
    return;
  }
  text += '{';
  for (int64_t i = 0; i < data.sizes()[dim]; ++i) {
    if (i) text += ", ";
    append(text, data, dim + 1, next);
  }
  text += '}';
}

}  // namespace

std::string TensorData::join(const std::vector<int64_t>& sizes) {
  std::string text;
  for (size_t i = 0; i < sizes.size(); ++i) text += (i ? ", " : "") + std::to_string(sizes[i]);
  return text;
}

std::string TensorData::to_string() const {
  std::string text;
  size_t next = 0;
  append(text, *this, 0, next);
  return text;
}

Tensor tensor(const TensorData& data, const TensorOptions& options) {
  const ScalarType dtype = options.has_dtype() ? options.dtype() : data.scalar_type();
  Tensor result = make_tensor(data.sizes(), dtype);
  for_type(dtype, [&]<class T>(T) {
    T* out = static_cast<T*>(impl(result).data);
    for (const Scalar& value : data.values()) *out++ = value.to<T>();
  });
  return with_options(std::move(result), options);
}

namespace {

Tensor wrap(void* data, IntArrayRef sizes, IntArrayRef strides, const TensorOptions& options,
            void (*release)(void*), void* context) {
  check_sizes_nonnegative({sizes.data(), sizes.size()});
  SIMDGRAD_CHECK(strides.size() == sizes.size(), "from_blob: got ", sizes.size(), " sizes and ",
                 strides.size(), " strides");
  for (int64_t stride : strides)
    SIMDGRAD_CHECK(stride >= 0, "from_blob: got strides ", strides, ", they must not be negative");
  const bool has_elements = numel({sizes.data(), sizes.size()}) > 0;
  SIMDGRAD_CHECK(data || !has_elements, "from_blob: got a null pointer for sizes ", sizes);
  return with_options(make_external(data, sizes, strides, options.dtype(), release, context), options);
}

}  // namespace

Tensor from_blob(void* data, IntArrayRef sizes, const TensorOptions& options) {
  Dims strides(sizes.size());
  contiguous_strides(sizes, strides.data());
  return wrap(data, sizes, strides, options, nullptr, nullptr);
}

Tensor from_blob(void* data, IntArrayRef sizes, IntArrayRef strides, const TensorOptions& options) {
  return wrap(data, sizes, strides, options, nullptr, nullptr);
}

Tensor from_blob(void* data, IntArrayRef sizes, const std::function<void(void*)>& deleter,
                 const TensorOptions& options) {
  struct Owner {
    std::function<void(void*)> deleter;
    void* data;
  };
  Dims strides(sizes.size());
  contiguous_strides(sizes, strides.data());
  auto owner = std::make_unique<Owner>(Owner{deleter, data});
  Tensor result = wrap(
      data, sizes, strides, options,
      [](void* context) {
        const std::unique_ptr<Owner> last(static_cast<Owner*>(context));
        last->deleter(last->data);
      },
      owner.get());
  owner.release();
  return result;
}

}  // namespace simdgrad
