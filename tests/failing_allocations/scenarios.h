// Small trainings, a step of each cut into phases, for the test that makes their allocations fail.
#pragma once

#include <simdgrad/simdgrad.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace failing_allocations {

using namespace simdgrad;

// A piece of a step that happens as a whole or not at all.
struct Phase {
  const char* name;
  std::function<void()> run;
  // After a failure: once more as it stands. Otherwise the step begins again, as after a backward
  // that has released half of its graph.
  bool repeatable = true;
};

// A model, its optimizers and the intermediate results of the present step.
struct Training {
  std::vector<Phase> phases;
  std::vector<Tensor> parameters;
  std::vector<std::unique_ptr<optim::Optimizer>> optimizers;
  std::vector<Tensor> results = std::vector<Tensor>(8);  // of the present step
  std::vector<std::shared_ptr<void>> kept;               // whatever else has to live as long

  // Begins a step: no gradients, nothing left of the last one.
  void clear() {
    for (Tensor& result : results) result.reset();
    for (Tensor& parameter : parameters) parameter.mutable_grad().reset();
  }
};

struct Scenario {
  const char* name;
  void (*build)(Training&);
};

const std::vector<Scenario>& scenarios();

}  // namespace failing_allocations
