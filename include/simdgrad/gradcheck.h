// Checks derivatives against finite differences, as torch.autograd.gradcheck.
#pragma once

#include <simdgrad/autograd.h>

#include <functional>
#include <vector>

namespace simdgrad {

// What a failed check throws; its text is PyTorch's.
class SIMDGRAD_API GradcheckError : public Error {
 public:
  using Error::Error;
  ~GradcheckError() override;
};

// PyTorch's defaults. A field is set by name: `GradcheckOptions().eps(1e-5)`.
class GradcheckOptions {
 public:
#define SIMDGRAD_GRADCHECK_OPTION(type, name, value) \
  GradcheckOptions& name(type new_value) {           \
    name##_ = new_value;                             \
    return *this;                                    \
  }                                                  \
  type name() const { return name##_; }              \
                                                     \
 private:                                            \
  type name##_ = value;                              \
                                                     \
 public:
  // Step of the central difference.
  SIMDGRAD_GRADCHECK_OPTION(double, eps, 1e-6)
  // |analytical - numerical| <= atol + rtol |numerical| for every element.
  SIMDGRAD_GRADCHECK_OPTION(double, atol, 1e-5)
  SIMDGRAD_GRADCHECK_OPTION(double, rtol, 1e-3)
  // By how much two backward runs may differ: not at all.
  SIMDGRAD_GRADCHECK_OPTION(double, nondet_tol, 0.0)
  // Throw GradcheckError on failure, or return false.
  SIMDGRAD_GRADCHECK_OPTION(bool, raise_exception, true)
  // Do undefined gradients of outputs count as zeros?
  SIMDGRAD_GRADCHECK_OPTION(bool, check_undefined_grad, true)
  // Have gradients the dtype of their inputs?
  SIMDGRAD_GRADCHECK_OPTION(bool, check_grad_dtypes, false)
  // gradgradcheck only: strided random cotangents instead of contiguous ones.
  SIMDGRAD_GRADCHECK_OPTION(bool, gen_non_contig_grad_outputs, false)
#undef SIMDGRAD_GRADCHECK_OPTION
};

// A function of tensors to check; it must give the same values for the same inputs.
using GradcheckFunction = std::function<autograd::variable_list(const autograd::variable_list&)>;

// Is the gradient of `function` at `inputs` right? For every output and every input that requires
// grad, the Jacobian from backward, row by row, is compared with the one from central differences
// (f(x + eps) - f(x - eps)) / 2 eps; backward runs twice and must give the same bits (nondet_tol); a
// zero cotangent must give zero gradients of the right size and dtype; undefined cotangents must
// count as zeros. Row-sparse gradients are compared as dense ones.
//
// inputs: float64 for the default tolerances to hold (a warning says so otherwise), no stride of 0.
// Returns true, or throws GradcheckError ("Jacobian mismatch for output 0 with respect to input 0,
// ..."). Error: no input requires grad.
//
//   gradcheck([](const auto& x) { return autograd::variable_list{tanh(x[0])}; },
//             {randn({3}, TensorOptions(kDouble).requires_grad(true))});
SIMDGRAD_API bool gradcheck(const GradcheckFunction& function,
                            const autograd::variable_list& inputs,
                            const GradcheckOptions& options = {});

// Is the gradient of the gradient right? gradcheck of (inputs, cotangents) -> gradients of the
// inputs. grad_outputs: the cotangents, or none for random ones in [-1, 1) from a fixed seed.
SIMDGRAD_API bool gradgradcheck(const GradcheckFunction& function,
                                const autograd::variable_list& inputs,
                                const autograd::variable_list& grad_outputs = {},
                                const GradcheckOptions& options = {});

}  // namespace simdgrad
