// Reductions, softmax and products.
#pragma once

#include <limits>

#include "case.h"

namespace compare {

inline void add_reductions(Ops& ops) {
  const auto reduce = [&ops](const char* name, auto f) {
    ops.push_back({name, [=](Case& c) -> Outputs { return f(c, c.x({c.n, c.m + 1, c.k})); }});
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
  reduce("argmin", [](Case& c, Tensor x) {
    return Outputs{x.argmin(), x.argmin(c.below(3), true)};
  });
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
  reduce("logsumexp_dims", [](Case&, Tensor x) {
    return Outputs{torch::logsumexp(x, {0, 1}, true)};
  });
  reduce("softmax", [](Case& c, Tensor x) { return Outputs{torch::softmax(x, c.below(3))}; });
  reduce("softmax_last", [](Case&, Tensor x) { return Outputs{torch::softmax(x * 5, -1)}; });
  reduce("log_softmax",
         [](Case& c, Tensor x) { return Outputs{torch::log_softmax(x, c.below(3))}; });
  reduce("log_softmax_last",
         [](Case&, Tensor x) { return Outputs{torch::log_softmax(x * 5, -1)}; });
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

}  // namespace compare
