// The vector maths: errors in units in the last place, special values, and results that depend
// neither on the lane, nor on the length of the array, nor (with fused multiply-add) on the
// instruction set. tools/accuracy.cpp does the same over all floats.

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/kernels_math_reference.h"

namespace {

using namespace simdgrad;
using namespace simdgrad::math_reference;

template <class T>
const kernels::MathFunctions<T>& functions_of(const InstructionSet& set) {
  if constexpr (sizeof(T) == 4) {
    return set.kernels->f32;
  } else {
    return set.kernels->f64;
  }
}

template <class T>
T random_bits(std::mt19937_64& engine) {
  return from_bits<T>(static_cast<typename Wider<T>::Bits>(engine()));
}
template <class T>
T uniform(std::mt19937_64& engine, double low, double high) {
  return static_cast<T>(low + (high - low) * static_cast<double>(engine() >> 11) * 0x1p-53);
}

// A third with every bit at random, thirds in (-20, 20) and (-800, 800): denormals, infinities and
// NaN included, and where results overflow, underflow and saturate.
template <class T>
std::vector<T> samples(std::size_t n, unsigned seed) {
  std::mt19937_64 engine(seed);
  std::vector<T> x(n);
  for (std::size_t i = 0; i < n; ++i) {
    x[i] = i % 3 == 0   ? random_bits<T>(engine)
           : i % 3 == 1 ? uniform<T>(engine, -20, 20)
                        : uniform<T>(engine, -800, 800);
  }
  return x;
}

template <class T>
bool same_bits(T a, T b) {
  return to_bits(a) == to_bits(b) || (std::isnan(a) && std::isnan(b));
}

template <class T>
std::vector<T> apply(const Function<T>& function, const InstructionSet& set,
                     const std::vector<T>& x) {
  std::vector<T> y(x.size());
  (functions_of<T>(set).*function.loop)(x.data(), y.data(), static_cast<std::int64_t>(x.size()));
  return y;
}

}  // namespace

TEST_CASE("the measure of errors itself", "[kernels][math]") {
  CHECK(ulp_error(1.0f, 1.0) == 0);
  CHECK(ulp_error(std::nextafter(1.0f, 2.0f), 1.0) == 1);
  CHECK(ulp_error(0.0f, 0x1p-149) == 1);
  CHECK(ulp_error(INFINITY, 0x1.ffffffp127) == Approx(0.5));
  CHECK(ulp_error(INFINITY, 1e300) == 0);
  CHECK(ulp_error(-INFINITY, 1e300) > 1e6);
  CHECK(std::isinf(ulp_error(1.0f, std::nan(""))));
  CHECK(std::isinf(ulp_error(std::nanf(""), 1.0)));
}

TEMPLATE_TEST_CASE("vector maths: errors within the stated bounds", "[kernels][math]", float,
                   double) {
  using T = TestType;
  const Functions<T> functions;
  const std::vector<T> x = samples<T>(sizeof(T) == 4 ? 2'000'000 : 500'000, 11);
  for (const auto& function : functions.all) {
    std::vector<Wide<T>> truth(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) truth[i] = function.truth(x[i]);
    for (int s = 0; s < kInstructionSets; ++s) {
      const InstructionSet set = instruction_set(s);
      if (!set.usable) continue;
      const std::vector<T> y = apply(function, set, x);
      double worst = 0;
      std::size_t at = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double error = function.error(x[i], y[i], truth[i]);
        if (error > worst) worst = error, at = i;
      }
      INFO(set.name << " " << function.name << "(" << x[at] << ") = " << y[at]);
      CHECK(worst <= (std::string(set.name) == "sse2" ? function.bound_sse2 : function.bound));
      CHECK(worst > 0.3);  // a measurement that saw nothing is no measurement
    }
  }
}

TEMPLATE_TEST_CASE("vector maths: pow within 1 unit in the last place", "[kernels][math]", float,
                   double) {
  using T = TestType;
  std::vector<T> x = samples<T>(sizeof(T) == 4 ? 1'000'000 : 300'000, 21);
  std::vector<T> exponent = samples<T>(x.size(), 22), y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (i % 4 != 0) x[i] = std::abs(x[i]);
    const T scale = std::abs(std::log2(std::abs(x[i])));
    if (i % 8 < 5) exponent[i] *= static_cast<T>((sizeof(T) == 4 ? 5 : 35) / scale);
    if (i % 8 == 5) exponent[i] = std::round(exponent[i]);
  }
  std::vector<Wide<T>> truth(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    truth[i] = std::pow(static_cast<Wide<T>>(x[i]), static_cast<Wide<T>>(exponent[i]));
  }
  for (int s = 0; s < kInstructionSets; ++s) {
    const InstructionSet set = instruction_set(s);
    if (!set.usable) continue;
    functions_of<T>(set).pow(x.data(), exponent.data(), y.data(),
                             static_cast<std::int64_t>(x.size()));
    double worst = 0;
    std::size_t at = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double error = ulp_error<T>(y[i], truth[i]);
      if (error > worst) worst = error, at = i;
    }
    INFO(set.name << " " << x[at] << " ^ " << exponent[at] << " = " << y[at]);
    CHECK(worst <= 1.0);
    CHECK(worst > 0.3);
  }
}

