// The dimensions that a gradient has too many, or in which it was repeated, are summed.
#include "autograd/sum_to_size.h"

#include <vector>

namespace simdgrad {

bool sum_to_size(Tensor& gradient, IntArrayRef sizes) {
  const IntArrayRef have = gradient.sizes();
  if (have == sizes) return true;
  if (have.size() < sizes.size()) return false;
  const size_t extra = have.size() - sizes.size();
  std::vector<int64_t> dims;
  for (size_t i = 0; i < have.size(); ++i) {
    if (i < extra || (sizes[i - extra] == 1 && have[i] != 1)) {
      dims.push_back(static_cast<int64_t>(i));
    } else if (sizes[i - extra] != have[i]) {
      return false;
    }
  }
  gradient = gradient.sum(dims, true).view(sizes);
  return true;
}

}  // namespace simdgrad
