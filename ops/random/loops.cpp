// The random engine's loops, from the kernels of the instruction set in use.
#include "core/generator_engine.h"
#include "ops/kernels/random.h"
#include "ops/kernels/table.h"

namespace simdgrad {

RandomLoops random_loops() {
  const kernels::RandomKernels& of = *kernels::table().random;
  return {of.twist,     of.temper,     of.uniform,   of.below_f32,
          of.below_f64, of.normal_f32, of.normal_f64};
}

}  // namespace simdgrad
