// The random engine against streams recorded from torch (tests/data/random_streams.txt, whose
// format is described in tools/record_random.py).

#include "core/generator_engine.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <numeric>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include "tests/catch.h"

using simdgrad::GeneratorEngine;

namespace {

struct Record {
  std::string text, kind, dtype;
  std::uint64_t seed = 0;
  std::int64_t n = 0;
  std::string first, second;
  std::uint32_t next = 0;
  std::uint64_t hash = 0;
  std::vector<std::uint64_t> values;
};

std::vector<std::string> recorded_lines() {
  std::ifstream file(std::string(SIMDGRAD_TEST_DATA) + "/random_streams.txt");
  REQUIRE(file.good());
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (line[0] != '#') lines.push_back(line);
  }
  return lines;
}

Record parse(const std::string& line) {
  std::istringstream in(line);
  Record record;
  record.text = line.substr(0, 120);
  std::string seed;
  in >> record.kind >> record.dtype >> record.seed >> record.n >> record.first >> record.second >>
      record.next >> std::hex >> record.hash;
  REQUIRE(in);
  for (std::uint64_t value; in >> value;) record.values.push_back(value);
  return record;
}

std::uint64_t fnv(const void* data, std::size_t bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (std::size_t i = 0; i < bytes; ++i) {
    hash = (hash ^ static_cast<const std::uint8_t*>(data)[i]) * 0x100000001b3;
  }
  return hash;
}

template <class T>
std::uint64_t bits(T value) {
  std::uint64_t result = 0;
  std::memcpy(&result, &value, sizeof(T));
  return result;
}

template <class T>
T from_bits(std::uint64_t value) {
  T result;
  std::memcpy(&result, &value, sizeof(T));
  return result;
}

double number(const std::string& text) { return std::strtod(text.c_str(), nullptr); }

template <class T>
void fill_floating(GeneratorEngine& engine, const Record& r, T* out) {
  if constexpr (std::is_floating_point_v<T>) {
    if (r.kind == "uniform") {
      engine.fill_uniform(out, r.n, static_cast<T>(number(r.first)),
                          static_cast<T>(number(r.second)));
    } else {
      engine.fill_normal(out, r.n, number(r.first), number(r.second));
    }
  } else {
    FAIL("not floating point: " << r.text);
  }
}

template <class T>
void fill(GeneratorEngine& engine, const Record& r, T* out) {
  if (r.kind == "uniform" || r.kind == "normal") {
    fill_floating(engine, r, out);
  } else if (r.kind == "bernoulli") {
    engine.fill_bernoulli(out, r.n, number(r.first));
  } else if (r.kind == "bernoulli_f32") {
    const std::vector<float> p(static_cast<std::size_t>(r.n), static_cast<float>(number(r.first)));
    engine.fill_bernoulli(out, r.n, p.data());
  } else if (r.kind == "bernoulli_f64") {
    const std::vector<double> p(static_cast<std::size_t>(r.n), number(r.first));
    engine.fill_bernoulli(out, r.n, p.data());
  } else if (r.kind == "integers") {
    const std::int64_t low = std::stoll(r.first);
    const std::uint64_t range =
        r.second == "none"
            ? 0
            : static_cast<std::uint64_t>(std::stoll(r.second)) - static_cast<std::uint64_t>(low);
    engine.fill_integers(out, r.n, range, low);
  } else if (r.kind == "full_range") {
    engine.fill_integers(out, r.n);
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    REQUIRE(r.kind == "permutation");
    engine.fill_permutation(out, r.n);
  } else {
    FAIL("unknown kind: " << r.text);
  }
}

// Box-Muller's log and cosine round differently from one maths library to the next.
template <class T>
void check_normal(const Record& r, const T* out) {
  const auto scale = static_cast<double>(std::abs(number(r.first)) + number(r.second));
  const double tolerance = (sizeof(T) == 4 ? 1e-6 : 4e-15) * std::max(1.0, scale);
  const std::size_t half = r.n <= 17 ? r.values.size() : 18;
  for (std::size_t i = 0; i < r.values.size(); ++i) {
    const std::size_t at = i < half ? i : static_cast<std::size_t>(r.n) - 36 + i;
    const auto expected = static_cast<double>(from_bits<T>(r.values[i]));
    REQUIRE(std::abs(static_cast<double>(out[at]) - expected) <= tolerance);
  }
}

template <class T>
void check(const Record& r) {
  INFO(r.text);
  GeneratorEngine engine(r.seed);
  const auto n = static_cast<std::size_t>(r.n);
  const std::unique_ptr<T[]> out(new T[n + 1]);
  const T guard = T(1);
  out[n] = guard;
  fill(engine, r, out.get());
  REQUIRE(out[n] == guard);
  if (r.kind == "normal") {
    check_normal(r, out.get());
  } else {
    const std::size_t half = r.n <= 17 ? r.values.size() : 18;
    for (std::size_t i = 0; i < half; ++i) REQUIRE(bits(out[i]) == r.values[i]);
    REQUIRE(fnv(out.get(), n * sizeof(T)) == r.hash);
  }
  REQUIRE(engine.random() % (1u << 27) == r.next);
}

