#include "core/guarded_blocks.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "core/testing_hooks.h"

namespace simdgrad {
namespace {

constexpr std::size_t kGuardBytes = 64;
constexpr unsigned char kGuard = 0xB5;
// What a block holds after it was given back, up to so many bytes: whoever reads it will be told.
constexpr unsigned char kGone = 0xDB;
constexpr std::size_t kGoneBytes = 4096;

constinit std::atomic<bool> is_on{false};
constinit std::atomic<std::int64_t> overruns{0};
constinit std::atomic<std::size_t> last_overrun{0};

}  // namespace

bool detail::blocks_are_guarded() { return is_on.load(std::memory_order_relaxed); }

void* detail::allocate_guarded(std::size_t bytes) {
  void* block;
  if (posix_memalign(&block, 64, bytes + kGuardBytes) != 0) return nullptr;
  std::memset(static_cast<char*>(block) + bytes, kGuard, kGuardBytes);
  return block;
}

void detail::deallocate_guarded(void* block, std::size_t bytes) noexcept {
  const unsigned char* const end = static_cast<unsigned char*>(block) + bytes;
  if (!std::all_of(end, end + kGuardBytes, [](unsigned char byte) { return byte == kGuard; })) {
    overruns.fetch_add(1, std::memory_order_relaxed);
    last_overrun.store(bytes, std::memory_order_relaxed);
  }
  std::memset(block, kGone, std::min(bytes, kGoneBytes));
  std::free(block);
}

void testing::guard_blocks() { is_on.store(true, std::memory_order_relaxed); }

testing::Overruns testing::block_overruns() {
  return {overruns.exchange(0, std::memory_order_relaxed),
          last_overrun.load(std::memory_order_relaxed)};
}

}  // namespace simdgrad
