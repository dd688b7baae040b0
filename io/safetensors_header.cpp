// Reads the header's JSON token by token and checks that its tensors tile the data.
#include "io/safetensors_header.h"

#include <algorithm>
#include <numeric>

#include <nlohmann/json.hpp>

namespace simdgrad::io {
namespace {

constexpr size_t kMaxDims = 64;

struct NamedType {
  const char* name;
  ScalarType dtype;
};
constexpr NamedType kTypes[] = {
    {"F32", ScalarType::Float}, {"F64", ScalarType::Double}, {"I64", ScalarType::Long},
    {"I32", ScalarType::Int},   {"I16", ScalarType::Short},  {"I8", ScalarType::Char},
    {"U8", ScalarType::Byte},   {"BOOL", ScalarType::Bool},
};

// Takes the text token by token: duplicate keys are seen, nesting is refused at its first bracket,
// and no tree of the whole is built. Every member returns false to stop; message_ then says why.
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderReader(Header& header, uint64_t data_bytes) : header_(header), data_bytes_(data_bytes) {}
  const std::string& message() const { return message_; }

  bool start_object(size_t) override {
    if (place_ == Place::start) return go(Place::root);
    if (place_ == Place::root && key_ == "__metadata__") return go(Place::metadata);
    if (place_ == Place::root) {
      TensorEntry entry;
      entry.name = key_;
      header_.tensors.push_back(std::move(entry));
      seen_ = 0;
      return go(Place::tensor);
    }
    return unexpected("an object");
  }
  bool end_object() override {
    if (place_ == Place::tensor) return finish_tensor() && go(Place::root);
    return go(place_ == Place::metadata ? Place::root : Place::end);
  }
  bool key(string_t& key) override {
    if (key.find('\0') != std::string::npos)
      return stop("the name " + shown(key) + " holds a zero character");
    key_ = std::move(key);
    if (place_ == Place::tensor) {
      const int field = key_ == "dtype"          ? kDtype
                        : key_ == "shape"        ? kShape
                        : key_ == "data_offsets" ? kOffsets
                                                 : 0;
      if (!field)
        return stop(tensor() + " has the key " + shown(key_) +
                    ", it needs dtype, shape and data_offsets alone");
      if (seen_ & field) return stop(tensor() + " has " + key_ + " twice");
      seen_ |= field;
      field_ = field;
    } else if (place_ == Place::root && key_ == "__metadata__") {
      if (metadata_seen_) return stop("__metadata__ appears twice");
      metadata_seen_ = true;
    }
    return true;
  }
  bool string(string_t& value) override {
    if (place_ == Place::metadata) {
      if (header_.metadata.contains(key_))
        return stop("__metadata__ has the key " + shown(key_) + " twice");
      header_.metadata.insert(key_, std::move(value));
      return true;
    }
    if (place_ == Place::tensor && field_ == kDtype) return set_dtype(value);
    return unexpected("the text " + shown(value));
  }
  bool start_array(size_t) override {
    if (place_ != Place::tensor || field_ == kDtype) return unexpected("a list");
    offsets_ = 0;
    return go(field_ == kShape ? Place::shape : Place::offsets);
  }
  bool end_array() override {
    if (place_ == Place::offsets && offsets_ != 2)
      return stop(tensor() + " has " + std::to_string(offsets_) + " data_offsets, it needs 2");
    return go(Place::tensor);
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (place_ != Place::shape && place_ != Place::offsets)
      return unexpected("the number " + std::to_string(value));
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      return stop(tensor() + " has the number " + std::to_string(value) +
                  ", at most 9223372036854775807 is possible");
    TensorEntry& entry = header_.tensors.back();
    if (place_ == Place::shape) {
      if (entry.sizes.size() == kMaxDims)
        return stop(tensor() + " has more than 64 dimensions, at most 64 are allowed");
      entry.sizes.push_back(static_cast<int64_t>(value));
    } else {
      if (offsets_ == 2) return stop(tensor() + " has more than 2 data_offsets");
      (offsets_++ == 0 ? entry.begin : entry.end) = value;
    }
    return true;
  }
  bool number_integer(number_integer_t value) override {
    return unexpected("the number " + (value == 0 ? "-0" : std::to_string(value)));
  }
  bool number_float(number_float_t, const string_t& text) override {
    return unexpected("the number " + text.substr(0, 80));
  }
  bool null() override {
    // MLX writes this where there are no metadata.
    return (place_ == Place::root && key_ == "__metadata__") || unexpected("null");
  }
  bool boolean(bool value) override { return unexpected(value ? "true" : "false"); }
  bool binary(binary_t&) override { return unexpected("binary data"); }
  bool parse_error(size_t position, const std::string&, const nlohmann::json::exception&) override {
    return stop("the header is not valid JSON in UTF-8 at byte " + std::to_string(position));
  }

