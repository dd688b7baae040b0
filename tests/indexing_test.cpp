// Indexing: places and texts as libtorch 2.13 answered, numbers against naive loops, order of sums,
// and derivatives of first and second order.
#include <simdgrad/indexing.h>

#include <simdgrad/autograd.h>
#include <simdgrad/creation.h>
#include <simdgrad/parallel.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/random.h>
#include <simdgrad/views.h>

#include <cmath>

#include "core/tensor_impl.h"
#include "ops/indexing/rows.h"
#include "tests/catch.h"
#include "tests/describe.h"
#include "tests/gradients.h"
#include "tests/machine_settings.h"

using namespace simdgrad;
using namespace simdgrad::indexing;
using namespace simdgrad::testing;

namespace {

const TensorOptions kGrad = TensorOptions(kDouble).requires_grad(true);

std::vector<double> values(const Tensor& x) {
  const Tensor y = x.detach().to(kDouble).contiguous();
  const double* data = y.data_ptr<double>();
  return {data, data + y.numel()};
}
double values_at(const Tensor& contiguous, int64_t k) { return contiguous.data_ptr<float>()[k]; }
int64_t ids_at(const Tensor& ids, int64_t k) { return ids.data_ptr<int64_t>()[k]; }
std::vector<int64_t> ids_of(const Tensor& x) {
  const Tensor y = x.to(kLong).contiguous();
  const int64_t* data = y.data_ptr<int64_t>();
  return {data, data + y.numel()};
}

// --- the naive way ------------------------------------------------------------------------------
// Row-major coordinates of number k.
std::vector<int64_t> coordinates(int64_t k, IntArrayRef sizes) {
  std::vector<int64_t> at(sizes.size());
  for (size_t i = sizes.size(); i-- > 0;) {
    at[i] = k % sizes[i];
    k /= sizes[i];
  }
  return at;
}
int64_t number(const std::vector<int64_t>& at, IntArrayRef sizes) {
  int64_t k = 0;
  for (size_t i = 0; i < sizes.size(); ++i) k = k * sizes[i] + at[i];
  return k;
}

// For x[i0, :, i2 ...]: which row-major number of x each element of the result shows. `indices` has
// an int64 tensor of shape `shape`, or an undefined one, per dimension.
std::vector<int64_t> naive_places(IntArrayRef sizes, const std::vector<Tensor>& indices,
                                  IntArrayRef shape, std::vector<int64_t>* result_sizes) {
  size_t first = indices.size(), last = 0, count = 0;
  for (size_t i = 0; i < indices.size(); ++i)
    if (indices[i].defined()) {
      first = std::min(first, i);
      last = i;
      ++count;
    }
  const size_t at = last - first + 1 == count ? first : 0;
  std::vector<size_t> others;
  for (size_t i = 0; i < sizes.size(); ++i)
    if (i >= indices.size() || !indices[i].defined()) others.push_back(i);
  std::vector<int64_t> out;
  for (size_t i = 0; i < at; ++i) out.push_back(sizes[others[i]]);
  for (int64_t size : shape) out.push_back(size);
  for (size_t i = at; i < others.size(); ++i) out.push_back(sizes[others[i]]);
  *result_sizes = out;
  int64_t total = 1;
  for (int64_t size : out) total *= size;
  std::vector<int64_t> places;
  for (int64_t k = 0; k < total; ++k) {
    const std::vector<int64_t> here = coordinates(k, out);
    std::vector<int64_t> there(sizes.size());
    for (size_t i = 0; i < others.size(); ++i)
      there[others[i]] = here[i < at ? i : i + shape.size()];
    const std::vector<int64_t> within(here.begin() + static_cast<int64_t>(at),
                                      here.begin() + static_cast<int64_t>(at + shape.size()));
    for (size_t i = 0; i < indices.size(); ++i)
      if (indices[i].defined()) {
        const int64_t id = ids_of(indices[i])[static_cast<size_t>(number(within, shape))];
        there[i] = id < 0 ? id + sizes[i] : id;
      }
    places.push_back(number(there, sizes));
  }
  return places;
}

std::vector<TensorIndex> as_index(const std::vector<Tensor>& indices) {
  std::vector<TensorIndex> list;
  for (const Tensor& one : indices)
    list.push_back(one.defined() ? TensorIndex(one) : TensorIndex(Slice()));
  return list;
}

using autograd::variable_list;

}  // namespace

