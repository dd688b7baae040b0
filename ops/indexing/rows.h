// Moving rows between a table and a dense block by ids: what index, index_put_, index_select,
// index_add_ and their gradients come down to.
#pragma once

#include "core/tensor_impl.h"

namespace simdgrad {

// Entry ids[i] of one dimension of the table meets entry i of one dimension of the block; `sizes` are
// those of all other dimensions, the same on both sides and in the same order. Strides in elements.
struct RowMove {
  ScalarType dtype;
  IntArrayRef sizes;
  void* dense;
  int64_t dense_stride;  // from entry i to entry i + 1
  IntArrayRef dense_strides;
  void* table;
  int64_t table_stride;
  IntArrayRef table_strides;
  const void* ids;
  ScalarType id_type;  // kInt or kLong
  int64_t n;
  int64_t limit;  // entries of the table; ids are in [-limit, limit), negative ones from the end
};

// The position of the first id outside [lowest, limit), or -1. ids is contiguous.
int64_t first_bad_id(const Tensor& ids, int64_t lowest, int64_t limit);

// Ids are not checked here. Each is a fixed sequence of reads and writes per element, whatever the
// number of threads: of equal ids the last one wins in put_rows, and add_rows sums in their order.
void take_rows(const RowMove& move);  // dense = table rows
void put_rows(const RowMove& move);   // table rows = dense; a stride of 0 in the block repeats
void add_rows(const RowMove& move);   // table rows += dense

}  // namespace simdgrad
