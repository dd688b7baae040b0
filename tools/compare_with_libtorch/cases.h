// The operations that dump.cpp runs. Only calls that libtorch and simdgrad share.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace compare {

using torch::Tensor;
using torch::indexing::Ellipsis;
using torch::indexing::None;
using torch::indexing::Slice;
namespace F = torch::nn::functional;
using Outputs = std::vector<Tensor>;

// One run of an operation: sizes and inputs drawn from the operation's name and the case's number.
struct Case {
  Case(const std::string& op, int number) : number_(number) {
    uint64_t hash = 0xcbf29ce484222325;
    for (const char letter : op) hash = (hash ^ static_cast<uint64_t>(letter)) * 0x100000001b3;
    state_ = hash + static_cast<uint64_t>(number) * 0x9e3779b97f4a7c15;
    torch::manual_seed(state_ >> 33);
    n = size(), m = size(), k = size(), b = 1 + below(3);
  }

  // A small random number that depends on nothing but the case.
  int64_t below(int64_t bound) {
    state_ = state_ * 6364136223846793005 + 1442695040888963407;
    return static_cast<int64_t>((state_ >> 33) % static_cast<uint64_t>(bound));
  }
  torch::ScalarType dtype() const { return number_ % 2 == 0 ? torch::kFloat : torch::kDouble; }

  Tensor values(const std::vector<int64_t>& sizes, torch::ScalarType dtype, double low,
                double high) const {
    return torch::rand(sizes, torch::TensorOptions().dtype(dtype)) * (high - low) + low;
  }
  // A differentiable input in [low, high], laid out as the case says.
  Tensor x(std::vector<int64_t> sizes, double low = -2, double high = 2) {
    const int layout = sizes.empty() ? 0 : number_ / 2 % 4;
    std::vector<int64_t> stored = sizes;
    if (layout == 1) stored.assign(sizes.rbegin(), sizes.rend());
    if (layout == 2) stored.back() *= 2;
    if (layout == 3) stored.front() += 1;
    Tensor leaf = values(stored, dtype(), low, high);
    leaf.requires_grad_(true);
    leaves.push_back(leaf);
    const int64_t rank = static_cast<int64_t>(sizes.size());
    if (layout == 1) {
      std::vector<int64_t> reversed;
      for (int64_t i = rank - 1; i >= 0; --i) reversed.push_back(i);
      return leaf.permute(reversed);
    }
    if (layout == 2) return leaf.slice(rank - 1, 0, std::nullopt, 2);
    if (layout == 3) return leaf.slice(0, 1);
    return leaf;
  }
  Tensor ids(int64_t bound, std::vector<int64_t> sizes) const {
    return torch::randint(bound, sizes, torch::TensorOptions().dtype(torch::kLong));
  }
  Tensor mask(std::vector<int64_t> sizes) const { return torch::rand(sizes) > 0.5; }

  int64_t n, m, k, b;
  Outputs leaves;

 private:
  int64_t size() { return 1 + below(9); }

  int number_;
  uint64_t state_;
};

struct Op {
  std::string name;
  std::function<Outputs(Case&)> run;
};
using Ops = std::vector<Op>;

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
  binary("where", -2, 2, [](Tensor x, Tensor y) {
    return torch::where(x.detach() > y.detach(), x * 2, y * 3);
  });
  binary("eq", -2, 2, [](Tensor x, Tensor y) { return (x * 0).round() == (y * 0).round(); });
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

