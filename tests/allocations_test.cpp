// A program of its own, with malloc and mmap that count (bench/count_allocations.cpp). Trains as users
// do, through the shared library; once warm, a step must not reach for the heap, in any thread.
#include <simdgrad/simdgrad.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <limits>
#include <new>

#include "tests/catch.h"

// Of bench/count_allocations.cpp: how often the heap was asked so far, operator new included.
extern "C" long bench_allocations();

namespace simdgrad {
namespace {

// How often the heap is asked in 50 steps after 20 that warm up: the least of three such windows. On a
// busy machine a worker thread may get its first task, and its caches, as late as in the second.
long requests_when_warm(const std::function<void()>& step) {
  for (int i = 0; i < 20; ++i) step();
  long least = std::numeric_limits<long>::max();
  for (int window = 0; window < 3 && least > 0; ++window) {
    const long before = bench_allocations();
    for (int i = 0; i < 50; ++i) step();
    least = std::min(least, bench_allocations() - before);
  }
  return least;
}

template <class Optimizer>
long requests_of_classifier(int64_t inputs, int64_t hidden, int64_t classes, int64_t batch) {
  nn::Sequential model(nn::Linear(inputs, hidden), nn::ReLU(), nn::Linear(hidden, classes));
  Optimizer optimizer(model->parameters(), 0.01);
  const Tensor x = randn({batch, inputs}), y = randint(classes, {batch}, kLong);
  return requests_when_warm([&] {
    optimizer.zero_grad();
    nn::functional::cross_entropy(model->forward(x), y).backward();
    optimizer.step();
  });
}

long requests_of_embedding(bool sparse) {
  nn::Embedding embedding(nn::EmbeddingOptions(10000, 64).sparse(sparse));
  nn::Linear linear(64, 1);
  optim::SGD of_table(embedding->parameters(), 0.1), of_rest(linear->parameters(), 0.1);
  const Tensor ids = randint(10000, {256, 4}, kLong), wanted = randn({256, 1});
  return requests_when_warm([&] {
    of_table.zero_grad();
    of_rest.zero_grad();
    nn::functional::mse_loss(linear->forward(embedding->forward(ids).sum(1)), wanted).backward();
    of_table.step();
    of_rest.step();
  });
}

}  // namespace

TEST_CASE("every way to the heap is counted") {
  const auto counted = [](const std::function<void()>& action) {
    const long before = bench_allocations();
    action();
    return bench_allocations() - before;
  };
  CHECK(counted([] {}) == 0);
  CHECK(counted([] {
          void* volatile block = malloc(100);  // or the compiler leaves out the pair
          free(block);
        }) == 1);
  CHECK(counted([] { ::operator delete(::operator new(100)); }) == 1);
  CHECK(counted([] {
          ::operator delete(::operator new(100, std::align_val_t(64)), std::align_val_t(64));
        }) == 1);
  CHECK(counted([] {
          munmap(mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096);
        }) == 1);
  // The library's allocator ends there too when it has nothing kept: a table of its own size.
  CHECK(counted([] { empty({(1 << 23) + 12345}); }) > 0);
}

TEST_CASE("a warm training step asks the heap for nothing") {
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    manual_seed(0);
    INFO(threads << " threads");
    CHECK(requests_of_classifier<optim::SGD>(16, 16, 4, 32) == 0);
    CHECK(requests_of_classifier<optim::Adam>(16, 16, 4, 32) == 0);
    CHECK(requests_of_classifier<optim::SGD>(784, 128, 10, 64) == 0);
    CHECK(requests_of_classifier<optim::Adam>(784, 128, 10, 64) == 0);
    CHECK(requests_of_embedding(true) == 0);
    CHECK(requests_of_embedding(false) == 0);
  }
}

}  // namespace simdgrad
