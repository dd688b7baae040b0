// Ids and masks brought into one list of positions, with PyTorch's refusals and memory order.
#include "ops/indexing/advanced.h"

#include "ops/loops/broadcast.h"
#include "ops/loops/copy.h"
#include "ops/indexing/rows.h"

namespace simdgrad {
namespace {

// One index tensor: the dimensions that it covers and the entry of those (row-major) it names.
struct Entry {
  Tensor values;  // int64 or int32
  size_t first, count;
  int64_t limit;
  bool checked;  // a mask's positions
};

bool is_mask(ScalarType type) { return type == kBool || type == kByte; }

Entry make_entry(const TensorImpl& self, const Tensor& index, size_t first) {
  const TensorImpl& of = impl(index);
  SIMDGRAD_CHECK_AS(IndexError, is_mask(of.dtype) || of.dtype == kLong || of.dtype == kInt,
                    "tensors used as indices must be long, int, byte or bool tensors");
  const size_t count = is_mask(of.dtype) ? of.ndim : 1;
  SIMDGRAD_CHECK_AS(IndexError, first + count <= self.ndim,
                    "too many indices for tensor of dimension ", static_cast<int>(self.ndim));
  Entry entry{index, first, count, 1, is_mask(of.dtype)};
  for (size_t i = 0; i < count; ++i) entry.limit *= self.sizes()[first + i];
  if (!entry.checked) return entry;
  for (size_t i = 0; i < count; ++i)
    SIMDGRAD_CHECK_AS(IndexError, of.sizes()[i] == self.sizes()[first + i],
                      "The shape of the mask ", of.size_list(), " at index ", i,
                      " does not match the shape of the indexed tensor ", self.size_list(),
                      " at index ", first + i);
  entry.values = true_positions(index);
  return entry;
}

[[noreturn, gnu::cold]] void throw_no_broadcast(const std::vector<Entry>& entries) {
  std::string shapes;
  for (const Entry& entry : entries)
    for (size_t i = 0; i < entry.count; ++i) {
      std::string shape;
      for (int64_t size : entry.values.sizes())
        shape += (shape.empty() ? "" : ", ") + std::to_string(size);
      shapes += (shapes.empty() ? "[" : ", [") + shape + "]";
    }
  SIMDGRAD_THROW_AS(IndexError,
                    "shape mismatch: indexing tensors could not be broadcast together with shapes ",
                    shapes);
}

void common_shape(const std::vector<Entry>& entries, Dims& out) {
  out.resize(0);
  for (const Entry& entry : entries) {
    const IntArrayRef sizes = impl(entry.values).size_list();
    while (out.size() < sizes.size()) out.insert(0, 1);
    const size_t missing = out.size() - sizes.size();
    for (size_t i = 0; i < sizes.size(); ++i) {
      int64_t& common = out[missing + i];
      if (common != sizes[i] && common != 1 && sizes[i] != 1) throw_no_broadcast(entries);
      if (common == 1) common = sizes[i];
    }
  }
}

[[noreturn, gnu::cold]] void throw_out_of_range(int64_t id, size_t number, int64_t size) {
  SIMDGRAD_CHECK_AS(IndexError, size > 0, "index is out of bounds for dimension with size 0");
  SIMDGRAD_THROW_AS(IndexError, "index ", id, " is out of bounds for dimension ", number,
                    " with size ", size);
}

// All entries as one: position = entry of the first * limit of the second + entry of the second ...
Tensor combine(const std::vector<Entry>& entries, IntArrayRef shape) {
  Tensor positions = zeros_of(shape, kLong);
  Tensor values = make_tensor(shape, kLong);
  int64_t* sum = static_cast<int64_t*>(impl(positions).data);
  const int64_t* value = static_cast<const int64_t*>(impl(values).data);
  const int64_t n = impl(positions).numel;
  size_t number = 0;
  for (const Entry& entry : entries) {
    copy_values(values, entry.values);
    const int64_t bad = first_bad_id(values, -entry.limit, entry.limit);
    if (bad >= 0) throw_out_of_range(value[bad], number, entry.limit);
    for (int64_t k = 0; k < n; ++k)
      sum[k] = sum[k] * entry.limit + value[k] + (value[k] < 0 ? entry.limit : 0);
    number += entry.count;
  }
  return positions;
}

// PyTorch lays a result out in the order of its operands' strides: those of self, 0 where it is
// indexed, then those of every index. False if that is row-major anyway.
bool permuted_strides(const TensorImpl& self, const AdvancedIndex& index,
                      const std::vector<Entry>& entries, IntArrayRef sizes, Dims& out) {
  const size_t ndim = sizes.size();
  const size_t index_dims = index.shape.size();
  std::vector<Dims> operands(1 + entries.size(), Dims(ndim));
  size_t to = 0;
  for (size_t i = 0; i < self.ndim; ++i) {
    if (index.dims >> i & 1) continue;
    if (to == index.at) to += index_dims;
    operands[0][to++] = self.strides()[i];
  }
  for (size_t e = 0; e < entries.size(); ++e) {
    Dims strides;
    expand_strides(impl(entries[e].values), index.shape, strides);
    for (size_t i = 0; i < index_dims; ++i) operands[e + 1][index.at + i] = strides[i];
  }
  const auto compare = [&](size_t a, size_t b) {
    for (const Dims& strides : operands) {
      if (strides[a] == 0 || strides[b] == 0) continue;
      if (strides[a] != strides[b]) return strides[a] < strides[b] ? -1 : 1;
      if (sizes[a] > sizes[b]) return 1;
    }
    return 0;
  };
  Dims order(ndim);  // fastest dimension first
  for (size_t i = 0; i < ndim; ++i) order[i] = static_cast<int64_t>(ndim - 1 - i);
  for (size_t i = 1; i < ndim; ++i) {
    size_t at = i;
    for (size_t before = i; before-- > 0;) {
      const int result =
          compare(static_cast<size_t>(order[before]), static_cast<size_t>(order[at]));
      if (result < 0) break;
      if (result == 0) continue;
      std::swap(order[before], order[at]);
      at = before;
    }
  }
  bool permuted = false;
  out = Dims(ndim);
  int64_t stride = 1;
  for (size_t i = 0; i < ndim; ++i) {
    const size_t dim = static_cast<size_t>(order[i]);
    permuted |= dim != ndim - 1 - i;
    out[dim] = stride;
    stride *= sizes[dim];
  }
  return permuted;
}

}  // namespace

int64_t id_at(const Tensor& ids, int64_t i) {
  return impl(ids).dtype == kInt ? static_cast<const int32_t*>(impl(ids).data)[i]
                                 : static_cast<const int64_t*>(impl(ids).data)[i];
}

void expand_strides(const TensorImpl& x, IntArrayRef sizes, Dims& out) {
  out = Dims(sizes.size());
  const size_t missing = sizes.size() - x.ndim;
  for (size_t i = 0; i < x.ndim; ++i)
    if (x.sizes()[i] != 1 || sizes[missing + i] == 1) out[missing + i] = x.strides()[i];
}

void AdvancedIndex::result_sizes(IntArrayRef self, Dims& out) const {
  out.resize(0);
  size_t others = 0;
  const auto insert_shape = [&] {
    if (others == at)
      for (int64_t size : IntArrayRef(shape)) out.push_back(size);
  };
  insert_shape();
  for (size_t i = 0; i < self.size(); ++i) {
    if (dims >> i & 1) continue;
    out.push_back(self[i]);
    ++others;
    insert_shape();
  }
}

AdvancedIndex make_advanced_index(const Tensor& self, const std::vector<Tensor>& indices,
                                  Dims* result_strides) {
  const TensorImpl& x = impl(self);
  std::vector<Entry> entries;
  entries.reserve(indices.size());
  size_t dim = 0;
  for (const Tensor& given : indices) {
    if (!given.defined()) {
      ++dim;
      continue;
    }
    check_dense(given, "index", "indices");
    entries.push_back(make_entry(x, given, dim));
    dim += entries.back().count;
  }
  SIMDGRAD_CHECK_AS(IndexError, !entries.empty(), "at least one index must be provided");

  AdvancedIndex index;
  bool adjacent = true;
  bool plain = x.is_contiguous();
  for (size_t e = 0; e < entries.size(); ++e) {
    const Entry& entry = entries[e];
    adjacent &= e == 0 || entry.first == entries[e - 1].first + entries[e - 1].count;
    plain &= impl(entry.values).is_contiguous();
    for (size_t i = 0; i < entry.count; ++i) index.dims |= uint64_t{1} << (entry.first + i);
    index.limit *= entry.limit;
  }
  index.at = adjacent ? static_cast<uint32_t>(entries[0].first) : 0;
  Dims shape;
  common_shape(entries, shape);
  index.shape = KeptDims(shape);
  if (entries.size() == 1) {
    index.ids = contiguous_values(entries[0].values);
    index.checked = entries[0].checked;
  } else {
    index.ids = combine(entries, shape);
    index.checked = true;
  }
  if (result_strides) {
    Dims sizes;
    index.result_sizes(x.size_list(), sizes);
    if (plain || !permuted_strides(x, index, entries, sizes, *result_strides)) {
      result_strides->resize(sizes.size());
      contiguous_strides(sizes, result_strides->data());
    }
  }
  return index;
}

void check_ids(const AdvancedIndex& index) {
  if (index.checked) return;
  const int64_t bad = first_bad_id(index.ids, -index.limit, index.limit);
  if (bad >= 0) throw_out_of_range(id_at(index.ids, bad), 0, index.limit);
}

}  // namespace simdgrad
