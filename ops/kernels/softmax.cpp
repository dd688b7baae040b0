#include "ops/kernels/softmax.h"

#include "ops/kernels/math.h"
#include "ops/kernels/vec.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {
namespace {

template <class T>
constexpr T kLanes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

template <class T>
SIMDGRAD_INLINE Mask<T> first_lanes_of(int n) {
  return Vec<T>::load(kLanes<T>) < Vec<T>(n);
}

// Calls full(offset) on whole registers of a row and last(offset, lanes) on what is left.
template <class T, class Full, class Last>
SIMDGRAD_INLINE void for_row(int64_t n, Full full, Last last) {
  int64_t i = 0;
  for (; i + Vec<T>::size <= n; i += Vec<T>::size) full(i);
  if (i < n) last(i, static_cast<int>(n - i));
}

template <class T>
SIMDGRAD_INLINE T row_max(const T* x, int64_t n) {
  const Vec<T> lowest(static_cast<T>(-__builtin_inf()));
  Vec<T> best = lowest;
  for_row<T>(
      n, [&](int64_t i) { best = max(best, Vec<T>::load(x + i)); },
      [&](int64_t i, int lanes) {
        best = max(best, select(first_lanes_of<T>(lanes), Vec<T>::load_partial(x + i, lanes), lowest));
      });
  return reduce_max(best);
}

// The sum of f(offset, lanes) over a row; f gives a register whose lanes from `lanes` on are zeroed
// here.
template <class T, class F>
SIMDGRAD_INLINE T row_sum(int64_t n, F f) {
  Vec<T> sum(0);
  for_row<T>(
      n, [&](int64_t i) { sum = sum + f(i, Vec<T>::size); },
      [&](int64_t i, int lanes) {
        sum = sum + select(first_lanes_of<T>(lanes), f(i, lanes), Vec<T>(0));
      });
  return reduce_sum(sum);
}

template <class T>
SIMDGRAD_INLINE Vec<T> read(const T* p, int lanes) {
  return lanes == Vec<T>::size ? Vec<T>::load(p) : Vec<T>::load_partial(p, lanes);
}
template <class T>
SIMDGRAD_INLINE void write(Vec<T> x, T* p, int lanes) {
  if (lanes == Vec<T>::size) {
    x.store(p);
  } else {
    x.store_partial(p, lanes);
  }
}

template <class T, class F>
SIMDGRAD_INLINE void for_each(int64_t n, F f) {
  for_row<T>(n, [&](int64_t i) { f(i, Vec<T>::size); }, [&](int64_t i, int lanes) { f(i, lanes); });
}

template <bool log_form, class T>
void forward(const T* x, T* y, int64_t rows, int64_t n) {
  for (int64_t r = 0; r < rows; ++r, x += n, y += n) {
    const Vec<T> top(row_max(x, n));
    if constexpr (log_form) {
      const T sum = row_sum<T>(n, [&](int64_t i, int lanes) { return exp(read(x + i, lanes) - top); });
      const Vec<T> shift = log(Vec<T>(sum));
      for_each<T>(n, [&](int64_t i, int lanes) {
        write(read(x + i, lanes) - top - shift, y + i, lanes);
      });
    } else {
      const T sum = row_sum<T>(n, [&](int64_t i, int lanes) {
        const Vec<T> e = exp(read(x + i, lanes) - top);
        write(e, y + i, lanes);
        return e;
      });
      const Vec<T> total(sum);
      for_each<T>(n, [&](int64_t i, int lanes) {
        write(read(static_cast<const T*>(y) + i, lanes) / total, y + i, lanes);
      });
    }
  }
}

template <bool log_form, class T>
void backward(const T* y, const T* dy, T* dx, int64_t rows, int64_t n) {
  for (int64_t r = 0; r < rows; ++r, y += n, dy += n, dx += n) {
    const Vec<T> sum(row_sum<T>(n, [&](int64_t i, int lanes) {
      const Vec<T> g = read(dy + i, lanes);
      return log_form ? g : g * read(y + i, lanes);
    }));
    for_each<T>(n, [&](int64_t i, int lanes) {
      const Vec<T> g = read(dy + i, lanes), value = read(y + i, lanes);
      write(log_form ? g - exp(value) * sum : value * (g - sum), dx + i, lanes);
    });
  }
}

template <class T>
void layer_norm(const T* x, const T* weight, const T* bias, T* y, T* mean, T* rstd, int64_t rows,
                int64_t n, T eps) {
  const Vec<T> count(static_cast<T>(n));
  for (int64_t r = 0; r < rows; ++r, x += n, y += n) {
    const Vec<T> center =
        Vec<T>(row_sum<T>(n, [&](int64_t i, int lanes) { return read(x + i, lanes); })) / count;
    const Vec<T> squares(row_sum<T>(n, [&](int64_t i, int lanes) {
      const Vec<T> d = read(x + i, lanes) - center;
      return d * d;
    }));
    const Vec<T> scale = Vec<T>(1) / sqrt(squares / count + Vec<T>(eps));
    for_each<T>(n, [&](int64_t i, int lanes) {
      Vec<T> value = (read(x + i, lanes) - center) * scale;
      if (weight) value = value * read(weight + i, lanes);
      if (bias) value = value + read(bias + i, lanes);
      write(value, y + i, lanes);
    });
    center.store_partial(mean + r, 1);
    scale.store_partial(rstd + r, 1);
  }
}

template <class T>
void layer_norm_backward(const T* x, const T* weight, const T* mean, const T* rstd, const T* dy,
                         T* dx, int64_t rows, int64_t n) {
  const Vec<T> count(static_cast<T>(n));
  for (int64_t r = 0; r < rows; ++r, x += n, dy += n, dx += n) {
    const Vec<T> center(mean[r]), scale(rstd[r]);
    const auto gradient = [&](int64_t i, int lanes) {
      const Vec<T> g = read(dy + i, lanes);
      return weight ? g * read(weight + i, lanes) : g;
    };
    const auto normal = [&](int64_t i, int lanes) { return (read(x + i, lanes) - center) * scale; };
    const Vec<T> mean_g = Vec<T>(row_sum<T>(n, gradient)) / count;
    const Vec<T> mean_gx = Vec<T>(row_sum<T>(n, [&](int64_t i, int lanes) {
                             return gradient(i, lanes) * normal(i, lanes);
                           })) / count;
    for_each<T>(n, [&](int64_t i, int lanes) {
      write(scale * (gradient(i, lanes) - mean_g - normal(i, lanes) * mean_gx), dx + i, lanes);
    });
  }
}

template <class T>
constexpr SoftmaxTable<T> make_table() {
  return {forward<false, T>,  forward<true, T>, backward<false, T>,
          backward<true, T>, layer_norm<T>,    layer_norm_backward<T>};
}

}  // namespace

extern const SoftmaxKernels softmax_kernels = {make_table<float>(), make_table<double>()};

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
