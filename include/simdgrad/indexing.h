// Indexing: x.index({Slice(), 0, mask}), x.index_put_({i}, y), rows by ids.
#pragma once

#include <simdgrad/tensor.h>

#include <type_traits>

namespace simdgrad {
namespace indexing {

// A new dimension of size 1 in an index, and "from the start", "to the end" in a Slice.
inline constexpr std::nullopt_t None = std::nullopt;

struct EllipsisIndexType {};
// As many whole dimensions as the other indices leave.
inline constexpr EllipsisIndexType Ellipsis{};

// start:stop:step, as in Python; negative bounds count from the end. Error at once for a step of 0
// ("slice step cannot be zero") and, when used, for a negative one.
struct Slice {
  std::optional<int64_t> start, stop, step;
  explicit Slice(std::optional<int64_t> start = std::nullopt,
                 std::optional<int64_t> stop = std::nullopt,
                 std::optional<int64_t> step = std::nullopt)
      : start(start), stop(stop), step(step) {}
};

// One entry of an index: an integer, a bool, Slice, None, Ellipsis ("..."), or a tensor of ids
// (int64 or int32, negative ones count from the end) or a mask (bool or uint8).
class TensorIndex {
 public:
  enum class Kind { none, ellipsis, integer, boolean, slice, tensor };

  TensorIndex(std::nullopt_t) : kind_(Kind::none) {}
  TensorIndex(EllipsisIndexType) : kind_(Kind::ellipsis) {}
  // "..." only.
  SIMDGRAD_API TensorIndex(const char* text);
  template <class T, class = std::enable_if_t<std::is_integral_v<T>>>
  TensorIndex(T value)
      : kind_(std::is_same_v<T, bool> ? Kind::boolean : Kind::integer),
        integer_(static_cast<int64_t>(value)) {}
  TensorIndex(Slice slice) : kind_(Kind::slice), slice_(slice) {}
  TensorIndex(Tensor tensor) : kind_(Kind::tensor), tensor_(std::move(tensor)) {}

  Kind kind() const { return kind_; }
  int64_t integer() const { return integer_; }
  bool boolean() const { return integer_ != 0; }
  const Slice& slice() const { return slice_; }
  const Tensor& tensor() const { return tensor_; }

 private:
  Kind kind_;
  int64_t integer_ = 0;
  Slice slice_;
  Tensor tensor_;
};

}  // namespace indexing

// --- Python's x[...] ----------------------------------------------------------------------------

// Integers, slices, None and Ellipsis give a view (select, slice, unsqueeze). Tensors give a copy:
// they broadcast together, and their shape takes the place of the dimensions that they index, or
// comes first where those are not next to each other. A mask stands for the positions where it is
// true. Errors: "index 5 is out of bounds for dimension 0 with size 3", "too many indices for tensor
// of dimension 2", "shape mismatch: indexing tensors could not be broadcast together with shapes
// [2], [3]", "The shape of the mask [2] at index 0 does not match the shape of the indexed tensor
// [3, 4] at index 0". dx = zeros with dy added at the places, in order of appearance.
// torch.Tensor.index, IndexBackward0 (and those of the views).
SIMDGRAD_API Tensor index(const Tensor& self, ArrayRef<indexing::TensorIndex> indices);

// x[...] = value: writes value, expanded, to the places that index() reads; of equal ids the last one
// wins. d self = dy with zeros at the places; d value = dy at the places, summed to value's shape.
// Error: "shape mismatch: value tensor of shape [3] cannot be broadcast to indexing result of shape
// [1, 4]". A single `false` changes nothing and records nothing. torch.Tensor.index_put_, IndexPutBackward0 (CopySlices where there is no tensor in it).
SIMDGRAD_API Tensor& index_put_(Tensor& self, ArrayRef<indexing::TensorIndex> indices,
                                const Tensor& value);
SIMDGRAD_API Tensor& index_put_(Tensor& self, ArrayRef<indexing::TensorIndex> indices,
                                const Scalar& value);

// A copy of self with value written to the places. torch.Tensor.index_put.
SIMDGRAD_API Tensor index_put(const Tensor& self, ArrayRef<indexing::TensorIndex> indices,
                              const Tensor& value);

// --- entries by ids -----------------------------------------------------------------------------

// Entries index[0], index[1] ... of dimension dim; index: int64 or int32 [n], ids in [0, size).
// Errors: "index out of range in self", "index_select(): Expected dtype int32 or int64 for index".
// dx = zeros with dy added by index_add_. torch::index_select, IndexSelectBackward0.
SIMDGRAD_API Tensor index_select(const Tensor& self, int64_t dim, const Tensor& index);

// y[i][j] = x[index[i][j]][j] for dim 0, and so on: index has x's number of dimensions and is no
// larger than x but along dim. Error: "index 9 is out of bounds for dimension 1 with size 4".
// dx = zeros with dy added by scatter_add_. torch::gather, GatherBackward0.
SIMDGRAD_API Tensor gather(const Tensor& self, int64_t dim, const Tensor& index);

// Adds entry i of source to entry index[i] of self along dim, in order of i. d self = dy; d source =
// index_select(dy, dim, index). torch.Tensor.index_add_, IndexAddBackward0.
SIMDGRAD_API Tensor& index_add_(Tensor& self, int64_t dim, const Tensor& index,
                                const Tensor& source);

// The same on a copy. torch::index_add.
SIMDGRAD_API Tensor index_add(const Tensor& self, int64_t dim, const Tensor& index,
                              const Tensor& source);

// self[index[i][j]][j] += source[i][j] for dim 0, and so on, in row-major order of index. d self =
// dy; d source = gather(dy, dim, index). torch.Tensor.scatter_add_, ScatterAddBackward0.
SIMDGRAD_API Tensor& scatter_add_(Tensor& self, int64_t dim, const Tensor& index,
                                  const Tensor& source);

// The same on a copy. torch::scatter_add.
SIMDGRAD_API Tensor scatter_add(const Tensor& self, int64_t dim, const Tensor& index,
                                const Tensor& source);

// Where x is not 0: int64 [count, dimensions of x], in row-major order (NaN is not 0). Not
// differentiable. torch::nonzero.
SIMDGRAD_API Tensor nonzero(const Tensor& self);

// x where mask is true, in row-major order; the two broadcast. torch::masked_select,
// MaskedSelectBackward0.
SIMDGRAD_API Tensor masked_select(const Tensor& self, const Tensor& mask);

}  // namespace simdgrad
