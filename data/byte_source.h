// The bytes of a file, unpacked if it is a gzip file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace simdgrad::data {

class ByteSource {
 public:
  // `reader` begins the error messages: "read_idx".
  ByteSource(const char* reader, const std::string& path);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  // Reads up to `bytes` bytes; fewer only at the end. Error for a damaged or cut gzip file.
  size_t read(void* to, size_t bytes);
  // The most bytes that read() can give in all: the size of a plain file, and what deflate can at
  // best make of a compressed one.
  uint64_t most_bytes() const;
  bool is_compressed() const { return inflater_ != nullptr; }

 private:
  struct Inflater;
  size_t read_file(void* to, size_t bytes);
  size_t inflate(unsigned char* to, size_t bytes);
  [[noreturn]] void fail_to_read(int error) const;

  const char* const reader_;
  const std::string path_;
  int file_ = -1;
  uint64_t file_bytes_ = 0, position_ = 0;
  std::unique_ptr<Inflater> inflater_;
};

}  // namespace simdgrad::data
