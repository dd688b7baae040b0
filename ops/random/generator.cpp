// Generator: seeds and states of the engine it shares; the default one.
#include <simdgrad/creation.h>
#include <simdgrad/generator.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <random>

#include "ops/loops/broadcast.h"
#include "ops/random/access.h"

namespace simdgrad {

Generator::Generator(uint64_t seed) : engine_(std::make_shared<Shared>(seed)) {}

void Generator::manual_seed(uint64_t seed) {
  const std::lock_guard lock(engine_->mutex);
  engine_->engine.manual_seed(seed);
}

uint64_t Generator::current_seed() const {
  const std::lock_guard lock(engine_->mutex);
  return engine_->engine.current_seed();
}

uint64_t Generator::seed() {
  std::random_device device;
  // 53 bits, as PyTorch draws them, so that the seed survives a trip through a double.
  const uint64_t seed = ((static_cast<uint64_t>(device()) << 32) | device()) & ((1ull << 53) - 1);
  manual_seed(seed);
  return seed;
}

Tensor Generator::get_state() const {
  const std::lock_guard lock(engine_->mutex);
  const std::vector<uint8_t> bytes = engine_->engine.get_state();
  Tensor state = make_tensor(static_cast<int64_t>(bytes.size()), kByte);
  std::memcpy(state.data_ptr(), bytes.data(), bytes.size());
  return state;
}

void Generator::set_state(const Tensor& state) {
  check_dense(state, "set_state", "state");
  SIMDGRAD_CHECK_AS(TypeError, state.scalar_type() == kByte && state.is_contiguous(),
                    "RNG state must be a torch.ByteTensor");
  const uint8_t* bytes = state.const_data_ptr<uint8_t>();
  const std::lock_guard lock(engine_->mutex);
  engine_->engine.set_state(std::vector<uint8_t>(bytes, bytes + state.numel()));
}

Generator Generator::clone() const {
  Generator copy;
  copy.set_state(get_state());
  return copy;
}

const Generator& default_generator() {
  // Never destroyed: tensors in statics may still draw from it. Not a guarded static, which a forked
  // child could find half made: of threads that come at once one is first.
  static constinit std::atomic<const Generator*> shared{nullptr};
  const Generator* generator = shared.load(std::memory_order_acquire);
  if (!generator) [[unlikely]] {
    auto fresh = std::make_unique<const Generator>();
    if (shared.compare_exchange_strong(generator, fresh.get(), std::memory_order_acq_rel))
      generator = fresh.release();
  }
  return *generator;
}

Generator manual_seed(uint64_t seed) {
  Generator generator = default_generator();
  generator.manual_seed(seed);
  return generator;
}

}  // namespace simdgrad
