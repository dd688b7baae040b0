// Factories: empty, zeros, ones, full, arange, linspace, eye, tensor and from_blob.
#include <simdgrad/creation.h>
#include <simdgrad/sparse.h>

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

// Of what can only be dense.
void check_strided(const TensorOptions& options, const char* operation) {
  SIMDGRAD_CHECK(options.layout() == Layout::Strided, operation,
                 ": got layout Sparse, which only zeros, empty and sparse_coo_tensor make");
}
Tensor fresh(IntArrayRef sizes, const TensorOptions& options, const char* operation) {
  check_strided(options, operation);
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

Tensor filled(IntArrayRef sizes, const Scalar& value, const TensorOptions& options,
              const char* operation) {
  Tensor result = fresh(sizes, options, operation);
  set_all(result, value);
  return with_options(std::move(result), options);
}

ScalarType dtype_like(const Tensor& self, const TensorOptions& options) {
  return options.has_dtype() ? options.dtype() : self.dtype();
}

Tensor filled_like(const Tensor& self, const Scalar& value, const TensorOptions& options,
                   const char* operation) {
  check_dense(self, operation);
  check_strided(options, operation);
  Tensor result = make_like(self, dtype_like(self, options));
  set_all(result, value);
  return with_options(std::move(result), options);
}

// What a value's own kind makes of a missing dtype.
ScalarType dtype_of(const Scalar& value) {
  return value.is_boolean() ? kBool : value.is_integral(false) ? kLong : get_default_dtype();
}

}  // namespace

Tensor empty(IntArrayRef sizes, const TensorOptions& options) {
  if (options.layout() == Layout::Sparse) return sparse_coo_tensor(sizes, options);
  return with_options(fresh(sizes, options, "empty"), options);
}
Tensor zeros(IntArrayRef sizes, const TensorOptions& options) {
  for (const int64_t size : sizes)
    SIMDGRAD_CHECK(size >= 0, "zeros: Dimension size must be non-negative.");
  if (options.layout() == Layout::Sparse) return sparse_coo_tensor(sizes, options);
  return filled(sizes, 0, options, "zeros");
}
Tensor ones(IntArrayRef sizes, const TensorOptions& options) {
  return filled(sizes, 1, options, "ones");
}
Tensor full(IntArrayRef sizes, const Scalar& value, const TensorOptions& options) {
  return filled(sizes, value, options.has_dtype() ? options : options.dtype(dtype_of(value)), "full");
}

Tensor empty_like(const Tensor& self, const TensorOptions& options) {
  check_defined(self);
  const Layout layout = options.has_layout() ? options.layout() : self.layout();
  const ScalarType dtype = dtype_like(self, options);
  if (layout == Layout::Strided) {
    Tensor result = self.is_sparse() ? make_tensor(self.sizes(), dtype) : make_like(self, dtype);
    return with_options(std::move(result), options);
  }
  Tensor result = self.is_sparse() ? empty_sparse_like(self, dtype)
                                   : sparse_coo_tensor(self.sizes(), dtype);
  return with_options(std::move(result), options);
}
Tensor zeros_like(const Tensor& self, const TensorOptions& options) {
  Tensor result = empty_like(self, options.requires_grad(false));
  if (!result.is_sparse()) set_all(result, 0);
  return with_options(std::move(result), options);
}
Tensor ones_like(const Tensor& self, const TensorOptions& options) {
  return filled_like(self, 1, options, "ones_like");
}
Tensor full_like(const Tensor& self, const Scalar& value, const TensorOptions& options) {
  return filled_like(self, value, options, "full_like");
}

Tensor arange(const Scalar& end, const TensorOptions& options) { return arange(0, end, 1, options); }
Tensor arange(const Scalar& start, const Scalar& end, const TensorOptions& options) {
  return arange(start, end, 1, options);
}

namespace {

// The numbers of an integer arange are integers themselves.
int64_t whole_number(const Scalar& value) {
  SIMDGRAD_CHECK(value.fits<int64_t>(), "value cannot be converted to type int64_t without overflow");
  return value.to_long();
}

// start, end and step as given, and cut to integers where those are asked for.
struct Range {
  double from, to, by;
  int64_t a = 0, b = 0, s = 0;

  // How many numbers there are. `exact` in integers, in 128 bits: the ends may lie 2^64 apart.
  int64_t count(bool exact) const {
    SIMDGRAD_CHECK(exact ? s != 0 : by > 0 || by < 0, "step must be nonzero");
    SIMDGRAD_CHECK(std::isfinite(from) && std::isfinite(to), "unsupported range: ", from, " -> ", to);
    const bool rises = exact ? s > 0 : by > 0;
    const bool reaches = exact ? (rises ? b >= a : b <= a) : (rises ? to >= from : to <= from);
    SIMDGRAD_CHECK(reaches, "upper bound and lower bound inconsistent with step sign");
    if (exact)
      return static_cast<int64_t>((static_cast<__int128>(b) - a + s - (s > 0 ? 1 : -1)) / s);
    const double numbers = std::ceil((to - from) / by);
    SIMDGRAD_CHECK(numbers <= 9.2e18, "invalid size, possible overflow? arange from ", from, " to ", to,
                   " by ", by);
    return static_cast<int64_t>(numbers);
  }
};

}  // namespace

