// What a file format brings to the fuzzers: seeds, a reader, what it may allocate. One file each, and a
// line in formats().
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/split_mix.h"

namespace fuzz {

// Reproducible choices.
class Random : public SplitMix {
 public:
  using SplitMix::SplitMix;
  // In [0, limit); 0 for a limit of 0.
  size_t below(size_t limit) { return limit ? static_cast<size_t>(next() % limit) : 0; }
  bool one_in(size_t n) { return below(n) == 0; }
};

// An input as a file, and the measure of what reading it takes.
struct Input {
  const std::string& path;
  const std::string& bytes;
  // Runs the reader and notes the most memory that it held at once.
  std::function<void(const std::function<void()>&)> measured;
};

struct Format {
  const char* name;
  std::vector<std::string> (*seeds)();
  // Reads the input within input.measured and checks what it gave: std::logic_error for anything that
  // is not consistent. A simdgrad::Error is a refusal.
  void (*run)(const Input& input);
  // The most bytes that reading these may hold at once: what the format's header documents.
  size_t (*memory_bound)(const std::string& bytes);
  // Makes lengths and checksums right again, so that what lies behind them is reached; may do nothing.
  void (*repair)(std::string& bytes, Random& random);
};

const std::vector<Format>& formats();

// Changes the input a little: bits, bytes, numbers in text, pieces of its own and of another.
void mutate(std::string& bytes, const std::string& other, Random& random);

}  // namespace fuzz
