// Double precision, in which gradient checks run.
#include "bench/both_sides.h"
#include "bench/workload.h"

namespace bench {
namespace {

using torch::Tensor;

Tensor doubles(std::vector<int64_t> sizes) { return torch::rand(sizes, torch::kDouble); }

double checksum(const Tensor& x) { return x.abs().sum().template item<double>(); }

// One operation on numbers in (0, 1), without graph; `bytes` per element of x.
template <class Op>
void add(const std::string& name, std::vector<int64_t> sizes, double bytes, double flops, Op op) {
  double numel = 1;
  for (const int64_t size : sizes) numel *= static_cast<double>(size);
  workloads().push_back({"double/" + name, 1, flops, bytes * numel,
                         [=] {
                           torch::manual_seed(0);
                           const Tensor x = doubles(sizes);
                           return repeat_without_graph([=] { const Tensor y = op(x); });
                         },
                         [=] {
                           torch::manual_seed(0);
                           return checksum(op(doubles(sizes)));
                         }});
}

// op(a, b) and its gradients by a and b, which were asked for by a sum.
template <class Op>
void add_with_backward(const std::string& name, std::vector<int64_t> sizes, Op op) {
  const auto operands = [=] {
    torch::manual_seed(0);
    const Tensor a = doubles(sizes).requires_grad_();
    return std::pair(a, doubles(sizes).requires_grad_());
  };
  workloads().push_back({"double/" + name, 1, 0, 0,
                         [=] {
                           auto [a, b] = operands();
                           return repeat([=, a = a, b = b]() mutable {
                             op(a, b).sum().backward();
                             a.mutable_grad() = b.mutable_grad() = Tensor();
                           });
                         },
                         [=] {
                           const auto [a, b] = operands();
                           op(a, b).sum().backward();
                           return checksum(a.grad()) +
                                  (b.grad().defined() ? checksum(b.grad()) : 0);
                         }});
}

torch::autograd::variable_list tanh_of_linear(const torch::autograd::variable_list& x) {
  return {torch::tanh(torch::linear(x[0], x[1], x[2]))};
}

torch::autograd::variable_list operands_of_linear() {
  torch::manual_seed(0);
  torch::autograd::variable_list all;
  for (const std::vector<int64_t>& sizes : {std::vector<int64_t>{8, 5}, {4, 5}, {4}})
    all.push_back(doubles(sizes).requires_grad_());
  return all;
}

// 32 outputs by 64 inputs. libtorch has none: the peer is torch_worker.py, with the same operands.
void add_gradcheck() {
  if (!kHasGradcheck) return;
  workloads().push_back(
      {"double/gradcheck", 1, 0, 0,
       [] { return repeat([x = operands_of_linear()] { gradcheck(tanh_of_linear, x); }); },
       [] {
         const auto x = operands_of_linear();
         tanh_of_linear(x)[0].sum().backward();
         double sum = gradcheck(tanh_of_linear, x) ? 0 : 1e6;
         for (const Tensor& each : x) sum += checksum(each.grad());
         return sum;
       }});
}

const Register registered([] {
  add_with_backward("multiply_all", {1}, [](const Tensor& a, const Tensor& b) { return a * b; });
  add("exp", {32768}, 16, 0, [](const Tensor& x) { return torch::exp(x); });
  add("tanh", {32768}, 16, 0, [](const Tensor& x) { return torch::tanh(x); });
  add("log", {32768}, 16, 0, [](const Tensor& x) { return torch::log(x); });
  add_with_backward("pow_all", {8192, 128},
                    [](const Tensor& a, const Tensor& b) { return torch::pow(a, b); });
  add_with_backward("logsumexp_all", {160, 1000}, [](const Tensor& a, const Tensor&) {
    return torch::logsumexp(a, 1);
  });
  add("softmax", {256, 1000}, 16, 0, [](const Tensor& x) { return torch::softmax(x, 1); });
  for (const int64_t n : {64, 256, 512})
    add("gemm_" + std::to_string(n), {n, n}, 24, 2. * static_cast<double>(n * n * n),
        [](const Tensor& x) { return torch::mm(x, x); });
  add_gradcheck();
});

}  // namespace
}  // namespace bench
