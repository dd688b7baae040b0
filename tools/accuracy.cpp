// Worst errors and speed of the vector maths, per instruction set: the release check of
// ops/kernels/math/math.h. Link with the static library (build folder build/):
//   g++ -std=c++20 -O2 -I. -Iinclude tools/accuracy.cpp build/libsimdgrad_static.a -o accuracy
//   accuracy                     every function, 4 million samples, float and double
//   accuracy exhaustive tanh     all 2^32 floats of one function (5 minutes per set)
//   accuracy time                nanoseconds per element, one core, data in the first-level cache
// Errors are units in the last place of the type. One thread.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "tests/kernels_math_reference.h"

namespace {

using namespace simdgrad::math_reference;

struct Worst {
  double error = 0;
  double at = 0, exponent = 0;
};

template <class T>
void measure(const Function<T>& function, const InstructionSet& set, const std::vector<T>& x,
             std::vector<T>& y, Worst& worst) {
  const auto& functions = [&]() -> const auto& {
    if constexpr (sizeof(T) == 4) return set.kernels->f32;
    else return set.kernels->f64;
  }();
  (functions.*function.loop)(x.data(), y.data(), static_cast<std::int64_t>(x.size()));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double error = function.error(x[i], y[i]);
    if (error > worst.error) worst = {error, static_cast<double>(x[i]), 0};
  }
}

// A third of the samples have every bit at random, a third lie in (-20, 20) and the rest in
// (-800, 800).
template <class T>
void fill(std::vector<T>& x, std::mt19937_64& engine) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::uint64_t bits = engine();
    x[i] = i % 3 == 0 ? from_bits<T>(static_cast<typename Wider<T>::Bits>(bits))
                      : static_cast<T>((static_cast<double>(bits >> 11) * 0x1p-53 - 0.5) *
                                       (i % 3 == 1 ? 40 : 1600));
  }
}

template <class T>
void sample(int set_index) {
  const InstructionSet set = instruction_set(set_index);
  const Functions<T> functions;
  std::vector<T> x(1 << 16), y(x.size());
  for (const auto& function : functions.all) {
    std::mt19937_64 engine(1);
    Worst worst;
    for (int round = 0; round < 64; ++round) {
      fill(x, engine);
      measure(function, set, x, y, worst);
    }
    std::printf("%-6s f%zu %-10s %6.3f at %.17g\n", set.name, 8 * sizeof(T), function.name,
                worst.error, worst.at);
  }
  std::mt19937_64 engine(2);
  Worst worst;
  std::vector<T> exponent(x.size());
  for (int round = 0; round < 64; ++round) {
    fill(x, engine);
    fill(exponent, engine);
    for (std::size_t i = 0; i < x.size(); ++i) {
      // Mostly exponents that neither overflow nor underflow, the whole range of them.
      if (i % 4 != 0) x[i] = std::abs(x[i]);
      if (i % 8 < 5) exponent[i] *= static_cast<T>(35 / std::abs(std::log2(std::abs(x[i]))));
      if (i % 8 == 5) exponent[i] = std::round(exponent[i]);
    }
    if constexpr (sizeof(T) == 4) {
      set.kernels->f32.pow(x.data(), exponent.data(), y.data(), 1 << 16);
    } else {
      set.kernels->f64.pow(x.data(), exponent.data(), y.data(), 1 << 16);
    }
    for (std::size_t i = 0; i < x.size(); ++i) {
      const Wide<T> truth = std::pow(Wide<T>(x[i]), Wide<T>(exponent[i]));
      const double error = ulp_error<T>(y[i], truth);
      if (error > worst.error) {
        worst = {error, static_cast<double>(x[i]), static_cast<double>(exponent[i])};
      }
    }
  }
  std::printf("%-6s f%zu pow        %6.3f at %.17g ^ %.17g\n", set.name, 8 * sizeof(T), worst.error,
              worst.at, worst.exponent);
}

void exhaustive(const std::string& name, int set_index) {
  const InstructionSet set = instruction_set(set_index);
  const Functions<float> functions;
  std::vector<float> x(1 << 16), y(x.size());
  for (const auto& function : functions.all) {
    if (name != function.name) continue;
    Worst worst;
    for (std::uint64_t block = 0; block < (1u << 16); ++block) {
      for (std::size_t i = 0; i < x.size(); ++i) {
        x[i] = from_bits<float>(static_cast<std::uint32_t>(block << 16 | i));
      }
      measure(function, set, x, y, worst);
    }
    std::printf("%-6s f32 %-10s %6.3f at %.9g (all floats)\n", set.name, function.name, worst.error,
                worst.at);
    std::fflush(stdout);
  }
}

template <class T>
void time_all(int set_index) {
  const InstructionSet set = instruction_set(set_index);
  const Functions<T> functions;
  std::vector<T> x(1000), y(x.size());  // 1024 would put x and y one page apart, which stalls
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>(i % 97) / T(9) + T(0.01);
  auto best = [&](auto&& run) {
    double smallest = 1e9;
    for (int repeat = 0; repeat < 40; ++repeat) {
      const auto start = std::chrono::steady_clock::now();
      for (int i = 0; i < 100; ++i) run();
      const auto stop = std::chrono::steady_clock::now();
      const std::chrono::duration<double, std::nano> passed = stop - start;
      smallest = std::min(smallest, passed.count() / (100.0 * static_cast<double>(x.size())));
    }
    return smallest;
  };
  std::printf("%-6s f%zu", set.name, 8 * sizeof(T));
  const auto& loops = [&]() -> const auto& {
    if constexpr (sizeof(T) == 4) return set.kernels->f32;
    else return set.kernels->f64;
  }();
  const std::int64_t n = static_cast<std::int64_t>(x.size());
  for (const auto& function : functions.all) {
    std::printf(" %s %.2f", function.name,
                best([&] { (loops.*function.loop)(x.data(), y.data(), n); }));
  }
  std::printf(" pow %.2f\n", best([&] { loops.pow(x.data(), x.data(), y.data(), n); }));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "sample";
  for (int set = 0; set < kInstructionSets; ++set) {
    if (!instruction_set(set).usable) continue;
    if (argc > 3 && std::string(argv[3]) != instruction_set(set).name) continue;
    if (mode == "exhaustive" && argc > 2) {
      exhaustive(argv[2], set);
    } else if (mode == "time") {
      time_all<float>(set);
      time_all<double>(set);
    } else if (mode == "sample") {
      sample<float>(set);
      sample<double>(set);
    } else {
      std::fprintf(stderr, "usage: accuracy [sample | time | exhaustive FUNCTION [SET]]\n");
      return 2;
    }
  }
  return 0;
}