TEST_CASE("an index without elements: its gradient is zeros of the source's shape", "[indexing]") {
  const Tensor none = zeros({2, 0, 3}, kLong);
  const auto zeros_like_source = [](const Tensor& y, const Tensor& source) {
    const Tensor dx = autograd::grad({y.sum()}, {source})[0];
    CHECK(dx.equal(zeros_like(source)));
  };
  for (const Tensor& given : {ones({1}), ones({3, 4, 5}), ones({2, 0, 3}), ones({0})}) {
    const Tensor source = given.clone().requires_grad_();
    zeros_like_source(zeros({3, 17}).scatter_add(0, none, source), source);
    Tensor target = zeros({3, 17});
    target.scatter_add_(0, none, source);
    zeros_like_source(target, source);
  }
  // Tensors without dimensions and of one number stand for one another.
  for (const Tensor& given : {ones({}), ones({1})}) {
    const Tensor source = given.clone().requires_grad_();
    const Tensor y = zeros({}).scatter_add(0, tensor({0}), source);
    CHECK(autograd::grad({y.sum()}, {source})[0].equal(ones_like(source)));
  }
  const Tensor x = ones({4, 3, 5}).requires_grad_();
  zeros_like_source(x.gather(1, none), x);
  zeros_like_source(x.index_select(0, zeros({0}, kLong)), x);
  zeros_like_source(x.index({zeros({0}, kLong)}), x);
}

TEST_CASE("integers, slices, None and Ellipsis give views", "[indexing]") {
  const Tensor a = rand({3, 4}, requires_grad());
  const Tensor t4 = rand({2, 3, 4, 5});
  const Tensor s = tensor(3.0);
  CHECK(where(a.index({0})) == "[4][1]0 view SelectBackward0");
  CHECK(where(a.index({-1, 2})) == "[][]10 view SelectBackward0");
  CHECK(where(a.index({Slice()})) == "[3, 4][4, 1]0 view SliceBackward0");
  CHECK(where(a.index({Slice(0, 2)})) == "[2, 4][4, 1]0 view SliceBackward0");
  CHECK(where(a.index({Slice(None, None, 2)})) == "[2, 4][8, 1]0 view SliceBackward0");
  CHECK(where(a.index({Slice(), Slice(None, None, 2)})) == "[3, 2][4, 2]0 view SliceBackward0");
  CHECK(where(a.index({Slice(), Slice()})) == "[3, 4][4, 1]0 view AliasBackward0");
  CHECK(where(a.index({Ellipsis})) == "[3, 4][4, 1]0 view AliasBackward0");
  CHECK(where(a.index({"...", 1})) == "[3][4]1 view SelectBackward0");
  CHECK(where(a.index({None})) == "[1, 3, 4][12, 4, 1]0 view UnsqueezeBackward0");
  CHECK(where(t4.index({1, Ellipsis, None, Slice(-2, None)})) ==
        "[3, 4, 1, 2][20, 5, 5, 1]63 view -");
  CHECK(where(a.index({tensor(1)})) == "[4][1]4 view SelectBackward0");
  CHECK(where(a.index({tensor(1).to(kShort), Slice()})) == "[4][1]4 view SelectBackward0");
  CHECK(where(a[tensor(1)]) == "[4][1]4 view SelectBackward0");
  CHECK(where(s.index({Ellipsis})) == "[][]0 view -");
  CHECK(where(s.index({None})) == "[1][1]0 view -");
  CHECK(where(t4.index({Slice(5, 9)})) == "[0, 3, 4, 5][60, 20, 5, 1]120 view -");
}

