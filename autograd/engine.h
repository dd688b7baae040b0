// The traversal behind backward() and grad().
#pragma once

#include <simdgrad/autograd.h>

#include "autograd/record.h"

namespace simdgrad {

struct BackwardOptions {
  bool retain_graph = false;
  bool create_graph = false;
  // With inputs: add to their grad() (backward) instead of returning their gradients (grad).
  bool accumulate = false;
};

// A gradient that is wanted: of output `output_nr` of `node`, or what AccumulateGrad `node` receives.
struct Capture {
  Node* node;
  uint32_t input_nr;
  Tensor gradient;
};

// Runs the graph below `count` roots (edges, and the gradients that enter there, which are taken
// away). Without captures, every leaf below accumulates; with captures, only what they need runs and
// their gradients are filled in. Allocates nothing from the system once its caches are warm.
void run_backward(const Edge* roots, Tensor* gradients, size_t count,
                  std::vector<Capture>& captures, const BackwardOptions& options);

}  // namespace simdgrad
