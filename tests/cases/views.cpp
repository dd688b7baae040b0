// Rows of views.h. Values are copied, never computed: all layouts give the same bits.
#include <simdgrad/views.h>

#include "tests/cases/views.h"

namespace cases {

using namespace simdgrad;

namespace {

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
  for (const Shape& shape : kViewShapes)
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

}  // namespace

void add_view_cases(Table& table) {
  add_reshapes(table);
  add_orders(table);
  add_selections(table);
  add_windows(table);
  add_parts(table);
  add_copy_cases(table);
}

}  // namespace cases
