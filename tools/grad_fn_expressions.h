// Expressions whose node names are recorded from libtorch (tools/record_grad_fn.cpp) and compared
// with ours: the same source, two libraries. Included after <torch/torch.h>.
#pragma once

#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace grad_fn_expressions {

using torch::indexing::Ellipsis;
using torch::indexing::None;
using torch::indexing::Slice;
namespace F = torch::nn::functional;

// The name of a tensor's node, "-" when it has none.
inline std::string node_name(const torch::Tensor& tensor) {
  return tensor.grad_fn() ? tensor.grad_fn()->name() : "-";
}

// The names of a node's inputs, in order.
inline std::string next_names(const torch::Tensor& tensor) {
  std::string names;
  for (const auto& edge : tensor.grad_fn()->next_edges()) {
    if (!names.empty()) names += " ";
    names += edge.function ? edge.function->name() : "-";
  }
  return names;
}

// A statement that changes `x`, a fresh non-leaf [3, 4], and the name of x's node after it.
template <class Change>
std::string after(Change change) {
  auto leaf = torch::rand({3, 4}, torch::TensorOptions().requires_grad(true));
  auto x = leaf * 1;
  change(x);
  return node_name(x);
}

using Names = std::vector<std::pair<std::string, std::string>>;

#define ROW(...) rows.emplace_back(#__VA_ARGS__, node_name(__VA_ARGS__))
#define CHANGE(...) \
  rows.emplace_back("x: " #__VA_ARGS__, after([&](torch::Tensor& x) { __VA_ARGS__; }))
#define EDGES(...) rows.emplace_back("next_edges: " #__VA_ARGS__, next_names(__VA_ARGS__))

inline void add_pointwise(Names& rows, torch::Tensor a, torch::Tensor b, torch::Tensor m) {
  ROW(a + b);
  ROW(a + 1);
  ROW(1 + a);
  ROW(a - b);
  ROW(a - 1);
  ROW(1 - a);
  ROW(a * b);
  ROW(a * 2);
  ROW(2 * a);
  ROW(a / b);
  ROW(a / 2);
  ROW(2 / a);
  ROW(a.div(b, "floor"));
  ROW(a.div(2, "trunc"));
  ROW(torch::add(a, b, 2));
  ROW(torch::sub(a, b));
  ROW(torch::mul(a, b));
  ROW(torch::div(a, b));
  ROW(-a);
  ROW(a.neg());
  ROW(a.abs());
  ROW(a.exp());
  ROW(a.log());
  ROW(a.sqrt());
  ROW(a.sin());
  ROW(a.cos());
  ROW(a.tanh());
  ROW(a.sigmoid());
  ROW(a.relu());
  ROW(torch::relu(a));
  ROW(F::relu(a));
  ROW(torch::gelu(a));
  ROW(torch::gelu(a, "tanh"));
  ROW(F::gelu(a));
  ROW(torch::softplus(a));
  ROW(F::softplus(a));
  ROW(a.pow(2));
  ROW(a.pow(0));
  ROW(a.square());
  ROW(torch::pow(a, b));
  ROW(torch::pow(2, a));
  ROW(a.clamp(0.1, 0.9));
  ROW(a.clamp_min(0.1));
  ROW(a.clamp_max(0.1));
  ROW(torch::clamp(a, 0.1));
  ROW(torch::maximum(a, b));
  ROW(torch::minimum(a, b));
  ROW(torch::max(a, b));
  ROW(torch::where(m, a, b));
  ROW(torch::where(m, a, 0));
  ROW(a.where(m, b));
  ROW(a.masked_fill(m, 0.));
  ROW(a.masked_fill(m, torch::ones({}, torch::TensorOptions().requires_grad(true))));
  ROW(a > b);
  ROW(a == 1);
  ROW(a.to(torch::kDouble));
  ROW(a.to(torch::kFloat));
  ROW(a.clone());
  ROW(a.contiguous());
  ROW(a.t().contiguous());
  ROW(a.detach());
  ROW(a.data());
}

inline void add_reductions(Names& rows, torch::Tensor a, torch::Tensor v) {
  ROW(a.sum());
  ROW(a.sum(1));
  ROW(a.sum({0, 1}));
  ROW(torch::sum(a));
  ROW(a.mean());
  ROW(a.mean(1));
  ROW(a.max());
  ROW(a.min());
  ROW(std::get<0>(a.max(1)));
  ROW(std::get<1>(a.max(1)));
  ROW(std::get<0>(a.min(1)));
  ROW(a.amax(1));
  ROW(a.amin(1));
  ROW(a.amax());
  ROW(a.argmax());
  ROW(a.argmin(1));
  ROW(a.var());
  ROW(a.var(1));
  ROW(a.std());
  ROW(a.std(1));
  ROW(a.norm());
  ROW(a.norm(1));
  ROW(a.norm(2, 1));
  ROW(torch::logsumexp(a, 1));
  ROW(torch::softmax(a, 1));
  ROW(F::softmax(a, 1));
  ROW(torch::log_softmax(a, 1));
  ROW(F::log_softmax(a, 1));
  ROW(a.softmax(1, torch::kDouble));
  ROW(v.softmax(0));
}

inline void add_products(Names& rows, torch::Tensor a, torch::Tensor b, torch::Tensor v,
                         torch::Tensor w, torch::Tensor bi, torch::Tensor t3) {
  ROW(a.mm(w.t()));
  ROW(torch::mm(a, w.t()));
  ROW(a.matmul(w.t()));
  ROW(a.matmul(v));
  ROW(v.matmul(w.t()));
  ROW(v.matmul(v));
  ROW(t3.matmul(w.t()));
  ROW(t3.matmul(v));
  ROW(v.matmul(t3.transpose(1, 2)));
  ROW(t3.matmul(t3.transpose(1, 2)));
  ROW(a.matmul(t3.transpose(1, 2)));
  ROW(torch::mv(a, v));
  ROW(v.dot(v));
  ROW(torch::bmm(t3, t3.transpose(1, 2)));
  ROW(torch::addmm(bi, a, w.t()));
  ROW(F::linear(a, w));
  ROW(F::linear(a, w, bi));
  ROW(F::linear(t3, w));
  ROW(F::linear(t3, w, bi));
  ROW(F::linear(t3.transpose(0, 1), w, bi));
  ROW(F::linear(v, w));
  ROW(F::linear(v, w, bi));
  ROW(F::linear(a.t().contiguous().t(), w, bi));
  ROW(torch::nn::Linear(4, 5)(a));
  ROW(torch::nn::Linear(torch::nn::LinearOptions(4, 5).bias(false))(a));
  EDGES(F::linear(a, w));
  EDGES(F::linear(a, w, bi));
  EDGES(F::linear(t3, w));
  EDGES(F::linear(t3, w, bi));
  EDGES(F::linear(v, w));
  EDGES(F::linear(v, w, bi));
  EDGES(t3.matmul(w.t()));
  EDGES(a + b);
  EDGES(a * torch::ones({3, 4}));
}

inline void add_views(Names& rows, torch::Tensor a, torch::Tensor b, torch::Tensor v,
                      torch::Tensor t3, torch::Tensor i, torch::Tensor m) {
  ROW(a.view({12}));
  ROW(a.view_as(a));
  ROW(a.reshape({12}));
  ROW(a.t().reshape({12}));
  ROW(a.reshape({3, 4}));
  ROW(a.flatten());
  ROW(v.flatten());
  ROW(a.t().flatten());
  ROW(a.t());
  ROW(v.t());
  ROW(a.numpy_T());
  ROW(v.numpy_T());
  ROW(t3.numpy_T());
  ROW(t3.transpose(0, 1));
  ROW(a.transpose(0, 0));
  ROW(t3.permute({2, 0, 1}));
  ROW(a.expand({2, 3, 4}));
  ROW(a.expand({3, 4}));
  ROW(a.unsqueeze(0));
  ROW(a.unsqueeze(0).squeeze());
  ROW(a.unsqueeze(0).squeeze(0));
  ROW(a.squeeze());
  ROW(a.squeeze(0));
  ROW(a.select(0, 1));
  ROW(a.slice(0, 1));
  ROW(a.narrow(0, 0, 2));
  ROW(a[0]);
  ROW(a.index({0}));
  ROW(a.index({Slice(), 1}));
  ROW(a.index({0, Ellipsis}));
  ROW(a.index({Ellipsis}));
  ROW(a.index({Slice()}));
  ROW(a.index({Slice(1, None)}));
  ROW(a.index({Slice(), Slice(None, None, 2)}));
  ROW(a.index({None}));
  ROW(a.index({i}));
  ROW(a.index({m}));
  ROW(a.index({Slice(), i}));
  ROW(a.index({true}));
  ROW(a[torch::tensor(1)]);
  ROW(a.index_select(0, i));
  ROW(a.gather(1, torch::zeros({3, 1}, torch::kLong)));
  ROW(torch::cat({a, b}));
  ROW(torch::stack({a, b}));
  ROW(a.unbind(0)[0]);
  ROW(a.split(2, 1)[0]);
  ROW(a.chunk(2, 1)[0]);
  ROW(a.split_with_sizes({1, 2}, 0)[1]);
  ROW(torch::as_strided(a, {2, 2}, {1, 2}));
  EDGES(a.index({i}));
  EDGES(torch::cat({a, b}));
}

inline void add_losses(Names& rows, torch::Tensor a, torch::Tensor b, torch::Tensor i,
                       torch::Tensor E, torch::Tensor p) {
  ROW(F::nll_loss(torch::log_softmax(a, 1), i));
  ROW(F::cross_entropy(a, i));
  ROW(F::cross_entropy(a, i, F::CrossEntropyFuncOptions().reduction(torch::kNone)));
  ROW(F::cross_entropy(a, i, F::CrossEntropyFuncOptions().label_smoothing(0.1)));
  ROW(F::cross_entropy(a, p));
  ROW(F::mse_loss(a, b));
  ROW(F::mse_loss(a, b, F::MSELossFuncOptions().reduction(torch::kNone)));
  ROW(F::binary_cross_entropy_with_logits(a, p));
  ROW(F::dropout(a));
  ROW(F::dropout(a, F::DropoutFuncOptions().p(0.)));
  ROW(F::dropout(a, F::DropoutFuncOptions().p(1.)));
  ROW(F::dropout(a, F::DropoutFuncOptions().training(false)));
  ROW(F::layer_norm(a, F::LayerNormFuncOptions({4})));
  ROW(torch::nn::LayerNorm(torch::nn::LayerNormOptions({4}))(a));
  ROW(torch::one_hot(i, 4));
  ROW(torch::nn::Embedding(10, 4)(i));
  ROW(torch::embedding(E, i));
  ROW(F::embedding(i, E));
  EDGES(F::nll_loss(torch::log_softmax(a, 1), i));
  EDGES(F::cross_entropy(a, i));
  EDGES(F::cross_entropy(a, i, F::CrossEntropyFuncOptions().label_smoothing(0.1)));
  EDGES(torch::embedding(E, i));
  EDGES(torch::nn::LayerNorm(torch::nn::LayerNormOptions({4}))(a));
}

// Names after in-place operations; in the second half x is changed through a view of it.
inline void add_changes(Names& rows, torch::Tensor b, torch::Tensor i, torch::Tensor m) {
  CHANGE(x.add_(b));
  CHANGE(x.add_(1));
  CHANGE(x += b);
  CHANGE(x.sub_(b));
  CHANGE(x.mul_(b));
  CHANGE(x *= 2);
  CHANGE(x.div_(b));
  CHANGE(x.pow_(2));
  CHANGE(x.neg_());
  CHANGE(x.exp_());
  CHANGE(x.log_());
  CHANGE(x.relu_());
  CHANGE(x.sigmoid_());
  CHANGE(x.tanh_());
  CHANGE(x.clamp_(0.1, 0.9));
  CHANGE(x.masked_fill_(m, 0.));
  CHANGE(x.zero_());
  CHANGE(x.fill_(2.));
  CHANGE(x.copy_(b));
  CHANGE(x.copy_(torch::ones({3, 4})));
  CHANGE(x.uniform_());
  CHANGE(x.normal_());
  CHANGE(x.detach_());
  CHANGE(x.set_data(torch::ones({3, 4})));
  CHANGE(x.index_put_({i}, 1.));
  CHANGE(x.index_put_({i}, torch::ones({4})));
  CHANGE(x.index_put_({i}, b));
  CHANGE(x.index_put_({m}, 1.));
  CHANGE(x.index_put_({0}, 1.));
  CHANGE(x.index_put_({Slice()}, 1.));
  CHANGE(x.index_put_({Slice(), 1}, 1.));
  CHANGE(x.index_put_({Slice(), i}, 1.));
  CHANGE(x.index_put_({Ellipsis}, b));
  CHANGE(x[0] = 1.);
  CHANGE(x[0] = b[0]);
  CHANGE(x[0].add_(1));
  CHANGE(x[0][1].mul_(2));
  CHANGE(x.view({12}).mul_(2));
  CHANGE(x.t().add_(1));
  CHANGE(x.select(0, 0).zero_());
  CHANGE(x.slice(0, 0, 2).copy_(b.slice(0, 0, 2)));
  CHANGE(x.detach().add_(1));
  CHANGE(auto d = x.select(0, 0); d.add_(1); x = d);
  CHANGE(auto d = x.view({12}); d.add_(1); x = d);
  CHANGE(auto d = x.view({12}); x.add_(1); x = d);
  CHANGE(auto d = x.select(0, 0); x.mul_(2); x = d);
  CHANGE(auto d = x.view({12}).slice(0, 0, 2); d.mul_(2); x = d);
  CHANGE(auto d = x.t(); d.mul_(2); x = d);
  CHANGE(auto d = x.expand({2, 3, 4}); x.mul_(2); x = d);
  CHANGE(auto d = torch::ones({3, 4}); d.copy_(x); x = d);
  CHANGE(auto d = torch::ones({3, 4}); d[0] = x[0]; x = d);
  CHANGE(auto d = torch::ones({3, 4}); d.mul_(x); x = d);
}

inline Names all() {
  const auto rg = torch::TensorOptions().requires_grad(true);
  const auto a = torch::rand({3, 4}, rg), b = torch::rand({3, 4}, rg), v = torch::rand({4}, rg);
  const auto w = torch::rand({5, 4}, rg), bi = torch::rand({5}, rg);
  const auto t3 = torch::rand({2, 3, 4}, rg), E = torch::rand({10, 4}, rg);
  const auto p = torch::full({3, 4}, 0.25);
  const auto i = torch::arange(3, torch::TensorOptions().dtype(torch::kLong));
  const auto m = p.detach() > torch::rand({3, 4});
  Names rows;
  add_pointwise(rows, a, b, m);
  add_reductions(rows, a, v);
  add_products(rows, a, b, v, w, bi, t3);
  add_views(rows, a, b, v, t3, i, m);
  add_losses(rows, a, b, i, E, p);
  add_changes(rows, b, i, m);
  return rows;
}

#undef ROW
#undef CHANGE
#undef EDGES

}  // namespace grad_fn_expressions
