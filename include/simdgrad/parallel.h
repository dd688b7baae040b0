#pragma once

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

}  // namespace simdgrad
