// Pointwise operations: values against long double, the strided loop against indexing by hand, fused
// gradients against composed ones, NaN rules, promotion, texts.
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <simdgrad/autograd.h>
#include <simdgrad/creation.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/views.h>

#include "core/tensor_impl.h"
#include "core/testing_hooks.h"
#include "ops/loops/broadcast.h"
#include "ops/loops/elementwise_loop.h"
#include "tests/catch.h"
#include "tests/machine_settings.h"

namespace {

using namespace simdgrad;
using Real = long double;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

Tensor uniform(IntArrayRef sizes, ScalarType dtype, double low, double high, unsigned seed) {
  Tensor result = empty(sizes, TensorOptions().dtype(dtype));
  std::mt19937 engine(seed);
  std::uniform_real_distribution<double> draw(low, high);
  for (int64_t i = 0; i < result.numel(); ++i) {
    if (dtype == kFloat) result.data_ptr<float>()[i] = static_cast<float>(draw(engine));
    if (dtype == kDouble) result.data_ptr<double>()[i] = draw(engine);
    if (dtype == kLong) result.data_ptr<int64_t>()[i] = static_cast<int64_t>(draw(engine));
  }
  return result;
}

// Every number in row-major order, whatever the strides and the dtype.
std::vector<double> numbers(const Tensor& tensor) {
  const TensorImpl& of = impl(tensor);
  std::vector<double> result;
  std::vector<int64_t> index(of.ndim, 0);
  for (int64_t n = 0; n < of.numel; ++n) {
    int64_t at = 0;
    for (size_t d = 0; d < of.ndim; ++d) at += index[d] * of.strides()[d];
    double value;
    convert_row(kDouble, of.dtype)(reinterpret_cast<char*>(&value), 1,
                                   static_cast<char*>(of.data) + at * element_size(of.dtype), 1, 1);
    result.push_back(value);
    for (size_t d = of.ndim; d-- > 0;) {
      if (++index[d] < of.sizes()[d]) break;
      index[d] = 0;
    }
  }
  return result;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.scalar_type() != b.scalar_type() || !(a.sizes() == b.sizes())) return false;
  const std::vector<double> x = numbers(a), y = numbers(b);
  return x.empty() || std::memcmp(x.data(), y.data(), x.size() * sizeof(double)) == 0;
}

std::string message(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

struct UnaryCase {
  const char* name;
  Tensor (*run)(const Tensor&);
  Real (*value)(Real);
  Real (*slope)(Real);
  double low, high;
};

Real phi(Real x) { return 0.5L * std::erfc(-x / std::sqrt(2.0L)); }
Real sigmoid_of(Real x) { return 1 / (1 + std::exp(-x)); }
Real gelu_tanh_of(Real x) {
  return 0.5L * x * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0L)) * (x + 0.044715L * x * x * x)));
}

