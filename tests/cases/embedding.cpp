// Rows of embedding.h.
#include <simdgrad/embedding.h>
#include <simdgrad/sparse.h>

#include <cmath>
#include <map>

#include "tests/cases/rows.h"

namespace cases {

using namespace simdgrad;

namespace {

const std::string kEmbedding = "embedding(Tensor,Tensor,int64_t,bool,bool)";

int64_t integer(double value) { return static_cast<int64_t>(value); }

Shape with(Shape shape, int64_t last) {
  shape.push_back(last);
  return shape;
}

Array looked_up(const Array& weight, const Array& ids) {
  return reference::make(with(ids.shape, weight.shape[1]), [&](const Shape& i) {
    const Shape position(i.begin(), i.end() - 1);
    return weight.at({integer(ids.at(position)), i.back()});
  });
}

// d weight from dy, row by row.
Array gradient(const Shape& weight, const Array& ids, const Array& dy, int64_t padding,
               bool by_frequency) {
  std::map<int64_t, int64_t> count;
  for (double id : ids.data) ++count[integer(id)];
  const int64_t n = weight[1];
  Array dx(weight);
  for (int64_t p = 0; p < ids.size(); ++p) {
    const int64_t row = integer(ids[p]);
    if (row == padding) continue;
    for (int64_t d = 0; d < n; ++d)
      dx[row * n + d] += dy[p * n + d] / static_cast<double>(by_frequency ? count[row] : 1);
  }
  return dx;
}

struct Choice {
  Shape weight, ids;
};
const std::vector<Choice>& choices() {
  static const std::vector<Choice> all = {
      {{5, 3}, {4}}, {{5, 3}, {2, 3}}, {{7, 37}, {11}},     {{3, 67}, {5}},   {{1, 4}, {3}},
      {{4, 1}, {6}}, {{5, 3}, {}},     {{5, 3}, {0}},       {{5, 3}, {2, 0}}, {{0, 3}, {0}},
      {{4, 0}, {3}}, {{67, 2}, {37}},  {{6, 4}, {2, 1, 3}}, {{3, 5}, {1}},
  };
  return all;
}

void add_lookups(Table& table) {
  for (const Choice& c : choices())
    for (const bool sparse : {false, true})
      for (const bool small : {false, true})
        table
            .add(
                "embedding/" + text(c.weight) + " " + text(c.ids) + (sparse ? " sparse" : "") +
                    (small ? " int32" : ""),
                kEmbedding, {real(c.weight), ids(c.ids, c.weight[0])},
                [=](const Tensors& x) -> Tensors {
                  return {embedding(x[0], small ? x[1].to(kInt) : x[1], -1, false, sparse)};
                },
                [](const Arrays& x) -> Arrays { return {looked_up(x[0], x[1])}; })
            .bits();
}

// The gradient itself as a result: a linear function of dy, so gradcheck tells whether it has the
// right derivative. Padding and frequencies change the gradient alone, which no difference quotient
// of the forward sees.
void add_gradients(Table& table) {
  for (const Choice& c : choices())
    for (const int64_t padding : {int64_t{-1}, int64_t{0}, int64_t{2}})
      for (const int form : {0, 1, 2}) {  // dense, by frequency, sparse
        if (padding >= c.weight[0]) continue;
        table
            .add(
                "embedding gradient/" + text(c.weight) + " " + text(c.ids) + " padding " +
                    std::to_string(padding) +
                    (form == 1   ? " by frequency"
                     : form == 2 ? " sparse"
                                 : ""),
                kEmbedding,
                {constant(c.weight), ids(c.ids, c.weight[0]), real(with(c.ids, c.weight[1]))},
                [=](const Tensors& x) -> Tensors {
                  const AutoGradMode recorded(true);
                  const Tensor weight = x[0].detach().requires_grad_(true);
                  const Tensor y = embedding(weight, x[1], padding, form == 1, form == 2);
                  const Tensor dx = autograd::grad({y}, {weight}, {x[2]}, true, true)[0];
                  if (dx.is_sparse() != (form == 2))
                    throw std::logic_error("the layout of the gradient");
                  return {dx.to_dense()};
                },
                [=](const Arrays& x) -> Arrays {
                  return {gradient(c.weight, x[1], x[2], padding, form == 1)};
                })
            .tolerances(1e-12, 4e-6);
      }
}

double norm_of(const Array& x, int64_t row, double p) {
  long double sum = 0, largest = 0;
  for (int64_t d = 0; d < x.shape[1]; ++d) {
    const long double v = std::abs(static_cast<long double>(x.at({row, d})));
    sum += std::pow(v, static_cast<long double>(p));
    largest = std::max(largest, v);
  }
  if (std::isinf(p)) return static_cast<double>(largest);
  return static_cast<double>(std::pow(sum, 1 / static_cast<long double>(p)));
}

void add_renorms(Table& table) {
  for (const Choice& c : choices())
    for (const double p : {2.0, 1.0, 3.0, kInfinity}) {
      if (std::isinf(p) && c.weight[1] == 0) continue;  // no largest of nothing: refused
      // Between the norms of the rows, so that some are scaled and some are not.
      const double limit =
          std::isinf(p) ? 1.5 : 1.2 * std::pow(static_cast<double>(c.weight[1]) + 0.1, 1 / p);
      table
          .add(
              "embedding_renorm_/" + text(c.weight) + " " + text(c.ids) + " " +
                  (std::isinf(p) ? "inf" : std::to_string(integer(p))),
              "embedding_renorm_(Tensor,Tensor,double,double)",
              {constant(c.weight), ids(c.ids, c.weight[0])},
              [=](const Tensors& x) -> Tensors {
                return {changed(x[0], [&](Tensor& y) -> Tensor& {
                  return embedding_renorm_(y, x[1], limit, p);
                })};
              },
              [=](const Arrays& x) -> Arrays {
                Array y = x[0];
                for (double id : x[1].data) {
                  const double norm = norm_of(x[0], integer(id), p);
                  if (!(norm > limit)) continue;
                  for (int64_t d = 0; d < c.weight[1]; ++d)
                    y.at({integer(id), d}) = x[0].at({integer(id), d}) * (limit / (norm + 1e-7));
                }
                return {y};
              })
          .no_gradient()  // not differentiable
          .tolerances(1e-12, 4e-6);
    }
}

void add_one_hots(Table& table) {
  for (const Shape& shape :
       {Shape{4}, Shape{2, 3}, Shape{}, Shape{1}, Shape{67}, Shape{0}, Shape{2, 0}})
    for (const int64_t classes : {int64_t{-1}, int64_t{5}, int64_t{37}}) {
      if (classes < 0 && reference::count(shape) == 0) continue;  // refused
      table
          .add(
              "one_hot/" + text(shape) + " " + std::to_string(classes), "one_hot(Tensor,int64_t)",
              {ids(shape, 5)},
              [=](const Tensors& x) -> Tensors { return {one_hot(x[0], classes)}; },
              [=](const Arrays& x) -> Arrays {
                const int64_t n = classes < 0 ? integer(reference::max_of(x[0].data)) + 1 : classes;
                return {reference::make(with(shape, n), [&](const Shape& i) -> double {
                  return integer(x[0].at(Shape(i.begin(), i.end() - 1))) == i.back();
                })};
              })
          .no_gradient()  // integers
          .bits();
    }
}

}  // namespace

void add_embedding_cases(Table& table) {
  add_lookups(table);
  add_gradients(table);
  add_renorms(table);
  add_one_hots(table);
}

}  // namespace cases
