// The case table, driven. See tests/cases/case.h.
#include <simdgrad/function.h>
#include <simdgrad/gradcheck.h>
#include <simdgrad/parallel.h>
#include <simdgrad/pointwise.h>

#include <cstdlib>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include "core/tensor_impl.h"
#include "core/testing_hooks.h"
#include "tests/cases/declarations.h"
#include "tests/cases/driver.h"
#include "tests/catch.h"
#include "tests/machine_settings.h"

namespace {

using namespace cases;
using simdgrad::kDouble;
using simdgrad::kFloat;
using simdgrad::testing::set_chunk;
using simdgrad::testing::set_inline_threshold;
using simdgrad::testing::set_rendezvous;

const Layout kLayouts[] = {Layout::contiguous, Layout::transposed, Layout::strided};
const char* name_of(Layout layout) {
  return layout == Layout::contiguous   ? "contiguous"
         : layout == Layout::transposed ? "transposed"
                                        : "strided";
}
size_t layouts_of(const Case& row) { return row.layouts ? 3 : 1; }

// Runs check(row) on every row: a failure or an exception names the row and the rest goes on.
// SIMDGRAD_CASES=softmax keeps to the rows with that in their name, for work on one operation.
template <class Check>
void for_each_row(Check&& check) {
  const char* const wanted = std::getenv("SIMDGRAD_CASES");
  int found = 0;
  for (const Case& row : table().rows) {
    if (wanted && row.name.find(wanted) == std::string::npos) continue;
    ++found;
    INFO(row.name);
    const simdgrad::LiveCounts before = simdgrad::live_counts();
    std::string problem;
    try {
      problem = check(row);
    } catch (const std::exception& error) {
      problem = std::string("threw: ") + error.what();
    }
    if (!problem.empty()) problem = row.name + ": " + problem;
    CHECK(problem == "");
    const simdgrad::LiveCounts after = simdgrad::live_counts();
    CHECK(after.tensors == before.tensors);
    CHECK(after.nodes == before.nodes);
  }
  INFO("SIMDGRAD_CASES=" << (wanted ? wanted : ""));
  CHECK(found > 0);
}

std::string value_problem(const Case& row) {
  for (const auto& [dtype, tolerance] :
       {std::pair{kDouble, row.tolerance_f64}, std::pair{kFloat, row.tolerance_f32}}) {
    const Arrays expected = row.expected(reference_inputs(row, dtype));
    std::string first;
    for (size_t l = 0; l < layouts_of(row); ++l) {
      const Tensors found = row.call(make_inputs(row, dtype, kLayouts[l]));
      const std::string problem = difference(found, expected, tolerance);
      if (!problem.empty())
        return std::string(dtype == kDouble ? "f64 " : "f32 ") + name_of(kLayouts[l]) + ": " +
               problem;
      if (l == 0) first = bits(found);
      if (row.same_bits && bits(found) != first)
        return std::string("other bits when ") + name_of(kLayouts[l]);
    }
  }
  return "";
}

std::string gradient_problem(const Case& row) {
  for (size_t l = 0; row.gradient && l < layouts_of(row); ++l) {
    const Tensors inputs = make_inputs(row, kDouble, kLayouts[l]);
    const auto function = [&](const Tensors& x) { return row.call(x); };
    simdgrad::gradcheck(function, inputs);
    if (row.second_gradient) {
      simdgrad::gradgradcheck(function, inputs);
      if (l == 0)
        simdgrad::gradgradcheck(function, inputs, {},
                                simdgrad::GradcheckOptions().gen_non_contig_grad_outputs(true));
    }
  }
  return "";
}

// Under tiny chunks; most: the most threads that ran a chunk of one region.
std::string threads_problem(const Case& row, int& most) {
  std::string one;
  for (int threads : {1, 2, 3, 16}) {
    simdgrad::set_num_threads(threads);
    set_rendezvous(threads > 1 ? threads : 0);
    const std::string now = bits(results_and_gradients(row, kFloat, Layout::contiguous)) +
                            bits(results_and_gradients(row, kDouble, Layout::contiguous));
    most = std::max(most, simdgrad::testing::max_region_threads());
    if (threads == 1) one = now;
    if (now != one) return "other bits with " + std::to_string(threads) + " threads";
  }
  return "";
}

}  // namespace

