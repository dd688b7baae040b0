// For the tests beside pages that fault: numbers placed against them.
#pragma once

#include <simdgrad/simdgrad.h>

#include <cstdlib>
#include <cstring>

#include "core/testing_hooks.h"

namespace simdgrad::testing {

inline bool is_fenced(const char* kind = "fence_") {
  const char* const choice = std::getenv("SIMDGRAD_ALLOCATOR");
  return choice && std::strncmp(choice, kind, std::strlen(kind)) == 0;
}

// A copy of a vector that ends where a block ends, or begins where one begins; `offset` more numbers lie
// on the other side.
inline Tensor placed(const Tensor& numbers, int64_t offset = 0) {
  const int64_t n = numbers.size(0);
  const Tensor block = empty({n + offset}, numbers.scalar_type());
  Tensor x = is_fenced("fence_before") ? block.slice(0, 0, n) : block.slice(0, offset);
  x.copy_(numbers);
  return x.detach();
}

}  // namespace simdgrad::testing
