// cat and stack: several tensors into one.
#include <cstring>

#include "ops/loops/broadcast.h"
#include "ops/loops/copy.h"
#include "ops/loops/row_tasks.h"
#include "ops/views/shape.h"
#include "simdgrad/views.h"

namespace simdgrad {
namespace {

// What one tensor takes up of the result, in the order of the list.
struct Part {
  int64_t start, length;  // along dim; length -1: it was skipped
  ScalarType dtype;
};

// As LambdaListNode, for lists of numbers in place of saved tensors: it never expires.
template <NodeName name_, class Backward>
class PartsNode final : public Node {
 public:
  PartsNode(std::vector<Part> parts, Backward backward)
      : Node(nullptr, 0), parts_(std::move(parts)), edges_(parts_.size()), backward_(backward) {
    NodeAccess::use_edges(*this, edges_.data(), static_cast<uint32_t>(edges_.size()));
  }
  ~PartsNode() override {
    // Emptied first, for releasing may run far; the list itself outlives the base's look at it.
    NodeAccess::use_edges(*this, nullptr, 0);
    for (detail::RawEdge& edge : edges_)
      if (edge.node) detail::release_node(std::exchange(edge.node, nullptr));
  }
  std::string name() const override { return name_.text; }

 protected:
  void backward(Gradients& d) override {
    for (uint32_t i = 0; i < parts_.size(); ++i)
      if (d.needs(i)) d.set(i, backward_(d.dy(), parts_[i]));
  }

 private:
  std::vector<Part> parts_;
  std::vector<detail::RawEdge> edges_;
  Backward backward_;
};

template <NodeName name, class Backward>
void record_parts(const Tensor& y, TensorList tensors, std::vector<Part> parts, Backward backward) {
  NodePtr node = NodePtr::adopt(new PartsNode<name, Backward>(std::move(parts), backward));
  for (size_t i = 0; i < tensors.size(); ++i)
    NodeAccess::edges(*node)[i] = gradient_edge(tensors[i]);
  set_history(y, node.release());
}

// Copies x to where it begins in y along dim; `sizes` and `strides` are those of the part.
void copy_part(const Tensor& y, size_t dim, int64_t start, const Tensor& x, IntArrayRef sizes,
               IntArrayRef strides) {
  const int64_t offset = start * impl(y).strides()[dim] * element_size(impl(y).dtype);
  copy_strided(static_cast<char*>(impl(y).data) + offset, impl(y).dtype, impl(y).stride_list(),
               impl(x).data, impl(x).dtype, strides, sizes);
}

// PyTorch's old way to say "nothing": cat passes over it.
bool is_skipped(const TensorImpl& x) { return x.ndim == 1 && x.sizes()[0] == 0; }

// Copies all parts at once, a row of the result after the other: the result is then written as it lies
// (four of 1024 x 256 along 1, part by part: 281 us, row by row 174). False, and nothing done, where
// parts are not of one dtype without gaps, or are so short that a call for each run would count.
bool copy_rows_of_parts(const Tensor& y, size_t dim, TensorList tensors) {
  constexpr int64_t kShortRun = 128;  // bytes
  const int64_t item = element_size(impl(y).dtype);
  if (dim == 0) return false;
  int64_t rows = 1, inner = item;
  for (size_t i = 0; i < dim; ++i) rows *= impl(y).sizes()[i];
  for (size_t i = dim + 1; i < impl(y).ndim; ++i) inner *= impl(y).sizes()[i];
  for (const Tensor& tensor : tensors) {
    const TensorImpl& x = impl(tensor);
    if (is_skipped(x)) continue;
    if (x.dtype != impl(y).dtype || !x.is_contiguous() || x.sizes()[dim] * inner < kShortRun)
      return false;
  }
  char* const to = static_cast<char*>(impl(y).data);
  const int64_t row_bytes = impl(y).sizes()[dim] * inner;
  for_rows(rows, row_bytes / item, 0.15, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      char* at = to + row * row_bytes;
      for (const Tensor& tensor : tensors) {
        const TensorImpl& x = impl(tensor);
        if (is_skipped(x)) continue;
        const int64_t run = x.sizes()[dim] * inner;
        std::memcpy(at, static_cast<const char*>(x.data) + row * run, static_cast<size_t>(run));
        at += run;
      }
    }
  });
  return true;
}

