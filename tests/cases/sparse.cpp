// Rows of sparse.h: sparse tensors are made of real values inside the call, results are dense.
#include <simdgrad/sparse.h>

#include "tests/cases/rows.h"

namespace cases {

using namespace simdgrad;

namespace {

const std::string kBySize =
    "sparse_coo_tensor(Tensor,Tensor,IntArrayRef,TensorOptions,optional<bool>)";
const std::string kInferred = "sparse_coo_tensor(Tensor,Tensor,TensorOptions,optional<bool>)";

// values [nnz, dense...] at indices [sparse_dim, nnz], equal ones added up.
Array dense(const Array& values, const Array& indices, const Shape& size) {
  const int64_t sparse = indices.shape[0], nnz = indices.shape[1];
  const int64_t each = reference::count(Shape(size.begin() + sparse, size.end()));
  Array y(size);
  for (int64_t n = 0; n < nnz; ++n) {
    int64_t row = 0;
    for (int64_t d = 0; d < sparse; ++d)
      row = row * size[static_cast<size_t>(d)] + static_cast<int64_t>(indices.at({d, n}));
    for (int64_t i = 0; i < each; ++i) y[row * each + i] += values[n * each + i];
  }
  return y;
}

struct Choice {
  Shape values, indices;
  int64_t limit;  // of all indices
  Shape size;
};
const std::vector<Choice>& choices() {
  static const std::vector<Choice> all = {
      {{4, 3}, {1, 4}, 5, {5, 3}}, {{6}, {2, 6}, 3, {3, 4}},      {{5, 2}, {2, 5}, 3, {3, 3, 2}},
      {{7}, {1, 7}, 67, {67}},     {{4, 37}, {1, 4}, 3, {3, 37}}, {{0, 3}, {1, 0}, 5, {5, 3}},
      {{3, 0}, {1, 3}, 2, {2, 0}}, {{1}, {1, 1}, 1, {1}},         {{4}, {3, 4}, 2, {2, 3, 2}},
      {{6, 2}, {1, 6}, 1, {1, 2}}, {{0}, {2, 0}, 2, {2, 3}},
  };
  return all;
}

// One row per choice: call is given the sparse tensor of size x[2]'s.
template <class Call, class Expected>
void of_sparse(Table& table, const std::string& name, const std::string& covers, Call call,
               Expected expected) {
  for (const Choice& c : choices())
    table
        .add(
            name + "/" + text(c.values) + " at " + text(c.indices), covers,
            {real(c.values), ids(c.indices, c.limit)},
            [=](const Tensors& x) -> Tensors {
              return {call(sparse_coo_tensor(x[1], x[0], c.size))};
            },
            [=](const Arrays& x) -> Arrays { return {expected(dense(x[0], x[1], c.size))}; })
        .tolerances(1e-12, 4e-6);
}

}  // namespace

void add_sparse_cases(Table& table) {
  const auto same = [](const Array& x) { return x; };
  of_sparse(
      table, "sparse_coo_tensor", kBySize + " to_dense(Tensor)",
      [](const Tensor& s) { return to_dense(s); }, same);
  of_sparse(
      table, "coalesce", "coalesce(Tensor)", [](const Tensor& s) { return to_dense(coalesce(s)); },
      same);
  of_sparse(
      table, "coalesce twice", "coalesce(Tensor)",
      [](const Tensor& s) { return to_dense(coalesce(coalesce(s))); }, same);
  of_sparse(
      table, "sparse clone", "clone(Tensor)", [](const Tensor& s) { return to_dense(s.clone()); },
      same);
  of_sparse(
      table, "sparse neg", "neg(Tensor)", [](const Tensor& s) { return to_dense(-s); },
      [](const Array& x) { return reference::map(x, [](double v) { return 0 - v; }); });
  of_sparse(
      table, "sparse mul", "mul(Tensor,Scalar)", [](const Tensor& s) { return to_dense(s * 2.5); },
      [](const Array& x) { return reference::map(x, [](double v) { return 2.5 * v; }); });
  of_sparse(
      table, "sparse div", "div(Tensor,Scalar)", [](const Tensor& s) { return to_dense(s / 4); },
      [](const Array& x) { return reference::map(x, [](double v) { return v / 4; }); });
  of_sparse(
      table, "sparse sum", "sum(Tensor,optional<ScalarType>)",
      [](const Tensor& s) { return s.sum(); },
      [](const Array& x) { return Array({}, reference::sum_of(x.data)); });
  of_sparse(
      table, "sparse add sparse", "add(Tensor,Tensor,Scalar)",
      [](const Tensor& s) { return to_dense(add(s, s, 3)); },
      [](const Array& x) { return reference::map(x, [](double v) { return 4 * v; }); });
  for (const Choice& c : choices()) {
    const std::string name = text(c.values) + " at " + text(c.indices);
    table
        .add(
            "dense add sparse/" + name, "add(Tensor,Tensor,Scalar)",
            {real(c.values), ids(c.indices, c.limit), real(c.size)},
            [c](const Tensors& x) -> Tensors {
              return {add(x[2], sparse_coo_tensor(x[1], x[0], c.size), -2)};
            },
            [c](const Arrays& x) -> Arrays {
              return {reference::map2(x[2], dense(x[0], x[1], c.size),
                                      [](double a, double b) { return a - 2 * b; })};
            })
        .tolerances(1e-12, 4e-6);
    // Sparse dimensions as large as the indices need.
    if (c.values[0] > 0)
      table
          .add(
              "sparse_coo_tensor inferred/" + name, kInferred,
              {real(c.values), ids(c.indices, c.limit)},
              [](const Tensors& x) -> Tensors { return {to_dense(sparse_coo_tensor(x[1], x[0]))}; },
              [c](const Arrays& x) -> Arrays {
                Shape size;
                for (int64_t d = 0; d < c.indices[0]; ++d) {
                  double largest = 0;
                  for (int64_t n = 0; n < c.indices[1]; ++n)
                    largest = std::max(largest, x[1].at({d, n}));
                  size.push_back(static_cast<int64_t>(largest) + 1);
                }
                size.insert(size.end(), c.values.begin() + 1, c.values.end());
                return {dense(x[0], x[1], size)};
              })
          .tolerances(1e-12, 4e-6);
  }

  for (const Shape& shape :
       {Shape{3, 5}, Shape{67}, Shape{2, 3, 4}, Shape{1}, Shape{0, 3}, Shape{2, 37}}) {
    // Every second number is 0.
    const auto holes = [](const Arrays& x) {
      return reference::map2(x[0], x[1], [](double a, double b) { return a * b; });
    };
    table.add(
        "to_sparse/" + text(shape), "to_sparse(Tensor)", {real(shape), mask(shape)},
        [](const Tensors& x) -> Tensors { return {to_dense(to_sparse(x[0] * x[1]))}; },
        [=](const Arrays& x) -> Arrays { return {holes(x)}; });
    table.add(
        "to_dense of dense/" + text(shape), "to_dense(Tensor)", {real(shape)},
        [](const Tensors& x) -> Tensors { return {to_dense(x[0])}; },
        [](const Arrays& x) -> Arrays { return {x[0]}; });
    for (int64_t dims = 1; dims <= static_cast<int64_t>(shape.size()); ++dims)
      table.add(
          "to_sparse/" + text(shape) + " " + std::to_string(dims), "to_sparse(Tensor,int64_t)",
          {real(shape), mask(shape)},
          [dims](const Tensors& x) -> Tensors { return {to_dense(to_sparse(x[0] * x[1], dims))}; },
          [=](const Arrays& x) -> Arrays { return {holes(x)}; });
  }

  table.add_special("sparse_coo_tensor/empty", "sparse_coo_tensor(IntArrayRef,TensorOptions)", [] {
    const Tensor s = sparse_coo_tensor({2, 3}, TensorOptions(kDouble));
    CHECK(s.is_sparse());
    CHECK(s._nnz() == 0);
    CHECK(s.sparse_dim() == 2);
    expect(to_dense(s), kDouble, {2, 3}, {0, 0, 0, 0, 0, 0});
  });
  table.add_special("coalesce/parts", "coalesce(Tensor)", [] {
    const Tensor s = sparse_coo_tensor(tensor({{3, 0, 3, 1}}, kLong),
                                       tensor({1.0, 2.0, 4.0, 8.0}, kDouble), {5});
    CHECK(!s.is_coalesced());
    const Tensor c = coalesce(s);
    CHECK(c.is_coalesced());
    CHECK(coalesce(c).is_same(c));
    expect(c._indices(), kLong, {1, 3}, {0, 1, 3});
    expect(c._values(), kDouble, {3}, {2, 8, 5});
  });
  table.add_special("sparse_coo_tensor/arguments",
                    "_validate_sparse_coo_tensor_args(Tensor,Tensor,IntArrayRef)", [] {
                      const Tensor indices = tensor({{1, 0, 1}}, kLong), values = ones({3, 2});
                      _validate_sparse_coo_tensor_args(indices, values, {2, 2});
                      CHECK_THROWS_AS(_validate_sparse_coo_tensor_args(indices, values, {1, 2}),
                                      Error);
                      CHECK_THROWS_AS(_validate_sparse_coo_tensor_args(indices, values, {2, 3}),
                                      Error);
                      CHECK_THROWS_AS(_validate_sparse_coo_tensor_args(values, values, {2, 2}),
                                      Error);
                    });
  table.add_special("to_sparse/parts", "to_sparse(Tensor,int64_t)", [] {
    const Tensor s = to_sparse(tensor({{0, 1}, {0, 0}, {2, 0}}, kLong).to(kFloat), 1);
    expect(s._indices(), kLong, {1, 2}, {0, 2});
    expect(s._values(), kFloat, {2, 2}, {0, 1, 2, 0});
  });
}

}  // namespace cases
