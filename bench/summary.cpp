// What goes over several rows: goals that are set for the best of several peers, for geometric means and
// for our own gain from threads, the list of rows that fall short, and what has become of baseline's times.
#include <algorithm>
#include <cmath>
#include <map>

#include "bench/results.h"

namespace bench {
namespace {

struct Mean {
  double logarithms = 0, least = 1e300;
  int count = 0;
  void add(double ratio) {
    logarithms += std::log(ratio);
    least = std::min(least, ratio);
    ++count;
  }
  double geometric() const { return std::exp(logarithms / count); }
};

const char* verdict(bool met) { return met ? "met" : "short"; }

std::string mean_text(const Mean& mean, const char* what, double goal, double least_goal) {
  return format("  %-34s geometric mean %.2fx (goal %gx %s), least %.2fx (%gx %s)\n", what,
                mean.geometric(), goal, verdict(mean.geometric() >= goal - 0.005), mean.least,
                least_goal, verdict(mean.least >= least_goal - 0.005));
}

// Goals are set for other libraries.
bool is_of_peer(const Row& row) { return row.theirs && row.peer != "baseline"; }

// The rows of one workload and number of threads.
struct Group {
  const Row* any = nullptr;
  const Row* torch = nullptr;
  const Row* best = nullptr;  // of all peers the fastest
};
std::vector<Group> groups_of(const std::vector<Row>& rows, int threads) {
  std::vector<Group> groups;
  for (const Row& row : rows) {
    if (row.threads != threads || !is_product(row.workload)) continue;
    if (groups.empty() || groups.back().any->workload != row.workload) groups.push_back({&row});
    Group& group = groups.back();
    if (row.peer == "torch") group.torch = &row;
    if (is_of_peer(row) && (!group.best || row.theirs->minimum < group.best->theirs->minimum))
      group.best = &row;
  }
  return groups;
}

double gflops(const Row& row, double seconds) { return row.flops / seconds * 1e-9; }

std::string product_text(const Group& group, const Machine& machine, double peak) {
  const Row& row = *group.any;
  std::string text = format("  %-28s %6.1f", row.workload.c_str(), gflops(row, row.ours.minimum));
  const double share = peak > 0 ? row.flops / row.ours.minimum / peak : 0;
  const double goal = row.threads == 1 ? peak_goal_of(row.workload, machine) : 0;
  text += share > 0 ? format(" %5.1f %%", 100 * share) : format(" %7s", "");
  text += format(
      " %-10s",
      goal > 0 ? format("(%g %s)", 100 * goal, verdict(share >= goal - 0.0005)).c_str() : "");
  text += group.torch ? format(" %6.1f %5.2fx", gflops(row, group.torch->theirs->minimum),
                               group.torch->ratio())
                      : format(" %6s %6s", "", "");
  if (group.best)
    text += format("  %-9s %6.1f %5.2fx", group.best->peer.c_str(),
                   gflops(row, group.best->theirs->minimum), group.best->ratio());
  return text + "\n";
}

std::string products_text(const Results& results, int threads) {
  const std::vector<Group> groups = groups_of(results.rows, threads);
  if (groups.empty()) return "";
  double peak = 0;
  if (!results.machine.peaks.empty())
    peak = threads == 1 ? results.machine.peaks.back().one : results.machine.peaks.back().all;
  std::string text = format("\nproducts, GF/s, %d thread%s\n  %-28s %6s %7s %-10s %6s %6s  %-9s\n",
                            threads, threads == 1 ? "" : "s", "", "ours", "of peak", "(goal)",
                            "torch", "ratio", "best peer");
  Mean torch, best;
  for (const Group& group : groups) {
    text += product_text(group, results.machine, peak);
    if (group.torch) torch.add(group.torch->ratio());
    if (group.best) best.add(group.best->ratio());
  }
  if (torch.count && threads == 1) text += mean_text(torch, "against libtorch", 1.3, 1.05);
  if (best.count)
    text += mean_text(best, "against the best peer of each", 1.0, threads == 1 ? 0.95 : 0.9);
  return text;
}

double fastest(const std::vector<Row>& rows, const std::string& workload, bool ours, int threads) {
  double seconds = 1e300;
  for (const Row& row : rows) {
    if (row.workload != workload || (threads && row.threads != threads)) continue;
    if (ours) seconds = std::min(seconds, row.ours.minimum);
    if (!ours && is_of_peer(row)) seconds = std::min(seconds, row.theirs->minimum);
  }
  return seconds;
}

std::string disturbances_text(const std::vector<Row>& rows, int threads) {
  int disturbed = 0, seen = 0;
  for (const Row& all : rows) {
    if (all.threads != threads || !all.theirs) continue;
    ++seen;
    disturbed += is_disturbed(rows, all);
  }
  if (disturbed == 0) return "";
  return format(
      "\n%d of %d peers' times on %d threads are over 3 times those on one: the machine was "
      "busy,\nquote no ratio of several threads from this run\n",
      disturbed, seen, threads);
}

// All threads against the best that any peer does with any number of them.
std::string training_text(const std::vector<Row>& rows, int threads) {
  std::string text;
  Mean mean;
  for (const char* workload :
       {"mlp/784-128-10/b64/sgd", "mlp/784-128-10/b256/sgd", "mlp/784-512-256-10/b128/sgd"}) {
    const double ours = fastest(rows, workload, true, threads);
    const double theirs = fastest(rows, workload, false, 0);
    if (ours == 1e300 || theirs == 1e300) continue;
    mean.add(theirs / ours);
    text += format("  %-34s %9s  best peer %9s  %.2fx\n", workload, duration(ours).c_str(),
                   duration(theirs).c_str(), theirs / ours);
  }
  if (!mean.count) return "";
  return format("\ntraining on %d threads against the best peer on any number of them\n", threads) +
         text + mean_text(mean, "", 1.4, 1.2);
}

std::string scaling_text(const std::vector<Row>& rows, int threads) {
  constexpr std::pair<const char*, double> kRows[] = {
      {"gemm/1024", 1.9}, {"mlp/784-128-10/b256/sgd", 1.6}, {"embedding/sparse_sgd_step", 1.6}};
  std::string text;
  for (const auto& [workload, goal] : kRows) {
    const double one = fastest(rows, workload, true, 1);
    const double all = fastest(rows, workload, true, threads);
    if (one == 1e300 || all == 1e300) continue;
    text +=
        format("  %-34s %9s  1 thread %9s  %.2fx (goal %gx %s)\n", workload, duration(all).c_str(),
               duration(one).c_str(), one / all, goal, verdict(one / all >= goal - 0.005));
  }
  return text.empty() ? "" : format("\nour own %d threads against 1\n", threads) + text;
}

std::string shortfalls_text(const std::vector<Row>& rows) {
  std::string text;
  int with_goal = 0, met = 0;
  for (const Row& row : rows) {
    if (row.goal == 0 || !row.theirs) continue;
    ++with_goal;
    met += !row.is_short();
    if (row.is_short())
      text +=
          format("  %-34s %d thread%s  %-10s %5.2fx of %gx\n", row.workload.c_str(), row.threads,
                 row.threads == 1 ? " " : "s", row.peer.c_str(), row.ratio(), row.goal);
  }
  if (!with_goal) return "";
  return format("\n%d of %d ratios with a goal reach it%s\n", met, with_goal,
                met < with_goal ? "; short are" : "") +
         text;
}

std::string left_out_text(const std::set<std::string>& workloads) {
  if (workloads.empty()) return "";
  std::string text = "left out, baseline does not know them:";
  for (const std::string& workload : workloads) text += " " + workload;
  return text + "\n";
}

std::string slower_row_text(const Row& row, double ratio) {
  return format("  %-34s %d thread%s %5.1f %% slower", row.workload.c_str(), row.threads,
                row.threads == 1 ? " " : "s", 100 / ratio - 100);
}

std::string command_text(const Row& row, const std::string& baseline) {
  return "    ./dev bench --baseline '" + baseline + "' --filter '^" + row.workload +
         "$' --threads " + std::to_string(row.threads) + " --peer none --no-machine --no-fresh\n";
}

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Those that the runs alone confirm.
std::string confirmed_text(const std::vector<Row>& rows) {
  std::string text;
  int confirmed = 0;
  for (const Row& row : rows) {
    if (row.alone.empty() || !Row::is_slower(median_of(row.alone))) continue;
    ++confirmed;
    text += slower_row_text(row, median_of(row.alone)) + ":";
    for (const double ratio : row.alone) text += format(" %.1f", 100 / ratio - 100);
    text += "\n";
  }
  return format("of them slower in the median of five runs alone: %d\n", confirmed) + text;
}

}  // namespace

bool is_disturbed(const std::vector<Row>& rows, const Row& several) {
  if (several.threads == 1 || !several.theirs) return false;
  for (const Row& one : rows)
    if (one.threads == 1 && one.theirs && one.workload == several.workload && one.peer == several.peer)
      return several.theirs->minimum > 3 * one.theirs->minimum + 20e-6;
  return false;
}

std::string summary_text(const Results& results) {
  std::map<int, int> threads;
  for (const Row& row : results.rows) ++threads[row.threads];
  std::string text;
  for (const auto& [count, rows] : threads) text += products_text(results, count);
  if (threads.size() > 1) {
    text += training_text(results.rows, threads.rbegin()->first);
    if (threads.count(1)) {
      text += scaling_text(results.rows, threads.rbegin()->first);
      text += disturbances_text(results.rows, threads.rbegin()->first);
    }
  }
  return text + shortfalls_text(results.rows);
}

std::string baseline_text(const Results& results) {
  Mean mean;
  int slower = 0;
  std::string text;
  for (const Row& row : results.rows) {
    if (row.peer != "baseline") continue;
    mean.add(row.ratio());
    if (!row.is_slower_than_baseline()) continue;
    ++slower;
    text += slower_row_text(row, row.ratio()) + "\n" + command_text(row, results.baseline);
  }
  std::string head = format("\nbaseline: %d rows compared", mean.count);
  if (mean.count) head += format(", geometric mean of its time / ours %.3fx", mean.geometric());
  head += " (over 1: faster now)\n" + left_out_text(results.not_in_baseline);
  head += format("over 3 %% slower than baseline: %d\n", slower) + text;
  return slower ? head + confirmed_text(results.rows) : head;
}

}  // namespace bench
