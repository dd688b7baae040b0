// Names that libtorch has and simdgrad does not need.
#pragma once

#include <simdgrad/autograd.h>
#include <simdgrad/tensor.h>

#include <cstdint>
#include <optional>
#include <sstream>
#include <string>

namespace simdgrad {

using std::make_optional;
using std::nullopt;
using std::nullopt_t;
using std::optional;

using Dtype = ScalarType;
constexpr ScalarType kU8 = kByte, kI8 = kChar, kI16 = kShort, kI32 = kInt, kI64 = kLong,
                     kF32 = kFloat, kF64 = kDouble;

// The arguments as std::ostream prints them, one after the other.
template <class... Parts>
std::string str(const Parts&... parts) {
  std::ostringstream stream;
  (stream << ... << parts);
  return stream.str();
}

// The elements of a container with a text in between.
template <class Container>
std::string Join(const std::string& delimiter, const Container& values) {
  std::ostringstream stream;
  const char* between = "";
  for (const auto& value : values) {
    stream << between << value;
    between = delimiter.c_str();
  }
  return stream.str();
}

namespace autograd {
using tensor_list = variable_list;
}

// There is no other device: programs that ask `cuda::is_available() ? kCUDA : kCPU` get the CPU.
namespace cuda {
inline bool is_available() { return false; }
inline int64_t device_count() { return 0; }
inline void manual_seed(uint64_t) {}
inline void manual_seed_all(uint64_t) {}
}  // namespace cuda

}  // namespace simdgrad

namespace torch = simdgrad;
namespace at = simdgrad;
namespace c10 = simdgrad;
