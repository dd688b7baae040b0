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

// The rows of a table dealt out to some threads by a hash of id >> shift.
struct RowShares {
  uint32_t shares;
  int shift;
  uint32_t owner_of(int64_t id) const {
    const uint32_t hash = static_cast<uint32_t>(id >> shift) * kMultiplier;
    return static_cast<uint32_t>(static_cast<uint64_t>(hash) * shares >> 32);
  }
  static constexpr uint32_t kMultiplier = 0x9E3779B1u;  // 2^32 over the golden ratio
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
  // Positions of the ids that belong to `share`, in order, and how many; there is room for n + 8.
  int64_t (*list)(const RowShares& rows, uint32_t share, const int64_t* ids, int64_t n,
                  int64_t* positions);
  // Zeros past the caches, for tables that do not fit in them: 85 GB/s where memset in pieces gets 32.
  // `to` is a multiple of 64.
  void (*clear)(char* to, int64_t bytes);
};

}  // namespace simdgrad::kernels

SIMDGRAD_DECLARE_KERNELS(ScatterKernels, scatter_kernels)
