// The parts of sparse tensors and how they enter the graph.
#pragma once

#include "autograd/record.h"

namespace simdgrad {

// indices [sparse_dim, nnz] and values [nnz, dense sizes...], unchecked and shared; in the graph of
// values: SparseCooTensorWithDimsAndTensorsBackward0.
Tensor sparse_from_parts(const Tensor& indices, const Tensor& values, IntArrayRef sizes,
                         bool coalesced);

inline const TensorExtra& parts_of(const Tensor& sparse) { return *impl(sparse).extra; }
// Gives `self` other parts, in place.
void replace_parts(const Tensor& self, Tensor indices, Tensor values, bool coalesced);

// [nnz, dense sizes...]: `from`, dense or sparse, at these indices; 0 where a sparse one has none.
// Built of public operations: any number of derivatives.
Tensor entries_at(const Tensor& from, const Tensor& indices);

// How sizes split into sparse and dense dimensions, seen as a matrix.
struct SparseShape {
  int64_t rows = 1, columns = 1;  // products of the sparse and of the dense sizes
  SparseShape(IntArrayRef sizes, int64_t sparse_dim) {
    for (size_t i = 0; i < sizes.size(); ++i)
      (static_cast<int64_t>(i) < sparse_dim ? rows : columns) *= sizes[i];
  }
};

// The row-major position of each entry among the sparse dimensions.
class EntryRows {
 public:
  EntryRows(const Tensor& indices, IntArrayRef sizes);
  const int64_t* data() const { return static_cast<const int64_t*>(impl(rows_).data); }
  int64_t count() const { return impl(rows_).numel; }
  const Tensor& tensor() const { return rows_; }  // int64 [nnz]

 private:
  Tensor rows_;
};

}  // namespace simdgrad
