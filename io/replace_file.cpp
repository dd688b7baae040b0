// Files replaced as a whole: a temporary file beside the target, synchronised, then renamed.
#include <simdgrad/io.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <random>
#include <system_error>
#include <vector>

namespace simdgrad {

FileWriter::~FileWriter() = default;

namespace {

[[noreturn]] void fail(const std::string& path, const char* doing, int error) {
  SIMDGRAD_THROW("cannot write ", path, ": ", std::generic_category().message(error), " (while ",
                 doing, ")");
}

// Where the bytes of `path` are to be: a symbolic link's target.
std::string resolve(const std::string& path) {
  SIMDGRAD_CHECK(!path.empty(), "cannot write a file: its path is empty");
  SIMDGRAD_CHECK(path.find('\0') == std::string::npos, "cannot write ", path.c_str(),
                 ": its path holds a zero byte");
  struct stat status;
  if (::lstat(path.c_str(), &status) != 0 || !S_ISLNK(status.st_mode)) return path;
  char* resolved = ::realpath(path.c_str(), nullptr);
  if (!resolved) fail(path, "following the symbolic link", errno);
  const std::string target = resolved;
  std::free(resolved);
  return target;
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

struct Descriptor {
  int file;
  ~Descriptor() {
    if (file >= 0) ::close(file);
  }
};

// Temporary files are ".NAME.tmp-RANDOM" beside NAME: short enough beside a long name, since file
// systems allow 255 bytes.
std::string temporary_prefix(const std::string& name) { return "." + name.substr(0, 200) + ".tmp-"; }
constexpr std::time_t kAbandoned = 60;  // seconds without a write

// Removes what writers that were killed have left of `target`. A living one holds a lock on its file.
void remove_abandoned(const std::string& folder, const std::string& name) {
  const std::unique_ptr<DIR, int (*)(DIR*)> opened(::opendir(folder.c_str()), ::closedir);
  if (!opened) return;
  const std::string prefix = temporary_prefix(name);
  const std::time_t now = std::time(nullptr);
  const int in = ::dirfd(opened.get());
  while (const dirent* entry = ::readdir(opened.get())) {
    const std::string_view found = entry->d_name;
    if (!found.starts_with(prefix) ||
        found.find_first_not_of("0123456789", prefix.size()) != std::string_view::npos)
      continue;
    const Descriptor file{::openat(in, entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    struct stat status;
    if (file.file >= 0 && ::fstat(file.file, &status) == 0 && S_ISREG(status.st_mode) &&
        now - status.st_mtime > kAbandoned && ::flock(file.file, LOCK_EX | LOCK_NB) == 0)
      ::unlinkat(in, entry->d_name, 0);
  }
}

// A new file beside `target`, removed again unless it takes the target's place.
class TemporaryFile final : public FileWriter {
 public:
  TemporaryFile(const std::string& path, const std::string& target) : path_(path) {
    struct stat existing;
    const bool exists = ::stat(target.c_str(), &existing) == 0;
    SIMDGRAD_CHECK(!exists || S_ISREG(existing.st_mode), "cannot write ", path,
                   ": it exists and is not a regular file");
    buffer_.reserve(kBufferBytes);
    create(target);
    // The old file's permissions, as writing into it would have kept them.
    if (exists && ::fchmod(file_, existing.st_mode & 07777) != 0) {
      const int error = errno;
      discard();
      fail(path_, "setting its permissions", error);
    }
  }
  ~TemporaryFile() override { discard(); }

  void write(const void* data, size_t bytes) override {
    if (buffer_.size() + bytes <= kBufferBytes) {
      append(data, bytes);
    } else {
      flush();
      if (bytes <= kBufferBytes) {
        append(data, bytes);
      } else {
        write_through(static_cast<const char*>(data), bytes);
      }
    }
  }

  void take_the_place_of(const std::string& target) {
    flush();
    if (::fsync(file_) != 0) fail(path_, "synchronising it with the disk", errno);
    // The lock stays until the name is given up: it is on the open file, not on the descriptor.
    const Descriptor lock{::fcntl(file_, F_DUPFD_CLOEXEC, 0)};
    if (::close(std::exchange(file_, -1)) != 0) fail(path_, "closing it", errno);
    if (::rename(temporary_.c_str(), target.c_str()) != 0) fail(path_, "renaming it", errno);
    temporary_.clear();
    synchronise_folder(folder_of(target));
  }

 private:
  static constexpr size_t kBufferBytes = 64 * 1024;

  void create(const std::string& target) {
    const size_t name = target.rfind('/') == std::string::npos ? 0 : target.rfind('/') + 1;
    remove_abandoned(folder_of(target), target.substr(name));
    std::random_device random;
    for (int attempt = 0;; ++attempt) {
      temporary_ = target.substr(0, name) + temporary_prefix(target.substr(name)) +
                   std::to_string(random());
      file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (file_ >= 0) {
        ::flock(file_, LOCK_EX | LOCK_NB);  // where a file system has none, nobody else can lock either
        return;
      }
      if (errno != EEXIST || attempt == 100) {
        const int error = errno;
        temporary_.clear();
        fail(path_, "creating a temporary file in its folder", error);
      }
    }
  }
  void append(const void* data, size_t bytes) {
    const char* first = static_cast<const char*>(data);
    buffer_.insert(buffer_.end(), first, first + bytes);
  }
  void flush() {
    write_through(buffer_.data(), buffer_.size());
    buffer_.clear();
  }
  void write_through(const char* data, size_t bytes) {
    while (bytes > 0) {
      const ssize_t written = ::write(file_, data, std::min(bytes, size_t{1} << 30));
      if (written < 0) {
        if (errno == EINTR) continue;
        fail(path_, "writing", errno);
      }
      data += written;
      bytes -= static_cast<size_t>(written);
    }
  }
  // Makes the new name last. Some file systems cannot do this for a folder, and some folders may be
  // written but not opened: the file itself is safe then.
  void synchronise_folder(const std::string& folder) const {
    const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0) return;
    const int error = ::fsync(opened) == 0 ? 0 : errno;
    ::close(opened);
    if (error == EIO || error == ENOSPC || error == EDQUOT)
      fail(path_, "synchronising its folder with the disk", error);
  }
  void discard() noexcept {
    if (file_ >= 0) ::close(std::exchange(file_, -1));
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    temporary_.clear();
  }

  const std::string path_;  // as the caller wrote it
  std::string temporary_;   // empty when there is none
  int file_ = -1;
  std::vector<char> buffer_;
};

}  // namespace

void replace_file(const std::string& path, const std::function<void(FileWriter&)>& content) {
  SIMDGRAD_CHECK(content, "replace_file: got an empty function");
  const std::string target = resolve(path);
  TemporaryFile file(path, target);
  content(file);
  file.take_the_place_of(target);
}

}  // namespace simdgrad
