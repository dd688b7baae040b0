// What users get wrong, one situation each, written against libtorch's C++ API. Included after
// <torch/torch.h> by tools/record_errors.cpp, which asks libtorch for the texts, and by the test
// that compares ours with them: same source, two libraries.
#pragma once

#include "graphs.h"
#include "layers.h"
#include "shapes.h"
#include "values.h"
#include "views_in_place.h"

namespace error_situations {

// Situations of the present surface, in the order in which they are recorded.
inline std::vector<Situation> all() {
  std::vector<Situation> result;
  for (const auto& family : {products(), shapes(), values(), factories(), layers(), graphs(),
                             functions(), views_in_place(), optimizers()}) {
    result.insert(result.end(), family.begin(), family.end());
  }
  return result;
}

}  // namespace error_situations
