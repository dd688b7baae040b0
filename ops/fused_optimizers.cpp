// Optimizer steps over lists of tensors: checks, one memory order for all, chunks for the kernel.
#include <simdgrad/fused_optimizers.h>

#include <cmath>

#include "autograd/record.h"
#include "core/parallel.h"
#include "ops/loops/broadcast.h"
#include "ops/kernels/optimizer.h"
#include "ops/kernels/table.h"

namespace simdgrad {
namespace {

// Elements per chunk: 64 KiB of float, so that the arrays of one chunk stay in the second cache.
constexpr int64_t kChunk = 16384;

// `written`: the tensors are changed, so that each element must have memory of its own.
void check_list(const char* operation, const char* list, TensorList tensors, TensorList self,
                bool written) {
  SIMDGRAD_CHECK(tensors.size() == self.size(), operation, ": got ", tensors.size(), " tensors in ",
                 list, ", needed ", self.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    SIMDGRAD_CHECK(tensors[i].defined(), operation, ": ", list, "[", i, "] is undefined");
    SIMDGRAD_CHECK(!tensors[i].is_sparse(), operation, ": ", list, "[", i,
                   "] is sparse, needed a dense tensor");
    SIMDGRAD_CHECK(is_floating_point(tensors[i].scalar_type()), operation, ": ", list, "[", i,
                   "] has dtype ", to_string(tensors[i].scalar_type()), ", needed Float or Double");
    SIMDGRAD_CHECK(tensors[i].sizes() == self[i].sizes() &&
                       tensors[i].scalar_type() == self[i].scalar_type(),
                   operation, ": ", list, "[", i, "] is ", to_string(tensors[i].scalar_type()),
                   tensors[i].sizes(), ", needed ", to_string(self[i].scalar_type()),
                   self[i].sizes());
    if (written) check_inplace(tensors[i], false);
  }
}

bool same_memory_order(const Tensor& a, const Tensor& b) {
  const TensorImpl& left = impl(a);
  const TensorImpl& right = impl(b);
  if (left.is_contiguous() && right.is_contiguous()) return true;
  return left.stride_list() == right.stride_list() &&
         is_non_overlapping_and_dense(left.size_list(), left.stride_list());
}

// Up to five arrays of one tensor, brought to one memory order: as they lie where they agree, else
// through contiguous copies that are written back.
class Arrays {
 public:
  Arrays(const Tensor* const* tensors, size_t count) : count_(count) {
    const Tensor* first = tensors[0];
    bool agree = impl(*first).is_contiguous() ||
                 is_non_overlapping_and_dense(first->sizes(), first->strides());
    for (size_t i = 1; i < count; ++i)
      agree = agree && (!tensors[i] || same_memory_order(*first, *tensors[i]));
    for (size_t i = 0; i < count; ++i) {
      if (!tensors[i]) continue;
      if (!agree) copies_[i] = tensors[i]->detach().contiguous();
      data[i] = static_cast<char*>(agree ? impl(*tensors[i]).data : impl(copies_[i]).data);
    }
    originals_ = tensors;
    has_copies_ = !agree;
  }
  // Gradients (array 1) are only read. The version of array 0 goes up by one.
  void write_back() {
    bool counted = false;
    for (size_t i = 0; has_copies_ && i < count_; ++i) {
      if (i == 1 || !copies_[i].defined() || copies_[i].is_alias_of(*originals_[i])) continue;
      originals_[i]->detach().copy_(copies_[i]);
      counted = counted || i == 0;
    }
    if (!counted) impl(*originals_[0]).bump_version();
  }
  char* data[5] = {};

