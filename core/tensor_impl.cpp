// Tensors made and destroyed: their block, storage and shape; chains of them without recursion.
#include "core/tensor_impl.h"

#include <new>

#include "core/fenced_blocks.h"
#include "core/live_counts.h"

namespace simdgrad {
namespace {

constexpr size_t kHeaderBytes = sizeof(TensorImpl) + sizeof(Storage);

// Numbers of at most this many bytes lie in the tensor's own block: 64, but none beside a fence, which
// would then stand at the headers.
const size_t inline_data_bytes = detail::fence() == detail::Fence::none ? kInlineDataBytes : 0;

// Blocks come in multiples of the allocator's step, so that data after the headers has room.
[[gnu::always_inline]] inline TensorImpl* new_impl(void* block, ScalarType dtype) {
  TensorImpl* impl = new (block) TensorImpl;
  impl->dtype = dtype;
  count_tensor(1);
  return impl;
}

// A block with a Storage behind the impl, and room for `data_bytes` behind that.
[[gnu::always_inline]] inline TensorImpl* new_impl_with_storage(ScalarType dtype,
                                                                size_t data_bytes) {
  const size_t block_bytes = kHeaderBytes + data_bytes;
  TensorImpl* impl = new_impl(allocate(block_bytes), dtype);
  impl->flags |= TensorImpl::kHasStorage;
  Storage* storage = new (impl + 1) Storage;
  storage->block_bytes = static_cast<uint32_t>(block_bytes);
  storage->data = storage + 1;
  storage->bytes = data_bytes;
  impl->storage = impl->version = storage;
  impl->data = storage->data;
  return impl;
}

[[gnu::noinline]] TensorImpl* new_impl_with_data_apart(size_t bytes, ScalarType dtype) {
  Tensor header = Tensor::adopt(new_impl_with_storage(dtype, 0));  // goes if the next line throws
  void* data = allocate(bytes);
  TensorImpl* impl = static_cast<TensorImpl*>(header.surrender());
  impl->storage->data = impl->data = data;
  impl->storage->bytes = bytes;
  impl->storage->owner = Storage::Owner::kAllocator;
  return impl;
}

[[gnu::always_inline]] inline TensorImpl* new_impl_with_data(size_t bytes, ScalarType dtype) {
  if (bytes > inline_data_bytes) [[unlikely]]
    return new_impl_with_data_apart(bytes, dtype);
  if (bytes > kInlineDataBytes) __builtin_unreachable();  // the block is a small one
  return new_impl_with_storage(dtype, bytes);
}

struct ExternalOwner {
  void (*release)(void*);
  void* context;
};

[[gnu::always_inline]] inline void release_storage(Storage* storage) noexcept {
  if (!storage->references.drop()) return;
  if (storage->owner == Storage::Owner::kAllocator) {
    deallocate(storage->data, storage->bytes);
  } else if (storage->owner == Storage::Owner::kCaller) {
    const ExternalOwner* owner = reinterpret_cast<ExternalOwner*>(storage + 1);
    if (owner->release) owner->release(owner->context);
  }
  deallocate(reinterpret_cast<char*>(storage) - sizeof(TensorImpl), storage->block_bytes);
}

// Does destroying it take no more than giving back its block and its numbers? (Its destructor has then
// nothing to do: what it could hold is empty.)
inline bool is_lone_block(const TensorImpl& tensor) {
  constexpr uint8_t kind = TensorImpl::kHasStorage | TensorImpl::kRetainsGrad | TensorImpl::kIsView;
  return (tensor.flags & kind) == TensorImpl::kHasStorage && tensor.storage == tensor.version &&
         tensor.storage->owner != Storage::Owner::kCaller && tensor.ndim <= kInlineDims &&
         !tensor.grad.defined() && !tensor.extra;
}

}  // namespace

namespace detail {

void forget_retained_grad(TensorImpl* tensor) noexcept;  // autograd/hooks.cpp
void destroy_accumulator(Node* node) noexcept;           // autograd/accumulate_grad.cpp

namespace {

// Of tensors with something attached: a hook may hold another such tensor, and a grad have a grad. A
// chain of them comes apart one after the other instead of one inside the other.
struct DestroyQueue {
  TensorImpl* head = nullptr;
  bool draining = false;
};
constinit thread_local DestroyQueue destroy_queue __attribute__((tls_model("initial-exec")));

void destroy_parts(TensorImpl* tensor) noexcept {
  // Taken out first: what they release may reach far (release_node drains chains without recursion).
  Node* grad_fn = tensor->grad_fn;
  if (tensor->flags & TensorImpl::kRetainsGrad) [[unlikely]] forget_retained_grad(tensor);
  Tensor grad = std::move(tensor->grad);
  Counted* base = tensor->base;
  delete tensor->extra;
  if (tensor->ndim > kInlineDims)
    deallocate(tensor->shape.heap, 2 * sizeof(int64_t) * tensor->ndim);
  Storage* storage = tensor->storage;
  Storage* version = tensor->version;
  const bool has_storage = tensor->flags & TensorImpl::kHasStorage;
  tensor->~TensorImpl();
  // The block goes with its own Storage, which others may still count on.
  if (version && version != storage) release_storage(version);
  if (storage) release_storage(storage);
  if (!has_storage) deallocate(tensor, sizeof(TensorImpl));
  if (grad_fn) release_node(grad_fn);
  if (base) Tensor::adopt(base);
}

[[gnu::noinline]] void destroy_in_turn(TensorImpl* tensor) noexcept {
  DestroyQueue& queue = destroy_queue;
  if (queue.draining) {
    tensor->data = queue.head;  // nobody reads its numbers any more
    queue.head = tensor;
    return;
  }
  queue.draining = true;
  while (tensor) {
    destroy_parts(tensor);
    tensor = queue.head;
    if (tensor) queue.head = static_cast<TensorImpl*>(tensor->data);
  }
  queue.draining = false;
}

}  // namespace

void destroy_tensor(Counted* counted) noexcept {
  TensorImpl* tensor = static_cast<TensorImpl*>(counted);
  count_tensor(-1);
  // Nearly all: a block of its own with nothing attached but, perhaps, a node.
  if (is_lone_block(*tensor)) [[likely]] {
    Node* const grad_fn = tensor->grad_fn;
    release_storage(tensor->storage);
    if (grad_fn) release_node(grad_fn);
  } else if (tensor->extra || tensor->grad.defined()) {
    destroy_in_turn(tensor);
  } else {
    destroy_parts(tensor);
  }
}

}  // namespace detail

TensorExtra::~TensorExtra() {
  if (Node* node = accumulator.load(std::memory_order_relaxed)) detail::destroy_accumulator(node);
}

TensorExtra& TensorImpl::make_extra_part() {
  TensorExtra* before = nullptr;
  TensorExtra* fresh = new TensorExtra;
  if (std::atomic_ref(extra).compare_exchange_strong(before, fresh, std::memory_order_acq_rel))
    return *fresh;
  delete fresh;  // another thread was first
  return *before;
}

void contiguous_strides(IntArrayRef sizes, int64_t* strides) {
  int64_t stride = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    strides[i] = stride;
    if (sizes[i] > 1) stride = wrapping_multiply(stride, sizes[i]);
  }
}

