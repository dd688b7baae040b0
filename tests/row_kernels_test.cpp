// Kernels over rows where results alone would not show a mistake: which of equal numbers is taken, and
// what lies outside the operands.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "ops/kernels/copy.h"
#include "ops/kernels/table.h"
#include "ops/reductions/reductions.h"
#include "ops/loops/row_tasks.h"
#include "tests/catch.h"
#include "tests/fenced.h"

using namespace simdgrad;
using testing::Fenced;

namespace {

// Lengths around registers, around the 64 floats (32 doubles) that argmax looks at as one, and beyond.
const std::vector<int64_t> kLengths = {1,  2,  3,  15, 16,  17,  31,  32,  33,  47,  63,  64, 65,
                                       79, 95, 96, 97, 127, 128, 129, 160, 191, 192, 193, 260};

template <class T>
struct Rows {
  Rows(int64_t rows, int64_t n, T value)
      : rows(rows),
        n(n),
        x(static_cast<size_t>(rows * n), value),
        values(static_cast<size_t>(rows)),
        indices(static_cast<size_t>(rows)) {}
  T& at(int64_t r, int64_t i) { return x[static_cast<size_t>(r * n + i)]; }
  void run(bool minimum) {
    reductions::reduce_table(*kernels::table().reduce, T{})
        .arg_rows[minimum](x.data(), n, rows, n, values.data(), indices.data());
  }
  int64_t rows, n;
  std::vector<T> x, values;
  std::vector<int64_t> indices;
};

}  // namespace

TEMPLATE_TEST_CASE("argmax: the first of equal numbers, at every place", "[reductions]", float,
                   double) {
  using T = TestType;
  for (const bool minimum : {false, true})
    for (const int64_t n : kLengths)
      for (const int64_t step : {1, 5, 16, 64, 100}) {
        Rows<T> rows(n, n, T(0));
        const T extreme = minimum ? T(-1) : T(1);
        for (int64_t r = 0; r < n; ++r)
          for (int64_t i = r; i < n; i += step) rows.at(r, i) = extreme;
        rows.run(minimum);
        for (int64_t r = 0; r < n; ++r)
          if (rows.indices[size_t(r)] != r || rows.values[size_t(r)] != extreme)
            FAIL("n " << n << " row " << r << " step " << step << ": " << rows.indices[size_t(r)]);
      }
}

TEMPLATE_TEST_CASE("argmax: the first NaN, at every place", "[reductions]", float, double) {
  using T = TestType;
  const T nan = std::numeric_limits<T>::quiet_NaN(), infinity = std::numeric_limits<T>::infinity();
  for (const bool minimum : {false, true})
    for (const int64_t n : kLengths) {
      Rows<T> rows(n, n, minimum ? -infinity : infinity);
      for (int64_t r = 0; r < n; ++r) rows.at(r, r) = rows.at(r, n - 1) = nan;
      rows.run(minimum);
      for (int64_t r = 0; r < n; ++r)
        if (rows.indices[size_t(r)] != r || rows.values[size_t(r)] == rows.values[size_t(r)])
          FAIL("n " << n << " row " << r << ": " << rows.indices[size_t(r)]);
    }
}

TEMPLATE_TEST_CASE("argmax: rows of nothing but the worst, and zeros of both signs", "[reductions]",
                   float, double) {
  using T = TestType;
  const T infinity = std::numeric_limits<T>::infinity();
  for (const bool minimum : {false, true})
    for (const int64_t n : kLengths) {
      Rows<T> worst(1, n, minimum ? infinity : -infinity);
      worst.run(minimum);
      CHECK(worst.indices[0] == 0);
      CHECK(worst.values[0] == worst.x[0]);
      Rows<T> zeros(2, n, T(0));
      for (int64_t i = 0; i < n; ++i) zeros.at(i % 2, i) = T(-0.0);
      zeros.run(minimum);
      CHECK(zeros.indices == std::vector<int64_t>{0, 0});
    }
}

TEMPLATE_TEST_CASE("argmax: reads nothing outside its rows", "[reductions]", float, double) {
  using T = TestType;
  const auto& table = reductions::reduce_table(*kernels::table().reduce, T{});
  for (const bool end : {false, true})
    for (const int64_t n : kLengths) {
      const Fenced memory(static_cast<size_t>(n) * sizeof(T));
      T* x = memory.at<T>(end);
      for (int64_t i = 0; i < n; ++i) x[i] = static_cast<T>(i);
      for (const bool minimum : {false, true}) {
        T value;
        int64_t index;
        table.arg_rows[minimum](x, n, 1, n, &value, &index);
        CHECK(index == (minimum ? 0 : n - 1));
        CHECK(value == T(index));
      }
    }
}

