// How an operation enters the graph. Everything an op file needs of autograd:
//
//   Tensor y = ...;                                      // the result, computed without graph
//   if (needs_gradient(a, b))
//     record<"MmBackward0">(y, std::tie(a, b), [a = Saved(a), b = Saved(b)](Gradients& d) {
//       if (d.needs(0)) d.set(0, mm(d.dy(), b(d).t()));  // [m,n] [n,k] -> [m,k]
//       if (d.needs(1)) d.set(1, mm(a(d).t(), d.dy()));  // [k,m] [m,n] -> [k,n]
//     });
//   return y;
//
// The lambda runs with grad mode on under create_graph, off otherwise: written with public
// operations it has derivatives of any order. Capture Saved tensors, numbers and small fixed arrays;
// never a Tensor (its version would not be checked, and the output would be a cycle).
#pragma once

#include <simdgrad/node.h>

#include <array>
#include <new>
#include <tuple>

#include "core/fork.h"
#include "core/tensor_impl.h"
#include "core/thread_state.h"

namespace simdgrad {

// --- does this call need a node? ----------------------------------------------------------------
// Of one tensor, whatever the grad mode: a leaf that asks for it, a result that depends on one, or a
// view of either.
inline bool tensor_requires_grad(const Tensor& tensor) {
  const TensorImpl* of = impl_of(tensor);
  if (!of) return false;
  if (of->flags & TensorImpl::kRequiresGrad) return true;
  return of->is_view() && static_cast<const TensorImpl*>(of->base)->requires_grad();
}
// Of a call: grad mode is on and an operand requires a gradient.
template <class... Tensors>
inline bool needs_gradient(const Tensors&... tensors) {
  return thread_state.grad_enabled && (tensor_requires_grad(tensors) || ...);
}
inline bool needs_gradient(TensorList tensors) {
  if (!thread_state.grad_enabled) return false;
  for (const Tensor& tensor : tensors)
    if (tensor_requires_grad(tensor)) return true;
  return false;
}

// --- what a node sees during backward -----------------------------------------------------------
class Gradients {
 public:
  Gradients(Node& node, Tensor* dy, Tensor* dx, const bool* needed, bool create_graph, bool last_run)
      : node_(node),
        dy_(dy),
        dx_(dx),
        needed_(needed),
        create_graph_(create_graph),
        last_run_(last_run) {}

  // The gradient of output i; undefined (all zero) only where a node has several outputs.
  const Tensor& dy(uint32_t i = 0) const { return dy_[i]; }
  // The same, given away: its memory may serve for the result when nobody else holds it.
  Tensor take_dy(uint32_t i = 0) { return std::move(dy_[i]); }
  // Where it lies, for kernels that may write into it (see is_free) when this is its last use.
  Tensor* last_dy(uint32_t i = 0) { return &dy_[i]; }
  // Does anybody want the gradient of input i?
  bool needs(uint32_t i) const { return needed_[i]; }
  // Gives the gradient of input i; an undefined one counts as zero.
  void set(uint32_t i, Tensor dx) { dx_[i] = std::move(dx); }
  // Are the formulas themselves being recorded?
  bool create_graph() const { return create_graph_; }
  // Do the saved tensors go when this run ends? Numbers that nobody else holds may then be overwritten.
  bool last_run() const { return last_run_; }
  Node& node() const { return node_; }

 private:
  Node& node_;
  Tensor* dy_;
  Tensor* dx_;
  const bool* needed_;
  bool create_graph_, last_run_;
};

// A tensor that backward will read: checks that nobody has changed it in place since.
class Saved {
 public:
  Saved() = default;
  // An operand (may be undefined).
  [[gnu::always_inline]] explicit Saved(const Tensor& tensor)
      : tensor_(tensor), version_(tensor.defined() ? impl(tensor).current_version() : 0) {}
  // The operation's own result number `output_nr`, without a cycle: keeps its numbers, not its node.
  static Saved output(const Tensor& result, uint32_t output_nr = 0) {
    Saved saved(result);
    saved.tensor_ = make_detached(result, true);
    saved.output_ = output_nr + 1;
    return saved;
  }
  // The tensor; Error if it was modified since. With its history, so that create_graph goes on.
  Tensor operator()(const Gradients& d) const;
  // The same without history and without a count of its own: for kernels.
  const Tensor& values(const Gradients& d) const {
    if (tensor_.defined() && impl(tensor_).current_version() != version_) [[unlikely]]
      throw_changed(d);
    return tensor_;
  }
  bool defined() const { return tensor_.defined(); }
  IntArrayRef sizes() const { return impl(tensor_).size_list(); }

