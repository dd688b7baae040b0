// Views, copies and joining: where results lie (as libtorch 2.13 answered), numbers against naive
// loops, texts, and derivatives of first and second order.
#include <simdgrad/autograd.h>
#include <simdgrad/creation.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/random.h>
#include <simdgrad/views.h>

#include <cmath>
#include <limits>

#include "core/dtypes.h"
#include "core/tensor_impl.h"
#include "ops/loops/copy.h"
#include "tests/catch.h"
#include "tests/describe.h"
#include "tests/gradients.h"
#include "tests/machine_settings.h"

using namespace simdgrad;
using namespace simdgrad::testing;

namespace {

const TensorOptions kGrad = TensorOptions(kDouble).requires_grad(true);

// Every element in row-major order, read one at a time through the strides.
std::vector<double> read(const Tensor& x) {
  const TensorImpl& of = impl(x);
  std::vector<double> values;
  for (int64_t k = 0; k < of.numel; ++k) {
    int64_t rest = k, at = 0;
    for (size_t i = of.ndim; i-- > 0;) {
      at += rest % of.sizes()[i] * of.strides()[i];
      rest /= of.sizes()[i];
    }
    const char* element = static_cast<const char*>(of.data) + at * x.element_size();
    for_type(of.dtype, [&]<class T>(T) {
      values.push_back(static_cast<double>(*reinterpret_cast<const T*>(element)));
    });
  }
  return values;
}

using autograd::variable_list;

}  // namespace

TEST_CASE("views lie where libtorch's lie", "[views]") {
  const Tensor a = rand({3, 4}, requires_grad());
  const Tensor v = rand({3});
  const Tensor s = tensor(1.0);
  const Tensor t4 = rand({2, 3, 4, 5}, requires_grad());
  CHECK(where(a.view({12})) == "[12][1]0 view ViewBackward0");
  CHECK(where(a.view({2, -1})) == "[2, 6][6, 1]0 view ViewBackward0");
  CHECK(where(a.reshape({3, 4})) == "[3, 4][4, 1]0 view ViewBackward0");
  CHECK(where(a.t().reshape({12})) == "[12][1]0 UnsafeViewBackward0");
  CHECK(a.t().reshape({12}).grad_fn()->next_edge(0).function->name() == "CloneBackward0");
  CHECK(where(a.flatten()) == "[12][1]0 view ViewBackward0");
  CHECK(where(s.flatten()) == "[1][1]0 view -");
  CHECK(where(a.flatten(1, 1)) == "[3, 4][4, 1]0 -");
  CHECK(where(a.t()) == "[4, 3][1, 4]0 view TBackward0");
  CHECK(where(v.t()) == "[3][1]0 view -");
  CHECK(where(s.t()) == "[][]0 view -");
  CHECK(where(t4.numpy_T()) == "[5, 4, 3, 2][1, 5, 20, 60]0 view PermuteBackward0");
  CHECK(where(a.transpose(-1, 0)) == "[4, 3][1, 4]0 view TransposeBackward0");
  CHECK(where(a.transpose(0, 0)) == "[3, 4][4, 1]0 view TransposeBackward0");
  CHECK(where(s.transpose(0, -1)) == "[][]0 view -");
  CHECK(where(a.expand({-1, 4})) == "[3, 4][4, 1]0 view ExpandBackward0");
  CHECK(where(rand({3}).expand({2, 1, 3})) == "[2, 1, 3][0, 3, 1]0 view -");
  CHECK(where(rand({2, 1, 3}).expand({2, 4, 3})) == "[2, 4, 3][3, 0, 1]0 view -");
  CHECK(where(rand({3}).expand({0, 3})) == "[0, 3][0, 1]0 view -");
  CHECK(where(a.unsqueeze(0).squeeze()) == "[3, 4][4, 1]0 view SqueezeBackward0");
  CHECK(where(a.unsqueeze(0).squeeze(0)) == "[3, 4][4, 1]0 view SqueezeBackward1");
  CHECK(where(a.unsqueeze(0).squeeze(IntArrayRef{0, 1})) == "[3, 4][4, 1]0 view SqueezeBackward2");
  CHECK(where(rand({2, 3}).t().unsqueeze(0)) == "[1, 3, 2][3, 1, 3]0 view -");
  CHECK(where(rand({2, 3}).t().unsqueeze(2)) == "[3, 2, 1][1, 3, 1]0 view -");
  CHECK(where(rand({2, 0, 3}).unsqueeze(1)) == "[2, 1, 0, 3][3, 0, 3, 1]0 view -");
  CHECK(where(a[1]) == "[4][1]4 view SelectBackward0");
  CHECK(where(t4.select(1, -1)) == "[2, 4, 5][60, 5, 1]40 view SelectBackward0");
  CHECK(where(a.slice(0, 0, 2)) == "[2, 4][4, 1]0 view SliceBackward0");
  CHECK(where(a.slice(1, 1, std::nullopt, 2)) == "[3, 2][4, 2]1 view SliceBackward0");
  CHECK(where(a.slice(0, -10, 20, 2)) == "[2, 4][8, 1]0 view SliceBackward0");
  CHECK(where(a.slice(0, 2, 1)) == "[0, 4][4, 1]8 view SliceBackward0");
  CHECK(where(a.narrow(0, -1, 1)) == "[1, 4][4, 1]8 view SliceBackward0");
  CHECK(where(a.as_strided({2, 2}, {1, 2}, 1)) == "[2, 2][1, 2]1 view AsStridedBackward0");
  CHECK(where(a.unbind(1)[2]) == "[3][4]2 view UnbindBackward0");
  CHECK(where(a.split(2, 0)[1]) == "[1, 4][4, 1]8 view SplitBackward0");
  CHECK(where(a.split_with_sizes({1, 2}, 0)[1]) == "[2, 4][4, 1]4 view SplitWithSizesBackward0");
  CHECK(where(a.chunk(3, 1)[1]) == "[3, 2][4, 1]2 view SplitBackward0");
  CHECK(a.chunk(3, 1).size() == 2);
  CHECK(rand({0, 2}).chunk(3).size() == 3);
  CHECK(rand({0, 2}).split(0).size() == 1);
  // Views of the base where the strides allow it.
  CHECK(where(rand({2, 3, 4}).permute({1, 0, 2}).flatten(1)) == "[3, 8][8, 1]0 -");
  CHECK(where(rand({4}).expand({3, 4}).reshape({3, 2, 2})) == "[3, 2, 2][0, 2, 1]0 view -");
  CHECK(where(rand({0, 3}).view({3, 0})) == "[3, 0][1, 1]0 view -");
}

