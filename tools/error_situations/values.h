// Values, dtypes, reductions, factories.
#pragma once

#include <cstdint>
#include <limits>
#include <tuple>

#include "situation.h"

namespace error_situations {

inline std::vector<Situation> values() {
  return {
      {"item of 3", [] { torch::rand({3}).item(); }},
      {"item<float> of 3", [] { torch::rand({3}).item<float>(); }},
      {"item of 0", [] { torch::rand({0}).item(); }},
      {"item<uint8> of 300", [] { torch::tensor(300.0).item<uint8_t>(); }},
      {"is_nonzero of 2", [] { torch::rand({2}).is_nonzero(); }},
      {"data_ptr<double> of float", [] { torch::rand({3}).data_ptr<double>(); }},
      {"mean of int",
       [] {
         integers({1, 2}).mean();
       }},
      {"mean dim of int",
       [] {
         integers({1, 2}).mean(0);
       }},
      {"var of int",
       [] {
         integers({1, 2}).var();
       }},
      {"norm of int",
       [] {
         integers({1, 2}).norm();
       }},
      {"softmax of int",
       [] {
         torch::softmax(integers({1, 2}), 0);
       }},
      {"max of empty", [] { torch::rand({0}).max(); }},
      {"max dim of empty",
       [] {
         std::get<0>(torch::rand({0, 3}).max(0));
       }},
      {"amax of empty", [] { torch::rand({0}).amax(); }},
      {"argmax of empty", [] { torch::rand({0}).argmax(); }},
      {"max dim 2",
       [] {
         std::get<0>(torch::rand({3, 4}).max(2));
       }},
      {"sum as uint8 of what requires grad", [] { leaf({3}).sum(torch::kByte); }},
      {"sum dim as int64 of what requires grad", [] { leaf({3}).sum(0, false, torch::kLong); }},
      {"set_data int",
       [] {
         leaf({3}).set_data(integers({1, 2, 3}));
       }},
      {"int += 1.5",
       [] {
         integers({1, 2}) += 1.5;
       }},
      {"int += float",
       [] {
         integers({1, 2}).add_(torch::rand({2}));
       }},
      {"int /= 2",
       [] {
         integers({1, 2}).div_(2);
       }},
      {"int exp_",
       [] {
         integers({1, 2}).exp_();
       }},
      {"bool - bool",
       [] {
         auto b = torch::ones({2}, torch::kBool);
         b - b;
       }},
      {"- bool", [] { -torch::ones({2}, torch::kBool); }},
      {"1 - bool", [] { 1 - torch::ones({2}, torch::kBool); }},
      {"int pow -1",
       [] {
         integers({1, 2}).pow(-1);
       }},
      {"clamp none", [] { torch::rand({2}).clamp(); }},
      {"masked_fill mask", [] { torch::rand({2}).masked_fill(torch::ones({2}), 1); }},
      {"masked_fill value",
       [] { torch::rand({2}).masked_fill(torch::ones({2}, torch::kBool), torch::rand({2})); }},
      {"where condition",
       [] { torch::where(torch::rand({2}), torch::rand({2}), torch::rand({2})); }},
      {"div rounding", [] { torch::rand({2}).div(torch::rand({2}), "up"); }},
      {"equal dtypes", [] { torch::equal(torch::rand({2}), torch::rand({2}, torch::kDouble)); }},
      {"allclose dtypes",
       [] { torch::allclose(torch::rand({2}), torch::rand({2}, torch::kDouble)); }},
  };
}

inline std::vector<Situation> factories() {
  return {
      {"empty 2^45", [] { torch::empty({int64_t{1} << 45}); }},
      {"empty -1", [] { torch::empty({-1}); }},
      {"zeros -1",
       [] {
         torch::zeros({2, -1});
       }},
      {"rand -1", [] { torch::rand({-1}); }},
      {"empty overflow",
       [] {
         torch::empty({int64_t{1} << 40, int64_t{1} << 40});
       }},
      {"arange", [] { torch::arange(5, 1, 1); }},
      {"arange step 0", [] { torch::arange(0, 5, 0); }},
      {"arange nan", [] { torch::arange(std::numeric_limits<double>::quiet_NaN()); }},
      {"arange int64 step 0.5", [] { torch::arange(0, 5, 0.5, torch::kLong); }},
      {"arange bool", [] { torch::arange(0, 2, 1, torch::kBool); }},
      {"arange too large for int64", [] { torch::arange(0, 1e19, 1, torch::kLong); }},
      {"linspace steps", [] { torch::linspace(0, 1, -1); }},
      {"eye", [] { torch::eye(-1); }},
      {"randint", [] { torch::randint(5, 5, {2}); }},
      {"randint uint8", [] { torch::randint(0, 1000, {2}, torch::kByte); }},
      {"random_ int16", [] { torch::ones({2}, torch::kShort).random_(0, 100000); }},
      {"random_ uint8 from", [] { torch::ones({2}, torch::kByte).random_(-1, 100); }},
      {"randperm", [] { torch::randperm(-1); }},
      {"randn int", [] { torch::randn({2}, torch::kLong); }},
      {"rand int", [] { torch::rand({2}, torch::kLong); }},
      {"uniform_ bounds", [] { torch::rand({2}).uniform_(2, 1); }},
      {"normal_ std", [] { torch::rand({2}).normal_(0, -1); }},
      {"random_ bounds", [] { torch::rand({2}).random_(3, 3); }},
      {"bernoulli_ p", [] { torch::rand({2}).bernoulli_(1.5); }},
      {"ragged list",
       [] {
         torch::tensor({{1, 2}, {3}});
       }},
      {"one_hot large",
       [] {
         torch::one_hot(integers({0, 5}), 3);
       }},
      {"one_hot negative",
       [] {
         torch::one_hot(integers({0, -1}), 3);
       }},
      {"one_hot float", [] { torch::one_hot(torch::rand({2}), 3); }},
      {"one_hot empty", [] { torch::one_hot(integers({})); }},
      {"int requires_grad",
       [] { torch::ones({2}, torch::TensorOptions().dtype(torch::kLong).requires_grad(true)); }},
      {"int set_requires_grad", [] { integers({1}).set_requires_grad(true); }},
      {"undefined forward", [] { torch::nn::Linear(3, 2)->forward(torch::Tensor()); }},
      {"undefined add", [] { torch::Tensor() + torch::rand({2}); }},
      {"undefined sizes", [] { torch::Tensor().sizes(); }},
      {"undefined exp", [] { torch::Tensor().exp(); }},
  };
}

}  // namespace error_situations
