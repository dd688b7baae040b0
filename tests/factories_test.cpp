// What factories make of unusual arguments: shapes that cannot be, ranges of integers, layouts, dtypes.
#include <simdgrad/creation.h>
#include <simdgrad/embedding.h>
#include <simdgrad/losses.h>
#include <simdgrad/ordered_dict.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/printing.h>
#include <simdgrad/random.h>
#include <simdgrad/reductions.h>
#include <simdgrad/sparse.h>
#include <simdgrad/views.h>

#include <cstdint>
#include <sstream>

#include "tests/catch.h"
#include "tests/describe.h"

using namespace simdgrad;

namespace {

template <class T>
std::string shown(const T& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}
std::vector<int64_t> numbers(const Tensor& x) {
  const Tensor wide = x.to(kLong).contiguous();
  return {wide.data_ptr<int64_t>(), wide.data_ptr<int64_t>() + wide.numel()};
}

}  // namespace

TEST_CASE("a shape whose size does not fit is refused, however it is made") {
  constexpr int64_t half = int64_t{1} << 32, most = INT64_MAX;
  const char* const overflow = "numel: integer multiplication overflow";
  const Tensor one = zeros({1});
  CHECK_ERROR(one.expand({half, half}), overflow);
  CHECK_ERROR(one.expand({half, half, 0}), overflow);
  CHECK_ERROR(one.expand({most}).expand({2, most}), overflow);
  CHECK_ERROR(one.expand_as(one.as_strided({half, half}, {0, 0})), overflow);
  CHECK_ERROR(one.as_strided({half, half}, {0, 0}), overflow);
  CHECK_ERROR(one.expand({most}).unsqueeze(0).expand({2, most}), overflow);
  CHECK_ERROR(one.expand({half}).unsqueeze(1).expand({half, half}), overflow);
  float number = 0;
  CHECK_ERROR(from_blob(&number, {half, half}, {0, 0}), overflow);
  CHECK_ERROR(from_blob(&number, {half, half}), overflow);
  CHECK_ERROR(sparse_coo_tensor({half, half}), overflow);
  CHECK_ERROR(empty({half, half}),
              "Storage size calculation overflowed with sizes=[4294967296, 4294967296]");
  CHECK_ERROR(empty({half, half, 0}),
              "Storage size calculation overflowed with sizes=[4294967296, 4294967296, 0]");
  CHECK_THROWS_AS(empty({0, half, half}), Error);
  CHECK_THROWS_AS(ones({1, 0}).view({half, half, 0}), Error);
  CHECK_THROWS_AS(one.reshape({half, half}), Error);
  CHECK_THROWS_AS(one.view({half, half, -1}), Error);
  CHECK_THROWS_AS(stack({one.expand({most / 2 + 1}), one.expand({most / 2 + 1})}), Error);
  CHECK_THROWS_AS(cat({one.expand({most}), one.expand({most})}), Error);
  // The largest there is.
  CHECK(one.expand({most}).numel() == most);
  CHECK(one.expand({most}).unsqueeze(0).numel() == most);
  CHECK(zeros({0, most}).numel() == 0);
}

TEST_CASE("offsets and steps that no memory has") {
  const Tensor x = zeros({5});
  CHECK_THROWS_AS(zeros({0}).as_strided({0}, {1}, INT64_MAX), Error);
  CHECK(zeros({0}).as_strided({0}, {1}, 1 << 20).storage_offset() == 1 << 20);
  const Tensor far = x.slice(0, 0, 5, int64_t{1} << 60);
  CHECK(far.stride(0) == int64_t{1} << 60);
  CHECK(shown(far) == "tensor([0.])");
  CHECK(far.clone().equal(zeros({1})));
  CHECK((far + 1).sum().item<float>() == 1);
  CHECK_THROWS_AS(one_hot(tensor(INT64_MAX)), Error);
  CHECK_THROWS_AS(sparse_coo_tensor(tensor({{INT64_MAX}}), ones({1})), Error);
}

TEST_CASE("lists of more tensors than there is memory for are refused") {
  CHECK(zeros({5}).chunk(INT64_MAX).size() == 5);
  CHECK_ERROR(zeros({0}).chunk(INT64_MAX),
              "chunk: no memory for a list of 9223372036854775807 tensors");
  CHECK_THROWS_AS(zeros({1}).expand({INT64_MAX}).unbind(), Error);
  CHECK_THROWS_AS(zeros({1}).expand({INT64_MAX}).split(1), Error);
  OrderedDict<std::string, int> dict;
  CHECK_THROWS_AS(dict.reserve(SIZE_MAX), Error);
  CHECK_ERROR(dict.front(), "Called front() on an empty OrderedDict");
  CHECK_ERROR(dict.back(), "Called back() on an empty OrderedDict");
  dict.insert("a", 1);
  dict.insert("b", 2);
  CHECK(dict.front().value() == 1);
  CHECK(dict.back().value() == 2);
}

