// Rows of indexing.h by ids and masks: entries of one dimension, one id per element, what is not 0.
#include <simdgrad/indexing.h>

#include "tests/cases/indexing.h"

namespace cases {

using namespace simdgrad;

namespace {

// y[i][j] = x[index[i][j]][j] for dim 0.
Shape moved(Shape position, int64_t dim, double id) {
  if (!position.empty())
    position[static_cast<size_t>(reference::wrapped(dim, static_cast<int64_t>(position.size())))] =
        integer(id);
  return position;
}
Array gathered(const Array& x, int64_t dim, const Array& index) {
  return reference::make(index.shape,
                         [&](const Shape& i) { return x.at(moved(i, dim, index.at(i))); });
}
Array scattered(Array x, int64_t dim, const Array& index, const Array& source) {
  reference::for_each_index(
      index.shape, [&](const Shape& i) { x.at(moved(i, dim, index.at(i))) += source.at(i); });
  return x;
}
// Entries ids[0], ids[1] ... of a dimension; a number is one entry.
Array entries(const Array& x, int64_t dim, const Array& ids) {
  if (x.dim() == 0) return x;
  Shape shape = x.shape;
  const auto d = static_cast<size_t>(reference::wrapped(dim, x.dim()));
  shape[d] = ids.size();
  return reference::make(shape, [&](const Shape& i) { return x.at(moved(i, dim, ids[i[d]])); });
}
Array entries_added(Array x, int64_t dim, const Array& ids, const Array& source) {
  const auto d = static_cast<size_t>(reference::wrapped(dim, x.dim()));
  reference::for_each_index(source.shape, [&](const Shape& i) {
    x.at(x.dim() == 0 ? Shape{} : moved(i, dim, ids[i[d]])) += source.at(i);
  });
  return x;
}

void add_entries(Table& table) {
  struct Choice {
    Shape shape;
    int64_t dim, n;
  };
  for (const Choice& c : {Choice{{5, 3}, 0, 4},
                          {{3, 5}, 1, 7},
                          {{2, 3, 4}, -2, 5},
                          {{7, 67}, 0, 11},
                          {{67}, 0, 37},
                          {{1, 4}, 0, 3},
                          {{2, 0}, 0, 3},
                          {{5, 3}, 0, 0},
                          {{2, 37}, -1, 3},
                          {{5, 1}, 0, 9}}) {
    const int64_t size = c.shape[static_cast<size_t>(
        reference::wrapped(c.dim, static_cast<int64_t>(c.shape.size())))];
    Shape source = c.shape;
    source[static_cast<size_t>(reference::wrapped(c.dim, static_cast<int64_t>(c.shape.size())))] =
        c.n;
    const std::string name =
        text(c.shape) + " " + std::to_string(c.dim) + " " + std::to_string(c.n);
    for (const bool small : {false, true}) {
      const auto typed = [small](const Tensor& x) { return small ? x.to(kInt) : x; };
      table
          .add(
              "index_select/" + name + (small ? " int32" : ""),
              "index_select(Tensor,int64_t,Tensor)", {real(c.shape), ids({c.n}, size)},
              [c, typed](const Tensors& x) -> Tensors {
                return {index_select(x[0], c.dim, typed(x[1]))};
              },
              [c](const Arrays& x) -> Arrays { return {entries(x[0], c.dim, x[1])}; })
          .bits();
    }
    table
        .add(
            "index_add/" + name, "index_add(Tensor,int64_t,Tensor,Tensor)",
            {real(c.shape), ids({c.n}, size), real(source)},
            [c](const Tensors& x) -> Tensors { return {index_add(x[0], c.dim, x[1], x[2])}; },
            [c](const Arrays& x) -> Arrays { return {entries_added(x[0], c.dim, x[1], x[2])}; })
        .bits()
        .tolerances(1e-12, 4e-6);
    table
        .add(
            "index_add_/" + name, "index_add_(Tensor,int64_t,Tensor,Tensor)",
            {real(c.shape), ids({c.n}, size), real(source)},
            [c](const Tensors& x) -> Tensors {
              return {changed(
                  x[0], [&](Tensor& y) -> Tensor& { return index_add_(y, c.dim, x[1], x[2]); })};
            },
            [c](const Arrays& x) -> Arrays { return {entries_added(x[0], c.dim, x[1], x[2])}; })
        .bits()
        .tolerances(1e-12, 4e-6);
  }
  table
      .add(
          "index_select/0d", "index_select(Tensor,int64_t,Tensor)", {real({}), ids({1}, 1)},
          [](const Tensors& x) -> Tensors { return {index_select(x[0], 0, x[1])}; },
          [](const Arrays& x) -> Arrays { return {x[0]}; })
      .bits();
  table
      .add(
          "index_add_/into a view", "index_add_(Tensor,int64_t,Tensor,Tensor)",
          {real({3, 9}), ids({4}, 3), real({4, 5})},
          [](const Tensors& x) {
            return changed_view(x[0],
                                [&](Tensor& y) -> Tensor& { return index_add_(y, 0, x[1], x[2]); });
          },
          [](const Arrays& x) {
            return changed_view_reference(x[0], [&](double v, const Shape& at) {
              for (int64_t i = 0; i < 4; ++i)
                if (integer(x[1][i]) == at[0]) v += x[2].at({i, at[1]});
              return v;
            });
          })
      .bits()
      .tolerances(1e-12, 4e-6);
}

void add_gathers(Table& table) {
  struct Choice {
    Shape shape;
    int64_t dim;
    Shape index, source;
  };
  for (const Choice& c : {Choice{{3, 4}, 0, {5, 4}, {5, 4}},
                          {{3, 4}, 0, {2, 3}, {4, 5}},
                          {{3, 4}, 1, {3, 6}, {3, 6}},
                          {{2, 3, 4}, -2, {2, 5, 3}, {2, 5, 4}},
                          {{67}, 0, {37}, {37}},
                          {{5, 37}, 0, {7, 37}, {7, 37}},
                          {{3, 67}, -1, {2, 37}, {2, 37}},
                          {{}, 0, {}, {}},
                          {{3, 4}, 0, {0, 4}, {0, 4}},
                          {{1, 1}, 1, {1, 5}, {1, 5}},
                          {{4, 1}, 0, {9, 1}, {9, 1}}}) {
    const int64_t size = c.shape.empty() ? 1
                                         : c.shape[static_cast<size_t>(reference::wrapped(
                                               c.dim, static_cast<int64_t>(c.shape.size())))];
    const std::string name = text(c.shape) + " " + std::to_string(c.dim) + " " + text(c.index);
    for (const bool small : {false, true})
      table
          .add(
              "gather/" + name + (small ? " int32" : ""), "gather(Tensor,int64_t,Tensor)",
              {real(c.shape), ids(c.index, size)},
              [c, small](const Tensors& x) -> Tensors {
                return {gather(x[0], c.dim, small ? x[1].to(kInt) : x[1])};
              },
              [c](const Arrays& x) -> Arrays { return {gathered(x[0], c.dim, x[1])}; })
          .bits();
    table
        .add(
            "scatter_add/" + name, "scatter_add(Tensor,int64_t,Tensor,Tensor)",
            {real(c.shape), ids(c.index, size), real(c.source)},
            [c](const Tensors& x) -> Tensors { return {scatter_add(x[0], c.dim, x[1], x[2])}; },
            [c](const Arrays& x) -> Arrays { return {scattered(x[0], c.dim, x[1], x[2])}; })
        .bits()
        .tolerances(1e-12, 4e-6);
    table
        .add(
            "scatter_add_/" + name, "scatter_add_(Tensor,int64_t,Tensor,Tensor)",
            {real(c.shape), ids(c.index, size), real(c.source)},
            [c](const Tensors& x) -> Tensors {
              return {changed(
                  x[0], [&](Tensor& y) -> Tensor& { return scatter_add_(y, c.dim, x[1], x[2]); })};
            },
            [c](const Arrays& x) -> Arrays { return {scattered(x[0], c.dim, x[1], x[2])}; })
        .bits()
        .tolerances(1e-12, 4e-6);
  }
  table
      .add(
          "scatter_add_/into a view", "scatter_add_(Tensor,int64_t,Tensor,Tensor)",
          {real({3, 9}), ids({4, 5}, 3), real({4, 5})},
          [](const Tensors& x) {
            return changed_view(
                x[0], [&](Tensor& y) -> Tensor& { return scatter_add_(y, 0, x[1], x[2]); });
          },
          [](const Arrays& x) {
            return changed_view_reference(x[0], [&](double v, const Shape& at) {
              for (int64_t i = 0; i < 4; ++i)
                if (integer(x[1].at({i, at[1]})) == at[0]) v += x[2].at({i, at[1]});
              return v;
            });
          })
      .bits()
      .tolerances(1e-12, 4e-6);
}

void add_masks(Table& table) {
  for (const Shape& shape :
       {Shape{3, 5}, Shape{67}, Shape{2, 3, 4}, Shape{1}, Shape{}, Shape{0, 3}})
    table
        .add(
            "nonzero/" + text(shape), "nonzero(Tensor)", {ids(shape, 3)},
            [](const Tensors& x) -> Tensors {
              return {nonzero(x[0]), nonzero(x[0].to(kDouble)), nonzero(x[0].to(kBool))};
            },
            [](const Arrays& x) -> Arrays {
              std::vector<double> found;
              int64_t n = 0;
              reference::for_each_index(x[0].shape, [&](const Shape& i) {
                if (x[0].at(i) == 0) return;
                ++n;
                found.insert(found.end(), i.begin(), i.end());
              });
              const Array y({n, x[0].dim()}, found);
              return {y, y, y};
            })
        .no_gradient()  // indices
        .bits();
  table.add_special("nonzero/numbers", "nonzero(Tensor)", [] {
    expect(nonzero(tensor({0.0, -0.0, kNan, 1e-300, -2.0, kInfinity}, kDouble)), kLong, {4, 1},
           {2, 3, 4, 5});
  });
  for (const auto& [shape, other] : {std::pair{Shape{3, 5}, Shape{3, 5}},
                                     {Shape{67}, Shape{67}},
                                     {Shape{3, 5}, Shape{5}},
                                     {Shape{5}, Shape{3, 5}},
                                     {Shape{3, 1}, Shape{1, 4}},
                                     {Shape{}, Shape{4}},
                                     {Shape{}, Shape{}},
                                     {Shape{0, 3}, Shape{3}},
                                     {Shape{1}, Shape{1}}})
    table
        .add(
            "masked_select/" + text(shape) + " " + text(other), "masked_select(Tensor,Tensor)",
            {real(shape), mask(other)},
            [](const Tensors& x) -> Tensors { return {masked_select(x[0], x[1])}; },
            [](const Arrays& x) -> Arrays {
              std::vector<double> found;
              reference::for_each_index(reference::broadcast(x[0].shape, x[1].shape),
                                        [&](const Shape& i) {
                                          if (reference::shown_at(x[1], i) != 0)
                                            found.push_back(reference::shown_at(x[0], i));
                                        });
              return {Array({static_cast<int64_t>(found.size())}, found)};
            })
        .bits();
}

}  // namespace

void add_entry_cases(Table& table) {
  add_entries(table);
  add_gathers(table);
  add_masks(table);
}

}  // namespace cases
