// Speed of ops::gemm on one thread (or as many as the second argument says), against the peak of
// fused multiply-adds of this instruction set, measured in the same windows.
//   kernel_gemm [isa|all] [threads] [shape filter]
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <simdgrad/parallel.h>

#include "bench/clock.h"
#include "bench/peak.h"
#include "core/cpu.h"
#include "core/testing_hooks.h"
#include "ops/linear_algebra/gemm.h"

namespace {

using namespace simdgrad;
using bench::now;

// Of the instruction set in use; 0 if it has no measure here.
double flops_of_peak() {
  for (const bench::Chains& chains : bench::available_chains())
    if (chains.isa == isa_name(active_isa())) return chains.run();
  return 0;
}

struct Shape {
  std::int64_t m, n, k;
  const char* form;  // N or T for a, then for b
  const char* name;
};

const Shape kShapes[] = {
    {256, 256, 256, "NN", ""},
    {256, 256, 256, "NT", ""},
    {256, 256, 256, "TN", ""},
    {256, 256, 256, "TT", ""},
    {255, 255, 255, "NN", ""},
    {257, 257, 257, "NN", ""},
    {257, 257, 257, "TT", ""},
    {250, 260, 270, "NT", ""},
    {64, 128, 784, "NT", "linear 784-128 forward"},
    {64, 784, 128, "NN", "linear 784-128 dx"},
    {128, 784, 64, "TN", "linear 784-128 dW"},
    {256, 128, 784, "NT", "batch 256 forward"},
    {128, 784, 256, "TN", "batch 256 dW"},
    {64, 10, 128, "NT", "linear 128-10 forward"},
    {64, 128, 10, "NN", "linear 128-10 dx"},
    {10, 128, 64, "TN", "linear 128-10 dW"},
    {8, 8, 4, "NT", "linear 4-8 forward"},
    {8, 4, 8, "NN", "linear 4-8 dx"},
    {8, 4, 8, "TN", "linear 4-8 dW"},
    {32, 16, 16, "NT", "linear 16-16 forward"},
    {32, 16, 16, "NN", "linear 16-16 dx"},
    {16, 16, 32, "TN", "linear 16-16 dW"},
    {16, 128, 10000, "NT", "linear 10000-128 forward"},
    {128, 128, 10000, "NT", ""},
    {128, 10000, 128, "NT", ""},
    {16, 6, 300, "NT", "linear 300-6 forward"},
    {16, 300, 6, "NN", "linear 300-6 dx"},
    {6, 300, 16, "TN", "linear 300-6 dW"},
    {1, 128, 784, "NT", "one sample forward"},
    {1, 784, 128, "NN", "one sample dx"},
    {128, 784, 1, "TN", "one sample dW"},
    {64, 1, 784, "NT", "one output forward"},
    {1, 1, 1024, "NT", "dot"},
    {512, 512, 512, "NN", ""},
    {512, 512, 512, "NT", ""},
    {1024, 1024, 1024, "NN", ""},
    {1024, 1024, 1024, "NT", ""},
    {1024, 1024, 1024, "TN", ""},
    {1024, 1024, 1024, "TT", ""},
    {1000, 1000, 1000, "NN", ""},
    {64, 64, 64, "NN", ""},
    {64, 64, 64, "NT", ""},
    {32, 32, 32, "NN", ""},
    {32, 32, 32, "NT", ""},
    {2, 5, 4, "NN", "tiny"},
    {1, 1, 1, "NN", "tiny"},
};

// As tensors lie: on 64 bytes.
template <class T>
class Buffer {
 public:
  explicit Buffer(std::int64_t n)
      : data_(static_cast<T*>(
            std::aligned_alloc(64, (static_cast<std::size_t>(n) * sizeof(T) + 63) / 64 * 64))) {}
  ~Buffer() { std::free(data_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  T* data() const { return data_; }

 private:
  T* data_;
};

template <class T>
void measure(const Shape& s, const char* type) {
  const Buffer<T> a(s.m * s.k), b(s.k * s.n), c(s.m * s.n);
  for (std::int64_t i = 0; i < s.m * s.k; ++i) a.data()[i] = static_cast<T>(i % 7 - 3);
  for (std::int64_t i = 0; i < s.k * s.n; ++i) b.data()[i] = static_cast<T>(i % 5 - 2);
  const ops::Matrix ma =
      s.form[0] == 'N' ? ops::Matrix{a.data(), s.k, 1} : ops::Matrix{a.data(), 1, s.m};
  const ops::Matrix mb =
      s.form[1] == 'N' ? ops::Matrix{b.data(), s.n, 1} : ops::Matrix{b.data(), 1, s.k};
  const double flops =
      2.0 * static_cast<double>(s.m) * static_cast<double>(s.n) * static_cast<double>(s.k);
  const auto once = [&] { ops::gemm<T>(s.m, s.n, s.k, ma, mb, c.data(), s.n); };
  once();
  const double start = now();
  once();
  const double guess = std::max(now() - start, 2e-8);
  const int repeats = static_cast<int>(std::max(1.0, 1e-3 / guess));
  double best_peak = 0;
  std::vector<double> seconds;
  for (int window = 0; window < 61; ++window) {
    double t = now();
    const double peak = flops_of_peak();
    best_peak = std::max(best_peak, peak / (now() - t));
    t = now();
    for (int r = 0; r < repeats; ++r) once();
    seconds.push_back((now() - t) / repeats);
  }
  std::sort(seconds.begin(), seconds.end());
  best_peak *= (sizeof(T) == 4 ? 1.0 : 0.5) * get_num_threads();
  const double best = flops / seconds.front(), median = flops / seconds[seconds.size() / 2];
  std::printf("%-6s %s %5ld x%5ld x%5ld %s %9.1f ns  %6.1f GF/s %5.1f %%  median %5.1f %%  %s\n",
              std::string(isa_name(active_isa())).c_str(), type, static_cast<long>(s.m),
              static_cast<long>(s.n), static_cast<long>(s.k), s.form, seconds.front() * 1e9,
              best * 1e-9, 100 * best / best_peak, 100 * median / best_peak, s.name);
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** arguments) {
  const std::string wanted = count > 1 ? arguments[1] : std::string(isa_name(active_isa()));
  set_num_threads(count > 2 ? std::atoi(arguments[2]) : 1);
  const std::string filter = count > 3 ? arguments[3] : "";
  std::printf("m x n x k, forms of a and b; %% of %d thread(s) of fused multiply-adds\n",
              get_num_threads());
  for (int i = 0; i < kIsaCount; ++i) {
    const Isa isa = static_cast<Isa>(i);
    if (!isa_supported(isa) || (wanted != "all" && wanted != isa_name(isa))) continue;
    testing::force_isa(isa);
    for (const Shape& s : kShapes) {
      char label[64];
      std::snprintf(label, sizeof label, "%ldx%ldx%ld%s", static_cast<long>(s.m),
                    static_cast<long>(s.n), static_cast<long>(s.k), s.form);
      if (!filter.empty() && std::string(label).find(filter) == std::string::npos) continue;
      measure<float>(s, "f32");
      measure<double>(s, "f64");
    }
  }
}
