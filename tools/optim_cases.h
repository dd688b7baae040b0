// Optimizers and options whose steps are recorded. Included after <torch/torch.h> by
// tools/record_optim.cpp, which asks libtorch, and by the test that compares.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace optim_cases {

using torch::Tensor;
using Parameters = std::vector<Tensor>;
// Called after every step with the case's name, the step and the parameters.
using Visit = std::function<void(const std::string&, int, const Parameters&)>;

constexpr int kSteps = 6;

inline Parameters parameters() {
  const auto options = torch::TensorOptions().dtype(torch::kDouble);
  Parameters result = {torch::arange(-1, 1, 0.5, options).view({2, 2}), torch::arange(3, options)};
  for (Tensor& parameter : result) parameter.requires_grad_(true);
  return result;
}

// The second parameter has no gradient in every third step.
inline Tensor loss_of(const Parameters& w, int step) {
  const Tensor first = (w[0] - 0.3).pow(2).sum() + (w[0] * (1.0 + step)).sin().sum();
  return step % 3 == 1 ? first : first + (w[1] - 1.5).pow(4).mean() * 0.1;
}

template <class Optimizer>
void run(const std::string& name, Optimizer& optimizer, const Parameters& w, const Visit& visit,
         const std::function<void(int)>& before = {}) {
  for (int step = 0; step < kSteps; ++step) {
    if (before) before(step);
    optimizer.zero_grad();
    loss_of(w, step).backward();
    optimizer.step();
    visit(name, step, w);
  }
}

template <class Optimizer, class Options>
void run(const std::string& name, Options options, const Visit& visit) {
  const Parameters w = parameters();
  Optimizer optimizer(w, options);
  run(name, optimizer, w, visit);
}

inline void visit_sgd(const Visit& visit) {
  using torch::optim::SGD;
  using Options = torch::optim::SGDOptions;
  for (const double momentum : {0.0, 0.9}) {
    for (const double dampening : {0.0, 0.4}) {
      for (const double decay : {0.0, 0.1}) {
        for (const bool nesterov : {false, true}) {
          if (nesterov && (momentum == 0 || dampening != 0)) continue;
          const std::string name = "SGD momentum " + std::to_string(momentum) + " dampening " +
                                   std::to_string(dampening) + " decay " + std::to_string(decay) +
                                   (nesterov ? " nesterov" : "");
          Options options(0.1);
          options.momentum(momentum).dampening(dampening).weight_decay(decay).nesterov(nesterov);
          run<SGD>(name, options, visit);
        }
      }
    }
  }
}

template <class Optimizer, class Options>
void visit_adam(const std::string& kind, const Visit& visit) {
  for (const double decay : {0.0, 0.1}) {
    for (const bool amsgrad : {false, true}) {
      for (const bool betas : {false, true}) {
        Options options(0.1);
        options.weight_decay(decay).amsgrad(amsgrad);
        if (betas) options.betas(std::make_tuple(0.5, 0.7)).eps(1e-3);
        run<Optimizer>(kind + " decay " + std::to_string(decay) + (amsgrad ? " amsgrad" : "") +
                           (betas ? " betas .5 .7 eps 1e-3" : ""),
                       options, visit);
      }
    }
  }
}

// Groups with options of their own, and a rate that changes on the way.
template <class Optimizer, class Options>
void visit_groups(const std::string& kind, const Visit& visit) {
  const Parameters w = parameters();
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(std::vector<Tensor>{w[0]});
  groups.emplace_back(std::vector<Tensor>{w[1]}, std::make_unique<Options>(0.02));
  Optimizer optimizer(groups, Options(0.1).weight_decay(0.05));
  run(kind + " groups", optimizer, w, visit, [&](int step) {
    if (step != 3) return;
    for (auto& group : optimizer.param_groups()) {
      auto& options = static_cast<Options&>(group.options());
      options.lr(options.lr() / 10);
    }
  });
}

// An embedding whose gradient is row-sparse, or the same one dense; ids repeat, and row 4 is never
// looked up.
template <class Options>
void visit_embedding(const std::string& name, Options options, bool sparse, const Visit& visit) {
  const auto doubles = torch::TensorOptions().dtype(torch::kDouble);
  Tensor weight = torch::arange(15, doubles).view({5, 3}) / 8;
  weight.requires_grad_(true);
  const std::vector<std::vector<int64_t>> ids = {{0, 1, 1}, {2, 0, 2}, {3, 3, 3},
                                                 {1, 2, 3}, {0, 0, 0}, {2, 1, 0}};
  torch::optim::SGD optimizer(Parameters{weight}, options);
  for (int step = 0; step < kSteps; ++step) {
    optimizer.zero_grad();
    const auto longs = torch::TensorOptions().dtype(torch::kLong);
    const Tensor index = torch::tensor(ids[static_cast<size_t>(step)], longs);
    torch::embedding(weight, index, -1, false, sparse).pow(2).sum().backward();
    optimizer.step();
    visit(name, step, {weight});
  }
}

inline void visit_sparse(bool sparse, const Visit& visit) {
  using Options = torch::optim::SGDOptions;
  visit_embedding("sparse SGD", Options(0.1), sparse, visit);
  visit_embedding("sparse SGD momentum", Options(0.1).momentum(0.9), sparse, visit);
  visit_embedding("sparse SGD dampening", Options(0.1).momentum(0.9).dampening(0.3), sparse, visit);
  visit_embedding("sparse SGD nesterov", Options(0.1).momentum(0.9).nesterov(true), sparse, visit);
}

inline void visit_all(const Visit& visit) {
  using namespace torch::optim;
  visit_sgd(visit);
  visit_adam<Adam, AdamOptions>("Adam", visit);
  visit_adam<AdamW, AdamWOptions>("AdamW", visit);
  visit_groups<SGD, SGDOptions>("SGD", visit);
  visit_groups<Adam, AdamOptions>("Adam", visit);
  visit_groups<AdamW, AdamWOptions>("AdamW", visit);
  visit_sparse(true, visit);
}

}  // namespace optim_cases
