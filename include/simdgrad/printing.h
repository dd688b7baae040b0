// How tensors print: as Python's torch prints them.
#pragma once

#include <simdgrad/tensor.h>

#include <cstdint>
#include <optional>
#include <string>

namespace simdgrad {

// What set_printoptions changes; what is not given stays, except sci_mode. As torch.set_printoptions:
//   set_printoptions(PrintOptions().precision(2).linewidth(120));
class PrintOptions {
 public:
#define SIMDGRAD_PRINT_OPTION(Type, name)               \
  PrintOptions& name(Type value) {                      \
    name##_ = std::move(value);                         \
    return *this;                                       \
  }                                                     \
  const std::optional<Type>& name() const { return name##_; }
  // Digits behind the point; 4 at first.
  SIMDGRAD_PRINT_OPTION(int64_t, precision)
  // Tensors of more elements are summarised; 1000 at first.
  SIMDGRAD_PRINT_OPTION(int64_t, threshold)
  // How many entries a summary shows at each end of a dimension; 3 at first.
  SIMDGRAD_PRINT_OPTION(int64_t, edgeitems)
  // Characters per line; 80 at first.
  SIMDGRAD_PRINT_OPTION(int64_t, linewidth)
  // "default", "short" (2 digits, 2 edge items) or "full" (never summarises): sets the others first.
  SIMDGRAD_PRINT_OPTION(std::string, profile)
  // Scientific notation always or never; where not given, chosen by the values' range.
  SIMDGRAD_PRINT_OPTION(bool, sci_mode)
#undef SIMDGRAD_PRINT_OPTION

 private:
  std::optional<int64_t> precision_, threshold_, edgeitems_, linewidth_;
  std::optional<std::string> profile_;
  std::optional<bool> sci_mode_;
};

// For the whole process. Error for a profile that does not exist and for negative numbers.
SIMDGRAD_API void set_printoptions(const PrintOptions& options);

// The text that operator<< prints: "tensor([1., 2.], grad_fn=<AddBackward0>)".
SIMDGRAD_API std::string to_string(const Tensor& tensor);

}  // namespace simdgrad
