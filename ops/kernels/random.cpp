// mt19937 by vectors; uniforms, Bernoulli draws and Box-Muller from what it gives.
#include "ops/kernels/random.h"

#include <type_traits>

#include "ops/kernels/math/math.h"
#include "ops/kernels/rounding.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {
namespace {

// --- mt19937 ------------------------------------------------------------------------------------
constexpr int kWords = 624, kShift = 397;
using Words = UnsignedVec<float>;
constexpr int kLanes = Vec<float>::size;

SIMDGRAD_INLINE Words load_words(const uint32_t* from) {
  Words words;
  __builtin_memcpy(&words, from, sizeof words);
  return words;
}
SIMDGRAD_INLINE void store_words(uint32_t* to, Words words) {
  __builtin_memcpy(to, &words, sizeof words);
}

template <class Word>
SIMDGRAD_INLINE Word twisted(Word upper, Word lower, Word far) {
  const Word mixed = (upper & 0x80000000u) | (lower & 0x7fffffffu);
  return far ^ (mixed >> 1) ^ ((0u - (lower & 1u)) & 0x9908b0dfu);
}

// words[i] for i in [begin, end), from the words `distance` further on. No word is read after the
// register that holds it was written.
SIMDGRAD_INLINE void twist_range(uint32_t* words, int begin, int end, int distance) {
  int i = begin;
  for (; i + kLanes <= end; i += kLanes)
    store_words(words + i, twisted(load_words(words + i), load_words(words + i + 1),
                                   load_words(words + i + distance)));
  for (; i < end; ++i) words[i] = twisted(words[i], words[i + 1], words[i + distance]);
}
void twist(uint32_t* words) {
  twist_range(words, 0, kWords - kShift, kShift);
  twist_range(words, kWords - kShift, kWords - 1, kShift - kWords);
  words[kWords - 1] = twisted(words[kWords - 1], words[0], words[kShift - 1]);
}

void temper(const uint32_t* words, uint32_t* draws) {
  static_assert(kWords % kLanes == 0);
  for (int i = 0; i < kWords; i += kLanes) {
    Words y = load_words(words + i);
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    y ^= y >> 18;
    store_words(draws + i, y);
  }
}

// --- numbers ------------------------------------------------------------------------------------
SIMDGRAD_INLINE Vec<float> to_uniform(Words draws) {
  const auto low = (IntVec<float>)(draws & 0xffffffu);  // exact as a float
  const auto whole = __builtin_convertvector(low, decltype(Vec<float>().reg()));
  return Vec<float>(Vec<float>::Batch(whole)) * Vec<float>(0x1p-24f);
}
void uniform(const uint32_t* draws, float* out, int64_t n, float width, float from) {
  const Vec<float> by(width), plus(from);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    (to_uniform(load_words(draws + i)) * by + plus).store(out + i);
  if (i == n) return;
  uint32_t rest[kLanes] = {};
  for (int64_t j = i; j < n; ++j) rest[j - i] = draws[j];
  (to_uniform(load_words(rest)) * by + plus).store_partial(out + i, static_cast<int>(n - i));
}

// Both stay below 2^53: the difference has its top bit set where draw < limit.
// All bits set there. Word is uint64_t or a vector of them.
template <class Word>
SIMDGRAD_INLINE Word below_limit(Word pair, uint64_t limit) {
  const Word draw = ((pair << 32) | (pair >> 32)) & ((1ull << 53) - 1);
  return 0 - ((draw - limit) >> 63);
}
template <class T>
void below(const uint32_t* draws, T* out, int64_t n, uint64_t limit, T value) {
  using Wide = UnsignedVec<double>;
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  constexpr int lanes = Vec<double>::size;
  typedef Bits Out __attribute__((vector_size(lanes * sizeof(T))));
  Bits yes;
  __builtin_memcpy(&yes, &value, sizeof yes);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    Wide pair;
    __builtin_memcpy(&pair, draws + 2 * i, sizeof pair);
    const Out chosen = __builtin_convertvector(below_limit(pair, limit), Out) & yes;
    __builtin_memcpy(out + i, &chosen, sizeof chosen);
  }
  for (; i < n; ++i) {
    uint64_t pair;
    __builtin_memcpy(&pair, draws + 2 * i, sizeof pair);
    const Bits chosen = static_cast<Bits>(below_limit(pair, limit)) & yes;
    __builtin_memcpy(out + i, &chosen, sizeof chosen);
  }
}

// --- normal -------------------------------------------------------------------------------------
template <class T>
SIMDGRAD_INLINE void box_muller(Vec<T>& first, Vec<T>& second, Vec<T> mean, Vec<T> std) {
  using V = Vec<T>;
  const V radius = sqrt(V(-2) * log(V(1) - first));  // of (0, 1]
  const Quadrant<T> angle = reduce_angle(V(static_cast<T>(6.283185307179586)) * second);
  first = radius * sine_of_turn(angle, 1) * std + mean;
  second = radius * sine_of_turn(angle, 0) * std + mean;
}

template <class T>
SIMDGRAD_INLINE void transform_block(T* data, Vec<T> mean, Vec<T> std) {
  for (int i = 0; i < 8; i += Vec<T>::size) {
    Vec<T> first = Vec<T>::load(data + i), second = Vec<T>::load(data + 8 + i);
    box_muller<T>(first, second, mean, std);
    first.store(data + i);
    second.store(data + 8 + i);
  }
}

#if SIMDGRAD_ISA_AVX512
// Two blocks fill a register of 16: their radii, their angles.
SIMDGRAD_INLINE void transform_two(float* data, float* next, Vec<float> mean, Vec<float> std) {
  const auto halves = [](Vec<float> a, Vec<float> b, auto which) {
    return Vec<float>(Vec<float>::Batch(_mm512_shuffle_f32x4(a.reg(), b.reg(), which)));
  };
  constexpr std::integral_constant<int, 0x44> low;
  constexpr std::integral_constant<int, 0xee> high;
  const Vec<float> one = Vec<float>::load(data), two = Vec<float>::load(next);
  Vec<float> first = halves(one, two, low), second = halves(one, two, high);
  box_muller<float>(first, second, mean, std);
  halves(first, second, low).store(data);
  halves(first, second, high).store(next);
}
#endif

template <class T>
void normal(T* data, int64_t blocks, T mean, T std) {
  if constexpr (Vec<T>::size <= 8) {
    for (int64_t block = 0; block < blocks; ++block)
      transform_block<T>(data + 16 * block, Vec<T>(mean), Vec<T>(std));
  } else {
#if SIMDGRAD_ISA_AVX512
    // An odd last block is both.
    for (; blocks > 0; blocks -= 2, data += 32)
      transform_two(data, blocks > 1 ? data + 16 : data, Vec<T>(mean), Vec<T>(std));
#endif
  }
}

}  // namespace

extern const RandomKernels random_kernels = {
    .twist = twist,
    .temper = temper,
    .uniform = uniform,
    .below_f32 = below<float>,
    .below_f64 = below<double>,
    .normal_f32 = nearest<normal<float>>,
    .normal_f64 = nearest<normal<double>>,
};

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
