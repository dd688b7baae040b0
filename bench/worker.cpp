// One side of the benchmark, a long-lived process. It says "ready ABOUT", then reads commands from stdin
// and answers each with a line on stdout ("error WHY" when it cannot):
//   threads N      from now on so many               ok
//   list           the workloads, with what an item takes of the machine   NAME FLOPS BYTES TRAFFIC NAME ...
//   prepare NAME   operands, warm-up, calls of a window   ok CHECKSUM|- [KERNEL], or missing
//   run SECONDS    windows of at least a millisecond     times SECONDS_OF_AN_ITEM ...
//   operands NAME  operands alone                    ok, or missing
//   calls N        so many calls                     ok
//   memory         growth of the largest resident memory since the start   memory BYTES
//   allocations N  requests to the heap in so many calls   allocations COUNT
//   compiler       that built it                     gcc-12
// The other workers (jax_worker.py, torch_worker.py, worker_products.cpp) know threads, prepare and run.
#include <cstdio>
#include <cstring>
#include <iostream>
#include <sstream>

#include <ATen/Parallel.h>

#include "bench/both_sides.h"
#include "bench/workload.h"

// Of count_allocations.cpp, where the process was started with it.
extern "C" __attribute__((weak)) long bench_allocations();

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
    } else if (command == "compiler") {
#ifdef __clang__
      std::printf("clang-%d\n", __clang_major__);
#else
      std::printf("gcc-%d\n", __GNUC__);
#endif
    } else if (command == "list") {
      for (const Workload& w : workloads())
        std::printf("%s %.17g %.17g %s ", w.name.c_str(), w.flops, w.bytes, w.traffic);
      std::printf("\n");
    } else if (command == "prepare") {
      prepare(words);
    } else if (command == "operands") {
      std::printf(make(words) ? "ok\n" : "missing\n");
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
    } else if (command == "allocations") {
      int64_t calls = 1;
      words >> calls;
      const long before = bench_allocations ? bench_allocations() : 0;
      body_(calls);
      std::printf("allocations %ld\n", bench_allocations ? bench_allocations() - before : -1);
    } else {
      std::printf("error unknown command '%s'\n", command.c_str());
    }
  }

  // Makes the operands of a workload and nothing else: what follows is as many calls as are asked for,
  // so that instructions, memory and allocations can be counted.
  const Workload* make(std::istringstream& words) {
    std::string name;
    words >> name;
    body_ = nullptr;
    const Workload* workload = find(name);
    if (!workload) return nullptr;
    torch::manual_seed(0);
    body_ = workload->make();
    items_ = workload->items;
    return workload;
  }

  // Makes the operands, warms the body up and finds how many calls fill a window.
  void prepare(std::istringstream& words) {
    const Workload* workload = make(words);
    if (!workload) {
      std::printf("missing\n");
      return;
    }
    for (int warm = 0; warm < 10; ++warm) body_(1);
    // By the clock on the wall: a body may measure a part of its calls only.
    const auto window = [&] {
      const double start = now();
      body_(calls_);
      return now() - start;
    };
    calls_ = 1;
    for (double seconds = window(); seconds < 1e-3; seconds = window())
      calls_ = seconds < 1e-4 ? calls_ * 8 : static_cast<int64_t>(calls_ * 1.2e-3 / seconds) + 1;
    if (workload->checksum) {
      std::printf("ok %.9g\n", workload->checksum());
    } else {
      std::printf("ok -\n");
    }
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
