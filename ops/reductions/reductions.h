// What the reductions' files share.
#pragma once

#include "autograd/record.h"
#include "ops/loops/reductions_plan.h"

namespace simdgrad::reductions {

// The operand as floats: as it is, converted to `dtype`, or integers to the default type where
// `promote`. Outside the graph; gradients are converted back by gradient_like.
Tensor as_float(const Tensor& self, std::optional<ScalarType> dtype);

// A result (or its gradient) with the reduced dimensions back as size 1; with its history.
Tensor restored(const Tensor& reduced, DimMask mask, bool keepdim, int64_t ndim);

// dims as a list, for the public functions.
Dims dims_of(DimMask mask, int64_t ndim);

}  // namespace simdgrad::reductions
