// The formulas on int64, as plain loops.
#include "ops/pointwise/integer_kernels.h"

#include <simdgrad/error.h>

#include "ops/pointwise/formulas.h"

namespace simdgrad {
namespace {

// The V of ops/pointwise/formulas.h for integers: int64 that wraps.
struct Integer {
  int64_t value;
  template <class Number>
  explicit constexpr Integer(Number number) : value(static_cast<int64_t>(number)) {}

  static Integer wrapped(uint64_t bits) { return Integer(static_cast<int64_t>(bits)); }
  uint64_t bits() const { return static_cast<uint64_t>(value); }
  friend Integer operator+(Integer a, Integer b) { return wrapped(a.bits() + b.bits()); }
  friend Integer operator-(Integer a, Integer b) { return wrapped(a.bits() - b.bits()); }
  friend Integer operator*(Integer a, Integer b) { return wrapped(a.bits() * b.bits()); }
  friend Integer operator-(Integer a) { return wrapped(0 - a.bits()); }
  friend bool operator<(Integer a, Integer b) { return a.value < b.value; }
  friend bool operator<=(Integer a, Integer b) { return a.value <= b.value; }
  friend bool operator>(Integer a, Integer b) { return a.value > b.value; }
  friend bool operator>=(Integer a, Integer b) { return a.value >= b.value; }
  friend bool operator==(Integer a, Integer b) { return a.value == b.value; }
  friend bool operator!=(Integer a, Integer b) { return a.value != b.value; }
  // Towards zero, as C++ does it.
  friend Integer operator/(Integer a, Integer b) {
    SIMDGRAD_CHECK(b.value != 0, "ZeroDivisionError");
    return b.value == -1 ? -a : Integer(a.value / b.value);
  }
  friend Integer trunc(Integer a) { return a; }
  friend Integer floor_divide(Integer a, Integer b) {
    const Integer quotient = a / b;
    const bool inexact = quotient * b != a;
    return inexact && (a.value < 0) != (b.value < 0) ? quotient - Integer(1) : quotient;
  }
  friend Integer abs(Integer a) { return a.value < 0 ? -a : a; }
  friend Integer select(bool mask, Integer a, Integer b) { return mask ? a : b; }
  friend Integer max(Integer a, Integer b) { return a < b ? b : a; }
  friend Integer min(Integer a, Integer b) { return b < a ? b : a; }
  friend Integer fma(Integer a, Integer b, Integer c) { return a * b + c; }
  friend Integer pow(Integer base, Integer exponent) {
    if (exponent.value < 0) {
      if (base.value == 1) return base;
      if (base.value == -1) return exponent.value & 1 ? base : Integer(1);
      return Integer(0);
    }
    Integer result(1);
    for (uint64_t rest = exponent.bits(); rest; rest >>= 1, base = base * base)
      if (rest & 1) result = result * base;
    return result;
  }
};

template <class F>
constexpr bool keeps_type() {
  if constexpr (requires { F::keeps_type; }) {
    return F::keeps_type;
  } else {
    return false;
  }
}
template <class F>
F formula_of(const void* formula) {
  if constexpr (std::is_empty_v<F>) {
    return F{};
  } else {
    return *static_cast<const F*>(formula);
  }
}

template <class F>
void unary_row(char* const* data, const int64_t* strides, int64_t n, const void* formula) {
  const F f = formula_of<F>(formula);
  int64_t* y = reinterpret_cast<int64_t*>(data[0]);
  const int64_t* x = reinterpret_cast<const int64_t*>(data[1]);
  for (int64_t i = 0; i < n; ++i) y[i] = f.forward(Integer(x[i * strides[1]])).value;
}

template <class F>
void binary_row(char* const* data, const int64_t* strides, int64_t n, const void* formula) {
  const F f = formula_of<F>(formula);
  int64_t* y = reinterpret_cast<int64_t*>(data[0]);
  const int64_t* a = reinterpret_cast<const int64_t*>(data[1]);
  const int64_t* b = reinterpret_cast<const int64_t*>(data[2]);
  for (int64_t i = 0; i < n; ++i)
    y[i] = f.forward(Integer(a[i * strides[1]]), Integer(b[i * strides[2]])).value;
}

template <class F>
void compare_row(char* const* data, const int64_t* strides, int64_t n, const void*) {
  bool* y = reinterpret_cast<bool*>(data[0]);
  const int64_t* a = reinterpret_cast<const int64_t*>(data[1]);
  const int64_t* b = reinterpret_cast<const int64_t*>(data[2]);
  for (int64_t i = 0; i < n; ++i)
    y[i] = F::forward(Integer(a[i * strides[1]]), Integer(b[i * strides[2]]));
}

template <BitOp op>
void bit_row(char* const* data, const int64_t* strides, int64_t n, const void*) {
  constexpr int second = op == BitOp::bit_not ? 1 : 2;
  int64_t* y = reinterpret_cast<int64_t*>(data[0]);
  const int64_t* a = reinterpret_cast<const int64_t*>(data[1]);
  const int64_t* b = reinterpret_cast<const int64_t*>(data[second]);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t left = a[i * strides[1]], right = b[i * strides[second]];
    if constexpr (op == BitOp::bit_not) y[i] = ~left;
    if constexpr (op == BitOp::bit_and) y[i] = left & right;
    if constexpr (op == BitOp::bit_or) y[i] = left | right;
    if constexpr (op == BitOp::bit_xor) y[i] = left ^ right;
  }
}

template <class T>
void where_row(char* const* data, const int64_t* strides, int64_t n, const void*) {
  T* y = reinterpret_cast<T*>(data[0]);
  const bool* mask = reinterpret_cast<const bool*>(data[1]);
  const T* a = reinterpret_cast<const T*>(data[2]);
  const T* b = reinterpret_cast<const T*>(data[3]);
  for (int64_t i = 0; i < n; ++i)
    y[i] = mask[i * strides[1]] ? a[i * strides[2]] : b[i * strides[3]];
}

template <class F>
constexpr RowKernel unary_kernel() {
  if constexpr (keeps_type<F>()) {
    return unary_row<F>;
  } else {
    return nullptr;
  }
}
template <class F>
constexpr RowKernel binary_kernel() {
  if constexpr (keeps_type<F>()) {
    return binary_row<F>;
  } else {
    return nullptr;
  }
}

}  // namespace

