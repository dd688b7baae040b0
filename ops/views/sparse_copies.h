// What clone, to and zero_ do with a sparse tensor. Declared by their caller and defined in
// ops/sparse/copies.cpp: sparse stands above views, and views includes nothing of it.
#pragma once

#include "core/tensor_impl.h"

namespace simdgrad {

// Entries copied (clone) or converted (to).
Tensor clone_sparse(const Tensor& self);
Tensor convert_sparse(const Tensor& self, ScalarType dtype, bool copy);
// No entries at all.
Tensor& zero_sparse_(Tensor& self);

}  // namespace simdgrad
