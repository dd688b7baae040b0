// Dependency counts for correctness, larger sequence numbers first for PyTorch's order.
//
// The counts and the gradient slots lie in the nodes, claimed by one traversal with an atomic tag.
// A traversal that finds a node taken, because it runs inside another's node (reentrant) or beside
// it (concurrent), keeps that node's state in a table of its own.
#include "autograd/engine.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <thread>
#include <unordered_map>

#include "autograd/accumulate_grad.h"
#include "autograd/hooks.h"
#include "core/small_vector.h"

namespace simdgrad {
namespace {

// Reentrant calls on one stack; deeper ones go on on a fresh thread.
constexpr uint32_t kMaxDepth = 60;
constexpr uint32_t kInlineGradients = 8;

// Marks in the upper bits of a dependency count, used when only some gradients are wanted.
constexpr uint32_t kVisited = 1u << 31;   // by the search for what is needed
constexpr uint32_t kNeeded = 1u << 30;    // runs
constexpr uint32_t kCaptured = 1u << 29;  // its incoming gradient is wanted
constexpr uint32_t kCountMask = kCaptured - 1;

uint32_t next_traversal_id() {
  static std::atomic<uint32_t> last{0};
  uint32_t id;
  do id = detail::fetch_add<uint32_t>(last, 1) + 1;
  while (id == 0);
  return id;
}

}  // namespace

class Engine {
 public:
  Engine(std::vector<Capture>& captures, const BackwardOptions& options)
      : captures_(captures), options_(options), id_(next_traversal_id()) {}
  ~Engine() {
    if (!finished_) abandon();
  }
  Engine(const Engine&) = delete;

  void run(const Edge* roots, Tensor* gradients, size_t count) {
    for (size_t i = 0; i < count; ++i) visit(roots[i].function.get());
    count_dependencies();
    if (!captures_.empty()) mark_needed(roots, count);
    for (size_t i = 0; i < count; ++i)
      deliver(*roots[i].function, roots[i].input_nr, std::move(gradients[i]));
    for (size_t i = 0; i < count; ++i) {
      Node* node = roots[i].function.get();
      if ((dependencies(*node) & kCountMask) == 0 && !std::count(ready_.begin(), ready_.end(), node)) push(node);
    }
    while (!ready_.empty()) process(*pop());
    finished_ = captures_.empty() && !aside_;
    if (!finished_) abandon();
    finished_ = true;
  }

 private:
  struct Aside {
    uint32_t dependencies = 0;
    std::vector<Tensor> gradients;
  };

  bool is_mine(const Node& node) const {
    return node.claim_.load(std::memory_order_relaxed) == id_;
  }

  // The node's state is ours from here on: in the node if it is free, aside if not.
  void visit(Node* node) {
    if (is_mine(*node)) return;
    if (detail::replace_zero(node->claim_, id_)) {
      // A node that was met before it became free keeps its state aside.
      if (!aside_ || !aside_->contains(node)) {
        node->dependencies_ = 0;
        if (node->input_count_ > 1) node->gradients_ = nullptr;
        visited_.push_back(node);
        return;
      }
      node->claim_.store(0, std::memory_order_release);
      return;
    }
    if (!aside_) aside_ = std::make_unique<std::unordered_map<Node*, Aside>>();
    Aside& state = (*aside_)[node];
    if (state.gradients.empty()) {
      state.gradients.resize(node->input_count_);
      visited_.push_back(node);
    }
  }

  uint32_t& dependencies(Node& node) {
    return is_mine(node) ? node.dependencies_ : (*aside_)[&node].dependencies;
  }

  void count_dependencies() {
    for (size_t i = 0; i < visited_.size(); ++i) {
      const Node& node = *visited_[i];
      for (uint32_t edge = 0; edge < node.edge_count_; ++edge) {
        Node* next = node.edges_[edge].node;
        if (!next) continue;
        visit(next);
        ++dependencies(*next);
      }
    }
  }

  // Depth first, without recursion: a node is needed if one of its next nodes is needed or captured.
  void mark_needed(const Edge* roots, size_t count) {
    for (const Capture& capture : captures_) {
      // What no root reaches has no state here, and needs none.
      if (!is_mine(*capture.node) && !(aside_ && aside_->contains(capture.node))) continue;
      dependencies(*capture.node) |= kCaptured;
    }
    struct Step {
      Node* node;
      uint32_t edge;
    };
    SmallVector<Step, 32> stack;
    for (size_t i = 0; i < count; ++i) {
      Node& root = *roots[i].function;
      if (dependencies(root) & kVisited) continue;
      dependencies(root) |= kVisited;
      stack.push_back({&root, 0});
      while (!stack.empty()) {
        Step& step = stack.back();
        if (step.edge < step.node->edge_count_) {
          Node* next = step.node->edges_[step.edge++].node;
          if (!next || (dependencies(*next) & kVisited)) continue;
          dependencies(*next) |= kVisited;
          stack.push_back({next, 0});
          continue;
        }
        Node& node = *stack.pop_back().node;
        uint32_t& state = dependencies(node);
        // An accumulator among the inputs of backward() does its work itself.
        if ((state & kCaptured) && options_.accumulate && is_accumulator(node)) state |= kNeeded;
        for (uint32_t edge = 0; edge < node.edge_count_; ++edge)
          if (node.edges_[edge].node && (dependencies(*node.edges_[edge].node) & (kNeeded | kCaptured)))
            state |= kNeeded;
      }
    }
  }

