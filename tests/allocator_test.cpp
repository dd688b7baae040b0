// The allocator: blocks, caches, threads that end, forks, failures, limits, statistics.
#include "core/allocator.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <simdgrad/error.h>
#include <simdgrad/memory.h>

#include "core/tensor_impl.h"
#include "core/testing_hooks.h"
#include "tests/catch.h"
#include "tests/self_process.h"

using namespace simdgrad;

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

// False where the cache is bypassed: sanitizer builds, SIMDGRAD_ALLOCATOR=system.
bool caching() {
  deallocate(allocate(48), 48);
  return memory_stats().cached_bytes > 0;
}

struct Block {
  std::size_t bytes;
  unsigned char mark;
  unsigned char* data;

  Block(std::size_t size, unsigned char value)
      : bytes(size), mark(value), data(static_cast<unsigned char*>(allocate(size))) {
    std::memset(data, mark, bytes);
  }
  // Whether nobody else wrote here; looks at all of a small block and at the ends of a large one.
  bool intact() const {
    for (std::size_t i = 0; i < bytes; i += (i >= 4096 && i + 8192 < bytes) ? 4093 : 1) {
      if (data[i] != mark) return false;
    }
    return true;
  }
  void free() const { deallocate(data, bytes); }
};

std::size_t random_size(std::mt19937& random) {
  switch (random() % 8) {
    case 0:
      return 512 + random() % 5000;
    case 1:
      return random() % (2 * kMiB) / (1 + random() % 64);
    default:
      return random() % 520;
  }
}

}  // namespace

TEST_CASE("blocks are aligned, writable to the end and apart") {
  std::vector<std::size_t> sizes;
  for (std::size_t bytes = 0; bytes <= 2100; ++bytes) sizes.push_back(bytes);
  for (std::size_t power = 2048; power <= 4 * kMiB; power *= 2) {
    for (const std::size_t quarter : {4, 5, 6, 7}) {
      const std::size_t edge = power / 4 * quarter;
      sizes.insert(sizes.end(), {edge - 1, edge, edge + 1});
    }
  }
  std::vector<Block> blocks;
  for (const std::size_t bytes : sizes) {
    const Block block(bytes, static_cast<unsigned char>(blocks.size() * 37 + 1));
    const std::uintptr_t address = reinterpret_cast<std::uintptr_t>(block.data);
    CAPTURE(bytes);
    REQUIRE(address % 16 == 0);
    if (bytes != 0 && (bytes % 64 == 0 || bytes > 512)) REQUIRE(address % 64 == 0);
    blocks.push_back(block);
    if (blocks.size() == 200) {
      for (const Block& other : blocks) REQUIRE(other.intact());
      for (const Block& other : blocks) other.free();
      blocks.clear();
    }
  }
  for (const Block& other : blocks) {
    REQUIRE(other.intact());
    other.free();
  }
  deallocate(nullptr, 0);
  deallocate(nullptr, 100);
  deallocate(nullptr, 10 * kMiB);
}

TEST_CASE("blocks keep their contents through random use", "[threads]") {
  const std::int64_t before = memory_stats().allocated_bytes;
  std::atomic<int> damaged{0};
  const auto use = [&damaged](unsigned seed) {
    std::mt19937 random(seed);
    std::vector<Block> live;
    for (int step = 0; step < 20000; ++step) {
      if (live.size() < 300 && random() % 2 == 0) {
        live.emplace_back(random_size(random), static_cast<unsigned char>(random()));
      } else if (!live.empty()) {
        std::swap(live[random() % live.size()], live.back());
        if (!live.back().intact()) ++damaged;
        live.back().free();
        live.pop_back();
      }
    }
    for (const Block& block : live) block.free();
  };
  std::thread other(use, 1);
  use(2);
  other.join();
  REQUIRE(damaged == 0);
  REQUIRE(memory_stats().allocated_bytes == before);
}

TEST_CASE("a freed block is the next one of its size") {
  if (!caching()) SKIP("the cache is bypassed");
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{256}, std::size_t{512},
                                  std::size_t{1000}, kMiB, kMiB + 1, 50 * kMiB}) {
    void* const first = allocate(bytes);
    deallocate(first, bytes);
    void* const second = allocate(bytes);
    CAPTURE(bytes);
    // A large block may start at another line of the same first page.
    REQUIRE((reinterpret_cast<std::uintptr_t>(first) ^ reinterpret_cast<std::uintptr_t>(second)) <
            (bytes > kMiB ? 4096u : 1u));
    deallocate(second, bytes);
  }
}