void check_same_but(size_t dim, const TensorImpl& first, const TensorImpl& x, size_t position) {
  SIMDGRAD_CHECK(x.ndim == first.ndim, "Tensors must have same number of dimensions: got ",
                 static_cast<int>(first.ndim), " and ", static_cast<int>(x.ndim));
  for (size_t i = 0; i < x.ndim; ++i)
    SIMDGRAD_CHECK(i == dim || x.sizes()[i] == first.sizes()[i],
                   "Sizes of tensors must match except in dimension ", dim, ". Expected size ",
                   first.sizes()[i], " but got size ", x.sizes()[i], " for tensor number ",
                   position, " in the list.");
}

}  // namespace

Tensor cat(TensorList tensors, int64_t dim) {
  SIMDGRAD_CHECK_AS(ValueError, !tensors.empty(),
                    "torch.cat(): expected a non-empty list of Tensors");
  ResultType type;
  const TensorImpl* first = nullptr;
  for (size_t i = 0; i < tensors.size(); ++i) {
    check_dense(tensors[i], "cat", "tensors");
    const TensorImpl& x = impl(tensors[i]);
    SIMDGRAD_CHECK(x.ndim > 0, "zero-dimensional tensor (at position ", i,
                   ") cannot be concatenated");
    type.add(tensors[i]);
    if (!first && !is_skipped(x)) first = &x;
  }
  const ScalarType dtype = type.get();
  const size_t at = first ? static_cast<size_t>(wrap_dim(dim, first->ndim)) : 0;
  int64_t length = 0;
  const bool records = is_floating_point(dtype) && needs_gradient(tensors);
  std::vector<Part> parts;
  if (records) parts.reserve(tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    const TensorImpl& x = impl(tensors[i]);
    const bool skipped = is_skipped(x);
    if (!skipped) check_same_but(at, *first, x, i);
    if (records) parts.push_back({length, skipped ? -1 : x.sizes()[at], x.dtype});
    if (!skipped) length = checked_add(length, x.sizes()[at]);
  }
  Dims sizes;
  if (first)
    sizes.assign(first->size_list());
  else
    sizes.push_back(0);
  sizes[at] = length;
  Tensor y = make_tensor(sizes, dtype);
  if (!copy_rows_of_parts(y, at, tensors)) {
    int64_t start = 0;
    for (const Tensor& tensor : tensors) {
      const TensorImpl& x = impl(tensor);
      if (is_skipped(x)) continue;
      copy_part(y, at, start, tensor, x.size_list(), x.stride_list());
      start += x.sizes()[at];
    }
  }
  if (records)
    record_parts<"CatBackward0">(
        y, tensors, std::move(parts), [at](const Tensor& dy, const Part& part) {
          if (part.length < 0) return zeros_of({0}, part.dtype);
          return dy.narrow(static_cast<int64_t>(at), part.start, part.length).to(part.dtype);
        });
  return y;
}

Tensor stack(TensorList tensors, int64_t dim) {
  SIMDGRAD_CHECK(!tensors.empty(), "stack expects a non-empty TensorList");
  ResultType type;
  check_dense(tensors[0], "stack", "tensors");
  const TensorImpl& first = impl(tensors[0]);
  const size_t at = static_cast<size_t>(wrap_dim(dim, first.ndim + 1));
  for (size_t i = 0; i < tensors.size(); ++i) {
    check_dense(tensors[i], "stack", "tensors");
    const TensorImpl& x = impl(tensors[i]);
    SIMDGRAD_CHECK(x.size_list() == first.size_list(),
                   "stack expects each tensor to be equal size, but got ", first.size_list(),
                   " at entry 0 and ", x.size_list(), " at entry ", i);
    type.add(tensors[i]);
  }
  const ScalarType dtype = type.get();
  Dims sizes(first.size_list());
  sizes.insert(at, static_cast<int64_t>(tensors.size()));
  Tensor y = make_tensor(sizes, dtype);
  sizes[at] = 1;
  for (size_t i = 0; i < tensors.size(); ++i) {
    Dims strides(impl(tensors[i]).stride_list());
    strides.insert(at, 0);
    copy_part(y, at, static_cast<int64_t>(i), tensors[i], sizes, strides);
  }
  if (is_floating_point(dtype) && needs_gradient(tensors)) {
    std::vector<Part> parts(tensors.size());
    for (size_t i = 0; i < tensors.size(); ++i)
      parts[i] = {static_cast<int64_t>(i), 1, impl(tensors[i]).dtype};
    record_parts<"StackBackward0">(
        y, tensors, std::move(parts), [at](const Tensor& dy, const Part& part) {
          return dy.select(static_cast<int64_t>(at), part.start).to(part.dtype);
        });
  }
  return y;
}

}  // namespace simdgrad
