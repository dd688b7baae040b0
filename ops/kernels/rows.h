// Rows picked by ids: gather, write and add.
#pragma once

#include <cstdint>

#include "ops/kernels/isa.h"

namespace simdgrad::kernels {

// Row ids[i] of a table meets row i of a dense block; strides and row_bytes in bytes. Negative ids
// count from `limit`, the number of rows. Nothing here checks ids: first_bad does.
struct PickedRows {
  char* dense;
  int64_t dense_stride;
  char* table;
  int64_t table_stride;
  int64_t row_bytes;
  const void* ids;
  int id_bytes;  // 4 or 8
  int64_t n;
  int64_t limit;
};

struct RowKernels {
  // The position of the first id outside [lowest, limit), or -1.
  int64_t (*first_bad)(const void* ids, int id_bytes, int64_t n, int64_t lowest, int64_t limit);
  // dense row i = table row ids[i].
  void (*gather)(const PickedRows& rows);
  // table row ids[i] = dense row i, in this order.
  void (*scatter)(const PickedRows& rows);
  // table row ids[i] += dense row i, in this order.
  void (*add_f32)(const PickedRows& rows);
  void (*add_f64)(const PickedRows& rows);
};

}  // namespace simdgrad::kernels

SIMDGRAD_DECLARE_KERNELS(RowKernels, row_kernels)
