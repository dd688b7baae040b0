// Products against a naive sum in the next wider type, bits across forms and threads, and operands
// that end where readable memory ends.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <simdgrad/parallel.h>

#include "core/cpu.h"
#include "core/testing_hooks.h"
#include "ops/linear_algebra/gemm.h"
#include "tests/catch.h"
#include "tests/fenced.h"

namespace {

using namespace simdgrad;
using ops::Epilogue;
using ops::Matrix;
using testing::Fenced;

template <class T>
struct Wider {
  using type = double;
};
template <>
struct Wider<double> {
  using type = long double;
};

// rows x columns numbers laid out with these strides inside a larger buffer.
template <class T>
struct Operand {
  std::vector<T> buffer;
  std::int64_t offset = 0, row = 0, column = 0;

  Matrix matrix() const { return {buffer.data() + offset, row, column}; }
  T at(std::int64_t i, std::int64_t j) const {
    return buffer[static_cast<std::size_t>(offset + i * row + j * column)];
  }
  T& at(std::int64_t i, std::int64_t j) {
    return buffer[static_cast<std::size_t>(offset + i * row + j * column)];
  }
};

enum class Layout {
  rows,
  columns,
  padded_rows,
  padded_columns,
  strided,
  reversed,
  repeated_rows,
  repeated_columns
};

template <class T>
Operand<T> make(std::int64_t rows, std::int64_t columns, Layout layout, std::mt19937& random) {
  Operand<T> x;
  switch (layout) {
    case Layout::rows:
      x.row = columns, x.column = 1;
      break;
    case Layout::columns:
      x.row = 1, x.column = rows;
      break;
    case Layout::padded_rows:
      x.row = columns + 3, x.column = 1;
      break;
    case Layout::padded_columns:
      x.row = 1, x.column = rows + 5;
      break;
    case Layout::strided:
      x.row = 2 * columns * 3, x.column = 3;
      break;
    case Layout::reversed:
      x.row = -columns, x.column = 1;
      break;
    case Layout::repeated_rows:
      x.row = 0, x.column = 1;
      break;
    case Layout::repeated_columns:
      x.row = 1, x.column = 0;
      break;
  }
  const std::int64_t last_row = rows > 0 ? rows - 1 : 0,
                     last_column = columns > 0 ? columns - 1 : 0;
  std::int64_t size = 1 + last_row * std::abs(x.row) + last_column * std::abs(x.column);
  if (x.row < 0) x.offset = last_row * -x.row;
  x.buffer.resize(static_cast<std::size_t>(size));
  // Multiples of 1/64 up to 2 in magnitude would add without rounding; these do not.
  std::uniform_real_distribution<double> value(-1, 1);
  for (T& v : x.buffer) v = static_cast<T>(value(random));
  return x;
}

// The first element outside the bound |error| <= (k + 4) eps sum |a b| (+ the epilogue's terms), or
// "" when there is none. ldc = n + 2: what lies between the rows must stay as it is.
template <class T>
std::string wrong(std::int64_t m, std::int64_t n, std::int64_t k, const Operand<T>& a,
                  const Operand<T>& b, double alpha, double beta, const Operand<T>* addend) {
  using W = typename Wider<T>::type;
  const std::int64_t ldc = n + 2;
  std::vector<T> c(static_cast<std::size_t>(m * ldc + 1), T(77));
  Epilogue epilogue;
  epilogue.alpha = alpha, epilogue.beta = beta;
  if (addend) {
    epilogue.addend = addend->buffer.data() + addend->offset;
    epilogue.addend_row_stride = addend->row, epilogue.addend_column_stride = addend->column;
  }
  ops::gemm<T>(m, n, k, a.matrix(), b.matrix(), c.data(), ldc, epilogue);
  const W eps = std::numeric_limits<T>::epsilon();
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < ldc; ++j) {
      const W value = c[static_cast<std::size_t>(i * ldc + j)];
      W sum = 0, magnitude = 0;
      if (j < n) {
        for (std::int64_t p = 0; p < k; ++p) {
          const W product = W(a.at(i, p)) * W(b.at(p, j));
          sum += product, magnitude += std::abs(product);
        }
        sum *= static_cast<T>(alpha), magnitude *= std::abs(static_cast<T>(alpha));
        if (beta != 0 && addend) {
          const W term = W(static_cast<T>(beta)) * W(addend->at(i, j));
          sum += term, magnitude += std::abs(term);
        }
      } else {
        sum = 77;
      }
      const W bound = W(k + 4) * eps / 2 * magnitude;
      if (!(std::abs(value - sum) <= bound)) {
        return "m n k " + std::to_string(m) + " " + std::to_string(n) + " " + std::to_string(k) +
               " at " + std::to_string(i) + " " + std::to_string(j) + ": " +
               std::to_string(double(value)) + " instead of " + std::to_string(double(sum));
      }
    }
  }
  return c.back() == T(77) ? "" : "wrote beyond the end";
}

