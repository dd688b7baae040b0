// The parts of the pointwise rows; case.h's add_pointwise_cases calls them.
#pragma once

#include "tests/cases/case.h"

// The six comparisons as M(name, op).
#define SIMDGRAD_COMPARISON_CASES(M) M(eq, ==) M(ne, !=) M(lt, <) M(le, <=) M(gt, >) M(ge, >=)

namespace cases {

void add_unary_cases(Table& table);
void add_binary_cases(Table& table);
void add_choice_cases(Table& table);             // where, masked_fill, masks
void add_pointwise_special_cases(Table& table);  // NaN, infinities, -0, integers

}  // namespace cases
