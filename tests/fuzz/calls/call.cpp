// The life of a call up to the moment when it is made.
#include "tests/fuzz/calls/call.h"

#include "core/tensor_impl.h"
#include "tests/fuzz/calls/arguments.h"
#include "tests/fuzz/calls/tensors.h"

namespace fuzz {
namespace {

constexpr size_t kSnapshotLimit = 1 << 20;  // bytes

void take_snapshot(Given& given) {
  const Tensor& x = given.tensor;
  if (!x.defined()) return;
  const simdgrad::TensorImpl& impl = simdgrad::impl(x);
  given.requires_grad = x.requires_grad();
  given.sizes = x.sizes().vec();
  given.dtype = x.scalar_type();
  given.version = x._version();
  if (x.is_sparse()) return;
  given.strides = x.strides().vec();
  given.storage = impl.storage;
  if (impl.storage->bytes <= kSnapshotLimit)
    given.bytes.assign(static_cast<const char*>(impl.storage->data), impl.storage->bytes);
}

}  // namespace

Call::Call(const Signature& signature, uint64_t seed, bool is_verbose)
    : signature(signature),
      random(seed),
      world(random, signature.scope, signature.name),
      is_verbose(is_verbose),
      name_(signature.name),
      scope_(signature.scope) {
  const int64_t kind = random.below(100);
  if (kind < 45) return;  // arguments that go together
  spoil_argument_ = kind < 90 ? 40 : 100;
  spoil_inside_ = kind < 90 ? 50 : 30;
}

// A gradient with a graph of its own makes a circle through its leaf.
Call::~Call() {
  const auto clear = [](const Tensor& x) {
    if (x.defined() && x.is_leaf()) x.mutable_grad().reset();
  };
  for (Given& one : given) {
    clear(one.tensor);
    clear(one.leaf);
  }
  for (Tensor& result : results) clear(result);
  while (!held_.empty()) held_.pop_back();
}

Call::Entry::Entry(Call& call, const char* name, Use use)
    : call_(call), parameter_before_(std::move(call.parameter_)), use_before_(call.use_) {
  call.parameter_ = name;
  call.use_ = use;
  if (call.depth_++ == 0) call.is_spoiled_ = call.random.chance(call.spoil_argument_);
}

Call::Entry::~Entry() {
  --call_.depth_;
  call_.parameter_ = parameter_before_;
  call_.use_ = use_before_;
}

bool Call::wild() { return is_spoiled_ && (depth_ == 1 || random.chance(spoil_inside_)); }

const Tensor& Call::self() const {
  static const Tensor undefined;
  return given.empty() ? undefined : given.front().tensor;
}

void Call::give(const Tensor& tensor, const Tensor& leaf) {
  Given one;
  one.tensor = tensor;
  one.leaf = leaf;
  one.parameter = parameter_;
  one.use = use_;
  given.push_back(std::move(one));
  if (tensor.defined() && tensor.is_sparse()) give_parts(tensor);
}

// What a sparse tensor consists of is the caller's too.
void Call::give_parts(const Tensor& sparse) {
  const simdgrad::TensorExtra& extra = *simdgrad::impl(sparse).extra;
  for (const Tensor& part : {extra.indices, extra.values}) {
    Given one;
    one.tensor = part;
    one.parameter = parameter_;
    one.use = use_;
    given.push_back(std::move(one));
  }
}

void Call::note(simdgrad::nn::Module& noted) {
  module = &noted;
  modules.push_back(module);
  for (const Tensor& parameter : noted.parameters()) give(parameter, parameter);
  const Entry entry(*this, "buffer", use_);
  for (const Tensor& buffer : noted.buffers()) give(buffer);
}

// Gives the parameters gradients, and the optimizer something to remember.
void Call::note(simdgrad::optim::Optimizer& optimizer) {
  for (int64_t steps = random.below(3); steps >= 0; --steps) {
    for (const auto& group : optimizer.param_groups())
      for (const Tensor& parameter : group.params()) give_gradient(*this, parameter);
    if (steps == 0) return;
    try {
      optimizer.step();
    } catch (const simdgrad::Error&) {
      // Gradients that do not fit.
    }
  }
}

void Call::ready() {
  for (Given& one : given) take_snapshot(one);
  is_recorded = !random.chance(8);
  simdgrad::GradMode::set_enabled(is_recorded);
  is_ready = true;
  on_ready(*this);
}

}  // namespace fuzz
