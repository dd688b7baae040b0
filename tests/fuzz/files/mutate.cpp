// The mutator of the replayed inputs: blind changes, and a few that know numbers.
#include <algorithm>
#include <cstring>

#include "tests/fuzz/files/format.h"

namespace fuzz {
namespace {

constexpr size_t kMaxBytes = 1 << 16;

const char* const kNumbers[] = {"0",          "1",          "-1",         "-0",
                                "2",          "8",          "255",        "65536",
                                "2147483647", "2147483648", "4294967296", "9007199254740993",
                                "1.5",        "1e3",        "1e400",      "9223372036854775807",
                                "null",       "true",       "\"1\"",      "9223372036854775808",
                                "[]",         "{}",         "00",         "18446744073709551616"};
const uint64_t kLengths[] = {0,         1,          7,          8,          9,
                             127,       128,        255,        256,        65535,
                             65536,     0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
                             100000000, 100000001,  ~0ull,      ~0ull >> 1, ~0ull - 7};

// A run of digits in the text, replaced or counted up or down by one.
void change_number(std::string& bytes, Random& random) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  size_t begin = random.below(bytes.size());
  while (begin < bytes.size() && !is_digit(bytes[begin])) ++begin;
  if (begin == bytes.size()) return;
  while (begin > 0 && is_digit(bytes[begin - 1])) --begin;
  size_t end = begin;
  while (end < bytes.size() && is_digit(bytes[end])) ++end;
  const std::string text = bytes.substr(begin, end - begin);
  std::string changed;
  if (text.size() <= 18 && random.one_in(2)) {
    changed = std::to_string(std::stoll(text) + (random.one_in(2) ? 1 : -1));
  } else {
    changed = kNumbers[random.below(std::size(kNumbers))];
  }
  bytes.replace(begin, end - begin, changed);
}

// Four or eight bytes, of either order.
void write_length(std::string& bytes, Random& random) {
  const size_t width = random.one_in(2) ? 4 : 8;
  if (bytes.size() < width) return;
  const size_t at = random.one_in(2) ? 0 : random.below(bytes.size() - width + 1);
  const uint64_t length = random.one_in(3) ? bytes.size() + random.below(20) - 10
                                           : kLengths[random.below(std::size(kLengths))];
  char raw[8];
  std::memcpy(raw, &length, sizeof raw);
  if (random.one_in(2)) std::reverse(raw, raw + width);
  bytes.replace(at, width, raw, width);
}

// A piece of `from` into `bytes`: in place of as many bytes, or between them.
void splice(std::string& bytes, const std::string& from, Random& random) {
  const size_t begin = random.below(from.size()), at = random.below(bytes.size() + 1);
  const std::string piece = from.substr(begin, 1 + random.below(std::min<size_t>(from.size(), 64)));
  bytes.replace(at, random.one_in(2) ? piece.size() : 0, piece);
}

}  // namespace

void mutate(std::string& bytes, const std::string& other, Random& random) {
  for (size_t changes = 1 + random.below(4); changes > 0; --changes) {
    const size_t at = random.below(bytes.size());
    switch (bytes.empty() ? 6 : random.below(10)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.below(8)));
        break;
      case 1:
        bytes[at] = static_cast<char>(random.next());
        break;
      case 2:
        bytes.resize(at);
        break;
      case 3:
        bytes.erase(at, 1 + random.below(16));
        break;
      case 4:
        splice(bytes, bytes, random);
        break;
      case 5:
        splice(bytes, other, random);
        break;
      case 6:
        bytes.insert(at, 1 + random.below(16), static_cast<char>(random.next()));
        break;
      case 7:
        write_length(bytes, random);
        break;
      default:
        change_number(bytes, random);
    }
  }
  if (bytes.size() > kMaxBytes) bytes.resize(kMaxBytes);
}

}  // namespace fuzz
