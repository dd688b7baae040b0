// Element types of tensors, as c10::ScalarType.
#pragma once

#include <simdgrad/export.h>

#include <cstddef>
#include <cstdint>
#include <iosfwd>

namespace simdgrad {

// float32 and float64 compute; the integers and bool serve ids, masks, counts and conversions.
enum class ScalarType : uint8_t { Byte, Char, Short, Int, Long, Float, Double, Bool };

constexpr ScalarType kByte = ScalarType::Byte, kUInt8 = ScalarType::Byte;
constexpr ScalarType kChar = ScalarType::Char, kInt8 = ScalarType::Char;
constexpr ScalarType kShort = ScalarType::Short, kInt16 = ScalarType::Short;
constexpr ScalarType kInt = ScalarType::Int, kInt32 = ScalarType::Int;
constexpr ScalarType kLong = ScalarType::Long, kInt64 = ScalarType::Long;
constexpr ScalarType kFloat = ScalarType::Float, kFloat32 = ScalarType::Float;
constexpr ScalarType kDouble = ScalarType::Double, kFloat64 = ScalarType::Double;
constexpr ScalarType kBool = ScalarType::Bool;

namespace detail {
// "ScalarType: got 77, which is no element type"
[[noreturn]] SIMDGRAD_API void refuse_scalar_type(ScalarType type);
// A number cast to ScalarType may be none of them.
constexpr void check_scalar_type(ScalarType type) {
  if (type > ScalarType::Bool) [[unlikely]]
    refuse_scalar_type(type);
}
}  // namespace detail

// Bytes of one element.
constexpr int64_t element_size(ScalarType type) {
  constexpr uint8_t sizes[] = {1, 1, 2, 4, 8, 4, 8, 1};
  detail::check_scalar_type(type);
  return sizes[static_cast<uint8_t>(type)];
}

constexpr bool is_floating_point(ScalarType type) {
  return type == ScalarType::Float || type == ScalarType::Double;
}

// True for the integers, and for bool where include_bool says so. As c10::isIntegralType.
constexpr bool is_integral(ScalarType type, bool include_bool) {
  return !is_floating_point(type) && (include_bool || type != ScalarType::Bool);
}

// "Float", "Long" ...: the name that PyTorch's C++ texts use.
SIMDGRAD_API const char* to_string(ScalarType type);

// "torch.float32"'s last part, as Python prints it: "float32", "int64", "bool" ...
SIMDGRAD_API const char* dtype_name(ScalarType type);

// The type that holds both without losing the category (bool < integers < floats), as
// torch::promote_types: promote_types(kLong, kFloat) is kFloat, promote_types(kByte, kChar) kShort.
SIMDGRAD_API ScalarType promote_types(ScalarType a, ScalarType b);

// Can a result of type `from` be stored in a tensor of type `to` by an in-place operation? Not from
// floats to integers, not from anything to bool. As torch::can_cast.
SIMDGRAD_API bool can_cast(ScalarType from, ScalarType to);

// The floating-point type that factories use when none is given; Float unless set.
// set_default_dtype throws Error for anything but kFloat and kDouble.
SIMDGRAD_API ScalarType get_default_dtype();
SIMDGRAD_API void set_default_dtype(ScalarType type);

SIMDGRAD_API std::ostream& operator<<(std::ostream& out, ScalarType type);

// What dtype() gives, as caffe2::TypeMeta: a ScalarType that prints as the type in C++.
class TypeMeta {
 public:
  constexpr explicit TypeMeta(ScalarType type = ScalarType::Float) : type_(type) {}
  constexpr operator ScalarType() const { return type_; }
  constexpr ScalarType toScalarType() const { return type_; }
  // "float", "long int", "unsigned char"
  SIMDGRAD_API const char* name() const;
  constexpr size_t itemsize() const { return static_cast<size_t>(element_size(type_)); }

 private:
  ScalarType type_;
};
SIMDGRAD_API std::ostream& operator<<(std::ostream& out, TypeMeta type);

// scalar_type_of<float> == kFloat, and so on for every element type of C++.
template <class T>
inline constexpr bool is_element_type = false;
template <class T>
inline constexpr ScalarType scalar_type_of = ScalarType::Float;
#define SIMDGRAD_ELEMENT_TYPE(type, name)      \
  template <>                                  \
  inline constexpr bool is_element_type<type> = true; \
  template <>                                  \
  inline constexpr ScalarType scalar_type_of<type> = ScalarType::name;
SIMDGRAD_ELEMENT_TYPE(uint8_t, Byte)
SIMDGRAD_ELEMENT_TYPE(int8_t, Char)
SIMDGRAD_ELEMENT_TYPE(int16_t, Short)
SIMDGRAD_ELEMENT_TYPE(int32_t, Int)
SIMDGRAD_ELEMENT_TYPE(int64_t, Long)
SIMDGRAD_ELEMENT_TYPE(float, Float)
SIMDGRAD_ELEMENT_TYPE(double, Double)
SIMDGRAD_ELEMENT_TYPE(bool, Bool)
#undef SIMDGRAD_ELEMENT_TYPE

}  // namespace simdgrad
