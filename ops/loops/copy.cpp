// Copies and fills cut into rows for the kernels; copies of whole tensors, overlap found out.
#include "ops/loops/copy.h"

#include <algorithm>

#include "core/dtypes.h"
#include "core/parallel.h"
#include "ops/kernels/copy.h"
#include "ops/kernels/table.h"
#include "ops/loops/strided_plan.h"

namespace simdgrad {
namespace {

constexpr int64_t kChunkBytes = 256 << 10;  // that one task copies
constexpr double kNanosecondsPerByte = 0.05;

// Rows, of which one task takes some, or blocks of rows where those are long.
// row(to offset, from offset, count).
template <class Row>
void for_rows(const StridedPlan& plan, int64_t to_item, Row row) {
  const int last = plan.ndim - 1;
  const int64_t n = plan.sizes[last];
  const int64_t rows = plan.outer_count(1);
  const double row_cost = static_cast<double>(n * to_item) * kNanosecondsPerByte + 3;
  const int64_t block = chunk_size(kChunkBytes / to_item);
  if (n <= block) {
    const int64_t per_task = std::max<int64_t>(1, kChunkBytes / (n * to_item));
    parallel_range(rows, per_task, row_cost, [&](int64_t begin, int64_t end) {
      for_outer(plan, 1, begin, end, [&](int64_t to, int64_t from) { row(to, from, n); });
    });
    return;
  }
  const int64_t blocks = (n - 1) / block + 1;
  parallel_chunks(rows * blocks, row_cost * static_cast<double>(rows), [&](int64_t task) {
    const int64_t start = task % blocks * block;
    for_outer(plan, 1, task / blocks, task / blocks + 1, [&](int64_t to, int64_t from) {
      row(to + start * plan.to[last], from + start * plan.from[last], std::min(block, n - start));
    });
  });
}

// The element (1, 2, 4 or 8 bytes) over a word.
uint64_t repeated(const char* element, int64_t item) {
  const auto spread = [element]<class T>(T part, uint64_t ones) {
    std::memcpy(&part, element, sizeof part);
    return part * ones;
  };
  if (item == 4) return spread(uint32_t{}, 0x100000001);
  if (item == 8) return spread(uint64_t{}, 1);
  if (item == 1) return spread(uint8_t{}, 0x101010101010101);
  return spread(uint16_t{}, 0x1000100010001);
}

void make_pattern(uint64_t word, char* pattern) {
  for (size_t i = 0; i < kernels::kPatternBytes; i += sizeof word)
    std::memcpy(pattern + i, &word, sizeof word);
}

void fill_row(char* to, const char* element, int64_t item, int64_t n) {
  char pattern[kernels::kPatternBytes];
  make_pattern(repeated(element, item), pattern);
  kernels::table().copy->fill(to, pattern, n * item);
}

// Which other dimension is dense in `from`, where the last one is dense in `to` only; -1 for none.
int transposed_dim(const StridedPlan& plan, int64_t item) {
  const int last = plan.ndim - 1;
  if (plan.to[last] != item || plan.from[last] == item || plan.from[last] == 0) return -1;
  for (int i = 0; i < last; ++i)
    if (plan.from[i] == item && plan.sizes[i] > 1) return i;
  return -1;
}

void copy_transposed(StridedPlan& plan, char* to, const char* from, int64_t item) {
  const int rows_dim = plan.ndim - 2;
  const int last = plan.ndim - 1;
  const int64_t rows = plan.sizes[rows_dim];
  const int64_t columns = plan.sizes[last];
  // Rows of the result per task: 256 bytes in a row of the source, or more.
  const int64_t block =
      std::max<int64_t>(256 / item, (kChunkBytes / (columns * item) + 15) / 16 * 16);
  const int64_t blocks = (rows - 1) / block + 1;
  const int64_t planes = plan.outer_count(2);
  const double cost = static_cast<double>(planes * rows * columns * item) * 0.2;
  parallel_chunks(planes * blocks, cost, [&](int64_t task) {
    const int64_t start = task % blocks * block;
    for_outer(plan, 2, task / blocks, task / blocks + 1, [&](int64_t to_at, int64_t from_at) {
      kernels::table().copy->transpose(
          to + to_at + start * plan.to[rows_dim], plan.to[rows_dim], from + from_at + start * item,
          plan.from[last], std::min(block, rows - start), columns, static_cast<int>(item));
    });
  });
}

bool same_bits(ScalarType to, ScalarType from) {
  return to == from || (to == ScalarType::Byte && from == ScalarType::Bool) ||
         (to == ScalarType::Char && from == ScalarType::Bool) ||
         (is_integral(to, false) && is_integral(from, false) &&
          element_size(to) == element_size(from));
}

}  // namespace

void copy_strided(void* to_data, ScalarType to_type, IntArrayRef to_strides, const void* from_data,
                  ScalarType from_type, IntArrayRef from_strides, IntArrayRef sizes) {
  for (int64_t size : sizes)
    if (size == 0) return;
  char* to = static_cast<char*>(to_data);
  const char* from = static_cast<const char*>(from_data);
  const int64_t item = element_size(to_type);
  const int64_t from_item = element_size(from_type);
  StridedPlan plan;
  make_plan(plan, sizes, to_strides, item, from_strides, from_item);
  const int last = plan.ndim - 1;
  const kernels::CopyKernels& kernel = *kernels::table().copy;
  if (!same_bits(to_type, from_type)) {
    const auto convert = kernel.convert[static_cast<int>(to_type)][static_cast<int>(from_type)];
    for_rows(plan, item, [&](int64_t to_at, int64_t from_at, int64_t n) {
      convert(to + to_at, plan.to[last] / item, from + from_at, plan.from[last] / from_item, n);
    });
    return;
  }
  if (plan.to[last] == item && plan.from[last] == item) {
    for_rows(plan, item, [&](int64_t to_at, int64_t from_at, int64_t n) {
      std::memcpy(to + to_at, from + from_at, static_cast<size_t>(n * item));
    });
  } else if (plan.to[last] == item && plan.from[last] == 0) {
    for_rows(plan, item, [&](int64_t to_at, int64_t from_at, int64_t n) {
      fill_row(to + to_at, from + from_at, item, n);
    });
  } else if (const int turned = transposed_dim(plan, item); turned >= 0) {
    plan.move_to_end(turned);
    plan.move_to_end(last - 1);  // the dimension dense in `to` stays last
    copy_transposed(plan, to, from, item);
  } else {
    for_rows(plan, item, [&](int64_t to_at, int64_t from_at, int64_t n) {
      kernel.strided(to + to_at, plan.to[last], from + from_at, plan.from[last], n,
                     static_cast<int>(item));
    });
  }
}

void copy_contiguous(void* to, ScalarType to_type, const void* from, ScalarType from_type,
                     int64_t n) {
  const int64_t item = element_size(to_type);
  const bool plain = same_bits(to_type, from_type);
  if (n <= 0) return;
  if (plain && n * item <= kChunkBytes) {
    std::memcpy(to, from, static_cast<size_t>(n * item));
    return;
  }
  const auto convert =
      kernels::table().copy->convert[static_cast<int>(to_type)][static_cast<int>(from_type)];
  const int64_t from_item = element_size(from_type);
  parallel_range(n, kChunkBytes / item, kNanosecondsPerByte * static_cast<double>(item + from_item),
                 [&](int64_t begin, int64_t end) {
                   char* target = static_cast<char*>(to) + begin * item;
                   const char* source = static_cast<const char*>(from) + begin * from_item;
                   if (plain)
                     std::memcpy(target, source, static_cast<size_t>((end - begin) * item));
                   else
                     convert(target, 1, source, 1, end - begin);
                 });
}

void copy_values(const Tensor& to, const Tensor& from) {
  const TensorImpl& target = impl(to);
  const TensorImpl& source = impl(from);
  if (target.is_contiguous() && source.is_contiguous() && target.numel == source.numel) {
    copy_contiguous(target.data, target.dtype, source.data, source.dtype, target.numel);
    return;
  }
  // A source of fewer dimensions repeats along the missing ones; of more, those have size 1.
  Dims strides(target.ndim);
  const int missing = static_cast<int>(target.ndim) - static_cast<int>(source.ndim);
  for (int i = 0; i < target.ndim; ++i) {
    const int at = i - missing;
    if (at >= 0 && source.sizes()[at] != 1) strides[static_cast<size_t>(i)] = source.strides()[at];
  }
  copy_strided(target.data, target.dtype, target.stride_list(), source.data, source.dtype, strides,
               target.size_list());
}

// --- fills --------------------------------------------------------------------------------------
void store_scalar(const Scalar& value, ScalarType type, void* to) {
  for_type(type, [&]<class T>(T) {
    SIMDGRAD_CHECK(value.fits<T>(), "value cannot be converted to type ", detail::c_type_name<T>(),
                   " without overflow");
    const T converted = value.to<T>();
    std::memcpy(to, &converted, sizeof(T));
  });
}

void fill_contiguous(void* to, ScalarType type, int64_t n, const Scalar& value) {
  const int64_t item = element_size(type);
  char element[8] = {};
  store_scalar(value, type, element);
  char pattern[kernels::kPatternBytes];
  const uint64_t word = repeated(element, item);
  make_pattern(word, pattern);
  const bool one_byte = word == repeated(element, 1);
  parallel_range(n, kChunkBytes / item, kNanosecondsPerByte * static_cast<double>(item),
                 [&](int64_t begin, int64_t end) {
                   char* target = static_cast<char*>(to) + begin * item;
                   if (one_byte)
                     std::memset(target, element[0], static_cast<size_t>((end - begin) * item));
                   else
                     kernels::table().copy->fill(target, pattern, (end - begin) * item);
                 });
}

void fill_strided(void* to, ScalarType type, IntArrayRef strides, IntArrayRef sizes,
                  const Scalar& value) {
  char element[8] = {};
  store_scalar(value, type, element);
  const Dims repeat(sizes.size());
  copy_strided(to, type, strides, element, type, repeat, sizes);
}

// --- tensors ------------------------------------------------------------------------------------
Tensor contiguous_values(const Tensor& self, ScalarType dtype) {
  const TensorImpl& x = impl(self);
  if (x.is_contiguous() && x.dtype == dtype) return self;
  Tensor y = make_tensor(x.size_list(), dtype);
  copy_values(y, self);
  return y;
}
Tensor contiguous_values(const Tensor& self) { return contiguous_values(self, impl(self).dtype); }

Tensor apart(const Tensor& tensor, const TensorImpl& written) {
  if (impl(tensor).storage != written.storage) return tensor;
  Tensor copy = make_tensor(impl(tensor).size_list(), impl(tensor).dtype);
  copy_values(copy, tensor);
  return copy;
}

Tensor make_clone_shape(const Tensor& self, ScalarType dtype) {
  const TensorImpl& x = impl(self);
  if (!x.is_contiguous()) return make_like(self, dtype);
  Tensor y = make_tensor(x.size_list(), dtype);
  // Strides of dimensions of size 1 are kept as well.
  if (x.numel > 0) std::memcpy(impl(y).strides(), x.strides(), x.ndim * sizeof(int64_t));
  return y;
}

bool check_no_partial_overlap(const Tensor& to, const Tensor& from) {
  const TensorImpl& a = impl(to);
  const TensorImpl& b = impl(from);
  if (a.storage != b.storage || a.numel == 0 || b.numel == 0) return false;
  const auto last = [](const TensorImpl& x) {
    int64_t end = 1;
    for (size_t i = 0; i < x.ndim; ++i) end += (x.sizes()[i] - 1) * x.strides()[i];
    return static_cast<const char*>(x.data) + end * element_size(x.dtype);
  };
  const char* a_begin = static_cast<const char*>(a.data);
  const char* b_begin = static_cast<const char*>(b.data);
  const char* a_end = last(a);
  const char* b_end = last(b);
  if (a_end <= b_begin || b_end <= a_begin) return false;
  const auto dense = [](const TensorImpl& x) {
    return x.is_contiguous() || is_non_overlapping_and_dense(x.size_list(), x.stride_list());
  };
  if (!dense(a) || !dense(b)) return true;
  SIMDGRAD_CHECK(
      a_begin == b_begin && a_end == b_end && a.stride_list() == b.stride_list(),
      "unsupported operation: some elements of the input tensor and the written-to tensor "
      "refer to a single memory location. Please clone() the tensor before performing the "
      "operation.");
  return false;
}

}  // namespace simdgrad
