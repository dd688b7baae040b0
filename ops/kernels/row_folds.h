// Folding a row of numbers: 64 floats (32 doubles) side by side on every instruction set, joined by
// halves at the end, so that the sum of a row has the same bits wherever multiplication and addition
// have. Needs vec.h; included by kernel sources only.
#pragma once

#include <cstdint>

#include "ops/kernels/vec.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {

// Says that a lambda is part of the loop around it.
#define SIMDGRAD_FUSED __attribute__((always_inline))

template <class T>
constexpr T kLaneNumbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

template <class T>
SIMDGRAD_INLINE Mask<T> first_lanes_of(int n) {
  return Vec<T>::load(kLaneNumbers<T>) < Vec<T>(n);
}

// n numbers; the other lanes are 0 or not touched.
template <class T>
SIMDGRAD_INLINE Vec<T> read(const T* p, int n) {
  return n == Vec<T>::size ? Vec<T>::load(p) : Vec<T>::load_partial(p, n);
}
template <class T>
SIMDGRAD_INLINE void write(Vec<T> x, T* p, int n) {
  if (n == Vec<T>::size) {
    x.store(p);
  } else {
    x.store_partial(p, n);
  }
}

// n numbers, n == size unless partial.
template <bool partial, class T>
SIMDGRAD_INLINE Vec<T> load_some(const T* x, int n) {
  if constexpr (partial) return Vec<T>::load_partial(x, n);
  return Vec<T>::load(x);
}
template <bool partial, class T>
SIMDGRAD_INLINE void store_some(Vec<T> v, T* x, int n) {
  if constexpr (partial) return v.store_partial(x, n);
  v.store(x);
}

// Calls body(offset, lanes) on every register of a row.
template <class T, class Body>
SIMDGRAD_INLINE void for_row(int64_t n, Body body) {
  int64_t i = 0;
  for (; i + Vec<T>::size <= n; i += Vec<T>::size) body(i, Vec<T>::size);
  if (i < n) body(i, static_cast<int>(n - i));
}

// How a fold starts and how two results meet; `all` puts the result into every lane.
#define SIMDGRAD_FOLD_LANES(combine)                                          \
  if constexpr (Vec<T>::size == 16) { x = combine(x, swap_lanes<8>(x)); }     \
  if constexpr (Vec<T>::size >= 8) { x = combine(x, swap_lanes<4>(x)); }      \
  if constexpr (Vec<T>::size >= 4) { x = combine(x, swap_lanes<2>(x)); }      \
  return combine(x, swap_lanes<1>(x))

template <class T>
struct Adding {
  SIMDGRAD_INLINE static Vec<T> start() { return Vec<T>(0); }
  SIMDGRAD_INLINE static Vec<T> combine(Vec<T> a, Vec<T> b) { return a + b; }
  SIMDGRAD_INLINE static Vec<T> all(Vec<T> x) { SIMDGRAD_FOLD_LANES(combine); }
};
// NaN wins.
template <class T>
struct Largest {
  SIMDGRAD_INLINE static Vec<T> start() { return Vec<T>(static_cast<T>(-__builtin_inf())); }
  SIMDGRAD_INLINE static Vec<T> combine(Vec<T> a, Vec<T> b) { return max(a, b); }
  SIMDGRAD_INLINE static Vec<T> all(Vec<T> x) { SIMDGRAD_FOLD_LANES(combine); }
};
template <class T>
struct Smallest {
  SIMDGRAD_INLINE static Vec<T> start() { return Vec<T>(static_cast<T>(__builtin_inf())); }
  SIMDGRAD_INLINE static Vec<T> combine(Vec<T> a, Vec<T> b) { return min(a, b); }
  SIMDGRAD_INLINE static Vec<T> all(Vec<T> x) { SIMDGRAD_FOLD_LANES(combine); }
};
// Two sums side by side, each with the bits that it has alone.
template <class T>
struct Two {
  Vec<T> first, second;
};
template <class T>
SIMDGRAD_INLINE Two<T> select(Mask<T> mask, Two<T> a, Two<T> b) {
  return {select(mask, a.first, b.first), select(mask, a.second, b.second)};
}
template <class T>
struct AddingTwo {
  SIMDGRAD_INLINE static Two<T> start() { return {Vec<T>(0), Vec<T>(0)}; }
  SIMDGRAD_INLINE static Two<T> combine(Two<T> a, Two<T> b) {
    return {a.first + b.first, a.second + b.second};
  }
  SIMDGRAD_INLINE static Two<T> all(Two<T> x) {
    return {Adding<T>::all(x.first), Adding<T>::all(x.second)};
  }
};
// The machine's own maximum: some number of the row, perhaps NaN, where one is NaN.
template <class T>
struct LargestOrAny : Largest<T> {
  SIMDGRAD_INLINE static Vec<T> combine(Vec<T> a, Vec<T> b) {
    return Vec<T>(xsimd::max(a.batch, b.batch));
  }
  SIMDGRAD_INLINE static Vec<T> all(Vec<T> x) { SIMDGRAD_FOLD_LANES(combine); }
};

template <class T>
constexpr int kAccumulators = 256 / VecTraits<T>::kBytes;

// Straight code keeps the accumulators in registers; sse2's sixteen would not fit anyway.
template <int count, class Body>
SIMDGRAD_INLINE void unrolled(Body body) {
  if constexpr (SIMDGRAD_ISA_SSE2) {
    for (int j = 0; j < count; ++j) body(j);
  } else if constexpr (count > 0) {
    unrolled<count - 1>(body);
    body(count - 1);
  }
}

// The fold of map(offset, lanes) over the registers of a row, n > 0, in every lane. What map gives
// in lanes from `lanes` on does not count. F is one of the structs above.
template <class F, class T, class Map>
SIMDGRAD_INLINE auto fold_row(int64_t n, Map map) {
  constexpr int size = Vec<T>::size, count = kAccumulators<T>;
  if (n <= size) {
    const int lanes = static_cast<int>(n);
    return F::all(select(first_lanes_of<T>(lanes), map(int64_t{0}, lanes), F::start()));
  }
  decltype(F::start()) sums[count];
  unrolled<count>([&](int j) SIMDGRAD_FUSED { sums[j] = F::start(); });
  int64_t i = 0;
  for (; i + count * size <= n; i += count * size)
    unrolled<count>(
        [&](int j) SIMDGRAD_FUSED { sums[j] = F::combine(sums[j], map(i + j * size, size)); });
  const int64_t left = n - i;
  unrolled<count>([&](int j) SIMDGRAD_FUSED {
    if (left <= j * size) return;
    const int lanes = left - j * size < size ? static_cast<int>(left - j * size) : size;
    sums[j] = F::combine(
        sums[j], select(first_lanes_of<T>(lanes), map(i + j * size, lanes), F::start()));
  });
  // Halves join halves; those that hold nothing but the start are left out.
  if constexpr (count == 16) {
    if (n > 8 * size)
      unrolled<8>([&](int j) SIMDGRAD_FUSED { sums[j] = F::combine(sums[j], sums[j + 8]); });
  }
  if constexpr (count >= 8) {
    if (n > 4 * size)
      unrolled<4>([&](int j) SIMDGRAD_FUSED { sums[j] = F::combine(sums[j], sums[j + 4]); });
  }
  if (n > 2 * size)
    unrolled<2>([&](int j) SIMDGRAD_FUSED { sums[j] = F::combine(sums[j], sums[j + 2]); });
  return F::all(F::combine(sums[0], sums[1]));
}

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
