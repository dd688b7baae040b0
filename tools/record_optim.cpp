// Records the steps of libtorch's optimizers in double, for tests/data/optim_steps.tsv. One line
// per case and step: name, tab, step, tab, the parameters' values as hexadecimal floats.

#include <torch/torch.h>

#include <cstdio>
#include <string>

#include "optim_cases.h"

int main() {
  std::printf("# made by tools/record_optim.cpp with libtorch %s\n", TORCH_VERSION);
  optim_cases::visit_all(
      [](const std::string& name, int step, const optim_cases::Parameters& parameters) {
        std::printf("%s\t%d\t", name.c_str(), step);
        const char* between = "";
        for (const torch::Tensor& parameter : parameters) {
          const torch::Tensor values = parameter.detach().contiguous();
          for (int64_t i = 0; i < values.numel(); ++i) {
            std::printf("%s%a", between, values.data_ptr<double>()[i]);
            between = " ";
          }
        }
        std::printf("\n");
      });
}
