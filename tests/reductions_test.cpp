// Reductions and softmax beyond the case table: lengths around every block and register, layouts,
// numbers far from 0, NaN and ties, threads, texts.
#include <simdgrad/autograd.h>
#include <simdgrad/creation.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/random.h>
#include <simdgrad/reductions.h>
#include <simdgrad/views.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "tests/catch.h"
#include "tests/describe.h"
#include "tests/machine_settings.h"

using namespace simdgrad;
using autograd::grad;
using testing::bytes;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
using Numbers = std::vector<long double>;

// In logical order, whatever the layout.
Numbers numbers(const Tensor& x) {
  const Tensor dense = x.detach().to(kDouble).contiguous();
  const double* data = dense.const_data_ptr<double>();
  return Numbers(data, data + dense.numel());
}

long double sum_of(const Numbers& v) {
  long double sum = 0;
  for (long double x : v) sum += x;
  return sum;
}
long double sum_of_magnitudes(const Numbers& v) {
  long double sum = 0;
  for (long double x : v) sum += std::abs(x);
  return sum;
}
long double var_of(const Numbers& v) {
  const long double mean = sum_of(v) / static_cast<long double>(v.size());
  long double sum = 0;
  for (long double x : v) sum += (x - mean) * (x - mean);
  return sum / static_cast<long double>(v.size() - 1);
}
double norm_of(const Numbers& v) {
  long double sum = 0;
  for (long double x : v) sum += x * x;
  return static_cast<double>(std::sqrt(sum));
}

bool near(double got, long double want, double scale, double eps) {
  return std::abs(static_cast<long double>(got) - want) <= eps * scale;
}

// The numbers that go into each result, for any layout and choice of dimensions.
std::vector<Numbers> groups(const Tensor& x, const std::vector<int64_t>& dims) {
  const Numbers all = numbers(x);
  int64_t outputs = 1;
  std::vector<int64_t> step(static_cast<size_t>(x.dim()), 0);
  for (int64_t d = x.dim() - 1; d >= 0; --d) {
    if (std::count(dims.begin(), dims.end(), d)) continue;
    step[static_cast<size_t>(d)] = outputs;
    outputs *= x.size(d);
  }
  std::vector<Numbers> result(static_cast<size_t>(outputs));
  for (size_t i = 0; i < all.size(); ++i) {
    int64_t rest = static_cast<int64_t>(i), to = 0;
    for (int64_t d = x.dim() - 1; d >= 0; --d) {
      to += rest % x.size(d) * step[static_cast<size_t>(d)];
      rest /= x.size(d);
    }
    result[static_cast<size_t>(to)].push_back(all[i]);
  }
  return result;
}

}  // namespace

TEST_CASE("rows of every length around registers and blocks", "[reductions]") {
  manual_seed(1);
  const ScalarType type = GENERATE(kFloat, kDouble);
  const double eps = type == kFloat ? 2e-7 : 4e-16;
  std::vector<int64_t> lengths = {4095, 4096, 4097, 8192, 12345, 16384 * 3 + 17};
  for (int64_t n = 1; n <= 140; ++n) lengths.push_back(n);
  for (int64_t n : lengths) {
    const Tensor x = randn({2, n}, type);
    const std::vector<Numbers> rows = groups(x, {1});
    const Numbers sums = numbers(x.sum(1)), tops = numbers(x.amax(1)), lows = numbers(x.amin(1));
    const Numbers norms = numbers(x.norm(2, 1)), places = numbers(x.argmax(1));
    const Numbers variances = n > 1 ? numbers(x.var(1)) : Numbers();
    for (size_t r = 0; r < 2; ++r) {
      INFO("length " << n << " row " << r);
      CHECK(near(static_cast<double>(sums[r]), sum_of(rows[r]),
                 static_cast<double>(sum_of_magnitudes(rows[r])), eps));
      const auto top = std::max_element(rows[r].begin(), rows[r].end());
      CHECK(tops[r] == *top);
      CHECK(places[r] == top - rows[r].begin());
      CHECK(lows[r] == *std::min_element(rows[r].begin(), rows[r].end()));
      CHECK(near(static_cast<double>(norms[r]), norm_of(rows[r]), norm_of(rows[r]), 4 * eps));
      if (n > 1)
        CHECK(near(static_cast<double>(variances[r]), var_of(rows[r]),
                   static_cast<double>(var_of(rows[r])), 8 * eps));
    }
    CHECK(near(x.sum().item<double>(), sum_of(numbers(x)),
               static_cast<double>(sum_of_magnitudes(numbers(x))), eps));
  }
}

