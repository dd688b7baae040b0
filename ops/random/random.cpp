// Random fills in PyTorch's order of visits, random factories, dropout.
#include <simdgrad/creation.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/random.h>
#include <simdgrad/views.h>

#include <algorithm>
#include <limits>

#include "autograd/record.h"
#include "core/dtypes.h"
#include "ops/loops/broadcast.h"
#include "ops/random/access.h"

namespace simdgrad {
namespace {

// Runs fill(pointer, count) on self's numbers in the order in which PyTorch visits them: that of
// memory, largest stride first.
template <class F>
void fill_in_order(const Tensor& self, F&& fill) {
  TensorImpl& of = impl(self);
  if (of.is_contiguous() || is_non_overlapping_and_dense(of.size_list(), of.stride_list())) {
    fill(of.data, of.numel);
    return;
  }
  std::vector<int64_t> order(of.ndim);
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(i);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return of.strides()[a] > of.strides()[b]; });
  const GradModeGuard no_grad(false);
  Tensor sorted = self.detach().permute(order);
  const Tensor numbers = make_tensor(sorted.sizes(), of.dtype);
  fill(impl(numbers).data, of.numel);
  sorted.copy_(numbers);
  // The copy counted as a change of its own; the caller counts it once.
  of.version->version.fetch_sub(1, std::memory_order_relaxed);
}

// The in-place protocol around a fill: the result depends on nothing, so its gradient is zero.
template <NodeName name, class F>
Tensor& fill_random(Tensor& self, const char* operation, F&& fill) {
  check_dense(self, operation);
  const bool records = needs_gradient(self);
  check_inplace(self, records);
  InplaceHistory history(self);
  if (records)
    history.record<name>(std::tie(self), [](Gradients& d) {
      if (d.needs(0)) d.set(0, zeros_like(d.dy()));
    });
  fill_in_order(self, fill);
  history.commit();
  return self;
}

template <class F>
void for_floats(ScalarType dtype, void* data, const char* operation, F&& f) {
  SIMDGRAD_CHECK(is_floating_point(dtype), "\"", operation, "\" not implemented for '",
                 to_string(dtype), "'");
  dtype == kFloat ? f(static_cast<float*>(data)) : f(static_cast<double*>(data));
}

// The largest number that random_() without bounds can ask of a type, plus one.
int64_t end_of(ScalarType dtype) {
  switch (dtype) {
    case kFloat: return (int64_t(1) << 24) + 1;
    case kDouble: return (int64_t(1) << 53) + 1;
    case kByte: return 256;
    case kChar: return 128;
    case kShort: return 32768;
    case kInt: return int64_t(1) << 31;
    case kBool: return 2;
    default: return std::numeric_limits<int64_t>::max();
  }
}

}  // namespace

Tensor& Tensor::uniform_(double from, double to, const std::optional<Generator>& generator) {
  check_dense(*this, "uniform_");
  SIMDGRAD_CHECK(from <= to, "uniform_ expects to return a [from, to) range, but found from=", from,
                 " > to=", to);
  return fill_random<"UniformBackward0">(*this, "uniform_", [&](void* data, int64_t n) {
    for_floats(scalar_type(), data, "check_uniform_bounds", [&](auto* out) {
      using T = std::remove_pointer_t<decltype(out)>;
      LockedEngine(generator)->fill_uniform(out, n, static_cast<T>(from), static_cast<T>(to));
    });
  });
}

Tensor& Tensor::normal_(double mean, double std, const std::optional<Generator>& generator) {
  check_dense(*this, "normal_");
  SIMDGRAD_CHECK(std >= 0, "normal expects std >= 0.0, but found std ", std);
  const bool in_blocks = is_contiguous();
  return fill_random<"NormalBackward0">(*this, "normal_", [&](void* data, int64_t n) {
    for_floats(scalar_type(), data, "normal_kernel_cpu", [&](auto* out) {
      LockedEngine engine(generator);
      if (in_blocks) {
        engine->fill_normal(out, n, mean, std);
        return;
      }
      using T = std::remove_pointer_t<decltype(out)>;
      for (int64_t i = 0; i < n; ++i) out[i] = static_cast<T>(engine->normal(mean, std));
    });
  });
}

Tensor& Tensor::random_(const std::optional<Generator>& generator) {
  return fill_random<"RandomBackward0">(*this, "random_", [&](void* data, int64_t n) {
    for_type(scalar_type(), [&]<class T>(T) {
      LockedEngine(generator)->fill_integers(static_cast<T*>(data), n);
    });
  });
}

Tensor& Tensor::random_(int64_t to, const std::optional<Generator>& generator) {
  return random_(0, to, generator);
}

namespace {

// Integers are drawn from what the dtype holds; the end is one beyond.
void check_fits(ScalarType dtype, int64_t from, int64_t end) {
  if (is_floating_point(dtype)) return;
  for_integer_type(dtype, [&]<class T>(T) {
    using Limits = std::numeric_limits<T>;
    const auto fits = [](int64_t value) { return value >= Limits::min() && value <= Limits::max(); };
    SIMDGRAD_CHECK(fits(from), "from is out of bounds for ", TypeMeta(dtype).name());
    SIMDGRAD_CHECK(fits(end - 1), "to - 1 is out of bounds for ", TypeMeta(dtype).name());
  });
}

}  // namespace

