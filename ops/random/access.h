// The engine behind a Generator, locked while one call draws from it.
#pragma once

#include <simdgrad/generator.h>

#include <mutex>
#include <optional>

#include "core/fork.h"
#include "core/generator_engine.h"

namespace simdgrad {

struct Generator::Shared {
  explicit Shared(uint64_t seed) : engine(seed) {}
  detail::ForkMutex mutex;
  GeneratorEngine engine;
};

class LockedEngine {
 public:
  explicit LockedEngine(const std::optional<Generator>& generator)
      : shared_((generator ? *generator : default_generator()).shared()), lock_(shared_.mutex) {}
  GeneratorEngine* operator->() { return &shared_.engine; }

 private:
  Generator::Shared& shared_;
  std::lock_guard<detail::ForkMutex> lock_;
};

}  // namespace simdgrad