TEST_CASE("arange and linspace of integers, as libtorch's") {
  using List = std::vector<int64_t>;
  CHECK(numbers(arange(2.5, kLong)) == List{0, 1});
  CHECK(numbers(arange(0, 7, 2.5, kLong)) == List{0, 2, 4, 6});
  CHECK(numbers(arange(5, 0, -1.5, kLong)) == List{5, 4, 3, 2, 1});
  CHECK(numbers(arange(0.9, 3.1, 1, kLong)) == List{0, 1, 2});
  CHECK(numbers(arange(0.2, 0.9, 1, kLong)).empty());
  // Of the other integer types the numbers are cut, their count is not.
  CHECK(numbers(arange(2.5, kInt)) == List{0, 1, 2});
  CHECK(numbers(arange(0, 7, 2.5, kInt)) == List{0, 2, 4});
  CHECK(numbers(arange(0.2, 0.9, 0.3, kInt)) == List{0, 0, 0});
  CHECK(numbers(arange(-2, 2, kByte)) == List{254, 255, 0, 1});
  CHECK(numbers(arange(INT64_MIN, INT64_MIN + 2, kLong)) == List{INT64_MIN, INT64_MIN + 1});
  CHECK(arange(INT64_MIN, INT64_MAX, INT64_MAX, kLong).numel() == 3);
  CHECK_ERROR(arange(0, 5, NAN), "step must be nonzero");
  CHECK(arange(0, 5, INFINITY).numel() == 0);
  CHECK(numbers(linspace(0.9, 5.9, 3, kLong)) == List{0, 2, 5});
}

TEST_CASE("layouts: made, kept or refused") {
  const TensorOptions sparse = layout(kSparse);
  for (const Tensor& x : {zeros({3}, sparse), empty({3}, sparse), zeros_like(ones({3}), sparse),
                          zeros_like(ones({3}).to_sparse())}) {
    CHECK(x.is_sparse());
    CHECK(x.sizes() == IntArrayRef{3});
    CHECK(x.to_dense().sum().item<float>() == 0);
  }
  CHECK_FALSE(zeros_like(ones({3}).to_sparse(), layout(kStrided)).is_sparse());
  float memory[3] = {};
  const std::function<Tensor()> refused[] = {
      [&] { return ones({3}, sparse); },
      [&] { return full({3}, 2, sparse); },
      [&] { return rand({3}, sparse); },
      [&] { return randn({3}, sparse); },
      [&] { return randint(3, {3}, sparse); },
      [&] { return randperm(3, sparse); },
      [&] { return arange(3, sparse); },
      [&] { return linspace(0, 1, 3, sparse); },
      [&] { return eye(3, sparse); },
      [&] { return tensor({1., 2.}, sparse); },
      [&] { return from_blob(memory, {3}, sparse); },
      [&] { return ones_like(ones({3}), sparse); },
      [&] { return full_like(ones({3}), 2, sparse); },
      [&] { return ones_like(ones({3}).to_sparse()); },
      [&] { return full_like(ones({3}).to_sparse(), 0); },
      [&] { return rand_like(ones({3}).to_sparse()); },
      [&] { return rand_like(ones({3}), sparse); },
      [&] { return ones({3}).to(sparse); },
      [&] { return sparse_coo_tensor(tensor({{0}}), ones({1}), {3}, layout(kStrided)); },
      [&] { return sparse_coo_tensor({3}, layout(kStrided)); },
  };
  for (size_t i = 0; i < std::size(refused); ++i) {
    INFO("number " << i);
    CHECK_THROWS_AS(refused[i](), Error);
  }
}