const std::map<std::string, void (*)(const Record&)> kChecks = {
    {"f32", check<float>},        {"f64", check<double>},       {"i64", check<std::int64_t>},
    {"i32", check<std::int32_t>}, {"i16", check<std::int16_t>}, {"i8", check<std::int8_t>},
    {"u8", check<std::uint8_t>},  {"bool", check<bool>},
};

}  // namespace

TEST_CASE("generator engine: recorded streams") {
  int checked = 0;
  for (const std::string& line : recorded_lines()) {
    if (line.rfind("state ", 0) == 0) continue;
    const Record record = parse(line);
    kChecks.at(record.dtype)(record);
    ++checked;
  }
  REQUIRE(checked > 300);
}

TEST_CASE("generator engine: recorded states") {
  int checked = 0;
  for (const std::string& line : recorded_lines()) {
    if (line.rfind("state ", 0) != 0) continue;
    INFO(line);
    std::istringstream in(line.substr(6));
    std::uint64_t seed = 0, draws = 0, normals = 0, hash = 0;
    in >> seed >> draws >> normals >> std::hex >> hash;
    GeneratorEngine engine(seed);
    for (std::uint64_t i = 0; i < draws; ++i) engine.random();
    for (std::uint64_t i = 0; i < normals; ++i) engine.normal(0.0, 1.0);
    const std::vector<std::uint8_t> state = engine.get_state();
    REQUIRE(fnv(state.data(), state.size()) == hash);

    // A state taken up elsewhere continues as the engine itself does, cached normal included.
    GeneratorEngine other(1);
    other.normal(0.0, 1.0);
    other.set_state(state);
    REQUIRE(other.current_seed() == seed);
    REQUIRE(other.get_state() == state);
    for (int i = 0; i < 3; ++i) REQUIRE(other.normal(1.0, 2.0) == engine.normal(1.0, 2.0));
    for (int i = 0; i < 1300; ++i) REQUIRE(other.random64() == engine.random64());
    ++checked;
  }
  REQUIRE(checked == 8);
}

TEST_CASE("generator engine: a fill cut in two gives the same values and leaves the same state") {
  const std::int64_t n = 3000;
  for (const std::int64_t cut : {1, 17, 511, 512, 513, 1249}) {
    GeneratorEngine whole(3), parts(3);
    std::vector<float> a(n), b(n);
    whole.fill_uniform(a.data(), n, -1.0f, 2.0f);
    parts.fill_uniform(b.data(), cut, -1.0f, 2.0f);
    parts.fill_uniform(b.data() + cut, n - cut, -1.0f, 2.0f);
    REQUIRE(a == b);
    std::vector<std::int64_t> c(n), d(n);
    whole.fill_integers(c.data(), n, std::uint64_t{1} << 40, -5);
    parts.fill_integers(d.data(), cut, std::uint64_t{1} << 40, -5);
    parts.fill_integers(d.data() + cut, n - cut, std::uint64_t{1} << 40, -5);
    REQUIRE(c == d);
    REQUIRE(whole.get_state() == parts.get_state());
  }
}

TEST_CASE("generator engine: empty fills draw nothing") {
  GeneratorEngine engine(3);
  const auto before = engine.get_state();
  engine.fill_uniform(static_cast<float*>(nullptr), 0, 0.0f, 1.0f);
  engine.fill_normal(static_cast<double*>(nullptr), 0, 0.0, 1.0);
  engine.fill_permutation(nullptr, 0);
  REQUIRE(engine.get_state() == before);
}

TEST_CASE("generator engine: seeding again drops the cached normal") {
  GeneratorEngine engine(3);
  const double first = engine.normal(0.0, 1.0);
  engine.manual_seed(3);
  REQUIRE(engine.normal(0.0, 1.0) == first);
}

// The shuffle from 214,748,364 elements on, too long to run here: each element is placed by
// swapping it with a predecessor or itself, drawn with 64 bits.
TEST_CASE("generator engine: long shuffle") {
  const std::int64_t n = 1000;
  GeneratorEngine engine(8), draws(8);
  std::vector<std::int64_t> out(n), expected;
  engine.shuffle_long(out.data(), n);
  for (std::int64_t i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(draws.random64() % static_cast<std::uint64_t>(i + 1));
    expected.push_back(i);
    std::swap(expected[at], expected.back());
  }
  REQUIRE(out == expected);
  std::sort(out.begin(), out.end());
  std::vector<std::int64_t> ordered(n);
  std::iota(ordered.begin(), ordered.end(), 0);
  REQUIRE(out == ordered);
}

TEST_CASE("generator engine: what is not a state is refused and changes nothing") {
  GeneratorEngine engine(3);
  engine.normal(0.0, 1.0);
  const auto state = engine.get_state();
  const auto refused = [&](std::vector<std::uint8_t> bytes, const std::string& text) {
    REQUIRE_THROWS_WITH(engine.set_state(bytes), ContainsSubstring(text));
    REQUIRE(engine.get_state() == state);
  };
  refused({}, "expected 5056 bytes of a CPU generator's state, got 0");
  refused(std::vector<std::uint8_t>(5056, 0), "not a CPU generator's state");
  auto bytes = state;
  bytes[16] ^= 1;  // next
  refused(bytes, "next + left = 625");
  bytes = state;
  bytes[24 + 4] = 1;  // the first word's upper half
  refused(bytes, "exceeds 32 bits");
}
