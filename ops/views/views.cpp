// Views that show all numbers of their input: new sizes and strides, nothing is copied.
#include "simdgrad/views.h"

#include "core/warn_once.h"
#include "ops/loops/broadcast.h"
#include "ops/loops/copy.h"
#include "ops/views/shape.h"

namespace simdgrad {
namespace {

// `shape` with its -1 replaced, as PyTorch infers it.
void infer_sizes(IntArrayRef shape, int64_t numel, Dims& out) {
  out.assign(shape);
  int64_t known = 1;
  int64_t inferred = -1;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1) {
      SIMDGRAD_CHECK(inferred < 0, "only one dimension can be inferred");
      inferred = static_cast<int64_t>(i);
      continue;
    }
    SIMDGRAD_CHECK(shape[i] >= 0, "invalid shape dimension ", shape[i], " at index ", i,
                   " of shape ", shape);
    SIMDGRAD_CHECK(!multiply_overflows(known, shape[i], &known), "shape '", shape,
                   "' is invalid for input of size ", numel);
  }
  if (inferred < 0) {
    SIMDGRAD_CHECK(known == numel, "shape '", shape, "' is invalid for input of size ", numel);
    return;
  }
  SIMDGRAD_CHECK(known != 0 || numel != 0, "cannot reshape tensor of 0 elements into shape ", shape,
                 " because the unspecified dimension size -1 can be any value and is ambiguous");
  SIMDGRAD_CHECK(known != 0 && numel % known == 0, "shape '", shape,
                 "' is invalid for input of size ", numel);
  out[static_cast<size_t>(inferred)] = numel / known;
}

// Strides under which memory of (sizes, strides) reads as `view`; false if there are none.
bool view_strides(const TensorImpl& self, IntArrayRef view, Dims& out) {
  out.resize(view.size());
  if (self.numel == 0 && self.size_list() == view) {
    out.assign(self.stride_list());
    return true;
  }
  if (self.numel == 0 || self.ndim == 0) {
    contiguous_strides(view, out.data());
    return true;
  }
  const int64_t* sizes = self.sizes();
  const int64_t* strides = self.strides();
  size_t to = view.size();
  // From the last dimension on: runs of dimensions that are dense among themselves are cut anew.
  int64_t run_stride = strides[self.ndim - 1];
  int64_t run_count = 1;
  int64_t cut_count = 1;
  for (size_t from = self.ndim; from-- > 0;) {
    run_count *= sizes[from];
    const bool run_ends =
        from == 0 || (sizes[from - 1] != 1 && strides[from - 1] != run_count * run_stride);
    if (!run_ends) continue;
    while (to > 0 && (cut_count < run_count || view[to - 1] == 1)) {
      out[to - 1] = cut_count * run_stride;
      cut_count *= view[to - 1];
      --to;
    }
    if (cut_count != run_count) return false;
    if (from > 0) {
      run_stride = strides[from - 1];
      run_count = cut_count = 1;
    }
  }
  return to == 0;
}

Tensor view_of(const Tensor& self, IntArrayRef sizes, IntArrayRef strides) {
  Tensor y = make_view(self, sizes, strides, impl(self).storage_offset());
  if (needs_gradient(self))
    record_with_dims<"ViewBackward0">(
        y, self, impl(self).size_list(),
        [](Gradients& d, IntArrayRef x_sizes) { d.set(0, d.take_dy().reshape(x_sizes)); });
  return y;
}

}  // namespace

Tensor view(const Tensor& self, IntArrayRef shape) {
  check_dense(self, "view");
  Dims sizes, strides;
  infer_sizes(shape, impl(self).numel, sizes);
  SIMDGRAD_CHECK(view_strides(impl(self), sizes, strides),
                 "view size is not compatible with input tensor's size and stride (at least one "
                 "dimension spans across two contiguous subspaces). Use .reshape(...) instead.");
  return view_of(self, sizes, strides);
}

Tensor reshape(const Tensor& self, IntArrayRef shape) {
  check_dense(self, "reshape");
  Dims sizes, strides;
  infer_sizes(shape, impl(self).numel, sizes);
  if (view_strides(impl(self), sizes, strides)) return view_of(self, sizes, strides);
  const Tensor copy = clone_contiguous(self);
  contiguous_strides(sizes, strides.data());
  Tensor y = make_alias(copy, sizes, strides, 0);
  if (needs_gradient(copy))
    record_with_dims<"UnsafeViewBackward0">(
        y, copy, impl(copy).size_list(),
        [](Gradients& d, IntArrayRef x_sizes) { d.set(0, d.take_dy().reshape(x_sizes)); });
  return y;
}

