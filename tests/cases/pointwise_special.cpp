// What pointwise operations do at NaN, infinities, -0, ties and kinks, and with integers. Values as
// libtorch 2.13 gives them.
#include <simdgrad/autograd.h>

#include <cmath>

#include "tests/cases/pointwise.h"

#include "tests/cases/rows.h"

namespace cases {
namespace {

using namespace simdgrad;
using Values = std::vector<double>;
using Unary = Tensor (*)(const Tensor&);

const Values kCorners = {kNan, -0.0, 0.0, -kInfinity, kInfinity, 1};

// The numbers over and over: the body of the vector loop meets each of them, and its tail too.
constexpr int64_t kRepeats = 13;
Values repeated(const Values& values) {
  Values all;
  for (int64_t i = 0; i < kRepeats; ++i) all.insert(all.end(), values.begin(), values.end());
  return all;
}

// y = op(x) for these numbers, and the gradient for dy = 1 (none: not looked at), f32 and f64.
void corners(Unary op, const Values& x, const Values& y, const Values& dx = {}) {
  const int64_t n = static_cast<int64_t>(x.size()) * kRepeats;
  for (ScalarType dtype : {kFloat, kDouble}) {
    const Tensor input = tensor(repeated(x), dtype).requires_grad_();
    const Tensor output = op(input);
    const double tolerance = dtype == kFloat ? 3e-7 : 1e-14;
    if (!y.empty()) expect(output, dtype, {n}, repeated(y), tolerance);
    if (dx.empty()) continue;
    expect(autograd::grad({output}, {input}, {ones_like(output)})[0], dtype, {n}, repeated(dx),
           tolerance);
  }
}

void check_unary_corners() {
  const double e = std::exp(1.0);
  corners(simdgrad::relu, kCorners, {kNan, -0.0, 0, 0, kInfinity, 1}, {1, 0, 0, 0, 1, 1});
  corners(simdgrad::abs, kCorners, {kNan, 0, 0, kInfinity, kInfinity, 1}, {0, 0, 0, -1, 1, 1});
  corners(simdgrad::sign, kCorners, {0, 0, 0, -1, 1, 1}, {0, 0, 0, 0, 0, 0});
  corners(simdgrad::sqrt, kCorners, {kNan, -0.0, 0, kNan, kInfinity, 1});
  corners(simdgrad::sqrt, {0, -1, 4}, {0, kNan, 2}, {kInfinity, kNan, 0.25});
  corners(simdgrad::exp, kCorners, {kNan, 1, 1, 0, kInfinity, e});
  corners(simdgrad::log, kCorners, {kNan, -kInfinity, -kInfinity, kNan, kInfinity, 0});
  corners(simdgrad::log, {0, -1, 4}, {}, {kInfinity, -1, 0.25});
  corners(simdgrad::sigmoid, kCorners, {kNan, 0.5, 0.5, 0, 1, 1 / (1 + 1 / e)});
  corners(simdgrad::tanh, kCorners, {kNan, -0.0, 0, -1, 1, std::tanh(1.0)});
  corners(simdgrad::erf, kCorners, {kNan, -0.0, 0, -1, 1, std::erf(1.0)});
  corners([](const Tensor& x) { return gelu(x); }, {kNan, -0.0, 0.0, -kInfinity},
          {kNan, -0.0, 0, -0.0}, {kNan, 0.5, 0.5, 0});
  corners([](const Tensor& x) { return gelu(x, "tanh"); }, {kNan, -0.0, 0.0, -kInfinity, kInfinity},
          {kNan, -0.0, 0, -0.0, kInfinity}, {kNan, 0.5, 0.5, 0, 1});
  corners([](const Tensor& x) { return softplus(x); }, kCorners,
          {kNan, std::log(2.0), std::log(2.0), 0, kInfinity, std::log1p(e)});
  corners([](const Tensor& x) { return softplus(x, 2, 1); }, {0.5, 0.625, -kInfinity, kInfinity},
          {std::log1p(e) / 2, 0.625, 0, kInfinity}, {1 / (1 + 1 / e), 1, 0, 1});
  corners(simdgrad::reciprocal, kCorners, {kNan, -kInfinity, kInfinity, -0.0, 0, 1});
  corners(simdgrad::neg, kCorners, {kNan, 0, -0.0, kInfinity, -kInfinity, -1});
}

void check_clamp_corners() {
  corners([](const Tensor& x) { return simdgrad::clamp(x, 0, 1); }, kCorners,
          {kNan, -0.0, 0, 0, 1, 1});
  corners([](const Tensor& x) { return simdgrad::clamp(x, 0, 1); }, {kNan, 0, 1, 0.5, 2, -1},
          {kNan, 0, 1, 0.5, 1, 0}, {0, 1, 1, 1, 0, 0});
  corners([](const Tensor& x) { return simdgrad::clamp(x, 1, 0); }, kCorners,
          {kNan, 0, 0, 0, 0, 0});
  corners([](const Tensor& x) { return simdgrad::clamp(x, kNan); }, {1, 2}, {kNan, kNan});
  corners([](const Tensor& x) { return clamp_min(x, 0); }, {0, 1, kNan}, {0, 1, kNan}, {1, 1, 0});
  corners([](const Tensor& x) { return clamp_max(x, 0); }, {0, 1, kNan}, {0, 0, kNan}, {1, 0, 0});
  const Tensor x = tensor({1.0, 2.0});
  CHECK_THROWS_WITH(clamp(x), "torch.clamp: At least one of 'min' or 'max' must not be None");
}

void check_power_corners() {
  corners([](const Tensor& x) { return pow(x, 0); }, {0, -1, 2, kNan}, {1, 1, 1, 1}, {0, 0, 0, 0});
  corners([](const Tensor& x) { return pow(x, 0.5); }, {0, -1, 4}, {0, kNan, 2},
          {kInfinity, kNan, 0.25});
  corners([](const Tensor& x) { return pow(x, 1); }, {0, -1, 2}, {0, -1, 2}, {1, 1, 1});
  corners([](const Tensor& x) { return pow(x, -1); }, {0, -1, 2}, {kInfinity, -1, 0.5},
          {-kInfinity, -1, -0.25});
  corners([](const Tensor& x) { return pow(x, full_like(x, 0)); }, {0, 2, kNan}, {1, 1, 1},
          {0, 0, 0});
  corners([](const Tensor& x) { return pow(x, full_like(x, 1)); }, {0, 2}, {0, 2}, {1, 1});
  corners([](const Tensor& e) { return pow(zeros_like(e), e); }, {0, 2, -1}, {1, 0, kInfinity},
          {0, 0, -kInfinity});
  corners([](const Tensor& e) { return simdgrad::pow(0, e); }, {0, 2, -1}, {1, 0, kInfinity},
          {0, 0, -kInfinity});
  corners([](const Tensor& e) { return simdgrad::pow(-1, e); }, {0, 2, 3}, {1, 1, -1},
          {kNan, kNan, kNan});
}

// Operands as rows of two columns: [0] and [1].
void pair(Tensor (*op)(const Tensor&, const Tensor&), const Values& a, const Values& b,
          const Values& y, const Values& da = {}, const Values& db = {}) {
  const int64_t n = static_cast<int64_t>(a.size()) * kRepeats;
  for (ScalarType dtype : {kFloat, kDouble}) {
    const Tensor left = tensor(repeated(a), dtype).requires_grad_();
    const Tensor right = tensor(repeated(b), dtype).requires_grad_();
    const Tensor output = op(left, right);
    expect(output, dtype, {n}, repeated(y), 1e-7);
    if (da.empty()) continue;
    const auto gradients = autograd::grad({output}, {left, right}, {ones_like(output)});
    expect(gradients[0], dtype, {n}, repeated(da), 1e-7);
    expect(gradients[1], dtype, {n}, repeated(db), 1e-7);
  }
}

void check_pair_corners() {
  pair(simdgrad::maximum, {1, 2, 3, kNan, 1, kNan}, {1, 1, 5, kNan, kNan, 1},
       {1, 2, 5, kNan, kNan, kNan}, {0.5, 1, 0, 1, 1, 1}, {0.5, 0, 1, 1, 1, 1});
  pair(simdgrad::minimum, {1, 2, 3, kNan, 1, kNan}, {1, 1, 5, kNan, kNan, 1},
       {1, 1, 3, kNan, kNan, kNan}, {0.5, 0, 1, 1, 1, 1}, {0.5, 1, 0, 1, 1, 1});
  const auto divide = [](const Tensor& a, const Tensor& b) { return div(a, b); };
  pair(divide, {1, -1, 0, 0}, {0, 0, 0, 2}, {kInfinity, -kInfinity, kNan, 0});
  const auto floored = [](const Tensor& a, const Tensor& b) { return div(a, b, "floor"); };
  pair(floored, {-7, 7, -7, 7, 1, -1, 0, -8}, {2, 2, -2, -2, 0, 0, 0, 2},
       {-4, 3, 3, -4, kInfinity, -kInfinity, kNan, -4}, {0, 0, 0, 0, 0, 0, 0, 0},
       {0, 0, 0, 0, 0, 0, 0, 0});
  const auto cut = [](const Tensor& a, const Tensor& b) { return div(a, b, "trunc"); };
  pair(cut, {-7, 7, -7, 7, 1}, {2, 2, -2, -2, 0}, {-3, 3, 3, -3, kInfinity});
  // Denormals are kept.
  const Tensor tiny = full({67}, std::ldexp(1.0, -140), kFloat);
  CHECK(equal(tiny * 2, full({67}, std::ldexp(1.0, -139), kFloat)));
  CHECK((tiny * 2)[66].item<float>() != 0);
}

void check_comparisons_of_nan() {
  const Tensor x = tensor(repeated(kCorners), kFloat);
  const int64_t n = x.numel();
  const auto mask_is = [&](const Tensor& found, const Values& wanted) {
    expect(found, kBool, {n}, repeated(wanted));
  };
  mask_is(x == x, {0, 1, 1, 1, 1, 1});
  mask_is(x != x, {1, 0, 0, 0, 0, 0});
  mask_is(x < 0, {0, 0, 0, 1, 0, 0});
  mask_is(x <= 0, {0, 1, 1, 1, 0, 0});
  mask_is(x > 0, {0, 0, 0, 0, 1, 1});
  mask_is(x >= 0, {0, 1, 1, 0, 1, 1});
  mask_is(isnan(x), {1, 0, 0, 0, 0, 0});
  mask_is(isinf(x), {0, 0, 0, 1, 1, 0});
  mask_is(isfinite(x), {0, 1, 1, 0, 0, 1});
  mask_is(logical_not(x), {0, 1, 1, 0, 0, 0});
  mask_is(logical_and(x, x), {1, 0, 0, 1, 1, 1});
  mask_is(logical_xor(x, ones_like(x)), {0, 1, 1, 0, 0, 0});
  mask_is(isclose(x, x), {0, 1, 1, 1, 1, 1});
  mask_is(isclose(x, x, 1e-5, 1e-8, true), {1, 1, 1, 1, 1, 1});
  mask_is(isclose(x, tensor(-kInfinity)), {0, 0, 0, 1, 0, 0});
}

void check_whole_comparisons() {
  const Tensor x = tensor({1.0, 2.0, 3.0}), y = tensor({1.0, 2.0, 3.00001});
  CHECK(equal(x, x.clone()));
  CHECK_FALSE(equal(x, y));
  CHECK_FALSE(equal(x, x.view({3, 1})));
  CHECK_FALSE(equal(tensor({kNan}), tensor({kNan})));
  CHECK(equal(empty({0}), empty({0})));
  CHECK(equal(x.view({3, 1}).expand({3, 67}), x.view({3, 1}).expand({3, 67}).contiguous()));
  CHECK(allclose(x, y));
  CHECK_FALSE(allclose(x, y, 0, 1e-8));
  CHECK(allclose(x, y, 0, 1e-4));
  CHECK_FALSE(allclose(tensor({kNan}), tensor({kNan})));
  CHECK(allclose(tensor({kNan}), tensor({kNan}), 1e-5, 1e-8, true));
  CHECK(allclose(tensor({kInfinity}), tensor({kInfinity})));
  CHECK_FALSE(allclose(tensor({kInfinity}), tensor({1.0})));
  CHECK(allclose(empty({2, 0}), empty({2, 0})));
  CHECK(equal(x, x.to(kLong)));  // promoted
  CHECK_FALSE(equal(x + 0.5, x.to(kLong)));
}

void check_integers() {
  const Tensor i = tensor({-7, 7, 0}), j = tensor({2, -2, 5});
  expect(i + j, kLong, {3}, {-5, 5, 5});
  expect(add(i, j, 3), kLong, {3}, {-1, 1, 15});
  expect(i - j, kLong, {3}, {-9, 9, -5});
  expect(2 - i, kLong, {3}, {9, -5, 2});
  expect(i * j, kLong, {3}, {-14, -14, 0});
  expect(i * 2.5, kFloat, {3}, {-17.5, 17.5, 0});
  expect(i / j, kFloat, {3}, {-3.5, -3.5, 0});
  expect(i / 2, kFloat, {3}, {-3.5, 3.5, 0});
  expect(div(i, j, "floor"), kLong, {3}, {-4, -4, 0});
  expect(div(i, j, "trunc"), kLong, {3}, {-3, -3, 0});
  expect(div(i, 2, "floor"), kLong, {3}, {-4, 3, 0});
  expect(div(i, 2.0, "floor"), kFloat, {3}, {-4, 3, 0});
  expect(i / 0, kFloat, {3}, {-kInfinity, kInfinity, kNan});
  CHECK_THROWS_WITH(div(i, 0, "floor"), "ZeroDivisionError");
  CHECK_THROWS_WITH(div(j, i, "trunc"), "ZeroDivisionError");
  CHECK_THROWS_WITH(
      add(i, j, 1.5),
      "For integral input tensors, argument alpha must not be a floating point number.");
  expect(neg(i), kLong, {3}, {7, -7, 0});
  expect(simdgrad::abs(i), kLong, {3}, {7, 7, 0});
  expect(sign(i), kLong, {3}, {-1, 1, 0});
  expect(relu(i), kLong, {3}, {0, 7, 0});
  expect(square(i), kLong, {3}, {49, 49, 0});
  expect(clamp(i, -1, 5), kLong, {3}, {-1, 5, 0});
  expect(clamp(i, -0.5, 1.5), kFloat, {3}, {-0.5, 1.5, 0});
  expect(simdgrad::exp(i), kFloat, {3}, {std::exp(-7.0), std::exp(7.0), 1}, 2e-7);
  expect(pow(i, 2), kLong, {3}, {49, 49, 0});
  expect(pow(i, 0.5), kFloat, {3}, {kNan, std::sqrt(7.0), 0}, 2e-7);
  expect(simdgrad::pow(2, simdgrad::abs(i)), kLong, {3}, {128, 128, 1});
  expect(simdgrad::pow(2.5, j), kFloat, {3}, {6.25, 0.16, 97.65625}, 2e-7);
  CHECK_THROWS_WITH(pow(i, -1), "Integers to negative integer powers are not allowed.");
  expect(maximum(i, j), kLong, {3}, {2, 7, 5});
  expect(minimum(i, tensor({0.5, 0.5, 0.5})), kFloat, {3}, {-7, 0.5, 0});
  expect(i == 7, kBool, {3}, {0, 1, 0});
  expect(i < tensor({0.5, 7.5, -1.0}), kBool, {3}, {1, 1, 0});
  expect(where(i > 0, i, j), kLong, {3}, {2, 7, 5});
  expect(where(i > 0, i, 1.0), kFloat, {3}, {1, 7, 1});
  expect(masked_fill(i, i > 0, 1.5), kLong, {3}, {-7, 1, 0});
  expect(bitwise_and(tensor({12, -1}), tensor({10, 255})), kLong, {2}, {8, 255});
  expect(bitwise_or(tensor({12, -1}), tensor({10, 255})), kLong, {2}, {14, -1});
  expect(bitwise_xor(tensor({12, -1}), tensor({10, 255})), kLong, {2}, {6, -256});
  expect(bitwise_not(tensor({0, 5})), kLong, {2}, {-1, -6});
  expect(isnan(i), kBool, {3}, {0, 0, 0});
  expect(isinf(i), kBool, {3}, {0, 0, 0});
  expect(isfinite(i), kBool, {3}, {1, 1, 1});
  expect(logical_or(i, tensor({0, 0, 2})), kBool, {3}, {1, 1, 1});
}

void check_small_integers() {
  const Tensor bytes = tensor({1, 200, 255}, kByte), chars = tensor({-128, 100, 3}, kChar);
  expect(bytes + bytes, kByte, {3}, {2, 144, 254});  // modulo 256
  expect(bytes * 2, kByte, {3}, {2, 144, 254});
  expect(bytes - 2, kByte, {3}, {255, 198, 253});
  expect(neg(bytes), kByte, {3}, {255, 56, 1});
  expect(chars + 300, kChar, {3}, {-84, -112, 47});
  expect(bytes + chars, kShort, {3}, {-127, 300, 258});
  expect(bytes / 2, kFloat, {3}, {0.5, 100, 127.5});
  expect(div(bytes, 7, "floor"), kByte, {3}, {0, 28, 36});
  expect(simdgrad::abs(tensor({-3, 3}, kInt)), kInt, {2}, {3, 3});
  expect(clamp(bytes, 10, 210), kByte, {3}, {10, 200, 210});
  expect(pow(tensor({2, 3}, kInt), tensor({10, 5}, kInt)), kInt, {2}, {1024, 243});
  expect(bytes > 199, kBool, {3}, {0, 1, 1});
  expect(bitwise_not(bytes), kByte, {3}, {254, 55, 0});
}

void check_bools() {
  const Tensor b = tensor({true, false, true}), c = tensor({true, true, false});
  expect(b + c, kBool, {3}, {1, 1, 1});
  expect(b * c, kBool, {3}, {1, 0, 0});
  expect(b / c, kFloat, {3}, {1, 0, kInfinity});
  expect(b + 1, kLong, {3}, {2, 1, 2});
  expect(b + 1.5, kFloat, {3}, {2.5, 1.5, 2.5});
  expect(div(b, 2, "floor"), kLong, {3}, {0, 0, 0});
  expect(square(b), kLong, {3}, {1, 0, 1});
  expect(simdgrad::exp(b), kFloat, {3}, {std::exp(1.0), 1, std::exp(1.0)}, 2e-7);
  expect(bitwise_not(b), kBool, {3}, {0, 1, 0});
  expect(~b, kBool, {3}, {0, 1, 0});
  expect(b & c, kBool, {3}, {1, 0, 0});
  expect(b < c, kBool, {3}, {0, 1, 0});
  expect(b == 1, kBool, {3}, {1, 0, 1});
  expect(maximum(b, c), kBool, {3}, {1, 1, 1});
  CHECK_THROWS_WITH(relu(b), "Boolean inputs not supported for relu");
  CHECK_THROWS_AS(neg(b), Error);
  CHECK_THROWS_AS(b - c, Error);
  CHECK_THROWS_AS(bitwise_and(b, tensor({0.5, 1.0, 2.0})), Error);
}

// What torch::result_type says, by the kind of operand.
void check_promotion() {
  const Tensor i = ones({2}, kLong), i32 = ones({2}, kInt), u8 = ones({2}, kByte),
               b = ones({2}, kBool);
  const Tensor f = ones({2}), d = ones({2}, kDouble);
  const Tensor f0 = tensor(1.5f), d0 = tensor(1.5, kDouble), i0 = tensor(1);
  const struct {
    Tensor found;
    ScalarType dtype;
  } rows[] = {
      {f + d, kDouble},
      {f + d0, kFloat},
      {f0 + d0, kDouble},
      {d0 + f0, kDouble},
      {f0 + 1.0, kFloat},
      {i + f0, kFloat},
      {i + d0, kDouble},
      {i0 + f, kFloat},
      {i + f, kFloat},
      {i32 + i, kLong},
      {i32 + i0, kInt},
      {i0 + i32, kInt},
      {b + i0, kLong},
      {b + f0, kFloat},
      {f0 + i, kFloat},
      {u8 + i0, kByte},
      {i == i, kBool},
      {i == 1.5, kBool},
      {pow(i, 2), kLong},
      {pow(i, 2.0), kFloat},
      {pow(f, d0), kFloat},
      {maximum(i, f), kFloat},
      {maximum(f, d0), kFloat},
      {where(b, i, f), kFloat},
      {where(b, f, d0), kFloat},
      {where(b, f, 1.0), kFloat},
      {where(b, i, 1.0), kFloat},
      {where(b, 1, 2), kLong},
      {where(b, 1.0, 2), kFloat},
      {f * 2, kFloat},
      {d * 2.5, kDouble},
      {simdgrad::sqrt(i32), kFloat},
      {sigmoid(u8), kFloat},
      {clamp_min(f, 0.5), kFloat},
      {div(i, 2.0, "floor"), kFloat},
      {masked_fill(f, b, d0), kFloat},
  };
  for (size_t row = 0; row < std::size(rows); ++row) {
    INFO("row " << row);
    CHECK(rows[row].found.scalar_type() == rows[row].dtype);
  }
  // Gradients come back in the operands' dtypes.
  const Tensor x = ones({2, 3}).requires_grad_(), y = ones({3}, kDouble).requires_grad_();
  const auto gradients = autograd::grad({x * y}, {x, y}, {ones({2, 3}, kDouble)});
  expect(gradients[0], kFloat, {2, 3}, {1, 1, 1, 1, 1, 1});
  expect(gradients[1], kDouble, {3}, {2, 2, 2});
}

void check_integers_in_place() {
  Tensor i = tensor({-7, 7, 0});
  apply_in_place(i, [](Tensor& y) -> Tensor& { return add_(y, 2); });
  apply_in_place(i, [](Tensor& y) -> Tensor& { return mul_(y, tensor({1, 2, 3})); });
  expect(i, kLong, {3}, {-5, 18, 6});
  apply_in_place(i, [](Tensor& y) -> Tensor& { return clamp_(y, 0, 10); });
  apply_in_place(i, [](Tensor& y) -> Tensor& { return pow_(y, 2); });
  apply_in_place(i, [](Tensor& y) -> Tensor& { return sub_(y, tensor(1), 2); });
  expect(i, kLong, {3}, {-2, 98, 34});
  const int64_t version = i._version();
  CHECK_THROWS_WITH(add_(i, 1.5),
                    "result type Float can't be cast to the desired output type Long");
  CHECK_THROWS_WITH(div_(i, 2), "result type Float can't be cast to the desired output type Long");
  CHECK(i._version() == version);
  expect(i, kLong, {3}, {-2, 98, 34});
}

}  // namespace

void add_pointwise_special_cases(Table& table) {
  table.add_special("corners of one operand", "", check_unary_corners);
  table.add_special("corners of clamp", "", check_clamp_corners);
  table.add_special("corners of pow", "", check_power_corners);
  table.add_special("corners of two operands", "", check_pair_corners);
  table.add_special("comparisons of NaN and infinities", "", check_comparisons_of_nan);
  table.add_special("comparisons of whole tensors",
                    "equal(Tensor,Tensor) allclose(Tensor,Tensor,double,double,bool)",
                    check_whole_comparisons);
  table.add_special("int64", "bitwise_not(Tensor)", check_integers);
  table.add_special("small integers", "", check_small_integers);
  table.add_special("bools", "", check_bools);
  table.add_special("promotion", "", check_promotion);
  table.add_special("integers in place", "", check_integers_in_place);
}

}  // namespace cases
