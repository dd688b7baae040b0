// Blocks above 1 MiB, each in a mapping of its own, and what the allocator's parts share.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <simdgrad/export.h>

namespace simdgrad::detail {

inline constexpr std::size_t kHugePage = std::size_t{2} << 20;

struct SIMDGRAD_LOCAL MemoryCounters {
  std::atomic<std::int64_t> outside{0};   // bytes handed out, those in per-thread caches included
  std::atomic<std::int64_t> peak{0};      // of outside
  std::atomic<std::int64_t> reserved{0};  // bytes held from the system
  std::atomic<std::int64_t> system_allocations{0};
  std::atomic<std::int64_t> cached{0};  // free middle and large blocks in the shared caches
  std::atomic<std::int64_t> cache_limit{-1};

  void hand_out(std::size_t bytes);
  void take_back(std::size_t bytes) {
    outside.fetch_sub(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
  }
  void reserve(std::size_t bytes);
  void unreserve(std::size_t bytes) {
    reserved.fetch_sub(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
  }
  // Whether that much more may be kept.
  bool room_for(std::size_t bytes);
  std::int64_t limit();
};

SIMDGRAD_LOCAL extern MemoryCounters memory_counters;

// A mapping, 2 MiB aligned and asking for huge pages from 4 MiB on; nullptr when there is none.
SIMDGRAD_LOCAL void* map_pages(std::size_t bytes);

// nullptr when there is no memory.
SIMDGRAD_LOCAL void* allocate_large(std::size_t bytes);
SIMDGRAD_LOCAL void deallocate_large(void* block) noexcept;

// Unmaps every cached block.
SIMDGRAD_LOCAL void release_large_blocks() noexcept;

}  // namespace simdgrad::detail
