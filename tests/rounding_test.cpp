// Each floating-point mode: the vector maths and the case table stay close to the true values, bits do
// not depend on the number of threads, and the mode is the caller's afterwards.
#include <cfenv>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <random>
#include <sstream>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "core/testing_hooks.h"
#include "tests/cases/driver.h"
#include "tests/catch.h"
#include "tests/kernels_math_reference.h"
#include "tests/machine_settings.h"

namespace {

using namespace cases;
using simdgrad::kDouble;
using simdgrad::kFloat;

struct Mode {
  const char* name;
  int rounding;
  bool flush;  // denormal results and operands are zero
};
const Mode kModes[] = {
    {"upward", FE_UPWARD, false},
    {"downward", FE_DOWNWARD, false},
    {"toward zero", FE_TOWARDZERO, false},
#if defined(__x86_64__)
    {"flush to zero", FE_TONEAREST, true},
#endif
};

// Sets a mode while it lives.
class UnderMode {
 public:
  explicit UnderMode(const Mode& mode) {
    std::fegetenv(&before_);
    std::fesetround(mode.rounding);
#if defined(__x86_64__)
    if (mode.flush) _mm_setcsr(_mm_getcsr() | 0x8040);
    set_ = control();
#endif
  }
  ~UnderMode() { std::fesetenv(&before_); }
  UnderMode(const UnderMode&) = delete;
  // Whether it is still in force.
  bool stands(const Mode& mode) const {
#if defined(__x86_64__)
    if (control() != set_) return false;
#endif
    return std::fegetround() == mode.rounding;
  }

 private:
#if defined(__x86_64__)
  static unsigned control() { return _mm_getcsr() & ~0x3fu; }  // without the sticky flags
  unsigned set_;
#endif
  std::fenv_t before_;
};

// --- the case table ------------------------------------------------------------------------------

Arrays arrays_of(const Tensors& tensors) {
  Arrays arrays;
  for (const Tensor& tensor : tensors) {
    const Tensor dense = tensor.is_sparse() ? tensor.to_dense() : tensor;
    const Tensor numbers = dense.detach().to(kDouble).contiguous();
    const double* values = numbers.data_ptr<double>();
    arrays.push_back(Array(Shape(numbers.sizes().begin(), numbers.sizes().end()),
                           std::vector<double>(values, values + numbers.numel())));
  }
  return arrays;
}

// Results and gradients; a gradient that is not defined is zero.
Tensors results_of(const Case& row, const Tensors& inputs) {
  Tensors results = results_and_gradients(row, inputs);
  std::erase_if(results, [](const Tensor& result) { return !result.defined(); });
  return results;
}

// A directed rounding errs by up to one unit where the nearest errs by half of one, and always in the
// same direction: long sums drift.
double tolerance_of(const Case& row, simdgrad::ScalarType dtype) {
  const double factor = row.name.find("large") == std::string::npos ? 4 : 20;
  if (row.name.rfind("to float", 0) == 0) dtype = kFloat;  // and back, in its gradient
  return factor * (dtype == kDouble ? row.tolerance_f64 : row.tolerance_f32);
}

std::string difference_from(const Tensors& found, const Arrays& nearest, const Case& row) {
  for (size_t i = 0; i < found.size(); ++i) {
    const std::string problem =
        difference({found[i]}, {nearest[i]}, tolerance_of(row, found[i].scalar_type()));
    if (!problem.empty()) return "of " + std::to_string(i) + ", " + problem;
  }
  return "";
}

// What is wrong with a row's results and gradients under this mode.
std::string mode_problem(const Case& row, const Mode& mode, simdgrad::ScalarType dtype) {
  const auto inputs = [&] { return make_inputs(row, dtype, Layout::contiguous); };
  const Arrays nearest = arrays_of(results_of(row, inputs()));
  std::string alone;
  for (const int threads : {1, 2, 3, 16}) {
    simdgrad::set_num_threads(threads);
    const Tensors given = inputs();
    Tensors found;
    bool stands;
    {
      const UnderMode under(mode);
      found = results_of(row, given);
      stands = under.stands(mode);
    }
    if (!stands) return "the mode is another one afterwards";
    const std::string now = bits(found);
    if (threads == 1) {
      alone = now;
      const std::string problem = difference_from(found, nearest, row);
      if (!problem.empty()) return problem;
    }
    if (now != alone) return "other bits with " + std::to_string(threads) + " threads";
  }
  return "";
}

// --- the vector maths ----------------------------------------------------------------------------

using namespace simdgrad::math_reference;

// Small and large, of both signs: 2^-40 to 2^10, and the neighbourhood of 1.
template <class T>
std::vector<T> samples(size_t n) {
  std::mt19937_64 engine(5);
  std::vector<T> x(n);
  for (size_t i = 0; i < n; ++i) {
    const T unit = static_cast<T>(static_cast<double>(engine() >> 11) * 0x1p-53);
    const T size = i % 4 == 0 ? T(20) * unit : std::exp2(T(50) * unit - T(40));
    x[i] = engine() % 2 ? size : -size;
  }
  return x;
}

// The largest error of a function under a mode, in units in the last place, and where.
template <class T>
std::string maths_problem(const Function<T>& function, const InstructionSet& set, const Mode& mode,
                          const std::vector<T>& x, const std::vector<Wide<T>>& truth) {
  const auto* functions = [&] {
    if constexpr (sizeof(T) == 4) {
      return &set.kernels->f32;
    } else {
      return &set.kernels->f64;
    }
  }();
  std::vector<T> y(x.size());
  {
    const UnderMode under(mode);
    (functions->*function.loop)(x.data(), y.data(), static_cast<int64_t>(x.size()));
  }
  double worst = 0;
  size_t at = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    if (mode.flush && std::abs(truth[i]) < std::numeric_limits<T>::min() && y[i] == 0) continue;
    const double error = function.error(x[i], y[i], truth[i]);
    if (error > worst) worst = error, at = i;
  }
  if (worst <= 4 + function.bound_sse2) return "";
  std::ostringstream text;
  text.precision(9);
  text << set.name << " " << function.name << "(" << x[at] << ") = " << y[at] << ", wrong by "
       << worst << " units";
  return text.str();
}

}  // namespace

