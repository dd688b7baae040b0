// The sizes that blocks up to 1 MiB come in, and the free ones that any thread may take. For
// core/allocator.cpp, which keeps some with each thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>

#include <simdgrad/export.h>

#include "core/large_blocks.h"
#include "core/thread_state.h"

namespace simdgrad::detail {

inline constexpr std::size_t kMiddleLimit = std::size_t{1} << 20;
// Quarter steps of the 11 powers of two from 512 bytes to 1 MiB.
inline constexpr int kMiddleClasses = 44;
inline constexpr std::size_t kBatchBytes = 16 << 10;  // what moves between a thread and the heap

// Free blocks are linked through their first word, batches through the second of their first block.
inline void*& next_of(void* block) { return *static_cast<void**>(block); }

constexpr std::size_t small_size(std::size_t index) { return (index + 1) * kSmallStep; }

constexpr std::uint16_t batch_count(std::size_t index) {
  return static_cast<std::uint16_t>(std::min<std::size_t>(kBatchBytes / small_size(index), 256));
}

inline int middle_class(std::size_t bytes) {
  const std::size_t last = bytes - 1;
  const int power = 63 - __builtin_clzll(last);
  return (power - 9) * 4 + static_cast<int>((last >> (power - 2)) & 3);
}

inline std::size_t middle_size(int index) {
  return static_cast<std::size_t>(5 + index % 4) << (index / 4 + 7);
}

// Whoever calls holds the mutex.
class SIMDGRAD_LOCAL SharedHeap {
 public:
  std::mutex mutex;

  void give_small(std::size_t index, void* block);
  void give_batch(std::size_t index, void* first);
  // A list of free blocks and how many there are; 0 when there is no memory.
  std::uint16_t take_small(std::size_t index, void** first);
  std::int64_t small_bytes() const;

  // Keeps the block, or gives it to the system when the shared cache is full.
  void give_middle(int index, void* block);
  // nullptr when there is none.
  void* take_middle(int index);
  // Gives all free ones to the system.
  void release_middle();

 private:
  struct SmallClass {
    void* batches;  // full batches
    void* loose;    // less than a batch
    std::uint16_t loose_count;
    std::int64_t free_count;
  };
  bool cut_batch(std::size_t index);

  SmallClass small_[kSmallClasses] = {};
  char* region_ = nullptr;  // what is left of the newest region that small blocks are cut from
  char* region_end_ = nullptr;
  std::size_t next_region_ = std::size_t{1} << 20;
  void* middle_[kMiddleClasses] = {};
};

// Never destroyed: static objects and late threads free blocks too.
union SIMDGRAD_LOCAL ImmortalHeap {
  SharedHeap heap;
  constexpr ImmortalHeap() : heap() {}
  ~ImmortalHeap() {}
};
SIMDGRAD_LOCAL extern constinit ImmortalHeap immortal;
inline SharedHeap& shared_heap() { return immortal.heap; }

// Inline: a call each would be 2 of the 20 ns that a block of these sizes takes here.
inline void free_middle(int index, void* block) {
  memory_counters.unreserve(middle_size(index));
  std::free(block);
}

inline void SharedHeap::give_middle(int index, void* block) {
  const std::size_t size = middle_size(index);
  memory_counters.take_back(size);
  if (!memory_counters.room_for(size)) {
    free_middle(index, block);
    return;
  }
  memory_counters.cached.fetch_add(static_cast<std::int64_t>(size), std::memory_order_relaxed);
  next_of(block) = middle_[index];
  middle_[index] = block;
}

inline void* SharedHeap::take_middle(int index) {
  void* const block = middle_[index];
  if (block == nullptr) return nullptr;
  const std::size_t size = middle_size(index);
  middle_[index] = next_of(block);
  memory_counters.cached.fetch_sub(static_cast<std::int64_t>(size), std::memory_order_relaxed);
  memory_counters.hand_out(size);
  return block;
}

}  // namespace simdgrad::detail
