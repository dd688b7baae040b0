// Folds along any dimensions: the plan, its blocks and tasks, variances in two passes.
#include "ops/loops/reductions_plan.h"

#include <simdgrad/parallel.h>

#include <algorithm>

#include "core/parallel.h"
#include "ops/loops/copy.h"
#include "ops/kernels/table.h"

namespace simdgrad::reductions {
namespace {

constexpr int64_t kBlock = 4096;  // numbers of a row that are folded in one go
constexpr int64_t kTask = 16384;  // numbers that one task takes at least
constexpr double kNanoseconds = 0.15;  // per number: what memory gives one core

// What partial results are folded by.
Fold continuation(Fold kind) {
  switch (kind) {
    case Fold::kMax:
    case Fold::kMaxAbs:
      return Fold::kMax;
    case Fold::kMin:
      return Fold::kMin;
    default:
      return Fold::kSum;
  }
}

template <class T>
const kernels::ReduceTable<T>& current_table() {
  return reduce_table(*kernels::table().reduce, T{});
}

template <class T>
T* scratch(Tensor& holder, int64_t count) {
  holder = make_tensor(count, scalar_type_of<T>);
  return static_cast<T*>(impl(holder).data);
}

template <class T>
void fold_rows(Fold kind, const T* x, int64_t row_stride, int64_t rows, int64_t n, const T* shift,
               T* out) {
  const auto kernel = current_table<T>().rows[static_cast<int>(kind)];
  // At least 16, or a row would never get shorter under the tests' tiny chunks.
  const int64_t block = std::max<int64_t>(16, chunk_size(kBlock));
  if (n <= block) {
    parallel_range(rows, std::max<int64_t>(1, kTask / std::max<int64_t>(1, n)),
                   kNanoseconds * static_cast<double>(n) + 2, [&](int64_t begin, int64_t end) {
                     kernel(x + begin * row_stride, row_stride, end - begin, n,
                            shift ? shift + begin : nullptr, out + begin);
                   });
    return;
  }
  const int64_t blocks = (n - 1) / block + 1;
  const int64_t group = std::max<int64_t>(1, chunk_size(kTask) / block);
  const int64_t groups = (blocks - 1) / group + 1;
  Tensor holder;
  T* partial = scratch<T>(holder, rows * blocks);
  parallel_chunks(rows * groups, kNanoseconds * static_cast<double>(rows) * static_cast<double>(n),
                  [&](int64_t chunk) {
                    const int64_t row = chunk / groups, first = chunk % groups * group;
                    for (int64_t b = first; b < std::min(first + group, blocks); ++b)
                      kernel(x + row * row_stride + b * block, 0, 1, std::min(block, n - b * block),
                             shift ? shift + row : nullptr, partial + row * blocks + b);
                  });
  fold_rows<T>(continuation(kind), partial, blocks, rows, blocks, nullptr, out);
}

template <class T>
void fold_columns(Fold kind, const T* x, int64_t outer_stride, int64_t outers, int64_t row_stride,
                  int64_t rows, int64_t width, const T* shift, T* out) {
  const auto kernel = current_table<T>().columns[static_cast<int>(kind)];
  const int64_t block =
      std::max<int64_t>(8, chunk_size(std::clamp<int64_t>(kTask / width, 256, 512) & ~int64_t{7}));
  const double cost =
      kNanoseconds * static_cast<double>(outers) * static_cast<double>(rows) * static_cast<double>(width);
  if (rows <= block && rows * width <= kTask) {
    const int64_t size = chunk_size(std::max<int64_t>(1, kTask / (rows * width)));
    parallel_range(outers, size, cost / static_cast<double>(outers),
                   [&](int64_t begin, int64_t end) {
                     kernel(x + begin * outer_stride, outer_stride, end - begin, row_stride, rows,
                            width, shift ? shift + begin * width : nullptr, out + begin * width);
                   });
    return;
  }
  // Tasks are strips of columns of blocks of rows, three for each thread: no wider strip changes a
  // result, and memory is read best in whole rows.
  const int64_t blocks = (rows - 1) / block + 1;
  const int64_t wanted = get_num_threads() == 1 ? 1 : 3 * get_num_threads();
  const int64_t pieces = std::max<int64_t>(1, wanted / (outers * blocks));
  const int64_t strip = chunk_size(std::max<int64_t>(64, (width / pieces + 63) & ~int64_t{63}));
  const int64_t strips = (width - 1) / strip + 1;
  Tensor holder;
  T* to = blocks == 1 ? out : scratch<T>(holder, outers * blocks * width);
  parallel_chunks(outers * blocks * strips, cost, [&](int64_t chunk) {
    const int64_t column = chunk % strips * strip, rest = chunk / strips;
    const int64_t b = rest % blocks, o = rest / blocks;
    kernel(x + o * outer_stride + b * block * row_stride + column, 0, 1, row_stride,
           std::min(block, rows - b * block), std::min(strip, width - column),
           shift ? shift + o * width + column : nullptr, to + (o * blocks + b) * width + column);
  });
  if (blocks > 1)
    fold_columns<T>(continuation(kind), to, blocks * width, outers, width, blocks, width, nullptr,
                    out);
}

// --- the plan ------------------------------------------------------------------------------------
struct Axis {
  int64_t size, stride;
  bool reduced;
  int dim;  // of the tensor; of merged ones the last
};

struct Plan {
  Axis axes[kMaxDims];
  int count = 0;
  bool permuted = false;  // kept dimensions change their order