TEST_CASE("tensor indices give copies laid out as libtorch's", "[indexing]") {
  const Tensor a = rand({3, 4}, requires_grad());
  const Tensor x = rand({3, 4, 5});
  const Tensor t4 = rand({2, 3, 4, 5});
  const Tensor i = tensor({0, 1});
  const Tensor square = tensor({{0, 1}, {1, 2}});
  const Tensor m = rand({3, 4}) > -1;
  CHECK(where(a.index({i})) == "[2, 4][4, 1]0 IndexBackward0");
  CHECK(where(a.index({Slice(), i})) == "[3, 2][2, 1]0 IndexBackward0");
  CHECK(where(a.index({None, i})) == "[1, 2, 4][8, 4, 1]0 IndexBackward0");
  CHECK(where(a.index({i, None})) == "[2, 1, 4][4, 4, 1]0 IndexBackward0");
  CHECK(where(a.index({true})) == "[1, 3, 4][12, 4, 1]0 IndexBackward0");
  CHECK(where(a.index({false})) == "[0, 3, 4][12, 4, 1]0 IndexBackward0");
  CHECK(where(a.index({tensor(true)})) == "[1, 3, 4][12, 4, 1]0 IndexBackward0");
  CHECK(where(a.index({Tensor(), i})) == "[3, 2][2, 1]0 IndexBackward0");
  CHECK(where(t4.index({i, Slice(), i})) == "[2, 3, 5][15, 5, 1]0 -");
  CHECK(where(t4.index({Slice(), i, i})) == "[2, 2, 5][10, 5, 1]0 -");
  CHECK(where(t4.index({Slice(), 0, Slice(), i})) == "[2, 4, 2][8, 2, 1]0 -");
  CHECK(where(t4.index({"...", i})) == "[2, 3, 4, 2][24, 8, 2, 1]0 -");
  CHECK(where(t4.index({Slice(), square, i})) == "[2, 2, 2, 5][20, 10, 5, 1]0 -");
  // The memory of a permuted input, or index, gives the order.
  CHECK(where(rand({2, 3, 4}).transpose(0, 2).index({i})) == "[2, 3, 2][6, 1, 3]0 -");
  CHECK(where(t4.permute({3, 2, 1, 0}).index({Slice(), i, Slice(), i})) ==
        "[2, 5, 3][15, 1, 5]0 -");
  CHECK(where(rand({4, 4, 5}).permute({2, 1, 0}).index({Slice(), square})) ==
        "[5, 2, 2, 4][1, 10, 5, 20]0 -");
  CHECK(where(rand({5}).index({tensor({{0, 1, 2}, {1, 2, 3}}).t()})) == "[3, 2][1, 3]0 -");
  CHECK(where(x.index({m, 0})) == "[12][1]0 -");
  CHECK(where(x.index({m, Slice(0, 2)})) == "[12, 2][2, 1]0 -");
  CHECK(where(x.index({None, m, None})) == "[1, 12, 1, 5][60, 5, 5, 1]0 -");
  CHECK(where(x.index({true, m})) == "[12, 5][5, 1]0 -");
  CHECK(where(x.index({Slice(), rand({4, 5}) > 2})) == "[3, 0][1, 1]0 -");
  CHECK(where(x.index({tensor({true, false, true}), Slice(), i})) == "[2, 4][4, 1]0 -");
  CHECK(where(rand({3, 0}).index({tensor({0, 7})})) == "[2, 0][1, 1]0 -");
  CHECK(where(x.index({zeros({0}, kLong)})) == "[0, 4, 5][20, 5, 1]0 -");
  CHECK(where(a.index_select(1, i)) == "[3, 2][2, 1]0 IndexSelectBackward0");
  CHECK(where(a.t().index_select(0, i)) == "[2, 3][3, 1]0 IndexSelectBackward0");
  CHECK(where(a.t().gather(1, zeros({2, 4}, kLong).t())) == "[4, 2][2, 1]0 GatherBackward0");
  CHECK(where(nonzero(a)) == "[12, 2][1, 12]0 -");
  CHECK(where(a.clone().index_put_({i}, 1)) == "[3, 4][4, 1]0 IndexPutBackward0");
  CHECK(where(a.clone().index_put_({0}, 1)) == "[3, 4][4, 1]0 torch::autograd::CopySlices");
  CHECK(where(a.clone().index_put_({false}, 1)) == "[3, 4][4, 1]0 CloneBackward0");
  CHECK(where(a.clone().index_put_({true}, 1)) == "[3, 4][4, 1]0 torch::autograd::CopySlices");
  CHECK(where(a.clone().index_add_(0, i, a.slice(0, 0, 2))) == "[3, 4][4, 1]0 IndexAddBackward0");
  CHECK(where(a.scatter_add(1, zeros({3, 4}, kLong), a)) == "[3, 4][4, 1]0 ScatterAddBackward0");
  CHECK(where(a.masked_select(a > -1)) == "[12][1]0 MaskedSelectBackward0");
}