inline void add_reductions(Ops& ops) {
  const auto reduce = [&ops](const char* name, auto f) {
    ops.push_back({name, [=](Case& c) -> Outputs {
      return f(c, c.x({c.n, c.m + 1, c.k}));
    }});
  };
  const double inf = std::numeric_limits<double>::infinity();
  reduce("sum", [](Case&, Tensor x) { return Outputs{x.sum()}; });
  reduce("sum_dim", [](Case& c, Tensor x) { return Outputs{x.sum(c.below(3))}; });
  reduce("sum_dims", [](Case&, Tensor x) { return Outputs{x.sum({0, 2}, true), x.sum({-1, 1})}; });
  reduce("mean", [](Case&, Tensor x) { return Outputs{x.mean()}; });
  reduce("mean_dim", [](Case& c, Tensor x) { return Outputs{x.mean(c.below(3), true)}; });
  reduce("max", [](Case&, Tensor x) { return Outputs{x.max()}; });
  reduce("min", [](Case&, Tensor x) { return Outputs{x.min()}; });
  reduce("max_dim", [](Case& c, Tensor x) {
    auto [values, indices] = x.max(c.below(3));
    return Outputs{values, indices};
  });
  reduce("min_dim", [](Case& c, Tensor x) {
    auto [values, indices] = x.min(c.below(3), true);
    return Outputs{values, indices};
  });
  reduce("amax", [](Case&, Tensor x) { return Outputs{x.amax({0, 2}), x.amax()}; });
  reduce("amin", [](Case& c, Tensor x) { return Outputs{x.amin(c.below(3), true)}; });
  reduce("argmax", [](Case& c, Tensor x) { return Outputs{x.argmax(), x.argmax(c.below(3))}; });
  reduce("argmin", [](Case& c, Tensor x) { return Outputs{x.argmin(), x.argmin(c.below(3), true)}; });
  reduce("var", [](Case&, Tensor x) { return Outputs{x.var(), x.var(false)}; });
  reduce("var_dim", [](Case&, Tensor x) { return Outputs{x.var(1), x.var({1, 2}, false, true)}; });
  reduce("std", [](Case&, Tensor x) { return Outputs{x.std()}; });
  reduce("std_dim", [](Case&, Tensor x) { return Outputs{x.std(1)}; });
  reduce("norm", [](Case&, Tensor x) { return Outputs{x.norm()}; });
  reduce("norm_1", [](Case&, Tensor x) { return Outputs{x.norm(1)}; });
  reduce("norm_3", [](Case&, Tensor x) { return Outputs{x.norm(3)}; });
  reduce("norm_inf", [inf](Case&, Tensor x) { return Outputs{x.norm(inf)}; });
  reduce("norm_dim", [](Case& c, Tensor x) {
    const int64_t dim = c.below(3);
    return Outputs{x.norm(2, {dim}), x.norm(1, {dim}, true)};
  });
  reduce("logsumexp", [](Case& c, Tensor x) { return Outputs{torch::logsumexp(x, c.below(3))}; });
  reduce("logsumexp_dims", [](Case&, Tensor x) { return Outputs{torch::logsumexp(x, {0, 1}, true)}; });
  reduce("softmax", [](Case& c, Tensor x) { return Outputs{torch::softmax(x, c.below(3))}; });
  reduce("softmax_last", [](Case&, Tensor x) { return Outputs{torch::softmax(x * 5, -1)}; });
  reduce("log_softmax", [](Case& c, Tensor x) { return Outputs{torch::log_softmax(x, c.below(3))}; });
  reduce("log_softmax_last", [](Case&, Tensor x) { return Outputs{torch::log_softmax(x * 5, -1)}; });
}

