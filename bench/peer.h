// A worker process that measures one side: started, spoken to line by line, ended.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

namespace bench {

struct PeerOptions {
  std::string name;                      // "simdgrad", "torch", "torch-keep", "jax", "openblas" ...
  std::vector<std::string> command;      // program and arguments
  std::vector<std::string> environment;  // NAME=VALUE, or NAME to unset it
  int threads = 1;
  int core = -1;  // the only core it may use, -1: all
};

class Peer {
 public:
  // Starts it. std::runtime_error if it does not come up.
  explicit Peer(const PeerOptions& options);
  ~Peer();
  Peer(Peer&& other) noexcept;
  Peer(const Peer&) = delete;

  const std::string& name() const { return options_.name; }
  // What it says of itself: version, kernels.
  const std::string& about() const { return about_; }
  // The file of the library of such a name that it has loaded; empty if it has none.
  std::string loaded(const std::string& library) const;
  // Sends a line, returns the answer. std::runtime_error if the process has ended.
  std::string ask(const std::string& line);

  // False if it does not have this workload.
  bool prepare(const std::string& workload);
  // Of what it computes; empty if it has checked that by itself or there is nothing to compare.
  const std::optional<double>& checksum() const { return checksum_; }
  // The kernel that it chose for this workload, if it says so.
  const std::string& kernel() const { return kernel_; }
  // Windows for so many seconds: seconds per item of each.
  std::vector<double> run(double seconds);

 private:
  PeerOptions options_;
  pid_t process_ = -1;
  std::FILE* to_ = nullptr;
  std::FILE* from_ = nullptr;
  std::string about_, kernel_;
  std::optional<double> checksum_;
};

}  // namespace bench
