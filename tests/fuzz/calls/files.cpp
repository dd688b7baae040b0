// Paths for calls: files as the functions expect them, then spoilt.
#include "tests/fuzz/calls/files.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/fuzz/calls/tensors.h"

namespace fuzz {
namespace {

std::string& folder() {
  static std::string path;
  return path;
}

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// Unsigned bytes, big-endian sizes.
std::string idx_file(Random& random, const Shape& sizes, int64_t limit) {
  std::string bytes = {0, 0, 8, static_cast<char>(sizes.size())};
  int64_t count = 1;
  for (const int64_t size : sizes) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(size >> shift);
    count *= size;
  }
  for (int64_t i = 0; i < count; ++i) bytes += static_cast<char>(random.below(limit));
  return bytes;
}

// Other bytes here and there, a piece cut off or added.
void spoil(Random& random, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (random.chance(30))
    bytes.resize(static_cast<size_t>(random.below(static_cast<int64_t>(bytes.size()) + 1)));
  if (random.chance(20)) bytes += "more";
  for (int64_t n = random.below(4); n > 0 && !bytes.empty(); --n)
    bytes[static_cast<size_t>(random.below(std::min<int64_t>(
        static_cast<int64_t>(bytes.size()), 200)))] = static_cast<char>(random.next());
  write(path, bytes);
}

void write_mnist(Random& random, const std::string& path) {
  std::filesystem::create_directories(path);
  const int64_t rows = random.between(1, 3);
  for (const char* part : {"train", "t10k"}) {
    const int64_t count = random.between(1, 4);
    write(path + "/" + part + "-images-idx3-ubyte", idx_file(random, {count, rows, 2}, 256));
    write(path + "/" + part + "-labels-idx1-ubyte", idx_file(random, {count}, 10));
  }
}

std::string good_path(Call& c) {
  const std::string base = folder() + "/";
  if (c.is_named("folder")) {
    write_mnist(c.random, base + "mnist");
    return base + "mnist";
  }
  if (c.is_function("read_idx")) {
    Shape sizes;
    for (int64_t n = c.random.between(1, 3); n > 0; --n) sizes.push_back(c.random.below(4));
    write(base + "numbers", idx_file(c.random, sizes, 256));
    return base + "numbers";
  }
  if (c.is_named("images_path") || c.is_named("labels_path")) {
    const int64_t count = c.world.letter('n');
    const Shape sizes = c.is_named("images_path") ? Shape{count, 2, 3} : Shape{count};
    write(base + c.parameter(), idx_file(c.random, sizes, 10));
    return base + c.parameter();
  }
  if (c.is_function("load") && c.module) {
    simdgrad::save(*c.module, base + "module");
    return base + "module";
  }
  if (c.is_function("load_safetensors")) {
    simdgrad::TensorDict tensors("Tensor");
    for (int64_t n = c.random.below(4); n > 0; --n)
      tensors.insert("x" + std::to_string(n),
                     simdgrad::zeros({n, 2}, static_cast<ScalarType>(c.random.below(8))));
    save_safetensors(base + "tensors", tensors);
    return base + "tensors";
  }
  return base + "written";
}

}  // namespace

void set_scratch_folder(const std::string& path) { folder() = path; }

std::string draw_path(Call& c) {
  if (!c.wild()) return good_path(c);
  switch (c.random.below(8)) {
    case 0:
      return "";
    case 1:
      return folder();
    case 2:
      return folder() + "/none/none";
    case 3:
      return folder() + "/" + std::string(5000, 'x');
    case 4:
      return folder() + std::string("/a\0b", 4);
    default:
      break;
  }
  const std::string path = good_path(c);
  if (std::filesystem::is_regular_file(path)) spoil(c.random, path);
  return path;
}

}  // namespace fuzz
