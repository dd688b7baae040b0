// save_safetensors and load_safetensors: the header written, the numbers written and read.
#include "io/safetensors_header.h"

#include <simdgrad/creation.h>
#include <simdgrad/views.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <numeric>
#include <system_error>

#include <nlohmann/json.hpp>

namespace simdgrad {

using namespace io;

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

namespace {

// --- writing ------------------------------------------------------------------------------------

std::string json_text(const std::string& text, const std::string& path) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    SIMDGRAD_THROW("save_safetensors: ", path, ": the name or text ", shown(text), " is not UTF-8");
  }
}

// In the order their data is written: by size of the element, wide ones first, else as given.
std::vector<size_t> data_order(const std::vector<Tensor>& tensors) {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return tensors[a].element_size() > tensors[b].element_size();
  });
  return order;
}

std::string header_text(const TensorDict& tensors, const StringDict& metadata,
                        const std::vector<int64_t>& begins, const std::string& path) {
  std::string text = "{";
  if (!metadata.is_empty()) {
    text += "\"__metadata__\":{";
    for (const auto& item : metadata)
      text += json_text(item.key(), path) + ":" + json_text(item.value(), path) + ",";
    text.back() = '}';
    text += ",";
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& tensor = tensors[i].value();
    text += json_text(tensors[i].key(), path) + ":{\"dtype\":\"" +
            safetensors_name(tensor.scalar_type()) + "\",\"shape\":[";
    for (int64_t dim = 0; dim < tensor.dim(); ++dim)
      text += (dim ? "," : "") + std::to_string(tensor.size(dim));
    text += "],\"data_offsets\":[" + std::to_string(begins[i]) + "," +
            std::to_string(begins[i] + tensor.nbytes()) + "]},";
  }
  if (text.back() == ',') text.pop_back();
  text += "}";
  text.append((8 - text.size() % 8) % 8, ' ');
  SIMDGRAD_CHECK(text.size() <= kMaxHeaderBytes, "save_safetensors: ", path, ": the header has ",
                 text.size(), " bytes, at most ", kMaxHeaderBytes, " are allowed");
  return text;
}

// --- reading ------------------------------------------------------------------------------------

class InputFile {
 public:
  explicit InputFile(const std::string& path) : path_(path) {
    // Without O_NONBLOCK, opening a named pipe would wait for a writer.
    file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file_ < 0) fail(errno);
    struct stat status;
    const int error = ::fstat(file_, &status) == 0 ? 0 : errno;
    if (error || !S_ISREG(status.st_mode)) ::close(file_);
    if (error) fail(error);
    SIMDGRAD_CHECK(S_ISREG(status.st_mode), "load_safetensors: ", path, " is not a regular file");
    size_ = static_cast<uint64_t>(status.st_size);
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile() { ::close(file_); }

  uint64_t size() const { return size_; }
  void read(uint64_t offset, void* to, uint64_t bytes) const {
    char* next = static_cast<char*>(to);
    while (bytes > 0) {
      const ssize_t got = ::pread(file_, next, std::min<uint64_t>(bytes, uint64_t{1} << 30),
                                  static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail(errno);
      SIMDGRAD_CHECK(got > 0, "load_safetensors: ", path_, ": the file ended at byte ", offset,
                     " while it was read, it had ", size_);
      next += got;
      offset += static_cast<uint64_t>(got);
      bytes -= static_cast<uint64_t>(got);
    }
  }

 private:
  [[noreturn]] void fail(int error) const {
    SIMDGRAD_THROW("load_safetensors: cannot read ", path_, ": ",
                   std::generic_category().message(error));
  }
  const std::string path_;
  int file_;
  uint64_t size_ = 0;
};

void check_bools(const Tensor& tensor, const std::string& name, const std::string& path) {
  const auto* bytes = static_cast<const unsigned char*>(tensor.data_ptr());
  for (int64_t i = 0; i < tensor.numel(); ++i)
    SIMDGRAD_CHECK(bytes[i] <= 1, "load_safetensors: ", path, ": tensor ", shown(name),
                   " of BOOL has the value ", int{bytes[i]}, " at ", i, ", it needs 0 or 1");
}

}  // namespace

void save_safetensors(const std::string& path, const TensorDict& tensors,
                      const StringDict& metadata) {
  std::vector<Tensor> values;
  for (const auto& item : tensors) {
    SIMDGRAD_CHECK(item.key() != "__metadata__", "save_safetensors: ", path,
                   ": no tensor can have the name __metadata__");
    SIMDGRAD_CHECK(item.key().find('\0') == std::string::npos, "save_safetensors: ", path,
                   ": the name ", shown(item.key()), " holds a zero character");
    SIMDGRAD_CHECK(item.value().defined() && !item.value().is_sparse(), "save_safetensors: ", path,
                   ": tensor ", shown(item.key()), " is ",
                   item.value().defined() ? "sparse" : "undefined", ", it needs to be dense");
    values.push_back(item.value().detach());
  }
  const std::vector<size_t> order = data_order(values);
  std::vector<int64_t> begins(values.size());
  int64_t end = 0;
  for (const size_t i : order) {
    begins[i] = end;
    end += values[i].nbytes();
  }
  const std::string header = header_text(tensors, metadata, begins, path);
  const uint64_t header_bytes = header.size();
  replace_file(path, [&](FileWriter& file) {
    file.write(&header_bytes, sizeof header_bytes);
    file.write(header);
    for (const size_t i : order) {
      const Tensor numbers = values[i].contiguous();
      if (numbers.nbytes() > 0)
        file.write(numbers.data_ptr(), static_cast<size_t>(numbers.nbytes()));
    }
  });
}

Safetensors load_safetensors(const std::string& path) {
  const InputFile file(path);
  SIMDGRAD_CHECK(file.size() >= 8, "load_safetensors: ", path, ": the file has ", file.size(),
                 " bytes, a safetensors file has at least 8");
  uint64_t header_bytes;
  file.read(0, &header_bytes, sizeof header_bytes);
  SIMDGRAD_CHECK(header_bytes <= kMaxHeaderBytes, "load_safetensors: ", path,
                 ": the header is said to have ", header_bytes, " bytes, at most ", kMaxHeaderBytes,
                 " are allowed");
  SIMDGRAD_CHECK(header_bytes <= file.size() - 8, "load_safetensors: ", path,
                 ": the header is said to have ", header_bytes, " bytes, the file has ",
                 file.size() - 8, " after its length");
  const uint64_t data = 8 + header_bytes;
  Header header;
  {
    std::string text(header_bytes, ' ');
    file.read(8, text.data(), header_bytes);
    header = parse_header(text, file.size() - data, path);
  }
  Safetensors result;
  result.tensors.reserve(header.tensors.size());
  for (TensorEntry& entry : header.tensors) {
    Tensor tensor = empty(entry.sizes, entry.dtype);
    if (entry.end > entry.begin)
      file.read(data + entry.begin, tensor.data_ptr(), entry.end - entry.begin);
    if (entry.dtype == ScalarType::Bool) check_bools(tensor, entry.name, path);
    result.tensors.insert(std::move(entry.name), std::move(tensor));
  }
  result.metadata = std::move(header.metadata);
  return result;
}

}  // namespace simdgrad
