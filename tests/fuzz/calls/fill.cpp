// Numbers in tensors: ordinary ones, corner cases, ids.
#include <cmath>
#include <cstring>
#include <limits>

#include "core/dtypes.h"
#include "core/tensor_impl.h"
#include "tests/fuzz/calls/tensors.h"

namespace fuzz {
namespace {

enum class Kind { ordinary, positive, small_integers, special, constant };

template <class T>
T draw_float(Random& random, Kind kind) {
  switch (kind) {
    case Kind::ordinary:
      return static_cast<T>(random.unit() * 4 - 2);
    case Kind::positive:
      return static_cast<T>(random.unit() * 2 + 0.01);
    case Kind::small_integers:
      return static_cast<T>(random.between(-2, 3));
    case Kind::constant:
      return T(1);
    case Kind::special:
      break;
  }
  using Limits = std::numeric_limits<T>;
  return random.pick({Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity(), T(0), -T(0),
                      Limits::max(), Limits::lowest(), Limits::denorm_min(), Limits::min(), T(1),
                      T(-1), T(1e10)});
}

template <class T>
void fill(Random& random, T* values, int64_t count) {
  const Kind kind = random.pick({Kind::ordinary, Kind::ordinary, Kind::ordinary, Kind::ordinary,
                                 Kind::ordinary, Kind::positive, Kind::positive,
                                 Kind::small_integers, Kind::special, Kind::constant});
  for (int64_t i = 0; i < count; ++i) {
    if constexpr (std::is_same_v<T, bool>) {
      values[i] = random.chance(50);
    } else if constexpr (std::is_floating_point_v<T>) {
      const bool is_special = kind == Kind::special && random.chance(40);
      values[i] =
          draw_float<T>(random, is_special || kind != Kind::special ? kind : Kind::ordinary);
    } else if (kind == Kind::special) {
      values[i] = static_cast<T>(wild_integer(random));
    } else {
      values[i] =
          static_cast<T>(kind == Kind::positive ? random.between(1, 5)
                                                : random.between(std::is_signed_v<T> ? -3 : 0, 5));
    }
  }
}

}  // namespace

int64_t wild_integer(Random& random) {
  constexpr int64_t kMin = INT64_MIN, kMax = INT64_MAX;
  if (random.chance(40)) return random.between(-8, 8);
  if (random.chance(15)) return static_cast<int64_t>(random.next());
  return random.pick<int64_t>({kMin,
                               kMin + 1,
                               kMax,
                               kMax - 1,
                               -1,
                               0,
                               1 << 16,
                               INT32_MAX,
                               INT32_MIN,
                               int64_t{1} << 31,
                               int64_t{1} << 32,
                               int64_t{1} << 33,
                               int64_t{1} << 40,
                               int64_t{1} << 60,
                               int64_t{1} << 61,
                               int64_t{1} << 62,
                               -(int64_t{1} << 62),
                               kMax / 2 + 1,
                               255,
                               256,
                               65536,
                               -100});
}

double wild_double(Random& random) {
  using Limits = std::numeric_limits<double>;
  return random.pick({Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity(), 0.0, -0.0, -1.0,
                      1e308, -1e308, Limits::denorm_min(), 1e-300, 9.3e18, -9.3e18, 1e10, 0x1p63,
                      1.5, 2.0, 0.5, 3e38, 4e38});
}

void fill_any(Random& random, const Tensor& x) {
  const int64_t count = x.numel();
  simdgrad::for_type(x.scalar_type(),
                     [&](auto zero) { fill(random, x.data_ptr<decltype(zero)>(), count); });
}

void fill_ids(Random& random, const Tensor& x, int64_t limit) {
  const int64_t count = x.numel();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t id = limit > 0 ? random.below(limit) : 0;
    if (x.scalar_type() == simdgrad::kInt)
      x.data_ptr<int32_t>()[i] = static_cast<int32_t>(id);
    else
      x.data_ptr<int64_t>()[i] = id;
  }
}

void overwrite_integers(Random& random, const Tensor& x) {
  const simdgrad::Storage* storage = simdgrad::impl(x).storage;
  if (x.is_sparse() || storage == nullptr || simdgrad::is_floating_point(x.scalar_type())) return;
  simdgrad::for_integer_type(x.scalar_type(), [&](auto zero) {
    using T = decltype(zero);
    T* const values = static_cast<T*>(storage->data);
    for (size_t i = 0; i < storage->bytes / sizeof(T); ++i) {
      if constexpr (std::is_same_v<T, bool>)
        values[i] = !values[i];
      else
        values[i] = static_cast<T>(wild_integer(random));
    }
  });
}

}  // namespace fuzz