const UnaryCase kUnary[] = {
    {"abs", abs, [](Real x) { return std::abs(x); }, [](Real x) { return Real(x > 0 ? 1 : -1); }, -3, 3},
    {"neg", neg, [](Real x) { return -x; }, [](Real) { return Real(-1); }, -3, 3},
    {"exp", exp, [](Real x) { return std::exp(x); }, [](Real x) { return std::exp(x); }, -5, 5},
    {"expm1", expm1, [](Real x) { return std::expm1(x); }, [](Real x) { return std::exp(x); }, -2, 2},
    {"log", log, [](Real x) { return std::log(x); }, [](Real x) { return 1 / x; }, 0.1, 9},
    {"log1p", log1p, [](Real x) { return std::log1p(x); }, [](Real x) { return 1 / (1 + x); }, -0.5, 9},
    {"sqrt", sqrt, [](Real x) { return std::sqrt(x); }, [](Real x) { return 0.5L / std::sqrt(x); }, 0.1, 9},
    {"sin", sin, [](Real x) { return std::sin(x); }, [](Real x) { return std::cos(x); }, -6, 6},
    {"cos", cos, [](Real x) { return std::cos(x); }, [](Real x) { return -std::sin(x); }, -6, 6},
    {"tanh", tanh, [](Real x) { return std::tanh(x); },
     [](Real x) { return 1 - std::tanh(x) * std::tanh(x); }, -2, 2},
    {"erf", erf, [](Real x) { return std::erf(x); },
     [](Real x) { return 2 / std::sqrt(std::acos(-1.0L)) * std::exp(-x * x); }, -2, 2},
    {"sigmoid", sigmoid, sigmoid_of, [](Real x) { return sigmoid_of(x) * (1 - sigmoid_of(x)); }, -4, 4},
    {"silu", silu, [](Real x) { return x * sigmoid_of(x); },
     [](Real x) { return sigmoid_of(x) * (1 + x * (1 - sigmoid_of(x))); }, -4, 4},
    {"relu", relu, [](Real x) { return x > 0 ? x : 0; }, [](Real x) { return Real(x > 0); }, -3, 3},
    {"reciprocal", reciprocal, [](Real x) { return 1 / x; }, [](Real x) { return -1 / (x * x); }, 0.2, 4},
    {"rsqrt", rsqrt, [](Real x) { return 1 / std::sqrt(x); },
     [](Real x) { return -0.5L / (x * std::sqrt(x)); }, 0.2, 4},
    {"sign", sign, [](Real x) { return Real((x > 0) - (x < 0)); }, [](Real) { return Real(0); }, -3, 3},
    {"square", square, [](Real x) { return x * x; }, [](Real x) { return 2 * x; }, -3, 3},
    {"gelu", [](const Tensor& x) { return gelu(x); }, [](Real x) { return x * phi(x); },
     [](Real x) {
       return phi(x) + x * std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0L));
     }, -3, 3},
    {"gelu tanh", [](const Tensor& x) { return gelu(x, "tanh"); }, gelu_tanh_of,
     [](Real x) {
       const Real root = std::sqrt(2 / std::acos(-1.0L));
       const Real t = std::tanh(root * (x + 0.044715L * x * x * x));
       return 0.5L * (1 + t) + 0.5L * x * (1 - t * t) * root * (1 + 3 * 0.044715L * x * x);
     }, -3, 3},
    {"clamp", [](const Tensor& x) { return clamp(x, -1, 0.5); },
     [](Real x) { return std::fmin(std::fmax(x, -1), 0.5L); },
     [](Real x) { return Real(x >= -1 && x <= 0.5L); }, -3, 3},
    {"pow 3", [](const Tensor& x) { return pow(x, 3); }, [](Real x) { return x * x * x; },
     [](Real x) { return 3 * x * x; }, -2, 2},
    {"pow 1.7", [](const Tensor& x) { return pow(x, 1.7); }, [](Real x) { return std::pow(x, 1.7L); },
     [](Real x) { return 1.7L * std::pow(x, 0.7L); }, 0.2, 4},
    {"2 / x", [](const Tensor& x) { return 2 / x; }, [](Real x) { return 2 / x; },
     [](Real x) { return -2 / (x * x); }, 0.2, 4},
    {"2 - x", [](const Tensor& x) { return 2 - x; }, [](Real x) { return 2 - x; },
     [](Real) { return Real(-1); }, -2, 4},
    {"x / 3", [](const Tensor& x) { return x / 3; }, [](Real x) { return x / 3; },
     [](Real) { return 1 / Real(3); }, -2, 4},
    {"1.5 ^ x", [](const Tensor& x) { return pow(1.5, x); }, [](Real x) { return std::pow(1.5L, x); },
     [](Real x) { return std::pow(1.5L, x) * std::log(1.5L); }, -2, 3},
};

struct BinaryCase {
  const char* name;
  Tensor (*run)(const Tensor&, const Tensor&);
  Real (*value)(Real, Real);
  Real (*slope_a)(Real, Real);
  Real (*slope_b)(Real, Real);
};

const BinaryCase kBinary[] = {
    {"add", [](const Tensor& a, const Tensor& b) { return a + b; }, [](Real a, Real b) { return a + b; },
     [](Real, Real) { return Real(1); }, [](Real, Real) { return Real(1); }},
    {"add scaled", [](const Tensor& a, const Tensor& b) { return add(a, b, 2.5); },
     [](Real a, Real b) { return a + 2.5L * b; }, [](Real, Real) { return Real(1); },
     [](Real, Real) { return 2.5L; }},
    {"sub", [](const Tensor& a, const Tensor& b) { return a - b; }, [](Real a, Real b) { return a - b; },
     [](Real, Real) { return Real(1); }, [](Real, Real) { return Real(-1); }},
    {"sub scaled", [](const Tensor& a, const Tensor& b) { return sub(a, b, 3); },
     [](Real a, Real b) { return a - 3 * b; }, [](Real, Real) { return Real(1); },
     [](Real, Real) { return Real(-3); }},
    {"mul", [](const Tensor& a, const Tensor& b) { return a * b; }, [](Real a, Real b) { return a * b; },
     [](Real, Real b) { return b; }, [](Real a, Real) { return a; }},
    {"div", [](const Tensor& a, const Tensor& b) { return a / b; }, [](Real a, Real b) { return a / b; },
     [](Real, Real b) { return 1 / b; }, [](Real a, Real b) { return -a / (b * b); }},
    {"div floor", [](const Tensor& a, const Tensor& b) { return div(a, b, "floor"); },
     [](Real a, Real b) { return std::floor(a / b); }, [](Real, Real) { return Real(0); },
     [](Real, Real) { return Real(0); }},
    {"div trunc", [](const Tensor& a, const Tensor& b) { return div(a, b, "trunc"); },
     [](Real a, Real b) { return std::trunc(a / b); }, [](Real, Real) { return Real(0); },
     [](Real, Real) { return Real(0); }},
    {"pow", [](const Tensor& a, const Tensor& b) { return pow(a, b); },
     [](Real a, Real b) { return std::pow(a, b); },
     [](Real a, Real b) { return b * std::pow(a, b - 1); },
     [](Real a, Real b) { return std::pow(a, b) * std::log(a); }},
    {"maximum", maximum, [](Real a, Real b) { return std::fmax(a, b); },
     [](Real a, Real b) { return Real(a > b); }, [](Real a, Real b) { return Real(b > a); }},
    {"minimum", minimum, [](Real a, Real b) { return std::fmin(a, b); },
     [](Real a, Real b) { return Real(a < b); }, [](Real a, Real b) { return Real(b < a); }},
};

