// Inputs, comparisons and gradients of a row, and the table itself.
#include "tests/cases/driver.h"

#include <simdgrad/creation.h>
#include <simdgrad/sparse.h>
#include <simdgrad/views.h>

#include <cmath>
#include <cstring>
#include <sstream>

namespace cases {

using simdgrad::kBool;
using simdgrad::kDouble;
using simdgrad::kFloat;
using simdgrad::kLong;
using simdgrad::ScalarType;

namespace {

// A small generator of its own: the table must not disturb the library's.
struct Numbers {
  uint64_t state;
  uint64_t next() {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return state >> 33;
  }
};

// Distinct values spread over [low, high) in random order, so that no two tie and finite
// differences do not cross a maximum.
std::vector<double> spread(int64_t n, double low, double high, Numbers& numbers) {
  std::vector<double> values(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i)
    values[static_cast<size_t>(i)] =
        low + (high - low) * (static_cast<double>(i) + 0.37) / static_cast<double>(n);
  for (int64_t i = n - 1; i > 0; --i)
    std::swap(values[static_cast<size_t>(i)],
              values[static_cast<size_t>(numbers.next() % static_cast<uint64_t>(i + 1))]);
  return values;
}

std::vector<double> values_of(const Input& input, size_t position, ScalarType dtype) {
  Numbers numbers{position * 7919 + 17};
  const int64_t n = reference::count(input.shape);
  std::vector<double> values;
  switch (input.kind) {
    case Input::Kind::real:
    case Input::Kind::constant:
      values = spread(n, input.low, input.high, numbers);
      // The reference sees the numbers that the operation sees.
      if (dtype == kFloat)
        for (double& value : values) value = static_cast<float>(value);
      return values;
    case Input::Kind::ids:
    case Input::Kind::mask:
      for (int64_t i = 0; i < n; ++i)
        values.push_back(input.kind == Input::Kind::mask
                             ? static_cast<double>(numbers.next() % 2)
                             : static_cast<double>(numbers.next() % static_cast<uint64_t>(input.high)));
      return values;
  }
  return values;
}

// The same numbers behind other strides.
Tensor laid_out(const Tensor& x, Layout layout) {
  if (layout == Layout::transposed && x.dim() >= 2)
    return x.transpose(0, -1).contiguous().transpose(0, -1);
  if (layout == Layout::strided && x.dim() >= 1) {
    std::vector<int64_t> sizes(x.sizes().begin(), x.sizes().end());
    sizes.back() *= 2;
    Tensor wide = simdgrad::zeros(sizes, x.scalar_type());
    Tensor every_second = wide.slice(-1, 0, sizes.back(), 2);
    every_second.copy_(x);
    return every_second;
  }
  return x;
}

}  // namespace

Tensors make_inputs(const Case& row, ScalarType dtype, Layout layout) {
  Tensors inputs;
  for (size_t i = 0; i < row.inputs.size(); ++i) {
    const Input& input = row.inputs[i];
    const std::vector<double> values = values_of(input, i, dtype);
    const bool is_real = input.kind == Input::Kind::real || input.kind == Input::Kind::constant;
    const ScalarType type = is_real ? dtype : input.kind == Input::Kind::ids ? kLong : kBool;
    Tensor x = simdgrad::tensor(values, kDouble).to(type).view(input.shape);
    x = laid_out(x, layout).detach();
    if (input.kind == Input::Kind::real) x.requires_grad_(true);
    inputs.push_back(x);
  }
  return inputs;
}

Arrays reference_inputs(const Case& row, ScalarType dtype) {
  Arrays arrays;
  for (size_t i = 0; i < row.inputs.size(); ++i)
    arrays.push_back(Array(row.inputs[i].shape, values_of(row.inputs[i], i, dtype)));
  return arrays;
}

std::string difference(const Tensors& found, const Arrays& expected, double tolerance) {
  std::ostringstream text;
  if (found.size() != expected.size()) {
    text << found.size() << " results, expected " << expected.size();
    return text.str();
  }
  for (size_t r = 0; r < found.size(); ++r) {
    const Tensor dense = (found[r].is_sparse() ? found[r].to_dense() : found[r]).detach();
    if (Shape(dense.sizes().begin(), dense.sizes().end()) != expected[r].shape) {
      text << "result " << r << " has shape " << dense.sizes() << ", expected "
           << simdgrad::IntArrayRef(expected[r].shape);
      return text.str();
    }
    const Tensor numbers = dense.to(kDouble).contiguous();
    const double* values = numbers.data_ptr<double>();
    for (int64_t i = 0; i < expected[r].size(); ++i) {
      const double want = expected[r][i];
      if (values[i] == want || (std::isnan(values[i]) && std::isnan(want))) continue;
      // Written so that a NaN on one side is a difference.
      if (!(std::abs(values[i] - want) <= tolerance * std::max(1.0, std::abs(want)))) {
        text.precision(17);
        text << "result " << r << ", element " << i << ": " << values[i] << ", expected " << want;
        return text.str();
      }
    }
  }
  return "";
}

std::string bits(const Tensors& tensors) {
  std::string bytes;
  for (const Tensor& tensor : tensors) {
    if (!tensor.defined()) {
      bytes += "undefined;";
      continue;
    }
    const Tensor dense = (tensor.is_sparse() ? tensor.to_dense() : tensor).detach().contiguous();
    bytes.append(static_cast<const char*>(dense.data_ptr()), static_cast<size_t>(dense.nbytes()));
  }
  return bytes;
}

Tensors results_and_gradients(const Case& row, ScalarType dtype, Layout layout) {
  return results_and_gradients(row, make_inputs(row, dtype, layout));
}

Tensors results_and_gradients(const Case& row, const Tensors& inputs) {
  Tensors results = row.call(inputs);
  Tensors all;
  for (const Tensor& result : results) all.push_back(result.detach());
  Tensors outputs, cotangents, wanted;
  for (size_t r = 0; r < results.size(); ++r) {
    if (!results[r].requires_grad()) continue;
    Numbers numbers{r * 104729 + 5};
    outputs.push_back(results[r]);
    const Tensor dy = simdgrad::tensor(spread(results[r].numel(), -1, 1, numbers), kDouble);
    cotangents.push_back(dy.to(results[r].scalar_type()).view(results[r].sizes()));
  }
  for (const Tensor& input : inputs)
    if (input.requires_grad()) wanted.push_back(input);
  if (outputs.empty() || wanted.empty()) return all;
  for (Tensor& gradient : simdgrad::autograd::grad(outputs, wanted, cotangents, {}, false, true))
    all.push_back(std::move(gradient));
  return all;
}

const Table& table() {
  static const Table* const instance = [] {
    auto* made = new Table;
    add_pointwise_cases(*made);
    add_reduction_cases(*made);
    add_linear_algebra_cases(*made);
    add_view_cases(*made);
    add_indexing_cases(*made);
    add_loss_cases(*made);
    add_embedding_cases(*made);
    add_sparse_cases(*made);
    add_creation_cases(*made);
    add_random_cases(*made);
    add_optimizer_cases(*made);
    return made;
  }();
  return *instance;
}

}  // namespace cases