 private:
  enum class Place { start, root, metadata, tensor, shape, offsets, end };
  static constexpr int kDtype = 1, kShape = 2, kOffsets = 4;

  bool go(Place place) {
    place_ = place;
    return true;
  }
  bool stop(std::string message) {
    message_ = std::move(message);
    return false;
  }
  std::string tensor() const { return "tensor " + shown(header_.tensors.back().name); }
  bool unexpected(const std::string& found) {
    switch (place_) {
      case Place::metadata:
        return stop("__metadata__ has " + found + " for " + shown(key_) + ", it needs a text");
      case Place::tensor:
        return stop(tensor() + " has " + found + " for " + key_ + ", it needs " +
                    (field_ == kDtype ? "a text" : "a list of whole numbers"));
      case Place::shape:
      case Place::offsets:
        return stop(tensor() + " has " + found + " in its " +
                    (place_ == Place::shape ? "shape" : "data_offsets") +
                    ", it needs whole numbers from 0");
      case Place::root:
        return stop("the header has " + found + " for " + shown(key_) + ", it needs an object");
      default:
        return stop("the header is " + found + ", it needs to be an object");
    }
  }
  bool set_dtype(const std::string& name) {
    for (const NamedType& type : kTypes) {
      if (name == type.name) {
        header_.tensors.back().dtype = type.dtype;
        return true;
      }
    }
    return stop(tensor() + " has the dtype " + shown(name) +
                ", F64, F32, I64, I32, I16, I8, U8 and BOOL can be read");
  }
  bool finish_tensor() {
    for (const auto& [field, name] : {std::pair(kDtype, "dtype"), std::pair(kShape, "shape"),
                                      std::pair(kOffsets, "data_offsets")})
      if (!(seen_ & field)) return stop(tensor() + " has no " + name);
    const TensorEntry& entry = header_.tensors.back();
    if (entry.begin > entry.end || entry.end > data_bytes_)
      return stop(tensor() + " has the data_offsets [" + std::to_string(entry.begin) + ", " +
                  std::to_string(entry.end) + "], the file has " + std::to_string(data_bytes_) +
                  " bytes of data");
    // Tensors that tile the data cannot be larger together than it is: a header of millions of
    // tensors on the same bytes ends here, before much of it is stored.
    total_ += entry.end - entry.begin;
    if (total_ > data_bytes_)
      return stop(tensor() + " overlaps another one: together they have " + std::to_string(total_) +
                  " bytes up to here, the file has " + std::to_string(data_bytes_));
    return check_size(entry);
  }
  bool check_size(const TensorEntry& entry) {
    // Zeros left out, so that a shape of which a part could not be counted is refused although it is
    // empty.
    int64_t product = element_size(entry.dtype);
    bool overflow = false, is_empty = false;
    for (const int64_t size : entry.sizes) {
      is_empty |= size == 0;
      if (size > 1) overflow |= __builtin_mul_overflow(product, size, &product);
    }
    const uint64_t bytes = is_empty ? 0 : static_cast<uint64_t>(product);
    if (!overflow && bytes == entry.end - entry.begin) return true;
    std::string sizes;
    for (const int64_t size : entry.sizes)
      sizes += (sizes.empty() ? "" : ", ") + std::to_string(size);
    return stop(tensor() + " has " + std::to_string(entry.end - entry.begin) +
                " bytes of data, its shape [" + sizes + "] of " + safetensors_name(entry.dtype) +
                " needs " + (overflow ? "more than 2^63" : std::to_string(bytes)));
  }

