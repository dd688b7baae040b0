// The calls themselves, one after the other, in a process that may die of them.
#pragma once

#include <string>
#include <vector>

#include "tests/fuzz/calls/board.h"
#include "tests/fuzz/calls/call.h"

namespace fuzz {

// How a worker ends whose memory a call has damaged: the next one starts afresh.
constexpr int kDamaged = 42;

struct Settings {
  uint64_t runs = 100000;
  uint64_t seed = 1;
  std::string only;  // part of a signature
  int workers = 1;
  bool planted = false;
  bool in_process = false;  // for a debugger
  bool is_verbose = false;
  std::string scratch;
};

// Which signature is called when: those that work on tensors more often.
std::vector<uint32_t> schedule(const std::vector<Signature>& all, const Settings& settings);

// Makes the calls number, number + settings.workers ... up to settings.runs; finds are written to
// the pipe, a line each: signature, number, kind and details between tabs.
void work(const std::vector<Signature>& all, const std::vector<uint32_t>& order,
          const Settings& settings, int worker, uint64_t number, Board& board, int pipe);

}  // namespace fuzz
