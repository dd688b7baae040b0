// Tensors made from nothing, from numbers, from memory.
#include "tests/cases/rows.h"

namespace cases {
namespace {

using namespace simdgrad;
using Values = std::vector<double>;

Shape strides_of(const Tensor& x) { return Shape(x.strides().begin(), x.strides().end()); }

const ScalarType kEveryType[] = {kByte, kChar, kShort, kInt, kLong, kFloat, kDouble, kBool};
const Shape kShapes[] = {{3, 4}, {67}, {1}, {2, 0, 3}, {}};

// A new contiguous leaf of its own, at version 0.
void check_fresh(const Tensor& x, bool requires_grad) {
  CHECK(x.is_leaf());
  CHECK(x.requires_grad() == requires_grad);
  CHECK_FALSE(x.is_view());
  CHECK(x._version() == 0);
  CHECK(x.storage_offset() == 0);
}

void check_filled() {
  for (const Shape& shape : kShapes) {
    const Values none(static_cast<size_t>(reference::count(shape)), 0), one(none.size(), 1);
    expect(zeros(shape), kFloat, shape, none);
    expect(ones(shape), kFloat, shape, one);
    for (ScalarType dtype : kEveryType) {
      expect(zeros(shape, dtype), dtype, shape, none);
      expect(ones(shape, dtype), dtype, shape, one);
      expect(full(shape, 1, dtype), dtype, shape, one);
      const Tensor x = empty(shape, dtype);
      CHECK(x.scalar_type() == dtype);
      CHECK(Shape(x.sizes().begin(), x.sizes().end()) == shape);
      check_fresh(x, false);
      CHECK(x.is_contiguous());
    }
    CHECK(zeros(shape).is_contiguous());
    const TensorOptions leaf = TensorOptions(kDouble).requires_grad(true);
    for (const Tensor& x :
         {empty(shape, leaf), zeros(shape, leaf), ones(shape, leaf), full(shape, 2.5, leaf)}) {
      check_fresh(x, true);
      CHECK(x.scalar_type() == kDouble);
    }
  }
  CHECK(strides_of(zeros({2, 0, 3})) == Shape{3, 3, 1});
  CHECK(strides_of(zeros({2, 3, 5})) == Shape{15, 5, 1});
  // Without a dtype, full follows the kind of the number.
  expect(full({2}, 3), kLong, {2}, {3, 3});
  expect(full({2}, 3.0), kFloat, {2}, {3, 3});
  expect(full({2}, true), kBool, {2}, {1, 1});
  expect(full({2}, kNan), kFloat, {2}, {kNan, kNan});
  expect(full({2}, -0.0), kFloat, {2}, {-0.0, -0.0});
  expect(full({2}, 2.75, kInt), kInt, {2}, {2, 2});
  expect(full({2}, 2, kBool), kBool, {2}, {1, 1});
  CHECK_THROWS_AS(full({2}, 1, TensorOptions().requires_grad(true)), Error);
  CHECK_THROWS_WITH(empty({2, -1}), "Trying to create tensor with negative dimension -1: [2, -1]");
  CHECK_THROWS_WITH(
      empty({int64_t{1} << 40, int64_t{1} << 40}),
      "Storage size calculation overflowed with sizes=[1099511627776, 1099511627776]");
}

void check_default_dtype() {
  set_default_dtype(kDouble);
  const ScalarType found[] = {zeros({2}).scalar_type(),        full({2}, 1.5).scalar_type(),
                              linspace(0, 1, 3).scalar_type(), tensor({1.5}).scalar_type(),
                              arange(2.0).scalar_type(),       eye(2).scalar_type()};
  set_default_dtype(kFloat);
  for (ScalarType dtype : found) CHECK(dtype == kDouble);
  CHECK(zeros({2}).scalar_type() == kFloat);
}

void check_like() {
  const Tensor transposed = zeros({4, 3}).t(), expanded = zeros({4}).expand({3, 4});
  const Tensor strided = zeros({3, 8}).slice(1, 0, 8, 2),
               permuted = zeros({4, 2, 3}).permute({1, 2, 0});
  const auto all_like = [](const Tensor& x) {
    return Tensors{empty_like(x), zeros_like(x), ones_like(x), full_like(x, 2)};
  };
  for (const Tensor& x : all_like(transposed)) CHECK(strides_of(x) == Shape{1, 3});
  for (const Tensor& x : all_like(expanded)) CHECK(strides_of(x) == Shape{4, 1});
  for (const Tensor& x : all_like(strided)) CHECK(strides_of(x) == Shape{4, 1});
  for (const Tensor& x : all_like(permuted)) CHECK(strides_of(x) == Shape{3, 1, 6});
  for (const Shape& shape : kShapes)
    for (ScalarType dtype : {kFloat, kLong, kBool}) {
      const Tensor x = zeros(shape, dtype);
      const Values none(static_cast<size_t>(x.numel()), 0), one(none.size(), 1),
          half(none.size(), 2.5);
      for (const Tensor& like : all_like(x)) check_fresh(like, false);
      CHECK(empty_like(x).scalar_type() == dtype);
      expect(zeros_like(ones(shape, dtype)), dtype, shape, none);
      expect(ones_like(x), dtype, shape, one);
      expect(full_like(x, 1), dtype, shape, one);
      expect(full_like(x, 2.5, kDouble), kDouble, shape, half);
      expect(ones_like(x, kShort), kShort, shape, one);
    }
  expect(full_like(arange(2), 2.5), kLong, {2}, {2, 2});
  const Tensor leaf = ones({2}).requires_grad_();
  CHECK_FALSE(ones_like(leaf).requires_grad());
  CHECK(ones_like(leaf, TensorOptions().requires_grad(true)).requires_grad());
  CHECK_FALSE(ones_like(leaf).is_alias_of(leaf));
}

void check_arange() {
  expect(arange(4), kLong, {4}, {0, 1, 2, 3});
  expect(arange(0), kLong, {0}, {});
  expect(arange(1), kLong, {1}, {0});
  expect(arange(3.0), kFloat, {3}, {0, 1, 2});
  expect(arange(2.5), kFloat, {3}, {0, 1, 2});
  expect(arange(3, kDouble), kDouble, {3}, {0, 1, 2});
  expect(arange(2, 5), kLong, {3}, {2, 3, 4});
  expect(arange(-1, 1.5), kFloat, {3}, {-1, 0, 1});
  expect(arange(1, 8, 3), kLong, {3}, {1, 4, 7});
  expect(arange(1, 7, 3), kLong, {2}, {1, 4});
  expect(arange(5, 0, -2), kLong, {3}, {5, 3, 1});
  expect(arange(0, 1, 0.25), kFloat, {4}, {0, 0.25, 0.5, 0.75});
  expect(arange(0, 4, 2, kInt), kInt, {2}, {0, 2});
  expect(arange(3, 3, 1), kLong, {0}, {});
  Values many;
  for (int i = 0; i < 67; ++i) many.push_back(i * 0.1);
  expect(arange(0, 6.65, 0.1, kDouble), kDouble, {67}, many, 1e-15);
  CHECK(arange(3.0, TensorOptions().requires_grad(true)).requires_grad());
  CHECK_THROWS_WITH(arange(0, 3, 0), "step must be nonzero");
  CHECK_THROWS_WITH(arange(3, 0), "upper bound and lower bound inconsistent with step sign");
  CHECK_THROWS_WITH(arange(0, 3, -1), "upper bound and lower bound inconsistent with step sign");
}

void check_linspace() {
  expect(linspace(0, 1, 5), kFloat, {5}, {0, 0.25, 0.5, 0.75, 1});
  expect(linspace(-2.5, 10, 1, kDouble), kDouble, {1}, {-2.5});
  expect(linspace(3, 7, 0), kFloat, {0}, {});
  expect(linspace(0, 1, 5, kInt), kInt, {5}, {0, 0, 0, 0, 1});
  expect(linspace(1, -1, 5), kFloat, {5}, {1, 0.5, 0, -0.5, -1});
  Values many;
  for (int i = 0; i < 67; ++i) many.push_back(-1 + i * 4.0 / 66);
  expect(linspace(-1, 3, 67, kDouble), kDouble, {67}, many, 1e-14);
  CHECK(linspace(0.1, 0.7, 37, kDouble)[36].item<double>() == 0.7);
  CHECK(linspace(0, 1, 3, TensorOptions().requires_grad(true)).requires_grad());
  CHECK_THROWS_WITH(linspace(0, 1, -1), "number of steps must be non-negative");
}

void check_eye() {
  expect(eye(3), kFloat, {3, 3}, {1, 0, 0, 0, 1, 0, 0, 0, 1});
  expect(eye(2, 3), kFloat, {2, 3}, {1, 0, 0, 0, 1, 0});
  expect(eye(3, 2, kLong), kLong, {3, 2}, {1, 0, 0, 1, 0, 0});
  expect(eye(0), kFloat, {0, 0}, {});
  expect(eye(0, 2), kFloat, {0, 2}, {});
  expect(eye(1, 1, kBool), kBool, {1, 1}, {1});
  CHECK(eye(2, TensorOptions(kDouble).requires_grad(true)).requires_grad());
  CHECK_THROWS_WITH(eye(-1), "n must be greater or equal to 0, got -1");
}

void check_tensor() {
  expect(tensor(3.0), kFloat, {}, {3});
  expect(tensor(3), kLong, {}, {3});
  expect(tensor(true), kBool, {}, {1});
  expect(tensor({1, 2}), kLong, {2}, {1, 2});
  expect(tensor({1.5, 2.0}), kFloat, {2}, {1.5, 2});
  expect(tensor({true, false}), kBool, {2}, {1, 0});
  expect(tensor({{0, 1}, {0, 3}}), kLong, {2, 2}, {0, 1, 0, 3});
  expect(tensor({{{1.5}, {-0.0}}}), kFloat, {1, 2, 1}, {1.5, -0.0});
  expect(tensor({}), kFloat, {0}, {});
  expect(tensor({1, 2}, kDouble), kDouble, {2}, {1, 2});
  expect(tensor({1.9, -1.9}, kInt), kInt, {2}, {1, -1});
  expect(tensor(std::vector<int64_t>{4, 5, 6}), kLong, {3}, {4, 5, 6});
  expect(tensor(std::vector<float>{0.5f}), kFloat, {1}, {0.5});
  expect(tensor(std::vector<bool>{true, false}), kBool, {2}, {1, 0});
  const double numbers[] = {0.1, kNan, kInfinity};
  expect(tensor(ArrayRef<double>(numbers, 3), kDouble), kDouble, {3}, {0.1, kNan, kInfinity});
  CHECK(tensor({1.0}, TensorOptions().requires_grad(true)).requires_grad());
  CHECK(tensor({1.0}).is_leaf());
  CHECK_THROWS_WITH(tensor({{1, 2}, {3}}),
                    "Expected all sub-lists to have sizes: 2 (e.g. {1, 2}), but got sub-list {3} "
                    "with sizes: 1");
}

void check_from_blob() {
  float numbers[6] = {0, 1, 2, 3, 4, 5};
  {
    Tensor x = from_blob(numbers, {2, 3});
    expect(x, kFloat, {2, 3}, {0, 1, 2, 3, 4, 5});
    CHECK(x.data_ptr() == numbers);
    CHECK(x.is_leaf());
    x.mul_(2);  // writes into the caller's memory
    CHECK(numbers[5] == 10);
  }
  CHECK(numbers[5] == 10);  // which outlives the tensor
  expect(from_blob(numbers, {3, 2}, {1, 3}), kFloat, {3, 2}, {0, 6, 2, 8, 4, 10});
  expect(from_blob(numbers, {2, 2}, {0, 1}), kFloat, {2, 2}, {0, 2, 0, 2});
  expect(from_blob(numbers, {}), kFloat, {}, {0});
  expect(from_blob(numbers, {0}), kFloat, {0}, {});
  int64_t integers[2] = {7, -8};
  expect(from_blob(integers, {2}, kLong), kLong, {2}, {7, -8});
  CHECK(from_blob(numbers, {2}, TensorOptions().requires_grad(true)).requires_grad());
  int deleted = 0;
  void* seen = nullptr;
  {
    Tensor view;
    {
      const Tensor x = from_blob(numbers, {6}, [&](void* memory) {
        ++deleted;
        seen = memory;
      });
      view = x.slice(0, 2, 4);
    }
    CHECK(deleted == 0);  // the view keeps the memory
    expect(view, kFloat, {2}, {4, 6});
  }
  CHECK(deleted == 1);
  CHECK(seen == numbers);
}

}  // namespace

void add_creation_cases(Table& table) {
  table.add_special("filled tensors",
                    "empty(IntArrayRef,TensorOptions) zeros(IntArrayRef,TensorOptions) "
                    "ones(IntArrayRef,TensorOptions) full(IntArrayRef,Scalar,TensorOptions)",
                    check_filled);
  table.add_special("the default dtype", "", check_default_dtype);
  table.add_special("tensors like another",
                    "empty_like(Tensor,TensorOptions) zeros_like(Tensor,TensorOptions) "
                    "ones_like(Tensor,TensorOptions) full_like(Tensor,Scalar,TensorOptions)",
                    check_like);
  table.add_special("arange",
                    "arange(Scalar,TensorOptions) arange(Scalar,Scalar,TensorOptions) "
                    "arange(Scalar,Scalar,Scalar,TensorOptions)",
                    check_arange);
  table.add_special("linspace", "linspace(Scalar,Scalar,int64_t,TensorOptions)", check_linspace);
  table.add_special("eye", "eye(int64_t,TensorOptions) eye(int64_t,int64_t,TensorOptions)",
                    check_eye);
  table.add_special("tensor", "tensor(TensorData,TensorOptions)", check_tensor);
  table.add_special("from_blob",
                    "from_blob(void*,IntArrayRef,TensorOptions) "
                    "from_blob(void*,IntArrayRef,IntArrayRef,TensorOptions) "
                    "from_blob(void*,IntArrayRef,function<void(void*)>,TensorOptions)",
                    check_from_blob);
}

}  // namespace cases
