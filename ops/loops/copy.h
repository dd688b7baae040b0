// Copies over memory, outside the graph: strides, broadcasting, conversions of dtype.
#pragma once

#include "core/tensor_impl.h"

namespace simdgrad {

// to[...] = from[...] over `sizes`; strides in elements, 0 in from_strides repeats. The two do not
// overlap, nor do elements of `to`. Blocked where one side runs across the other, parallel where
// large.
void copy_strided(void* to, ScalarType to_type, IntArrayRef to_strides, const void* from,
                  ScalarType from_type, IntArrayRef from_strides, IntArrayRef sizes);
// n numbers without gaps.
void copy_contiguous(void* to, ScalarType to_type, const void* from, ScalarType from_type,
                     int64_t n);
// Writes all of `from`, expanded to the shape of `to`, with conversion. Shapes are checked before.
void copy_values(const Tensor& to, const Tensor& from);

// One number everywhere. It is checked as by store_scalar before anything is written.
void fill_contiguous(void* to, ScalarType type, int64_t n, const Scalar& value);
void fill_strided(void* to, ScalarType type, IntArrayRef strides, IntArrayRef sizes,
                  const Scalar& value);
// The number in `type` at `to`. Error where the type cannot hold it: "value cannot be converted to
// type uint8_t without overflow".
void store_scalar(const Scalar& value, ScalarType type, void* to);

// The same numbers row-major without gaps and in this dtype: self (another handle) or a copy. No
// graph.
Tensor contiguous_values(const Tensor& self);
Tensor contiguous_values(const Tensor& self, ScalarType dtype);
// tensor, or a contiguous copy of it where it shows memory of `written`. No graph.
Tensor apart(const Tensor& tensor, const TensorImpl& written);
// Uninitialised, with exactly the strides that clone() gives.
Tensor make_clone_shape(const Tensor& self, ScalarType dtype);
// A row-major copy that is in the graph: CloneBackward0.
Tensor clone_contiguous(const Tensor& self);

// Refuses to read `from` while `to` is written where both show one memory differently, with PyTorch's
// "unsupported operation: some elements of the input tensor and the written-to tensor refer to ...".
// True where they may overlap in a way that is too hard to tell: read from a copy then.
bool check_no_partial_overlap(const Tensor& to, const Tensor& from);

}  // namespace simdgrad