namespace {

[[gnu::noinline]] void make_room_for_many(TensorImpl& impl, size_t ndim) {
  SIMDGRAD_CHECK(ndim <= kMaxDims, "tensor: got ", ndim, " dimensions, at most 64 are allowed");
  if (impl.ndim > kInlineDims) deallocate(impl.shape.heap, 2 * sizeof(int64_t) * impl.ndim);
  impl.ndim = 0;
  if (ndim > kInlineDims)
    impl.shape.heap = static_cast<int64_t*>(allocate(2 * sizeof(int64_t) * ndim));
  impl.ndim = static_cast<uint8_t>(ndim);
}
inline void make_room_for_dims(TensorImpl& impl, size_t ndim) {
  if (impl.ndim > kInlineDims || ndim > kInlineDims) [[unlikely]]
    return make_room_for_many(impl, ndim);
  impl.ndim = static_cast<uint8_t>(ndim);
}

// Five sizes below this cannot overflow: only larger ones, and more of them, pay for the check.
constexpr uint64_t kSmallSize = 1u << 12;

[[gnu::noinline]] void check_numel(IntArrayRef sizes) { numel({sizes.data(), sizes.size()}); }

[[gnu::always_inline]] inline void place_shape(TensorImpl& impl, IntArrayRef sizes,
                                               IntArrayRef strides) {
  make_room_for_dims(impl, sizes.size());
  int64_t* to_sizes = impl.sizes();
  int64_t* to_strides = impl.strides();
  int64_t count = 1;
  uint64_t bits = sizes.size() > kInlineDims ? kSmallSize : 0;
  bool contiguous = true;
  for (size_t i = sizes.size(); i-- > 0;) {
    const int64_t size = to_sizes[i] = sizes[i];
    const int64_t stride = to_strides[i] = strides[i];
    contiguous &= size == 1 || stride == count;
    count = wrapping_multiply(count, size);
    bits |= static_cast<uint64_t>(size);
  }
  if (bits >= kSmallSize) [[unlikely]]
    check_numel(sizes);
  impl.numel = count;
  impl.set_flag(TensorImpl::kContiguous, contiguous || count == 0);
}

}  // namespace