  int reduced_axes() const {
    return static_cast<int>(
        std::count_if(axes, axes + count, [](const Axis& a) { return a.reduced; }));
  }
  // Merges neighbours that are one dimension in memory.
  void merge(bool across_kinds) {
    int last = 0;
    for (int i = 1; i < count; ++i) {
      Axis& to = axes[last];
      if ((across_kinds || to.reduced == axes[i].reduced) &&
          to.stride == axes[i].stride * axes[i].size) {
        to.size *= axes[i].size;
        to.stride = axes[i].stride;
      } else {
        axes[++last] = axes[i];
      }
    }
    if (count > 0) count = last + 1;
  }
};

// False where the fastest dimension is not contiguous: the caller makes a copy first.
bool make_plan(const TensorImpl& x, DimMask mask, Plan& plan) {
  for (int i = 0; i < x.ndim; ++i) {
    if (x.sizes()[i] == 1) continue;
    plan.axes[plan.count++] = {x.sizes()[i], x.strides()[i], (mask >> i & 1) != 0, i};
  }
  if (!x.is_contiguous()) {
    for (int i = 1; i < plan.count; ++i)
      for (int j = i; j > 0 && plan.axes[j - 1].stride < plan.axes[j].stride; --j)
        std::swap(plan.axes[j - 1], plan.axes[j]);
    int last = -1;
    for (int i = 0; i < plan.count; ++i) {
      if (plan.axes[i].reduced) continue;
      plan.permuted |= plan.axes[i].dim < last;
      last = plan.axes[i].dim;
    }
    if (plan.count > 0 && plan.axes[plan.count - 1].stride != 1) return false;
  }
  plan.merge(false);
  return true;
}

// Folds the last reduced axis of the plan; `out` gets the others in the plan's order. `shift` has
// one number per result.
template <class T>
void fold_last_axis(Fold kind, const T* x, const Plan& plan, const T* shift, T* out) {
  int reduced = plan.count - 1;
  while (reduced >= 0 && !plan.axes[reduced].reduced) --reduced;
  if (reduced < 0) {  // everything reduced has size 1: rows of one number
    static constexpr Axis kOne{1, 1, true, 0};
    Plan with_one = plan;
    with_one.axes[with_one.count++] = kOne;
    return fold_last_axis(kind, x, with_one, shift, out);
  }
  const bool over_rows = reduced == plan.count - 1;
  const int64_t width = over_rows ? 1 : plan.axes[plan.count - 1].size;
  Plan outer;  // what is neither the reduced nor the column axis
  for (int i = 0; i < plan.count - (over_rows ? 0 : 1); ++i)
    if (i != reduced) outer.axes[outer.count++] = plan.axes[i];
  outer.merge(true);
  Axis inner{1, 0, false, 0};
  if (outer.count > 0) inner = outer.axes[--outer.count];
  int64_t repeats = 1;
  for (int i = 0; i < outer.count; ++i) repeats *= outer.axes[i].size;
  for (int64_t repeat = 0; repeat < repeats; ++repeat) {
    const T* from = x;
    int64_t rest = repeat;
    for (int i = outer.count - 1; i >= 0; --i) {
      from += rest % outer.axes[i].size * outer.axes[i].stride;
      rest /= outer.axes[i].size;
    }
    const int64_t position = repeat * inner.size * width;
    const T* by = shift ? shift + position : nullptr;
    const Axis& along = plan.axes[reduced];
    if (over_rows) {
      fold_rows(kind, from, inner.stride, inner.size, along.size, by, out + position);
    } else {
      fold_columns(kind, from, inner.stride, inner.size, along.stride, along.size, width, by,
                   out + position);
    }
  }
}

// Several reduced axes, one after the other.
template <class T>
void run_long_plan(Fold kind, const T* x, Plan plan, const T* shift, T* out) {
  Tensor held;
  while (plan.reduced_axes() > 1) {
    int last = plan.count - 1;
    while (!plan.axes[last].reduced) --last;
    Plan left;
    for (int i = 0; i < plan.count; ++i)
      if (i != last) left.axes[left.count++] = plan.axes[i];
    int64_t numel = 1;
    for (int i = left.count - 1; i >= 0; --i) {
      left.axes[i].stride = numel;
      numel *= left.axes[i].size;
    }
    Tensor next;
    T* partial = scratch<T>(next, numel);
    fold_last_axis<T>(kind, x, plan, nullptr, partial);
    held = std::move(next);
    kind = continuation(kind);
    x = partial;
    left.merge(false);
    plan = left;
  }
  fold_last_axis(kind, x, plan, shift, out);
}

template <class T>
void run_plan(Fold kind, const T* x, const Plan& plan, const T* shift, T* out) {
  if (plan.reduced_axes() > 1) {
    run_long_plan(kind, x, plan, shift, out);
  } else {
    fold_last_axis(kind, x, plan, shift, out);
  }
}

// The tensor of results: where the plan permutes the kept dimensions, `compact` gets the numbers in
// the plan's order and finish() brings them into the tensor's.
struct Result {
  Tensor compact;
  Dims sizes, strides;
  bool permuted = false;

