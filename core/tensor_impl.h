// What stands behind a Tensor handle.
//
// A fresh tensor is one block: [TensorImpl | Storage | up to 64 bytes of numbers]. Larger numbers
// and those of from_blob lie elsewhere; a view's block has no Storage of its own. The block lives as
// long as anything counts on its Storage; the TensorImpl in it is destroyed in place before that.
#pragma once

#include <simdgrad/node.h>
#include <simdgrad/tensor.h>

#include <bit>
#include <cstring>
#include <vector>

#include "core/allocator.h"
#include "core/checked_math.h"

namespace simdgrad {

// The numbers and their version. Counted by every tensor that shows them.
struct Storage {
  detail::ReferenceCount references;
  std::atomic<uint32_t> version{0};  // in-place operations so far
  void* data = nullptr;
  size_t bytes = 0;
  uint32_t block_bytes = 0;  // of the block this header lies in
  enum class Owner : uint32_t { kBlock, kAllocator, kCaller } owner = Owner::kBlock;
};

// How a view came to be, for the in-place rules.
enum class ViewKind : uint8_t { kDefault, kNoGrad, kMultiOutput, kCustomFunction };

constexpr int kInlineDims = 5;
constexpr int kMaxDims = 64;
constexpr size_t kInlineDataBytes = 64;

struct TensorExtra;

class TensorImpl : public detail::Counted {
 public:
  // Bits of the flag word.
  static constexpr uint8_t kRequiresGrad = 1;  // a leaf that asks for it, or has a grad_fn
  static constexpr uint8_t kContiguous = 2;
  static constexpr uint8_t kIsView = 4;
  static constexpr uint8_t kHasStorage = 8;  // its block holds a Storage behind it
  static constexpr uint8_t kViewKindShift = 4;  // two bits
  static constexpr uint8_t kRetainsGrad = 64;
  static constexpr uint8_t kDataWasSet = 128;  // by set_data: what was recorded may not fit any more

  bool requires_grad() const { return flags & kRequiresGrad; }
  bool is_contiguous() const { return flags & kContiguous; }
  bool is_view() const { return flags & kIsView; }
  bool is_sparse() const { return layout == Layout::Sparse; }
  ViewKind view_kind() const { return static_cast<ViewKind>((flags >> kViewKindShift) & 3); }
  void set_flag(uint8_t flag, bool on) { flags = on ? flags | flag : flags & ~flag; }
  void set_view_kind(ViewKind kind) {
    flags = static_cast<uint8_t>((flags & ~(3 << kViewKindShift)) |
                                 (static_cast<int>(kind) << kViewKindShift));
  }

  int64_t* sizes() { return ndim <= kInlineDims ? shape.inlined : shape.heap; }
  const int64_t* sizes() const { return ndim <= kInlineDims ? shape.inlined : shape.heap; }
  int64_t* strides() { return sizes() + (ndim <= kInlineDims ? kInlineDims : ndim); }
  const int64_t* strides() const { return sizes() + (ndim <= kInlineDims ? kInlineDims : ndim); }
  IntArrayRef size_list() const { return {sizes(), ndim}; }
  IntArrayRef stride_list() const { return {strides(), ndim}; }
  int64_t storage_offset() const {
    // A power of two: a shift is nine cycles less than a division.
    return (static_cast<char*>(data) - static_cast<char*>(storage->data)) >>
           std::countr_zero(static_cast<uint64_t>(element_size(dtype)));
  }
  uint32_t current_version() const { return version->version.load(std::memory_order_relaxed); }
  // A load and a store: of two threads that write the same numbers at once one bump may be lost, which
  // is a change still.
  void bump_version() {
    version->version.store(current_version() + 1, std::memory_order_relaxed);
  }
  // The extra part, if another thread may be making it; nullptr when there is none.
  TensorExtra* shared_extra() { return std::atomic_ref(extra).load(std::memory_order_acquire); }
  // The extra part, made on first use, by whichever thread is first.
  TensorExtra& extra_part() {
    TensorExtra* part = shared_extra();
    return part ? *part : make_extra_part();
  }
  // Whether one place in memory is shown by several indices of a dimension, as expand() does it.
  bool has_repeats() const {
    for (size_t i = 0; i < ndim; ++i)
      if (strides()[i] == 0 && sizes()[i] > 1) return true;
    return false;
  }
  // Gives it this shape; strides in elements. Sets numel and the contiguous flag.
  void set_shape(IntArrayRef sizes, IntArrayRef strides);
  void set_contiguous_shape(IntArrayRef sizes);