TEST_CASE("a steady loop asks the system for nothing") {
  if (!caching()) SKIP("the cache is bypassed");
  const auto step = [] {
    std::vector<std::pair<void*, std::size_t>> blocks;
    blocks.reserve(3100);
    for (int i = 0; i < 3000; ++i) blocks.emplace_back(allocate(192), 192);
    for (std::size_t i = 1; i <= 40; ++i) blocks.emplace_back(allocate(i * 50000), i * 50000);
    blocks.emplace_back(allocate(20 * kMiB), 20 * kMiB);
    for (const auto& [block, bytes] : blocks) deallocate(block, bytes);
  };
  step();
  step();
  const MemoryStats before = memory_stats();
  for (int i = 0; i < 50; ++i) step();
  const MemoryStats after = memory_stats();
  REQUIRE(after.system_allocations == before.system_allocations);
  REQUIRE(after.reserved_bytes == before.reserved_bytes);
  REQUIRE(after.allocated_bytes == before.allocated_bytes);
}

TEST_CASE("blocks freed by another thread come back", "[threads]") {
  std::mutex mutex;
  std::vector<Block> queue;
  std::atomic<bool> done{false};
  std::atomic<int> damaged{0};
  std::thread consumer([&] {
    for (;;) {
      const bool last = done;
      std::vector<Block> taken;
      {
        const std::lock_guard lock(mutex);
        taken.swap(queue);
      }
      for (const Block& block : taken) {
        if (!block.intact()) ++damaged;
        block.free();
      }
      if (last && taken.empty()) return;
      std::this_thread::yield();
    }
  });
  std::int64_t reserved = 0;
  for (int i = 0; i < 200000; ++i) {
    for (;;) {
      const std::lock_guard lock(mutex);
      if (queue.size() < 1000) {
        queue.emplace_back(i % 5 == 0 ? 3000 : 100 + static_cast<std::size_t>(i % 3) * 100,
                           static_cast<unsigned char>(i));
        break;
      }
    }
    if (i == 50000) reserved = memory_stats().reserved_bytes;
  }
  done = true;
  consumer.join();
  REQUIRE(damaged == 0);
  if (caching()) REQUIRE(memory_stats().reserved_bytes <= reserved + 10 * std::int64_t{kMiB});
}

TEST_CASE("a thread's cache goes to the others when it ends", "[threads]") {
  const auto use = [] {
    std::vector<void*> blocks;
    for (int i = 0; i < 20000; ++i) blocks.push_back(allocate(128));
    for (int i = 0; i < 500; ++i) deallocate(allocate(5000), 5000);
    for (void* block : blocks) deallocate(block, 128);
  };
  std::thread(use).join();
  const MemoryStats before = memory_stats();
  for (int i = 0; i < 30; ++i) std::thread(use).join();
  const MemoryStats after = memory_stats();
  REQUIRE(after.allocated_bytes == before.allocated_bytes);
  REQUIRE(after.reserved_bytes <= before.reserved_bytes + 64 * 1024);
}

namespace {

struct FreesLate {
  void* small = nullptr;
  void* middle = nullptr;
  ~FreesLate() {
    deallocate(small, 200);
    deallocate(middle, 2000);
    deallocate(allocate(64), 64);
  }
};

}  // namespace

TEST_CASE("memory may be freed while a thread ends", "[threads]") {
  const std::int64_t before = memory_stats().allocated_bytes;
  // A key made after the allocator's own: its destructor runs later, when the cache is gone.
  static pthread_key_t key;
  static std::atomic<int> late{0};
  deallocate(allocate(1), 1);
  REQUIRE(pthread_key_create(&key, [](void* block) {
            ++late;
            deallocate(block, 300);
            void* const another = allocate(300);
            std::memset(another, 1, 300);
            deallocate(another, 300);
            deallocate(allocate(3000), 3000);
          }) == 0);
  for (int round = 0; round < 5; ++round) {
    std::thread([] {
      static thread_local FreesLate object;
      object.small = allocate(200);
      object.middle = allocate(2000);
      pthread_setspecific(key, allocate(300));
    }).join();
    // The first use of the allocator on this thread is in its destructors.
    void* const block = allocate(300);
    std::thread([block] { pthread_setspecific(key, block); }).join();
  }
  pthread_key_delete(key);
  REQUIRE(late == 10);
  REQUIRE(memory_stats().allocated_bytes == before);
}

