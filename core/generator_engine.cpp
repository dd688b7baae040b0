// mt19937 in torch's layout, and the draws turned into numbers in torch's way.
#include "core/generator_engine.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <type_traits>
#include <utility>

#include "simdgrad/error.h"

namespace simdgrad {
namespace {

constexpr std::uint64_t kWideRange = 1ULL << 28;  // from here on an integer takes two draws
constexpr std::int64_t kChunk = 512;              // draws converted at a time

// The state as torch lays it out, padding included.
struct TorchState {
  std::uint64_t seed;
  std::int32_t left;  // draws before the next refill, plus one
  std::int32_t seeded;
  std::uint64_t next;
  std::uint64_t words[624];
  double normal_x;
  double normal_y;  // the cached sample of normal()
  double normal_rho;
  std::int32_t normal_is_valid;
  std::int32_t padding1;
  float next_float_normal;
  std::uint8_t next_float_normal_is_valid;
  std::uint8_t padding2[3];
};
static_assert(sizeof(TorchState) == GeneratorEngine::kStateBytes);
static_assert(std::is_trivially_copyable_v<TorchState>);

inline float to_uniform(std::uint32_t draw) {
  // 24 bits are exact in float, and int32 converts faster than uint32.
  return static_cast<float>(static_cast<std::int32_t>(draw & 0xffffffu)) * 0x1p-24f;
}

inline double to_uniform(std::uint64_t draw) {
  return static_cast<double>(static_cast<std::int64_t>(draw & ((1ULL << 53) - 1))) * 0x1p-53;
}

inline std::uint64_t join(std::uint32_t high, std::uint32_t low) {
  return static_cast<std::uint64_t>(high) << 32 | low;
}

// Box-Muller on blocks of 16 while they are in the caches.
template <class T>
void fill_normal_blocks(GeneratorEngine& engine, T* out, std::int64_t n, T mean, T std) {
  const RandomLoops loops = random_loops();
  const auto transform = [&](T* data, std::int64_t blocks) {
    if constexpr (sizeof(T) == 4) {
      loops.normal_f32(data, blocks, mean, std);
    } else {
      loops.normal_f64(data, blocks, mean, std);
    }
  };
  for (std::int64_t begin = 0; begin < n; begin += kChunk) {
    const std::int64_t count = std::min(kChunk, n - begin);
    engine.fill_uniform(out + begin, count, T(0), T(1));
    transform(out + begin, count / 16);
  }
  if (n % 16 != 0) {
    engine.fill_uniform(out + n - 16, 16, T(0), T(1));
    transform(out + n - 16, 1);
  }
}

// Calls body(i, draw) for n draws of 32 or 64 bits, in bulk.
template <class Body>
void for_each_draw(GeneratorEngine& engine, std::int64_t n, Body body) {
  std::uint32_t draws[kChunk];
  for (std::int64_t begin = 0; begin < n; begin += kChunk) {
    const std::int64_t count = std::min(kChunk, n - begin);
    engine.fill_random(draws, count);
    for (std::int64_t i = 0; i < count; ++i) body(begin + i, draws[i]);
  }
}

template <class Body>
void for_each_draw64(GeneratorEngine& engine, std::int64_t n, Body body) {
  std::uint32_t draws[2 * kChunk];
  for (std::int64_t begin = 0; begin < n; begin += kChunk) {
    const std::int64_t count = std::min(kChunk, n - begin);
    engine.fill_random(draws, 2 * count);
    for (std::int64_t i = 0; i < count; ++i) {
      body(begin + i, join(draws[2 * i], draws[2 * i + 1]));
    }
  }
}

}  // namespace

void GeneratorEngine::manual_seed(std::uint64_t seed) {
  seed_ = seed;
  words_[0] = static_cast<std::uint32_t>(seed);
  for (int i = 1; i < kWords; ++i) {
    const std::uint32_t previous = words_[i - 1];
    words_[i] = 1812433253u * (previous ^ (previous >> 30)) + static_cast<std::uint32_t>(i);
  }
  next_ = kWords;
  fresh_ = true;
  next_float_normal_.reset();
  next_normal_.reset();
}

void GeneratorEngine::refill() {
  random_loops().twist(words_.data());
  temper();
  next_ = 0;
  fresh_ = false;
}

// Runs body(draws, count) on the next n items of `each` draws, in as few pieces as the 624 words allow.
template <int each, class Body>
void GeneratorEngine::take(std::int64_t n, Body body) {
  while (n > 0) {
    if (next_ == kWords) refill();
    const std::int64_t count = std::min<std::int64_t>(n, (kWords - next_) / each);
    if (count == 0) {  // an item across two refills
      std::uint32_t draws[each];
      fill_random(draws, each);
      body(draws, std::int64_t{1});
      --n;
      continue;
    }
    body(tempered_.data() + next_, count);
    next_ += static_cast<int>(count) * each;
    n -= count;
  }
}

std::vector<std::uint8_t> GeneratorEngine::get_state() const {
  TorchState state{};
  state.seed = seed_;
  state.left = fresh_ ? 1 : kWords + 1 - next_;
  state.seeded = 1;
  state.next = fresh_ ? 0 : static_cast<std::uint64_t>(next_);
  std::copy(words_.begin(), words_.end(), state.words);
  state.normal_y = next_normal_.value_or(0.0);
  state.normal_is_valid = next_normal_ ? 1 : 0;
  state.next_float_normal = next_float_normal_.value_or(0.0f);
  state.next_float_normal_is_valid = next_float_normal_ ? 1 : 0;
  std::vector<std::uint8_t> bytes(kStateBytes);
  std::memcpy(bytes.data(), &state, kStateBytes);
  return bytes;
}

void GeneratorEngine::set_state(const std::vector<std::uint8_t>& bytes) {
  SIMDGRAD_CHECK(bytes.size() == kStateBytes, "set_state: expected ", kStateBytes,
                 " bytes of a CPU generator's state, got ", bytes.size());
  TorchState state;
  std::memcpy(&state, bytes.data(), kStateBytes);
  const bool fresh = state.left == 1 && state.next == 0;
  const bool position_fits = state.next >= 1 && state.next <= kWords && state.left >= 1 &&
                             state.next + static_cast<std::uint64_t>(state.left) == kWords + 1;
  SIMDGRAD_CHECK(state.seeded == 1 && (fresh || position_fits),
                 "set_state: not a CPU generator's state: seeded=", state.seeded,
                 ", left=", state.left, ", next=", state.next,
                 " (needed: next + left = ", kWords + 1, ")");
  for (const std::uint64_t word : state.words) {
    SIMDGRAD_CHECK(word <= std::numeric_limits<std::uint32_t>::max(),
                   "set_state: not a CPU generator's state: word ", word, " exceeds 32 bits");
  }
  for (int i = 0; i < kWords; ++i) words_[i] = static_cast<std::uint32_t>(state.words[i]);
  seed_ = state.seed;
  fresh_ = fresh;
  next_ = fresh ? kWords : static_cast<int>(state.next);
  if (!fresh) temper();
  next_normal_.reset();
  next_float_normal_.reset();
  if (state.normal_is_valid != 0) next_normal_ = state.normal_y;
  if (state.next_float_normal_is_valid != 0) next_float_normal_ = state.next_float_normal;
}

double GeneratorEngine::normal(double mean, double std) {
  if (next_normal_) {
    const double sample = *next_normal_;
    next_normal_.reset();
    return sample * std + mean;
  }
  const double turn = to_uniform(random64());
  const double uniform = to_uniform(random64());
  const double radius = std::sqrt(-2.0 * std::log1p(-uniform));
  const double angle = 2.0 * std::numbers::pi * turn;
  next_normal_ = radius * std::sin(angle);
  return radius * std::cos(angle) * std + mean;
}

void GeneratorEngine::fill_random(std::uint32_t* out, std::int64_t n) {
  while (n > 0) {
    if (next_ == kWords) refill();
    const std::int64_t count = std::min<std::int64_t>(n, kWords - next_);
    std::copy_n(tempered_.data() + next_, count, out);
    next_ += static_cast<int>(count);
    out += count;
    n -= count;
  }
}

void GeneratorEngine::fill_uniform(float* out, std::int64_t n, float from, float to) {
  const auto uniform = random_loops().uniform;
  take<1>(n, [&](const std::uint32_t* draws, std::int64_t count) {
    uniform(draws, out, count, to - from, from);
    out += count;
  });
}

void GeneratorEngine::fill_uniform(double* out, std::int64_t n, double from, double to) {
  const double width = to - from;
  for_each_draw64(*this, n, [=](std::int64_t i, std::uint64_t draw) {
    out[i] = to_uniform(draw) * width + from;
  });
}

void GeneratorEngine::fill_normal(float* out, std::int64_t n, double mean, double std) {
  if (n >= 16) {
    fill_normal_blocks(*this, out, n, static_cast<float>(mean), static_cast<float>(std));
  } else {
    for (std::int64_t i = 0; i < n; ++i) out[i] = static_cast<float>(normal(mean, std));
  }
}

void GeneratorEngine::fill_normal(double* out, std::int64_t n, double mean, double std) {
  if (n >= 16) {
    fill_normal_blocks(*this, out, n, mean, std);
  } else {
    for (std::int64_t i = 0; i < n; ++i) out[i] = normal(mean, std);
  }
}

template <class T>
void GeneratorEngine::fill_integers(T* out, std::int64_t n, std::uint64_t range,
                                    std::int64_t base) {
  const auto convert = [base](std::uint64_t offset) {
    return static_cast<T>(static_cast<std::int64_t>(offset + static_cast<std::uint64_t>(base)));
  };
  if (range == 0) {
    for_each_draw64(*this, n, [=](std::int64_t i, std::uint64_t draw) {
      out[i] = static_cast<T>(static_cast<std::int64_t>(draw));
    });
  } else if (range >= kWideRange) {
    for_each_draw64(*this, n,
                    [=](std::int64_t i, std::uint64_t draw) { out[i] = convert(draw % range); });
  } else {
    const auto narrow = static_cast<std::uint32_t>(range);
    for_each_draw(*this, n,
                  [=](std::int64_t i, std::uint32_t draw) { out[i] = convert(draw % narrow); });
  }
}

template <class T>
void GeneratorEngine::fill_integers(T* out, std::int64_t n) {
  if constexpr (std::is_same_v<T, bool>) {
    for_each_draw(*this, n, [=](std::int64_t i, std::uint32_t draw) { out[i] = (draw & 1) != 0; });
  } else if constexpr (sizeof(T) == 8) {
    constexpr std::uint64_t range =
        std::is_same_v<T, double>
            ? (1ULL << 53) + 1
            : static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) + 1;
    for_each_draw64(*this, n, [=](std::int64_t i, std::uint64_t draw) {
      out[i] = static_cast<T>(static_cast<std::int64_t>(draw % range));
    });
  } else {
    constexpr std::uint32_t range =
        std::is_same_v<T, float> ? (1u << 24) + 1
                                 : static_cast<std::uint32_t>(std::numeric_limits<T>::max()) + 1;
    for_each_draw(*this, n, [=](std::int64_t i, std::uint32_t draw) {
      out[i] = static_cast<T>(draw % range);
    });
  }
}

