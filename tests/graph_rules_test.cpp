// What the graph promises whatever the operation: derivatives that are zero are there, retained
// gradients are the tensor's own, a leaf takes no gradient that is not its own, nothing leaks.
#include <simdgrad/autograd.h>
#include <simdgrad/embedding.h>
#include <simdgrad/function.h>
#include <simdgrad/gradcheck.h>
#include <simdgrad/losses.h>
#include <simdgrad/nn/functional.h>
#include <simdgrad/indexing.h>
#include <simdgrad/nn/layers.h>
#include <simdgrad/normalization.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/random.h>
#include <simdgrad/reductions.h>
#include <simdgrad/sparse.h>
#include <simdgrad/views.h>

#include <cmath>
#include <functional>
#include <thread>

#include "core/tensor_impl.h"
#include "core/testing_hooks.h"
#include "tests/catch.h"
#include "tests/describe.h"

using namespace simdgrad;
using autograd::variable_list;
namespace F = nn::functional;

namespace {

Tensor leaf(IntArrayRef sizes) { return ones(sizes, TensorOptions(kDouble).requires_grad(true)); }
Tensor gradient_of(const Tensor& y, const Tensor& x) {
  return autograd::grad({y}, {x}, {}, true, true)[0];
}

// As torch::autograd::Function that returns its input.
struct Same : autograd::Function<Same> {
  static Tensor forward(autograd::AutogradContext*, const Tensor& x) { return x; }
  static variable_list backward(autograd::AutogradContext*, variable_list dy) { return {dy[0] * 7}; }
};

}  // namespace

// --- derivatives that are zero -------------------------------------------------------------------

TEST_CASE("a gradient whose derivative is zero has it in the graph, as libtorch's", "[autograd]") {
  manual_seed(0);
  const Tensor x = randn({3, 4}, TensorOptions(kDouble).requires_grad(true));
  const Tensor classes = randint(4, {3}, kLong);
  const std::pair<const char*, std::function<Tensor()>> losses[] = {
      {"relu", [&] { return x.relu().sum(); }},
      {"relu_", [&] { Tensor z = x * 1; return z.relu_().sum(); }},
      {"F::relu", [&] { return F::relu(x).sum(); }},
      {"nn::ReLU", [&] { return nn::ReLU()(x).sum(); }},
      {"abs", [&] { return x.abs().sum(); }},
      {"norm 1", [&] { return x.norm(1); }},
      {"norm inf", [&] { return x.norm(INFINITY); }},
      {"nll_loss", [&] { return nll_loss(x, classes); }},
      {"nll_loss without reduction", [&] { return nll_loss(x, classes, {}, kNone).sum(); }},
      {"F::nll_loss", [&] { return F::nll_loss(x, classes); }},
  };
  for (const auto& [name, loss] : losses) {
    INFO(name);
    const Tensor dx = gradient_of(loss(), x);
    REQUIRE(dx.requires_grad());
    const Tensor ddx = autograd::grad({dx.pow(2).sum()}, {x})[0];
    CHECK(ddx.sizes() == x.sizes());
    CHECK(ddx.abs().sum().item<double>() == 0);
    // A penalty of the gradient trains.
    const Tensor total = loss() + gradient_of(loss(), x).pow(2).sum();
    CHECK(autograd::grad({total}, {x})[0].equal(gradient_of(loss(), x)));
  }
  SECTION("of one input among several") {
    const Tensor weight = leaf({4}), bias = leaf({4});
    const Tensor y = layer_norm(x, {4}, weight, bias);
    const Tensor dbias = gradient_of(y.sum(), bias);
    REQUIRE(dbias.requires_grad());
    CHECK(autograd::grad({dbias.sum()}, {x})[0].abs().sum().item<double>() == 0);
  }
  SECTION("not where libtorch's has none") {
    CHECK_FALSE(gradient_of(x.sum(), x).requires_grad());
    CHECK_FALSE(gradient_of(x.clamp(-1, 1).sum(), x).requires_grad());
    CHECK_FALSE(gradient_of(x.amax(1).sum(), x).requires_grad());
    CHECK_FALSE(gradient_of(simdgrad::where(x > 0, x, zeros_like(x)).sum(), x).requires_grad());
  }
}

