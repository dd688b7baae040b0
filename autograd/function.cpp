// The node behind Function<T>: an adapter from the engine's fixed arrays to lists of tensors.
#include <simdgrad/function.h>

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>

#include "autograd/record.h"
#include "autograd/sum_to_size.h"

namespace simdgrad {

namespace {

template <class T, class Variant>
const T& held(const Variant& value, const char* what) {
  const T* found = std::get_if<T>(&value);
  SIMDGRAD_CHECK(found, "IValue: holds another kind of value than the ", what, " asked for");
  return *found;
}

std::string demangle(const char* mangled) {
  int status = 0;
  char* text = abi::__cxa_demangle(mangled, nullptr, nullptr, &status);
  const std::string name = status == 0 ? text : mangled;
  std::free(text);
  return name;
}

}  // namespace

int64_t IValue::toInt() const { return held<int64_t>(value_, "integer"); }
double IValue::toDouble() const { return held<double>(value_, "double"); }
bool IValue::toBool() const { return held<bool>(value_, "bool"); }
const Tensor& IValue::toTensor() const { return held<Tensor>(value_, "tensor"); }
const std::string& IValue::toStringRef() const { return held<std::string>(value_, "string"); }
const std::vector<int64_t>& IValue::toIntVector() const {
  return held<std::vector<int64_t>>(value_, "list of integers");
}

namespace autograd {

class CustomNode final : public Node {
 public:
  CustomNode(const std::type_info& type, CustomCall::BackwardFunction backward, size_t edges)
      : Node(static_cast<detail::RawEdge*>(allocate(edges * sizeof(detail::RawEdge) + 1)),
             static_cast<uint32_t>(edges)),
        type_(type),
        backward_(backward),
        edge_count_(edges) {
    list_ = NodeAccess::edges(*this);
    std::fill_n(list_, edges, detail::RawEdge{});
    flags_ |= NodeAccess::kTakesUndefined;
    context.node_ = this;
  }
  ~CustomNode() override {
    for (size_t i = 0; i < edge_count_; ++i)
      if (list_[i].node) detail::release_node(list_[i].node);
    NodeAccess::use_edges(*this, nullptr, 0);
    deallocate(list_, edge_count_ * sizeof(detail::RawEdge) + 1);
  }

  // As a demangled type: "CppNode<Mine>", "CppNode<Mine<int> >".
  std::string name() const override {
    const std::string type = demangle(type_.name());
    return "torch::autograd::CppNode<" + type + (type.back() == '>' ? " >" : ">");
  }

  // A tensor among the arguments: where its gradient goes, and what it has to look like.
  struct Input {
    Dims sizes;
    ScalarType dtype;
  };
  struct Output {
    Dims sizes;
    ScalarType dtype;
  };

  void set_edge(size_t i, const Tensor& input) { list_[i] = gradient_edge(input); }
  void save(const variable_list& outputs) {
    for (const Tensor& tensor : context.to_save_) {
      const auto output = std::find_if(outputs.begin(), outputs.end(),
                                       [&](const Tensor& y) { return y.is_same(tensor); });
      saved_.push_back(output == outputs.end()
                           ? Saved(tensor)
                           : Saved::output(tensor, static_cast<uint32_t>(output - outputs.begin())));
    }
    context.to_save_.clear();
  }
  variable_list unpack() {
    if (flags_ & NodeAccess::kReleased) NodeAccess::throw_released();
    variable_list tensors;
    Gradients d(*this, nullptr, nullptr, nullptr, thread_state.grad_enabled, false);
    for (const Saved& saved : saved_) tensors.push_back(saved(d));
    return tensors;
  }

  AutogradContext context;
  std::vector<Input> inputs;
  std::vector<Output> outputs;
  // For each gradient that backward returns: the edge it belongs to, or -1 for other arguments.
  std::vector<int64_t> edge_of_argument;

 protected:
  void backward(Gradients& d) override {
    variable_list gradients;
    for (uint32_t i = 0; i < outputs.size(); ++i) {
      Tensor dy = d.take_dy(i);
      if (!dy.defined() && context.materialize_grads_) {
        dy = make_tensor(outputs[i].sizes, outputs[i].dtype);
        dy.zero_();
      }
      gradients.push_back(std::move(dy));
    }
    for (size_t i = 0; i < context.needs_input_grad_.size(); ++i)
      context.needs_input_grad_[i] = d.needs(static_cast<uint32_t>(i));
    variable_list results = backward_(&context, std::move(gradients));
    check_count(results);
    for (size_t i = 0; i < results.size(); ++i) {
      const int64_t edge = edge_of_argument[i];
      if (edge < 0) {
        SIMDGRAD_CHECK(!results[i].defined(), "function ", demangle(type_.name()),
                       " returned a gradient different than None at position ", i + 1,
                       ", but the corresponding forward input was not a Variable");
        continue;
      }
      if (results[i].defined())
        d.set(static_cast<uint32_t>(edge), fit(std::move(results[i]), inputs[edge], edge));
    }
  }
  void release_variables() override {
    saved_.clear();
    if (has_saved_) flags_ |= NodeAccess::kReleased;
  }

 private:
  friend class CustomCall;

  // Undefined gradients too many are forgiven, as PyTorch does.
  void check_count(variable_list& results) const {
    const size_t expected = edge_of_argument.size();
    while (results.size() > expected && !results.back().defined()) results.pop_back();
    SIMDGRAD_CHECK(results.size() == expected, "function ", name(),
                   " returned an incorrect number of gradients (expected ", expected, ", got ",
                   results.size(), ")");
  }

