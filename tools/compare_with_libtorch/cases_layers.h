// Losses, layers, factories and optimizers.
#pragma once

#include "case.h"

namespace compare {

inline void add_losses(Ops& ops) {
  const auto loss = [&ops](const char* name, std::function<Outputs(Case&, Tensor, Tensor)> f) {
    ops.push_back({name, [f](Case& c) {
                     const int64_t classes = c.m + 1;
                     Tensor logits = c.x({c.n, classes}, -4, 4);
                     return f(c, logits, c.ids(classes, {c.n}));
                   }});
  };
  using CrossEntropy = F::CrossEntropyFuncOptions;
  loss("nll_loss",
       [](Case&, Tensor x, Tensor y) { return Outputs{F::nll_loss(torch::log_softmax(x, 1), y)}; });
  loss("nll_loss_weight", [](Case& c, Tensor x, Tensor y) {
    const auto options = F::NLLLossFuncOptions().weight(c.values({x.size(1)}, c.dtype(), 0.5, 2));
    return Outputs{F::nll_loss(torch::log_softmax(x, 1), y, options)};
  });
  loss("cross_entropy", [](Case&, Tensor x, Tensor y) { return Outputs{F::cross_entropy(x, y)}; });
  loss("cross_entropy_sum", [](Case&, Tensor x, Tensor y) {
    return Outputs{F::cross_entropy(x, y, CrossEntropy().reduction(torch::kSum))};
  });
  loss("cross_entropy_none", [](Case&, Tensor x, Tensor y) {
    return Outputs{F::cross_entropy(x, y, CrossEntropy().reduction(torch::kNone))};
  });
  loss("cross_entropy_weight", [](Case& c, Tensor x, Tensor y) {
    const Tensor weight = c.values({x.size(1)}, c.dtype(), 0.5, 2);
    return Outputs{F::cross_entropy(x, y, CrossEntropy().weight(weight))};
  });
  loss("cross_entropy_ignore", [](Case&, Tensor x, Tensor y) {
    return Outputs{F::cross_entropy(x, y, CrossEntropy().ignore_index(1).reduction(torch::kSum))};
  });
  loss("cross_entropy_smoothing", [](Case&, Tensor x, Tensor y) {
    return Outputs{F::cross_entropy(x, y, CrossEntropy().label_smoothing(0.1))};
  });
  loss("cross_entropy_everything", [](Case& c, Tensor x, Tensor y) {
    const Tensor weight = c.values({x.size(1)}, c.dtype(), 0.5, 2);
    auto options = CrossEntropy().weight(weight).label_smoothing(0.2).ignore_index(0);
    return Outputs{F::cross_entropy(x, y, options.reduction(torch::kNone))};
  });
  loss("cross_entropy_probabilities", [](Case& c, Tensor x, Tensor) {
    return Outputs{F::cross_entropy(x, c.x({c.n, x.size(1)}, 0, 1))};
  });
  loss("mse_loss", [](Case& c, Tensor x, Tensor) {
    return Outputs{F::mse_loss(x, c.x({c.n, x.size(1)}))};
  });
  loss("mse_loss_none", [](Case& c, Tensor x, Tensor) {
    const auto options = F::MSELossFuncOptions().reduction(torch::kNone);
    return Outputs{F::mse_loss(x, c.x({c.n, x.size(1)}), options)};
  });
  loss("bce_with_logits", [](Case& c, Tensor x, Tensor) {
    return Outputs{
        F::binary_cross_entropy_with_logits(x, c.values({c.n, x.size(1)}, c.dtype(), 0, 1))};
  });
  loss("bce_with_logits_weights", [](Case& c, Tensor x, Tensor) {
    const Tensor weight = c.values({x.size(1)}, c.dtype(), 0.5, 2);
    const Tensor positive = c.values({x.size(1)}, c.dtype(), 0.5, 2);
    const auto options =
        F::BinaryCrossEntropyWithLogitsFuncOptions().weight(weight).pos_weight(positive).reduction(
            torch::kSum);
    return Outputs{F::binary_cross_entropy_with_logits(
        x, c.values({c.n, x.size(1)}, c.dtype(), 0, 1), options)};
  });
  loss("layer_norm", [](Case&, Tensor x, Tensor) {
    return Outputs{F::layer_norm(x, F::LayerNormFuncOptions({x.size(1)}).eps(0.1))};
  });
  loss("layer_norm_affine", [](Case& c, Tensor x, Tensor) {
    const Tensor weight = c.x({x.size(1)}), bias = c.x({x.size(1)});
    const auto options = F::LayerNormFuncOptions({x.size(1)}).weight(weight).bias(bias).eps(0.1);
    return Outputs{F::layer_norm(x, options)};
  });
  loss("layer_norm_2d", [](Case&, Tensor x, Tensor) {
    return Outputs{F::layer_norm(x, F::LayerNormFuncOptions(x.sizes().vec()).eps(0.1))};
  });
  loss("dropout", [](Case&, Tensor x, Tensor) {
    return Outputs{F::dropout(x.contiguous(), F::DropoutFuncOptions().p(0.3))};
  });
  loss("one_hot", [](Case&, Tensor x, Tensor y) { return Outputs{torch::one_hot(y, x.size(1))}; });
}

inline void add_embeddings(Ops& ops) {
  const auto embed = [&ops](const char* name, int64_t padding, bool scale, bool sparse) {
    ops.push_back({name, [=](Case& c) {
                     const Tensor weight = c.x({c.n + 2, c.m});
                     return Outputs{torch::embedding(weight, c.ids(c.n + 2, {c.b, 7}), padding,
                                                     scale, sparse)};
                   }});
  };
  embed("embedding", -1, false, false);
  embed("embedding_padding", 1, false, false);
  embed("embedding_scale", -1, true, false);
  embed("embedding_padding_scale", 0, true, false);
  ops.push_back(
      {"embedding_sparse", [](Case& c) {
         Tensor weight = c.values({c.n + 2, c.m}, c.dtype(), -2, 2);
         weight.requires_grad_(true);
         c.leaves.push_back(weight);
         return Outputs{torch::embedding(weight, c.ids(c.n + 2, {c.b, 7}), 1, false, true)};
       }});
}

inline void add_factories(Ops& ops) {
  const auto make = [&ops](const char* name,
                           std::function<Outputs(Case&, torch::TensorOptions)> f) {
    ops.push_back({name, [f](Case& c) { return f(c, torch::TensorOptions().dtype(c.dtype())); }});
  };
  using Options = torch::TensorOptions;
  make("arange", [](Case& c, Options o) {
    const double n = static_cast<double>(c.n), m = static_cast<double>(c.m);
    return Outputs{torch::arange(c.n), torch::arange(c.n, o), torch::arange(-m, n, 0.3, o),
                   torch::arange(n * 50, -m, -0.7, o)};
  });
  make("linspace", [](Case& c, Options o) {
    const double n = static_cast<double>(c.n);
    return Outputs{torch::linspace(-n, 0.3, c.m, o), torch::linspace(1, n, 57, o)};
  });
  make("eye", [](Case& c, Options o) {
    return Outputs{torch::eye(c.n, o), torch::eye(c.n, c.m, o)};
  });
  make("full", [](Case& c, Options o) {
    return Outputs{torch::full({c.n, c.m}, 0.1, o), torch::zeros({c.n}, o),
                   torch::ones({c.m}, o),           torch::full_like(c.x({c.n, c.m}), 7),
                   torch::zeros_like(c.x({c.n})),   torch::ones_like(c.x({c.n}))};
  });
  make("rand", [](Case& c, Options o) {
    return Outputs{torch::rand({c.n, c.m}, o), torch::rand_like(c.x({c.n, c.m}).contiguous()),
                   torch::empty({c.n, 7}, o).uniform_(-0.3, 1.7)};
  });
  make("randn", [](Case& c, Options o) {
    return Outputs{torch::randn({c.n, c.m}, o), torch::randn({c.n + 16}, o),
                   torch::empty({c.n, 7}, o).normal_(-2, 0.3)};
  });
  make("randint", [](Case& c, Options o) {
    return Outputs{torch::randint(100, {c.n, c.m}), torch::randint(-5, 7, {c.n}, o),
                   torch::randint(0, int64_t{1} << 40, {c.n})};
  });
  make("randperm", [](Case& c, Options) { return Outputs{torch::randperm(c.n * c.m)}; });
  make("bernoulli_", [](Case& c, Options o) {
    return Outputs{torch::empty({c.n, c.m}, o).bernoulli_(0.3)};
  });
}

// Weights after ten steps on a fixed quadratic loss.
template <class Optimizer, class Options>
Outputs optimise(Case& c, Options options) {
  Tensor weight = c.values({c.n, c.m}, c.dtype(), -2, 2);
  weight.requires_grad_(true);
  const Tensor target = c.values({c.n, c.m}, c.dtype(), -2, 2);
  Optimizer optimizer(std::vector<Tensor>{weight}, options);
  for (int step = 0; step < 10; ++step) {
    optimizer.zero_grad();
    (weight - target).pow(2).sum().backward();
    optimizer.step();
  }
  return {weight.detach()};
}

inline void add_optimizers(Ops& ops) {
  using namespace torch::optim;
  const auto add = [&ops](const char* name, std::function<Outputs(Case&)> f) {
    ops.push_back({name, std::move(f)});
  };
  add("SGD", [](Case& c) { return optimise<SGD>(c, SGDOptions(0.1)); });
  add("SGD_momentum", [](Case& c) { return optimise<SGD>(c, SGDOptions(0.02).momentum(0.9)); });
  add("SGD_nesterov", [](Case& c) {
    return optimise<SGD>(c, SGDOptions(0.02).momentum(0.9).nesterov(true).weight_decay(0.01));
  });
  add("SGD_dampening",
      [](Case& c) { return optimise<SGD>(c, SGDOptions(0.02).momentum(0.9).dampening(0.5)); });
  add("Adam", [](Case& c) { return optimise<Adam>(c, AdamOptions(0.1)); });
  add("Adam_amsgrad", [](Case& c) {
    return optimise<Adam>(
        c, AdamOptions(0.1).weight_decay(0.01).amsgrad(true).betas(std::make_tuple(0.8, 0.99)));
  });
  add("AdamW", [](Case& c) { return optimise<AdamW>(c, AdamWOptions(0.1)); });
  add("AdamW_amsgrad", [](Case& c) {
    return optimise<AdamW>(c, AdamWOptions(0.1).weight_decay(0.1).amsgrad(true).eps(1e-4));
  });
}

}  // namespace compare
