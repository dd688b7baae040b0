// Values, first and second gradients of every operation on 20 random inputs each, as text on stdout. The same
// source is built against libtorch and against simdgrad's torch headers; compare.py reads both
// dumps.
//
// One line per tensor: OP CASE NAME DTYPE SIZES VALUES..., with floats in hexadecimal. y: results, dx:
// gradients, graph: whether those have a derivative under create_graph, ddx: that derivative.
// Even cases are float32, odd ones float64; the layout of the inputs changes with the case:
// contiguous, transposed, strided, with an offset.

#include <torch/torch.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "cases.h"

namespace {

void print_values(const torch::Tensor& tensor) {
  const torch::Tensor flat = tensor.detach().contiguous().view({-1});
  if (flat.is_floating_point()) {
    const torch::Tensor wide = flat.to(torch::kDouble);
    for (int64_t i = 0; i < wide.numel(); ++i) std::printf(" %a", wide.data_ptr<double>()[i]);
  } else {
    const torch::Tensor wide = flat.to(torch::kLong);
    for (int64_t i = 0; i < wide.numel(); ++i) {
      std::printf(" %" PRId64, wide.data_ptr<int64_t>()[i]);
    }
  }
}

const char* dtype_name(const torch::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case torch::kFloat:
      return "f32";
    case torch::kDouble:
      return "f64";
    case torch::kLong:
      return "i64";
    case torch::kInt:
      return "i32";
    case torch::kBool:
      return "bool";
    default:
      return "other";
  }
}

void print(const std::string& op, int number, const std::string& name, const torch::Tensor& given) {
  std::printf("%s %d %s ", op.c_str(), number, name.c_str());
  if (!given.defined()) {
    std::printf("undefined\n");
    return;
  }
  const torch::Tensor tensor = given.is_sparse() ? given.to_dense() : given;
  std::printf("%s%s ", given.is_sparse() ? "sparse_" : "", dtype_name(tensor));
  if (tensor.dim() == 0) std::printf("scalar");
  for (int64_t i = 0; i < tensor.dim(); ++i) {
    std::printf("%s%" PRId64, i ? "x" : "", tensor.size(i));
  }
  print_values(tensor);
  std::printf("\n");
}

void run(const compare::Op& op, int number) {
  compare::Case c(op.name, number);
  std::vector<torch::Tensor> outputs = op.run(c);
  std::vector<torch::Tensor> differentiable, cotangents;
  for (size_t i = 0; i < outputs.size(); ++i) {
    print(op.name, number, "y" + std::to_string(i), outputs[i]);
    if (!outputs[i].requires_grad()) continue;
    differentiable.push_back(outputs[i]);
    cotangents.push_back(c.values(outputs[i].sizes().vec(), outputs[i].scalar_type(), -1, 1));
  }
  if (differentiable.empty()) return;
  const auto gradients_of = [&](const std::vector<torch::Tensor>& of,
                                const std::vector<torch::Tensor>& dy, bool create_graph) {
    return torch::autograd::grad(of, c.leaves, dy, /*retain_graph=*/true, create_graph,
                                 /*allow_unused=*/true);
  };
  const auto gradients = gradients_of(differentiable, cotangents, false);
  for (size_t i = 0; i < gradients.size(); ++i) {
    print(op.name, number, "dx" + std::to_string(i), gradients[i]);
  }
  // Which of them have a derivative again, and what it is.
  std::vector<torch::Tensor> again, weights;
  const auto recorded = gradients_of(differentiable, cotangents, true);
  for (size_t i = 0; i < recorded.size(); ++i) {
    const bool differentiable_again = recorded[i].defined() && recorded[i].requires_grad();
    std::printf("%s %d graph%zu flag scalar %d\n", op.name.c_str(), number, i, differentiable_again);
    if (!differentiable_again || recorded[i].is_sparse()) continue;
    again.push_back(recorded[i]);
    weights.push_back(c.values(recorded[i].sizes().vec(), recorded[i].scalar_type(), -1, 1));
  }
  if (again.empty()) return;
  const auto second = gradients_of(again, weights, false);
  for (size_t i = 0; i < second.size(); ++i) {
    print(op.name, number, "ddx" + std::to_string(i), second[i]);
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (const compare::Op& op : compare::all()) {
    if (argc > 1 && op.name != argv[1]) continue;
    for (int number = 0; number < 20; ++number) {
      try {
        run(op, number);
      } catch (const std::exception& error) {
        const std::string text = error.what();
        std::printf("%s %d error %s\n", op.name.c_str(), number,
                    text.substr(0, text.find('\n')).c_str());
      }
    }
  }
}
