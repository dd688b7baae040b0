// From a dtype, which is known when the program runs, to the C++ type of its elements.
#pragma once

#include <simdgrad/scalar_type.h>

namespace simdgrad {

// Each calls body with a zero of the dtype's C++ type, as in for_type(dtype, [&]<class T>(T) {...}),
// and returns what it returns.
template <class Body>
decltype(auto) for_float_type(ScalarType dtype, Body&& body) {
  return dtype == kFloat ? body(float{}) : body(double{});
}

// Integers and bool.
template <class Body>
decltype(auto) for_integer_type(ScalarType dtype, Body&& body) {
  switch (dtype) {
    case kByte:
      return body(uint8_t{});
    case kChar:
      return body(int8_t{});
    case kShort:
      return body(int16_t{});
    case kInt:
      return body(int32_t{});
    case kLong:
      return body(int64_t{});
    default:
      return body(bool{});
  }
}

template <class Body>
decltype(auto) for_type(ScalarType dtype, Body&& body) {
  return is_floating_point(dtype) ? for_float_type(dtype, body) : for_integer_type(dtype, body);
}

}  // namespace simdgrad