 private:
  [[noreturn, gnu::cold]] void throw_changed(const Gradients& d) const;

  Tensor tensor_;
  uint32_t version_ = 0;
  uint32_t output_ = 0;  // of an output: its number plus one
};

// --- nodes --------------------------------------------------------------------------------------
// Where the gradient of this tensor goes, as a counted pointer; null if nowhere.
detail::RawEdge gradient_edge(const Tensor& tensor);

struct NodeAccess {
  static constexpr uint8_t kReleased = 1;    // saved tensors are gone
  static constexpr uint8_t kAccumulates = 2;  // an AccumulateGrad
  static constexpr uint8_t kTakesUndefined = 4;  // backward runs even if every dy is undefined

  static detail::RawEdge* edges(Node& node) { return node.edges_; }
  static uint8_t& flags(Node& node) { return node.flags_; }
  static uint8_t flags(const Node& node) { return node.flags_; }
  static void backward(Node& node, Gradients& d) { node.backward(d); }
  static detail::NodeExtra*& extra(Node& node) { return node.extra_; }
  static std::atomic<uint8_t>& lock(Node& node) { return node.lock_; }
  static void release_variables(Node& node) { node.release_variables(); }
  static void use_edges(Node& node, detail::RawEdge* edges, uint32_t count) {
    node.edges_ = edges;
    node.edge_count_ = count;
  }
  static void set_input_count(Node& node, uint32_t count) { node.input_count_ = count; }
  static detail::ReferenceCount& references(const Node& node) { return node.references_; }
  static void destroy(Node* node) { delete node; }
  // Throws PyTorch's "Trying to backward through the graph a second time".
  [[noreturn, gnu::cold]] static void throw_released();
};

// A name that is a template argument: record<"MmBackward0">(...).
template <size_t N>
struct NodeName {
  char text[N];
  constexpr NodeName(const char (&name)[N]) {
    for (size_t i = 0; i < N; ++i) text[i] = name[i];
  }
};

// Held while a node's saved tensors are read or released: other threads may run the same graph, and
// one of them may release it.
class NodeLock {
 public:
  explicit NodeLock(Node& node) : lock_(NodeAccess::lock(node)) {
    if (const uint8_t before = detail::exchange<uint8_t>(lock_, taken()); before != 0) [[unlikely]]
      wait(before);
  }
  ~NodeLock() { lock_.store(0, std::memory_order_release); }
  NodeLock(const NodeLock&) = delete;

 private:
  // Taken in this process: a thread that held it at a fork is not in the child to give it back.
  static uint8_t taken() {
    return static_cast<uint8_t>(detail::fork_generation.load(std::memory_order_relaxed) | 0x80);
  }
  void wait(uint8_t before);
  std::atomic<uint8_t>& lock_;
};

namespace detail {

// Holds the lambda and says when its saved tensors are gone.
template <class F>
class Formula {
 public:
  explicit Formula(F&& f) : f_(std::move(f)) {}
  ~Formula() {}
  Formula(const Formula&) = delete;
  // Nodes that save nothing can run any number of times.
  static constexpr bool saves = !std::is_trivially_destructible_v<F>;

