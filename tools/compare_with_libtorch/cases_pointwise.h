// Pointwise operations and their in-place forms.
#pragma once

#include "case.h"

namespace compare {

inline void add_unary(Ops& ops) {
  const auto unary = [&ops](const char* name, double low, double high, auto f) {
    ops.push_back({name, [=](Case& c) { return Outputs{f(c.x({c.n, c.m}, low, high))}; }});
  };
  unary("neg", -2, 2, [](Tensor x) { return -x; });
  unary("abs", -2, 2, [](Tensor x) { return x.abs(); });
  unary("exp", -5, 5, [](Tensor x) { return x.exp(); });
  unary("log", 0.1, 5, [](Tensor x) { return x.log(); });
  unary("sqrt", 0.1, 5, [](Tensor x) { return x.sqrt(); });
  unary("square", -2, 2, [](Tensor x) { return x.square(); });
  unary("pow_2", -2, 2, [](Tensor x) { return x.pow(2); });
  unary("pow_3", -2, 2, [](Tensor x) { return x.pow(3); });
  unary("pow_half", 0.1, 2, [](Tensor x) { return x.pow(0.5); });
  unary("pow_minus_1.5", 0.5, 2, [](Tensor x) { return x.pow(-1.5); });
  unary("pow_of_scalar", -2, 2, [](Tensor x) { return torch::pow(2.5, x); });
  unary("sin", -5, 5, [](Tensor x) { return x.sin(); });
  unary("cos", -5, 5, [](Tensor x) { return x.cos(); });
  unary("tanh", -5, 5, [](Tensor x) { return x.tanh(); });
  unary("sigmoid", -8, 8, [](Tensor x) { return x.sigmoid(); });
  unary("relu", -2, 2, [](Tensor x) { return torch::relu(x); });
  unary("gelu", -4, 4, [](Tensor x) { return torch::gelu(x); });
  unary("softplus", -4, 4, [](Tensor x) { return torch::softplus(x, 2, 3); });
  unary("gelu_tanh", -4, 4, [](Tensor x) { return torch::gelu(x, "tanh"); });
  unary("clamp", -2, 2, [](Tensor x) { return x.clamp(-0.5, 1); });
  unary("clamp_min", -2, 2, [](Tensor x) { return x.clamp_min(0.25); });
  unary("clamp_max", -2, 2, [](Tensor x) { return x.clamp_max(0.25); });
  unary("add_scalar", -2, 2, [](Tensor x) { return x + 1.5; });
  unary("sub_scalar", -2, 2, [](Tensor x) { return x - 1.5; });
  unary("scalar_sub", -2, 2, [](Tensor x) { return 1.5 - x; });
  unary("mul_scalar", -2, 2, [](Tensor x) { return 3 * x; });
  unary("div_scalar", -2, 2, [](Tensor x) { return x / 2.5; });
  unary("scalar_div", 0.5, 2, [](Tensor x) { return 3 / x; });
  unary("clone", -2, 2, [](Tensor x) { return x.clone(); });
  unary("contiguous", -2, 2, [](Tensor x) { return x.contiguous(); });
  unary("to_double", -2, 2, [](Tensor x) { return x.to(torch::kDouble); });
  unary("to_float", -2, 2, [](Tensor x) { return x.to(torch::kFloat); });
  unary("to_long", -9, 9, [](Tensor x) { return x.to(torch::kLong); });
  unary("exp_", -2, 2, [](Tensor x) { return x.clone().exp_(); });
  unary("neg_", -2, 2, [](Tensor x) { return x.clone().neg_(); });
  unary("relu_", -2, 2, [](Tensor x) { return x.clone().relu_(); });
  unary("sigmoid_", -2, 2, [](Tensor x) { return x.clone().sigmoid_(); });
  unary("tanh_", -2, 2, [](Tensor x) { return x.clone().tanh_(); });
  unary("sqrt_", 0.1, 2, [](Tensor x) { return x.clone().sqrt_(); });
  unary("clamp_", -2, 2, [](Tensor x) { return x.clone().clamp_(-1, 0.5); });
  unary("mul_scalar_", -2, 2, [](Tensor x) { return x.clone().mul_(2.5); });
  unary("pow_", -2, 2, [](Tensor x) { return x.clone().pow_(2); });
  unary("zero_", -2, 2, [](Tensor x) { return (x * 2).zero_() + x; });
  unary("fill_", -2, 2, [](Tensor x) { return (x * 2).fill_(3) * x; });
}

inline void add_binary(Ops& ops) {
  // Shapes: equal, a row, a column, one that grows the other, a scalar.
  const auto binary = [&ops](const char* name, double low, double high, auto f) {
    ops.push_back({name, [=](Case& c) {
                     const int shape = static_cast<int>(c.below(5));
                     Tensor x = shape == 3 ? c.x({c.m}, low, high) : c.x({c.n, c.m}, low, high);
                     Tensor y = shape == 0   ? c.x({c.n, c.m}, low, high)
                                : shape == 1 ? c.x({c.m}, low, high)
                                : shape == 2 ? c.x({c.n, 1}, low, high)
                                : shape == 3 ? c.x({c.b, c.n, c.m}, low, high)
                                             : c.x({}, low, high);
                     return Outputs{f(x, y)};
                   }});
  };
  binary("add", -2, 2, [](Tensor x, Tensor y) { return x + y; });
  binary("add_alpha", -2, 2, [](Tensor x, Tensor y) { return torch::add(x, y, 2.5); });
  binary("sub", -2, 2, [](Tensor x, Tensor y) { return x - y; });
  binary("sub_alpha", -2, 2, [](Tensor x, Tensor y) { return torch::sub(x, y, 2.5); });
  binary("mul", -2, 2, [](Tensor x, Tensor y) { return x * y; });
  binary("div", 0.5, 2, [](Tensor x, Tensor y) { return x / y; });
  binary("div_floor", 0.5, 2, [](Tensor x, Tensor y) { return x.div(y, "floor"); });
  binary("div_trunc", 0.5, 2, [](Tensor x, Tensor y) { return x.div(y, "trunc"); });
  binary("pow", 0.5, 2, [](Tensor x, Tensor y) { return torch::pow(x, y); });
  binary("maximum", -2, 2, [](Tensor x, Tensor y) { return torch::maximum(x, y); });
  binary("minimum", -2, 2, [](Tensor x, Tensor y) { return torch::minimum(x, y); });
  binary("where", -2, 2,
         [](Tensor x, Tensor y) { return torch::where(x.detach() > y.detach(), x * 2, y * 3); });
  binary("eq", -2, 2, [](Tensor x, Tensor y) { return x.to(torch::kLong) == y.to(torch::kLong); });
  binary("ne", -2, 2, [](Tensor x, Tensor y) { return x != y; });
  binary("lt", -2, 2, [](Tensor x, Tensor y) { return x < y; });
  binary("le", -2, 2, [](Tensor x, Tensor y) { return x <= y; });
  binary("gt", -2, 2, [](Tensor x, Tensor y) { return x > y; });
  binary("ge", -2, 2, [](Tensor x, Tensor y) { return x >= y; });

  const auto in_place = [&ops](const char* name, double low, double high, auto f) {
    ops.push_back({name, [=](Case& c) {
                     Tensor x = c.x({c.n, c.m}, low, high) * 1;
                     Tensor y = c.below(2) ? c.x({c.n, c.m}, low, high) : c.x({c.m}, low, high);
                     f(x, y);
                     return Outputs{x};
                   }});
  };
  in_place("add_", -2, 2, [](Tensor& x, Tensor y) { x.add_(y); });
  in_place("sub_", -2, 2, [](Tensor& x, Tensor y) { x -= y; });
  in_place("mul_", -2, 2, [](Tensor& x, Tensor y) { x.mul_(y); });
  in_place("div_", 0.5, 2, [](Tensor& x, Tensor y) { x /= y; });
  in_place("copy_", -2, 2, [](Tensor& x, Tensor y) { x.copy_(y); });
  in_place("masked_fill_", -2, 2, [](Tensor& x, Tensor y) { x.masked_fill_(y > 0, 3); });
  in_place("view_add_", -2, 2, [](Tensor& x, Tensor y) { x.t().add_(y.sum()); });
  in_place("select_mul_", -2, 2, [](Tensor& x, Tensor y) { x.select(1, 0).mul_(y.sum()); });
  in_place("assign_row", -2, 2, [](Tensor& x, Tensor y) { x[0] = y.sum(); });
  in_place("assign_scalar", -2, 2, [](Tensor& x, Tensor) { x[0] = 2.5; });
  in_place("assign_slice", -2, 2, [](Tensor& x, Tensor y) {
    x.index({Slice(), Slice(None, None, 2)}) = y.mean();
  });
  ops.push_back({"masked_fill", [](Case& c) {
                   return Outputs{c.x({c.n, c.m}).masked_fill(c.mask({c.n, c.m}), 1.5)};
                 }});
  ops.push_back({"masked_fill_tensor", [](Case& c) {
                   return Outputs{c.x({c.n, c.m}).masked_fill(c.mask({c.m}), c.x({}))};
                 }});
  ops.push_back({"promotion", [](Case& c) {
                   Tensor x = c.x({c.n, c.m}), i = c.ids(9, {c.m});
                   return Outputs{x * i, i + x, i / 2, i * 1.5, i + 1, i > x};
                 }});
}

}  // namespace compare
