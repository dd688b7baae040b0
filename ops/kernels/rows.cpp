// Gathers, writes and adds rows picked by ids, and looks for ids out of range.
#include "ops/kernels/rows.h"

#include <cstring>

#include "ops/kernels/vec.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {
namespace {

template <class Id>
SIMDGRAD_INLINE uint64_t sign_if_bad(Id id, uint64_t lowest, uint64_t highest) {
  const uint64_t wide = static_cast<uint64_t>(static_cast<int64_t>(id));
  return (wide - lowest) | (highest - wide);
}
template <class Id>
int64_t find_bad(const Id* ids, int64_t n, int64_t lowest, int64_t limit) {
  // A block at a time without branches; the first bad one is looked for where there may be one.
  constexpr int kBlock = 32;
  const uint64_t low = static_cast<uint64_t>(lowest);
  const uint64_t high = static_cast<uint64_t>(limit - 1);
  int64_t i = 0;
  for (; i + kBlock <= n; i += kBlock) {
    uint64_t signs = 0;
    for (int k = 0; k < kBlock; ++k) signs |= sign_if_bad(ids[i + k], low, high);
    if (static_cast<int64_t>(signs) >= 0) continue;
    for (int k = 0; k < kBlock; ++k)
      if (ids[i + k] < lowest || ids[i + k] >= limit) return i + k;
  }
  for (; i < n; ++i)
    if (ids[i] < lowest || ids[i] >= limit) return i;
  return -1;
}
int64_t first_bad(const void* ids, int id_bytes, int64_t n, int64_t lowest, int64_t limit) {
  return id_bytes == 4 ? find_bad(static_cast<const int32_t*>(ids), n, lowest, limit)
                       : find_bad(static_cast<const int64_t*>(ids), n, lowest, limit);
}

// --- one row ------------------------------------------------------------------------------------
using Line = Vec<float>;
constexpr int64_t kLine = Line::size * 4;

SIMDGRAD_INLINE void copy_line(char* to, const char* from) {
  Line::load(reinterpret_cast<const float*>(from)).store(reinterpret_cast<float*>(to));
}
// bytes >= kLine; the last line may overlap the one before.
SIMDGRAD_INLINE void copy_row(char* to, const char* from, int64_t bytes) {
  int64_t at = 0;
  for (; at + 4 * kLine <= bytes; at += 4 * kLine) {
    copy_line(to + at, from + at);
    copy_line(to + at + kLine, from + at + kLine);
    copy_line(to + at + 2 * kLine, from + at + 2 * kLine);
    copy_line(to + at + 3 * kLine, from + at + 3 * kLine);
  }
  for (; at + kLine <= bytes; at += kLine) copy_line(to + at, from + at);
  if (at < bytes) copy_line(to + bytes - kLine, from + bytes - kLine);
}

struct CopyLong {
  SIMDGRAD_INLINE static void run(char* to, const char* from, int64_t bytes) {
    copy_row(to, from, bytes);
  }
};
struct CopyShort {
  SIMDGRAD_INLINE static void run(char* to, const char* from, int64_t bytes) {
    int64_t at = 0;
    for (; at + 4 <= bytes; at += 4) std::memcpy(to + at, from + at, 4);
    for (; at < bytes; ++at) to[at] = from[at];
  }
};
template <int bytes>
struct CopyItem {
  SIMDGRAD_INLINE static void run(char* to, const char* from, int64_t) {
    std::memcpy(to, from, bytes);
  }
};
template <class T>
struct AddRow {
  SIMDGRAD_INLINE static void run(char* to_bytes, const char* from_bytes, int64_t bytes) {
    using V = Vec<T>;
    T* to = reinterpret_cast<T*>(to_bytes);
    const T* from = reinterpret_cast<const T*>(from_bytes);
    const int64_t n = bytes / static_cast<int64_t>(sizeof(T));
    int64_t i = 0;
    for (; i + 2 * V::size <= n; i += 2 * V::size) {
      (V::load(to + i) + V::load(from + i)).store(to + i);
      (V::load(to + i + V::size) + V::load(from + i + V::size)).store(to + i + V::size);
    }
    for (; i + V::size <= n; i += V::size) (V::load(to + i) + V::load(from + i)).store(to + i);
    if (i < n) {
      const int rest = static_cast<int>(n - i);
      (V::load_partial(to + i, rest) + V::load_partial(from + i, rest)).store_partial(to + i, rest);
    }
  }
};
template <class T>
struct AddItem {
  SIMDGRAD_INLINE static void run(char* to, const char* from, int64_t) {
    *reinterpret_cast<T*>(to) += *reinterpret_cast<const T*>(from);
  }
};

// --- all rows -----------------------------------------------------------------------------------
// Rows whose first lines are fetched early: as many as cover the wait for memory.
SIMDGRAD_INLINE int64_t rows_ahead(int64_t row_bytes) { return row_bytes <= 64 ? 24 : 8; }
constexpr int64_t kFetchedBytes = 1024;  // of each; the rest comes in by itself

template <class Row, bool to_table, class Id>
void each_row(const PickedRows& rows, const Id* ids) {
  const int64_t fetched = rows.row_bytes < kFetchedBytes ? rows.row_bytes : kFetchedBytes;
  const int64_t ahead = rows_ahead(rows.row_bytes);
  for (int64_t i = 0; i < rows.n; ++i) {
    if (i + ahead < rows.n) {
      const int64_t id = ids[i + ahead];
      const char* next = rows.table + (id < 0 ? id + rows.limit : id) * rows.table_stride;
      for (int64_t at = 0; at < fetched; at += 64) __builtin_prefetch(next + at);
    }
    const int64_t id = ids[i];
    char* entry = rows.table + (id < 0 ? id + rows.limit : id) * rows.table_stride;
    char* dense = rows.dense + i * rows.dense_stride;
    if constexpr (to_table) {
      Row::run(entry, dense, rows.row_bytes);
    } else {
      Row::run(dense, entry, rows.row_bytes);
    }
  }
}
template <class Row, bool to_table>
void each_row(const PickedRows& rows) {
  if (rows.id_bytes == 4)
    each_row<Row, to_table>(rows, static_cast<const int32_t*>(rows.ids));
  else
    each_row<Row, to_table>(rows, static_cast<const int64_t*>(rows.ids));
}

template <bool to_table>
void copy_rows(const PickedRows& rows) {
  switch (rows.row_bytes) {
    case 1:
      return each_row<CopyItem<1>, to_table>(rows);
    case 2:
      return each_row<CopyItem<2>, to_table>(rows);
    case 4:
      return each_row<CopyItem<4>, to_table>(rows);
    case 8:
      return each_row<CopyItem<8>, to_table>(rows);
    default:
      break;
  }
  if (rows.row_bytes >= kLine)
    each_row<CopyLong, to_table>(rows);
  else
    each_row<CopyShort, to_table>(rows);
}

void gather(const PickedRows& rows) { copy_rows<false>(rows); }
void scatter(const PickedRows& rows) { copy_rows<true>(rows); }

template <class T>
void add(const PickedRows& rows) {
  if (rows.row_bytes == sizeof(T))
    each_row<AddItem<T>, true>(rows);
  else
    each_row<AddRow<T>, true>(rows);
}

}  // namespace

extern const RowKernels row_kernels = {first_bad, gather, scatter, add<float>, add<double>};

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
