// How many hold an object. While the process has one thread, counting takes no locked instruction (20
// cycles each on Zen 5; multiplying two numbers with a graph counts seven times), as in libstdc++'s
// std::shared_ptr.
#pragma once

#include <atomic>
#include <cstdint>

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

namespace simdgrad::detail {

// Has the process had one thread so far? False for good once it has started another, and where the C
// library does not say. (A thread made by a raw clone() is not seen, nor by std::shared_ptr.)
inline bool is_single_threaded() noexcept {
#if __has_include(<sys/single_threaded.h>)
  return __libc_single_threaded;
#else
  return false;
#endif
}

// value.fetch_add(change, relaxed), value.exchange(desired, acquire), and compare_exchange_strong from 0,
// acquire.
template <class T>
T fetch_add(std::atomic<T>& value, T change) noexcept {
  if (!is_single_threaded()) return value.fetch_add(change, std::memory_order_relaxed);
  const T before = value.load(std::memory_order_relaxed);
  value.store(before + change, std::memory_order_relaxed);
  return before;
}
template <class T>
T exchange(std::atomic<T>& value, T desired) noexcept {
  if (!is_single_threaded()) return value.exchange(desired, std::memory_order_acquire);
  const T before = value.load(std::memory_order_relaxed);
  value.store(desired, std::memory_order_relaxed);
  return before;
}

template <class T>
bool replace_zero(std::atomic<T>& value, T desired) noexcept {
  T before = value.load(std::memory_order_relaxed);
  if (before != 0) return false;
  if (!is_single_threaded())
    return value.compare_exchange_strong(before, desired, std::memory_order_acquire,
                                         std::memory_order_relaxed);
  value.store(desired, std::memory_order_relaxed);
  return true;
}

class ReferenceCount {
 public:
  uint32_t load(std::memory_order order = std::memory_order_acquire) const noexcept {
    return count_.load(order);
  }
  bool is_one() const noexcept { return load() == 1; }
  void add() noexcept { fetch_add<uint32_t>(count_, 1); }
  // Gives one up; says whether it was the last. The count means nothing after that.
  bool drop() noexcept {
    // The last owner is known by a load: nobody else can hold the object.
    const uint32_t before = load();
    if (before == 1) return true;
    if (is_single_threaded()) {
      count_.store(before - 1, std::memory_order_relaxed);
      return false;
    }
    return count_.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }

 private:
  std::atomic<uint32_t> count_{1};
};

}  // namespace simdgrad::detail
