// Gradients that came back larger than what they belong to, as broadcasting leaves them.
#pragma once

#include <simdgrad/tensor.h>

namespace simdgrad {

// Sums a gradient, in the graph, to the shape of what it belongs to. False, and nothing changes, if
// that shape does not expand to the gradient's.
bool sum_to_size(Tensor& gradient, IntArrayRef sizes);

}  // namespace simdgrad
