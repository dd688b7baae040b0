// How the back ends of core/parallel.h hand a region to other threads. A worker that has run its part
// lingers: it watches for the next region before it goes back to sleep, since a training step is a row
// of short regions. oneTBB's own workers start on a chunk 8 us after it is there (median, a region
// right after another); one that lingers, within 0.3 us.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "core/function_ref.h"

namespace simdgrad::detail {

// How long a worker lingers, in nanoseconds: longer than what a step does between its regions.
inline constexpr std::int64_t kLinger = 100000;

inline void pause_thread() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

class Team {
 public:
  // Offers `participate` to participants - 1 workers and runs participate(0). recruit(n) is asked for
  // as many threads that call linger() as are missing, does not throw and returns how many it found.
  // False, and nothing has run, while another user thread has the team.
  template <class Recruit>
  bool run(int participants, FunctionRef<void(int)> participate, std::int64_t linger_nanoseconds,
           const Recruit& recruit) {
    if (taken_.exchange(true, std::memory_order_acquire)) return false;
    linger_.store(linger_nanoseconds, std::memory_order_relaxed);
    participate_ = &participate;
    const std::uint64_t wanted = static_cast<std::uint64_t>(participants - 1);
    const std::uint64_t open = ((offer_.load(std::memory_order_relaxed) >> kEpochShift) + 1)
                               << kEpochShift;
    // A worker that leaves counts itself out and looks once more: either it sees the offer, or it is
    // missed here.
    offer_.store(open | wanted << kWantedShift | wanted, std::memory_order_seq_cst);
    const int missing = participants - 1 - workers_.load(std::memory_order_seq_cst);
    if (missing > 0) {
      workers_.fetch_add(missing, std::memory_order_seq_cst);
      const int found = recruit(missing);
      if (found != missing) workers_.fetch_sub(missing - found, std::memory_order_seq_cst);
    }
    participate(0);
    // Who has not come by now is not waited for.
    offer_.fetch_and(~kLeftMask, std::memory_order_acq_rel);
    for (int spins = 0; running_.load(std::memory_order_acquire) != 0; ++spins) {
      if (spins < 2000) {
        pause_thread();
      } else {
        std::this_thread::yield();
      }
    }
    taken_.store(false, std::memory_order_release);
    return true;
  }

  // The worker's side; returns when there has been nothing to do for a while.
  void linger() {
    using Clock = std::chrono::steady_clock;
    Clock::time_point idle_since = Clock::now();
    for (unsigned looks = 1;; ++looks) {
      if (take_part()) {
        idle_since = Clock::now();
        looks = 0;
        continue;
      }
      pause_thread();
      if (looks % 32 != 0) continue;
      const std::int64_t idle =
          std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - idle_since).count();
      const std::int64_t limit = linger_.load(std::memory_order_relaxed);
      if (idle > limit / 4) std::this_thread::yield();
      if (idle < limit) continue;
      workers_.fetch_sub(1, std::memory_order_seq_cst);
      if ((offer_.load(std::memory_order_seq_cst) & kLeftMask) == 0) return;
      workers_.fetch_add(1, std::memory_order_seq_cst);
    }
  }

 private:
  // An offer: its number, how many workers it wants, how many of them are still to come.
  static constexpr int kWantedShift = 16, kEpochShift = 32;
  static constexpr std::uint64_t kLeftMask = (std::uint64_t{1} << kWantedShift) - 1;

  bool take_part() {
    std::uint64_t offer = offer_.load(std::memory_order_acquire);
    if ((offer & kLeftMask) == 0) return false;
    // Announced before it is taken, so that whoever closes the offer waits for it.
    running_.fetch_add(1, std::memory_order_acq_rel);
    const bool taken = offer_.compare_exchange_strong(offer, offer - 1, std::memory_order_acq_rel,
                                                      std::memory_order_relaxed);
    if (taken) {
      const std::uint64_t wanted = offer >> kWantedShift & kLeftMask;
      (*participate_)(static_cast<int>(wanted - (offer & kLeftMask)) + 1);
    }
    running_.fetch_sub(1, std::memory_order_acq_rel);
    return taken;
  }

  // Each on a line of its own: what the workers watch changes only with the regions.
  alignas(64) std::atomic<std::uint64_t> offer_{0};
  const FunctionRef<void(int)>* participate_ = nullptr;  // of the open offer
  std::atomic<std::int64_t> linger_{0};
  alignas(64) std::atomic<int> running_{0};  // workers inside a region
  alignas(64) std::atomic<int> workers_{0};  // threads that linger, or are asked to
  std::atomic<bool> taken_{false};
};

}  // namespace simdgrad::detail
