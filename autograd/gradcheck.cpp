// gradcheck and gradgradcheck: the Jacobian by differences and by backward, compared.
#include <simdgrad/gradcheck.h>

#include <cmath>
#include <sstream>

#include "autograd/record.h"

namespace simdgrad {

GradcheckError::~GradcheckError() = default;

namespace {

using autograd::variable_list;

// What a step in the check found wrong; turned into the answer at the end.
[[noreturn]] void fail(const std::string& message) { throw GradcheckError(message); }

// The Jacobian of one output and one input: [input.numel, output.numel], as PyTorch prints it.
using Jacobian = Tensor;

Jacobian zero_jacobian(const Tensor& input, const Tensor& output) {
  Tensor jacobian = make_tensor({input.numel(), output.numel()}, kDouble);
  std::memset(jacobian.data_ptr(), 0, static_cast<size_t>(jacobian.nbytes()));
  return jacobian;
}

// Element `index` (row-major) of a strided tensor of floats, read and written in place.
class Element {
 public:
  Element(const Tensor& tensor, int64_t index) : of_(impl(tensor)) {
    int64_t offset = 0;
    for (size_t i = of_.ndim; i-- > 0;) {
      offset += index % of_.sizes()[i] * of_.strides()[i];
      index /= of_.sizes()[i];
    }
    address_ = static_cast<char*>(of_.data) + offset * element_size(of_.dtype);
  }
  double get() const {
    return of_.dtype == kDouble ? *reinterpret_cast<double*>(address_)
                                : *reinterpret_cast<float*>(address_);
  }
  void set(double value) const {
    if (of_.dtype == kDouble) {
      *reinterpret_cast<double*>(address_) = value;
    } else {
      *reinterpret_cast<float*>(address_) = static_cast<float>(value);
    }
  }

 private:
  const TensorImpl& of_;
  char* address_;
};

Tensor dense(const Tensor& tensor) { return tensor.is_sparse() ? tensor.to_dense() : tensor; }

// Contiguous doubles, without graph.
Tensor values_of(const Tensor& tensor) {
  return dense(tensor.detach()).to(kDouble).contiguous().clone();
}

variable_list differentiable(const variable_list& tensors) {
  variable_list some;
  for (const Tensor& tensor : tensors)
    if (tensor.defined() && tensor.requires_grad()) some.push_back(tensor);
  return some;
}

void check_inputs(const variable_list& inputs) {
  bool any = false;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& input = inputs[i];
    if (!input.defined() || !input.requires_grad()) continue;
    any = true;
    if (input.scalar_type() != kDouble)
      warn("Input #" + std::to_string(i) +
           " requires gradient and is not a double precision floating point or complex. This check "
           "will likely fail if all the inputs are not of double precision floating point or "
           "complex. ");
    for (int64_t d = 0; d < input.dim(); ++d)
      SIMDGRAD_CHECK(input.stride(d) > 0 || input.size(d) <= 1, "The ", i,
                     "th input has a dimension with stride 0. gradcheck only supports inputs that "
                     "are non-overlapping to be able to compute the numerical gradients correctly. "
                     "You should call .contiguous on the input before passing it to gradcheck.");
  }
  SIMDGRAD_CHECK_AS(ValueError, any,
                    "gradcheck expects at least one input tensor to require gradient, but none of "
                    "them have requires_grad=True.");
}

class Checker {
 public:
  Checker(const GradcheckFunction& function, const variable_list& inputs,
          const GradcheckOptions& options)
      : function_(function), inputs_(inputs), options_(options) {}

  void run() {
    check_inputs(inputs_);
    wanted_ = differentiable(inputs_);
    const variable_list all = function_(inputs_);
    for (const Tensor& output : all)
      SIMDGRAD_CHECK_AS(ValueError, !output.defined() || !output.is_sparse(),
                        "Sparse output is not supported at gradcheck yet. Please call "
                        "to_dense(masked_grad=...) on the output of fn for gradcheck.");
    compute_numerical(all);
    if (differentiable(all).empty()) {
      for (const auto& per_output : numerical_)
        for (const Jacobian& jacobian : per_output)
          if (jacobian.ne(0).any().item<bool>())
            fail("Numerical gradient for function expected to be zero");
      return;
    }
    compare(all);
    check_multiplied(differentiable(all));
    if (options_.check_undefined_grad()) check_undefined();
  }

