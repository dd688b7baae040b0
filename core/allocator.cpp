// The allocator's slow paths: caches of threads, the system's memory, statistics, planned failures.
#include "core/allocator.h"

#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include <simdgrad/error.h>
#include <simdgrad/memory.h>

#include "core/fenced_blocks.h"
#include "core/fork.h"
#include "core/large_blocks.h"
#include "core/shared_heap.h"
#include "core/testing_hooks.h"

namespace simdgrad {

using detail::kMiddleClasses;
using detail::memory_counters;
using detail::middle_class;
using detail::middle_size;
using detail::next_of;
using detail::small_size;

// A thread's free blocks of 513 bytes to 1 MiB.
struct MiddleCache {
  void* head[kMiddleClasses];
  std::int64_t bytes;  // stored relaxed: memory_stats() reads it
};

namespace {

#if defined(SIMDGRAD_SANITIZED) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kAlwaysBypass = true;  // every block must be the sanitizer's own
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
constexpr bool kAlwaysBypass = true;
#else
constexpr bool kAlwaysBypass = false;
#endif
#else
constexpr bool kAlwaysBypass = false;
#endif

constexpr std::int64_t kMiddleCacheLimit = 8 << 20;  // bytes per thread

// A thread keeps at most two batches of a class.
constexpr std::uint16_t small_capacity(std::size_t index) {
  return static_cast<std::uint16_t>(2 * detail::batch_count(index));
}

// What the heap's mutex guards besides the heap.
struct Threads {
  ThreadState* first = nullptr;  // those with a cache
  pthread_key_t exit_key = 0;
  bool initialised = false;
};
constinit Threads threads;

// Test mode: the allocations left until one fails; see testing::fail_allocation.
struct FailureHook {
  std::atomic<bool> set{false};
  std::atomic<std::int64_t> until_failure{0};
  std::atomic<bool> keep_failing{false};
  std::atomic<bool> failed{false};
};
constinit FailureHook hook;

// See testing::set_allocation_limit.
constinit std::atomic<std::size_t> allocation_limit{SIZE_MAX};

detail::SharedHeap& heap() { return detail::shared_heap(); }

bool bypassed() {
  if constexpr (kAlwaysBypass) return true;
  // Not a guarded static, which a forked child could find half made: threads that come at once find
  // the same answer.
  enum : int { unknown, no, yes };
  static constinit std::atomic<int> answer{unknown};
  int known = answer.load(std::memory_order_relaxed);
  if (known == unknown) [[unlikely]] {
    const char* const choice = std::getenv("SIMDGRAD_ALLOCATOR");
    const bool system = choice != nullptr && std::strcmp(choice, "system") == 0;
    known = system || detail::fence() != detail::Fence::none ? yes : no;
    answer.store(known, std::memory_order_relaxed);
  }
  return known == yes;
}

[[noreturn, gnu::cold]] void throw_no_memory(std::size_t bytes) {
  SIMDGRAD_THROW(
      "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: "
      "you tried to allocate ",
      bytes, " bytes. Error code 12 (Cannot allocate memory)");
}

[[gnu::cold]] void count_for_hook(std::size_t bytes) {
  const std::int64_t left = hook.until_failure.fetch_sub(1) - 1;
  if (left == 0 || (left < 0 && hook.keep_failing.load())) {
    hook.failed.store(true);
    throw_no_memory(bytes);
  }
}

// ---- Per-thread caches ----

void set_room(ThreadState& state, std::size_t index, std::uint16_t room) {
  __atomic_store_n(&state.small_room[index], room, __ATOMIC_RELAXED);
}

void set_cache_state(ThreadState& state, CacheState value) {
  __atomic_store(&state.cache_state, &value, __ATOMIC_RELAXED);
}

// Gives every small block of the calling thread to the heap; its fast paths find nothing from then
// on. Needs the mutex.
void close_small_cache(ThreadState& state, CacheState closed) {
  for (std::size_t index = 0; index < kSmallClasses; ++index) {
    std::size_t bytes = 0;
    while (void* const block = state.small_head[index]) {
      state.small_head[index] = next_of(block);
      heap().give_small(index, block);
      bytes += small_size(index);
    }
    memory_counters.take_back(bytes);
    set_room(state, index, 0);
  }
  set_cache_state(state, closed);
}

void flush_middle_cache(MiddleCache& cache) {
  for (int index = 0; index < kMiddleClasses; ++index) {
    void* block = cache.head[index];
    cache.head[index] = nullptr;
    while (block != nullptr) {
      void* const next = next_of(block);
      heap().give_middle(index, block);
      block = next;
    }
  }
  __atomic_store_n(&cache.bytes, 0, __ATOMIC_RELAXED);
}

// pthread runs this after the thread's C++ destructors, and not for the main thread.
void leave_thread(void*) {
  ThreadState& state = thread_state;
  const std::lock_guard lock(heap().mutex);
  close_small_cache(state, CacheState::exited);
  flush_middle_cache(*state.middle_cache);
  std::free(state.middle_cache);
  state.middle_cache = nullptr;
  ThreadState** link = &threads.first;
  while (*link != &state) link = &(*link)->next_thread;
  *link = state.next_thread;
}

// Needs the mutex.
void initialise_heap() {
  if (!threads.initialised)
    threads.initialised = pthread_key_create(&threads.exit_key, leave_thread) == 0;
}

// Makes the thread's cache usable if it may be; false when blocks must come and go one by one.
bool open_cache(ThreadState& state) {
  if (state.cache_state == CacheState::open) return true;
  if (state.cache_state == CacheState::exited) return false;
  if (state.middle_cache == nullptr) {
    MiddleCache* const cache = static_cast<MiddleCache*>(std::calloc(1, sizeof(MiddleCache)));
    if (cache == nullptr) return false;
    const std::lock_guard lock(heap().mutex);
    initialise_heap();
    if (!threads.initialised || pthread_setspecific(threads.exit_key, cache) != 0) {
      std::free(cache);
      return false;
    }
    state.middle_cache = cache;
    state.next_thread = threads.first;
    threads.first = &state;
  }
  for (std::size_t index = 0; index < kSmallClasses; ++index) {
    set_room(state, index, small_capacity(index));
  }
  set_cache_state(state, CacheState::open);
  return true;
}

// As open_cache; but while a test counts allocations, no list may answer for the slow path.
bool use_small_cache(ThreadState& state) {
  if (!hook.set.load(std::memory_order_relaxed)) [[likely]]
    return open_cache(state);
  if (state.cache_state == CacheState::open) {
    const std::lock_guard lock(heap().mutex);
    close_small_cache(state, CacheState::closed);
  }
  return false;
}

// ---- The three kinds of blocks ----

void* allocate_small(std::size_t index) {
  ThreadState& state = thread_state;
  const bool cached = use_small_cache(state);
  if (state.small_head[index] != nullptr) return allocate(small_size(index));  // bytes was 0
  const std::lock_guard lock(heap().mutex);
  void* first;
  const std::uint16_t count = heap().take_small(index, &first);
  if (count == 0) return nullptr;
  void* const rest = next_of(first);
  if (cached) {
    state.small_head[index] = rest;
    set_room(state, index, static_cast<std::uint16_t>(small_capacity(index) - (count - 1)));
  } else {
    memory_counters.take_back((count - 1u) * small_size(index));
    for (void* block = rest; block != nullptr;) {
      void* const next = next_of(block);
      heap().give_small(index, block);
      block = next;
    }
  }
  return first;
}

void deallocate_small(void* block, std::size_t index) {
  ThreadState& state = thread_state;
  if (!use_small_cache(state)) {
    const std::lock_guard lock(heap().mutex);
    memory_counters.take_back(small_size(index));
    heap().give_small(index, block);
    return;
  }
  if (state.small_room[index] == 0) {  // two full batches: the older one goes
    void* last_kept = state.small_head[index];
    for (int i = 1; i < detail::batch_count(index); ++i) last_kept = next_of(last_kept);
    void* const older = next_of(last_kept);
    next_of(last_kept) = nullptr;
    set_room(state, index, detail::batch_count(index));
    memory_counters.take_back(detail::batch_count(index) * small_size(index));
    const std::lock_guard lock(heap().mutex);
    heap().give_batch(index, older);
  }
  next_of(block) = state.small_head[index];
  state.small_head[index] = block;
  set_room(state, index, static_cast<std::uint16_t>(state.small_room[index] - 1));
}

bool is_middle(std::size_t bytes) { return bytes > kSmallLimit && bytes <= detail::kMiddleLimit; }

// The thread's cache of middle blocks: the common case, before all other questions. Where blocks bypass
// the lists a thread has none.
[[gnu::always_inline]] inline void* take_cached(std::size_t bytes) {
  MiddleCache* const cache = thread_state.middle_cache;
  if (cache == nullptr) return nullptr;
  const int index = middle_class(bytes);
  void* const block = cache->head[index];
  if (block == nullptr) return nullptr;
  cache->head[index] = next_of(block);
  __atomic_store_n(&cache->bytes, cache->bytes - static_cast<std::int64_t>(middle_size(index)),
                   __ATOMIC_RELAXED);
  return block;
}
[[gnu::always_inline]] inline bool give_cached(void* block, std::size_t bytes) {
  MiddleCache* const cache = thread_state.middle_cache;
  if (cache == nullptr) return false;
  const int index = middle_class(bytes);
  const std::int64_t sum = cache->bytes + static_cast<std::int64_t>(middle_size(index));
  if (sum > kMiddleCacheLimit) return false;
  next_of(block) = cache->head[index];
  cache->head[index] = block;
  __atomic_store_n(&cache->bytes, sum, __ATOMIC_RELAXED);
  return true;
}

void* allocate_middle(std::size_t bytes) {
  const int index = middle_class(bytes);
  const std::size_t size = middle_size(index);
  {
    const std::lock_guard lock(heap().mutex);
    if (void* const block = heap().take_middle(index)) return block;
  }
  void* block;
  if (posix_memalign(&block, 64, size) != 0) return nullptr;
  memory_counters.reserve(size);
  memory_counters.hand_out(size);
  return block;
}

void deallocate_middle(void* block, std::size_t bytes) {
  ThreadState& state = thread_state;
  if (state.middle_cache == nullptr) use_small_cache(state);
  {
    const std::lock_guard lock(heap().mutex);
    if (state.middle_cache == nullptr) {
      heap().give_middle(middle_class(bytes), block);
      return;
    }
    flush_middle_cache(*state.middle_cache);  // full, or fresh and empty
  }
  give_cached(block, bytes);
}

void* allocate_bypassing(std::size_t bytes) {
  // Sanitizers end the program when asked for more than they can map.
  if (kAlwaysBypass && bytes >= std::size_t{1} << 39) return nullptr;
  void* block;
  if (detail::fence() != detail::Fence::none) {
    block = detail::allocate_fenced(bytes);
    if (block == nullptr) return nullptr;
  } else if (posix_memalign(&block, 64, std::max<std::size_t>(bytes, 1)) != 0) {
    return nullptr;
  }
  memory_counters.reserve(bytes);
  memory_counters.hand_out(bytes);
  return block;
}

void deallocate_bypassing(void* block, std::size_t bytes) {
  memory_counters.take_back(bytes);
  memory_counters.unreserve(bytes);
  if (detail::fence() != detail::Fence::none) {
    detail::deallocate_fenced(block, bytes);
  } else {
    std::free(block);
  }
}

void* try_allocate(std::size_t bytes) {
  if (bytes > allocation_limit.load(std::memory_order_relaxed)) [[unlikely]]
    return nullptr;
  if (bypassed()) [[unlikely]]
    return allocate_bypassing(bytes);
  if (bytes <= kSmallLimit) return allocate_small(bytes == 0 ? 0 : (bytes - 1) / kSmallStep);
  if (bytes <= detail::kMiddleLimit) return allocate_middle(bytes);
  return detail::allocate_large(bytes);
}

}  // namespace

void detail::lock_heap() { heap().mutex.lock(); }
void detail::unlock_heap() { heap().mutex.unlock(); }

// A child has one thread; the caches of the others are lost to it.
void detail::keep_cache_of_this_thread() {
  ThreadState& state = thread_state;
  threads.first = state.middle_cache != nullptr ? &state : nullptr;
  state.next_thread = nullptr;
}

void* detail::allocate_slow(std::size_t bytes) {
  if (hook.set.load(std::memory_order_relaxed)) [[unlikely]]
    count_for_hook(bytes);
  if (is_middle(bytes)) [[likely]]
    if (void* const block = take_cached(bytes)) [[likely]]
      return block;
  void* block = try_allocate(bytes);
  if (block == nullptr) [[unlikely]] {
    empty_cache();  // what lies idle may be in the way
    block = try_allocate(bytes);
    if (block == nullptr) throw_no_memory(bytes);
  }
  return block;
}

void detail::deallocate_slow(void* block, std::size_t bytes) noexcept {
  if (block == nullptr || (is_middle(bytes) && give_cached(block, bytes))) return;
  if (bypassed()) [[unlikely]] {
    deallocate_bypassing(block, bytes);
  } else if (bytes <= kSmallLimit) {
    deallocate_small(block, bytes == 0 ? 0 : (bytes - 1) / kSmallStep);
  } else if (bytes <= detail::kMiddleLimit) {
    deallocate_middle(block, bytes);
  } else {
    deallocate_large(block);
  }
}

void empty_cache() {
  {
    const std::lock_guard lock(heap().mutex);
    if (MiddleCache* const cache = thread_state.middle_cache) flush_middle_cache(*cache);
    heap().release_middle();
  }
  detail::release_large_blocks();
}

void set_cache_limit(std::int64_t bytes) {
  SIMDGRAD_CHECK(bytes >= 0, "set_cache_limit: got ", bytes, " bytes, needs 0 or more");
  memory_counters.cache_limit.store(bytes, std::memory_order_relaxed);
  if (memory_counters.cached.load(std::memory_order_relaxed) > bytes) empty_cache();
}

namespace {

// Bytes in per-thread caches. Needs the mutex.
std::int64_t thread_cached_bytes() {
  std::int64_t bytes = 0;
  for (ThreadState* state = threads.first; state != nullptr; state = state->next_thread) {
    bytes += __atomic_load_n(&state->middle_cache->bytes, __ATOMIC_RELAXED);
    CacheState cache_state;
    __atomic_load(&state->cache_state, &cache_state, __ATOMIC_RELAXED);
    if (cache_state != CacheState::open) continue;
    for (std::size_t index = 0; index < kSmallClasses; ++index) {
      const int room = __atomic_load_n(&state->small_room[index], __ATOMIC_RELAXED);
      bytes += (small_capacity(index) - room) * static_cast<std::int64_t>(small_size(index));
    }
  }
  return bytes;
}

}  // namespace

MemoryStats memory_stats() {
  const std::lock_guard lock(heap().mutex);
  const std::int64_t in_threads = thread_cached_bytes();
  MemoryStats stats;
  stats.allocated_bytes = memory_counters.outside.load(std::memory_order_relaxed) - in_threads;
  stats.cached_bytes =
      in_threads + heap().small_bytes() + memory_counters.cached.load(std::memory_order_relaxed);
  stats.peak_bytes = memory_counters.peak.load(std::memory_order_relaxed);
  stats.reserved_bytes = memory_counters.reserved.load(std::memory_order_relaxed);
  stats.system_allocations = memory_counters.system_allocations.load(std::memory_order_relaxed);
  stats.cache_limit_bytes = memory_counters.limit();
  return stats;
}

void reset_peak_memory_stats() {
  memory_counters.peak.store(memory_counters.outside.load(std::memory_order_relaxed),
                             std::memory_order_relaxed);
}

void testing::fail_allocation(std::int64_t n, bool persistent) {
  SIMDGRAD_CHECK(n >= 0, "fail_allocation: got ", n, ", needs 0 or more");
  hook.until_failure.store(n);
  hook.keep_failing.store(persistent);
  hook.set.store(n > 0);
  if (n == 0) return;
  hook.failed.store(false);
  use_small_cache(thread_state);
}

bool testing::allocation_failed() { return hook.failed.load(); }

void testing::set_allocation_limit(std::size_t bytes) {
  allocation_limit.store(bytes == 0 ? SIZE_MAX : bytes);
}

}  // namespace simdgrad