// Relative to 1 below it: what a few roundings of T leave.
double tolerance(ScalarType dtype) { return dtype == kFloat ? 2e-6 : 4e-15; }

void check_close(const char* name, const Tensor& got, const std::vector<Real>& expected) {
  const std::vector<double> values = numbers(got);
  REQUIRE(values.size() == expected.size());
  const double slack = tolerance(got.scalar_type());
  size_t wrong = 0;
  for (size_t i = 0; i < values.size(); ++i)
    wrong += !(std::abs(values[i] - expected[i]) <= slack * std::fmax(1, std::abs(expected[i])));
  INFO(name << ", " << to_string(got.scalar_type()) << ", " << values.size() << " numbers");
  CHECK(wrong == 0);
}

// A gradient of ones, twos ... so that a swapped operand shows.
Tensor cotangent(const Tensor& y) {
  return uniform(y.sizes(), y.scalar_type(), 0.5, 1.5, 99);
}

}  // namespace

TEST_CASE("pointwise: values and gradients of one tensor, every tail length") {
  for (const ScalarType dtype : {kFloat, kDouble})
    for (const UnaryCase& one : kUnary)
      for (const int64_t n : {0, 1, 3, 7, 8, 15, 16, 17, 33, 70}) {
        const Tensor x = uniform({n}, dtype, one.low, one.high, 7).set_requires_grad(true);
        const Tensor y = one.run(x);
        const Tensor dy = cotangent(y);
        std::vector<Real> values, slopes;
        const std::vector<double> at = numbers(x), weight = numbers(dy);
        for (size_t i = 0; i < at.size(); ++i) {
          values.push_back(one.value(at[i]));
          slopes.push_back(one.slope(at[i]) * weight[i]);
        }
        check_close(one.name, y, values);
        check_close(one.name, autograd::grad({y}, {x}, {dy}, true)[0], slopes);
        // The composed form, whose graph could be differentiated again.
        check_close(one.name, autograd::grad({y}, {x}, {dy}, true, true)[0], slopes);
      }
}

TEST_CASE("pointwise: values and gradients of two tensors, broadcast and plain") {
  struct Shapes {
    std::vector<int64_t> a, b;
  };
  const Shapes shapes[] = {{{1}, {1}},       {{5, 7}, {5, 7}}, {{70}, {70}},
                           {{4, 1, 6}, {3, 1}}, {{}, {3, 5}},     {{2, 200}, {200}}};
  for (const ScalarType dtype : {kFloat, kDouble})
    for (const BinaryCase& one : kBinary)
      for (const Shapes& shape : shapes) {
        const Tensor a = uniform(shape.a, dtype, 0.3, 3, 1).set_requires_grad(true);
        const Tensor b = uniform(shape.b, dtype, 0.3, 3, 2).set_requires_grad(true);
        const Tensor y = one.run(a, b);
        const Tensor dy = cotangent(y);
        const Tensor wide_a = a.detach().expand(y.sizes()), wide_b = b.detach().expand(y.sizes());
        const std::vector<double> x = numbers(wide_a), z = numbers(wide_b), weight = numbers(dy);
        std::vector<Real> values, da, db;
        for (size_t i = 0; i < x.size(); ++i) {
          values.push_back(one.value(x[i], z[i]));
          da.push_back(one.slope_a(x[i], z[i]) * weight[i]);
          db.push_back(one.slope_b(x[i], z[i]) * weight[i]);
        }
        check_close(one.name, y, values);
        // Without reduction first: the same call on the expanded operands.
        const Tensor leaf_a = wide_a.clone().set_requires_grad(true);
        const Tensor leaf_b = wide_b.clone().set_requires_grad(true);
        for (const bool create_graph : {false, true}) {
          const auto wide = autograd::grad({one.run(leaf_a, leaf_b)}, {leaf_a, leaf_b}, {dy}, true,
                                           create_graph);
          check_close(one.name, wide[0], da);
          check_close(one.name, wide[1], db);
          const auto narrow = autograd::grad({one.run(a, b)}, {a, b}, {dy}, true, create_graph);
          REQUIRE(narrow[0].sizes() == a.sizes());
          REQUIRE(narrow[1].sizes() == b.sizes());
          REQUIRE(allclose(narrow[0], sum_to(wide[0], a.sizes()), 1e-5));
          REQUIRE(allclose(narrow[1], sum_to(wide[1], b.sizes()), 1e-5));
        }
      }
}