template <class T>
std::string wrong(std::int64_t m, std::int64_t n, std::int64_t k, Layout la, Layout lb) {
  std::mt19937 random(static_cast<unsigned>(m * 10007 + n * 101 + k));
  const Operand<T> a = make<T>(m, k, la, random), b = make<T>(k, n, lb, random);
  return wrong<T>(m, n, k, a, b, 1, 0, nullptr);
}

template <class T>
std::vector<T> product(std::int64_t m, std::int64_t n, std::int64_t k, Matrix a, Matrix b) {
  std::vector<T> c(static_cast<std::size_t>(m * n), T(-5));
  ops::gemm<T>(m, n, k, a, b, c.data(), n);
  return c;
}

template <class T>
bool same_bits(const std::vector<T>& x, const std::vector<T>& y) {
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(T)) == 0;
}

// Each instruction set this machine runs, then what was in force before. For comparisons among
// them; the whole suite runs once per instruction set anyway.
template <class Body>
void for_each_isa(const Body& body) {
  const Isa before = active_isa();
  for (int i = 0; i < kIsaCount; ++i) {
    const Isa isa = static_cast<Isa>(i);
    if (!isa_supported(isa)) continue;
    testing::force_isa(isa);
    INFO(isa_name(isa));
    body();
  }
  testing::force_isa(before);
}

constexpr std::int64_t kEdges[] = {1, 2, 3, 5, 7, 8, 13, 16, 17, 31, 33, 48, 49, 64, 65, 100};
constexpr Layout kTransposes[] = {Layout::rows, Layout::columns};

}  // namespace

// Operands and results of a product that are larger than their share of the cache are fetched ahead.
struct SmallCache {
  explicit SmallCache(bool is_small) { testing::set_second_level_cache_bytes(is_small ? 8 : 0); }
  ~SmallCache() { testing::set_second_level_cache_bytes(0); }
};

TEMPLATE_TEST_CASE("gemm: every edge of every tile, four transposes", "[gemm]", float, double) {
  const SmallCache cache(GENERATE(false, true));
  for (const Layout la : kTransposes) {
    for (const Layout lb : kTransposes) {
      for (const std::int64_t m : kEdges) {
        for (const std::int64_t n : kEdges) {
          // All of k for small tiles; for large ones the two that differ.
          for (const std::int64_t k : {1, 3, 16, 17, 65}) {
            if (m * n > 2000 && k != 3 && k != 17) continue;
            const std::string what = wrong<TestType>(m, n, k, la, lb);
            if (!what.empty()) FAIL(int(la) << int(lb) << " " << what);
          }
        }
      }
    }
  }
  SUCCEED();
}

TEMPLATE_TEST_CASE("gemm: long k, large blocks, odd strides", "[gemm]", float, double) {
  const SmallCache cache(GENERATE(false, true));
  struct Case {
    std::int64_t m, n, k;
  };
  const Case cases[] = {{1, 1, 1000},    {1, 33, 800},  {3, 7, 10000},  {40, 1, 1031},
                        {16, 128, 2000}, {257, 50, 33}, {65, 257, 400}, {300, 211, 300},
                        {5, 5000, 7},    {5000, 5, 7},  {700, 24, 500}, {17, 2500, 300},
                        {16, 1100, 90},  {600, 530, 6}, {530, 600, 31}};
  constexpr Layout layouts[] = {
      Layout::rows,    Layout::columns,  Layout::padded_rows,   Layout::padded_columns,
      Layout::strided, Layout::reversed, Layout::repeated_rows, Layout::repeated_columns};
  // On one thread the whole product is one block; on two, large ones are a grid of them.
  const int before = get_num_threads();
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    for (const Case& s : cases) {
      const bool large = s.m * s.n * s.k > 1000000;
      if (!large && threads == 2) continue;
      for (const Layout la : layouts) {
        for (const Layout lb : layouts) {
          const bool transposes = int(la) <= 1 && int(lb) <= 1;
          const bool odd = threads == 1 && int(la) > 1 && int(lb) == (int(la) + 3) % 8;
          if (large && !transposes && !odd) continue;
          const std::string what = wrong<TestType>(s.m, s.n, s.k, la, lb);
          if (!what.empty())
            FAIL(int(la) << " " << int(lb) << " threads " << threads << " " << what);
        }
      }
    }
  }
  set_num_threads(before);
  SUCCEED();
}

