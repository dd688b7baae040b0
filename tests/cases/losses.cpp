// Rows of losses.h and normalization.h.
#include <simdgrad/losses.h>
#include <simdgrad/normalization.h>
#include <simdgrad/reductions.h>

#include <cmath>

#include "tests/cases/rows.h"

namespace cases {

using namespace simdgrad;
using reference::make;

namespace {

const char* name_of(Reduction reduction) {
  return reduction == kNone ? "none" : reduction == kMean ? "mean" : "sum";
}

Array reduced(const Array& losses, Reduction reduction, double divisor) {
  if (reduction == kNone) return losses;
  const double sum = reference::sum_of(losses.data);
  return Array({}, reduction == kMean ? sum / divisor : sum);
}

// nll of x [N, C, ...] or [C]; the weights used are added up in `used`.
Array nll(const Array& x, const Array& target, const std::vector<double>& weight, int64_t ignore,
          double* used) {
  *used = 0;
  return make(target.shape, [&](const Shape& index) -> double {
    const int64_t c = static_cast<int64_t>(target.at(index));
    if (c == ignore) return 0;
    const double w = weight.empty() ? 1 : weight[static_cast<size_t>(c)];
    *used += w;
    Shape at(index);
    at.insert(at.begin() + (x.dim() == 1 ? 0 : 1), c);
    return -w * x.at(at);
  });
}

Array log_softmax_of(const Array& x) {
  const Array total = reference::reduce(x, {x.dim() == 1 ? 0 : 1}, true, [](const std::vector<double>& v) {
    long double sum = 0;
    for (double a : v) sum += std::exp(static_cast<long double>(a));
    return static_cast<double>(std::log(sum));
  });
  return reference::map2(x, total, [](double a, double b) { return a - b; });
}

// PyTorch's label smoothing: (1 - s) nll + s / C (sum over classes), averaged by the weights used.
Array cross_entropy(const Array& x, const Array& target, const std::vector<double>& weight,
                    Reduction reduction, int64_t ignore, double smoothing) {
  const Array logs = log_softmax_of(x);
  double used;
  Array losses = nll(logs, target, weight, ignore, &used);
  const int64_t classes = x.shape[x.dim() == 1 ? 0 : 1];
  int64_t i = 0;
  reference::for_each_index(target.shape, [&](const Shape& index) {
    double smooth = 0;
    for (int64_t c = 0; c < classes; ++c) {
      Shape at(index);
      at.insert(at.begin() + (x.dim() == 1 ? 0 : 1), c);
      smooth -= logs.at(at) * (weight.empty() ? 1 : weight[static_cast<size_t>(c)]);
    }
    if (static_cast<int64_t>(target.at(index)) == ignore) smooth = 0;
    losses[i] = (1 - smoothing) * losses[i] + smoothing / static_cast<double>(classes) * smooth;
    ++i;
  });
  return reduced(losses, reduction, used);
}

void add_nll(Table& table) {
  const std::string covers = "nll_loss(Tensor,Tensor,Tensor,Reduction,int64_t)";
  for (const Reduction reduction : {kNone, kMean, kSum})
    for (const auto& [shape, targets] :
         {std::pair{Shape{4, 5}, Shape{4}}, {Shape{5}, Shape{}}, {Shape{2, 3, 4}, Shape{2, 4}},
          {Shape{2, 3, 2, 2}, Shape{2, 2, 2}}, {Shape{1, 1}, Shape{1}}})
      for (const bool weighted : {false, true}) {
        const int64_t classes = shape[shape.size() == 1 ? 0 : 1];
        // Class 2, where there is one, is ignored.
        table.add(std::string("nll_loss/") + name_of(reduction) + "_" + text(shape) + (weighted ? "_weighted" : ""),
                  covers, {real(shape), ids(targets, classes), constant({classes}, 0.5, 2)},
                  [=](const Tensors& x) -> Tensors {
                    return {nll_loss(x[0], x[1], weighted ? x[2] : Tensor(), reduction, 2)};
                  },
                  [=](const Arrays& x) -> Arrays {
                    double used;
                    const Array losses =
                        nll(x[0], x[1], weighted ? x[2].data : std::vector<double>(), 2, &used);
                    return {reduced(losses, reduction, used)};
                  });
      }
}

void add_cross_entropy(Table& table) {
  const std::string covers = "cross_entropy_loss(Tensor,Tensor,Tensor,Reduction,int64_t,double)";
  for (const Reduction reduction : {kNone, kMean, kSum})
    for (const double smoothing : {0.0, 0.2})
      for (const bool weighted : {false, true})
        for (const auto& [shape, targets] :
             {std::pair{Shape{4, 5}, Shape{4}}, {Shape{7, 10}, Shape{7}}, {Shape{2, 3, 4}, Shape{2, 4}}}) {
          const int64_t classes = shape[1];
          table.add(std::string("cross_entropy/") + name_of(reduction) + "_" + text(shape) +
                        (smoothing > 0 ? "_smoothed" : "") + (weighted ? "_weighted" : ""),
                    covers, {real(shape), ids(targets, classes), constant({classes}, 0.5, 2)},
                    [=](const Tensors& x) -> Tensors {
                      return {cross_entropy_loss(x[0], x[1], weighted ? x[2] : Tensor(), reduction, 2,
                                                 smoothing)};
                    },
                    [=](const Arrays& x) -> Arrays {
                      return {cross_entropy(x[0], x[1], weighted ? x[2].data : std::vector<double>(),
                                            reduction, 2, smoothing)};
                    })
              .tolerances(1e-12, 4e-6);
        }
  table.add("cross_entropy/probabilities", covers, {real({3, 4}), real({3, 4}, 0.1, 0.9)},
            [](const Tensors& x) -> Tensors { return {cross_entropy_loss(x[0], x[1])}; },
            [](const Arrays& x) -> Arrays {
              const Array logs = log_softmax_of(x[0]);
              double sum = 0;
              for (int64_t i = 0; i < logs.size(); ++i) sum -= logs[i] * x[1][i];
              return {Array({}, sum / 3)};
            });
  table.add_special("cross_entropy/nothing", covers, [] {
    const Tensor x = zeros({2, 3}), ignored = full({2}, -100);
    CHECK(std::isnan(cross_entropy_loss(x, ignored).item<double>()));
    CHECK(cross_entropy_loss(x, ignored, {}, kSum).item<double>() == 0);
    CHECK(std::isnan(cross_entropy_loss(zeros({0, 3}), empty({0}, kLong)).item<double>()));
  });
}

void add_mse(Table& table) {
  for (const Reduction reduction : {kNone, kMean, kSum})
    for (const auto& [a, b] : {std::pair{Shape{3, 5}, Shape{3, 5}}, {Shape{3, 5}, Shape{5}}, {Shape{}, Shape{}},
                               {Shape{67}, Shape{67}}})
      table.add(std::string("mse_loss/") + name_of(reduction) + "_" + text(a) + "_" + text(b),
                "mse_loss(Tensor,Tensor,Reduction)", {real(a), real(b, -3, 1)},
                [=](const Tensors& x) -> Tensors { return {mse_loss(x[0], x[1], reduction)}; },
                [=](const Arrays& x) -> Arrays {
                  const Array losses = reference::map2(x[0], x[1], [](double p, double q) { return (p - q) * (p - q); });
                  return {reduced(losses, reduction, static_cast<double>(losses.size()))};
                })
          .tolerances(1e-12, 4e-6);
}

void add_bce(Table& table) {
  const std::string covers = "binary_cross_entropy_with_logits(Tensor,Tensor,Tensor,Tensor,Reduction)";
  for (const Reduction reduction : {kNone, kMean, kSum})
    for (const int given : {0, 1, 2, 3})  // bit 0: weight, bit 1: pos_weight
      table.add(std::string("bce_with_logits/") + name_of(reduction) + "_" + std::to_string(given), covers,
                {real({3, 5}, -4, 4), real({3, 5}, 0.05, 0.95), constant({5}, 0.5, 2), constant({5}, 0.5, 3)},
                [=](const Tensors& x) -> Tensors {
                  return {binary_cross_entropy_with_logits(x[0], x[1], given & 1 ? x[2] : Tensor(),
                                                           given & 2 ? x[3] : Tensor(), reduction)};
                },
                [=](const Arrays& x) -> Arrays {
                  const Array losses = make({3, 5}, [&](const Shape& i) {
                    const long double z = x[0].at(i), t = x[1].at(i), s = 1 / (1 + std::exp(-z));
                    const long double p = given & 2 ? x[3][i[1]] : 1, w = given & 1 ? x[2][i[1]] : 1;
                    return static_cast<double>(-w * (p * t * std::log(s) + (1 - t) * std::log(1 - s)));
                  });
                  return {reduced(losses, reduction, 15)};
                })
          .tolerances(1e-12, 4e-6);
  table.add_special("bce_with_logits/large", covers, [] {
    const Tensor x = tensor({1000.0, -1000.0}), t = tensor({1.0, 0.0});
    expect(binary_cross_entropy_with_logits(x, t, {}, {}, kNone), kFloat, {2}, {0, 0});
    expect(binary_cross_entropy_with_logits(x, 1 - t, {}, {}, kNone), kFloat, {2}, {1000, 1000});
  });
}

Array layer_norm_of(const Array& x, int64_t last, const Array* weight, const Array* bias) {
  int64_t n = 1;
  for (int64_t d = x.dim() - last; d < x.dim(); ++d) n *= x.shape[static_cast<size_t>(d)];
  Array y(x.shape);
  for (int64_t r = 0; r * n < x.size(); ++r) {
    long double mean = 0, squares = 0;
    for (int64_t i = 0; i < n; ++i) mean += x[r * n + i];
    mean /= static_cast<long double>(n);
    for (int64_t i = 0; i < n; ++i) squares += (x[r * n + i] - mean) * (x[r * n + i] - mean);
    const long double scale = 1 / std::sqrt(squares / static_cast<long double>(n) + 1e-5L);
    for (int64_t i = 0; i < n; ++i)
      y[r * n + i] = static_cast<double>((x[r * n + i] - mean) * scale * (weight ? (*weight)[i] : 1) +
                                         (bias ? (*bias)[i] : 0));
  }
  return y;
}

}  // namespace

void add_loss_cases(Table& table) {
  add_nll(table);
  add_cross_entropy(table);
  add_mse(table);
  add_bce(table);
  for (const auto& [shape, last] : {std::pair{Shape{3, 5}, 1}, {Shape{2, 3, 4}, 2}, {Shape{7}, 1},
                                    {Shape{2, 37}, 1}, {Shape{0, 4}, 1}})
    for (const int given : {0, 1, 3}) {  // bit 0: weight, bit 1: bias
      const Shape normalized(shape.end() - last, shape.end());
      table.add("layer_norm/" + text(shape) + "_" + std::to_string(last) + "_" + std::to_string(given),
                "layer_norm(Tensor,IntArrayRef,Tensor,Tensor,double)",
                {real(shape), real(normalized, 0.5, 2), real(normalized)},
                [=](const Tensors& x) -> Tensors {
                  return {layer_norm(x[0], normalized, given & 1 ? x[1] : Tensor(), given & 2 ? x[2] : Tensor())};
                },
                [=, last = int64_t{last}](const Arrays& x) -> Arrays {
                  return {layer_norm_of(x[0], last, given & 1 ? &x[1] : nullptr, given & 2 ? &x[2] : nullptr)};
                })
          .tolerances(1e-11, 1e-5);
    }
}

}  // namespace cases
