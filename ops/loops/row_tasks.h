// Work on rows of one length, cut into tasks by shape alone.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/parallel.h"
#include "ops/kernels/softmax.h"
#include "ops/kernels/table.h"
#include "ops/loops/reductions_plan.h"

namespace simdgrad {

// body(begin, end) on rows; a task takes rows of about 16384 numbers. `nanoseconds` per number.
template <class Body>
void for_rows(int64_t rows, int64_t n, double nanoseconds, Body&& body) {
  parallel_range(rows, std::max<int64_t>(1, 16384 / std::max<int64_t>(1, n)),
                 nanoseconds * static_cast<double>(n) + 5, body);
}

template <class T>
const kernels::SoftmaxTable<T>& softmax_table() {
  if constexpr (std::is_same_v<T, float>) {
    return kernels::table().softmax->f32;
  } else {
    return kernels::table().softmax->f64;
  }
}

}  // namespace simdgrad
