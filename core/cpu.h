// Which instruction sets this build has kernels for and this CPU can run.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include <simdgrad/export.h>

namespace simdgrad {

enum class Isa : int { sse2, avx2, avx512, neon };
inline constexpr int kIsaCount = 4;

// "sse2", "avx2", "avx512", "neon"
std::string_view isa_name(Isa isa);

// True when this build has kernels for it and the CPU can run them. avx2 needs fma as well; avx512
// needs f, bw, dq, vl and cd.
bool isa_supported(Isa isa);

// The one to run: SIMDGRAD_ISA if set, else the best one supported. Decided at the first call;
// throws Error when SIMDGRAD_ISA names none or one that this CPU lacks (and again at the next call).
Isa active_isa();

// The supported names, e.g. "sse2, avx2, avx512".
std::string supported_isa_names();

// Cores that this process may use: its affinity mask, lowered to the CPU quota of its control group
// (v1 or v2) rounded down; at least 1. Asks the system at every call. root stands before the paths
// read, for tests.
int available_cores(const std::string& root = "");

namespace detail {
SIMDGRAD_LOCAL extern std::atomic<int> active_isa_index;  // -1: not decided yet
SIMDGRAD_LOCAL Isa decide_isa();
// The decision for a value of SIMDGRAD_ISA; empty chooses the best.
Isa choose_isa(std::string_view name);
SIMDGRAD_LOCAL extern std::atomic<std::int64_t> second_level_cache_bytes;  // 0: not asked for yet
SIMDGRAD_LOCAL std::int64_t ask_second_level_cache_bytes();
}  // namespace detail

inline Isa active_isa() {
  const int index = detail::active_isa_index.load(std::memory_order_relaxed);
  return index >= 0 ? static_cast<Isa>(index) : detail::decide_isa();
}

// Of one core, as the C library finds it; 512 KiB where it does not know. Asked for once.
inline std::int64_t second_level_cache_bytes() {
  const std::int64_t bytes = detail::second_level_cache_bytes.load(std::memory_order_relaxed);
  return bytes > 0 ? bytes : detail::ask_second_level_cache_bytes();
}

}  // namespace simdgrad