TEST_CASE("copies keep the strides that libtorch keeps", "[views]") {
  const Tensor a = rand({3, 4}, requires_grad());
  CHECK(where(a.clone()) == "[3, 4][4, 1]0 CloneBackward0");
  CHECK(where(a.t().clone()) == "[4, 3][1, 4]0 CloneBackward0");
  CHECK(where(a.t().contiguous()) == "[4, 3][3, 1]0 CloneBackward0");
  CHECK(a.contiguous().is_same(a));
  CHECK(where(rand({2, 3, 4}).permute({2, 0, 1}).clone()) == "[4, 2, 3][1, 12, 4]0 -");
  CHECK(where(rand({2, 3}).slice(1, 0, 3, 2).clone()) == "[2, 2][2, 1]0 -");
  CHECK(where(rand({1, 3}).t().clone()) == "[3, 1][1, 3]0 -");
  CHECK(where(rand({3}).expand({2, 3}).clone()) == "[2, 3][3, 1]0 -");
  CHECK(a.to(kFloat).is_same(a));
  CHECK(where(a.to(kFloat, false, true)) == "[3, 4][4, 1]0 ToCopyBackward0");
  CHECK(where(a.t().to(kDouble)) == "[4, 3][1, 4]0 ToCopyBackward0");
  CHECK(where(a.to(kLong)) == "[3, 4][4, 1]0 -");
  CHECK(where(cat({a.t(), a.t()}, 1)) == "[4, 6][6, 1]0 CatBackward0");
  CHECK(where(stack({a, a}, 1)) == "[3, 2, 4][8, 4, 1]0 StackBackward0");
  CHECK(where(zeros({3, 4}).copy_(a)) == "[3, 4][4, 1]0 torch::autograd::CopyBackwards");
  CHECK(where(a.clone().fill_(1)) == "[3, 4][4, 1]0 FillBackward2");
  CHECK(where(a.clone().fill_(a[0][0])) == "[3, 4][4, 1]0 FillBackward3");
  CHECK(where(a.clone().zero_()) == "[3, 4][4, 1]0 ZeroBackward0");
  CHECK(where(zeros({3, 4}, kLong).copy_(a)) == "[3, 4][4, 1]0 -");
}