  static bool is_accumulator(const Node& node) { return node.flags_ & NodeAccess::kAccumulates; }

  bool wants(Node& node) {
    return captures_.empty() || (dependencies(node) & (kNeeded | kCaptured));
  }

  // Adds a gradient to those that wait for the node.
  void deliver(Node& node, uint32_t nr, Tensor&& gradient) {
    if (!gradient.defined()) return;
    if (!is_mine(node)) {
      add_to((*aside_)[&node].gradients[nr], std::move(gradient));
      return;
    }
    if (node.input_count_ == 1) {
      add_to(reinterpret_cast<Tensor&>(node.gradient_), std::move(gradient));
      return;
    }
    if (!node.gradients_) {
      const size_t bytes = node.input_count_ * sizeof(detail::Counted*);
      node.gradients_ = static_cast<detail::Counted**>(allocate(bytes));
      std::memset(static_cast<void*>(node.gradients_), 0, bytes);
    }
    add_to(reinterpret_cast<Tensor&>(node.gradients_[nr]), std::move(gradient));
  }

  void add_to(Tensor& slot, Tensor&& gradient) {
    if (slot.defined()) {
      add_gradient(slot, std::move(gradient), options_.create_graph);
    } else {
      slot = std::move(gradient);
    }
  }

  // Moves the waiting gradients out and gives the node's slots back.
  void collect(Node& node, Tensor* into) {
    if (!is_mine(node)) {
      auto& waiting = (*aside_)[&node].gradients;
      for (uint32_t i = 0; i < node.input_count_; ++i) into[i] = std::move(waiting[i]);
      return;
    }
    if (node.input_count_ == 1) {
      into[0] = Tensor::adopt(std::exchange(node.gradient_, nullptr));
      return;
    }
    if (!node.gradients_) return;
    for (uint32_t i = 0; i < node.input_count_; ++i) into[i] = Tensor::adopt(node.gradients_[i]);
    deallocate(node.gradients_, node.input_count_ * sizeof(detail::Counted*));
    node.gradients_ = nullptr;
  }

  // What a node takes and gives: on the stack for nearly all.
  class Buffers {
   public:
    explicit Buffers(size_t count) {
      if (count > 2 * kInlineGradients) heap_ = std::make_unique<Tensor[]>(count);
      if (count > 2 * kInlineGradients) heap_needed_ = std::make_unique<bool[]>(count);
    }
    Tensor* tensors() { return heap_ ? heap_.get() : inlined_; }
    bool* needed() { return heap_needed_ ? heap_needed_.get() : needed_; }

   private:
    Tensor inlined_[2 * kInlineGradients];
    bool needed_[2 * kInlineGradients];
    std::unique_ptr<Tensor[]> heap_;
    std::unique_ptr<bool[]> heap_needed_;
  };

  void process(Node& node) {
    if (node.input_count_ == 1 && node.edge_count_ <= 2 && !node.extra_ && captures_.empty() &&
        is_mine(node)) [[likely]] {
      process_plain(node);
    } else {
      Buffers buffers(node.input_count_ + node.edge_count_);
      collect(node, buffers.tensors());
      process_with(node, buffers.tensors(), buffers.tensors() + node.input_count_,
                   buffers.needed());
    }
  }

  // The common node: one gradient comes, at most two go, nobody looks on.
  void process_plain(Node& node) {
    Tensor dy = Tensor::adopt(std::exchange(node.gradient_, nullptr));
    Tensor dx[2];
    const bool needed[2] = {node.edge_count_ > 0 && node.edges_[0].node,
                            node.edge_count_ > 1 && node.edges_[1].node};
    if (dy.defined() || (node.flags_ & NodeAccess::kTakesUndefined)) run(node, &dy, dx, needed);
    node.claim_.store(0, std::memory_order_release);
    if (needed[0]) send(node.edges_[0], std::move(dx[0]));
    if (needed[1]) send(node.edges_[1], std::move(dx[1]));
  }

