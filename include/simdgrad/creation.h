// Tensors made from nothing, from numbers in the source, or from memory that exists.
//
// All take TensorOptions (dtype, requires_grad); without a dtype it is the default float type unless
// said otherwise. Sizes: "Trying to create tensor with negative dimension -1: [-1]", "Storage size
// calculation overflowed with sizes=[...]". Results are contiguous leaves. The _like forms take
// shape, dtype and (where dense) strides from a tensor; options override the dtype.
#pragma once

#include <simdgrad/tensor.h>

#include <functional>
#include <initializer_list>
#include <vector>

namespace simdgrad {

// Uninitialised, zeros, ones, and any value. torch::empty, zeros, ones, full. full without a dtype
// follows the value: bool, int64 or the default float type.
SIMDGRAD_API Tensor empty(IntArrayRef sizes, const TensorOptions& options = {});
SIMDGRAD_API Tensor zeros(IntArrayRef sizes, const TensorOptions& options = {});
SIMDGRAD_API Tensor ones(IntArrayRef sizes, const TensorOptions& options = {});
SIMDGRAD_API Tensor full(IntArrayRef sizes, const Scalar& value, const TensorOptions& options = {});
SIMDGRAD_API Tensor empty_like(const Tensor& self, const TensorOptions& options = {});
SIMDGRAD_API Tensor zeros_like(const Tensor& self, const TensorOptions& options = {});
SIMDGRAD_API Tensor ones_like(const Tensor& self, const TensorOptions& options = {});
SIMDGRAD_API Tensor full_like(const Tensor& self, const Scalar& value,
                              const TensorOptions& options = {});

// start, start + step, ... before end: ceil((end - start) / step) numbers. Without a dtype: int64
// if all three are integers. With kLong all three are cut to integers first, with the other integer
// types the numbers are made from integers. Errors: "step must be nonzero", "upper bound and lower bound
// inconsistent with step sign". torch::arange.
SIMDGRAD_API Tensor arange(const Scalar& end, const TensorOptions& options = {});
SIMDGRAD_API Tensor arange(const Scalar& start, const Scalar& end,
                           const TensorOptions& options = {});
SIMDGRAD_API Tensor arange(const Scalar& start, const Scalar& end, const Scalar& step,
                           const TensorOptions& options = {});

// `steps` numbers evenly from start to end, both included. Error: "number of steps must be
// non-negative". torch::linspace.
SIMDGRAD_API Tensor linspace(const Scalar& start, const Scalar& end, int64_t steps,
                             const TensorOptions& options = {});

// [n, m] with ones on the diagonal; m is n unless given. torch::eye.
SIMDGRAD_API Tensor eye(int64_t n, const TensorOptions& options = {});
SIMDGRAD_API Tensor eye(int64_t n, int64_t m, const TensorOptions& options = {});

// Nested braces of numbers, as torch::detail::TensorDataContainer: what tensor() takes.
class SIMDGRAD_API TensorData {
 public:
  TensorData() : sizes_{0}, is_list_(true) {}
  template <class T>
    requires std::is_arithmetic_v<T>
  TensorData(T value) : dtype_(type_of<T>()), values_{Scalar(value)} {}
  TensorData(std::initializer_list<TensorData> list);
  template <class T>
  TensorData(ArrayRef<T> values) : dtype_(type_of<T>()), is_list_(true) {
    sizes_.push_back(static_cast<int64_t>(values.size()));
    for (const T& value : values) values_.push_back(Scalar(value));
  }
  template <class T>
  TensorData(const std::vector<T>& values) : dtype_(type_of<T>()), is_list_(true) {
    sizes_.push_back(static_cast<int64_t>(values.size()));
    for (const T value : values) values_.push_back(Scalar(value));
  }

  bool is_list() const { return is_list_; }
  bool is_scalar() const { return !is_list_; }
  IntArrayRef sizes() const { return sizes_; }
  // Long for int and int64, the default float type for float and double; bool and the other integers
  // stay what they are.
  ScalarType scalar_type() const;
  const std::vector<Scalar>& values() const { return values_; }
  // "{{1, 2}, {3, 4}}"
  std::string to_string() const;

 private:
  static std::string join(const std::vector<int64_t>& sizes);
  // Of a type that no tensor holds: one that holds its numbers.
  template <class T>
  static constexpr ScalarType type_of() {
    if constexpr (is_element_type<T>) return scalar_type_of<T>;
    if constexpr (std::is_floating_point_v<T>) return ScalarType::Double;
    constexpr size_t bytes = sizeof(T) + (std::is_unsigned_v<T> ? sizeof(T) : 0);
    return bytes == 1 ? ScalarType::Char : bytes <= 4 ? ScalarType::Int : ScalarType::Long;
  }
  std::vector<int64_t> sizes_;
  ScalarType dtype_ = ScalarType::Double;
  bool is_list_ = false;
  std::vector<Scalar> values_;  // row-major
};

// A tensor of the numbers in the source: `tensor(3.0)` is 0-d, `tensor({{0, 1}, {0, 3}})` is [2, 2]
// of int64, `tensor({1.5, 2.0})` has the default float type, `tensor({})` is [0]; a std::vector and
// an ArrayRef are 1-d. Errors: "Expected all sub-lists to have sizes: 2 (e.g. {1, 2}), but got
// sub-list {3} with sizes: 1"; "Expected all elements of the tensor to have the same scalar type: Int,
// but got element of scalar type: Double". torch::tensor.
SIMDGRAD_API Tensor tensor(const TensorData& data, const TensorOptions& options = {});

// A tensor on memory that the caller owns and keeps alive; nothing is copied. Strides in elements,
// row-major unless given; `deleter` is called with `data` when the last tensor on it goes (not if this
// call fails).
// torch::from_blob.
SIMDGRAD_API Tensor from_blob(void* data, IntArrayRef sizes, const TensorOptions& options = {});
SIMDGRAD_API Tensor from_blob(void* data, IntArrayRef sizes, IntArrayRef strides,
                              const TensorOptions& options = {});
SIMDGRAD_API Tensor from_blob(void* data, IntArrayRef sizes,
                              const std::function<void(void*)>& deleter,
                              const TensorOptions& options = {});

}  // namespace simdgrad
