// What a tensor or a call is like, as text that a test compares.
#pragma once

#include <simdgrad/creation.h>
#include <simdgrad/error.h>
#include <simdgrad/node.h>
#include <simdgrad/views.h>

#include <sstream>
#include <string>

namespace simdgrad::testing {

// "[4, 3][1, 4]0 view TBackward0": sizes, strides, offset, whether a view, grad_fn.
inline std::string where(const Tensor& x) {
  std::ostringstream out;
  out << x.sizes() << x.strides() << x.storage_offset() << (x.is_view() ? " view " : " ")
      << (x.grad_fn() != nullptr ? x.grad_fn()->name() : "-");
  return out.str();
}

// The numbers in row-major order, byte by byte.
inline std::string bytes(const Tensor& x) {
  const Tensor dense = x.detach().contiguous();
  return std::string(static_cast<const char*>(dense.data_ptr()),
                     static_cast<size_t>(dense.nbytes()));
}

template <class Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// 0, 1, 2 ... in row-major order.
inline Tensor counting(IntArrayRef sizes, ScalarType dtype = kFloat) {
  int64_t count = 1;
  for (int64_t size : sizes) count *= size;
  return arange(count, kLong).to(dtype).view(sizes);
}

}  // namespace simdgrad::testing

#define CHECK_ERROR(expression, text) \
  CHECK(simdgrad::testing::error_of([&] { (void)(expression); }) == text)