template <class T>
void GeneratorEngine::fill_bernoulli(T* out, std::int64_t n, double p, T one) {
  // k * 2^-53 < p for an integer k is k < ceil(p * 2^53), and no branch.
  const auto limit = static_cast<std::uint64_t>(std::ceil(p * 0x1p53));
  if constexpr (std::is_floating_point_v<T>) {
    const RandomLoops loops = random_loops();
    take<2>(n, [&](const std::uint32_t* draws, std::int64_t count) {
      if constexpr (sizeof(T) == 4) loops.below_f32(draws, out, count, limit, one);
      if constexpr (sizeof(T) == 8) loops.below_f64(draws, out, count, limit, one);
      out += count;
    });
  } else {
    for_each_draw64(*this, n, [=](std::int64_t i, std::uint64_t draw) {
      out[i] = (draw & ((1ULL << 53) - 1)) < limit ? one : T(0);
    });
  }
}

template <class T>
void GeneratorEngine::fill_bernoulli(T* out, std::int64_t n, const float* p) {
  for_each_draw(*this, n, [=](std::int64_t i, std::uint32_t draw) {
    out[i] = static_cast<T>(to_uniform(draw) < p[i]);
  });
}

template <class T>
void GeneratorEngine::fill_bernoulli(T* out, std::int64_t n, const double* p) {
  for_each_draw64(*this, n, [=](std::int64_t i, std::uint64_t draw) {
    out[i] = static_cast<T>(to_uniform(draw) < p[i]);
  });
}