Tensor flatten(const Tensor& self, int64_t start_dim, int64_t end_dim) {
  check_dense(self, "flatten");
  const int64_t ndim = impl(self).ndim;
  const size_t start = static_cast<size_t>(wrap_dim(start_dim, ndim));
  const size_t end = static_cast<size_t>(wrap_dim(end_dim, ndim));
  SIMDGRAD_CHECK(start <= end, "flatten() has invalid args: start_dim cannot come after end_dim");
  if (ndim == 0) return reshape(self, {1});
  if (start == end) return self;
  const int64_t* from = impl(self).sizes();
  Dims sizes;
  int64_t joined = 1;
  for (size_t i = 0; i < static_cast<size_t>(ndim); ++i) {
    if (i >= start && i <= end) joined *= from[i];
    if (i < start || i > end) sizes.push_back(from[i]);
    if (i == end) sizes.push_back(joined);
  }
  return reshape(self, sizes);
}

Tensor t(const Tensor& self) {
  check_dense(self, "t");
  const TensorImpl& x = impl(self);
  SIMDGRAD_CHECK(x.ndim <= 2, "t() expects a tensor with <= 2 dimensions, but self is ",
                 static_cast<int>(x.ndim), "D");
  const size_t last = x.ndim < 2 ? 0 : 1;
  int64_t sizes[2] = {0, 0}, strides[2] = {0, 0};
  for (size_t i = 0; i < x.ndim; ++i) {
    sizes[i] = x.sizes()[last - i];
    strides[i] = x.strides()[last - i];
  }
  Tensor y = make_view(self, {sizes, x.ndim}, {strides, x.ndim}, x.storage_offset());
  if (needs_gradient(self))
    record<"TBackward0">(y, std::tie(self), [](Gradients& d) { d.set(0, transposed(d.dy())); });
  return y;
}

Tensor transposed(const Tensor& matrix) {
  const TensorImpl& x = impl(matrix);
  if (thread_state.grad_enabled || x.is_sparse() || x.ndim != 2) return matrix.t();
  const int64_t* sizes = x.sizes();
  const int64_t* strides = x.strides();
  return make_alias(matrix, {sizes[1], sizes[0]}, {strides[1], strides[0]}, x.storage_offset());
}

Tensor numpy_T(const Tensor& self) {
  check_dense(self, "numpy_T");
  const size_t ndim = impl(self).ndim;
  if (ndim != 2 && ndim != 0) [[unlikely]] {
    static constinit WarnOnce once;
    once(
        "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is "
        "deprecated and it will throw an error in a future release. Consider `x.mT` to transpose "
        "batches of matrices or `x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the "
        "dimensions of a tensor.");
  }
  Dims dims(ndim);
  for (size_t i = 0; i < ndim; ++i) dims[i] = static_cast<int64_t>(ndim - 1 - i);
  return permute(self, dims);
}

Tensor transpose(const Tensor& self, int64_t dim0, int64_t dim1) {
  check_dense(self, "transpose");
  const TensorImpl& x = impl(self);
  dim0 = wrap_dim(dim0, x.ndim);
  dim1 = wrap_dim(dim1, x.ndim);
  Dims sizes(x.size_list()), strides(x.stride_list());
  if (dim0 != dim1) {
    std::swap(sizes[static_cast<size_t>(dim0)], sizes[static_cast<size_t>(dim1)]);
    std::swap(strides[static_cast<size_t>(dim0)], strides[static_cast<size_t>(dim1)]);
  }
  Tensor y = make_view(self, sizes, strides, x.storage_offset());
  if (needs_gradient(self))
    record<"TransposeBackward0">(
        y, std::tie(self), [dim0, dim1](Gradients& d) { d.set(0, d.dy().transpose(dim0, dim1)); });
  return y;
}

Tensor permute(const Tensor& self, IntArrayRef dims) {
  check_dense(self, "permute");
  const TensorImpl& x = impl(self);
  SIMDGRAD_CHECK(dims.size() == x.ndim,
                 "permute(sparse_coo): number of dimensions in the tensor input does not match the "
                 "length of the desired ordering of dimensions i.e. input.dim() = ",
                 static_cast<int>(x.ndim), " is not equal to len(dims) = ", dims.size());
  Dims sizes(x.ndim), strides(x.ndim), inverse(x.ndim, -1);
  for (size_t i = 0; i < x.ndim; ++i) {
    const size_t from = static_cast<size_t>(wrap_dim(dims[i], x.ndim));
    SIMDGRAD_CHECK(inverse[from] < 0, "permute(): duplicate dims are not allowed.");
    inverse[from] = static_cast<int64_t>(i);
    sizes[i] = x.sizes()[from];
    strides[i] = x.strides()[from];
  }
  Tensor y = make_view(self, sizes, strides, x.storage_offset());
  if (needs_gradient(self))
    record_with_dims<"PermuteBackward0">(
        y, self, inverse, [](Gradients& d, IntArrayRef back) { d.set(0, d.dy().permute(back)); });
  return y;
}