// --- retained gradients ---------------------------------------------------------------------------

TEST_CASE("a retained gradient is the tensor's own", "[autograd]") {
  const Tensor x = leaf({2}), dy = ones({2}, kDouble);
  Tensor z = x * 2;
  SECTION("of the root") {
    z.retain_grad();
    z.backward(dy, true);
    z.mutable_grad().zero_();
    CHECK(dy.equal(ones({2}, kDouble)));
  }
  SECTION("of the root, by inputs") {
    z.backward(dy, true, false, std::vector<Tensor>{z});
    z.mutable_grad().zero_();
    CHECK(dy.equal(ones({2}, kDouble)));
  }
  SECTION("of two tensors that pass on one gradient") {
    z.retain_grad();
    const Tensor y = z.view({2});
    y.retain_grad();
    y.sum().backward();
    z.mutable_grad().zero_();
    CHECK(y.grad().equal(ones({2}, kDouble)));
    CHECK(x.grad().equal(full({2}, 2, kDouble)));
  }
  SECTION("row-sparse") {
    const Tensor table = leaf({5, 2}), w = table * 1;
    w.retain_grad();
    for (int i = 0; i < 2; ++i) embedding(w, tensor({i, 3}), -1, false, true).sum().backward({}, true);
    CHECK(w.grad().is_sparse());
    CHECK(w.grad().to_dense().sum().item<double>() == 8);
    (w * 1).sum().backward();
    CHECK_FALSE(w.grad().is_sparse());
  }
}

TEST_CASE("threads that share a retained intermediate lose nothing", "[autograd][threads]") {
  constexpr int kThreads = 8, kRounds = 20;
  const Tensor x = leaf({3});
  const Tensor z = x * 2;
  z.retain_grad();
  const Tensor y = (z * 3).sum();
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < kRounds; ++i) y.backward({}, true);
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(z.grad().equal(full({3}, 3 * kThreads * kRounds, kDouble)));
  CHECK(x.grad().equal(full({3}, 6 * kThreads * kRounds, kDouble)));
}

// --- what a leaf takes ----------------------------------------------------------------------------

TEST_CASE("after set_data a gradient of the old shape or type is refused", "[autograd]") {
  const Tensor x = leaf({3});
  const Tensor y = (x * 2).sum();
  SECTION("another shape") {
    x.set_data(ones({2}, kDouble));
    CHECK_ERROR(y.backward(),
                "AccumulateGrad: got a gradient of type CPUDoubleType and sizes [3] for a leaf of dtype "
                "Double and sizes [2]; set_data changed the leaf after the forward");
  }
  SECTION("another dtype") {
    x.set_data(ones({3}, kFloat));
    CHECK_ERROR(y.backward(),
                "AccumulateGrad: got a gradient of type CPUDoubleType and sizes [3] for a leaf of dtype "
                "Float and sizes [3]; set_data changed the leaf after the forward");
  }
  SECTION("the same") {
    x.set_data(zeros({3}, kDouble));
    y.backward();
    CHECK(x.grad().equal(full({3}, 2, kDouble)));
  }
  CHECK_ERROR(x.set_data(ones({3}, kLong)),
              "data set to a tensor that requires gradients must be floating point or complex dtype");
}

TEST_CASE("sparse gradients that meet: libtorch's order of entries", "[autograd][sparse]") {
  const auto lookup = [](const Tensor& table, std::vector<int64_t> ids) {
    return embedding(table, tensor(ids), -1, false, true);
  };
  const auto ids_of = [](const Tensor& table) {
    const Tensor ids = table.grad()._indices().contiguous();
    return std::vector<int64_t>(ids.data_ptr<int64_t>(), ids.data_ptr<int64_t>() + ids.numel());
  };
  const Tensor table = leaf({6, 2});
  SECTION("expanded ones are appended, what comes later first") {
    const Tensor first = lookup(table, {4, 1, 4}).sum(), second = lookup(table, {0, 4, 5}).sum();
    (first + second).backward();
    CHECK(ids_of(table) == std::vector<int64_t>{4, 1, 4, 0, 4, 5});
  }
  SECTION("whole ones merge") {
    const Tensor first = lookup(table, {4, 1, 4}).pow(2).sum();
    const Tensor second = lookup(table, {0, 4, 5}).pow(2).sum();
    (first + second).backward();
    CHECK(ids_of(table) == std::vector<int64_t>{0, 4, 1, 4, 5});
  }
  SECTION("of two backwards the first is first") {
    lookup(table, {4, 1, 4}).sum().backward();
    lookup(table, {0, 4, 5}).sum().backward();
    CHECK(ids_of(table) == std::vector<int64_t>{4, 1, 4, 0, 4, 5});
  }
  SECTION("one row is coalesced, two are not") {
    lookup(table, {3}).sum().backward();
    CHECK(table.grad().is_coalesced());
    table.mutable_grad().reset();
    lookup(table, {3, 3}).sum().backward();
    CHECK_FALSE(table.grad().is_coalesced());
  }
}

