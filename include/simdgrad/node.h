// The graph: a Node per recorded operation, and the edges between them, as torch::autograd::Node.
//
// A tensor made by an operation points at the node that computes its gradient (grad_fn). A node
// takes the gradients of what the operation returned and gives those of what it was given; edge i
// leads to the node that takes gradient i. Leaves end in an AccumulateGrad node.
#pragma once

#include <simdgrad/tensor.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace simdgrad {

class Node;
class Gradients;

namespace detail {
SIMDGRAD_API void retain_node(const Node* node) noexcept;
SIMDGRAD_API void release_node(Node* node) noexcept;
struct NodeExtra;

// An edge as a node stores it: a counted pointer and which of its gradients is meant.
struct RawEdge {
  Node* node = nullptr;
  uint32_t input_nr = 0;
};
}  // namespace detail

// A counted handle to a Node, as c10::intrusive_ptr<Node>. Compares with nullptr.
class NodePtr {
 public:
  NodePtr() = default;
  NodePtr(std::nullptr_t) {}
  NodePtr(const NodePtr& other) noexcept : node_(other.node_) {
    if (node_) detail::retain_node(node_);
  }
  NodePtr(NodePtr&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  ~NodePtr() {
    if (node_) detail::release_node(node_);
  }
  NodePtr& operator=(NodePtr other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  // Takes over one count of `node`.
  static NodePtr adopt(Node* node) {
    NodePtr result;
    result.node_ = node;
    return result;
  }
  // Adds a count of its own.
  static NodePtr share(Node* node) {
    if (node) detail::retain_node(node);
    return adopt(node);
  }
  Node* get() const { return node_; }
  Node* release() { return std::exchange(node_, nullptr); }
  Node* operator->() const { return node_; }
  Node& operator*() const { return *node_; }
  explicit operator bool() const { return node_ != nullptr; }
  bool operator==(const NodePtr& other) const { return node_ == other.node_; }
  bool operator==(std::nullptr_t) const { return node_ == nullptr; }

 private:
  Node* node_ = nullptr;
};

// Where a gradient goes: gradient `input_nr` of `function`. Not valid where nothing needs it.
struct Edge {
  NodePtr function;
  uint32_t input_nr = 0;
  bool is_valid() const { return function != nullptr; }
};

// Operations make nodes; programs look at them, and define their own through Function<T>
// (autograd.h).
class SIMDGRAD_API Node {
 public:
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // "MmBackward0", "torch::autograd::AccumulateGrad": PyTorch's name.
  virtual std::string name() const = 0;
  // Grows by one with every node that a thread makes; backward runs larger numbers first.
  uint64_t sequence_nr() const { return sequence_; }
  // How many gradients it takes, one for each tensor that the operation returned.
  uint32_t num_inputs() const { return input_count_; }
  // How many gradients it gives: the number of next edges.
  uint32_t num_outputs() const { return edge_count_; }
  // Error beyond the last one.
  Edge next_edge(size_t i) const;
  std::vector<Edge> next_edges() const;

  static void* operator new(size_t bytes);
  static void operator delete(void* block, size_t bytes) noexcept;

 protected:
  // `edges` is storage of the derived class that outlives this part; it starts empty.
  Node(detail::RawEdge* edges, uint32_t edge_count, uint32_t input_count = 1);
  // The derived class releases its saved tensors; the edges go here.
  virtual ~Node();

  // Gradients of the operation's inputs from those of its outputs: reads d.dy(i), calls d.set(i).
  virtual void backward(Gradients& d) = 0;
  // Lets saved tensors go after a backward that does not retain the graph.
  virtual void release_variables() {}
  // Both, one after the other.
  virtual void backward_and_release(Gradients& d) {
    backward(d);
    release_variables();
  }

 private:
  friend class Engine;
  friend struct NodeAccess;
  friend struct NodeDestroyer;

  mutable detail::ReferenceCount references_;
  std::atomic<uint32_t> claim_{0};  // the traversal that uses the next two fields, 0 for none
  uint32_t dependencies_ = 0;
  uint32_t input_count_;
  uint64_t sequence_;
  union {
    detail::Counted* gradient_ = nullptr;  // one input
    detail::Counted** gradients_;          // several
  };
  detail::NodeExtra* extra_ = nullptr;  // hooks, for the few that have some
  detail::RawEdge* edges_;
  uint32_t edge_count_;
  std::atomic<uint8_t> lock_{0};  // held while saved tensors are read or released

 protected:
  uint8_t flags_ = 0;
};

}  // namespace simdgrad
