// Sums of rows by id, dealt out so that each number has one writer; integers by plain loops.
#include "ops/rows/sums.h"

#include <simdgrad/parallel.h>

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include "core/dtypes.h"
#include "core/parallel.h"
#include "core/small_vector.h"
#include "ops/kernels/scatter_rows.h"
#include "ops/kernels/table.h"

namespace simdgrad {
namespace {

constexpr int64_t kParts = 64;        // that the rows of a table are dealt out to
constexpr int64_t kFrequent = 4;      // parts' worth of rows from which a part is shared out
constexpr int64_t kColumnBytes = 128;  // of its rows, one task each
constexpr int64_t kWideBytes = 256;    // of each row, that one thread may take of all rows
constexpr int64_t kFewThreads = 4;     // so many each look through all ids for theirs
constexpr int64_t kTaskBytes = 64 << 10;  // that one task looks through

double row_cost(int64_t bytes) { return 5 + static_cast<double>(bytes) * 0.04; }

// n numbers for the length of a call.
template <class T>
class Scratch {
 public:
  explicit Scratch(int64_t n)
      : bytes_(static_cast<size_t>(n) * sizeof(T)),
        data_(n ? static_cast<T*>(allocate(bytes_)) : nullptr) {}
  ~Scratch() {
    if (data_) deallocate(data_, bytes_);
  }
  Scratch(const Scratch&) = delete;
  T* get() const { return data_; }
  T& operator[](int64_t i) const { return data_[i]; }

 private:
  size_t bytes_;
  T* data_;
};

const kernels::ScatterForms& forms(ScalarType dtype) {
  const kernels::ScatterKernels& all = *kernels::table().scatter;
  return dtype == ScalarType::Float ? all.f32 : all.f64;
}

// --- threads ------------------------------------------------------------------------------------
// Rows shorter than two cache lines are dealt out in blocks of 2^shift, so that few lines have two
// writers.
int block_shift(int64_t row_bytes) {
  int shift = 0;
  while (row_bytes << shift < 128) ++shift;
  return shift;
}

// Have all shares about the same number of ids, judging by a sample?
bool are_even(const kernels::RowShares& rows, const int64_t* ids, int64_t n) {
  constexpr int64_t kSample = 64;
  int64_t counts[kFewThreads] = {};
  for (int64_t i = 0; i < kSample; ++i) ++counts[rows.owner_of(ids[i * (n - 1) / kSample])];
  return *std::max_element(counts, counts + rows.shares) * rows.shares < kSample * 3 / 2;
}

// Positions by the part that their row belongs to, each part's in order. Rows are dealt out in turn,
// since frequent ids tend to stand together.
class Parts {
 public:
  Parts(const int64_t* ids, int64_t n, int64_t row_bytes) : positions_(n) {
    const int shift = block_shift(row_bytes);
    const auto part_of = [shift](int64_t id) { return id >> shift & (kParts - 1); };
    int64_t next[kParts] = {};
    for (int64_t p = 0; p < n; ++p) ++next[part_of(ids[p])];
    int64_t sum = 0;
    for (int64_t part = 0; part < kParts; ++part) {
      starts_[part] = sum;
      sum += std::exchange(next[part], sum);
    }
    starts_[kParts] = sum;
    for (int64_t p = 0; p < n; ++p) positions_[next[part_of(ids[p])]++] = p;
  }
  const int64_t* positions(int64_t part) const { return positions_.get() + starts_[part]; }
  int64_t count(int64_t part) const { return starts_[part + 1] - starts_[part]; }

