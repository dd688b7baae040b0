// Operations beside pages that fault: run with SIMDGRAD_ALLOCATOR=fence_after or fence_before, as
// tests/CMakeLists.txt does, once for each instruction set. A read past the end of a block, or before
// its beginning, ends the program in the case that did it; a write into the rest of its pages counts.
#include <simdgrad/simdgrad.h>

#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "tests/cases/driver.h"
#include "tests/catch.h"
#include "tests/fences.h"
#include "tests/self_process.h"

namespace {

using namespace simdgrad;
using cases::Case;
using testing::damaged_blocks;
using testing::is_fenced;
using testing::placed;
using Tensors = std::vector<Tensor>;

// --- the case table ------------------------------------------------------------------------------

// Values, gradients and gradients of gradients; "" if the values are right.
std::string run_row(const Case& row, ScalarType dtype, cases::Layout layout) {
  const Tensors inputs = make_inputs(row, dtype, layout);
  const Tensors results = row.call(inputs);
  const std::string problem =
      cases::difference(results, row.expected(reference_inputs(row, dtype)),
                        dtype == kDouble ? row.tolerance_f64 : row.tolerance_f32);
  if (!problem.empty() || !row.gradient) return problem;
  Tensors outputs, wanted;
  for (const Tensor& result : results)
    if (result.requires_grad()) outputs.push_back(result);
  for (const Tensor& input : inputs)
    if (input.requires_grad()) wanted.push_back(input);
  Tensors dy;
  for (const Tensor& output : outputs)
    dy.push_back(full(output.sizes(), 0.5, output.scalar_type()));
  if (outputs.empty() || wanted.empty()) return "";
  const Tensors once = autograd::grad(outputs, wanted, dy, true, false, true);
  if (!row.second_gradient) return "";
  Tensors again;
  for (const Tensor& gradient : autograd::grad(outputs, wanted, dy, true, true, true))
    if (gradient.defined() && gradient.requires_grad() && !gradient.is_sparse())
      again.push_back(gradient.sum());
  if (!again.empty()) autograd::grad(again, wanted, {}, {}, false, true);
  return "";
}

// --- every length --------------------------------------------------------------------------------

// Calls to count, for a net that has caught nothing says nothing.
long calls = 0;

struct Numbers {
  Tensor a, b, mask, ids;  // [130]: two of numbers, bools, and 0, 1, 2 ...
};
Numbers numbers_of(ScalarType dtype) {
  Numbers all;
  all.a = linspace(0.125, 2.5, 130, kDouble).to(dtype);
  all.b = linspace(3, 0.5, 130, kDouble).to(dtype);
  all.ids = arange(130, kLong);
  all.mask = bitwise_and(all.ids.mul(7), tensor(int64_t{4})).ne(0);
  return all;
}

using Pointwise = std::function<Tensor(const Tensor& a, const Tensor& b, const Tensor& mask)>;
struct Operation {
  std::string name;
  Pointwise run;
  bool gradient = true;
};
using A = const Tensor&;

std::vector<Operation> real_operations() {
  std::vector<Operation> all = {
#define SIMDGRAD_UNARY(name, formula) {#name, [](A a, A, A) { return name(a); }},
#include <simdgrad/unary_ops.inc>
#undef SIMDGRAD_UNARY
#define SIMDGRAD_UNARY(name, formula) {#name "_", [](A a, A, A) { return (a * 1).name##_(); }},
#include <simdgrad/unary_ops.inc>
#undef SIMDGRAD_UNARY
#define SIMDGRAD_BINARY(name, formula) {#name, [](A a, A b, A) { return name(a, b); }},
#include <simdgrad/binary_ops.inc>
#undef SIMDGRAD_BINARY
      {"square", [](A a, A, A) { return square(a); }},
      {"gelu", [](A a, A, A) { return gelu(a); }},
      {"gelu tanh", [](A a, A, A) { return gelu(a, "tanh"); }},
      {"softplus", [](A a, A, A) { return softplus(a); }},
      {"clamp", [](A a, A, A) { return clamp(a, 0.5, 1.5); }},
      {"add", [](A a, A b, A) { return a + b; }},
      {"add alpha", [](A a, A b, A) { return add(a, b, 0.3); }},
      {"sub", [](A a, A b, A) { return a - b; }},
      {"mul", [](A a, A b, A) { return a * b; }},
      {"div", [](A a, A b, A) { return a / b; }},
      {"floor div", [](A a, A b, A) { return div(a, b, "floor"); }, false},
      {"trunc div", [](A a, A b, A) { return div(a, b, "trunc"); }, false},
      {"pow", [](A a, A b, A) { return pow(a, b); }},
      {"pow 3", [](A a, A, A) { return pow(a, 3); }},
      {"pow 1.7", [](A a, A, A) { return pow(a, 1.7); }},
      {"number ops", [](A a, A, A) { return 1 - 2 / (a * 3 + 4); }},
      {"where", [](A a, A b, A mask) { return where(mask, a, b); }},
      {"where number", [](A a, A, A mask) { return where(mask, a, 2); }},
      {"masked_fill", [](A a, A, A mask) { return a.masked_fill(mask, 2); }},
      {"dropout", [](A a, A, A) { return dropout(a, 0.4, true); }},
      {"clone", [](A a, A, A) { return a.clone(); }},
      {"to the other float",
       [](A a, A, A) { return a.to(a.scalar_type() == kFloat ? kDouble : kFloat); }},
      {"add_", [](A a, A b, A) { return (a * 1).add_(b); }},
      {"mul_", [](A a, A b, A) { return (a * 1).mul_(b); }},
      {"div_", [](A a, A b, A) { return (a * 1).div_(b); }},
      {"clamp_", [](A a, A, A) { return (a * 1).clamp_(0.5, 1.5); }},
      {"mse", [](A a, A b, A) { return mse_loss(a, b, kNone); }},
      {"bce", [](A a, A b, A) { return binary_cross_entropy_with_logits(a, b, {}, {}, kNone); }},
  };
  return all;
}

std::vector<Operation> operations_of_any_type() {
  return {
      {"eq", [](A a, A b, A) { return a == b; }},
      {"ne", [](A a, A b, A) { return a != b; }},
      {"lt", [](A a, A b, A) { return a < b; }},
      {"le", [](A a, A b, A) { return a <= b; }},
      {"gt number", [](A a, A, A) { return a > 1; }},
      {"ge", [](A a, A b, A) { return a >= b; }},
      {"isnan", [](A a, A, A) { return isnan(a); }},
      {"isinf", [](A a, A, A) { return isinf(a); }},
      {"isfinite", [](A a, A, A) { return isfinite(a); }},
      {"isclose", [](A a, A b, A) { return isclose(a, b); }},
      {"logical_not", [](A a, A, A) { return logical_not(a); }},
      {"logical_and", [](A a, A b, A) { return logical_and(a, b); }},
      {"logical_xor", [](A a, A b, A) { return logical_xor(a, b); }},
      {"where", [](A a, A b, A mask) { return where(mask, a, b); }},
      {"masked_fill", [](A a, A, A mask) { return a.masked_fill(mask, 1); }},
      {"clone", [](A a, A, A) { return a.clone(); }},
      {"fill_", [](A a, A, A) { return a.clone().fill_(1); }},
      {"zero_", [](A a, A, A) { return a.clone().zero_(); }},
      {"uint8", [](A a, A, A) { return a.to(kUInt8); }},
      {"int8", [](A a, A, A) { return a.to(kInt8); }},
      {"int16", [](A a, A, A) { return a.to(kShort); }},
      {"int32", [](A a, A, A) { return a.to(kInt); }},
      {"int64", [](A a, A, A) { return a.to(kLong); }},
      {"float", [](A a, A, A) { return a.to(kFloat); }},
      {"double", [](A a, A, A) { return a.to(kDouble); }},
      {"bool", [](A a, A, A) { return a.to(kBool); }},
      {"maximum", [](A a, A b, A) { return maximum(a, b); }},
      {"add", [](A a, A b, A) { return a + b; }},
      {"mul", [](A a, A b, A) { return a * b; }},
  };
}

bool same_bits(const Tensor& a, const Tensor& b) { return cases::bits({a}) == cases::bits({b}); }

// An operation on the first n of the numbers, each operand against its fence, gives the first n of its
// results on all of them; so do its gradients.
void check_lengths(const Operation& operation, const Numbers& all, bool gradient) {
  const bool random = operation.name == "dropout";
  const auto run = [&](const Tensors& x, Tensors& found) {
    manual_seed(1);
    const Tensor y = operation.run(x[0], x[1], x[2]);
    found = {y.detach()};
    if (!gradient) return;
    for (const Tensor& dx :
         autograd::grad({y}, {x[0], x[1]}, {x[3].to(y.scalar_type())}, {}, false, true))
      found.push_back(dx);
  };
  const auto inputs = [&](int64_t n, int64_t offset) {
    Tensors x;
    for (const Tensor& of : {all.a, all.b, all.mask, all.b})
      x.push_back(placed(of.slice(0, 0, n), offset));
    if (gradient) x[0].requires_grad_(), x[1].requires_grad_();
    return x;
  };
  Tensors whole, found;
  run(inputs(130, 0), whole);
  for (int64_t n = 1; n <= 130; ++n)
    for (const int64_t offset : {0, 1, 3}) {
      run(inputs(n, offset), found);
      ++calls;
      for (size_t i = 0; i < found.size() && !random; ++i) {
        if (found[i].defined() && !same_bits(found[i], whole[i].slice(0, 0, n)))
          FAIL(operation.name << ", length " << n << ", offset " << offset << ", result " << i);
      }
    }
}

}  // namespace

