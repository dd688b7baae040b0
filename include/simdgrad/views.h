// Views, copies and joining.
//
// A view shows numbers of its input under another shape, without copying: changing one changes the
// other, and gradients flow through both. All views work on any strides and any dtype. Dimensions
// count from the end where negative; out of range: "Dimension out of range (expected to be in range
// of [-2, 1], but got 2)". Undefined inputs are refused.
#pragma once

#include <simdgrad/tensor.h>

namespace simdgrad {

// --- shapes -------------------------------------------------------------------------------------

// The same numbers in row-major order as `sizes`; one size may be -1 and is inferred. Always a view:
// Error where the strides do not allow it ("view size is not compatible with input tensor's size and
// stride ... Use .reshape(...) instead.") and where the count differs ("shape '[5, 2]' is invalid
// for input of size 12"). dx = view(dy, sizes of x). torch.Tensor.view, ViewBackward0.
SIMDGRAD_API Tensor view(const Tensor& self, IntArrayRef sizes);

// view where the strides allow it, else a copy. torch::reshape: ViewBackward0, or
// UnsafeViewBackward0 over CloneBackward0.
SIMDGRAD_API Tensor reshape(const Tensor& self, IntArrayRef shape);

// Dimensions start_dim .. end_dim become one, by reshape; a 0-d tensor becomes [1]. self where there
// is nothing to join. torch::flatten.
SIMDGRAD_API Tensor flatten(const Tensor& self, int64_t start_dim = 0, int64_t end_dim = -1);

// Transpose of at most two dimensions; 0-d and 1-d are viewed as they are. Error: "t() expects a
// tensor with <= 2 dimensions, but self is 3D". dx = dy.t(). torch::t, TBackward0.
SIMDGRAD_API Tensor t(const Tensor& self);

// All dimensions reversed: Python's x.T. torch.Tensor.numpy_T, PermuteBackward0.
SIMDGRAD_API Tensor numpy_T(const Tensor& self);

// Dimensions dim0 and dim1 change places. dx = transpose(dy, dim0, dim1). torch::transpose,
// TransposeBackward0.
SIMDGRAD_API Tensor transpose(const Tensor& self, int64_t dim0, int64_t dim1);

// Dimension i of the result is dimension dims[i]. Error: "permute(): duplicate dims are not
// allowed.". torch::permute, PermuteBackward0.
SIMDGRAD_API Tensor permute(const Tensor& self, IntArrayRef dims);

// Repeats dimensions of size 1 without copying (stride 0) and adds dimensions in front; -1 keeps a
// size. Error: "The expanded size of the tensor (4) must match the existing size (3) at
// non-singleton dimension 1.  Target sizes: [2, 4].  Tensor sizes: [3]". dx = dy summed over what
// was repeated. torch.Tensor.expand, ExpandBackward0.
SIMDGRAD_API Tensor expand(const Tensor& self, IntArrayRef sizes, bool implicit = false);

// Without the dimensions of size 1: all of them, `dim` or `dims` (others are left alone).
// dx = dy of x's shape. torch::squeeze: SqueezeBackward0, SqueezeBackward1, SqueezeBackward2.
SIMDGRAD_API Tensor squeeze(const Tensor& self);
SIMDGRAD_API Tensor squeeze(const Tensor& self, int64_t dim);
SIMDGRAD_API Tensor squeeze(const Tensor& self, IntArrayRef dims);

// With a dimension of size 1 before dim. dx = squeeze(dy, dim). torch::unsqueeze,
// UnsqueezeBackward0.
SIMDGRAD_API Tensor unsqueeze(const Tensor& self, int64_t dim);

// --- parts --------------------------------------------------------------------------------------

// Entry `index` of dimension dim, which goes. Error: "select(): index 7 out of range for tensor of
// size [3, 4] at dimension 0". dx = zeros with dy at the entry. torch::select, SelectBackward0.
SIMDGRAD_API Tensor select(const Tensor& self, int64_t dim, int64_t index);

// Entries start, start + step ... before end, clipped to the dimension. Error: "slice step must be
// positive". dx = zeros with dy at the entries. torch::slice, SliceBackward0.
SIMDGRAD_API Tensor slice(const Tensor& self, int64_t dim = 0,
                          std::optional<int64_t> start = std::nullopt,
                          std::optional<int64_t> end = std::nullopt, int64_t step = 1);

// `length` entries from start on. Error: "start (2) + length (5) exceeds dimension size (3).".
// torch::narrow, SliceBackward0.
SIMDGRAD_API Tensor narrow(const Tensor& self, int64_t dim, int64_t start, int64_t length);

// Any window on the storage of self; the offset, in elements from the start of the storage, is
// self's unless given. Error when it leaves the storage. Elements may overlap on either side: dx
// sums the dy of the result's elements at one place, and shares the sum equally among self's
// elements there. torch::as_strided, AsStridedBackward0.
SIMDGRAD_API Tensor as_strided(const Tensor& self, IntArrayRef sizes, IntArrayRef strides,
                               std::optional<int64_t> storage_offset = std::nullopt);

// Every entry of dimension dim, each without it. dx = stack of the dy. torch::unbind,
// UnbindBackward0. The views of these four must not be changed in place while graph is recorded.
SIMDGRAD_API std::vector<Tensor> unbind(const Tensor& self, int64_t dim = 0);

// Parts of split_size entries, the last one shorter where it does not divide. dx = cat of the dy.
// torch::split, SplitBackward0.
SIMDGRAD_API std::vector<Tensor> split(const Tensor& self, int64_t split_size, int64_t dim = 0);

// Parts of these sizes. Error: "split_with_sizes expects split_sizes to sum exactly to 4 (input
// tensor's size at dimension 0), but got split_sizes=[1, 1]". torch::split_with_sizes,
// SplitWithSizesBackward0.
SIMDGRAD_API std::vector<Tensor> split_with_sizes(const Tensor& self, IntArrayRef split_sizes,
                                                  int64_t dim = 0);

SIMDGRAD_API std::vector<Tensor> split(const Tensor& self, IntArrayRef split_sizes,
                                       int64_t dim = 0);

// At most `chunks` parts of ceil(size / chunks) entries. torch::chunk, SplitBackward0.
SIMDGRAD_API std::vector<Tensor> chunk(const Tensor& self, int64_t chunks, int64_t dim = 0);

// --- copies -------------------------------------------------------------------------------------

// self where it is row-major without gaps, else a copy that is. torch.Tensor.contiguous,
// CloneBackward0.
SIMDGRAD_API Tensor contiguous(const Tensor& self);

// A copy: of the same strides where they are dense and do not overlap, else row-major. dx = dy.
// torch::clone, CloneBackward0.
SIMDGRAD_API Tensor clone(const Tensor& self);

// Converted to dtype; self where it has that dtype already, unless `copy`. Floats become integers by
// truncation and bool by != 0. dx = dy in x's dtype. torch.Tensor.to, ToCopyBackward0.
SIMDGRAD_API Tensor to(const Tensor& self, ScalarType dtype, bool copy = false);

// Writes source, expanded to self's shape and converted to its dtype. d self = 0; d source = dy
// summed to its shape in its dtype. Errors: "The size of tensor a (3) must match ...", "output with
// shape [3, 4] doesn't match the broadcast shape [2, 3, 4]", "unsupported operation: more than one
// element of the written-to tensor refers to a single memory location. ...". torch.Tensor.copy_,
// CopyBackwards.
SIMDGRAD_API Tensor& copy_(Tensor& self, const Tensor& source);

// Writes one number everywhere. d self = 0. Error where self's dtype cannot hold it: "value cannot
// be converted to type uint8_t without overflow". torch::fill_, FillBackward2.
SIMDGRAD_API Tensor& fill_(Tensor& self, const Scalar& value);

// The same with a 0-d tensor, whose gradient is the sum of dy. Error: "fill_ only supports
// 0-dimension value tensor but got tensor with 1 dimensions.". torch::fill_, FillBackward3.
SIMDGRAD_API Tensor& fill_(Tensor& self, const Tensor& value);

// Writes 0 everywhere. torch::zero_, ZeroBackward0.
SIMDGRAD_API Tensor& zero_(Tensor& self);

// --- joining ------------------------------------------------------------------------------------

// The tensors one after the other along dim; all other sizes agree. The dtype is the one that all
// promote to; tensors of shape [0] are skipped. Errors: "Sizes of tensors must match except in
// dimension 0. Expected size 3 but got size 4 for tensor number 1 in the list.", "torch.cat():
// expected a non-empty list of Tensors". dx_i = its part of dy. torch::cat, CatBackward0.
SIMDGRAD_API Tensor cat(TensorList tensors, int64_t dim = 0);

// The tensors, all of one shape, along a new dimension. Error: "stack expects each tensor to be
// equal size, but got [2, 3] at entry 0 and [2, 4] at entry 1". dx_i = select(dy, dim, i).
// torch::stack, StackBackward0.
SIMDGRAD_API Tensor stack(TensorList tensors, int64_t dim = 0);

}  // namespace simdgrad