TEST_CASE("memory statistics") {
  const bool cached = caching();
  empty_cache();
  reset_peak_memory_stats();
  const MemoryStats start = memory_stats();
  void* const large = allocate(8 * kMiB);
  void* const small = allocate(100);
  MemoryStats now = memory_stats();
  const std::int64_t in_use = now.allocated_bytes - start.allocated_bytes;
  REQUIRE(in_use >= static_cast<std::int64_t>(8 * kMiB + 100));
  REQUIRE(in_use <= static_cast<std::int64_t>(8 * kMiB + 80 * 1024));
  REQUIRE(now.peak_bytes >= now.allocated_bytes);
  REQUIRE(now.system_allocations > start.system_allocations);
  deallocate(large, 8 * kMiB);
  deallocate(small, 100);
  now = memory_stats();
  REQUIRE(now.allocated_bytes == start.allocated_bytes);
  REQUIRE(now.peak_bytes >= start.allocated_bytes + in_use);
  if (cached) {
    REQUIRE(now.cached_bytes >= start.cached_bytes + static_cast<std::int64_t>(8 * kMiB));
    REQUIRE(now.reserved_bytes >= now.allocated_bytes + static_cast<std::int64_t>(8 * kMiB));
    empty_cache();
    const MemoryStats emptied = memory_stats();
    REQUIRE(emptied.cached_bytes <= now.cached_bytes - static_cast<std::int64_t>(8 * kMiB));
    REQUIRE(emptied.reserved_bytes <= now.reserved_bytes - static_cast<std::int64_t>(8 * kMiB));
  } else {
    REQUIRE(now.cached_bytes == 0);
  }
  reset_peak_memory_stats();
  REQUIRE(memory_stats().peak_bytes < start.allocated_bytes + in_use);
}

TEST_CASE("the cache keeps to its limit") {
  if (!caching()) SKIP("the cache is bypassed");
  empty_cache();
  const MemoryStats start = memory_stats();
  REQUIRE(start.cache_limit_bytes > 0);
  REQUIRE(start.cache_limit_bytes <= std::int64_t{1} << 30);
  set_cache_limit(20 * kMiB);
  std::vector<void*> blocks;
  for (int i = 0; i < 10; ++i) blocks.push_back(allocate(6 * kMiB));
  for (void* block : blocks) deallocate(block, 6 * kMiB);
  std::int64_t grown = memory_stats().cached_bytes - start.cached_bytes;
  REQUIRE(grown <= static_cast<std::int64_t>(20 * kMiB));
  REQUIRE(grown >= static_cast<std::int64_t>(12 * kMiB));
  deallocate(allocate(30 * kMiB), 30 * kMiB);  // too large to be kept at all
  REQUIRE(memory_stats().cached_bytes - start.cached_bytes == grown);
  // Middle blocks count too, beyond the thread's own 8 MiB.
  blocks.clear();
  for (int i = 0; i < 100; ++i) blocks.push_back(allocate(kMiB));
  for (void* block : blocks) deallocate(block, kMiB);
  grown = memory_stats().cached_bytes - start.cached_bytes;
  REQUIRE(grown <= static_cast<std::int64_t>(29 * kMiB));
  set_cache_limit(0);
  empty_cache();
  deallocate(allocate(6 * kMiB), 6 * kMiB);
  REQUIRE(memory_stats().cached_bytes <= start.cached_bytes);
  set_cache_limit(start.cache_limit_bytes);
  REQUIRE_THROWS_AS(set_cache_limit(-1), Error);
}

TEST_CASE("running out of memory is an error") {
  REQUIRE_THROWS_WITH(
      allocate(std::size_t{1} << 47),
      "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: "
      "you tried to allocate 140737488355328 bytes. Error code 12 (Cannot allocate memory)");
  REQUIRE_THROWS_AS(allocate(std::size_t{1} << 62), Error);
  REQUIRE_THROWS_AS(allocate(static_cast<std::size_t>(-1)), Error);
  REQUIRE_THROWS_AS(allocate(static_cast<std::size_t>(-64)), Error);
  deallocate(allocate(100), 100);
}

TEST_CASE("the n-th allocation fails on demand") {
  constexpr std::size_t kSizes[] = {16, 200, 200, 2000, 3 * kMiB, 512};
  for (const std::size_t bytes : kSizes) deallocate(allocate(bytes), bytes);  // warm lists
  const std::int64_t before = memory_stats().allocated_bytes;
  const auto allocate_all = [&kSizes] {
    std::vector<Block> blocks;
    try {
      for (const std::size_t bytes : kSizes) blocks.emplace_back(bytes, 1);
    } catch (const Error&) {
      for (const Block& block : blocks) block.free();
      throw;
    }
    for (const Block& block : blocks) block.free();
  };
  for (const bool persistent : {false, true}) {
    for (std::int64_t n = 1; n <= 6; ++n) {
      testing::fail_allocation(n, persistent);
      CAPTURE(n, persistent);
      REQUIRE_FALSE(testing::allocation_failed());
      REQUIRE_THROWS_WITH(allocate_all(), ContainsSubstring("you tried to allocate " +
                                                            std::to_string(kSizes[n - 1]) + " "));
      REQUIRE(testing::allocation_failed());
      if (persistent) {
        REQUIRE_THROWS_AS(allocate(16), Error);
        REQUIRE_THROWS_AS(allocate(4 * kMiB), Error);
      } else {
        allocate_all();
      }
      testing::fail_allocation(0, false);
      allocate_all();
    }
    testing::fail_allocation(7, persistent);
    allocate_all();
    REQUIRE_FALSE(testing::allocation_failed());
    testing::fail_allocation(0, false);
  }
  REQUIRE(memory_stats().allocated_bytes == before);
  if (caching()) {  // and the lists answer again
    void* const block = allocate(200);
    deallocate(block, 200);
    REQUIRE(allocate(200) == block);
    deallocate(block, 200);
  }
}

