// Products of vectors and matrices.
#include <simdgrad/autograd.h>
#include <simdgrad/linear_algebra.h>

#include "tests/cases/rows.h"

namespace cases {
namespace {

using reference::make;
using simdgrad::kDouble;
using simdgrad::kFloat;
using simdgrad::kLong;

// a[..., n, m] b[..., m, p], the leading dimensions broadcast; a vector is a row on the left and a
// column on the right, and that dimension goes.
Array product(Array a, Array b) {
  const bool row = a.dim() == 1, column = b.dim() == 1;
  if (row) a.shape.insert(a.shape.begin(), 1);
  if (column) b.shape.push_back(1);
  const int64_t m = a.shape.back();
  Shape left(a.shape.begin(), a.shape.end() - 2), right(b.shape.begin(), b.shape.end() - 2);
  Shape shape = reference::broadcast(left, right);
  const size_t batches = shape.size();
  shape.push_back(a.shape[left.size()]);
  shape.push_back(b.shape.back());
  Array y = make(shape, [&](const Shape& i) {
    long double sum = 0;
    for (int64_t k = 0; k < m; ++k) {
      Shape at_a = i, at_b = i;
      at_a[batches + 1] = k;
      at_b[batches] = k;
      // The leading dimensions broadcast, the matrix dimensions index as they are.
      const auto element = [](const Array& x, const Shape& index) {
        Shape own(index.end() - x.dim(), index.end());
        for (size_t d = 0; d + 2 < own.size(); ++d)
          if (x.shape[d] == 1) own[d] = 0;
        return x.at(own);
      };
      sum += static_cast<long double>(element(a, at_a)) * element(b, at_b);
    }
    return static_cast<double>(sum);
  });
  if (column) y.shape.pop_back();
  if (row) y.shape.erase(y.shape.end() - (column ? 1 : 2));
  return y;
}

Array scaled_sum(double beta, const Array& addend, double alpha, const Array& y) {
  return reference::map2(addend, y, [&](double a, double v) { return beta * a + alpha * v; });
}

Input small(Shape shape) { return real(std::move(shape), -1, 1); }
Input other(Shape shape) { return real(std::move(shape), -0.9, 1.1); }

using Binary = Tensor (*)(const Tensor&, const Tensor&);

void products(Table& table, const std::string& name, Binary op,
              const std::vector<std::pair<Shape, Shape>>& shapes) {
  for (const auto& [a, b] : shapes)
    table
        .add(
            name + "/" + text(a) + " " + text(b), name + "(Tensor,Tensor)", {small(a), other(b)},
            [op](const Tensors& x) -> Tensors { return {op(x[0], x[1])}; },
            [](const Arrays& x) -> Arrays { return {product(x[0], x[1])}; })
        .tolerances(1e-12, 5e-6)
        .bits();
}

// Both gradients of a product of matrices that is too large for finite differences.
void large(Table& table, const std::string& name, Binary op, int64_t n, int64_t m, int64_t p) {
  const std::string shape = std::to_string(n) + "x" + std::to_string(m) + "x" + std::to_string(p);
  table
      .add(
          name + "/large " + shape, name + "(Tensor,Tensor)",
          {small({n, m}), other({m, p}), constant({n, p}, -1, 1)},
          [op](const Tensors& x) -> Tensors {
            const Tensor y = op(x[0], x[1]);
            const auto gradients = simdgrad::autograd::grad({y}, {x[0], x[1]}, {x[2]});
            return {y.detach(), gradients[0], gradients[1]};
          },
          [](const Arrays& x) -> Arrays {
            return {reference::matmul(x[0], x[1]),
                    reference::matmul(x[2], reference::transpose(x[1], 0, 1)),
                    reference::matmul(reference::transpose(x[0], 0, 1), x[2])};
          })
      .tolerances(1e-12, 5e-6)
      .no_gradient()  // the results are the gradients
      .bits();
}

void add_products(Table& table) {
  products(table, "mm", simdgrad::mm,
           {{{3, 4}, {4, 5}},
            {{1, 1}, {1, 1}},
            {{1, 37}, {37, 1}},
            {{2, 37}, {37, 3}},
            {{17, 2}, {2, 19}},
            {{5, 1}, {1, 7}},
            {{0, 4}, {4, 5}},
            {{3, 0}, {0, 5}},
            {{3, 4}, {4, 0}}});
  products(table, "mv", simdgrad::mv,
           {{{3, 4}, {4}},
            {{1, 1}, {1}},
            {{2, 67}, {67}},
            {{37, 2}, {2}},
            {{0, 4}, {4}},
            {{3, 0}, {0}}});
  products(table, "dot", simdgrad::dot, {{{5}, {5}}, {{1}, {1}}, {{67}, {67}}, {{0}, {0}}});
  products(table, "bmm", simdgrad::bmm,
           {{{2, 3, 4}, {2, 4, 5}},
            {{1, 1, 1}, {1, 1, 1}},
            {{3, 2, 17}, {3, 17, 2}},
            {{0, 3, 4}, {0, 4, 5}},
            {{2, 3, 0}, {2, 0, 5}},
            {{2, 0, 4}, {2, 4, 5}}});
  products(table, "matmul", simdgrad::matmul,
           {{{5}, {5}},
            {{67}, {67}},
            {{0}, {0}},
            {{3, 4}, {4}},
            {{4}, {4, 5}},
            {{3, 4}, {4, 5}},
            {{1, 1}, {1}},
            {{2, 3, 4}, {4}},
            {{4}, {2, 4, 5}},
            {{2, 3, 4}, {4, 5}},
            {{3, 4}, {2, 4, 5}},
            {{2, 3, 4}, {2, 4, 5}},
            {{1, 3, 4}, {2, 4, 5}},
            {{2, 3, 4}, {1, 4, 5}},
            {{2, 1, 3, 4}, {5, 4, 2}},
            {{2, 2, 3, 4}, {2, 1, 4, 2}},
            {{2, 2, 3, 2}, {2, 3}},
            {{0, 3, 4}, {4, 5}},
            {{2, 3, 0}, {0, 5}},
            {{0}, {0, 5}},
            {{2, 0, 4}, {2, 4, 5}},
            {{2, 2, 3}, {3}},
            {{1, 37}, {2, 37, 1}}});
  large(table, "mm", simdgrad::mm, 37, 67, 41);
  large(table, "mm", simdgrad::mm, 67, 5, 131);
  large(table, "mm", simdgrad::mm, 3, 301, 2);
  large(table, "matmul", simdgrad::matmul, 43, 37, 29);

  for (Binary op : {static_cast<Binary>(simdgrad::mm), static_cast<Binary>(simdgrad::matmul)}) {
    const std::string name = op == simdgrad::mm ? "mm" : "matmul";
    table
        .add(
            name + "/expanded", name + "(Tensor,Tensor)", {small({1, 4}), other({4, 1})},
            [op](const Tensors& x) -> Tensors {
              return {op(x[0].expand({3, 4}), x[1].expand({4, 5}))};
            },
            [](const Arrays& x) -> Arrays {
              return {make({3, 5}, [&](const Shape&) { return product(x[0], x[1])[0]; })};
            })
        .bits();
    table
        .add(
            name + "/of itself", name + "(Tensor,Tensor)", {small({4, 4})},
            [op](const Tensors& x) -> Tensors { return {op(x[0], x[0])}; },
            [](const Arrays& x) -> Arrays { return {product(x[0], x[0])}; })
        .bits();
    table
        .add(
            name + "/with its transpose", name + "(Tensor,Tensor)", {small({3, 4})},
            [op](const Tensors& x) -> Tensors { return {op(x[0], x[0].t())}; },
            [](const Arrays& x) -> Arrays {
              return {product(x[0], reference::transpose(x[0], 0, 1))};
            })
        .bits();
  }
  table
      .add(
          "bmm/expanded", "bmm(Tensor,Tensor)", {small({1, 3, 4}), other({2, 4, 5})},
          [](const Tensors& x) -> Tensors {
            return {bmm(x[0].expand({2, 3, 4}), x[1])};
          },
          [](const Arrays& x) -> Arrays { return {product(x[0], x[1])}; })
      .bits();
}

void add_addmm(Table& table) {
  const std::string covers = "addmm(Tensor,Tensor,Tensor,Scalar,Scalar)";
  const Shape addends[] = {{3, 5}, {5}, {1, 5}, {3, 1}, {1}, {}};
  for (const Shape& addend : addends) {
    table
        .add(
            "addmm/" + text(addend), covers, {small(addend), small({3, 4}), other({4, 5})},
            [](const Tensors& x) -> Tensors { return {addmm(x[0], x[1], x[2])}; },
            [](const Arrays& x) -> Arrays { return {scaled_sum(1, x[0], 1, product(x[1], x[2]))}; })
        .bits();
    table
        .add(
            "addmm scaled/" + text(addend), covers, {small(addend), small({3, 4}), other({4, 5})},
            [](const Tensors& x) -> Tensors { return {addmm(x[0], x[1], x[2], 0.5, -2)}; },
            [](const Arrays& x) -> Arrays {
              return {scaled_sum(0.5, x[0], -2, product(x[1], x[2]))};
            })
        .bits();
  }
  const Shape sizes[][3] = {{{1}, {1, 1}, {1, 1}},    {{37}, {2, 3}, {3, 37}},
                            {{3}, {2, 67}, {67, 3}},  {{5}, {3, 0}, {0, 5}},
                            {{3, 5}, {3, 0}, {0, 5}}, {{5}, {0, 4}, {4, 5}},
                            {{3, 0}, {3, 4}, {4, 0}}};
  for (const auto& shapes : sizes)
    table
        .add(
            "addmm/" + text(shapes[0]) + " " + text(shapes[1]) + " " + text(shapes[2]), covers,
            {small(shapes[0]), small(shapes[1]), other(shapes[2])},
            [](const Tensors& x) -> Tensors { return {addmm(x[0], x[1], x[2], 2, 0.5)}; },
            [](const Arrays& x) -> Arrays {
              return {scaled_sum(2, x[0], 0.5, product(x[1], x[2]))};
            })
        .tolerances(1e-12, 5e-6)
        .bits();
  table
      .add(
          "addmm/beta 0", covers, {small({5}), small({3, 4}), other({4, 5})},
          [](const Tensors& x) -> Tensors { return {addmm(x[0], x[1], x[2], 0, 3)}; },
          [](const Arrays& x) -> Arrays { return {scaled_sum(0, x[0], 3, product(x[1], x[2]))}; })
      .bits();
  table
      .add(
          "addmm/alpha 0", covers, {small({5}), small({3, 4}), other({4, 5})},
          [](const Tensors& x) -> Tensors { return {addmm(x[0], x[1], x[2], 2, 0)}; },
          [](const Arrays& x) -> Arrays { return {scaled_sum(2, x[0], 0, product(x[1], x[2]))}; })
      .bits();
}

void add_linear(Table& table) {
  const std::string covers = "linear(Tensor,Tensor,Tensor)";
  // input, weight [out, in]
  const Shape sizes[][2] = {{{3, 4}, {5, 4}},       {{4}, {5, 4}},    {{2, 3, 4}, {5, 4}},
                            {{2, 1, 2, 3}, {2, 3}}, {{1, 1}, {1, 1}}, {{2, 67}, {3, 67}},
                            {{3, 2}, {37, 2}},      {{0, 4}, {5, 4}}, {{3, 0}, {5, 0}},
                            {{2, 0, 4}, {5, 4}},    {{3, 4}, {0, 4}}, {{2, 3, 0}, {5, 0}}};
  for (const auto& shapes : sizes) {
    const std::string name = text(shapes[0]) + " " + text(shapes[1]);
    const auto transposed = [](const Array& weight) { return reference::transpose(weight, 0, 1); };
    table
        .add(
            "linear/" + name, covers, {small(shapes[0]), other(shapes[1]), small({shapes[1][0]})},
            [](const Tensors& x) -> Tensors { return {linear(x[0], x[1], x[2])}; },
            [=](const Arrays& x) -> Arrays {
              return {scaled_sum(1, x[2], 1, product(x[0], transposed(x[1])))};
            })
        .tolerances(1e-12, 5e-6)
        .bits();
    table
        .add(
            "linear/no bias " + name, covers, {small(shapes[0]), other(shapes[1])},
            [](const Tensors& x) -> Tensors { return {linear(x[0], x[1])}; },
            [=](const Arrays& x) -> Arrays { return {product(x[0], transposed(x[1]))}; })
        .tolerances(1e-12, 5e-6)
        .bits();
  }
  // A batch of the size of a small classifier's, with all three gradients.
  table
      .add(
          "linear/large 37x131x67", covers,
          {small({37, 131}), other({67, 131}), small({67}), constant({37, 67}, -1, 1)},
          [](const Tensors& x) -> Tensors {
            const Tensor y = linear(x[0], x[1], x[2]);
            auto gradients = simdgrad::autograd::grad({y}, {x[0], x[1], x[2]}, {x[3]});
            return {y.detach(), gradients[0], gradients[1], gradients[2]};
          },
          [](const Arrays& x) -> Arrays {
            return {scaled_sum(1, x[2], 1, product(x[0], reference::transpose(x[1], 0, 1))),
                    product(x[3], x[1]), product(reference::transpose(x[3], 0, 1), x[0]),
                    reference::reduce(x[3], {0}, false, reference::sum_of)};
          })
      .tolerances(1e-12, 5e-6)
      .no_gradient();  // the results are the gradients
}

// --- checks of their own ------------------------------------------------------------------------

Tensor numbers(const Shape& shape, simdgrad::ScalarType dtype, int64_t seed) {
  Tensor x = simdgrad::empty(shape, kDouble);
  for (int64_t i = 0; i < x.numel(); ++i) {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    x.data_ptr<double>()[i] = static_cast<double>(seed) / 0x40000000 - 1;
  }
  return x.to(dtype);
}

// The same numbers give the same bits by every way of asking for their product, whatever the strides.
void check_one_product() {
  const int64_t sizes[][3] = {{3, 4, 5},   {1, 67, 1},  {64, 33, 65}, {1, 5, 300},
                              {300, 5, 1}, {7, 300, 9}, {130, 1, 70}, {128, 256, 64}};
  for (const auto& [n, m, p] : sizes)
    for (simdgrad::ScalarType dtype : {kFloat, kDouble}) {
      INFO(n << "x" << m << "x" << p);
      const Tensor a = numbers({n, m}, dtype, 1), weight = numbers({p, m}, dtype, 2);
      const Tensor bias = numbers({p}, dtype, 3);
      Tensor first;
      for (bool as_stored : {true, false}) {
        const Tensor b = as_stored ? weight.t() : weight.t().contiguous();
        const Tensor y = mm(a, b);
        CHECK(equal(matmul(a, b), y));
        CHECK(equal(linear(a, b.t()), y));
        CHECK(equal(addmm(simdgrad::zeros({p}, dtype), a, b), y));
        CHECK(equal(addmm(simdgrad::full({p}, kNan, dtype), a, b, 0), y));
        CHECK(equal(linear(a, b.t(), simdgrad::zeros({p}, dtype)), y));
        CHECK(equal(linear(a.view({1, n, m}), b.t()).view({n, p}), y));
        CHECK(equal(bmm(a.view({1, n, m}), b.unsqueeze(0)).view({n, p}), y));
        CHECK(equal(linear(a, b.t(), bias), addmm(bias, a, b)));
        CHECK(equal(linear(a.view({1, n, m}), b.t(), bias).view({n, p}), addmm(bias, a, b)));
        if (as_stored) first = y;
        CHECK(equal(y, first));
        CHECK(equal(mm(a.t().contiguous().t(), b), y));
      }
    }
}

void check_integer_products() {
  const Tensor a = simdgrad::arange(6).view({2, 3}), b = simdgrad::arange(12).view({3, 4});
  const std::vector<double> product = {20, 23, 26, 29, 56, 68, 80, 92};
  expect(mm(a, b), kLong, {2, 4}, product);
  expect(matmul(a, b), kLong, {2, 4}, product);
  expect(linear(a, b.t()), kLong, {2, 4}, product);
  expect(addmm(simdgrad::ones({4}, kLong), a, b, 2, 3), kLong, {2, 4},
         {62, 71, 80, 89, 170, 206, 242, 278});
  expect(mv(a, simdgrad::arange(3)), kLong, {2}, {5, 14});
  expect(dot(simdgrad::arange(3), simdgrad::arange(3)), kLong, {}, {5});
  expect(bmm(a.view({1, 2, 3}), b.view({1, 3, 4})), kLong, {1, 2, 4}, product);
}

void check_product_corners() {
  expect(mm(simdgrad::empty({2, 0}), simdgrad::empty({0, 3})), kFloat, {2, 3}, {0, 0, 0, 0, 0, 0});
  // beta = 0 does not read the addend; with no products only beta times it is left.
  expect(addmm(simdgrad::full({3}, kNan), simdgrad::ones({2, 1}), simdgrad::ones({1, 3}), 0),
         kFloat, {2, 3}, {1, 1, 1, 1, 1, 1});
  expect(addmm(simdgrad::full({3}, kNan), simdgrad::empty({2, 0}), simdgrad::empty({0, 3}), 0),
         kFloat, {2, 3}, {0, 0, 0, 0, 0, 0});
  expect(addmm(simdgrad::full({3}, 1.5), simdgrad::empty({1, 0}), simdgrad::empty({0, 3}), 2),
         kFloat, {1, 3}, {3, 3, 3});
  // NaN and infinities in an operand reach every product with it, and no other.
  const Tensor a = simdgrad::tensor({{1.0, 2.0}, {kNan, 1.0}, {kInfinity, 0.0}});
  expect(mm(a, simdgrad::ones({2, 2})), kFloat, {3, 2}, {3, 3, kNan, kNan, kInfinity, kInfinity});
  expect(mm(a, simdgrad::zeros({2, 1})), kFloat, {3, 1}, {0, kNan, kNan});
}

}  // namespace

void add_linear_algebra_cases(Table& table) {
  add_products(table);
  add_addmm(table);
  add_linear(table);
  table.add_special("one product by every name", "", check_one_product);
  table.add_special("products of integers", "", check_integer_products);
  table.add_special("products of NaN and of nothing", "", check_product_corners);
}

}  // namespace cases
