// Records libtorch's error texts for tests/data/error_texts.tsv: name, tab, the first line of
// what_without_backtrace() ("accepted" where nothing is thrown), lists of backends cut off.
// Rows below the line "# later" belong to parts of the interface that we do not have yet.

#include <torch/torch.h>

#include <exception>
#include <iostream>
#include <string>

#include "error_situations/all.h"

namespace {

using error_situations::integers;
using error_situations::Situation;
using error_situations::sparse_step;
namespace F = torch::nn::functional;

torch::Tensor bag(F::EmbeddingBagFuncOptions options, torch::Tensor ids = integers({1, 2, 3})) {
  auto weight = torch::rand({10, 3}, torch::requires_grad());
  return F::embedding_bag(ids, weight, options);
}
F::EmbeddingBagFuncOptions offsets(std::vector<int64_t> values) {
  return F::EmbeddingBagFuncOptions().offsets(integers(std::move(values)));
}
std::vector<torch::Tensor> sparse_parameters() {
  auto embedding = error_situations::sparse_embedding();
  embedding->forward(integers({1, 1})).sum().backward();
  return embedding->parameters();
}

std::vector<Situation> later() {
  using namespace torch::optim;
  return {
      {"double backward, embedding_bag",
       [] {
         auto weight = torch::rand({10, 3}, torch::requires_grad());
         auto y = F::embedding_bag(integers({1, 2}), weight, offsets({0})).pow(2).sum();
         auto g = torch::autograd::grad({y}, {weight}, {}, true, true)[0];
         g.sum().backward();
       }},
      {"bag max, sparse", [] { bag(offsets({0}).mode(torch::kMax).sparse(true)); }},
      {"bag max, scale_grad_by_freq",
       [] { bag(offsets({0}).mode(torch::kMax).scale_grad_by_freq(true)); }},
      {"bag mean, per_sample_weights",
       [] { bag(offsets({0}).mode(torch::kMean).per_sample_weights(torch::rand({3}))); }},
      {"bag id",
       [] {
         bag(offsets({0}), integers({11, 0}));
       }},
      {"bag offsets[0]",
       [] {
         bag(offsets({1, 2}));
       }},
      {"bag offsets[-1]",
       [] {
         bag(offsets({0, 5}));
       }},
      {"bag offsets not rising",
       [] {
         bag(offsets({0, 2, 1}));
       }},
      {"bag 2-D with offsets",
       [] {
         bag(offsets({0}), torch::ones({2, 2}, torch::kLong));
       }},
      {"bag 3-D",
       [] {
         bag({}, torch::ones({2, 2, 2}, torch::kLong));
       }},
      {"bce range", [] { F::binary_cross_entropy(torch::full({2}, 1.5), torch::ones({2})); }},
      {"sparse gradient, Adagrad (.1)", [] { sparse_step<Adagrad>(AdagradOptions(.1)); }},
      {"sparse gradient, Adagrad (.1).weight_decay(.1)",
       [] { sparse_step<Adagrad>(AdagradOptions(.1).weight_decay(.1)); }},
      {"sparse gradient, RMSprop (.1)", [] { sparse_step<RMSprop>(RMSpropOptions(.1)); }},
      {"clip_grad_norm_ sparse, 2",
       [] { torch::nn::utils::clip_grad_norm_(sparse_parameters(), 1); }},
      {"clip_grad_norm_ sparse, inf",
       [] {
         torch::nn::utils::clip_grad_norm_(sparse_parameters(), 1,
                                           std::numeric_limits<double>::infinity());
       }},
      {"clip_grad_value_ sparse",
       [] { torch::nn::utils::clip_grad_value_(sparse_parameters(), 1); }},
      {"load missing",
       [] {
         torch::Tensor x;
         torch::load(x, "no_such_file.pt");
       }},
  };
}

std::string outcome(const Situation& situation) {
  std::string text = "accepted";
  try {
    situation.run();
  } catch (const c10::Error& error) {
    text = error.what_without_backtrace();
  } catch (const std::exception& error) {
    text = std::string("std::exception: ") + error.what();
  }
  text = text.substr(0, text.find('\n'));
  const std::string no_kernel = "' backend.";
  const auto end = text.find(no_kernel);
  return end == std::string::npos ? text : text.substr(0, end + no_kernel.size());
}

}  // namespace

int main() {
  torch::manual_seed(1);
  std::cout << "# made by tools/record_errors.cpp with libtorch " << TORCH_VERSION << "\n";
  for (const Situation& situation : error_situations::all()) {
    std::cout << situation.name << "\t" << outcome(situation) << std::endl;
  }
  std::cout << "# later\n";
  for (const Situation& situation : later()) {
    std::cout << situation.name << "\t" << outcome(situation) << std::endl;
  }
}
