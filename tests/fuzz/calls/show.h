// Arguments as text, for one who reproduces a call.
#pragma once

#include <simdgrad/simdgrad.h>

#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

namespace fuzz {

// "float [2, 3] strides [1, 2] offset 0, requires grad, leaf: tensor(...)".
std::string show_tensor(const simdgrad::Tensor& x);

template <class T>
std::string show(const T& value);

template <class T>
std::string show_list(const T& values) {
  std::string text = "{";
  for (const auto& value : values) text += (text.size() > 1 ? ", " : "") + show(value);
  return text + "}";
}

template <class T>
std::string show(const T& value) {
  std::ostringstream out;
  out.precision(17);
  if constexpr (std::is_same_v<T, simdgrad::Tensor>) {
    return show_tensor(value);
  } else if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_arithmetic_v<T>) {
    out << +value;
  } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>) {
    return "\"" + std::string(value) + "\"";
  } else if constexpr (std::is_same_v<T, simdgrad::Scalar>) {
    out << value << (value.is_floating_point() ? " (float)" : value.is_boolean() ? " (bool)" : "");
  } else if constexpr (std::is_same_v<T, simdgrad::ScalarType>) {
    return simdgrad::to_string(value);
  } else if constexpr (std::is_enum_v<T>) {
    out << static_cast<int64_t>(value);
  } else if constexpr (std::is_same_v<T, simdgrad::TensorOptions>) {
    out << (value.has_dtype() ? simdgrad::to_string(value.dtype()) : "no dtype") << ", layout "
        << value.layout() << (value.requires_grad() ? ", requires grad" : "");
  } else if constexpr (std::is_same_v<T, simdgrad::OptionalIntArrayRef>) {
    return value ? show_list(*value) : "none";
  } else if constexpr (requires {
                         value.has_value();
                         *value;
                       }) {
    return value.has_value() ? show(*value) : "none";
  } else if constexpr (requires { value.begin()->key(); }) {
    std::string text = "{";
    for (const auto& item : value) text += show(item.key()) + ": " + show(item.value()) + ", ";
    return text + "}";
  } else if constexpr (requires {
                         value.begin();
                         value.end();
                         value.size();
                       }) {
    return show_list(value);
  } else if constexpr (std::is_same_v<T, simdgrad::indexing::TensorIndex>) {
    using Kind = simdgrad::indexing::TensorIndex::Kind;
    if (value.kind() == Kind::tensor) return show(value.tensor());
    if (value.kind() == Kind::slice)
      return "Slice(" + show(value.slice().start) + ", " + show(value.slice().stop) + ", " +
             show(value.slice().step) + ")";
    const char* const names[] = {"None", "Ellipsis", "", "", "", ""};
    out << names[static_cast<int>(value.kind())];
    if (value.kind() == Kind::integer || value.kind() == Kind::boolean) out << value.integer();
  } else {
    return "...";
  }
  return out.str();
}

}  // namespace fuzz