  ScalarType dtype = ScalarType::Float;
  Layout layout = Layout::Strided;
  uint8_t ndim = 0;
  uint8_t flags = kContiguous;

  void* data = nullptr;
  int64_t numel = 1;
  Storage* storage = nullptr;  // null for sparse tensors
  Storage* version = nullptr;  // whose version counts; counted apart only if it is another one
  union {
    int64_t inlined[2 * kInlineDims];  // sizes, then strides
    int64_t* heap;                     // the same, 2 * ndim numbers
  } shape;
  Node* grad_fn = nullptr;
  Tensor grad;
  detail::Counted* base = nullptr;  // of a view: the tensor it shows, itself not a view
  TensorExtra* extra = nullptr;
  uint32_t output_nr = 0;
  uint32_t view_version = 0;  // of a view: the version that grad_fn belongs to

 private:
  TensorExtra& make_extra_part();
};

static_assert(sizeof(TensorImpl) + sizeof(Storage) <= 192, "one small tensor, one small block");

// What few tensors have.
struct TensorExtra {
  // Each row-sparse gradient has one: from our allocator, so that a training step asks no heap.
  static void* operator new(size_t bytes) { return allocate(bytes); }
  static void operator delete(void* block, size_t bytes) noexcept { deallocate(block, bytes); }

  ~TensorExtra();