 private:
  size_t count_;
  const Tensor* const* originals_;
  bool has_copies_;
  Tensor copies_[5];
};

// Runs kernel(arrays at an offset, count) over one parameter's elements in chunks.
template <class Kernel>
void run(const Tensor* const* tensors, size_t count, Kernel kernel) {
  Arrays arrays(tensors, count);
  const TensorImpl& of = impl(*tensors[0]);
  const int64_t size = element_size(of.dtype);
  parallel_range(of.numel, kChunk, 0.1 * static_cast<double>(size), [&](int64_t begin, int64_t end) {
    char* at[5];
    for (int i = 0; i < 5; ++i) at[i] = arrays.data[i] ? arrays.data[i] + begin * size : nullptr;
    kernel(at, end - begin);
  });
  arrays.write_back();
}

void check_adam(const char* operation, TensorList self, TensorList grads, TensorList exp_avgs,
                TensorList exp_avg_sqs, TensorList max_exp_avg_sqs, ArrayRef<int64_t> steps,
                bool amsgrad) {
  check_list(operation, "self", self, self, true);
  check_list(operation, "grads", grads, self, false);
  check_list(operation, "exp_avgs", exp_avgs, self, true);
  check_list(operation, "exp_avg_sqs", exp_avg_sqs, self, true);
  if (amsgrad) check_list(operation, "max_exp_avg_sqs", max_exp_avg_sqs, self, true);
  SIMDGRAD_CHECK(steps.size() == self.size(), operation, ": got ", steps.size(),
                 " state_steps, needed ", self.size());
  for (size_t i = 0; i < steps.size(); ++i)
    SIMDGRAD_CHECK(steps[i] > 0, operation, ": state_steps[", i, "] is ", steps[i],
                   ", steps count from 1");
}

void adam(const char* operation, TensorList self, TensorList grads, TensorList exp_avgs,
          TensorList exp_avg_sqs, TensorList max_exp_avg_sqs, ArrayRef<int64_t> steps,
          kernels::AdamStep step, bool amsgrad) {
  check_adam(operation, self, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, steps, amsgrad);
  const GradModeGuard no_grad(false);
  const kernels::OptimizerKernels& kernels = *kernels::table().optimizer;
  for (size_t i = 0; i < self.size(); ++i) {
    const double t = static_cast<double>(steps[i]);
    step.step_size = step.lr / (1 - std::pow(step.beta1, t));
    step.root_correction2 = std::sqrt(1 - std::pow(step.beta2, t));
    const Tensor* const tensors[5] = {&self[i], &grads[i], &exp_avgs[i], &exp_avg_sqs[i],
                                      amsgrad ? &max_exp_avg_sqs[i] : nullptr};
    const auto kernel = self[i].scalar_type() == kFloat ? kernels.adam_f32 : kernels.adam_f64;
    run(tensors, 5, [&](char** at, int64_t n) {
      kernel(at[0], at[1], at[2], at[3], at[4], n, step);
    });
  }
}

}  // namespace

void _fused_sgd_(TensorList self, TensorList grads, TensorList momentum_buffer_list,
                 double weight_decay, double momentum, double lr, double dampening, bool nesterov,
                 bool maximize, bool is_first_step) {
  check_list("_fused_sgd_", "self", self, self, true);
  check_list("_fused_sgd_", "grads", grads, self, false);
  const bool buffered = !momentum_buffer_list.empty();
  SIMDGRAD_CHECK(buffered || momentum == 0, "_fused_sgd_: got momentum ", momentum,
                 " without momentum_buffer_list");
  if (buffered) check_list("_fused_sgd_", "momentum_buffer_list", momentum_buffer_list, self, true);
  const GradModeGuard no_grad(false);
  const kernels::SgdStep step{lr, momentum, dampening, weight_decay, nesterov, maximize, is_first_step};
  const kernels::OptimizerKernels& kernels = *kernels::table().optimizer;
  for (size_t i = 0; i < self.size(); ++i) {
    const Tensor* const tensors[3] = {&self[i], &grads[i], buffered ? &momentum_buffer_list[i] : nullptr};
    const auto kernel = self[i].scalar_type() == kFloat ? kernels.sgd_f32 : kernels.sgd_f64;
    run(tensors, 3, [&](char** at, int64_t n) { kernel(at[0], at[1], at[2], n, step); });
  }
}

void _fused_adam_(TensorList self, TensorList grads, TensorList exp_avgs, TensorList exp_avg_sqs,
                  TensorList max_exp_avg_sqs, ArrayRef<int64_t> state_steps, double lr,
                  double beta1, double beta2, double weight_decay, double eps, bool amsgrad,
                  bool maximize) {
  adam("_fused_adam_", self, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, state_steps,
       {lr, beta1, beta2, eps, weight_decay, 0, 0, false, maximize}, amsgrad);
}

void _fused_adamw_(TensorList self, TensorList grads, TensorList exp_avgs, TensorList exp_avg_sqs,
                   TensorList max_exp_avg_sqs, ArrayRef<int64_t> state_steps, double lr,
                   double beta1, double beta2, double weight_decay, double eps, bool amsgrad,
                   bool maximize) {
  adam("_fused_adamw_", self, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, state_steps,
       {lr, beta1, beta2, eps, weight_decay, 0, 0, true, maximize}, amsgrad);
}

}  // namespace simdgrad
