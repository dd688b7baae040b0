// The only way to run in parallel. What a chunk is depends on shape alone; threads decide only who
// runs it. Bodies compute on raw memory: they see neither the graph nor the grad mode, and a
// parallel call inside one runs inline. Never hold a lock across a parallel call.
#pragma once

#include <atomic>
#include <cstdint>

#include <simdgrad/export.h>

#include "core/function_ref.h"

namespace simdgrad {

namespace detail {
// Work below this many nanoseconds runs inline: handing it to another core costs about 1 us when
// that core is still awake, 40 us when it sleeps.
inline constexpr double kInlineThreshold = 20000.0;
SIMDGRAD_LOCAL extern std::atomic<double> inline_threshold;
SIMDGRAD_LOCAL extern std::atomic<std::int64_t> forced_chunk;  // 0: off
SIMDGRAD_LOCAL void parallel_chunks_slow(std::int64_t chunks, FunctionRef<void(std::int64_t)> body);
}  // namespace detail

// Runs body(chunk) for chunk = 0 .. chunks-1, in order and inline when the whole is estimated at
// less than about 20 us. An exception in a chunk cancels those not yet started and reaches the
// caller; of several, the one of the lowest chunk. Bodies run under the caller's floating-point
// mode (rounding, denormals).
[[gnu::always_inline]] inline void parallel_chunks(std::int64_t chunks, double nanoseconds,
                                                   FunctionRef<void(std::int64_t)> body) {
  if (chunks > 1 && nanoseconds >= detail::inline_threshold.load(std::memory_order_relaxed))
      [[unlikely]] {
    detail::parallel_chunks_slow(chunks, body);
    return;
  }
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) body(chunk);
}

// preferred, or the tiny chunk that a test asked for.
inline std::int64_t chunk_size(std::int64_t preferred) {
  const std::int64_t forced = detail::forced_chunk.load(std::memory_order_relaxed);
  return forced > 0 && forced < preferred ? forced : preferred;
}

// Splits [0, n) into chunks of chunk_size(chunk) items and runs body(begin, end) on each. chunk must
// be a function of shape alone wherever the result depends on where chunks end.
[[gnu::always_inline]] inline void parallel_range(
    std::int64_t n, std::int64_t chunk, double nanoseconds_per_item,
    FunctionRef<void(std::int64_t, std::int64_t)> body) {
  if (n <= 0) return;
  const std::int64_t size = chunk_size(chunk);
  if (n <= size) {
    body(0, n);
    return;
  }
  const std::int64_t chunks = (n - 1) / size + 1;
  parallel_chunks(chunks, nanoseconds_per_item * static_cast<double>(n),
                  [n, size, body](std::int64_t index) {
                    const std::int64_t begin = index * size;
                    body(begin, n - begin < size ? n : begin + size);
                  });
}

}  // namespace simdgrad
