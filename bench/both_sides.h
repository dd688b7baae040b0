// What only one of the two libraries has, or has under another signature. Nothing else in the workloads
// tells them apart.
#pragma once

#include <torch/torch.h>

#include <ATen/Parallel.h>

#include <string>
#include <vector>

#ifdef SIMDGRAD_VERSION
#include <simdgrad/gradcheck.h>
#else
#include <ATen/Version.h>
#include <torch/version.h>
#endif

namespace bench {

#ifdef SIMDGRAD_VERSION

// Kernels and version, for the table's head.
inline std::string side() {
  return "simdgrad " SIMDGRAD_VERSION ", kernels " + torch::get_cpu_capability();
}

// The optimizer class is the fused kernel.
class FusedAdam {
 public:
  explicit FusedAdam(const std::vector<torch::Tensor>& parameters) : adam_(parameters, 1e-3) {}
  void step() { adam_.step(); }
  void zero_grad() { adam_.zero_grad(); }

 private:
  torch::optim::Adam adam_;
};

inline constexpr bool kHasGradcheck = true;
using torch::gradcheck;

#else

inline std::string side() {
  // "Intel(R) oneAPI Math Kernel Library Version 2024.2-Product Build 20240605 for Intel(R) 64 ..."
  std::string mkl = at::hasMKL() ? at::get_mkl_version() : "no";
  mkl = mkl.substr(0, mkl.find(" for "));
  if (const size_t at = mkl.find("Version "); at != std::string::npos) mkl = mkl.substr(at + 8);
  const std::string dnn = at::get_mkldnn_version();
  std::string text = "libtorch ";
  text += TORCH_VERSION;
  text += ", kernels " + at::get_cpu_capability();
  text += ", MKL " + mkl;
  text += ", " + dnn.substr(0, dnn.find(" (Git"));
  return text;
}

// No optimizer class of libtorch uses its fused kernel: it is called by hand, as PyTorch's own
// Adam(fused=True) does. The strongest Adam there is on that side.
class FusedAdam {
 public:
  explicit FusedAdam(std::vector<torch::Tensor> parameters) : parameters_(std::move(parameters)) {
    for (const torch::Tensor& parameter : parameters_) {
      averages_.push_back(torch::zeros_like(parameter).set_requires_grad(false));
      squares_.push_back(torch::zeros_like(parameter).set_requires_grad(false));
      steps_.push_back(torch::zeros({}));
    }
  }
  void step() {
    const torch::NoGradGuard guard;
    std::vector<torch::Tensor> gradients;
    for (const torch::Tensor& parameter : parameters_) gradients.push_back(parameter.grad());
    for (torch::Tensor& step : steps_) step.add_(1);
    at::_fused_adam_(parameters_, gradients, averages_, squares_, {}, steps_, 1e-3, 0.9, 0.999, 0.0,
                     1e-8, false, false);
  }
  void zero_grad() {
    for (torch::Tensor& parameter : parameters_) parameter.mutable_grad().reset();
  }

 private:
  std::vector<torch::Tensor> parameters_, averages_, squares_, steps_;
};

// PyTorch's is written in Python.
inline constexpr bool kHasGradcheck = false;
template <class F>
bool gradcheck(F, const torch::autograd::variable_list&) {
  return false;
}

#endif

}  // namespace bench
