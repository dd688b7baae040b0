// Threads: how many an operation may use, and parallel_for.
#pragma once

#include <cstdint>
#include <string>

#include <simdgrad/export.h>

namespace simdgrad {

// Sets how many threads a parallel operation may use, the calling one included; more than the
// machine has cores is allowed and honoured. Results never depend on it. Takes effect for the
// operations that start afterwards, in every thread. Throws Error when threads < 1, and in a
// forked child of a process that already ran in parallel (such a child has one thread).
// Follows at::set_num_threads.
SIMDGRAD_API void set_num_threads(int threads);

// The number in force. At first it is SIMDGRAD_NUM_THREADS, or else the cores this process may use:
// its affinity mask, lowered to the CPU quota of its container (cgroup v1 and v2, rounded down, at
// least 1). Follows at::get_num_threads.
SIMDGRAD_API int get_num_threads();

namespace detail {
SIMDGRAD_API void parallel_for(std::int64_t begin, std::int64_t end, std::int64_t grain_size,
                               void (*run)(const void* body, std::int64_t, std::int64_t),
                               const void* body);
}  // namespace detail

// Runs body(from, to) on pieces of [begin, end) of grain_size numbers each, the last one perhaps
// shorter, in any order and on several threads; inline where there is one piece. The pieces depend on
// the range alone, never on the number of threads, so that what a body adds up keeps its bits. An
// exception in a body cancels the pieces not yet started and reaches the caller. Bodies see no grad
// mode of the caller and must not touch the graph. Error: grain_size < 1. Handing work to another core
// costs 1 to 40 us: let a piece be worth that. As at::parallel_for, whose pieces grow with the threads.
template <class Body>
void parallel_for(std::int64_t begin, std::int64_t end, std::int64_t grain_size, const Body& body) {
  detail::parallel_for(
      begin, end, grain_size,
      [](const void* on, std::int64_t from, std::int64_t to) {
        (*static_cast<const Body*>(on))(from, to);
      },
      &body);
}

// The instruction set of the kernels in use: "SSE2", "AVX2", "AVX512" or "NEON". SIMDGRAD_ISA in the
// environment forces one; Error if it names none that this CPU has. As at::get_cpu_capability.
SIMDGRAD_API std::string get_cpu_capability();

}  // namespace simdgrad