TEST_CASE("indexing refuses with PyTorch's texts", "[indexing]") {
  const Tensor a = rand({3, 4});
  const Tensor x = rand({3, 4, 5});
  const Tensor s = tensor(3.0);
  const Tensor i = tensor({0, 1});
  const Tensor m = rand({3, 4}) > -1;
  CHECK_ERROR(a.index({}), "Passing an empty index list to Tensor::index() is not valid syntax");
  CHECK_ERROR(a.index({0, 0, 0}), "too many indices for tensor of dimension 2");
  CHECK_ERROR(a.index({i, i, i}), "too many indices for tensor of dimension 2");
  CHECK_ERROR(x.index({m, m}), "too many indices for tensor of dimension 3");
  CHECK_ERROR(a.index({5}), "index 5 is out of bounds for dimension 0 with size 3");
  CHECK_ERROR(a.index({0, 5}), "index 5 is out of bounds for dimension 1 with size 4");
  CHECK_ERROR(x.index({None, 0, 7, 1}), "index 7 is out of bounds for dimension 2 with size 4");
  CHECK_ERROR(x.index({m, 7}), "index 7 is out of bounds for dimension 1 with size 5");
  CHECK_ERROR(a.index({tensor({5})}), "index 5 is out of bounds for dimension 0 with size 3");
  CHECK_ERROR(a.index({Slice(), tensor({1, -5})}),
              "index -5 is out of bounds for dimension 0 with size 4");
  CHECK_ERROR(x.index({i, Slice(), tensor({0, 9})}),
              "index 9 is out of bounds for dimension 1 with size 5");
  CHECK_ERROR(rand({0, 3}).index({tensor({0})}),
              "index is out of bounds for dimension with size 0");
  CHECK_ERROR(
      s.index({0}),
      "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` "
      "in C++ to convert a 0-dim tensor to a number");
  CHECK_ERROR(s.index({tensor({0})}), "too many indices for tensor of dimension 0");
  CHECK_ERROR(
      a.index({i, tensor({0, 1, 2})}),
      "shape mismatch: indexing tensors could not be broadcast together with shapes [2], [3]");
  CHECK_ERROR(x.index({m, i}),
              "shape mismatch: indexing tensors could not be broadcast together with shapes [12], "
              "[12], [2]");
  CHECK_ERROR(a.index({tensor({1.0})}),
              "tensors used as indices must be long, int, byte or bool tensors");
  CHECK_ERROR(a.index({tensor({true, false})}),
              "The shape of the mask [2] at index 0 does not match the shape of the indexed tensor "
              "[3, 4] at index 0");
  CHECK_ERROR(
      x.index({Slice(0, 2), m}),
      "The shape of the mask [3, 4] at index 0 does not match the shape of the indexed tensor "
      "[2, 4, 5] at index 1");
  CHECK_ERROR(a.index({Slice(0, 2, 0)}), "slice step cannot be zero");
  CHECK_ERROR(a.index({Slice(0, 2, -1)}), "step must be greater than zero");
  CHECK_ERROR(a.index({Tensor()}), "at least one index must be provided");
  CHECK_ERROR(a[i], "Can only index with tensors that are scalars (zero-dim)");
  CHECK_ERROR(a[s], "Can only index tensors with integral scalars");
  Tensor b = a.clone();
  CHECK_ERROR(
      b.index_put_({i}, rand({3, 4})),
      "shape mismatch: value tensor of shape [3, 4] cannot be broadcast to indexing result of "
      "shape [2, 4]");
  CHECK_ERROR(b.index_put_({i}, rand({4}, kDouble)),
              "Index put requires the source and destination dtypes match, got Float for the "
              "destination and Double for the source.");
  CHECK_ERROR(
      b.index_put_({0}, rand({5})),
      "The expanded size of the tensor (4) must match the existing size (5) at non-singleton "
      "dimension 0.  Target sizes: [4].  Tensor sizes: [5]");
  CHECK_ERROR(b.index_put_({tensor({0, 9})}, 1),
              "index 9 is out of bounds for dimension 0 with size 3");
  CHECK_ERROR(a.index_select(0, tensor({5})), "index out of range in self");
  CHECK_ERROR(a.index_select(0, tensor({-1})), "index out of range in self");
  CHECK_ERROR(a.index_select(1, tensor({4})),
              "INDICES element is out of DATA bounds, id=4 axis_dim=4");
  CHECK_ERROR(a.index_select(0, tensor({1.0})),
              "index_select(): Expected dtype int32 or int64 for index");
  CHECK_ERROR(a.index_select(0, tensor({{1}})), "index_select(): Index is supposed to be a vector");
  CHECK_ERROR(a.gather(1, tensor({{9}})), "index 9 is out of bounds for dimension 1 with size 4");
  CHECK_ERROR(a.gather(1, tensor({1})),
              "Index tensor must have the same number of dimensions as input tensor");
  CHECK_ERROR(a.gather(0, zeros({1, 5}, kLong)),
              "Size does not match at dimension 1 expected index [1, 5] to be no larger than self "
              "[3, 4] apart from dimension 0");
  CHECK_ERROR(b.index_add_(0, tensor({5}), rand({1, 4})),
              "index 5 is out of bounds for dimension 0 with size 3");
  CHECK_ERROR(b.index_add_(0, i, rand({1, 4})),
              "index_add_(): Number of indices (2) should be equal to source.size(dim): (1), for "
              "dim: 0");
  CHECK_ERROR(
      b.scatter_add_(1, zeros({4, 4}, kLong), rand({4, 4})),
      "Expected index [4, 4] to be no larger than self [3, 4] apart from dimension 1 and to "
      "be no larger size than src [4, 4]");
  CHECK(values(b) == values(a));
  CHECK(b._version() == 0);
}