// Signs of zero, denormals, infinities and NaN, bit for bit as the C library has them.
TEMPLATE_TEST_CASE("vector maths: special values", "[kernels][math]", float, double) {
  using T = TestType;
  using Limits = std::numeric_limits<T>;
  const T inf = Limits::infinity(), tiny = Limits::denorm_min();
  const Functions<T> functions;
  const std::vector<T> exact = {0, T(-0.0), inf, -inf, Limits::quiet_NaN(), 1, -1};
  const std::vector<T> near = {tiny, -tiny, 7 * tiny, Limits::min(), -Limits::min(), Limits::max(),
                               -Limits::max(), Limits::epsilon(), -Limits::epsilon(), T(-2)};
  for (int s = 0; s < kInstructionSets; ++s) {
    const InstructionSet set = instruction_set(s);
    if (!set.usable) continue;
    for (const auto& function : functions.all) {
      const std::vector<T> y = apply(function, set, exact), z = apply(function, set, near);
      for (std::size_t i = 0; i < exact.size(); ++i) {
        const T expected = static_cast<T>(function.truth(exact[i]));
        INFO(set.name << " " << function.name << "(" << exact[i] << ") = " << y[i]);
        CHECK(ulp_error<T>(y[i], expected) <= (std::abs(exact[i]) == 1 ? 1 : 0.6));
        if (expected == 0) CHECK(std::signbit(y[i]) == std::signbit(expected));
      }
      for (std::size_t i = 0; i < near.size(); ++i) {
        INFO(set.name << " " << function.name << "(" << near[i] << ") = " << z[i]);
        CHECK(function.error(near[i], z[i]) <= function.bound_sse2);
      }
    }
  }
}

TEMPLATE_TEST_CASE("vector maths: every pair of special values for pow", "[kernels][math]", float,
                   double) {
  using T = TestType;
  using Limits = std::numeric_limits<T>;
  const T inf = Limits::infinity(), nan = Limits::quiet_NaN();
  const std::vector<T> values = {
      0, T(-0.0), 1, -1, 2, -2, 3, -3, T(0.5), T(-0.5), T(1.5), T(-1.5), inf, -inf, nan,
      Limits::max(), -Limits::max(), Limits::min(), Limits::denorm_min(), -Limits::denorm_min(),
      T(1) / Limits::epsilon(), T(1) / Limits::epsilon() + 1, 1 + Limits::epsilon(), T(1e6) + 1};
  std::vector<T> x, exponent;
  for (T a : values) {
    for (T b : values) x.push_back(a), exponent.push_back(b);
  }
  std::vector<T> y(x.size());
  for (int s = 0; s < kInstructionSets; ++s) {
    const InstructionSet set = instruction_set(s);
    if (!set.usable) continue;
    functions_of<T>(set).pow(x.data(), exponent.data(), y.data(),
                             static_cast<std::int64_t>(x.size()));
    for (std::size_t i = 0; i < x.size(); ++i) {
      const T expected = std::pow(x[i], exponent[i]);
      INFO(set.name << " " << x[i] << " ^ " << exponent[i] << " = " << y[i]);
      if (std::isnan(expected) || std::isinf(expected) || expected == 0 || expected == 1) {
        CHECK(same_bits(y[i], expected));
      } else {
        CHECK(ulp_error<T>(y[i], expected) <= 2);
      }
    }
  }
}

TEMPLATE_TEST_CASE("vector maths: lanes and tails do not matter", "[kernels][math]", float,
                   double) {
  using T = TestType;
  const Functions<T> functions;
  std::vector<T> x = samples<T>(67, 31);
  x[5] = T(1e30), x[20] = T(3e15), x[40] = T(7e5);  // beyond the fast reduction of sin and cos
  for (int s = 0; s < kInstructionSets; ++s) {
    const InstructionSet set = instruction_set(s);
    if (!set.usable) continue;
    for (const auto& function : functions.all) {
      const auto loop = functions_of<T>(set).*function.loop;
      const std::vector<T> whole = apply(function, set, x);
      for (std::size_t i = 0; i < x.size(); ++i) {
        T alone = 0;
        loop(&x[i], &alone, 1);
        INFO(set.name << " " << function.name << "(" << x[i] << "), element " << i);
        CHECK(same_bits(alone, whole[i]));
      }
      for (std::size_t n = 0; n <= 33; ++n) {
        std::vector<T> y(x.size(), T(-77));
        loop(x.data() + 1, y.data(), static_cast<std::int64_t>(n));
        bool equal = true;
        for (std::size_t i = 0; i < n; ++i) equal = equal && same_bits(y[i], whole[i + 1]);
        INFO(set.name << " " << function.name << ", length " << n);
        CHECK(equal);
        CHECK(y[n] == T(-77));  // nothing is written past the end
      }
    }
  }
}

TEMPLATE_TEST_CASE("vector maths: one result for every set with fused multiply-add",
                   "[kernels][math]", float, double) {
  using T = TestType;
  if (kInstructionSets < 3 || !instruction_set(kInstructionSets - 1).usable) {
    SKIP("only one such instruction set here");
  }
  const InstructionSet first = instruction_set(1), second = instruction_set(2);
  const std::vector<T> x = samples<T>(400'000, 41), exponent = samples<T>(400'000, 42);
  for (const auto& function : Functions<T>().all) {
    const std::vector<T> a = apply(function, first, x), b = apply(function, second, x);
    INFO(function.name);
    CHECK(std::equal(a.begin(), a.end(), b.begin(), same_bits<T>));
  }
  std::vector<T> a(x.size()), b(x.size());
  const auto n = static_cast<std::int64_t>(x.size());
  functions_of<T>(first).pow(x.data(), exponent.data(), a.data(), n);
  functions_of<T>(second).pow(x.data(), exponent.data(), b.data(), n);
  CHECK(std::equal(a.begin(), a.end(), b.begin(), same_bits<T>));
}
