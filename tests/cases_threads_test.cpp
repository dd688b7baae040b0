// The same bits with 1, 2, 3 and 16 threads, for shapes that really run in parallel: default chunks
// and threshold. tests/cases_test.cpp does the same with every row, small, in tiny chunks.
#include <simdgrad/simdgrad.h>

#include <functional>
#include <string>
#include <vector>

#include "core/parallel.h"
#include "core/testing_hooks.h"
#include "tests/cases/driver.h"
#include "tests/catch.h"
#include "tests/machine_settings.h"

namespace {

using namespace simdgrad;
using Tensors = std::vector<Tensor>;

struct Outcome {
  std::string difference;  // "" if the bits are the same for every number of threads
  int threads[4] = {};     // the most that ran a chunk of one region, of 1, 2, 3, 16
};
constexpr int kThreads[] = {1, 2, 3, 16};

// Runs it with each number of threads. The rendezvous makes the threads of a region wait for each
// other, so that they are really that many, on any machine.
Outcome compare(const std::function<Tensors()>& run) {
  const testing::RestoreSettings restore;
  Outcome outcome;
  std::string one;
  for (int i = 0; i < 4; ++i) {
    set_num_threads(kThreads[i]);
    testing::set_rendezvous(kThreads[i]);
    const std::string now = cases::bits(run());
    outcome.threads[i] = testing::max_region_threads();
    if (i == 0) one = now;
    if (now != one)
      outcome.difference += "other bits with " + std::to_string(kThreads[i]) + " threads; ";
  }
  return outcome;
}

// In [-1, 1), made without a parallel region, which would count as one of the operation's.
Tensor numbers(IntArrayRef sizes, uint64_t seed, ScalarType dtype = kFloat) {
  return empty(sizes, dtype).uniform_(-1, 1, Generator(seed)).requires_grad_();
}
Tensor ids(int64_t limit, IntArrayRef sizes) { return randint(0, limit, sizes, Generator(3)); }

// The result of f and its gradients for a cotangent that differs from place to place.
template <class F>
Tensors with_gradients(F&& f, const Tensors& inputs) {
  const Tensor y = f(inputs);
  Tensors all = autograd::grad({y}, inputs, {numbers(y.sizes(), 99, y.scalar_type()).detach()});
  all.push_back(y.detach());
  return all;
}

struct Operation {
  const char* name;
  std::function<Tensors()> run;
  bool parallel = true;
};

using X = const Tensors&;

std::vector<Operation> pointwise() {
  const auto large = [](auto f, ScalarType dtype = kFloat) {
    return with_gradients(f, {numbers({600, 500}, 1, dtype), numbers({600, 500}, 2, dtype)});
  };
  return {
      {"pointwise",
       [=] { return large([](X x) { return tanh(x[0]) * x[1] + sigmoid(x[0]) / exp(x[1]); }); }},
      {"pointwise f64", [=] { return large([](X x) { return gelu(x[0]) - sin(x[1]); }, kDouble); }},
      {"operands of other strides",
       [=] { return large([](X x) {
               return x[0].view({500, 600}).t() * x[1];
             }); }},
      {"where", [=] { return large([](X x) { return where(x[0] > x[1], x[0], x[1]); }); }},
      {"broadcasting",
       [] {
         return with_gradients([](X x) { return (x[0] + x[1]) * x[2]; },
                               {numbers({600, 500}, 1), numbers({500}, 2), numbers({600, 1}, 3)});
       }},
      {"in place",
       [=] {
         return large([](X x) { return (x[0] * 1).mul_(x[1]).add_(x[1], 2).clamp_min_(0); });
       }},
      {"copy of a transposed tensor",
       [] {
         return with_gradients([](X x) { return x[0].t().contiguous().to(kDouble); },
                               {numbers({1400, 1500}, 1)});
       }},
      {"copy of a transposed tensor whose rows collide in the caches",
       [] {
         return with_gradients([](X x) { return x[0].t().contiguous().to(kDouble); },
                               {numbers({1024, 1100}, 1)});
       }},
      {"cat",
       [] {
         return with_gradients(
             [](X x) {
               return cat({x[0], x[1]}, 1);
             },
             {numbers({1400, 700}, 1), numbers({1400, 1500}, 2)});
       }},
  };
}

// Sizes of which each instruction set makes 16 blocks or more for 16 threads.
std::vector<Operation> products() {
  return {
      {"mm",
       [] {
         return with_gradients([](X x) { return mm(x[0], x[1]); },
                               {numbers({320, 320}, 1), numbers({320, 320}, 2)});
       }},
      {"mm f64",
       [] {
         return with_gradients([](X x) { return mm(x[0], x[1]); },
                               {numbers({320, 320}, 1, kDouble), numbers({320, 320}, 2, kDouble)});
       }},
      {"linear",
       [] {
         return with_gradients([](X x) { return linear(x[0], x[1], x[2]); },
                               {numbers({512, 784}, 1), numbers({128, 784}, 2), numbers({128}, 3)});
       }},
      {"linear to few classes",
       [] {
         return with_gradients([](X x) { return linear(x[0], x[1], x[2]); },
                               {numbers({30000, 300}, 1), numbers({10, 300}, 2), numbers({10}, 3)});
       }},
      {"bmm",
       [] {
         return with_gradients([](X x) { return bmm(x[0], x[1]); },
                               {numbers({64, 70, 65}, 1), numbers({64, 65, 60}, 2)});
       }},
  };
}

std::vector<Operation> reductions() {
  const auto long_row = [](auto f) { return with_gradients(f, {numbers({1000003}, 1)}); };
  const auto wide = [](auto f) { return with_gradients(f, {numbers({1000, 2000}, 1)}); };
  const auto matrix = [](auto f) { return with_gradients(f, {numbers({3000, 200}, 1)}); };
  return {
      {"sum", [=] { return long_row([](X x) { return x[0].sum(); }); }},
      {"mean", [=] { return long_row([](X x) { return x[0].mean(); }); }},
      {"max", [=] { return long_row([](X x) { return x[0].max(); }); }},
      {"norm", [=] { return long_row([](X x) { return x[0].norm(); }); }},
      {"var", [=] { return long_row([](X x) { return x[0].var(); }); }},
      {"sum of columns", [=] { return matrix([](X x) { return x[0].sum(0); }); }},
      {"sum of rows", [=] { return matrix([](X x) { return x[0].sum(1); }); }},
      {"var of columns",
       [=] { return matrix([](X x) { return x[0].var(IntArrayRef{0}, true); }); }},
      {"max of rows", [=] { return matrix([](X x) { return std::get<0>(x[0].max(1)); }); }},
      {"max of columns", [=] { return wide([](X x) { return std::get<0>(x[0].max(0)); }); }},
      {"logsumexp", [=] { return matrix([](X x) { return x[0].logsumexp(1); }); }},
      {"softmax", [=] { return matrix([](X x) { return x[0].softmax(1); }); }},
      {"softmax of columns", [=] { return wide([](X x) { return x[0].softmax(0); }); }},
      {"log_softmax", [=] { return matrix([](X x) { return x[0].log_softmax(1); }); }},
      {"cross entropy",
       [=] { return matrix([](X x) { return cross_entropy_loss(x[0], ids(200, {3000})); }); }},
      {"layer norm",
       [] {
         return with_gradients([](X x) { return layer_norm(x[0], {200}, x[1], x[2]); },
                               {numbers({3000, 200}, 1), numbers({200}, 2), numbers({200}, 3)});
       }},
  };
}

std::vector<Operation> rows() {
  const auto embedded = [](bool sparse) {
    return with_gradients(
        [=](X x) {
          return embedding(x[0], ids(5000, {200, 100}), -1, false, sparse);
        },
        {numbers({5000, 64}, 1)});
  };
  return {
      {"embedding", [=] { return embedded(false); }},
      {"sparse embedding", [=] { return embedded(true); }},
      {"index_select",
       [] {
         return with_gradients([](X x) { return x[0].index_select(0, ids(5000, {20000})); },
                               {numbers({5000, 64}, 1)});
       }},
      {"index_add",
       [] {
         return with_gradients([](X x) { return x[0].index_add(0, ids(5000, {20000}), x[1]); },
                               {numbers({5000, 64}, 1), numbers({20000, 64}, 2)});
       }},
  };
}

std::vector<Operation> random_numbers() {
  return {
      {"rand",
       [] {
         return Tensors{rand({300000}, Generator(1)), rand({300000}, Generator(1), kDouble)};
       },
       false},  // one stream, in order
      {"randn", [] { return Tensors{randn({300000}, Generator(1))}; }, false},
      {"dropout",
       [] {
         manual_seed(1);
         return with_gradients([](X x) { return dropout(x[0], 0.3, true); },
                               {numbers({600, 500}, 1)});
       }},
  };
}

Tensors adam_steps() {
  const Tensors w = {numbers({600, 500}, 1).detach()}, g = {numbers({600, 500}, 2).detach()};
  const Tensors m = {zeros({600, 500})}, v = {zeros({600, 500})};
  for (int64_t t = 1; t <= 3; ++t)
    _fused_adam_(w, g, m, v, {}, {t}, 0.1, 0.9, 0.999, 0.01, 1e-8, false, false);
  return {w[0], m[0], v[0]};
}

// 100 steps of a classifier of pictures; the weights.
Tensors train_classifier() {
  manual_seed(5);
  nn::Sequential model(nn::Linear(784, 128), nn::ReLU(), nn::Dropout(0.1), nn::Linear(128, 10));
  optim::Adam optimizer(model->parameters(), optim::AdamOptions(1e-3));
  const Tensor pictures = numbers({1024, 784}, 6).detach(), labels = ids(10, {1024});
  for (int64_t step = 0; step < 100; ++step) {
    const int64_t first = step % 8 * 128;
    optimizer.zero_grad();
    nn::functional::cross_entropy(model->forward(pictures.slice(0, first, first + 128)),
                                  labels.slice(0, first, first + 128))
        .backward();
    optimizer.step();
  }
  return model->parameters();
}

// 100 steps of a model over bags of words with row-sparse gradients; the weights.
Tensors train_sparse_embedding() {
  manual_seed(5);
  nn::Embedding words(nn::EmbeddingOptions(20000, 64).sparse(true));
  nn::Linear output(64, 8);
  optim::SGD of_words(words->parameters(), optim::SGDOptions(0.5));
  optim::SGD of_output(output->parameters(), optim::SGDOptions(0.1).momentum(0.9));
  const Tensor documents = ids(20000, {800, 60}), labels = ids(8, {800});
  for (int64_t step = 0; step < 100; ++step) {
    const int64_t first = step % 4 * 200;
    of_words.zero_grad();
    of_output.zero_grad();
    nn::functional::cross_entropy(output(words(documents.slice(0, first, first + 200)).mean(1)),
                                  labels.slice(0, first, first + 200))
        .backward();
    of_words.step();
    of_output.step();
  }
  return {words->weight, output->weight, output->bias};
}

// What must never be: a sum in as many pieces as there are threads.
Tensor sum_by_threads(const Tensor& x) {
  const int64_t pieces = get_num_threads(), n = x.numel();
  std::vector<float> sums(static_cast<size_t>(pieces), 0.0f);
  const float* values = x.data_ptr<float>();
  parallel_chunks(pieces, 1e9, [&](int64_t piece) {
    float sum = 0;
    for (int64_t i = n * piece / pieces; i < n * (piece + 1) / pieces; ++i) sum += values[i];
    sums[static_cast<size_t>(piece)] = sum;
  });
  float total = 0;
  for (float sum : sums) total += sum;
  return tensor(total);
}

}  // namespace

