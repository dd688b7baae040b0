// Switches for tests only: they make rare paths common. Not for use while operations run elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>

#include <simdgrad/export.h>

#include "core/cpu.h"

namespace simdgrad::testing {

// Work estimated at less than this runs inline. 0 sends every region of two chunks or more to the
// threads; a negative value restores the default.
SIMDGRAD_API void set_inline_threshold(double nanoseconds);

// Makes chunk_size() return at most this; 0 restores the default.
SIMDGRAD_API void set_chunk(std::int64_t chunk);

// In a region of at least this many chunks (and get_num_threads() at least as high), the first
// chunk of each thread waits until so many distinct threads have one, or 2 s have passed. It proves
// that they really run at once, even on two cores. 0 turns it off. Counts start over.
SIMDGRAD_API void set_rendezvous(int threads);

// Distinct threads that ran a chunk of the last region, and the most of any region, since
// set_rendezvous was last called with a positive number. Regions that ran inline do not count.
SIMDGRAD_API int last_region_threads();
SIMDGRAD_API int max_region_threads();

// Makes the n-th allocation from now (n >= 1) fail with the allocator's Error, and all later ones
// if persistent; n = 0 turns it off. All allocations of the calling thread count; another thread's
// count from when its list of free blocks is used up.
SIMDGRAD_API void fail_allocation(std::int64_t n, bool persistent);

// Whether the hook made an allocation fail since it was last set.
SIMDGRAD_API bool allocation_failed();

// Refuses what asks for more bytes at once than this, with the allocator's Error; 0 lifts the limit.
// Blocks that lie in a cache are not asked about.
SIMDGRAD_API void set_allocation_limit(std::size_t bytes);
// Products take the second-level cache to be this large; 0: as large as it is.
SIMDGRAD_API void set_second_level_cache_bytes(std::int64_t bytes);

// Blocks that were found written to outside of their ends when they were freed, under the fences of
// SIMDGRAD_ALLOCATOR (core/fenced_blocks.h), and how large the last of them was.
SIMDGRAD_API std::int64_t damaged_blocks();
SIMDGRAD_API std::size_t damaged_block_bytes();

// Runs the kernels of this instruction set from now on; throws Error if the CPU lacks it.
SIMDGRAD_API void force_isa(Isa isa);

}  // namespace simdgrad::testing