inline void add_products(Ops& ops) {
  const auto product = [&ops](const char* name, std::function<Outputs(Case&)> f) {
    ops.push_back({name, std::move(f)});
  };
  product("mm", [](Case& c) { return Outputs{c.x({c.n, c.m}).mm(c.x({c.m, c.k}))}; });
  product("mm_large", [](Case& c) {
    return Outputs{c.x({c.n + 30, c.m + 60}, -1, 1).mm(c.x({c.m + 60, c.k + 40}, -1, 1))};
  });
  product("mv", [](Case& c) { return Outputs{torch::mv(c.x({c.n, c.m}), c.x({c.m}))}; });
  product("dot", [](Case& c) { return Outputs{torch::dot(c.x({c.n}), c.x({c.n}))}; });
  product("bmm", [](Case& c) {
    return Outputs{torch::bmm(c.x({c.b, c.n, c.m}), c.x({c.b, c.m, c.k}))};
  });
  product("matmul_1_1", [](Case& c) { return Outputs{c.x({c.n}).matmul(c.x({c.n}))}; });
  product("matmul_1_2", [](Case& c) { return Outputs{c.x({c.n}).matmul(c.x({c.n, c.m}))}; });
  product("matmul_2_1", [](Case& c) { return Outputs{c.x({c.n, c.m}).matmul(c.x({c.m}))}; });
  product("matmul_2_2", [](Case& c) { return Outputs{c.x({c.n, c.m}).matmul(c.x({c.m, c.k}))}; });
  product("matmul_3_1", [](Case& c) { return Outputs{c.x({c.b, c.n, c.m}).matmul(c.x({c.m}))}; });
  product("matmul_1_3", [](Case& c) { return Outputs{c.x({c.n}).matmul(c.x({c.b, c.n, c.m}))}; });
  product("matmul_3_2", [](Case& c) {
    return Outputs{c.x({c.b, c.n, c.m}).matmul(c.x({c.m, c.k}))};
  });
  product("matmul_2_3", [](Case& c) {
    return Outputs{c.x({c.n, c.m}).matmul(c.x({c.b, c.m, c.k}))};
  });
  product("matmul_3_3", [](Case& c) {
    return Outputs{c.x({c.b, c.n, c.m}).matmul(c.x({1, c.m, c.k}))};
  });
  product("matmul_4_3", [](Case& c) {
    return Outputs{c.x({2, c.b, c.n, c.m}).matmul(c.x({c.b, c.m, c.k}))};
  });
  product("addmm", [](Case& c) {
    return Outputs{torch::addmm(c.x({c.k}), c.x({c.n, c.m}), c.x({c.m, c.k}))};
  });
  product("addmm_beta_alpha", [](Case& c) {
    return Outputs{torch::addmm(c.x({c.n, c.k}), c.x({c.n, c.m}), c.x({c.m, c.k}), 0.5, -2)};
  });
  product("linear", [](Case& c) { return Outputs{F::linear(c.x({c.n, c.m}), c.x({c.k, c.m}))}; });
  product("linear_bias", [](Case& c) {
    return Outputs{F::linear(c.x({c.n, c.m}), c.x({c.k, c.m}), c.x({c.k}))};
  });
  product("linear_3d", [](Case& c) {
    return Outputs{F::linear(c.x({c.b, c.n, c.m}), c.x({c.k, c.m}), c.x({c.k}))};
  });
  product("linear_1d", [](Case& c) {
    return Outputs{F::linear(c.x({c.m}), c.x({c.k, c.m}), c.x({c.k}))};
  });
}

inline void add_views(Ops& ops) {
  const auto view = [&ops](const char* name, std::function<Tensor(Case&, Tensor)> f) {
    ops.push_back({name, [f](Case& c) { return Outputs{f(c, c.x({c.n, c.m, 4}))}; }});
  };
  view("view", [](Case& c, Tensor x) { return x.contiguous().view({c.n * c.m, -1}); });
  view("view_split", [](Case& c, Tensor x) { return x.contiguous().view({c.n, c.m, 2, 2}); });
  view("reshape", [](Case& c, Tensor x) { return x.reshape({4, c.n * c.m}); });
  view("flatten", [](Case&, Tensor x) { return x.flatten(1); });
  view("t", [](Case&, Tensor x) { return x[0].t(); });
  view("numpy_T", [](Case&, Tensor x) { return x[0].numpy_T(); });
  view("transpose", [](Case&, Tensor x) { return x.transpose(0, -1); });
  view("permute", [](Case&, Tensor x) { return x.permute({2, 0, 1}); });
  view("expand", [](Case& c, Tensor x) { return x.expand({c.b, c.n, c.m, 4}); });
  view("expand_ones", [](Case& c, Tensor x) { return x.sum(1, true).expand({c.n, c.m, -1}); });
  view("squeeze", [](Case&, Tensor x) { return x.unsqueeze(1).squeeze(); });
  view("squeeze_dim", [](Case&, Tensor x) { return x.unsqueeze(2).squeeze(2); });
  view("unsqueeze", [](Case&, Tensor x) { return x.unsqueeze(-2); });
  view("select", [](Case& c, Tensor x) { return x.select(1, c.below(c.m)); });
  view("slice", [](Case&, Tensor x) { return x.slice(2, 1, 4, 2); });
  view("narrow", [](Case&, Tensor x) { return x.narrow(2, 1, 2); });
  view("index_integer", [](Case&, Tensor x) { return x.index({0, Slice(), -1}); });
  view("index_slices", [](Case&, Tensor x) {
    return x.index({Ellipsis, Slice(1, None, 2), None});
  });
  view("index_tensor", [](Case& c, Tensor x) { return x.index({c.ids(c.n, {5})}); });
  view("index_tensor_2d", [](Case& c, Tensor x) { return x.index({c.ids(c.n, {2, 3}), 0}); });
  view("index_middle", [](Case& c, Tensor x) { return x.index({Slice(), c.ids(c.m, {5})}); });
  view("index_pair", [](Case& c, Tensor x) {
    return x.index({c.ids(c.n, {3}), Slice(), c.ids(4, {3})});
  });
  view("index_broadcast", [](Case& c, Tensor x) {
    return x.index({c.ids(c.n, {3, 1}), c.ids(c.m, {2})});
  });
  view("index_mask", [](Case& c, Tensor x) { return x.index({c.mask({c.n, c.m})}); });
  view("index_mask_last", [](Case& c, Tensor x) { return x.index({Ellipsis, c.mask({4})}); });
  view("index_negative", [](Case& c, Tensor x) { return x.index({c.ids(c.n, {4}) - c.n}); });
  view("index_select", [](Case& c, Tensor x) { return x.index_select(1, c.ids(c.m, {6})); });
  view("gather", [](Case& c, Tensor x) { return x.gather(2, c.ids(4, {c.n, c.m, 3})); });
  view("index_put_", [](Case& c, Tensor x) {
    Tensor y = x * 1;
    y.index_put_({torch::arange(c.n), 0, 2}, c.x({c.n}));
    return y;
  });
  view("index_put_scalar", [](Case& c, Tensor x) {
    Tensor y = x * 1;
    y.index_put_({c.ids(c.n, {3})}, 2.5);
    return y;
  });
  view("index_put_mask", [](Case& c, Tensor x) {
    Tensor y = x * 1;
    y.index_put_({c.mask({c.n, c.m})}, c.x({4}));
    return y;
  });
  view("index_put_slice", [](Case& c, Tensor x) {
    Tensor y = x * 1;
    y.index_put_({Slice(), 0, Slice(1, 3)}, c.x({c.n, 2}));
    return y;
  });
  ops.push_back({"cat", [](Case& c) {
    return Outputs{torch::cat({c.x({c.n, c.m}), c.x({c.k, c.m})}),
                   torch::cat({c.x({c.n, c.m}), c.x({c.n, c.k})}, 1)};
  }});
  ops.push_back({"stack", [](Case& c) {
    Tensor x = c.x({c.n, c.m}), y = c.x({c.n, c.m});
    return Outputs{torch::stack({x, y}), torch::stack({x, y, x}, -1)};
  }});
  ops.push_back({"split", [](Case& c) {
    Outputs parts = c.x({c.n + 1, c.m}).split(2);
    return Outputs{parts[0], parts.back()};
  }});
  ops.push_back({"unbind", [](Case& c) { return c.x({2, c.m}).unbind(); }});
}