  Header& header_;
  const uint64_t data_bytes_;
  Place place_ = Place::start;
  std::string key_, message_;
  int seen_ = 0, field_ = 0, offsets_ = 0;
  bool metadata_seen_ = false;
  uint64_t total_ = 0;
};

// Positions of the tensors, sorted.
template <class Less>
std::vector<size_t> sorted(const std::vector<TensorEntry>& tensors, const Less& less) {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return less(tensors[a], tensors[b]); });
  return order;
}

void check_names(const std::vector<TensorEntry>& tensors, const std::string& file) {
  const auto order =
      sorted(tensors, [](const TensorEntry& a, const TensorEntry& b) { return a.name < b.name; });
  for (size_t i = 1; i < order.size(); ++i) {
    const std::string& name = tensors[order[i]].name;
    SIMDGRAD_CHECK(name != tensors[order[i - 1]].name, "load_safetensors: ", file, ": tensor ",
                   shown(name), " appears twice");
  }
}

void check_tiling(const std::vector<TensorEntry>& tensors, uint64_t data_bytes,
                  const std::string& file) {
  const auto order = sorted(tensors, [](const TensorEntry& a, const TensorEntry& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  uint64_t expected = 0;
  for (const size_t i : order) {
    SIMDGRAD_CHECK(tensors[i].begin == expected, "load_safetensors: ", file, ": tensor ",
                   shown(tensors[i].name), " begins at byte ", tensors[i].begin,
                   " of the data, the one before it ends at ", expected);
    expected = tensors[i].end;
  }
  SIMDGRAD_CHECK(expected == data_bytes, "load_safetensors: ", file, ": its tensors have ",
                 expected, " bytes, the file has ", data_bytes, " bytes of data");
}

}  // namespace

const char* safetensors_name(ScalarType dtype) {
  for (const NamedType& type : kTypes)
    if (type.dtype == dtype) return type.name;
  return "?";
}

std::string shown(const std::string& name) {
  size_t length = std::min<size_t>(name.size(), 80);
  while (length < name.size() && length > 0 && (name[length] & 0xc0) == 0x80) --length;  // UTF-8
  std::string result = "'";
  for (const char c : name.substr(0, length)) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) {
      result += c;
    } else {
      const char* digits = "0123456789abcdef";
      result += {'\\', 'x', digits[(c >> 4) & 15], digits[c & 15]};
    }
  }
  return result + (length < name.size() ? "...'" : "'");
}

Header parse_header(const std::string& text, uint64_t data_bytes, const std::string& file) {
  SIMDGRAD_CHECK(!text.empty() && text.front() == '{', "load_safetensors: ", file,
                 ": the header must begin with {");
  const size_t last = text.find_last_not_of(' ');
  // The JSON reader takes a zero byte for the end of the text.
  SIMDGRAD_CHECK(text[last] == '}' && text.find('\0') == std::string::npos,
                 "load_safetensors: ", file, ": the header must end with } and spaces");
  Header header;
  HeaderReader reader(header, data_bytes);
  const bool good = nlohmann::json::sax_parse(text.data(), text.data() + last + 1, &reader,
                                              nlohmann::json::input_format_t::json, true);
  SIMDGRAD_CHECK(good, "load_safetensors: ", file, ": ", reader.message());
  check_names(header.tensors, file);
  check_tiling(header.tensors, data_bytes, file);
  return header;
}

}  // namespace simdgrad::io