TEST_CASE("views and joining refuse with PyTorch's texts", "[views]") {
  const Tensor a = rand({3, 4});
  const Tensor v = rand({3});
  const Tensor s = tensor(1.0);
  const Tensor t3 = rand({2, 3, 4});
  CHECK_ERROR(a.view({5, 2}), "shape '[5, 2]' is invalid for input of size 12");
  CHECK_ERROR(a.reshape({-1, 5}), "shape '[-1, 5]' is invalid for input of size 12");
  CHECK_ERROR(a.view({-1, -1}), "only one dimension can be inferred");
  CHECK_ERROR(a.view({-2, 6}), "invalid shape dimension -2 at index 0 of shape [-2, 6]");
  CHECK_ERROR(a.t().view({12}),
              "view size is not compatible with input tensor's size and stride (at least one "
              "dimension spans across two contiguous subspaces). Use .reshape(...) instead.");
  CHECK_ERROR(rand({0, 3}).reshape({0, -1}),
              "cannot reshape tensor of 0 elements into shape [0, -1] because the unspecified "
              "dimension size -1 can be any value and is ambiguous");
  CHECK_ERROR(a.flatten(1, 0), "flatten() has invalid args: start_dim cannot come after end_dim");
  CHECK_ERROR(t3.t(), "t() expects a tensor with <= 2 dimensions, but self is 3D");
  CHECK_ERROR(a.transpose(0, 2),
              "Dimension out of range (expected to be in range of [-2, 1], but got 2)");
  CHECK_ERROR(a.permute({0, -2}), "permute(): duplicate dims are not allowed.");
  CHECK_ERROR(a.expand({3, 5}),
              "The expanded size of the tensor (5) must match the existing size (4) at "
              "non-singleton dimension 1.  Target sizes: [3, 5].  Tensor sizes: [3, 4]");
  CHECK_ERROR(v.expand({-1, 3}),
              "The expanded size of the tensor (-1) isn't allowed in a leading, non-existing "
              "dimension 0");
  CHECK_ERROR(a.expand({4}),
              "expand(CPUFloatType{[3, 4]}, size=[4]): the number of sizes provided (1) must be "
              "greater or equal to the number of dimensions in the tensor (2)");
  CHECK_ERROR(v.squeeze(3),
              "Dimension out of range (expected to be in range of [-1, 0], but got 3)");
  CHECK_ERROR(a.squeeze(IntArrayRef{0, 0}), "dim 0 appears multiple times in the list of dims");
  CHECK_ERROR(a.select(0, 7),
              "select(): index 7 out of range for tensor of size [3, 4] at dimension 0");
  CHECK_ERROR(s[0], "select() cannot be applied to a 0-dim tensor.");
  CHECK_ERROR(a.slice(0, 0, 2, 0), "slice step must be positive");
  CHECK_ERROR(a.narrow(0, 2, 5), "start (2) + length (5) exceeds dimension size (3).");
  CHECK_ERROR(a.narrow(0, 4, 0),
              "start out of range (expected to be in range of [-3, 3], but got 4)");
  CHECK_ERROR(a.narrow(0, 0, -1), "narrow(): length must be non-negative.");
  CHECK_ERROR(a.as_strided({2, 2}, {1}), "mismatch in length of strides and shape");
  CHECK_ERROR(
      a.as_strided({20, 2}, {4, 1}),
      "setStorage: sizes [20, 2], strides [4, 1], storage offset 0, and itemsize 4 requiring "
      "a storage size of 312 are out of bounds for storage of size 48");
  CHECK_ERROR(s.unbind(), "Dimension specified as 0 but tensor has no dimensions");
  CHECK_ERROR(a.split(0),
              "split_size can only be 0 if dimension size is 0, but got dimension size of 3");
  CHECK_ERROR(a.split_with_sizes({1, 1}, 1),
              "split_with_sizes expects split_sizes to sum exactly to 4 (input tensor's size at "
              "dimension 1), but got split_sizes=[1, 1]");
  CHECK_ERROR(a.chunk(0), "chunk expects `chunks` to be greater than 0, got: 0");
  CHECK_ERROR(cat({}), "torch.cat(): expected a non-empty list of Tensors");
  CHECK_ERROR(cat({s, s}), "zero-dimensional tensor (at position 0) cannot be concatenated");
  CHECK_ERROR(cat({a, v}), "Tensors must have same number of dimensions: got 2 and 1");
  CHECK_ERROR(
      cat({a, a.slice(1, 0, 2)}),
      "Sizes of tensors must match except in dimension 0. Expected size 4 but got size 2 for "
      "tensor number 1 in the list.");
  CHECK_ERROR(stack({a, v}),
              "stack expects each tensor to be equal size, but got [3, 4] at entry 0 and [3] at "
              "entry 1");
  CHECK_ERROR(a.clone().copy_(rand({2, 4})),
              "The size of tensor a (3) must match the size of tensor b (2) at non-singleton "
              "dimension 0");
  CHECK_ERROR(a.clone().copy_(t3.slice(1, 0, 1).expand({2, 3, 4})),
              "output with shape [3, 4] doesn't match the broadcast shape [2, 3, 4]");
  CHECK_ERROR(v.expand({2, 3}).copy_(rand({2, 3})),
              "unsupported operation: more than one element of the written-to tensor refers to a "
              "single memory location. Please clone() the tensor before performing the operation.");
  CHECK_ERROR(
      t3[0].slice(1, 0, 3).contiguous().copy_(Tensor()),
      "Expected a proper Tensor but got None (or an undefined Tensor in C++) for argument #0 "
      "'src'");
  Tensor square = rand({3, 3});
  CHECK_ERROR(square.copy_(square.t()),
              "unsupported operation: some elements of the input tensor and the written-to tensor "
              "refer to a single memory location. Please clone() the tensor before performing the "
              "operation.");
  CHECK(square._version() == 0);
  CHECK_ERROR(zeros({2}, kByte).fill_(300),
              "value cannot be converted to type uint8_t without overflow");
  CHECK_ERROR(zeros({2}, kLong).fill_(0x1p63),
              "value cannot be converted to type int64_t without overflow");
  CHECK_ERROR(zeros({2}).fill_(1e300), "value cannot be converted to type float without overflow");
  CHECK_ERROR(zeros({2}, kInt).fill_(std::nan("")),
              "value cannot be converted to type int without overflow");
  CHECK_ERROR(zeros({2}).fill_(rand({2})),
              "fill_ only supports 0-dimension value tensor but got tensor with 1 dimensions.");
  // Several results of one call: one node tells the history of all of them.
  Tensor leaf = rand({4, 2}, requires_grad());
  const Tensor c = leaf.clone();
  CHECK_THAT(error_of([&] { c.split(2)[0].add_(1); }),
             StartsWith("Output 0 of Split") &&
                 EndsWith("is a view and is being modified inplace. This view is the output of a "
                          "function that returns multiple views. Such functions do not allow the "
                          "output views to be modified inplace. You should replace the inplace "
                          "operation by an out-of-place one."));
}

