// The end of the graph: adds what arrives to the grad() of a leaf.
#pragma once

#include "autograd/record.h"

namespace simdgrad {

// A leaf makes one when a graph first reaches it, and owns it. Who counts on the node counts on the leaf
// (retain_node, release_node): neither keeps the other alive, and a graph that is built anew in each
// step finds its accumulators ready.
class AccumulateGrad final : public Node {
 public:
  explicit AccumulateGrad(TensorImpl& leaf);  // which outlives it
  ~AccumulateGrad() override { leaf_.surrender(); }
  std::string name() const override { return "torch::autograd::AccumulateGrad"; }
  const Tensor& variable() const { return leaf_; }

 protected:
  void backward(Gradients& d) override;

 private:
  Tensor leaf_;  // a handle without a count of its own
};

// The accumulator of a leaf that requires grad. One count is the caller's.
Node* grad_accumulator(const Tensor& leaf);

// sum + more, dense or row-sparse, out of place.
Tensor sum_of(const Tensor& sum, const Tensor& more);
// sum += more for gradients that meet at a node: in place where nobody can see it and no graph is
// wanted.
void add_gradient(Tensor& sum, Tensor more, bool create_graph);

// Can its numbers be changed without anybody noticing?
bool is_unshared(const Tensor& tensor);

}  // namespace simdgrad
