// Reads a file, through zlib where its first bytes are gzip's.
#include "data/byte_source.h"

#include <simdgrad/error.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>

namespace simdgrad::data {

struct ByteSource::Inflater {
  z_stream stream{};
  bool in_member = false;  // between a gzip header and its checksum
  bool at_end = false;
  unsigned char input[64 * 1024];
  ~Inflater() { inflateEnd(&stream); }
};

ByteSource::ByteSource(const char* reader, const std::string& path) : reader_(reader), path_(path) {
  // Without O_NONBLOCK, opening a named pipe would wait for a writer.
  file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file_ < 0) fail_to_read(errno);
  try {
    struct stat status;
    if (::fstat(file_, &status) != 0) fail_to_read(errno);
    SIMDGRAD_CHECK(S_ISREG(status.st_mode), reader_, ": ", path_, " is not a regular file");
    file_bytes_ = static_cast<uint64_t>(status.st_size);
    unsigned char magic[2];
    const size_t found = read_file(magic, sizeof magic);
    position_ = 0;
    if (found == 2 && magic[0] == 0x1f && magic[1] == 0x8b) {
      inflater_ = std::make_unique<Inflater>();
      // 16 + the window's bits: a gzip header and its checksum are wanted.
      SIMDGRAD_CHECK(inflateInit2(&inflater_->stream, 16 + MAX_WBITS) == Z_OK, reader_,
                     ": out of memory for unpacking ", path_);
    }
  } catch (...) {
    ::close(file_);
    throw;
  }
}

ByteSource::~ByteSource() { ::close(file_); }

uint64_t ByteSource::most_bytes() const {
  // Deflate's best is 1032 to 1: 258 bytes for two bits.
  if (!is_compressed()) return file_bytes_;
  return file_bytes_ > std::numeric_limits<uint64_t>::max() / 1032 ? file_bytes_
                                                                   : file_bytes_ * 1032;
}

size_t ByteSource::read(void* to, size_t bytes) {
  return is_compressed() ? inflate(static_cast<unsigned char*>(to), bytes) : read_file(to, bytes);
}

size_t ByteSource::read_file(void* to, size_t bytes) {
  size_t done = 0;
  while (done < bytes) {
    const ssize_t got =
        ::pread(file_, static_cast<char*>(to) + done, std::min(bytes - done, size_t{1} << 30),
                static_cast<off_t>(position_));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_to_read(errno);
    if (got == 0) break;
    done += static_cast<size_t>(got);
    position_ += static_cast<uint64_t>(got);
  }
  return done;
}

size_t ByteSource::inflate(unsigned char* to, size_t bytes) {
  Inflater& state = *inflater_;
  z_stream& stream = state.stream;
  size_t done = 0;
  while (done < bytes && !state.at_end) {
    if (stream.avail_in == 0) {
      stream.next_in = state.input;
      stream.avail_in = static_cast<uInt>(read_file(state.input, sizeof state.input));
      if (stream.avail_in == 0) {
        SIMDGRAD_CHECK(!state.in_member, reader_, ": ", path_, ": the gzip file is cut off after ",
                       file_bytes_, " bytes");
        state.at_end = true;
        break;
      }
    }
    state.in_member = true;
    const size_t room = std::min(bytes - done, size_t{1} << 30);
    stream.next_out = to + done;
    stream.avail_out = static_cast<uInt>(room);
    const int result = ::inflate(&stream, Z_NO_FLUSH);
    done += room - stream.avail_out;
    if (result == Z_STREAM_END) {
      // Members may follow each other: cat a.gz b.gz is a gzip file.
      state.in_member = false;
      inflateReset(&stream);
    } else {
      SIMDGRAD_CHECK(result == Z_OK || result == Z_BUF_ERROR, reader_, ": ", path_,
                     ": the gzip file is damaged: ", stream.msg ? stream.msg : "out of memory");
    }
  }
  return done;
}

void ByteSource::fail_to_read(int error) const {
  SIMDGRAD_THROW(reader_, ": cannot read ", path_, ": ", std::generic_category().message(error));
}

}  // namespace simdgrad::data
