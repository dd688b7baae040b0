// Rows of values added to the rows of a table that their ids name: threads, and dtypes that have no
// kernel. Each number of the table is summed by one task in order of appearance, whatever the number
// of threads, so the bits are those of the plain loop.
#pragma once

#include "core/tensor_impl.h"
#include "ops/rows/grouping.h"

namespace simdgrad {

// Strides and offsets in elements; the numbers of one row have no gaps. Row p of the values is at
// offsets[p], or at p * value_stride where there are no offsets.
struct RowSums {
  ScalarType dtype;
  void* table;
  int64_t table_stride;
  const void* values;
  int64_t value_stride;
  const int64_t* offsets;
  int64_t columns;
};

// table row ids[p] += alpha * value row p for p < n; ids in [0, limit). Rows of the id `skip` are
// left out (-1: none); `mean` divides alpha by how often the id occurs.
void add_rows_by_id(const RowSums& rows, const int64_t* ids, int64_t n, int64_t limit,
                    const Scalar& alpha = 1, int64_t skip = -1, bool mean = false);

// table row g += the sum of the value rows of group g.
void sum_groups(const RowSums& rows, const RowGrouping& groups);

// A table of zeros, row-major: tables beyond the caches are cleared past them.
Tensor zero_table(IntArrayRef sizes, ScalarType dtype);

// flags[r] = does value row r hold a number other than 0?
void find_nonzero_rows(const RowSums& rows, int64_t n, bool* flags);

}  // namespace simdgrad
