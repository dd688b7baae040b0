// Runs inputs of one format and keeps count.
#pragma once

#include <string>

#include "tests/fuzz/files/format.h"

namespace fuzz {

class Harness {
 public:
  explicit Harness(const Format& format);
  ~Harness();
  Harness(const Harness&) = delete;

  const Format& format() const { return format_; }
  // Reads it. What is wrong is reported on stderr, with the input in a file beside, and counted.
  void run(const std::string& bytes);
  // One line: inputs, those that were accepted, faults, those over the bound, memory, time.
  std::string report() const;
  bool good() const { return faults_ == 0 && over_bound_ == 0; }

 private:
  // How the reading of it ends: "" when all is well.
  std::string read(const std::string& bytes);
  void keep(const std::string& bytes, const std::string& what);

  const Format& format_;
  int file_;
  std::string path_;
  long inputs_ = 0, accepted_ = 0, faults_ = 0, over_bound_ = 0;
  size_t memory_ = 0;       // of the present input
  double worst_share_ = 0;  // of its bound that an input took
  double seconds_ = 0, slowest_ = 0;
  size_t slowest_bytes_ = 0;
};

}  // namespace fuzz
