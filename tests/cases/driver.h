// What the driver does with a row; shared by the tests of the case table.
#pragma once

#include <string>

#include "tests/cases/case.h"

namespace cases {

// How an input lies in memory.
enum class Layout { contiguous, transposed, strided };

// The inputs of a row: the same numbers in every call, in this dtype (reals and constants) and
// layout. Reals require grad.
Tensors make_inputs(const Case& row, simdgrad::ScalarType dtype, Layout layout);
// The same numbers for the reference.
Arrays reference_inputs(const Case& row, simdgrad::ScalarType dtype);

// "" if the tensors hold what was expected, else what differs.
std::string difference(const Tensors& found, const Arrays& expected, double tolerance);
// The bytes of the tensors' numbers, row-major.
std::string bits(const Tensors& tensors);
// The results of a row and the gradients of its reals for fixed cotangents.
Tensors results_and_gradients(const Case& row, simdgrad::ScalarType dtype, Layout layout);
Tensors results_and_gradients(const Case& row, const Tensors& inputs);

}  // namespace cases
