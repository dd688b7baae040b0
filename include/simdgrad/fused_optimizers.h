// Optimizer steps over lists of tensors, each array read and written once; the work of SGD, Adam and
// AdamW (optim.h). As at::_fused_sgd_, _fused_adam_ and _fused_adamw_, except that steps are given
// as integers.
//
// Lists go together by position: self[i], grads[i] and the state of i have one shape and dtype
// (float32 or float64), any strides. No graph is recorded; the version of every self[i] goes up by
// one. Everything is checked before anything is written. Error: names the list, the position, what
// was given and what was needed; sparse gradients are refused.
#pragma once

#include <simdgrad/tensor.h>

namespace simdgrad {

// g = grad (-grad with maximize) + weight_decay w;
// b = g where is_first_step, else momentum b + (1 - dampening) g;
// w -= lr (g + momentum b) with nesterov, lr b with momentum, else lr g.
// momentum_buffer_list is empty without momentum. Sutskever et al. 2013, in PyTorch's form.
SIMDGRAD_API void _fused_sgd_(TensorList self, TensorList grads, TensorList momentum_buffer_list,
                              double weight_decay, double momentum, double lr, double dampening,
                              bool nesterov, bool maximize, bool is_first_step);

// With t = state_steps[i], counted from 1:
// g = grad (-grad with maximize) + weight_decay w;
// m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
// w -= lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps),
// with the largest v so far instead of v with amsgrad (max_exp_avg_sqs; empty without).
// Kingma and Ba 2014; Reddi et al. 2018 for amsgrad.
SIMDGRAD_API void _fused_adam_(TensorList self, TensorList grads, TensorList exp_avgs,
                               TensorList exp_avg_sqs, TensorList max_exp_avg_sqs,
                               ArrayRef<int64_t> state_steps, double lr, double beta1, double beta2,
                               double weight_decay, double eps, bool amsgrad, bool maximize);

// The same with decoupled weight decay: w *= 1 - lr weight_decay first, and g = grad.
// Loshchilov and Hutter 2017.
SIMDGRAD_API void _fused_adamw_(TensorList self, TensorList grads, TensorList exp_avgs,
                                TensorList exp_avg_sqs, TensorList max_exp_avg_sqs,
                                ArrayRef<int64_t> state_steps, double lr, double beta1,
                                double beta2, double weight_decay, double eps, bool amsgrad,
                                bool maximize);

}  // namespace simdgrad