RowKernel integer_kernel(kernels::UnaryOp op) {
  static constexpr RowKernel rows[] = {
#define SIMDGRAD_ROW(Formula) unary_kernel<formulas::Formula>(),
#define SIMDGRAD_UNARY(function, Formula) SIMDGRAD_ROW(Formula)
#include <simdgrad/unary_ops.inc>
      SIMDGRAD_MORE_UNARY(SIMDGRAD_ROW)
#undef SIMDGRAD_UNARY
#undef SIMDGRAD_ROW
  };
  return rows[static_cast<int>(op)];
}

RowKernel integer_kernel(kernels::BinaryOp op) {
  static constexpr RowKernel rows[] = {
#define SIMDGRAD_ROW(Formula) binary_kernel<formulas::Formula>(),
#define SIMDGRAD_BINARY(function, Formula) SIMDGRAD_ROW(Formula)
#include <simdgrad/binary_ops.inc>
      SIMDGRAD_MORE_BINARY(SIMDGRAD_ROW)
#undef SIMDGRAD_BINARY
#undef SIMDGRAD_ROW
  };
  return rows[static_cast<int>(op)];
}

RowKernel integer_kernel(kernels::CompareOp op) {
  static constexpr RowKernel rows[] = {
#define SIMDGRAD_ROW(Formula) compare_row<formulas::Formula>,
      SIMDGRAD_COMPARISONS(SIMDGRAD_ROW)
#undef SIMDGRAD_ROW
  };
  return rows[static_cast<int>(op)];
}

RowKernel integer_kernel(BitOp op) {
  static constexpr RowKernel rows[] = {bit_row<BitOp::bit_not>, bit_row<BitOp::bit_and>,
                                       bit_row<BitOp::bit_or>, bit_row<BitOp::bit_xor>};
  return rows[static_cast<int>(op)];
}

RowKernel plain_where_kernel(ScalarType dtype) {
  switch (element_size(dtype)) {
    case 1: return where_row<uint8_t>;
    case 2: return where_row<uint16_t>;
    case 4: return where_row<uint32_t>;
    default: return where_row<uint64_t>;
  }
}

}  // namespace simdgrad