TEST_CASE("pointwise: a value does not depend on layout, position or chunk", "[threads]") {
  const Tensor base = uniform({6, 40, 9}, kFloat, 0.2, 2, 3);
  const Tensor other = uniform({6, 40, 9}, kFloat, 0.2, 2, 4);
  struct View {
    const char* name;
    Tensor (*of)(const Tensor&);
  };
  const View views[] = {
      {"whole", [](const Tensor& t) { return t; }},
      {"permuted", [](const Tensor& t) { return t.permute({2, 0, 1}); }},
      {"transposed", [](const Tensor& t) { return t.transpose(0, 1); }},
      {"sliced", [](const Tensor& t) { return t.slice(1, 3, 38, 2); }},
      {"narrow", [](const Tensor& t) { return t.narrow(2, 1, 5); }},
      {"expanded", [](const Tensor& t) { return t.narrow(1, 4, 1).expand({6, 300, 9}); }},
      {"one number", [](const Tensor& t) { return t.select(0, 1).select(0, 2).select(0, 3); }},
      {"empty", [](const Tensor& t) { return t.narrow(1, 0, 0); }},
  };
  const testing::RestoreSettings restore;
  for (const bool tiny_chunks : {false, true}) {
    testing::set_chunk(tiny_chunks ? 5 : 0);
    testing::set_inline_threshold(tiny_chunks ? 0 : -1);
    for (const View& view : views) {
      const Tensor x = view.of(base), z = view.of(other);
      const Tensor dense_x = x.contiguous(), dense_z = z.contiguous();
      INFO(view.name << (tiny_chunks ? ", tiny chunks" : ""));
      CHECK(same_bits(exp(x), exp(dense_x)));
      CHECK(same_bits(tanh(x), tanh(dense_x)));
      CHECK(same_bits(x * z, dense_x * dense_z));
      CHECK(same_bits(x * dense_z, dense_x * z));
      CHECK(same_bits(pow(x, z), pow(dense_x, dense_z)));
      CHECK(same_bits(x < z, dense_x < dense_z));
      CHECK(same_bits(where(x < z, x, z), minimum(dense_x, dense_z)));
      CHECK(same_bits(x + z.to(kDouble), dense_x + dense_z.to(kDouble)));
    }
  }
}

TEST_CASE("pointwise: large tensors are split, and give what small ones give", "[threads]") {
  const int64_t n = 5 * kLoopChunk + 13;
  const Tensor x = uniform({n}, kFloat, -3, 3, 5);
  const Tensor y = tanh(x), z = x * y;
  const Tensor column = uniform({70000, 3}, kFloat, -3, 3, 6), row = uniform({3}, kFloat, -1, 1, 7);
  const Tensor sum = column + row;
  for (const int64_t at : {int64_t(0), kLoopChunk - 1, kLoopChunk, n - 1}) {
    CHECK(same_bits(y.narrow(0, at, 1), tanh(x.narrow(0, at, 1))));
    CHECK(same_bits(z.narrow(0, at, 1), x.narrow(0, at, 1) * y.narrow(0, at, 1)));
  }
  const float* a = column.data_ptr<float>();
  const float* b = row.data_ptr<float>();
  const float* got = sum.data_ptr<float>();
  int64_t wrong = 0;
  for (int64_t i = 0; i < 210000; ++i) wrong += got[i] != a[i] + b[i % 3];
  CHECK(wrong == 0);
}

TEST_CASE("pointwise: results keep the layout that operands share") {
  const Tensor t = ones({3, 4}).t(), p = ones({2, 3, 4}).permute({2, 0, 1});
  CHECK(IntArrayRef(exp(t).strides()) == IntArrayRef({1, 4}));
  CHECK(IntArrayRef((t + t).strides()) == IntArrayRef({1, 4}));
  CHECK(IntArrayRef((t * 2).strides()) == IntArrayRef({1, 4}));
  CHECK(IntArrayRef((t == t).strides()) == IntArrayRef({1, 4}));
  CHECK(IntArrayRef((p + p).strides()) == IntArrayRef({1, 12, 4}));
  CHECK(IntArrayRef((p + ones({4, 2, 3})).strides()) == IntArrayRef({1, 12, 4}));
  CHECK(IntArrayRef((ones({4, 2, 3}) + p).strides()) == IntArrayRef({6, 3, 1}));
  CHECK(IntArrayRef((t + ones({3})).strides()) == IntArrayRef({1, 4}));
  CHECK(IntArrayRef(exp(ones({4}).expand({3, 4})).strides()) == IntArrayRef({4, 1}));
  CHECK(IntArrayRef(exp(ones({8, 8}).slice(1, 0, 8, 2)).strides()) == IntArrayRef({4, 1}));
}

