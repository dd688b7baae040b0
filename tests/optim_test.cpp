// Optimizers: steps recorded from libtorch, row-sparse gradients, versions, state, refusals.

#include <simdgrad/simdgrad.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace torch = simdgrad;
#include "core/testing_hooks.h"
#include "tests/catch.h"
#include "tools/optim_cases.h"

using namespace simdgrad;
using namespace simdgrad::optim;

namespace {

Tensor leaf(std::vector<double> values, ScalarType dtype = kDouble) {
  return tensor(values, TensorOptions().dtype(dtype)).requires_grad_(true);
}

std::vector<double> numbers(const Tensor& given) {
  const Tensor flat = given.detach().to(kDouble).contiguous().view({-1});
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

// A weight [5, 3] whose row-sparse gradient holds the rows given, some of them twice.
Tensor sparse_leaf(std::vector<int64_t> ids) {
  Tensor weight = ones({5, 3}, TensorOptions().requires_grad(true));
  const Tensor rows = embedding(weight, tensor(ids), -1, false, true);
  rows.pow(2).sum().backward();
  return weight;
}

}  // namespace

TEST_CASE("steps are libtorch's") {
  std::ifstream file(std::string(SIMDGRAD_TEST_DATA) + "/optim_steps.tsv");
  REQUIRE(file.good());
  std::map<std::pair<std::string, int>, std::string> rows;
  for (std::string line; std::getline(file, line);) {
    if (line[0] == '#') continue;
    const size_t first = line.find('\t'), second = line.find('\t', first + 1);
    rows[{line.substr(0, first), std::stoi(line.substr(first + 1, second))}] =
        line.substr(second + 1);
  }
  size_t compared = 0;
  const auto compare = [&](const std::string& name, int step, const std::vector<Tensor>& w) {
    INFO(name << ", step " << step);
    REQUIRE(rows.count({name, step}));
    ++compared;
    std::istringstream words(rows.at({name, step}));
    for (const Tensor& parameter : w) {
      for (const double actual : numbers(parameter)) {
        std::string word;
        REQUIRE(words >> word);
        const double expected = std::strtod(word.c_str(), nullptr);
        CHECK(std::abs(actual - expected) <= 1e-13 * (1 + std::abs(expected)));
      }
    }
  };
  optim_cases::visit_all(compare);
  CHECK(compared == rows.size());
  // A dense gradient of the same lookups takes the same way.
  optim_cases::visit_sparse(false, compare);
}

TEST_CASE("a step bumps the versions of what it changes and records no graph") {
  const auto check = [](auto&& make) {
    Tensor w = leaf({1, 2}), idle = leaf({3});
    auto optimizer = make(std::vector<Tensor>{w, idle});
    const Tensor kept = (w * w).sum();
    (w * 3).sum().backward();
    const int64_t before = w._version(), idle_before = idle._version();
    optimizer.step();
    CHECK(w._version() == before + 1);
    CHECK(idle._version() == idle_before);
    CHECK(numbers(idle) == std::vector<double>{3});
    CHECK(w.is_leaf());
    CHECK(w.requires_grad());
    CHECK_FALSE(w.grad_fn());
    // A graph that saved the old values notices.
    CHECK_THROWS_WITH(kept.backward(), ContainsSubstring("modified by an inplace operation"));
  };
  check([](auto w) { return SGD(w, SGDOptions(0.1)); });
  check([](auto w) { return SGD(w, SGDOptions(0.1).momentum(0.9)); });
  check([](auto w) { return Adam(w, AdamOptions(0.1)); });
  check([](auto w) { return AdamW(w, AdamWOptions(0.1)); });

  Tensor sparse = sparse_leaf({1, 1, 4});
  SGD optimizer({sparse}, SGDOptions(0.1));
  const int64_t before = sparse._version();
  optimizer.step();
  CHECK(sparse._version() == before + 1);
}

TEST_CASE("defaults, options and groups") {
  const Tensor w = leaf({1});
  SGD sgd({w}, 0.5);
  CHECK(static_cast<SGDOptions&>(sgd.defaults()).lr() == 0.5);
  CHECK(SGDOptions(0.5) == static_cast<SGDOptions&>(sgd.param_groups()[0].options()));
  CHECK_FALSE(SGDOptions(0.5) == SGDOptions(0.5).momentum(0.1));
  Adam adam({w});
  const auto& options = static_cast<AdamOptions&>(adam.param_groups()[0].options());
  CHECK(options.lr() == 1e-3);
  CHECK(options.betas() == std::make_tuple(0.9, 0.999));
  CHECK(options.eps() == 1e-8);
  CHECK(options.weight_decay() == 0);
  CHECK_FALSE(options.amsgrad());
  AdamW adamw({w});
  CHECK(static_cast<AdamWOptions&>(adamw.defaults()).weight_decay() == 1e-2);

  // A group's options are its own; a group without takes the defaults.
  const Tensor v = leaf({2});
  sgd.add_param_group(OptimizerParamGroup({v}, std::make_unique<SGDOptions>(0.25)));
  const Tensor u = leaf({3});
  sgd.add_param_group(OptimizerParamGroup({u}));
  CHECK(sgd.param_groups().size() == 3);
  CHECK(sgd.param_groups()[1].options().get_lr() == 0.25);
  CHECK(sgd.param_groups()[2].options().get_lr() == 0.5);
  sgd.param_groups()[2].options().set_lr(0.125);
  CHECK(sgd.param_groups()[0].options().get_lr() == 0.5);
  CHECK(sgd.defaults().get_lr() == 0.5);
  CHECK(sgd.size() == 3);
  (w + v + u).sum().backward();
  sgd.step();
  CHECK(numbers(w) == std::vector<double>{0.5});
  CHECK(numbers(v) == std::vector<double>{1.75});
  CHECK(numbers(u) == std::vector<double>{2.875});
}

TEST_CASE("state, closure and zero_grad") {
  const Tensor w = leaf({1, 2}), idle = leaf({3});
  Adam adam({w, idle}, AdamOptions(0.1).amsgrad(true));
  CHECK(adam.state().empty());
  int calls = 0;
  Tensor loss;
  {
    const NoGradGuard no_grad;
    loss = adam.step([&] {
      ++calls;
      adam.zero_grad();
      Tensor sum = (w * 2).sum();
      sum.backward();  // grad mode is on again in here
      return sum;
    });
  }
  CHECK(calls == 1);
  CHECK(loss.item<double>() == 6);
  CHECK(adam.state().size() == 1);
  const auto& state = static_cast<AdamParamState&>(*adam.state().at(Optimizer::state_key(w)));
  CHECK(state.step() == 1);
  CHECK(numbers(state.exp_avg())[0] == Approx(0.2).epsilon(1e-14));
  CHECK(numbers(state.exp_avg_sq())[1] == Approx(0.004).epsilon(1e-14));
  CHECK(numbers(state.max_exp_avg_sq()) == numbers(state.exp_avg_sq()));
  const std::unique_ptr<OptimizerParamState> copy = state.clone();
  CHECK(static_cast<AdamParamState&>(*copy) == state);
  CHECK_FALSE(adam.step().defined());
  CHECK_FALSE(static_cast<AdamParamState&>(*copy).step() == state.step());

  CHECK(w.grad().defined());
  adam.zero_grad(false);
  CHECK(numbers(w.grad()) == std::vector<double>{0, 0});
  adam.zero_grad();
  CHECK_FALSE(w.grad().defined());

  SGD sgd({w}, SGDOptions(0.1).momentum(0.9));
  (w * 2).sum().backward();
  sgd.step();
  const auto& buffer =
      static_cast<SGDParamState&>(*sgd.state().at(Optimizer::state_key(w))).momentum_buffer();
  CHECK(numbers(buffer) == std::vector<double>{2, 2});
  CHECK_FALSE(buffer.requires_grad());
}

TEST_CASE("a refused step leaves everything as it was") {
  // The refusal comes from the last parameter; the first would have been stepped already.
  const auto refused = [](auto&& make, const std::string& text) {
    INFO(text);
    Tensor w = leaf({1, 2}, kFloat), sparse = sparse_leaf({1, 1, 4});
    auto optimizer = make(std::vector<Tensor>{w, sparse});
    (w * 3).sum().backward();
    const int64_t version = w._version(), sparse_version = sparse._version();
    CHECK_THROWS_WITH(optimizer.step(), Equals(text));
    CHECK(numbers(w) == std::vector<double>{1, 2});
    CHECK(numbers(sparse) == std::vector<double>(15, 1));
    CHECK(w._version() == version);
    CHECK(sparse._version() == sparse_version);
    CHECK(optimizer.state().empty());
    CHECK(numbers(w.grad()) == std::vector<double>{3, 3});
  };
  refused([](auto w) { return SGD(w, SGDOptions(0.1).weight_decay(0.1)); },
          "add(sparse, dense) is not supported. Use add(dense, sparse) instead.");
  refused([](auto w) { return SGD(w, SGDOptions(0.1).momentum(0.9).weight_decay(0.1)); },
          "add(sparse, dense) is not supported. Use add(dense, sparse) instead.");
  refused([](auto w) { return Adam(w); }, "Adam does not support sparse gradients");
  refused([](auto w) { return AdamW(w); }, "AdamW does not support sparse gradients");
}

TEST_CASE("a step that runs out of memory leaves the parameters as they were") {
  const auto check = [](auto&& make) {
    Tensor w = leaf({1, 2}), v = leaf(std::vector<double>(5000, 1));
    Tensor sparse = sparse_leaf({1, 1, 4});
    auto optimizer = make(std::vector<Tensor>{w, v, sparse});
    (w * 3).sum().backward();
    v.sum().backward();
    bool stepped = false;
    int failures = 0;
    for (int n = 1; !stepped && n < 100; ++n) {
      testing::fail_allocation(n, false);
      try {
        optimizer.step();
        stepped = true;
      } catch (const Error&) {
        ++failures;
      }
      testing::fail_allocation(0, false);
      if (stepped) break;
      INFO("allocation " << n);
      REQUIRE(numbers(w) == std::vector<double>{1, 2});
      REQUIRE(numbers(v) == std::vector<double>(5000, 1));
      REQUIRE(numbers(sparse) == std::vector<double>(15, 1));
    }
    CHECK(stepped);
    CHECK(failures > 0);
    CHECK(numbers(w)[0] == Approx(0.7).epsilon(1e-14));
  };
  check([](auto w) { return SGD(w, SGDOptions(0.1).momentum(0.9)); });
}

TEST_CASE("a row-sparse step touches the rows it has") {
  Tensor weight = sparse_leaf({1, 1, 4});
  SGD optimizer({weight}, SGDOptions(0.25));
  optimizer.step();
  // d (w^2) = 2 w; row 1 occurs twice.
  CHECK(numbers(weight) == std::vector<double>{1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, .5, .5, .5});
  CHECK(weight.grad().is_sparse());
  CHECK(optimizer.state().empty());

  // With momentum the buffer is row-sparse, with one entry for each row ever touched.
  SGD momentum({weight}, SGDOptions(0.25).momentum(0.5));
  for (const std::vector<int64_t>& ids : {std::vector<int64_t>{0, 0, 2}, {2, 3, 3}}) {
    momentum.zero_grad();
    embedding(weight, tensor(ids, TensorOptions().dtype(kLong)), -1, false, true).sum().backward();
    momentum.step();
  }
  const auto& buffer =
      static_cast<SGDParamState&>(*momentum.state().at(Optimizer::state_key(weight)))
          .momentum_buffer();
  CHECK(buffer.is_sparse());
  CHECK(buffer._nnz() == 3);
  CHECK(numbers(buffer.to_dense()) ==
        std::vector<double>{1, 1, 1, 0, 0, 0, 1.5, 1.5, 1.5, 2, 2, 2, 0, 0, 0});
}

TEST_CASE("a weight of any strides is stepped where it lies") {
  Tensor stored = arange(6, kDouble).view({2, 3});
  Tensor weight = stored.t().detach().requires_grad_(true);  // [3, 2]
  const auto step = [&](auto&& optimizer) {
    optimizer.zero_grad();
    (weight * 2).sum().backward();
    optimizer.step();
  };
  step(SGD({weight}, SGDOptions(0.5)));
  CHECK(numbers(stored) == std::vector<double>{-1, 0, 1, 2, 3, 4});
  step(Adam({weight}, AdamOptions(0.5)));
  CHECK(numbers(stored)[5] == Approx(3.5).epsilon(1e-7));
  CHECK(weight.strides() == IntArrayRef({1, 3}));
}

TEST_CASE("what a step would refuse on the way changes nothing") {
  const auto stepped = [](const auto& make_optimizer, const Tensor& second, const Tensor& gradient) {
    const Tensor first = ones({2, 2}).requires_grad_();
    first.mutable_grad() = ones({2, 2});
    second.mutable_grad() = gradient;
    auto optimizer = make_optimizer(std::vector<Tensor>{first, second});
    CHECK_THROWS_AS(optimizer.step(), Error);
    CHECK(first.detach().equal(ones({2, 2})));
    CHECK(first._version() == 0);
  };
  const auto all = [&](const auto& second, const Tensor& gradient) {
    stepped([](std::vector<Tensor> w) { return SGD(std::move(w), SGDOptions(.1)); }, second(), gradient);
    stepped([](std::vector<Tensor> w) { return Adam(std::move(w)); }, second(), gradient);
    stepped([](std::vector<Tensor> w) { return AdamW(std::move(w)); }, second(), gradient);
  };
  all([] { return ones({1, 2}).expand({2, 2}); }, ones({2, 2}));
  all([] { return ones({2, 2}, kLong); }, ones({2, 2}, kLong));
  // The fused steps of whole lists too.
  const Tensor a = zeros({2, 2}), b = zeros({1, 2}).expand({2, 2}), g = ones({2, 2});
  const std::vector<Tensor> self{a, b}, gradients{g, g};
  CHECK_THROWS_AS(_fused_sgd_(self, gradients, {}, 0, 0, 0.1, 0, false, false, false), Error);
  CHECK(a.equal(zeros({2, 2})));
}

TEST_CASE("sparse gradients and momentum that a step refuses change nothing") {
  // Indices of the second table that were written over.
  Tensor one = sparse_leaf({1, 3}), two = sparse_leaf({0, 2});
  const Tensor before = one.detach().clone();
  two.grad()._indices().data_ptr<int64_t>()[1] = 77;
  SGD sgd({one, two}, SGDOptions(.1));
  CHECK_THROWS_WITH(sgd.step(), Equals("size is inconsistent with indices: for dim 0, size is 5 but "
                                       "found index 77"));
  CHECK(one.detach().equal(before));
  // A dense gradient after a sparse one: libtorch's text.
  Tensor w = sparse_leaf({1}), other = leaf({1., 2.}, kFloat);
  other.mutable_grad() = ones({2});
  SGD with_momentum({other, w}, SGDOptions(.1).momentum(.9));
  with_momentum.step();
  const Tensor kept = other.detach().clone();
  w.mutable_grad() = ones({5, 3});
  CHECK_THROWS_WITH(with_momentum.step(), Equals("add(sparse, dense) is not supported. Use add(dense, "
                                                 "sparse) instead."));
  CHECK(other.detach().equal(kept));
}

TEST_CASE("options and states of another optimizer are refused") {
  const auto error_of = [](const auto& call) -> std::string {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "none";
  };
  const auto group = [] {
    std::vector<OptimizerParamGroup> groups;
    groups.emplace_back(std::vector<Tensor>{leaf({1.})}, std::make_unique<SGDOptions>(.1));
    return groups;
  };
  CHECK(error_of([&] { Adam{group()}; }) == "Adam: got options of another optimizer");
  CHECK(error_of([&] { AdamW{group()}; }) == "AdamW: got options of another optimizer");
  Tensor w = leaf({1.});
  w.mutable_grad() = ones({1}, kDouble);
  SGD sgd({w}, SGDOptions(.1).momentum(.9));
  sgd.state()[Optimizer::state_key(w)] = std::make_unique<AdamParamState>();
  CHECK(error_of([&] { sgd.step(); }) == "SGD: got a state of another optimizer");
  sgd.param_groups()[0].set_options(std::make_unique<AdamOptions>());
  CHECK(error_of([&] { sgd.step(); }) == "SGD: got options of another optimizer");
  CHECK(error_of([] { OptimizerParamGroup({leaf({1.})}).options(); }) ==
        "options: the group has none of its own");
}
