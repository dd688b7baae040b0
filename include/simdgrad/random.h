// Random tensors. Seeds, streams and states are those of PyTorch's CPU generator: the same seed
// draws the same numbers in the same order, for any number of threads. Without a generator they
// draw from default_generator(), which manual_seed() seeds.
#pragma once

#include <simdgrad/generator.h>
#include <simdgrad/tensor.h>

namespace simdgrad {

// Uniform in [0, 1): float32 takes 24 bits of one draw, float64 53 bits of two. torch::rand.
SIMDGRAD_API Tensor rand(IntArrayRef sizes, const TensorOptions& options = {});
SIMDGRAD_API Tensor rand(IntArrayRef sizes, const std::optional<Generator>& generator,
                         const TensorOptions& options = {});
SIMDGRAD_API Tensor rand_like(const Tensor& self, const TensorOptions& options = {});

// Normal with mean 0 and standard deviation 1, by Box-Muller over the same uniforms as PyTorch; the
// last bits may differ from it. torch::randn.
SIMDGRAD_API Tensor randn(IntArrayRef sizes, const TensorOptions& options = {});
SIMDGRAD_API Tensor randn(IntArrayRef sizes, const std::optional<Generator>& generator,
                          const TensorOptions& options = {});
SIMDGRAD_API Tensor randn_like(const Tensor& self, const TensorOptions& options = {});

// Integers in [low, high), int64 unless a dtype is given. Error: "random_ expects 'from' to be less
// than 'to', but got from=5 >= to=5". torch::randint.
SIMDGRAD_API Tensor randint(int64_t high, IntArrayRef sizes, const TensorOptions& options = {});
SIMDGRAD_API Tensor randint(int64_t low, int64_t high, IntArrayRef sizes,
                            const TensorOptions& options = {});
SIMDGRAD_API Tensor randint(int64_t low, int64_t high, IntArrayRef sizes,
                            const std::optional<Generator>& generator,
                            const TensorOptions& options = {});

// 0 ... n-1 in random order, int64 unless a dtype is given. torch::randperm.
SIMDGRAD_API Tensor randperm(int64_t n, const TensorOptions& options = {});
SIMDGRAD_API Tensor randperm(int64_t n, const std::optional<Generator>& generator,
                             const TensorOptions& options = {});

// In training: each element is 0 with probability p, else divided by 1 - p; outside it, self.
//   y = x m,  dx = dy m,  m the mask. MulBackward0.
// Error: "dropout probability has to be between 0 and 1, but got 1.5". torch::dropout.
SIMDGRAD_API Tensor dropout(const Tensor& input, double p, bool train);

}  // namespace simdgrad
