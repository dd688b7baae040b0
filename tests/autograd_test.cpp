// The graph: engine, hooks, in-place operations on views, custom functions.
#include <simdgrad/autograd.h>
#include <simdgrad/creation.h>
#include <simdgrad/gradcheck.h>
#include <simdgrad/function.h>
#include <simdgrad/linear_algebra.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/random.h>
#include <simdgrad/reductions.h>
#include <simdgrad/views.h>

#include <pthread.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "autograd/accumulate_grad.h"
#include "autograd/record.h"
#include "tests/catch.h"

using namespace simdgrad;
using autograd::variable_list;

namespace {

Tensor leaf(std::vector<double> values) {
  return tensor(values, TensorOptions(kDouble).requires_grad(true));
}
std::vector<double> numbers(const Tensor& x) {
  const Tensor dense = x.detach().to(kDouble).contiguous();
  return {dense.data_ptr<double>(), dense.data_ptr<double>() + dense.numel()};
}
std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what_without_backtrace();
  }
  return "no error";
}

// Every test gives back what it made.
struct LeakCheck {
  LiveCounts before = live_counts();
  ~LeakCheck() {
    CHECK(live_counts().tensors == before.tensors);
    CHECK(live_counts().nodes == before.nodes);
  }
};

// Runs f on a thread with a stack of 256 KiB.
template <class F>
void on_small_stack(F f) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256 * 1024);
  pthread_t thread;
  REQUIRE(pthread_create(
              &thread, &attributes,
              [](void* body) -> void* {
                (*static_cast<F*>(body))();
                return nullptr;
              },
              &f) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

}  // namespace

TEST_CASE("sizes of tensors and nodes", "[autograd]") {
  CHECK(sizeof(TensorImpl) + sizeof(Storage) <= 192);
  CHECK(sizeof(Node) <= 64);
  CHECK(sizeof(AccumulateGrad) <= 128);
}

TEST_CASE("gradients accumulate in leaves", "[autograd]") {
  const LeakCheck leaks;
  Tensor x = leaf({2, 3});
  (x * x).sum().backward();
  CHECK(numbers(x.grad()) == std::vector<double>{4, 6});
  (x * 3).sum().backward();
  CHECK(numbers(x.grad()) == std::vector<double>{7, 9});
  // The same input twice, and a diamond.
  x.mutable_grad().reset();
  const Tensor y = x + x;
  (y * y).sum().backward();
  CHECK(numbers(x.grad()) == std::vector<double>{16, 24});
}

TEST_CASE("accumulation is in place, and out of place under create_graph", "[autograd]") {
  const LeakCheck leaks;
  Tensor x = leaf({2});
  (x * x).backward();
  const Tensor first = x.grad();
  (x * x).backward();
  CHECK(x.grad().is_same(first));
  (x * x).backward({}, std::nullopt, true);
  CHECK_FALSE(x.grad().is_same(first));
  CHECK(numbers(first) == std::vector<double>{8});
  CHECK(numbers(x.grad()) == std::vector<double>{12});
  x.mutable_grad().reset();
}

TEST_CASE("a gradient that others see is not stolen", "[autograd]") {
  const LeakCheck leaks;
  Tensor x = leaf({1, 2});
  const Tensor dy = tensor({5.0, 6.0}, kDouble);
  x.view({2}).backward(dy);
  CHECK_FALSE(x.grad().is_alias_of(dy));
  x.mutable_grad().zero_();
  CHECK(numbers(dy) == std::vector<double>{5, 6});
}

TEST_CASE("backward twice", "[autograd]") {
  const LeakCheck leaks;
  Tensor x = leaf({2});
  Tensor y = (x.exp() * x).sum();
  y.backward({}, true);
  y.backward();
  CHECK(error_of([&] { y.backward(); }).find("Trying to backward through the graph a second time") == 0);
  // Without saved tensors there is nothing to free.
  Tensor z = (x + x).sum();
  z.backward();
  z.backward();
  // After the error the engine works as before.
  x.mutable_grad().reset();
  (x * 2).sum().backward();
  CHECK(numbers(x.grad()) == std::vector<double>{2});
}