// --- custom functions that return their input ------------------------------------------------------

TEST_CASE("a function that returns its input", "[autograd]") {
  const Tensor x = leaf({2});
  SECTION("has its own gradient") {
    const Tensor y = Same::apply(x);
    CHECK_FALSE(y.is_same(x));
    CHECK(y.is_view());
    y.sum().backward();
    CHECK(x.grad().equal(full({2}, 7, kDouble)));
  }
  SECTION("under no_grad it has none") {
    const NoGradGuard no_grad;
    const Tensor y = Same::apply(x);
    CHECK_FALSE(y.requires_grad());
    CHECK(y.is_leaf());
    CHECK_FALSE(y.is_view());
  }
  SECTION("of a plain tensor it is a view that may be changed") {
    Tensor plain = ones({2}, kDouble);
    Tensor y = Same::apply(plain);
    y.mul_(2);
    CHECK(plain.equal(full({2}, 2, kDouble)));
  }
}

// --- lifetimes --------------------------------------------------------------------------------------

TEST_CASE("a long chain of leaves, each kept by the next one's hook, goes", "[autograd]") {
  const LiveCounts before = live_counts();
  {
    Tensor last = leaf({1});
    for (int i = 0; i < 300000; ++i) {
      Tensor next = leaf({1});
      next.register_hook([kept = last](const Tensor&) {});
      last = next;
    }
  }
  {
    Tensor last = leaf({1});  // and a chain of grads
    for (int i = 0; i < 300000; ++i) {
      Tensor next = leaf({1});
      next.mutable_grad() = last;
      last = next;
    }
  }
  CHECK(live_counts().tensors == before.tensors);
}

TEST_CASE("an in-place operation that finds no memory leaves no trace", "[autograd]") {
  const std::pair<const char*, std::function<void(Tensor&, const Tensor&)>> operations[] = {
      {"copy_", [](Tensor& y, const Tensor& p) { y.copy_(p); }},
      {"fill_", [](Tensor& y, const Tensor& p) { y.fill_(p.sum().detach()); }},
      {"zero_", [](Tensor& y, const Tensor&) { y.zero_(); }},
      {"mul_", [](Tensor& y, const Tensor& p) { y.mul_(p); }},
      {"relu_", [](Tensor& y, const Tensor&) { y.relu_(); }},
      {"clamp_", [](Tensor& y, const Tensor&) { y.clamp_(0, 0.5); }},
      {"index_add_", [](Tensor& y, const Tensor& p) { y.index_add_(0, tensor({1, 0}), p); }},
      {"scatter_add_",
       [](Tensor& y, const Tensor& p) { y.scatter_add_(0, zeros({2, 3}, kLong), p); }},
      {"index_put_", [](Tensor& y, const Tensor& p) { y.index_put_({indexing::TensorIndex(tensor({1}))}, p[0]); }},
      {"masked_fill_", [](Tensor& y, const Tensor&) { y.masked_fill_(ones({2, 3}, kBool), 2); }},
  };
  for (const bool of_view : {false, true})
    for (const auto& [name, operation] : operations) {
      INFO(name << (of_view ? " on a view" : ""));
      for (int64_t n = 1;; ++n) {
        const LiveCounts before = live_counts();
        bool failed = false;
        {
          const Tensor x = leaf({2, 3}), p = leaf({2, 3}) * 3;
          const Tensor base = x * 2;
          Tensor y = of_view ? base.view({2, 3}) : base;
          const int64_t version = y._version();
          const std::string numbers = testing::bytes(y);
          const std::string name_before = y.grad_fn()->name();
          testing::fail_allocation(n, false);
          try {
            operation(y, p);
          } catch (const Error&) {
            failed = true;
          }
          failed |= testing::allocation_failed();
          testing::fail_allocation(0, false);
          // Where only the view's own history was not found memory for, it is made when asked for.
          if (failed && y._version() == version) {
            CHECK(testing::bytes(y) == numbers);
            CHECK(y.grad_fn()->name() == name_before);
          }
          y.sum().backward();
          CHECK(x.grad().defined());
        }
        CHECK(live_counts().tensors == before.tensors);
        CHECK(live_counts().nodes == before.nodes);
        if (!failed) break;
        REQUIRE(n < 100);
      }
    }
}

