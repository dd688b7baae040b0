// safetensors for the fuzzers.
#include <simdgrad/io.h>
#include <simdgrad/simdgrad.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>
#include <stdexcept>

#include "tests/fuzz/files/formats.h"
#include "tests/scratch_folder.h"

namespace fuzz {
namespace {

using namespace simdgrad;

// In memory where the system has such a folder: each accepted input is written once.
const ScratchFolder& folder() {
  static const ScratchFolder* const made = [] {
    if (std::filesystem::exists("/dev/shm")) setenv("TMPDIR", "/dev/shm", 1);
    return new ScratchFolder;
  }();
  return *made;
}

std::string with_length(const std::string& header, const std::string& data) {
  const uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + data;
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":[" + shape +
         "],\"data_offsets\":[" + offsets + "]}";
}

// As the library writes them.
std::string saved(const TensorDict& tensors, const StringDict& metadata = StringDict()) {
  const std::string path = folder() / "seed";
  save_safetensors(path, tensors, metadata);
  return folder().read("seed");
}

std::vector<std::string> seeds() {
  TensorDict every, model;
  for (const auto dtype : {kFloat, kDouble, kLong, kInt, kShort, kInt8, kUInt8, kBool})
    every.insert(dtype_name(dtype), arange(6, kLong).view({2, 3}).to(dtype));
  every.insert("nothing", empty({0, 4}));
  every.insert("number", full({}, 2.5));
  model.insert("0.weight", arange(12, kFloat).view({3, 4}));
  model.insert("0.bias", ones({3}));
  StringDict metadata;
  metadata.insert("format", "pt");
  metadata.insert("\xc3\xa9t\xc3\xa9 \"\\\n", "");
  return {
      saved(every, metadata),
      saved(model),
      saved(TensorDict()),
      with_length("{}", ""),
      with_length("{\"__metadata__\":{\"a\":\"b\"}}", ""),
      with_length("{" + entry("a", "U8", "1", "0,1") + "}  ", "x"),
      with_length("{" + entry("a", "F32", "2", "1,9") + "," + entry("b", "BOOL", "1", "0,1") + "}",
                  std::string("\1") + "12345678"),
      with_length("{" + entry("a", "F64", "4294967296,4294967296,0", "0,0") + "}", ""),
      with_length("{" + entry("\\u00e9\\ud83d\\ude00", "I16", "1,1,1", "0,2") + "}", "ab"),
  };
}

bool same(const Tensor& a, const Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() &&
         (a.nbytes() == 0 ||
          std::memcmp(a.data_ptr(), b.data_ptr(), static_cast<size_t>(a.nbytes())) == 0);
}

void check(bool right, const char* what) {
  if (!right) throw std::logic_error(what);
}

// Every byte belongs to the header or to one tensor; written again, it is read as the same.
void run(const Input& input) {
  Safetensors file;
  input.measured([&] { file = load_safetensors(input.path); });
  uint64_t header = 0, data = 0;
  std::memcpy(&header, input.bytes.data(), 8);
  std::set<std::string> names;
  for (const auto& item : file.tensors) {
    data += static_cast<uint64_t>(item.value().nbytes());
    check(names.insert(item.key()).second, "a name came twice");
  }
  check(8 + header + data == input.bytes.size(), "the tensors do not fill the file");
  const std::string path = folder() / "again";
  save_safetensors(path, file.tensors, file.metadata);
  const Safetensors again = load_safetensors(path);
  check(again.tensors.size() == file.tensors.size(), "another number of tensors when read again");
  check(again.metadata.size() == file.metadata.size(), "another number of texts when read again");
  for (size_t i = 0; i < file.tensors.size(); ++i)
    check(again.tensors[i].key() == file.tensors[i].key() &&
              same(again.tensors[i].value(), file.tensors[i].value()),
          "another tensor when read again");
  for (size_t i = 0; i < file.metadata.size(); ++i)
    check(again.metadata[i].key() == file.metadata[i].key() &&
              again.metadata[i].value() == file.metadata[i].value(),
          "another text when read again");
}

// io.h: the file, and some 400 bytes per tensor. The shortest entry has 52 bytes of header, so 16 bytes
// for each of the file's allow for them; the constant is for the message of an Error.
size_t memory_bound(const std::string& bytes) { return 16 * bytes.size() + (16 << 10); }

// A file that is mostly good: few mutations of a header still describe the data that follow.
std::string generated(Random& random) {
  static const char* const names[] = {"a",          "0.weight", "\\u00e9", "\xf0\x9f\x98\x80",
                                      "\\\"",       "\\n\\\\",  "",        "\\ud83d\\ude00",
                                      "__metadata", "\\u0001/", "\x7f"};
  static const char* const dtypes[] = {"U8", "I8", "BOOL", "I16", "I32", "F32", "I64", "F64"};
  static const size_t widths[] = {1, 1, 1, 2, 4, 4, 8, 8};
  std::string header, data;
  const std::string space = random.one_in(4) ? " \n" : "";
  for (size_t count = random.below(5); count > 0; --count) {
    const size_t type = random.below(std::size(dtypes));
    size_t bytes = widths[type];
    std::string shape;
    for (size_t dims = random.below(4); dims > 0; --dims) {
      const size_t size = random.below(5);
      shape += (shape.empty() ? "" : ",") + space + std::to_string(size);
      bytes *= size;
    }
    const size_t begin = data.size();
    for (size_t i = 0; i < bytes; ++i)
      data += static_cast<char>(type == 2 ? random.below(2) : random.next());
    const std::string name =
        names[random.below(std::size(names))] + std::to_string(random.below(30));
    header += (header.empty() ? "" : "," + space) +
              entry(name, dtypes[type], shape,
                    std::to_string(begin) + "," + space + std::to_string(data.size()));
  }
  if (random.one_in(3))
    header = std::string("\"__metadata__\":{\"k\":\"") + names[random.below(std::size(names))] +
             "\"}" + (header.empty() ? "" : ",") + header;
  return with_length("{" + header + "}" + std::string(random.below(9), ' '), data);
}

// The length says where the header ends, at the last bracket; mostly the data end where its largest
// offset says.
void repair(std::string& bytes, Random& random) {
  if (random.one_in(4)) {
    bytes = generated(random);
    if (random.one_in(4)) return;
    mutate(bytes, bytes, random);
  }
  const size_t last = bytes.rfind('}');
  if (last == std::string::npos || last < 8) return;
  const uint64_t length = last + 1 - 8 + (random.one_in(8) ? random.below(9) : 0);
  std::memcpy(bytes.data(), &length, 8);
  if (random.one_in(4)) return;
  size_t end = 0;
  for (size_t at = bytes.find("offsets\":["); at < last; at = bytes.find("offsets\":[", at + 1)) {
    const size_t comma = bytes.find(',', at);
    if (comma < last) end = std::max<size_t>(end, std::strtoul(&bytes[comma + 1], nullptr, 10));
  }
  if (end < 4096) bytes.resize(8 + length + end, '\1');
}

}  // namespace

const Format safetensors_format = {"safetensors", seeds, run, memory_bound, repair};

}  // namespace fuzz
