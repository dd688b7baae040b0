#include "bench/results.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <stdexcept>

namespace bench {
namespace {

template <class... Values>
std::string format(const char* pattern, Values... values) {
  char text[256];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

bool is_product(const std::string& workload) {
  return workload.rfind("gemm/", 0) == 0 || workload.rfind("linear/", 0) == 0;
}

std::string rate(const Row& row) {
  if (row.flops > row.bytes * 4) return format("%.1f GF/s", row.flops / row.ours.minimum * 1e-9);
  if (row.bytes > 1e4) return format("%.1f GB/s", row.bytes / row.ours.minimum * 1e-9);
  return "";
}
std::string share_of_limit(const Row& row) {
  return row.limit > 0 ? format("%.0f %%", 100 * row.limit / row.ours.minimum) : "";
}
std::string verdict(const Row& row) {
  if (row.goal == 0 || !row.theirs) return "";
  return row.ratio() >= row.goal ? "met" : "short";
}
std::string goal_text(const Row& row) { return row.goal > 0 ? format("%gx", row.goal) : ""; }

struct Mean {
  double logarithms = 0, least = 1e9;
  int count = 0;
  void add(double ratio) {
    logarithms += std::log(ratio);
    least = std::min(least, ratio);
    ++count;
  }
  std::string text(const std::string& name, int threads) const {
    return format("%-34s %d thread(s), %d shapes: geometric mean %.2fx, least %.2fx\n", name.c_str(),
                  threads, count, std::exp(logarithms / count), least);
  }
};

}  // namespace

Times Times::of(std::vector<double> windows) {
  if (windows.empty()) throw std::runtime_error("a worker measured no window");
  std::sort(windows.begin(), windows.end());
  return {windows.front(), windows[windows.size() / 2]};
}

std::string duration(double seconds) {
  const char* unit = "s";
  if (seconds < 1e-6) {
    seconds *= 1e9, unit = "ns";
  } else if (seconds < 1e-3) {
    seconds *= 1e6, unit = "us";
  } else if (seconds < 1) {
    seconds *= 1e3, unit = "ms";
  }
  return format(seconds < 10 ? "%.3f %s" : seconds < 100 ? "%.2f %s" : "%.1f %s", seconds, unit);
}

std::string machine_text(const Machine& machine) {
  std::string text = format("%-34s %10s %10s\n", "limits of this machine", "1 thread",
                            (std::to_string(machine.threads) + " threads").c_str());
  for (const Peak& peak : machine.peaks)
    text += format("multiply-add, float32, %-11s %6.1f %6.1f GF/s\n", peak.isa.c_str(),
                   peak.one * 1e-9, peak.all * 1e-9);
  for (const Bandwidth& level : machine.levels)
    text += format("%-5s %8.0f KB   read %6.1f %6.1f   copy %6.1f %6.1f   triad %6.1f %6.1f GB/s\n",
                   level.level.c_str(), level.working_set / 1e3, level.read[0] * 1e-9,
                   level.read[1] * 1e-9, level.copy[0] * 1e-9, level.copy[1] * 1e-9,
                   level.triad[0] * 1e-9, level.triad[1] * 1e-9);
  return text;
}

std::string row_heading() {
  return format("%-32s %9s %9s  %-10s %9s %9s %7s %5s %-5s %5s\n", "workload", "ours", "median",
                "peer", "best", "median", "ratio", "goal", "", "limit");
}

std::string row_text(const Row& row) {
  std::string text = format("%-32s %9s %9s  ", row.workload.c_str(),
                            duration(row.ours.minimum).c_str(), duration(row.ours.median).c_str());
  if (row.theirs) {
    text += format("%-10s %9s %9s %6.2fx %5s %-5s", row.peer.c_str(),
                   duration(row.theirs->minimum).c_str(), duration(row.theirs->median).c_str(),
                   row.ratio(), goal_text(row).c_str(), verdict(row).c_str());
  } else {
    text += format("%-10s %9s %9s %7s %5s %-5s", "", "", "", "", "", "");
  }
  return text + format(" %5s\n", share_of_limit(row).c_str());
}

std::string memory_text(const MemoryRow& row) {
  return format("%-32s %8.1f MB  %-10s %8.1f MB  %5.2fx %s\n", row.workload.c_str(), row.ours * 1e-6,
                row.peer.c_str(), row.theirs * 1e-6, row.theirs / row.ours,
                row.ours <= row.theirs ? "met" : "short");
}

std::string products_text(const std::vector<Row>& rows) {
  std::map<std::pair<int, std::string>, Mean> of_peer;
  std::map<std::pair<int, std::string>, double> best;  // of a shape, over the peers but torch
  for (const Row& row : rows) {
    if (!is_product(row.workload) || !row.theirs) continue;
    of_peer[{row.threads, row.peer}].add(row.ratio());
    const auto [at, fresh] = best.insert({{row.threads, row.workload}, row.ratio()});
    if (!fresh) at->second = std::min(at->second, row.ratio());
  }
  std::string text;
  for (const auto& [key, mean] : of_peer)
    text += mean.text("products against " + key.second, key.first);
  std::map<int, Mean> of_best;
  for (const auto& [key, ratio] : best) of_best[key.first].add(ratio);
  if (of_peer.size() > of_best.size())
    for (const auto& [threads, mean] : of_best)
      text += mean.text("products against the best of them", threads);
  return text;
}

void write_csv(const Results& results, const std::string& path) {
  std::ofstream file(path);
  file << "workload,threads,ours_min_s,ours_median_s,peer,peer_min_s,peer_median_s,ratio,goal,"
          "limit_s,flops,bytes\n";
  for (const Row& row : results.rows) {
    file << row.workload << ',' << row.threads << ',' << row.ours.minimum << ',' << row.ours.median
         << ',' << row.peer << ',';
    if (row.theirs) file << row.theirs->minimum << ',' << row.theirs->median << ',' << row.ratio();
    if (!row.theirs) file << ",,";
    file << ',' << row.goal << ',' << row.limit << ',' << row.flops << ',' << row.bytes << '\n';
  }
  file.close();
  if (!file) throw std::runtime_error("could not write " + path);
}

void write_markdown(const Results& results, const std::string& path) {
  std::ofstream file(path);
  for (const Side& side : results.sides) file << "- " << side.name << ": " << side.about << "\n";
  file << "\n```\n" << machine_text(results.machine) << "```\n";
  int threads = 0;
  for (const Row& row : results.rows) {
    if (row.threads != threads) {
      threads = row.threads;
      file << "\n### " << threads << (threads == 1 ? " thread" : " threads") << "\n\n"
           << "| workload | ours, best | median | peer | best | median | ratio | goal | | of the limit | |\n"
           << "|---|--:|--:|---|--:|--:|--:|--:|---|--:|--:|\n";
    }
    file << "| " << row.workload << " | " << duration(row.ours.minimum) << " | "
         << duration(row.ours.median) << " | " << row.peer << " | ";
    if (row.theirs)
      file << duration(row.theirs->minimum) << " | " << duration(row.theirs->median) << " | "
           << format("%.2fx", row.ratio());
    if (!row.theirs) file << " | | ";
    file << " | " << goal_text(row) << " | " << verdict(row) << " | " << share_of_limit(row) << " | "
         << rate(row) << " |\n";
  }
  file << "\n```\n" << products_text(results.rows) << "```\n";
  if (!results.memory.empty()) file << "\n### Largest resident memory, one thread\n\n```\n";
  for (const MemoryRow& row : results.memory) file << memory_text(row);
  if (!results.memory.empty()) file << "```\n";
  file.close();
  if (!file) throw std::runtime_error("could not write " + path);
}

}  // namespace bench
