// Tensor memory comes from a caching allocator: freed blocks are kept and reused, since a fresh
// block of 50 MB costs ten times a warm one (page faults). SIMDGRAD_ALLOCATOR=system in the
// environment turns the cache off, and builds with an address or thread sanitizer do so by themselves.
// With fence_after or fence_before each block also ends at, or begins after, a page that faults: a read
// or write outside of it ends the program.
#pragma once

#include <cstdint>

#include <simdgrad/export.h>

namespace simdgrad {

struct MemoryStats {
  std::int64_t allocated_bytes;     // in use now, rounded up to block sizes
  std::int64_t cached_bytes;        // free, kept for reuse
  std::int64_t peak_bytes;          // highest in use; blocks in per-thread caches count as in use
  std::int64_t reserved_bytes;      // taken from the system and not yet given back
  std::int64_t system_allocations;  // how often the system was asked for memory since the start
  std::int64_t cache_limit_bytes;   // see set_cache_limit
};

// A snapshot. Exact while other threads do not allocate; a bypassed cache reports 0 cached bytes.
SIMDGRAD_API MemoryStats memory_stats();

// Makes the present use the new peak.
SIMDGRAD_API void reset_peak_memory_stats();

// Gives the free blocks above 512 bytes back to the system: those of the calling thread's cache and
// of the shared one. Smaller ones stay with the process.
SIMDGRAD_API void empty_cache();

// How many bytes of free blocks above 512 bytes the shared cache may keep. The default is 1 GiB or
// an eighth of the machine's memory, whichever is less. Each thread keeps up to 8 MiB besides.
SIMDGRAD_API void set_cache_limit(std::int64_t bytes);

}  // namespace simdgrad
