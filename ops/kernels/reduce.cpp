#include "ops/kernels/reduce.h"

#include "ops/kernels/vec.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {
namespace {

// --- what a fold is: how it starts, what it makes of a number, how two results meet --------------
template <class T>
SIMDGRAD_INLINE T infinity() {
  return static_cast<T>(__builtin_inf());
}
template <class T>
struct SumBase {
  static constexpr bool kShifts = false;
  SIMDGRAD_INLINE static Vec<T> start() { return Vec<T>(0); }
  SIMDGRAD_INLINE static Vec<T> combine(Vec<T> a, Vec<T> b) { return a + b; }
  SIMDGRAD_INLINE static T reduce(Vec<T> x) { return reduce_sum(x); }
};
template <class T>
struct Sum : SumBase<T> {
  SIMDGRAD_INLINE static Vec<T> map(Vec<T> x, Vec<T>) { return x; }
};
template <class T>
struct SumAbs : SumBase<T> {
  SIMDGRAD_INLINE static Vec<T> map(Vec<T> x, Vec<T>) { return abs(x); }
};
template <class T>
struct SumSquares : SumBase<T> {
  SIMDGRAD_INLINE static Vec<T> map(Vec<T> x, Vec<T>) { return x * x; }
};
template <class T>
struct Count : SumBase<T> {
  SIMDGRAD_INLINE static Vec<T> map(Vec<T> x, Vec<T>) {
    return select(x != Vec<T>(0), Vec<T>(1), Vec<T>(0));
  }
};
template <class T>
struct SumSquaredDistance : SumBase<T> {
  static constexpr bool kShifts = true;
  SIMDGRAD_INLINE static Vec<T> map(Vec<T> x, Vec<T> shift) {
    const Vec<T> d = x - shift;
    return d * d;
  }
};
template <class T>
struct Max {
  static constexpr bool kShifts = false;
  SIMDGRAD_INLINE static Vec<T> start() { return Vec<T>(-infinity<T>()); }
  SIMDGRAD_INLINE static Vec<T> map(Vec<T> x, Vec<T>) { return x; }
  SIMDGRAD_INLINE static Vec<T> combine(Vec<T> a, Vec<T> b) { return max(a, b); }
  SIMDGRAD_INLINE static T reduce(Vec<T> x) { return reduce_max(x); }
  SIMDGRAD_INLINE static Mask<T> better(Vec<T> a, Vec<T> b) { return a > b; }
};
template <class T>
struct MaxAbs : Max<T> {
  SIMDGRAD_INLINE static Vec<T> map(Vec<T> x, Vec<T>) { return abs(x); }
};
template <class T>
struct Min {
  static constexpr bool kShifts = false;
  SIMDGRAD_INLINE static Vec<T> start() { return Vec<T>(infinity<T>()); }
  SIMDGRAD_INLINE static Vec<T> map(Vec<T> x, Vec<T>) { return x; }
  SIMDGRAD_INLINE static Vec<T> combine(Vec<T> a, Vec<T> b) { return min(a, b); }
  SIMDGRAD_INLINE static T reduce(Vec<T> x) { return reduce_min(x); }
  SIMDGRAD_INLINE static Mask<T> better(Vec<T> a, Vec<T> b) { return a < b; }
};

// --- rows ----------------------------------------------------------------------------------------
template <class T>
constexpr T kLaneNumbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

template <class T>
SIMDGRAD_INLINE Mask<T> first_lanes_of(int n) {
  return Vec<T>::load(kLaneNumbers<T>) < Vec<T>(n);
}

template <class T>
constexpr int kAccumulators = 256 / VecTraits<T>::kBytes;

// The last 0 < n < size numbers of a row; the other lanes hold the start of the fold.
template <class F, class T>
SIMDGRAD_INLINE Vec<T> map_partial(const T* x, int n, Vec<T> shift) {
  return select(first_lanes_of<T>(n), F::map(Vec<T>::load_partial(x, n), shift), F::start());
}

template <class F, class T>
SIMDGRAD_INLINE T fold_row(const T* x, int64_t n, Vec<T> shift) {
  constexpr int size = Vec<T>::size;
  constexpr int count = kAccumulators<T>;
  if (n <= size) {
    if (n == size) return F::reduce(F::map(Vec<T>::load(x), shift));
    return F::reduce(map_partial<F>(x, static_cast<int>(n), shift));
  }
  Vec<T> sums[count];
  for (int j = 0; j < count; ++j) sums[j] = F::start();
  int64_t i = 0;
  for (; i + count * size <= n; i += count * size)
    for (int j = 0; j < count; ++j)
      sums[j] = F::combine(sums[j], F::map(Vec<T>::load(x + i + j * size), shift));
  for (int j = 0; j < count && i < n; ++j, i += size) {
    const Vec<T> last = n - i >= size ? F::map(Vec<T>::load(x + i), shift)
                                      : map_partial<F>(x + i, static_cast<int>(n - i), shift);
    sums[j] = F::combine(sums[j], last);
  }
  for (int half = count / 2; half > 0; half /= 2)
    for (int j = 0; j < half; ++j) sums[j] = F::combine(sums[j], sums[j + half]);
  return F::reduce(sums[0]);
}

template <class F, class T>
void fold_rows(const T* x, int64_t row_stride, int64_t rows, int64_t n, const T* shift, T* out) {
  for (int64_t r = 0; r < rows; ++r)
    out[r] = fold_row<F>(x + r * row_stride, n, Vec<T>(F::kShifts ? shift[r] : T(0)));
}

// --- columns -------------------------------------------------------------------------------------
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

// --- where the extreme stands ----------------------------------------------------------------------
// Most rows have no NaN: look for equality with the extreme first.
template <class F, class T>
int64_t find(const T* x, int64_t n, T value) {
  constexpr int size = Vec<T>::size;
  const bool nan = value != value;
  for (int64_t i = 0; i < n; i += size) {
    const int lanes = n - i < size ? static_cast<int>(n - i) : size;
    const Vec<T> v = lanes == size ? Vec<T>::load(x + i) : Vec<T>::load_partial(x + i, lanes);
    if (!any((nan ? is_nan(v) : v == Vec<T>(value)) & first_lanes_of<T>(lanes))) continue;
    for (int lane = 0; lane < lanes; ++lane)
      if (nan ? x[i + lane] != x[i + lane] : x[i + lane] == value) return i + lane;
  }
  return 0;
}

template <class F, class T>
void arg_rows(const T* x, int64_t row_stride, int64_t rows, int64_t n, T* values,
              int64_t* indices) {
  for (int64_t r = 0; r < rows; ++r, x += row_stride) {
    values[r] = fold_row<F>(x, n, Vec<T>(0));
    indices[r] = find<F>(x, n, values[r]);
  }
}

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
void arg_columns(const T* x, int64_t outer_stride, int64_t outers, int64_t row_stride,
                 int64_t rows, int64_t width, T* values, int64_t* indices) {
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
      {arg_rows<Max<T>, T>, arg_rows<Min<T>, T>},
      {arg_columns<Max<T>, T>, arg_columns<Min<T>, T>},
      divide<false, T>,
      divide<true, T>,
  };
}

}  // namespace

extern const ReduceKernels reduce_kernels = {make_table<float>(), make_table<double>()};

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
