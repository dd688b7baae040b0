// The hooks that fuzz_calls runs under: an upper bound on one allocation, and known bytes behind blocks.
#include <simdgrad/creation.h>

#include <algorithm>

#include "core/allocator.h"
#include "core/testing_hooks.h"
#include "tests/catch.h"
#include "tests/self_process.h"

using namespace simdgrad;

TEST_CASE("an upper bound on one allocation") {
  testing::set_allocation_limit(1 << 20);
  CHECK_THROWS_AS(empty({1 << 20}, kDouble), Error);
  CHECK(empty({1 << 10}, kDouble).numel() == 1 << 10);
  testing::set_allocation_limit(0);
  CHECK(empty({1 << 20}, kDouble).numel() == 1 << 20);
}

#if !defined(SIMDGRAD_SANITIZED)
TEST_CASE("child: guarded blocks", "[.]") {
  testing::guard_blocks();
  for (const std::size_t bytes : {0, 1, 100, 512, 5000, 3 << 20}) {
    char* block = static_cast<char*>(allocate(bytes));
    std::fill_n(block, bytes, 'x');
    deallocate(block, bytes);
    REQUIRE(testing::block_overruns().count == 0);
    block = static_cast<char*>(allocate(bytes));
    block[bytes] = 'x';
    deallocate(block, bytes);
    const testing::Overruns overruns = testing::block_overruns();
    REQUIRE(overruns.count == 1);
    REQUIRE(overruns.bytes == bytes);
  }
  REQUIRE(testing::block_overruns().count == 0);
}

TEST_CASE("a write past the end of a guarded block is noticed") {
  REQUIRE(run_self("SIMDGRAD_GUARDED=1", "child: guarded blocks") == 0);
}
#endif
