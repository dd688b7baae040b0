// The node behind Function<T>: an adapter from the engine's fixed arrays to lists of tensors.
#include <simdgrad/function.h>

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>

#include "autograd/record.h"
#include "autograd/sum_to_size.h"
#include "core/warn_once.h"

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

  // What a gradient has to look like.
  struct Shape {
    Dims sizes;
    ScalarType dtype;
  };

  void set_edge(size_t i, const Tensor& input) { list_[i] = gradient_edge(input); }
  void save(const variable_list& outputs) {
    const variable_list to_save = std::exchange(context.to_save_, {});
    has_saved_ = !to_save.empty();
    for (const Tensor& tensor : to_save) {
      const auto output = std::find_if(outputs.begin(), outputs.end(),
                                       [&](const Tensor& y) { return y.is_same(tensor); });
      saved_.push_back(output == outputs.end()
                           ? Saved(tensor)
                           : Saved::output(tensor, static_cast<uint32_t>(output - outputs.begin())));
    }
    // The marks have done their work; kept, they would tie the outputs to their own node.
    context.dirty_.clear();
    context.non_differentiable_.clear();
  }
  variable_list unpack() {
    if (flags_ & NodeAccess::kReleased) NodeAccess::throw_released();
    variable_list tensors;
    Gradients d(*this, nullptr, nullptr, nullptr, thread_state.grad_enabled, false);
    for (const Saved& saved : saved_) tensors.push_back(saved(d));
    return tensors;
  }

  AutogradContext context;
  std::vector<Shape> inputs, outputs;
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

  Tensor fit(Tensor gradient, const Shape& input, int64_t edge) const {
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

// Inputs that forward says it has changed: PyTorch's refusals, before any of them gets a history.
void check_dirty(variable_list& dirty, const variable_list& inputs, const variable_list& outputs,
                 bool records) {
  const size_t before = dirty.size();
  std::erase_if(dirty, [&](const Tensor& tensor) { return !contains(inputs, tensor); });
  static constinit WarnOnce once;
  if (dirty.size() < before)
    once("ctx.mark_dirty() received a tensor that was not an input. Only input Tensors that have been "
         "mutated should be passed to ctx.mark_dirty().");
  for (const Tensor& tensor : dirty) {
    SIMDGRAD_CHECK(contains(outputs, tensor),
                   "Some elements marked as dirty during the forward method were not returned as output. "
                   "The inputs that are modified inplace must all be outputs of the Function.");
    const TensorImpl& of = impl(tensor);
    SIMDGRAD_CHECK(!records || of.is_view() || !of.requires_grad() || of.grad_fn,
                   "a leaf Variable that requires grad has been used in an in-place operation.");
    SIMDGRAD_CHECK(
        !records || !of.is_view() || outputs.size() == 1,
        "If your Function modifies inplace an input that is a view of another Tensor, your Function "
        "cannot return more than one Tensor. This is not supported by the current autograd engine. You "
        "should either make sure the input is not a view (using .clone() for example) or make your "
        "Function only return one Tensor (potentially splitting it into two Functions: one doing the "
        "inplace that returns a single Tensor and a second one that does the other operations). You can "
        "ask on the forum https://discuss.pytorch.org/ if you need help to do this change.");
    check_inplace(tensor, records);
  }
}

// A view that remembers where it comes from: in-place operations on it, or on what it shows, would
// take the custom backward out of the graph, and are refused.
void mark_view(const Tensor& output, bool one_of_several) {
  if (output.defined() && impl(output).is_view())
    impl(output).set_view_kind(one_of_several ? ViewKind::kMultiOutput : ViewKind::kCustomFunction);
}

CustomNode::Shape shape_of(const Tensor& tensor) {
  if (!tensor.defined()) return {Dims(size_t(1)), kFloat};
  return {Dims(tensor.sizes()), tensor.scalar_type()};
}

// An argument returned as it is: another tensor on the same numbers, as a view made under no_grad.
Tensor view_as_self(const Tensor& input) {
  const GradModeGuard no_grad(false);
  if (impl(input).is_sparse()) return make_detached(input, true);
  return make_view(input, input.sizes(), input.strides(), input.storage_offset());
}

}  // namespace

NodePtr CustomCall::make_node(const variable_list& outputs) {
  State& state = *state_;
  auto* node = new CustomNode(state.type, state.backward, state.tensors.size());
  NodePtr owner = NodePtr::adopt(node);
  node->context = std::move(state.context);
  node->context.node_ = node;
  node->edge_of_argument = std::move(state.edge_of_argument);
  for (size_t i = 0; i < state.tensors.size(); ++i) {
    const Tensor& tensor = state.tensors[i];
    node->set_edge(i, tensor);
    node->inputs.push_back(shape_of(tensor));
  }
  NodeAccess::set_input_count(*node, static_cast<uint32_t>(outputs.size()));
  for (const Tensor& output : outputs) node->outputs.push_back(shape_of(output));
  return owner;
}

variable_list CustomCall::finish(variable_list outputs) {
  State& state = *state_;
  const bool records = needs_gradient(TensorList(state.tensors));
  check_dirty(state.context.dirty_, state.tensors, outputs, records);
  NodePtr owner;
  if (records) owner = make_node(outputs);
  const AutogradContext& marked =
      owner ? static_cast<CustomNode&>(*owner).context : state.context;
  // Everything that can run out of memory comes before any output gets its history.
  std::vector<std::unique_ptr<InplaceHistory>> histories(outputs.size());
  std::vector<bool> differentiable(outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    Tensor& output = outputs[i];
    if (!output.defined()) continue;
    const bool is_input = contains(state.tensors, output), is_dirty = contains(marked.dirty_, output);
    if (is_dirty) impl(output).bump_version();
    differentiable[i] = records && is_floating_point(output.scalar_type()) &&
                        !contains(marked.non_differentiable_, output);
    if (differentiable[i] && is_dirty) {
      histories[i] = std::make_unique<InplaceHistory>(output);
      histories[i]->take(owner);
    } else if (is_input && !is_dirty && (differentiable[i] || !tensor_requires_grad(output))) {
      output = view_as_self(output);
    } else if (!differentiable[i] && tensor_requires_grad(output) &&
               (is_input || !impl(output).is_view())) {
      output = output.detach();  // what was given stays as it is
    }
  }
  if (!owner) return outputs;
  CustomNode& node = static_cast<CustomNode&>(*owner);
  node.save(outputs);
  const bool several = std::count(differentiable.begin(), differentiable.end(), true) > 1;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].defined()) continue;
    const uint32_t nr = static_cast<uint32_t>(i);
    if (histories[i]) {
      histories[i]->commit_history();
      if (!impl(outputs[i]).is_view()) impl(outputs[i]).output_nr = nr;
    } else if (differentiable[i]) {
      set_history(outputs[i], NodePtr(owner).release(), nr);
      mark_view(outputs[i], several);
    } else if (several) {
      mark_view(outputs[i], true);
    }
  }
  return outputs;
}

}  // namespace autograd
}  // namespace simdgrad
