// Loops that turn a formula into a RowKernel.
#pragma once

#include "ops/pointwise/formulas.h"
#include "ops/kernels/math/math.h"
#include "ops/kernels/pointwise.h"
#include "ops/kernels/rounding.h"

#define SIMDGRAD_INLINE_LAMBDA __attribute__((always_inline))
// Formulas are inlined into their loops, however long: as functions they would fetch their constants for
// each vector. The loops themselves are not.
#define SIMDGRAD_FLAT __attribute__((flatten, noinline))

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {
namespace {

// Where a Stream keeps its number. Apart from it: a pointer into itself would keep the whole Stream in
// memory, and each step would wait for its own store (relu_ of 16M: 2.05 ms instead of 1.65).
template <class T>
struct Number {
  T lanes[Vec<T>::size];
};

// Rows of this many elements are parts of operands that do not fit L1.
template <class T>
constexpr std::int64_t kFarRow = 65536 / sizeof(T);

// An input: its rows, or one number for the whole row, read in the same way.
template <class T>
struct Stream {
  using V = Vec<T>;
  const T* at;
  std::int64_t step;

  SIMDGRAD_INLINE Stream(const char* data, std::int64_t stride, Number<T>& number)
      : at(reinterpret_cast<const T*>(data)), step(V::size) {
    if (stride == 0) {
      V(*at).store(number.lanes);
      at = number.lanes;
      step = 0;
    }
  }
  // far: what lies 8 KiB further on is asked for. Where numbers are changed in place it gains a quarter
  // beyond L1 (relu_ of 128K: 4.0 us become 2.8; of 16M: 1.65 ms, 1.35); with two streams it loses a tenth.
  template <bool far = false>
  SIMDGRAD_INLINE V next() {
    if constexpr (far) __builtin_prefetch(reinterpret_cast<const char*>(at) + 8192);
    const V value = V::load(at);
    at += step;
    return value;
  }
  SIMDGRAD_INLINE V tail(int n) const { return V::load_partial(at, n); }
};

// The formula with its members, in registers; formulas without any need no object.
template <class F>
SIMDGRAD_INLINE F formula_of(const void* formula) {
  if constexpr (__is_empty(F)) {
    return F{};
  } else {
    return *static_cast<const F*>(formula);
  }
}

template <class F, class T>
SIMDGRAD_FLAT void unary_forward(char* const* data, const std::int64_t* strides,
                                 std::int64_t n, const void* formula) {
  constexpr int size = Vec<T>::size;
  const F f = formula_of<F>(formula);
  T* y = reinterpret_cast<T*>(data[0]);
  Number<T> number_of_x;
  Stream<T> x(data[1], strides[1], number_of_x);
  if (n >= kFarRow<T> && data[0] == data[1]) {
    for (; n >= size; n -= size, y += size) f.forward(x.template next<true>()).store(y);
  }
  for (; n >= size; n -= size, y += size) f.forward(x.next()).store(y);
  if (n > 0) f.forward(x.tail(static_cast<int>(n))).store_partial(y, static_cast<int>(n));
}

template <class F, class T>
SIMDGRAD_FLAT void unary_backward(char* const* data, const std::int64_t* strides,
                                  std::int64_t n, const void* formula) {
  constexpr int size = Vec<T>::size;
  const F f = formula_of<F>(formula);
  T* dx = reinterpret_cast<T*>(data[0]);
  Number<T> number_of_dy;
  Stream<T> dy(data[2], strides[2], number_of_dy);
  if constexpr (F::saves == formulas::Saves::nothing) {
    for (; n >= size; n -= size, dx += size) f.backward(Vec<T>(0), dy.next()).store(dx);
    const int rest = static_cast<int>(n);
    if (rest > 0) f.backward(Vec<T>(0), dy.tail(rest)).store_partial(dx, rest);
  } else {
    Number<T> number_of_saved;
    Stream<T> saved(data[1], strides[1], number_of_saved);
    for (; n >= size; n -= size, dx += size) f.backward(saved.next(), dy.next()).store(dx);
    const int rest = static_cast<int>(n);
    if (rest > 0) f.backward(saved.tail(rest), dy.tail(rest)).store_partial(dx, rest);
  }
}

template <class F, class T>
SIMDGRAD_FLAT void binary_forward(char* const* data, const std::int64_t* strides,
                                  std::int64_t n, const void* formula) {
  constexpr int size = Vec<T>::size;
  const F f = formula_of<F>(formula);
  T* y = reinterpret_cast<T*>(data[0]);
  Number<T> number_of_a, number_of_b;
  Stream<T> a(data[1], strides[1], number_of_a);
  Stream<T> b(data[2], strides[2], number_of_b);
  for (; n >= size; n -= size, y += size) f.forward(a.next(), b.next()).store(y);
  const int rest = static_cast<int>(n);
  if (rest > 0) f.forward(a.tail(rest), b.tail(rest)).store_partial(y, rest);
}

template <class F, class T, bool of_a>
SIMDGRAD_FLAT void binary_backward(char* const* data, const std::int64_t* strides,
                                   std::int64_t n, const void* formula) {
  using V = Vec<T>;
  constexpr formulas::Uses uses = of_a ? F::for_a : F::for_b;
  constexpr bool reads_a = static_cast<int>(uses) & 1, reads_b = static_cast<int>(uses) & (2 | 4);
  constexpr int size = V::size;
  const F f = formula_of<F>(formula);
  T* dx = reinterpret_cast<T*>(data[0]);
  // What is not read is any one number, never looked at.
  Number<T> number_of_a, number_of_b, number_of_dy;
  Stream<T> a(data[reads_a ? 1 : 3], reads_a ? strides[1] : 1, number_of_a);
  Stream<T> b(data[reads_b ? 2 : 3], reads_b ? strides[2] : 1, number_of_b);
  Stream<T> dy(data[3], strides[3], number_of_dy);
  const auto gradient = [&f](V x, V y, V d) SIMDGRAD_INLINE_LAMBDA {
    if constexpr (of_a) {
      return f.backward_a(x, y, d);
    } else {
      return f.backward_b(x, y, d);
    }
  };
  for (; n >= size; n -= size, dx += size) {
    const V x = reads_a ? a.next() : V(0);
    const V y = reads_b ? b.next() : V(0);
    gradient(x, y, dy.next()).store(dx);
  }
  const int rest = static_cast<int>(n);
  if (rest > 0) {
    const V x = reads_a ? a.tail(rest) : V(0);
    const V y = reads_b ? b.tail(rest) : V(0);
    gradient(x, y, dy.tail(rest)).store_partial(dx, rest);
  }
}

// Does it follow the caller's rounding mode, as a formula of sums, products, quotients and roots does?
// One that does so only with some members says for itself.
template <class F>
constexpr bool is_arithmetic = requires { F::arithmetic; };

template <class F, RowKernel kernel>
void by_members(char* const* data, const std::int64_t* strides, std::int64_t n, const void* formula) {
  (static_cast<const F*>(formula)->is_arithmetic() ? kernel : nearest<kernel>)(data, strides, n,
                                                                               formula);
}
template <class F, RowKernel kernel>
constexpr RowKernel row_kernel() {
  if constexpr (is_arithmetic<F>) {
    return kernel;
  } else if constexpr (requires(const F f) { f.is_arithmetic(); }) {
    return by_members<F, kernel>;
  } else {
    return nearest<kernel>;
  }
}

// A formula of one or two operands whose result is a mask.
template <class F, class T, int inputs>
void mask_forward(char* const* data, const std::int64_t* strides, std::int64_t n,
                  const void* formula) {
  constexpr int size = Vec<T>::size;
  const F f = formula_of<F>(formula);
  char* y = data[0];
  Number<T> number_of_a, number_of_b;
  Stream<T> a(data[1], strides[1], number_of_a);
  Stream<T> b(data[inputs], strides[inputs], number_of_b);
  const auto mask = [&f](Vec<T> x, Vec<T> z) SIMDGRAD_INLINE_LAMBDA {
    if constexpr (inputs == 2) {
      return f.forward(x, z);
    } else {
      return f.forward(x);
    }
  };
  for (; n >= size; n -= size, y += size) mask(a.next(), b.next()).store_bool(y);
  const int rest = static_cast<int>(n);
  if (rest > 0) mask(a.tail(rest), b.tail(rest)).store_bool_partial(y, rest);
}

}  // namespace
}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
