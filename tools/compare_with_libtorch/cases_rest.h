// Further pointwise operations, tests of numbers, entries by ids, sparse tensors.
#pragma once

#include "case.h"

namespace compare {

inline void add_rest_pointwise(Ops& ops) {
  const auto unary = [&ops](const char* name, double low, double high, auto f) {
    ops.push_back({name, [=](Case& c) { return Outputs{f(c.x({c.n, c.m}, low, high))}; }});
  };
  unary("erf", -3, 3, [](Tensor x) { return x.erf(); });
  unary("expm1", -3, 3, [](Tensor x) { return x.expm1(); });
  unary("log1p", -0.7, 3, [](Tensor x) { return x.log1p(); });
  unary("reciprocal", 0.2, 3, [](Tensor x) { return x.reciprocal(); });
  unary("rsqrt", 0.2, 3, [](Tensor x) { return x.rsqrt(); });
  unary("sign", -2, 2, [](Tensor x) { return x.sign(); });
  unary("silu", -6, 6, [](Tensor x) { return torch::silu(x); });
  unary("square_", -2, 2, [](Tensor x) { return x.clone().square_(); });
  unary("clamp_min_", -2, 2, [](Tensor x) { return x.clone().clamp_min_(0.5); });
  unary("clamp_max_", -2, 2, [](Tensor x) { return x.clone().clamp_max_(0.5); });

  const auto test = [&ops](const char* name, std::function<Outputs(Case&, Tensor)> f) {
    ops.push_back({name, [f](Case& c) { return f(c, c.x({c.n, c.m}).detach()); }});
  };
  // NaN for numbers below 0, inf where relu makes 0 of them.
  test("isnan", [](Case&, Tensor x) { return Outputs{x.log().isnan(), torch::isnan(x)}; });
  test("isinf", [](Case&, Tensor x) { return Outputs{(1 / x.relu()).isinf()}; });
  test("isfinite", [](Case&, Tensor x) { return Outputs{(1 / x.relu() + x.log()).isfinite()}; });
  test("isclose", [](Case&, Tensor x) { return Outputs{torch::isclose(x, x + 0.05, 0.05, 0)}; });
  test("allclose", [](Case& c, Tensor x) {
    const int64_t is_close = x.allclose(x + 1e-9), is_equal = x.equal(x + c.below(2));
    return Outputs{torch::full({2}, is_close), torch::full({2}, is_equal)};
  });
  test("logical", [](Case&, Tensor x) {
    const Tensor a = x > 0, b = x.abs() > 1;
    return Outputs{torch::logical_not(x), torch::logical_and(a, b), torch::logical_or(a, x),
                   torch::logical_xor(a, b)};
  });
  test("bitwise", [](Case& c, Tensor) {
    const Tensor a = c.ids(99, {c.n, c.m}), b = c.ids(99, {c.m});
    return Outputs{torch::bitwise_and(a, b), torch::bitwise_or(a, b), torch::bitwise_xor(a, b),
                   torch::bitwise_not(a), a & b, (a > 3) | (b > 5), ~(a > 3)};
  });
  test("all_any", [](Case&, Tensor x) {
    return Outputs{(x > -1.9).all(), (x > 1.9).any(), x.all(), torch::any(x)};
  });
}

inline void add_rest_ids(Ops& ops) {
  const auto op = [&ops](const char* name, std::function<Outputs(Case&, Tensor)> f) {
    ops.push_back({name, [f](Case& c) { return f(c, c.x({c.n, c.m})); }});
  };
  op("as_strided", [](Case& c, Tensor x) {
    return Outputs{x.contiguous().as_strided({c.n, c.m}, {c.m, 1}),
                   torch::as_strided(x.clone().view({-1}), {1, c.n}, {1, 1})};
  });
  op("chunk", [](Case&, Tensor x) { return Outputs{x.chunk(2, 1)[0] * 2, x.split(2, 0)[0]}; });
  op("split_with_sizes", [](Case& c, Tensor x) {
    const auto parts = x.split_with_sizes({1, c.m - 1}, 1);
    return Outputs{parts[0] * 2, parts[1]};
  });
  op("masked_select", [](Case& c, Tensor x) {
    return Outputs{x.masked_select(c.mask({c.n, c.m})), torch::masked_select(x, c.mask({c.m}))};
  });
  op("nonzero", [](Case&, Tensor x) { return Outputs{torch::nonzero(x.detach().relu())}; });
  op("index_add", [](Case& c, Tensor x) {
    return Outputs{torch::index_add(x, 0, c.ids(c.n, {5}), c.x({5, c.m})),
                   (x * 1).index_add_(1, c.ids(c.m, {4}), c.x({c.n, 4}))};
  });
  op("scatter_add", [](Case& c, Tensor x) {
    return Outputs{torch::scatter_add(x, 0, c.ids(c.n, {7, c.m}), c.x({7, c.m})),
                   (x * 1).scatter_add_(1, c.ids(c.m, {c.n, 3}), c.x({c.n, 3}))};
  });
  op("embedding_renorm_", [](Case& c, Tensor x) {
    Tensor weight = x.detach().contiguous();
    torch::embedding_renorm_(weight, c.ids(c.n, {4}), 0.7, 2);
    return Outputs{weight};
  });
}

// A leaf as rows with random indices, some of them equal. at::, since libtorch's torch:: form of it
// leaves the graph.
inline Tensor sparse_of(Case& c) {
  const Tensor values = c.x({6, c.m});
  return at::sparse_coo_tensor(c.ids(c.n, {1, 6}), values, {c.n, c.m});
}

inline void add_rest_sparse(Ops& ops) {
  const auto op = [&ops](const char* name, std::function<Outputs(Case&)> f) {
    ops.push_back({name, std::move(f)});
  };
  op("sparse_to_dense", [](Case& c) { return Outputs{sparse_of(c).to_dense()}; });
  op("sparse_coalesce", [](Case& c) {
    const Tensor rows = sparse_of(c).coalesce();
    return Outputs{rows.to_dense(), rows.detach().indices(), rows.detach().values()};
  });
  op("sparse_arithmetic", [](Case& c) {
    const Tensor rows = sparse_of(c).detach();
    return Outputs{rows + rows, rows * 3, rows / 2, -rows, torch::add(rows, rows, 0.5),
                   c.values({c.n, c.m}, c.dtype(), -1, 1) + rows};
  });
  op("to_sparse", [](Case& c) {
    const Tensor x = c.x({c.n, c.m}).detach().relu();
    return Outputs{x.to_sparse(1), x.to_sparse(2), x.to_sparse(1).coalesce().indices()};
  });
}

inline void add_rest(Ops& ops) {
  add_rest_pointwise(ops);
  add_rest_ids(ops);
  add_rest_sparse(ops);
  ops.push_back({"tensor_from_blob", [](Case& c) {
                   double numbers[6];
                   for (double& number : numbers) number = static_cast<double>(c.below(1000)) / 8;
                   const auto options = torch::TensorOptions().dtype(torch::kDouble);
                   return Outputs{torch::from_blob(numbers, {2, 3}, options).clone(),
                                  torch::from_blob(numbers, {2, 2}, {1, 3}, options).clone(),
                                  torch::tensor({numbers[0], numbers[1]}, options),
                                  torch::tensor({{1, 2}, {3, static_cast<int>(c.below(9))}})};
                 }});
}

}  // namespace compare
