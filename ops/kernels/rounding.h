// Vector maths under the caller's rounding mode.
//
// exp and its kin cut their argument into an integer and a rest by rounding, and cancel the integer
// later: under another mode than rounding to nearest the rest is twice as large as the polynomials
// reach, and expm1(1.3e-6) came out as 0. So what takes such functions runs under rounding to nearest,
// whatever the caller's mode, which is put back. Sums, products, quotients and roots keep it.
#pragma once

#include "ops/kernels/isa.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {
namespace {

class NearestRounding {
 public:
  NearestRounding() : mode_(read()) { write(mode_ & ~kRounding); }
  ~NearestRounding() { write(mode_ | (read() & kFlags)); }
  NearestRounding(const NearestRounding&) = delete;
  static bool holds() { return (read() & kRounding) == 0; }

 private:
#if defined(__x86_64__)
  using Mode = unsigned;
  static constexpr Mode kRounding = 0x6000, kFlags = 0x3f;
  static Mode read() { return _mm_getcsr(); }
  static void write(Mode mode) { _mm_setcsr(mode); }
#else
  using Mode = unsigned long;
  static constexpr Mode kRounding = 0xc00000, kFlags = 0;  // exceptions have a register of their own
  static Mode read() {
    Mode mode;
    asm volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
  }
  static void write(Mode mode) { asm volatile("msr fpcr, %0" : : "r"(mode) : "memory"); }
#endif
  Mode mode_;
};

// nearest<kernel> is the kernel under rounding to nearest.
template <auto kernel>
struct Nearest;
template <class Result, class... Arguments, Result (*kernel)(Arguments...)>
struct Nearest<kernel> {
  static Result run(Arguments... arguments) {
    if (NearestRounding::holds()) [[likely]]
      return kernel(arguments...);
    const NearestRounding guard;
    return kernel(arguments...);
  }
};
template <auto kernel>
constexpr auto nearest = &Nearest<kernel>::run;

}  // namespace
}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