  void process_with(Node& node, Tensor* dy, Tensor* dx, bool* needed) {
    if (node.extra_) run_hooks(node, dy, node.input_count_);
    if (!captures_.empty() && !capture(node, dy)) return;
    bool any_defined = node.flags_ & NodeAccess::kTakesUndefined;
    for (uint32_t i = 0; i < node.input_count_ && !any_defined; ++i) any_defined = dy[i].defined();
    for (uint32_t i = 0; i < node.edge_count_; ++i)
      needed[i] = node.edges_[i].node && wants(*node.edges_[i].node);
    if (any_defined) run(node, dy, dx, needed);
    if (captures_.empty() && is_mine(node)) node.claim_.store(0, std::memory_order_release);
    for (uint32_t i = 0; i < node.edge_count_; ++i)
      if (needed[i]) send(node.edges_[i], std::move(dx[i]));
  }

  void run(Node& node, Tensor* dy, Tensor* dx, const bool* needed) {
    Gradients d(node, dy, dx, needed, options_.create_graph, !options_.retain_graph);
    if (options_.retain_graph) {
      node.backward(d);
    } else {
      node.backward_and_release(d);
    }
  }

  // Hands a gradient on; the node runs when it was the last one missing.
  void send(const detail::RawEdge& edge, Tensor&& dx) {
    Node& next = *edge.node;
    uint32_t left;
    // deliver() for the common node.
    if (is_mine(next) && next.input_count_ == 1) [[likely]] {
      if (dx.defined()) add_to(reinterpret_cast<Tensor&>(next.gradient_), std::move(dx));
      left = --next.dependencies_;
    } else {
      deliver(next, edge.input_nr, std::move(dx));
      left = --dependencies(next);
    }
    if ((left & kCountMask) == 0) push(&next);
  }

  // Stores the gradients that were asked for; says whether the node has to run.
  bool capture(Node& node, Tensor* dy) {
    const uint32_t state = dependencies(node);
    if (state & kCaptured) {
      for (Capture& wanted : captures_) {
        if (wanted.node != &node || (options_.accumulate && is_accumulator(node))) continue;
        Tensor gradient = dy[wanted.input_nr];
        // A leaf's hooks lie with the leaf and would run in its accumulator, which does not.
        if (gradient.defined() && is_accumulator(node)) {
          const TensorImpl& leaf = impl(static_cast<AccumulateGrad&>(node).variable());
          if (leaf.extra) gradient = run_hook_list(leaf.extra->hooks, std::move(gradient));
        }
        wanted.gradient = std::move(gradient);
      }
    }
    return state & kNeeded;
  }

  static bool runs_later(const Node* a, const Node* b) { return order(*a) < order(*b); }
  // Accumulators run as soon as they can: their gradients need not wait in memory.
  static uint64_t order(const Node& node) {
    return is_accumulator(node) ? UINT64_MAX : node.sequence_;
  }
  void push(Node* node) {
    ready_.push_back(node);
    if (ready_.size() > 1) std::push_heap(ready_.begin(), ready_.end(), runs_later);
  }
  Node* pop() {
    if (ready_.size() > 1) std::pop_heap(ready_.begin(), ready_.end(), runs_later);
    return ready_.pop_back();
  }

  // Gives back what is still claimed, with the gradients that wait there.
  void abandon() noexcept {
    for (Node* node : visited_) {
      if (!is_mine(*node)) continue;
      if (node->input_count_ == 1) {
        Tensor::adopt(std::exchange(node->gradient_, nullptr));
      } else if (node->gradients_) {
        for (uint32_t i = 0; i < node->input_count_; ++i) Tensor::adopt(node->gradients_[i]);
        deallocate(node->gradients_, node->input_count_ * sizeof(detail::Counted*));
        node->gradients_ = nullptr;
      }
      node->claim_.store(0, std::memory_order_release);
    }
  }

  std::vector<Capture>& captures_;
  const BackwardOptions& options_;
  const uint32_t id_;
  bool finished_ = false;
  SmallVector<Node*, 64> visited_;
  SmallVector<Node*, 16> ready_;
  std::unique_ptr<std::unordered_map<Node*, Aside>> aside_;
};

void run_backward(const Edge* roots, Tensor* gradients, size_t count,
                  std::vector<Capture>& captures, const BackwardOptions& options) {
  const auto run = [&] {
    const GradModeGuard guard(options.create_graph);
    Engine(captures, options).run(roots, gradients, count);
  };
  struct Depth {
    Depth() { ++thread_state.engine_depth; }
    ~Depth() { --thread_state.engine_depth; }
  } depth;
  if (thread_state.engine_depth <= kMaxDepth) {
    run();
    return;
  }
  std::exception_ptr error;
  std::thread([&] {
    try {
      run();
    } catch (...) {
      error = std::current_exception();
    }
  }).join();
  if (error) std::rethrow_exception(error);
}

}  // namespace simdgrad
