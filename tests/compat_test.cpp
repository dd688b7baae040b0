// libtorch's names over simdgrad, in a program of its own: it links the shared library through
// simdgrad::torch_compat, as users do, and warnings go to stderr in it.

#include <torch/torch.h>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/TensorOptions.h>
#include <c10/util/ArrayRef.h>
#include <c10/util/Exception.h>
#include <c10/util/Optional.h>
#include <torch/autograd.h>
#include <torch/nn.h>
#include <torch/optim.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/catch.h"

namespace {

std::vector<std::string> lines_of(std::istream& stream) {
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);)
    if (!line.empty() && line[0] != '#') lines.push_back(line);
  return lines;
}

std::string output_of(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string text;
  char buffer[4096];
  while (const size_t count = fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, count);
  REQUIRE(pclose(pipe) == 0);
  return text;
}

struct Warnings : c10::WarningHandler {
  void process(const std::string& message) override { last = message; }
  std::string last;
};

struct NetOptions {
  NetOptions(int64_t width) : width_(width) {}
  TORCH_ARG(int64_t, width);
  TORCH_ARG(double, slope) = 0.5;
};
struct NetImpl : torch::nn::Cloneable<NetImpl> {
  explicit NetImpl(NetOptions chosen) : options(chosen) { reset(); }
  void reset() override { weight = register_parameter("weight", torch::ones({options.width()})); }
  torch::Tensor forward(torch::Tensor x) { return x * weight * options.slope(); }
  NetOptions options;
  torch::Tensor weight;
};
TORCH_MODULE(Net);

}  // namespace

TEST_CASE("threads by libtorch's names") {
  at::set_num_threads(1);
  int64_t sum = 0;
  at::parallel_for(0, 10, 3, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) sum += i;
  });
  CHECK(sum == 45);
  CHECK(at::get_num_threads() == 1);
}

TEST_CASE("a training program for libtorch computes libtorch's losses") {
  std::istringstream printed(output_of(SIMDGRAD_TRAINING));
  std::ifstream file(std::string(SIMDGRAD_TEST_DATA) + "/training_losses.txt");
  REQUIRE(file.good());
  const std::vector<std::string> ours = lines_of(printed), recorded = lines_of(file);
  REQUIRE(ours.size() == recorded.size());
  REQUIRE(ours.size() > 100);
  for (size_t i = 0; i < ours.size(); ++i) {
    INFO("ours: " << ours[i] << "\nlibtorch: " << recorded[i]);
    const size_t mine = ours[i].rfind(' '), theirs = recorded[i].rfind(' ');
    if (i + 1 == ours.size()) {
      CHECK(ours[i] == recorded[i]);  // the text of a refusal
      continue;
    }
    CHECK(ours[i].substr(0, mine) == recorded[i].substr(0, theirs));
    const double expected = std::stod(recorded[i].substr(theirs));
    CHECK(std::stod(ours[i].substr(mine)) == Approx(expected).margin(1e-5).epsilon(1e-5));
  }
}

TEST_CASE("libtorch's macros") {
  const auto text = [](auto&& call) -> std::string {
    try {
      call();
    } catch (const c10::Error& error) {
      return error.what_without_backtrace();
    }
    return "accepted";
  };
  CHECK(text([] { TORCH_CHECK(1 + 1 == 3, "sum ", 1.5, " of ", torch::ones({2, 3}).sizes()); }) ==
        "sum 1.5 of [2, 3]");
  CHECK(text([] { TORCH_CHECK(1 + 1 == 2, "not reached"); }) == "accepted");
  CHECK(text([] { TORCH_CHECK(1 + 1 == 3); }) ==
        "Expected 1 + 1 == 3 to be true, but got false.  (Could this error message be improved?  "
        "If so, please report an enhancement request to PyTorch.)");
  CHECK_THROWS_AS([] { TORCH_CHECK_INDEX(false, "index"); }(), c10::IndexError);
  CHECK_THROWS_AS([] { TORCH_CHECK_VALUE(false, "value"); }(), c10::ValueError);
  CHECK(TORCH_VERSION_MAJOR == 2);

  Net net(NetOptions(3).slope(2));
  CHECK(net->named_parameters()["weight"].sizes() == at::IntArrayRef({3}));
  CHECK(torch::equal(net(torch::ones({3})), torch::full({3}, 2.f)));
}

TEST_CASE("names that programs take from at, c10 and torch") {
  const c10::optional<int64_t> none = c10::nullopt;
  CHECK_FALSE(none.has_value());
  const at::Tensor x = at::ones({2}, at::kDouble);
  CHECK(x.dtype() == torch::kFloat64);
  CHECK(torch::str(1, " ", 2.5, " ", x.sizes()) == "1 2.5 [2]");
  CHECK(c10::str("a", 'b') == "ab");
  const at::Scalar number = 2.5;
  CHECK((number.toDouble() == 2.5 && number.toFloat() == 2.5f && number.toLong() == 2 &&
         number.toInt() == 2 && number.toBool()));
  CHECK(c10::Join(", ", std::vector<int>{1, 2}) == "1, 2");
  const torch::Dtype dtype = torch::kF32;
  CHECK(torch::zeros({1}, dtype).scalar_type() == at::ScalarType::Float);
  CHECK_FALSE(torch::cuda::is_available());
  const torch::Device device(torch::cuda::is_available() ? torch::kCUDA : torch::kCPU);
  CHECK(x.to(device).is_same(x));
  CHECK_THROWS_AS(x.to(torch::kCUDA), c10::Error);
  std::ostringstream out;
  out << torch::nn::Linear(2, 3);
  CHECK(out.str() == "torch::nn::Linear(in_features=2, out_features=3, bias=true)");
}

TEST_CASE("warnings go to stderr until a program takes them") {
  c10::WarningHandler* const before = c10::get_warning_handler();
  REQUIRE(before != nullptr);
  Warnings warnings;
  c10::set_warning_handler(&warnings);
  TORCH_WARN("rate ", 0.5);
  CHECK(warnings.last == "rate 0.5");
  torch::nn::functional::mse_loss(torch::ones({2}), torch::ones({2, 2}));
  CHECK(warnings.last ==
        "Using a target size ([2, 2]) that is different to the input size ([2]). This will likely "
        "lead to incorrect results due to broadcasting. Please ensure they have the same size.");
  c10::set_warning_handler(before);
}
