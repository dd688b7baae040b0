// How many tensors and nodes are alive. Each thread counts what it makes minus what it destroys, so
// that counting costs one addition; the sum over all threads is what is asked for.
#pragma once

#include <atomic>
#include <cstdint>

namespace simdgrad {

struct LiveCounter {
  std::atomic<int64_t> tensors{0}, nodes{0};
  enum class State : uint8_t { kNew, kRegistered, kEnded } state = State::kNew;
  LiveCounter* next = nullptr;
};
extern constinit thread_local LiveCounter live_counter
    __attribute__((tls_model("initial-exec")));
// A thread's first and its last moments: registers the counter, or counts for the ended threads.
void count_slow(std::atomic<int64_t> LiveCounter::*which, int64_t change);

// Only this thread writes its counter: a load and a store, no locked addition.
inline void count_live(std::atomic<int64_t> LiveCounter::*which, int64_t change) {
  if (live_counter.state != LiveCounter::State::kRegistered) [[unlikely]] {
    count_slow(which, change);
    return;
  }
  std::atomic<int64_t>& counter = live_counter.*which;
  counter.store(counter.load(std::memory_order_relaxed) + change, std::memory_order_relaxed);
}
inline void count_tensor(int64_t change) { count_live(&LiveCounter::tensors, change); }
inline void count_node(int64_t change) { count_live(&LiveCounter::nodes, change); }

}  // namespace simdgrad