TEST_CASE("grad() leaves grad alone and prunes", "[autograd]") {
  const LeakCheck leaks;
  Tensor x = leaf({3}), unused = leaf({1}), w = leaf({5});
  int calls = 0;
  Tensor y = x * w;
  w.register_hook([&](Tensor) { ++calls; });
  const variable_list g = autograd::grad({y * y}, {x});
  CHECK(numbers(g[0]) == std::vector<double>{150});
  CHECK_FALSE(x.grad().defined());
  CHECK(calls == 0);
  const Tensor z = x * x;
  CHECK_FALSE(autograd::grad({z}, {unused}, {}, true, false, true)[0].defined());
  CHECK(error_of([&] { autograd::grad({z}, {unused}, {}, true); }).find("element 0 of the differentiated Tensors") == 0);
  // Of a tensor in the middle of the graph, and of the output itself.
  const Tensor middle = x * 2;
  const Tensor end = middle * middle;
  const variable_list both = autograd::grad({end}, {middle, x, end});
  CHECK(numbers(both[0]) == std::vector<double>{12});
  CHECK(numbers(both[1]) == std::vector<double>{24});
  CHECK(numbers(both[2]) == std::vector<double>{1});
}

TEST_CASE("derivatives of any order", "[autograd]") {
  const LeakCheck leaks;
  Tensor x = leaf({2});
  Tensor y = x.pow(5);
  double factor = 1, value = 32;
  for (int order = 1; order <= 5; ++order) {
    y = autograd::grad({y.sum()}, {x}, {}, true, true)[0];
    factor *= 6 - order;
    value = factor * std::pow(2.0, 5 - order);
    CHECK(numbers(y)[0] == Approx(value));
  }
}

