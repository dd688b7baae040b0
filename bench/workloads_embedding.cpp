// A table of 100,000 rows of 128 numbers, of which a step touches 4096, some of them often (Zipf).
#include <cmath>

#include "bench/workload.h"

namespace bench {
namespace {

using torch::Tensor;

constexpr int64_t kRows = 100000, kColumns = 128, kIds = 4096, kSets = 8;
constexpr double kGathered = 4. * kIds * kColumns;  // bytes of the rows of one set

// Eight sets of ids in rotation. P(rank r) ~ 1 / r, by inverting its continuous form; ranks lie
// scattered over the table.
struct Operands {
  explicit Operands(bool sparse, int64_t rows = kRows)
      : embedding(torch::nn::EmbeddingOptions(rows, kColumns).sparse(sparse)) {
    uint64_t state = 1;
    for (int64_t set = 0; set < kSets; ++set) {
      std::vector<int64_t> chosen;
      for (int64_t i = 0; i < kIds; ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        const double u = static_cast<double>(state >> 11) * 0x1p-53;
        const int64_t rank = static_cast<int64_t>(std::exp(u * std::log(double(rows)))) - 1;
        chosen.push_back(rank * 7919 % rows);
      }
      ids.push_back(torch::tensor(chosen, torch::kLong));
    }
  }
  const Tensor& next() { return ids[turn++ % kSets]; }
  Tensor forward() { return embedding(next()); }
  void drop_gradient() { embedding->weight.mutable_grad() = Tensor(); }

  torch::nn::Embedding embedding;
  std::vector<Tensor> ids;
  const Tensor dy = torch::ones({kIds, kColumns});
  size_t turn = 0;
};

std::shared_ptr<Operands> operands(bool sparse) {
  torch::manual_seed(0);
  return std::make_shared<Operands>(sparse);
}

double sum_of_gradient(bool sparse) {
  const auto o = operands(sparse);
  o->forward().backward(o->dy);
  const Tensor gradient = o->embedding->weight.grad();
  return (sparse ? gradient.to_dense() : gradient).pow(2).sum().item<double>();
}

// Those of each set, uncoalesced.
std::vector<Tensor> sparse_gradients() {
  const auto o = operands(true);
  std::vector<Tensor> gradients;
  for (int64_t i = 0; i < kSets; ++i) {
    o->forward().backward(o->dy);
    gradients.push_back(o->embedding->weight.grad());
    o->drop_gradient();
  }
  return gradients;
}

void add_gradients() {
  workloads().push_back({"embedding/forward", 1, 0, 2 * kGathered,
                         [] {
                           const auto o = operands(false);
                           return repeat([=] { const Tensor y = o->forward(); });
                         },
                         [] { return operands(false)->forward().pow(2).sum().item<double>(); }});
  workloads().push_back({"embedding/dense_backward", 1, 0, 4 * kGathered + 4. * kRows * kColumns,
                         [] {
                           const auto o = operands(false);
                           return repeat([=] {
                             o->forward().backward(o->dy);
                             o->drop_gradient();
                           });
                         },
                         [] { return sum_of_gradient(false); }, "fill"});
  workloads().push_back({"embedding/sparse_backward", 1, 0, 2 * kGathered,
                         [] {
                           const auto o = operands(true);
                           return repeat([=] {
                             o->forward().backward(o->dy);
                             o->drop_gradient();
                           });
                         },
                         [] { return sum_of_gradient(true); }});
  workloads().push_back(
      {"embedding/coalesce", 1, 0, 2 * kGathered,
       [] {
         return repeat_without_graph([gradients = sparse_gradients(), turn = size_t{0}]() mutable {
           const Tensor merged = gradients[turn++ % kSets].coalesce();
         });
       },
       [] {
         const Tensor merged = sparse_gradients()[0].coalesce();
         return merged.indices().sum().item<double>() + merged.values().pow(2).sum().item<double>();
       }});
}

void step(Operands& o, torch::optim::SGD& optimizer) {
  optimizer.zero_grad();
  o.forward().backward(o.dy);
  optimizer.step();
}

void add_step(const std::string& name, int64_t rows) {
  const auto start = [=] {
    torch::manual_seed(0);
    const auto o = std::make_shared<Operands>(true, rows);
    return std::pair(o, std::make_shared<torch::optim::SGD>(o->embedding->parameters(), 0.1));
  };
  workloads().push_back({name, 1, 0, 4 * kGathered,
                         [=] {
                           const auto [o, optimizer] = start();
                           return repeat([o = o, optimizer = optimizer] { step(*o, *optimizer); });
                         },
                         [=] {
                           const auto [o, optimizer] = start();
                           for (int i = 0; i < 3; ++i) step(*o, *optimizer);
                           const Tensor rows_of_first = o->embedding(o->ids[0]).detach();
                           return rows_of_first.pow(2).sum().item<double>();
                         }});
}

const Register registered([] {
  add_gradients();
  add_step("embedding/sparse_sgd_step", kRows);
  // On tables from small to large: what a step costs must follow the rows touched.
  for (const int64_t rows : {1000, 10000, 100000, 1000000})
    add_step("vocabulary/" + std::to_string(rows), rows);
});

}  // namespace
}  // namespace bench
