// First values of parameters, as torch::nn::init. All fill in place, without graph, from the default
// generator, and return the tensor.
#pragma once

#include <simdgrad/tensor.h>

#include <utility>

namespace simdgrad {

// Names of nonlinearities and fan modes, as torch::kReLU ...
enum class Nonlinearity : uint8_t { kLinear, kSigmoid, kTanh, kReLU, kLeakyReLU };
constexpr Nonlinearity kLinear = Nonlinearity::kLinear, kSigmoid = Nonlinearity::kSigmoid,
                       kTanh = Nonlinearity::kTanh, kReLU = Nonlinearity::kReLU,
                       kLeakyReLU = Nonlinearity::kLeakyReLU;
enum class FanMode : uint8_t { kFanIn, kFanOut };
constexpr FanMode kFanIn = FanMode::kFanIn, kFanOut = FanMode::kFanOut;

namespace nn::init {

// 1 for linear and sigmoid, 5/3 for tanh, sqrt(2) for relu, sqrt(2 / (1 + param^2)) for leaky relu.
SIMDGRAD_API double calculate_gain(Nonlinearity nonlinearity, double param = 0.01);

SIMDGRAD_API Tensor constant_(Tensor tensor, const Scalar& value);
SIMDGRAD_API Tensor ones_(Tensor tensor);
SIMDGRAD_API Tensor zeros_(Tensor tensor);
SIMDGRAD_API Tensor eye_(Tensor matrix);
SIMDGRAD_API Tensor uniform_(Tensor tensor, double low = 0, double high = 1);
SIMDGRAD_API Tensor normal_(Tensor tensor, double mean = 0, double std = 1);

// Uniform in [-b, b), b = gain(a) sqrt(3 / fan), or normal with std gain(a) / sqrt(fan): He et al.
// 2015. For weight [out, in] the fans are in and out. Error: "Fan in and fan out can not be computed
// for tensor with fewer than 2 dimensions".
SIMDGRAD_API Tensor kaiming_uniform_(Tensor tensor, double a = 0, FanMode mode = kFanIn,
                                     Nonlinearity nonlinearity = kLeakyReLU);
SIMDGRAD_API Tensor kaiming_normal_(Tensor tensor, double a = 0, FanMode mode = kFanIn,
                                    Nonlinearity nonlinearity = kLeakyReLU);
// Uniform in [-b, b), b = gain sqrt(6 / (fan_in + fan_out)), or normal with std
// gain sqrt(2 / (fan_in + fan_out)): Glorot and Bengio 2010.
SIMDGRAD_API Tensor xavier_uniform_(Tensor tensor, double gain = 1);
SIMDGRAD_API Tensor xavier_normal_(Tensor tensor, double gain = 1);

}  // namespace nn::init
}  // namespace simdgrad