TEST_CASE("columns of every height and width around groups and registers", "[reductions]") {
  manual_seed(2);
  const ScalarType type = GENERATE(kFloat, kDouble);
  const double eps = type == kFloat ? 2e-7 : 4e-16;
  for (int64_t rows : {1, 2, 3, 5, 7, 8, 9, 15, 17, 63, 65, 511, 513, 1100})
    for (int64_t width : {1, 2, 7, 8, 9, 15, 16, 17, 33, 1023, 1025}) {
      if (rows > 100 && width > 100) continue;
      const Tensor x = randn({2, rows, width}, type);
      const std::vector<Numbers> columns = groups(x, {1});
      const Numbers sums = numbers(x.sum(1)), tops = numbers(x.amax(1));
      const Numbers places = numbers(std::get<1>(x.min(1)));
      INFO("rows " << rows << " width " << width);
      bool good = true;
      for (size_t c = 0; c < columns.size(); ++c) {
        good &= near(static_cast<double>(sums[c]), sum_of(columns[c]),
                     static_cast<double>(sum_of_magnitudes(columns[c])), eps);
        good &= tops[c] == *std::max_element(columns[c].begin(), columns[c].end());
        good &= places[c] ==
                std::min_element(columns[c].begin(), columns[c].end()) - columns[c].begin();
      }
      CHECK(good);
    }
}

TEST_CASE("any layout, any dimensions", "[reductions]") {
  manual_seed(3);
  const Tensor base = randn({4, 6, 5, 8}, kDouble);
  const std::vector<std::pair<const char*, Tensor>> layouts = {
      {"contiguous", base},
      {"permuted", base.permute({2, 0, 3, 1})},
      {"sliced inside", base.slice(3, 1, 6)},
      {"every other", base.slice(3, 0, std::nullopt, 2)},
      {"sliced outside", base.slice(1, 1, 4).transpose(0, 1)},
      {"expanded", base.slice(2, 0, 1).expand({4, 6, 3, 8})},
      {"sizes of one", base.slice(0, 0, 1).slice(2, 3, 4).permute({3, 2, 1, 0})}};
  for (const auto& [name, x] : layouts)
    for (int mask = 1; mask < 16; ++mask) {
      std::vector<int64_t> dims;
      for (int64_t d = 0; d < 4; ++d)
        if (mask >> d & 1) dims.push_back(d);
      const std::vector<Numbers> expected = groups(x, dims);
      const Tensor sum = x.sum(dims), top = x.amax(dims, true), variance = x.var(dims, false);
      const Tensor largest = dims.size() == 1 ? x.argmax(dims[0]) : Tensor();
      INFO(name << " mask " << mask);
      CHECK(sum.dim() == 4 - static_cast<int64_t>(dims.size()));
      CHECK(sum.is_contiguous());
      CHECK(top.dim() == 4);
      bool good = static_cast<size_t>(sum.numel()) == expected.size();
      const Numbers sums = numbers(sum), tops = numbers(top), variances = numbers(variance);
      for (size_t i = 0; good && i < expected.size(); ++i) {
        const Numbers& v = expected[i];
        good &= std::abs(sums[i] - sum_of(v)) < 1e-12;
        good &= tops[i] == *std::max_element(v.begin(), v.end());
        const long double n = static_cast<long double>(v.size());
        good &= std::abs(variances[i] - (n > 1 ? var_of(v) * (n - 1) / n : 0)) < 1e-12;
        if (largest.defined())
          good &= numbers(largest)[i] == std::max_element(v.begin(), v.end()) - v.begin();
      }
      CHECK(good);
    }
}

TEST_CASE("float sums and variances stay accurate", "[reductions]") {
  manual_seed(4);
  const Tensor x = rand({1 << 20}) + 1000;
  const Numbers exact = numbers(x);
  CHECK(near(x.sum().item<double>(), sum_of(exact), static_cast<double>(sum_of(exact)), 1.5e-7));
  CHECK(near(x.mean().item<double>(), sum_of(exact) / exact.size(), 1000, 1.5e-7));
  CHECK(near(x.var().item<double>(), var_of(exact), static_cast<double>(var_of(exact)), 1e-5));
  // One column of many rows, added a block at a time.
  const Tensor tall = x.view({-1, 4});
  CHECK(near(tall.sum(0).sum().item<double>(), sum_of(exact), static_cast<double>(sum_of(exact)), 3e-7));
}

