// Finds out which instruction sets this CPU runs and how many cores this process may use.
#include "core/cpu.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <thread>

#include <simdgrad/error.h>
#include <simdgrad/parallel.h>

#include "core/testing_hooks.h"

namespace simdgrad {
namespace {

constexpr std::string_view kNames[kIsaCount] = {"sse2", "avx2", "avx512", "neon"};

// Which of them have kernels in this build; without the build's definitions, all.
constexpr bool kHaveKernels[kIsaCount] = {
#if defined(SIMDGRAD_HAVE_SSE2) || defined(SIMDGRAD_HAVE_NEON)
#if defined(SIMDGRAD_HAVE_SSE2)
    true,
#else
    false,
#endif
#if defined(SIMDGRAD_HAVE_AVX2)
    true,
#else
    false,
#endif
#if defined(SIMDGRAD_HAVE_AVX512)
    true,
#else
    false,
#endif
#if defined(SIMDGRAD_HAVE_NEON)
    true,
#else
    false,
#endif
#else
    true,
    true,
    true,
    true,
#endif
};

// The quota in cores of one control group directory, or a negative number when it has none.
double quota_v2(const std::string& directory) {
  std::ifstream file(directory + "/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return -1;
  return std::strtod(quota.c_str(), nullptr) / period;
}

double quota_v1(const std::string& directory) {
  std::ifstream quota_file(directory + "/cpu.cfs_quota_us");
  std::ifstream period_file(directory + "/cpu.cfs_period_us");
  double quota = 0;
  double period = 0;
  if (!(quota_file >> quota) || !(period_file >> period) || quota <= 0 || period <= 0) return -1;
  return quota / period;
}

// The lowest quota of the group and of those above it; a container often sees only the top, its own.
double lowest_quota(const std::string& mount, std::string group,
                    double (*quota_of)(const std::string&)) {
  double lowest = -1;
  for (;;) {
    const double quota = quota_of(mount + group);
    if (quota >= 0 && (lowest < 0 || quota < lowest)) lowest = quota;
    const std::size_t slash = group.rfind('/');
    if (slash == std::string::npos) return lowest;
    group.resize(slash);
  }
}

// Lines of /proc/self/cgroup read id:controllers:path, with no controllers for version 2.
double control_group_quota(const std::string& root) {
  std::ifstream file(root + "/proc/self/cgroup");
  double lowest = -1;
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::string group = line.substr(second + 1);
    if (group == "/") group.clear();
    double quota = -1;
    if (controllers.empty()) {
      quota = lowest_quota(root + "/sys/fs/cgroup", group, quota_v2);
    } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
      quota = lowest_quota(root + "/sys/fs/cgroup/cpu", group, quota_v1);
    }
    if (quota >= 0 && (lowest < 0 || quota < lowest)) lowest = quota;
  }
  return lowest;
}

}  // namespace

std::string_view isa_name(Isa isa) { return kNames[static_cast<int>(isa)]; }

bool isa_supported(Isa isa) {
  if (!kHaveKernels[static_cast<int>(isa)]) return false;
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

std::string get_cpu_capability() {
  std::string name(isa_name(active_isa()));
  for (char& letter : name) letter = static_cast<char>(std::toupper(letter));
  return name;
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

int available_cores(const std::string& root) {
  int cores = static_cast<int>(std::thread::hardware_concurrency());
  cpu_set_t mask;  // fails on machines of more than 1024 cores: then hardware_concurrency stands
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) cores = CPU_COUNT(&mask);
  const double quota = control_group_quota(root);
  if (quota >= 0 && quota < cores) cores = static_cast<int>(quota);
  return std::max(cores, 1);
}

void testing::set_second_level_cache_bytes(std::int64_t bytes) {
  detail::second_level_cache_bytes.store(bytes, std::memory_order_relaxed);
}

namespace detail {

std::atomic<int> active_isa_index{-1};
constinit std::atomic<std::int64_t> second_level_cache_bytes{0};

std::int64_t ask_second_level_cache_bytes() {
  std::int64_t bytes = 0;
#if defined(_SC_LEVEL2_CACHE_SIZE)
  bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
  if (bytes <= 0) bytes = 512 << 10;
  second_level_cache_bytes.store(bytes, std::memory_order_relaxed);
  return bytes;
}

Isa choose_isa(std::string_view name) {
  for (int index = kIsaCount - 1; index >= 0; --index) {
    const Isa isa = static_cast<Isa>(index);
    if (name.empty() ? isa_supported(isa) : name == kNames[index]) {
      SIMDGRAD_CHECK(isa_supported(isa), "SIMDGRAD_ISA: '", name,
                     "' cannot run on this CPU; choices on this CPU: ", supported_isa_names());
      return isa;
    }
  }
  SIMDGRAD_THROW(
      "SIMDGRAD_ISA: '", name,
      "' is not an instruction set of this build; choices on this CPU: ", supported_isa_names());
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