TEMPLATE_TEST_CASE("gemm: nothing along a dimension", "[gemm]", float, double) {
  using T = TestType;
  const T numbers[4] = {1, 2, 3, 4};
  T c[4] = {9, 9, 9, 9};
  ops::gemm<T>(0, 2, 2, {numbers, 2, 1}, {numbers, 2, 1}, c, 2);
  ops::gemm<T>(2, 0, 2, {numbers, 2, 1}, {numbers, 0, 1}, c, 0);
  CHECK(c[0] == 9);
  Epilogue epilogue;
  epilogue.beta = 2, epilogue.addend = numbers;
  epilogue.addend_row_stride = 1, epilogue.addend_column_stride = 2;
  ops::gemm<T>(2, 2, 0, {nullptr, 0, 1}, {nullptr, 2, 1}, c, 2, epilogue);
  CHECK((c[0] == 2 && c[1] == 6 && c[2] == 4 && c[3] == 8));
  ops::gemm<T>(2, 2, 0, {nullptr, 0, 1}, {nullptr, 2, 1}, c, 2);
  CHECK((c[0] == 0 && c[1] == 0 && c[2] == 0 && c[3] == 0));
}

TEMPLATE_TEST_CASE("gemm: alpha, beta and the addend's layouts", "[gemm]", float, double) {
  using T = TestType;
  constexpr Layout addends[] = {Layout::rows, Layout::columns, Layout::strided,
                                Layout::repeated_rows, Layout::repeated_columns};
  std::mt19937 random(7);
  for (const std::int64_t k : {4, 1000}) {
    for (const Layout lb : kTransposes) {
      for (const Layout layout : addends) {
        for (const double alpha : {1.0, -0.3}) {
          for (const double beta : {1.0, 0.7, 0.0}) {
            for (const std::int64_t n : {48, 10, 130}) {
              const Operand<T> a = make<T>(19, k, Layout::rows, random);
              const Operand<T> b = make<T>(k, n, lb, random);
              Operand<T> addend = make<T>(19, n, layout, random);
              if (beta == 0) addend.at(0, 0) = std::numeric_limits<T>::quiet_NaN();
              const std::string what = wrong<T>(19, n, k, a, b, alpha, beta, &addend);
              if (!what.empty()) FAIL(alpha << " " << beta << " " << int(layout) << " " << what);
            }
          }
        }
      }
    }
  }
  SUCCEED();
  // Exactly: (acc * alpha) then + (addend * beta), each rounded.
  const T x = T(1) / 3, y = T(1) / 7, s = T(0.1), z = T(0.3);
  Epilogue epilogue;
  epilogue.alpha = 0.1, epilogue.beta = 0.3, epilogue.addend = &y;
  T c = 0;
  ops::gemm<T>(1, 1, 1, {&x, 1, 1}, {&x, 1, 1}, &c, 1, epilogue);
  volatile T product = x * x;
  volatile T left = product * s, right = y * z;
  CHECK(c == left + right);
}

TEMPLATE_TEST_CASE("gemm: NaN and infinity go where they belong", "[gemm]", float, double) {
  using T = TestType;
  const T infinity = std::numeric_limits<T>::infinity();
  std::mt19937 random(11);
  for (const Layout la : kTransposes) {
    for (const Layout lb : kTransposes) {
      for (const std::int64_t size : {1, 5, 17, 50}) {
        const std::int64_t m = size, n = size + 1, k = size + 2;
        Operand<T> a = make<T>(m, k, la, random), b = make<T>(k, n, lb, random);
        a.at(m - 1, k - 1) = infinity;
        b.at(k - 1, 0) = 0;  // 0 * inf
        b.at(0, n - 1) = std::numeric_limits<T>::quiet_NaN();
        a.at(0, 0) = 0;  // 0 * nan
        const std::vector<T> c = product<T>(m, n, k, a.matrix(), b.matrix());
        for (std::int64_t i = 0; i < m; ++i) {
          for (std::int64_t j = 0; j < n; ++j) {
            const T value = c[static_cast<std::size_t>(i * n + j)];
            const bool nan = j == n - 1 || (i == m - 1 && j == 0);
            const bool infinite = i == m - 1 && !nan;
            if (std::isnan(value) != nan || std::isinf(value) != infinite) {
              FAIL("size " << size << " at " << i << " " << j << ": " << value);
            }
          }
        }
      }
    }
  }
  SUCCEED();
}

