// Measures this machine: multiply-adds in registers, bytes per second at four sizes.
#include "bench/machine.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <memory>
#include <thread>

#include "bench/clock.h"
#include "bench/peak.h"

namespace bench {
namespace {

// --- threads that measure together --------------------------------------------------------------
// The best of many rounds of `work(thread)`: what it returns, summed, per second of the slowest.
template <class Work>
double best_rate(int threads, int rounds, Work work) {
  double best = 0;
  for (int round = 0; round < rounds; ++round) {
    std::atomic<int> ready{0};
    std::vector<double> amount(threads), seconds(threads);
    const auto run = [&](int thread) {
      ++ready;
      while (ready < threads) {
      }
      const double start = now();
      amount[thread] = work(thread);
      seconds[thread] = now() - start;
    };
    std::vector<std::thread> others;
    for (int thread = 1; thread < threads; ++thread) others.emplace_back(run, thread);
    run(0);
    for (std::thread& other : others) other.join();
    double sum = 0;
    for (double each : amount) sum += each;
    best = std::max(best, sum / *std::max_element(seconds.begin(), seconds.end()));
  }
  return best;
}

// --- memory -------------------------------------------------------------------------------------
// Fresh pages, huge where the system gives them.
struct Pages {
  explicit Pages(size_t floats) : bytes(floats * sizeof(float)) {
    data = static_cast<float*>(
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ::madvise(data, bytes, MADV_HUGEPAGE);
    std::fill_n(data, floats, 1.0f);
  }
  ~Pages() { ::munmap(data, bytes); }
  Pages(const Pages&) = delete;
  float* data;
  size_t bytes;
};

#if defined(__x86_64__)
#define SIMDGRAD_CLONES __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define SIMDGRAD_CLONES __attribute__((noinline))
#endif
// A cache line at a time, so that no compiler leaves these scalar; n counts lines.
typedef float Line __attribute__((vector_size(64), aligned(64)));
SIMDGRAD_CLONES void read_lines(const Line* x, size_t n) {
  Line a{}, b{}, c{}, d{};
  for (size_t i = 0; i + 4 <= n; i += 4) {
    a += x[i];
    b += x[i + 1];
    c += x[i + 2];
    d += x[i + 3];
  }
  a += b + c + d;
  __asm__ volatile("" ::"m"(a));
}
SIMDGRAD_CLONES void copy_lines(const Line* __restrict x, Line* __restrict y, size_t n) {
  for (size_t i = 0; i + 4 <= n; i += 4) {
    const Line a = x[i], b = x[i + 1], c = x[i + 2], d = x[i + 3];
    y[i] = a;
    y[i + 1] = b;
    y[i + 2] = c;
    y[i + 3] = d;
    __asm__ volatile("" ::: "memory");  // or GCC sees memcpy, whose stores may pass the caches
  }
}
SIMDGRAD_CLONES void triad_lines(const Line* __restrict x, const Line* __restrict y,
                                 Line* __restrict z, size_t n) {
  for (size_t i = 0; i + 2 <= n; i += 2) {
    const Line a = x[i] + 3.0f * y[i], b = x[i + 1] + 3.0f * y[i + 1];
    z[i] = a;
    z[i + 1] = b;
  }
  __asm__ volatile("" ::: "memory");
}
SIMDGRAD_CLONES void update_lines(Line* x, size_t n) {
  for (size_t i = 0; i + 2 <= n; i += 2) {
    const Line a = x[i] + 1.0f, b = x[i + 1] + 1.0f;
    x[i] = a;
    x[i + 1] = b;
  }
  __asm__ volatile("" ::: "memory");
}
SIMDGRAD_CLONES void fill_lines(Line* x, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    x[i] = Line{};
    __asm__ volatile("" ::: "memory");  // or GCC sees memset
  }
}
#if defined(__x86_64__)
// Stores that pass the caches, and save the read of a line that is overwritten.
void stream_fill(Line* x, size_t n) {
  float* to = reinterpret_cast<float*>(x);
  const __m128 zero = _mm_setzero_ps();
  for (float* const end = to + 16 * n; to < end; to += 16) {
    _mm_stream_ps(to, zero);
    _mm_stream_ps(to + 4, zero);
    _mm_stream_ps(to + 8, zero);
    _mm_stream_ps(to + 12, zero);
  }
}
void stream_copy(const Line* x, Line* y, size_t n) {
  const float* from = reinterpret_cast<const float*>(x);
  float* to = reinterpret_cast<float*>(y);
  for (float* const end = to + 16 * n; to < end; to += 16, from += 16) {
    _mm_stream_ps(to, _mm_load_ps(from));
    _mm_stream_ps(to + 4, _mm_load_ps(from + 4));
    _mm_stream_ps(to + 8, _mm_load_ps(from + 8));
    _mm_stream_ps(to + 12, _mm_load_ps(from + 12));
  }
}
#else
void stream_fill(Line* x, size_t n) { fill_lines(x, n); }
void stream_copy(const Line* x, Line* y, size_t n) { copy_lines(x, y, n); }
#endif

Bandwidth measure_level(const std::string& level, double capacity, double working_set,
                        int threads) {
  Bandwidth result{level, capacity, working_set, {}};
  const size_t n = static_cast<size_t>(working_set) / 64;  // lines of each thread
  const bool beyond_caches = level == "DRAM";
  for (int all = 0; all < 2; ++all) {
    const int used = all ? threads : 1;
    std::vector<std::unique_ptr<Pages>> memory;
    for (int thread = 0; thread < used; ++thread) memory.push_back(std::make_unique<Pages>(n * 16));
    const int repeats = static_cast<int>(std::max(1.0, 8e6 / working_set));
    // The best so far of `passes` over each of `arrays` of the same size.
    const auto measure = [&](Traffic traffic, size_t arrays, double passes, auto once) {
      const size_t part = n / arrays / 4 * 4;
      const double rate = best_rate(used, beyond_caches ? 8 : 40, [&](int thread) {
        Line* const x = reinterpret_cast<Line*>(memory[thread]->data);
        for (int r = 0; r < repeats; ++r) once(x, part);
        return 64.0 * passes * static_cast<double>(arrays * part) * repeats;
      });
      double& best = result.rates[static_cast<int>(traffic)][all];
      best = std::max(best, rate);
    };
    measure(Traffic::read, 1, 1, [](Line* x, size_t part) { read_lines(x, part); });
    measure(Traffic::copy, 2, 1, [](Line* x, size_t part) { copy_lines(x, x + part, part); });
    measure(Traffic::triad, 3, 1,
            [](Line* x, size_t part) { triad_lines(x, x + part, x + 2 * part, part); });
    measure(Traffic::update, 1, 2, [](Line* x, size_t part) { update_lines(x, part); });
    measure(Traffic::fill, 1, 1, [](Line* x, size_t part) { fill_lines(x, part); });
    if (!beyond_caches) continue;
    measure(Traffic::copy, 2, 1, [](Line* x, size_t part) { stream_copy(x, x + part, part); });
    measure(Traffic::fill, 1, 1, [](Line* x, size_t part) { stream_fill(x, part); });
  }
  return result;
}

std::string name_of_cpu() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("model name", 0) == 0 && line.find(": ") != std::string::npos)
      return line.substr(line.find(": ") + 2);
  return "unknown processor";
}

