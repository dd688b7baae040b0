// What a forked child finds. Only the thread that forked goes on in it, so whatever another thread held
// at that moment would stay taken for ever: around a fork every lock of the library is taken, in one
// order, and the child starts with all of them free and what they guard whole.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include <simdgrad/export.h>

namespace simdgrad::detail {

// Counts the forks that lead to this process. Locks that lie in objects without number (nodes of a
// graph) carry it: one taken in an earlier process is free.
SIMDGRAD_LOCAL extern constinit std::atomic<std::uint32_t> fork_generation;

// A mutex of an object of which there may be many, known to the fork handlers while it lives. While one
// is held, the heap may be used, but no other of these is made or taken.
class SIMDGRAD_LOCAL ForkMutex {
 public:
  ForkMutex();
  ~ForkMutex();
  ForkMutex(const ForkMutex&) = delete;
  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

 private:
  friend struct ForkHandlers;
  std::mutex mutex_;
  ForkMutex* previous_ = nullptr;
  ForkMutex* next_;
};

// The others, each defined where its lock is; those of the child mend what belonged to other threads.
SIMDGRAD_LOCAL void lock_live_counts();     // core/live_counts.cpp
SIMDGRAD_LOCAL void unlock_live_counts();
SIMDGRAD_LOCAL void keep_live_counts_of_this_thread();
SIMDGRAD_LOCAL void lock_large_blocks();    // core/large_blocks.cpp
SIMDGRAD_LOCAL void unlock_large_blocks();
SIMDGRAD_LOCAL void lock_heap();            // core/allocator.cpp
SIMDGRAD_LOCAL void unlock_heap();
SIMDGRAD_LOCAL void keep_cache_of_this_thread();
SIMDGRAD_LOCAL void leave_workers_behind();  // core/parallel.cpp

}  // namespace simdgrad::detail
