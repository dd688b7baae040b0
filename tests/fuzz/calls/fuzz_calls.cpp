// fuzz_calls: calls every public signature with random arguments. Nothing but simdgrad::Error may come
// out, and what checks.h says must hold. See tests/fuzz/calls/README.md.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iomanip>
#include <iostream>
#include <set>
#include <stdexcept>
#include <thread>

#include "calls.h"
#include "tests/fuzz/calls/supervisor.h"
#include "tests/scratch_folder.h"

namespace {

using namespace fuzz;

constexpr const char* kUsage =
    "usage: fuzz_calls [--runs N] [--seed S] [--only PART_OF_A_SIGNATURE] [--workers N]\n"
    "                  [--planted] [--list] [--in-process]\n";

bool is_planted(const Signature& signature) {
  return std::strncmp(signature.text, "planted::", 9) == 0;
}

Settings read_settings(int count, char** arguments, bool& lists) {
  Settings settings;
  settings.workers = static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, 16u));
  for (int i = 1; i < count; ++i) {
    const std::string option = arguments[i];
    const auto value = [&]() -> std::string {
      if (++i >= count) throw std::runtime_error(option + " needs a value\n" + kUsage);
      return arguments[i];
    };
    if (option == "--runs")
      settings.runs = std::stoull(value());
    else if (option == "--seed")
      settings.seed = std::stoull(value());
    else if (option == "--only")
      settings.only = value();
    else if (option == "--workers")
      settings.workers = std::clamp(std::stoi(value()), 1, kMostWorkers);
    else if (option == "--planted")
      settings.planted = true;
    else if (option == "--in-process")
      settings.in_process = true;
    else if (option == "--list")
      lists = true;
    else
      throw std::runtime_error("unknown option " + option + "\n" + kUsage);
  }
  settings.is_verbose = settings.runs == 1;
  if (settings.in_process || settings.is_verbose) settings.workers = 1;
  return settings;
}

// /dev/shm where there is one: files are written and synchronised thousands of times.
void use_memory_for_files() {
  if (access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", 0);
}

void print_counts(const std::vector<Signature>& all, const Board& board, const Settings& settings,
                  double seconds) {
  uint64_t calls = 0, returned = 0, backward = 0;
  size_t covered = 0, count = 0;
  std::vector<std::string> never, uncalled;
  for (size_t i = 0; i < all.size(); ++i) {
    const SignatureCounts& counts = board.counts[i];
    calls += counts.calls;
    returned += counts.returned;
    backward += counts.backward;
    if (is_planted(all[i])) continue;
    ++count;
    covered += counts.calls > 0;
    if (all[i].call == nullptr) uncalled.push_back(std::string(all[i].text) + ": " + all[i].reason);
    if (counts.calls >= 4 && counts.returned == 0)
      never.push_back(std::string(all[i].text) + " (" + std::to_string(counts.calls) + ")");
  }
  std::cout << std::fixed << std::setprecision(1) << calls << " calls in " << seconds << " s ("
            << std::setprecision(0) << static_cast<double>(calls) / seconds / settings.workers
            << " per second and worker), "
            << 100. * static_cast<double>(returned) / static_cast<double>(calls)
            << "% returned a result, "
            << 100. * static_cast<double>(backward) / static_cast<double>(calls)
            << "% went through backward\n";
  if (!settings.only.empty()) return;
  std::cout << covered << " of " << count << " public signatures covered\n";
  for (const std::string& one : uncalled) std::cout << "  not called: " << one << "\n";
  for (const std::string& one : never) std::cout << "  never returned a result: " << one << "\n";
}

void print_rarest(const std::vector<Signature>& all, const Board& board) {
  std::vector<std::pair<double, size_t>> shares;
  for (size_t i = 0; i < all.size(); ++i)
    if (board.counts[i].calls >= 50 && board.counts[i].returned > 0)
      shares.emplace_back(static_cast<double>(board.counts[i].returned) / board.counts[i].calls, i);
  std::sort(shares.begin(), shares.end());
  if (shares.size() > 10) shares.resize(10);
  for (const auto& [share, i] : shares)
    std::cout << "  seldom a result: " << all[i].text << " (" << std::setprecision(0) << 100 * share
              << "%)\n";
}

// Every planted fault must be found; whatever else is found counts as ever.
bool report_planted(const std::vector<Signature>& all, const std::vector<Finding>& findings) {
  bool all_found = true;
  for (size_t i = 0; i < all.size(); ++i) {
    if (!is_planted(all[i])) continue;
    uint64_t number = 0;
    std::string kind;
    for (const Finding& finding : findings)
      if (finding.signature == i && (number == 0 || finding.number < number)) {
        number = finding.number;
        kind = finding.kind;
      }
    all_found &= number != 0;
    std::cout << "planted: " << all[i].text << ": "
              << (number ? "found by call " + std::to_string(number) + " (" + kind + ")"
                         : "NOT FOUND")
              << "\n";
  }
  return all_found;
}

int run(int count, char** arguments) {
  bool lists = false;
  Settings settings = read_settings(count, arguments, lists);
  const std::vector<Signature> all = all_signatures();
  if (lists) {
    for (const Signature& signature : all)
      std::cout << signature.place << ": " << signature.text << "\n";
    return 0;
  }
  use_memory_for_files();
  const ScratchFolder scratch;
  settings.scratch = scratch.path();
  const auto start = std::chrono::steady_clock::now();
  Supervisor supervisor(all, settings);
  supervisor.run();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (settings.is_verbose) return supervisor.findings().empty() ? 0 : 1;
  print_counts(all, supervisor.board(), settings, seconds);
  if (settings.only.empty()) print_rarest(all, supervisor.board());
  bool is_good = true;
  int64_t faults = 0;
  for (const Finding& finding : supervisor.findings())
    faults += !is_planted(all[finding.signature]);
  if (settings.planted) is_good = report_planted(all, supervisor.findings());
  std::cout << faults << " found\n";
  return is_good && faults == 0 ? 0 : 1;
}

// The library reads SIMDGRAD_ALLOCATOR before main begins: the program starts once more with it.
void start_with_fences(char** arguments) {
#if !defined(SIMDGRAD_SANITIZED)
  if (std::getenv("SIMDGRAD_ALLOCATOR") != nullptr) return;
  ::setenv("SIMDGRAD_ALLOCATOR", "fence_bytes", 1);
  ::execv("/proc/self/exe", arguments);
  throw std::runtime_error("cannot start again with SIMDGRAD_ALLOCATOR=fence_bytes");
#else
  (void)arguments;
#endif
}

}  // namespace

int main(int count, char** arguments) {
  try {
    start_with_fences(arguments);
    return run(count, arguments);
  } catch (const std::exception& error) {
    std::cerr << "fuzz_calls: " << error.what() << "\n";
    return 2;
  }
}
