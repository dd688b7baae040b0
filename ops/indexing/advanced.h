// Indexing by tensors: ids and masks brought into one list of positions, and the operations on it.
#pragma once

#include <vector>

#include "ops/views/shape.h"

namespace simdgrad {

// A few numbers, on the heap where they are many.
class KeptDims {
 public:
  KeptDims() = default;
  KeptDims(IntArrayRef from) : few_(from.size() <= 6 ? from : IntArrayRef()) {
    if (from.size() > 6) many_ = from.vec();
  }
  operator IntArrayRef() const { return many_.empty() ? IntArrayRef(few_) : IntArrayRef(many_); }
  size_t size() const { return IntArrayRef(*this).size(); }

 private:
  FixedDims<6> few_{IntArrayRef()};
  std::vector<int64_t> many_;
};

// The indexed dimensions of a tensor count as one, row-major; position k of the index names one
// entry of it. In the result, `shape` stands after the first `at` of the other dimensions.
struct AdvancedIndex {
  Tensor ids;            // int64 or int32, contiguous; may be negative as long as not checked
  bool checked = false;  // in [0, limit) by construction
  int64_t limit = 1;     // product of the indexed sizes
  uint64_t dims = 0;     // bit d: dimension d is indexed
  uint32_t at = 0;
  KeptDims shape;

  // Sizes of the result on a tensor of these sizes.
  void result_sizes(IntArrayRef self, Dims& out) const;
};

// One per dimension of self, undefined where that is not indexed; a mask stands for as many as it
// has dimensions, so that the list may be shorter. `result_strides` gets what the result's memory
// order follows: PyTorch's, which is row-major unless self or an index is permuted.
AdvancedIndex make_advanced_index(const Tensor& self, const std::vector<Tensor>& indices,
                                  Dims* result_strides);

// Throws "index 5 is out of bounds for dimension 0 with size 3" for ids that are not checked yet.
void check_ids(const AdvancedIndex& index);

// The entries, as a new tensor: IndexBackward0. result_strides may be null (row-major).
Tensor take(const Tensor& self, const AdvancedIndex& index, const Dims* result_strides);
// Zeros of these sizes with dy added at the places, in order: IndexPutImplBackward0.
Tensor add_to_zeros(const Tensor& dy, const AdvancedIndex& index, IntArrayRef sizes);
// Writes value, which expands to the result's shape: IndexPutBackward0.
void put(const Tensor& self, const AdvancedIndex& index, const Tensor& value);

// Throws "index 5 is out of bounds for dimension 0 with size 3" where one of these contiguous ids is
// not in [0, limit).
void check_ids_in_range(const Tensor& ids, int64_t dim, int64_t limit);

// Number i of int64 or int32 ids, and the strides of x expanded to `sizes`.
int64_t id_at(const Tensor& ids, int64_t i);
void expand_strides(const TensorImpl& x, IntArrayRef sizes, Dims& out);

// Row-major numbers of the true elements of a bool or uint8 tensor: int64 [count].
Tensor true_positions(const Tensor& mask);

}  // namespace simdgrad
