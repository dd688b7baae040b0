// The allocator of tensors, nodes and scratch. Up to 512 bytes: per-thread lists of free blocks in
// steps of 16 bytes, inline. Up to 1 MiB: quarter steps of powers of two, a bounded per-thread
// cache, then a shared one. Above: mappings of their own, kept warm and found by best fit.
//
// Alignment: 16 bytes; 64 when bytes is a multiple of 64 or above 512.
#pragma once

#include <cstddef>

#include <simdgrad/export.h>

#include "core/thread_state.h"

namespace simdgrad {

namespace detail {
SIMDGRAD_LOCAL void* allocate_slow(std::size_t bytes);
SIMDGRAD_LOCAL void deallocate_slow(void* block, std::size_t bytes) noexcept;
}  // namespace detail

// Throws Error when there is no memory. Zero bytes give a block of their own.
inline void* allocate(std::size_t bytes) {
  const std::size_t index = (bytes - 1) / kSmallStep;
  if (index < kSmallClasses) [[likely]] {
    ThreadState& state = thread_state;
    void* const block = state.small_head[index];
    if (block != nullptr) [[likely]] {
      state.small_head[index] = *static_cast<void**>(block);
      // A relaxed store: memory_stats() reads the rooms of all threads.
      __atomic_store_n(&state.small_room[index],
                       static_cast<std::uint16_t>(state.small_room[index] + 1), __ATOMIC_RELAXED);
      return block;
    }
  }
  return detail::allocate_slow(bytes);
}

// bytes is what allocate was given. Any thread may free any block. nullptr is allowed.
inline void deallocate(void* block, std::size_t bytes) noexcept {
  const std::size_t index = (bytes - 1) / kSmallStep;
  if (index < kSmallClasses && block != nullptr) [[likely]] {
    ThreadState& state = thread_state;
    const std::uint16_t room = state.small_room[index];
    if (room != 0) [[likely]] {
      *static_cast<void**>(block) = state.small_head[index];
      state.small_head[index] = block;
      __atomic_store_n(&state.small_room[index], static_cast<std::uint16_t>(room - 1),
                       __ATOMIC_RELAXED);
      return;
    }
  }
  detail::deallocate_slow(block, bytes);
}

}  // namespace simdgrad
