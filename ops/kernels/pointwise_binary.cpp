// The pointwise operations of two tensors.
#include "ops/kernels/pointwise_rows.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {
namespace {

// C's fmod, lane by lane: exact whatever the quotient, which no short vector form is.
template <class T>
Vec<T> remainder_of_division(Vec<T> a, Vec<T> b) {
  T x[Vec<T>::size], y[Vec<T>::size];
  a.store(x);
  b.store(y);
  for (int i = 0; i < Vec<T>::size; ++i) {
    if constexpr (sizeof(T) == 4) {
      x[i] = __builtin_fmodf(x[i], y[i]);
    } else {
      x[i] = __builtin_fmod(x[i], y[i]);
    }
  }
  return Vec<T>::load(x);
}

}  // namespace

// The largest integer not above a / b, of the exact quotient; a / b where b is 0.
template <class T>
SIMDGRAD_INLINE Vec<T> floor_divide(Vec<T> a, Vec<T> b) {
  const Vec<T> zero(0), one(1);
  const Vec<T> rest = remainder_of_division(a, b);
  Vec<T> whole = (a - rest) / b;
  whole = select((rest != zero) & ((b < zero) ^ (rest < zero)), whole - one, whole);
  Vec<T> down = floor(whole);
  down = select(whole - down > Vec<T>(0.5), down + one, down);
  const Vec<T> quotient = a / b;
  down = select(whole == zero, copysign(zero, quotient), down);
  return select(b == zero, quotient, down);
}

#define SIMDGRAD_BINARY(function, Formula) SIMDGRAD_ROW(Formula)
extern const BinaryKernels binary_kernels = {
#define SIMDGRAD_ROW(Formula) row_kernel<formulas::Formula, binary_forward<formulas::Formula, float>>(),
    .forward = {{
#include <simdgrad/binary_ops.inc>
                    SIMDGRAD_MORE_BINARY(SIMDGRAD_ROW)},
                {
#undef SIMDGRAD_ROW
#define SIMDGRAD_ROW(Formula) row_kernel<formulas::Formula, binary_forward<formulas::Formula, double>>(),
#include <simdgrad/binary_ops.inc>
                    SIMDGRAD_MORE_BINARY(SIMDGRAD_ROW)}},
#undef SIMDGRAD_ROW
#define SIMDGRAD_ROW(Formula) row_kernel<formulas::Formula, binary_backward<formulas::Formula, float, true>>(),
    .backward_a = {{
#include <simdgrad/binary_ops.inc>
                       SIMDGRAD_MORE_BINARY(SIMDGRAD_ROW)},
                   {
#undef SIMDGRAD_ROW
#define SIMDGRAD_ROW(Formula) row_kernel<formulas::Formula, binary_backward<formulas::Formula, double, true>>(),
#include <simdgrad/binary_ops.inc>
                       SIMDGRAD_MORE_BINARY(SIMDGRAD_ROW)}},
#undef SIMDGRAD_ROW
#define SIMDGRAD_ROW(Formula) row_kernel<formulas::Formula, binary_backward<formulas::Formula, float, false>>(),
    .backward_b = {{
#include <simdgrad/binary_ops.inc>
                       SIMDGRAD_MORE_BINARY(SIMDGRAD_ROW)},
                   {
#undef SIMDGRAD_ROW
#define SIMDGRAD_ROW(Formula) row_kernel<formulas::Formula, binary_backward<formulas::Formula, double, false>>(),
#include <simdgrad/binary_ops.inc>
                       SIMDGRAD_MORE_BINARY(SIMDGRAD_ROW)}},
#undef SIMDGRAD_ROW
};
#undef SIMDGRAD_BINARY

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
