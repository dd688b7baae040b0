// The end of the graph: adds what arrives to the grad() of a leaf.
#pragma once

#include "autograd/record.h"

namespace simdgrad {

class AccumulateGrad final : public Node {
 public:
  explicit AccumulateGrad(Tensor leaf);
  ~AccumulateGrad() override;
  std::string name() const override { return "torch::autograd::AccumulateGrad"; }
  const Tensor& variable() const { return leaf_; }

 protected:
  void backward(Gradients& d) override;

 private:
  Tensor leaf_;
};

// The accumulator of a leaf that requires grad: the living one, or a new one. One count is the
// caller's.
Node* grad_accumulator(const Tensor& leaf);

// sum += more, dense or row-sparse: in place where nobody can see it and no graph is wanted. Also used
// by the engine for gradients that meet at a node.
void add_gradient(Tensor& sum, Tensor more, bool create_graph);

// Can its numbers be changed without anybody noticing?
bool is_unshared(const Tensor& tensor);

}  // namespace simdgrad