TEST_CASE("a tensor that cannot be made leaves no memory behind") {
  make_tensor({5000}, ScalarType::Double);  // what the thread needs once
  for (int n = 1; n <= 2; ++n) {
    const MemoryStats before = memory_stats();
    testing::fail_allocation(n, false);
    REQUIRE_THROWS_AS(make_tensor({5000}, ScalarType::Double), Error);
    testing::fail_allocation(0, false);
    REQUIRE(memory_stats().allocated_bytes == before.allocated_bytes);
  }
}

TEST_CASE("a forked child can allocate", "[threads]") {
  // Bypassed, there is no lock of ours; and a sanitizer's malloc hangs in a child whose parent's other
  // thread was inside it at the fork.
  if (!caching()) return;
  std::atomic<bool> stop{false};
  std::thread busy([&stop] {  // holds the heap's lock now and then
    std::vector<void*> blocks;
    while (!stop) {
      for (int i = 0; i < 2000; ++i) blocks.push_back(allocate(80));
      for (void* block : blocks) deallocate(block, 80);
      deallocate(allocate(2 * kMiB), 2 * kMiB);
      blocks.clear();
    }
  });
  int failures = 0;
  for (int round = 0; round < 20; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      for (int i = 0; i < 3000; ++i) std::memset(allocate(80), 1, 80);
      std::memset(allocate(2 * kMiB), 1, 2 * kMiB);
      std::memset(allocate(2000), 1, 2000);
      memory_stats();
      empty_cache();
      _exit(0);
    }
    int status = 1;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) ++failures;
  }
  stop = true;
  busy.join();
  REQUIRE(failures == 0);
}

TEST_CASE("child: SIMDGRAD_ALLOCATOR", "[.]") {
  REQUIRE_FALSE(caching());
  const MemoryStats before = memory_stats();
  const Block small(100, 1);
  const Block large(5 * kMiB, 2);
  REQUIRE(memory_stats().allocated_bytes ==
          before.allocated_bytes + static_cast<std::int64_t>(5 * kMiB + 100));
  small.free();
  large.free();
  REQUIRE(memory_stats().allocated_bytes == before.allocated_bytes);
  REQUIRE(memory_stats().reserved_bytes == before.reserved_bytes);
  REQUIRE(memory_stats().system_allocations == before.system_allocations + 2);
  empty_cache();
}

TEST_CASE("SIMDGRAD_ALLOCATOR=system bypasses the cache") {
  REQUIRE(run_self("SIMDGRAD_ALLOCATOR=system", "child: SIMDGRAD_ALLOCATOR") == 0);
}

TEST_CASE("an upper bound on one allocation") {
  testing::set_allocation_limit(kMiB);
  CHECK_THROWS_AS(allocate(8 * kMiB), Error);
  deallocate(allocate(1000), 1000);
  testing::set_allocation_limit(0);
  deallocate(allocate(8 * kMiB), 8 * kMiB);
}

#if !defined(SIMDGRAD_SANITIZED)
TEST_CASE("child: known bytes behind blocks", "[.]") {
  int64_t damaged = 0;
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{100}, std::size_t{512},
                                  std::size_t{5000}, 3 * kMiB}) {
    char* block = static_cast<char*>(allocate(bytes));
    std::memset(block, 'x', bytes);
    deallocate(block, bytes);
    REQUIRE(testing::damaged_blocks() == damaged);
    block = static_cast<char*>(allocate(bytes));
    block[bytes] = 'x';
    deallocate(block, bytes);
    REQUIRE(testing::damaged_blocks() == ++damaged);
    REQUIRE(testing::damaged_block_bytes() == bytes);
  }
}

TEST_CASE("a write past the end of a block with known bytes behind it is noticed") {
  REQUIRE(run_self("SIMDGRAD_ALLOCATOR=fence_bytes", "child: known bytes behind blocks") == 0);
}
#endif
