// A growing array of plain values: the first few inline, more from the caching allocator, so that a
// training step in its steady state asks the system for nothing.
#pragma once

#include <cstring>
#include <type_traits>
#include <utility>

#include "core/allocator.h"

namespace simdgrad {

template <class T, size_t inline_count>
class SmallVector {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  SmallVector() = default;
  SmallVector(const SmallVector&) = delete;
  SmallVector& operator=(const SmallVector&) = delete;
  ~SmallVector() {
    if (data_ != inlined()) deallocate(data_, capacity_ * sizeof(T));
  }
  void push_back(const T& value) {
    if (size_ == capacity_) [[unlikely]] grow();
    data_[size_++] = value;
  }
  T pop_back() { return data_[--size_]; }
  T& back() { return data_[size_ - 1]; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  T* inlined() { return reinterpret_cast<T*>(bytes_); }
  void grow() {
    T* larger = static_cast<T*>(allocate(2 * capacity_ * sizeof(T)));
    std::memcpy(static_cast<void*>(larger), data_, size_ * sizeof(T));
    if (data_ != inlined()) deallocate(data_, capacity_ * sizeof(T));
    data_ = larger;
    capacity_ *= 2;
  }

  alignas(T) unsigned char bytes_[inline_count * sizeof(T)];
  T* data_ = inlined();
  size_t size_ = 0;
  size_t capacity_ = inline_count;
};

}  // namespace simdgrad
