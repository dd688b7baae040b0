// Rows of reductions.h.
#include <simdgrad/reductions.h>

#include <cmath>

#include "tests/cases/rows.h"

namespace cases {

using namespace simdgrad;

namespace {

using Values = std::vector<double>;
using Fold = double (*)(const Values&);

double mean_of(const Values& v) { return reference::sum_of(v) / static_cast<double>(v.size()); }
double squares_around_mean(const Values& v) {
  const double mean = mean_of(v);
  long double sum = 0;
  for (double x : v) sum += static_cast<long double>(x - mean) * (x - mean);
  return static_cast<double>(sum);
}
double var_of(const Values& v) { return squares_around_mean(v) / (static_cast<double>(v.size()) - 1); }
double biased_var_of(const Values& v) { return squares_around_mean(v) / static_cast<double>(v.size()); }
double var_less_two(const Values& v) {
  return squares_around_mean(v) / (static_cast<double>(v.size()) - 2);
}
double std_of(const Values& v) { return std::sqrt(var_of(v)); }
double biased_std_of(const Values& v) { return std::sqrt(biased_var_of(v)); }
double std_less_two(const Values& v) { return std::sqrt(var_less_two(v)); }
double logsumexp_of(const Values& v) {
  long double sum = 0;
  for (double x : v) sum += std::exp(static_cast<long double>(x));
  return static_cast<double>(std::log(sum));
}
std::function<double(const Values&)> norm_of(double p) {
  return [p](const Values& v) -> double {
    if (p == 0) return static_cast<double>(v.size()) - static_cast<double>(std::count(v.begin(), v.end(), 0.0));
    long double sum = 0;
    double largest = 0, smallest = kInfinity;
    for (double x : v) {
      sum += std::pow(static_cast<long double>(std::abs(x)), static_cast<long double>(p));
      largest = std::max(largest, std::abs(x));
      smallest = std::min(smallest, std::abs(x));
    }
    if (p == kInfinity) return largest;
    if (p == -kInfinity) return smallest;
    return static_cast<double>(std::pow(sum, 1 / static_cast<long double>(p)));
  };
}

// One way of choosing dimensions.
struct Choice {
  const char* name;
  Shape shape, dims;
  bool keepdim;
};
const std::vector<Choice>& choices() {
  static const std::vector<Choice> all = {
      {"rows", {3, 5}, {1}, false},          {"columns", {3, 5}, {0}, false},
      {"columns_kept", {3, 5}, {0}, true},   {"negative", {2, 3, 4}, {-2}, true},
      {"two", {2, 3, 4}, {0, 2}, false},     {"all_listed", {2, 3}, {0, 1}, true},
      {"long_row", {2, 67}, {1}, false},     {"wide_columns", {9, 37}, {0}, false},
      {"size_one", {1, 4}, {0}, false},
  };
  return all;
}

// The rows of a reduction over dims: `call` is given dims and keepdim.
template <class Call, class F>
void over_dims(Table& table, const std::string& name, const std::string& covers, Call call, F f,
               double low = -2, double high = 2, bool one_needs_more = false) {
  for (const Choice& choice : choices()) {
    // A variance of one number is no number.
    if (one_needs_more && std::string(choice.name) == "size_one") continue;
    table.add(name + "/" + choice.name, covers, {real(choice.shape, low, high)},
              [=](const Tensors& x) -> Tensors { return {call(x[0], choice.dims, choice.keepdim)}; },
              [=](const Arrays& x) -> Arrays { return {reference::reduce(x[0], choice.dims, choice.keepdim, f)}; })
        .tolerances(1e-12, 4e-6);
  }
}

// The rows of a reduction of everything.
template <class Call, class F>
void over_all(Table& table, const std::string& name, const std::string& covers, Call call, F f,
              const std::vector<Shape>& shapes, double low = -2, double high = 2) {
  for (const Shape& shape : shapes)
    table.add(name + "/" + text(shape), covers, {real(shape, low, high)},
              [=](const Tensors& x) -> Tensors { return {call(x[0])}; },
              [=](const Arrays& x) -> Arrays { return {reference::reduce(x[0], {}, false, f)}; })
        .tolerances(1e-12, 4e-6);
}

const std::vector<Shape> kAnyShape = {{}, {1}, {3, 5}, {2, 3, 4}, {67}, {0}, {2, 0}};
const std::vector<Shape> kNotEmpty = {{}, {1}, {3, 5}, {2, 3, 4}, {67}};
const std::vector<Shape> kSeveral = {{2}, {3, 5}, {2, 3, 4}, {67}};

// The extreme along a dimension and where it stands.
Arrays extreme_with_index(const Array& x, int64_t dim, bool keepdim, bool smallest) {
  const auto best = [smallest](const Values& v) {
    return smallest ? reference::min_of(v) : reference::max_of(v);
  };
  const auto where = [best](const Values& v) -> double {
    return static_cast<double>(std::find(v.begin(), v.end(), best(v)) - v.begin());
  };
  return {reference::reduce(x, {dim}, keepdim, best), reference::reduce(x, {dim}, keepdim, where)};
}

void add_extremes(Table& table) {
  const std::string dims = "(Tensor,int64_t,bool)";
  for (const bool smallest : {false, true}) {
    const std::string name = smallest ? "min" : "max";
    for (const auto& [shape, dim, keepdim] :
         {std::tuple{Shape{3, 5}, 1, false}, {Shape{3, 5}, 0, true}, {Shape{2, 3, 4}, -2, false},
          {Shape{67}, 0, false}, {Shape{2, 0, 3}, 0, false}, {Shape{9, 37}, 0, false}})
      table.add(name + "_along/" + text(shape) + "_" + std::to_string(dim), name + dims, {real(shape)},
                [smallest, dim = int64_t{dim}, keepdim = keepdim](const Tensors& x) -> Tensors {
                  const auto [values, indices] =
                      smallest ? min(x[0], dim, keepdim) : max(x[0], dim, keepdim);
                  return {values, indices};
                },
                [smallest, dim = int64_t{dim}, keepdim = keepdim](const Arrays& x) {
                  return extreme_with_index(x[0], dim, keepdim, smallest);
                });
    over_all(table, name + "_of_all", name + "(Tensor)",
             [smallest](const Tensor& x) { return smallest ? min(x) : max(x); },
             smallest ? &reference::min_of : &reference::max_of, kNotEmpty);
    table.add(name + "_of_two", name + "(Tensor,Tensor)", {real({3, 5}), real({5}, -3, 3)},
              [smallest](const Tensors& x) -> Tensors {
                return {smallest ? min(x[0], x[1]) : max(x[0], x[1])};
              },
              [smallest](const Arrays& x) -> Arrays {
                return {reference::map2(x[0], x[1], [smallest](double a, double b) {
                  return smallest ? std::min(a, b) : std::max(a, b);
                })};
              });
    over_dims(table, "a" + name, "a" + name + "(Tensor,IntArrayRef,bool)",
              [smallest](const Tensor& x, const Shape& d, bool keepdim) {
                return smallest ? amin(x, d, keepdim) : amax(x, d, keepdim);
              },
              smallest ? &reference::min_of : &reference::max_of);
    // Without dims: of everything.
    over_all(table, "a" + name + "_of_all", "a" + name + "(Tensor,IntArrayRef,bool)",
             [smallest](const Tensor& x) { return smallest ? amin(x) : amax(x); },
             smallest ? &reference::min_of : &reference::max_of, kNotEmpty);
    for (const auto& [shape, dim] : {std::pair{Shape{3, 5}, 1}, {Shape{3, 5}, 0}, {Shape{9, 37}, -2}})
      table.add("arg" + name + "/" + text(shape) + "_" + std::to_string(dim),
                "arg" + name + "(Tensor,optional<int64_t>,bool)", {real(shape)},
                [smallest, dim = int64_t{dim}](const Tensors& x) -> Tensors {
                  return {smallest ? argmin(x[0], dim, true) : argmax(x[0], dim, true)};
                },
                [smallest, dim = int64_t{dim}](const Arrays& x) -> Arrays {
                  return {extreme_with_index(x[0], dim, true, smallest)[1]};
                })
          .no_gradient();  // indices
    table.add("arg" + name + "/all", "arg" + name + "(Tensor,optional<int64_t>,bool)", {real({4, 9})},
              [smallest](const Tensors& x) -> Tensors {
                return {smallest ? argmin(x[0]) : argmax(x[0])};
              },
              [smallest](const Arrays& x) -> Arrays {
                const Array flat({36}, x[0].data);
                return {extreme_with_index(flat, 0, false, smallest)[1]};
              })
        .no_gradient();
  }
}

void add_moments(Table& table) {
  const auto bias = [](auto f, bool unbiased) {
    return [f, unbiased](const Tensor& x, const Shape& dims, bool keepdim) {
      return f(x, dims, unbiased, keepdim);
    };
  };
  const auto var_bias = [](const Tensor& x, const Shape& d, bool u, bool k) { return simdgrad::var(x, d, u, k); };
  const auto std_bias = [](const Tensor& x, const Shape& d, bool u, bool k) { return simdgrad::std(x, d, u, k); };
  const std::string flags = "(Tensor,OptionalIntArrayRef,bool,bool)";
  over_dims(table, "var_biased", "var" + flags, bias(var_bias, false), &biased_var_of);
  over_dims(table, "var_unbiased", "var" + flags, bias(var_bias, true), &var_of, -2, 2, true);
  over_dims(table, "std_unbiased", "std" + flags, bias(std_bias, true), &std_of, -2, 2, true);
  const std::string correction = "(Tensor,OptionalIntArrayRef,optional<Scalar>,bool)";
  for (const auto& [shape, dims] : {std::pair{Shape{3, 5}, Shape{1}}, {Shape{4, 3, 5}, Shape{0, 2}}}) {
    table.add("var_correction/" + text(shape), "var" + correction, {real(shape)},
              [dims = dims](const Tensors& x) -> Tensors { return {simdgrad::var(x[0], dims, Scalar(2), true)}; },
              [dims = dims](const Arrays& x) -> Arrays { return {reference::reduce(x[0], dims, true, &var_less_two)}; })
        .tolerances(1e-12, 4e-6);
    table.add("std_correction/" + text(shape), "std" + correction, {real(shape)},
              [dims = dims](const Tensors& x) -> Tensors { return {simdgrad::std(x[0], dims, Scalar(2))}; },
              [dims = dims](const Arrays& x) -> Arrays { return {reference::reduce(x[0], dims, false, &std_less_two)}; })
        .tolerances(1e-12, 4e-6);
  }
  // A plain 1 is a dimension, not `unbiased`.
  table.add("var_one_dimension", "var(Tensor,int)", {real({3, 5})},
            [](const Tensors& x) -> Tensors { return {simdgrad::var(x[0], 1)}; },
            [](const Arrays& x) -> Arrays { return {reference::reduce(x[0], {1}, false, &var_of)}; })
      .tolerances(1e-12, 4e-6);
  table.add("std_one_dimension", "std(Tensor,int)", {real({3, 5})},
            [](const Tensors& x) -> Tensors { return {simdgrad::std(x[0], 1)}; },
            [](const Arrays& x) -> Arrays { return {reference::reduce(x[0], {1}, false, &std_of)}; })
      .tolerances(1e-12, 4e-6);
  over_all(table, "var_all", "var(Tensor,bool)", [](const Tensor& x) { return simdgrad::var(x); }, &var_of, kSeveral);
  over_all(table, "std_all", "std(Tensor,bool)", [](const Tensor& x) { return simdgrad::std(x); }, &std_of, kSeveral);
  over_all(table, "std_all_biased", "std(Tensor,bool)", [](const Tensor& x) { return simdgrad::std(x, false); },
           &biased_std_of, kSeveral);
  // Far from zero a one-pass variance of floats would be noise.
  table.add_special("var/far_from_zero", "var(Tensor,bool)", [] {
    const Tensor x = tensor({100000.0, 100001.0, 100002.0}, kFloat);
    CHECK(simdgrad::var(x).item<double>() == 1);
    CHECK(std::isnan(simdgrad::var(tensor({1.0})).item<double>()));
    CHECK(std::isnan(simdgrad::var(empty({0})).item<double>()));
  });
}

void add_norms(Table& table) {
  for (const double p : {2.0, 1.0, 3.0, 1.5, 0.0, kInfinity, -kInfinity}) {
    const std::string name = "norm_" + (std::isinf(p) ? std::string(p > 0 ? "inf" : "minus_inf") : std::to_string(p).substr(0, 3));
    over_dims(table, name, "norm(Tensor,optional<Scalar>,IntArrayRef,bool)",
              [p](const Tensor& x, const Shape& d, bool k) { return norm(x, Scalar(p), d, k); }, norm_of(p));
    over_all(table, name + "_all", "norm(Tensor,Scalar)",
             [p](const Tensor& x) { return norm(x, p); }, norm_of(p), {{3, 5}, {67}});
  }
  table.add_special("norm/zero", "norm(Tensor,Scalar)", [] {
    for (const double p : {2.0, 3.0, 1.0, 1.5}) {
      const Tensor x = zeros({3}, TensorOptions(kDouble).requires_grad(true));
      norm(x, p).backward();
      expect(x.grad(), kDouble, {3}, {0, 0, 0});
    }
    CHECK(norm(empty({0})).item<double>() == 0);
  });
}

Array softmax_of(const Array& x, int64_t dim, bool log_form) {
  const Array total = reference::reduce(x, {dim}, true, &logsumexp_of);
  return reference::map2(x, total, [log_form](double a, double b) {
    return log_form ? a - b : std::exp(a - b);
  });
}

void add_softmax(Table& table) {
  for (const bool log_form : {false, true}) {
    const std::string name = log_form ? "log_softmax" : "softmax";
    for (const auto& [shape, dim] :
         {std::pair{Shape{3, 5}, 1}, {Shape{3, 5}, 0}, {Shape{2, 3, 4}, 1}, {Shape{7, 10}, -1},
          {Shape{2, 67}, 1}, {Shape{1, 1}, 1}, {Shape{0, 4}, 1}, {Shape{}, 0}})
      table.add(name + "/" + text(shape) + "_" + std::to_string(dim),
                name + "(Tensor,int64_t,optional<ScalarType>)", {real(shape, -4, 4)},
                [log_form, dim = int64_t{dim}](const Tensors& x) -> Tensors {
                  return {log_form ? log_softmax(x[0], dim) : softmax(x[0], dim)};
                },
                [log_form, dim = int64_t{dim}](const Arrays& x) -> Arrays {
                  if (x[0].dim() == 0) return {Array({}, log_form ? 0.0 : 1.0)};
                  return {softmax_of(x[0], dim, log_form)};
                });
  }
  table.add_special("softmax/extremes", "softmax(Tensor,int64_t,optional<ScalarType>)", [] {
    const Tensor big = tensor({1e30, 1.0});
    expect(softmax(big, 0), kFloat, {2}, {1, 0});
    const Tensor nothing = tensor({-kInfinity, -kInfinity});
    expect(softmax(nothing, 0), kFloat, {2}, {kNan, kNan});
    expect(softmax(tensor({kInfinity, 0.0}), 0), kFloat, {2}, {kNan, kNan});
    expect(log_softmax(tensor({-kInfinity, 0.0}), 0), kFloat, {2}, {-kInfinity, 0});
    CHECK(softmax(tensor({1, 2}), 0, kDouble).scalar_type() == kDouble);
  });
}

}  // namespace

void add_reduction_cases(Table& table) {
  const std::string dims = "(Tensor,OptionalIntArrayRef,bool,optional<ScalarType>)";
  over_all(table, "sum_all", "sum(Tensor,optional<ScalarType>)", [](const Tensor& x) { return sum(x); },
           &reference::sum_of, kAnyShape);
  over_dims(table, "sum", "sum" + dims,
            [](const Tensor& x, const Shape& d, bool k) { return sum(x, d, k); }, &reference::sum_of);
  table.add("sum/empty_rows", "sum" + dims, {real({2, 0})},
            [](const Tensors& x) -> Tensors { return {sum(x[0], 1)}; },
            [](const Arrays&) -> Arrays { return {Array({2})}; });
  over_all(table, "mean_all", "mean(Tensor,optional<ScalarType>)", [](const Tensor& x) { return mean(x); },
           &mean_of, kNotEmpty);
  over_dims(table, "mean", "mean" + dims,
            [](const Tensor& x, const Shape& d, bool k) { return mean(x, d, k); }, &mean_of);
  over_dims(table, "logsumexp", "logsumexp(Tensor,IntArrayRef,bool)",
            [](const Tensor& x, const Shape& d, bool k) { return logsumexp(x, d, k); }, &logsumexp_of);
  add_extremes(table);
  add_moments(table);
  add_norms(table);
  add_softmax(table);

  for (const bool every : {true, false}) {
    const std::string name = every ? "all" : "any";
    const auto truth = [every](const Values& v) -> double {
      return every ? std::all_of(v.begin(), v.end(), [](double x) { return x != 0; })
                   : std::any_of(v.begin(), v.end(), [](double x) { return x != 0; });
    };
    table.add(name + "/all", name + "(Tensor)", {mask({3, 4})},
              [every](const Tensors& x) -> Tensors { return {every ? all(x[0]) : any(x[0])}; },
              [truth](const Arrays& x) -> Arrays { return {reference::reduce(x[0], {}, false, truth)}; })
        .no_gradient();  // bool
    table.add(name + "/dim", name + "(Tensor,int64_t,bool)", {mask({3, 4})},
              [every](const Tensors& x) -> Tensors { return {every ? all(x[0], 0, true) : any(x[0], 0, true)}; },
              [truth](const Arrays& x) -> Arrays { return {reference::reduce(x[0], {0}, true, truth)}; })
        .no_gradient();
  }
  table.add_special("reductions/integers", "sum(Tensor,optional<ScalarType>)", [] {
    expect(sum(tensor({true, true, false})), kLong, {}, {2});
    expect(sum(tensor({{1, 2}, {3, 4}}), 0), kLong, {2}, {4, 6});
    expect(sum(tensor({1, 2}), kDouble), kDouble, {}, {3});
    expect(max(tensor({3, 7, 5})), kLong, {}, {7});
    expect(std::get<1>(min(tensor({{3, 1}, {0, 2}}), 1)), kLong, {2}, {1, 0});
    expect(amax(tensor({{3, 1}, {0, 2}}), 0), kLong, {2}, {3, 2});
    expect(all(tensor({1, 0}, kByte)), kByte, {}, {0});
    expect(all(empty({0})), kBool, {}, {1});
    expect(any(empty({0})), kBool, {}, {0});
    expect(mean(empty({0})), kFloat, {}, {kNan});
  });
  table.add_special("reductions/nan_and_ties", "max(Tensor)", [] {
    expect(max(tensor({1.0, kNan, 3.0})), kFloat, {}, {kNan});
    expect(std::get<1>(max(tensor({1.0, kNan, kNan}), 0)), kLong, {}, {1});
    expect(argmin(tensor({2.0, 1.0, 1.0})), kLong, {}, {1});
    const Tensor x = tensor({3.0, 1.0, 3.0}, TensorOptions(kDouble).requires_grad(true));
    max(x).backward();
    expect(x.grad(), kDouble, {3}, {0.5, 0, 0.5});
    x.mutable_grad().reset();
    std::get<0>(max(x, 0)).backward();
    expect(x.grad(), kDouble, {3}, {1, 0, 0});
    x.mutable_grad().reset();
    amax(x, 0).backward();
    expect(x.grad(), kDouble, {3}, {0.5, 0, 0.5});
  });
}

}  // namespace cases
