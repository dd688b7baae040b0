// Random tensors, against std::mt19937 and PyTorch's way of making numbers of its draws.
#include <simdgrad/random.h>

#include <cmath>
#include <random>

#include "tests/cases/rows.h"

namespace cases {
namespace {

using namespace simdgrad;
using Values = std::vector<double>;

// The draws of one seed.
class Draws {
 public:
  explicit Draws(uint32_t seed) : engine_(seed) {}
  uint64_t next() { return engine_(); }
  uint64_t next_64() {
    const uint64_t high = next();
    return high << 32 | next();
  }
  double uniform_f32() { return static_cast<double>(next() & 0xffffff) / 0x1000000; }
  double uniform_f64() {
    return static_cast<double>(next_64() & 0x1fffffffffffff) / 9007199254740992.0;
  }
  double uniform(ScalarType dtype) { return dtype == kFloat ? uniform_f32() : uniform_f64(); }

 private:
  std::mt19937 engine_;
};

Values uniform_numbers(uint32_t seed, ScalarType dtype, int64_t n) {
  Draws draws(seed);
  Values values;
  for (int64_t i = 0; i < n; ++i) values.push_back(draws.uniform(dtype));
  return values;
}

// Box-Muller: below 16 numbers pair by pair in double, else over blocks of 16 uniforms whose halves
// are paired, the last block drawn anew where it does not fit.
Values normal_numbers(uint32_t seed, ScalarType dtype, int64_t n) {
  const double two_pi = 2 * std::acos(-1.0);
  Draws draws(seed);
  Values values;
  if (n < 16) {
    while (static_cast<int64_t>(values.size()) < n) {
      const double angle = two_pi * draws.uniform_f64();
      const double radius = std::sqrt(-2 * std::log1p(-draws.uniform_f64()));
      values.push_back(radius * std::cos(angle));
      values.push_back(radius * std::sin(angle));
    }
    values.resize(static_cast<size_t>(n));
    return values;
  }
  for (int64_t i = 0; i < n; ++i) values.push_back(draws.uniform(dtype));
  const auto transform = [&](size_t begin) {
    for (size_t j = begin; j < begin + 8; ++j) {
      const double radius = std::sqrt(-2 * std::log(1 - values[j])), angle = two_pi * values[j + 8];
      values[j] = radius * std::cos(angle);
      values[j + 8] = radius * std::sin(angle);
    }
  };
  for (size_t begin = 0; begin + 16 <= values.size(); begin += 16) transform(begin);
  if (n % 16 == 0) return values;
  const size_t last = values.size() - 16;
  for (size_t j = last; j < values.size(); ++j) values[j] = draws.uniform(dtype);
  transform(last);
  return values;
}

Values integers(uint32_t seed, int64_t low, int64_t high, int64_t n) {
  Draws draws(seed);
  Values values;
  for (int64_t i = 0; i < n; ++i)
    values.push_back(static_cast<double>(
        low + static_cast<int64_t>(draws.next() % static_cast<uint64_t>(high - low))));
  return values;
}

// Was it drawn with probability p, by a double.
Values trials(uint32_t seed, double p, int64_t n) {
  Draws draws(seed);
  Values values;
  for (int64_t i = 0; i < n; ++i) values.push_back(draws.uniform_f64() < p ? 1 : 0);
  return values;
}

const Shape kShapes[] = {{3, 5}, {67}, {1}, {2, 0}, {}, {4, 4}, {1009}};
// Normal numbers come from logarithms and sines of our own.
double rounding(ScalarType dtype) { return dtype == kFloat ? 2e-5 : 1e-12; }

void check_rand() {
  for (ScalarType dtype : {kFloat, kDouble})
    for (const Shape& shape : kShapes) {
      const Values wanted = uniform_numbers(7, dtype, reference::count(shape));
      manual_seed(7);
      expect(rand(shape, dtype), dtype, shape, wanted);
      expect(rand(shape, Generator(7), dtype), dtype, shape, wanted);
      manual_seed(7);
      expect(rand_like(zeros(shape, dtype)), dtype, shape, wanted);
      manual_seed(7);
      expect(zeros(shape, dtype).uniform_(), dtype, shape, wanted);
    }
  // A generator of one's own leaves the default one alone, and goes on where it was.
  manual_seed(3);
  const Tensor first = rand({5}), second = rand({5});
  manual_seed(3);
  Generator own(3);
  CHECK(equal(rand({5}, own), first));
  CHECK(equal(rand({5}), first));
  CHECK(equal(rand({5}, own), second));
  const Tensor leaf = rand({2}, TensorOptions().requires_grad(true));
  CHECK(leaf.is_leaf());
  CHECK(leaf.requires_grad());
  CHECK(leaf._version() == 0);
  // Numbers are drawn in the order of memory.
  manual_seed(7);
  const Tensor transposed = rand_like(zeros({4, 3}).t());
  CHECK(Shape(transposed.strides().begin(), transposed.strides().end()) == Shape{1, 3});
  expect(transposed.t(), kFloat, {4, 3}, uniform_numbers(7, kFloat, 12));
  manual_seed(7);
  expect(rand_like(zeros({3}, kLong), kDouble), kDouble, {3}, uniform_numbers(7, kDouble, 3));
  CHECK_THROWS_AS(rand({2}, kLong), Error);
}

void check_randn() {
  for (ScalarType dtype : {kFloat, kDouble})
    for (const Shape& shape : kShapes) {
      INFO("shape " << text(shape));
      const Values wanted = normal_numbers(11, dtype, reference::count(shape));
      manual_seed(11);
      const Tensor x = randn(shape, dtype);
      CHECK(allclose(x.to(kDouble), tensor(wanted, kDouble).view(shape), rounding(dtype),
                     rounding(dtype)));
      CHECK(x.scalar_type() == dtype);
      CHECK(equal(randn(shape, Generator(11), dtype), x));
      manual_seed(11);
      CHECK(equal(randn_like(zeros(shape, dtype)), x));
      manual_seed(11);
      Tensor filled = zeros(shape, dtype);
      filled.normal_(2, 0.5);
      CHECK(allclose(filled, x * 0.5 + 2, rounding(dtype), rounding(dtype)));
    }
  CHECK(randn({2}, TensorOptions().requires_grad(true)).requires_grad());
  CHECK_THROWS_AS(randn({2}, kLong), Error);
}

void check_randint() {
  for (const Shape& shape : kShapes) {
    const int64_t n = reference::count(shape);
    manual_seed(5);
    expect(randint(10, shape), kLong, shape, integers(5, 0, 10, n));
    manual_seed(5);
    expect(randint(-3, 4, shape), kLong, shape, integers(5, -3, 4, n));
    expect(randint(-3, 4, shape, Generator(5)), kLong, shape, integers(5, -3, 4, n));
    manual_seed(5);
    expect(randint(0, 100, shape, kFloat), kFloat, shape, integers(5, 0, 100, n));
    manual_seed(5);
    expect(randint(0, 2, shape, kBool), kBool, shape, integers(5, 0, 2, n));
    manual_seed(5);
    expect(zeros(shape, kInt).random_(6), kInt, shape, integers(5, 0, 6, n));
    manual_seed(5);
    expect(zeros(shape).bernoulli_(0.25), kFloat, shape, trials(5, 0.25, n));
  }
  CHECK_THROWS_WITH(randint(5, 5, {2}),
                    "random_ expects 'from' to be less than 'to', but got from=5 >= to=5");
}

void check_randperm() {
  for (int64_t n : {0, 1, 2, 67, 1009}) {
    Draws draws(9);
    Values wanted(static_cast<size_t>(n));
    std::iota(wanted.begin(), wanted.end(), 0.0);
    for (int64_t i = 0; i < n - 1; ++i)
      std::swap(wanted[static_cast<size_t>(i)],
                wanted[static_cast<size_t>(i) + draws.next() % static_cast<uint64_t>(n - i)]);
    manual_seed(9);
    expect(randperm(n), kLong, {n}, wanted);
    expect(randperm(n, Generator(9), kInt), kInt, {n}, wanted);
  }
  manual_seed(9);
  CHECK(randperm(5, kFloat).scalar_type() == kFloat);
  CHECK_THROWS_AS(randperm(-1), Error);
}

void add_dropout(Table& table) {
  const std::string covers = "dropout(Tensor,double,bool)";
  constexpr double p = 0.25;
  for (const Shape& shape : {Shape{3, 4}, Shape{67}, Shape{1}, Shape{2, 0}, Shape{}}) {
    table
        .add(
            "dropout/" + text(shape), covers, {real(shape)},
            [](const Tensors& x) -> Tensors {
              manual_seed(13);
              return {dropout(x[0], p, true)};
            },
            [](const Arrays& x) -> Arrays {
              const Values kept = trials(13, 1 - p, x[0].size());
              Array y = x[0];
              for (int64_t i = 0; i < y.size(); ++i) y[i] *= kept[static_cast<size_t>(i)] / (1 - p);
              return {y};
            })
        .no_layouts();  // the mask is drawn in the order of memory
    table
        .add(
            "dropout of all/" + text(shape), covers, {real(shape)},
            [](const Tensors& x) -> Tensors { return {dropout(x[0], 1, true)}; },
            [](const Arrays& x) -> Arrays { return {Array(x[0].shape)}; })
        .bits();
    table
        .add(
            "dropout of none/" + text(shape), covers, {real(shape)},
            [](const Tensors& x) -> Tensors { return {dropout(x[0], 0, true) * 1}; },
            [](const Arrays& x) { return x; })
        .bits();
    table
        .add(
            "dropout outside training/" + text(shape), covers, {real(shape)},
            [](const Tensors& x) -> Tensors { return {dropout(x[0], p, false) * 1}; },
            [](const Arrays& x) { return x; })
        .bits();
  }
}

void check_dropout() {
  const Tensor x = ones({1000, 100});
  manual_seed(1);
  const double kept = dropout(x, 0.25, true)
                          .to(kBool)
                          .to(kDouble)
                          .view({100000})
                          .dot(ones({100000}, kDouble))
                          .item<double>();
  CHECK(std::abs(kept / 1e5 - 0.75) < 0.01);
  CHECK_THROWS_WITH(dropout(x, 1.5, true),
                    "dropout probability has to be between 0 and 1, but got 1.5");
}

}  // namespace

void add_random_cases(Table& table) {
  table.add_special("rand",
                    "rand(IntArrayRef,TensorOptions) "
                    "rand(IntArrayRef,optional<Generator>,TensorOptions) "
                    "rand_like(Tensor,TensorOptions)",
                    check_rand);
  table.add_special("randn",
                    "randn(IntArrayRef,TensorOptions) "
                    "randn(IntArrayRef,optional<Generator>,TensorOptions) "
                    "randn_like(Tensor,TensorOptions)",
                    check_randn);
  table.add_special("randint",
                    "randint(int64_t,IntArrayRef,TensorOptions) "
                    "randint(int64_t,int64_t,IntArrayRef,TensorOptions) "
                    "randint(int64_t,int64_t,IntArrayRef,optional<Generator>,TensorOptions)",
                    check_randint);
  table.add_special("randperm",
                    "randperm(int64_t,TensorOptions) "
                    "randperm(int64_t,optional<Generator>,TensorOptions)",
                    check_randperm);
  add_dropout(table);
  table.add_special("dropout in numbers", "", check_dropout);
}

}  // namespace cases
