// CHECK_GRADIENTS: first and second derivatives of an expression against differences.
#pragma once

#include <simdgrad/gradcheck.h>

#include "tests/catch.h"

namespace simdgrad::testing {

// Derivatives of first and second order against differences.
inline void check_gradients(const GradcheckFunction& function,
                            const autograd::variable_list& inputs) {
  CHECK(gradcheck(function, inputs));
  CHECK(gradgradcheck(function, inputs));
}

}  // namespace simdgrad::testing

// CHECK_GRADIENTS((variable_list{a, b}), {x[0] * x[1]}): of what stands in braces, at these inputs.
#define CHECK_GRADIENTS(inputs, ...)                          \
  simdgrad::testing::check_gradients(                         \
      [&](const simdgrad::autograd::variable_list& x) {       \
        return simdgrad::autograd::variable_list __VA_ARGS__; \
      },                                                      \
      inputs)
