// What a situation is, and what several of them need. Included after <torch/torch.h>.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace error_situations {

struct Situation {
  const char* name;
  void (*run)();
  // Our text where libtorch's is an internal assert or has a slip of the pen; nullptr: the same.
  const char* ours = nullptr;
};

inline torch::Tensor leaf(torch::IntArrayRef sizes) {
  return torch::ones(sizes, torch::TensorOptions().requires_grad(true));
}
inline torch::Tensor integers(std::vector<int64_t> values) {
  return torch::tensor(values, torch::TensorOptions().dtype(torch::kLong));
}
inline torch::nn::Embedding sparse_embedding() {
  return torch::nn::Embedding(torch::nn::EmbeddingOptions(10, 3).sparse(true));
}
template <class Optimizer, class Options>
void sparse_step(Options options) {
  auto embedding = sparse_embedding();
  Optimizer optimizer(embedding->parameters(), options);
  for (int step = 0; step < 2; ++step) {
    optimizer.zero_grad();
    embedding->forward(integers({1, 2, 1})).sum().backward();
    optimizer.step();
  }
}
inline void embedding_double_backward(bool sparse) {
  auto embedding = torch::nn::Embedding(torch::nn::EmbeddingOptions(10, 3).sparse(sparse));
  auto y = embedding->forward(integers({1, 2, 1})).pow(2).sum();
  auto v = torch::ones_like(y).requires_grad_(true);
  auto g = torch::autograd::grad({y}, {embedding->weight}, {v}, true, true)[0];
  (sparse ? g.to_dense() : g).sum().backward();
}

using torch::indexing::Slice;
namespace F = torch::nn::functional;

}  // namespace error_situations
