// Rows of views.h that make or write tensors of their own: copies, fills, joins.
#include <simdgrad/views.h>

#include "tests/cases/views.h"

namespace cases {

using namespace simdgrad;

namespace {

void add_copies(Table& table) {
  const auto same = [](const Array& x) { return x; };
  const std::string to_covers = "to(Tensor,ScalarType,bool)";
  for (const Shape& shape : kViewShapes) {
    one(
        table, "contiguous/" + text(shape), "contiguous(Tensor)", shape,
        [](const Tensor& x) { return contiguous(x); }, same);
    one(
        table, "clone/" + text(shape), "clone(Tensor)", shape,
        [](const Tensor& x) { return clone(x); }, same);
    one(
        table, "to double/" + text(shape), to_covers, shape,
        [](const Tensor& x) { return to(x, kDouble); }, same);
    one(
        table, "to double, a copy/" + text(shape), to_covers, shape,
        [](const Tensor& x) { return to(x, kDouble, true); }, same);
    one(
        table, "to float/" + text(shape), to_covers, shape,
        [](const Tensor& x) { return to(x, kFloat); },
        [](const Array& x) {
          return reference::map(x, [](double v) -> double { return static_cast<float>(v); });
        })
        .no_gradient();  // a difference quotient of floats says little: see to/gradient
    one(
        table, "to long/" + text(shape), to_covers, shape,
        [](const Tensor& x) { return to(x, kLong); },
        [](const Array& x) { return reference::map(x, [](double v) { return std::trunc(v); }); })
        .no_gradient();  // integers
    one(
        table, "to bool/" + text(shape), to_covers, shape,
        [](const Tensor& x) { return to(to(x, kLong), kBool); },
        [](const Array& x) {
          return reference::map(x, [](double v) -> double { return std::trunc(v) != 0; });
        })
        .no_gradient();
  }
  one(
      table, "clone/of an expand", "clone(Tensor)", {3, 1},
      [](const Tensor& x) {
        return clone(x.expand({3, 4}));
      },
      [](const Array& x) {
        return reference::make({3, 4}, [&](const Shape& i) { return x[i[0]]; });
      });
  one(
      table, "contiguous/of a permute", "contiguous(Tensor)", {2, 3, 37},
      [](const Tensor& x) {
        return contiguous(x.permute({2, 0, 1}));
      },
      [](const Array& x) {
        return reference::permute(x, {2, 0, 1});
      });
  table.add_special("contiguous/identity", "contiguous(Tensor) clone(Tensor)", [] {
    const Tensor x = zeros({3, 4});
    CHECK(contiguous(x).is_same(x));
    CHECK(!contiguous(x.t()).is_same(x.t()));
    CHECK(contiguous(x.t()).is_contiguous());
    CHECK(clone(x).data_ptr() != x.data_ptr());
    // Dense strides are kept, others are not.
    CHECK(clone(x.t()).strides() == x.t().strides());
    CHECK(clone(x.slice(1, 0, 4, 2)).is_contiguous());
    CHECK(to(x, kFloat).is_same(x));
    CHECK(!to(x, kFloat, true).is_same(x));
  });
  table.add_special("to/gradient", to_covers, [] {
    const Tensor x = tensor({0.1, -2.5, 3.0}, kDouble).requires_grad_(true);
    const Tensor y = to(x, kFloat);
    CHECK(y.scalar_type() == kFloat);
    (y * tensor({1.0, 2.0, -4.0}, kFloat)).sum().backward();
    expect(x.grad(), kDouble, {3}, {1, 2, -4});
    CHECK(!to(x, kLong).requires_grad());
  });
  table.add_special("to/every dtype", to_covers, [] {
    const ScalarType types[] = {kDouble, kFloat, kLong, kInt, kShort, kChar, kByte, kBool};
    for (const ScalarType from : types)
      for (const ScalarType target : types) {
        INFO(from << " to " << target);
        const Tensor x = tensor({0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0}, kLong);
        expect(to(to(x, from), target), target, {11}, {0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0});
        if (from == kBool) continue;
        const Tensor y = tensor({0, 2, 100, 7, 1, 3, 9, 50, 6, 4, 127}, kLong);
        if (target == kBool)
          expect(to(to(y, from), target), target, {11}, {0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1});
        else
          expect(to(to(y, from), target), target, {11}, {0, 2, 100, 7, 1, 3, 9, 50, 6, 4, 127});
      }
    expect(to(tensor({-1.9, -0.5, 0.99, 2.5}), kInt), kInt, {4}, {-1, 0, 0, 2});
    expect(to(tensor({0.0, -0.0, 0.3, kNan}), kBool), kBool, {4}, {0, 0, 1, 1});
    expect(to(tensor({-1, 255, 256, 300}, kLong), kByte), kByte, {4}, {255, 255, 0, 44});
    expect(to(tensor({127, 128, -129, 511}, kLong), kChar), kChar, {4}, {127, -128, 127, -1});
  });
}

void add_writes(Table& table) {
  const std::string copy = "copy_(Tensor,Tensor)";
  for (const auto& [to_shape, from] : {std::pair{Shape{3, 4}, Shape{3, 4}},
                                       {Shape{3, 4}, Shape{4}},
                                       {Shape{3, 4}, Shape{3, 1}},
                                       {Shape{67}, Shape{67}},
                                       {Shape{2, 3, 4}, Shape{1, 3, 1}},
                                       {Shape{5}, Shape{}},
                                       {Shape{}, Shape{}},
                                       {Shape{0, 3}, Shape{3}},
                                       {Shape{2, 37}, Shape{2, 37}},
                                       {Shape{1}, Shape{1}}})
    table
        .add(
            "copy_/" + text(to_shape) + " " + text(from), copy, {real(to_shape), real(from)},
            [](const Tensors& x) -> Tensors {
              return {changed(x[0], [&](Tensor& y) -> Tensor& { return copy_(y, x[1]); })};
            },
            [](const Arrays& x) -> Arrays {
              return {reference::map2(x[0], x[1], [](double, double b) { return b; })};
            })
        .bits();
  table
      .add(
          "copy_/into a view", copy, {real({3, 5}), real({3})},
          [](const Tensors& x) {
            return changed_view(x[0], [&](Tensor& y) -> Tensor& { return copy_(y, x[1]); });
          },
          [](const Arrays& x) {
            return changed_view_reference(x[0],
                                          [&](double, const Shape& at) { return x[1][at.back()]; });
          })
      .bits();
  table
      .add(
          "copy_/into a transpose", copy, {real({5, 3}), real({3, 5})},
          [](const Tensors& x) -> Tensors {
            Tensor base = x[0].clone();
            Tensor view = base.t();
            apply_in_place(view, [&](Tensor& y) -> Tensor& { return copy_(y, x[1]); });
            return {base, view};
          },
          [](const Arrays& x) -> Arrays {
            return {reference::permute(x[1], {1, 0}), x[1]};
          })
      .bits();
  table.add_special("copy_/gradient of another dtype", copy, [] {
    const Tensor source = tensor({{1.0, 2.0, 3.0}}, kFloat).requires_grad_(true);
    Tensor y = zeros({2, 3}, kDouble);
    copy_(y, source);
    expect(y, kDouble, {2, 3}, {1, 2, 3, 1, 2, 3});
    (y * tensor({{1.0, 2.0, 3.0}, {10.0, 20.0, 30.0}}, kDouble)).sum().backward();
    expect(source.grad(), kFloat, {1, 3}, {11, 22, 33});
    Tensor n = zeros({3}, kLong);
    expect(copy_(n, tensor({1.9, -1.9, 0.0})), kLong, {3}, {1, -1, 0});
    Tensor once = zeros({3});
    Tensor wide = once.expand({2, 3});
    CHECK_THROWS_AS(copy_(wide, ones({2, 3})), Error);
    // Of overlapping memory of the same strides.
    Tensor same = tensor({1.0, 2.0});
    expect(copy_(same, same), kFloat, {2}, {1, 2});
  });

  for (const Shape& shape : kViewShapes) {
    one(
        table, "fill_ number/" + text(shape), "fill_(Tensor,Scalar)", shape,
        [](const Tensor& x) {
          return changed(x, [](Tensor& y) -> Tensor& { return fill_(y, -2.5); });
        },
        [](const Array& x) { return Array(x.shape, -2.5); });
    one(
        table, "zero_/" + text(shape), "zero_(Tensor)", shape,
        [](const Tensor& x) { return changed(x, [](Tensor& y) -> Tensor& { return zero_(y); }); },
        [](const Array& x) { return Array(x.shape); });
    table
        .add(
            "fill_ tensor/" + text(shape), "fill_(Tensor,Tensor)", {real(shape), real({})},
            [](const Tensors& x) -> Tensors {
              return {changed(x[0], [&](Tensor& y) -> Tensor& { return fill_(y, x[1]); })};
            },
            [](const Arrays& x) -> Arrays { return {Array(x[0].shape, x[1][0])}; })
        .bits();
  }
  several(
      table, "fill_ number/of a view", "fill_(Tensor,Scalar)", {3, 5},
      [](const Tensor& x) {
        return changed_view(x, [](Tensor& y) -> Tensor& { return fill_(y, 7); });
      },
      [](const Array& x) {
        return changed_view_reference(x, [](double, const Shape&) { return 7.0; });
      });
  several(
      table, "zero_/of a view", "zero_(Tensor)", {3, 5},
      [](const Tensor& x) {
        return changed_view(x, [](Tensor& y) -> Tensor& { return zero_(y); });
      },
      [](const Array& x) {
        return changed_view_reference(x, [](double, const Shape&) { return 0.0; });
      });
  table
      .add(
          "fill_ tensor/of a view", "fill_(Tensor,Tensor)", {real({3, 5}), real({})},
          [](const Tensors& x) {
            return changed_view(x[0], [&](Tensor& y) -> Tensor& { return fill_(y, x[1]); });
          },
          [](const Arrays& x) {
            return changed_view_reference(x[0], [&](double, const Shape&) { return x[1][0]; });
          })
      .bits();
}

// The arrays one after the other along dim.
Array joined(const Arrays& all, int64_t dim) {
  const auto d = static_cast<size_t>(reference::wrapped(dim, all[0].dim()));
  Shape shape = all[0].shape;
  for (size_t i = 1; i < all.size(); ++i) shape[d] += all[i].shape[d];
  return reference::make(shape, [&](Shape index) {
    size_t i = 0;
    while (index[d] >= all[i].shape[d]) index[d] -= all[i++].shape[d];
    return all[i].at(index);
  });
}

void add_joins(Table& table) {
  struct Choice {
    const char* name;
    std::vector<Shape> shapes;
    int64_t dim;
  };
  for (const Choice& c : {Choice{"rows", {{2, 3}, {1, 3}, {4, 3}}, 0},
                          {"columns", {{2, 3}, {2, 1}, {2, 5}}, 1},
                          {"negative", {{2, 3, 4}, {2, 1, 4}}, -2},
                          {"one", {{3, 4}}, 0},
                          {"vectors", {{67}, {37}}, 0},
                          {"long runs", {{2, 33}, {2, 40}}, 1},
                          {"long runs in the middle", {{2, 9, 4}, {2, 10, 4}}, 1},
                          {"nothing", {{0, 3}, {0, 3}}, 0},
                          {"with nothing", {{2, 0}, {2, 3}, {2, 0}}, 1},
                          {"many", {{1}, {1}, {2}, {1}, {3}, {1}}, 0}}) {
    std::vector<Input> inputs;
    for (const Shape& shape : c.shapes) inputs.push_back(real(shape));
    table
        .add(
            std::string("cat/") + c.name, "cat(TensorList,int64_t)", inputs,
            [c](const Tensors& x) -> Tensors { return {cat(x, c.dim)}; },
            [c](const Arrays& x) -> Arrays { return {joined(x, c.dim)}; })
        .bits();
  }
  table
      .add(
          "cat/shape [0] is skipped", "cat(TensorList,int64_t)",
          {real({2, 3}), real({0}), real({1, 3})},
          [](const Tensors& x) -> Tensors { return {cat(x)}; },
          [](const Arrays& x) -> Arrays {
            return {joined({x[0], x[2]}, 0)};
          })
      .bits();
  one(
      table, "cat/of itself", "cat(TensorList,int64_t)", {2, 3},
      [](const Tensor& x) {
        return cat({x, x, x}, -1);
      },
      [](const Array& x) {
        return joined({x, x, x}, 1);
      });
  table.add_special("cat/dtypes", "cat(TensorList,int64_t)", [] {
    const Tensor a = tensor({1, 2}, kLong), b = tensor({0.5}, kFloat).requires_grad_(true);
    const Tensor c = tensor({0.25}, kDouble);
    expect(cat({a, b}), kFloat, {3}, {1, 2, 0.5});
    const Tensor y = cat({a, b, c});
    expect(y, kDouble, {4}, {1, 2, 0.5, 0.25});
    (y * tensor({1.0, 2.0, 3.0, 4.0}, kDouble)).sum().backward();
    expect(b.grad(), kFloat, {1}, {3});
    expect(cat({tensor({true}, kBool), tensor({7}, kByte)}), kByte, {2}, {1, 7});
  });

  for (const auto& [shape, n, dim] : {std::tuple{Shape{2, 3}, 3, 0},
                                      {Shape{2, 3}, 2, 1},
                                      {Shape{2, 3}, 4, -1},
                                      {Shape{}, 3, 0},
                                      {Shape{67}, 2, -2},
                                      {Shape{1}, 1, 0},
                                      {Shape{0, 2}, 2, 1},
                                      {Shape{37}, 3, 1}})
    table
        .add(
            "stack/" + std::to_string(n) + " of " + text(shape) + " " + std::to_string(dim),
            "stack(TensorList,int64_t)", std::vector<Input>(static_cast<size_t>(n), real(shape)),
            [dim = dim](const Tensors& x) -> Tensors { return {stack(x, dim)}; },
            [dim = int64_t{dim}](Arrays x) -> Arrays {
              const int64_t d = reference::wrapped(dim, x[0].dim() + 1);
              for (Array& one : x) one.shape.insert(one.shape.begin() + d, 1);
              return {joined(x, d)};
            })
        .bits();
  table
      .add(
          "stack/one twice", "stack(TensorList,int64_t)", {real({3}), real({3})},
          [](const Tensors& x) -> Tensors {
            return {stack({x[0], x[1], x[0]})};
          },
          [](const Arrays& x) -> Arrays {
            return {reference::make(
                {3, 3}, [&](const Shape& i) { return x[i[0] % 2 == 0 ? 0 : 1][i[1]]; })};
          })
      .bits();
}

}  // namespace

void add_copy_cases(Table& table) {
  add_copies(table);
  add_writes(table);
  add_joins(table);
}

}  // namespace cases