void GeneratorEngine::fill_permutation(std::int64_t* out, std::int64_t n) {
  if (n < kLongPermutation) {
    shuffle_short(out, n);
  } else {
    shuffle_long(out, n);
  }
}

void GeneratorEngine::shuffle_short(std::int64_t* out, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = i;
  for_each_draw(*this, n - 1, [=](std::int64_t i, std::uint32_t draw) {
    std::swap(out[i], out[i + draw % (n - i)]);
  });
}

void GeneratorEngine::shuffle_long(std::int64_t* out, std::int64_t n) {
  for_each_draw64(*this, n, [=](std::int64_t i, std::uint64_t draw) {
    const auto from = static_cast<std::int64_t>(draw % static_cast<std::uint64_t>(i + 1));
    out[i] = i;
    std::swap(out[i], out[from]);
  });
}

#define SIMDGRAD_INSTANTIATE(T)                                                                   \
  template void GeneratorEngine::fill_integers<T>(T*, std::int64_t, std::uint64_t, std::int64_t); \
  template void GeneratorEngine::fill_integers<T>(T*, std::int64_t);                              \
  template void GeneratorEngine::fill_bernoulli<T>(T*, std::int64_t, double, T);                   \
  template void GeneratorEngine::fill_bernoulli<T>(T*, std::int64_t, const float*);               \
  template void GeneratorEngine::fill_bernoulli<T>(T*, std::int64_t, const double*);
SIMDGRAD_INSTANTIATE(float)
SIMDGRAD_INSTANTIATE(double)
SIMDGRAD_INSTANTIATE(std::int64_t)
SIMDGRAD_INSTANTIATE(std::int32_t)
SIMDGRAD_INSTANTIATE(std::int16_t)
SIMDGRAD_INSTANTIATE(std::int8_t)
SIMDGRAD_INSTANTIATE(std::uint8_t)
SIMDGRAD_INSTANTIATE(bool)
#undef SIMDGRAD_INSTANTIATE

}  // namespace simdgrad
