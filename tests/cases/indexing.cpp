// Rows of indexing.h: what stands in brackets, read and written.
#include <simdgrad/indexing.h>

#include "tests/cases/indexing.h"

namespace cases {

using namespace simdgrad;
using indexing::Ellipsis;
using indexing::None;
using indexing::Slice;
using indexing::TensorIndex;

namespace {

using Indices = std::vector<TensorIndex>;

// One way of indexing: what to write in the brackets, and which elements of x[0] that means.
struct Place {
  const char* name;
  Shape shape;
  std::vector<Input> more;  // x[1], x[2] ...: ids and masks
  std::function<Indices(const Tensors&)> indices;
  // The result's shape, and in row-major order the positions in x[0].
  std::function<Array(const Arrays&)> positions;
  Shape value;           // what index_put_ writes there
  bool repeats = false;  // positions may repeat
};

// positions from the shape of the result and the index into x[0].
std::function<Array(const Arrays&)> at(Shape result,
                                       std::function<Shape(const Arrays&, const Shape&)> where) {
  return [=](const Arrays& x) {
    return reference::make(
        result, [&](const Shape& i) { return static_cast<double>(x[0].flat(where(x, i))); });
  };
}

// The positions where a mask of x[0]'s first dimensions is true, `inner` numbers at each.
Array masked(const Array& mask, Shape inner) {
  const int64_t each = reference::count(inner);
  std::vector<double> positions;
  int64_t n = 0;
  for (int64_t i = 0; i < mask.size(); ++i) {
    if (mask[i] == 0) continue;
    ++n;
    for (int64_t j = 0; j < each; ++j) positions.push_back(static_cast<double>(i * each + j));
  }
  inner.insert(inner.begin(), n);
  return Array(inner, positions);
}

const std::vector<Place>& places() {
  using X = const Tensors&;
  using A = const Arrays&;
  using I = const Shape&;
  static const std::vector<Place> all = {
      {"integer",
       {3, 4},
       {},
       [](X) { return Indices{1}; },
       at({4},
          [](A, I i) -> Shape {
            return {1, i[0]};
          }),
       {4}},
      {"integers",
       {3, 4},
       {},
       [](X) {
         return Indices{-1, -2};
       },
       at({},
          [](A, I) -> Shape {
            return {2, 2};
          }),
       {}},
      {"slices",
       {5, 7},
       {},
       [](X) {
         return Indices{Slice(1, 4), Slice(None, None, 2)};
       },
       at({3, 4},
          [](A, I i) -> Shape {
            return {1 + i[0], 2 * i[1]};
          }),
       {4}},
      {"negative slice",
       {5, 3},
       {},
       [](X) { return Indices{Slice(-2, None)}; },
       at({2, 3},
          [](A, I i) -> Shape {
            return {3 + i[0], i[1]};
          }),
       {2, 1}},
      {"nothing sliced",
       {5, 3},
       {},
       [](X) { return Indices{Slice(4, 2)}; },
       at({0, 3}, [](A, I) -> Shape { return {}; }),
       {3}},
      {"ellipsis and none",
       {2, 3, 4},
       {},
       [](X) {
         return Indices{Ellipsis, None, 1};
       },
       at({2, 3, 1},
          [](A, I i) -> Shape {
            return {i[0], i[1], 1};
          }),
       {3, 1}},
      {"true",
       {3, 4},
       {},
       [](X) { return Indices{true}; },
       at({1, 3, 4},
          [](A, I i) -> Shape {
            return {i[1], i[2]};
          }),
       {4}},
      {"false",
       {3, 4},
       {},
       [](X) { return Indices{false}; },
       at({0, 3, 4}, [](A, I) -> Shape { return {}; }),
       {4}},
      {"rows",
       {5, 3},
       {ids({4}, 5)},
       [](X x) { return Indices{x[1]}; },
       at({4, 3},
          [](A x, I i) -> Shape {
            return {integer(x[1][i[0]]), i[1]};
          }),
       {4, 3},
       true},
      {"wide rows",
       {7, 67},
       {ids({37}, 7)},
       [](X x) { return Indices{x[1]}; },
       at({37, 67},
          [](A x, I i) -> Shape {
            return {integer(x[1][i[0]]), i[1]};
          }),
       {37, 67},
       true},
      {"distinct rows",
       {5, 3},
       {},
       [](X) {
         return Indices{tensor({3, 0, 4}, kLong)};
       },
       at({3, 3},
          [](A, I i) -> Shape {
            return {Shape{3, 0, 4}[static_cast<size_t>(i[0])], i[1]};
          }),
       {3, 3}},
      {"distinct negative rows",
       {5, 3},
       {},
       [](X) {
         return Indices{tensor({-1, 0, -4}, kInt)};
       },
       at({3, 3},
          [](A, I i) -> Shape {
            return {Shape{4, 0, 1}[static_cast<size_t>(i[0])], i[1]};
          }),
       {3}},
      {"negative rows",
       {5, 3},
       {ids({4}, 5)},
       [](X x) { return Indices{x[1] - 5}; },
       at({4, 3},
          [](A x, I i) -> Shape {
            return {integer(x[1][i[0]]), i[1]};
          }),
       {3},
       true},
      {"int32 rows",
       {5, 3},
       {ids({4}, 5)},
       [](X x) { return Indices{x[1].to(kInt)}; },
       at({4, 3},
          [](A x, I i) -> Shape {
            return {integer(x[1][i[0]]), i[1]};
          }),
       {4, 1},
       true},
      {"rows of two dimensions",
       {5, 3},
       {ids({2, 3}, 5)},
       [](X x) { return Indices{x[1]}; },
       at({2, 3, 3},
          [](A x, I i) -> Shape {
            return {integer(x[1].at({i[0], i[1]})), i[2]};
          }),
       {3, 3},
       true},
      {"one row",
       {5, 3},
       {ids({}, 5)},
       [](X x) { return Indices{x[1]}; },
       at({3},
          [](A x, I i) -> Shape {
            return {integer(x[1][0]), i[0]};
          }),
       {3}},
      {"numbers",
       {67},
       {ids({37}, 67)},
       [](X x) { return Indices{x[1]}; },
       at({37}, [](A x, I i) -> Shape { return {integer(x[1][i[0]])}; }),
       {37},
       true},
      {"no rows",
       {5, 3},
       {ids({0}, 5)},
       [](X x) { return Indices{x[1]}; },
       at({0, 3}, [](A, I) -> Shape { return {}; }),
       {3}},
      {"columns",
       {3, 5},
       {ids({4}, 5)},
       [](X x) {
         return Indices{Slice(), x[1]};
       },
       at({3, 4},
          [](A x, I i) -> Shape {
            return {i[0], integer(x[1][i[1]])};
          }),
       {3, 4},
       true},
      {"pairs",
       {4, 5},
       {ids({2, 1}, 4), ids({3}, 5)},
       [](X x) {
         return Indices{x[1], x[2]};
       },
       at({2, 3},
          [](A x, I i) -> Shape {
            return {integer(x[1][i[0]]), integer(x[2][i[1]])};
          }),
       {2, 3},
       true},
      {"pairs in the middle",
       {2, 4, 5, 3},
       {ids({3}, 4), ids({3}, 5)},
       [](X x) {
         return Indices{Slice(), x[1], x[2]};
       },
       at({2, 3, 3},
          [](A x, I i) -> Shape {
            return {i[0], integer(x[1][i[1]]), integer(x[2][i[1]]), i[2]};
          }),
       {3, 3},
       true},
      {"apart",
       {3, 2, 5},
       {ids({4}, 3), ids({4}, 5)},
       [](X x) {
         return Indices{x[1], Slice(), x[2]};
       },
       at({4, 2},
          [](A x, I i) -> Shape {
            return {integer(x[1][i[0]]), i[1], integer(x[2][i[0]])};
          }),
       {4, 2},
       true},
      {"ids and an integer",
       {5, 3},
       {ids({4}, 5)},
       [](X x) {
         return Indices{x[1], -1};
       },
       at({4},
          [](A x, I i) -> Shape {
            return {integer(x[1][i[0]]), 2};
          }),
       {},
       true},
      {"ids and a slice",
       {5, 7},
       {ids({4}, 5)},
       [](X x) { return Indices{x[1], Slice(1, 6, 2)}; },
       at({4, 3},
          [](A x, I i) -> Shape {
            return {integer(x[1][i[0]]), 1 + 2 * i[1]};
          }),
       {3},
       true},
      {"mask",
       {3, 5},
       {mask({3, 5})},
       [](X x) { return Indices{x[1]}; },
       [](A x) { return masked(x[1], {}); },
       {}},
      {"mask of rows",
       {7, 3},
       {mask({7})},
       [](X x) { return Indices{x[1]}; },
       [](A x) { return masked(x[1], {3}); },
       {3}},
      {"mask of many",
       {67},
       {mask({67})},
       [](X x) { return Indices{x[1]}; },
       [](A x) { return masked(x[1], {}); },
       {1}},
      {"of nothing",
       {0, 3},
       {ids({0}, 1)},
       [](X x) { return Indices{x[1]}; },
       at({0, 3}, [](A, I) -> Shape { return {}; }),
       {3}},
      {"of one",
       {1, 1},
       {ids({3}, 1)},
       [](X x) { return Indices{x[1]}; },
       at({3, 1},
          [](A, I) -> Shape {
            return {0, 0};
          }),
       {1},
       true},
  };
  return all;
}

const std::string kIndices = "ArrayRef<indexing::TensorIndex>";

// x[0] with the last input, expanded, written to the positions: the last of equal ones stays.
Array written(const Array& x, const Array& positions, const Array& value) {
  Array y = x;
  int64_t i = 0;
  reference::for_each_index(positions.shape, [&](const Shape& index) {
    y[integer(positions[i++])] = reference::shown_at(value, index);
  });
  return y;
}

void add_brackets(Table& table) {
  for (const Place& place : places()) {
    std::vector<Input> inputs = {real(place.shape)};
    inputs.insert(inputs.end(), place.more.begin(), place.more.end());
    table
        .add(
            std::string("index/") + place.name, "index(Tensor," + kIndices + ")", inputs,
            [&place](const Tensors& x) -> Tensors { return {index(x[0], place.indices(x))}; },
            [&place](const Arrays& x) -> Arrays {
              return {
                  reference::map(place.positions(x), [&](double p) { return x[0][integer(p)]; })};
            })
        .bits();
    if (std::string(place.name) == "false") continue;  // nothing is written: see index_put_/false
    table
        .add(
            std::string("index_put_ number/") + place.name,
            "index_put_(Tensor," + kIndices + ",Scalar)", inputs,
            [&place](const Tensors& x) -> Tensors {
              return {changed(x[0], [&](Tensor& y) -> Tensor& {
                return index_put_(y, place.indices(x), 2.5);
              })};
            },
            [&place](const Arrays& x) -> Arrays {
              return {written(x[0], place.positions(x), Array({}, 2.5))};
            })
        .bits();
    inputs.push_back(real(place.value));
    Case& in_place = table
                         .add(
                             std::string("index_put_/") + place.name,
                             "index_put_(Tensor," + kIndices + ",Tensor)", inputs,
                             [&place](const Tensors& x) -> Tensors {
                               return {changed(x[0], [&](Tensor& y) -> Tensor& {
                                 return index_put_(y, place.indices(x), x.back());
                               })};
                             },
                             [&place](const Arrays& x) -> Arrays {
                               return {written(x[0], place.positions(x), x.back())};
                             })
                         .bits();
    // What is overwritten has a gradient nonetheless, as in PyTorch: d value = dy at the places.
    if (place.repeats) in_place.no_gradient();
    Case& copied = table
                       .add(
                           std::string("index_put/") + place.name,
                           "index_put(Tensor," + kIndices + ",Tensor)", inputs,
                           [&place](const Tensors& x) -> Tensors {
                             return {index_put(x[0], place.indices(x), x.back())};
                           },
                           [&place](const Arrays& x) -> Arrays {
                             return {written(x[0], place.positions(x), x.back())};
                           })
                       .bits();
    if (place.repeats) copied.no_gradient();
  }
  // As in PyTorch, false writes nothing and is no change at all.
  table.add_special(
      "index_put_/false",
      "index_put_(Tensor," + kIndices + ",Tensor) index_put_(Tensor," + kIndices + ",Scalar)", [] {
        Tensor x = tensor({1.0, 2.0}, kDouble);
        CHECK(&index_put_(x, {false}, tensor({7.0}, kDouble)) == &x);
        CHECK(&index_put_(x, {false}, 7.0) == &x);
        CHECK(x._version() == 0);
        expect(x, kDouble, {2}, {1, 2});
        expect(index_put(x, {false}, tensor({7.0}, kDouble)), kDouble, {2}, {1, 2});
      });
  table
      .add(
          "index_put_/into a view", "index_put_(Tensor," + kIndices + ",Tensor)",
          {real({3, 5}), real({3})},
          [](const Tensors& x) {
            return changed_view(x[0], [&](Tensor& y) -> Tensor& {
              return index_put_(y, {tensor({2, 0}, kLong)}, x[1]);
            });
          },
          [](const Arrays& x) {
            return changed_view_reference(
                x[0], [&](double v, const Shape& i) { return i[0] == 1 ? v : x[1][i[1]]; });
          })
      .bits();
}

}  // namespace

void add_indexing_cases(Table& table) {
  add_brackets(table);
  add_entry_cases(table);
}

}  // namespace cases