 private:
  // numerical_[output][input] for all outputs, differentiable or not.
  void compute_numerical(const variable_list& outputs) {
    for (const Tensor& output : outputs) {
      numerical_.emplace_back();
      for (const Tensor& input : wanted_) numerical_.back().push_back(zero_jacobian(input, output));
    }
    const NoGradGuard no_grad;
    for (size_t j = 0; j < wanted_.size(); ++j) {
      for (int64_t k = 0; k < wanted_[j].numel(); ++k) {
        const Element x(wanted_[j], k);
        const double center = x.get();
        const variable_list below = evaluate_at(x, center - options_.eps(), outputs);
        const variable_list above = evaluate_at(x, center + options_.eps(), outputs);
        for (size_t i = 0; i < outputs.size(); ++i) {
          const double* lower = below[i].data_ptr<double>();
          const double* upper = above[i].data_ptr<double>();
          double* row = numerical_[i][j].data_ptr<double>() + k * outputs[i].numel();
          for (int64_t n = 0; n < outputs[i].numel(); ++n)
            row[n] = (upper[n] - lower[n]) / (2 * options_.eps());
        }
      }
    }
  }

  // The outputs as doubles where one number of the inputs is another; refuses a function whose outputs
  // change their form. The number is put back, whatever the function throws.
  variable_list evaluate_at(const Element& x, double value, const variable_list& like) {
    struct PutBack {
      const Element& x;
      double center;
      ~PutBack() { x.set(center); }
    } const put_back{x, x.get()};
    x.set(value);
    variable_list outputs = function_(inputs_);
    SIMDGRAD_CHECK(outputs.size() == like.size(),
                   "gradcheck: the function returned ", outputs.size(), " outputs, before ", like.size());
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!(outputs[i].sizes() == like[i].sizes()))
        SIMDGRAD_THROW("Expected `func` to return outputs with the same shape when inputs are "
                       "perturbed by ", options_.eps(), ", but got: shapes ", like[i].sizes(), " and ",
                       outputs[i].sizes(), ".");
      outputs[i] = values_of(outputs[i]);
    }
    return outputs;
  }

  // One row of the Jacobian per output element, from a one-hot cotangent.
  std::vector<Jacobian> analytical(const Tensor& output) {
    std::vector<Jacobian> jacobians;
    for (const Tensor& input : wanted_) jacobians.push_back(zero_jacobian(input, output));
    Tensor cotangent = make_tensor(output.sizes(), output.scalar_type());
    for (int64_t n = 0; n < output.numel(); ++n) {
      std::memset(cotangent.data_ptr(), 0, static_cast<size_t>(cotangent.nbytes()));
      Element(cotangent, n).set(1);
      const variable_list rows =
          autograd::grad({output}, wanted_, {cotangent.clone()}, true, false, true);
      for (size_t j = 0; j < rows.size(); ++j) {
        if (!rows[j].defined()) continue;
        if (options_.check_grad_dtypes() && rows[j].scalar_type() != wanted_[j].scalar_type())
          fail("Gradient has dtype mismatch");
        if (!(rows[j].sizes() == wanted_[j].sizes())) fail("Analytical gradient has incorrect size");
        const Tensor row = values_of(rows[j]);
        double* to = jacobians[j].data_ptr<double>() + n;
        for (int64_t k = 0; k < row.numel(); ++k) to[k * output.numel()] = row.data_ptr<double>()[k];
      }
    }
    return jacobians;
  }

  void compare(const variable_list& outputs) {
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!outputs[i].requires_grad()) continue;
      const std::vector<Jacobian> first = analytical(outputs[i]);
      const std::vector<Jacobian> second = analytical(outputs[i]);
      for (size_t j = 0; j < first.size(); ++j) {
        check_reentrant(first[j], second[j]);
        if (!close(first[j], numerical_[i][j])) {
          std::ostringstream text;
          text << "Jacobian mismatch for output " << i << " with respect to input " << j
               << ",\nnumerical:" << numerical_[i][j] << "\nanalytical:" << first[j] << "\n";
          if (wanted_[j].scalar_type() != kDouble)
            text << "Input " << j << " is " << to_string(wanted_[j].scalar_type())
                 << ": differences of outputs are rounded too much for this check; use Double.\n";
          fail(text.str());
        }
      }
    }
  }

  void check_reentrant(const Jacobian& a, const Jacobian& b) const {
    for (int64_t k = 0; k < a.numel(); ++k) {
      const double difference = std::abs(a.data_ptr<double>()[k] - b.data_ptr<double>()[k]);
      if (difference > options_.nondet_tol()) {
        std::ostringstream text;
        text << "Backward is not reentrant, i.e., running backward with same input and grad_output "
                "multiple times gives different values, although analytical gradient matches "
                "numerical gradient.The tolerance for nondeterminism was "
             << options_.nondet_tol() << ".";
        fail(text.str());
      }
    }
  }

  bool close(const Jacobian& analytical, const Jacobian& numerical) const {
    const double* a = analytical.data_ptr<double>();
    const double* n = numerical.data_ptr<double>();
    for (int64_t k = 0; k < analytical.numel(); ++k)
      // Written so that NaN is not close; equal infinities are.
      if (a[k] != n[k] && !(std::abs(a[k] - n[k]) <= options_.atol() + options_.rtol() * std::abs(n[k])))
        return false;
    return true;
  }

  static variable_list zeros_for(const variable_list& outputs) {
    variable_list zeros;
    for (const Tensor& output : outputs) {
      Tensor zero = make_tensor(output.sizes(), output.scalar_type());
      zero.zero_();
      zeros.push_back(zero);
    }
    return zeros;
  }

  void check_multiplied(const variable_list& outputs) {
    const variable_list gradients =
        autograd::grad(outputs, wanted_, zeros_for(outputs), true, false, true);
    for (size_t j = 0; j < gradients.size(); ++j) {
      if (!gradients[j].defined()) continue;
      if (dense(gradients[j]).ne(0).any().item<bool>())
        fail("backward not multiplied by grad_output");
      if (gradients[j].scalar_type() != wanted_[j].scalar_type()) fail("grad is incorrect type");
      if (!(gradients[j].sizes() == wanted_[j].sizes())) fail("grad is incorrect size");
    }
  }

  // The same numbers, but no gradient ever arrives at `output`.
  static Tensor cut(const Tensor& output) {
    Tensor result = output.detach();
    record<"torch::autograd::UndefinedGrad">(result, std::tie(output), [](Gradients&) {});
    return result;
  }

  void check_undefined() {
    const size_t count = differentiable(function_(inputs_)).size();
    // All undefined, then one at a time where there are several.
    for (size_t which = 0; which < (count > 1 ? count + 1 : 1); ++which) {
      variable_list outputs = differentiable(function_(inputs_));
      for (size_t i = 0; i < outputs.size(); ++i)
        if (which == 0 || i == which - 1) outputs[i] = cut(outputs[i]);
      variable_list gradients;
      try {
        gradients = autograd::grad(outputs, wanted_, zeros_for(outputs), true, false, true);
      } catch (const Error&) {
        fail("Expected backward function to handle undefined output grads. Please look at \"Notes "
             "about undefined output gradients\" in \"tools/autograd/derivatives.yaml\"");
      }
      for (const Tensor& gradient : gradients)
        if (gradient.defined() && dense(gradient).ne(0).any().item<bool>())
          fail("Expected all input grads to be undefined or zero when all output grads are undefined "
               "or zero. Please look at \"Notes about undefined output gradients\" in "
               "\"tools/autograd/derivatives.yaml\"");
    }
  }

  const GradcheckFunction& function_;
  const variable_list& inputs_;
  const GradcheckOptions& options_;
  variable_list wanted_;
  std::vector<std::vector<Jacobian>> numerical_;
};

