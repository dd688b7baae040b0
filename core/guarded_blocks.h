// Blocks with known bytes behind them, for tests that look for writes past an end in builds without a
// sanitizer: see testing::guard_blocks.
#pragma once

#include <cstddef>

#include <simdgrad/export.h>

namespace simdgrad::detail {

SIMDGRAD_LOCAL bool blocks_are_guarded();
// nullptr when there is no memory.
SIMDGRAD_LOCAL void* allocate_guarded(std::size_t bytes);
SIMDGRAD_LOCAL void deallocate_guarded(void* block, std::size_t bytes) noexcept;

}  // namespace simdgrad::detail
