// What the library knows of a thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace simdgrad {

inline constexpr std::size_t kSmallStep = 16;     // bytes between size classes
inline constexpr std::size_t kSmallClasses = 32;  // 16, 32 ... 512 bytes
inline constexpr std::size_t kSmallLimit = kSmallStep * kSmallClasses;

struct MiddleCache;  // free blocks above 512 bytes, core/allocator.cpp

// What becomes of this thread's caches of free blocks.
enum class CacheState : std::uint8_t {
  unopened,  // nothing allocated or freed here yet
  open,
  closed,  // a test makes every allocation take the slow path
  exited,  // the thread's destructors are running: frees go to the central heap
};

// Everything the library knows of a thread, in one place: an operation pays for one address.
struct ThreadState {
  bool grad_enabled = true;
  bool in_parallel_worker = false;  // inside a chunk: parallel calls run inline
  CacheState cache_state = CacheState::unopened;
  std::uint32_t engine_depth = 0;  // reentrant backward calls on this thread's stack
  std::uint64_t next_sequence_number = 0;

  // Free blocks by size class: a singly linked list through their first word, and how many more it
  // may take. Room 0 and an empty list is the state of a thread whose cache is not open, so that
  // the fast paths need no other test.
  void* small_head[kSmallClasses] = {};
  std::uint16_t small_room[kSmallClasses] = {};
  MiddleCache* middle_cache = nullptr;
  ThreadState* next_thread = nullptr;  // threads with an open cache, for statistics
};

static_assert(sizeof(ThreadState) <= 512, "initial-exec storage is scarce in a shared library");

// initial-exec: one load from the thread pointer, no call. constinit on the declaration tells the
// compiler that no initialisation has to be looked for.
extern constinit thread_local ThreadState thread_state
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

}  // namespace simdgrad
