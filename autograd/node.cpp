// Nodes: their edges, their counts, and graphs of any length released without recursion.
#include <simdgrad/node.h>

#include <thread>

#include "autograd/accumulate_grad.h"
#include "autograd/hooks.h"
#include "core/live_counts.h"

namespace simdgrad {
namespace {

// Nodes whose last count is gone, waiting to be destroyed: a chain of a million nodes comes apart
// here one after the other instead of one inside the other.
struct ReleaseQueue {
  Node* head = nullptr;
  bool draining = false;
};
constinit thread_local ReleaseQueue release_queue __attribute__((tls_model("initial-exec")));

}  // namespace

Node::Node(detail::RawEdge* edges, uint32_t edge_count, uint32_t input_count)
    : input_count_(input_count),
      sequence_(thread_state.next_sequence_number++),
      edges_(edges),
      edge_count_(edge_count) {
  count_node(1);
}

Node::~Node() {
  count_node(-1);
  for (uint32_t i = 0; i < edge_count_; ++i)
    if (edges_[i].node) detail::release_node(edges_[i].node);
  delete extra_;
}

Edge Node::next_edge(size_t i) const {
  SIMDGRAD_CHECK(i < edge_count_, "next_edge: got ", i, ", ", name(), " has ", edge_count_, " next edges");
  return {NodePtr::share(edges_[i].node), edges_[i].input_nr};
}

std::vector<Edge> Node::next_edges() const {
  std::vector<Edge> edges;
  for (uint32_t i = 0; i < edge_count_; ++i) edges.push_back(next_edge(i));
  return edges;
}

void* Node::operator new(size_t bytes) { return allocate(bytes); }
void Node::operator delete(void* block, size_t bytes) noexcept { deallocate(block, bytes); }

struct NodeDestroyer {
  static void destroy(Node* node) noexcept {
    ReleaseQueue& queue = release_queue;
    if (queue.draining) {
      // The gradient slot is empty outside a traversal: it links the queue.
      node->gradient_ = reinterpret_cast<detail::Counted*>(queue.head);
      queue.head = node;
      return;
    }
    queue.draining = true;
    while (node) {
      delete node;
      node = queue.head;
      if (node) queue.head = reinterpret_cast<Node*>(node->gradient_);
    }
    queue.draining = false;
  }
};

namespace detail {

Counted* leaf_of(const Node& accumulator) noexcept;  // autograd/accumulate_grad.cpp

void retain_node(const Node* node) noexcept {
  if (NodeAccess::flags(*node) & NodeAccess::kAccumulates) {
    leaf_of(*node)->references.add();
  } else {
    NodeAccess::references(*node).add();
  }
}

void release_node(Node* node) noexcept {
  if (NodeAccess::flags(*node) & NodeAccess::kAccumulates) {
    Tensor::adopt(leaf_of(*node));
    return;
  }
  if (NodeAccess::references(*node).drop()) NodeDestroyer::destroy(node);
}

}  // namespace detail

void NodeLock::wait(uint8_t before) {
  for (; before == taken(); before = lock_.exchange(taken(), std::memory_order_acquire))
    std::this_thread::yield();
}

void NodeAccess::throw_released() {
  SIMDGRAD_THROW(
      "Trying to backward through the graph a second time (or directly access saved tensors after "
      "they have already been freed). Saved intermediate values of the graph are freed when you "
      "call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward "
      "through the graph a second time or if you need to access saved tensors after calling "
      "backward.");
}

}  // namespace simdgrad
