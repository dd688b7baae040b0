// The one place that registers fork handlers; see core/fork.h.
#include "core/fork.h"

#include <pthread.h>

namespace simdgrad::detail {

constinit std::atomic<std::uint32_t> fork_generation{0};

namespace {

// Never destroyed: a generator may outlive the static objects.
union ForkMutexes {
  struct List {
    std::mutex mutex;
    ForkMutex* first = nullptr;
  } list;
  constexpr ForkMutexes() : list() {}
  ~ForkMutexes() {}
};
constinit ForkMutexes fork_mutexes;

}  // namespace

ForkMutex::ForkMutex() {
  const std::lock_guard lock(fork_mutexes.list.mutex);
  next_ = fork_mutexes.list.first;
  if (next_) next_->previous_ = this;
  fork_mutexes.list.first = this;
}

ForkMutex::~ForkMutex() {
  const std::lock_guard lock(fork_mutexes.list.mutex);
  (previous_ ? previous_->next_ : fork_mutexes.list.first) = next_;
  if (next_) next_->previous_ = previous_;
}

struct ForkHandlers {
  // Who holds one of these may want one of those below, never the other way round.
  static void before() {
    fork_mutexes.list.mutex.lock();
    for (ForkMutex* mutex = fork_mutexes.list.first; mutex; mutex = mutex->next_) mutex->lock();
    lock_live_counts();
    lock_large_blocks();
    lock_heap();
  }
  static void in_parent() {
    unlock_heap();
    unlock_large_blocks();
    unlock_live_counts();
    for (ForkMutex* mutex = fork_mutexes.list.first; mutex; mutex = mutex->next_) mutex->unlock();
    fork_mutexes.list.mutex.unlock();
  }
  static void in_child() {
    fork_generation.fetch_add(1, std::memory_order_relaxed);
    keep_cache_of_this_thread();
    keep_live_counts_of_this_thread();
    in_parent();
    leave_workers_behind();
  }
};

namespace {

[[maybe_unused]] const int registered =
    pthread_atfork(ForkHandlers::before, ForkHandlers::in_parent, ForkHandlers::in_child);

}  // namespace
}  // namespace simdgrad::detail
