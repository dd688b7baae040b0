// The random engine of PyTorch's CPU generator, without tensors.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace simdgrad {

// Loops over whole arrays, one set for each instruction set (ops/kernels/random.h says what they do).
struct RandomLoops {
  void (*twist)(std::uint32_t* words);
  void (*temper)(const std::uint32_t* words, std::uint32_t* draws);
  void (*uniform)(const std::uint32_t* draws, float* out, std::int64_t n, float width, float from);
  void (*below_f32)(const std::uint32_t* draws, float* out, std::int64_t n, std::uint64_t limit,
                    float value);
  void (*below_f64)(const std::uint32_t* draws, double* out, std::int64_t n, std::uint64_t limit,
                    double value);
  void (*normal_f32)(float* data, std::int64_t blocks, float mean, float std);
  void (*normal_f64)(double* data, std::int64_t blocks, double mean, double std);
};
RandomLoops random_loops();  // ops/random/loops.cpp

// The random engine of PyTorch's CPU generator: mt19937, its way of turning draws into numbers, and
// its 5056-byte state, so that seeds, streams and saved states can be exchanged with torch.
// Knows no Tensor. Not thread-safe: whoever owns an engine locks it.
//
// Every fill writes a plain array in order and takes its draws in order; the values do not depend
// on the instruction set, nor on how a caller cuts one array into several fills. fill_normal is the
// exception: it works in blocks of 16 of one call's array, and its logarithms and sines may differ in
// their last bit on sse2.
class GeneratorEngine {
 public:
  static constexpr std::uint64_t kDefaultSeed = 67280421310721ULL;
  static constexpr std::size_t kStateBytes = 5056;

  explicit GeneratorEngine(std::uint64_t seed = kDefaultSeed) { manual_seed(seed); }

  // Only the low 32 bits select the stream; current_seed() gives all 64 back.
  void manual_seed(std::uint64_t seed);
  std::uint64_t current_seed() const { return seed_; }

  // The bytes of torch.get_rng_state() at the same point of the stream. set_state throws on bytes
  // that cannot be such a state and leaves the engine as it was.
  std::vector<std::uint8_t> get_state() const;
  void set_state(const std::vector<std::uint8_t>& state);

  // One draw, uniform over 32 bits.
  std::uint32_t random() {
    if (next_ == kWords) refill();
    return tempered_[next_++];
  }
  // Two draws, the first of them the high half.
  std::uint64_t random64() {
    const std::uint64_t high = random();
    return high << 32 | random();
  }

  // One sample of normal(mean, std) in double: Box-Muller, whose second value waits for the next
  // call. What torch.normal_ does below 16 elements and on tensors that are not contiguous.
  double normal(double mean, double std);

  // n draws as they come.
  void fill_random(std::uint32_t* out, std::int64_t n);

  // [from, to): float takes 24 bits of one draw, double 53 bits of two; then * (to - from) + from,
  // each operation rounded on its own.
  void fill_uniform(float* out, std::int64_t n, float from, float to);
  void fill_uniform(double* out, std::int64_t n, double from, double to);

  // normal_ on n contiguous elements: n < 16 as normal(); otherwise n uniforms, Box-Muller on
  // blocks of 16 (8 radii, 8 angles), and when 16 does not divide n, 16 fresh uniforms for the
  // last 16.
  void fill_normal(float* out, std::int64_t n, double mean, double std);
  void fill_normal(double* out, std::int64_t n, double mean, double std);

  // base + draw % range, converted to T. One draw per element when range < 2^28, else two.
  // range 0 stands for 2^64 from the lowest int64: the bits as drawn, base ignored (as torch).
  template <class T>
  void fill_integers(T* out, std::int64_t n, std::uint64_t range, std::int64_t base);

  // random_() without bounds: integers in [0, max of T], float in [0, 2^24], double in [0, 2^53],
  // bool from the lowest bit.
  template <class T>
  void fill_integers(T* out, std::int64_t n);

  // `one` with probability p, else 0: 53 bits of two draws, times 2^-53, < p.
  template <class T>
  void fill_bernoulli(T* out, std::int64_t n, double p, T one = T(1));

  // As above with one p per element: probabilities in float take 24 bits of one draw.
  template <class T>
  void fill_bernoulli(T* out, std::int64_t n, const float* p);
  template <class T>
  void fill_bernoulli(T* out, std::int64_t n, const double* p);

  // A permutation of 0 .. n-1. From kLongPermutation on, the inside-out shuffle of 64-bit draws.
  static constexpr std::int64_t kLongPermutation = 214748364;
  void fill_permutation(std::int64_t* out, std::int64_t n);

  // The two shuffles of fill_permutation.
  void shuffle_short(std::int64_t* out, std::int64_t n);
  void shuffle_long(std::int64_t* out, std::int64_t n);

 private:
  static constexpr int kWords = 624;

  void refill();
  void temper() { random_loops().temper(words_.data(), tempered_.data()); }
  template <int each, class Body>
  void take(std::int64_t n, Body body);

  std::array<std::uint32_t, kWords> words_;     // mt19937's state
  std::array<std::uint32_t, kWords> tempered_;  // the 624 draws it stands for
  int next_ = kWords;                           // first draw not taken; kWords: refill first
  bool fresh_ = true;                           // seeded, nothing drawn: next_ is kWords
  std::uint64_t seed_ = 0;
  std::optional<float> next_float_normal_;  // carried for torch's layout, never used
  std::optional<double> next_normal_;
};

}  // namespace simdgrad
