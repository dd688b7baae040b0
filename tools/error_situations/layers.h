// Layers, losses, modules and optimizers.
#pragma once

#include <tuple>

#include "situation.h"

namespace error_situations {

inline std::vector<Situation> layers() {
  return {
      {"embedding id",
       [] {
         torch::embedding(torch::rand({10, 3}), integers({10}));
       }},
      {"embedding id -1",
       [] {
         torch::embedding(torch::rand({10, 3}), integers({-1}));
       }},
      {"embedding float ids",
       [] {
         torch::embedding(torch::rand({10, 3}), torch::rand({2}));
       }},
      {"embedding 1-D weight", [] { torch::embedding(torch::rand({10}), integers({1})); }},
      {"padding_idx",
       [] { torch::nn::Embedding(torch::nn::EmbeddingOptions(10, 3).padding_idx(10)); }},
      {"padding_idx negative",
       [] { torch::nn::Embedding(torch::nn::EmbeddingOptions(10, 3).padding_idx(-11)); },
       "Padding_idx must be within num_embeddings"},
      {"functional padding_idx",
       [] {
         F::embedding(integers({1}), torch::rand({10, 3}),
                      F::EmbeddingFuncOptions().padding_idx(10));
       }},
      {"embedding _weight shape",
       [] {
         torch::nn::Embedding(torch::nn::EmbeddingOptions(10, 3)._weight(torch::rand({9, 3})));
       }},
      {"cross_entropy target",
       [] {
         F::cross_entropy(torch::rand({2, 3}), integers({0, 7}));
       }},
      {"cross_entropy target -1",
       [] {
         F::cross_entropy(torch::rand({2, 3}), integers({0, -1}));
       }},
      {"cross_entropy batch",
       [] {
         F::cross_entropy(torch::rand({3, 4}), integers({0, 1}));
       }},
      {"cross_entropy dtype",
       [] {
         F::cross_entropy(torch::rand({2, 3}), torch::ones({2}, torch::kInt));
       }},
      {"cross_entropy float target 1-D",
       [] {
         F::cross_entropy(torch::rand({2, 3}), torch::rand({2}));
       }},
      {"cross_entropy weight",
       [] {
         F::cross_entropy(torch::rand({2, 3}), integers({0, 1}),
                          F::CrossEntropyFuncOptions().weight(torch::rand({4})));
       }},
      {"cross_entropy label_smoothing",
       [] {
         F::cross_entropy(torch::rand({2, 3}), integers({0, 1}),
                          F::CrossEntropyFuncOptions().label_smoothing(1.5));
       }},
      {"cross_entropy 0-D", [] { F::cross_entropy(torch::rand({}), integers({0})); }},
      {"nll_loss target",
       [] {
         F::nll_loss(torch::rand({2, 3}), integers({0, 7}));
       }},
      {"nll_loss weight",
       [] {
         F::nll_loss(torch::rand({2, 3}), integers({0, 1}),
                     F::NLLLossFuncOptions().weight(torch::rand({4})));
       }},
      {"nll_loss batch",
       [] {
         F::nll_loss(torch::rand({3, 4}), integers({0, 1}));
       }},
      {"nll_loss dtype",
       [] {
         F::nll_loss(torch::rand({2, 3}), torch::rand({2}));
       }},
      {"mse_loss sizes",
       [] {
         F::mse_loss(torch::rand({2, 3}), torch::rand({4}));
       }},
      {"bce logits size",
       [] {
         F::binary_cross_entropy_with_logits(torch::rand({3, 1}), torch::rand({3}));
       }},
      {"layer_norm",
       [] {
         F::layer_norm(torch::rand({2, 3}), F::LayerNormFuncOptions({4}));
       }},
      {"layer_norm weight",
       [] {
         F::layer_norm(torch::rand({2, 3}), F::LayerNormFuncOptions({3}).weight(torch::rand({4})));
       }},
      {"layer_norm empty shape",
       [] {
         F::layer_norm(torch::rand({2, 3}), F::LayerNormFuncOptions(std::vector<int64_t>{}));
       }},
      {"dropout p", [] { F::dropout(torch::rand({3}), F::DropoutFuncOptions().p(1.5)); }},
      {"dropout module p", [] { torch::nn::Dropout(1.5)->forward(torch::rand({3})); }},
      {"gelu approximate", [] { torch::gelu(torch::rand({3}), "none of them"); }},
      {"register dup",
       [] {
         torch::nn::Module module;
         module.register_parameter("w", torch::rand({2}));
         module.register_parameter("w", torch::rand({2}));
       }},
      {"register dup buffer",
       [] {
         torch::nn::Module module;
         module.register_buffer("w", torch::rand({2}));
         module.register_buffer("w", torch::rand({2}));
       }},
      {"register dot",
       [] {
         torch::nn::Module module;
         module.register_parameter("w.x", torch::rand({2}));
       }},
      {"register empty name",
       [] {
         torch::nn::Module module;
         module.register_parameter("", torch::rand({2}));
       }},
      {"register int parameter",
       [] {
         torch::nn::Module module;
         module.register_parameter("w", integers({1}));
       }},
      {"sequential empty", [] { torch::nn::Sequential()->forward(torch::rand({2})); }},
  };
}

inline std::vector<Situation> optimizers() {
  using torch::optim::AdamOptions;
  using torch::optim::AdamWOptions;
  using torch::optim::SGDOptions;
  return {
      {"sparse gradient, SGD (.1)", [] { sparse_step<torch::optim::SGD>(SGDOptions(.1)); }},
      {"sparse gradient, SGD (.1).momentum(.9)",
       [] { sparse_step<torch::optim::SGD>(SGDOptions(.1).momentum(.9)); }},
      {"sparse gradient, SGD (.1).weight_decay(.1)",
       [] { sparse_step<torch::optim::SGD>(SGDOptions(.1).weight_decay(.1)); }},
      {"sparse gradient, Adam (.1)", [] { sparse_step<torch::optim::Adam>(AdamOptions(.1)); }},
      {"sparse gradient, AdamW (.1)", [] { sparse_step<torch::optim::AdamW>(AdamWOptions(.1)); }},
      {"SGD lr -1", [] { torch::optim::SGD({leaf({2})}, SGDOptions(-1)); }},
      {"SGD momentum -1", [] { torch::optim::SGD({leaf({2})}, SGDOptions(.1).momentum(-1)); }},
      {"SGD weight_decay -1",
       [] { torch::optim::SGD({leaf({2})}, SGDOptions(.1).weight_decay(-1)); }},
      {"SGD nesterov", [] { torch::optim::SGD({leaf({2})}, SGDOptions(.1).nesterov(true)); }},
      {"Adam lr -1", [] { torch::optim::Adam({leaf({2})}, AdamOptions(-1)); }},
      {"Adam eps -1", [] { torch::optim::Adam({leaf({2})}, AdamOptions(.1).eps(-1)); }},
      {"Adam betas",
       [] { torch::optim::Adam({leaf({2})}, AdamOptions(.1).betas(std::make_tuple(1.5, .9))); }},
      {"Adam beta 2",
       [] { torch::optim::Adam({leaf({2})}, AdamOptions(.1).betas(std::make_tuple(.9, -1.))); }},
      {"Adam weight_decay -1",
       [] { torch::optim::Adam({leaf({2})}, AdamOptions(.1).weight_decay(-1)); }},
      {"AdamW lr -1", [] { torch::optim::AdamW({leaf({2})}, AdamWOptions(-1)); }},
      {"AdamW weight_decay -1",
       [] { torch::optim::AdamW({leaf({2})}, AdamWOptions(.1).weight_decay(-1)); }},
      {"SGD no parameters",
       [] { torch::optim::SGD(std::vector<torch::Tensor>{}, SGDOptions(.1)); }},
      {"SGD non-leaf", [] { torch::optim::SGD({leaf({2}) * 2}, SGDOptions(.1)); }},
      {"SGD same parameter twice",
       [] {
         auto x = leaf({2});
         torch::optim::SGD optimizer(std::vector<torch::Tensor>{x}, SGDOptions(.1));
         optimizer.add_param_group(std::vector<torch::Tensor>{x});
       }},
  };
}

}  // namespace error_situations
