// A view of consecutive values that somebody else owns, as c10::ArrayRef.
#pragma once

#include <simdgrad/export.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <optional>
#include <vector>

namespace simdgrad {

namespace detail {
[[noreturn]] SIMDGRAD_API void refuse_access(const char* call);
[[noreturn]] SIMDGRAD_API void refuse_slice(size_t first, size_t count, size_t size);
}  // namespace detail

// Does not own: pass it as an argument, do not keep it. `sum({0, 1})`, `zeros({2, 3})` and a
// std::vector all convert to it.
template <class T>
class ArrayRef {
 public:
  using value_type = T;
  using iterator = const T*;
  using const_iterator = const T*;

  constexpr ArrayRef() = default;
  constexpr ArrayRef(const T& value) : data_(&value), size_(1) {}
  constexpr ArrayRef(const T* data, size_t size) : data_(data), size_(size) {}
  constexpr ArrayRef(const T* first, const T* last)
      : data_(first), size_(static_cast<size_t>(last - first)) {}
  ArrayRef(const std::vector<T>& values) : data_(values.data()), size_(values.size()) {}
#pragma GCC diagnostic push
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Winit-list-lifetime"
#endif
  constexpr ArrayRef(const std::initializer_list<T>& values)
      : data_(values.begin() == values.end() ? nullptr : values.begin()), size_(values.size()) {}
#pragma GCC diagnostic pop
  template <size_t N>
  constexpr ArrayRef(const T (&values)[N]) : data_(values), size_(N) {}

  constexpr const T* begin() const { return data_; }
  constexpr const T* end() const { return data_ + size_; }
  constexpr const T* data() const { return data_; }
  constexpr size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr const T& operator[](size_t i) const { return data_[i]; }
  // Error where there is none: "ArrayRef: attempted to access front() of empty list".
  constexpr const T& front() const {
    if (size_ == 0) detail::refuse_access("front");
    return data_[0];
  }
  constexpr const T& back() const {
    if (size_ == 0) detail::refuse_access("back");
    return data_[size_ - 1];
  }
  // Error beyond the end: "ArrayRef: invalid slice, N = 3; M = 1; size = 2".
  constexpr ArrayRef slice(size_t first, size_t count) const {
    if (first > size_ || count > size_ - first) detail::refuse_slice(first, count, size_);
    return {data_ + first, count};
  }
  constexpr ArrayRef slice(size_t first) const {
    if (first > size_) detail::refuse_slice(first, 0, size_);
    return {data_ + first, size_ - first};
  }
  std::vector<T> vec() const { return std::vector<T>(begin(), end()); }
  constexpr bool equals(ArrayRef other) const {
    if (size_ != other.size_) return false;
    for (size_t i = 0; i < size_; ++i)
      if (!(data_[i] == other.data_[i])) return false;
    return true;
  }

 private:
  const T* data_ = nullptr;
  size_t size_ = 0;
};

template <class T>
constexpr bool operator==(ArrayRef<T> a, ArrayRef<T> b) {
  return a.equals(b);
}
template <class T>
bool operator==(const std::vector<T>& a, ArrayRef<T> b) {
  return ArrayRef<T>(a).equals(b);
}
template <class T>
bool operator==(ArrayRef<T> a, const std::vector<T>& b) {
  return a.equals(ArrayRef<T>(b));
}

using IntArrayRef = ArrayRef<int64_t>;

// Dimensions to reduce over, or none for all of them. `{0, 1}`, `1`, a vector and nullopt convert.
class OptionalIntArrayRef {
 public:
  OptionalIntArrayRef() = default;
  OptionalIntArrayRef(std::nullopt_t) {}
  OptionalIntArrayRef(IntArrayRef values) : values_(values), has_value_(true) {}
  OptionalIntArrayRef(const std::vector<int64_t>& values) : values_(values), has_value_(true) {}
#pragma GCC diagnostic push
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Winit-list-lifetime"
#endif
  OptionalIntArrayRef(const std::initializer_list<int64_t>& values)
      : values_(values), has_value_(true) {}
#pragma GCC diagnostic pop
  OptionalIntArrayRef(const int64_t& value) : values_(value), has_value_(true) {}

  bool has_value() const { return has_value_; }
  explicit operator bool() const { return has_value_; }
  IntArrayRef value() const { return values_; }
  IntArrayRef operator*() const { return values_; }
  const IntArrayRef* operator->() const { return &values_; }

 private:
  IntArrayRef values_;
  bool has_value_ = false;
};

// Prints "[2, 3]".
SIMDGRAD_API std::ostream& operator<<(std::ostream& out, IntArrayRef values);

}  // namespace simdgrad
