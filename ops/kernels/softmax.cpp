// Softmax and its logarithm over rows and columns; the table also has layer normalisation.
#include "ops/kernels/softmax.h"

#include "ops/kernels/layer_norm.h"
#include "ops/kernels/math/divide.h"
#include "ops/kernels/math/math.h"
#include "ops/kernels/rounding.h"
#include "ops/kernels/row_folds.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {
namespace {

// What all forms of softmax start from: the largest of a row, then e = e^(x - largest) and its sum. A
// NaN reaches the sum by itself, so the largest need not be NaN; where it is infinite, x - largest is
// NaN as it should be.
template <class T>
SIMDGRAD_INLINE Vec<T> top_of_row(const T* x, int64_t n) {
  return fold_row<LargestOrAny<T>, T>(
      n, [&](int64_t i, int lanes) SIMDGRAD_FUSED { return read(x + i, lanes); });
}
template <bool keep, bool fetch = false, class T>
SIMDGRAD_INLINE Vec<T> exp_row(const T* x, T* e, int64_t n, Vec<T> top) {
  return fold_row<Adding<T>, T>(n, [&](int64_t i, int lanes) SIMDGRAD_FUSED {
    if constexpr (fetch) {
      __builtin_prefetch(x + n + i);
      __builtin_prefetch(e + n + i, 1);
    }
    const Vec<T> value = exp_up_to_1(read(x + i, lanes) - top);
    if constexpr (keep) write(value, e + i, lanes);
    return value;
  });
}

// Rows that fit one register need no second look at memory.
template <class T>
SIMDGRAD_INLINE Vec<T> exp_short_row(const T* x, int lanes, Vec<T>& sum) {
  const Mask<T> valid = first_lanes_of<T>(lanes);
  const Vec<T> value = Vec<T>::load_partial(x, lanes);
  const Vec<T> top = LargestOrAny<T>::all(select(valid, value, LargestOrAny<T>::start()));
  const Vec<T> e = exp_up_to_1(value - top);
  sum = Adding<T>::all(select(valid, e, Vec<T>(0)));
  return e;
}

template <class T>
void forward(const T* x, T* y, int64_t rows, int64_t n) {
  if (n <= Vec<T>::size) {
    const int lanes = static_cast<int>(n);
    for (int64_t r = 0; r < rows; ++r, x += n, y += n) {
      Vec<T> sum;
      const Vec<T> e = exp_short_row(x, lanes, sum);
      (e / sum).store_partial(y, lanes);
    }
    return;
  }
  // The next row's largest is found where this row's sum is waited for: 256 x 1000 takes a tenth less.
  Vec<T> top = top_of_row(x, n);
  for (int64_t r = 0; r < rows; ++r, x += n, y += n) {
    const Divisor<T> sum(exp_row<true, true>(x, y, n, top));
    if (r + 1 < rows) top = top_of_row(x + n, n);
    for_row<T>(n, [&](int64_t i, int lanes) SIMDGRAD_FUSED {
      write(sum.of_finite(read(static_cast<const T*>(y) + i, lanes)), y + i, lanes);
    });
  }
}

// Logarithms are taken of several short rows at once: one costs as much as sixteen.
constexpr int kGroup = 16;
constexpr int64_t kGroupedRow = 512;  // longest row of a group, so that 16 stay in the first cache

template <class T>
SIMDGRAD_INLINE void log_each(T* values, int count) {
  for_row<T>(count, [&](int64_t i, int lanes) SIMDGRAD_FUSED {
    write(log(read(static_cast<const T*>(values) + i, lanes)), values + i, lanes);
  });
}

template <class T>
void forward_log(const T* x, T* y, int64_t rows, int64_t n) {
  const int64_t group = n <= kGroupedRow ? kGroup : 1;
  T tops[kGroup], sums[kGroup];
  for (int64_t first = 0; first < rows; first += group) {
    const int count = static_cast<int>(rows - first < group ? rows - first : group);
    for (int r = 0; r < count; ++r) {
      const Vec<T> top = top_of_row(x + r * n, n), sum = exp_row<false>(x + r * n, y, n, top);
      tops[r] = first_lane(top);
      sums[r] = first_lane(sum);
    }
    log_each(sums, count);
    for (int r = 0; r < count; ++r, x += n, y += n) {
      // One after the other: the sum of both would lose digits of a large maximum.
      const Vec<T> top(tops[r]), log_sum(sums[r]);
      for_row<T>(n, [&](int64_t i, int lanes) SIMDGRAD_FUSED {
        write(read(x + i, lanes) - top - log_sum, y + i, lanes);
      });
    }
  }
}

template <class T>
void exp_rows(const T* x, T* e, int64_t rows, int64_t n, T* tops, T* sums, T* log_sums) {
  for (int64_t first = 0; first < rows; first += kGroup) {
    const int count = static_cast<int>(rows - first < kGroup ? rows - first : kGroup);
    for (int r = 0; r < count; ++r, x += n, e += n) {
      const Vec<T> top = top_of_row(x, n), sum = exp_row<true>(x, e, n, top);
      tops[first + r] = first_lane(top);
      sums[first + r] = log_sums[first + r] = first_lane(sum);
    }
    log_each(log_sums + first, count);
  }
}

template <class T>
void scale_rows(const T* x, int64_t rows, int64_t n, const T* factors, T* y) {
  for (int64_t r = 0; r < rows; ++r, x += n, y += n) {
    const Vec<T> factor(factors[r]);
    for_row<T>(n, [&](int64_t i, int lanes) SIMDGRAD_FUSED {
      write(read(x + i, lanes) * factor, y + i, lanes);
    });
  }
}

template <bool log_form, class T>
void backward(const T* y, const T* dy, T* dx, int64_t rows, int64_t n) {
  for (int64_t r = 0; r < rows; ++r, y += n, dy += n, dx += n) {
    const Vec<T> sum = fold_row<Adding<T>, T>(n, [&](int64_t i, int lanes) SIMDGRAD_FUSED {
      const Vec<T> g = read(dy + i, lanes);
      return log_form ? g : g * read(y + i, lanes);
    });
    for_row<T>(n, [&](int64_t i, int lanes) SIMDGRAD_FUSED {
      const Vec<T> g = read(dy + i, lanes), value = read(y + i, lanes);
      write(log_form ? g - exp(value) * sum : value * (g - sum), dx + i, lanes);
    });
  }
}

// --- down columns: each lane of a strip of registers is a softmax of its own ------------------------
constexpr int kStripRegisters = 4;

// Calls body(first column, columns) on strips.
template <class T, class Body>
SIMDGRAD_INLINE void for_strips(int64_t width, Body body) {
  constexpr int strip = kStripRegisters * Vec<T>::size;
  for (int64_t c = 0; c < width; c += strip)
    body(c, width - c < strip ? static_cast<int>(width - c) : strip);
}

// Calls body(register number, offset, lanes) on the registers of one row of a strip.
template <class T, class Body>
SIMDGRAD_INLINE void for_registers(int columns, Body body) {
  for (int k = 0; k * Vec<T>::size < columns; ++k) {
    const int left = columns - k * Vec<T>::size;
    body(k, k * Vec<T>::size, left < Vec<T>::size ? left : Vec<T>::size);
  }
}

template <bool log_form, class T>
void forward_columns(const T* x, T* y, int64_t rows, int64_t row_stride, int64_t width) {
  for_strips<T>(width, [&](int64_t c, int columns) {
    Vec<T> top[kStripRegisters], sum[kStripRegisters];
    for (int k = 0; k < kStripRegisters; ++k) {
      top[k] = LargestOrAny<T>::start();
      sum[k] = Vec<T>(0);
    }
    for (int64_t r = 0; r < rows; ++r)
      for_registers<T>(columns, [&](int k, int at, int lanes) SIMDGRAD_FUSED {
        top[k] = LargestOrAny<T>::combine(top[k], read(x + r * row_stride + c + at, lanes));
      });
    for (int64_t r = 0; r < rows; ++r)
      for_registers<T>(columns, [&](int k, int at, int lanes) SIMDGRAD_FUSED {
        const int64_t i = r * row_stride + c + at;
        const Vec<T> e = exp_up_to_1(read(x + i, lanes) - top[k]);
        if constexpr (!log_form) write(e, y + i, lanes);
        sum[k] = sum[k] + e;
      });
    if constexpr (log_form)
      for (int k = 0; k < kStripRegisters; ++k) sum[k] = log(sum[k]);
    for (int64_t r = 0; r < rows; ++r)
      for_registers<T>(columns, [&](int k, int at, int lanes) SIMDGRAD_FUSED {
        const int64_t i = r * row_stride + c + at;
        if constexpr (log_form) {
          write(read(x + i, lanes) - top[k] - sum[k], y + i, lanes);
        } else {
          write(read(static_cast<const T*>(y) + i, lanes) / sum[k], y + i, lanes);
        }
      });
  });
}

template <bool log_form, class T>
void backward_columns(const T* y, const T* dy, T* dx, int64_t rows, int64_t row_stride,
                      int64_t width) {
  for_strips<T>(width, [&](int64_t c, int columns) {
    Vec<T> sum[kStripRegisters];
    for (int k = 0; k < kStripRegisters; ++k) sum[k] = Vec<T>(0);
    for (int64_t r = 0; r < rows; ++r)
      for_registers<T>(columns, [&](int k, int at, int lanes) SIMDGRAD_FUSED {
        const int64_t i = r * row_stride + c + at;
        const Vec<T> g = read(dy + i, lanes);
        sum[k] = sum[k] + (log_form ? g : g * read(y + i, lanes));
      });
    for (int64_t r = 0; r < rows; ++r)
      for_registers<T>(columns, [&](int k, int at, int lanes) SIMDGRAD_FUSED {
        const int64_t i = r * row_stride + c + at;
        const Vec<T> g = read(dy + i, lanes), value = read(y + i, lanes);
        write(log_form ? g - exp(value) * sum[k] : value * (g - sum[k]), dx + i, lanes);
      });
  });
}

template <class T>
constexpr SoftmaxTable<T> make_table() {
  return {nearest<forward<T>>,
          nearest<forward_log<T>>,
          {nearest<forward_columns<false, T>>, nearest<forward_columns<true, T>>},
          {backward_columns<false, T>, nearest<backward_columns<true, T>>},
          backward<false, T>,
          nearest<backward<true, T>>,
          nearest<exp_rows<T>>,
          scale_rows<T>,
          layer_norm<T>,
          layer_norm_backward<T>};
}

}  // namespace

extern const SoftmaxKernels softmax_kernels = {make_table<float>(), make_table<double>()};

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
