// The header of a safetensors file, read and checked.
#pragma once

#include <simdgrad/io.h>

#include <string>
#include <vector>

namespace simdgrad::io {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit

// One tensor as the header describes it; its bytes are [begin, end) of the data.
struct TensorEntry {
  std::string name;
  ScalarType dtype = ScalarType::Float;
  std::vector<int64_t> sizes;
  uint64_t begin = 0, end = 0;
};

struct Header {
  std::vector<TensorEntry> tensors;  // in the order of the text
  StringDict metadata{"Metadata"};
};

// Reads the JSON text and checks that the tensors tile `data_bytes` bytes of data without gap or
// overlap. `file` is for the errors.
Header parse_header(const std::string& text, uint64_t data_bytes, const std::string& file);

// "F32" ... of a dtype.
const char* safetensors_name(ScalarType dtype);

// A name as a message shows it: quoted, at most 80 bytes, control characters as \x01.
std::string shown(const std::string& name);

}  // namespace simdgrad::io
