// Blocks beside a page that faults, for finding reads and writes outside of them: the whole process
// allocates so with SIMDGRAD_ALLOCATOR=fence_after or fence_before. With fence_bytes known bytes follow
// each block instead, which finds writes alone and costs little.
#pragma once

#include <cstddef>

#include <simdgrad/export.h>

namespace simdgrad::detail {

enum class Fence { none, after, before, bytes };

// Which the environment asks for; the same for the life of the process.
SIMDGRAD_LOCAL Fence fence();

// Ends at the page that faults, or begins right after it, filled with bytes that are NaN as floats; or
// has known bytes behind it. nullptr when there is no memory.
SIMDGRAD_LOCAL void* allocate_fenced(std::size_t bytes);
// Counts the block as damaged if what is around it was written to (testing::damaged_blocks). What it
// held is overwritten where its pages stay: whoever reads it will be told.
SIMDGRAD_LOCAL void deallocate_fenced(void* block, std::size_t bytes) noexcept;

}  // namespace simdgrad::detail