Tensor expand(const Tensor& self, IntArrayRef sizes, bool) {
  check_dense(self, "expand");
  const TensorImpl& x = impl(self);
  SIMDGRAD_CHECK(sizes.size() >= x.ndim, "expand(", self.toString(), "{", x.size_list(),
                 "}, size=", sizes, "): the number of sizes provided (", sizes.size(),
                 ") must be greater or equal to the number of dimensions in the tensor (",
                 static_cast<int>(x.ndim), ")");
  const size_t leading = sizes.size() - x.ndim;
  Dims to_sizes(sizes.size()), to_strides(sizes.size());
  for (size_t i = sizes.size(); i-- > 0;) {
    const bool fresh = i < leading;
    int64_t size = fresh ? 1 : x.sizes()[i - leading];
    int64_t stride = !fresh                 ? x.strides()[i - leading]
                     : i + 1 < sizes.size() ? wrapping_multiply(to_sizes[i + 1], to_strides[i + 1])
                                            : 1;
    int64_t target = sizes[i];
    if (target == -1) {
      SIMDGRAD_CHECK(!fresh,
                     "The expanded size of the tensor (-1) isn't allowed in a leading, "
                     "non-existing dimension ",
                     i);
      target = size;
    }
    if (size != target) {
      SIMDGRAD_CHECK(size == 1 && target >= 0, "The expanded size of the tensor (", target,
                     ") must match the existing size (", size, ") at non-singleton dimension ", i,
                     ".  Target sizes: ", sizes, ".  Tensor sizes: ", x.size_list());
      size = target;
      stride = 0;
    }
    to_sizes[i] = size;
    to_strides[i] = stride;
  }
  Tensor y = make_view(self, to_sizes, to_strides, x.storage_offset());
  if (needs_gradient(self))
    record_with_dims<"ExpandBackward0">(
        y, self, x.size_list(),
        [](Gradients& d, IntArrayRef x_sizes) { d.set(0, sum_to(d.dy(), x_sizes)); });
  return y;
}

namespace {

// Without the dimensions of size 1 for which drop says so.
template <class Drop>
Tensor squeezed(const Tensor& self, Drop drop) {
  const TensorImpl& x = impl(self);
  Dims sizes, strides;
  for (size_t i = 0; i < x.ndim; ++i)
    if (x.sizes()[i] != 1 || !drop(i)) {
      sizes.push_back(x.sizes()[i]);
      strides.push_back(x.strides()[i]);
    }
  return make_view(self, sizes, strides, x.storage_offset());
}

template <NodeName name>
void record_squeeze(const Tensor& y, const Tensor& self) {
  if (needs_gradient(self))
    record_with_dims<name>(y, self, impl(self).size_list(), [](Gradients& d, IntArrayRef x_sizes) {
      // Unsqueeze at every dropped place, as one reshape.
      d.set(0, d.take_dy().reshape(x_sizes));
    });
}

}  // namespace

Tensor squeeze(const Tensor& self) {
  check_dense(self, "squeeze");
  Tensor y = squeezed(self, [](size_t) { return true; });
  record_squeeze<"SqueezeBackward0">(y, self);
  return y;
}

Tensor squeeze(const Tensor& self, int64_t dim) {
  check_dense(self, "squeeze");
  const size_t which = static_cast<size_t>(wrap_dim(dim, impl(self).ndim));
  Tensor y = squeezed(self, [which](size_t i) { return i == which; });
  record_squeeze<"SqueezeBackward1">(y, self);
  return y;
}

Tensor squeeze(const Tensor& self, IntArrayRef dims) {
  check_dense(self, "squeeze");
  uint64_t chosen = 0;
  for (int64_t dim : dims) {
    const int64_t which = wrap_dim(dim, impl(self).ndim);
    SIMDGRAD_CHECK(!(chosen >> which & 1), "dim ", which,
                   " appears multiple times in the list of dims");
    chosen |= uint64_t{1} << which;
  }
  Tensor y = squeezed(self, [chosen](size_t i) { return chosen >> i & 1; });
  record_squeeze<"SqueezeBackward2">(y, self);
  return y;
}

Tensor unsqueeze(const Tensor& self, int64_t dim) {
  check_dense(self, "unsqueeze");
  const TensorImpl& x = impl(self);
  const size_t at = static_cast<size_t>(wrap_dim(dim, x.ndim + 1));
  Dims sizes(x.size_list()), strides(x.stride_list());
  const int64_t stride = at < x.ndim ? wrapping_multiply(x.sizes()[at], x.strides()[at]) : 1;
  sizes.insert(at, 1);
  strides.insert(at, stride);
  Tensor y = make_view(self, sizes, strides, x.storage_offset());
  if (needs_gradient(self))
    record<"UnsqueezeBackward0">(y, std::tie(self), [at](Gradients& d) {
      d.set(0, d.dy().squeeze(static_cast<int64_t>(at)));
    });
  return y;
}

}  // namespace simdgrad
