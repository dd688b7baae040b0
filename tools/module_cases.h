// Modules and random fills whose numbers are recorded: name and what to run. Included after
// <torch/torch.h> by tools/record_modules.cpp, which asks libtorch, and by the test that compares.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace module_cases {

namespace nn = torch::nn;
namespace F = torch::nn::functional;
using Named = std::vector<std::pair<std::string, torch::Tensor>>;
using Run = std::function<void(const std::string&, const std::function<Named()>&)>;

template <class Module>
Named parameters(const Module& module) {
  Named result;
  for (const auto& item : module->named_parameters()) result.emplace_back(item.key(), item.value());
  return result;
}

// Calls run with every case. A case runs after manual_seed(24) and ends with one more draw,
// rand({1}), named "next": it tells how many numbers were drawn.
inline void visit(const Run& run) {
  run("Linear(4, 5)", [] { return parameters(nn::Linear(4, 5)); });
  run("Linear(4, 5).bias(false)",
      [] { return parameters(nn::Linear(nn::LinearOptions(4, 5).bias(false))); });
  run("Linear(1, 3)", [] { return parameters(nn::Linear(1, 3)); });
  run("Embedding(5, 4)", [] { return parameters(nn::Embedding(5, 4)); });
  run("Embedding(5, 2).padding_idx(1)",
      [] { return parameters(nn::Embedding(nn::EmbeddingOptions(5, 2).padding_idx(1))); });
  run("LayerNorm(3)", [] { return parameters(nn::LayerNorm(nn::LayerNormOptions({3}))); });
  run("Sequential",
      [] { return parameters(nn::Sequential(nn::Linear(2, 3), nn::ReLU(), nn::Linear(3, 1))); });
  run("dropout 0.5", [] { return Named{{"y", F::dropout(torch::ones({20}))}}; });
  run("dropout 0.3 of transposed", [] {
    const auto options = F::DropoutFuncOptions().p(0.3);
    return Named{{"y", F::dropout(torch::ones({4, 5}).t(), options)}};
  });
  run("dropout 0", [] {
    return Named{{"y", F::dropout(torch::ones({5}), F::DropoutFuncOptions().p(0.))}};
  });
  run("dropout 1", [] {
    return Named{{"y", F::dropout(torch::ones({5}), F::DropoutFuncOptions().p(1.))}};
  });
  run("dropout not training", [] {
    return Named{{"y", F::dropout(torch::ones({5}), F::DropoutFuncOptions().training(false))}};
  });
  run("uniform_ of transposed", [] {
    return Named{{"y", torch::zeros({2, 3}).t().uniform_(-1, 2)}};
  });
  run("uniform_ of every other", [] {
    return Named{{"y", torch::zeros({2, 6}).slice(1, 0, 6, 2).uniform_()}};
  });
  run("uniform_ of permuted", [] {
    return Named{{"y", torch::zeros({2, 3, 4}).permute({1, 2, 0}).uniform_()}};
  });
  run("normal_ of transposed", [] { return Named{{"y", torch::zeros({4, 6}).t().normal_()}}; });
  run("random_ of transposed", [] {
    return Named{{"y", torch::zeros({2, 3}).t().random_(0, 100)}};
  });
  run("bernoulli_ of transposed", [] {
    return Named{{"y", torch::zeros({2, 3}).t().bernoulli_(0.5)}};
  });
  run("rand_like of transposed", [] {
    return Named{{"y", torch::rand_like(torch::zeros({2, 3}).t())}};
  });
  run("uniform_ of empty", [] { return Named{{"y", torch::zeros({0}).uniform_()}}; });
  run("randn 15", [] { return Named{{"y", torch::randn({15})}}; });
  run("xavier_uniform_", [] {
    return Named{{"y", nn::init::xavier_uniform_(torch::zeros({3, 4}))}};
  });
  run("kaiming_uniform_", [] {
    return Named{{"y", nn::init::kaiming_uniform_(torch::zeros({3, 4}))}};
  });
}

}  // namespace module_cases
