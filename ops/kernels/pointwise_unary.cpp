// The pointwise operations of one tensor.
#include "ops/kernels/pointwise_rows.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {

#define SIMDGRAD_UNARY(function, Formula) SIMDGRAD_ROW(Formula)
extern const UnaryKernels unary_kernels = {
#define SIMDGRAD_ROW(Formula) row_kernel<formulas::Formula, unary_forward<formulas::Formula, float>>(),
    .forward = {{
#include <simdgrad/unary_ops.inc>
                    SIMDGRAD_MORE_UNARY(SIMDGRAD_ROW)},
                {
#undef SIMDGRAD_ROW
#define SIMDGRAD_ROW(Formula) row_kernel<formulas::Formula, unary_forward<formulas::Formula, double>>(),
#include <simdgrad/unary_ops.inc>
                    SIMDGRAD_MORE_UNARY(SIMDGRAD_ROW)}},
#undef SIMDGRAD_ROW
#define SIMDGRAD_ROW(Formula) row_kernel<formulas::Formula, unary_backward<formulas::Formula, float>>(),
    .backward = {{
#include <simdgrad/unary_ops.inc>
                     SIMDGRAD_MORE_UNARY(SIMDGRAD_ROW)},
                 {
#undef SIMDGRAD_ROW
#define SIMDGRAD_ROW(Formula) row_kernel<formulas::Formula, unary_backward<formulas::Formula, double>>(),
#include <simdgrad/unary_ops.inc>
                     SIMDGRAD_MORE_UNARY(SIMDGRAD_ROW)}},
#undef SIMDGRAD_ROW
};
#undef SIMDGRAD_UNARY

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
