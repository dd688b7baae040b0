// Every pointwise kernel of one tensor, on every instruction set that this CPU has: 4096 floats, in the
// first-level cache.
//   kernel_pointwise --benchmark_filter=avx2/Tanh
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "core/cpu.h"
#include "core/testing_hooks.h"
#include "ops/kernels/pointwise.h"
#include "ops/kernels/table.h"

namespace {

using namespace simdgrad;

constexpr int64_t kCount = 4096;
constexpr int64_t kStrides[] = {1, 1, 1};

struct alignas(64) Floats {
  float result[kCount], x[kCount], dy[kCount];
};

// The rows of the public list; the others have members.
constexpr const char* kNames[] = {
#define SIMDGRAD_UNARY(function, Formula) #Formula,
#include <simdgrad/unary_ops.inc>
#undef SIMDGRAD_UNARY
};

void measure(benchmark::State& state, Isa isa, size_t op, bool backward) {
  testing::force_isa(isa);
  const auto floats = std::make_unique<Floats>();
  for (int64_t i = 0; i < kCount; ++i) {
    floats->x[i] = 0.1f + static_cast<float>(i % 97) / 128;
    floats->dy[i] = 1;
  }
  char* const data[] = {reinterpret_cast<char*>(floats->result), reinterpret_cast<char*>(floats->x),
                        reinterpret_cast<char*>(floats->dy)};
  const kernels::UnaryKernels& kernels = *kernels::table().unary;
  const RowKernel kernel = backward ? kernels.backward[0][op] : kernels.forward[0][op];
  for (auto _ : state) {
    kernel(data, kStrides, kCount, nullptr);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * kCount);
}

}  // namespace

int main(int count, char** arguments) {
  for (int i = 0; i < kIsaCount; ++i) {
    const Isa isa = static_cast<Isa>(i);
    if (!isa_supported(isa)) continue;
    for (size_t op = 0; op < std::size(kNames); ++op)
      for (const bool backward : {false, true})
        benchmark::RegisterBenchmark(
            (std::string(isa_name(isa)) + "/" + kNames[op] + (backward ? "/backward" : "/forward"))
                .c_str(),
            measure, isa, op, backward);
  }
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
