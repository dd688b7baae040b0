// Sums of rows by id: the dense gradient of an embedding, merging the entries of a sparse tensor,
// adding a sparse tensor to a dense one.
#pragma once

#include <cstdint>

#include "ops/kernels/isa.h"

namespace simdgrad::kernels {

// Rows of `columns` numbers without gaps. Row p of the values lies at values + offsets[p], or at
// values + p * value_stride where there are no offsets; strides and offsets in bytes.
struct ScatterRows {
  char* table;
  int64_t table_stride;
  const char* values;
  int64_t value_stride;
  const int64_t* offsets;
  int64_t columns;
  double alpha;
};

// The positions of group g are order[starts[g]] ... order[starts[g + 1] - 1].
struct ScatterGroups {
  const int64_t* rows;  // of the table, by group; null: row g
  const int64_t* starts;
  const int64_t* order;
  int64_t begin, end;  // the groups to do
  int64_t skip;        // the table row that is left as it is; negative: none
  bool overwrite;      // the sum replaces what is in the table
  bool mean;           // alpha is divided by the number of positions
};

// One per type. Additions to one number always happen in rising order of positions, each one
// fma(alpha, value, sum): both forms give the same bits.
struct ScatterForms {
  // table row ids[p] += alpha * value row p for p = 0 ... n - 1, but for ids equal to skip.
  void (*add)(const ScatterRows& rows, const int64_t* ids, int64_t n, int64_t skip);
  // The same for positions that are grouped by row.
  void (*sum)(const ScatterRows& rows, const ScatterGroups& groups);
  // flags[r] = does row r of the values hold a number other than 0?
  void (*nonzero)(const ScatterRows& rows, int64_t begin, int64_t end, bool* flags);
};

struct ScatterKernels {
  ScatterForms f32, f64;
  // Zeros past the caches, for tables that do not fit in them: 85 GB/s where memset in pieces gets 32.
  // `to` is a multiple of 64.
  void (*clear)(char* to, int64_t bytes);
};

}  // namespace simdgrad::kernels

SIMDGRAD_DECLARE_KERNELS(ScatterKernels, scatter_kernels)