TEST_CASE("case table: values, bits and modes under each rounding", "[cases][threads]") {
  const simdgrad::testing::SmallChunks chunks(2);
  const char* const wanted = std::getenv("SIMDGRAD_CASES");
  for (const Mode& mode : kModes) {
    int rows = 0, wrong = 0;
    for (const Case& row : table().rows) {
      if (wanted && row.name.find(wanted) == std::string::npos) continue;
      ++rows;
      for (const auto dtype : {kFloat, kDouble}) {
        std::string problem;
        try {
          problem = mode_problem(row, mode, dtype);
        } catch (const std::exception& error) {
          problem = std::string("threw: ") + error.what();
        }
        if (problem.empty()) continue;
        ++wrong;
        FAIL_CHECK(row.name << (dtype == kFloat ? " f32 " : " f64 ") << mode.name << ": "
                            << problem);
      }
    }
    std::cerr << "rounding " << mode.name << ": " << rows << " rows, " << wrong << " wrong\n";
    CHECK(rows > 0);
  }
}

TEMPLATE_TEST_CASE("vector maths: close under each rounding", "[kernels][math]", float, double) {
  using T = TestType;
  const Functions<T> functions;
  const std::vector<T> x = samples<T>(sizeof(T) == 4 ? 200'000 : 50'000);
  for (const auto& function : functions.all) {
    std::vector<Wide<T>> truth(x.size());
    for (size_t i = 0; i < x.size(); ++i) truth[i] = function.truth(x[i]);
    for (int s = 0; s < kInstructionSets; ++s) {
      const InstructionSet set = instruction_set(s);
      if (!set.usable) continue;
      for (const Mode& mode : kModes) {
        const std::string problem = maths_problem(function, set, mode, x, truth);
        if (!problem.empty()) FAIL_CHECK(mode.name << ": " << problem);
      }
    }
  }
}
