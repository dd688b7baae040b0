// A stable radix sort of (id, position) words, and the cuts between ids.
#include "ops/rows/grouping.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "core/allocator.h"

namespace simdgrad {
namespace {

constexpr int kMaxDigit = 11;  // bits sorted by in one pass: 2048 counts stay in the first cache
constexpr int64_t kFew = 48;   // ids that insertion sorts faster than counting does

int bits_for(int64_t limit) {
  return std::bit_width(static_cast<uint64_t>(limit > 1 ? limit - 1 : 1));
}

// Words are distinct (the position is in them), so that any sort is a stable one.
void insertion_sort(uint64_t* words, int64_t n) {
  for (int64_t i = 1; i < n; ++i) {
    const uint64_t moving = words[i];
    int64_t at = i;
    for (; at > 0 && words[at - 1] > moving; --at) words[at] = words[at - 1];
    words[at] = moving;
  }
}

// Sorts by `bits` bits from bit `low` on. Returns where the result is: words or spare.
uint64_t* radix_sort(uint64_t* words, uint64_t* spare, int64_t n, int low, int bits) {
  const int passes = (bits - 1) / kMaxDigit + 1;
  const int digit = (bits - 1) / passes + 1;
  const uint64_t mask = (uint64_t{1} << digit) - 1;
  for (int pass = 0; pass < passes; ++pass, low += digit) {
    uint32_t next[1 << kMaxDigit] = {};
    for (int64_t i = 0; i < n; ++i) ++next[words[i] >> low & mask];
    uint32_t sum = 0;
    for (uint64_t d = 0; d <= mask; ++d) sum += std::exchange(next[d], sum);
    for (int64_t i = 0; i < n; ++i) spare[next[words[i] >> low & mask]++] = words[i];
    std::swap(words, spare);
  }
  return words;
}

}  // namespace

RowGrouping::RowGrouping(const int64_t* ids, int64_t n, int64_t limit)
    : n_(n), bytes_(static_cast<size_t>(3 * n + 1) * sizeof(int64_t)) {
  order_ = static_cast<int64_t*>(allocate(bytes_));
  ids_ = order_ + n;
  starts_ = ids_ + n;
  sort(ids, limit);
  cut(ids);
}

RowGrouping::~RowGrouping() { deallocate(order_, bytes_); }

void RowGrouping::sort(const int64_t* ids, int64_t limit) {
  if (std::is_sorted(ids, ids + n_)) {
    for (int64_t i = 0; i < n_; ++i) order_[i] = i;
    return;
  }
  const int position_bits = bits_for(n_), id_bits = bits_for(limit);
  if (position_bits + id_bits > 64 || position_bits > 32) [[unlikely]] {
    for (int64_t i = 0; i < n_; ++i) order_[i] = i;
    std::stable_sort(order_, order_ + n_, [ids](int64_t a, int64_t b) { return ids[a] < ids[b]; });
    return;
  }
  uint64_t* words = reinterpret_cast<uint64_t*>(order_);
  for (int64_t i = 0; i < n_; ++i)
    words[i] = static_cast<uint64_t>(ids[i]) << position_bits | static_cast<uint64_t>(i);
  if (n_ <= kFew)
    insertion_sort(words, n_);
  else
    words = radix_sort(words, reinterpret_cast<uint64_t*>(ids_), n_, position_bits, id_bits);
  const uint64_t mask = (uint64_t{1} << position_bits) - 1;
  for (int64_t i = 0; i < n_; ++i) order_[i] = static_cast<int64_t>(words[i] & mask);
}

void RowGrouping::cut(const int64_t* ids) {
  for (int64_t i = 0; i < n_; ++i) {
    const int64_t id = ids[order_[i]];
    if (groups_ && ids_[groups_ - 1] == id) continue;
    ids_[groups_] = id;
    starts_[groups_++] = i;
  }
  starts_[groups_] = n_;
}

}  // namespace simdgrad