inline void add_losses(Ops& ops) {
  const auto loss = [&ops](const char* name, std::function<Outputs(Case&, Tensor, Tensor)> f) {
    ops.push_back({name, [f](Case& c) {
      const int64_t classes = c.m + 1;
      Tensor logits = c.x({c.n, classes}, -4, 4);
      return f(c, logits, c.ids(classes, {c.n}));
    }});
  };
  using CrossEntropy = F::CrossEntropyFuncOptions;
  loss("nll_loss", [](Case&, Tensor x, Tensor y) {
    return Outputs{F::nll_loss(torch::log_softmax(x, 1), y)};
  });
  loss("nll_loss_weight", [](Case& c, Tensor x, Tensor y) {
    const auto options = F::NLLLossFuncOptions().weight(c.values({x.size(1)}, c.dtype(), 0.5, 2));
    return Outputs{F::nll_loss(torch::log_softmax(x, 1), y, options)};
  });
  loss("cross_entropy", [](Case&, Tensor x, Tensor y) { return Outputs{F::cross_entropy(x, y)}; });
  loss("cross_entropy_sum", [](Case&, Tensor x, Tensor y) {
    return Outputs{F::cross_entropy(x, y, CrossEntropy().reduction(torch::kSum))};
  });
  loss("cross_entropy_none", [](Case&, Tensor x, Tensor y) {
    return Outputs{F::cross_entropy(x, y, CrossEntropy().reduction(torch::kNone))};
  });
  loss("cross_entropy_weight", [](Case& c, Tensor x, Tensor y) {
    const Tensor weight = c.values({x.size(1)}, c.dtype(), 0.5, 2);
    return Outputs{F::cross_entropy(x, y, CrossEntropy().weight(weight))};
  });
  loss("cross_entropy_ignore", [](Case&, Tensor x, Tensor y) {
    return Outputs{F::cross_entropy(x, y, CrossEntropy().ignore_index(1).reduction(torch::kSum))};
  });
  loss("cross_entropy_smoothing", [](Case&, Tensor x, Tensor y) {
    return Outputs{F::cross_entropy(x, y, CrossEntropy().label_smoothing(0.1))};
  });
  loss("cross_entropy_everything", [](Case& c, Tensor x, Tensor y) {
    const Tensor weight = c.values({x.size(1)}, c.dtype(), 0.5, 2);
    auto options = CrossEntropy().weight(weight).label_smoothing(0.2).ignore_index(0);
    return Outputs{F::cross_entropy(x, y, options.reduction(torch::kNone))};
  });
  loss("cross_entropy_probabilities", [](Case& c, Tensor x, Tensor) {
    return Outputs{F::cross_entropy(x, c.x({c.n, x.size(1)}, 0, 1))};
  });
  loss("mse_loss", [](Case& c, Tensor x, Tensor) {
    return Outputs{F::mse_loss(x, c.x({c.n, x.size(1)}))};
  });
  loss("mse_loss_none", [](Case& c, Tensor x, Tensor) {
    const auto options = F::MSELossFuncOptions().reduction(torch::kNone);
    return Outputs{F::mse_loss(x, c.x({c.n, x.size(1)}), options)};
  });
  loss("bce_with_logits", [](Case& c, Tensor x, Tensor) {
    return Outputs{
        F::binary_cross_entropy_with_logits(x, c.values({c.n, x.size(1)}, c.dtype(), 0, 1))};
  });
  loss("bce_with_logits_weights", [](Case& c, Tensor x, Tensor) {
    const Tensor weight = c.values({x.size(1)}, c.dtype(), 0.5, 2);
    const Tensor positive = c.values({x.size(1)}, c.dtype(), 0.5, 2);
    const auto options = F::BinaryCrossEntropyWithLogitsFuncOptions()
                             .weight(weight).pos_weight(positive).reduction(torch::kSum);
    return Outputs{F::binary_cross_entropy_with_logits(
        x, c.values({c.n, x.size(1)}, c.dtype(), 0, 1), options)};
  });
  loss("layer_norm", [](Case&, Tensor x, Tensor) {
    return Outputs{F::layer_norm(x, F::LayerNormFuncOptions({x.size(1)}).eps(0.1))};
  });
  loss("layer_norm_affine", [](Case& c, Tensor x, Tensor) {
    const Tensor weight = c.x({x.size(1)}), bias = c.x({x.size(1)});
    const auto options = F::LayerNormFuncOptions({x.size(1)}).weight(weight).bias(bias).eps(0.1);
    return Outputs{F::layer_norm(x, options)};
  });
  loss("layer_norm_2d", [](Case&, Tensor x, Tensor) {
    return Outputs{F::layer_norm(x, F::LayerNormFuncOptions(x.sizes().vec()).eps(0.1))};
  });
  loss("dropout", [](Case&, Tensor x, Tensor) {
    return Outputs{F::dropout(x.contiguous(), F::DropoutFuncOptions().p(0.3))};
  });
  loss("one_hot", [](Case&, Tensor x, Tensor y) { return Outputs{torch::one_hot(y, x.size(1))}; });
}

