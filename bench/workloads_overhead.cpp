// What an operation costs when there is nearly nothing to compute.
#include "bench/sides.h"
#include "bench/workload.h"

namespace bench {
namespace {

using torch::Tensor;

// x * c * c * ...: one gradient per node is wanted; or x = x * w with a leaf w: two, and their sum.
Tensor chain(const Tensor& start, const Tensor& factor, int64_t nodes) {
  Tensor x = start * factor;
  for (int64_t i = 1; i < nodes; ++i) x = x * factor;
  return x;
}

Body backward_of_chain(Tensor start, Tensor factor, Tensor leaf) {
  return [=](int64_t calls) mutable {
    double seconds = 0;
    for (int64_t i = 0; i < calls; ++i) {
      const Tensor y = chain(start, factor, 100);
      const double before = now();
      y.backward();
      seconds += now() - before;
      leaf.mutable_grad() = Tensor();
    }
    return seconds;
  };
}

void add_chains() {
  workloads().push_back({"overhead/multiply_forward", 1, 1, 12, [] {
    const Tensor a = torch::ones({1}).requires_grad_(), b = torch::ones({1}).requires_grad_();
    return repeat([=] { const Tensor c = a * b; });
  }});
  workloads().push_back({"overhead/chain100_backward", 100, 1, 12, [] {
    const Tensor x = torch::ones({1}).requires_grad_();
    return backward_of_chain(x, torch::ones({1}), x);
  }});
  workloads().push_back({"overhead/chain100_backward_of_leaf", 100, 2, 24, [] {
    const Tensor w = torch::ones({1}).requires_grad_();
    return backward_of_chain(torch::ones({1}), w, w);
  }});
  workloads().push_back({"overhead/chain10000_all", 10000, 2, 24, [] {
    Tensor x = torch::ones({1}).requires_grad_();
    const Tensor c = torch::ones({1});
    return repeat([=]() mutable {
      chain(x, c, 10000).backward();
      x.mutable_grad() = Tensor();
    });
  }});
}

void add_layers() {
  workloads().push_back({"overhead/linear4-8_forward", 1, 2. * 8 * 4 * 8, 4. * (32 + 40 + 64), [] {
    torch::nn::Linear linear(4, 8);
    const Tensor x = torch::randn({8, 4});
    return repeat([=]() mutable { const Tensor y = linear(x); });
  }});
  workloads().push_back({"overhead/linear4-8_all", 1, 4. * 8 * 4 * 8, 8. * (32 + 40 + 64), [] {
    torch::nn::Linear linear(4, 8);
    const Tensor x = torch::randn({8, 4});
    return repeat([=]() mutable { linear(x).sum().backward(); });
  }});
  workloads().push_back({"notebook/linear", 1, 2. * 2 * 4 * 5, 4. * (8 + 20 + 10), [] {
    torch::nn::Linear linear(torch::nn::LinearOptions(4, 5).bias(false));
    const Tensor x = torch::randn({2, 4});
    return repeat([=]() mutable { const Tensor y = linear(x); });
  }});
  const double rows = 4. * 64 * 128;
  workloads().push_back({"notebook/embed_sum", 1, 64. * 128, 3 * rows, [] {
    torch::nn::Embedding embedding(10000, 128);
    const Tensor ids = torch::randint(0, 10000, {16, 4}, torch::kLong);
    return repeat([=]() mutable { const Tensor y = embedding(ids).sum(1); });
  }});
  workloads().push_back({"notebook/sparse_sgd_step", 1, 64. * 128 * 3, 8 * rows, [] {
    torch::nn::Embedding embedding(torch::nn::EmbeddingOptions(10000, 128).sparse(true));
    auto optimizer = std::make_shared<torch::optim::SGD>(embedding->parameters(), 0.1);
    const Tensor ids = torch::randint(0, 10000, {16, 4}, torch::kLong);
    return repeat([=]() mutable {
      optimizer->zero_grad();
      embedding(ids).sum(1).sum().backward();
      optimizer->step();
    });
  }});
}

// Regions with nothing to do: the other threads still awake, or gone to sleep in the meantime.
void add_regions() {
  const auto region = [] { at::parallel_for(0, 2, 1, [](int64_t, int64_t) {}); };
  workloads().push_back({"region/hot", 1, 0, 0, [=] { return repeat(region); }});
  workloads().push_back({"region/cold", 1, 0, 0, [=] {
    return [=](int64_t calls) {
      double seconds = 0;
      for (int64_t i = 0; i < calls; ++i) {
        const double until = now() + 500e-6;
        while (now() < until) {
        }
        const double before = now();
        region();
        seconds += now() - before;
      }
      return seconds;
    };
  }});
}

const Register registered([] {
  add_chains();
  add_layers();
  add_regions();
});

}  // namespace
}  // namespace bench
