// as_strided: any window on a storage, and its general backward.
//
// With x the elements of self and y those of the result, both placed somewhere on one storage:
//   storage[p] = sum of dy of all y at p;   dx_i = storage[place of x_i] / (number of x at it)
// The derivative of that map sends the gradient of dx the other way: divided by the count, summed at
// the places of x, read at the places of y. Both directions are one function, spread().
#include "ops/loops/broadcast.h"
#include "ops/loops/copy.h"
#include "ops/views/shape.h"
#include "simdgrad/views.h"

namespace simdgrad {
namespace {

struct Geometry {
  Dims sizes, strides;
  int64_t offset = 0;

  Geometry() = default;
  Geometry(IntArrayRef of_sizes, IntArrayRef of_strides, int64_t at)
      : sizes(of_sizes), strides(of_strides), offset(at) {
    for (size_t i = 0; i < sizes.size(); ++i)
      if (sizes[i] <= 1) strides[i] = 0;  // never taken, and perhaps any number
  }
  // First element after the last one, 0 for none.
  int64_t reach() const {
    int64_t last = offset;
    for (size_t i = 0; i < sizes.size(); ++i) {
      if (sizes[i] == 0) return 0;
      last += (sizes[i] - 1) * strides[i];
    }
    return last + 1;
  }
  // Sorted by stride, does every dimension step over all that the smaller ones span? If not, two
  // elements may share a place.
  bool may_overlap() const {
    Dims order;
    for (size_t i = 0; i < sizes.size(); ++i) {
      if (sizes[i] == 0) return false;
      if (sizes[i] == 1) continue;
      size_t at = order.size();
      while (at > 0 && strides[static_cast<size_t>(order[at - 1])] > strides[i]) --at;
      order.insert(at, static_cast<int64_t>(i));
    }
    int64_t span = 0;
    for (int64_t i : order) {
      const int64_t stride = strides[static_cast<size_t>(i)];
      if (stride <= span) return true;
      span += stride * (sizes[static_cast<size_t>(i)] - 1);
    }
    return false;
  }
};

// Both ways of the map above: who adds, who reads, and whether the readers or the adders are x.
struct Spread {
  Geometry add, read;
  bool count_readers = true;  // x are the readers: backward. Else x are the adders: its derivative.
};

// A Spread as a list of numbers, which is how nodes keep it.
constexpr size_t kPackedFew = 5 + 4 * 3;
constexpr size_t kPackedMany = 5 + 4 * kMaxDims;
struct Packed {
  int64_t values[kPackedMany];
  size_t count = 0;