// Numbers in [-1, 1) that do not disturb any generator; the same in every run.
Tensor random_cotangent(const Tensor& output, uint64_t& state, bool strided) {
  Tensor cotangent;
  if (strided) {
    Dims strides(output.sizes().size());
    contiguous_strides(output.sizes(), strides.data());
    for (int64_t& stride : strides) stride *= 2;
    cotangent = make_strided(output.sizes(), strides, output.scalar_type());
  } else {
    cotangent = make_tensor(output.sizes(), output.scalar_type());
  }
  for (int64_t n = 0; n < output.numel(); ++n) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    Element(cotangent, n).set(static_cast<double>(state >> 11) * 0x1p-52 - 1);
  }
  cotangent.requires_grad_();
  return cotangent;
}

}  // namespace

bool gradcheck(const GradcheckFunction& function, const autograd::variable_list& inputs,
               const GradcheckOptions& options) {
  SIMDGRAD_CHECK(function, "gradcheck: got an empty function");
  const AutoGradMode recording(true);
  try {
    Checker(function, inputs, options).run();
  } catch (const GradcheckError&) {
    if (options.raise_exception()) throw;
    return false;
  }
  return true;
}

bool gradgradcheck(const GradcheckFunction& function, const autograd::variable_list& inputs,
                   const autograd::variable_list& grad_outputs, const GradcheckOptions& options) {
  SIMDGRAD_CHECK(function, "gradgradcheck: got an empty function");
  const AutoGradMode recording(true);
  variable_list cotangents = grad_outputs;
  if (cotangents.empty()) {
    uint64_t state = 24;
    for (const Tensor& output : differentiable(function(inputs)))
      cotangents.push_back(random_cotangent(output, state, options.gen_non_contig_grad_outputs()));
  }
  const size_t count = inputs.size();
  const GradcheckFunction gradient = [&](const variable_list& arguments) {
    const AutoGradMode recording_inside(true);
    const variable_list x(arguments.begin(), arguments.begin() + static_cast<int64_t>(count));
    const variable_list dy(arguments.begin() + static_cast<int64_t>(count), arguments.end());
    const variable_list dx = autograd::grad(differentiable(function(x)), differentiable(x), dy,
                                            std::nullopt, true, true);
    variable_list defined;
    for (const Tensor& tensor : dx)
      if (tensor.defined()) defined.push_back(dense(tensor));
    return defined;
  };
  variable_list all = inputs;
  all.insert(all.end(), cotangents.begin(), cotangents.end());
  return gradcheck(gradient, all, options);
}

}  // namespace simdgrad