TEST_CASE("case table: every public operation has a row", "[cases]") {
  std::map<std::string, int> rows;
  std::set<std::string> names;
  for (const Case& row : table().rows) {
    CHECK(names.insert(row.name).second);
    std::istringstream covers(row.covers);
    for (std::string word; covers >> word;) ++rows[word];
  }
  for (const SpecialCase& special : table().special) {
    CHECK(names.insert(special.name).second);
    std::istringstream covers(special.covers);
    for (std::string word; covers >> word;) ++rows[word];
  }
  const std::vector<std::string> declared = declared_operations();
  REQUIRE(declared.size() > 100);
  for (const std::string& operation : declared) {
    INFO("no row covers " << operation);
    CHECK(rows.count(operation) == 1);
  }
  const std::set<std::string> known(declared.begin(), declared.end());
  for (const auto& row : rows) {
    INFO("a row covers " << row.first << ", which no header declares");
    CHECK(known.count(row.first) == 1);
  }
  std::cerr << "case table: " << declared.size() << " operations, " << names.size() << " rows\n";
}

TEST_CASE("case table: values in f64 and f32 against the references", "[cases]") {
  for_each_row(value_problem);
}

TEST_CASE("case table: gradients against finite differences", "[cases]") {
  for_each_row(gradient_problem);
}

TEST_CASE("case table: operations on special shapes and factories", "[cases]") {
  for (const SpecialCase& special : table().special) {
    INFO(special.name);
    const simdgrad::LiveCounts before = simdgrad::live_counts();
    special.check();
    const simdgrad::LiveCounts after = simdgrad::live_counts();
    CHECK(after.tensors == before.tensors);
    CHECK(after.nodes == before.nodes);
  }
}

TEST_CASE("case table: the same bits for any number of threads", "[cases][threads]") {
  const simdgrad::testing::RestoreSettings restore;
  set_inline_threshold(0);
  set_chunk(2);
  int rows_on_16 = 0;
  for_each_row([&](const Case& row) {
    int most = 0;
    std::string problem = threads_problem(row, most);
    rows_on_16 += most == 16;
    return problem;
  });
  // Regions of 16 chunks and more really ran on 16 threads.
  if (!std::getenv("SIMDGRAD_CASES")) CHECK(rows_on_16 > 100);
}

// Rows that are wrong in one way each.
TEST_CASE("case table: planted faults are caught", "[cases][threads]") {
  const auto row = [](std::function<Tensors(const Tensors&)> call) {
    Case made;
    made.inputs = {real({5, 8}, 0.5, 2)};
    made.call = std::move(call);
    made.expected = [](const Arrays& x) -> Arrays {
      return {reference::map(x[0], [](double v) { return v * v; })};
    };
    return made.bits();
  };
  const auto fails = [](const Case& planted) {
    try {
      return !gradient_problem(planted).empty();
    } catch (const simdgrad::GradcheckError&) {
      return true;
    }
  };
  const Case right = row([](const Tensors& x) -> Tensors { return {x[0] * x[0]}; });
  CHECK(value_problem(right) == "");
  CHECK_FALSE(fails(right));
  // The value of one element; in f32 alone; of one layout; the last bit of one layout.
  CHECK(value_problem(row([](const Tensors& x) -> Tensors {
          Tensor y = x[0].detach().square();
          y[4][7].mul_(1 + 1e-5);
          return {y};
        })) != "");
  CHECK(value_problem(row([](const Tensors& x) -> Tensors {
          return {x[0].scalar_type() == kFloat ? x[0] * x[0] * (1 + 1e-5) : x[0] * x[0]};
        })) != "");
  CHECK(value_problem(row([](const Tensors& x) -> Tensors {
          return {x[0].is_contiguous() ? x[0] * x[0] : x[0] * x[0] * (1 + 1e-5)};
        })) != "");
  CHECK(value_problem(row([](const Tensors& x) -> Tensors {
          return {x[0].is_contiguous() ? x[0] * x[0] : x[0] * x[0] * (1 + 3e-16)};
        })) == "other bits when transposed");
  // The gradient; the gradient of the gradient, which detach cuts off.
  CHECK(fails(row([](const Tensors& x) -> Tensors { return {x[0] * x[0].detach()}; })));
  struct Cut : simdgrad::autograd::Function<Cut> {
    static Tensor forward(simdgrad::autograd::AutogradContext* ctx, const Tensor& x) {
      ctx->save_for_backward({x});
      return x * x;
    }
    static Tensors backward(simdgrad::autograd::AutogradContext* ctx, Tensors dy) {
      return {dy[0] * ctx->get_saved_variables()[0].detach() * 2};
    }
  };
  const Case cut = row([](const Tensors& x) -> Tensors { return {Cut::apply(x[0])}; });
  CHECK(value_problem(cut) == "");
  CHECK(fails(cut));
  // A value that depends on the number of threads.
  const simdgrad::testing::RestoreSettings restore;
  int most = 0;
  CHECK(threads_problem(right, most) == "");
  CHECK(threads_problem(
            row([](const Tensors& x) -> Tensors { return {x[0] * simdgrad::get_num_threads()}; }),
            most) != "");
}