void TensorImpl::set_contiguous_shape(IntArrayRef new_sizes) {
  make_room_for_dims(*this, new_sizes.size());
  std::copy(new_sizes.begin(), new_sizes.end(), sizes());
  contiguous_strides(new_sizes, strides());
  numel = simdgrad::numel({new_sizes.data(), new_sizes.size()});
  set_flag(kContiguous, true);
}

void TensorImpl::set_shape(IntArrayRef new_sizes, IntArrayRef new_strides) {
  place_shape(*this, new_sizes, new_strides);
}

namespace {

[[gnu::noinline]] Tensor make_large_tensor(IntArrayRef sizes, ScalarType dtype) {
  check_sizes_nonnegative({sizes.data(), sizes.size()});
  const size_t bytes =
      byte_count({sizes.data(), sizes.size()}, static_cast<size_t>(element_size(dtype)));
  SIMDGRAD_CHECK(sizes.size() <= kMaxDims, "tensor: got ", sizes.size(),
                 " dimensions, at most 64 are allowed");
  Tensor result = Tensor::adopt(new_impl_with_data(bytes, dtype));
  impl(result).set_contiguous_shape(sizes);
  return result;
}

// Of at most kInlineDims sizes, whose product is `count`.
[[gnu::always_inline]] inline Tensor make_small_tensor(IntArrayRef sizes, int64_t count,
                                                       ScalarType dtype) {
  TensorImpl* to = new_impl_with_data(static_cast<size_t>(count * element_size(dtype)), dtype);
  to->ndim = static_cast<uint8_t>(sizes.size());
  to->numel = count;
  int64_t stride = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    to->shape.inlined[i] = sizes[i];
    to->shape.inlined[kInlineDims + i] = stride;
    stride *= sizes[i] + (sizes[i] == 0);
  }
  return Tensor::adopt(to);
}

}  // namespace

Tensor make_tensor(IntArrayRef sizes, ScalarType dtype) {
  if (sizes.size() > kInlineDims) [[unlikely]]
    return make_large_tensor(sizes, dtype);
  uint64_t count = 1, bits = 0;
  for (int64_t size : sizes) {
    bits |= static_cast<uint64_t>(size);
    count *= static_cast<uint64_t>(size);
  }
  if (bits >= kSmallSize) [[unlikely]]
    return make_large_tensor(sizes, dtype);
  return make_small_tensor(sizes, static_cast<int64_t>(count), dtype);
}

Tensor make_contiguous_like(const TensorImpl& like) {
  if (like.ndim > kInlineDims) [[unlikely]]
    return make_tensor(like.size_list(), like.dtype);
  // Its strides may be any where a size is 1.
  return make_small_tensor(like.size_list(), like.numel, like.dtype);
}

Tensor make_strided(IntArrayRef sizes, IntArrayRef strides, ScalarType dtype) {
  const size_t bytes = byte_count({sizes.data(), sizes.size()}, {strides.data(), strides.size()},
                                  static_cast<size_t>(element_size(dtype)));
  Tensor result = Tensor::adopt(new_impl_with_data(bytes, dtype));
  impl(result).set_shape(sizes, strides);
  return result;
}

Tensor make_like(const Tensor& like, ScalarType dtype) {
  const TensorImpl& from = impl(like);
  if (from.is_contiguous() ||
      !is_non_overlapping_and_dense(from.size_list(), from.stride_list()))
    return make_tensor(from.size_list(), dtype);
  return make_strided(from.size_list(), from.stride_list(), dtype);
}

void set_release(const Tensor& external, void (*release)(void*), void* context) noexcept {
  *reinterpret_cast<ExternalOwner*>(impl(external).storage + 1) = {release, context};
}

