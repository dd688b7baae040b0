// One number that remembers whether it is a bool, an integer or a float, as c10::Scalar.
#pragma once

#include <simdgrad/scalar_type.h>

#include <cstdint>
#include <iosfwd>
#include <limits>
#include <type_traits>

namespace simdgrad {

class Tensor;

// The other operand in `x * 2` or `x.pow(0.5)`. Its kind decides the type of the result: an integer
// tensor times 2 stays integer, times 2.0 becomes the default float type.
class Scalar {
 public:
  constexpr Scalar() = default;
  template <class T, class = std::enable_if_t<std::is_arithmetic_v<T>>>
  constexpr Scalar(T value) {
    if constexpr (std::is_same_v<T, bool>) {
      kind_ = ScalarType::Bool;
      integer_ = value;
    } else if constexpr (std::is_floating_point_v<T>) {
      kind_ = ScalarType::Double;
      floating_ = static_cast<double>(value);
    } else {
      integer_ = static_cast<int64_t>(value);
    }
  }

  // Long, Double or Bool.
  constexpr ScalarType type() const { return kind_; }
  constexpr bool is_floating_point() const { return kind_ == ScalarType::Double; }
  constexpr bool is_integral(bool include_bool) const {
    return kind_ == ScalarType::Long || (include_bool && is_boolean());
  }
  constexpr bool is_boolean() const { return kind_ == ScalarType::Bool; }

  // The value as T, converted as C++ converts numbers.
  template <class T>
  constexpr T to() const {
    if constexpr (std::is_same_v<T, bool>) {
      return is_floating_point() ? floating_ != 0 : integer_ != 0;
    } else {
      return is_floating_point() ? static_cast<T>(floating_) : static_cast<T>(integer_);
    }
  }
  // Can T hold it, perhaps rounded? Negative integers may wrap into unsigned types, as in PyTorch.
  template <class T>
  constexpr bool fits() const {
    using Limits = std::numeric_limits<T>;
    if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, double>) {
      return true;
    } else if constexpr (std::is_floating_point_v<T>) {
      const double value = to<double>();
      const bool is_finite = value - value == 0;
      return !is_finite || (value >= Limits::lowest() && value <= Limits::max());
    } else if (is_floating_point()) {
      const double largest = static_cast<double>(Limits::max());
      return floating_ >= static_cast<double>(Limits::lowest()) &&
             (sizeof(T) == 8 ? floating_ < largest : floating_ <= largest);
    } else if constexpr (std::is_signed_v<T>) {
      return integer_ >= Limits::lowest() && integer_ <= Limits::max();
    } else {
      const uint64_t size =
          integer_ < 0 ? -static_cast<uint64_t>(integer_) : static_cast<uint64_t>(integer_);
      return size <= Limits::max();
    }
  }
  constexpr double to_double() const { return to<double>(); }
  constexpr int64_t to_long() const { return to<int64_t>(); }
  // libtorch's names.
  constexpr double toDouble() const { return to<double>(); }
  constexpr float toFloat() const { return to<float>(); }
  constexpr int64_t toLong() const { return to<int64_t>(); }
  constexpr int toInt() const { return to<int>(); }
  constexpr bool toBool() const { return to<bool>(); }
  constexpr bool equal(double value) const { return to_double() == value; }
  constexpr Scalar operator-() const {
    if (is_floating_point()) return Scalar(-floating_);
    return Scalar(static_cast<int64_t>(0 - static_cast<uint64_t>(integer_)));  // wraps, as in libtorch
  }

 private:
  union {
    int64_t integer_ = 0;
    double floating_;
  };
  ScalarType kind_ = ScalarType::Long;
};

SIMDGRAD_API std::ostream& operator<<(std::ostream& out, const Scalar& value);

}  // namespace simdgrad
