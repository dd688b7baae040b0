// IDX files, plain and compressed with gzip, for the fuzzers.
#include <simdgrad/data.h>
#include <simdgrad/simdgrad.h>

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "tests/fuzz/files/formats.h"

namespace fuzz {
namespace {

using namespace simdgrad;

std::string big_endian(uint32_t value) {
  std::string bytes(4, '\0');
  for (int i = 0; i < 4; ++i)
    bytes[static_cast<size_t>(i)] = static_cast<char>(value >> (24 - 8 * i));
  return bytes;
}

struct Code {
  unsigned char code;
  ScalarType dtype;
};
const Code kCodes[] = {{0x08, kUInt8}, {0x09, kInt8},  {0x0B, kShort},
                       {0x0C, kInt},   {0x0D, kFloat}, {0x0E, kDouble}};

// The file of a tensor.
std::string encoded(const Tensor& x) {
  const auto* code = std::find_if(std::begin(kCodes), std::end(kCodes), [&](const Code& entry) {
    return entry.dtype == x.scalar_type();
  });
  std::string bytes = {0, 0, static_cast<char>(code->code), static_cast<char>(x.dim())};
  for (const int64_t size : x.sizes()) bytes += big_endian(static_cast<uint32_t>(size));
  const size_t header = bytes.size(), width = static_cast<size_t>(x.element_size());
  if (x.nbytes() == 0) return bytes;
  bytes.append(static_cast<const char*>(x.data_ptr()), static_cast<size_t>(x.nbytes()));
  for (size_t i = header; i < bytes.size(); i += width)
    std::reverse(bytes.begin() + static_cast<long>(i),
                 bytes.begin() + static_cast<long>(i + width));
  return bytes;
}

std::string compressed(const std::string& bytes, int level = 6) {
  z_stream stream{};
  deflateInit2(&stream, level, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

bool is_compressed(const std::string& bytes) { return bytes.rfind("\x1f\x8b", 0) == 0; }

// At most `limit` bytes of what is packed; as much as can be unpacked.
std::string unpacked(const std::string& bytes, size_t limit) {
  z_stream stream{};
  std::string plain(limit, '\0');
  inflateInit2(&stream, 16 + MAX_WBITS);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_out = static_cast<uInt>(limit);
  inflate(&stream, Z_SYNC_FLUSH);
  plain.resize(stream.total_out);
  inflateEnd(&stream);
  return plain;
}

std::vector<std::string> seeds() {
  std::vector<std::string> all;
  for (const Code& entry : kCodes)
    all.push_back(encoded(arange(12, kLong).view({2, 3, 2}).to(entry.dtype)));
  all.push_back(encoded(empty({3, 0, 2}, kUInt8)));
  all.push_back(encoded(arange(200, kLong).to(kUInt8)));
  all.push_back(encoded(ones({2, 2}, kUInt8).view({1, 2, 1, 2, 1, 1, 1})));
  const std::string plain = encoded(arange(300, kLong).to(kFloat).view({30, 10}));
  all.push_back(compressed(plain));
  all.push_back(compressed(plain, 0));
  // Two members, a header cut in the middle, and a bomb: 64 KiB of zeros in 100 bytes.
  all.push_back(compressed(plain.substr(0, 7)) + compressed(plain.substr(7)));
  all.push_back(compressed(encoded(zeros({1 << 16}, kUInt8))));
  all.push_back(compressed(encoded(zeros({16}, kUInt8)) + std::string(1 << 16, '\0')));
  return all;
}

void check(bool right, const char* what) {
  if (!right) throw std::logic_error(what);
}

// What was read, written as an IDX file, is what the file held.
void run(const Input& input) {
  Tensor x;
  input.measured([&] { x = data::read_idx(input.path); });
  const std::string again = encoded(x);
  if (!is_compressed(input.bytes)) {
    check(again == input.bytes, "the tensor is not what the file holds");
    return;
  }
  const std::string plain = unpacked(input.bytes, again.size());
  // Of several members the first alone is compared.
  check(again.compare(0, plain.size(), plain) == 0, "the tensor is not what the file holds");
}

// data.h: plain, the size of the file; compressed, 1032 times that; and what unpacking takes itself.
size_t memory_bound(const std::string& bytes) {
  return (is_compressed(bytes) ? 1032 : 1) * bytes.size() + (160 << 10);
}

// Unpacks, changes and packs again; sizes that fit the numbers.
void repair(std::string& bytes, Random& random) {
  if (is_compressed(bytes)) {
    if (random.one_in(2)) return;
    std::string plain = unpacked(bytes, 4096);
    mutate(plain, plain, random);
    bytes = compressed(plain, static_cast<int>(random.below(3)));
    return;
  }
  if (bytes.size() < 8 || random.one_in(3)) return;
  bytes[0] = bytes[1] = 0;
  const size_t dims = 1 + static_cast<unsigned char>(bytes[3]) % 3;
  bytes[3] = static_cast<char>(dims);
  const Code& entry = kCodes[random.below(std::size(kCodes))];
  bytes[2] = static_cast<char>(entry.code);
  if (bytes.size() < 4 + 4 * dims) return;
  const size_t width = static_cast<size_t>(element_size(entry.dtype));
  const uint32_t count = static_cast<uint32_t>((bytes.size() - 4 - 4 * dims) / width);
  for (size_t i = 0; i < dims; ++i) bytes.replace(4 + 4 * i, 4, big_endian(i ? 1 : count));
  bytes.resize(4 + 4 * dims + count * width);
  if (random.one_in(4)) bytes = compressed(bytes);
}

}  // namespace

const Format idx_format = {"idx", seeds, run, memory_bound, repair};

}  // namespace fuzz
