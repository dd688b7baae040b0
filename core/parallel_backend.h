// What a back end of core/parallel.h provides: parallel_tbb.cpp or parallel_std.cpp.
#pragma once

#include <simdgrad/export.h>

#include "core/function_ref.h"

namespace simdgrad::detail {

inline constexpr int kMaxThreads = 1024;

// Calls participate(i) for i = 0 .. participants-1, each at most once and i = 0 always, on up to
// `threads` threads, the caller among them; returns when all calls made have returned. participate
// takes its work from what is left, so that calls not made are not missed. It does not throw.
SIMDGRAD_LOCAL void backend_run(int threads, int participants, FunctionRef<void(int)> participate);

}  // namespace simdgrad::detail