// --- operands that are changed themselves --------------------------------------------------------

TEST_CASE("an operand that shows the numbers that are changed keeps no graph alive", "[autograd]") {
  const LiveCounts before = live_counts();
  {
    using Change = std::function<Tensor(Tensor&)>;
    for (const Change& change : std::vector<Change>{
             [](Tensor& x) { return x.mul_(x); },
             [](Tensor& x) { return x.div_(x.view({2})); },
             [](Tensor& x) { return x.pow_(x.numpy_T()); },
             [](Tensor& x) { return x *= x; },
             [](Tensor& x) { return x.select(0, 0).mul_(x.select(0, 1)); },
         }) {
      Tensor x = leaf({2}) * 2;
      change(x);
      CHECK_THROWS_AS(x.sum().backward(), Error);  // modified by an inplace operation
    }
    const Tensor values = leaf({2});
    Tensor s = sparse_coo_tensor(tensor({{0, 2}}), values * 2, {4});
    s.mul_(s);
    CHECK(gradient_of(s.to_dense().sum(), values).equal(ones({2}, kDouble) * 8));
  }
  const LiveCounts after = live_counts();
  CHECK(after.tensors == before.tensors);
  CHECK(after.nodes == before.nodes);
}

TEST_CASE("integers never require grad, whatever is put into them", "[autograd]") {
  const Tensor number = leaf({});
  const Tensor mask = tensor({true, false, true});
  Tensor integers = tensor({1, 2, 3});
  CHECK_THROWS_WITH(integers.masked_fill(mask, number), Equals("Autograd not support dtype: Long"));
  integers.masked_fill_(mask, number).fill_(number).copy_(number).index_put_({0}, number);
  CHECK_FALSE(integers.requires_grad());
}

TEST_CASE("set_data of a tensor to itself", "[autograd]") {
  for (const Tensor& x : {ones({2, 3}), zeros({3, 1, 4, 1, 5, 1})}) {
    const std::vector<int64_t> sizes = x.sizes().vec();
    x.set_data(x);
    CHECK(x.sizes().vec() == sizes);
    CHECK(x.sum().defined());
  }
}

TEST_CASE("edges are counted", "[autograd]") {
  const Tensor y = leaf({2}) * leaf({2});
  CHECK(y.grad_fn()->next_edge(1).function != nullptr);
  CHECK_THROWS_WITH(y.grad_fn()->next_edge(2),
                    Equals("next_edge: got 2, MulBackward0 has 2 next edges"));
}

TEST_CASE("gradcheck puts back what it changed, whatever the function does", "[autograd]") {
  const Tensor x = full({}, 0.25, TensorOptions(kDouble).requires_grad(true));
  for (int last : {2, 3}) {
    int calls = 0;
    const auto function = [&](const variable_list& in) -> variable_list {
      if (++calls == last) SIMDGRAD_THROW("stop");
      return {in[0].tanh()};
    };
    CHECK_THROWS_WITH(gradcheck(function, {x}), Equals("stop"));
    CHECK(x.item<double>() == 0.25);
  }
  int calls = 0;
  const auto growing = [&](const variable_list& in) {
    return variable_list(static_cast<size_t>(++calls), in[0].tanh());
  };
  CHECK_THROWS_WITH(gradcheck(growing, {x}), StartsWith("gradcheck: the function returned 2 outputs"));
  CHECK_THROWS_AS(gradcheck({}, {x}), Error);
  CHECK_THROWS_AS(gradgradcheck({}, {x}), Error);
}