TEST_CASE("tensor indices read and write where naive loops do", "[indexing][threads]") {
  const bool small_chunks = GENERATE(false, true);
  std::optional<SmallChunks> guard;
  if (small_chunks) guard.emplace(2);
  manual_seed(7);
  const std::vector<int64_t> sizes = {3, 5, 4, 2};
  const Tensor row_major = counting(sizes, kDouble);
  const Tensor permuted = row_major.permute({3, 1, 0, 2}).contiguous().permute({2, 1, 3, 0});
  const Tensor spaced = stack({row_major, row_major}, 4).select(4, 0);
  const std::vector<int64_t> shape = {2, 3};
  for (const Tensor& x : {row_major, permuted, spaced}) {
    for (unsigned chosen = 1; chosen < 16; ++chosen) {
      std::vector<Tensor> indices(4);
      for (size_t i = 0; i < 4; ++i)
        if (chosen >> i & 1) indices[i] = randint(-sizes[i], sizes[i], shape, kLong);
      std::vector<int64_t> result_sizes;
      const std::vector<int64_t> places = naive_places(sizes, indices, shape, &result_sizes);
      const Tensor y = x.index(as_index(indices));
      CHECK(y.sizes() == IntArrayRef(result_sizes));
      std::vector<double> expected(places.begin(), places.end());
      CHECK(values(y) == expected);
      // Writing: of equal places the last one wins.
      Tensor written = x.clone();
      const Tensor fresh = counting(result_sizes, kDouble) + 1000;
      written.index_put_(as_index(indices), fresh);
      std::vector<double> after = values(row_major);
      for (size_t k = 0; k < places.size(); ++k)
        after[static_cast<size_t>(places[k])] = 1000 + static_cast<double>(k);
      CHECK(values(written) == after);
      written.index_put_(as_index(indices), fresh.select(0, 0));  // broadcasts
      CHECK(values(written.index(as_index(indices))).size() == places.size());
      // Adding, as the gradient does, in order of appearance.
      Tensor leaf = x.detach().clone().requires_grad_();
      const Tensor weights = rand(result_sizes, kDouble);
      leaf.index(as_index(indices)).backward(weights);
      std::vector<double> sums(after.size(), 0.0);
      const std::vector<double> w = values(weights);
      for (size_t k = 0; k < places.size(); ++k) sums[static_cast<size_t>(places[k])] += w[k];
      CHECK(values(leaf.grad()) == sums);
    }
  }
}

