// A program of its own, with an operator new that can fail. Every allocation of a training step fails
// once, in turn: the library's by its hook, those of the standard containers here. After each, what
// was there is there, nothing has leaked, and the training goes on to the bits of an unbroken one.
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <new>
#include <sstream>

#include "core/tensor_impl.h"
#include "core/testing_hooks.h"
#include "tests/catch.h"
#include "tests/failing_allocations/scenarios.h"
#include "tests/machine_settings.h"

namespace {
// Calls of operator new until one fails, and whether the later ones fail too; 0: none does.
long until_failure = 0;
bool keep_failing = false;
bool has_failed = false;

void* obtain(size_t bytes) {
  if (until_failure != 0 && (until_failure < 0 || --until_failure == 0)) {
    has_failed = true;
    until_failure = keep_failing ? -1 : 0;
    throw std::bad_alloc();
  }
  if (void* const block = std::malloc(bytes == 0 ? 1 : bytes)) return block;
  throw std::bad_alloc();
}
}  // namespace

void* operator new(size_t bytes) { return obtain(bytes); }
void* operator new[](size_t bytes) { return obtain(bytes); }
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  try {
    return obtain(bytes);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete(void* block, size_t) noexcept { std::free(block); }
void operator delete[](void* block, size_t) noexcept { std::free(block); }

namespace failing_allocations {
namespace {

constexpr int kSteps = 3;

// --- who fails -----------------------------------------------------------------------------------

enum class Source { library, operator_new };

struct Failure {
  Source source;
  bool persistent;

  void arm(long n) const {
    if (source == Source::library) {
      testing::fail_allocation(n, persistent);
      return;
    }
    has_failed = false;
    keep_failing = persistent;
    until_failure = n;
  }
  // Whether one failed since.
  bool disarm() const {
    until_failure = 0;
    if (source == Source::operator_new) return has_failed;
    const bool failed = testing::allocation_failed();
    testing::fail_allocation(0, false);
    return failed;
  }
};

// --- what can be seen ----------------------------------------------------------------------------

std::string bits(const Tensor& tensor) {
  if (!tensor.defined()) return "undefined";
  std::ostringstream text;
  text << tensor.toString() << tensor.sizes() << tensor._version() << ":";
  const NoGradGuard no_grad;
  const Tensor dense = (tensor.is_sparse() ? tensor.to_dense() : tensor).detach().contiguous();
  text.write(static_cast<const char*>(dense.data_ptr()), dense.nbytes());
  return text.str();
}

std::string bits(const optim::OptimizerParamState* state) {
  if (!state) return "null";
  if (const auto* adam = dynamic_cast<const optim::AdamParamState*>(state)) {
    // Moments of no step so far are zeros, made when the first step begins.
    if (adam->step() == 0) return "fresh";
    return std::to_string(adam->step()) + bits(adam->exp_avg()) + bits(adam->exp_avg_sq()) +
           bits(adam->max_exp_avg_sq());
  }
  const Tensor& buffer = dynamic_cast<const optim::SGDParamState&>(*state).momentum_buffer();
  return buffer.defined() ? bits(buffer) : "fresh";
}

struct Snapshot {
  std::vector<std::string> trained;  // for each optimizer: its parameters and what it remembers
  std::vector<std::string> gradients, results;
  Tensor generator;  // its state
};

Snapshot snapshot(const Training& training) {
  Snapshot made;
  for (const auto& optimizer : training.optimizers) {
    std::string all;
    for (const Tensor& parameter : optimizer->parameters()) {
      const auto state = optimizer->state().find(optim::Optimizer::state_key(parameter));
      all += bits(parameter) + ";" +
             (state == optimizer->state().end() ? "fresh" : bits(state->second.get())) + ";";
    }
    made.trained.push_back(all);
  }
  for (const Tensor& parameter : training.parameters)
    made.gradients.push_back(bits(parameter.grad()));
  for (const Tensor& result : training.results) made.results.push_back(bits(result));
  made.generator = default_generator().get_state();
  return made;
}

// "" if each part of `found` is as before or as after, else which is neither. A result that was there
// is as before: a failed in-place operation leaves no trace.
std::string torn(const Snapshot& found, const Snapshot& before, const Snapshot& after) {
  const auto neither = [](const auto& a, const auto& b, const auto& c) { return a != b && a != c; };
  for (size_t i = 0; i < found.trained.size(); ++i)
    if (neither(found.trained[i], before.trained[i], after.trained[i]))
      return (found.trained[i].find("null;") == std::string::npos ? "parameters or state"
                                                                  : "a null among the states") +
             (" of optimizer " + std::to_string(i));
  for (size_t i = 0; i < found.gradients.size(); ++i)
    if (neither(found.gradients[i], before.gradients[i], after.gradients[i]))
      return "gradient " + std::to_string(i);
  for (size_t i = 0; i < found.results.size(); ++i)
    if (found.results[i] != before.results[i] &&
        (before.results[i] != "undefined" || found.results[i] != after.results[i]))
      return "result " + std::to_string(i);
  if (!found.generator.equal(before.generator) && !found.generator.equal(after.generator))
    return "random numbers";
  return "";
}

// --- the training --------------------------------------------------------------------------------

// Snapshots of an unbroken training: [step][phase], before the phase; one more at the end of a step.
using Record = std::vector<std::vector<Snapshot>>;

Record record(const Scenario& scenario) {
  manual_seed(7);
  Training training;
  scenario.build(training);
  Record made(kSteps);
  for (int step = 0; step < kSteps; ++step) {
    training.clear();
    for (const Phase& phase : training.phases) {
      made[step].push_back(snapshot(training));
      phase.run();
    }
    made[step].push_back(snapshot(training));
  }
  return made;
}

struct Outcome {
  bool failed = false;  // an allocation did
  std::string problem;
};

// One training whose n-th allocation of step `broken` fails. It goes on after that.
Outcome train(const Scenario& scenario, const Record& unbroken, const Failure& failure, int broken,
              long n) {
  Outcome outcome;
  manual_seed(7);
  Training training;
  scenario.build(training);
  const auto report = [&](const std::string& problem, const char* phase) {
    if (outcome.problem.empty()) outcome.problem = std::string(phase) + ": " + problem;
  };
  for (int step = 0; step < kSteps; ++step) {
    const std::vector<Snapshot>& expected = unbroken[step];
    training.clear();
    if (step == broken) failure.arm(n);
    for (size_t p = 0; p < training.phases.size();) {
      const Phase& phase = training.phases[p];
      std::string caught;
      try {
        phase.run();
      } catch (const Error& error) {
        caught = error.what();
      } catch (const std::bad_alloc&) {
        caught = "bad_alloc";
      }
      if (caught.empty()) {
        ++p;
        continue;
      }
      if (!failure.disarm() || outcome.failed)
        report("without a failed allocation: " + caught, phase.name);
      outcome.failed = true;
      const Snapshot found = snapshot(training);
      const std::string part = torn(found, expected[p], expected[p + 1]);
      if (!part.empty()) report(part + " half-way", phase.name);
      if (found.trained != expected[p].trained) {
        ++p;  // it is fully stepped
      } else {
        if (!phase.repeatable) {
          training.clear();
          p = 0;
        }
        // What failed may have drawn already.
        Generator(default_generator()).set_state(expected[p].generator);
      }
      if (!outcome.problem.empty()) return outcome;
    }
    // One that was got over without an exception counts too: std::stable_sort can do without memory.
    if (step == broken && failure.disarm()) outcome.failed = true;
  }
  const Snapshot end = snapshot(training);
  const Snapshot& wanted = unbroken.back().back();
  const std::string part = torn(end, wanted, wanted);
  if (!part.empty()) report(part + " other than of an unbroken training", "end");
  return outcome;
}

// As train, and nothing may be left of it.
Outcome checked(const Scenario& scenario, const Record& unbroken, const Failure& failure,
                int broken, long n) {
  const LiveCounts before = live_counts();
  const int64_t bytes = memory_stats().allocated_bytes;
  Outcome outcome = train(scenario, unbroken, failure, broken, n);
  const LiveCounts after = live_counts();
  std::ostringstream leak;
  if (after.tensors != before.tensors) leak << after.tensors - before.tensors << " tensors ";
  if (after.nodes != before.nodes) leak << after.nodes - before.nodes << " nodes ";
  if (memory_stats().allocated_bytes != bytes)
    leak << memory_stats().allocated_bytes - bytes << " bytes ";
  if (!leak.str().empty()) outcome.problem += " leaked: " + leak.str();
  return outcome;
}

struct Count {
  long allocations = 0, problems = 0;
};

// Every allocation of the first step, in which much is made for good, and of the last; what went wrong.
std::string fail_each(const Scenario& scenario, const Failure& failure, Count& all) {
  record(scenario);  // what the thread needs once
  const Record unbroken = record(scenario);
  std::string problems;
  for (const int broken : {0, kSteps - 1}) {
    for (long n = 1;; ++n) {
      const Outcome outcome = checked(scenario, unbroken, failure, broken, n);
      if (!outcome.problem.empty()) {
        ++all.problems;
        problems += "\n  step " + std::to_string(broken) + ", allocation " + std::to_string(n) +
                    ": " + outcome.problem;
      }
      if (!outcome.failed) break;
      ++all.allocations;
    }
  }
  return problems;
}

// SIMDGRAD_CASES=hooks keeps to the trainings with that in their name.
long fail_each(const Failure& failure, const char* what) {
  const char* const wanted = std::getenv("SIMDGRAD_CASES");
  Count all;
  for (const Scenario& scenario : scenarios()) {
    if (wanted && !std::strstr(scenario.name, wanted)) continue;
    const std::string problems = fail_each(scenario, failure, all);
    if (!problems.empty()) FAIL_CHECK(scenario.name << ", " << what << problems);
  }
  std::cerr << "failing allocations, " << what << ": " << all.allocations << " failed, "
            << all.problems << " with a fault\n";
  return wanted ? 1000 : all.allocations;
}

}  // namespace

TEST_CASE("every allocation of a step fails once: the library's") {
  set_num_threads(1);
  CHECK(fail_each({Source::library, false}, "one of the library") >= 1000);
  CHECK(fail_each({Source::library, true}, "all of the library from one on") >= 1000);
}

// Chunks so small that the workers of a region allocate too. An allocation of theirs may come from a
// list that does not count, so that the n-th is not the same one in each run.
TEST_CASE("every allocation of a step fails once: the library's, with 3 threads") {
  const testing::SmallChunks chunks(2);
  set_num_threads(3);
  CHECK(fail_each({Source::library, false}, "one of the library, 3 threads") >= 1000);
}

TEST_CASE("every allocation of a step fails once: operator new") {
  set_num_threads(1);
  CHECK(fail_each({Source::operator_new, false}, "one operator new") > 200);
  CHECK(fail_each({Source::operator_new, true}, "operator new from one on") > 200);
}

}  // namespace failing_allocations
