// Row moves cut into tasks for the kernels of ops/kernels/rows.h; integers by plain loops.
#include "ops/indexing/rows.h"

#include <algorithm>

#include "core/dtypes.h"
#include "core/parallel.h"
#include "ops/kernels/rows.h"
#include "ops/kernels/table.h"
#include "ops/rows/sums.h"
#include "ops/loops/strided_plan.h"

namespace simdgrad {
namespace {

constexpr int64_t kChunkBytes = 64 << 10;  // that one task moves
constexpr int64_t kColumnBytes = 256;      // of a row, where several tasks share the rows

// The loops around the rows: the written side is `to` in the plan.
struct RowPlan {
  StridedPlan loops;
  int inner = 0;  // 1: the last loop is a row without gaps on both sides; 0: rows are one element
  int64_t outer = 1;
  kernels::PickedRows rows;

  RowPlan(const RowMove& move, bool to_table) {
    const int64_t item = element_size(move.dtype);
    const IntArrayRef to = to_table ? move.table_strides : move.dense_strides;
    const IntArrayRef from = to_table ? move.dense_strides : move.table_strides;
    make_plan(loops, move.sizes, to, item, from, item);
    const int last = loops.ndim - 1;
    inner = loops.to[last] == item && loops.from[last] == item ? 1 : 0;
    outer = loops.outer_count(inner);
    rows.dense = static_cast<char*>(move.dense);
    rows.dense_stride = move.dense_stride * item;
    rows.table = static_cast<char*>(move.table);
    rows.table_stride = move.table_stride * item;
    rows.row_bytes = inner ? loops.sizes[last] * item : item;
    rows.ids = move.ids;
    rows.id_bytes = move.id_type == kInt ? 4 : 8;
    rows.n = move.n;
    rows.limit = move.limit;
  }
};

bool is_empty(const RowMove& move) {
  if (move.n == 0) return true;
  for (int64_t size : move.sizes)
    if (size == 0) return true;
  return false;
}

// Ids are in order for every element of the table: tasks share out the other loops and, where rows
// are long, their columns.
template <class Write>
void write_rows(const RowMove& move, Write write) {
  if (is_empty(move)) return;
  const RowPlan plan(move, true);
  const int64_t bytes = plan.rows.row_bytes;
  const int64_t column = plan.rows.n * bytes < 4 * kChunkBytes ? bytes : kColumnBytes;
  const int64_t columns = (bytes - 1) / column + 1;
  const double cost = static_cast<double>(plan.rows.n) * (4 + static_cast<double>(column) * 0.1);
  const int64_t per_task = std::max<int64_t>(1, kChunkBytes / (plan.rows.n * column));
  parallel_range(plan.outer * columns, per_task, cost, [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t start = unit % columns * column;
      const int64_t at = unit / columns;
      for_outer(plan.loops, plan.inner, at, at + 1, [&](int64_t table, int64_t dense) {
        kernels::PickedRows rows = plan.rows;
        rows.table += table + start;
        rows.dense += dense + start;
        rows.row_bytes = std::min(column, bytes - start);
        write(rows);
      });
    }
  });
}

template <class T, class Id>
void add_whole_numbers(const kernels::PickedRows& rows, const Id* ids) {
  for (int64_t i = 0; i < rows.n; ++i) {
    const int64_t id = ids[i] < 0 ? ids[i] + rows.limit : ids[i];
    T* to = reinterpret_cast<T*>(rows.table + id * rows.table_stride);
    const T* from = reinterpret_cast<const T*>(rows.dense + i * rows.dense_stride);
    for (int64_t k = 0; k < rows.row_bytes / static_cast<int64_t>(sizeof(T)); ++k)
      to[k] =
          static_cast<T>(static_cast<uint64_t>(to[k]) + static_cast<uint64_t>(from[k]));  // wraps
  }
}
template <class T>
void add_whole_numbers(const RowMove& move) {
  write_rows(move, [](const kernels::PickedRows& rows) {
    if (rows.id_bytes == 4)
      add_whole_numbers<T>(rows, static_cast<const int32_t*>(rows.ids));
    else
      add_whole_numbers<T>(rows, static_cast<const int64_t*>(rows.ids));
  });
}

}  // namespace

