// What the two files of view rows share; case.h's add_view_cases calls both parts.
#pragma once

#include "tests/cases/rows.h"

namespace cases {

inline const std::vector<Shape> kViewShapes = {{},      {1},       {5}, {3, 5}, {2, 3, 4},
                                               {2, 37}, {1, 4, 1}, {0}, {2, 0}};

// One row: y = call(x), expected(x).
template <class Call, class Expected>
Case& one(Table& table, const std::string& name, const std::string& covers, const Shape& shape,
          Call call, Expected expected) {
  return table
      .add(
          name, covers, {real(shape)}, [=](const Tensors& x) -> Tensors { return {call(x[0])}; },
          [=](const Arrays& x) -> Arrays { return {expected(x[0])}; })
      .bits();
}
template <class Call, class Expected>
Case& several(Table& table, const std::string& name, const std::string& covers, const Shape& shape,
              Call call, Expected expected) {
  return table
      .add(
          name, covers, {real(shape)}, [=](const Tensors& x) -> Tensors { return call(x[0]); },
          [=](const Arrays& x) -> Arrays { return expected(x[0]); })
      .bits();
}

void add_copy_cases(Table& table);  // contiguous, clone, to, copy_, fill_, cat, stack

}  // namespace cases