  Tensor fit(Tensor gradient, const Input& input, int64_t edge) const {
    const IntArrayRef sizes = input.sizes;
    SIMDGRAD_CHECK(sum_to_size(gradient, sizes), "Function ", name(),
                   " returned an invalid gradient at index ", edge, " - got ", gradient.sizes(),
                   " but expected shape compatible with ", sizes);
    return gradient.scalar_type() == input.dtype ? gradient : gradient.to(input.dtype);
  }

  const std::type_info& type_;
  CustomCall::BackwardFunction backward_;
  size_t edge_count_;
  detail::RawEdge* list_;
  std::vector<Saved> saved_;
  bool has_saved_ = false;
};

void AutogradContext::save_for_backward(variable_list to_save) { to_save_ = std::move(to_save); }

variable_list AutogradContext::get_saved_variables() const {
  // In forward itself, or where no gradient is needed, the list is still here.
  return node_ ? node_->unpack() : to_save_;
}

void AutogradContext::mark_dirty(const variable_list& inputs) { dirty_ = inputs; }

void AutogradContext::mark_non_differentiable(const variable_list& outputs) {
  non_differentiable_ = outputs;
}

bool AutogradContext::needs_input_grad(size_t index) const {
  SIMDGRAD_CHECK(index < needs_input_grad_.size(), "needs_input_grad: got index ", index, " of ",
                 needs_input_grad_.size(), " tensor arguments");
  return needs_input_grad_[index];
}

struct CustomCall::State {
  const std::type_info& type;
  BackwardFunction backward;
  AutogradContext context;
  variable_list tensors;
  std::vector<int64_t> edge_of_argument;
};

CustomCall::CustomCall(const std::type_info& type, BackwardFunction backward)
    : state_(new State{type, backward, {}, {}, {}}) {}
CustomCall::~CustomCall() = default;

AutogradContext* CustomCall::context() {
  AutogradContext& context = state_->context;
  context.needs_input_grad_.clear();
  for (const Tensor& tensor : state_->tensors)
    context.needs_input_grad_.push_back(tensor_requires_grad(tensor));
  return &context;
}

void CustomCall::add_argument() { state_->edge_of_argument.push_back(-1); }

void CustomCall::add_argument(const Tensor& argument) {
  state_->edge_of_argument.push_back(static_cast<int64_t>(state_->tensors.size()));
  state_->tensors.push_back(argument);
}

void CustomCall::add_argument(const variable_list& arguments) {
  for (const Tensor& argument : arguments) add_argument(argument);
}

namespace {

bool contains(const variable_list& list, const Tensor& tensor) {
  return std::any_of(list.begin(), list.end(),
                     [&](const Tensor& entry) { return entry.is_same(tensor); });
}

}  // namespace

variable_list CustomCall::finish(variable_list outputs) {
  State& state = *state_;
  const AutogradContext& marked = state.context;
  const bool records = needs_gradient(TensorList(state.tensors));
  for (const Tensor& dirty : marked.dirty_) {
    SIMDGRAD_CHECK(contains(state.tensors, dirty),
                   "mark_dirty: one of the tensors is not an argument of forward");
    check_inplace(dirty, records);
    finish_inplace(dirty);
  }
  for (Tensor& output : outputs) {
    // An argument returned as it is: another tensor on the same numbers carries the history.
    if (contains(state.tensors, output) && !contains(marked.dirty_, output))
      output = make_view(output, output.sizes(), output.strides(), output.storage_offset());
  }
  if (!records) return outputs;

  auto* node = new CustomNode(state.type, state.backward, state.tensors.size());
  const NodePtr owner = NodePtr::adopt(node);
  CustomNode* const own_node = node;
  node->context = std::move(state.context);
  node->context.node_ = own_node;
  node->edge_of_argument = std::move(state.edge_of_argument);
  for (size_t i = 0; i < state.tensors.size(); ++i) {
    const Tensor& tensor = state.tensors[i];
    node->set_edge(i, tensor);
    node->inputs.push_back(tensor.defined() ? CustomNode::Input{Dims(tensor.sizes()), tensor.scalar_type()}
                                            : CustomNode::Input{Dims(), kFloat});
  }
  NodeAccess::set_input_count(*node, static_cast<uint32_t>(outputs.size()));
  for (size_t i = 0; i < outputs.size(); ++i) {
    Tensor& output = outputs[i];
    node->outputs.push_back(output.defined() ? CustomNode::Output{Dims(output.sizes()), output.scalar_type()}
                                             : CustomNode::Output{Dims(size_t(1)), kFloat});
    if (!output.defined() || contains(node->context.non_differentiable_, output) ||
        !is_floating_point(output.scalar_type()))
      continue;
    if (contains(node->context.dirty_, output)) {
      detail::retain_node(node);
      rebase_history(output, node);
      impl(output).output_nr = static_cast<uint32_t>(i);
    } else {
      detail::retain_node(node);
      set_history(output, node, static_cast<uint32_t>(i));
    }
  }
  node->has_saved_ = !node->context.to_save_.empty();
  node->save(outputs);
  // The marks have done their work; kept, they would tie the outputs to their own node.
  node->context.dirty_.clear();
  node->context.non_differentiable_.clear();
  return outputs;
}

}  // namespace autograd
}  // namespace simdgrad