  void run(Node& node, uint8_t& flags, Gradients& d) {
    if constexpr (saves) {
      const NodeLock lock(node);
      if (flags & NodeAccess::kReleased) NodeAccess::throw_released();
      f_(d);
    } else {
      f_(d);
    }
  }
  void run_and_release(Node& node, uint8_t& flags, Gradients& d) {
    if constexpr (saves) {
      {
        const NodeLock lock(node);
        if (flags & NodeAccess::kReleased) NodeAccess::throw_released();
        f_(d);
        flags |= NodeAccess::kReleased;
      }
      f_.~F();
    } else {
      f_(d);
    }
  }
  void release(Node& node, uint8_t& flags) {
    if constexpr (saves) {
      {
        const NodeLock lock(node);
        if (flags & NodeAccess::kReleased) return;
        flags |= NodeAccess::kReleased;
      }
      f_.~F();
    }
  }
  void destroy(uint8_t flags) {
    if constexpr (saves)
      if (!(flags & NodeAccess::kReleased)) f_.~F();
  }

 private:
  union {
    F f_;
  };
};

template <NodeName name_, size_t edges, class F>
class LambdaNode final : public Node {
 public:
  explicit LambdaNode(F&& f, uint32_t input_count) : Node(edges_, edges, input_count), f_(std::move(f)) {}
  ~LambdaNode() override { f_.destroy(flags_); }
  std::string name() const override { return name_.text; }
  RawEdge& edge(size_t i) { return edges_[i]; }

 protected:
  void backward(Gradients& d) override { f_.run(*this, flags_, d); }
  void release_variables() override { f_.release(*this, flags_); }
  void backward_and_release(Gradients& d) override { f_.run_and_release(*this, flags_, d); }

 private:
  RawEdge edges_[edges == 0 ? 1 : edges];
  Formula<F> f_;
};

// For cat, stack, index ...: as many edges as the call has tensors.
template <NodeName name_, class F>
class LambdaListNode final : public Node {
 public:
  LambdaListNode(F&& f, size_t edges)
      : Node(static_cast<RawEdge*>(allocate(edges * sizeof(RawEdge) + 1)),
             static_cast<uint32_t>(edges)),
        f_(std::move(f)) {
    list_ = NodeAccess::edges(*this);
    count_ = edges;
    for (size_t i = 0; i < edges; ++i) list_[i] = {};
  }
  ~LambdaListNode() override {
    f_.destroy(flags_);
    for (size_t i = 0; i < count_; ++i)
      if (list_[i].node) release_node(list_[i].node);
    NodeAccess::use_edges(*this, nullptr, 0);
    deallocate(list_, count_ * sizeof(RawEdge) + 1);
  }
  std::string name() const override { return name_.text; }

 protected:
  void backward(Gradients& d) override { f_.run(*this, flags_, d); }
  void release_variables() override { f_.release(*this, flags_); }
  void backward_and_release(Gradients& d) override { f_.run_and_release(*this, flags_, d); }