TEST_CASE("dtypes: how they print, and numbers that are none") {
  CHECK(shown(ones({2}).dtype()) == "float");
  CHECK(shown(ones({2}, kLong).dtype()) == "long int");
  CHECK(shown(ones({2}, kShort).dtype()) == "short int");
  CHECK(shown(ones({2}, kByte).dtype()) == "unsigned char");
  CHECK(shown(TensorOptions().dtype()) == "float");
  CHECK(shown(ones({2}).scalar_type()) == "Float");
  CHECK(ones({2}).dtype() == kFloat);
  CHECK(ones({2}).dtype() == ones({3}).dtype());
  CHECK(zeros({2}, ones({2}, kInt).dtype()).scalar_type() == kInt);
  CHECK(zeros({2}).to(ones({2}, kInt).dtype()).scalar_type() == kInt);
  CHECK(ones({2}).sum(ones({2}, kDouble).dtype()).scalar_type() == kDouble);
  const auto none = static_cast<ScalarType>(77);
  const char* const text = "ScalarType: got 77, which is no element type";
  CHECK_ERROR(zeros({2}, none), text);
  CHECK_ERROR(zeros({2}, TensorOptions().dtype(none)), text);
  CHECK_ERROR(zeros({2}).to(none), text);
  CHECK_ERROR(zeros({2}).sum(none), text);
  CHECK_ERROR(zeros({2}).softmax(0, none), text);
  CHECK_ERROR(promote_types(kFloat, none), text);
  CHECK_ERROR(can_cast(none, kFloat), text);
  CHECK_ERROR(to_string(none), text);
  CHECK_ERROR(set_default_dtype(none), "only floating-point types are supported as the default type");
  const auto no_reduction = static_cast<Reduction>(99);
  CHECK_ERROR(mse_loss(ones({2}), ones({2}), no_reduction),
              "mse_loss: got reduction 99, needed kNone, kMean or kSum");
  CHECK_THROWS_AS(nll_loss(ones({2, 3}), zeros({2}, kLong), {}, no_reduction), Error);
  CHECK_THROWS_AS(cross_entropy_loss(ones({2, 3}), zeros({2}, kLong), {}, no_reduction), Error);
  CHECK_THROWS_AS(binary_cross_entropy_with_logits(ones({2}), ones({2}), {}, {}, no_reduction), Error);
}

TEST_CASE("nested lists: libtorch's dtypes and its text for mixed ones") {
  CHECK(tensor({1, 2}).scalar_type() == kLong);
  CHECK(tensor({int16_t{1}}).scalar_type() == kShort);
  CHECK(tensor(std::vector<uint8_t>{1}).scalar_type() == kByte);
  CHECK(tensor({1.f}).scalar_type() == kFloat);
  CHECK(tensor({true}).scalar_type() == kBool);
  const auto mixed = [](const char* first, const char* second) {
    return std::string("Expected all elements of the tensor to have the same scalar type: ") + first +
           ", but got element of scalar type: " + second;
  };
  CHECK_ERROR(tensor({{1, 2}, {1.5, 2.5}}), mixed("Int", "Double"));
  CHECK_ERROR(tensor({{1.f, 2.f}, {1.5, 2.5}}), mixed("Float", "Double"));
  CHECK_ERROR(tensor({{true, false}, {1, 2}}), mixed("Bool", "Int"));
  CHECK_ERROR(tensor({{1, 2}, {int64_t{1}, int64_t{2}}}), mixed("Int", "Long"));
}

TEST_CASE("from_blob without a deleter to call") {
  float memory[2] = {1, 2};
  CHECK(from_blob(memory, {2}, std::function<void(void*)>()).sum().item<float>() == 3);
}

TEST_CASE("from_blob that is refused calls no deleter") {
  float memory[6] = {};
  int calls = 0;
  const std::function<void(void*)> deleter = [&](void*) { ++calls; };
  CHECK_THROWS_AS(from_blob(memory, {2, 3}, deleter, TensorOptions(kLong).requires_grad(true)), Error);
  CHECK_THROWS_AS(from_blob(memory, {-1}, deleter), Error);
  CHECK(calls == 0);
  CHECK(from_blob(memory, {2, 3}, deleter).numel() == 6);
  CHECK(calls == 1);
}

TEST_CASE("lists are not left") {
  const IntArrayRef none;
  const std::vector<int64_t> two{1, 2};
  CHECK_ERROR(none.front(), "ArrayRef: attempted to access front() of empty list");
  CHECK_ERROR(none.back(), "ArrayRef: attempted to access back() of empty list");
  CHECK_ERROR(IntArrayRef(two).slice(3, 1), "ArrayRef: invalid slice, N = 3; M = 1; size = 2");
  CHECK_THROWS_AS(IntArrayRef(two).slice(1, SIZE_MAX), Error);
  CHECK_THROWS_AS(IntArrayRef(two).slice(3), Error);
  CHECK(IntArrayRef(two).slice(2).empty());
  OrderedDict<std::string, int> dict;
  CHECK_THROWS_AS(dict.reserve(SIZE_MAX), Error);
  CHECK((-Scalar(std::numeric_limits<int64_t>::min())).toLong() == std::numeric_limits<int64_t>::min());
}