 private:
  Scratch<int64_t> positions_;
  int64_t starts_[kParts + 1];
};

struct Task {
  int64_t part, column, width;  // width in numbers
};

// A part that a frequent id makes large is shared out by columns, which leaves the order of additions
// as it is.
void list_tasks(const Parts& parts, int64_t n, int64_t columns, int64_t item,
                SmallVector<Task, 2 * kParts>& tasks) {
  const int64_t width = kColumnBytes / item;
  for (int64_t part = 0; part < kParts; ++part) {
    if (parts.count(part) == 0) continue;
    if (parts.count(part) * kParts < kFrequent * n || columns <= width) {
      tasks.push_back({part, 0, columns});
      continue;
    }
    for (int64_t at = 0; at < columns; at += width)
      tasks.push_back({part, at, std::min(width, columns - at)});
  }
}

// `width` columns of the rows from column `at` on.
kernels::ScatterRows columns_of(kernels::ScatterRows rows, int64_t at, int64_t width, int64_t item) {
  rows.table += at * item;
  rows.values += at * item;
  rows.columns = std::min(width, rows.columns - at);
  return rows;
}

// On one thread values are best read as they lie. The bits are the same in parts.
void add_floats(const kernels::ScatterRows& rows, ScalarType dtype) {
  const int64_t item = element_size(dtype), row_bytes = rows.columns * item;
  const double cost = static_cast<double>(rows.n) * row_cost(row_bytes);
  const auto add = forms(dtype).add;
  if (get_num_threads() == 1 ||
      cost < 2 * detail::inline_threshold.load(std::memory_order_relaxed))
    return add(rows);
  // Each of few threads makes its own list (two threads, 4096 rows of 512 bytes: 25 us; 33 where one
  // makes the lists of all parts).
  const int64_t threads = get_num_threads();
  const kernels::RowShares shares{static_cast<uint32_t>(threads), block_shift(row_bytes)};
  if (threads <= kFewThreads && are_even(shares, rows.ids, rows.n)) {
    const int64_t room = rows.n + 8;
    const Scratch<int64_t> positions(threads * room);  // before anything is written
    parallel_chunks(threads, cost, [&](int64_t share) {
      int64_t* const mine = positions.get() + share * room;
      kernels::ScatterRows some = rows;
      some.positions = mine;
      some.n =
          kernels::table().scatter->list(shares, static_cast<uint32_t>(share), rows.ids, rows.n, mine);
      add(some);
    });
    return;
  }
  // Rows so wide go by columns, and need no list.
  if (row_bytes >= threads * kWideBytes) {
    const int64_t width = (row_bytes / threads + 63) / 64 * 64 / item;
    parallel_chunks((rows.columns + width - 1) / width, cost, [&](int64_t share) {
      add(columns_of(rows, share * width, width, item));
    });
    return;
  }
  const Parts parts(rows.ids, rows.n, row_bytes);
  SmallVector<Task, 2 * kParts> tasks;
  list_tasks(parts, rows.n, rows.columns, item, tasks);
  parallel_chunks(static_cast<int64_t>(tasks.size()), cost, [&](int64_t index) {
    const Task& task = tasks[static_cast<size_t>(index)];
    kernels::ScatterRows some = columns_of(rows, task.column, task.width, item);
    some.positions = parts.positions(task.part);
    some.n = parts.count(task.part);
    add(some);
  });
}

void add_floats(const RowSums& rows, const int64_t* ids, int64_t n, double alpha, int64_t skip,
                const double* factors) {
  const int64_t item = element_size(rows.dtype);
  const Scratch<int64_t> offsets(rows.offsets ? n : 0);
  if (rows.offsets)
    for (int64_t p = 0; p < n; ++p) offsets[p] = rows.offsets[p] * item;
  add_floats({static_cast<char*>(rows.table), rows.table_stride * item,
              static_cast<const char*>(rows.values), rows.value_stride * item, offsets.get(),
              rows.columns, ids, skip, factors, alpha, nullptr, n},
             rows.dtype);
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
  if (!mean) return add_floats(rows, ids, n, alpha.to_double(), skip, nullptr);
  const RowGrouping groups(ids, n, limit);
  const Scratch<double> factors(n);
  for (int64_t g = 0; g < groups.groups(); ++g) {
    const int64_t begin = groups.starts()[g], end = groups.starts()[g + 1];
    for (int64_t k = begin; k < end; ++k)
      factors[groups.order()[k]] = alpha.to_double() / static_cast<double>(end - begin);
  }
  add_floats(rows, ids, n, 1, skip, factors.get());
}

void sum_groups(const RowSums& rows, const RowGrouping& groups) {
  const int64_t n = groups.size();
  const Scratch<int64_t> places(n);
  for (int64_t g = 0; g < groups.groups(); ++g)
    for (int64_t k = groups.starts()[g]; k < groups.starts()[g + 1]; ++k)
      places[groups.order()[k]] = g;
  add_rows_by_id(rows, places.get(), n, groups.groups());
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
  const int64_t bytes = rows.columns * element_size(rows.dtype);
  const int64_t stride = rows.value_stride * element_size(rows.dtype);
  parallel_range(n, std::max<int64_t>(1, kTaskBytes / std::max<int64_t>(1, bytes)), row_cost(bytes),
                 [&](int64_t begin, int64_t end) {
                   forms(rows.dtype).nonzero(rows.values, stride, rows.columns, begin, end, flags);
                 });
}

}  // namespace simdgrad