TEST_CASE("views show the numbers of their input", "[views]") {
  const Tensor x = counting({2, 3, 4});
  CHECK(read(x.permute({2, 0, 1}))[1] == 4);
  CHECK(read(x.transpose(0, 2)) == read(x.numpy_T()));
  CHECK(read(x.select(1, -1)) == std::vector<double>{8, 9, 10, 11, 20, 21, 22, 23});
  CHECK(read(x.slice(2, 1, 4, 2).select(0, 1)) == std::vector<double>{13, 15, 17, 19, 21, 23});
  CHECK(read(x.permute({1, 2, 0}).reshape({4, 6})) == read(x.permute({1, 2, 0})));
  CHECK(read(x.select(0, 0).as_strided({2, 2}, {1, 1}, 3)) == std::vector<double>{3, 4, 4, 5});
  Tensor y = x.clone();
  y.select(2, 0).zero_();
  y[1][2] = -1;
  y.slice(0, 0, 1)[0].t()[1] = counting({3}, kLong);
  CHECK(read(y) == std::vector<double>{0, 0,  2,  3,  0, 1,  6,  7,  0,  2,  10, 11,
                                       0, 13, 14, 15, 0, 17, 18, 19, -1, -1, -1, -1});
}

TEST_CASE("strided copies agree with element by element copies", "[views][threads]") {
  const bool small_chunks = GENERATE(false, true);
  std::optional<SmallChunks> guard;
  if (small_chunks) guard.emplace(3);
  const Tensor base = randint(-100, 100, {7, 33, 2, 37}, kInt);
  const std::vector<int64_t> orders[] = {{0, 1, 2, 3}, {3, 1, 2, 0}, {1, 0, 3, 2},
                                         {0, 3, 2, 1}, {2, 3, 0, 1}, {3, 2, 1, 0}};
  for (ScalarType dtype : {kByte, kShort, kFloat, kDouble}) {
    const Tensor typed = base.to(dtype);
    for (const auto& order : orders) {
      const Tensor from = typed.permute(order);
      const std::vector<double> expected = read(from);
      CHECK(read(from.contiguous()) == expected);
      CHECK(read(from.clone()) == expected);
      CHECK(read(from.contiguous().to(kDouble)) == expected);
      CHECK(read(from.to(kDouble)) == expected);
      // Into strided memory, and of a part.
      Tensor wide = zeros({from.size(3) * 2, from.size(1), from.size(0), from.size(2)}, dtype);
      Tensor to = wide.slice(0, 1, std::nullopt, 2).permute({2, 1, 3, 0});
      to.copy_(from);
      CHECK(read(to) == expected);
      CHECK(read(wide.slice(0, 0, std::nullopt, 2).contiguous()) ==
            std::vector<double>(expected.size(), 0));
      CHECK(read(from.slice(3, 1).contiguous()) == read(from.slice(3, 1)));
    }
  }
  // One number, one row and one column repeated.
  for (const Tensor& from : {rand({1, 1}), rand({1, 70}), rand({50, 1}), rand({70, 1}).t()}) {
    if (from.size(0) != 1 && from.size(0) != 50) continue;
    Tensor to = zeros({50, 70});
    to.copy_(from);
    CHECK(read(to) == read(from.expand({50, 70})));
    Tensor turned = zeros({70, 50}).t();
    turned.copy_(from);
    CHECK(read(turned) == read(from.expand({50, 70})));
  }
}

