// Training steps of small classifiers: zero_grad, forward, cross entropy, backward, optimizer.
#include "bench/both_sides.h"
#include "bench/workload.h"

namespace bench {
namespace {

using torch::Tensor;

// Sixteen batches in rotation, as a loader would bring them.
constexpr int64_t kBatches = 16;

struct Net {
  Net(const std::vector<int64_t>& widths, int64_t batch) {
    torch::manual_seed(0);
    for (size_t i = 0; i + 1 < widths.size(); ++i) {
      if (i > 0) model->push_back(torch::nn::ReLU());
      model->push_back(torch::nn::Linear(widths[i], widths[i + 1]));
    }
    for (int64_t i = 0; i < kBatches; ++i) {
      x.push_back(torch::rand({batch, widths.front()}));
      y.push_back(torch::randint(0, widths.back(), {batch}, torch::kLong));
    }
  }
  template <class Optimizer>
  Tensor step(Optimizer& optimizer) {
    const size_t i = steps++ % kBatches;
    optimizer.zero_grad();
    const Tensor loss = torch::nn::functional::cross_entropy(model->forward(x[i]), y[i]);
    loss.backward();
    optimizer.step();
    return loss;
  }

  torch::nn::Sequential model;
  std::vector<Tensor> x, y;
  size_t steps = 0;
};

// Products alone: forward, dW, and dx of all layers but the first.
double flops(const std::vector<int64_t>& widths, int64_t batch) {
  double sum = 0;
  for (size_t i = 0; i + 1 < widths.size(); ++i)
    sum += (i == 0 ? 4. : 6.) * static_cast<double>(batch * widths[i] * widths[i + 1]);
  return sum;
}

template <class Optimizer, class... Options>
void add(const std::string& name, const std::vector<int64_t>& widths, int64_t batch,
         const char* optimizer_name, Options... options) {
  std::string path = "mlp/";
  for (size_t i = 0; i < widths.size(); ++i) path += (i ? "-" : "") + std::to_string(widths[i]);
  const auto make_optimizer = [=](Net& net) {
    return std::make_shared<Optimizer>(net.model->parameters(), options...);
  };
  workloads().push_back({path + "/b" + std::to_string(batch) + "/" + optimizer_name + name, 1,
                         flops(widths, batch), 0,
                         [=] {
                           auto net = std::make_shared<Net>(widths, batch);
                           auto optimizer = make_optimizer(*net);
                           return repeat([=] { net->step(*optimizer); });
                         },
                         [=] {  // the loss of the fifth step
                           Net net(widths, batch);
                           auto optimizer = make_optimizer(net);
                           for (int i = 0; i < 4; ++i) net.step(*optimizer);
                           return net.step(*optimizer).template item<double>();
                         }});
}

void add_net(const std::vector<int64_t>& widths, int64_t batch) {
  add<torch::optim::SGD>("", widths, batch, "sgd", 0.1);
  add<torch::optim::Adam>("", widths, batch, "adam", 1e-3);
  add<FusedAdam>("", widths, batch, "adam_fused");
}

const Register registered([] {
  add_net({16, 16, 4}, 32);
  add_net({784, 128, 10}, 64);
  add_net({784, 128, 10}, 256);
  add_net({784, 512, 256, 10}, 128);
});

}  // namespace
}  // namespace bench
