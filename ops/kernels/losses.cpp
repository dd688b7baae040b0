// Squared distance and binary cross entropy over flat memory, with their gradients.
#include "ops/kernels/losses.h"

#include "ops/kernels/math/math.h"
#include "ops/kernels/rounding.h"
#include "ops/kernels/row_folds.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {
namespace {

template <class T>
T squared_distance(const T* x, const T* t, int64_t n) {
  return first_lane(fold_row<Adding<T>, T>(n, [&](int64_t i, int lanes) SIMDGRAD_FUSED {
    const Vec<T> d = read(x + i, lanes) - read(t + i, lanes);
    return d * d;
  }));
}

template <class T>
void squared_distance_backward(const T* x, const T* t, int64_t n, T factor, T* dx) {
  for_row<T>(n, [&](int64_t i, int lanes) SIMDGRAD_FUSED {
    write((read(x + i, lanes) - read(t + i, lanes)) * Vec<T>(factor), dx + i, lanes);
  });
}

// (1 - t) x - log s(x), where -log s(x) = log(1 + e^-x).
template <class T>
T logits(const T* x, const T* t, int64_t n) {
  return first_lane(fold_row<Adding<T>, T>(n, [&](int64_t i, int lanes) SIMDGRAD_FUSED {
    const Vec<T> value = read(x + i, lanes);
    return (Vec<T>(1) - read(t + i, lanes)) * value + log1p_exp(-value);
  }));
}

// s(x) - t as (1 - t) s(x) - t s(-x), which keeps what is left of a sample that is nearly right.
template <class T>
void logits_backward(const T* x, const T* t, int64_t n, T factor, T* dx) {
  for_row<T>(n, [&](int64_t i, int lanes) SIMDGRAD_FUSED {
    const Vec<T> value = read(x + i, lanes), target = read(t + i, lanes);
    const Vec<T> low = sigmoid(-abs(value)), high = Vec<T>(1) - low;
    const auto negative = value < Vec<T>(0);
    const Vec<T> up = select(negative, low, high), down = select(negative, high, low);
    write(((Vec<T>(1) - target) * up - target * down) * Vec<T>(factor), dx + i, lanes);
  });
}

template <class T>
constexpr LossTable<T> make_table() {
  return {squared_distance<T>, squared_distance_backward<T>, nearest<logits<T>>,
          nearest<logits_backward<T>>};
}

}  // namespace

extern const LossKernels loss_kernels = {make_table<float>(), make_table<double>()};

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
