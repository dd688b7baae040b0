// The random choices of one call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "tests/split_mix.h"

namespace fuzz {

class Random : public SplitMix {
 public:
  using SplitMix::SplitMix;

  // In [0, n); n > 0.
  int64_t below(int64_t n) { return static_cast<int64_t>(next() % static_cast<uint64_t>(n)); }
  // In [low, high].
  int64_t between(int64_t low, int64_t high) { return low + below(high - low + 1); }
  bool chance(int percent) { return below(100) < percent; }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  template <class T>
  T pick(std::initializer_list<T> values) {
    return values.begin()[below(static_cast<int64_t>(values.size()))];
  }
};

}  // namespace fuzz
