// Rows of views.h. Values are copied, never computed: all layouts give the same bits.
#include <simdgrad/views.h>

#include "tests/cases/rows.h"

namespace cases {

using namespace simdgrad;

namespace {

const std::vector<Shape> kShapes = {{},      {1},       {5}, {3, 5}, {2, 3, 4},
                                    {2, 37}, {1, 4, 1}, {0}, {2, 0}};

// One row: y = call(x), expected(x).
template <class Call, class Expected>
Case& one(Table& table, const std::string& name, const std::string& covers, const Shape& shape,
          Call call, Expected expected) {
  return table
      .add(
          name, covers, {real(shape)}, [=](const Tensors& x) -> Tensors { return {call(x[0])}; },
          [=](const Arrays& x) -> Arrays { return {expected(x[0])}; })
      .bits();
}
template <class Call, class Expected>
Case& several(Table& table, const std::string& name, const std::string& covers, const Shape& shape,
              Call call, Expected expected) {
  return table
      .add(
          name, covers, {real(shape)}, [=](const Tensors& x) -> Tensors { return call(x[0]); },
          [=](const Arrays& x) -> Arrays { return expected(x[0]); })
      .bits();
}

// Entries start, start + step ... of a dimension, `length` of them.
Array part(const Array& x, int64_t dim, int64_t start, int64_t length, int64_t step = 1) {
  const auto d = static_cast<size_t>(reference::wrapped(dim, x.dim()));
  Shape shape = x.shape;
  shape[d] = length;
  return reference::make(shape, [&](Shape index) {
    index[d] = start + index[d] * step;
    return x.at(index);
  });
}
Array entry(const Array& x, int64_t dim, int64_t index) {
  Array y = part(x, dim, index, 1);
  y.shape.erase(y.shape.begin() + reference::wrapped(dim, x.dim()));
  return y;
}
Arrays parts(const Array& x, const Shape& sizes, int64_t dim) {
  Arrays all;
  int64_t start = 0;
  for (int64_t size : sizes) {
    all.push_back(part(x, dim, start, size));
    start += size;
  }
  return all;
}

void add_reshapes(Table& table) {
  struct Choice {
    Shape from, to, result;
    bool splits;  // dimensions are only split: a view whatever the strides
  };
  const std::vector<Choice> choices = {
      {{3, 4}, {4, 3}, {4, 3}, false},
      {{3, 4}, {-1}, {12}, false},
      {{3, 4}, {3, -1, 2}, {3, 2, 2}, true},
      {{2, 3, 4}, {6, 4}, {6, 4}, false},
      {{67}, {1, 67, 1}, {1, 67, 1}, true},
      {{2, 37}, {37, 2}, {37, 2}, false},
      {{}, {1, 1}, {1, 1}, true},
      {{1}, {}, {}, true},
      {{2, 0}, {0, 3}, {0, 3}, true},
      {{2, 3, 4}, {2, 3, 4}, {2, 3, 4}, true},
  };
  for (const Choice& choice : choices) {
    const std::string name = text(choice.from) + " to " + text(choice.result);
    const auto expected = [to = choice.result](const Array& x) {
      return reference::reshape(x, to);
    };
    Case& row = one(
        table, "view/" + name, "view(Tensor,IntArrayRef)", choice.from,
        [to = choice.to](const Tensor& x) { return view(x, to); }, expected);
    // Joined dimensions are refused where the strides do not allow it; reshape copies.
    if (!choice.splits) row.no_layouts();
    one(
        table, "reshape/" + name, "reshape(Tensor,IntArrayRef)", choice.from,
        [to = choice.to](const Tensor& x) { return reshape(x, to); }, expected);
  }
  one(
      table, "reshape/of a transpose", "reshape(Tensor,IntArrayRef)", {5, 3},
      [](const Tensor& x) {
        return x.t().reshape({5, 3});
      },
      [](const Array& x) {
        return reference::reshape(reference::transpose(x, 0, 1), {5, 3});
      });
  one(
      table, "reshape/of an expand", "reshape(Tensor,IntArrayRef)", {3, 1},
      [](const Tensor& x) {
        return x.expand({3, 4}).reshape({2, 6});
      },
      [](const Array& x) {
        return reference::make({2, 6}, [&](const Shape& i) { return x[(i[0] * 6 + i[1]) / 4]; });
      });

  for (const auto& [from, start, end, to] : {std::tuple{Shape{2, 3, 4}, 0, -1, Shape{24}},
                                             {Shape{2, 3, 4}, 1, 2, Shape{2, 12}},
                                             {Shape{2, 3, 4}, -3, -2, Shape{6, 4}},
                                             {Shape{2, 3, 4}, 1, 1, Shape{2, 3, 4}},
                                             {Shape{}, 0, -1, Shape{1}},
                                             {Shape{67}, 0, 0, Shape{67}},
                                             {Shape{2, 0, 3}, 1, -1, Shape{2, 0}},
                                             {Shape{1, 1}, 0, 1, Shape{1}}})
    one(
        table, "flatten/" + text(from) + " " + std::to_string(start) + " " + std::to_string(end),
        "flatten(Tensor,int64_t,int64_t)", from,
        [start = start, end = end](const Tensor& x) { return flatten(x, start, end); },
        [to = to](const Array& x) { return reference::reshape(x, to); });

  for (const auto& [from, to] : {std::pair{Shape{1, 3, 1, 4}, Shape{3, 4}},
                                 {Shape{3, 4}, Shape{3, 4}},
                                 {Shape{1}, Shape{}},
                                 {Shape{}, Shape{}},
                                 {Shape{1, 0}, Shape{0}},
                                 {Shape{67, 1}, Shape{67}}})
    one(
        table, "squeeze/" + text(from), "squeeze(Tensor)", from,
        [](const Tensor& x) { return squeeze(x); },
        [to = to](const Array& x) { return reference::reshape(x, to); });
  for (const auto& [from, dim, to] : {std::tuple{Shape{1, 3, 1, 4}, 0, Shape{3, 1, 4}},
                                      {Shape{1, 3, 1, 4}, -2, Shape{1, 3, 4}},
                                      {Shape{1, 3, 1, 4}, 1, Shape{1, 3, 1, 4}},
                                      {Shape{1}, 0, Shape{}},
                                      {Shape{}, -1, Shape{}},
                                      {Shape{0, 1}, 1, Shape{0}}})
    one(
        table, "squeeze one/" + text(from) + " " + std::to_string(dim), "squeeze(Tensor,int64_t)",
        from, [dim = int64_t{dim}](const Tensor& x) { return squeeze(x, dim); },
        [to = to](const Array& x) { return reference::reshape(x, to); });
  for (const auto& [from, dims, to] : {std::tuple{Shape{1, 3, 1, 4}, Shape{0, -2}, Shape{3, 4}},
                                       {Shape{1, 3, 1, 4}, Shape{1, 2}, Shape{1, 3, 4}},
                                       {Shape{1, 3}, Shape{}, Shape{1, 3}},
                                       {Shape{1, 1}, Shape{1, 0}, Shape{}}})
    one(
        table, "squeeze several/" + text(from) + " " + text(dims), "squeeze(Tensor,IntArrayRef)",
        from, [dims = dims](const Tensor& x) { return squeeze(x, IntArrayRef(dims)); },
        [to = to](const Array& x) { return reference::reshape(x, to); });
  for (const auto& [from, dim, to] : {std::tuple{Shape{3, 4}, 0, Shape{1, 3, 4}},
                                      {Shape{3, 4}, 2, Shape{3, 4, 1}},
                                      {Shape{3, 4}, -1, Shape{3, 4, 1}},
                                      {Shape{3, 4}, -3, Shape{1, 3, 4}},
                                      {Shape{}, 0, Shape{1}},
                                      {Shape{0}, 1, Shape{0, 1}},
                                      {Shape{67}, -2, Shape{1, 67}}})
    one(
        table, "unsqueeze/" + text(from) + " " + std::to_string(dim), "unsqueeze(Tensor,int64_t)",
        from, [dim = dim](const Tensor& x) { return unsqueeze(x, dim); },
        [to = to](const Array& x) { return reference::reshape(x, to); });
}

void add_orders(Table& table) {
  for (const Shape& shape :
       {Shape{3, 5}, Shape{67}, Shape{}, Shape{1, 4}, Shape{0, 3}, Shape{37, 2}})
    one(
        table, "t/" + text(shape), "t(Tensor)", shape, [](const Tensor& x) { return t(x); },
        [](const Array& x) {
          return x.dim() < 2 ? x : reference::permute(x, {1, 0});
        });
  for (const Shape& shape : kShapes)
    one(
        table, "numpy_T/" + text(shape), "numpy_T(Tensor)", shape,
        [](const Tensor& x) { return numpy_T(x); },
        [](const Array& x) {
          Shape dims;
          for (int64_t d = x.dim(); d-- > 0;) dims.push_back(d);
          return reference::permute(x, dims);
        });
  for (const auto& [shape, a, b] : {std::tuple{Shape{3, 5}, 0, 1},
                                    {Shape{2, 3, 4}, 0, -1},
                                    {Shape{2, 3, 4}, -2, 0},
                                    {Shape{2, 3, 4}, 1, 1},
                                    {Shape{5}, 0, -1},
                                    {Shape{2, 0, 3}, 1, 2},
                                    {Shape{1, 37}, 0, 1}})
    one(
        table, "transpose/" + text(shape) + " " + std::to_string(a) + " " + std::to_string(b),
        "transpose(Tensor,int64_t,int64_t)", shape,
        [a = a, b = b](const Tensor& x) { return transpose(x, a, b); },
        [a = a, b = b](const Array& x) { return reference::transpose(x, a, b); });
  one(
      table, "transpose/0d", "transpose(Tensor,int64_t,int64_t)", {},
      [](const Tensor& x) { return transpose(x, 0, -1); }, [](const Array& x) { return x; });
  for (const auto& [shape, dims, positive] :
       {std::tuple{Shape{2, 3, 4}, Shape{2, 0, 1}, Shape{2, 0, 1}},
        {Shape{2, 3, 4}, Shape{-1, 0, -2}, Shape{2, 0, 1}},
        {Shape{2, 3, 4}, Shape{1, 2, 0}, Shape{1, 2, 0}},
        {Shape{2, 1, 3, 2}, Shape{3, 1, 0, 2}, Shape{3, 1, 0, 2}},
        {Shape{3, 0}, Shape{1, 0}, Shape{1, 0}},
        {Shape{}, Shape{}, Shape{}},
        {Shape{67}, Shape{0}, Shape{0}}})
    one(
        table,
        "permute/" + text(shape) + " by " + (dims.empty() ? "none" : std::to_string(dims[0])),
        "permute(Tensor,IntArrayRef)", shape,
        [dims = dims](const Tensor& x) { return permute(x, dims); },
        [positive = positive](const Array& x) { return reference::permute(x, positive); });
  for (const auto& [from, sizes, to] : {std::tuple{Shape{3, 1}, Shape{3, 4}, Shape{3, 4}},
                                        {Shape{4}, Shape{2, 3, 4}, Shape{2, 3, 4}},
                                        {Shape{1, 3, 1}, Shape{2, -1, 5}, Shape{2, 3, 5}},
                                        {Shape{}, Shape{2, 3}, Shape{2, 3}},
                                        {Shape{1}, Shape{67}, Shape{67}},
                                        {Shape{1, 3}, Shape{0, 3}, Shape{0, 3}},
                                        {Shape{0}, Shape{2, 0}, Shape{2, 0}},
                                        {Shape{3, 4}, Shape{3, 4}, Shape{3, 4}},
                                        {Shape{1}, Shape{1}, Shape{1}},
                                        {Shape{}, Shape{}, Shape{}}})
    one(
        table, "expand/" + text(from) + " to " + text(to), "expand(Tensor,IntArrayRef,bool)", from,
        [sizes = sizes](const Tensor& x) { return expand(x, sizes); },
        [to = to](const Array& x) {
          return reference::make(to,
                                 [&](const Shape& index) { return reference::shown_at(x, index); });
        });
}

void add_selections(Table& table) {
  for (const auto& [shape, dim, index] : {std::tuple{Shape{3, 5}, 0, 1},
                                          {Shape{3, 5}, 1, -1},
                                          {Shape{2, 3, 4}, -2, -3},
                                          {Shape{67}, 0, 66},
                                          {Shape{1, 4}, 0, 0},
                                          {Shape{2, 0}, 0, 1},
                                          {Shape{2, 37}, -1, 36}})
    one(
        table, "select/" + text(shape) + " " + std::to_string(dim) + " " + std::to_string(index),
        "select(Tensor,int64_t,int64_t)", shape,
        [dim = dim, index = index](const Tensor& x) { return select(x, dim, index); },
        [dim = int64_t{dim}, index = int64_t{index}](const Array& x) {
          const int64_t size = x.shape[static_cast<size_t>(reference::wrapped(dim, x.dim()))];
          return entry(x, dim, index < 0 ? index + size : index);
        });

  using Bound = std::optional<int64_t>;
  struct Choice {
    Shape shape;
    int64_t dim;
    Bound start, end;
    int64_t step, first, length;  // first, length: what the bounds mean
  };
  const Bound none;
  const std::vector<Choice> choices = {
      {{5, 3}, 0, 1, 4, 1, 1, 3},       {{5, 3}, 0, none, none, 1, 0, 5},
      {{5, 3}, 0, none, none, 2, 0, 3}, {{3, 7}, -1, -5, -1, 3, 2, 2},
      {{3, 7}, 1, 2, 100, 1, 2, 5},     {{3, 7}, 1, -100, 3, 2, 0, 2},
      {{3, 7}, 1, 5, 2, 1, 5, 0},       {{3, 7}, 1, 100, none, 1, 7, 0},
      {{67}, 0, 1, none, 5, 1, 14},     {{2, 37, 2}, 1, 3, 20, 4, 3, 5},
      {{1, 4}, 0, none, none, 7, 0, 1}, {{2, 0}, 1, none, none, 1, 0, 0},
      {{2, 0}, 0, 1, none, 1, 1, 1},
  };
  int64_t i = 0;
  for (const Choice& c : choices)
    one(
        table, "slice/" + text(c.shape) + " " + std::to_string(i++),
        "slice(Tensor,int64_t,optional<int64_t>,optional<int64_t>,int64_t)", c.shape,
        [c](const Tensor& x) { return slice(x, c.dim, c.start, c.end, c.step); },
        [c](const Array& x) { return part(x, c.dim, c.first, c.length, c.step); });
  for (const auto& [shape, dim, start, length, first] : {std::tuple{Shape{5, 3}, 0, 1, 3, 1},
                                                         {Shape{5, 3}, -1, 0, 3, 0},
                                                         {Shape{2, 3, 4}, 1, -2, 1, 1},
                                                         {Shape{67}, 0, 30, 37, 30},
                                                         {Shape{3, 4}, 1, 4, 0, 4},
                                                         {Shape{1}, 0, 0, 1, 0},
                                                         {Shape{0, 2}, 0, 0, 0, 0}})
    one(
        table, "narrow/" + text(shape) + " " + std::to_string(start) + " " + std::to_string(length),
        "narrow(Tensor,int64_t,int64_t,int64_t)", shape,
        [dim = dim, start = start, length = length](const Tensor& x) {
          return narrow(x, dim, start, length);
        },
        [dim = dim, length = length, first = first](const Array& x) {
          return part(x, dim, first, length);
        });
}

void add_windows(Table& table) {
  const std::string covers = "as_strided(Tensor,IntArrayRef,IntArrayRef,optional<int64_t>)";
  struct Choice {
    const char* name;
    Shape shape, sizes, strides;
    int64_t offset;
    // What as_strided is called on: all lie in the storage of a contiguous x.
    std::function<Tensor(const Tensor&)> before;
    bool offset_given;
  };
  const auto itself = [](const Tensor& x) { return x; };
  const std::vector<Choice> choices = {
      {"part", {3, 4}, {2, 2}, {4, 2}, 1, itself, true},
      {"transpose", {3, 5}, {5, 3}, {1, 5}, 0, itself, false},
      {"windows", {9}, {4, 3}, {2, 1}, 0, itself, false},
      {"all the same", {5}, {2, 3}, {0, 0}, 3, itself, true},
      {"wide", {67}, {37}, {1}, 30, itself, true},
      {"no dimension", {4}, {}, {}, 2, itself, true},
      {"of no dimension", {}, {1, 3}, {1, 0}, 0, itself, false},
      {"nothing", {4}, {0, 3}, {3, 1}, 0, itself, false},
      {"of a transpose", {3, 5}, {3, 3}, {5, 1}, 1, [](const Tensor& x) { return x.t(); }, true},
      // The offset of self is kept.
      {"of a slice",
       {4, 3},
       {2, 2},
       {1, 3},
       3,
       [](const Tensor& x) { return x.slice(0, 1, 4); },
       false},
      // Several elements of self lie at one place.
      {"of an expand",
       {3},
       {2, 2},
       {1, 1},
       0,
       [](const Tensor& x) {
         return x.expand({2, 3});
       },
       false},
      {"of windows",
       {7},
       {3},
       {2},
       1,
       [](const Tensor& x) {
         return x.as_strided({5, 3}, {1, 1});
       },
       true},
  };
  for (const Choice& c : choices)
    one(
        table, std::string("as_strided/") + c.name, covers, c.shape,
        [c](const Tensor& x) {
          return as_strided(c.before(x), c.sizes, c.strides,
                            c.offset_given ? std::optional<int64_t>(c.offset) : std::nullopt);
        },
        [c](const Array& x) {
          return reference::make(c.sizes, [&](const Shape& index) {
            int64_t position = c.offset;
            for (size_t d = 0; d < index.size(); ++d) position += index[d] * c.strides[d];
            return x[position];
          });
        })
        .no_layouts();  // speaks of the storage
}

void add_parts(Table& table) {
  for (const auto& [shape, dim] : {std::pair{Shape{3, 5}, 0},
                                   {Shape{3, 5}, -1},
                                   {Shape{2, 3, 4}, 1},
                                   {Shape{5}, 0},
                                   {Shape{1, 4}, 0},
                                   {Shape{2, 0}, 0},
                                   {Shape{2, 37}, 0}})
    several(
        table, "unbind/" + text(shape) + " " + std::to_string(dim), "unbind(Tensor,int64_t)", shape,
        [dim = dim](const Tensor& x) { return unbind(x, dim); },
        [dim = int64_t{dim}](const Array& x) {
          Arrays all;
          const int64_t size = x.shape[static_cast<size_t>(reference::wrapped(dim, x.dim()))];
          for (int64_t i = 0; i < size; ++i) all.push_back(entry(x, dim, i));
          return all;
        });
  // Only a part of the results is used.
  one(
      table, "unbind/one used", "unbind(Tensor,int64_t)", {3, 5},
      [](const Tensor& x) { return unbind(x)[1]; }, [](const Array& x) { return entry(x, 0, 1); });

  struct Choice {
    Shape shape;
    int64_t dim, asked;
    Shape sizes;
  };
  for (const Choice& c : {Choice{{7, 3}, 0, 3, {3, 3, 1}},
                          {{3, 6}, -1, 2, {2, 2, 2}},
                          {{2, 3, 4}, 1, 5, {3}},
                          {{67}, 0, 37, {37, 30}},
                          {{1, 4}, 0, 1, {1}},
                          {{0, 3}, 0, 2, {0}},
                          {{0}, 0, 0, {0}}})
    several(
        table, "split/" + text(c.shape) + " " + std::to_string(c.asked),
        "split(Tensor,int64_t,int64_t)", c.shape,
        [c](const Tensor& x) { return split(x, c.asked, c.dim); },
        [c](const Array& x) { return parts(x, c.sizes, c.dim); });
  one(
      table, "split/last used", "split(Tensor,int64_t,int64_t)", {7, 3},
      [](const Tensor& x) { return split(x, 3).back(); },
      [](const Array& x) { return part(x, 0, 6, 1); });
  for (const Choice& c : {Choice{{7, 3}, 0, 3, {3, 3, 1}},
                          {{7, 3}, 0, 4, {2, 2, 2, 1}},
                          {{3, 6}, -1, 4, {2, 2, 2}},
                          {{2, 3}, 0, 5, {1, 1}},
                          {{67}, 0, 2, {34, 33}},
                          {{0, 3}, 0, 2, {0, 0}}})
    several(
        table, "chunk/" + text(c.shape) + " " + std::to_string(c.asked),
        "chunk(Tensor,int64_t,int64_t)", c.shape,
        [c](const Tensor& x) { return chunk(x, c.asked, c.dim); },
        [c](const Array& x) { return parts(x, c.sizes, c.dim); });
  for (const Choice& c : {Choice{{7, 3}, 0, 0, {1, 4, 2}},
                          {{3, 6}, -1, 0, {6, 0}},
                          {{2, 3, 4}, 1, 0, {1, 2}},
                          {{67}, 0, 0, {29, 1, 37}},
                          {{1}, 0, 0, {0, 1, 0}},
                          {{0, 3}, 0, 0, {0}}})
    for (const bool short_name : {false, true})
      several(
          table, std::string(short_name ? "split by sizes/" : "split_with_sizes/") + text(c.shape),
          short_name ? "split(Tensor,IntArrayRef,int64_t)"
                     : "split_with_sizes(Tensor,IntArrayRef,int64_t)",
          c.shape,
          [c, short_name](const Tensor& x) {
            return short_name ? split(x, IntArrayRef(c.sizes), c.dim)
                              : split_with_sizes(x, c.sizes, c.dim);
          },
          [c](const Array& x) { return parts(x, c.sizes, c.dim); });
}

void add_copies(Table& table) {
  const auto same = [](const Array& x) { return x; };
  const std::string to_covers = "to(Tensor,ScalarType,bool)";
  for (const Shape& shape : kShapes) {
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

  for (const Shape& shape : kShapes) {
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

void add_view_cases(Table& table) {
  add_reshapes(table);
  add_orders(table);
  add_selections(table);
  add_windows(table);
  add_parts(table);
  add_copies(table);
  add_writes(table);
  add_joins(table);
}

}  // namespace cases
