// IDX files, good and malicious, and the folders of MNIST and Fashion-MNIST.
#include <simdgrad/data.h>
#include <simdgrad/memory.h>

#include <sys/stat.h>
#include <zlib.h>

#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/scratch_folder.h"

using namespace simdgrad;

namespace {

using Sizes = std::vector<uint32_t>;

std::string big_endian(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}

std::string idx(int code, const Sizes& sizes, const std::string& data) {
  std::string bytes = {0, 0, static_cast<char>(code), static_cast<char>(sizes.size())};
  for (const uint32_t size : sizes) bytes += big_endian(size);
  return bytes + data;
}

std::string gzip(const std::string& bytes) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string result(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

std::string message_of(const std::string& path) {
  try {
    data::read_idx(path);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// The same refusal, naming the file, for the bytes as they are and compressed.
void require_refused(const ScratchFolder& folder, const std::string& bytes,
                     const std::string& found, const std::string& needed) {
  for (const std::string name : {"plain", "packed.gz"}) {
    const std::string path = folder.write(name, name == "plain" ? bytes : gzip(bytes));
    const std::string message = message_of(path);
    INFO(message);
    REQUIRE(message.find("read_idx: " + path) == 0);
    // What an unpacked file has is known exactly, what a packed one has only where it ends.
    if (name == "plain") REQUIRE_THAT(message, ContainsSubstring(found));
    REQUIRE_THAT(message, ContainsSubstring(needed));
  }
}

template <class T>
void check_type(const ScratchFolder& folder, int code, const std::vector<T>& values) {
  std::string data;
  for (const T value : values) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    for (size_t i = sizeof(T); i-- > 0;) data += bytes[i];
  }
  const std::string bytes = idx(code, {static_cast<uint32_t>(values.size()), 1}, data);
  for (const std::string& stored : {bytes, gzip(bytes)}) {
    const Tensor tensor = data::read_idx(folder.write("typed", stored));
    REQUIRE(tensor.scalar_type() == scalar_type_of<T>);
    REQUIRE(tensor.sizes().vec() == std::vector<int64_t>{static_cast<int64_t>(values.size()), 1});
    REQUIRE(std::vector<T>(tensor.data_ptr<T>(), tensor.data_ptr<T>() + values.size()) == values);
  }
}

}  // namespace

TEST_CASE("IDX files of every type and number of dimensions, plain and packed") {
  const ScratchFolder folder;
  check_type<uint8_t>(folder, 0x08, {0, 1, 127, 128, 255});
  check_type<int8_t>(folder, 0x09, {0, 1, 127, -128, -1});
  check_type<int16_t>(folder, 0x0B, {0, 1, 0x1234, -32768, -2});
  check_type<int32_t>(folder, 0x0C, {0, 1, 0x12345678, std::numeric_limits<int32_t>::min(), -2});
  check_type<float>(folder, 0x0D, {0.f, -1.5f, 3.25e-30f, std::numeric_limits<float>::infinity()});
  check_type<double>(folder, 0x0E, {0., -1.5, 3.25e-300, 1e300});

  const std::string four_dims = idx(8, {2, 1, 3, 2}, "abcdefghijkl");
  Tensor tensor = data::read_idx(folder.write("four", four_dims));
  REQUIRE(tensor.sizes().vec() == std::vector<int64_t>{2, 1, 3, 2});
  REQUIRE(tensor.data_ptr<uint8_t>()[11] == 'l');
  tensor = data::read_idx(folder.write("many", idx(8, Sizes(64, 1), "x")));
  REQUIRE(tensor.dim() == 64);
  tensor = data::read_idx(folder.write("none", idx(8, {0, 0xffffffff, 9}, "")));
  REQUIRE(tensor.numel() == 0);
  // One gzip file may be several, one after the other.
  const std::string two = gzip(four_dims.substr(0, 7)) + gzip("") + gzip(four_dims.substr(7));
  tensor = data::read_idx(folder.write("two.gz", two));
  REQUIRE(tensor.data_ptr<uint8_t>()[11] == 'l');
}

TEST_CASE("IDX files that are cut, lie or are something else are refused by name") {
  const ScratchFolder folder;
  const std::string good = idx(8, {3, 2}, "abcdef");
  SECTION("cut at every byte") {
    for (size_t length = 0; length < good.size(); ++length) {
      INFO("length " << length);
      require_refused(folder, good.substr(0, length),
                      length < 4    ? "ends after " + std::to_string(length) + " bytes"
                      : length < 12 ? "ends after " + std::to_string(length) + " bytes"
                                    : "the file has " + std::to_string(length - 12),
                      length < 4    ? "at least 4"
                      : length < 12 ? "at least 12"
                                    : "need 6 bytes");
    }
    const std::string packed = gzip(good);
    for (size_t length = 0; length < packed.size(); ++length) {
      const std::string path = folder.write("cut.gz", packed.substr(0, length));
      INFO("length " << length << ": " << message_of(path));
      REQUIRE(message_of(path).find("read_idx: " + path) == 0);
    }
  }
  SECTION("further bytes") {
    require_refused(folder, good + "g", "the file has", "need 6 bytes");
    require_refused(folder, good + std::string(1 << 20, 'x'), "the file has", "need 6 bytes");
    const std::string path = folder.write("further.gz", gzip(good) + "further");
    REQUIRE_THAT(message_of(path), ContainsSubstring(path) && ContainsSubstring("damaged"));
  }
  SECTION("a wrong beginning") {
    require_refused(folder, "PNG etc", "1347307296", "two zero bytes");
    for (const int code : {0x00, 0x07, 0x0A, 0x0F, 0xFF})
      require_refused(folder, idx(code, {1}, "a"), "type code is " + std::to_string(code),
                      "one of 8, 9, 11, 12, 13 and 14");
    require_refused(folder, idx(8, {}, "a"), "0 dimensions", "1 to 64");
    require_refused(folder, idx(8, Sizes(255, 1), "a"), "255 dimensions", "1 to 64");
  }
  SECTION("a damaged packed file") {
    std::string packed = gzip(good);
    packed[packed.size() - 5] ^= 1;  // its checksum
    const std::string path = folder.write("damaged.gz", packed);
    REQUIRE_THAT(message_of(path), ContainsSubstring(path) && ContainsSubstring("damaged"));
  }
  SECTION("what cannot be read") {
    REQUIRE(message_of(folder / "missing") ==
            "read_idx: cannot read " + (folder / "missing") + ": No such file or directory");
    REQUIRE(message_of(folder.path()) == "read_idx: " + folder.path() + " is not a regular file");
    REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
    REQUIRE_THAT(message_of(folder / "pipe"), ContainsSubstring("not a regular file"));
  }
}

TEST_CASE("an IDX header's word alone takes no memory") {
  const ScratchFolder folder;
  reset_peak_memory_stats();
  const int64_t before = memory_stats().peak_bytes;
  for (const Sizes& sizes :
       {Sizes{0xffffffff}, Sizes{0xffffffff, 0xffffffff}, Sizes{0xffffffff, 0xffffffff, 0xffffffff},
        Sizes(64, 0xffffffff), Sizes{60000, 28, 28}}) {
    require_refused(folder, idx(0x0E, sizes, "abcdef"), "the file has 6", "bytes after the header");
  }
  // Packed zeros beyond what the header says are not unpacked: 64 MiB of them in 65 KB.
  const std::string bomb = gzip(idx(8, {5}, std::string(64 << 20, '\0')));
  REQUIRE(bomb.size() < 100000);
  REQUIRE_THAT(message_of(folder.write("bomb.gz", bomb)), ContainsSubstring("need 5 bytes"));
  REQUIRE(memory_stats().peak_bytes - before < (1 << 20));
}

TEST_CASE("labelled images") {
  const ScratchFolder folder;
  const std::string images = folder.write("images", idx(8, {2, 2, 3}, "abcdefghijkl"));
  const std::string labels = folder.write("labels", idx(8, {2}, std::string("\x09\x00", 2)));
  const data::LabeledImages both = data::read_labeled_images(images, labels);
  REQUIRE(both.images.sizes().vec() == std::vector<int64_t>{2, 2, 3});
  REQUIRE(both.labels.scalar_type() == kLong);
  REQUIRE(both.labels.data_ptr<int64_t>()[0] == 9);

  const auto refused = [&](const std::string& images, const std::string& labels,
                           const std::string& text, int64_t classes = 10) {
    REQUIRE_THROWS_MATCHES(data::read_labeled_images(images, labels, classes), Error,
                           Message("read_labeled_images: " + text));
  };
  const std::string three = folder.write("three", idx(8, {3}, "\1\2\3"));
  refused(images, three, images + " has 2 images, " + three + " has 3 labels");
  refused(images, labels, labels + ": label 0 is 9, 0 to 8 are possible", 9);
  const std::string ten = folder.write("ten", idx(8, {2}, "\1\12"));
  refused(images, ten, ten + ": label 1 is 10, 0 to 9 are possible");
  refused(labels, images,
          labels +
              ": found sizes [2] of uint8, images are [n, rows, columns] of "
              "uint8");
  refused(images, images, images + ": found sizes [2, 2, 3] of uint8, labels are [n] of uint8");
  const std::string signs = folder.write("signs", idx(9, {2}, "ab"));
  refused(images, signs, signs + ": found sizes [2] of int8, labels are [n] of uint8");
  const std::string none = folder.write("none", idx(8, {0, 2, 3}, ""));
  refused(none, labels, none + ": found sizes [0, 2, 3], at least one pixel is needed");
}

TEST_CASE("a folder of MNIST's files") {
  const ScratchFolder folder;
  REQUIRE_THROWS_MATCHES(data::load_mnist(folder.path()), Error,
                         Message("load_mnist: " + folder.path() +
                                 " has neither train-images-idx3-ubyte nor "
                                 "train-images-idx3-ubyte.gz"));
  folder.write("train-images-idx3-ubyte.gz", gzip(idx(8, {2, 2, 3}, "abcdefghijkl")));
  folder.write("train-labels-idx1-ubyte", idx(8, {2}, "\1\2"));
  folder.write("t10k-images-idx3-ubyte", idx(8, {1, 2, 3}, "abcdef"));
  folder.write("t10k-labels-idx1-ubyte.gz", gzip(idx(8, {1}, "\3")));
  const data::Mnist mnist = data::load_mnist(folder.path());
  REQUIRE(mnist.train.images.size(0) == 2);
  REQUIRE(mnist.test.labels.data_ptr<int64_t>()[0] == 3);
  folder.write("t10k-images-idx3-ubyte", idx(8, {1, 3, 2}, "abcdef"));
  REQUIRE_THROWS_MATCHES(data::load_mnist(folder.path()), Error,
                         Message("load_mnist: " + folder.path() +
                                 ": training images are [2, 3], test images are [3, 2]"));
}

TEST_CASE("Fashion-MNIST as Debian installs it") {
  const std::string folder = "/usr/share/datasets/fashion-mnist";
  if (!std::filesystem::exists(folder)) SKIP("dataset-fashion-mnist is not installed");
  const data::Mnist mnist = data::load_mnist(folder);
  REQUIRE(mnist.train.images.sizes().vec() == std::vector<int64_t>{60000, 28, 28});
  REQUIRE(mnist.test.images.sizes().vec() == std::vector<int64_t>{10000, 28, 28});
  int64_t counts[10] = {}, sum = 0;
  for (int64_t i = 0; i < 60000; ++i) ++counts[mnist.train.labels.data_ptr<int64_t>()[i]];
  for (const int64_t count : counts) REQUIRE(count == 6000);
  const uint8_t* pixels = mnist.train.images.data_ptr<uint8_t>();
  for (int64_t i = 0; i < mnist.train.images.numel(); ++i) sum += pixels[i];
  REQUIRE(sum == 3431114169);
}
