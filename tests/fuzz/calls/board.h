// What the parent and its workers share: where each worker is, and what has been counted.
#pragma once

#include <atomic>
#include <cstdint>

namespace fuzz {

constexpr int kMostWorkers = 64;
constexpr int kMostSignatures = 8192;

struct WorkerState {
  std::atomic<uint64_t> number{0};  // of the call it makes, counted from 1; 0 for none yet
  std::atomic<uint32_t> signature{0};
  std::atomic<uint32_t> phase{0};
  std::atomic<int64_t> began_ns{0};      // by the clock on the wall
  std::atomic<int64_t> began_cpu_ns{0};  // by the worker's own time
};

struct SignatureCounts {
  std::atomic<uint32_t> calls{0};
  std::atomic<uint32_t> returned{0};  // no Error
  std::atomic<uint32_t> backward{0};  // came to an end
  std::atomic<uint32_t> died{0};      // crashes and hangs
  std::atomic<bool> is_given_up{false};
};

// In memory that fork shares.
struct Board {
  WorkerState workers[kMostWorkers];
  SignatureCounts counts[kMostSignatures];
};
static_assert(std::atomic<uint64_t>::is_always_lock_free);

}  // namespace fuzz
