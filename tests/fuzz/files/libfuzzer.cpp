// libFuzzer's entry: the format that SIMDGRAD_FUZZ_FORMAT names; its seeds are written into the folder
// SIMDGRAD_FUZZ_SEEDS, where libFuzzer finds them. ./dev fuzz files builds and runs it.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>

#include "tests/fuzz/files/formats.h"
#include "tests/fuzz/files/harness.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);

namespace {

fuzz::Harness& harness() {
  static fuzz::Harness* const made = [] {
    const char* const name = std::getenv("SIMDGRAD_FUZZ_FORMAT");
    for (const fuzz::Format& format : fuzz::formats()) {
      if (!name || std::strcmp(name, format.name) != 0) continue;
      auto* const one = new fuzz::Harness(format);
      std::atexit([] {
        std::cout << harness().report() << std::endl;
        if (!harness().good()) std::_Exit(1);
      });
      return one;
    }
    std::cerr << "SIMDGRAD_FUZZ_FORMAT names no format\n";
    std::exit(2);
  }();
  return *made;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const char* const folder = std::getenv("SIMDGRAD_FUZZ_SEEDS");
  int number = 0;
  for (const std::string& seed : harness().format().seeds())
    if (folder)
      std::ofstream(folder + ("/seed-" + std::to_string(++number)), std::ios::binary) << seed;
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  harness().run(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}

// libFuzzer's own mutations, and those that know the format.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  fuzz::Random random(seed);
  std::string bytes;
  if (random.one_in(2)) {
    bytes.assign(reinterpret_cast<char*>(data), LLVMFuzzerMutate(data, size, most));
  } else {
    bytes.assign(reinterpret_cast<char*>(data), size);
    fuzz::mutate(bytes, bytes.empty() ? std::string("0") : bytes, random);
  }
  if (random.one_in(2)) harness().format().repair(bytes, random);
  if (bytes.size() > most) bytes.resize(most);
  std::memcpy(data, bytes.data(), bytes.size());
  return bytes.size();
}
