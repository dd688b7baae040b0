// Where the extreme of a row or of a column stands: its first index, or that of the first NaN.
// Included by reduce.cpp only.
#pragma once

#include "ops/kernels/row_folds.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {

// Is either number NaN? One instruction on x86.
template <class T>
SIMDGRAD_INLINE Mask<T> either_nan(Vec<T> a, Vec<T> b) {
  using Register [[maybe_unused]] = typename Mask<T>::Register;
  [[maybe_unused]] constexpr bool single = sizeof(T) == 4;
#if SIMDGRAD_ISA_AVX512
  if constexpr (single) return Mask<T>(_mm512_cmp_ps_mask(a.reg(), b.reg(), _CMP_UNORD_Q));
  if constexpr (!single) return Mask<T>(_mm512_cmp_pd_mask(a.reg(), b.reg(), _CMP_UNORD_Q));
#elif SIMDGRAD_ISA_AVX2
  if constexpr (single) return Mask<T>(Register(_mm256_cmp_ps(a.reg(), b.reg(), _CMP_UNORD_Q)));
  if constexpr (!single) return Mask<T>(Register(_mm256_cmp_pd(a.reg(), b.reg(), _CMP_UNORD_Q)));
#elif SIMDGRAD_ISA_SSE2
  if constexpr (single) return Mask<T>(Register(_mm_cmpunord_ps(a.reg(), b.reg())));
  if constexpr (!single) return Mask<T>(Register(_mm_cmpunord_pd(a.reg(), b.reg())));
#else
  return is_nan(a) | is_nan(b);
#endif
}

// One bit per lane, the first lane's the lowest.
template <class T>
SIMDGRAD_INLINE uint64_t lane_bits(Mask<T> m) {
  [[maybe_unused]] constexpr bool single = sizeof(T) == 4;
#if SIMDGRAD_ISA_AVX512
  return m.reg;
#elif SIMDGRAD_ISA_AVX2
  if constexpr (single) return static_cast<uint64_t>(_mm256_movemask_ps((__m256)m.reg));
  if constexpr (!single) return static_cast<uint64_t>(_mm256_movemask_pd((__m256d)m.reg));
#elif SIMDGRAD_ISA_SSE2
  if constexpr (single) return static_cast<uint64_t>(_mm_movemask_ps((__m128)m.reg));
  if constexpr (!single) return static_cast<uint64_t>(_mm_movemask_pd((__m128d)m.reg));
#else
  const IntVec<T> lanes = (IntVec<T>)m.reg;
  uint64_t bits = 0;
  for (int lane = 0; lane < Vec<T>::size; ++lane) bits |= uint64_t(lanes[lane] & 1) << lane;
  return bits;
#endif
}

// `ordered`: the extreme of numbers that are not NaN, one instruction on x86; all(x): of the lanes.
template <class T>
struct ArgMax : Largest<T> {
  using Fold = Largest<T>;
  SIMDGRAD_INLINE static Mask<T> better(Vec<T> a, Vec<T> b) { return a > b; }
  SIMDGRAD_INLINE static Vec<T> ordered(Vec<T> a, Vec<T> b) { return clamp_below(a, b); }
  SIMDGRAD_INLINE static Vec<T> all(Vec<T> x) { SIMDGRAD_FOLD_LANES(ordered); }
};
template <class T>
struct ArgMin : Smallest<T> {
  using Fold = Smallest<T>;
  SIMDGRAD_INLINE static Mask<T> better(Vec<T> a, Vec<T> b) { return a < b; }
  SIMDGRAD_INLINE static Vec<T> ordered(Vec<T> a, Vec<T> b) { return clamp_above(a, b); }
  SIMDGRAD_INLINE static Vec<T> all(Vec<T> x) { SIMDGRAD_FOLD_LANES(ordered); }
};

// --- rows ----------------------------------------------------------------------------------------
// Rows of one register, without branches: the smallest lane number that holds the extreme.
template <class F, class T>
void arg_short_rows(const T* x, int64_t row_stride, int64_t rows, int lanes, T* values,
                    int64_t* indices) {
  const Mask<T> valid = first_lanes_of<T>(lanes);
  const Vec<T> number = Vec<T>::load(kLaneNumbers<T>);
  for (int64_t r = 0; r < rows; ++r, x += row_stride) {
    const Vec<T> v = Vec<T>::load_partial(x, lanes);
    const Vec<T> best = F::Fold::all(select(valid, v, F::start()));
    const Mask<T> here = valid & ((v == best) | (is_nan(v) & is_nan(best)));
    values[r] = first_lane(best);
    indices[r] = static_cast<int64_t>(reduce_min(select(here, number, Vec<T>(16))));
  }
}

// The first place where here(numbers) holds; there is one.
template <class T, class Here>
SIMDGRAD_INLINE int64_t find_first(const T* x, int64_t n, Here here) {
  constexpr int size = Vec<T>::size;
  for (int64_t i = 0; i < n; i += size) {
    const int lanes = n - i < size ? static_cast<int>(n - i) : size;
    const uint64_t found = lane_bits(here(read(x + i, lanes)) & first_lanes_of<T>(lanes));
    if (found) return i + __builtin_ctzll(found);
  }
  return 0;
}
template <class T>
SIMDGRAD_INLINE int64_t find_nan(const T* x, int64_t n) {
  return find_first(x, n, [](Vec<T> v) SIMDGRAD_FUSED { return is_nan(v); });
}