// An int64 range is computed in int64: what is given is cut to integers first. Of the other integer
// types only the numbers are, their count is not; as in PyTorch.
Tensor arange(const Scalar& start, const Scalar& end, const Scalar& step,
              const TensorOptions& options) {
  check_strided(options, "arange");
  const bool given_integers =
      start.is_integral(true) && end.is_integral(true) && step.is_integral(true);
  const ScalarType dtype = options.has_dtype() ? options.dtype()
                           : given_integers    ? kLong
                                               : get_default_dtype();
  SIMDGRAD_CHECK(dtype != kBool, "\"arange_cpu\" not implemented for 'Bool'");
  const bool in_integers = !simdgrad::is_floating_point(dtype) || given_integers;
  Range range{start.to_double(), end.to_double(), step.to_double()};
  if (in_integers) {
    range.a = whole_number(start);
    range.b = whole_number(end);
    range.s = whole_number(step);
  }
  const int64_t n = range.count(given_integers || dtype == kLong);
  Tensor result = make_tensor(n, dtype);
  for_type(dtype, [&]<class T>(T) {
    T* out = static_cast<T*>(impl(result).data);
    if (in_integers) {
      for (int64_t i = 0; i < n; ++i) out[i] = static_cast<T>(range.a + wrapping_multiply(range.s, i));
    } else {
      for (int64_t i = 0; i < n; ++i)
        out[i] = static_cast<T>(range.from + range.by * static_cast<double>(i));
    }
  });
  return with_options(std::move(result), options);
}

Tensor linspace(const Scalar& start, const Scalar& end, int64_t steps, const TensorOptions& options) {
  SIMDGRAD_CHECK(steps >= 0, "number of steps must be non-negative");
  check_strided(options, "linspace");
  Tensor result = make_tensor(steps, options.dtype());
  for_type(result.scalar_type(), [&]<class T>(T) {
    // Computed in the result's own float type (integers in double, from integer ends) from both ends
    // towards the middle, so that it is symmetric and ends exactly at `end`.
    using F = std::conditional_t<std::is_same_v<T, float>, float, double>;
    T* out = static_cast<T*>(impl(result).data);
    const F from = static_cast<F>(start.to<T>()), to = static_cast<F>(end.to<T>());
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
  Tensor result = filled({n, m}, 0, options.requires_grad(false), "eye");
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
  if (is_floating_point(dtype_)) return get_default_dtype();
  return dtype_ == kInt ? kLong : dtype_;
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
  check_strided(options, "tensor");
  const ScalarType dtype = options.has_dtype() ? options.dtype() : data.scalar_type();
  Tensor result = make_tensor(data.sizes(), dtype);
  for_type(dtype, [&]<class T>(T) {
    T* out = static_cast<T*>(impl(result).data);
    for (const Scalar& value : data.values()) *out++ = value.to<T>();
  });
  return with_options(std::move(result), options);
}

namespace {

Tensor wrap(void* data, IntArrayRef sizes, IntArrayRef strides, const TensorOptions& options) {
  check_strided(options, "from_blob");
  check_sizes_nonnegative({sizes.data(), sizes.size()});
  SIMDGRAD_CHECK(strides.size() == sizes.size(), "from_blob: got ", sizes.size(), " sizes and ",
                 strides.size(), " strides");
  for (int64_t stride : strides)
    SIMDGRAD_CHECK(stride >= 0, "from_blob: got strides ", strides, ", they must not be negative");
  const bool has_elements = numel({sizes.data(), sizes.size()}) > 0;
  SIMDGRAD_CHECK(data || !has_elements, "from_blob: got a null pointer for sizes ", sizes);
  return with_options(make_external(data, sizes, strides, options.dtype()), options);
}

}  // namespace

Tensor from_blob(void* data, IntArrayRef sizes, const TensorOptions& options) {
  Dims strides(sizes.size());
  contiguous_strides(sizes, strides.data());
  return wrap(data, sizes, strides, options);
}

Tensor from_blob(void* data, IntArrayRef sizes, IntArrayRef strides, const TensorOptions& options) {
  return wrap(data, sizes, strides, options);
}

Tensor from_blob(void* data, IntArrayRef sizes, const std::function<void(void*)>& deleter,
                 const TensorOptions& options) {
  if (!deleter) return from_blob(data, sizes, options);
  struct Owner {
    std::function<void(void*)> deleter;
    void* data;
  };
  auto owner = std::make_unique<Owner>(Owner{deleter, data});
  Tensor result = from_blob(data, sizes, options);
  set_release(
      result,
      [](void* context) {
        const std::unique_ptr<Owner> last(static_cast<Owner*>(context));
        last->deleter(last->data);
      },
      owner.release());
  return result;
}

}  // namespace simdgrad
