// Records libtorch's node names for tests/data/grad_fn_names.tsv: expression, tab, name. "x:" rows
// give the name of x's node after the statement, "next_edges:" rows the names of the node's inputs.

#include <torch/torch.h>

#include <iostream>

#include "grad_fn_expressions.h"

int main() {
  torch::manual_seed(1);
  std::cout << "# made by tools/record_grad_fn.cpp with libtorch " << TORCH_VERSION << "\n";
  for (const auto& [expression, name] : grad_fn_expressions::all()) {
    std::cout << expression << "\t" << name << "\n";
  }
}
