// Results as text: the pieces of a row, CSV, Markdown.
#include "bench/results.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <fstream>
#include <stdexcept>

namespace bench {

std::string format(const char* pattern, ...) {
  char text[512];
  va_list values;
  va_start(values, pattern);
  std::vsnprintf(text, sizeof text, pattern, values);
  va_end(values);
  return text;
}

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
  const int digits = seconds < 10 ? 3 : seconds < 100 ? 2 : 1;
  return format("%.*f %s", digits, seconds, unit);
}

std::string rate(const Row& row, double seconds) {
  if (row.flops > row.bytes * 4) return format("%.1f GF/s", row.flops / seconds * 1e-9);
  if (row.bytes > 1e4) return format("%.1f GB/s", row.bytes / seconds * 1e-9);
  return "";
}

// Left out where calls, not arithmetic or memory, take the time.
std::string share_of_limit(const Row& row) {
  const double share = row.limit / row.ours.minimum;
  return share >= 0.02 ? format("%.0f %%", 100 * share) : "";
}

namespace {

std::string verdict(const Row& row) {
  if (row.goal == 0 || !row.theirs) return "";
  return row.is_short() ? "short" : "met";
}
std::string goal_text(const Row& row) { return row.goal > 0 ? format("%gx", row.goal) : ""; }

// A line for one thread and one for all.
std::string levels_text(const Machine& machine) {
  std::string text =
      format("%-20s %9s %9s %9s %9s %9s\n", "GB/s", "read", "copy", "triad", "update", "fill");
  for (const Bandwidth& level : machine.levels) {
    for (const bool all : {false, true}) {
      const std::string name =
          all ? format("  %d threads", machine.threads)
              : format("%s, %.0f KB", level.level.c_str(), level.working_set / 1e3);
      text += format("%-20s", name.c_str());
      for (int i = 0; i < kTraffics; ++i)
        text += format(" %9.1f", level.rate(static_cast<Traffic>(i), all) * 1e-9);
      text += "\n";
    }
  }
  return text;
}

}  // namespace

std::string machine_text(const Machine& machine) {
  std::string text = machine.cpu + ", " + machine.date + "\n";
  text += format("%-34s %10s %10s\n", "limits measured in this run", "1 thread",
                 (std::to_string(machine.threads) + " threads").c_str());
  for (const Peak& peak : machine.peaks)
    text += format("multiply-add, float32, %-11s %10.1f %10.1f GF/s\n", peak.isa.c_str(),
                   peak.one * 1e-9, peak.all * 1e-9);
  return text + levels_text(machine);
}

std::string row_heading() {
  return format("%-36s %9s %9s %11s %6s\n    %-32s %9s %9s %11s %6s %s\n", "workload", "best",
                "median", "", "limit", "peer", "", "", "ratio", "goal", "");
}

std::string our_text(const Row& row) {
  return format("%-36s %9s %9s %11s %6s\n", row.workload.c_str(),
                duration(row.ours.minimum).c_str(), duration(row.ours.median).c_str(),
                rate(row, row.ours.minimum).c_str(), share_of_limit(row).c_str());
}

std::string peer_text(const Row& row) {
  const std::string peer = row.kernel.empty() ? row.peer : row.peer + " (" + row.kernel + ")";
  return format("    %-32s %9s %9s %10.2fx %6s %s\n", peer.c_str(),
                duration(row.theirs->minimum).c_str(), duration(row.theirs->median).c_str(),
                row.ratio(), goal_text(row).c_str(), verdict(row).c_str());
}

std::string memory_text(const CountRow& row) {
  std::string text = format("%-36s %8.1f MB", row.workload.c_str(), row.ours * 1e-6);
  if (row.theirs)
    text += format("  %-10s %8.1f MB  %6.2fx %s", row.peer.c_str(), *row.theirs * 1e-6,
                   *row.theirs / row.ours, row.ours <= *row.theirs ? "met" : "short");
  return text + "\n";
}

std::string allocations_text(const CountRow& row) {
  std::string text = format("%-30s %d threads %8.2f", row.workload.c_str(), row.threads, row.ours);
  if (row.theirs) text += format("  %-10s %8.2f", row.peer.c_str(), *row.theirs);
  return text + (row.ours == 0 ? "  met\n" : "  short\n");
}

void write_csv(const Results& results, const std::string& path) {
  std::ofstream file(path);
  file << "workload,threads,ours_min_s,ours_median_s,peer,peer_kernel,peer_min_s,peer_median_s,"
          "ratio,"
          "goal,limit_s,flops,bytes\n";
  for (const Row& row : results.rows) {
    file << row.workload << ',' << row.threads << ',' << row.ours.minimum << ',' << row.ours.median
         << ',' << row.peer << ',' << row.kernel << ',';
    if (row.theirs) file << row.theirs->minimum << ',' << row.theirs->median << ',' << row.ratio();
    if (!row.theirs) file << ",,";
    file << ',' << row.goal << ',' << row.limit << ',' << row.flops << ',' << row.bytes << '\n';
  }
  file.close();
  if (!file) throw std::runtime_error("could not write " + path);
}

namespace {

void write_rows(std::ostream& file, const std::vector<Row>& rows) {
  int threads = 0;
  std::string before;
  for (const Row& row : rows) {
    if (row.threads != threads) {
      threads = row.threads;
      before.clear();
      file << "\n### " << threads << (threads == 1 ? " thread" : " threads") << "\n\n"
           << "| workload | ours: best | median | | of the limit | peer | best | median | ratio | "
              "goal "
              "| |\n|---|--:|--:|--:|--:|---|--:|--:|--:|--:|---|\n";
    }
    if (row.workload == before) {
      file << "| | | | | | ";
    } else {
      file << "| " << row.workload << " | " << duration(row.ours.minimum) << " | "
           << duration(row.ours.median) << " | " << rate(row, row.ours.minimum) << " | "
           << share_of_limit(row) << " | ";
    }
    before = row.workload;
    file << row.peer << (row.kernel.empty() ? "" : " (" + row.kernel + ")") << " | ";
    if (row.theirs)
      file << duration(row.theirs->minimum) << " | " << duration(row.theirs->median) << " | "
           << format("%.2fx", row.ratio());
    if (!row.theirs) file << " | | ";
    file << " | " << goal_text(row) << " | " << verdict(row) << " |\n";
  }
}

template <class Text>
void write_counts(std::ostream& file, const char* title, const std::vector<CountRow>& rows,
                  Text text) {
  if (rows.empty()) return;
  file << "\n### " << title << "\n\n```\n";
  for (const CountRow& row : rows) file << text(row);
  file << "```\n";
}

}  // namespace

void write_markdown(const Results& results, const std::string& path) {
  std::ofstream file(path);
  for (const Side& side : results.sides) file << "- " << side.name << ": " << side.about << "\n";
  file << "\n```\n" << machine_text(results.machine) << "```\n";
  write_rows(file, results.rows);
  file << "\n### Over several rows\n\n```\n" << summary_text(results) << "```\n";
  if (!results.baseline.empty())
    file << "\n### Against baseline\n\n```" << baseline_text(results) << "```\n";
  write_counts(file, "Largest resident memory over what loading the library takes, 1 thread",
               results.memory, memory_text);
  write_counts(file, "Requests to the heap of a warm step", results.allocations, allocations_text);
  file.close();
  if (!file) throw std::runtime_error("could not write " + path);
}

}  // namespace bench