  explicit Packed(const Spread& map) {
    values[count++] = map.count_readers;
    for (const Geometry* geometry : {&map.add, &map.read}) {
      values[count++] = static_cast<int64_t>(geometry->sizes.size());
      values[count++] = geometry->offset;
      for (int64_t size : geometry->sizes) values[count++] = size;
      for (int64_t stride : geometry->strides) values[count++] = stride;
    }
  }
  operator IntArrayRef() const { return {values, count}; }
};
Spread unpack(IntArrayRef packed) {
  Spread map;
  map.count_readers = packed[0];
  size_t at = 1;
  for (Geometry* geometry : {&map.add, &map.read}) {
    const size_t ndim = static_cast<size_t>(packed[at]);
    geometry->offset = packed[at + 1];
    geometry->sizes.assign(packed.slice(at + 2, ndim));
    geometry->strides.assign(packed.slice(at + 2 + ndim, ndim));
    at += 2 + 2 * ndim;
  }
  return map;
}

// f(place) for every element in row-major order.
template <class F>
void for_each_place(const Geometry& geometry, F f) {
  const size_t ndim = geometry.sizes.size();
  Dims at(ndim);
  for (size_t i = 0; i < ndim; ++i)
    if (geometry.sizes[i] == 0) return;
  int64_t place = geometry.offset;
  while (true) {
    f(place);
    size_t i = ndim;
    while (i-- > 0) {
      place += geometry.strides[i];
      if (++at[i] < geometry.sizes[i]) break;
      place -= geometry.sizes[i] * geometry.strides[i];
      at[i] = 0;
      if (i == 0) return;
    }
    if (ndim == 0) return;
  }
}

template <class T>
void spread_values(const Spread& map, const T* from, T* to, T* storage, int64_t* counts) {
  const Geometry& counted = map.count_readers ? map.read : map.add;
  if (counts) for_each_place(counted, [&](int64_t place) { ++counts[place]; });
  for_each_place(map.add, [&](int64_t place) {
    storage[place] += map.count_readers || !counts ? *from : *from / static_cast<T>(counts[place]);
    ++from;
  });
  for_each_place(map.read, [&](int64_t place) {
    *to++ = map.count_readers && counts ? storage[place] / static_cast<T>(counts[place])
                                        : storage[place];
  });
}

Tensor spread(const Tensor& dy, const Spread& map) {
  check_dense(dy, "as_strided_backward", "dy");
  const int64_t places = std::max(map.add.reach(), map.read.reach());
  const ScalarType dtype = impl(dy).dtype;
  const Geometry& x = map.count_readers ? map.read : map.add;
  const Tensor storage = zeros_of({places}, dtype);
  Tensor dx = make_tensor(map.read.sizes, dtype);
  if (!map.add.may_overlap() && !x.may_overlap()) {
    char* base = static_cast<char*>(impl(storage).data);
    const int64_t bytes = element_size(dtype);
    copy_strided(base + map.add.offset * bytes, dtype, map.add.strides, impl(dy).data, dtype,
                 impl(dy).stride_list(), map.add.sizes);
    copy_strided(impl(dx).data, dtype, impl(dx).stride_list(), base + map.read.offset * bytes,
                 dtype, map.read.strides, map.read.sizes);
  } else {
    const Tensor from = contiguous_values(dy);
    const Tensor counts = x.may_overlap() ? zeros_of({places}, kLong) : Tensor();
    int64_t* count = counts.defined() ? static_cast<int64_t*>(impl(counts).data) : nullptr;
    if (dtype == kFloat)
      spread_values(map, static_cast<const float*>(impl(from).data),
                    static_cast<float*>(impl(dx).data), static_cast<float*>(impl(storage).data),
                    count);
    else
      spread_values(map, static_cast<const double*>(impl(from).data),
                    static_cast<double*>(impl(dx).data), static_cast<double*>(impl(storage).data),
                    count);
  }
  if (needs_gradient(dy))
    record_with_dims<"AsStridedBackwardBackward0", kPackedFew, kPackedMany>(
        dx, dy, Packed(Spread{map.read, map.add, !map.count_readers}),
        [](Gradients& d, IntArrayRef packed) { d.set(0, spread(d.dy(), unpack(packed))); });
  return dx;
}

}  // namespace

Tensor as_strided(const Tensor& self, IntArrayRef sizes, IntArrayRef strides,
                  std::optional<int64_t> storage_offset) {
  check_dense(self, "as_strided");
  const TensorImpl& x = impl(self);
  const int64_t offset = storage_offset.value_or(x.storage_offset());
  SIMDGRAD_CHECK(sizes.size() == strides.size(), "mismatch in length of strides and shape");
  for (int64_t stride : strides)
    SIMDGRAD_CHECK(stride >= 0,
                   "as_strided: Negative strides are not supported at the moment, got "
                   "strides: ",
                   strides);
  SIMDGRAD_CHECK(offset >= 0, "Tensor: invalid storage offset ", offset);
  for (int64_t size : sizes)
    SIMDGRAD_CHECK(size >= 0, "Storage size calculation overflowed with sizes=", sizes,
                   " and strides=", strides);
  const size_t item = static_cast<size_t>(element_size(x.dtype));
  const size_t bytes =
      byte_count({sizes.data(), sizes.size()}, {strides.data(), strides.size()}, item, offset);
  SIMDGRAD_CHECK(bytes <= x.storage->bytes, "setStorage: sizes ", sizes, ", strides ", strides,
                 ", storage offset ", offset, ", and itemsize ", item,
                 " requiring a storage size of ", bytes, " are out of bounds for storage of size ",
                 x.storage->bytes);
  Tensor y = make_view(self, sizes, strides, offset);
  if (needs_gradient(self)) {
    // Places count from the first element of either.
    const int64_t first = std::min(offset, x.storage_offset());
    const Spread map{Geometry(sizes, strides, offset - first),
                     Geometry(x.size_list(), x.stride_list(), x.storage_offset() - first), true};
    record_with_dims<"AsStridedBackward0", kPackedFew, kPackedMany>(
        y, self, Packed(map),
        [](Gradients& d, IntArrayRef packed) { d.set(0, spread(d.dy(), unpack(packed))); });
  }
  return y;
}

}  // namespace simdgrad
