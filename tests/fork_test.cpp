// Forks in the middle of what other threads do. A child has one thread; whatever it asks of the library
// must come back: no lock that another thread held in the parent may be waited for.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <simdgrad/simdgrad.h>

#include "core/tensor_impl.h"
#include "tests/catch.h"
#include "tests/machine_settings.h"
#include "tests/self_process.h"

namespace {

using namespace simdgrad;

// The instruction set does not matter here: one of the suite's runs forks them all.
int children() {
  const char* const isa = std::getenv("SIMDGRAD_ISA");
  return isa == nullptr || std::string(isa) == "sse2" || std::string(isa) == "neon" ? 200 : 20;
}
constexpr auto kBound = std::chrono::seconds(10);  // a child's work takes about a millisecond

// In a sanitizer's build its own locks are not ready for this.
#if defined(SIMDGRAD_SANITIZED)
#define SKIP_IF_SANITIZED() return
#else
#define SKIP_IF_SANITIZED() (void)0
#endif

// What the child has to do; the bits of what went wrong.
int use_everything() {
  int wrong = 0;
  const Tensor drawn = rand({700});
  if (drawn.lt(0).any().item<bool>() || drawn.ge(1).any().item<bool>()) wrong |= 1;
  for (const int64_t size : {1, 20, 3000, 800000}) {
    const Tensor x = ones({size});
    if ((x + x).sum().item<double>() != 2.0 * static_cast<double>(size)) wrong |= 2;
  }
  const Tensor w = full({40, 30}, 0.5).requires_grad_(), x = ones({20, 40});
  mm(x, w).sum().backward();
  if (w.grad().ne(20).any().item<bool>()) wrong |= 4;
  memory_stats();
  empty_cache();
  return wrong;
}

// Threads of the child take the places of those that the parent had.
int use_threads() {
  int wrong = 0;
  for (int i = 0; i < 4; ++i)
    std::thread([&wrong] {
      if (ones({100}).mul(2).sum().item<double>() != 200) wrong |= 8;
    }).join();
  live_counts();
  return wrong;
}

// "" when the child came back in time and said 0.
std::string end_of(pid_t child) {
  const auto deadline = std::chrono::steady_clock::now() + kBound;
  int status = 0;
  for (;;) {
    const pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) break;
    if (ended < 0) return "waitpid failed";
    if (std::chrono::steady_clock::now() > deadline) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      return "hung";
    }
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  if (WIFSIGNALED(status)) return "was ended by signal " + std::to_string(WTERMSIG(status));
  return WEXITSTATUS(status) == 0 ? "" : "exit status " + std::to_string(WEXITSTATUS(status));
}

// Forks while other threads repeat `busy`; the first child that failed.
std::string fork_beside(const std::function<void()>& busy, int threads,
                        const std::function<int()>& in_child) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> others;
  for (int t = 0; t < threads; ++t)
    others.emplace_back([&] {
      while (!stop) busy();
    });
  std::string problem;
  for (int i = 0; i < children() && problem.empty(); ++i) {
    const pid_t child = fork();
    if (child == 0) _exit(in_child());
    problem = child < 0 ? "fork failed" : end_of(child);
    if (!problem.empty()) problem = "child " + std::to_string(i) + " " + problem;
  }
  stop = true;
  for (std::thread& other : others) other.join();
  return problem;
}

}  // namespace

TEST_CASE("a fork while others draw random numbers", "[threads]") {
  SKIP_IF_SANITIZED();
  CHECK(fork_beside([] { rand({10000}); }, 2, use_everything) == "");
}

// A child finds the generator between two calls, never within one.
TEST_CASE("a fork finds the generator between two draws", "[threads]") {
  SKIP_IF_SANITIZED();
  std::vector<Tensor> possible;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    Generator generator(seed);
    for (int draws = 0; draws < 3; ++draws) {
      possible.push_back(generator.get_state());
      rand({5000}, generator);
    }
  }
  manual_seed(0);
  const auto busy = [seed = uint64_t{0}]() mutable {
    manual_seed(seed++ % 4);
    rand({5000});
    rand({5000});
  };
  CHECK(fork_beside(busy, 1, [&] {
          const Tensor state = default_generator().get_state();
          for (const Tensor& other : possible)
            if (state.equal(other)) return 0;
          return 16;
        }) == "");
  manual_seed(0);
}

TEST_CASE("a fork while others allocate, and begin and end", "[threads]") {
  SKIP_IF_SANITIZED();
  const auto busy = [] {
    std::thread([] {
      for (const int64_t size : {1, 20, 3000, 400000})
        for (int i = 0; i < 20; ++i) empty({size});
    }).join();
    empty_cache();
  };
  CHECK(fork_beside(busy, 2, use_everything) == "");
}

TEST_CASE("a forked child's own threads begin and end", "[threads]") {
  SKIP_IF_SANITIZED();
  CHECK(fork_beside([] { ones({100}); }, 2, use_threads) == "");
}

TEST_CASE("a fork while others run regions", "[threads]") {
  SKIP_IF_SANITIZED();
  const testing::RestoreSettings restore;
  set_num_threads(3);
  const auto busy = [] { ones({400000}).mul(2).sum(); };
  CHECK(fork_beside(busy, 2, use_everything) == "");
}

TEST_CASE("a fork while others run backward", "[threads]") {
  SKIP_IF_SANITIZED();
  const auto busy = [] {
    const Tensor w = full({30, 30}, 0.1).requires_grad_();
    mm(mm(w, w).tanh(), w).square().sum().backward();
  };
  CHECK(fork_beside(busy, 2, use_everything) == "");
}

// Who runs a node, or adds to a leaf, locks it for that time.
TEST_CASE("a fork while others run backward through what the child uses", "[threads]") {
  SKIP_IF_SANITIZED();
  const Tensor w = ones({200, 200}).requires_grad_();
  const Tensor loss = w.exp().sum();
  CHECK(fork_beside([&] { loss.backward({}, true); }, 2,
                    [&] {
                      loss.backward({}, true);
                      return use_everything();
                    }) == "");
}

// What is made on first use is being made by another thread when the child is born: only a program that
// has not used it yet can show that. Each run of this case is such a program.
TEST_CASE("child: a fork at first use", "[.]") {
  const int number = std::atoi(std::getenv("SIMDGRAD_TEST_FORK"));
  const auto delay = std::chrono::nanoseconds(number * 9970 % 50000);
  const int what = number % 3;
  if (what > 0) ones({3});
  if (what > 1) rand({3});
  std::atomic<bool> begun{false};
  std::thread other([&begun, what] {
    begun = true;
    if (what == 0) ones({3});
    if (what == 1) rand({3});
    if (what == 2) ones({800000}).mul(2);
  });
  while (!begun) {
  }
  const auto until = std::chrono::steady_clock::now() + delay;
  while (std::chrono::steady_clock::now() < until) {
  }
  const pid_t child = fork();
  if (child == 0) _exit(use_everything());
  const std::string problem = end_of(child);
  other.join();
  REQUIRE(problem == "");
}

TEST_CASE("a fork at the first use of memory, of random numbers, of threads", "[threads]") {
  SKIP_IF_SANITIZED();
  int failures = 0;
  for (int i = 0; i < children() && failures == 0; ++i) {
    INFO("program " << i);
    const int status =
        run_self("SIMDGRAD_TEST_FORK=" + std::to_string(i), "child: a fork at first use");
    CHECK(status == 0);
    failures += status != 0;
  }
}
