// The strided loop: dimensions sorted and merged, rows given to the kernel, short ones by buffers.
#include "ops/loops/elementwise_loop.h"

#include <algorithm>
#include <cmath>

#include "core/dtypes.h"
#include "core/parallel.h"

namespace simdgrad {
namespace {

constexpr int64_t kBlock = 512;     // elements per operand that are brought into row form at once
// Rows this long are worth a kernel call of their own: where others would have to be copied, and
// where they lie in order or repeat.
constexpr int64_t kLongRow = 32;
constexpr int64_t kLongOrderedRow = 256;

template <class To, class From>
To convert(From value) {
  if constexpr (std::is_same_v<To, bool>) {
    return value != 0;
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    // Through int64, so that negative numbers wrap in small types.
    return static_cast<To>(static_cast<int64_t>(value));
  } else {
    return static_cast<To>(value);
  }
}

template <class To, class From>
void convert_elements(char* to, int64_t to_stride, const char* from, int64_t from_stride,
                      int64_t n) {
  To* target = reinterpret_cast<To*>(to);
  const From* source = reinterpret_cast<const From*>(from);
  if (to_stride == 1 && from_stride == 1) {
    for (int64_t i = 0; i < n; ++i) target[i] = convert<To>(source[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) target[i * to_stride] = convert<To>(source[i * from_stride]);
  }
}

template <class To>
ConvertRow convert_row_to(ScalarType from) {
  static constexpr ConvertRow rows[] = {
      convert_elements<To, uint8_t>, convert_elements<To, int8_t>, convert_elements<To, int16_t>,
      convert_elements<To, int32_t>, convert_elements<To, int64_t>, convert_elements<To, float>,
      convert_elements<To, double>, convert_elements<To, bool>};
  return rows[static_cast<size_t>(from)];
}

// The loop's dimensions, innermost first, merged where all operands allow it.
struct Plan {
  int count;
  size_t ndim = 0;
  int64_t sizes[kMaxDims];
  int64_t strides[kMaxLoopOperands][kMaxDims];  // in elements
  char* data[kMaxLoopOperands];
  int64_t item[kMaxLoopOperands];          // bytes per element in memory
  int64_t compute_item[kMaxLoopOperands];  // and as the kernel sees it
  ConvertRow convert[kMaxLoopOperands];    // null where no conversion is needed
  ConvertRow copy[kMaxLoopOperands];       // into or out of a buffer
  // The address of element i is linear in i over the whole loop; step 0 or 1.
  bool linear[kMaxLoopOperands];
  // Every row holds the same numbers, as a bias does.
  bool repeats[kMaxLoopOperands];
  RowKernel kernel;
  const void* formula;

  Plan(IntArrayRef shape, const LoopOperand* operands, int operand_count);
  void run(int64_t begin, int64_t end) const;

 private:
  void sort_dims();
  void merge_dims();
  void run_row(char* const* from, int64_t n) const;
  void run_blocks(int64_t begin, int64_t end) const;
  template <bool to_buffer>
  void transfer(int operand, char* buffer, int64_t begin, int64_t n) const;
};

Plan::Plan(IntArrayRef shape, const LoopOperand* operands, int operand_count)
    : count(operand_count) {
  for (size_t dim = shape.size(); dim-- > 0;) {
    if (shape[dim] == 1) continue;
    sizes[ndim] = shape[dim];
    for (int k = 0; k < count; ++k) {
      const LoopOperand& operand = operands[k];
      const size_t behind = shape.size() - dim;  // dimensions from here to the end
      const bool present = behind <= operand.sizes.size();
      const size_t own = present ? operand.sizes.size() - behind : 0;
      strides[k][ndim] = present && operand.sizes[own] != 1 ? operand.strides[own] : 0;
    }
    ++ndim;
  }
  sort_dims();
  merge_dims();
  if (ndim == 0) {
    ndim = 1;
    sizes[0] = 1;
    for (int k = 0; k < count; ++k) strides[k][0] = 1;
  }
  for (int k = 0; k < count; ++k) {
    const LoopOperand& operand = operands[k];
    data[k] = operand.data;
    item[k] = element_size(operand.dtype);
    compute_item[k] = element_size(operand.compute);
    copy[k] = k == 0 ? convert_row(operand.dtype, operand.compute)
                     : convert_row(operand.compute, operand.dtype);
    convert[k] = operand.dtype == operand.compute ? nullptr : copy[k];
    linear[k] = !convert[k] && (strides[k][0] == 1 || (strides[k][0] == 0 && k != 0));
    repeats[k] = k != 0;
    for (size_t dim = 1; dim < ndim; ++dim) {
      linear[k] &= strides[k][dim] == strides[k][dim - 1] * sizes[dim - 1];
      repeats[k] &= strides[k][dim] == 0;
    }
  }
}

// By the distance between neighbours: of the output first, so that it is written in order.
void Plan::sort_dims() {
  const auto precedes = [&](size_t a, size_t b) {
    for (int k = 0; k < count; ++k) {
      const int64_t x = std::abs(strides[k][a]), y = std::abs(strides[k][b]);
      if (x != y && x != 0 && y != 0) return x < y;
    }
    return false;
  };
  for (size_t i = 1; i < ndim; ++i)
    for (size_t j = i; j > 0 && precedes(j, j - 1); --j) {
      std::swap(sizes[j], sizes[j - 1]);
      for (int k = 0; k < count; ++k) std::swap(strides[k][j], strides[k][j - 1]);
    }
}

void Plan::merge_dims() {
  size_t last = 0;
  for (size_t dim = 1; dim < ndim; ++dim) {
    bool merges = true;
    for (int k = 0; k < count; ++k) merges &= strides[k][dim] == strides[k][last] * sizes[last];
    if (merges) {
      sizes[last] *= sizes[dim];
    } else {
      ++last;
      sizes[last] = sizes[dim];
      for (int k = 0; k < count; ++k) strides[k][last] = strides[k][dim];
    }
  }
  if (ndim) ndim = last + 1;
}

// n elements along the innermost dimension.
void Plan::run_row(char* const* from, int64_t n) const {
  char* rows[kMaxLoopOperands];
  int64_t steps[kMaxLoopOperands];
  bool direct[kMaxLoopOperands];
  bool all_direct = true;
  for (int k = 0; k < count; ++k) {
    const int64_t stride = strides[k][0];
    direct[k] = !convert[k] && (stride == 1 || (stride == 0 && k != 0));
    rows[k] = from[k];
    steps[k] = stride == 0 && k != 0 ? 0 : 1;
    all_direct &= direct[k];
  }
  if (all_direct) {
    kernel(rows, steps, n, formula);
    return;
  }
  alignas(64) char buffers[kMaxLoopOperands][kBlock * 8];
  for (int k = 1; k < count; ++k)
    if (!direct[k] && steps[k] == 0) copy[k](buffers[k], 1, from[k], 0, 1);
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    const int64_t block = std::min(kBlock, n - begin);
    for (int k = 0; k < count; ++k) {
      char* const at = from[k] + begin * strides[k][0] * item[k];
      rows[k] = direct[k] ? at : buffers[k];
      if (k != 0 && !direct[k] && steps[k]) copy[k](buffers[k], 1, at, strides[k][0], block);
    }
    kernel(rows, steps, block, formula);
    if (!direct[0])
      copy[0](from[0] + begin * strides[0][0] * item[0], strides[0][0], buffers[0], 1, block);
  }
}

// Elements [begin, begin + n) of operand k, in the loop's order, to or from a dense buffer.
template <bool to_buffer>
void Plan::transfer(int k, char* buffer, int64_t begin, int64_t n) const {
  int64_t index[kMaxDims];
  char* at = data[k];
  int64_t rest = begin;
  for (size_t dim = 0; dim < ndim; ++dim) {
    index[dim] = rest % sizes[dim];
    rest /= sizes[dim];
    at += index[dim] * strides[k][dim] * item[k];
  }
  while (n > 0) {
    const int64_t run = std::min(n, sizes[0] - index[0]);
    if constexpr (to_buffer) {
      copy[k](buffer, 1, at, strides[k][0], run);
    } else {
      copy[k](at, strides[k][0], buffer, 1, run);
    }
    buffer += run * compute_item[k];
    n -= run;
    at -= index[0] * strides[k][0] * item[k];
    index[0] = 0;
    for (size_t dim = 1; dim < ndim; ++dim) {
      at += strides[k][dim] * item[k];
      if (++index[dim] < sizes[dim]) break;
      at -= sizes[dim] * strides[k][dim] * item[k];
      index[dim] = 0;
    }
  }
}

// Short rows: many of them at once, what does not lie in order through buffers. Blocks hold whole
// rows (but for the first and the last), so that what repeats is brought in once.
void Plan::run_blocks(int64_t begin, int64_t end) const {
  alignas(64) char buffers[kMaxLoopOperands][kBlock * 8];
  const int64_t whole = kBlock / sizes[0] * sizes[0];
  bool filled = false;
  while (begin < end) {
    const int64_t inner = begin % sizes[0];
    const int64_t n = std::min(inner ? sizes[0] - inner : whole, end - begin);
    char* rows[kMaxLoopOperands];
    int64_t steps[kMaxLoopOperands];
    for (int k = 0; k < count; ++k) {
      steps[k] = linear[k] ? strides[k][0] : 1;
      rows[k] = linear[k] ? data[k] + begin * steps[k] * item[k] : buffers[k];
      if (k != 0 && !linear[k] && !(filled && repeats[k])) transfer<true>(k, buffers[k], begin, n);
    }
    kernel(rows, steps, n, formula);
    if (!linear[0]) transfer<false>(0, buffers[0], begin, n);
    filled = n == whole;
    begin += n;
  }
}

void Plan::run(int64_t begin, int64_t end) const {
  bool ordered = true;
  for (int k = 0; k < count; ++k) ordered &= linear[k] || repeats[k];
  if (ndim > 1 && sizes[0] < (ordered ? kLongOrderedRow : kLongRow)) {
    run_blocks(begin, end);
    return;
  }
  while (begin < end) {
    const int64_t inner = begin % sizes[0];
    const int64_t n = std::min(sizes[0] - inner, end - begin);
    char* from[kMaxLoopOperands];
    for (int k = 0; k < count; ++k) from[k] = data[k] + inner * strides[k][0] * item[k];
    int64_t rest = begin / sizes[0];
    for (size_t dim = 1; dim < ndim && rest; ++dim) {
      const int64_t index = rest % sizes[dim];
      rest /= sizes[dim];
      for (int k = 0; k < count; ++k) from[k] += index * strides[k][dim] * item[k];
    }
    run_row(from, n);
    begin += n;
  }
}

}  // namespace

ConvertRow convert_row(ScalarType to, ScalarType from) {
  return for_type(to, [&]<class To>(To) { return convert_row_to<To>(from); });
}

void elementwise_loop(IntArrayRef sizes, const LoopOperand* operands, int count, RowKernel kernel,
                      const void* formula, double nanoseconds) {
  int64_t n = 1;
  for (const int64_t size : sizes) n *= size;
  if (n == 0) return;
  Plan plan(sizes, operands, count);
  plan.kernel = kernel;
  plan.formula = formula;
  parallel_range(n, kLoopChunk, nanoseconds,
                 [&plan](int64_t begin, int64_t end) { plan.run(begin, end); });
}

void contiguous_loop(int64_t n, char* const* data, const int64_t* strides,
                     const int64_t* element_sizes, int count, RowKernel kernel, const void* formula,
                     double nanoseconds) {
  parallel_range(n, kLoopChunk, nanoseconds, [&](int64_t begin, int64_t end) {
    char* rows[kMaxLoopOperands];
    for (int k = 0; k < count; ++k) rows[k] = data[k] + begin * strides[k] * element_sizes[k];
    kernel(rows, strides, end - begin, formula);
  });
}

}  // namespace simdgrad
