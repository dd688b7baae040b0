// Numbers at the edges of their types: infinities, NaN, the smallest and the largest; and the processor's
// rounding modes.
#include <simdgrad/autograd.h>
#include <simdgrad/creation.h>
#include <simdgrad/losses.h>
#include <simdgrad/nn/functional.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/reductions.h>
#include <simdgrad/views.h>

#include <cfenv>
#include <cmath>

#include "tests/catch.h"
#include "tests/describe.h"

using namespace simdgrad;
namespace F = nn::functional;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<double> numbers(const Tensor& x) {
  const Tensor wide = x.detach().to(kDouble).contiguous();
  return {wide.data_ptr<double>(), wide.data_ptr<double>() + wide.numel()};
}
Tensor gradient_of(const Tensor& y, const Tensor& x) {
  return autograd::grad({y.sum()}, {x}, {}, true, true)[0];
}
void check_close(const Tensor& found, const std::vector<double>& expected, double tolerance) {
  const std::vector<double> values = numbers(found);
  REQUIRE(values.size() == expected.size());
  for (size_t i = 0; i < values.size(); ++i) {
    INFO("element " << i);
    CHECK(std::abs(values[i] - expected[i]) <= tolerance * std::abs(expected[i]));
  }
}

}  // namespace

TEST_CASE("std of float numbers whose squares leave the range of a float") {
  for (const double scale : {1e-25, 1e-18, 1., 1e18, 1e19, 1e37}) {
    INFO("scale " << scale);
    const Tensor x = (arange(4, kFloat) * scale).detach().requires_grad_();
    const Tensor y = x.std();
    check_close(y, {1.2909944487358056 * scale}, 2e-7);
    check_close(gradient_of(y, x), {-0.3872983346, -0.1290994449, 0.1290994449, 0.3872983346}, 5e-7);
    const Tensor columns = stack({x, x * 2, x * 3}, 1);
    check_close(columns.std(IntArrayRef{0}), {1.2909944487358056 * scale, 2.5819888974716113 * scale,
                                              3.872983346207417 * scale}, 2e-7);
    check_close(columns.t().std(IntArrayRef{1}), numbers(columns.std(IntArrayRef{0})), 0);
  }
  check_close(tensor({1e38f, 0.f, 1.f}).std(false), {4.714045207910317e37}, 2e-7);
  CHECK(std::isinf(tensor({1e38f, 0.f, 1.f}).var(false).item<float>()));
  CHECK(full({3}, 3e38f).std().item<float>() == 0);
  CHECK(std::isnan(tensor({1.f, NAN}).std().item<float>()));
}

TEST_CASE("activations and their gradients at infinities and far out") {
  for (const ScalarType dtype : {kFloat, kDouble}) {
    const Tensor x = tensor({kInfinity, -kInfinity, 1e30, -1e30, 1e4, -1e4}, dtype).requires_grad_();
    const std::vector<double> values = {kInfinity, 0, 1e30, 0, 1e4, 0}, slopes = {1, 0, 1, 0, 1, 0};
    const Tensor wide = tensor(values, dtype);
    for (const auto& [name, y] : {std::pair("gelu", gelu(x)), std::pair("gelu tanh", gelu(x, "tanh")),
                                  std::pair("silu", silu(x))}) {
      INFO(name);
      CHECK(y.equal(wide));
      const Tensor dx = gradient_of(y, x);
      CHECK(dx.equal(tensor(slopes, dtype)));
      CHECK(gradient_of(dx, x).equal(zeros({6}, dtype)));
    }
    for (const Tensor& y : {gelu(full({20}, NAN, dtype)), gelu(full({20}, NAN, dtype), "tanh"),
                            silu(full({20}, NAN, dtype))})
      CHECK(y.isnan().all().item<bool>());
  }
}

