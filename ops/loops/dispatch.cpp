// One table of kernels per instruction set of this build; the others stay empty and unreachable,
// for active_isa() refuses what this build or this CPU lacks.
#include "ops/kernels/copy.h"
#include "ops/kernels/gemm/gemm.h"
#include "ops/kernels/losses.h"
#include "ops/kernels/optimizer.h"
#include "ops/kernels/pointwise.h"
#include "ops/kernels/random.h"
#include "ops/kernels/reduce.h"
#include "ops/kernels/rows.h"
#include "ops/kernels/softmax.h"
#include "ops/kernels/scatter_rows.h"
#include "ops/kernels/table.h"

namespace simdgrad::kernels {

// One line per family, in the order of Table.
#define SIMDGRAD_TABLE(isa)   \
  Table {                     \
    .gemm = &isa::gemm_kernels, \
    .copy = &isa::copy_kernels, \
    .rows = &isa::row_kernels, \
    .unary = &isa::unary_kernels, \
    .binary = &isa::binary_kernels, \
    .masks = &isa::mask_kernels, \
    .optimizer = &isa::optimizer_kernels, \
    .reduce = &isa::reduce_kernels, \
    .softmax = &isa::softmax_kernels, \
    .losses = &isa::loss_kernels, \
    .scatter = &isa::scatter_kernels, \
    .random = &isa::random_kernels, \
  }

constinit const Table tables[kIsaCount] = {
#if defined(SIMDGRAD_HAVE_SSE2)
    SIMDGRAD_TABLE(sse2),
#else
    {},
#endif
#if defined(SIMDGRAD_HAVE_AVX2)
    SIMDGRAD_TABLE(avx2),
#else
    {},
#endif
#if defined(SIMDGRAD_HAVE_AVX512)
    SIMDGRAD_TABLE(avx512),
#else
    {},
#endif
#if defined(SIMDGRAD_HAVE_NEON)
    SIMDGRAD_TABLE(neon),
#else
    {},
#endif
};

}  // namespace simdgrad::kernels
