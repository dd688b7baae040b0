// Reductions of integers and bool (plain loops), and where an extreme stands, for every dtype.
#include <algorithm>
#include <cstring>
#include <limits>

#include "core/parallel.h"
#include "ops/loops/copy.h"
#include "ops/kernels/table.h"
#include "ops/loops/reductions_plan.h"

namespace simdgrad::reductions {
namespace {

constexpr int64_t kTask = 16384;

template <class T, class Result>
Result fold_row(IntegerFold kind, const T* x, int64_t n) {
  switch (kind) {
    case IntegerFold::kSum: {
      uint64_t sum = 0;  // wraps as torch's does
      for (int64_t i = 0; i < n; ++i) sum += static_cast<uint64_t>(static_cast<int64_t>(x[i]));
      return static_cast<Result>(sum);
    }
    case IntegerFold::kMax:
      return static_cast<Result>(*std::max_element(x, x + n));
    case IntegerFold::kMin:
      return static_cast<Result>(*std::min_element(x, x + n));
    case IntegerFold::kAll:
      return static_cast<Result>(std::all_of(x, x + n, [](T value) { return value != 0; }));
    case IntegerFold::kAny:
      return static_cast<Result>(std::any_of(x, x + n, [](T value) { return value != 0; }));
  }
  return {};
}

// [outer, reduced, inner], contiguous.
struct Span {
  int64_t outer = 1, reduced = 1, inner = 1;
};
Span span_of(const TensorImpl& x, int64_t dim) {
  Span span;
  for (int i = 0; i < x.ndim; ++i)
    (i < dim ? span.outer : i == dim ? span.reduced : span.inner) *= x.sizes()[i];
  return span;
}

template <class T>
void arg_rows(bool minimum, const T* x, int64_t row_stride, int64_t rows, int64_t n, T* values,
              int64_t* indices) {
  if constexpr (std::is_floating_point_v<T>) {
    reduce_table(*kernels::table().reduce, T{})
        .arg_rows[minimum](x, row_stride, rows, n, values, indices);
  } else {
    for (int64_t r = 0; r < rows; ++r, x += row_stride) {
      const T* best = minimum ? std::min_element(x, x + n) : std::max_element(x, x + n);
      values[r] = *best;
      indices[r] = best - x;
    }
  }
}

template <class T>
void arg_columns(bool minimum, const T* x, int64_t outer_stride, int64_t outers, Span span,
                 int64_t width, T* values, int64_t* indices) {
  if constexpr (std::is_floating_point_v<T>) {
    reduce_table(*kernels::table().reduce, T{})
        .arg_columns[minimum](x, outer_stride, outers, span.inner, span.reduced, width, values,
                              indices);
  } else {
    for (int64_t o = 0; o < outers; ++o, x += outer_stride, values += width, indices += width) {
      std::copy(x, x + width, values);
      std::fill(indices, indices + width, 0);
      for (int64_t r = 1; r < span.reduced; ++r) {
        const T* row = x + r * span.inner;
        for (int64_t c = 0; c < width; ++c) {
          if (minimum ? !(row[c] < values[c]) : !(row[c] > values[c])) continue;
          values[c] = row[c];
          indices[c] = r;
        }
      }
    }
  }
}

// Rows longer than a task: the extremes of its blocks, then the first best of those.
template <class T>
void arg_long_rows(bool minimum, const T* x, int64_t rows, int64_t n, T* values,
                   int64_t* indices) {
  const int64_t block = std::max<int64_t>(16, chunk_size(kTask));
  if (n <= block) {
    parallel_range(rows, std::max<int64_t>(1, kTask / n), 0.3 * static_cast<double>(n) + 4,
                   [&](int64_t begin, int64_t end) {
                     arg_rows(minimum, x + begin * n, n, end - begin, n, values + begin,
                              indices + begin);
                   });
    return;
  }
  const int64_t blocks = (n - 1) / block + 1;
  const Tensor best = make_tensor({blocks}, scalar_type_of<T>), where = make_tensor({blocks}, kLong);
  T* best_data = static_cast<T*>(impl(best).data);
  int64_t* where_data = static_cast<int64_t*>(impl(where).data);
  for (int64_t r = 0; r < rows; ++r, x += n) {
    parallel_chunks(blocks, 0.3 * static_cast<double>(n), [&](int64_t b) {
      arg_rows(minimum, x + b * block, 0, 1, std::min(block, n - b * block), best_data + b,
               where_data + b);
    });
    int64_t winner;
    arg_rows(minimum, best_data, 0, 1, blocks, values + r, &winner);
    indices[r] = winner * block + where_data[winner];
  }
}

template <class T>
void arg_reduce(bool minimum, const T* x, Span span, T* values, int64_t* indices) {
  if (span.inner == 1)
    return arg_long_rows(minimum, x, span.outer, span.reduced, values, indices);
  const int64_t size = span.reduced * span.inner;
  if (size <= kTask) {
    parallel_range(span.outer, std::max<int64_t>(1, kTask / size),
                   0.3 * static_cast<double>(size), [&](int64_t begin, int64_t end) {
                     arg_columns(minimum, x + begin * size, size, end - begin, span, span.inner,
                                 values + begin * span.inner, indices + begin * span.inner);
                   });
    return;
  }
  const int64_t strip = std::max<int64_t>(64, kTask / span.reduced & ~int64_t{63});
  const int64_t strips = (span.inner - 1) / strip + 1;
  parallel_chunks(span.outer * strips, 0.3 * static_cast<double>(span.outer * size),
                  [&](int64_t chunk) {
                    const int64_t o = chunk / strips, c = chunk % strips * strip;
                    arg_columns(minimum, x + o * size + c, 0, 1, span,
                                std::min(strip, span.inner - c), values + o * span.inner + c,
                                indices + o * span.inner + c);
                  });
}

}  // namespace

Tensor fold_integers(IntegerFold kind, const Tensor& x, DimMask mask, bool keepdim) {
  const TensorImpl& of = impl(x);
  const ScalarType result_type = kind == IntegerFold::kSum ? kLong
                                 : kind == IntegerFold::kMax || kind == IntegerFold::kMin
                                     ? of.dtype
                                     : kBool;
  Tensor rows = x;
  int64_t outputs = 1, n = of.numel;
  if (!of.is_contiguous() || mask != all_dims(of.ndim)) {
    rows = reduced_last(x, mask);
    n = reduced_count(x, mask);
    Dims sizes;
    reduced_sizes(x, mask, keepdim, sizes);
    for (int64_t size : sizes) outputs *= size;
  }
  Tensor results = make_tensor({outputs}, result_type);
  for_integer_type(of.dtype, [&]<class T>(T) {
    for_integer_type(result_type, [&]<class Result>(Result) {
      if constexpr (std::is_same_v<Result, T> || std::is_same_v<Result, bool> ||
                    std::is_same_v<Result, int64_t>) {
        const T* from = static_cast<const T*>(impl(rows).data);
        Result* to = static_cast<Result*>(impl(results).data);
        parallel_range(outputs, std::max<int64_t>(1, kTask / std::max<int64_t>(1, n)),
                       static_cast<double>(n), [&](int64_t begin, int64_t end) {
                         for (int64_t o = begin; o < end; ++o)
                           to[o] = fold_row<T, Result>(kind, from + o * n, n);
                       });
      }
    });
  });
  return with_shape(results, x, mask, keepdim);
}

void extreme_along(const Tensor& x, int64_t dim, bool keepdim, bool minimum, Tensor& values,
                   Tensor& indices) {
  const Tensor dense = contiguous_values(x);
  const TensorImpl& of = impl(dense);
  Dims sizes;
  reduced_sizes(x, DimMask{1} << dim, keepdim, sizes);
  values = make_tensor(sizes, of.dtype);
  indices = make_tensor(sizes, kLong);
  if (of.numel == 0) return;
  for_type(of.dtype, [&]<class T>(T) {
    arg_reduce(minimum, static_cast<const T*>(of.data), span_of(of, dim),
               static_cast<T*>(impl(values).data), static_cast<int64_t*>(impl(indices).data));
  });
}

}  // namespace simdgrad::reductions
