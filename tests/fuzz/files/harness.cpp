// Writes an input to a file without a place on disk, reads it, and judges how that ended.
#include "tests/fuzz/files/harness.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <stdexcept>

#include <simdgrad/error.h>

#include "tests/fuzz/files/formats.h"
#include "tests/fuzz/files/memory_meter.h"

namespace fuzz {

const std::vector<Format>& formats() {
  static const std::vector<Format> all = {safetensors_format, idx_format};
  return all;
}

// Readers take paths: a file without a place on any disk has one too.
Harness::Harness(const Format& format)
    : format_(format), file_(memfd_create("input", MFD_CLOEXEC)) {
  if (file_ < 0) throw std::runtime_error("no memory file");
  path_ = "/proc/self/fd/" + std::to_string(file_);
}
Harness::~Harness() { close(file_); }

std::string Harness::read(const std::string& bytes) {
  struct Metering {
    explicit Metering(size_t& into) : into(into) { begin_metering(); }
    ~Metering() { into = end_metering(); }
    size_t& into;
  };
  const Input input{path_, bytes, [this](const std::function<void()>& reader) {
                      const Metering metering(memory_);
                      reader();
                    }};
  try {
    format_.run(input);
    ++accepted_;
  } catch (const simdgrad::Error&) {
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "something unknown was thrown";
  }
  return "";
}

void Harness::run(const std::string& bytes) {
  if (ftruncate(file_, 0) != 0 ||
      pwrite(file_, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw std::runtime_error("cannot write the memory file");
  ++inputs_;
  memory_ = 0;
  const auto start = std::chrono::steady_clock::now();
  const std::string fault = read(bytes);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  seconds_ += seconds;
  if (seconds > slowest_) slowest_ = seconds, slowest_bytes_ = bytes.size();
  if (!fault.empty()) {
    ++faults_;
    keep(bytes, fault);
  }
  const size_t bound = format_.memory_bound(bytes);
  worst_share_ = std::max(worst_share_, static_cast<double>(memory_) / static_cast<double>(bound));
  if (memory_ > bound) {
    ++over_bound_;
    keep(bytes, std::to_string(memory_) + " bytes held, bound " + std::to_string(bound));
  }
}

void Harness::keep(const std::string& bytes, const std::string& what) {
  if (faults_ + over_bound_ > 10) return;
  const std::string name = std::string("fuzz-") + format_.name + "-" +
                           std::to_string(std::hash<std::string>()(bytes)) + ".bin";
  std::ofstream(name, std::ios::binary) << bytes;
  std::cerr << "fuzz files: " << format_.name << ", " << bytes.size() << " bytes: " << what
            << "; kept as " << name << "\n";
}

std::string Harness::report() const {
  char text[256];
  std::snprintf(text, sizeof text,
                "%-12s %ld inputs (%.0f a second), %ld accepted, %ld faults, %ld over the bound of "
                "memory (most %.0f%% of it), slowest %.2f ms (%zu bytes)",
                format_.name, inputs_, static_cast<double>(inputs_) / std::max(seconds_, 1e-9),
                accepted_, faults_, over_bound_, 100 * worst_share_, 1e3 * slowest_,
                slowest_bytes_);
  return text;
}

}  // namespace fuzz
