#include "ops/kernels/scatter_rows.h"

#include <cstddef>

#include "ops/kernels/vec.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {
namespace {

constexpr int64_t kAhead = 8;            // rows whose lines are fetched early
constexpr int64_t kFetchedBytes = 1024;  // of each; the rest comes in by itself

SIMDGRAD_INLINE void fetch(const void* row, int64_t bytes) {
  const int64_t end = bytes < kFetchedBytes ? bytes : kFetchedBytes;
  for (int64_t at = 0; at < end; at += 64)
    __builtin_prefetch(static_cast<const char*>(row) + at);
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

// --- row after row ------------------------------------------------------------------------------
template <class T>
SIMDGRAD_INLINE void add_row(T* to, const T* from, int64_t n, Vec<T> alpha) {
  using V = Vec<T>;
  int64_t i = 0;
  for (; i + 2 * V::size <= n; i += 2 * V::size) {
    const V first = fma(alpha, V::load(from + i), V::load(to + i));
    const V second = fma(alpha, V::load(from + i + V::size), V::load(to + i + V::size));
    first.store(to + i);
    second.store(to + i + V::size);
  }
  for (; i + V::size <= n; i += V::size)
    fma(alpha, V::load(from + i), V::load(to + i)).store(to + i);
  if (i < n) {
    const int rest = static_cast<int>(n - i);
    fma(alpha, V::load_partial(from + i, rest), V::load_partial(to + i, rest))
        .store_partial(to + i, rest);
  }
}

template <class T>
void add(const ScatterRows& rows, const int64_t* ids, int64_t n, int64_t skip) {
  const Vec<T> alpha(rows.alpha);
  const int64_t bytes = rows.columns * static_cast<int64_t>(sizeof(T));
  for (int64_t p = 0; p < n; ++p) {
    if (p + kAhead < n) {
      fetch(table_row<T>(rows, ids[p + kAhead]), bytes);
      if (rows.offsets) fetch(value_row<T>(rows, p + kAhead), bytes);
    }
    if (ids[p] == skip) continue;
    add_row(table_row<T>(rows, ids[p]), value_row<T>(rows, p), rows.columns, alpha);
  }
}

// --- group after group --------------------------------------------------------------------------
// `count` registers of one group's sum: the table is read and written once however many rows go in.
// Rows are fetched early, across groups, each column block on its own.
template <class T, int count>
SIMDGRAD_INLINE void sum_block(const ScatterRows& rows, const ScatterGroups& groups, int64_t begin,
                               int64_t end, T* to, int64_t column, Vec<T> alpha) {
  using V = Vec<T>;
  constexpr int64_t kBytes = count * V::size * static_cast<int64_t>(sizeof(T));
  const int64_t last = groups.starts[groups.end];
  V sum[count];
  for (int i = 0; i < count; ++i)
    sum[i] = groups.overwrite ? V(0) : V::load(to + column + i * V::size);
  for (int64_t k = begin; k < end; ++k) {
    if (k + kAhead < last) fetch(value_row<T>(rows, groups.order[k + kAhead]) + column, kBytes);
    const T* from = value_row<T>(rows, groups.order[k]) + column;
    for (int i = 0; i < count; ++i) sum[i] = fma(alpha, V::load(from + i * V::size), sum[i]);
  }
  for (int i = 0; i < count; ++i) sum[i].store(to + column + i * V::size);
}
template <class T>
SIMDGRAD_INLINE void sum_tail(const ScatterRows& rows, const ScatterGroups& groups, int64_t begin,
                              int64_t end, T* to, int64_t column, Vec<T> alpha) {
  using V = Vec<T>;
  const int rest = static_cast<int>(rows.columns - column);
  V sum = groups.overwrite ? V(0) : V::load_partial(to + column, rest);
  for (int64_t k = begin; k < end; ++k)
    sum = fma(alpha, V::load_partial(value_row<T>(rows, groups.order[k]) + column, rest), sum);
  sum.store_partial(to + column, rest);
}

template <class T>
void sum(const ScatterRows& rows, const ScatterGroups& groups) {
  using V = Vec<T>;
  const int64_t bytes = rows.columns * static_cast<int64_t>(sizeof(T));
  for (int64_t g = groups.begin; g < groups.end; ++g) {
    const int64_t begin = groups.starts[g], end = groups.starts[g + 1];
    const int64_t row = groups.rows ? groups.rows[g] : g;
    if (!groups.overwrite && g + kAhead < groups.end)
      fetch(table_row<T>(rows, groups.rows ? groups.rows[g + kAhead] : g + kAhead), bytes);
    if (row == groups.skip) continue;
    T* to = table_row<T>(rows, row);
    const V alpha(groups.mean ? rows.alpha / static_cast<double>(end - begin) : rows.alpha);
    int64_t column = 0;
    for (; column + 8 * V::size <= rows.columns; column += 8 * V::size)
      sum_block<T, 8>(rows, groups, begin, end, to, column, alpha);
    for (; column + 2 * V::size <= rows.columns; column += 2 * V::size)
      sum_block<T, 2>(rows, groups, begin, end, to, column, alpha);
    for (; column + V::size <= rows.columns; column += V::size)
      sum_block<T, 1>(rows, groups, begin, end, to, column, alpha);
    if (column < rows.columns) sum_tail(rows, groups, begin, end, to, column, alpha);
  }
}

// --- rows that hold something -------------------------------------------------------------------
template <class T>
void nonzero(const ScatterRows& rows, int64_t begin, int64_t end, bool* flags) {
  using V = Vec<T>;
  for (int64_t r = begin; r < end; ++r) {
    const T* row = value_row<T>(rows, r);
    bool found = false;
    int64_t i = 0;
    for (; !found && i + V::size <= rows.columns; i += V::size)
      found = any(V::load(row + i) != V(0));
    if (!found && i < rows.columns)
      found = any(V::load_partial(row + i, static_cast<int>(rows.columns - i)) != V(0));
    flags[r] = found;
  }
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
    {add<float>, sum<float>, nonzero<float>},
    {add<double>, sum<double>, nonzero<double>},
    clear,
};

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
