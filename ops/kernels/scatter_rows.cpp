// Adds rows of values to the rows of a table that ids name.
#include "ops/kernels/scatter_rows.h"

#include <cstddef>

#include "ops/kernels/vec.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {
namespace {

constexpr int64_t kAhead = 8;            // rows whose lines are fetched early
constexpr int64_t kFetchedBytes = 1024;  // of each; the rest comes in by itself

// Written: the line then comes without its copies in other cores (two threads that add 4096 rows of 512
// bytes: 26.6 us instead of 28.3).
template <bool written>
SIMDGRAD_INLINE void fetch(const void* row, int64_t bytes) {
  const int64_t end = bytes < kFetchedBytes ? bytes : kFetchedBytes;
  for (int64_t at = 0; at < end; at += 64)
    __builtin_prefetch(static_cast<const char*>(row) + at, written);
}

template <class T>
SIMDGRAD_INLINE const T* value_row(const ScatterRows& rows, int64_t position) {
  return reinterpret_cast<const T*>(
      rows.values + (rows.offsets ? rows.offsets[position] : position * rows.value_stride));
}
template <class T>
SIMDGRAD_INLINE T* table_row(const ScatterRows& rows, int64_t row) {
  return reinterpret_cast<T*>(rows.table + row * rows.table_stride);
}

// --- adding ---------------------------------------------------------------------------------
template <class T>
SIMDGRAD_INLINE void add_row(T* to, const T* from, int64_t n, Vec<T> factor) {
  using V = Vec<T>;
  int64_t i = 0;
  for (; i + 2 * V::size <= n; i += 2 * V::size) {
    const V first = fma(factor, V::load(from + i), V::load(to + i));
    const V second = fma(factor, V::load(from + i + V::size), V::load(to + i + V::size));
    first.store(to + i);
    second.store(to + i + V::size);
  }
  for (; i + V::size <= n; i += V::size)
    fma(factor, V::load(from + i), V::load(to + i)).store(to + i);
  if (i < n) {
    const int rest = static_cast<int>(n - i);
    fma(factor, V::load_partial(from + i, rest), V::load_partial(to + i, rest))
        .store_partial(to + i, rest);
  }
}

template <class T, bool listed>
void add(const ScatterRows& rows) {
  const int64_t bytes = rows.columns * static_cast<int64_t>(sizeof(T));
  Vec<T> factor(rows.factor);
  for (int64_t k = 0; k < rows.n; ++k) {
    if (k + kAhead < rows.n) {
      const int64_t next = listed ? rows.positions[k + kAhead] : k + kAhead;
      fetch<true>(table_row<T>(rows, rows.ids[next]), bytes);
      // Rows in order come in by themselves.
      if (listed || rows.offsets) fetch<false>(value_row<T>(rows, next), bytes);
    }
    const int64_t p = listed ? rows.positions[k] : k;
    if (rows.ids[p] == rows.skip) continue;
    if (rows.factors) factor = Vec<T>(rows.factors[p]);
    add_row(table_row<T>(rows, rows.ids[p]), value_row<T>(rows, p), rows.columns, factor);
  }
}
template <class T>
void add(const ScatterRows& rows) {
  rows.positions ? add<T, true>(rows) : add<T, false>(rows);
}

// --- rows that hold something -------------------------------------------------------------------
template <class T>
void nonzero(const void* values, int64_t stride, int64_t columns, int64_t begin, int64_t end,
             bool* flags) {
  using V = Vec<T>;
  for (int64_t r = begin; r < end; ++r) {
    const T* row = reinterpret_cast<const T*>(static_cast<const char*>(values) + r * stride);
    bool found = false;
    int64_t i = 0;
    for (; !found && i + V::size <= columns; i += V::size) found = any(V::load(row + i) != V(0));
    if (!found && i < columns)
      found = any(V::load_partial(row + i, static_cast<int>(columns - i)) != V(0));
    flags[r] = found;
  }
}

// --- whose rows -----------------------------------------------------------------------------------
int64_t list(const RowShares& rows, uint32_t share, const int64_t* ids, int64_t n,
             int64_t* positions) {
  int64_t count = 0, p = 0;
#if SIMDGRAD_ISA_AVX512
  // 4096 ids in 1 us instead of 3.5.
  const __m512i multiplier = _mm512_set1_epi64(RowShares::kMultiplier);
  const __m512i shares = _mm512_set1_epi64(rows.shares), mine = _mm512_set1_epi64(share);
  const __m128i shift = _mm_cvtsi32_si128(rows.shift);
  __m512i at = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
  for (; p + 8 <= n; p += 8) {
    // Products of the lower halves: the hash is the lower half of one, the owner the upper of the next.
    const __m512i hash =
        _mm512_mul_epu32(_mm512_srl_epi64(_mm512_loadu_si512(ids + p), shift), multiplier);
    const __m512i owner = _mm512_srli_epi64(_mm512_mul_epu32(hash, shares), 32);
    const __mmask8 listed = _mm512_cmpeq_epi64_mask(owner, mine);
    _mm512_storeu_si512(positions + count, _mm512_maskz_compress_epi64(listed, at));
    count += __builtin_popcount(listed);
    at = _mm512_add_epi64(at, _mm512_set1_epi64(8));
  }
#endif
  for (; p < n; ++p) {
    positions[count] = p;
    count += rows.owner_of(ids[p]) == share;
  }
  return count;
}

void clear(char* to, int64_t bytes) {
  int64_t at = 0;
#if SIMDGRAD_ISA_AVX512
  for (; at + 64 <= bytes; at += 64)
    _mm512_stream_si512(reinterpret_cast<__m512i*>(to + at), _mm512_setzero_si512());
#elif SIMDGRAD_ISA_AVX2
  for (; at + 32 <= bytes; at += 32)
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to + at), _mm256_setzero_si256());
#elif SIMDGRAD_ISA_SSE2
  for (; at + 16 <= bytes; at += 16)
    _mm_stream_si128(reinterpret_cast<__m128i*>(to + at), _mm_setzero_si128());
#endif
#if !SIMDGRAD_ISA_NEON
  _mm_sfence();
#endif
  __builtin_memset(to + at, 0, static_cast<size_t>(bytes - at));
}

}  // namespace

extern const ScatterKernels scatter_kernels = {
    {add<float>, nonzero<float>},
    {add<double>, nonzero<double>},
    list,
    clear,
};

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