TEST_CASE("backward to some inputs only", "[autograd]") {
  const LeakCheck leaks;
  Tensor x = leaf({2}), w = leaf({3});
  const Tensor h = x * w;
  const Tensor y = h * h;
  const variable_list inputs = {w, h};
  y.backward({}, std::nullopt, false, TensorList(inputs));
  CHECK(numbers(w.grad()) == std::vector<double>{24});
  CHECK(numbers(h.grad()) == std::vector<double>{12});
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("grad mode belongs to the thread", "[autograd][threads]") {
  const LeakCheck leaks;
  Tensor x = leaf({2});
  {
    const NoGradGuard no_grad;
    CHECK_FALSE((x * x).requires_grad());
    std::thread([&] { CHECK((x * x).requires_grad()); }).join();
    {
      const AutoGradMode with_grad(true);
      CHECK((x * x).requires_grad());
    }
    CHECK_FALSE(GradMode::is_enabled());
  }
  try {
    const NoGradGuard no_grad;
    throw 1;
  } catch (int) {
  }
  CHECK(GradMode::is_enabled());
}

TEST_CASE("hooks run in order and may change the gradient", "[autograd]") {
  const LeakCheck leaks;
  Tensor x = leaf({2});
  Tensor y = x * 3;
  std::vector<double> seen;
  y.register_hook([&](Tensor g) { seen.push_back(g.item<double>()); });
  y.register_hook([](Tensor g) { return g * 10; });
  y.register_hook([&](Tensor g) { seen.push_back(g.item<double>()); });
  const unsigned removed = y.register_hook([&](Tensor) { seen.push_back(-1); });
  y.remove_hook(removed);
  y.retain_grad();
  x.register_hook([&](Tensor g) { seen.push_back(g.item<double>()); });
  y.backward();
  CHECK(seen == std::vector<double>{1, 10, 30});
  CHECK(numbers(y.grad()) == std::vector<double>{10});  // after the hooks
  CHECK(numbers(x.grad()) == std::vector<double>{30});
}

TEST_CASE("an exception in a hook leaves the graph usable", "[autograd]") {
  const LeakCheck leaks;
  Tensor x = leaf({2});
  Tensor y = x.exp() * x;
  bool fail = true;
  y.register_hook([&](Tensor) {
    if (fail) throw std::runtime_error("from a hook");
  });
  const Tensor z = (y * y).sum();
  CHECK_THROWS_AS(z.backward({}, true), std::runtime_error);
  fail = false;
  z.backward();
  const double e = std::exp(2.0);
  CHECK(numbers(x.grad())[0] == Approx(2 * (e * 2) * (e * 2 + e)));
}

TEST_CASE("in-place operations rebase the history", "[autograd]") {
  const LeakCheck leaks;
  Tensor x = leaf({2, 3});
  Tensor y = x * 2;
  y.mul_(x);
  y.add_(1);
  CHECK(y._version() == 2);
  y.sum().backward();
  CHECK(numbers(x.grad()) == std::vector<double>{8, 12});
  // A saved tensor that was changed.
  Tensor z = x.exp();
  Tensor w = z * z;
  z.add_(1);
  CHECK(error_of([&] { w.sum().backward(); }).find("one of the variables needed for gradient computation") == 0);
  // A refused operation leaves no trace.
  const int64_t version = x._version();
  CHECK(error_of([&] { x.add_(1); }) ==
        "a leaf Variable that requires grad is being used in an in-place operation.");
  CHECK(x._version() == version);
  CHECK(numbers(x) == std::vector<double>{2, 3});
}

TEST_CASE("views changed in place", "[autograd]") {
  const LeakCheck leaks;
  Tensor x = leaf({1, 2, 3, 4});
  Tensor y = x * 1;
  Tensor view = y.view({2, 2});
  view.select(0, 0).mul_(10);  // a view of a view changes the base
  CHECK(numbers(y) == std::vector<double>{10, 20, 3, 4});
  CHECK(y.grad_fn()->name() == "torch::autograd::CopySlices");
  CHECK(view.grad_fn()->name() == "AsStridedBackward0");
  (view * view).sum().backward();
  CHECK(numbers(x.grad()) == std::vector<double>{200, 400, 6, 8});
  // A value with a gradient of its own goes in.
  x.mutable_grad().reset();
  Tensor v = leaf({7});
  Tensor base = x * 1;
  base.slice(0, 1, 3).copy_(v.expand({2}));
  (base * tensor({1.0, 2.0, 3.0, 4.0}, kDouble)).sum().backward();
  CHECK(numbers(x.grad()) == std::vector<double>{1, 0, 0, 4});
  CHECK(numbers(v.grad()) == std::vector<double>{5});
  // A base without gradient takes one on.
  Tensor plain = zeros({3}, kDouble);
  Tensor part = plain.slice(0, 0, 2);
  part.add_(v.detach().requires_grad_(true).expand({2}));
  CHECK(plain.requires_grad());
}

TEST_CASE("the gradient of a gradient through a view changed in place", "[autograd]") {
  const LeakCheck leaks;
  Tensor x = leaf({2, 3});
  Tensor y = x * x;
  y.select(0, 0).mul_(x.select(0, 1));  // y = [x0^2 x1, x1^2]
  const Tensor dx = autograd::grad({y.sum()}, {x}, {}, true, true)[0];  // [2 x0 x1, x0^2 + 2 x1]
  CHECK(numbers(dx) == std::vector<double>{12, 10});
  const Tensor ddx = autograd::grad({dx.sum()}, {x})[0];  // [2 x1 + 2 x0, 2 x0 + 2]
  CHECK(numbers(ddx) == std::vector<double>{10, 6});
}

TEST_CASE("detach, data and set_data share or keep versions", "[autograd]") {
  const LeakCheck leaks;
  Tensor x = leaf({1, 2});
  Tensor alias = x.detach(), own = x.data();
  CHECK_FALSE(alias.requires_grad());
  alias.add_(1);
  CHECK(x._version() == 1);
  own.add_(1);
  CHECK(x._version() == 1);
  CHECK(numbers(x) == std::vector<double>{3, 4});
  x.set_data(tensor({9.0}, kDouble));
  CHECK(numbers(x) == std::vector<double>{9});
  CHECK(x.requires_grad());
  x.set_data(x.data());
  CHECK(numbers(x) == std::vector<double>{9});
}

TEST_CASE("a chain of a million operations", "[autograd]") {
  const LeakCheck leaks;
  on_small_stack([] {
    Tensor w = full({1}, 1.0000001, TensorOptions().requires_grad(true));
    Tensor x = full({1}, 2.0);
    for (int i = 0; i < 1000000; ++i) x = x * w;
    x.backward();
    CHECK(w.grad().item<double>() > 1e6);
    // And one that is dropped without backward.
    x = full({1}, 2.0);
    for (int i = 0; i < 1000000; ++i) x = x + w;
    x.reset();
    // Views and in-place operations.
    Tensor y = w * 1;
    for (int i = 0; i < 100000; ++i) y = y.view({1});
    y.backward();
    Tensor z = w * 1;
    for (int i = 0; i < 100000; ++i) z.add_(w);
    z.backward();
  });
}

namespace {

struct Scale : autograd::Function<Scale> {
  static Tensor forward(autograd::AutogradContext* ctx, const Tensor& x, double factor) {
    ctx->saved_data["factor"] = factor;
    ctx->save_for_backward({x});
    CHECK_FALSE(GradMode::is_enabled());
    return x * factor;
  }
  static variable_list backward(autograd::AutogradContext* ctx, variable_list dy) {
    const variable_list saved = ctx->get_saved_variables();
    CHECK(saved[0].defined());
    return {dy[0] * ctx->saved_data["factor"].toDouble(), Tensor()};
  }
};

struct Cube : autograd::Function<Cube> {
  static Tensor forward(autograd::AutogradContext* ctx, const Tensor& x) {
    const Tensor y = x * x * x;
    ctx->save_for_backward({x, y});
    return y;
  }
  static variable_list backward(autograd::AutogradContext* ctx, variable_list dy) {
    const variable_list saved = ctx->get_saved_variables();
    CHECK(saved[1].numel() == saved[0].numel());
    return {dy[0] * 3 * saved[0] * saved[0]};
  }
};

struct TwoOutputs : autograd::Function<TwoOutputs> {
  static variable_list forward(autograd::AutogradContext* ctx, const variable_list& x) {
    const Tensor index = x[0].gt(0);
    ctx->mark_non_differentiable({index});
    return {x[0] + x[1], x[0] * 2, index};
  }
  static variable_list backward(autograd::AutogradContext*, variable_list dy) {
    return {dy[0] + dy[1] * 2, dy[0]};
  }
};

struct WrongCount : autograd::Function<WrongCount> {
  static Tensor forward(autograd::AutogradContext*, const Tensor& x) { return x * 2; }
  static variable_list backward(autograd::AutogradContext*, variable_list dy) { return {dy[0], dy[0]}; }
};

struct WrongShape : autograd::Function<WrongShape> {
  static Tensor forward(autograd::AutogradContext*, const Tensor& x) { return x * 2; }
  static variable_list backward(autograd::AutogradContext*, variable_list) {
    return {ones({7}, kDouble)};
  }
};

struct DoubleInPlace : autograd::Function<DoubleInPlace> {
  static Tensor forward(autograd::AutogradContext* ctx, Tensor x) {
    ctx->mark_dirty({x});
    x.mul_(2);
    return x;
  }
  static variable_list backward(autograd::AutogradContext*, variable_list dy) { return {dy[0] * 2}; }
};

// Backward that runs backward: depth levels of it.
struct Nested : autograd::Function<Nested> {
  static Tensor forward(autograd::AutogradContext* ctx, const Tensor& x, int64_t depth) {
    ctx->saved_data["depth"] = depth;
    return x * 1;
  }
  static variable_list backward(autograd::AutogradContext* ctx, variable_list dy) {
    const int64_t depth = ctx->saved_data["depth"].toInt();
    if (depth > 0) {
      const AutoGradMode with_grad(true);
      Tensor x = ones({1}, TensorOptions(kDouble).requires_grad(true));
      Nested::apply(x, depth - 1).backward();
      CHECK(x.grad().item<double>() == 1);
    }
    return {dy[0], Tensor()};
  }
};

}  // namespace

TEST_CASE("custom functions", "[autograd]") {
  const LeakCheck leaks;
  Tensor x = leaf({2, 3});
  Tensor y = Scale::apply(x, 4.0);
  CHECK(y.grad_fn()->name().find("torch::autograd::CppNode<") == 0);
  y.sum().backward();
  CHECK(numbers(x.grad()) == std::vector<double>{4, 4});
  CHECK(error_of([&] { y.sum().backward(); }).find("Trying to backward") == 0);

  const Tensor dx = autograd::grad({Cube::apply(x).sum()}, {x}, {}, true, true)[0];
  CHECK(numbers(dx) == std::vector<double>{12, 27});
  CHECK(numbers(autograd::grad({dx.sum()}, {x})[0]) == std::vector<double>{12, 18});

  Tensor w = leaf({5, 5});
  const variable_list many = TwoOutputs::apply(variable_list{x, w});
  CHECK_FALSE(many[2].requires_grad());
  CHECK(numbers(autograd::grad({many[1].sum()}, {x}, {}, true)[0]) == std::vector<double>{2, 2});
  CHECK(numbers(autograd::grad({many[0].sum()}, {w})[0]) == std::vector<double>{1, 1});

  CHECK(error_of([&] { WrongCount::apply(x).sum().backward(); }).find(
            "returned an incorrect number of gradients (expected 1, got 2)") != std::string::npos);
  CHECK(error_of([&] { WrongShape::apply(x).sum().backward(); }).find(
            "returned an invalid gradient at index 0 - got [7] but expected shape compatible with [2]") !=
        std::string::npos);
  Tensor h = x * 1;
  Tensor same = DoubleInPlace::apply(h);
  CHECK(same.is_same(h));
  CHECK(h._version() > 0);
  CHECK(numbers(autograd::grad({h.sum()}, {x})[0]) == std::vector<double>{2, 2});
}

TEST_CASE("backward inside backward, thousands deep", "[autograd]") {
  const LeakCheck leaks;
  Tensor x = leaf({1});
  Nested::apply(x, int64_t{2000}).backward();
  CHECK(numbers(x.grad()) == std::vector<double>{1});
}

TEST_CASE("backward on many threads", "[autograd][threads]") {
  const LeakCheck leaks;
  // Separate graphs over one parameter: the sum is that of all threads.
  Tensor w = leaf({2, 3});
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t)
    threads.emplace_back([&w] {
      for (int i = 0; i < 50; ++i) (w * w).sum().backward();
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(numbers(w.grad()) == std::vector<double>{4 * 800, 6 * 800});
  // One graph, run by all.
  w.mutable_grad().reset();
  const Tensor shared = ((w * w).exp().log() * w).sum();
  threads.clear();
  for (int t = 0; t < 16; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) shared.backward({}, true);
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(numbers(w.grad())[0] == Approx(12 * 320));
  CHECK(numbers(w.grad())[1] == Approx(27 * 320));
}

TEST_CASE("tensors die on other threads than they were made", "[autograd][threads]") {
  const LeakCheck leaks;
  Tensor x = leaf({1, 2, 3});
  for (int round = 0; round < 20; ++round) {
    Tensor y = x;
    for (int i = 0; i < 100; ++i) y = (y * 1.01).sin();
    std::thread([moved = std::move(y)]() mutable { moved.reset(); }).join();
  }
}

TEST_CASE("gradcheck: a mismatch names an input that is not double", "[autograd]") {
  const Tensor x = full({3}, 1.5, kFloat).requires_grad_();
  CHECK_THROWS_WITH(gradcheck([](const variable_list& in) { return variable_list{in[0].pow(3)}; }, {x}),
                    ContainsSubstring("Jacobian mismatch for output 0 with respect to input 0") &&
                        ContainsSubstring("Input 0 is Float: "));
}
