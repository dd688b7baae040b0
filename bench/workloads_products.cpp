// Matrix products: squares, and the three of a Linear layer.
#include "bench/workload.h"

namespace bench {
namespace {

using torch::Tensor;

// [rows, columns], or the transposed view of a [columns, rows] one.
Tensor operand(int64_t rows, int64_t columns, bool transposed) {
  return transposed ? torch::rand({columns, rows}).t() : torch::rand({rows, columns});
}

// [m, k] x [k, n]
void add(const std::string& name, int64_t m, int64_t n, int64_t k, bool a_transposed,
         bool b_transposed) {
  const double products = static_cast<double>(m * n * k);
  const double numbers = static_cast<double>(m * k + k * n + m * n);
  const auto operands = [=] {
    torch::manual_seed(0);
    const Tensor a = operand(m, k, a_transposed);
    return std::pair(a, operand(k, n, b_transposed));
  };
  workloads().push_back({name, 1, 2 * products, 4 * numbers,
                         [=] {
                           const auto [a, b] = operands();
                           return repeat_without_graph(
                               [a = a, b = b] { const Tensor c = torch::mm(a, b); });
                         },
                         [=] {
                           const auto [a, b] = operands();
                           return torch::mm(a, b).sum().item<double>();
                         }});
}

void add_linear(int64_t batch, int64_t in, int64_t out) {
  const std::string name = "linear/" + std::to_string(batch) + "x" + std::to_string(in) + "-" +
                           std::to_string(out) + "/";
  add(name + "forward", batch, out, in, false, true);  // x W^T
  add(name + "dx", batch, in, out, false, false);      // dy W
  add(name + "dW", out, in, batch, true, false);       // dy^T x
}

const Register registered([] {
  add("overhead/mm_of_one", 1, 1, 1, false, false);  // what any product spends besides multiplying
  for (const int64_t n : {32, 64, 256, 512, 1024})
    add("gemm/" + std::to_string(n), n, n, n, false, false);
  add_linear(64, 784, 128);
  add_linear(256, 784, 128);
  add_linear(64, 128, 10);
  add_linear(16, 10000, 128);
  add_linear(128, 10000, 128);
  add_linear(128, 128, 10000);
  add_linear(16, 300, 6);
  add_linear(128, 784, 512);
});

}  // namespace
}  // namespace bench