Tensor& Tensor::random_(int64_t from, std::optional<int64_t> to,
                        const std::optional<Generator>& generator) {
  check_dense(*this, "random_");
  const bool whole_range = !to && scalar_type() == kLong && from == std::numeric_limits<int64_t>::min();
  const int64_t end = to.value_or(end_of(scalar_type()));
  SIMDGRAD_CHECK(from < end, "random_ expects 'from' to be less than 'to', but got from=", from,
                 " >= to=", end);
  check_fits(scalar_type(), from, end);
  const uint64_t range =
      whole_range ? 0 : static_cast<uint64_t>(end) - static_cast<uint64_t>(from) + (to ? 0u : scalar_type() == kLong);
  return fill_random<"RandomBackward0">(*this, "random_", [&](void* data, int64_t n) {
    for_type(scalar_type(), [&]<class T>(T) {
      LockedEngine(generator)->fill_integers(static_cast<T*>(data), n, range, from);
    });
  });
}

Tensor& Tensor::bernoulli_(double p, const std::optional<Generator>& generator) {
  SIMDGRAD_CHECK(p >= 0 && p <= 1, "bernoulli_ expects p to be in [0, 1], but got p=", p);
  return fill_random<"BernoulliBackward2">(*this, "bernoulli_", [&](void* data, int64_t n) {
    for_type(scalar_type(), [&]<class T>(T) {
      LockedEngine(generator)->fill_bernoulli(static_cast<T*>(data), n, p);
    });
  });
}

namespace {

// A fresh tensor that `fill` makes random; it counts as unchanged.
template <class F>
Tensor drawn(Tensor result, const TensorOptions& options, F&& fill) {
  fill(result);
  impl(result).version->version.store(0, std::memory_order_relaxed);
  if (options.requires_grad()) result.set_requires_grad(true);
  return result;
}

TensorOptions without_grad(const TensorOptions& options) { return options.requires_grad(false); }

TensorOptions integer_options(const TensorOptions& options) {
  return options.has_dtype() ? options : options.dtype(kLong);
}

}  // namespace

Tensor rand(IntArrayRef sizes, const TensorOptions& options) {
  return rand(sizes, std::nullopt, options);
}
Tensor rand(IntArrayRef sizes, const std::optional<Generator>& generator,
            const TensorOptions& options) {
  return drawn(empty(sizes, without_grad(options)), options,
               [&](Tensor& to) { to.uniform_(0, 1, generator); });
}
Tensor rand_like(const Tensor& self, const TensorOptions& options) {
  return drawn(empty_like(self, without_grad(options)), options, [](Tensor& to) { to.uniform_(); });
}

Tensor randn(IntArrayRef sizes, const TensorOptions& options) {
  return randn(sizes, std::nullopt, options);
}
Tensor randn(IntArrayRef sizes, const std::optional<Generator>& generator,
             const TensorOptions& options) {
  return drawn(empty(sizes, without_grad(options)), options,
               [&](Tensor& to) { to.normal_(0, 1, generator); });
}
Tensor randn_like(const Tensor& self, const TensorOptions& options) {
  return drawn(empty_like(self, without_grad(options)), options, [](Tensor& to) { to.normal_(); });
}

Tensor randint(int64_t high, IntArrayRef sizes, const TensorOptions& options) {
  return randint(0, high, sizes, std::nullopt, options);
}
Tensor randint(int64_t low, int64_t high, IntArrayRef sizes, const TensorOptions& options) {
  return randint(low, high, sizes, std::nullopt, options);
}
Tensor randint(int64_t low, int64_t high, IntArrayRef sizes,
               const std::optional<Generator>& generator, const TensorOptions& options) {
  return drawn(empty(sizes, without_grad(integer_options(options))), options,
               [&](Tensor& to) { to.random_(low, high, generator); });
}

Tensor randperm(int64_t n, const TensorOptions& options) {
  return randperm(n, std::nullopt, options);
}
Tensor randperm(int64_t n, const std::optional<Generator>& generator,
                const TensorOptions& options) {
  SIMDGRAD_CHECK(n >= 0, "Trying to create tensor with negative dimension ", n, ": [", n, "]");
  SIMDGRAD_CHECK(options.layout() == kStrided, "randperm: got layout Sparse, needed Strided");
  Tensor result = make_tensor(n, kLong);
  LockedEngine(generator)->fill_permutation(result.data_ptr<int64_t>(), n);
  const ScalarType dtype = integer_options(options).dtype();
  return drawn(dtype == kLong ? result : result.to(dtype), options, [](Tensor&) {});
}

Tensor dropout(const Tensor& input, double p, bool train) {
  check_dense(input, "dropout", "input");
  SIMDGRAD_CHECK(p >= 0 && p <= 1, "dropout probability has to be between 0 and 1, but got ", p);
  if (p == 0 || !train || input.numel() == 0) return input;
  if (p == 1) return input.mul(zeros({}, input.options()));
  SIMDGRAD_CHECK(input.is_floating_point(), "result type ", to_string(get_default_dtype()),
                 " can't be cast to the desired output type ", to_string(input.scalar_type()));
  Tensor mask = empty_like(input);
  fill_in_order(mask, [&](void* data, int64_t n) {
    for_floats(mask.scalar_type(), data, "bernoulli_scalar_cpu_", [&](auto* out) {
      using T = std::remove_pointer_t<decltype(out)>;
      LockedEngine(std::nullopt)->fill_bernoulli(out, n, 1 - p, T(1) / static_cast<T>(1 - p));
    });
  });
  return input.mul(mask);
}

}  // namespace simdgrad
