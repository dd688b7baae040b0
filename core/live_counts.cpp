// The counters of all threads, those that ended included, added up.
#include "core/live_counts.h"

#include <mutex>

#include "core/fork.h"
#include "core/tensor_impl.h"

namespace simdgrad {

constinit thread_local LiveCounter live_counter;

namespace {

struct Registry {
  std::mutex mutex;
  LiveCounter* threads = nullptr;
  LiveCounter ended;  // sums of the threads that are gone
};

// Never destroyed: tensors in statics may outlive everything else.
union ImmortalRegistry {
  Registry registry;
  constexpr ImmortalRegistry() : registry() {}
  ~ImmortalRegistry() {}
};
constinit ImmortalRegistry immortal;
Registry& registry() { return immortal.registry; }

void fold(std::atomic<int64_t>& into, std::atomic<int64_t>& from) {
  into.fetch_add(from.exchange(0, std::memory_order_relaxed), std::memory_order_relaxed);
}

struct Unregister {
  ~Unregister() {
    Registry& all = registry();
    const std::lock_guard lock(all.mutex);
    for (LiveCounter** link = &all.threads; *link; link = &(*link)->next) {
      if (*link != &live_counter) continue;
      *link = live_counter.next;
      break;
    }
    fold(all.ended.tensors, live_counter.tensors);
    fold(all.ended.nodes, live_counter.nodes);
    live_counter.state = LiveCounter::State::kEnded;
  }
};

}  // namespace

void count_slow(std::atomic<int64_t> LiveCounter::*which, int64_t change) {
  Registry& all = registry();
  if (live_counter.state == LiveCounter::State::kNew) {
    const std::lock_guard lock(all.mutex);
    live_counter.next = all.threads;
    all.threads = &live_counter;
    live_counter.state = LiveCounter::State::kRegistered;
    static thread_local Unregister unregister;
    (void)unregister;
    live_counter.*which = (live_counter.*which) + change;
  } else {
    // Destructors of thread-locals that run after the counter's: it is not in the list any more.
    (all.ended.*which).fetch_add(change, std::memory_order_relaxed);
  }
}

void detail::lock_live_counts() { registry().mutex.lock(); }
void detail::unlock_live_counts() { registry().mutex.unlock(); }

// What the others made stays alive in the child, but their counters go with their threads.
void detail::keep_live_counts_of_this_thread() {
  Registry& all = registry();
  for (LiveCounter* thread = all.threads; thread; thread = thread->next) {
    if (thread == &live_counter) continue;
    fold(all.ended.tensors, thread->tensors);
    fold(all.ended.nodes, thread->nodes);
  }
  const bool registered = live_counter.state == LiveCounter::State::kRegistered;
  all.threads = registered ? &live_counter : nullptr;
  live_counter.next = nullptr;
}

LiveCounts live_counts() {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  LiveCounts sum{all.ended.tensors.load(), all.ended.nodes.load()};
  for (LiveCounter* thread = all.threads; thread; thread = thread->next) {
    sum.tensors += thread->tensors.load(std::memory_order_relaxed);
    sum.nodes += thread->nodes.load(std::memory_order_relaxed);
  }
  return sum;
}

}  // namespace simdgrad
