// One side of the benchmark, a long-lived process: reads commands from stdin, answers on stdout, one line
// each. bench/README.md has the protocol.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <sstream>

#include <ATen/Parallel.h>

#include "bench/sides.h"
#include "bench/workload.h"

namespace bench {

std::vector<Workload>& workloads() {
  static std::vector<Workload> all;
  return all;
}

namespace {

const Workload* find(const std::string& name) {
  for (const Workload& workload : workloads())
    if (workload.name == name) return &workload;
  return nullptr;
}

// The largest resident memory so far, in bytes.
double peak_memory() {
  std::FILE* file = std::fopen("/proc/self/status", "r");
  char line[256];
  double kilobytes = 0;
  while (file && std::fgets(line, sizeof line, file))
    if (std::sscanf(line, "VmHWM: %lf", &kilobytes) == 1) break;
  if (file) std::fclose(file);
  return kilobytes * 1024;
}

class Worker {
 public:
  int run() {
    std::printf("ready %s\n", side().c_str());
    std::fflush(stdout);
    std::string line;
    while (std::getline(std::cin, line)) {
      std::istringstream words(line);
      std::string command;
      words >> command;
      if (command == "quit") return 0;
      try {
        answer(command, words);
      } catch (const std::exception& error) {
        std::string text = error.what();
        std::printf("error %s\n", text.substr(0, text.find('\n')).c_str());
      }
      std::fflush(stdout);
    }
    return 0;
  }

 private:
  void answer(const std::string& command, std::istringstream& words) {
    if (command == "threads") {
      int threads = 1;
      words >> threads;
      at::set_num_threads(threads);
      std::printf("ok\n");
    } else if (command == "list") {
      for (const Workload& w : workloads())
        std::printf("%s %.17g %.17g ", w.name.c_str(), w.flops, w.bytes);
      std::printf("\n");
    } else if (command == "prepare") {
      prepare(words);
    } else if (command == "run") {
      double seconds = 0.1;
      words >> seconds;
      measure(seconds);
    } else if (command == "calls") {
      int64_t calls = 1;
      words >> calls;
      body_(calls);
      std::printf("ok\n");
    } else if (command == "memory") {
      std::printf("memory %.0f\n", peak_memory() - memory_at_start_);
    } else {
      std::printf("error unknown command '%s'\n", command.c_str());
    }
  }

  // Makes the workload's operands, warms it up and finds how many calls fill a window.
  void prepare(std::istringstream& words) {
    std::string name;
    words >> name;
    const Workload* workload = find(name);
    body_ = nullptr;
    if (!workload) {
      std::printf("missing\n");
      return;
    }
    const double checksum = workload->checksum ? workload->checksum() : 0;
    torch::manual_seed(0);
    body_ = workload->make();
    items_ = workload->items;
    calls_ = 1;
    for (int warm = 0; warm < 10; ++warm) body_(1);
    for (double seconds = body_(calls_); seconds < 1e-3; seconds = body_(calls_))
      calls_ = seconds < 1e-4 ? calls_ * 8 : static_cast<int64_t>(calls_ * 1.2e-3 / seconds) + 1;
    std::printf("ok %.9g\n", checksum);
  }

  // Windows of about a millisecond, or of one call where that is longer: seconds per item.
  void measure(double seconds) {
    std::printf("times");
    const double end = now() + seconds;
    do std::printf(" %.6g", body_(calls_) / (static_cast<double>(calls_) * items_));
    while (now() < end);
    std::printf("\n");
  }

  const double memory_at_start_ = peak_memory();
  Body body_;
  double items_ = 1;
  int64_t calls_ = 1;
};

}  // namespace
}  // namespace bench

int main() { return bench::Worker().run(); }
