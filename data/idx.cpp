// read_idx: the header checked against the file, then the numbers in this machine's byte order.
#include <simdgrad/creation.h>
#include <simdgrad/data.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#include "data/byte_source.h"

namespace simdgrad::data {
namespace {

constexpr int kMaxDims = 64;

ScalarType type_of_code(unsigned char code, const std::string& path) {
  switch (code) {
    case 0x08:
      return ScalarType::Byte;
    case 0x09:
      return ScalarType::Char;
    case 0x0B:
      return ScalarType::Short;
    case 0x0C:
      return ScalarType::Int;
    case 0x0D:
      return ScalarType::Float;
    case 0x0E:
      return ScalarType::Double;
    default:
      SIMDGRAD_THROW("read_idx: ", path, ": the type code is ", int{code},
                     ", one of 8, 9, 11, 12, 13 and 14 is needed");
  }
}

uint32_t big_endian(const unsigned char* bytes) {
  return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3];
}

void read_header_part(ByteSource& source, void* to, size_t bytes, size_t before,
                      const std::string& path) {
  const size_t found = source.read(to, bytes);
  SIMDGRAD_CHECK(found == bytes, "read_idx: ", path, ": the header ends after ", before + found,
                 " bytes, at least ", before + bytes, " are needed");
}

// Numbers of `width` bytes from big-endian to this machine's order.
void from_big_endian(void* data, int64_t count, int64_t width) {
  if (width == 1 || std::endian::native == std::endian::big) return;
  char* first = static_cast<char*>(data);
  for (int64_t i = 0; i < count; ++i) std::reverse(first + i * width, first + (i + 1) * width);
}

}  // namespace

Tensor read_idx(const std::string& path) {
  ByteSource source("read_idx", path);
  unsigned char magic[4];
  read_header_part(source, magic, sizeof magic, 0, path);
  SIMDGRAD_CHECK(magic[0] == 0 && magic[1] == 0, "read_idx: ", path, ": the magic number is ",
                 big_endian(magic), ", an IDX file begins with two zero bytes");
  const ScalarType dtype = type_of_code(magic[2], path);
  const int ndim = magic[3];
  SIMDGRAD_CHECK(ndim >= 1 && ndim <= kMaxDims, "read_idx: ", path, ": it has ", ndim,
                 " dimensions, 1 to ", kMaxDims, " are possible");
  unsigned char raw[4 * kMaxDims];
  read_header_part(source, raw, static_cast<size_t>(4 * ndim), sizeof magic, path);
  std::vector<int64_t> sizes;
  for (int dim = 0; dim < ndim; ++dim) sizes.push_back(big_endian(raw + 4 * dim));

  const uint64_t header = 4 + 4 * static_cast<uint64_t>(ndim);
  // Zeros left out, so that a shape of which a part could not be counted is refused although it is empty.
  int64_t product = element_size(dtype);
  bool overflow = false, is_empty = false;
  for (const int64_t size : sizes) {
    is_empty |= size == 0;
    if (size > 1) overflow |= __builtin_mul_overflow(product, size, &product);
  }
  const uint64_t bytes = is_empty ? 0 : static_cast<uint64_t>(product);
  const uint64_t most = source.most_bytes();
  const char* at_most = source.is_compressed() ? "at most " : "";
  SIMDGRAD_CHECK(!overflow && most >= header && bytes <= most - header, "read_idx: ", path,
                 ": sizes ", sizes, " of ", dtype_name(dtype), " need ",
                 overflow ? "more than 2^63" : std::to_string(bytes),
                 " bytes after the header, the file has ", at_most, most - std::min(most, header));
  Tensor tensor = empty(sizes, dtype);
  const size_t found = bytes == 0 ? 0 : source.read(tensor.data_ptr(), bytes);
  SIMDGRAD_CHECK(found == bytes, "read_idx: ", path, ": sizes ", sizes, " of ", dtype_name(dtype),
                 " need ", bytes, " bytes after the header, the file has ", found);
  char further;
  SIMDGRAD_CHECK(source.read(&further, 1) == 0, "read_idx: ", path, ": sizes ", sizes, " of ",
                 dtype_name(dtype), " need ", bytes, " bytes after the header, the file has more");
  from_big_endian(tensor.data_ptr(), tensor.numel(), element_size(dtype));
  return tensor;
}

}  // namespace simdgrad::data