TEST_CASE("large copies and fills run in chunks", "[views][threads]") {
  const Tensor x = rand({613, 1021});
  const Tensor y = x.t().contiguous();
  CHECK(read(y) == read(x.t()));
  CHECK(read(x.clone()) == read(x));
  CHECK(read(x.to(kDouble)) == read(x));
  CHECK(read(x.slice(1, 1, 1000).contiguous()) == read(x.slice(1, 1, 1000)));
  CHECK(read(x.flatten().expand({3, 613 * 1021}).contiguous().slice(0, 2)) == read(x));
  for (ScalarType dtype : {kByte, kShort, kInt, kLong, kFloat, kDouble})
    CHECK(read(empty({300, 1001}, dtype).fill_(77)) == std::vector<double>(300 * 1001, 77));
}

TEST_CASE("every pair of dtypes converts as C++ converts numbers", "[views]") {
  const ScalarType types[] = {kByte, kChar, kShort, kInt, kLong, kFloat, kDouble, kBool};
  // Long enough for whole blocks and a rest; in range of every type that can hold its numbers.
  std::vector<double> numbers;
  for (int i = 0; i < 83; ++i) numbers.push_back((i * 37 % 101) * (i % 3 ? 1.0 : 1.25));
  const Tensor source = tensor(numbers, kDouble);
  for (ScalarType from : types) {
    const Tensor x = source.to(from);
    const std::vector<double> values = read(x);
    for (ScalarType to : types) {
      std::vector<double> expected = values;
      for (double& value : expected)
        value = to == kBool ? value != 0 : is_floating_point(to) ? value : std::trunc(value);
      CHECK(read(x.to(to)) == expected);
      CHECK(read(x.slice(0, 0, 83, 2).to(to)) ==
            read(tensor(expected, kDouble).slice(0, 0, 83, 2)));
    }
  }
  const double nan = std::nan("");
  // What does not fit, as PyTorch's C++ on x86 answers.
  const Tensor odd = tensor({1.5, -2.7, nan, 300.0, -1.0, 1e10});
  CHECK(read(odd.to(kByte)) == std::vector<double>{1, 254, 0, 44, 255, 0});
  CHECK(read(odd.to(kBool)) == std::vector<double>{1, 1, 1, 1, 1, 1});
#if defined(__x86_64__)
  const double lowest = std::numeric_limits<int32_t>::min();
  CHECK(read(odd.to(kInt)) == std::vector<double>{1, -2, lowest, 300, -1, lowest});
  CHECK(read(odd.to(kChar)) == std::vector<double>{1, -2, 0, 44, -1, 0});
  CHECK(read(odd.to(kShort)) == std::vector<double>{1, -2, 0, 300, -1, 0});
#endif
  CHECK(read(tensor({1000, -1, 256}).to(kByte)) == std::vector<double>{232, 255, 0});
  CHECK(read(tensor({1000, -1, 256}).to(kChar)) == std::vector<double>{-24, -1, 0});
}

