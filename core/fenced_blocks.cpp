// Blocks in mappings of their own beside a page that faults, or with known bytes behind them.
#include "core/fenced_blocks.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "core/testing_hooks.h"

namespace simdgrad {
namespace detail {
namespace {

constexpr unsigned char kInside = 0xff, kOutside = 0xa5, kGone = 0xdb;
constexpr std::size_t kFenceBytes = 64, kGoneBytes = 4096;

constinit std::atomic<std::int64_t> damaged{0};
constinit std::atomic<std::size_t> last_damaged{0};

std::size_t page() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

// Numbers of 4 and 8 bytes end exactly at the fence: 16 bytes of alignment would hide what is read up to
// 15 bytes past the end. Operations cannot rely on more, since a tensor may begin anywhere in a block.
std::size_t alignment_of(std::size_t bytes) {
  return bytes % 16 == 0 ? 16 : bytes % 8 == 0 ? 8 : 4;
}

// Where a block of this size lies in its pages.
struct Place {
  explicit Place(std::size_t bytes)
      : pages((bytes + page() - 1) / page() * page()), fence_first(fence() == Fence::before) {
    const std::size_t alignment = alignment_of(bytes);
    before = fence_first ? 0 : pages - (bytes + alignment - 1) / alignment * alignment;
    after = pages - before - bytes;
  }
  std::size_t pages;  // bytes of the pages that can be used; one that faults comes before or after
  bool fence_first;
  std::size_t before, after;  // bytes of those pages around the block
};

// Freed blocks of one page, kept mapped: six times as fast as asking the system for each. What a thread
// keeps when it ends stays mapped.
struct Spare {
  void* mapped[64];
  int count;
};
constinit thread_local Spare spare __attribute__((tls_model("initial-exec"))) = {};

// The pages of a block and the one that faults; nullptr when there is no memory.
void* map(const Place& place) {
  if (place.pages == page() && spare.count > 0) return spare.mapped[--spare.count];
  const std::size_t whole = place.pages + page();
  void* const mapped =
      mmap(nullptr, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  char* const begin = static_cast<char*>(mapped) + (place.fence_first ? page() : 0);
  if (place.pages == 0 || mprotect(begin, place.pages, PROT_READ | PROT_WRITE) == 0) return mapped;
  munmap(mapped, whole);
  return nullptr;
}

void unmap(void* mapped, const Place& place) {
  if (place.pages == page() && spare.count < 64) {
    spare.mapped[spare.count++] = mapped;
  } else {
    munmap(mapped, place.pages + page());
  }
}

bool untouched(const char* bytes, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    if (static_cast<unsigned char>(bytes[i]) != kOutside) return false;
  return true;
}

void count_damaged(std::size_t bytes) {
  damaged.fetch_add(1, std::memory_order_relaxed);
  last_damaged.store(bytes, std::memory_order_relaxed);
}

void* allocate_before_bytes(std::size_t bytes) {
  void* block;
  if (posix_memalign(&block, 64, bytes + kFenceBytes) != 0) return nullptr;
  std::memset(static_cast<char*>(block) + bytes, kOutside, kFenceBytes);
  return block;
}

void deallocate_before_bytes(void* block, std::size_t bytes) {
  if (!untouched(static_cast<char*>(block) + bytes, kFenceBytes)) count_damaged(bytes);
  std::memset(block, kGone, std::min(bytes, kGoneBytes));
  std::free(block);
}

}  // namespace

Fence fence() {
  // Not a guarded static: see bypassed() in core/allocator.cpp.
  constexpr int kUnknown = -1;
  static constinit std::atomic<int> answer{kUnknown};
  int known = answer.load(std::memory_order_relaxed);
  if (known == kUnknown) {
    const char* const choice = std::getenv("SIMDGRAD_ALLOCATOR");
    const auto is = [choice](const char* name) { return choice && std::strcmp(choice, name) == 0; };
    known = static_cast<int>(is("fence_after")    ? Fence::after
                             : is("fence_before") ? Fence::before
                             : is("fence_bytes")  ? Fence::bytes
                                                  : Fence::none);
    answer.store(known, std::memory_order_relaxed);
  }
  return static_cast<Fence>(known);
}

void* allocate_fenced(std::size_t bytes) {
  if (bytes > SIZE_MAX / 2) return nullptr;
  if (fence() == Fence::bytes) return allocate_before_bytes(bytes);
  const Place place(bytes);
  void* const mapped = map(place);
  if (mapped == nullptr) return nullptr;
  char* const begin = static_cast<char*>(mapped) + (place.fence_first ? page() : 0);
  char* const block = begin + place.before;
  std::memset(begin, kOutside, place.before);
  std::memset(block, kInside, bytes);
  std::memset(block + bytes, kOutside, place.after);
  return block;
}

void deallocate_fenced(void* block, std::size_t bytes) noexcept {
  if (fence() == Fence::bytes) return deallocate_before_bytes(block, bytes);
  const Place place(bytes);
  char* const begin = static_cast<char*>(block) - place.before;
  if (!untouched(begin, place.before) ||
      !untouched(static_cast<char*>(block) + bytes, place.after))
    count_damaged(bytes);
  unmap(begin - (place.fence_first ? page() : 0), place);
}

}  // namespace detail

std::int64_t testing::damaged_blocks() { return detail::damaged.load(std::memory_order_relaxed); }

std::size_t testing::damaged_block_bytes() {
  return detail::last_damaged.load(std::memory_order_relaxed);
}

}  // namespace simdgrad
