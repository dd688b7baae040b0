// The history of a tensor one of whose views was changed in place.
#pragma once

#include "autograd/record.h"

namespace simdgrad {

// base' = base with the part that `view` shows replaced by what `function` made of it. The gradient
// of base' goes to base, with that part replaced by the function's gradient of it; the function's
// other gradients go where they would have gone.
class CopySlices final : public Node {
 public:
  // Edge 0 of `function` belongs to the view as it was.
  CopySlices(const Tensor& base, const Tensor& view, NodePtr function);
  ~CopySlices() override;
  std::string name() const override { return "torch::autograd::CopySlices"; }

 protected:
  void backward(Gradients& d) override;
  void release_variables() override;

 private:
  struct Geometry {
    explicit Geometry(const Tensor& of);
    Dims sizes, strides;
    int64_t offset;
  };

  NodePtr function_;
  Geometry base_, view_;
  uint32_t count_;
  detail::RawEdge* list_;
};

}  // namespace simdgrad