TEST_CASE("fills write one number and nothing else", "[views]") {
  CHECK(read(zeros({2}, kByte).fill_(-1)) == std::vector<double>{255, 255});
  CHECK(read(zeros({2}, kBool).fill_(300)) == std::vector<double>{1, 1});
  CHECK(read(zeros({2}, kLong).fill_(1.5)) == std::vector<double>{1, 1});
  Tensor x = zeros({5, 7});
  x.slice(1, 1, 7, 2).fill_(3);
  x.t().slice(0, 6).zero_();
  CHECK(read(x)[1] == 3);
  CHECK(read(x)[2] == 0);
  CHECK(read(x)[6] == 0);
  // A view whose elements share memory takes one number, as libtorch allows.
  Tensor row = zeros({3});
  row.expand({4, 3}).fill_(2);
  CHECK(read(row) == std::vector<double>{2, 2, 2});
  CHECK(row._version() == 1);
  Tensor odd = zeros({67}).slice(0, 1, 66);
  odd.fill_(std::numeric_limits<double>::infinity());
  CHECK(read(odd) == std::vector<double>(65, std::numeric_limits<double>::infinity()));
}

TEST_CASE("cat and stack join what there is", "[views]") {
  const Tensor a = counting({2, 3});
  CHECK(read(cat({a, a.slice(0, 0, 1)})) == std::vector<double>{0, 1, 2, 3, 4, 5, 0, 1, 2});
  CHECK(read(cat({a.t(), counting({3, 1})}, -1)) == std::vector<double>{0, 3, 0, 1, 4, 1, 2, 5, 2});
  CHECK(read(stack({a, a.t().contiguous().t()}, 2)) ==
        std::vector<double>{0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5});
  CHECK(read(stack({tensor(1.0), tensor(2.0)})) == std::vector<double>{1, 2});
  CHECK(cat({empty({0}), a}).sizes() == IntArrayRef{2, 3});
  CHECK(cat({empty({0}), empty({0})}).sizes() == IntArrayRef{0});
  CHECK(cat({empty({0}, kDouble), a}).scalar_type() == kDouble);
  CHECK(cat({a, a.to(kLong)}).scalar_type() == kFloat);
  CHECK(stack({a.to(kLong), a.to(kByte)}).scalar_type() == kLong);
  CHECK(read(cat({a.to(kByte), a.to(kLong)})) ==
        std::vector<double>{0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5});
}