  std::atomic<Node*> accumulator{nullptr};  // of a leaf, which owns it (autograd/accumulate_grad.h)
  std::vector<std::unique_ptr<detail::TensorHook>> hooks;  // of a leaf
  // Of a row-sparse tensor.
  Tensor indices, values;
  bool coalesced = false;
};

inline TensorImpl* impl_of(const Tensor& tensor) {
  return static_cast<TensorImpl*>(tensor.counted());
}
inline TensorImpl& impl(const Tensor& tensor) { return *impl_of(tensor); }
// Does one handle alone see these numbers, in memory of our own? They may then be overwritten.
inline bool is_free(const TensorImpl& tensor) {
  constexpr uint8_t kind = TensorImpl::kHasStorage | TensorImpl::kIsView | TensorImpl::kRequiresGrad;
  return (tensor.flags & kind) == TensorImpl::kHasStorage &&
         tensor.references.is_one() && tensor.storage == tensor.version &&
         tensor.storage->references.is_one() &&
         tensor.storage->owner != Storage::Owner::kCaller;
}
inline Tensor share(detail::Counted* counted) {
  if (counted) counted->references.add();
  return Tensor::adopt(counted);
}

// --- making tensors -----------------------------------------------------------------------------
// A contiguous tensor of uninitialised numbers; sizes are checked (no negative ones, no overflow).
SIMDGRAD_API Tensor make_tensor(IntArrayRef sizes, ScalarType dtype);
// The same with the sizes and dtype of a tensor that is contiguous: there is nothing to check.
SIMDGRAD_API Tensor make_contiguous_like(const TensorImpl& like);
// The same with strides: the caller guarantees that they place every element inside the storage
// that they span and that sizes are not negative.
SIMDGRAD_API Tensor make_strided(IntArrayRef sizes, IntArrayRef strides, ScalarType dtype);
// Uninitialised, with the shape, strides order and dtype that a pointwise result of `like` has:
// its strides where it is dense and not overlapping, else contiguous.
SIMDGRAD_API Tensor make_like(const Tensor& like, ScalarType dtype);
// Numbers that the caller owns.
SIMDGRAD_API Tensor make_external(void* data, IntArrayRef sizes, IntArrayRef strides, ScalarType dtype);
// `release` is called with `context` when the last tensor on them goes.
void set_release(const Tensor& external, void (*release)(void*), void* context) noexcept;
// Another tensor on the same storage and version, with another shape; `offset` in elements from
// the start of the storage. No graph, not a view.
SIMDGRAD_API Tensor make_alias(const Tensor& source, IntArrayRef sizes, IntArrayRef strides, int64_t offset);
// Same shape, same storage, no graph. The version is shared or a fresh one.
SIMDGRAD_API Tensor make_detached(const Tensor& source, bool share_version);
// The parts of a row-sparse tensor, unchecked (sparse.h has the checked form).
SIMDGRAD_API Tensor make_sparse(Tensor indices, Tensor values, IntArrayRef sizes, bool coalesced);

// `to` shows the numbers, shape and dtype of `from` from now on; its version and graph stay.
void replace_storage(TensorImpl& to, const TensorImpl& from);

// --- shapes -------------------------------------------------------------------------------------
bool is_non_overlapping_and_dense(IntArrayRef sizes, IntArrayRef strides);
// Throws PyTorch's "Expected a proper Tensor but got None (or an undefined Tensor in C++) for
// argument #0 'self'" when it is undefined.
inline void check_defined(const Tensor& tensor, const char* name = "self", int position = 0) {
  SIMDGRAD_CHECK(tensor.defined(),
                 "Expected a proper Tensor but got None (or an undefined Tensor in C++) for argument #",
                 position, " '", name, "'");
}
// dim in [-ndim, ndim) to [0, ndim); a 0-d tensor counts as 1-d. PyTorch's IndexError otherwise.
int64_t wrap_dim(int64_t dim, int64_t ndim);

// Sizes or strides under construction: inline up to 64, no heap.
class Dims {
 public:
  Dims() = default;
  explicit Dims(IntArrayRef values) { assign(values); }
  explicit Dims(size_t count, int64_t value = 0) : size_(count) {
    SIMDGRAD_CHECK(count <= kMaxDims, "tensor: got ", count, " dimensions, at most 64 are allowed");
    for (size_t i = 0; i < count; ++i) values_[i] = value;
  }
  void assign(IntArrayRef values) {
    SIMDGRAD_CHECK(values.size() <= kMaxDims, "tensor: got ", values.size(),
                   " dimensions, at most 64 are allowed");
    size_ = values.size();
    if (size_) std::memcpy(values_, values.data(), size_ * sizeof(int64_t));
  }
  void push_back(int64_t value) {
    SIMDGRAD_CHECK(size_ < kMaxDims, "tensor: at most 64 dimensions are allowed");
    values_[size_++] = value;
  }
  void insert(size_t position, int64_t value) {
    push_back(value);
    for (size_t i = size_ - 1; i > position; --i) values_[i] = values_[i - 1];
    values_[position] = value;
  }
  void erase(size_t position) {
    for (size_t i = position; i + 1 < size_; ++i) values_[i] = values_[i + 1];
    --size_;
  }
  void resize(size_t count) { size_ = count; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  int64_t& operator[](size_t i) { return values_[i]; }
  int64_t operator[](size_t i) const { return values_[i]; }
  int64_t* data() { return values_; }
  const int64_t* data() const { return values_; }
  int64_t* begin() { return values_; }
  int64_t* end() { return values_ + size_; }
  const int64_t* begin() const { return values_; }
  const int64_t* end() const { return values_ + size_; }
  int64_t back() const { return values_[size_ - 1]; }
  operator IntArrayRef() const { return {values_, size_}; }

 private:
  size_t size_ = 0;
  int64_t values_[kMaxDims];
};

// Row-major strides of these sizes; a size of 0 counts as 1.
void contiguous_strides(IntArrayRef sizes, int64_t* strides);

// Tensors and nodes alive in the process, for leak tests.
struct LiveCounts {
  int64_t tensors, nodes;
};
SIMDGRAD_API LiveCounts live_counts();

}  // namespace simdgrad
