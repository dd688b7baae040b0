// Takes the place of malloc; in a sanitizer's build, which has its own, its hooks. The library has to
// bypass its caches (SIMDGRAD_ALLOCATOR=system), or a block of its own regions would not be seen.
#include "tests/fuzz/files/memory_meter.h"

#include <atomic>
#include <cerrno>

#if defined(SIMDGRAD_SANITIZED)
// Of the sanitizers' allocator_interface.h, which GCC does not install.
extern "C" int __sanitizer_install_malloc_and_free_hooks(
    void (*malloc_hook)(const volatile void*, size_t), void (*free_hook)(const volatile void*));
extern "C" size_t __sanitizer_get_allocated_size(const volatile void* block);
#else
#include <malloc.h>
#endif

namespace fuzz {
namespace {

std::atomic<bool> metering{false};
std::atomic<long> held{0}, most{0};

void add(size_t bytes) {
  if (!metering.load(std::memory_order_relaxed)) return;
  const long now = held.fetch_add(static_cast<long>(bytes)) + static_cast<long>(bytes);
  if (now > most.load()) most.store(now);
}
void take(size_t bytes) {
  if (metering.load(std::memory_order_relaxed)) held.fetch_sub(static_cast<long>(bytes));
}

#if defined(SIMDGRAD_SANITIZED)
const int installed = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, size_t bytes) { add(bytes); },
    [](const volatile void* block) {
      if (metering.load(std::memory_order_relaxed) && block)
        take(__sanitizer_get_allocated_size(block));
    });
#endif

}  // namespace

void begin_metering() {
#if defined(SIMDGRAD_SANITIZED)
  (void)installed;
#endif
  held = most = 0;
  metering = true;
}
size_t end_metering() {
  metering = false;
  return static_cast<size_t>(most.load());
}

}  // namespace fuzz

#if !defined(SIMDGRAD_SANITIZED)
extern "C" {
// The C library's own, under the names that it keeps for this purpose.
void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t items, size_t bytes);
void* __libc_realloc(void* block, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void* block);

static void* added(void* block) {
  if (block) fuzz::add(malloc_usable_size(block));
  return block;
}

void* malloc(size_t bytes) { return added(__libc_malloc(bytes)); }
void* calloc(size_t items, size_t bytes) { return added(__libc_calloc(items, bytes)); }
void* memalign(size_t alignment, size_t bytes) { return added(__libc_memalign(alignment, bytes)); }
void* aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }
int posix_memalign(void** block, size_t alignment, size_t bytes) {
  *block = memalign(alignment, bytes);
  return *block ? 0 : ENOMEM;
}
void* realloc(void* block, size_t bytes) {
  const size_t before = block ? malloc_usable_size(block) : 0;
  void* const moved = __libc_realloc(block, bytes);
  if (moved || bytes == 0) fuzz::take(before);
  return added(moved);
}
void free(void* block) {
  if (block) fuzz::take(malloc_usable_size(block));
  __libc_free(block);
}
}
#endif