TEST_CASE("the same bits for any number of threads", "[reductions][threads]") {
  manual_seed(5);
  const Tensor wide = randn({7, 40003}), tall = randn({3001, 37}), cube = randn({5, 700, 9});
  const auto run = [&] {
    std::string all;
    for (const Tensor& x : {wide, tall, cube, wide.t()}) {
      const Tensor y = x.detach().requires_grad_();
      const Tensor soft = y.softmax(-1);
      const Tensor total = y.sum() + y.var() + y.norm() + y.max() + (soft * soft).sum() +
                           y.log_softmax(0).sum() + y.mean(0).norm();
      total.backward();
      for (const Tensor& result :
           {x.sum(), x.sum(0), x.sum(-1), x.amax(0), x.var(0), x.var(-1), x.norm(1), x.norm(3, -1),
            x.argmax(), x.argmin(0), std::get<1>(x.max(-1)), x.logsumexp(0), x.logsumexp(-1),
            total, y.grad()})
        all += bytes(result);
    }
    return all;
  };
  testing::check_same_for_any_threads(run);
}

TEST_CASE("NaN wins and is found first, whatever its place", "[reductions]") {
  const ScalarType type = GENERATE(kFloat, kDouble);
  for (int64_t n : {1, 3, 8, 10, 16, 17, 33, 70, 300})
    for (int64_t at = 0; at < n; at += n < 40 ? 1 : 13) {
      Tensor x = arange(0, n, type);
      x.select(0, at).fill_(kNan);
      x.select(0, n - 1).fill_(kNan);
      INFO("length " << n << " NaN at " << at);
      CHECK(std::isnan(x.max().item<double>()));
      CHECK(std::isnan(x.amin().item<double>()));
      CHECK(x.argmax().item<int64_t>() == at);
      CHECK(std::get<1>(x.min(0)).item<int64_t>() == at);
      const Tensor column = x.view({n, 1}).expand({n, 3}).contiguous();
      CHECK(std::get<1>(column.max(0)).select(0, 2).item<int64_t>() == at);
      CHECK(std::isnan(std::get<0>(column.min(0)).select(0, 1).item<double>()));
      CHECK(std::isnan(x.softmax(0).sum().item<double>()));
      CHECK(std::isnan(x.log_softmax(0).select(0, 0).item<double>()));
      CHECK(std::isnan(x.logsumexp(0).item<double>()));
      CHECK(std::isnan(x.norm(kInf).item<double>()));
    }
}

TEST_CASE("ties and special values of gradients", "[reductions]") {
  const auto gradient = [](const Tensor& values, auto f) {
    Tensor x = values.detach().clone().requires_grad_();
    f(x).backward();
    return x.grad();
  };
  const Tensor tied = tensor({1., 3., 3., 0.});
  CHECK(gradient(tied, [](const Tensor& x) { return x.max(); }).equal(tensor({0., .5, .5, 0.})));
  CHECK(gradient(tied, [](const Tensor& x) { return x.amax(0); }).equal(tensor({0., .5, .5, 0.})));
  CHECK(gradient(tied, [](const Tensor& x) { return std::get<0>(x.max(0)); })
            .equal(tensor({0., 1., 0., 0.})));
  CHECK(gradient(-tied, [](const Tensor& x) { return x.min(); }).equal(tensor({0., .5, .5, 0.})));
  const Tensor two_nans = tensor({kNan, 1., kNan});
  CHECK(gradient(two_nans, [](const Tensor& x) { return x.max(); }).equal(tensor({.5, 0., .5})));
  // The norm of zeros and the deviation of equals have gradient 0, not NaN.
  for (double p : {0., .5, 1., 1.5, 2., 3., kInf})
    CHECK(gradient(zeros({3}), [p](const Tensor& x) { return x.norm(p); }).equal(zeros({3})));
  CHECK(gradient(ones({3}), [](const Tensor& x) { return x.std(); }).equal(zeros({3})));
}

TEST_CASE("the gradient of a sum of one number lies like its operand", "[reductions]") {
  for (const std::vector<int64_t>& sizes :
       {std::vector<int64_t>{1}, {1, 1, 1}, {1, 1, 1, 1, 1, 1, 1}}) {
    const Tensor x = rand(sizes).requires_grad_();
    x.sum().backward();
    CHECK(x.grad().strides() == x.strides());
  }
}

