// Folds of rows and columns: what each kind makes of a number, and the loops.
#include "ops/kernels/reduce.h"

#include "ops/kernels/extremes.h"
#include "ops/kernels/row_folds.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {
namespace {

// --- what a fold makes of a number, beside how it starts and joins ------------------------------
template <class T>
struct Sum : Adding<T> {
  static constexpr bool kShifts = false;
  SIMDGRAD_INLINE static Vec<T> map(Vec<T> x, Vec<T>) { return x; }
};
template <class T>
struct SumAbs : Sum<T> {
  SIMDGRAD_INLINE static Vec<T> map(Vec<T> x, Vec<T>) { return abs(x); }
};
template <class T>
struct SumSquares : Sum<T> {
  SIMDGRAD_INLINE static Vec<T> map(Vec<T> x, Vec<T>) { return x * x; }
};
template <class T>
struct Count : Sum<T> {
  SIMDGRAD_INLINE static Vec<T> map(Vec<T> x, Vec<T>) {
    return select(x != Vec<T>(0), Vec<T>(1), Vec<T>(0));
  }
};
template <class T>
struct SumSquaredDistance : Adding<T> {
  static constexpr bool kShifts = true;
  SIMDGRAD_INLINE static Vec<T> map(Vec<T> x, Vec<T> shift) {
    const Vec<T> d = x - shift;
    return d * d;
  }
};
template <class T>
struct Max : Largest<T> {
  static constexpr bool kShifts = false;
  SIMDGRAD_INLINE static Vec<T> map(Vec<T> x, Vec<T>) { return x; }
};
template <class T>
struct MaxAbs : Max<T> {
  SIMDGRAD_INLINE static Vec<T> map(Vec<T> x, Vec<T>) { return abs(x); }
};
template <class T>
struct Min : Smallest<T> {
  static constexpr bool kShifts = false;
  SIMDGRAD_INLINE static Vec<T> map(Vec<T> x, Vec<T>) { return x; }
};

// --- rows ----------------------------------------------------------------------------------------
template <class F, class T>
SIMDGRAD_INLINE T fold_one(const T* x, int64_t n, Vec<T> shift) {
  if (n == 0) return first_lane(F::start());
  return first_lane(fold_row<F, T>(n, [&](int64_t i, int lanes) SIMDGRAD_FUSED {
    return F::map(read(x + i, lanes), shift);
  }));
}

template <class F, class T>
void fold_rows(const T* x, int64_t row_stride, int64_t rows, int64_t n, const T* shift, T* out) {
  for (int64_t r = 0; r < rows; ++r)
    out[r] = fold_one<F>(x + r * row_stride, n, Vec<T>(F::kShifts ? shift[r] : T(0)));
}

// --- columns -------------------------------------------------------------------------------------
// Pairs of pairs of `count` rows.
template <class F, int count, bool partial, class T>
SIMDGRAD_INLINE Vec<T> fold_group(const T* x, int64_t row_stride, int n, Vec<T> shift) {
  if constexpr (count == 1) {
    return F::map(load_some<partial>(x, n), shift);
  } else {
    return F::combine(
        fold_group<F, count / 2, partial>(x, row_stride, n, shift),
        fold_group<F, count / 2, partial>(x + count / 2 * row_stride, row_stride, n, shift));
  }
}

template <class F, int count, bool partial, class T>
SIMDGRAD_INLINE void add_group_at(const T* x, int64_t row_stride, int n, const T* shift, T* out,
                                  bool first) {
  const Vec<T> by = F::kShifts ? load_some<partial>(shift, n) : Vec<T>(0);
  Vec<T> sum = fold_group<F, count, partial>(x, row_stride, n, by);
  if (!first) sum = F::combine(load_some<partial>(static_cast<const T*>(out), n), sum);
  store_some<partial>(sum, out, n);
}

template <class F, int count, class T>
void add_group(const T* x, int64_t row_stride, int64_t width, const T* shift, T* out, bool first) {
  constexpr int size = Vec<T>::size;
  int64_t c = 0;
  for (; c + size <= width; c += size)
    add_group_at<F, count, false>(x + c, row_stride, size, F::kShifts ? shift + c : shift, out + c,
                                  first);
  if (c < width)
    add_group_at<F, count, true>(x + c, row_stride, static_cast<int>(width - c),
                                 F::kShifts ? shift + c : shift, out + c, first);
}

constexpr int64_t kStrip = 1024;  // columns whose results stay in the first-level cache

template <class F, class T>
void fold_columns(const T* x, int64_t outer_stride, int64_t outers, int64_t row_stride,
                  int64_t rows, int64_t width, const T* shift, T* out) {
  for (int64_t o = 0; o < outers; ++o, x += outer_stride, out += width) {
    for (int64_t c = 0; c < width; c += kStrip) {
      const int64_t wide = width - c < kStrip ? width - c : kStrip;
      const T* by = F::kShifts ? shift + o * width + c : nullptr;
      const T* from = x + c;
      int64_t r = 0;
      for (; r + 8 <= rows; r += 8, from += 8 * row_stride)
        add_group<F, 8>(from, row_stride, wide, by, out + c, r == 0);
      if (rows - r >= 4) {
        add_group<F, 4>(from, row_stride, wide, by, out + c, r == 0);
        r += 4;
        from += 4 * row_stride;
      }
      if (rows - r >= 2) {
        add_group<F, 2>(from, row_stride, wide, by, out + c, r == 0);
        r += 2;
        from += 2 * row_stride;
      }
      if (rows - r >= 1) add_group<F, 1>(from, row_stride, wide, by, out + c, r == 0);
    }
  }
}

// --- finishing -------------------------------------------------------------------------------------
template <bool root, class T>
void divide(T* x, int64_t n, T divisor) {
  constexpr int size = Vec<T>::size;
  for (int64_t i = 0; i < n; i += size) {
    const int lanes = n - i < size ? static_cast<int>(n - i) : size;
    Vec<T> v = Vec<T>::load_partial(x + i, lanes) / Vec<T>(divisor);
    if constexpr (root) v = sqrt(v);
    v.store_partial(x + i, lanes);
  }
}

template <class T>
constexpr ReduceTable<T> make_table() {
  return {
      {fold_rows<Sum<T>, T>, fold_rows<Max<T>, T>, fold_rows<Min<T>, T>, fold_rows<SumAbs<T>, T>,
       fold_rows<SumSquares<T>, T>, fold_rows<MaxAbs<T>, T>, fold_rows<Count<T>, T>,
       fold_rows<SumSquaredDistance<T>, T>},
      {fold_columns<Sum<T>, T>, fold_columns<Max<T>, T>, fold_columns<Min<T>, T>,
       fold_columns<SumAbs<T>, T>, fold_columns<SumSquares<T>, T>, fold_columns<MaxAbs<T>, T>,
       fold_columns<Count<T>, T>, fold_columns<SumSquaredDistance<T>, T>},
      {arg_rows<ArgMax<T>, T>, arg_rows<ArgMin<T>, T>},
      {arg_columns<ArgMax<T>, T>, arg_columns<ArgMin<T>, T>},
      divide<false, T>,
      divide<true, T>,
  };
}

}  // namespace

extern const ReduceKernels reduce_kernels = {make_table<float>(), make_table<double>()};

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
