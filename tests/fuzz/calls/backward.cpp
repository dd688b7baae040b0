// Gradients of what a call returned, and the gradients of those.
#include <algorithm>

#include "tests/fuzz/calls/checks.h"
#include "tests/fuzz/calls/show.h"
#include "tests/fuzz/calls/tensors.h"

namespace fuzz {
namespace {

using simdgrad::autograd::variable_list;

constexpr int64_t kLargest = 1 << 16;  // elements of a result whose gradient is asked for

struct Inputs {
  variable_list tensors;
  std::vector<const Given*> given;
};

// The tensors that take a gradient: those given, or, where they were written over, their leaves.
Inputs inputs_of(const Call& c) {
  Inputs all;
  for (const Given& one : c.given) {
    if (!is_differentiable(c, one)) continue;
    const Tensor& x = writes(c, one) ? one.leaf : one.tensor;
    if (!x.defined() || !x.requires_grad()) continue;
    const bool is_known = std::any_of(all.tensors.begin(), all.tensors.end(),
                                      [&](const Tensor& known) { return known.is_same(x); });
    if (is_known) continue;
    all.tensors.push_back(x);
    all.given.push_back(&one);
  }
  return all;
}

variable_list outputs_of(const Call& c) {
  variable_list all;
  for (const Tensor& result : c.results) {
    const bool has_graph = result.defined() && result.requires_grad() && result.numel() <= kLargest;
    if (has_graph && is_floating_point(result.scalar_type())) all.push_back(result);
  }
  return all;
}

Tensor gradient_like(Call& c, const Tensor& output, bool requires_grad) {
  const Shape sizes = output.sizes().vec();
  Tensor gradient;
  if (c.random.chance(20)) {
    gradient = simdgrad::ones({}, output.scalar_type()).expand(sizes);
  } else if (output.is_sparse() && c.random.chance(50)) {
    gradient = simdgrad::sparse_coo_tensor(output._indices().clone(),
                                           output._values().detach().clone(), sizes);
  } else {
    gradient = simdgrad::empty(sizes, output.scalar_type());
    fill_any(c.random, gradient);
  }
  if (c.random.chance(1)) gradient = gradient.to(simdgrad::kDouble);
  if (requires_grad) gradient.set_requires_grad(true);
  return gradient;
}

void check_gradient(const Tensor& gradient, const Tensor& of, const std::string& name,
                    bool is_second, Witness& witness) {
  const std::string which = is_second ? "a second gradient" : "a gradient";
  if (gradient.sizes().vec() != of.sizes().vec())
    witness.found(which + " of the wrong shape",
                  "'" + name + "': " + show(gradient.sizes()) + " for " + show(of.sizes()));
  else if (gradient.scalar_type() != of.scalar_type())
    witness.found(which + " of the wrong dtype", "'" + name + "'");
  if (simdgrad::to_string(gradient).empty()) witness.found("prints as nothing", "");
}

// Whoever keeps ids and the like must copy them or look at them again.
void overwrite_given_integers(Call& c) {
  for (Given& one : c.given) {
    if (!one.tensor.defined() || one.tensor.is_sparse() || writes(c, one)) continue;
    if (is_floating_point(one.dtype)) continue;
    overwrite_integers(c.random, one.tensor);
    for (Given& other : c.given)
      if (other.storage == one.storage) other.bytes.clear();  // no longer what they were
  }
}

bool has_number(const Tensor& x) {
  const Tensor numbers = x.is_sparse() ? x._values() : x;
  return numbers.detach().ne(0).any().item<bool>();
}

bool backward_into_leaves(Call& c, const variable_list& outputs, const variable_list& gradients,
                          bool create_graph, Witness& witness) {
  for (const Given& one : c.given)
    if (one.leaf.defined()) one.leaf.mutable_grad().reset();
  try {
    simdgrad::autograd::backward(outputs, gradients, true, create_graph);
    if (c.random.chance(50)) simdgrad::autograd::backward(outputs, gradients, true, create_graph);
  } catch (const simdgrad::Error&) {
    return false;
  }
  for (const Given& one : c.given)
    if (one.leaf.defined() && one.leaf.grad().defined())
      check_gradient(one.leaf.grad(), one.leaf, one.parameter, false, witness);
  return true;
}

void second_backward(Call& c, const variable_list& firsts, const variable_list& to,
                     Witness& witness) {
  witness.enter(Phase::second_backward);
  variable_list outputs, gradients;
  for (const Tensor& first : firsts)
    if (first.defined() && first.requires_grad()) outputs.push_back(first);
  if (outputs.empty()) return;
  try {
    for (const Tensor& output : outputs) gradients.push_back(gradient_like(c, output, false));
    const variable_list seconds =
        simdgrad::autograd::grad(outputs, to, gradients, false, c.random.chance(20), true);
    for (size_t i = 0; i < seconds.size(); ++i)
      if (seconds[i].defined())
        check_gradient(seconds[i], to[i], "input " + std::to_string(i), true, witness);
  } catch (const simdgrad::Error&) {
  }
}

}  // namespace

bool check_backward(Call& c, Witness& witness) {
  const variable_list outputs = outputs_of(c);
  const Inputs inputs = inputs_of(c);
  if (c.discards_results || outputs.empty() || inputs.tensors.empty()) return false;
  witness.enter(Phase::backward);
  const bool create_graph = c.random.chance(60);
  const bool has_recorded_gradients = create_graph && c.random.chance(70);
  variable_list gradients;
  try {
    for (const Tensor& output : outputs)
      gradients.push_back(gradient_like(c, output, has_recorded_gradients));
  } catch (const simdgrad::Error&) {  // indices that the caller has overwritten
    return false;
  }
  if (c.random.chance(50)) overwrite_given_integers(c);
  simdgrad::GradMode::set_enabled(true);
  if (c.random.chance(20))
    return backward_into_leaves(c, outputs, gradients, create_graph, witness);
  variable_list firsts;
  try {
    firsts = simdgrad::autograd::grad(outputs, inputs.tensors, gradients, true, create_graph, true);
  } catch (const simdgrad::Error&) {
    return false;
  }
  // What is handed through depends on itself alone.
  const bool hands_through = std::any_of(c.results.begin(), c.results.end(),
                                         [&](const Tensor& result) { return is_given(c, result); });
  for (size_t i = 0; i < firsts.size(); ++i) {
    const std::string& name = inputs.given[i]->parameter;
    if (!firsts[i].defined()) {
      if (!hands_through && !is_exempt_from_gradients(c) && !c.options_require_grad)
        witness.found("a gradient is missing", "'" + name + "' has none");
      continue;
    }
    check_gradient(firsts[i], inputs.tensors[i], name, false, witness);
    // A gradient that is zero by definition needs no graph: those of sign, zero_, uniform_.
    if (create_graph && !firsts[i].requires_grad() && has_number(firsts[i]) &&
        (has_recorded_gradients ||
         (is_curved(c) && !hands_through && (name == "self" || name == "input"))))
      witness.found("a gradient without a graph", "'" + name + "', under create_graph");
  }
  if (!create_graph) return true;
  variable_list to = inputs.tensors;
  to.insert(to.end(), gradients.begin(), gradients.end());
  second_backward(c, firsts, to, witness);
  return true;
}

}  // namespace fuzz
