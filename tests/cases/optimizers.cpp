// Fused optimizer steps: several steps against their formulas, written here in double.
#include <simdgrad/fused_optimizers.h>
#include <simdgrad/sparse.h>

#include <cmath>

#include "tests/cases/rows.h"

namespace cases {
namespace {

using simdgrad::Error;
using simdgrad::kDouble;
using simdgrad::kFloat;
using simdgrad::kLong;

constexpr int kSteps = 3;
// Of step t, counted from 1, as a multiple of the row's gradients.
double gradient_scale(int t) { return t == 2 ? -0.5 : 1.0 / t; }

// Two parameters and their gradients; the second parameter is small.
std::vector<Input> parameters(const Shape& shape) {
  return {constant(shape), constant({2}, 1, 3), constant(shape, -1.5, 1.7),
          constant({2}, 0.3, 0.9)};
}
const Shape kShapes[] = {{3, 4}, {67}, {1}, {2, 0}, {}};

// w and g, and what the steps keep beside them.
struct Parameter {
  Array w, g;
};
Parameter parameter(const Arrays& x, size_t i) { return {x[i], x[i + 2]}; }

struct Sgd {
  const char* name;
  double weight_decay, momentum, lr, dampening;
  bool nesterov, maximize;
};
const Sgd kSgd[] = {{"plain", 0, 0, 0.1, 0, false, false},
                    {"weight decay", 0.2, 0, 0.1, 0, false, false},
                    {"momentum", 0, 0.9, 0.05, 0, false, false},
                    {"momentum dampened", 0.1, 0.8, 0.05, 0.3, false, false},
                    {"nesterov", 0.1, 0.9, 0.05, 0, true, false},
                    {"maximize", 0.1, 0.9, 0.05, 0, false, true}};

Tensors run_sgd(const Sgd& options, const Tensors& x) {
  const Tensors w = {x[0], x[1]};
  Tensors buffers;
  if (options.momentum != 0) buffers = {empty_like(w[0]), empty_like(w[1])};
  for (int t = 1; t <= kSteps; ++t) {
    const Tensors g = {x[2] * gradient_scale(t), x[3] * gradient_scale(t)};
    const int64_t version = w[0]._version();
    simdgrad::_fused_sgd_(w, g, buffers, options.weight_decay, options.momentum, options.lr,
                          options.dampening, options.nesterov, options.maximize, t == 1);
    if (w[0]._version() != version + 1) throw std::logic_error("the version did not go up by one");
  }
  Tensors results = w;
  results.insert(results.end(), buffers.begin(), buffers.end());
  return results;
}

Arrays expect_sgd(const Sgd& options, const Arrays& x) {
  Arrays weights, buffers;
  for (size_t i = 0; i < 2; ++i) {
    auto [w, gradient] = parameter(x, i);
    Array b(w.shape);
    for (int t = 1; t <= kSteps; ++t)
      for (int64_t j = 0; j < w.size(); ++j) {
        double g = gradient[j] * gradient_scale(t) * (options.maximize ? -1 : 1);
        g += options.weight_decay * w[j];
        b[j] = t == 1 ? g : options.momentum * b[j] + (1 - options.dampening) * g;
        const double step = options.momentum == 0 ? g
                            : options.nesterov    ? g + options.momentum * b[j]
                                                  : b[j];
        w[j] -= options.lr * step;
      }
    weights.push_back(w);
    if (options.momentum != 0) buffers.push_back(b);
  }
  weights.insert(weights.end(), buffers.begin(), buffers.end());
  return weights;
}

struct Adam {
  const char* name;
  double lr, beta1, beta2, weight_decay, eps;
  bool amsgrad, maximize;
};
const Adam kAdam[] = {{"plain", 0.1, 0.9, 0.999, 0, 1e-8, false, false},
                      {"weight decay", 0.05, 0.8, 0.9, 0.2, 1e-3, false, false},
                      {"amsgrad", 0.05, 0.8, 0.5, 0, 1e-6, true, false},
                      {"all", 0.05, 0.7, 0.6, 0.1, 1e-4, true, true}};

Tensors run_adam(const Adam& options, bool decoupled, const Tensors& x) {
  const Tensors w = {x[0], x[1]};
  const Tensors m = {zeros_like(w[0]), zeros_like(w[1])}, v = {zeros_like(w[0]), zeros_like(w[1])};
  Tensors top;
  if (options.amsgrad) top = {zeros_like(w[0]), zeros_like(w[1])};
  const auto step = decoupled ? simdgrad::_fused_adamw_ : simdgrad::_fused_adam_;
  for (int t = 1; t <= kSteps; ++t) {
    const Tensors g = {x[2] * gradient_scale(t), x[3] * gradient_scale(t)};
    const int64_t version = w[0]._version();
    step(w, g, m, v, top, {t, t}, options.lr, options.beta1, options.beta2, options.weight_decay,
         options.eps, options.amsgrad, options.maximize);
    if (w[0]._version() != version + 1) throw std::logic_error("the version did not go up by one");
  }
  Tensors results = w;
  for (const Tensors* state : std::initializer_list<const Tensors*>{&m, &v, &top})
    results.insert(results.end(), state->begin(), state->end());
  return results;
}

Arrays expect_adam(const Adam& options, bool decoupled, const Arrays& x) {
  Arrays weights, averages, squares, tops;
  for (size_t i = 0; i < 2; ++i) {
    auto [w, gradient] = parameter(x, i);
    Array m(w.shape), v(w.shape), top(w.shape);
    for (int t = 1; t <= kSteps; ++t)
      for (int64_t j = 0; j < w.size(); ++j) {
        double g = gradient[j] * gradient_scale(t) * (options.maximize ? -1 : 1);
        if (decoupled)
          w[j] *= 1 - options.lr * options.weight_decay;
        else
          g += options.weight_decay * w[j];
        m[j] = options.beta1 * m[j] + (1 - options.beta1) * g;
        v[j] = options.beta2 * v[j] + (1 - options.beta2) * g * g;
        top[j] = std::max(top[j], v[j]);
        const double root = std::sqrt(options.amsgrad ? top[j] : v[j]);
        w[j] -= options.lr / (1 - std::pow(options.beta1, t)) * m[j] /
                (root / std::sqrt(1 - std::pow(options.beta2, t)) + options.eps);
      }
    weights.push_back(w);
    averages.push_back(m);
    squares.push_back(v);
    if (options.amsgrad) tops.push_back(top);
  }
  for (const Arrays* state : std::initializer_list<const Arrays*>{&averages, &squares, &tops})
    weights.insert(weights.end(), state->begin(), state->end());
  return weights;
}

const char* const kSgdCovers =
    "_fused_sgd_(TensorList,TensorList,TensorList,double,double,double,double,bool,bool,bool)";
const std::string kAdamArguments =
    "(TensorList,TensorList,TensorList,TensorList,TensorList,ArrayRef<int64_t>,double,double,"
    "double,"
    "double,double,bool,bool)";

void add_steps(Table& table) {
  for (const Shape& shape : kShapes) {
    for (const Sgd& options : kSgd)
      table
          .add(
              "sgd " + std::string(options.name) + "/" + text(shape), kSgdCovers, parameters(shape),
              [&options](const Tensors& x) { return run_sgd(options, x); },
              [&options](const Arrays& x) { return expect_sgd(options, x); })
          .tolerances(1e-12, 5e-6)
          .no_gradient()  // steps record no graph
          .bits();
    for (const Adam& options : kAdam)
      for (bool decoupled : {false, true}) {
        const std::string name = decoupled ? "adamw" : "adam";
        table
            .add(
                name + " " + options.name + "/" + text(shape),
                "_fused_" + name + "_" + kAdamArguments, parameters(shape),
                [&options, decoupled](const Tensors& x) { return run_adam(options, decoupled, x); },
                [&options, decoupled](const Arrays& x) {
                  return expect_adam(options, decoupled, x);
                })
            .tolerances(1e-12, 5e-6)
            .no_gradient()
            .bits();
      }
  }
  // Parameter, gradient and state each in an order of memory of its own.
  table
      .add(
          "sgd momentum/mixed strides", kSgdCovers, parameters({3, 4}),
          [](const Tensors& x) {
            return run_sgd(kSgd[2], {x[0], x[1], x[2].t().contiguous().t(), x[3]});
          },
          [](const Arrays& x) { return expect_sgd(kSgd[2], x); })
      .tolerances(1e-12, 5e-6)
      .no_gradient()
      .bits();
  table
      .add(
          "adam all/mixed strides", "_fused_adam_" + kAdamArguments, parameters({3, 4}),
          [](const Tensors& x) {
            return run_adam(kAdam[3], false, {x[0], x[1], x[2].t().contiguous().t(), x[3]});
          },
          [](const Arrays& x) { return expect_adam(kAdam[3], false, x); })
      .tolerances(1e-12, 5e-6)
      .no_gradient()
      .bits();
}

// A refused step changes no number and no version, not even of the parameters before the bad one.
void check_refusals() {
  const Tensors w = {simdgrad::ones({2, 3}), simdgrad::ones({4})};
  const Tensors g = {simdgrad::ones({2, 3}), simdgrad::ones({4})};
  const Tensors m = {simdgrad::zeros({2, 3}), simdgrad::zeros({4})};
  const Tensors v = {simdgrad::zeros({2, 3}), simdgrad::zeros({4})};
  std::vector<int64_t> versions;
  for (const Tensors* list : {&w, &m, &v})
    for (const Tensor& x : *list) versions.push_back(x._version());
  const auto refused = [&](const Tensors& self, const Tensors& grads, const Tensors& state,
                           std::vector<int64_t> steps) {
    CHECK_THROWS_AS(simdgrad::_fused_sgd_(self, grads, state, 0, 0.9, 0.1, 0, false, false, true),
                    Error);
    CHECK_THROWS_AS(simdgrad::_fused_adam_(self, grads, state, v, {}, steps, 0.1, 0.9, 0.999, 0,
                                           1e-8, false, false),
                    Error);
    CHECK_THROWS_AS(simdgrad::_fused_adamw_(self, grads, m, state, {}, steps, 0.1, 0.9, 0.999, 0,
                                            1e-8, false, false),
                    Error);
    for (const Tensor& x : w) CHECK(equal(x, ones_like(x)));
    for (const Tensors* list : {&m, &v})
      for (const Tensor& x : *list) CHECK(equal(x, zeros_like(x)));
    size_t i = 0;
    for (const Tensors* list : {&w, &m, &v})
      for (const Tensor& x : *list) CHECK(x._version() == versions[i++]);
  };
  const Tensor sparse =
      simdgrad::sparse_coo_tensor(simdgrad::zeros({1, 1}, kLong), simdgrad::ones({1}), {4});
  refused(w, {g[0]}, m, {1, 1});
  refused(w, g, {m[0]}, {1, 1});
  refused(w, {g[0], simdgrad::ones({5})}, m, {1, 1});
  refused(w, {g[0], simdgrad::ones({4}, kDouble)}, m, {1, 1});
  refused(w, {g[0], Tensor()}, m, {1, 1});
  refused(w, {g[0], sparse}, m, {1, 1});
  refused({w[0], simdgrad::ones({4}, kLong)}, g, m, {1, 1});
  refused(w, g, {m[0], simdgrad::zeros({3})}, {1, 1});
  const auto adam = [&](std::vector<int64_t> steps, const Tensors& top, bool amsgrad) {
    simdgrad::_fused_adam_(w, g, m, v, top, steps, 0.1, 0.9, 0.999, 0, 1e-8, amsgrad, false);
  };
  CHECK_THROWS_AS(adam({1}, {}, false), Error);
  CHECK_THROWS_AS(adam({1, 0}, {}, false), Error);
  CHECK_THROWS_AS(adam({1, 1}, {}, true), Error);
  CHECK_THROWS_AS(simdgrad::_fused_sgd_(w, g, {}, 0, 0.9, 0.1, 0, false, false, true), Error);
  for (const Tensor& x : w) CHECK(equal(x, ones_like(x)));
}

// Leaves that take a gradient are stepped outside the graph.
void check_leaves() {
  const Tensor w = simdgrad::ones({3}).requires_grad_();
  const Tensors self = {w}, g = {simdgrad::ones({3})};
  simdgrad::_fused_sgd_(self, g, {}, 0, 0, 0.5, 0, false, false, true);
  CHECK(w.is_leaf());
  CHECK(w.requires_grad());
  expect(w, kFloat, {3}, {0.5, 0.5, 0.5});
  simdgrad::_fused_sgd_({}, {}, {}, 0, 0, 0.5, 0, false, false, true);  // nothing to do
}

}  // namespace

void add_optimizer_cases(Table& table) {
  add_steps(table);
  table.add_special("refused optimizer steps", "", check_refusals);
  table.add_special("optimizer steps of leaves", "", check_leaves);
}

}  // namespace cases
