// Pointwise operations of one tensor, and of a tensor and a number.
#include "tests/cases/pointwise.h"

#include <cmath>

#include "tests/cases/rows.h"

namespace cases {
namespace {

using simdgrad::Scalar;
using Unary = Tensor (*)(const Tensor&);
using InPlace = Tensor& (*)(Tensor&);
using Formula = double (*)(double);

struct Domain {
  double low, high;
};

// 67 is a prime beyond four vectors of any instruction set.
const Shape kShapes[] = {{3, 4}, {2, 3, 5}, {67}, {1}, {2, 0}, {}};
const Shape kInPlaceShapes[] = {{3, 4}, {37}, {0}, {}};

void unary(Table& table, const std::string& name, const std::string& covers, Unary op,
           Formula formula, Domain domain) {
  for (const Shape& shape : kShapes)
    table
        .add(
            name + "/" + text(shape), covers, {real(shape, domain.low, domain.high)},
            [op](const Tensors& x) -> Tensors { return {op(x[0])}; },
            [formula](const Arrays& x) -> Arrays { return {reference::map(x[0], formula)}; })
        .bits();
}

void in_place(Table& table, const std::string& name, const std::string& covers, InPlace op,
              Formula formula, Domain domain) {
  for (const Shape& shape : kInPlaceShapes)
    table
        .add(
            name + "/" + text(shape), covers, {real(shape, domain.low, domain.high)},
            [op](const Tensors& x) -> Tensors { return {changed(x[0], op)}; },
            [formula](const Arrays& x) -> Arrays { return {reference::map(x[0], formula)}; })
        .bits();
  table
      .add(
          name + "/of a view", covers, {real({3, 5}, domain.low, domain.high)},
          [op](const Tensors& x) { return changed_view(x[0], op); },
          [formula](const Arrays& x) {
            return changed_view_reference(x[0], [&](double v, const Shape&) { return formula(v); });
          })
      .bits();
}

// A row of unary_ops.inc: function and function_.
void listed(Table& table, const std::string& name, Unary op, InPlace op_, Formula formula,
            Domain domain) {
  unary(table, name, name + "(Tensor)", op, formula, domain);
  in_place(table, name + "_", name + "_(Tensor)", op_, formula, domain);
}

double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }

void add_listed(Table& table) {
  namespace sg = simdgrad;
  listed(table, "abs", sg::abs, sg::abs_, [](double x) { return std::abs(x); }, {-2, 2});
  listed(table, "neg", sg::neg, sg::neg_, [](double x) { return -x; }, {-2, 2});
  listed(table, "exp", sg::exp, sg::exp_, [](double x) { return std::exp(x); }, {-3, 3});
  listed(table, "expm1", sg::expm1, sg::expm1_, [](double x) { return std::expm1(x); }, {-2, 2});
  listed(table, "log", sg::log, sg::log_, [](double x) { return std::log(x); }, {0.2, 5});
  listed(table, "log1p", sg::log1p, sg::log1p_, [](double x) { return std::log1p(x); }, {-0.7, 4});
  listed(table, "sqrt", sg::sqrt, sg::sqrt_, [](double x) { return std::sqrt(x); }, {0.2, 5});
  listed(table, "sin", sg::sin, sg::sin_, [](double x) { return std::sin(x); }, {-6, 6});
  listed(table, "cos", sg::cos, sg::cos_, [](double x) { return std::cos(x); }, {-6, 6});
  listed(table, "tanh", sg::tanh, sg::tanh_, [](double x) { return std::tanh(x); }, {-2, 2});
  listed(table, "erf", sg::erf, sg::erf_, [](double x) { return std::erf(x); }, {-2, 2});
  listed(table, "sigmoid", sg::sigmoid, sg::sigmoid_, sigmoid_of, {-4, 4});
  listed(table, "silu", sg::silu, sg::silu_, [](double x) { return x * sigmoid_of(x); }, {-4, 4});
  listed(table, "relu", sg::relu, sg::relu_, [](double x) { return x > 0 ? x : 0.0; }, {-2, 2});
  listed(table, "reciprocal", sg::reciprocal, sg::reciprocal_, [](double x) { return 1 / x; },
         {0.4, 3});
  listed(table, "rsqrt", sg::rsqrt, sg::rsqrt_, [](double x) { return 1 / std::sqrt(x); },
         {0.3, 4});
  listed(table, "sign", sg::sign, sg::sign_,
         [](double x) { return static_cast<double>((x > 0) - (x < 0)); }, {-2, 2});
  listed(table, "square", sg::square, sg::square_, [](double x) { return x * x; }, {-2, 2});
}

void add_gelu(Table& table) {
  unary(
      table, "gelu", "gelu(Tensor,string_view)", [](const Tensor& x) { return gelu(x); },
      [](double x) { return x * 0.5 * std::erfc(-x / std::sqrt(2.0)); }, {-3, 3});
  unary(
      table, "gelu tanh", "gelu(Tensor,string_view)",
      [](const Tensor& x) { return gelu(x, "tanh"); },
      [](double x) {
        const double pi = std::acos(-1.0);
        return 0.5 * x * (1 + std::tanh(std::sqrt(2 / pi) * (x + 0.044715 * x * x * x)));
      },
      {-3, 3});
}

void add_softplus(Table& table) {
  unary(
      table, "softplus", "softplus(Tensor,Scalar,Scalar)", [](const Tensor& x) { return softplus(x); },
      [](double x) { return std::log(1 + std::exp(x)); }, {-3, 3});
  unary(
      table, "softplus beta", "softplus(Tensor,Scalar,Scalar)",
      [](const Tensor& x) { return softplus(x, 2, 1); },
      [](double x) { return 2 * x > 1 ? x : std::log(1 + std::exp(2 * x)) / 2; }, {-3, 3});
}

void add_clamps(Table& table) {
  using OptionalScalar = std::optional<Scalar>;
  const std::string clamp = "clamp(Tensor,optional<Scalar>,optional<Scalar>)";
  const std::string clamp_in_place = "clamp_(Tensor,optional<Scalar>,optional<Scalar>)";
  const Formula both = [](double x) { return std::min(std::max(x, -1.0), 0.5); };
  const Formula below = [](double x) { return std::max(x, -1.0); };
  const Formula above = [](double x) { return std::min(x, 0.5); };
  const Formula crossed = [](double) { return -1.0; };
  unary(table, "clamp", clamp, [](const Tensor& x) { return simdgrad::clamp(x, -1, 0.5); }, both,
        {-2, 2});
  unary(table, "clamp min", clamp, [](const Tensor& x) { return simdgrad::clamp(x, -1); }, below,
        {-2, 2});
  unary(table, "clamp max", clamp,
        [](const Tensor& x) { return simdgrad::clamp(x, std::nullopt, OptionalScalar(0.5)); },
        above, {-2, 2});
  unary(table, "clamp min > max", clamp, [](const Tensor& x) { return simdgrad::clamp(x, 1, -1); },
        crossed, {-2, 2});
  unary(table, "clamp_min", "clamp_min(Tensor,Scalar)",
        [](const Tensor& x) { return clamp_min(x, -1); }, below, {-2, 2});
  unary(table, "clamp_max", "clamp_max(Tensor,Scalar)",
        [](const Tensor& x) { return clamp_max(x, 0.5); }, above, {-2, 2});
  in_place(table, "clamp_", clamp_in_place,
           [](Tensor& x) -> Tensor& { return simdgrad::clamp_(x, -1, 0.5); }, both, {-2, 2});
  in_place(
      table, "clamp_ max", clamp_in_place,
      [](Tensor& x) -> Tensor& { return simdgrad::clamp_(x, std::nullopt, OptionalScalar(0.5)); },
      above, {-2, 2});
  in_place(table, "clamp_min_", "clamp_min_(Tensor,Scalar)",
           [](Tensor& x) -> Tensor& { return clamp_min_(x, -1); }, below, {-2, 2});
  in_place(table, "clamp_max_", "clamp_max_(Tensor,Scalar)",
           [](Tensor& x) -> Tensor& { return clamp_max_(x, 0.5); }, above, {-2, 2});
}

// x op number, number op x, and in place.
void add_numbers(Table& table) {
  const Domain any = {-2, 2}, positive = {0.4, 3};
  const auto add = [&](const char* name, const char* covers, Unary op, Formula formula,
                       Domain domain) { unary(table, name, covers, op, formula, domain); };
  add(
      "add number", "add(Tensor,Scalar,Scalar)",
      [](const Tensor& x) { return simdgrad::add(x, 1.25); }, [](double x) { return x + 1.25; },
      any);
  add(
      "add scaled number", "add(Tensor,Scalar,Scalar)",
      [](const Tensor& x) { return simdgrad::add(x, 1.25, 3); }, [](double x) { return x + 3.75; },
      any);
  add(
      "x + number", "operator+(Tensor,Scalar)", [](const Tensor& x) { return x + 1.25; },
      [](double x) { return x + 1.25; }, any);
  add(
      "number + x", "operator+(Scalar,Tensor)", [](const Tensor& x) { return 2 + x; },
      [](double x) { return 2 + x; }, any);
  add(
      "sub number", "sub(Tensor,Scalar,Scalar)", [](const Tensor& x) { return sub(x, 1.25); },
      [](double x) { return x - 1.25; }, any);
  add(
      "sub scaled number", "sub(Tensor,Scalar,Scalar)",
      [](const Tensor& x) { return sub(x, 2, 1.5); }, [](double x) { return x - 3; }, any);
  add(
      "x - number", "operator-(Tensor,Scalar)", [](const Tensor& x) { return x - 2; },
      [](double x) { return x - 2; }, any);
  add(
      "number - x", "operator-(Scalar,Tensor)", [](const Tensor& x) { return 1.25 - x; },
      [](double x) { return 1.25 - x; }, any);
  add(
      "mul number", "mul(Tensor,Scalar)", [](const Tensor& x) { return mul(x, -2.5); },
      [](double x) { return x * -2.5; }, any);
  add(
      "x * number", "operator*(Tensor,Scalar)", [](const Tensor& x) { return x * 3; },
      [](double x) { return x * 3; }, any);
  add(
      "number * x", "operator*(Scalar,Tensor)", [](const Tensor& x) { return -2.5 * x; },
      [](double x) { return x * -2.5; }, any);
  add(
      "div number", "div(Tensor,Scalar)", [](const Tensor& x) { return div(x, 3); },
      [](double x) { return x / 3; }, any);
  add(
      "x / number", "operator/(Tensor,Scalar)", [](const Tensor& x) { return x / -2.5; },
      [](double x) { return x / -2.5; }, any);
  add(
      "number / x", "operator/(Scalar,Tensor)", [](const Tensor& x) { return 2.5 / x; },
      [](double x) { return 2.5 / x; }, positive);
  add(
      "div number unrounded", "div(Tensor,Scalar,optional<string_view>)",
      [](const Tensor& x) { return div(x, 3, std::nullopt); }, [](double x) { return x / 3; }, any);
  add(
      "div number trunc", "div(Tensor,Scalar,optional<string_view>)",
      [](const Tensor& x) { return div(x, 0.75, "trunc"); },
      [](double x) { return std::trunc(x / 0.75); }, any);
  add(
      "div number floor", "div(Tensor,Scalar,optional<string_view>)",
      [](const Tensor& x) { return div(x, 0.75, "floor"); },
      [](double x) { return std::floor(x / 0.75); }, any);

  const auto add_ = [&](const char* name, const char* covers, InPlace op, Formula formula) {
    in_place(table, name, covers, op, formula, any);
  };
  add_(
      "add_ number", "add_(Tensor,Scalar,Scalar)",
      [](Tensor& x) -> Tensor& { return simdgrad::add_(x, 1.25, 2); },
      [](double x) { return x + 2.5; });
  add_(
      "sub_ number", "sub_(Tensor,Scalar,Scalar)",
      [](Tensor& x) -> Tensor& { return sub_(x, 2, 0.5); }, [](double x) { return x - 1; });
  add_(
      "mul_ number", "mul_(Tensor,Scalar)", [](Tensor& x) -> Tensor& { return mul_(x, 3); },
      [](double x) { return x * 3; });
  add_(
      "div_ number", "div_(Tensor,Scalar)", [](Tensor& x) -> Tensor& { return div_(x, 3); },
      [](double x) { return x / 3; });
}

template <int kNumerator, int kDenominator>
void power(Table& table, Domain domain) {
  static constexpr double exponent = static_cast<double>(kNumerator) / kDenominator;
  unary(
      table,
      "pow " + std::to_string(kNumerator) + "/" + std::to_string(kDenominator) +
          (domain.low < 0 ? " signed" : ""),
      "pow(Tensor,Scalar)", [](const Tensor& x) { return pow(x, exponent); },
      [](double x) { return std::pow(x, exponent); }, domain);
}

void add_powers(Table& table) {
  const Domain any = {-2, 2}, positive = {0.4, 3};
  power<0, 1>(table, any);
  power<1, 1>(table, any);
  power<2, 1>(table, any);
  power<3, 1>(table, any);
  power<5, 1>(table, any);
  power<1, 2>(table, positive);
  power<-1, 2>(table, positive);
  power<-1, 1>(table, positive);
  power<-2, 1>(table, positive);
  power<17, 10>(table, positive);
  power<-17, 10>(table, positive);
  unary(
      table, "pow of a number", "pow(Scalar,Tensor)",
      [](const Tensor& x) { return simdgrad::pow(2.5, x); },
      [](double x) { return std::pow(2.5, x); }, any);
  unary(
      table, "pow of 1", "pow(Scalar,Tensor)", [](const Tensor& x) { return simdgrad::pow(1, x); },
      [](double) { return 1.0; }, any);
  in_place(
      table, "pow_ number", "pow_(Tensor,Scalar)", [](Tensor& x) -> Tensor& { return pow_(x, 3); },
      [](double x) { return x * x * x; }, any);
}

// Comparisons with a number, and masks of one tensor.
void add_masks(Table& table) {
  const auto mask_of = [&](const char* name, const std::string& covers, Unary op, Formula formula) {
    for (const Shape& shape : kShapes)
      table
          .add(
              std::string(name) + "/" + text(shape), covers, {real(shape), mask(shape)},
              // Some elements equal the number that they are compared with.
              [op](const Tensors& x) -> Tensors { return {op(masked_fill(x[0], x[1], 0.5))}; },
              [formula](const Arrays& x) -> Arrays {
                return {reference::map2(x[0], x[1], [&](double v, double here) {
                  return formula(here != 0 ? 0.5 : v);
                })};
              })
          .no_gradient()  // bool results
          .bits();
  };
#define COMPARISON(name, op)                                                                  \
  mask_of(                                                                                    \
      #name " number", #name "(Tensor,Scalar)", [](const Tensor& x) { return name(x, 0.5); }, \
      [](double x) { return double(x op 0.5); });                                             \
  mask_of(                                                                                    \
      "x " #op " number", "operator" #op "(Tensor,Scalar)",                                   \
      [](const Tensor& x) { return x op 0.5; }, [](double x) { return double(x op 0.5); });   \
  mask_of(                                                                                    \
      "number " #op " x", "operator" #op "(Scalar,Tensor)",                                   \
      [](const Tensor& x) { return 0.5 op x; }, [](double x) { return double(0.5 op x); });
  SIMDGRAD_COMPARISON_CASES(COMPARISON)
#undef COMPARISON
  // x - 0.5 is 0 where the mask holds, and 1 / 0 infinite.
  mask_of(
      "isnan", "isnan(Tensor)", [](const Tensor& x) { return isnan((x - 0.5) / (x - 0.5)); },
      [](double x) { return double(x == 0.5); });
  mask_of(
      "isinf", "isinf(Tensor)", [](const Tensor& x) { return isinf(-1 / (x - 0.5)); },
      [](double x) { return double(x == 0.5); });
  mask_of(
      "isfinite", "isfinite(Tensor)", [](const Tensor& x) { return isfinite(1 / (x - 0.5)); },
      [](double x) { return double(x != 0.5); });
  mask_of(
      "logical_not", "logical_not(Tensor)", [](const Tensor& x) { return logical_not(x - 0.5); },
      [](double x) { return double(x == 0.5); });
}

}  // namespace

void add_unary_cases(Table& table) {
  add_listed(table);
  add_gelu(table);
  add_softplus(table);
  add_clamps(table);
  add_numbers(table);
  add_powers(table);
  add_masks(table);
}

void add_pointwise_cases(Table& table) {
  add_unary_cases(table);
  add_binary_cases(table);
  add_choice_cases(table);
  add_pointwise_special_cases(table);
}

}  // namespace cases
