// Pointwise operations of two tensors, choices between tensors, and their forms in place.
#include "tests/cases/pointwise.h"

#include <cmath>

#include "tests/cases/rows.h"

namespace cases {
namespace {

using Binary = Tensor (*)(const Tensor&, const Tensor&);
using InPlace = Tensor& (*)(Tensor&, const Tensor&);
using Formula = double (*)(double, double);

// The two ranges differ, so that no two operands tie.
struct Domain {
  double low = -2, high = 2, other_low = -1.9, other_high = 2.3;
};
constexpr Domain kAny{};
constexpr Domain kPositive{0.5, 2.5, 0.6, 2.2};
// Dividends of both signs over what stays away from 0.
constexpr Domain kQuotient{-4, 4, 0.7, 1.9};

const Shape kPairs[][2] = {{{3, 4}, {3, 4}}, {{67}, {67}},      {{3, 4}, {4}},
                           {{3, 1}, {1, 4}}, {{2, 37}, {2, 1}}, {{2, 3, 4}, {3, 1}},
                           {{3, 4}, {}},     {{}, {5}},         {{}, {}},
                           {{1}, {1}},       {{2, 0}, {1, 1}},  {{37}, {1}}};
// Into the first operand, which keeps its shape.
const Shape kInPlacePairs[][2] = {{{3, 4}, {3, 4}}, {{37}, {37}}, {{3, 4}, {4}}, {{3, 4}, {3, 1}},
                                  {{5}, {}},        {{}, {}},     {{0}, {1}}};

std::string text(const Shape (&pair)[2]) {
  return cases::text(pair[0]) + " " + cases::text(pair[1]);
}

void binary(Table& table, const std::string& name, const std::string& covers, Binary op,
            Formula formula, Domain domain) {
  const auto call = [op](const Tensors& x) -> Tensors { return {op(x[0], x[1])}; };
  const auto expected = [formula](const Arrays& x) -> Arrays {
    return {reference::map2(x[0], x[1], formula)};
  };
  for (const auto& pair : kPairs)
    table
        .add(name + "/" + text(pair), covers,
             {real(pair[0], domain.low, domain.high),
              real(pair[1], domain.other_low, domain.other_high)},
             call, expected)
        .bits();
  // Strides of 0 in the operands themselves.
  table
      .add(
          name + "/expanded", covers,
          {real({1, 4}, domain.low, domain.high),
           real({3, 1}, domain.other_low, domain.other_high)},
          [op](const Tensors& x) -> Tensors {
            return {op(x[0].expand({3, 4}), x[1].expand({2, 3, 4}))};
          },
          [formula](const Arrays& x) -> Arrays {
            return {reference::map3(Array({2, 1, 1}), x[0], x[1],
                                    [&](double, double a, double b) { return formula(a, b); })};
          })
      .bits();
}

// One tensor as both operands: its gradient is the sum of two.
void twice(Table& table, const std::string& name, const std::string& covers, Binary op,
           Formula formula, Domain domain) {
  table
      .add(
          name + "/of itself", covers, {real({3, 4}, domain.low, domain.high)},
          [op](const Tensors& x) -> Tensors { return {op(x[0], x[0])}; },
          [formula](const Arrays& x) -> Arrays {
            return {reference::map(x[0], [&](double v) { return formula(v, v); })};
          })
      .bits();
}

void in_place(Table& table, const std::string& name, const std::string& covers, InPlace op,
              Formula formula, Domain domain) {
  for (const auto& pair : kInPlacePairs)
    table
        .add(
            name + "/" + text(pair), covers,
            {real(pair[0], domain.low, domain.high),
             real(pair[1], domain.other_low, domain.other_high)},
            [op](const Tensors& x) -> Tensors {
              return {changed(x[0], [&](Tensor& y) -> Tensor& { return op(y, x[1]); })};
            },
            [formula](const Arrays& x) -> Arrays { return {reference::map2(x[0], x[1], formula)}; })
        .bits();
  table
      .add(
          name + "/of a view", covers,
          {real({3, 5}, domain.low, domain.high), real({3}, domain.other_low, domain.other_high)},
          [op](const Tensors& x) {
            return changed_view(x[0], [&](Tensor& y) -> Tensor& { return op(y, x[1]); });
          },
          [formula](const Arrays& x) {
            return changed_view_reference(
                x[0], [&](double v, const Shape& at) { return formula(v, x[1][at.back()]); });
          })
      .bits();
}

double add_of(double a, double b) { return a + b; }
double sub_of(double a, double b) { return a - b; }
double mul_of(double a, double b) { return a * b; }
double div_of(double a, double b) { return a / b; }

void add_arithmetic(Table& table) {
  const std::string add = "add(Tensor,Tensor,Scalar)", sub = "sub(Tensor,Tensor,Scalar)";
  const std::string rounded = "div(Tensor,Tensor,optional<string_view>)";
  using T = const Tensor&;
  binary(
      table, "add", add, [](T a, T b) { return simdgrad::add(a, b); }, add_of, kAny);
  binary(
      table, "add integer alpha", add, [](T a, T b) { return simdgrad::add(a, b, -3); },
      [](double a, double b) { return a - 3 * b; }, kAny);
  binary(
      table, "add alpha", add, [](T a, T b) { return simdgrad::add(a, b, 2.5); },
      [](double a, double b) { return a + 2.5 * b; }, kAny);
  binary(
      table, "+", "operator+(Tensor,Tensor)", [](T a, T b) { return a + b; }, add_of, kAny);
  binary(
      table, "sub", sub, [](T a, T b) { return simdgrad::sub(a, b); }, sub_of, kAny);
  binary(
      table, "sub alpha", sub, [](T a, T b) { return simdgrad::sub(a, b, 2.5); },
      [](double a, double b) { return a - 2.5 * b; }, kAny);
  binary(
      table, "-", "operator-(Tensor,Tensor)", [](T a, T b) { return a - b; }, sub_of, kAny);
  binary(
      table, "mul", "mul(Tensor,Tensor)", [](T a, T b) { return mul(a, b); }, mul_of, kAny);
  binary(
      table, "*", "operator*(Tensor,Tensor)", [](T a, T b) { return a * b; }, mul_of, kAny);
  binary(
      table, "div", "div(Tensor,Tensor)", [](T a, T b) { return div(a, b); }, div_of, kQuotient);
  binary(
      table, "/", "operator/(Tensor,Tensor)", [](T a, T b) { return a / b; }, div_of, kQuotient);
  binary(
      table, "div unrounded", rounded, [](T a, T b) { return div(a, b, std::nullopt); }, div_of,
      kQuotient);
  binary(
      table, "div trunc", rounded, [](T a, T b) { return div(a, b, "trunc"); },
      [](double a, double b) { return std::trunc(a / b); }, kQuotient);
  binary(
      table, "div floor", rounded, [](T a, T b) { return div(a, b, "floor"); },
      [](double a, double b) { return std::floor(a / b); }, kQuotient);
  binary(
      table, "pow", "pow(Tensor,Tensor)", [](T a, T b) { return pow(a, b); },
      [](double a, double b) { return std::pow(a, b); }, {0.5, 2.5, -2, 2});
  binary(
      table, "maximum", "maximum(Tensor,Tensor)", simdgrad::maximum,
      [](double a, double b) { return std::max(a, b); }, kAny);
  binary(
      table, "minimum", "minimum(Tensor,Tensor)", simdgrad::minimum,
      [](double a, double b) { return std::min(a, b); }, kAny);

  twice(
      table, "add", add, [](T a, T b) { return simdgrad::add(a, b); }, add_of, kAny);
  twice(
      table, "sub", sub, [](T a, T b) { return simdgrad::sub(a, b); }, sub_of, kAny);
  twice(
      table, "mul", "mul(Tensor,Tensor)", [](T a, T b) { return mul(a, b); }, mul_of, kAny);
  twice(
      table, "div", "div(Tensor,Tensor)", [](T a, T b) { return div(a, b); }, div_of, kPositive);
  twice(
      table, "pow", "pow(Tensor,Tensor)", [](T a, T b) { return pow(a, b); },
      [](double a, double b) { return std::pow(a, b); }, kPositive);
  // Ties: half of the gradient to each operand, so all of it to a tensor that is both.
  twice(
      table, "maximum", "maximum(Tensor,Tensor)", simdgrad::maximum,
      [](double a, double) { return a; }, kAny);
  twice(
      table, "minimum", "minimum(Tensor,Tensor)", simdgrad::minimum,
      [](double a, double) { return a; }, kAny);
}

void add_in_place(Table& table) {
  using T = const Tensor&;
  in_place(
      table, "add_", "add_(Tensor,Tensor,Scalar)",
      [](Tensor& y, T b) -> Tensor& { return simdgrad::add_(y, b); }, add_of, kAny);
  in_place(
      table, "add_ alpha", "add_(Tensor,Tensor,Scalar)",
      [](Tensor& y, T b) -> Tensor& { return simdgrad::add_(y, b, -2); },
      [](double a, double b) { return a - 2 * b; }, kAny);
  in_place(
      table, "sub_", "sub_(Tensor,Tensor,Scalar)",
      [](Tensor& y, T b) -> Tensor& { return sub_(y, b); }, sub_of, kAny);
  in_place(
      table, "sub_ alpha", "sub_(Tensor,Tensor,Scalar)",
      [](Tensor& y, T b) -> Tensor& { return sub_(y, b, 0.5); },
      [](double a, double b) { return a - 0.5 * b; }, kAny);
  in_place(
      table, "mul_", "mul_(Tensor,Tensor)", [](Tensor& y, T b) -> Tensor& { return mul_(y, b); },
      mul_of, kAny);
  in_place(
      table, "div_", "div_(Tensor,Tensor)", [](Tensor& y, T b) -> Tensor& { return div_(y, b); },
      div_of, kQuotient);
  in_place(
      table, "pow_", "pow_(Tensor,Tensor)", [](Tensor& y, T b) -> Tensor& { return pow_(y, b); },
      [](double a, double b) { return std::pow(a, b); }, {0.5, 2.5, -2, 2});
}

// Masks of two tensors. Where the third input holds, the second operand equals the first.
void add_masks(Table& table) {
  using T = const Tensor&;
  const auto mask_of = [&](const char* name, const std::string& covers, Binary op,
                           Formula formula) {
    for (const auto& pair : kPairs) {
      const Shape shape = reference::broadcast(pair[0], pair[1]);
      table
          .add(
              std::string(name) + "/" + text(pair), covers,
              {real(pair[0], kAny.low, kAny.high), real(pair[1], kAny.other_low, kAny.other_high),
               mask(shape)},
              [op](const Tensors& x) -> Tensors {
                return {op(x[0], x[1]), op(x[0], where(x[2], x[0], x[1]))};
              },
              [formula](const Arrays& x) -> Arrays {
                return {reference::map2(x[0], x[1], formula),
                        reference::map3(x[0], x[1], x[2], [&](double a, double b, double same) {
                          return formula(a, same != 0 ? a : b);
                        })};
              })
          .no_gradient()  // bool results
          .bits();
    }
  };
#define COMPARISON(name, op)                                                  \
  mask_of(                                                                    \
      #name, #name "(Tensor,Tensor)", [](T a, T b) { return name(a, b); },    \
      [](double a, double b) { return double(a op b); });                     \
  mask_of(                                                                    \
      #op, "operator" #op "(Tensor,Tensor)", [](T a, T b) { return a op b; }, \
      [](double a, double b) { return double(a op b); });
  SIMDGRAD_COMPARISON_CASES(COMPARISON)
#undef COMPARISON
  mask_of(
      "isclose", "isclose(Tensor,Tensor,double,double,bool)",
      [](T a, T b) { return isclose(a, b, 0.125, 0.25); },
      [](double a, double b) { return double(std::abs(a - b) <= 0.25 + 0.125 * std::abs(b)); });

  const auto of_masks = [&](const char* name, const std::string& covers, Binary op,
                            Formula formula) {
    for (const auto& pair : kPairs)
      table
          .add(
              std::string(name) + "/" + text(pair), covers, {mask(pair[0]), mask(pair[1])},
              [op](const Tensors& x) -> Tensors { return {op(x[0], x[1])}; },
              [formula](const Arrays& x) -> Arrays {
                return {reference::map2(x[0], x[1], formula)};
              })
          .no_gradient()  // bool operands
          .bits();
  };
  const Formula both = [](double a, double b) { return a * b; };
  const Formula either = [](double a, double b) { return std::max(a, b); };
  const Formula one = [](double a, double b) { return std::abs(a - b); };
  of_masks("logical_and", "logical_and(Tensor,Tensor)", simdgrad::logical_and, both);
  of_masks("logical_or", "logical_or(Tensor,Tensor)", simdgrad::logical_or, either);
  of_masks("logical_xor", "logical_xor(Tensor,Tensor)", simdgrad::logical_xor, one);
  of_masks("bitwise_and", "bitwise_and(Tensor,Tensor)", simdgrad::bitwise_and, both);
  of_masks("bitwise_or", "bitwise_or(Tensor,Tensor)", simdgrad::bitwise_or, either);
  of_masks("bitwise_xor", "bitwise_xor(Tensor,Tensor)", simdgrad::bitwise_xor, one);
  of_masks(
      "&", "operator&(Tensor,Tensor)", [](T a, T b) { return a & b; }, both);
  of_masks(
      "|", "operator|(Tensor,Tensor)", [](T a, T b) { return a | b; }, either);
  of_masks(
      "^", "operator^(Tensor,Tensor)", [](T a, T b) { return a ^ b; }, one);
}

// condition, a, b
const Shape kTriples[][3] = {{{3, 4}, {3, 4}, {3, 4}}, {{67}, {67}, {67}}, {{4}, {3, 1}, {3, 4}},
                             {{3, 1}, {4}, {}},        {{}, {}, {}},       {{1}, {5}, {1}},
                             {{2, 0}, {1, 1}, {2, 0}}, {{}, {37}, {37}},   {{2, 37}, {2, 1}, {37}}};

void add_where(Table& table) {
  for (const auto& shapes : kTriples) {
    const std::string name =
        cases::text(shapes[0]) + " " + cases::text(shapes[1]) + " " + cases::text(shapes[2]);
    table
        .add(
            "where/" + name, "where(Tensor,Tensor,Tensor)",
            {mask(shapes[0]), real(shapes[1]), real(shapes[2], 3, 5)},
            [](const Tensors& x) -> Tensors { return {where(x[0], x[1], x[2])}; },
            [](const Arrays& x) -> Arrays {
              return {reference::map3(x[0], x[1], x[2], [](double here, double a, double b) {
                return here != 0 ? a : b;
              })};
            })
        .bits();
  }
  for (const auto& pair : kPairs) {
    table
        .add(
            "where number tensor/" + text(pair), "where(Tensor,Scalar,Tensor)",
            {mask(pair[0]), real(pair[1])},
            [](const Tensors& x) -> Tensors { return {where(x[0], 1.5, x[1])}; },
            [](const Arrays& x) -> Arrays {
              return {reference::map2(x[0], x[1],
                                      [](double here, double b) { return here != 0 ? 1.5 : b; })};
            })
        .bits();
    table
        .add(
            "where tensor number/" + text(pair), "where(Tensor,Tensor,Scalar)",
            {mask(pair[0]), real(pair[1])},
            [](const Tensors& x) -> Tensors { return {where(x[0], x[1], -2)}; },
            [](const Arrays& x) -> Arrays {
              return {reference::map2(x[0], x[1],
                                      [](double here, double a) { return here != 0 ? a : -2.0; })};
            })
        .bits();
  }
  for (const Shape& shape : {Shape{3, 4}, Shape{67}, Shape{2, 0}, Shape{}})
    table
        .add(
            "where numbers/" + cases::text(shape), "where(Tensor,Scalar,Scalar)", {mask(shape)},
            [](const Tensors& x) -> Tensors { return {where(x[0], 1.5, -2.0)}; },
            [](const Arrays& x) -> Arrays {
              return {reference::map(x[0], [](double here) { return here != 0 ? 1.5 : -2.0; })};
            })
        .no_gradient()  // nothing takes one
        .bits();
}

void add_masked_fill(Table& table) {
  const auto fill_number = [](const Arrays& x) -> Arrays {
    return {reference::map2(x[0], x[1], [](double v, double here) { return here != 0 ? 1.5 : v; })};
  };
  const auto fill_tensor = [](const Arrays& x) -> Arrays {
    return {reference::map2(x[0], x[1],
                            [&](double v, double here) { return here != 0 ? x[2][0] : v; })};
  };
  for (const auto& pair : kPairs) {
    table
        .add(
            "masked_fill/" + text(pair), "masked_fill(Tensor,Tensor,Scalar)",
            {real(pair[0]), mask(pair[1])},
            [](const Tensors& x) -> Tensors { return {masked_fill(x[0], x[1], 1.5)}; }, fill_number)
        .bits();
    table
        .add(
            "masked_fill tensor/" + text(pair), "masked_fill(Tensor,Tensor,Tensor)",
            {real(pair[0]), mask(pair[1]), real({})},
            [](const Tensors& x) -> Tensors { return {masked_fill(x[0], x[1], x[2])}; },
            fill_tensor)
        .bits();
  }
  for (const auto& pair : kInPlacePairs) {
    table
        .add(
            "masked_fill_/" + text(pair), "masked_fill_(Tensor,Tensor,Scalar)",
            {real(pair[0]), mask(pair[1])},
            [](const Tensors& x) -> Tensors {
              return {
                  changed(x[0], [&](Tensor& y) -> Tensor& { return masked_fill_(y, x[1], 1.5); })};
            },
            fill_number)
        .bits();
    table
        .add(
            "masked_fill_ tensor/" + text(pair), "masked_fill_(Tensor,Tensor,Tensor)",
            {real(pair[0]), mask(pair[1]), real({})},
            [](const Tensors& x) -> Tensors {
              return {
                  changed(x[0], [&](Tensor& y) -> Tensor& { return masked_fill_(y, x[1], x[2]); })};
            },
            fill_tensor)
        .bits();
  }
}

}  // namespace

void add_binary_cases(Table& table) {
  add_arithmetic(table);
  add_in_place(table);
}

void add_choice_cases(Table& table) {
  add_masks(table);
  add_where(table);
  add_masked_fill(table);
}

}  // namespace cases
