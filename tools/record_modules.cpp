// Records what libtorch's modules start with and do with random numbers, for
// tests/data/module_values.txt. One line per tensor: case, sizes, then float bits in hexadecimal.
// Each case runs after manual_seed(24) and ends with one more draw, rand({1}), named "CASE next".
//
// Run with ATEN_CPU_CAPABILITY=default: each operation rounded on its own (see record_random.py).
// Embedding weights come from the normal fill and agree to 1e-6 only.

#include <torch/torch.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "module_cases.h"

namespace {

void print(const std::string& name, const torch::Tensor& given) {
  const torch::Tensor tensor = given.detach().contiguous();
  std::string sizes;
  for (int64_t i = 0; i < tensor.dim(); ++i)
    sizes += (i ? "x" : "") + std::to_string(tensor.size(i));
  std::printf("%s\t%s\t", name.c_str(), sizes.c_str());
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    uint32_t bits;
    std::memcpy(&bits, tensor.data_ptr<float>() + i, sizeof bits);
    std::printf("%s%" PRIx32, i ? " " : "", bits);
  }
  std::printf("\n");
}

}  // namespace

int main() {
  std::printf("# made by tools/record_modules.cpp with libtorch %s\n", TORCH_VERSION);
  module_cases::visit([](const std::string& name, const auto& make) {
    torch::manual_seed(24);
    for (const auto& [part, tensor] : make()) print(name + " " + part, tensor);
    print(name + " next", torch::rand({1}));
  });
}