TEST_CASE("views have derivatives of first and second order", "[views]") {
  const Tensor x = rand({3, 4}, kGrad);
  const Tensor turned = rand({4, 3}, kDouble).t().set_requires_grad(true);
  const Tensor t3 = rand({2, 1, 3}, kGrad);
  for (const Tensor& in : {x, turned}) {
    const variable_list one = {in};
    CHECK_GRADIENTS(one, {x[0].reshape({2, 6})});
    CHECK_GRADIENTS(one, {x[0].t(), x[0].numpy_T(), x[0].transpose(0, 1)});
    CHECK_GRADIENTS(one, {x[0].select(1, -2), x[0][2], x[0].select(0, 1)[3]});
    CHECK_GRADIENTS(one, {x[0].slice(1, 1, 4, 2), x[0].narrow(0, 1, 2)});
    CHECK_GRADIENTS(one, {x[0].unsqueeze(1).expand({3, 2, 4})});
    CHECK_GRADIENTS(one, {x[0].unbind(1)[1], x[0].unbind(0)[2]});
    CHECK_GRADIENTS(one, {x[0].split(3, 1)[0], x[0].split_with_sizes({1, 0, 3}, 1)[2]});
    CHECK_GRADIENTS(one, {x[0].chunk(2, 0)[1]});
    CHECK_GRADIENTS(one, {x[0].clone(), x[0].contiguous(), x[0].flatten()});
    CHECK_GRADIENTS(one, {x[0].as_strided({2, 3}, {4, 1}, 1)});
    CHECK_GRADIENTS(one, {x[0].as_strided({3, 3}, {1, 1}, 2)});
    CHECK_GRADIENTS(one, {x[0].as_strided({2, 2}, {0, 3}, 0)});
    CHECK_GRADIENTS(one, {cat({x[0], x[0].slice(0, 0, 1), empty({0}, kDouble)})});
    CHECK_GRADIENTS(one, {stack({x[0], x[0] * x[0]}, 1)});
  }
  CHECK_GRADIENTS(variable_list{t3}, {x[0].permute({2, 0, 1}), x[0].squeeze(), x[0].squeeze(1),
                                      x[0].squeeze(IntArrayRef{1, 2}), x[0].expand({4, 2, 5, 3})});
  const Tensor other = rand({3, 1}, kGrad);
  const variable_list two = {x, other};
  CHECK_GRADIENTS(two, {cat({x[0], x[1]}, 1), stack({x[0].select(1, 0), x[1].squeeze(1)})});
  // In place: the old numbers get no gradient, the new ones theirs.
  CHECK_GRADIENTS(two, {[&] {
                    Tensor y = x[0] * 2;
                    y.copy_(x[1]);
                    return y * y;
                  }()});
  CHECK_GRADIENTS(two, {[&] {
                    Tensor y = x[0] * 2;
                    y[1] = x[1].squeeze(1)[0] * x[1][2][0];
                    y.slice(1, 0, 2).t()[0].copy_(x[1].squeeze(1) * 3);
                    return y * y;
                  }()});
  CHECK_GRADIENTS(two, {[&] {
                    Tensor y = x[0] * 2;
                    y.slice(0, 1).fill_(x[1][1][0]);
                    y.select(1, 2).zero_();
                    y.select(1, 3).fill_(4);
                    return y * y;
                  }()});
}

TEST_CASE("gradients of copies have the dtype and shape of their source", "[views]") {
  const Tensor x = rand({4}, requires_grad());
  Tensor y = zeros({3, 4}, kDouble);
  y.copy_(x);
  y.backward(full({3, 4}, 2.0, kDouble));
  CHECK(x.grad().scalar_type() == kFloat);
  CHECK(read(x.grad()) == std::vector<double>{6, 6, 6, 6});
  const Tensor z = x.to(kDouble);
  z.backward(ones({4}, kDouble));
  CHECK(x.grad().scalar_type() == kFloat);
  CHECK(read(x.grad()) == std::vector<double>{7, 7, 7, 7});
  // The overwritten tensor's gradient is zero, not absent.
  const Tensor old = rand({4}, requires_grad());
  Tensor copy = old.clone();
  copy.copy_(x);
  copy.backward(ones({4}));
  CHECK(read(old.grad()) == std::vector<double>{0, 0, 0, 0});
}

TEST_CASE("as_strided shares the gradient of overlapping inputs", "[views]") {
  // What libtorch 2.13 gives for e = x.expand({2, 3}).
  const Tensor x = rand({3}, kGrad);
  const Tensor e = x.expand({2, 3});
  const Tensor y = e.as_strided({2, 2}, {1, 1}, 0);
  const auto dx = [&](const Tensor& out, const Tensor& in) {
    return read(autograd::grad({out}, {in}, {ones_like(out)}, true)[0]);
  };
  CHECK(dx(y, e) == std::vector<double>{0.5, 1, 0.5, 0.5, 1, 0.5});
  CHECK(dx(e.as_strided({3}, {1}, 0), x) == std::vector<double>{1, 1, 1});
  const Tensor w = rand({2, 3}, kGrad);
  CHECK(dx(w.as_strided({3, 3}, {1, 1}, 0), w) == std::vector<double>{1, 2, 3, 2, 1, 0});
  const Tensor part = w.slice(1, 1, 3);
  CHECK(dx(part.as_strided({2, 2}, {1, 1}, 0), part) == std::vector<double>{2, 1, 0, 0});
}

TEST_CASE("nodes of views save nothing and run again", "[views]") {
  const Tensor x = rand({3, 4}, requires_grad());
  const Tensor y = cat({x.t().select(0, 1), x.view({12}).slice(0, 0, 5)}).expand({2, 8});
  y.backward(ones({2, 8}));
  y.backward(ones({2, 8}));
  CHECK(read(x.grad())[1] == 8);
}
