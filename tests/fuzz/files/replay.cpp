// Replays, without any fuzzer: the seeds of every format and a fixed list of mutations of them.
//   fuzz_files_replay [FORMAT]            50,000 mutations
//   fuzz_files_replay FORMAT FILE...      these files
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>

#include "tests/fuzz/files/formats.h"
#include "tests/fuzz/files/harness.h"

namespace {

constexpr long kMutations = 50000;

void replay(fuzz::Harness& harness) {
  const fuzz::Format& format = harness.format();
  const std::vector<std::string> seeds = format.seeds();
  for (const std::string& seed : seeds) harness.run(seed);
  fuzz::Random random(1);
  for (long i = 0; i < kMutations; ++i) {
    std::string bytes = seeds[random.below(seeds.size())];
    fuzz::mutate(bytes, seeds[random.below(seeds.size())], random);
    if (random.one_in(2)) format.repair(bytes, random);
    harness.run(bytes);
  }
}

}  // namespace

int main(int count, char** arguments) {
  setenv("SIMDGRAD_ALLOCATOR", "system", 1);  // so that every block is seen; read at the first one
  bool good = true, found = false;
  for (const fuzz::Format& format : fuzz::formats()) {
    if (count > 1 && std::strcmp(arguments[1], format.name) != 0) continue;
    found = true;
    fuzz::Harness harness(format);
    if (count <= 2) replay(harness);
    for (int i = 2; i < count; ++i) {
      std::ifstream file(arguments[i], std::ios::binary);
      harness.run({std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()});
    }
    std::cout << harness.report() << "\n";
    good = good && harness.good();
  }
  if (!found) std::cerr << "fuzz files: there is no format '" << arguments[1] << "'\n";
  return found && good ? 0 : 1;
}