namespace {

// The same numbers in another layout.
template <class T>
Operand<T> relaid(const Operand<T>& x, std::int64_t rows, std::int64_t columns, Layout layout,
                  std::mt19937& random) {
  Operand<T> y = make<T>(rows, columns, layout, random);
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) y.at(i, j) = x.at(i, j);
  }
  return y;
}

}  // namespace

// Fewer than 16 rows or columns may be summed with lanes along k: for every layout, or for none.
TEMPLATE_TEST_CASE("gemm: no layout changes a bit of narrow products", "[gemm][threads]", float,
                   double) {
  using T = TestType;
  struct Case {
    std::int64_t m, n, k;
  };
  const Case cases[] = {{1, 1, 2},     {1, 1, 77},     {1, 128, 784},  {784, 1, 128}, {1, 5, 300},
                        {300, 5, 37},  {7, 9, 300},    {2, 130, 257},  {131, 2, 129}, {3, 47, 401},
                        {5, 64, 1031}, {16, 6, 300},   {8, 8, 4},      {64, 10, 128}, {10, 128, 64},
                        {15, 20, 999}, {1, 3000, 200}, {13, 200, 2000}};
  constexpr Layout layouts[] = {Layout::rows, Layout::columns, Layout::padded_rows, Layout::strided,
                                Layout::reversed};
  const int before = get_num_threads();
  for_each_isa([&] {
    for (const Case& s : cases) {
      INFO(s.m << " " << s.n << " " << s.k);
      std::mt19937 random(3);
      Operand<T> a = make<T>(s.m, s.k, Layout::rows, random);
      Operand<T> b = make<T>(s.k, s.n, Layout::columns, random);
      // Fused with +0, each product of the first element rounds to -0; a lane with nothing is +0.
      for (std::int64_t p = 0; p < s.k; ++p) {
        a.at(0, p) = -std::numeric_limits<T>::min();
        b.at(p, 0) = T(1e-30);
      }
      const std::vector<T> first = product<T>(s.m, s.n, s.k, a.matrix(), b.matrix());
      for (const Layout la : layouts) {
        for (const Layout lb : layouts) {
          const Operand<T> a2 = relaid(a, s.m, s.k, la, random);
          const Operand<T> b2 = relaid(b, s.k, s.n, lb, random);
          if (!same_bits(product<T>(s.m, s.n, s.k, a2.matrix(), b2.matrix()), first)) {
            FAIL("layouts " << int(la) << " " << int(lb));
          }
          testing::set_inline_threshold(0);
          testing::set_chunk(5);
          set_num_threads(3);
          const bool same = same_bits(product<T>(s.m, s.n, s.k, a2.matrix(), b2.matrix()), first);
          testing::set_chunk(0);
          testing::set_inline_threshold(-1);
          set_num_threads(before);
          if (!same) FAIL("three threads, layouts " << int(la) << " " << int(lb));
        }
      }
    }
  });
  SUCCEED();
}

