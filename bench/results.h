// What a run of the benchmark found, and the forms it is shown in.
#pragma once

#include <optional>
#include <set>
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
  std::string kernel = "";                 // the one that the peer chose, where it says so
  std::vector<double> alone = {};          // ratios of further runs of this row alone
  double ratio() const { return theirs ? theirs->minimum / ours.minimum : 0; }
  // A ratio of 1.04996 is printed as 1.05 and is one.
  bool is_short() const { return theirs && goal > 0 && ratio() < goal - 0.005; }
  bool is_slower_than_baseline() const { return peer == "baseline" && is_slower(ratio()); }
  // Over 3 %: a smaller difference comes and goes from run to run.
  static bool is_slower(double ratio) { return ratio * 1.03 < 1; }
};

// What fresh processes needed: growth of the largest resident memory in bytes, or requests to the heap
// of a warm call.
struct CountRow {
  std::string workload, peer;
  int threads = 1;
  double ours = 0;
  std::optional<double> theirs;
};

struct Side {
  std::string name, about;
};

struct Results {
  Machine machine;
  std::vector<Side> sides;
  std::vector<Row> rows;
  std::vector<CountRow> memory, allocations;
  std::string baseline;                   // as it was asked for; empty: there is none
  std::set<std::string> not_in_baseline;  // workloads that it does not know
};

// The ratio that a workload should reach against a peer (goals.cpp); 0 where none is set.
double goal_of(const std::string& workload, const std::string& peer, int threads);
// The part of the peak that a product should reach on one thread; 0 where none is set.
double peak_goal_of(const std::string& workload, const Machine& machine);
bool is_product(const std::string& workload);
// Does the peer's row of several threads take three times as long as the one of one thread among `rows`?
// Workers that share a core wait for each other for whole slices of time: such a figure says nothing of a
// library. The driver then gives it more turns.
bool is_disturbed(const std::vector<Row>& rows, const Row& several);

// "1.234 us": four digits.
std::string duration(double seconds);
// GF/s or GB/s of a row's side that takes so long; empty where neither says anything.
std::string rate(const Row& row, double seconds);
std::string share_of_limit(const Row& row);

// printf into a string.
std::string format(const char* pattern, ...) __attribute__((format(printf, 1, 2)));

// For the terminal, at most 100 columns.
std::string machine_text(const Machine& machine);
std::string row_heading();
// A workload's own line, and the line of one peer under it.
std::string our_text(const Row& row);
std::string peer_text(const Row& row);
std::string memory_text(const CountRow& row);
std::string allocations_text(const CountRow& row);
// What goes over several rows: products against the best peer and the peak, training on all threads,
// our own gain from threads, the rows that fall short.
std::string summary_text(const Results& results);
// All rows against the older build, and those that are slower now.
std::string baseline_text(const Results& results);

void write_csv(const Results& results, const std::string& path);
// The tables as Markdown; the charts into a folder.
void write_markdown(const Results& results, const std::string& path);
void write_charts(const Results& results, const std::string& folder);

}  // namespace bench
