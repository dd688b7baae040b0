// The processes that a run compares, and what is found out in fresh ones.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "bench/peer.h"

namespace bench {

struct SideOptions {
  std::filesystem::path folder;    // where the workers lie
  std::string python;              // with jax and the wheels of the products; empty: none
  std::vector<std::string> peers;  // torch, torch-keep, torch-python, jax, products
  std::string baseline;            // an older build: its checkout, or its worker; empty: none
  int core = 0;                    // where processes of one thread are pinned
};

PeerOptions our_side(const SideOptions& options, int threads);
// The older build. std::runtime_error if its worker is not there.
PeerOptions baseline_side(const SideOptions& options, int threads);
// Starts it once. std::runtime_error if it does not come up, or if it is a build that was moved and runs
// the library of this one: a comparison with itself that nobody asked for.
void check_baseline(const SideOptions& options);
// Of the peers asked for those whose programs were built.
std::vector<PeerOptions> peer_sides(const SideOptions& options, int threads);

// Rows where page faults decide, and those are malloc's: torch-keep takes part in these.
bool asks_for_large_blocks(const std::string& workload);
// A whole step of training, of which memory is measured; steady ones are to leave the heap alone.
bool trains(const std::string& workload);
bool steady(const std::string& workload);

// Growth of the largest resident memory over what loading the library takes, after 50 calls.
double memory_of(const PeerOptions& options, const std::string& workload);
// How often a warm call asks the heap for memory: 50 calls after 10, the least of three such windows (a
// worker thread may get its first task, and its caches, late).
double allocations_of(PeerOptions options, const SideOptions& sides, const std::string& workload);

}  // namespace bench
