#include "core/parallel.h"

#include <simdgrad/error.h>
#include <simdgrad/parallel.h>

#include "core/testing_hooks.h"

namespace simdgrad {
namespace detail {
std::atomic<double> inline_threshold{kInlineThreshold};
std::atomic<std::int64_t> forced_chunk{0};
void parallel_chunks_slow(std::int64_t chunks, FunctionRef<void(std::int64_t)> body) {
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) body(chunk);
}
}  // namespace detail
void set_num_threads(int threads) {
  SIMDGRAD_CHECK(threads > 0, "Expected positive number of threads");
}
int get_num_threads() { return 1; }
namespace testing {
void set_inline_threshold(double ns) {
  detail::inline_threshold = ns < 0 ? detail::kInlineThreshold : ns;
}
void set_chunk(std::int64_t chunk) { detail::forced_chunk = chunk; }
void set_rendezvous(int) {}
int last_region_threads() { return 1; }
int max_region_threads() { return 1; }
}  // namespace testing
}  // namespace simdgrad