TEST_CASE("softmax at the edges", "[reductions]") {
  const ScalarType type = GENERATE(kFloat, kDouble);
  const auto row = [&](const TensorData& data) { return tensor(data, type); };
  const double eps = type == kFloat ? 1e-6 : 1e-14;
  CHECK(row({-kInf, -kInf}).softmax(0).isnan().all().item<bool>());
  CHECK(row({kInf, 1.}).softmax(0).isnan().all().item<bool>());
  CHECK(row({1e30, 1.}).softmax(0).equal(row({1., 0.})));
  CHECK(row({-kInf, 0.}).log_softmax(0).equal(row({-kInf, 0.})));
  CHECK(row({-kInf, -kInf}).logsumexp(0).item<double>() == -kInf);
  CHECK(row({kInf, 1.}).logsumexp(0).item<double>() == kInf);
  CHECK(row({1000., 1000.}).logsumexp(0).item<double>() == Approx(1000 + std::log(2.)).epsilon(eps));
  // A large offset costs no digits.
  CHECK(row({5000., 5001.}).log_softmax(0).allclose(row({0., 1.}).log_softmax(0), eps, eps));
  CHECK(tensor(2., type).softmax(0).item<double>() == 1);
  CHECK(empty({0, 3}, type).softmax(1).numel() == 0);

  manual_seed(6);
  for (int64_t n : {1, 2, 3, 7, 8, 9, 10, 15, 16, 17, 31, 33, 64, 65, 127, 130, 513, 1000}) {
    const Tensor x = randn({19, n}, type) * 5;
    const std::vector<Numbers> rows = groups(x, {1});
    const Numbers soft = numbers(x.softmax(1)), logs = numbers(x.log_softmax(1));
    const Numbers other = numbers(x.t().contiguous().softmax(0).t());
    double worst = 0, worst_log = 0, worst_other = 0;
    for (size_t i = 0; i < soft.size(); ++i) {
      const Numbers& v = rows[i / static_cast<size_t>(n)];
      long double sum = 0;
      for (long double value : v) sum += std::exp(value);
      const long double want = std::exp(v[i % static_cast<size_t>(n)]) / sum;
      worst = std::max(worst, static_cast<double>(std::abs(soft[i] - want) / want));
      worst_other = std::max(worst_other, static_cast<double>(std::abs(other[i] - want) / want));
      worst_log = std::max(worst_log, static_cast<double>(std::abs(logs[i] - std::log(want)) /
                                                          std::max(1.0L, std::abs(std::log(want)))));
    }
    INFO("row of " << n);
    CHECK(worst < 3 * eps);
    CHECK(worst_other < 3 * eps);
    CHECK(worst_log < eps);
  }
}

TEST_CASE("softmax: fused backward and the composed one agree", "[reductions]") {
  manual_seed(7);
  for (const bool log_form : {false, true})
    for (int64_t dim : {0, 1, 2}) {
      const Tensor x = randn({5, 10, 17}, kDouble).requires_grad_(), dy = randn({5, 10, 17}, kDouble);
      const auto call = [&] { return log_form ? x.log_softmax(dim) : x.softmax(dim); };
      const Tensor fused = grad({call()}, {x}, {dy})[0];
      const Tensor composed = grad({call()}, {x}, {dy}, true, true)[0];
      CHECK(fused.allclose(composed, 1e-12, 1e-14));
      CHECK(!fused.requires_grad());
      CHECK(composed.requires_grad());
    }
  const Tensor ids = tensor({{1, 2}, {3, 5}});
  CHECK(ids.softmax(1, kDouble).scalar_type() == kDouble);
  const Tensor x = randn({3}).requires_grad_();
  const Tensor y = x.log_softmax(0, kDouble);
  y.select(0, 0).backward();
  CHECK(y.scalar_type() == kDouble);
  CHECK(x.grad().scalar_type() == kFloat);
}

TEST_CASE("reductions of integers", "[reductions]") {
  const Tensor bytes = tensor({200, 100, 7}, kByte), flags = tensor({true, false, true});
  CHECK(bytes.sum().item<int64_t>() == 307);
  CHECK(bytes.sum().scalar_type() == kLong);
  CHECK(flags.sum().item<int64_t>() == 2);
  CHECK(bytes.max().scalar_type() == kByte);
  CHECK(bytes.amax(0).item<int64_t>() == 200);
  CHECK(bytes.argmin().item<int64_t>() == 2);
  CHECK(flags.any().item<bool>());
  CHECK(!flags.all().item<bool>());
  CHECK(bytes.all().scalar_type() == kByte);
  CHECK(tensor({1., kNan}).all().item<bool>());
  CHECK(bytes.mean(kFloat).item<double>() == Approx(307 / 3.));
  CHECK(bytes.sum(kInt).scalar_type() == kInt);
  CHECK(tensor({1.7, 1.7}).sum(kLong).item<int64_t>() == 2);
  manual_seed(8);
  const Tensor many = randint(-1000, 1000, {30, 21, 11});
  for (const Tensor& x : {many, many.permute({2, 0, 1}), many.slice(2, 0, 11, 3)}) {
    const Tensor as_float = x.to(kDouble);
    for (int64_t dim : {0, 1, 2}) {
      CHECK(x.sum(dim).to(kDouble).equal(as_float.sum(dim)));
      CHECK(x.amin(dim).to(kDouble).equal(as_float.amin(dim)));
      CHECK(x.argmax(dim).equal(as_float.argmax(dim)));
      CHECK(std::get<1>(x.min(dim)).equal(std::get<1>(as_float.min(dim))));
      CHECK(x.ne(0).all(dim).equal(as_float.ne(0).sum(dim).eq(x.size(dim))));
    }
    CHECK(x.sum({0, 2}).to(kDouble).equal(as_float.sum({0, 2})));
  }
}