TEST_CASE("large shapes: the same bits for any number of threads", "[cases][threads]") {
  for (const auto& family : {pointwise(), products(), reductions(), rows(), random_numbers(),
                             std::vector<Operation>{{"adam", adam_steps}}})
    for (const Operation& operation : family) {
      INFO(operation.name);
      const Outcome outcome = compare(operation.run);
      CHECK(outcome.difference == "");
      // One thread runs inline, without a region.
      for (int i = 1; i < 4; ++i)
        CHECK(outcome.threads[i] == (operation.parallel ? kThreads[i] : 0));
    }
}

TEST_CASE("training: the same weights after 100 steps for any number of threads",
          "[cases][threads]") {
  for (const Operation& model : {Operation{"classifier", train_classifier},
                                 Operation{"sparse embedding", train_sparse_embedding}}) {
    INFO(model.name);
    const Outcome outcome = compare(model.run);
    CHECK(outcome.difference == "");
    for (int i = 1; i < 3; ++i) CHECK(outcome.threads[i] == kThreads[i]);
  }
}

TEST_CASE("large shapes: a split that depends on the threads is caught", "[cases][threads]") {
  const Tensor x = numbers({1000003}, 1).detach();
  const Outcome planted = compare([&] { return Tensors{sum_by_threads(x)}; });
  CHECK(planted.difference != "");
  CHECK(planted.threads[1] == 2);
  CHECK(planted.threads[2] == 3);
  CHECK(planted.threads[3] == 16);
  CHECK(compare([&] { return Tensors{x.sum()}; }).difference == "");
}
