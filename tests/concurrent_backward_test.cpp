// Eight threads run backward at once, through what they share. All numbers are small integers, so that
// sums are exact in any order: one lost addition shows.
#include <simdgrad/simdgrad.h>

#include <atomic>
#include <iostream>
#include <thread>
#include <vector>

#include "core/tensor_impl.h"
#include "tests/catch.h"

namespace {

using namespace simdgrad;

constexpr int kThreads = 8, kRuns = 1000;

// Calls run(thread) on eight threads at once, kRuns times; prepare() before and check() after each, alone.
template <class Prepare, class Run, class Check>
void repeat(const Prepare& prepare, const Run& run, const Check& check) {
  std::atomic<int> begun{0}, done{0};
  const auto wait = [](const std::atomic<int>& count, int wanted) {
    while (count.load() < wanted) std::this_thread::yield();
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int round = 1; round <= kRuns; ++round) {
        wait(begun, round);
        run(t);
        ++done;
      }
    });
  for (int round = 1; round <= kRuns; ++round) {
    prepare();
    begun = round;
    wait(done, round * kThreads);
    check();
  }
  for (std::thread& thread : threads) thread.join();
}

// Whether every number is `value`.
bool all_are(const Tensor& x, double value) {
  return x.defined() && (x.is_sparse() ? x.to_dense() : x).detach().eq(value).all().item<bool>();
}

// The graphs of one run: what is shared, and a loss for each thread.
struct Graphs {
  Tensor leaf, shared;
  std::vector<Tensor> losses = std::vector<Tensor>(kThreads);

  // What threads 1 to 8 times their number add up to.
  static constexpr double kSum = kThreads * (kThreads + 1) / 2;

  void lose(const Tensor& of) {
    for (int t = 0; t < kThreads; ++t) losses[static_cast<size_t>(t)] = (of * (t + 1)).sum();
  }
  void backward(int t, bool retain) { losses[static_cast<size_t>(t)].backward({}, retain); }
};

struct Wrong {
  int runs = 0;
  void unless(bool right) { runs += !right; }
};

}  // namespace

TEST_CASE("eight backwards through one retained result", "[autograd][threads]") {
  const LiveCounts before = live_counts();
  {
    Graphs graphs;
    Wrong of_result, of_leaf;
    repeat(
        [&] {
          graphs.leaf = ones({3, 5}).requires_grad_();
          graphs.shared = (graphs.leaf * 1).square();  // saves a tensor
          graphs.shared.retain_grad();
          graphs.lose(graphs.shared);
        },
        [&](int t) { graphs.backward(t, true); },
        [&] {
          of_result.unless(all_are(graphs.shared.grad(), Graphs::kSum));
          of_leaf.unless(all_are(graphs.leaf.grad(), 2 * Graphs::kSum));
        });
    CHECK(of_result.runs == 0);
    CHECK(of_leaf.runs == 0);
  }
  CHECK(live_counts().tensors == before.tensors);
  CHECK(live_counts().nodes == before.nodes);
}

TEST_CASE("eight backwards into one leaf", "[autograd][threads]") {
  const LiveCounts before = live_counts();
  for (const bool fresh : {true, false}) {  // whether the leaf has its accumulator already
    Graphs graphs;
    graphs.leaf = ones({3, 5}).requires_grad_();
    Wrong of_leaf;
    repeat(
        [&] {
          if (fresh) graphs.leaf = ones({3, 5}).requires_grad_();
          graphs.leaf.mutable_grad().reset();
        },
        [&](int t) { (graphs.leaf * (t + 1)).sum().backward(); },
        [&] { of_leaf.unless(all_are(graphs.leaf.grad(), Graphs::kSum)); });
    CHECK(of_leaf.runs == 0);
  }
  CHECK(live_counts().tensors == before.tensors);
  CHECK(live_counts().nodes == before.nodes);
}

TEST_CASE("eight backwards of row-sparse gradients into one leaf", "[autograd][threads]") {
  Graphs graphs;
  graphs.leaf = ones({4, 5}).requires_grad_();
  const Tensor ids = arange(4, kLong);
  Wrong of_leaf;
  repeat([&] { graphs.leaf.mutable_grad().reset(); },
         [&](int t) {
           (embedding(graphs.leaf, ids, -1, false, t % 2 == 0) * (t + 1)).sum().backward();
         },
         [&] { of_leaf.unless(all_are(graphs.leaf.grad(), Graphs::kSum)); });
  CHECK(of_leaf.runs == 0);
}

TEST_CASE("eight backwards of one graph that is kept", "[autograd][threads]") {
  Graphs graphs;
  std::atomic<int> hook_calls{0};
  Wrong of_leaf, of_hook;
  repeat(
      [&] {
        graphs.leaf = ones({3, 5}).requires_grad_();
        const Tensor y = graphs.leaf.square();
        y.register_hook([&](const Tensor&) { ++hook_calls; });
        graphs.shared = (y * y + y).sum();
        hook_calls = 0;
      },
      [&](int) { graphs.shared.backward({}, true); },
      [&] {
        of_leaf.unless(all_are(graphs.leaf.grad(), 6 * kThreads));
        of_hook.unless(hook_calls == kThreads);
      });
  CHECK(of_leaf.runs == 0);
  CHECK(of_hook.runs == 0);
}
