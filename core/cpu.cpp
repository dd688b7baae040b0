#include "core/cpu.h"

#include <cstdlib>

#include <simdgrad/error.h>

#include "core/testing_hooks.h"

namespace simdgrad {
namespace {

constexpr std::string_view kNames[kIsaCount] = {"sse2", "avx2", "avx512", "neon"};

}  // namespace

std::string_view isa_name(Isa isa) { return kNames[static_cast<int>(isa)]; }

bool isa_supported(Isa isa) {
#if defined(__x86_64__)
  // The compiler's own detection: it also asks whether the system saves the wide registers.
  switch (isa) {
    case Isa::sse2:
      return true;
    case Isa::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case Isa::avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512cd") && isa_supported(Isa::avx2);
    case Isa::neon:
      return false;
  }
  return false;
#elif defined(__aarch64__)
  return isa == Isa::neon;
#else
#error "simdgrad has kernels for x86-64 and AArch64"
#endif
}

std::string supported_isa_names() {
  std::string names;
  for (int index = 0; index < kIsaCount; ++index) {
    if (!isa_supported(static_cast<Isa>(index))) continue;
    if (!names.empty()) names += ", ";
    names += kNames[index];
  }
  return names;
}

namespace detail {

std::atomic<int> active_isa_index{-1};

Isa choose_isa(std::string_view name) {
  for (int index = kIsaCount - 1; index >= 0; --index) {
    const Isa isa = static_cast<Isa>(index);
    if (name.empty() ? isa_supported(isa) : name == kNames[index]) {
      SIMDGRAD_CHECK(isa_supported(isa), "SIMDGRAD_ISA: '", name,
                     "' cannot run on this CPU; choices on this CPU: ", supported_isa_names());
      return isa;
    }
  }
  SIMDGRAD_THROW("SIMDGRAD_ISA: '", name,
                 "' is not an instruction set of this build; choices on this CPU: ",
                 supported_isa_names());
}

Isa decide_isa() {
  const char* const forced = std::getenv("SIMDGRAD_ISA");
  const Isa isa = choose_isa(forced == nullptr ? "" : forced);
  active_isa_index.store(static_cast<int>(isa), std::memory_order_relaxed);
  return isa;
}

}  // namespace detail

void testing::force_isa(Isa isa) {
  detail::choose_isa(isa_name(isa));
  detail::active_isa_index.store(static_cast<int>(isa), std::memory_order_relaxed);
}

}  // namespace simdgrad