TEST_CASE("nothing to reduce", "[reductions]") {
  const Tensor none = empty({0}), rows = empty({2, 0});
  CHECK(none.sum().item<double>() == 0);
  CHECK(std::isnan(none.mean().item<double>()));
  CHECK(rows.sum(1).equal(zeros({2})));
  CHECK(rows.sum(0).numel() == 0);
  CHECK(rows.mean(1).isnan().all().item<bool>());
  CHECK(std::isnan(none.var().item<double>()));
  CHECK(rows.logsumexp(1).equal(full({2}, -kInf)));
  CHECK(rows.norm(2, 1).equal(zeros({2})));
  CHECK(none.all().item<bool>());
  CHECK(!none.any().item<bool>());
  CHECK(std::get<1>(rows.max(0)).numel() == 0);
  CHECK(rows.amax(0).numel() == 0);
  CHECK(std::isnan(ones({1}).var().item<double>()));
  CHECK(randn({2, 3}).var(1, Scalar(5)).isinf().all().item<bool>());
  Tensor x = empty({2, 0}).requires_grad_();
  x.sum(1).sum().backward();
  CHECK(x.grad().sizes() == x.sizes());
  const std::string no_dim =
      "(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim "
      "with the 'dim' argument.";
  CHECK_THROWS_WITH(none.max(), Equals("max" + no_dim));
  CHECK_THROWS_WITH(none.min(), Equals("min" + no_dim));
  CHECK_THROWS_WITH(none.amax(), Equals("amax" + no_dim));
  CHECK_THROWS_WITH(rows.max(1), Equals("max(): Expected reduction dim 1 to have non-zero size."));
  CHECK_THROWS_WITH(rows.amin({0, 1}), Equals("amin(): Expected reduction dim 1 to have non-zero size."));
  CHECK_THROWS_AS(none.argmax(), IndexError);
  CHECK_THROWS_WITH(none.norm(kInf),
                    Equals("linalg.vector_norm cannot compute the inf norm on an empty tensor because "
                           "the operation does not have an identity"));
}

TEST_CASE("what reductions refuse", "[reductions]") {
  const Tensor x = randn({2, 3}), i = arange(6).view({2, 3});
  CHECK_THROWS_WITH(x.sum(2), Equals("Dimension out of range (expected to be in range of [-2, 1], but got 2)"));
  CHECK_THROWS_WITH(x.sum({0, -2}), Equals("dim 0 appears multiple times in the list of dims"));
  CHECK_THROWS_WITH(i.mean(0), Equals("mean(): could not infer output dtype. Input dtype must be either "
                                      "a floating point or complex dtype. Got: Long"));
  CHECK_THROWS_WITH(x.mean(kLong), Equals("mean(): could not infer output dtype. Optional dtype must be "
                                          "either a floating point or complex dtype. Got: Long"));
  CHECK_THROWS_WITH(i.var(), Equals("std and var only support floating point and complex dtypes"));
  CHECK_THROWS_WITH(i.norm(), Equals("norm(): input dtype should be either floating point or complex. "
                                     "Got Long instead."));
  CHECK_THROWS_WITH(i.gt(1).argmax(), Equals("argmax(): does not support bool input"));
  CHECK_THROWS_WITH(i.softmax(1), Equals("\"softmax_lastdim_kernel_impl\" not implemented for 'Long'"));
  CHECK_THROWS_WITH(i.log_softmax(0), Equals("\"log_softmax_kernel_impl\" not implemented for 'Long'"));
  CHECK_THROWS_WITH(Tensor().sum(), ContainsSubstring("Expected a proper Tensor"));
  CHECK_THROWS_WITH(tensor(3.).max(1), Equals("Dimension out of range (expected to be in range of "
                                              "[-1, 0], but got 1)"));
}
