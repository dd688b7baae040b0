// What a run of the benchmark found, and the forms it is shown in.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/machine.h"

namespace bench {

// Seconds per item over many windows.
struct Times {
  double minimum = 0, median = 0;
  static Times of(std::vector<double> windows);
};

// One workload on one number of threads, ours against one peer.
struct Row {
  std::string workload, peer;
  int threads = 1;
  Times ours;
  std::optional<Times> theirs;
  double flops = 0, bytes = 0, limit = 0;  // of an item; the least seconds that the machine allows
  double goal = 0;                         // ratio to reach, 0: none is set
  double ratio() const { return theirs ? theirs->minimum / ours.minimum : 0; }
};

// Growth of the largest resident memory in a fresh process, bytes.
struct MemoryRow {
  std::string workload, peer;
  double ours = 0, theirs = 0;
};

struct Side {
  std::string name, about;
};

struct Results {
  Machine machine;
  std::vector<Side> sides;
  std::vector<Row> rows;
  std::vector<MemoryRow> memory;
};

// The ratio that a workload should reach against a peer (issue: bench/goals.cpp); 0 where none is set.
double goal_of(const std::string& workload, const std::string& peer, int threads);

// "1.234 us": four digits.
std::string duration(double seconds);

// Lines for the terminal, at most 100 columns.
std::string machine_text(const Machine& machine);
std::string row_heading();
std::string row_text(const Row& row);
std::string memory_text(const MemoryRow& row);
// Geometric means of the ratios of products against each peer and against the best unpacked one.
std::string products_text(const std::vector<Row>& rows);

void write_csv(const Results& results, const std::string& path);
// performance tables as Markdown, and charts beside it (charts/*.svg).
void write_markdown(const Results& results, const std::string& path);
void write_charts(const Results& results, const std::string& folder);

}  // namespace bench