inline void add_embeddings(Ops& ops) {
  const auto embed = [&ops](const char* name, int64_t padding, bool scale, bool sparse) {
    ops.push_back({name, [=](Case& c) {
      const Tensor weight = c.x({c.n + 2, c.m});
      return Outputs{torch::embedding(weight, c.ids(c.n + 2, {c.b, 7}), padding, scale, sparse)};
    }});
  };
  embed("embedding", -1, false, false);
  embed("embedding_padding", 1, false, false);
  embed("embedding_scale", -1, true, false);
  embed("embedding_padding_scale", 0, true, false);
  ops.push_back({"embedding_sparse", [](Case& c) {
    Tensor weight = c.values({c.n + 2, c.m}, c.dtype(), -2, 2);
    weight.requires_grad_(true);
    c.leaves.push_back(weight);
    return Outputs{torch::embedding(weight, c.ids(c.n + 2, {c.b, 7}), 1, false, true)};
  }});
}

inline void add_factories(Ops& ops) {
  const auto make = [&ops](const char* name, std::function<Outputs(Case&, torch::TensorOptions)> f) {
    ops.push_back({name, [f](Case& c) { return f(c, torch::TensorOptions().dtype(c.dtype())); }});
  };
  using Options = torch::TensorOptions;
  make("arange", [](Case& c, Options o) {
    const double n = static_cast<double>(c.n), m = static_cast<double>(c.m);
    return Outputs{torch::arange(c.n), torch::arange(c.n, o), torch::arange(-m, n, 0.3, o),
                   torch::arange(n * 50, -m, -0.7, o)};
  });
  make("linspace", [](Case& c, Options o) {
    const double n = static_cast<double>(c.n);
    return Outputs{torch::linspace(-n, 0.3, c.m, o), torch::linspace(1, n, 57, o)};
  });
  make("eye", [](Case& c, Options o) { return Outputs{torch::eye(c.n, o), torch::eye(c.n, c.m, o)}; });
  make("full", [](Case& c, Options o) {
    return Outputs{torch::full({c.n, c.m}, 0.1, o), torch::zeros({c.n}, o), torch::ones({c.m}, o),
                   torch::full_like(c.x({c.n, c.m}), 7), torch::zeros_like(c.x({c.n})),
                   torch::ones_like(c.x({c.n}))};
  });
  make("rand", [](Case& c, Options o) {
    return Outputs{torch::rand({c.n, c.m}, o), torch::rand_like(c.x({c.n, c.m}).contiguous()),
                   torch::empty({c.n, 7}, o).uniform_(-0.3, 1.7)};
  });
  make("randn", [](Case& c, Options o) {
    return Outputs{torch::randn({c.n, c.m}, o), torch::randn({c.n + 16}, o),
                   torch::empty({c.n, 7}, o).normal_(-2, 0.3)};
  });
  make("randint", [](Case& c, Options o) {
    return Outputs{torch::randint(100, {c.n, c.m}), torch::randint(-5, 7, {c.n}, o),
                   torch::randint(0, int64_t{1} << 40, {c.n})};
  });
  make("randperm", [](Case& c, Options) { return Outputs{torch::randperm(c.n * c.m)}; });
  make("bernoulli_", [](Case& c, Options o) { return Outputs{torch::empty({c.n, c.m}, o).bernoulli_(0.3)}; });
}

