// Tensors as text.
#include "tests/fuzz/calls/show.h"

namespace fuzz {

std::string show_tensor(const simdgrad::Tensor& x) {
  if (!x.defined()) return "undefined";
  std::ostringstream out;
  out << simdgrad::to_string(x.scalar_type()) << ' ' << x.sizes();
  if (x.is_sparse()) {
    out << " sparse, indices " << x._indices() << ", values of " << x._values().sizes();
  } else {
    out << " strides " << x.strides() << " offset " << x.storage_offset();
  }
  if (x.requires_grad()) out << (x.is_leaf() ? ", a leaf that requires grad" : ", requires grad");
  if (x.is_view()) out << ", a view";
  if (!x.is_sparse() && x.numel() <= 24) out << ": " << x.detach().reshape({-1});
  return out.str();
}

}  // namespace fuzz