Tensor make_external(void* data, IntArrayRef sizes, IntArrayRef strides, ScalarType dtype) {
  Tensor result = Tensor::adopt(new_impl_with_storage(dtype, sizeof(ExternalOwner)));
  TensorImpl& to = impl(result);
  set_release(result, nullptr, nullptr);
  to.storage->owner = Storage::Owner::kCaller;
  to.storage->data = to.data = data;
  to.storage->bytes = byte_count({sizes.data(), sizes.size()}, {strides.data(), strides.size()},
                                 static_cast<size_t>(element_size(dtype)));
  to.set_shape(sizes, strides);
  return result;
}

Tensor make_alias(const Tensor& source, IntArrayRef sizes, IntArrayRef strides, int64_t offset) {
  const TensorImpl& from = impl(source);
  TensorImpl* to = new_impl(allocate(sizeof(TensorImpl)), from.dtype);
  from.storage->references.add();
  to->storage = from.storage;
  to->version = from.version;
  if (from.version != from.storage) from.version->references.add();
  to->data = static_cast<char*>(from.storage->data) + offset * element_size(from.dtype);
  Tensor result = Tensor::adopt(to);
  place_shape(*to, sizes, strides);
  return result;
}

Tensor make_detached(const Tensor& source, bool share_version) {
  const TensorImpl& from = impl(source);
  if (from.is_sparse()) {
    const TensorExtra& parts = *from.extra;
    return make_sparse(make_detached(parts.indices, share_version),
                       make_detached(parts.values, share_version), from.size_list(),
                       parts.coalesced);
  }
  if (share_version)
    return make_alias(source, from.size_list(), from.stride_list(), from.storage_offset());
  // The version of its own lives in a Storage of its own, which holds no numbers.
  TensorImpl* to = new_impl_with_storage(from.dtype, 0);
  from.storage->references.add();
  to->storage = from.storage;
  to->data = from.data;
  Tensor result = Tensor::adopt(to);
  to->set_shape(from.size_list(), from.stride_list());
  return result;
}

void replace_storage(TensorImpl& to, const TensorImpl& from) {
  if (&to == &from) return;
  Storage* before = to.storage;
  // A tensor in its own block counts its own Storage once for the numbers; when it shows others, the
  // Storage stays for the version alone, with the same count.
  const bool version_was_apart = to.version != before;
  to.data = from.data;
  to.dtype = from.dtype;
  to.set_shape(from.size_list(), from.stride_list());
  if (from.storage == before) return;
  from.storage->references.add();
  to.storage = from.storage;
  if (version_was_apart) release_storage(before);
  // Back to counting once where both are the same again.
  if (version_was_apart && to.version == to.storage) release_storage(to.version);
}

Tensor make_sparse(Tensor indices, Tensor values, IntArrayRef sizes, bool coalesced) {
  TensorImpl* to = new_impl_with_storage(values.scalar_type(), 0);
  Tensor result = Tensor::adopt(to);
  // The Storage only holds the version.
  to->layout = Layout::Sparse;
  to->set_contiguous_shape(sizes);
  to->data = nullptr;
  TensorExtra& parts = to->extra_part();
  parts.indices = std::move(indices);
  parts.values = std::move(values);
  parts.coalesced = coalesced;
  return result;
}

bool is_non_overlapping_and_dense(IntArrayRef sizes, IntArrayRef strides) {
  // Dimensions of size 1 do not matter; the others, by growing stride, must tile exactly.
  size_t order[kMaxDims];
  size_t count = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return true;
    if (sizes[i] == 1) continue;
    size_t position = count++;
    for (; position > 0 && strides[order[position - 1]] > strides[i]; --position)
      order[position] = order[position - 1];
    order[position] = i;
  }
  int64_t expected = 1;
  for (size_t i = 0; i < count; ++i) {
    if (strides[order[i]] != expected) return false;
    expected *= sizes[order[i]];
  }
  return true;
}

int64_t wrap_dim(int64_t dim, int64_t ndim) {
  const int64_t range = ndim == 0 ? 1 : ndim;
  SIMDGRAD_CHECK_AS(IndexError, dim >= -range && dim < range,
                    "Dimension out of range (expected to be in range of [", -range, ", ", range - 1,
                    "], but got ", dim, ")");
  return dim < 0 ? dim + range : dim;
}

}  // namespace simdgrad