TEMPLATE_TEST_CASE("gemm: layout, m, n and threads change no bit", "[gemm][threads]", float,
                   double) {
  using T = TestType;
  const std::int64_t m = 70, n = 61, k = 900;
  const SmallCache cache(GENERATE(false, true));
  std::vector<T> fused;  // of the first instruction set that has fma
  for_each_isa([&] {
    std::mt19937 random(3);
    const Operand<T> a = make<T>(m, k, Layout::rows, random);
    const Operand<T> b = make<T>(k, n, Layout::rows, random);
    const std::vector<T> whole = product<T>(m, n, k, a.matrix(), b.matrix());
    if (active_isa() != Isa::sse2) {
      if (fused.empty()) fused = whole;
      CHECK(same_bits(whole, fused));
    }
    for (const Layout la : {Layout::rows, Layout::columns, Layout::strided}) {
      for (const Layout lb : {Layout::rows, Layout::columns, Layout::strided}) {
        const Operand<T> a2 = relaid(a, m, k, la, random), b2 = relaid(b, k, n, lb, random);
        CHECK(same_bits(product<T>(m, n, k, a2.matrix(), b2.matrix()), whole));
      }
    }
    const int before = get_num_threads();
    testing::set_inline_threshold(0);
    for (const int threads : {2, 3, 16}) {
      for (const std::int64_t chunk : {0, 1, 7}) {
        set_num_threads(threads);
        testing::set_chunk(chunk);
        CHECK(same_bits(product<T>(m, n, k, a.matrix(), b.matrix()), whole));
      }
    }
    testing::set_chunk(0);
    testing::set_inline_threshold(-1);
    set_num_threads(before);
    // Some of the rows on their own; fewer than 16 may take lanes along k.
    for (const std::int64_t rows : {16, 17, 33, 69}) {
      std::vector<T> part = product<T>(rows, n, k, a.matrix(), b.matrix());
      CHECK(std::memcmp(part.data(), whole.data(), part.size() * sizeof(T)) == 0);
    }
  });
}

TEMPLATE_TEST_CASE("gemm: batches", "[gemm]", float, double) {
  using T = TestType;
  std::mt19937 random(5);
  for (const std::int64_t size : {3, 20, 90}) {
    const std::int64_t batch = 7, m = size, n = size + 1, k = size + 2;
    const Operand<T> a = make<T>(batch * m, k, Layout::rows, random);
    const Operand<T> b = make<T>(k, n, Layout::columns, random);
    const Operand<T> addend = make<T>(batch, n, Layout::rows, random);
    Epilogue epilogue;
    epilogue.beta = 1, epilogue.addend = addend.buffer.data(), epilogue.addend_column_stride = 1;
    std::vector<T> c(static_cast<std::size_t>(batch * m * n));
    ops::gemm_batched<T>(batch, m, n, k, a.matrix(), m * k, b.matrix(), 0, c.data(), epilogue, n);
    for (std::int64_t i = 0; i < batch; ++i) {
      std::vector<T> one(static_cast<std::size_t>(m * n));
      epilogue.addend = addend.buffer.data() + i * n;
      ops::gemm<T>(m, n, k, {a.buffer.data() + i * m * k, k, 1}, b.matrix(), one.data(), n,
                   epilogue);
      CHECK(std::memcmp(one.data(), c.data() + i * m * n, one.size() * sizeof(T)) == 0);
    }
  }
}

TEMPLATE_TEST_CASE("gemm: touches nothing outside its operands", "[gemm]", float, double) {
  using T = TestType;
  const SmallCache cache(GENERATE(false, true));
  for (const bool end : {false, true}) {
    for (const std::int64_t m : {1, 4, 7, 13, 25}) {
      for (const std::int64_t n : {1, 3, 10, 16, 33, 50}) {
        for (const std::int64_t k : {1, 5, 16, 19, 400}) {
          const Fenced fa(static_cast<std::size_t>(m * k) * sizeof(T));
          const Fenced fb(static_cast<std::size_t>(k * n) * sizeof(T));
          const Fenced fc(static_cast<std::size_t>(m * n) * sizeof(T));
          T* a = fa.at<T>(end);
          T* b = fb.at<T>(end);
          T* c = fc.at<T>(end);
          for (std::int64_t i = 0; i < m * k; ++i) a[i] = 1;
          for (std::int64_t i = 0; i < k * n; ++i) b[i] = 2;
          for (int form = 0; form < 4; ++form) {
            for (std::int64_t i = 0; i < m * n; ++i) c[i] = -1;
            const Matrix ma = form & 1 ? Matrix{a, 1, m} : Matrix{a, k, 1};
            const Matrix mb = form & 2 ? Matrix{b, 1, k} : Matrix{b, n, 1};
            ops::gemm<T>(m, n, k, ma, mb, c, n);
            for (std::int64_t i = 0; i < m * n; ++i) {
              if (c[i] != T(2 * k)) FAIL(m << " " << n << " " << k << " form " << form);
            }
          }
        }
      }
    }
  }
  SUCCEED();
}