TEST_CASE("masks stand for the places where they are true", "[indexing]") {
  manual_seed(3);
  const Tensor x = counting({3, 4, 5});
  for (const Tensor& mask : {rand({3, 4}) > 0.5, (rand({4, 3}) > 0.5).t()}) {
    const Tensor columns = nonzero(mask);
    const Tensor expected = x.index({columns.select(1, 0), columns.select(1, 1)});
    CHECK(values(x.index({mask})) == values(expected));
    CHECK(values(x.index({mask.to(kByte)})) == values(expected));
    CHECK(values(x.index({mask, 2})) == values(expected.select(1, 2)));
    const Tensor ids = zeros({1}, kLong);
    CHECK(values(x.index({mask, ids})) == values(expected.select(1, 0)));
    Tensor y = x.clone();
    y.index_put_({mask}, -1);
    Tensor z = x.clone();
    z.index_put_({columns.select(1, 0), columns.select(1, 1)}, -1);
    CHECK(values(y) == values(z));
  }
  const Tensor odd = tensor({0.0, std::nan(""), -0.0, 2.0});
  CHECK(values(nonzero(odd)) == std::vector<double>{1, 3});
  CHECK(nonzero(tensor(1.0)).sizes() == IntArrayRef{1, 0});
  CHECK(nonzero(tensor(0)).sizes() == IntArrayRef{0, 0});
  CHECK(values(masked_select(x.select(0, 1), tensor({true, false, true, false, false}))) ==
        std::vector<double>{20, 22, 25, 27, 30, 32, 35, 37});
}

TEST_CASE("assignment into an index writes", "[indexing]") {
  Tensor x = zeros({3, 4});
  x.index({1}) = 2;
  x.index({Slice(), 3}) = tensor({7.0, 8.0, 9.0});
  x[0] = x.slice(0, 1, 2).clone()[0];
  x.index_put_({2, Slice(0, 2)}, 5);
  x.index_put_({tensor({0, 2}), tensor({2, 2})}, tensor({-1.f, -2.f}));
  x.index_put_({None, 1, 0}, tensor({6.0}, kDouble));
  CHECK(values(x) == std::vector<double>{2, 2, -1, 8, 6, 2, 2, 8, 5, 5, -2, 9});
  CHECK(x._version() == 6);
  // What is read is read before anything is written.
  Tensor y = counting({4});
  y.index_put_({tensor({1, 2, 3})}, y.slice(0, 0, 3));
  CHECK(values(y) == std::vector<double>{0, 0, 1, 2});
  Tensor ids = tensor({2, 0, 1});
  ids.index_put_({ids}, tensor({0, 1, 2}));
  CHECK(values(ids) == std::vector<double>{1, 2, 0});
  CHECK(values(zeros({3}, kLong).index_put_({tensor({0, 1})}, 1.5)) ==
        std::vector<double>{1, 1, 0});
}

