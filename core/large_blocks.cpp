// Mappings for blocks above 1 MiB: made, kept warm, found by best fit, given back.
#include "core/large_blocks.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <mutex>

#include "core/fork.h"

namespace simdgrad::detail {

constinit MemoryCounters memory_counters;

void MemoryCounters::hand_out(std::size_t bytes) {
  const std::int64_t added = static_cast<std::int64_t>(bytes);
  const std::int64_t now = outside.fetch_add(added, std::memory_order_relaxed) + added;
  std::int64_t highest = peak.load(std::memory_order_relaxed);
  while (now > highest && !peak.compare_exchange_weak(highest, now, std::memory_order_relaxed)) {
  }
}

void MemoryCounters::reserve(std::size_t bytes) {
  reserved.fetch_add(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
  system_allocations.fetch_add(1, std::memory_order_relaxed);
}

std::int64_t MemoryCounters::limit() {
  std::int64_t bytes = cache_limit.load(std::memory_order_relaxed);
  if (bytes < 0) {
    const std::int64_t machine =
        std::int64_t{sysconf(_SC_PHYS_PAGES)} * std::int64_t{sysconf(_SC_PAGESIZE)};
    bytes = std::int64_t{1} << 30;
    if (machine > 0) bytes = std::min(bytes, machine / 8);
    cache_limit.store(bytes, std::memory_order_relaxed);
  }
  return bytes;
}

bool MemoryCounters::room_for(std::size_t bytes) {
  return cached.load(std::memory_order_relaxed) + static_cast<std::int64_t>(bytes) <= limit();
}

void* map_pages(std::size_t bytes) {
  const bool huge = bytes >= 2 * kHugePage;
  const std::size_t asked = huge ? bytes + kHugePage : bytes;
  void* const mapped =
      mmap(nullptr, asked, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  memory_counters.reserve(bytes);
  char* begin = static_cast<char*>(mapped);
  if (huge) {
    const std::size_t past = reinterpret_cast<std::uintptr_t>(begin) % kHugePage;
    const std::size_t skipped = past == 0 ? 0 : kHugePage - past;
    if (skipped != 0) munmap(begin, skipped);
    begin += skipped;
    const std::size_t rest = kHugePage - skipped;
    if (rest != 0) munmap(begin + bytes, rest);
    madvise(begin, bytes, MADV_HUGEPAGE);
  }
  return begin;
}

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kGranularity = 64 << 10;  // so that nearly equal sizes reuse each other
constexpr int kMaxCached = 1024;

// Stands at the start of the mapping; the block follows within the first page.
struct Header {
  std::size_t mapped;
};

struct Cached {
  std::size_t mapped;
  char* begin;
  std::uint64_t tick;  // when it was freed
};

struct LargeCache {
  std::mutex mutex;
  int count = 0;
  std::uint64_t tick = 0;
  Cached blocks[kMaxCached] = {};  // by size, then by age
};

// Never destroyed: static objects may hold tensors.
union Immortal {
  LargeCache cache;
  constexpr Immortal() : cache() {}
  ~Immortal() {}
};
constinit Immortal immortal;

// Blocks start at different places in a page: otherwise x[i], y[i] and their gradients would share
// their low 12 address bits, and a load would wait for an unrelated store. 23 of 63 lines keeps
// consecutive blocks far apart.
std::size_t next_offset() {
  static std::atomic<unsigned> counter{0};
  return 64 * (1 + (counter.fetch_add(1, std::memory_order_relaxed) * 23) % 63);
}

char* block_begin(void* block) {
  return reinterpret_cast<char*>(reinterpret_cast<std::uintptr_t>(block) & ~(kPage - 1));
}

void remove(LargeCache& cache, int index) {
  memory_counters.cached.fetch_sub(static_cast<std::int64_t>(cache.blocks[index].mapped),
                                   std::memory_order_relaxed);
  --cache.count;
  std::copy(cache.blocks + index + 1, cache.blocks + cache.count + 1, cache.blocks + index);
}

void unmap(char* begin, std::size_t bytes) {
  munmap(begin, bytes);
  memory_counters.unreserve(bytes);
}

void release_oldest(LargeCache& cache) {
  const Cached* const oldest =
      std::min_element(cache.blocks, cache.blocks + cache.count,
                       [](const Cached& a, const Cached& b) { return a.tick < b.tick; });
  const Cached block = *oldest;
  remove(cache, static_cast<int>(oldest - cache.blocks));
  unmap(block.begin, block.mapped);
}

// The smallest cached block that holds needed bytes and wastes at most a quarter; nullptr if none.
char* take_cached(std::size_t needed) {
  LargeCache& cache = immortal.cache;
  const std::lock_guard lock(cache.mutex);
  Cached* const end = cache.blocks + cache.count;
  Cached* found =
      std::lower_bound(cache.blocks, end, needed,
                       [](const Cached& block, std::size_t size) { return block.mapped < size; });
  if (found == end || found->mapped - needed > needed / 4) return nullptr;
  while (found + 1 != end && found[1].mapped == found->mapped) ++found;  // the last freed: warmest
  char* const begin = found->begin;
  remove(cache, static_cast<int>(found - cache.blocks));
  return begin;
}

}  // namespace

void* allocate_large(std::size_t bytes) {
  if (bytes > static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) / 2) {
    return nullptr;
  }
  const std::size_t mapped = (bytes + kPage + kGranularity - 1) / kGranularity * kGranularity;
  char* begin = take_cached(mapped);
  if (begin == nullptr) {
    begin = static_cast<char*>(map_pages(mapped));
    if (begin == nullptr) return nullptr;
    *reinterpret_cast<Header*>(begin) = {mapped};
  }
  memory_counters.hand_out(reinterpret_cast<Header*>(begin)->mapped);
  return begin + next_offset();
}

void deallocate_large(void* block) noexcept {
  char* const begin = block_begin(block);
  const std::size_t mapped = reinterpret_cast<Header*>(begin)->mapped;
  memory_counters.take_back(mapped);
  LargeCache& cache = immortal.cache;
  const std::lock_guard lock(cache.mutex);
  if (static_cast<std::int64_t>(mapped) > memory_counters.limit()) {
    unmap(begin, mapped);
    return;
  }
  while (cache.count > 0 && (cache.count == kMaxCached || !memory_counters.room_for(mapped))) {
    release_oldest(cache);
  }
  Cached* const end = cache.blocks + cache.count;
  Cached* const place =
      std::upper_bound(cache.blocks, end, mapped,
                       [](std::size_t size, const Cached& other) { return size < other.mapped; });
  std::copy_backward(place, end, end + 1);
  *place = {mapped, begin, ++cache.tick};
  ++cache.count;
  memory_counters.cached.fetch_add(static_cast<std::int64_t>(mapped), std::memory_order_relaxed);
}

void release_large_blocks() noexcept {
  LargeCache& cache = immortal.cache;
  const std::lock_guard lock(cache.mutex);
  while (cache.count > 0) {
    const Cached block = cache.blocks[cache.count - 1];
    remove(cache, cache.count - 1);
    unmap(block.begin, block.mapped);
  }
}

void lock_large_blocks() { immortal.cache.mutex.lock(); }
void unlock_large_blocks() { immortal.cache.mutex.unlock(); }

}  // namespace simdgrad::detail
