// The driver of matrix products: which form, which blocks, which threads.
#include "ops/linear_algebra/gemm.h"

#include <algorithm>
#include <utility>

#include <simdgrad/parallel.h>

#include "core/allocator.h"
#include "core/cpu.h"
#include "core/parallel.h"
#include "ops/kernels/gemm/gemm.h"
#include "ops/kernels/table.h"

namespace simdgrad::ops {
namespace {

using kernels::GemmBlock;
using kernels::GemmTable;

template <class T>
const GemmTable<T>& active_table() {
  if constexpr (sizeof(T) == 4) {
    return kernels::table().gemm->f32;
  } else {
    return kernels::table().gemm->f64;
  }
}

// Costs of packing or turning one register's worth of an operand, in multiply-adds of a register.
constexpr std::int64_t kTransposeCost = 6;
constexpr std::int64_t kGatherCost = 24;
constexpr std::int64_t kTurnCost = 8;
// Adding up the lanes of one element.
constexpr std::int64_t kDotCost = 3, kDotCostAcross = 8;

std::int64_t registers(std::int64_t n, int lanes_log2) {
  return (n + (std::int64_t{1} << lanes_log2) - 1) >> lanes_log2;
}

// With lanes along the columns of b.
std::int64_t form_cost(std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t b_row,
                       std::int64_t b_column, int lanes_log2) {
  const std::int64_t packing = b_column == 1 ? 0 : b_row == 1 ? kTransposeCost : kGatherCost;
  return registers(n, lanes_log2) * k * (m + packing);
}

// The transposed product, for lanes along m: better where a has unit stride down its columns, n is
// narrow, or a is the smaller one to pack.
template <class T>
void turn(GemmBlock<T>& block) {
  std::swap(block.m, block.n);
  std::swap(block.a, block.b);
  std::swap(block.a_row, block.b_column);
  std::swap(block.a_column, block.b_row);
  std::swap(block.c_row, block.c_column);
  std::swap(block.addend_row, block.addend_column);
}

// Whether lanes go along k (dot): by shape alone, since it shows in the bits, and alike for m x n and
// n x m, since a gradient is computed as either. The costs are those of operands that lie along k. Those
// of a layer's forward do; there k, its inputs, is mostly longer than the batch. For the weight's
// gradient it is the other way round and operands lie across k, where dot costs up to half as much
// again: it has to be a quarter faster. With one row or column it costs the same however they lie.
template <class T>
bool chooses_dot(std::int64_t m, std::int64_t n, std::int64_t k, const GemmTable<T>& table) {
  if (k < 8 || std::min(m, n) > table.narrow) return false;
  const int lanes_log2 = table.lanes_log2;
  const bool along = k >= std::max(m, n) || m == 1 || n == 1;
  std::int64_t dot = m * n * (registers(k, lanes_log2) + (along ? kDotCost : kDotCostAcross));
  dot += dot / (along ? 16 : 4);
  return dot < form_cost(m, n, k, 1, 0, lanes_log2) &&
         dot < form_cost(n, m, k, 1, 0, lanes_log2) + registers(m, lanes_log2) * n * kTurnCost;
}

// Puts the block into the form that costs least; true: lanes along k.
template <class T>
bool choose_form(GemmBlock<T>& block, const GemmTable<T>& table) {
  const std::int64_t m = block.m, n = block.n, k = block.k;
  const int lanes_log2 = table.lanes_log2;
  if (chooses_dot(m, n, k, table)) {
    if (m > n && !(block.a_column == 1 && block.b_row == 1)) turn(block);
    return true;
  }
  const std::int64_t straight = form_cost(m, n, k, block.b_row, block.b_column, lanes_log2);
  const std::int64_t turned = form_cost(n, m, k, block.a_column, block.a_row, lanes_log2) +
                              registers(m, lanes_log2) * n * kTurnCost;
  if (turned < straight) turn(block);
  return false;
}

// A grid of blocks of C. An element's bits do not depend on its block
// (ops/kernels/gemm/gemm.h), so the grid may depend on the threads: each row of blocks packs its own
// copy of b's columns, and blocks as small as 16 threads want them would cost two threads a quarter of
// their time.
struct Grid {
  std::int64_t row_step, column_step, rows, columns;
};

template <class T>
Grid make_grid(const GemmBlock<T>& block, std::int64_t rows, std::int64_t columns, int lanes_log2) {
  const std::int64_t lanes = std::int64_t{1} << lanes_log2;
  Grid grid;
  grid.row_step = (block.m + rows - 1) / rows;
  if (rows > 1) grid.row_step = (grid.row_step + 7) / 8 * 8;
  grid.row_step = chunk_size(grid.row_step);
  grid.column_step = chunk_size((block.n + columns - 1) / columns);
  if (grid.column_step < block.n) {
    grid.column_step = (grid.column_step + lanes - 1) / lanes * lanes;
  }
  grid.rows = (block.m + grid.row_step - 1) / grid.row_step;
  grid.columns = (block.n + grid.column_step - 1) / grid.column_step;
  return grid;
}

// The grid that is done first by get_num_threads(), each taking the same number of blocks, one or two.
template <class T>
Grid choose_grid(const GemmBlock<T>& block, int lanes_log2) {
  // What each block spends on a register of b, in rows of its own: packing it, or fetching it from
  // rows on pages of their own (128 x 10000 x 16 on two threads: 120 us in two rows of blocks, 89 us
  // in two columns).
  constexpr std::int64_t kNear = 2, kFar = 8, kFarRow = 1024;
  const std::int64_t fetching =
      block.b_column != 1 ? (block.b_row == 1 ? kTransposeCost : kGatherCost)
      : block.b_row >= kFarRow || block.b_row <= -kFarRow ? kFar
                                                          : kNear;
  // And of its rows of a, each of which costs as much as half a register of b's columns (10000 x 128 x
  // 128 on two threads: 1190 us in two columns of blocks, 950 us in two rows).
  constexpr std::int64_t kRowsOfA = 2;
  constexpr double kWork = 1e6;  // multiply-adds of the smallest block, 10 to 20 us
  const double work =
      static_cast<double>(block.m) * static_cast<double>(block.n) * static_cast<double>(block.k);
  const std::int64_t threads = get_num_threads();
  Grid best = make_grid(block, 1, 1, lanes_log2);
  std::int64_t least = 0;
  for (std::int64_t share = 1; share <= 2; ++share) {
    const std::int64_t blocks = share * threads;
    if (share > 1 && work < kWork * static_cast<double>(blocks)) break;
    for (std::int64_t columns = 1; columns <= blocks; ++columns) {
      const Grid grid = make_grid(block, (blocks + columns - 1) / columns, columns, lanes_log2);
      const std::int64_t most = (grid.rows * grid.columns + threads - 1) / threads;
      const std::int64_t cost =
          most * (registers(grid.column_step, lanes_log2) * (grid.row_step + fetching) +
                  grid.row_step / kRowsOfA);
      if (least == 0 || cost < least) least = cost, best = grid;
    }
  }
  return best;
}

constexpr std::size_t kStackBytes = 8192;

template <class T>
[[gnu::noinline]] void run_on_heap(GemmBlock<T>& block, const GemmTable<T>& table,
                                   std::int64_t elements, bool dot) {
  struct Scratch {
    explicit Scratch(std::size_t size) : bytes(size), data(allocate(size)) {}
    ~Scratch() { deallocate(data, bytes); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    std::size_t bytes;
    void* data;
  };
  const std::size_t bytes = static_cast<std::size_t>(elements) * sizeof(T);
  const Scratch scratch((bytes + 63) / 64 * 64);
  block.scratch = static_cast<T*>(scratch.data);
  (dot ? table.dot : table.run)(block);
}

template <class T>
GemmBlock<T> part(const GemmBlock<T>& whole, const Grid& grid, std::int64_t index) {
  const std::int64_t i = index / grid.columns * grid.row_step;
  const std::int64_t j = index % grid.columns * grid.column_step;
  GemmBlock<T> block = whole;
  block.m = std::min(grid.row_step, whole.m - i);
  block.n = std::min(grid.column_step, whole.n - j);
  block.a += i * whole.a_row;
  block.b += j * whole.b_column;
  block.c += i * whole.c_row + j * whole.c_column;
  if (block.addend) block.addend += i * whole.addend_row + j * whole.addend_column;
  return block;
}

// k = 0: only the epilogue is left.
template <class T>
void fill(const GemmBlock<T>& block) {
  for (std::int64_t i = 0; i < block.m; ++i) {
    for (std::int64_t j = 0; j < block.n; ++j) {
      T value = 0;
      if (block.addend) {
        value = block.addend[i * block.addend_row + j * block.addend_column];
        if (block.beta != T(1)) value *= block.beta;
      }
      block.c[i * block.c_row + j * block.c_column] = value;
    }
  }
}

template <class T>
GemmBlock<T> make_block(std::int64_t m, std::int64_t n, std::int64_t k, const Matrix& a,
                        const Matrix& b, T* c, std::int64_t ldc, const Epilogue& epilogue) {
  GemmBlock<T> block;
  block.m = m, block.n = n, block.k = k;
  block.a = static_cast<const T*>(a.data);
  block.b = static_cast<const T*>(b.data);
  // A stride along a dimension of one element means nothing; 1 opens the fast paths.
  block.a_row = m == 1 ? 1 : a.row_stride;
  block.a_column = k == 1 ? 1 : a.column_stride;
  block.b_row = k == 1 ? 1 : b.row_stride;
  block.b_column = n == 1 ? 1 : b.column_stride;
  block.c = c;
  block.c_row = ldc;
  block.c_column = 1;
  block.alpha = static_cast<T>(epilogue.alpha);
  block.beta = static_cast<T>(epilogue.beta);
  if (epilogue.beta != 0) {
    block.addend = static_cast<const T*>(epilogue.addend);
    block.addend_row = epilogue.addend_row_stride;
    block.addend_column = epilogue.addend_column_stride;
  }
  return block;
}

// What one operand or result may take of the second-level cache and still be expected there.
std::int64_t near_bytes() { return second_level_cache_bytes() / 8 * 3; }

// Whether the form without preparations will do for what is not summed along k (dot): nothing to pack,
// turn, cut up or add. It is for small products, and for short sums whose result is long: that is written
// row by row, as the hardware likes it (the weight's gradient of 10000 inputs and 128 outputs over 16
// samples: 325 us become 265).
template <class T>
[[gnu::always_inline]] inline bool fits_bare(std::int64_t m, std::int64_t n, std::int64_t k,
                                             std::int64_t b_column, const GemmTable<T>& table) {
  constexpr std::int64_t bytes = sizeof(T);
  const std::int64_t lanes = std::int64_t{1} << table.lanes_log2;
  if (b_column != 1 || n < lanes || k > kernels::kGemmDepth<T> || table.bare_columns == 0 ||
      n % table.bare_columns != 0)
    return false;
  if (m <= 64 && k * n * bytes <= kernels::kBareBytes) return true;
  return k < 32 && n >= 32 * lanes && k * n * bytes <= near_bytes() &&
         m * n * bytes > near_bytes();
}

template <class T>
void run_block(GemmBlock<T>& block, const GemmTable<T>& table, bool dot) {
  block.near_bytes = near_bytes();
  const std::int64_t elements = (dot ? table.prepare_dot : table.prepare)(block);
  if (static_cast<std::size_t>(elements) * sizeof(T) <= kStackBytes) {
    alignas(64) T scratch[kStackBytes / sizeof(T)];
    block.scratch = scratch;
    (dot ? table.dot : table.run)(block);
  } else {
    run_on_heap(block, table, elements, dot);
  }
}

// What a multiply-add costs on one core, in nanoseconds, for the decision to run in parallel.
template <class T>
constexpr double kNanoseconds = sizeof(T) == 4 ? 0.02 : 0.04;

}  // namespace

template <class T>
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, Matrix a, Matrix b, T* c,
          std::int64_t ldc, const Epilogue& epilogue) {
  if (m <= 0 || n <= 0) return;
  const GemmTable<T>& table = active_table<T>();
  const double nanoseconds =
      kNanoseconds<T> * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  const bool on_this_thread =
      nanoseconds < detail::inline_threshold.load(std::memory_order_relaxed) ||
      get_num_threads() == 1;
  if (on_this_thread && k > 0 && epilogue.alpha == 1 && epilogue.beta == 0 &&
      fits_bare(m, n, k, b.column_stride, table) && !chooses_dot(m, n, k, table)) {
    table.bare({m, n, k, static_cast<const T*>(a.data), m == 1 ? 1 : a.row_stride, a.column_stride,
                static_cast<const T*>(b.data), b.row_stride, c, ldc});
    return;
  }
  GemmBlock<T> block = make_block(m, n, k, a, b, c, ldc, epilogue);
  if (k <= 0) {
    fill(block);
    return;
  }
  const bool dot = choose_form(block, table);
  if (on_this_thread) {
    run_block(block, table, dot);
    return;
  }
  const Grid grid = choose_grid(block, table.lanes_log2);
  parallel_chunks(grid.rows * grid.columns, nanoseconds, [&](std::int64_t index) {
    GemmBlock<T> piece = part(block, grid, index);
    const bool is_plain = piece.c_column == 1 && piece.alpha == T(1) && piece.addend == nullptr;
    // dot was chosen for the whole: a piece has its bits.
    if (!dot && is_plain && fits_bare(piece.m, piece.n, piece.k, piece.b_column, table)) {
      table.bare({piece.m, piece.n, piece.k, piece.a, piece.a_row, piece.a_column, piece.b,
                  piece.b_row, piece.c, piece.c_row});
    } else {
      run_block(piece, table, dot);
    }
  });
}

template <class T>
void gemm_batched(std::int64_t batch, std::int64_t m, std::int64_t n, std::int64_t k, Matrix a,
                  std::int64_t a_batch_stride, Matrix b, std::int64_t b_batch_stride, T* c,
                  const Epilogue& epilogue, std::int64_t addend_batch_stride) {
  const auto product = [&](std::int64_t i) {
    const Matrix ai{static_cast<const T*>(a.data) + i * a_batch_stride, a.row_stride,
                    a.column_stride};
    const Matrix bi{static_cast<const T*>(b.data) + i * b_batch_stride, b.row_stride,
                    b.column_stride};
    Epilogue ei = epilogue;
    if (ei.addend) ei.addend = static_cast<const T*>(ei.addend) + i * addend_batch_stride;
    gemm(m, n, k, ai, bi, c + i * m * n, n, ei);
  };
  if (batch <= 0 || m <= 0 || n <= 0) return;
  const double nanoseconds = kNanoseconds<T> * static_cast<double>(m) * static_cast<double>(n) *
                             static_cast<double>(std::max<std::int64_t>(k, 1));
  // Large products are split themselves.
  if (nanoseconds >= 200000) {
    for (std::int64_t i = 0; i < batch; ++i) product(i);
    return;
  }
  const std::int64_t chunk = static_cast<std::int64_t>(20000 / (nanoseconds + 20)) + 1;
  parallel_range(batch, chunk, nanoseconds + 20, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) product(i);
  });
}

template void gemm<float>(std::int64_t, std::int64_t, std::int64_t, Matrix, Matrix, float*,
                          std::int64_t, const Epilogue&);
template void gemm<double>(std::int64_t, std::int64_t, std::int64_t, Matrix, Matrix, double*,
                           std::int64_t, const Epilogue&);
template void gemm_batched<float>(std::int64_t, std::int64_t, std::int64_t, std::int64_t, Matrix,
                                  std::int64_t, Matrix, std::int64_t, float*, const Epilogue&,
                                  std::int64_t);
template void gemm_batched<double>(std::int64_t, std::int64_t, std::int64_t, std::int64_t, Matrix,
                                   std::int64_t, Matrix, std::int64_t, double*, const Epilogue&,
                                   std::int64_t);

}  // namespace simdgrad::ops
