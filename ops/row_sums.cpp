#include "ops/row_sums.h"

#include <simdgrad/parallel.h>

#include <algorithm>
#include <cstring>

#include "core/dtypes.h"
#include "core/parallel.h"
#include "core/small_vector.h"
#include "ops/kernels/scatter_rows.h"
#include "ops/kernels/table.h"

namespace simdgrad {
namespace {

constexpr int64_t kTaskBytes = 64 << 10;  // of values that one task adds up
constexpr int64_t kColumnBytes = 128;     // of a row, where several tasks share a frequent id
constexpr int64_t kFrequent = 4;          // tasks' worth of rows from which an id is shared

double row_cost(int64_t bytes) { return 5 + static_cast<double>(bytes) * 0.04; }

double total_cost(const RowSums& rows, int64_t n) {
  return static_cast<double>(n) * row_cost(rows.columns * element_size(rows.dtype));
}

// On one thread values are best read as they lie; by groups they are read here and there, which pays
// where others share the work. The bits are the same.
bool runs_alone(double cost) {
  return get_num_threads() == 1 ||
         cost < 2 * detail::inline_threshold.load(std::memory_order_relaxed);
}

kernels::ScatterRows kernel_rows(const RowSums& rows, const int64_t* byte_offsets, double alpha) {
  const int64_t item = element_size(rows.dtype);
  return {static_cast<char*>(rows.table),
          rows.table_stride * item,
          static_cast<const char*>(rows.values),
          rows.value_stride * item,
          byte_offsets,
          rows.columns,
          alpha};
}

const kernels::ScatterForms& forms(ScalarType dtype) {
  const kernels::ScatterKernels& all = *kernels::table().scatter;
  return dtype == ScalarType::Float ? all.f32 : all.f64;
}

// Offsets in bytes, in memory of their own.
class ByteOffsets {
 public:
  ByteOffsets(const RowSums& rows, int64_t n)
      : n_(rows.offsets ? n : 0),
        bytes_(n_ ? static_cast<int64_t*>(allocate(static_cast<size_t>(n_) * 8)) : nullptr) {
    const int64_t item = element_size(rows.dtype);
    for (int64_t i = 0; i < n_; ++i) bytes_[i] = rows.offsets[i] * item;
  }
  ~ByteOffsets() { deallocate(bytes_, static_cast<size_t>(n_) * 8); }
  ByteOffsets(const ByteOffsets&) = delete;
  const int64_t* get() const { return bytes_; }

 private:
  int64_t n_;
  int64_t* bytes_;
};

// --- groups to tasks ----------------------------------------------------------------------------
struct Task {
  int64_t begin, end;     // groups
  int64_t column, width;  // of the rows
};

// Tasks of about kTaskBytes; an id that fills several of them is shared out by columns, which leaves
// the order of additions as it is. A function of the ids and shapes.
class Tasks {
 public:
  Tasks(const RowGrouping& groups, int64_t columns, int64_t item) : columns_(columns) {
    const int64_t per_task =
        chunk_size(std::max<int64_t>(1, kTaskBytes / std::max<int64_t>(1, columns * item)));
    const int64_t* starts = groups.starts();
    int64_t first = 0;
    for (int64_t g = 0; g < groups.groups(); ++g) {
      const int64_t width = kColumnBytes / item;
      if (starts[g + 1] - starts[g] >= kFrequent * per_task && columns > width) {
        if (first < g) push(first, g);
        for (int64_t at = 0; at < columns; at += width)
          list_.push_back({g, g + 1, at, std::min(width, columns - at)});
        first = g + 1;
      } else if (starts[g + 1] - starts[first] >= per_task) {
        push(first, g + 1);
        first = g + 1;
      }
    }
    if (first < groups.groups()) push(first, groups.groups());
  }
  int64_t count() const { return static_cast<int64_t>(list_.size()); }
  const Task& operator[](int64_t i) const { return list_[static_cast<size_t>(i)]; }

 private:
  void push(int64_t begin, int64_t end) { list_.push_back({begin, end, 0, columns_}); }

  int64_t columns_;
  SmallVector<Task, 32> list_;
};

void run_groups(const RowSums& rows, const RowGrouping& groups, const kernels::ScatterRows& whole,
                const kernels::ScatterGroups& what) {
  const int64_t item = element_size(rows.dtype);
  const Tasks tasks(groups, rows.columns, item);
  const auto sum = forms(rows.dtype).sum;
  parallel_chunks(tasks.count(), total_cost(rows, groups.size()), [&](int64_t index) {
    const Task& task = tasks[index];
    kernels::ScatterRows part = whole;
    part.table += task.column * item;
    part.values += task.column * item;
    part.columns = task.width;
    kernels::ScatterGroups range = what;
    range.begin = task.begin;
    range.end = task.end;
    sum(part, range);
  });
}

// --- integers -----------------------------------------------------------------------------------
template <class T>
const T* value_row(const RowSums& rows, int64_t p) {
  return static_cast<const T*>(rows.values) + (rows.offsets ? rows.offsets[p] : p * rows.value_stride);
}
template <class T>
void add_integers(T* to, const T* from, int64_t n, int64_t alpha) {
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (std::is_same_v<T, bool>)
      to[i] = to[i] || (from[i] && alpha != 0);
    else  // wraps
      to[i] = static_cast<T>(static_cast<uint64_t>(to[i]) +
                             static_cast<uint64_t>(alpha) * static_cast<uint64_t>(from[i]));
  }
}

}  // namespace

