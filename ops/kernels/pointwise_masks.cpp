// Comparisons, tests of floats, and the choice between two tensors by a mask.
#include "ops/kernels/pointwise_rows.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {
namespace {

// y = mask ? a : b
template <class T>
void where(char* const* data, const std::int64_t* strides, std::int64_t n, const void*) {
  constexpr int size = Vec<T>::size;
  T* y = reinterpret_cast<T*>(data[0]);
  char chosen[16];  // the bool of a row that has only one
  const char* mask = data[1];
  std::int64_t mask_step = size;
  if (strides[1] == 0) {
    __builtin_memset(chosen, *mask, sizeof chosen);
    mask = chosen;
    mask_step = 0;
  }
  Number<T> number_of_a, number_of_b;
  Stream<T> a(data[2], strides[2], number_of_a);
  Stream<T> b(data[3], strides[3], number_of_b);
  for (; n >= size; n -= size, y += size, mask += mask_step)
    select(Mask<T>::load_bool(mask), a.next(), b.next()).store(y);
  const int rest = static_cast<int>(n);
  if (rest > 0)
    select(Mask<T>::load_bool_partial(mask, rest), a.tail(rest), b.tail(rest))
        .store_partial(y, rest);
}

}  // namespace

extern const MaskKernels mask_kernels = {
#define SIMDGRAD_ROW(Formula) mask_forward<formulas::Formula, float, 2>,
    .compare = {{SIMDGRAD_COMPARISONS(SIMDGRAD_ROW)},
#undef SIMDGRAD_ROW
#define SIMDGRAD_ROW(Formula) mask_forward<formulas::Formula, double, 2>,
                {SIMDGRAD_COMPARISONS(SIMDGRAD_ROW)}},
#undef SIMDGRAD_ROW
#define SIMDGRAD_ROW(Formula) mask_forward<formulas::Formula, float, 1>,
    .test = {{SIMDGRAD_FLOAT_TESTS(SIMDGRAD_ROW)},
#undef SIMDGRAD_ROW
#define SIMDGRAD_ROW(Formula) mask_forward<formulas::Formula, double, 1>,
             {SIMDGRAD_FLOAT_TESTS(SIMDGRAD_ROW)}},
#undef SIMDGRAD_ROW
    .is_close = {mask_forward<formulas::IsClose, float, 2>,
                 mask_forward<formulas::IsClose, double, 2>},
    .where = {where<float>, where<double>},
};

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
