// The case table when memory runs out: every allocation of every row fails once.
#include <iostream>
#include <new>

#include <simdgrad/memory.h>

#include "core/tensor_impl.h"
#include "core/testing_hooks.h"
#include "tests/cases/driver.h"
#include "tests/catch.h"
#include "tests/machine_settings.h"

namespace {

using namespace cases;
using simdgrad::kFloat;
using simdgrad::testing::allocation_failed;
using simdgrad::testing::fail_allocation;

struct Held {
  simdgrad::LiveCounts counts = simdgrad::live_counts();
  int64_t bytes = simdgrad::memory_stats().allocated_bytes;
};

// What is left over since; "" if nothing is.
std::string left_since(const Held& before) {
  const Held now;
  std::string text;
  const auto add = [&text](int64_t more, const char* of) {
    if (more != 0) text += " " + std::to_string(more) + of;
  };
  add(now.counts.tensors - before.counts.tensors, " tensors");
  add(now.counts.nodes - before.counts.nodes, " nodes");
  add(now.bytes - before.bytes, " bytes");
  return text;
}

// The first thing that is wrong; counts the allocations that failed.
std::string failure_problem(const Case& row, long& failures) {
  Tensors inputs = make_inputs(row, kFloat, Layout::contiguous);
  const std::string given = bits(inputs), right = bits(results_and_gradients(row, inputs));
  const bool changes_inputs = bits(inputs) != given;
  for (long n = 1;; ++n, ++failures) {
    const std::string which = "allocation " + std::to_string(n);
    inputs.clear();
    const Held before;
    inputs = make_inputs(row, kFloat, Layout::contiguous);
    bool thrown = false;
    Tensors results;
    fail_allocation(n, false);
    try {
      results = results_and_gradients(row, inputs);
    } catch (const simdgrad::Error&) {
      thrown = true;
    }
    const bool failed = allocation_failed();
    fail_allocation(0, false);
    if (thrown && !failed) return which + ": an Error without a failure";
    if (!thrown && bits(results) != right) return which + ": no Error, and other results";
    results.clear();
    if (!changes_inputs) {
      if (bits(inputs) != given) return which + ": an input changed";
      if (bits(results_and_gradients(row, inputs)) != right)
        return which + ": other results after it";
    }
    inputs.clear();
    const std::string left = left_since(before);
    if (!left.empty()) return which + ": leaked" + left;
    if (!failed) return "";
  }
}

}  // namespace

TEST_CASE("case table: a failed allocation leaves nothing behind", "[cases]") {
  const simdgrad::testing::RestoreSettings restore;
  simdgrad::set_num_threads(1);
  const char* const wanted = std::getenv("SIMDGRAD_CASES");
  long failures = 0, rows = 0;
  for (const Case& row : table().rows) {
    if (wanted && row.name.find(wanted) == std::string::npos) continue;
    const std::string problem = failure_problem(row, failures);
    if (!problem.empty()) FAIL_CHECK(row.name << ": " << problem);
    ++rows;
  }
  CHECK(failures > 10 * rows);
  std::cerr << "failing allocations: " << rows << " rows, " << failures << " allocations failed\n";
}