TEST_CASE("pointwise: NaN, infinities and signed zero") {
  const Tensor x = tensor({kNan, -0.0f, -kInfinity, kInfinity, 0.0f}).set_requires_grad(true);
  const auto check = [](const Tensor& got, std::vector<double> expected) {
    const std::vector<double> values = numbers(got);
    REQUIRE(values.size() == expected.size());
    for (size_t i = 0; i < values.size(); ++i) {
      INFO("number " << i << ": " << values[i] << " for " << expected[i]);
      CHECK((std::isnan(expected[i]) ? std::isnan(values[i])
                                     : values[i] == expected[i] &&
                                           std::signbit(values[i]) == std::signbit(expected[i])));
    }
  };
  const auto gradient = [&](const Tensor& y, bool create_graph = false) {
    return autograd::grad({y}, {x}, {ones_like(y)}, true, create_graph)[0];
  };
  check(relu(x), {kNan, -0.0, 0, kInfinity, 0});
  check(gradient(relu(x)), {1, 0, 0, 1, 0});
  check(gradient(relu(x), true), {1, 0, 0, 1, 0});
  check(abs(x), {kNan, 0, kInfinity, kInfinity, 0});
  check(gradient(abs(x)), {0, 0, -1, 1, 0});
  check(sign(x), {0, 0, -1, 1, 0});
  check(clamp(x, -1, 1), {kNan, -0.0, -1, 1, 0});
  check(clamp_min(x, 0.5), {kNan, 0.5, 0.5, kInfinity, 0.5});
  check(gradient(clamp(x, -1, 1)), {0, 1, 0, 0, 1});
  check(clamp(x, kNan, 1), {kNan, kNan, kNan, kNan, kNan});
  check(clamp(tensor({0.f, 3.f}), 5, 1), {1, 1});
  const Tensor two = tensor({2.0f, 2.0f, 2.0f, 2.0f, kNan});
  check(maximum(x, two), {kNan, 2, 2, kInfinity, kNan});
  check(maximum(two, x), {kNan, 2, 2, kInfinity, kNan});
  check(minimum(x, two), {kNan, -0.0, -kInfinity, 2, kNan});
  check(gradient(maximum(x, x.detach())), {1, 0.5, 0.5, 0.5, 0.5});
  check(sqrt(tensor({-1.f, 0.f, kInfinity})), {kNan, 0, kInfinity});
  check(gradient(sqrt(x)), {kNan, -kInfinity, kNan, 0, kInfinity});
  check(isnan(x), {1, 0, 0, 0, 0});
  check(isinf(x), {0, 0, 1, 1, 0});
  check(isfinite(x), {0, 1, 0, 0, 1});
  check(x == x, {0, 1, 1, 1, 1});
  check(x != x, {1, 0, 0, 0, 0});
  const Tensor zero = tensor({0.f, 0.f}).set_requires_grad(true);
  const Tensor power = pow(zero, tensor({0.f, 2.f}));
  check(power, {1, 0});
  for (const bool create_graph : {false, true})
    check(autograd::grad({power}, {zero}, {ones({2})}, true, create_graph)[0], {0, 0});
  check(autograd::grad({pow(zero, 0)}, {zero}, {ones({2})})[0], {0, 0});
  const Tensor exponent = tensor({0.f, 2.f, -1.f}).set_requires_grad(true);
  check(autograd::grad({pow(0, exponent)}, {exponent}, {ones({3})})[0], {0, 0, -kInfinity});
  // Both gradients at the corners, as torch 2.13 has them.
  const Tensor bases = tensor({0.f, -0.f, 0.f, -0.f, 0.f, 0.f, -0.f, -2.f, -2.f, 2.f, kInfinity, kInfinity,
                               kNan, 1.f, 0.f}).set_requires_grad(true);
  const Tensor exponents = tensor({2.f, 3.f, 0.f, 0.f, -1.f, kNan, -1.f, 3.f, .5f, -kInfinity, 2.f, 0.f, 0.f,
                                   kNan, kInfinity}).set_requires_grad(true);
  for (const bool create_graph : {false, true}) {
    const auto gradients = autograd::grad({pow(bases, exponents)}, {bases, exponents}, {ones({15})}, true,
                                          create_graph);
    check(gradients[0], {0, 0, 0, 0, -kInfinity, kNan, -kInfinity, 12, kNan, kNan, kInfinity, 0, 0, kNan, kNan});
    check(gradients[1], {0, 0, 0, 0, -kInfinity, kNan, kInfinity, kNan, kNan, 0, kInfinity, kInfinity, kNan, 0,
                         0});
  }
  // torch 2.13 gives these for division by a float zero.
  check(div(tensor({5.f, -5.f, 0.f}), 0.0, "floor"), {kInfinity, -kInfinity, kNan});
  check(tensor({1e-45f}) * 1, {1.401298464324817e-45});  // denormals are kept
}

