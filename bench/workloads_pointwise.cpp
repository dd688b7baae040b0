// Pointwise operations, reductions, losses, random numbers, copies.
#include "bench/workload.h"

namespace bench {
namespace {

using torch::Tensor;
namespace F = torch::nn::functional;

// One operation on one tensor of these sizes, without graph; `bytes` per element of it.
template <class Op>
void add(const std::string& name, std::vector<int64_t> sizes, double bytes, double flops, Op op,
         const char* traffic = "copy") {
  double numel = 1;
  for (const int64_t size : sizes) numel *= static_cast<double>(size);
  workloads().push_back({name, 1, flops * numel, bytes * numel,
                         [=] {
                           torch::manual_seed(0);
                           const Tensor x = torch::randn(sizes);
                           return repeat_without_graph([=] { const Tensor y = op(x); });
                         },
                         [=] {
                           torch::manual_seed(0);
                           const Tensor x = torch::randn(sizes);
                           return op(x).to(torch::kDouble).abs().mean().template item<double>();
                         },
                         traffic});
}

// Into memory that is there: no allocator on either side.
template <class Op>
void add_in_place(const std::string& name, int64_t n, double bytes, Op op) {
  workloads().push_back({name, 1, 0, bytes * static_cast<double>(n),
                         [=] {
                           Tensor x = torch::ones({n});
                           const Tensor z = torch::zeros({n});
                           return repeat_without_graph([=]() mutable { op(x, z); });
                         },
                         [=] {
                           torch::manual_seed(0);
                           Tensor x = torch::randn({n});
                           const Tensor z = torch::randn({n});
                           op(x, z);
                           return x.to(torch::kDouble).abs().mean().template item<double>();
                         },
                         "update"});
}

void add_pointwise() {
  const std::vector<int64_t> cached = {32768}, far = {1048576}, large = {16777216};
  add("pointwise/exp", cached, 8, 0, [](const Tensor& x) { return torch::exp(x); });
  add("pointwise/tanh", cached, 8, 0, [](const Tensor& x) { return torch::tanh(x); });
  add("pointwise/sigmoid", cached, 8, 0, [](const Tensor& x) { return torch::sigmoid(x); });
  add("pointwise/gelu", cached, 8, 0, [](const Tensor& x) { return torch::gelu(x); });
  add("pointwise/softplus", cached, 8, 0, [](const Tensor& x) { return torch::softplus(x); });
  add("pointwise/exp_1M", far, 8, 0, [](const Tensor& x) { return torch::exp(x); });
  add("pointwise/tanh_1M", far, 8, 0, [](const Tensor& x) { return torch::tanh(x); });
  add("pointwise/gelu_1M", far, 8, 0, [](const Tensor& x) { return torch::gelu(x); });
  add("pointwise/add_into_new_16M", large, 8, 1, [](const Tensor& x) { return x + x; });
  add(
      "reduce/sum_cached", cached, 4, 1, [](const Tensor& x) { return x.sum(); }, "read");
  add(
      "reduce/sum_16M", large, 4, 1, [](const Tensor& x) { return x.sum(); }, "read");
  for (const int64_t n : {32768, 16777216}) {
    const std::string size = n == 32768 ? "cached" : "16M";
    add_in_place("pointwise/add_" + size, n, 12, [](Tensor& x, const Tensor& z) { x.add_(z); });
    add_in_place("pointwise/relu_" + size, n, 8, [](Tensor& x, const Tensor&) { x.relu_(); });
  }
}

void add_reductions() {
  const std::vector<int64_t> square = {1024, 1024};
  add(
      "reduce/sum_rows", square, 4, 1, [](const Tensor& x) { return x.sum(0); }, "read");
  add(
      "reduce/max_1M", {1048576}, 4, 0, [](const Tensor& x) { return x.max(); }, "read");
  add(
      "reduce/argmax_columns", square, 4, 0, [](const Tensor& x) { return x.argmax(1); }, "read");
  // 4 bytes read (one tensor four times), 16 written.
  add("copy/cat_columns", {1024, 256}, 20, 0,
      [](const Tensor& x) { return torch::cat({x, x, x, x}, 1); });
  add("copy/transposed", square, 8, 0, [](const Tensor& x) { return x.t().contiguous(); });
  add("norm/softmax", {256, 1000}, 8, 0, [](const Tensor& x) { return torch::softmax(x, 1); });
  add("norm/layer_norm", {256, 1024}, 8, 0,
      [](const Tensor& x) { return F::layer_norm(x, F::LayerNormFuncOptions({1024})); });
  const auto with_backward = [](torch::nn::LayerNorm& norm, Tensor& x, const Tensor& dy) {
    norm(x).backward(dy);
  };
  const auto operands = [] {
    torch::manual_seed(0);
    torch::nn::LayerNorm norm(torch::nn::LayerNormOptions({1024}));
    const Tensor x = torch::randn({256, 1024}).requires_grad_();
    return std::tuple(norm, x, torch::randn({256, 1024}));
  };
  workloads().push_back({"norm/layer_norm_all", 1, 0, 20. * 256 * 1024,
                         [=] {
                           auto [norm, x, dy] = operands();
                           return repeat([=, norm = norm, x = x, dy = dy]() mutable {
                             with_backward(norm, x, dy);
                             x.mutable_grad() = Tensor();
                             norm->zero_grad();
                           });
                         },
                         [=] {
                           auto [norm, x, dy] = operands();
                           with_backward(norm, x, dy);
                           return (x.grad().abs().sum() + norm->weight.grad().abs().sum() +
                                   norm->bias.grad().abs().sum())
                               .template item<double>();
                         }});
}

void add_cross_entropy(int64_t batch, int64_t classes) {
  const auto operands = [=] {
    torch::manual_seed(0);
    const Tensor x = torch::randn({batch, classes}).requires_grad_();
    return std::pair(x, torch::randint(0, classes, {batch}, torch::kLong));
  };
  workloads().push_back(
      {"loss/cross_entropy_" + std::to_string(batch) + "x" + std::to_string(classes), 1, 0,
       12. * static_cast<double>(batch * classes),
       [=] {
         auto [x, y] = operands();
         return repeat([x = x, y = y]() mutable {
           F::cross_entropy(x, y).backward();
           x.mutable_grad() = Tensor();
         });
       },
       [=] {
         const auto [x, y] = operands();
         F::cross_entropy(x, y).backward();
         return x.grad().abs().sum().item<double>();
       }});
}

void add_random() {
  add("random/dropout_1M", {1048576}, 8, 0,
      [](const Tensor& x) { return torch::dropout(x, 0.5, true); });
  add(
      "random/randn_1M", {1048576}, 4, 0, [](const Tensor&) { return torch::randn({1048576}); },
      "fill");
  add(
      "memory/zeros_51MB", {1}, 51.2e6, 0,
      [](const Tensor&) {
        return torch::zeros({100000, 128});
      },
      "fill");
}

const Register registered([] {
  add_pointwise();
  add_reductions();
  add_cross_entropy(256, 10000);
  add_cross_entropy(64, 10);
  add_random();
});

}  // namespace
}  // namespace bench
