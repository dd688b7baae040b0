// What a pointwise kernel is.
#pragma once

#include <cstdint>

namespace simdgrad {

// n elements: element i of operand k is data[k] + i * strides[k] elements. The output (operand 0)
// has stride 1; an input has 1, or 0 for the same number throughout. An input may be the very
// memory of the output, and never overlaps it otherwise.
using RowKernel = void (*)(char* const* data, const std::int64_t* strides, std::int64_t n,
                           const void* formula);

}  // namespace simdgrad