std::string today() {
  const std::time_t time = std::time(nullptr);
  char text[32] = "";
  std::strftime(text, sizeof text, "%Y-%m-%d", std::gmtime(&time));
  return text;
}

// Of the data cache of a level that one core sees, in bytes. The C library reports all the socket's
// third-level caches together.
double cache_bytes(int wanted, double otherwise) {
  for (int index = 0; index < 8; ++index) {
    const std::string folder =
        "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
    int level = 0;
    double kilobytes = 0;
    std::string type;
    std::ifstream(folder + "level") >> level;
    std::ifstream(folder + "type") >> type;
    std::ifstream(folder + "size") >> kilobytes;  // "32768K"
    if (level == wanted && type != "Instruction" && kilobytes > 0) return kilobytes * 1024;
  }
  return otherwise;
}

}  // namespace

Traffic traffic_of(const std::string& name) {
  if (name == "read") return Traffic::read;
  if (name == "update") return Traffic::update;
  if (name == "fill") return Traffic::fill;
  return Traffic::copy;
}

double Machine::limit(double flops, double bytes, Traffic traffic, bool all) const {
  double seconds = 0;
  if (!peaks.empty()) seconds = flops / (all ? peaks.back().all : peaks.back().one);
  if (levels.empty() || bytes <= 0) return seconds;
  const Bandwidth* level = &levels.back();
  for (const Bandwidth& each : levels)
    if (bytes <= each.capacity && each.capacity < level->capacity) level = &each;
  // A mixture of reads and writes may go like either of two patterns: the faster is its limit.
  double rate = level->rate(traffic, all);
  if (traffic == Traffic::copy) rate = std::max(rate, level->rate(Traffic::triad, all));
  return std::max(seconds, bytes / rate);
}

Machine measure_machine(int threads) {
  Machine machine;
  machine.cpu = name_of_cpu();
  machine.date = today();
  machine.threads = threads;
  for (const Chains& chains : available_chains()) {
    const auto run = [&](int) { return chains.run(); };
    machine.peaks.push_back({chains.isa, best_rate(1, 200, run), best_rate(threads, 200, run)});
  }
  const double l1 = cache_bytes(1, 32 << 10);
  const double l2 = cache_bytes(2, 1 << 20);
  const double l3 = cache_bytes(3, 16 << 20);
  const double beyond = std::max(4 * l3, 128e6);
  machine.levels.push_back(measure_level("L1", l1, l1 * 0.7, threads));
  machine.levels.push_back(measure_level("L2", l2, l2 * 0.7, threads));
  machine.levels.push_back(measure_level("L3", l3, std::min(l3 * 0.25, 8e6), threads));
  machine.levels.push_back(measure_level("DRAM", 1e300, beyond, threads));
  return machine;
}

void measure_peak_again(Machine& machine) {
  if (machine.peaks.empty()) return;
  Peak& peak = machine.peaks.back();
  const auto run = [](int) { return available_chains().back().run(); };
  peak.one = std::max(peak.one, best_rate(1, 10, run));
  peak.all = std::max(peak.all, best_rate(machine.threads, 10, run));
}

}  // namespace bench