TEST_CASE("pointwise: integers and promotion") {
  const Tensor i = tensor({5, -5, 7}), flags = tensor({true, false, true});
  const Tensor small = tensor({100, -100, 3}).to(kChar), bytes = tensor({200, 1, 0}).to(kByte);
  const auto check = [](const Tensor& got, ScalarType dtype, std::vector<double> expected) {
    CHECK(std::string(to_string(got.scalar_type())) == to_string(dtype));
    CHECK(numbers(got) == expected);
  };
  check(i + 1, kLong, {6, -4, 8});
  check(i + 1.5, kFloat, {6.5, -3.5, 8.5});
  check(i + tensor(1.5), kFloat, {6.5, -3.5, 8.5});
  check(tensor({1.5f}) + tensor(1.0).to(kDouble), kFloat, {2.5});
  check(tensor({1.5f}) + ones({1}, TensorOptions().dtype(kDouble)), kDouble, {2.5});
  check(small * 2, kChar, {-56, 56, 6});
  check(small + bytes, kShort, {300, -99, 3});
  check(flags + flags, kBool, {1, 0, 1});
  check(flags * 3, kLong, {3, 0, 3});
  check(i / 2, kFloat, {2.5, -2.5, 3.5});
  check(div(i, 2, "trunc"), kLong, {2, -2, 3});
  check(div(i, 2, "floor"), kLong, {2, -3, 3});
  check(div(i, tensor({2, 2, -2}), "floor"), kLong, {2, -3, -4});
  check(pow(i, 3), kLong, {125, -125, 343});
  check(pow(2, tensor({3, 0, 10})), kLong, {8, 1, 1024});
  check(pow(tensor({1, -1, 2, 0}), tensor({-1, -1, -1, -1})), kLong, {1, -1, 0, 0});
  check(square(flags), kLong, {1, 0, 1});
  check(abs(i), kLong, {5, 5, 7});
  check(relu(i), kLong, {5, 0, 7});
  check(sign(i), kLong, {1, -1, 1});
  check(exp(tensor({0, 0})), kFloat, {1, 1});
  check(clamp(i, -1, 6), kLong, {5, -1, 6});
  check(clamp(i, -0.5, 6), kFloat, {5, -0.5, 6});
  check(maximum(i, small), kLong, {100, -5, 7});
  check(minimum(flags, tensor({false, false, true})), kBool, {0, 0, 1});
  check(where(flags, i, 2.5), kFloat, {5, 2.5, 7});
  check(where(flags, 1, 0), kLong, {1, 0, 1});
  check(where(flags, small, bytes), kShort, {100, 1, 3});
  check(masked_fill(i, flags, 1.5), kLong, {1, -5, 1});
  check(masked_fill(flags, flags, 0), kBool, {0, 0, 0});
  check(i == 5, kBool, {1, 0, 0});
  check(i < 5.5, kBool, {1, 1, 0});
  check(5 < i, kBool, {0, 0, 1});
  check(~i, kLong, {-6, 4, -8});
  check(~flags, kBool, {0, 1, 0});
  check(i & 3 * ones_like(i), kLong, {1, 3, 3});
  check(i | flags, kLong, {5, -5, 7});
  check(flags ^ tensor({true, true, false}), kBool, {0, 1, 1});
  check(logical_and(i, flags), kBool, {1, 0, 1});
  check(logical_or(tensor({0.f, 0.5f, 0.f}), flags), kBool, {1, 1, 1});
  check(logical_xor(i, flags), kBool, {0, 1, 0});
  check(!i, kBool, {0, 0, 0});
  CHECK(result_type(small, 2) == kChar);
  CHECK(result_type(flags, 2) == kLong);
  CHECK(result_type(i, ones({}, TensorOptions().dtype(kDouble))) == kDouble);
  // The dtype of a gradient is that of its tensor.
  const Tensor a = tensor({1.f, 2.f}).set_requires_grad(true);
  const Tensor b = ones({2}, TensorOptions().dtype(kDouble)).set_requires_grad(true);
  const auto gradients = autograd::grad({a * b}, {a, b}, {ones({2}, TensorOptions().dtype(kDouble))});
  CHECK(gradients[0].scalar_type() == kFloat);
  CHECK(gradients[1].scalar_type() == kDouble);
}