TEST_CASE("fences stand", "[.fences]") {
  REQUIRE(is_fenced());
  const Tensor x = placed(ones({5}));
  const auto* number = x.data_ptr<float>();
  const auto page = reinterpret_cast<uintptr_t>(is_fenced("fence_before") ? number : number + 5);
  CHECK(page % 4096 == 0);
  // The rest of the pages is looked at, and what was not set is NaN.
  const int64_t before = damaged_blocks();
  {
    const Tensor y = empty({5});
    CHECK(y.isnan().all().item<bool>());
    y.data_ptr<float>()[is_fenced("fence_before") ? 5 : -1] = 1;
  }
  CHECK(damaged_blocks() == before + 1);
}

TEST_CASE("the case table keeps inside its blocks", "[.fences]") {
  REQUIRE(is_fenced());
  const int64_t before = damaged_blocks();
  const char* const wanted = std::getenv("SIMDGRAD_CASES");
  long rows = 0, runs = 0;
  for (const Case& row : cases::table().rows) {
    if (wanted && row.name.find(wanted) == std::string::npos) continue;
    ++rows;
    INFO(row.name);  // of the fatal error, if there is one
    for (const auto dtype : {kFloat, kDouble})
      for (const auto layout :
           {cases::Layout::contiguous, cases::Layout::transposed, cases::Layout::strided}) {
        if (layout != cases::Layout::contiguous && !row.layouts) continue;
        const std::string problem = run_row(row, dtype, layout);
        if (!problem.empty()) FAIL_CHECK(problem);
        ++runs;
      }
    CHECK(damaged_blocks() == before);
  }
  std::cerr << "fences: " << rows << " rows, " << runs << " runs\n";
}

