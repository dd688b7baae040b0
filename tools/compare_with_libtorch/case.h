// One run of one operation and its random inputs. Included after <torch/torch.h>.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace compare {

using torch::Tensor;
using torch::indexing::Ellipsis;
using torch::indexing::None;
using torch::indexing::Slice;
namespace F = torch::nn::functional;
using Outputs = std::vector<Tensor>;

// One run of an operation: sizes and inputs drawn from the operation's name and the case's number.
struct Case {
  Case(const std::string& op, int number) : number_(number) {
    uint64_t hash = 0xcbf29ce484222325;
    for (const char letter : op) hash = (hash ^ static_cast<uint64_t>(letter)) * 0x100000001b3;
    state_ = hash + static_cast<uint64_t>(number) * 0x9e3779b97f4a7c15;
    torch::manual_seed(state_ >> 33);
    n = size(), m = size(), k = size(), b = 1 + below(3);
  }

  // A small random number that depends on nothing but the case.
  int64_t below(int64_t bound) {
    state_ = state_ * 6364136223846793005 + 1442695040888963407;
    return static_cast<int64_t>((state_ >> 33) % static_cast<uint64_t>(bound));
  }
  torch::ScalarType dtype() const { return number_ % 2 == 0 ? torch::kFloat : torch::kDouble; }

  Tensor values(const std::vector<int64_t>& sizes, torch::ScalarType dtype, double low,
                double high) const {
    return torch::rand(sizes, torch::TensorOptions().dtype(dtype)) * (high - low) + low;
  }
  // A differentiable input in [low, high], laid out as the case says.
  Tensor x(std::vector<int64_t> sizes, double low = -2, double high = 2) {
    const int layout = sizes.empty() ? 0 : number_ / 2 % 4;
    std::vector<int64_t> stored = sizes;
    if (layout == 1) stored.assign(sizes.rbegin(), sizes.rend());
    if (layout == 2) stored.back() *= 2;
    if (layout == 3) stored.front() += 1;
    Tensor leaf = values(stored, dtype(), low, high);
    leaf.requires_grad_(true);
    leaves.push_back(leaf);
    const int64_t rank = static_cast<int64_t>(sizes.size());
    if (layout == 1) {
      std::vector<int64_t> reversed;
      for (int64_t i = rank - 1; i >= 0; --i) reversed.push_back(i);
      return leaf.permute(reversed);
    }
    if (layout == 2) return leaf.slice(rank - 1, 0, std::nullopt, 2);
    if (layout == 3) return leaf.slice(0, 1);
    return leaf;
  }
  Tensor ids(int64_t bound, std::vector<int64_t> sizes) const {
    return torch::randint(bound, sizes, torch::TensorOptions().dtype(torch::kLong));
  }
  Tensor mask(std::vector<int64_t> sizes) const { return torch::rand(sizes) > 0.5; }

  int64_t n, m, k, b;
  Outputs leaves;

 private:
  int64_t size() { return 1 + below(9); }

  int number_;
  uint64_t state_;
};

struct Op {
  std::string name;
  std::function<Outputs(Case&)> run;
};
using Ops = std::vector<Op>;

}  // namespace compare
