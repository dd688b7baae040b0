// backward(), grad() and the autograd members of Tensor.
#include <simdgrad/autograd.h>

#include "autograd/accumulate_grad.h"
#include "autograd/engine.h"
#include "autograd/hooks.h"
#include "autograd/sum_to_size.h"
#include "core/dtypes.h"
#include "core/warn_once.h"

namespace simdgrad {

bool GradMode::is_enabled() { return thread_state.grad_enabled; }
void GradMode::set_enabled(bool enabled) { thread_state.grad_enabled = enabled; }
AutoGradMode::AutoGradMode(bool enabled) : before_(thread_state.grad_enabled) {
  thread_state.grad_enabled = enabled;
}
AutoGradMode::~AutoGradMode() { thread_state.grad_enabled = before_; }

namespace {

Edge edge_of(const Tensor& tensor) {
  const detail::RawEdge raw = gradient_edge(tensor);
  return {NodePtr::adopt(raw.node), raw.input_nr};
}

// What enters the graph at an output: the gradient given, or 1.
Tensor root_gradient(const Tensor& output, const Tensor& given, size_t index) {
  if (!given.defined()) {
    SIMDGRAD_CHECK(output.numel() == 1, "grad can be implicitly created only for scalar outputs");
    const Tensor one = make_contiguous_like(impl(output));
    for_float_type(impl(one).dtype, [&]<class T>(T) { *static_cast<T*>(impl(one).data) = 1; });
    return one;
  }
  Tensor gradient = given;
  SIMDGRAD_CHECK(sum_to_size(gradient, output.sizes()), "invalid gradient at index ", index,
                 " - got ", gradient.sizes(), " but expected shape compatible with ",
                 output.sizes());
  if (gradient.scalar_type() != output.scalar_type()) gradient = gradient.to(output.scalar_type());
  return gradient;
}

Edge root_edge(const Tensor& output, size_t index) {
  check_defined(output);
  Edge root = edge_of(output);
  SIMDGRAD_CHECK(root.is_valid(), "element ", index,
                 " of tensors does not require grad and does not have a grad_fn");
  return root;
}

// The roots of a call with lists.
struct Roots {
  Roots(const std::vector<Tensor>& outputs, const std::vector<Tensor>& given) {
    SIMDGRAD_CHECK(given.empty() || given.size() == outputs.size(), "got ", outputs.size(),
                   " tensors and ", given.size(), " gradients");
    for (size_t i = 0; i < outputs.size(); ++i) edges.push_back(root_edge(outputs[i], i));
    for (size_t i = 0; i < outputs.size(); ++i)
      gradients.push_back(root_gradient(outputs[i], given.empty() ? Tensor() : given[i], i));
  }
  std::vector<Edge> edges;
  std::vector<Tensor> gradients;
};

std::vector<Capture> captures_of(const std::vector<Tensor>& inputs) {
  std::vector<Capture> captures;
  for (size_t i = 0; i < inputs.size(); ++i) {
    check_defined(inputs[i]);
    const Edge edge = edge_of(inputs[i]);
    SIMDGRAD_CHECK(edge.is_valid(), "element ", i, " of the input tensors does not require grad");
    // The node lives as long as the input (an accumulator as long as the graph that leads to it; if
    // none does, the pointer is only compared).
    captures.push_back({edge.function.get(), edge.input_nr, Tensor()});
  }
  return captures;
}

void warn_about_cycles() {
  static constinit WarnOnce once;
  once(
      "Using backward() with create_graph=True will create a reference cycle between the parameter "
      "and its gradient which can cause a memory leak. We recommend using autograd.grad when "
      "creating the graph to avoid this. If you have to use this function, make sure to reset the "
      ".grad fields of your parameters to None after use to break the cycle and avoid the leak.");
}

}  // namespace

namespace autograd {

void backward(const variable_list& tensors, const variable_list& grad_tensors,
              std::optional<bool> retain_graph, bool create_graph, const variable_list& inputs) {
  Roots roots(tensors, grad_tensors);
  if (create_graph) warn_about_cycles();
  for (const Tensor& input : inputs) input.retain_grad();
  std::vector<Edge> alive;
  for (const Tensor& input : inputs) alive.push_back(edge_of(input));
  std::vector<Capture> captures = captures_of(inputs);
  run_backward(roots.edges.data(), roots.gradients.data(), tensors.size(), captures,
               {retain_graph.value_or(create_graph), create_graph, true});
}

variable_list grad(const variable_list& outputs, const variable_list& inputs,
                   const variable_list& grad_outputs, std::optional<bool> retain_graph,
                   bool create_graph, bool allow_unused) {
  SIMDGRAD_CHECK(!inputs.empty(), "`inputs` argument to `grad()` cannot be empty.");
  Roots roots(outputs, grad_outputs);
  std::vector<Edge> alive;
  for (const Tensor& input : inputs) {
    check_defined(input);
    alive.push_back(edge_of(input));
  }
  std::vector<Capture> captures = captures_of(inputs);
  run_backward(roots.edges.data(), roots.gradients.data(), outputs.size(), captures,
               {retain_graph.value_or(create_graph), create_graph, false});
  variable_list results;
  for (size_t i = 0; i < captures.size(); ++i) {
    SIMDGRAD_CHECK(captures[i].gradient.defined() || allow_unused, "element ", i,
                   " of the differentiated Tensors appears to not have been used in the graph. Set "
                   "allow_unused=True if this is the desired behavior.");
    results.push_back(std::move(captures[i].gradient));
  }
  return results;
}

}  // namespace autograd

void Tensor::backward(const Tensor& gradient, std::optional<bool> retain_graph, bool create_graph,
                      std::optional<TensorList> inputs) const {
  if (inputs) {
    SIMDGRAD_CHECK(!inputs->empty(), "'inputs' argument to backward cannot be empty");
    autograd::backward({*this}, {gradient}, retain_graph, create_graph, inputs->vec());
    return;
  }
  // The call of a training loop: no lists, so that it asks the system for no memory.
  const Edge root = root_edge(*this, 0);
  Tensor dy = root_gradient(*this, gradient, 0);
  if (create_graph) warn_about_cycles();
  std::vector<Capture> none;
  run_backward(&root, &dy, 1, none, {retain_graph.value_or(create_graph), create_graph, true});
}

bool Tensor::requires_grad() const { return tensor_requires_grad(*this); }

const Tensor& Tensor::set_requires_grad(bool requires_grad) const {
  check_defined(*this);
  TensorImpl& of = impl(*this);
  SIMDGRAD_CHECK(!requires_grad || simdgrad::is_floating_point(of.dtype),
                 "Only Tensors of floating point and complex dtype can require gradients");
  SIMDGRAD_CHECK(is_leaf() || requires_grad,
                 "you can only change requires_grad flags of leaf variables. If you want to use a "
                 "computed variable in a subgraph that doesn't require differentiation use "
                 "var_no_grad = var.detach().");
  if (is_leaf()) of.set_flag(TensorImpl::kRequiresGrad, requires_grad);
  return *this;
}

NodePtr Tensor::grad_fn() const {
  if (!defined()) return nullptr;
  if (impl(*this).is_view()) {
    const Edge refreshed = edge_of(*this);
  }
  return NodePtr::share(impl(*this).grad_fn);
}

bool Tensor::is_leaf() const { return !defined() || !requires_grad() || grad_fn() == nullptr; }

int64_t Tensor::output_nr() const {
  check_defined(*this);
  return impl(*this).output_nr;
}

const Tensor& Tensor::grad() const {
  check_defined(*this);
  if (!impl(*this).grad.defined() && requires_grad() && !is_leaf() && !retains_grad())
    warn(
        "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad "
        "attribute won't be populated during autograd.backward(). If you indeed want the .grad "
        "field to be populated for a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. If "
        "you access the non-leaf Tensor by mistake, make sure you access the leaf Tensor instead.");
  return impl(*this).grad;
}

Tensor& Tensor::mutable_grad() const {
  check_defined(*this);
  return impl(*this).grad;
}

Tensor Tensor::detach() const {
  check_defined(*this);
  return make_detached(*this, true);
}

Tensor& Tensor::detach_() {
  check_defined(*this);
  TensorImpl& of = impl(*this);
  SIMDGRAD_CHECK(!of.is_view(),
                 "Can't detach views in-place. Use detach() instead. If you are using "
                 "DistributedDataParallel (DDP) for training, and gradient_as_bucket_view is set as "
                 "True, gradients are views of DDP buckets, and hence detach_() cannot be called on "
                 "these gradients. To fix this error, please refer to the "
                 "Optimizer.zero_grad() function in torch/optim/optimizer.py as the solution.");
  Node* before = std::exchange(of.grad_fn, nullptr);
  of.set_flag(TensorImpl::kRequiresGrad, false);
  of.output_nr = 0;
  move_retained_grad(of, before);
  if (before) detail::release_node(before);
  return *this;
}

Tensor Tensor::tensor_data() const { return detach(); }

Tensor Tensor::data() const {
  check_defined(*this);
  return make_detached(*this, false);
}

void Tensor::set_data(const Tensor& data) const {
  check_defined(*this);
  check_defined(data);
  TensorImpl& to = impl(*this);
  const TensorImpl& from = impl(data);
  SIMDGRAD_CHECK(to.layout == from.layout && !to.is_sparse(),
                 "Attempted to call `variable.set_data(tensor)`, but `variable` and `tensor` have "
                 "incompatible tensor type.");
  SIMDGRAD_CHECK(!to.requires_grad() || simdgrad::is_floating_point(from.dtype),
                 "data set to a tensor that requires gradients must be floating point or complex dtype");
  replace_storage(to, from);
  to.set_flag(TensorImpl::kDataWasSet, true);
}

bool Tensor::is_view() const { return defined() && impl(*this).is_view(); }

Tensor Tensor::_base() const {
  check_defined(*this);
  SIMDGRAD_CHECK(is_view(), "Can't get base of non-view Variable");
  return share(impl(*this).base);
}

int64_t Tensor::_version() const {
  check_defined(*this);
  return impl(*this).current_version();
}

}  // namespace simdgrad