// Weights after ten steps on a fixed quadratic loss.
template <class Optimizer, class Options>
Outputs optimise(Case& c, Options options) {
  Tensor weight = c.values({c.n, c.m}, c.dtype(), -2, 2);
  weight.requires_grad_(true);
  const Tensor target = c.values({c.n, c.m}, c.dtype(), -2, 2);
  Optimizer optimizer(std::vector<Tensor>{weight}, options);
  for (int step = 0; step < 10; ++step) {
    optimizer.zero_grad();
    (weight - target).pow(2).sum().backward();
    optimizer.step();
  }
  return {weight.detach()};
}

inline void add_optimizers(Ops& ops) {
  using namespace torch::optim;
  const auto add = [&ops](const char* name, std::function<Outputs(Case&)> f) {
    ops.push_back({name, std::move(f)});
  };
  add("SGD", [](Case& c) { return optimise<SGD>(c, SGDOptions(0.1)); });
  add("SGD_momentum", [](Case& c) { return optimise<SGD>(c, SGDOptions(0.02).momentum(0.9)); });
  add("SGD_nesterov", [](Case& c) {
    return optimise<SGD>(c, SGDOptions(0.02).momentum(0.9).nesterov(true).weight_decay(0.01));
  });
  add("SGD_dampening", [](Case& c) {
    return optimise<SGD>(c, SGDOptions(0.02).momentum(0.9).dampening(0.5));
  });
  add("Adam", [](Case& c) { return optimise<Adam>(c, AdamOptions(0.1)); });
  add("Adam_amsgrad", [](Case& c) {
    return optimise<Adam>(
        c, AdamOptions(0.1).weight_decay(0.01).amsgrad(true).betas(std::make_tuple(0.8, 0.99)));
  });
  add("AdamW", [](Case& c) { return optimise<AdamW>(c, AdamWOptions(0.1)); });
  add("AdamW_amsgrad", [](Case& c) {
    return optimise<AdamW>(c, AdamWOptions(0.1).weight_decay(0.1).amsgrad(true).eps(1e-4));
  });
}

inline Ops all() {
  Ops ops;
  add_unary(ops);
  add_binary(ops);
  add_reductions(ops);
  add_products(ops);
  add_views(ops);
  add_losses(ops);
  add_embeddings(ops);
  add_factories(ops);
  add_optimizers(ops);
  return ops;
}

}  // namespace compare
