// Starts workers, notices those that crash or hang, goes on with new ones, and collects what is found.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/fuzz/calls/worker.h"

namespace fuzz {

struct Finding {
  uint32_t signature = 0;
  uint64_t number = 0;  // of the call, the first one
  std::string kind, details;
  int64_t count = 1;
};

class Supervisor {
 public:
  Supervisor(const std::vector<Signature>& all, const Settings& settings);
  ~Supervisor();

  // All calls; prints every find when it is new.
  void run();
  // One line per signature and kind, the first one first.
  const std::vector<Finding>& findings() const { return findings_; }
  const Board& board() const { return *board_; }

 private:
  struct Process;
  void start(int worker, uint64_t number);
  // Reads what workers wrote; true once the last one has closed its end.
  void read_pipe();
  void look_after(int worker);
  void bury(int worker, const std::string& how);
  // A new worker for the call behind the last one.
  void go_on(int worker);
  void note(const Finding& finding);
  std::string reproducer(const Finding& finding) const;

  const std::vector<Signature>& all_;
  const Settings& settings_;
  const std::vector<uint32_t> order_;
  Board* board_;
  std::vector<Process> processes_;
  int pipe_[2];
  std::string unread_;
  std::vector<Finding> findings_;
  std::map<std::string, size_t> known_;  // by signature and kind
};

}  // namespace fuzz
