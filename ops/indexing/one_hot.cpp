// one_hot: ids to rows of zeros with a single one.
#include <simdgrad/embedding.h>

#include <algorithm>

#include "ops/loops/broadcast.h"
#include "ops/loops/copy.h"
#include "ops/views/shape.h"

namespace simdgrad {

Tensor one_hot(const Tensor& self, int64_t num_classes) {
  SIMDGRAD_CHECK(self.defined() && impl(self).dtype == kLong,
                 "one_hot is only applicable to index tensor of type LongTensor.");
  check_dense(self, "one_hot");
  const Tensor ids = contiguous_values(self);
  const int64_t n = impl(ids).numel;
  const int64_t* id = static_cast<const int64_t*>(impl(ids).data);
  SIMDGRAD_CHECK(n > 0 || num_classes > 0,
                 "Can not infer total number of classes from empty tensor.");
  if (n > 0) {
    const auto [smallest, largest] = std::minmax_element(id, id + n);
    SIMDGRAD_CHECK(*smallest >= 0, "Class values must be non-negative.");
    if (num_classes == -1) num_classes = checked_add(*largest, 1);
    SIMDGRAD_CHECK(*largest < num_classes, "Class values must be smaller than num_classes.");
  }
  Dims sizes(impl(self).size_list());
  sizes.push_back(num_classes);
  Tensor y = zeros_of(sizes, kLong);
  int64_t* to = static_cast<int64_t*>(impl(y).data);
  for (int64_t i = 0; i < n; ++i) to[i * num_classes + id[i]] = 1;
  return y;
}

}  // namespace simdgrad