TEST_CASE("pointwise: in-place forms write, count a version, and keep the graph right") {
  const auto inplace_gradient = [](const std::function<void(Tensor&)>& change, float at) {
    const Tensor leaf = tensor({at}).set_requires_grad(true);
    Tensor x = leaf * 1;
    change(x);
    CHECK(x._version() == 1);
    return autograd::grad({x}, {leaf}, {ones({1})})[0].item<float>();
  };
  CHECK(inplace_gradient([](Tensor& x) { x.exp_(); }, 1) == Approx(std::exp(1.0f)));
  CHECK(inplace_gradient([](Tensor& x) { x.log_(); }, 4) == Approx(0.25));
  CHECK(inplace_gradient([](Tensor& x) { x.sin_(); }, 1) == Approx(std::cos(1.0f)));
  CHECK(inplace_gradient([](Tensor& x) { x.mul_(tensor({3.f})); }, 1) == 3);
  CHECK(inplace_gradient([](Tensor& x) { x.div_(4); }, 1) == 0.25f);
  CHECK(inplace_gradient([](Tensor& x) { x.add_(tensor({3.f}), 2); }, 1) == 1);
  CHECK(inplace_gradient([](Tensor& x) { x.pow_(3); }, 2) == 12);
  CHECK(inplace_gradient([](Tensor& x) { x.clamp_(0, 1); }, 2) == 0);
  CHECK(inplace_gradient([](Tensor& x) { x.masked_fill_(tensor({true}), 9); }, 2) == 0);
  // The other operand needs the old numbers of the changed one.
  const Tensor w = tensor({5.f}).set_requires_grad(true);
  Tensor x = tensor({2.f});
  x.mul_(w);
  CHECK(autograd::grad({x}, {w}, {ones({1})})[0].item<float>() == 2);
  CHECK(x.item<float>() == 10);

  Tensor view = zeros({2, 3});
  view.t() += tensor({1.f, 2.f});
  CHECK(numbers(view) == std::vector<double>{1, 1, 1, 2, 2, 2});
  Tensor bytes = tensor({100, 1}).to(kChar);
  bytes.add_(100);
  CHECK(numbers(bytes) == std::vector<double>{-56, 101});
  Tensor mixed = ones({2});
  mixed.mul_(ones({2}, TensorOptions().dtype(kDouble)) / 3);
  CHECK(numbers(mixed)[0] == static_cast<double>(1.0f / 3.0f));
  Tensor self = tensor({2.f, 3.f});
  self.mul_(self);
  CHECK(numbers(self) == std::vector<double>{4, 9});
}

TEST_CASE("pointwise: refusals leave everything as it was") {
  Tensor i = tensor({1, 2, 3}), c = tensor({1.f, 2.f, 3.f}), flags = tensor({true, false, true});
  CHECK(message([&] { c + ones({2}); }) ==
        "The size of tensor a (3) must match the size of tensor b (2) at non-singleton dimension 0");
  CHECK(message([&] { c.add_(ones({2, 3})); }) ==
        "output with shape [3] doesn't match the broadcast shape [2, 3]");
  CHECK(message([&] { i.add_(1.5); }) ==
        "result type Float can't be cast to the desired output type Long");
  CHECK(message([&] { i.sqrt_(); }) ==
        "result type Float can't be cast to the desired output type Long");
  CHECK(message([&] { flags.mul_(2); }) ==
        "result type Long can't be cast to the desired output type Bool");
  CHECK(message([&] { i.clamp_(0.5, 1.5); }) ==
        "result type Float can't be cast to the desired output type long int");
  CHECK(message([&] { i.pow(-1); }) == "Integers to negative integer powers are not allowed.");
  CHECK(message([&] { div(i, 0, "floor"); }) == "ZeroDivisionError");
  CHECK(message([&] { add(i, i, 1.5); }) ==
        "For integral input tensors, argument alpha must not be a floating point number.");
  CHECK_THAT(message([&] { flags - flags; }), StartsWith("Subtraction, the `-` operator, with two"));
  CHECK_THAT(message([&] { flags - 1; }), StartsWith("Subtraction, the `-` operator, with a bool"));
  CHECK_THAT(message([&] { -flags; }), StartsWith("Negation, the `-` operator, on a bool tensor"));
  CHECK(message([&] { flags.relu(); }) == "Boolean inputs not supported for relu");
  CHECK(message([&] { gelu(i); }) == "\"GeluKernelImpl\" not implemented for 'Long'");
  CHECK(message([&] { gelu(c, "fast"); }) == "approximate argument must be either none or tanh.");
  CHECK(message([&] { clamp(c); }) == "torch.clamp: At least one of 'min' or 'max' must not be None");
  CHECK(message([&] { where(i, c, c); }) ==
        "where expected condition to be a boolean tensor, but got a tensor with dtype Long");
  CHECK(message([&] { masked_fill(c, i, 1); }) ==
        "masked_fill_ only supports boolean masks, but got mask with dtype long int");
  CHECK(message([&] { c.masked_fill_(flags, c); }) ==
        "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with 1 "
        "dimension(s).");
  CHECK(message([&] { c.masked_fill_(ones({2, 3}) > 0, 1); }) ==
        "output with shape [3] doesn't match the broadcast shape [2, 3]");
  CHECK(message([&] { ~c; }) == "\"bitwise_not_cpu\" not implemented for 'Float'");
  CHECK(message([] { exp(Tensor()); }) ==
        "Expected a proper Tensor but got None (or an undefined Tensor in C++) for argument #0 "
        "'self'");
  Tensor base = arange(6.0);
  CHECK_THAT(message([&] { base.narrow(0, 0, 4).add_(base.narrow(0, 1, 4)); }),
             StartsWith("unsupported operation: some elements of the input tensor"));
  CHECK_THAT(message([&] { ones({1, 3}).expand({2, 3}).add_(1); }),
             StartsWith("unsupported operation: more than one element of the written-to tensor"));
  const Tensor leaf = tensor({1.f}).set_requires_grad(true);
  CHECK(message([&] { Tensor(leaf).mul_(2); }) ==
        "a leaf Variable that requires grad is being used in an in-place operation.");
  for (const Tensor& untouched : {i, c, flags, base, leaf}) CHECK(untouched._version() == 0);
  CHECK(numbers(c) == std::vector<double>{1, 2, 3});
}