void add_rows_by_id(const RowSums& rows, const int64_t* ids, int64_t n, int64_t limit,
                    const Scalar& alpha, int64_t skip, bool mean) {
  if (n == 0 || rows.columns == 0) return;
  if (!is_floating_point(rows.dtype)) {
    for_integer_type(rows.dtype, [&]<class T>(T) {
      T* table = static_cast<T*>(rows.table);
      for (int64_t p = 0; p < n; ++p)
        if (ids[p] != skip)
          add_integers(table + ids[p] * rows.table_stride, value_row<T>(rows, p), rows.columns,
                       alpha.to_long());
    });
    return;
  }
  const ByteOffsets offsets(rows, n);
  const kernels::ScatterRows whole = kernel_rows(rows, offsets.get(), alpha.to_double());
  const double cost = total_cost(rows, n);
  if (!mean && runs_alone(cost)) {
    forms(rows.dtype).add(whole, ids, n, skip);
    return;
  }
  const RowGrouping groups(ids, n, limit);
  run_groups(rows, groups, whole,
             {groups.ids(), groups.starts(), groups.order(), 0, 0, skip, false, mean});
}

namespace {

// Row after row of the values, each to the row of its group.
void sum_in_order(const RowSums& rows, const RowGrouping& groups,
                  const kernels::ScatterRows& whole) {
  const size_t row_bytes = static_cast<size_t>(rows.columns * element_size(rows.dtype));
  for (int64_t g = 0; g < groups.groups(); ++g)
    std::memset(whole.table + g * whole.table_stride, 0, row_bytes);
  const size_t bytes = static_cast<size_t>(groups.size()) * sizeof(int64_t);
  int64_t* places = static_cast<int64_t*>(allocate(bytes));
  for (int64_t g = 0; g < groups.groups(); ++g)
    for (int64_t k = groups.starts()[g]; k < groups.starts()[g + 1]; ++k)
      places[groups.order()[k]] = g;
  forms(rows.dtype).add(whole, places, groups.size(), -1);
  deallocate(places, bytes);
}

}  // namespace

void sum_groups(const RowSums& rows, const RowGrouping& groups) {
  if (groups.size() == 0 || rows.columns == 0) return;
  if (!is_floating_point(rows.dtype)) {
    for_integer_type(rows.dtype, [&]<class T>(T) {
      T* to = static_cast<T*>(rows.table);
      for (int64_t g = 0; g < groups.groups(); ++g, to += rows.table_stride) {
        std::fill_n(to, rows.columns, T{});
        for (int64_t k = groups.starts()[g]; k < groups.starts()[g + 1]; ++k)
          add_integers(to, value_row<T>(rows, groups.order()[k]), rows.columns, 1);
      }
    });
    return;
  }
  const ByteOffsets offsets(rows, groups.size());
  const kernels::ScatterRows whole = kernel_rows(rows, offsets.get(), 1);
  if (runs_alone(total_cost(rows, groups.size()))) return sum_in_order(rows, groups, whole);
  run_groups(rows, groups, whole,
             {nullptr, groups.starts(), groups.order(), 0, 0, -1, true, false});
}

Tensor zero_table(IntArrayRef sizes, ScalarType dtype) {
  constexpr int64_t kBeyondCaches = 24 << 20;
  Tensor table = make_tensor(sizes, dtype);
  char* to = static_cast<char*>(impl(table).data);
  const int64_t bytes = table.nbytes();
  const bool streamed = bytes >= kBeyondCaches;
  constexpr int64_t kLine = 64;
  const int64_t lines = (bytes + kLine - 1) / kLine;
  parallel_range(lines, streamed ? 1 << 14 : 1 << 12, 2, [&](int64_t begin, int64_t end) {
    const int64_t start = begin * kLine, count = std::min(end * kLine, bytes) - start;
    if (streamed)
      kernels::table().scatter->clear(to + start, count);
    else
      std::memset(to + start, 0, static_cast<size_t>(count));
  });
  return table;
}

void find_nonzero_rows(const RowSums& rows, int64_t n, bool* flags) {
  if (!is_floating_point(rows.dtype)) {
    for_integer_type(rows.dtype, [&]<class T>(T) {
      for (int64_t r = 0; r < n; ++r) {
        const T* row = value_row<T>(rows, r);
        flags[r] = std::any_of(row, row + rows.columns, [](T value) { return value != T(0); });
      }
    });
    return;
  }
  const kernels::ScatterRows whole = kernel_rows(rows, nullptr, 1);
  const int64_t bytes = rows.columns * element_size(rows.dtype);
  parallel_range(n, std::max<int64_t>(1, kTaskBytes / std::max<int64_t>(1, bytes)), row_cost(bytes),
                 [&](int64_t begin, int64_t end) {
                   forms(rows.dtype).nonzero(whole, begin, end, flags);
                 });
}

}  // namespace simdgrad
