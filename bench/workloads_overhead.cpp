// What an operation costs when there is nearly nothing to compute.
#include <ATen/Parallel.h>

#include <atomic>

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

Tensor number(double value, bool wants_gradient, torch::ScalarType type = torch::kFloat) {
  return torch::full({1}, value, type).requires_grad_(wants_gradient);
}
double gradient_of_chain(Tensor start, Tensor factor, Tensor leaf, int64_t nodes) {
  chain(start, factor, nodes).backward();
  return leaf.grad().item<double>();
}

void add_operations(const std::string& family, torch::ScalarType type, double width) {
  workloads().push_back({family + "/multiply_forward", 1, 1, 3 * width,
                         [=] {
                           const Tensor a = number(1.5, true, type), b = number(2.5, true, type);
                           return repeat([=] { const Tensor c = a * b; });
                         },
                         [=] {
                           const Tensor a = number(1.5, true, type), b = number(2.5, true, type),
                                        c = a * b;
                           c.backward();
                           return (c + a.grad() * 10 + b.grad() * 100).item<double>();
                         }});
  workloads().push_back({family + "/chain100_backward", 100, 1, 3 * width,
                         [=] {
                           const Tensor x = number(1, true, type);
                           return backward_of_chain(x, number(1.01, false, type), x);
                         },
                         [=] {
                           const Tensor x = number(1, true, type);
                           return gradient_of_chain(x, number(1.01, false, type), x, 100);
                         }});
}

void add_chains() {
  workloads().push_back({"overhead/chain100_backward_of_leaf", 100, 2, 24,
                         [] {
                           const Tensor w = number(1.01, true);
                           return backward_of_chain(number(1, false), w, w);
                         },
                         [] {
                           const Tensor w = number(1.01, true);
                           return gradient_of_chain(number(1, false), w, w, 100);
                         }});
  workloads().push_back({"overhead/chain10000_all", 10000, 2, 24,
                         [] {
                           Tensor x = number(1, true);
                           const Tensor c = number(1.0001, false);
                           return repeat([=]() mutable {
                             chain(x, c, 10000).backward();
                             x.mutable_grad() = Tensor();
                           });
                         },
                         [] {
                           const Tensor x = number(1, true);
                           return gradient_of_chain(x, number(1.0001, false), x, 10000);
                         }});
}

// A layer of the library applied to x; its sum, and with the gradient the sum of its gradients.
template <class Layer>
double sum_of(Layer layer, const Tensor& x, bool with_gradient) {
  const Tensor y = layer(x).pow(2);
  if (!with_gradient) return y.sum().template item<double>();
  y.sum().backward();
  double sum = 0;
  for (const Tensor& parameter : layer->parameters())
    sum += parameter.grad().abs().sum().template item<double>();
  return sum;
}

void add_linear(const std::string& name, int64_t batch, int64_t in, int64_t out, bool bias,
                bool with_backward) {
  const auto operands = [=] {
    torch::manual_seed(0);
    torch::nn::Linear linear(torch::nn::LinearOptions(in, out).bias(bias));
    return std::pair(linear, torch::randn({batch, in}));
  };
  const double products = static_cast<double>(batch * in * out);
  const double numbers =
      static_cast<double>(batch * in + in * out + (bias ? out : 0) + batch * out);
  workloads().push_back(
      {name, 1, (with_backward ? 4 : 2) * products, (with_backward ? 8 : 4) * numbers,
       [=]() -> Body {
         auto [linear, x] = operands();
         if (with_backward)
           return repeat([linear = linear, x = x]() mutable { linear(x).sum().backward(); });
         return repeat([linear = linear, x = x]() mutable { const Tensor y = linear(x); });
       },
       [=] {
         const auto [linear, x] = operands();
         return sum_of(linear, x, with_backward);
       }});
}

// 64 rows of a table of 10,000, summed by fours.
struct Bags {
  explicit Bags(bool sparse) {
    torch::manual_seed(0);
    embedding = torch::nn::Embedding(torch::nn::EmbeddingOptions(10000, 128).sparse(sparse));
    ids = torch::randint(0, 10000, {16, 4}, torch::kLong);
    optimizer = std::make_shared<torch::optim::SGD>(embedding->parameters(), 0.1);
  }
  Tensor forward() { return embedding(ids).sum(1); }
  void step() {
    optimizer->zero_grad();
    forward().sum().backward();
    optimizer->step();
  }

  torch::nn::Embedding embedding{nullptr};
  std::shared_ptr<torch::optim::SGD> optimizer;
  Tensor ids;
};

void add_bags() {
  const double rows = 4. * 64 * 128;
  workloads().push_back(
      {"notebook/embed_sum", 1, 64. * 128, 3 * rows,
       [] { return repeat([bags = Bags(false)]() mutable { const Tensor y = bags.forward(); }); },
       [] { return Bags(false).forward().pow(2).sum().item<double>(); }});
  workloads().push_back({"notebook/sparse_sgd_step", 1, 64. * 128 * 3, 8 * rows,
                         [] { return repeat([bags = Bags(true)]() mutable { bags.step(); }); },
                         [] {
                           Bags bags(true);
                           for (int i = 0; i < 3; ++i) bags.step();
                           return bags.forward().pow(2).sum().item<double>();
                         }});
}

// Regions with nothing to do: the other threads still awake, or gone to sleep in the meantime.
double seconds_of_cold_regions(int64_t calls) {
  double seconds = 0;
  for (int64_t i = 0; i < calls; ++i) {
    const double until = now() + 5e-3;
    while (now() < until) {
    }
    const double before = now();
    at::parallel_for(0, 2, 1, [](int64_t, int64_t) {});
    seconds += now() - before;
  }
  return seconds;
}

void add_regions() {
  // That both halves run; how many at once is the library's.
  const auto checksum = [] {
    std::atomic<int64_t> done{0};
    at::parallel_for(0, 2, 1, [&](int64_t from, int64_t to) { done += to - from; });
    return static_cast<double>(done);
  };
  workloads().push_back(
      {"region/hot", 1, 0, 0,
       [] { return repeat([] { at::parallel_for(0, 2, 1, [](int64_t, int64_t) {}); }); },
       checksum});
  workloads().push_back(
      {"region/cold", 1, 0, 0, [] { return Body(seconds_of_cold_regions); }, checksum});
}

const Register registered([] {
  add_operations("overhead", torch::kFloat, 4);
  add_operations("double", torch::kDouble, 8);
  add_chains();
  add_linear("overhead/linear4-8_forward", 8, 4, 8, true, false);
  add_linear("overhead/linear4-8_all", 8, 4, 8, true, true);
  add_linear("notebook/linear", 2, 4, 5, false, false);
  add_bags();
  add_regions();
});

}  // namespace
}  // namespace bench
