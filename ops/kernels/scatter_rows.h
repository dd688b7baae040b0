// Sums of rows by id: the dense gradient of an embedding, merging the entries of a sparse tensor,
// adding a sparse tensor to a dense one.
#pragma once

#include <cstdint>

#include "ops/kernels/isa.h"

namespace simdgrad::kernels {

// Table row ids[p] += factor * value row p for the positions p = 0 ... n - 1, or for those listed;
// rows are `columns` numbers without gaps. Additions to one number happen in this order, each one
// fma(factor, value, sum): the bits do not depend on who does which positions, as long as a row of
// the table belongs to one.
struct ScatterRows {
  char* table;
  int64_t table_stride;  // bytes
  const char* values;
  int64_t value_stride;    // bytes; value row p is at p * value_stride
  const int64_t* offsets;  // or at offsets[p] bytes; may be null
  int64_t columns;
  const int64_t* ids;     // by position
  int64_t skip;           // the id that is left out; negative: none
  const double* factors;  // by position, or null: `factor` for all
  double factor;
  const int64_t* positions;  // rising, or null: all
  int64_t n;
};

// One per type.
struct ScatterForms {
  void (*add)(const ScatterRows& rows);
  // flags[r] = does row r, at values + r * stride, hold a number other than 0?
  void (*nonzero)(const void* values, int64_t stride, int64_t columns, int64_t begin, int64_t end,
                  bool* flags);
};

struct ScatterKernels {
  ScatterForms f32, f64;
  // Zeros past the caches, for tables that do not fit in them: 85 GB/s where memset in pieces gets 32.
  // `to` is a multiple of 64.
  void (*clear)(char* to, int64_t bytes);
};

}  // namespace simdgrad::kernels

SIMDGRAD_DECLARE_KERNELS(ScatterKernels, scatter_kernels)
