// What this machine can do, measured without the library: the limits that rows are compared with.
#pragma once

#include <string>
#include <vector>

namespace bench {

struct Peak {
  std::string isa;
  double one = 0, all = 0;  // float32 flops per second of one thread, of all
};

// Ways through memory: each has another limit.
enum class Traffic { read, copy, triad, update, fill };  // x; y = x; z = x + 3 y; x = x + 1; x = 0
constexpr int kTraffics = 5;
// "read", "copy" ...; copy for any other word.
Traffic traffic_of(const std::string& name);

// Bytes per second as a program counts them (read and written, no reads for ownership).
struct Bandwidth {
  std::string level;  // "L1", "L2", "L3", "DRAM"
  double capacity = 0, working_set = 0;
  double rates[kTraffics][2] = {};  // of one thread, of all
  double rate(Traffic traffic, bool all) const { return rates[static_cast<int>(traffic)][all]; }
};

struct Machine {
  std::string cpu, date;
  int threads = 1;
  std::vector<Peak> peaks;  // of each instruction set, the widest last
  std::vector<Bandwidth> levels;

  // The shortest time that `flops` and `bytes` can take on one thread or on all.
  double limit(double flops, double bytes, Traffic traffic, bool all) const;
};

Machine measure_machine(int threads);
// Raises the widest peak by a fresh look of some milliseconds: clocks change in the course of a run.
void measure_peak_again(Machine& machine);

}  // namespace bench