TEST_CASE("extremes and norms of numbers among which there is a NaN, as libtorch's") {
  const Tensor x = tensor({1.f, NAN, 2.f}).requires_grad_();
  CHECK(gradient_of(x.amax(), x).isnan().all().item<bool>());
  CHECK(gradient_of(x.amin(0), x).isnan().all().item<bool>());
  CHECK(gradient_of(x.max(), x).equal(tensor({0.f, 1.f, 0.f})));
  CHECK(gradient_of(std::get<0>(x.min(0)), x).equal(tensor({0.f, 1.f, 0.f})));
  CHECK(gradient_of(x.norm(kInfinity), x).equal(zeros({3})));
  CHECK(gradient_of(x.norm(1), x).equal(tensor({1.f, 0.f, 1.f})));
}

TEST_CASE("a sample that is nearly right keeps what is left of its gradient") {
  const Tensor x = tensor({30.f, -30.f, 80.f, -3.f}).requires_grad_();
  const Tensor target = tensor({1.f, 0.f, 1.f, 1.f});
  const std::vector<double> expected = {-9.3576229688e-14, 9.3576229688e-14, -1.8048513878e-35,
                                        -0.9525741268};
  const auto loss = [&](const Tensor& weight, const Tensor& pos_weight) {
    return binary_cross_entropy_with_logits(x, target, weight, pos_weight, kSum);
  };
  check_close(autograd::grad({loss({}, {})}, {x})[0], expected, 1e-6);
  check_close(gradient_of(loss({}, {}), x), expected, 1e-6);
  check_close(autograd::grad({loss(ones({4}), {})}, {x})[0], expected, 1e-6);
  check_close(autograd::grad({loss({}, ones({4}))}, {x})[0], expected, 1e-6);
}

TEST_CASE("vector maths under every rounding mode") {
  struct Mode {
    int before = std::fegetround();
    explicit Mode(int mode) { std::fesetround(mode); }
    ~Mode() { std::fesetround(before); }
  };
  const Tensor x = tensor({1.3e-6, -1.3e-6, 0.3, -0.3, 0.6, 0.35, 5.2, -5.2, 20., 1e-20});
  for (const ScalarType dtype : {kFloat, kDouble}) {
    const Tensor at = x.to(dtype);
    const std::pair<const char*, std::function<Tensor()>> functions[] = {
        {"exp", [&] { return at.exp(); }},         {"expm1", [&] { return at.expm1(); }},
        {"tanh", [&] { return at.tanh(); }},       {"sigmoid", [&] { return at.sigmoid(); }},
        {"erf", [&] { return at.erf(); }},         {"gelu", [&] { return gelu(at); }},
        {"silu", [&] { return silu(at); }},        {"sin", [&] { return at.sin(); }},
        {"log1p", [&] { return at.log1p(); }},     {"pow", [&] { return pow(at.abs(), 1.7); }},
        {"softplus", [&] { return F::softplus(at); }}, {"softmax", [&] { return at.softmax(0); }},
        {"log_softmax", [&] { return at.log_softmax(0); }},
        {"cross entropy", [&] { return cross_entropy_loss(at.unsqueeze(0), tensor({3})); }},
    };
    for (const auto& [name, function] : functions) {
      const std::vector<double> expected = numbers(function());
      for (const int mode : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
        INFO(name << ", " << to_string(dtype) << ", mode " << mode);
        std::vector<double> found;
        int after;
        {
          const Mode guard(mode);
          const Tensor y = function();
          after = std::fegetround();
          found = numbers(y);
        }
        CHECK(after == mode);
        const double ulp = dtype == kFloat ? 0x1p-23 : 0x1p-52;
        for (size_t i = 0; i < found.size(); ++i)
          CHECK((std::abs(found[i] - expected[i]) <= 4 * ulp * std::abs(expected[i]) ||
                 std::isnan(expected[i])));
      }
    }
    const Mode guard(FE_UPWARD);  // sums, products, quotients and roots follow it
    CHECK((ones({1}, dtype) + 1e-30).item<double>() > 1);
    CHECK((tensor({1.}, dtype) / 3).item<double>() * 3 > 1);
    CHECK(tensor({2.}, dtype).sqrt().square().item<double>() > 2);
  }
}