TEST_CASE("index_select, gather and their adding forms agree with naive loops",
          "[indexing][threads]") {
  const bool small_chunks = GENERATE(false, true);
  std::optional<SmallChunks> guard;
  if (small_chunks) guard.emplace(2);
  manual_seed(5);
  const std::vector<int64_t> sizes = {4, 3, 5};
  const Tensor row_major = rand(sizes);
  for (const Tensor& x :
       {row_major, row_major.permute({2, 1, 0}).contiguous().permute({2, 1, 0})}) {
    const std::vector<double> numbers = values(x);
    for (int64_t dim = 0; dim < 3; ++dim) {
      const size_t d = static_cast<size_t>(dim);
      for (ScalarType type : {kLong, kInt}) {
        const Tensor ids = randint(0, sizes[d], {7}, type);
        const Tensor y = x.index_select(dim, ids);
        std::vector<int64_t> out = sizes;
        out[d] = 7;
        const Tensor source = rand(out);
        const std::vector<double> added = values(source);
        std::vector<float> sums(numbers.begin(), numbers.end());
        std::vector<double> expected;
        for (int64_t k = 0; k < y.numel(); ++k) {
          std::vector<int64_t> at = coordinates(k, out);
          at[d] = ids_of(ids)[static_cast<size_t>(at[d])];
          const size_t place = static_cast<size_t>(number(at, sizes));
          expected.push_back(numbers[place]);
          sums[place] += static_cast<float>(added[static_cast<size_t>(k)]);
        }
        CHECK(values(y) == expected);
        CHECK(values(x.index_add(dim, ids, source)) ==
              std::vector<double>(sums.begin(), sums.end()));
        // Ids per element.
        std::vector<int64_t> shape = {2, 3, 2};
        shape[d] = 6;
        const Tensor each = randint(0, sizes[d], shape, type);
        const Tensor from = rand({6, 6, 6}).permute({1, 2, 0});
        const Tensor picked = x.gather(dim, each);
        CHECK(picked.sizes() == IntArrayRef(shape));
        sums.assign(numbers.begin(), numbers.end());
        expected.clear();
        for (int64_t k = 0; k < each.numel(); ++k) {
          std::vector<int64_t> at = coordinates(k, shape);
          const double value = values(from)[static_cast<size_t>(number(at, {6, 6, 6}))];
          at[d] = ids_of(each)[static_cast<size_t>(k)];
          const size_t place = static_cast<size_t>(number(at, sizes));
          expected.push_back(numbers[place]);
          sums[place] += static_cast<float>(value);
        }
        CHECK(values(picked) == expected);
        CHECK(values(x.scatter_add(dim, each, from)) ==
              std::vector<double>(sums.begin(), sums.end()));
      }
    }
  }
}

TEST_CASE("rows of a table, however it lies", "[indexing][threads]") {
  manual_seed(9);
  const Tensor table = rand({500, 67});
  for (const Tensor& x : {table, table.t().contiguous().t(), rand({500, 140}).slice(1, 3, 137, 2)})
    for (int64_t width : {1, 2, 3, 7, 16, 33, 67}) {
      const Tensor part = x.slice(1, 0, width);
      const Tensor ids = randint(0, 500, {900}, kLong);
      const Tensor y = part.index_select(0, ids);
      const Tensor z = part.index({ids.to(kInt)});
      const std::vector<double> from = values(part);
      bool equal = true;
      for (int64_t k = 0; k < 900; ++k)
        for (int64_t j = 0; j < width; ++j)
          equal &=
              values_at(y, k * width + j) == from[static_cast<size_t>(ids_at(ids, k) * width + j)];
      CHECK(equal);
      CHECK(values(z) == values(y));
    }
}

