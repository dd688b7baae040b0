// Sources of random numbers: PyTorch's CPU generator, bit for bit.
#pragma once

#include <simdgrad/export.h>

#include <cstdint>
#include <memory>

namespace simdgrad {

class Tensor;
class GeneratorEngine;

// A counted handle to a Mersenne Twister, as at::Generator. Copies share the engine. Calls that
// draw from it may come from any thread; their order decides who gets which numbers.
class SIMDGRAD_API Generator {
 public:
  // A new engine with this seed, as at::make_generator<CPUGeneratorImpl>(seed).
  explicit Generator(uint64_t seed = 67280421310721ull);

  // Starts over from this seed.
  void manual_seed(uint64_t seed);
  void set_current_seed(uint64_t seed) { manual_seed(seed); }
  uint64_t current_seed() const;
  // Seeds from the operating system's entropy and returns the seed.
  uint64_t seed();
  // The whole state as a uint8 tensor of 5056 elements, laid out as torch.get_rng_state().
  Tensor get_state() const;
  // Goes on from a state of get_state(); Error for any other tensor, and the state stays.
  void set_state(const Tensor& state);
  // Another engine in the same state.
  Generator clone() const;
  bool operator==(const Generator& other) const { return engine_ == other.engine_; }

  // Inside simdgrad: the engine, and the mutex that drawing holds.
  struct Shared;
  Shared& shared() const { return *engine_; }

 private:
  std::shared_ptr<Shared> engine_;
};

// The generator that factories draw from when none is given; seeded with 67280421310721 at start.
SIMDGRAD_API const Generator& default_generator();

// Seeds the default generator, as torch::manual_seed, and returns it.
SIMDGRAD_API Generator manual_seed(uint64_t seed);

}  // namespace simdgrad