namespace {

// Operands and results of layer_norm's backward, each ending (or beginning) at a fence.
template <class T>
struct Norm {
  Norm(int64_t rows, int64_t n, bool end)
      : rows(rows), n(n), memory{Fenced(all()),    Fenced(all()), Fenced(row()), Fenced(column()),
                                 Fenced(column()), Fenced(all()), Fenced(row()), Fenced(row())} {
    T** const parts[] = {&x, &dy, &weight, &mean, &rstd, &dx, &dweight, &dbias};
    for (int i = 0; i < 8; ++i) *parts[i] = memory[i].template at<T>(end);
    for (int64_t i = 0; i < rows * n; ++i) {
      x[i] = T((i * 37 % 101 - 50) / 32.0);
      dy[i] = T((i * 53 % 97 - 48) / 64.0);
    }
    for (int64_t i = 0; i < n; ++i) weight[i] = T(1 + i % 5 / 4.0);
    for (int64_t r = 0; r < rows; ++r) {
      mean[r] = T(r % 7 / 8.0);
      rstd[r] = T(1 + r % 3 / 2.0);
    }
  }
  size_t all() const { return static_cast<size_t>(rows * n) * sizeof(T); }
  size_t row() const { return static_cast<size_t>(n) * sizeof(T); }
  size_t column() const { return static_cast<size_t>(rows) * sizeof(T); }
  void run(bool weighted, bool wants_dx, bool wants_sums) {
    softmax_table<T>().layer_norm_backward(
        x, weighted ? weight : nullptr, mean, rstd, dy, wants_dx ? dx : nullptr, rows, n,
        wants_sums ? dweight : nullptr, wants_sums ? dbias : nullptr);
  }
  // The largest error of dx, dweight and dbias.
  double error(bool weighted) const {
    double worst = 0;
    std::vector<double> weight_sums(static_cast<size_t>(n)), bias_sums(static_cast<size_t>(n));
    for (int64_t r = 0; r < rows; ++r) {
      double mean_g = 0, mean_gx = 0;
      const auto normal = [&](int64_t i) { return double(x[r * n + i] - mean[r]) * rstd[r]; };
      const auto g = [&](int64_t i) { return double(dy[r * n + i]) * (weighted ? weight[i] : 1); };
      for (int64_t i = 0; i < n; ++i) {
        mean_g += g(i) / double(n);
        mean_gx += g(i) * normal(i) / double(n);
        weight_sums[size_t(i)] += dy[r * n + i] * normal(i);
        bias_sums[size_t(i)] += dy[r * n + i];
      }
      for (int64_t i = 0; i < n; ++i)
        worst = std::max(worst,
                         std::abs(rstd[r] * (g(i) - mean_g - normal(i) * mean_gx) - dx[r * n + i]));
    }
    for (int64_t i = 0; i < n; ++i)
      worst = std::max({worst, std::abs(weight_sums[size_t(i)] - dweight[i]),
                        std::abs(bias_sums[size_t(i)] - dbias[i])});
    return worst;
  }
  int64_t rows, n;
  Fenced memory[8];
  T *x, *dy, *weight, *mean, *rstd, *dx, *dweight, *dbias;
};

}  // namespace

TEMPLATE_TEST_CASE("layer_norm backward: tails, groups of rows, parts of the gradients", "[losses]",
                   float, double) {
  using T = TestType;
  for (const bool end : {false, true})
    for (const int64_t rows : {1, 2, 3, 4, 7})
      for (const int64_t n : {1, 3, 8, 15, 16, 17, 33, 64, 130, 500, 1024, 1100})
        for (const bool weighted : {false, true}) {
          INFO("rows " << rows << " n " << n << " weighted " << weighted << " end " << end);
          Norm<T> whole(rows, n, end);
          whole.run(weighted, true, true);
          CHECK(whole.error(weighted) < (sizeof(T) == 4 ? 2e-5 : 2e-14));
          Norm<T> part(rows, n, end);
          part.run(weighted, true, false);
          part.run(weighted, false, true);
          CHECK(std::memcmp(part.dx, whole.dx, whole.all()) == 0);
          CHECK(std::memcmp(part.dweight, whole.dweight, whole.row()) == 0);
          CHECK(std::memcmp(part.dbias, whole.dbias, whole.row()) == 0);
        }
}

namespace {

// The first wrong item of a transpose between fences, or "". Rows lie `to_stride` and `from_stride`
// bytes apart; what lies between them must stay as it is.
std::string transposed(int64_t rows, int64_t columns, int item, int64_t to_stride,
                       int64_t from_stride, bool end) {
  const int64_t to_bytes = (rows - 1) * to_stride + columns * item;
  const int64_t from_bytes = (columns - 1) * from_stride + rows * item;
  const Fenced to_memory(static_cast<size_t>(to_bytes)),
      from_memory(static_cast<size_t>(from_bytes));
  auto* to = to_memory.at<unsigned char>(end);
  auto* from = from_memory.at<unsigned char>(end);
  for (int64_t i = 0; i < from_bytes; ++i) from[i] = static_cast<unsigned char>(i * 7919 >> 3);
  std::memset(to, 0xee, static_cast<size_t>(to_bytes));
  kernels::table().copy->transpose(reinterpret_cast<char*>(to), to_stride,
                                   reinterpret_cast<const char*>(from), from_stride, rows, columns,
                                   item);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c)
      if (std::memcmp(to + r * to_stride + c * item, from + c * from_stride + r * item,
                      static_cast<size_t>(item)) != 0)
        return std::to_string(r) + ", " + std::to_string(c);
    if (r + 1 == rows) break;
    for (int64_t i = columns * item; i < to_stride; ++i)
      if (to[r * to_stride + i] != 0xee) return "behind row " + std::to_string(r);
  }
  return "";
}

}  // namespace

TEST_CASE("transposes: tails, strides that collide in the caches, nothing outside", "[views]") {
  for (const int item : {1, 2, 4, 8})
    for (const int64_t rows : {1, 15, 16, 17, 31, 64, 67, 130})
      for (const int64_t columns : {1, 7, 16, 33, 64, 128, 129, 200, 300})
        for (const bool end : {false, true})
          for (const bool collide : {false, true}) {
            const int64_t to_stride = collide ? 4096 : (columns + 1) * item;
            const int64_t from_stride = collide ? 2048 : (rows + 3) * item;
            INFO("item " << item << " rows " << rows << " columns " << columns << " collide "
                         << collide << " end " << end);
            CHECK(transposed(rows, columns, item, to_stride, from_stride, end) == "");
          }
}
