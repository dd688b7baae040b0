// Free blocks up to 1 MiB that no thread keeps: cut from regions, taken and given in batches.
#include "core/shared_heap.h"

namespace simdgrad::detail {

constinit ImmortalHeap immortal;

namespace {

void*& next_batch_of(void* block) { return static_cast<void**>(block)[1]; }

}  // namespace

void SharedHeap::give_small(std::size_t index, void* block) {
  SmallClass& list = small_[index];
  next_of(block) = list.loose;
  list.loose = block;
  ++list.free_count;
  if (++list.loose_count == batch_count(index)) {
    next_batch_of(block) = list.batches;
    list.batches = block;
    list.loose = nullptr;
    list.loose_count = 0;
  }
}

void SharedHeap::give_batch(std::size_t index, void* first) {
  SmallClass& list = small_[index];
  next_batch_of(first) = list.batches;
  list.batches = first;
  list.free_count += batch_count(index);
}

// Cuts a batch from the region; false when there is no memory.
bool SharedHeap::cut_batch(std::size_t index) {
  const std::size_t size = small_size(index);
  const std::size_t bytes = (batch_count(index) * size + 63) / 64 * 64;
  if (static_cast<std::size_t>(region_end_ - region_) < bytes) {
    char* const region = static_cast<char*>(map_pages(next_region_));
    if (region == nullptr) return false;
    region_ = region;
    region_end_ = region + next_region_;
    next_region_ = std::min<std::size_t>(next_region_ * 2, 32 << 20);
  }
  void* first = nullptr;
  for (std::size_t i = batch_count(index); i-- > 0;) {
    void* const block = region_ + i * size;
    next_of(block) = first;
    first = block;
  }
  region_ += bytes;
  give_batch(index, first);
  return true;
}

std::uint16_t SharedHeap::take_small(std::size_t index, void** first) {
  SmallClass& list = small_[index];
  std::uint16_t count = list.loose_count;
  if (list.batches == nullptr && count == 0 && !cut_batch(index)) return 0;
  if (list.batches != nullptr) {
    *first = list.batches;
    list.batches = next_batch_of(*first);
    count = batch_count(index);
  } else {
    *first = list.loose;
    list.loose = nullptr;
    list.loose_count = 0;
  }
  list.free_count -= count;
  memory_counters.hand_out(count * small_size(index));
  return count;
}

std::int64_t SharedHeap::small_bytes() const {
  std::int64_t bytes = 0;
  for (std::size_t index = 0; index < kSmallClasses; ++index)
    bytes += small_[index].free_count * static_cast<std::int64_t>(small_size(index));
  return bytes;
}

void SharedHeap::release_middle() {
  for (int index = 0; index < kMiddleClasses; ++index) {
    while (void* const block = middle_[index]) {
      middle_[index] = next_of(block);
      memory_counters.cached.fetch_sub(static_cast<std::int64_t>(middle_size(index)),
                                       std::memory_order_relaxed);
      free_middle(index, block);
    }
  }
}

}  // namespace simdgrad::detail
