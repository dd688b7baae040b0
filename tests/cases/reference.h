// Plain arrays of doubles and the few ways to compute with them, one element at a time: what the
// case table's references are written in. Nothing here calls the library.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace reference {

using Shape = std::vector<int64_t>;

inline int64_t count(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

struct Array {
  Shape shape;
  std::vector<double> data;  // row-major

  Array() = default;
  explicit Array(Shape s, double value = 0)
      : shape(std::move(s)), data(static_cast<size_t>(count(shape)), value) {}
  Array(Shape s, std::vector<double> values) : shape(std::move(s)), data(std::move(values)) {}
  int64_t size() const { return static_cast<int64_t>(data.size()); }
  int64_t dim() const { return static_cast<int64_t>(shape.size()); }
  double& operator[](int64_t i) { return data[static_cast<size_t>(i)]; }
  double operator[](int64_t i) const { return data[static_cast<size_t>(i)]; }
  int64_t flat(const Shape& index) const {
    int64_t position = 0;
    for (size_t d = 0; d < shape.size(); ++d) position = position * shape[d] + index[d];
    return position;
  }
  double at(const Shape& index) const { return data[static_cast<size_t>(flat(index))]; }
  double& at(const Shape& index) { return data[static_cast<size_t>(flat(index))]; }
};
using Arrays = std::vector<Array>;

// Calls f(index) for every index of a shape, last dimension fastest.
template <class F>
void for_each_index(const Shape& shape, F&& f) {
  if (count(shape) == 0) return;
  Shape index(shape.size(), 0);
  for (;;) {
    f(index);
    size_t d = shape.size();
    while (d > 0 && ++index[d - 1] == shape[d - 1]) index[--d] = 0;
    if (d == 0) return;
  }
}

// y[index] = f(index)
template <class F>
Array make(const Shape& shape, F&& f) {
  Array y(shape);
  int64_t i = 0;
  for_each_index(shape, [&](const Shape& index) { y[i++] = f(index); });
  return y;
}

template <class F>
Array map(const Array& x, F&& f) {
  Array y(x.shape);
  for (int64_t i = 0; i < x.size(); ++i) y[i] = f(x[i]);
  return y;
}

inline Shape broadcast(const Shape& a, const Shape& b) {
  Shape shape(std::max(a.size(), b.size()));
  for (size_t i = 0; i < shape.size(); ++i) {
    const int64_t from_a = i < a.size() ? a[a.size() - 1 - i] : 1;
    const int64_t from_b = i < b.size() ? b[b.size() - 1 - i] : 1;
    shape[shape.size() - 1 - i] = from_a == 1 ? from_b : from_a;
  }
  return shape;
}

// The element of x that broadcasting shows at `index` of a larger shape.
inline double shown_at(const Array& x, const Shape& index) {
  Shape own(x.shape.size());
  for (size_t i = 0; i < own.size(); ++i) {
    const int64_t position = index[index.size() - own.size() + i];
    own[i] = x.shape[i] == 1 ? 0 : position;
  }
  return x.at(own);
}

template <class F>
Array map2(const Array& a, const Array& b, F&& f) {
  return make(broadcast(a.shape, b.shape),
              [&](const Shape& index) { return f(shown_at(a, index), shown_at(b, index)); });
}
template <class F>
Array map3(const Array& a, const Array& b, const Array& c, F&& f) {
  return make(broadcast(broadcast(a.shape, b.shape), c.shape), [&](const Shape& index) {
    return f(shown_at(a, index), shown_at(b, index), shown_at(c, index));
  });
}

inline int64_t wrapped(int64_t d, int64_t dims) { return d < 0 ? d + std::max<int64_t>(dims, 1) : d; }

// y = f(values along dims), all dimensions if there are none.
template <class F>
Array reduce(const Array& x, Shape dims, bool keepdim, F&& f) {
  std::vector<bool> gone(x.shape.size(), dims.empty());
  for (int64_t d : dims)
    if (!gone.empty()) gone[static_cast<size_t>(wrapped(d, x.dim()))] = true;
  Shape kept, inner;
  for (size_t d = 0; d < gone.size(); ++d) {
    kept.push_back(gone[d] ? 1 : x.shape[d]);
    inner.push_back(gone[d] ? x.shape[d] : 1);
  }
  Array y = make(kept, [&](const Shape& outer) {
    std::vector<double> values;
    for_each_index(inner, [&](const Shape& index) {
      Shape whole(index);
      for (size_t d = 0; d < whole.size(); ++d) whole[d] += outer[d];
      values.push_back(x.at(whole));
    });
    return f(values);
  });
  if (!keepdim) {
    Shape squeezed;
    for (size_t d = 0; d < gone.size(); ++d)
      if (!gone[d]) squeezed.push_back(x.shape[d]);
    y.shape = squeezed;
  }
  return y;
}

inline double sum_of(const std::vector<double>& v) {
  long double sum = 0;
  for (double x : v) sum += x;
  return static_cast<double>(sum);
}
inline double max_of(const std::vector<double>& v) {
  double best = -std::numeric_limits<double>::infinity();
  for (double x : v) best = std::isnan(x) || x > best ? x : best;
  return best;
}
inline double min_of(const std::vector<double>& v) {
  double best = std::numeric_limits<double>::infinity();
  for (double x : v) best = std::isnan(x) || x < best ? x : best;
  return best;
}

// [n,k] [k,m]
inline Array matmul(const Array& a, const Array& b) {
  return make({a.shape[0], b.shape[1]}, [&](const Shape& i) {
    long double sum = 0;
    for (int64_t k = 0; k < a.shape[1]; ++k)
      sum += static_cast<long double>(a.at({i[0], k})) * b.at({k, i[1]});
    return static_cast<double>(sum);
  });
}

inline Array permute(const Array& x, const Shape& dims) {
  Shape shape;
  for (int64_t d : dims) shape.push_back(x.shape[static_cast<size_t>(d)]);
  return make(shape, [&](const Shape& index) {
    Shape from(index.size());
    for (size_t i = 0; i < dims.size(); ++i) from[static_cast<size_t>(dims[i])] = index[i];
    return x.at(from);
  });
}
inline Array transpose(const Array& x, int64_t a, int64_t b) {
  Shape dims(x.shape.size());
  std::iota(dims.begin(), dims.end(), 0);
  std::swap(dims[static_cast<size_t>(wrapped(a, x.dim()))], dims[static_cast<size_t>(wrapped(b, x.dim()))]);
  return permute(x, dims);
}
inline Array reshape(Array x, Shape shape) {
  if (count(shape) != x.size()) throw std::logic_error("reference: reshape");
  x.shape = std::move(shape);
  return x;
}

}  // namespace reference