// Numbers that are looked at as one: 64 floats, 32 doubles.
template <class T>
constexpr int64_t kArgBlock = kAccumulators<T>* Vec<T>::size;

// n < kArgBlock
template <class F, class T>
SIMDGRAD_INLINE int64_t arg_medium_row(const T* x, int64_t n) {
  Vec<T> best = F::start();
  Mask<T> nan = Mask<T>::all_of(false);
  for_row<T>(n, [&](int64_t i, int lanes) SIMDGRAD_FUSED {
    const Vec<T> v = select(first_lanes_of<T>(lanes), read(x + i, lanes), F::start());
    nan = nan | is_nan(v);
    best = F::ordered(best, v);
  });
  if (any(nan)) return find_nan(x, n);
  best = F::all(best);
  return find_first(x, n, [&](Vec<T> v) SIMDGRAD_FUSED { return v == best; });
}

// The extreme of each lane of a block; `nan` where either number of a pair is one.
template <class F, class T>
SIMDGRAD_INLINE Vec<T> fold_block(const T* x, Mask<T>& nan) {
  constexpr int size = Vec<T>::size;
  const auto pair = [&](int j) SIMDGRAD_FUSED {
    const Vec<T> a = Vec<T>::load(x + 2 * j * size), b = Vec<T>::load(x + (2 * j + 1) * size);
    nan = nan | either_nan(a, b);
    return F::ordered(a, b);
  };
  Vec<T> top = pair(0);
  unrolled<kAccumulators<T> / 2 - 1>([&](int j)
                                         SIMDGRAD_FUSED { top = F::ordered(top, pair(j + 1)); });
  return top;
}

// Each lane keeps the extreme of its blocks so far and the number of the block where it first stood:
// two operations per register read, and no second look at the row. Where in that block is found at the
// end, without a branch that would have to be guessed. The last block ends with the row and may begin
// inside the one before: what they share was found there, since only what is better takes a place.
template <class F, class T>
SIMDGRAD_INLINE int64_t arg_row(const T* x, int64_t n) {
  constexpr int64_t block = kArgBlock<T>;
  const int64_t last = n - block;
  Vec<T> best = F::start(), number(0), where(0);
  Mask<T> nan = Mask<T>::all_of(false);
  for (int64_t i = 0; i < n; i += block) {
    const Vec<T> top = fold_block<F>(x + (i < last ? i : last), nan);
    where = select(F::better(top, best), number, where);
    best = F::ordered(best, top);
    number = number + Vec<T>(1);
  }
  if (any(nan)) return find_nan(x, n);
  const Vec<T> extreme = F::all(best);
  const Vec<T> first = ArgMin<T>::all(select(best == extreme, where, number));
  const int64_t start = static_cast<int64_t>(first_lane(first)) * block;
  const int64_t from = start < last ? start : last;
  uint64_t found = 0;
  unrolled<kAccumulators<T>>([&](int j) SIMDGRAD_FUSED {
    const int at = j * Vec<T>::size;
    found |= lane_bits(Vec<T>::load(x + from + at) == extreme) << at;
  });
  return from + __builtin_ctzll(found);
}

template <class F, class T>
void arg_rows(const T* x, int64_t row_stride, int64_t rows, int64_t n, T* values,
              int64_t* indices) {
  if (n <= Vec<T>::size)
    return arg_short_rows<F>(x, row_stride, rows, static_cast<int>(n), values, indices);
  for (int64_t r = 0; r < rows; ++r, x += row_stride) {
    indices[r] = n < kArgBlock<T> ? arg_medium_row<F>(x, n) : arg_row<F>(x, n);
    values[r] = x[indices[r]];
  }
}

// --- columns -------------------------------------------------------------------------------------
template <class F, bool partial, class T>
SIMDGRAD_INLINE void arg_strip(const T* x, int64_t row_stride, int64_t rows, int n, T* values,
                               int64_t* indices) {
  Vec<T> best = load_some<partial>(x, n);
  Vec<T> where = Vec<T>::from_bits(IntVec<T>{});
  IntVec<T> index{};
  for (int64_t r = 1; r < rows; ++r) {
    x += row_stride;
    index += 1;
    const Vec<T> v = load_some<partial>(x, n);
    const Mask<T> take = F::better(v, best) | (is_nan(v) & !is_nan(best));
    // A NaN that leads is never beaten: no comparison with it holds.
    best = select(take, v, best);
    where = select(take, Vec<T>::from_bits(index), where);
  }
  store_some<partial>(best, values, n);
  const IntVec<T> found = where.bits();
  for (int lane = 0; lane < n; ++lane) indices[lane] = found[lane];
}

template <class F, class T>
void arg_columns(const T* x, int64_t outer_stride, int64_t outers, int64_t row_stride, int64_t rows,
                 int64_t width, T* values, int64_t* indices) {
  constexpr int size = Vec<T>::size;
  for (int64_t o = 0; o < outers; ++o, x += outer_stride, values += width, indices += width) {
    int64_t c = 0;
    for (; c + size <= width; c += size)
      arg_strip<F, false>(x + c, row_stride, rows, size, values + c, indices + c);
    if (c < width)
      arg_strip<F, true>(x + c, row_stride, rows, static_cast<int>(width - c), values + c,
                         indices + c);
  }
}

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