  Result(const Tensor& x, DimMask mask, bool keepdim, const Plan& plan, const TensorImpl& source) {
    reduced_sizes(x, mask, keepdim, sizes);
    compact = make_tensor(sizes, impl(x).dtype);
    permuted = plan.permuted;
    if (!permuted) return;
    // Strides of the kept dimensions in order of the source's strides.
    int order[kMaxDims], count = 0;
    for (int i = 0; i < source.ndim; ++i)
      if (!(mask >> i & 1)) order[count++] = i;
    std::stable_sort(order, order + count,
                     [&](int a, int b) { return rank(source, a) > rank(source, b); });
    Dims by_dim(source.ndim, 1);
    int64_t stride = 1;
    for (int i = count - 1; i >= 0; --i) {
      by_dim[order[i]] = stride;
      stride *= source.sizes()[order[i]];
    }
    for (int i = 0; i < source.ndim; ++i)
      if (keepdim || !(mask >> i & 1)) strides.push_back(by_dim[i]);
  }
  static int64_t rank(const TensorImpl& x, int dim) {
    return x.sizes()[dim] == 1 ? 0 : x.strides()[dim];
  }
  Tensor finish() {
    if (!permuted) return std::move(compact);
    return make_alias(compact, sizes, strides, 0).contiguous();
  }
};

}  // namespace

DimMask dim_mask(OptionalIntArrayRef dims, int64_t ndim) {
  if (!dims || dims->empty()) return all_dims(ndim);
  DimMask mask = 0;
  for (int64_t given : *dims) {
    const int64_t dim = wrap_dim(given, ndim);
    SIMDGRAD_CHECK(!(mask >> dim & 1), "dim ", dim, " appears multiple times in the list of dims");
    mask |= DimMask{1} << dim;
  }
  return mask;
}

void reduced_sizes(const Tensor& x, DimMask mask, bool keepdim, Dims& sizes) {
  const TensorImpl& of = impl(x);
  for (int i = 0; i < of.ndim; ++i) {
    if (!(mask >> i & 1)) {
      sizes.push_back(of.sizes()[i]);
    } else if (keepdim) {
      sizes.push_back(1);
    }
  }
}

int64_t reduced_count(const Tensor& x, DimMask mask) {
  const TensorImpl& of = impl(x);
  int64_t count = 1;
  for (int i = 0; i < of.ndim; ++i)
    if (mask >> i & 1) count *= of.sizes()[i];
  return count;
}

Tensor fold(Fold kind, const Tensor& x, DimMask mask, bool keepdim) {
  const TensorImpl& of = impl(x);
  Plan plan;
  if (of.numel > 0 && !make_plan(of, mask, plan))
    return fold(kind, contiguous_values(x), mask, keepdim);
  Result result(x, mask, keepdim, plan, of);
  const TensorImpl& to = impl(result.compact);
  if (of.numel == 0) {
    if (to.numel > 0) std::memset(to.data, 0, static_cast<size_t>(result.compact.nbytes()));
    return std::move(result.compact);
  }
  for_float_type(of.dtype, [&]<class T>(T) {
    run_plan<T>(kind, static_cast<const T*>(of.data), plan, nullptr, static_cast<T*>(to.data));
  });
  return result.finish();
}

void divide_in_place(const Tensor& x, double divisor, bool root) {
  const TensorImpl& of = impl(x);
  for_float_type(of.dtype, [&]<class T>(T) {
    const auto& table = current_table<T>();
    const auto kernel = root ? table.divide_sqrt : table.divide;
    T* data = static_cast<T*>(of.data);
    parallel_range(of.numel, kTask, kNanoseconds * 2, [&](int64_t begin, int64_t end) {
      kernel(data + begin, end - begin, static_cast<T>(divisor));
    });
  });
}

Tensor reduced_last(const Tensor& x, DimMask mask) {
  Dims order;
  for (int64_t i = 0; i < x.dim(); ++i)
    if (!(mask >> i & 1)) order.push_back(i);
  for (int64_t i = 0; i < x.dim(); ++i)
    if (mask >> i & 1) order.push_back(i);
  const int64_t count = reduced_count(x, mask);
  const int64_t outputs = count == 0 ? 0 : x.numel() / count;
  const Tensor rows = make_detached(x, true).permute(order).contiguous();
  Dims strides(2, 1);
  strides[0] = count;
  return make_alias(rows, {outputs, count}, strides, impl(rows).storage_offset());
}

Tensor with_shape(const Tensor& results, const Tensor& x, DimMask mask, bool keepdim) {
  Dims sizes, strides;
  reduced_sizes(x, mask, keepdim, sizes);
  strides.resize(sizes.size());
  contiguous_strides(sizes, strides.data());
  return make_alias(results, sizes, strides, impl(results).storage_offset());
}

namespace {

// Squares of floats beyond 1e19 or below 1e-19 leave the range in which a float is precise, though the
// root of their mean does not.
bool leaves_float_range(const Tensor& sums) {
  const TensorImpl& of = impl(sums);
  if (of.dtype != kFloat) return false;
  const float* sum = static_cast<const float*>(of.data);
  return !std::all_of(sum, sum + of.numel, [](float value) { return value > 1e-26f && value < 1e38f; });
}

}  // namespace

Tensor mean_squared_distance(const Tensor& x, DimMask mask, bool keepdim, double divisor,
                             bool root) {
  const TensorImpl& of = impl(x);
  Plan plan;
  if (of.numel == 0) {  // 0 / 0 throughout
    Tensor result = fold(Fold::kSum, x, mask, keepdim);
    divide_in_place(result, 0);
    return result;
  }
  if (!make_plan(of, mask, plan))
    return mean_squared_distance(contiguous_values(x), mask, keepdim, divisor, root);
  if (plan.reduced_axes() > 1) {
    const Tensor rows = mean_squared_distance(reduced_last(x, mask), 2, false, divisor, root);
    return with_shape(rows, x, mask, keepdim);
  }
  Result result(x, mask, keepdim, plan, of);
  const Tensor means = make_tensor(impl(result.compact).numel, of.dtype);
  for_float_type(of.dtype, [&]<class T>(T) {
    const T* from = static_cast<const T*>(of.data);
    T* mean = static_cast<T*>(impl(means).data);
    run_plan<T>(Fold::kSum, from, plan, nullptr, mean);
    divide_in_place(means, static_cast<double>(reduced_count(x, mask)));
    run_plan<T>(Fold::kSumSquaredDistance, from, plan, mean,
                static_cast<T*>(impl(result.compact).data));
  });
  if (leaves_float_range(result.compact)) {
    const Tensor wide = contiguous_values(x, kDouble);
    const Tensor y = result.finish();
    copy_values(y, mean_squared_distance(wide, mask, keepdim, divisor, root));
    return y;
  }
  divide_in_place(result.compact, divisor, root);
  return result.finish();
}

}  // namespace simdgrad::reductions
