// Helpers for writing rows: names, calls in place, and numbers compared one by one.
#pragma once

#include <simdgrad/creation.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/views.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/cases/case.h"
#include "tests/catch.h"

namespace cases {

inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

// "3x4", "0d" for no dimensions.
inline std::string text(const Shape& shape) {
  std::string result;
  for (int64_t size : shape) {
    if (!result.empty()) result += 'x';
    result += std::to_string(size);
  }
  return result.empty() ? "0d" : result;
}

// y = op(y) by `change`, which returns the tensor it changed: the same one, one version later.
template <class Change>
void apply_in_place(Tensor& y, Change&& change) {
  const int64_t version = y._version();
  const Tensor& returned = change(y);
  if (&returned != &y) throw std::logic_error("another tensor was returned");
  if (y._version() != version + 1)
    throw std::logic_error("the version went from " + std::to_string(version) + " to " +
                           std::to_string(y._version()));
}

// A copy of x, no leaf, changed in place.
template <class Change>
Tensor changed(const Tensor& x, Change&& change) {
  Tensor y = x.clone();
  apply_in_place(y, change);
  return y;
}

// A copy of x of which the view of every second column was changed in place, and the view.
template <class Change>
Tensors changed_view(const Tensor& x, Change&& change) {
  Tensor base = x.clone();
  Tensor view = base.slice(-1, 0, base.size(-1), 2);
  apply_in_place(view, change);
  return {base, view};
}

// The same two tensors from a reference: f(x) where the column is even.
template <class F>
Arrays changed_view_reference(const Array& x, F&& f) {
  Array base = x;
  Shape half = x.shape;
  half.back() = (half.back() + 1) / 2;
  Array view(half);
  int64_t i = 0;
  reference::for_each_index(half, [&](Shape index) {
    const Shape at_view = index;
    index.back() *= 2;
    base.at(index) = view[i++] = f(x.at(index), at_view);
  });
  return {base, view};
}

// Checks dtype, shape and numbers: NaN equals NaN, and -0 is not 0.
inline void expect(const Tensor& found, simdgrad::ScalarType dtype, const Shape& shape,
                   const std::vector<double>& expected, double tolerance = 0) {
  CHECK(found.scalar_type() == dtype);
  REQUIRE(Shape(found.sizes().begin(), found.sizes().end()) == shape);
  REQUIRE(reference::count(shape) == static_cast<int64_t>(expected.size()));
  const Tensor numbers = found.detach().to(simdgrad::kDouble).contiguous();
  const double* values = numbers.data_ptr<double>();
  for (size_t i = 0; i < expected.size(); ++i) {
    const double want = expected[i];
    const bool same = std::isnan(want)   ? std::isnan(values[i])
                      : std::isinf(want) ? values[i] == want
                      : want == 0 ? values[i] == 0 && std::signbit(values[i]) == std::signbit(want)
                                  : std::abs(values[i] - want) <= tolerance * std::abs(want);
    if (!same) {
      INFO("element " << i);
      CHECK(values[i] == want);
      if (values[i] == want) FAIL_CHECK("the sign of zero differs");
    }
  }
}

}  // namespace cases
