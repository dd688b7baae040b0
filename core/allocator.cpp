#include "core/allocator.h"

#include <cstdlib>

#include <simdgrad/error.h>
#include <simdgrad/memory.h>

#include "core/testing_hooks.h"

namespace simdgrad {
namespace detail {

void* allocate_slow(std::size_t bytes) {
  void* block = nullptr;
  const int code = posix_memalign(&block, 64, bytes);
  SIMDGRAD_CHECK(code == 0, "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: ",
                 "can't allocate memory: you tried to allocate ", bytes,
                 " bytes. Error code 12 (Cannot allocate memory)");
  return block;
}

void deallocate_slow(void* block, std::size_t) noexcept { std::free(block); }

}  // namespace detail

MemoryStats memory_stats() { return {}; }
void reset_peak_memory_stats() {}
void empty_cache() {}
void set_cache_limit(std::int64_t) {}
void testing::fail_allocation(std::int64_t, bool) {}
bool testing::allocation_failed() { return false; }

}  // namespace simdgrad