TEST_CASE("pointwise: names in the graph, and nothing where nothing is needed") {
  const Tensor a = ones({2}).set_requires_grad(true), b = ones({2}).set_requires_grad(true);
  const auto name = [](const Tensor& y) { return y.grad_fn()->name(); };
  CHECK(name(a + b) == "AddBackward0");
  CHECK(name(1 + a) == "AddBackward1");
  CHECK(name(a - 1) == "SubBackward1");
  CHECK(name(1 - a) == "SubBackward0");
  CHECK((1 - a).grad_fn()->next_edge(0).function == nullptr);
  CHECK(name(a * 2) == "MulBackward1");
  CHECK(name(2 / a) == "DivBackward0");
  CHECK(name(a / 2) == "DivBackward1");
  CHECK(name(pow(a, b)) == "PowBackward1");
  CHECK(name(pow(2, a)) == "PowBackward2");
  CHECK(name(square(a)) == "PowBackward0");
  CHECK(name(clamp(a, 0)) == "ClampBackward1");
  CHECK(name(clamp_max(a, 0)) == "ClampMaxBackward0");
  CHECK(name(where(a > 0, a, 2)) == "WhereBackward0");
  CHECK(name(masked_fill(a, a > 0, tensor(1.f))) == "MaskedFillBackward1");
  CHECK(name(log1p(a)) == "Log1PBackward0");
  CHECK((a > b).grad_fn() == nullptr);
  CHECK_FALSE((a > b).requires_grad());
  NoGradGuard no_grad;
  CHECK((a * b).grad_fn() == nullptr);
}

TEST_CASE("pointwise: what saves nothing runs twice, what saves refuses") {
  const Tensor a = ones({2}).set_requires_grad(true), b = ones({2}).set_requires_grad(true);
  for (const Tensor& y : {a + b, a - b, -a, 2 - a, a + 1, a * 2, a / 2, sign(a), add(a, b, 3)}) {
    y.backward(ones({2}));
    CHECK(message([&] { y.backward(ones({2})); }) == "no error");
  }
  for (const Tensor& y : {a * b, a / b, exp(a), log(a), 2 / a, pow(a, 2)}) {
    y.backward(ones({2}));
    CHECK_THAT(message([&] { y.backward(ones({2})); }), StartsWith("Trying to backward through"));
  }
  // Only the operand that a wanted gradient needs is saved: the other may change.
  Tensor c = ones({2});
  const Tensor y = a * c, z = c * b;
  CHECK(message([&] { z.backward(ones({2})); }) == "no error");
  c.add_(1);
  CHECK_THAT(message([&] { y.backward(ones({2})); }),
             StartsWith("one of the variables needed for gradient computation"));
  // The result is saved where the exponent's gradient reads it.
  for (const bool of_exponent : {true, false}) {
    Tensor power = pow(a, of_exponent ? b : ones({2}));
    power.mul_(2);
    CHECK_THAT(message([&] { power.backward(ones({2})); }),
               StartsWith(of_exponent ? "one of the variables needed for gradient" : "no error"));
  }
  Tensor d = a * 1;
  const Tensor sum = c * 1 + d;  // neither is needed
  d.add_(1);
  CHECK(message([&] { sum.backward(ones({2})); }) == "no error");
}

TEST_CASE("pointwise: equal, isclose and allclose") {
  const Tensor a = tensor({1.f, kInfinity, 0.f}), b = tensor({1.000001f, kInfinity, 1e-9f});
  CHECK(allclose(a, b));
  CHECK_FALSE(equal(a, b));
  CHECK(equal(a, a.clone()));
  CHECK_FALSE(equal(a, a.narrow(0, 0, 2)));
  CHECK_FALSE(allclose(tensor({kInfinity}), tensor({-kInfinity})));
  CHECK_FALSE(allclose(tensor({kInfinity}), tensor({1.f})));
  CHECK_FALSE(allclose(tensor({kNan}), tensor({kNan})));
  CHECK(allclose(tensor({kNan}), tensor({kNan}), 1e-5, 1e-8, true));
  CHECK(allclose(tensor({100, 3}), tensor({100, 3})));
  CHECK_FALSE(allclose(tensor({100, 3}), tensor({101, 3})));
  CHECK(equal(zeros({0}), zeros({0})));
  CHECK(allclose(ones({2, 2}).t(), ones({2, 2})));
}
