// Small choices that options and functions take by name: kMean and its kin, as torch's.
#pragma once

#include <cstdint>

namespace simdgrad {

// What becomes of a loss per element: kept, averaged or summed.
enum class Reduction : int64_t { None = 0, Mean = 1, Sum = 2 };
constexpr Reduction kNone = Reduction::None;
constexpr Reduction kMean = Reduction::Mean;
constexpr Reduction kSum = Reduction::Sum;

}  // namespace simdgrad