 private:
  Formula<F> f_;
  RawEdge* list_;
  size_t count_;
};

}  // namespace detail

// Makes `node` (one count, taken over) the grad_fn of `result`.
inline void set_history(const Tensor& result, Node* node, uint32_t output_nr = 0) {
  TensorImpl& to = impl(result);
  if (to.grad_fn) detail::release_node(to.grad_fn);
  to.grad_fn = node;
  to.output_nr = output_nr;
  to.flags |= TensorImpl::kRequiresGrad;
}

// A node with one edge per input, in their order.
template <NodeName name, class... Tensors, class F>
Node* make_node(const std::tuple<Tensors&...>& inputs, F&& f, uint32_t output_count = 1) {
  constexpr size_t count = sizeof...(Tensors);
  auto* node = new detail::LambdaNode<name, count, std::decay_t<F>>(std::forward<F>(f), output_count);
  NodePtr owner = NodePtr::adopt(node);  // an edge that finds no memory for its accumulator throws
  [&]<size_t... i>(std::index_sequence<i...>) {
    ((node->edge(i) = gradient_edge(std::get<i>(inputs))), ...);
  }(std::make_index_sequence<count>());
  return owner.release();
}

// Gives `y` a grad_fn with one edge per input, in their order. Call only if needs_gradient.
template <NodeName name, class... Tensors, class F>
void record(const Tensor& y, const std::tuple<Tensors&...>& inputs, F&& f) {
  set_history(y, make_node<name>(inputs, std::forward<F>(f)));
}
// Several results of one node (max with indices, split): they are outputs 0, 1, ... in this order.
// Results that are not differentiable (integers) are left without a history.
template <NodeName name, class... Tensors, class F>
void record_outputs(TensorList results, const std::tuple<Tensors&...>& inputs, F&& f) {
  Node* node = make_node<name>(inputs, std::forward<F>(f), static_cast<uint32_t>(results.size()));
  for (size_t i = 0; i < results.size(); ++i) {
    if (!is_floating_point(results[i].scalar_type())) continue;
    detail::retain_node(node);
    set_history(results[i], node, static_cast<uint32_t>(i));
  }
  detail::release_node(node);
}
// One edge per tensor of a list.
template <NodeName name, class F>
Node* make_list_node(TensorList inputs, F&& f) {
  auto* node = new detail::LambdaListNode<name, std::decay_t<F>>(std::forward<F>(f), inputs.size());
  NodePtr owner = NodePtr::adopt(node);
  for (size_t i = 0; i < inputs.size(); ++i) NodeAccess::edges(*node)[i] = gradient_edge(inputs[i]);
  return owner.release();
}
template <NodeName name, class F>
void record_list(const Tensor& y, TensorList inputs, F&& f) {
  set_history(y, make_list_node<name>(inputs, std::forward<F>(f)));
}

// The same gradient, in the graph of `of` too, with zero as its derivative there: where PyTorch's own
// derivative of a gradient is a zero, a penalty on the gradient can be differentiated. `gradient` itself
// where nothing is recorded.
Tensor with_zero_derivative(const Tensor& gradient, const Tensor& of);

// --- views --------------------------------------------------------------------------------------
// A view of `self` (strides and offset in elements, offset from the start of the storage) that
// remembers its base. Record its node afterwards if needs_gradient(self).
Tensor make_view(const Tensor& self, IntArrayRef sizes, IntArrayRef strides, int64_t offset);

// --- in-place operations ------------------------------------------------------------------------
//   check_inplace(self, records);                // 1. the refusals
//   InplaceHistory history(self);                // 2. everything that can run out of memory
//   if (records) history.record<"AddBackward0">(std::tie(self, other), formula);
//   ...                                          // 3. self's memory is written
//   history.commit();                            // 4. the version goes up, the graph knows
//
// Nothing is changed before the checks are through, and a call that fails leaves no trace.

// Throws PyTorch's refusals: a leaf that requires grad, a view of one, a view made under no_grad, a
// view among several of one call, overlapping memory. `records` is needs_gradient of all operands.
void check_inplace(const Tensor& self, bool records);

class InplaceHistory {
 public:
  explicit InplaceHistory(const Tensor& self) : self_(self) {}
  InplaceHistory(const InplaceHistory&) = delete;

  template <NodeName name, class... Tensors, class F>
  void record(const std::tuple<Tensors&...>& inputs, F&& f) {
    take(NodePtr::adopt(make_node<name>(inputs, std::forward<F>(f))));
  }
  // The history of self from commit() on, of its base through CopySlices if self is a view. The
  // node's edge 0 belongs to self as it was.
  void take(NodePtr node) {
    if (impl(self_).is_view() || (impl(self_).flags & TensorImpl::kRetainsGrad)) [[unlikely]]
      return take_for_view(std::move(node));
    node_ = std::move(node);
  }
  void commit() {
    impl(self_).bump_version();
    commit_history();
  }
  // Where the version has gone up already.
  void commit_history() {
    if (node_) rebase();
  }

 private:
  void take_for_view(NodePtr node);
  void rebase() noexcept;

  const Tensor& self_;
  NodePtr node_;
};

// Runs with the given grad mode on this thread while it lives.
class GradModeGuard {
 public:
  explicit GradModeGuard(bool enabled) : before_(thread_state.grad_enabled) {
    thread_state.grad_enabled = enabled;
  }
  ~GradModeGuard() { thread_state.grad_enabled = before_; }
  GradModeGuard(const GradModeGuard&) = delete;

 private:
  bool before_;
};

}  // namespace simdgrad