TEST_CASE("pointwise operations of every length keep inside their blocks", "[.fences]") {
  REQUIRE(is_fenced());
  const int64_t before = damaged_blocks();
  calls = 0;
  size_t operations = 0;
  for (const auto dtype : {kFloat, kDouble}) {
    const Numbers numbers = numbers_of(dtype);
    for (const Operation& operation : real_operations()) {
      INFO(operation.name);
      check_lengths(operation, numbers, operation.gradient);
      ++operations;
    }
  }
  for (const auto dtype : {kFloat, kDouble, kLong, kInt, kShort, kInt8, kUInt8, kBool}) {
    const Numbers numbers = numbers_of(dtype);
    for (const Operation& operation : operations_of_any_type()) {
      INFO(operation.name << " of " << dtype_name(dtype));
      check_lengths(operation, numbers, false);
      ++operations;
    }
  }
  CHECK(damaged_blocks() == before);
  std::cerr << "fences: " << operations << " pointwise operations, " << calls << " calls\n";
}

TEST_CASE("child: an access outside of a block", "[.]") {
  Tensor x = placed(ones({5}));
  volatile float* const numbers = x.data_ptr<float>();
  REQUIRE(numbers[0] + numbers[4] == 2);
  (void)numbers[is_fenced("fence_before") ? -1 : 5];
}

TEST_CASE("an access outside of a block ends the program where fences are asked for") {
  CHECK(run_self("SIMDGRAD_ALLOCATOR=fence_after", "child: an access outside of a block") != 0);
  CHECK(run_self("SIMDGRAD_ALLOCATOR=fence_before", "child: an access outside of a block") != 0);
}