int64_t first_bad_id(const Tensor& ids, int64_t lowest, int64_t limit) {
  const TensorImpl& list = impl(ids);
  return kernels::table().rows->first_bad(list.data, list.dtype == kInt ? 4 : 8, list.numel, lowest,
                                          limit);
}

void take_rows(const RowMove& move) {
  if (is_empty(move)) return;
  const RowPlan plan(move, false);
  const int64_t bytes = plan.rows.row_bytes;
  // Blocks of ids, and within one all outer loops: what they write stays in the cache.
  const int64_t block =
      std::max<int64_t>(16, kChunkBytes / (plan.inner ? bytes : bytes * plan.outer));
  const int64_t blocks = (move.n - 1) / block + 1;
  const int64_t length = std::min(block, move.n);
  const double cost = static_cast<double>(length) * (2 + static_cast<double>(bytes) * 0.1);
  const int64_t per_task = std::max<int64_t>(1, kChunkBytes / (length * bytes));
  const auto gather = kernels::table().rows->gather;
  parallel_range(blocks * plan.outer, per_task, cost, [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t start = begin / plan.outer * block;
      const int64_t first = begin % plan.outer;
      const int64_t last = std::min(plan.outer, first + end - begin);
      for_outer(plan.loops, plan.inner, first, last, [&](int64_t dense, int64_t table) {
        kernels::PickedRows rows = plan.rows;
        rows.dense += dense + start * rows.dense_stride;
        rows.table += table;
        rows.ids = static_cast<const char*>(rows.ids) + start * rows.id_bytes;
        rows.n = std::min(block, move.n - start);
        gather(rows);
      });
      begin += last - first;
    }
  });
}

void put_rows(const RowMove& move) { write_rows(move, kernels::table().rows->scatter); }

namespace {

// The ids as int64 in [0, limit): themselves, or in `room`.
const int64_t* plain_ids(const RowMove& move, Tensor& room) {
  const int64_t* wide = static_cast<const int64_t*>(move.ids);
  if (move.id_type == kLong &&
      kernels::table().rows->first_bad(move.ids, 8, move.n, 0, move.limit) < 0)
    return wide;
  const int32_t* narrow = static_cast<const int32_t*>(move.ids);
  room = make_tensor({move.n}, kLong);
  int64_t* ids = static_cast<int64_t*>(impl(room).data);
  for (int64_t i = 0; i < move.n; ++i) {
    const int64_t id = move.id_type == kInt ? narrow[i] : wide[i];
    ids[i] = id < 0 ? id + move.limit : id;
  }
  return ids;
}

// Many rows without gaps are shared out among threads by id; the bits are the same.
bool add_whole_rows(const RowMove& move) {
  if (is_empty(move)) return true;
  const RowPlan plan(move, true);
  if (!plan.inner || plan.outer != 1 || plan.rows.n * plan.rows.row_bytes < 4 * kChunkBytes)
    return false;
  Tensor room;
  const int64_t* ids = plain_ids(move, room);
  add_rows_by_id({move.dtype, move.table, move.table_stride, move.dense, move.dense_stride, nullptr,
                  plan.rows.row_bytes / element_size(move.dtype)},
                 ids, move.n, move.limit);
  return true;
}

}  // namespace

void add_rows(const RowMove& move) {
  if (is_floating_point(move.dtype)) {
    const kernels::RowKernels& rows = *kernels::table().rows;
    if (!add_whole_rows(move)) write_rows(move, move.dtype == kFloat ? rows.add_f32 : rows.add_f64);
    return;
  }
  for_integer_type(move.dtype, [&]<class T>(T) { add_whole_numbers<T>(move); });
}

}  // namespace simdgrad