TEST_CASE("sums over equal ids are in order of appearance for any number of threads",
          "[indexing][threads]") {
  manual_seed(1);
  const RestoreSettings restore;
  const Tensor ids = randint(0, 20, {3000}, kLong);
  const Tensor source = rand({3000, 130});
  std::vector<float> expected(20 * 130, 0.f);
  for (int64_t k = 0; k < 3000; ++k)
    for (int64_t j = 0; j < 130; ++j)
      expected[static_cast<size_t>(ids_at(ids, k) * 130 + j)] +=
          source.data_ptr<float>()[k * 130 + j];
  for (int count : {1, 2, 3, 16}) {
    set_num_threads(count);
    CHECK(values(zeros({20, 130}).index_add_(0, ids, source)) ==
          std::vector<double>(expected.begin(), expected.end()));
    Tensor table = zeros({20, 130}, requires_grad());
    table.index_select(0, ids).backward(source);
    CHECK(values(table.grad()) == std::vector<double>(expected.begin(), expected.end()));
  }
}

TEST_CASE("indexing has derivatives of first and second order", "[indexing]") {
  manual_seed(2);
  const Tensor x = rand({3, 4}, kGrad);
  const Tensor turned = rand({4, 3}, kDouble).t().set_requires_grad(true);
  const Tensor value = rand({2, 1}, kGrad);
  const Tensor i = tensor({2, 0, 2});
  const Tensor pair = tensor({{0, 1}, {-1, 0}});
  const Tensor mask =
      tensor({{true, false, true, false}, {false, false, false, true}, {true, true, false, false}});
  for (const Tensor& in : {x, turned}) {
    const variable_list one = {in};
    CHECK_GRADIENTS(one, {x[0].index({i})});
    CHECK_GRADIENTS(one, {x[0].index({Slice(), i})});
    CHECK_GRADIENTS(one, {x[0].index({i, tensor({3, 3, 1})})});
    CHECK_GRADIENTS(one, {x[0].index({pair})});
    CHECK_GRADIENTS(one, {x[0].index({mask}), x[0].masked_select(mask)});
    CHECK_GRADIENTS(one, {x[0].masked_select(mask[0])});
    CHECK_GRADIENTS(one, {x[0].index({Ellipsis, None, 1}), x[0].index({1, Slice(0, 4, 2)})});
    CHECK_GRADIENTS(one, {x[0].index({Ellipsis})});
    CHECK_GRADIENTS(one, {x[0].index_select(0, i), x[0].index_select(1, i)});
    CHECK_GRADIENTS(
        one, {x[0].gather(1, pair.abs()), x[0].gather(0, tensor({{0, 2, 1, 1}, {1, 1, 1, 1}}))});
  }
  const variable_list two = {x, value};
  CHECK_GRADIENTS(two, {[&] {
                    Tensor y = x[0] * 2;
                    y.index_put_({tensor({2, 0})}, x[1]);
                    return y * y;
                  }()});
  CHECK_GRADIENTS(two, {[&] {
                    Tensor y = x[0] * 2;
                    y.index_put_({Slice(0, 2), tensor({3, 1})}, x[1] * x[1]);
                    y.index_put_({mask}, x[1][1]);
                    y.index_put_({2}, x[1][0]);
                    return y * y;
                  }()});
  CHECK_GRADIENTS(two, {x[0].index_put({tensor({1, 2})}, x[1])});
  const Tensor rows = rand({3, 4}, kGrad);
  const variable_list adding = {x, rows};
  CHECK_GRADIENTS(adding, {x[0].index_add(0, i, x[1]), x[0].scatter_add(1, pair.abs(), x[1])});
  CHECK_GRADIENTS(adding, {[&] {
                    Tensor y = x[0] * 2;
                    y.index_add_(0, i, x[1] * x[1]);
                    y.t().scatter_add_(0, pair.abs(), x[1].t());
                    return y * y;
                  }()});
}

TEST_CASE("a changed index is noticed by backward", "[indexing]") {
  const Tensor x = rand({3, 4}, requires_grad());
  Tensor ids = tensor({0, 1});
  const Tensor y = x.index({ids});
  ids.fill_(2);
  CHECK_THAT(error_of([&] {
               y.backward(ones({2, 4}));
             }),
             StartsWith("one of the variables needed for gradient computation has been modified by "
                        "an inplace operation: [CPULongType [2]]"));
}
