// examples/fashion_mnist: its figures, its outputs and its refusals; and what every program has.

#include <simdgrad/simdgrad.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>

#include "tests/catch.h"
#include "tests/program.h"

using namespace simdgrad;

namespace {

const char* const kFashion = "/usr/share/datasets/fashion-mnist";

#define SKIP_WITHOUT_PROGRAMS() \
  if (!std::filesystem::exists(program_path("fashion_mnist"))) SKIP("examples are not built")

std::string idx(const std::vector<int>& sizes, const std::string& data) {
  std::string bytes = {0, 0, 8, static_cast<char>(sizes.size())};
  for (const int size : sizes)
    bytes += {0, 0, static_cast<char>(size >> 8), static_cast<char>(size)};
  return bytes + data;
}

// 300 and 100 images of 4 x 3 pixels that show their label: a model of any size can learn them.
void write_images(const ScratchFolder& folder) {
  for (const auto& [part, count] : {std::pair<std::string, int>{"train", 300}, {"t10k", 100}}) {
    std::string pixels, labels;
    for (int i = 0; i < count; ++i) {
      std::string image(12, static_cast<char>(i % 7));
      image[static_cast<size_t>(i % 10)] = static_cast<char>(250);
      pixels += image;
      labels += static_cast<char>(i % 10);
    }
    folder.write(part + "-images-idx3-ubyte", idx({count, 4, 3}, pixels));
    folder.write(part + "-labels-idx1-ubyte", idx({count}, labels));
  }
}

std::string last_line(std::string text) {
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

}  // namespace

TEST_CASE("the first ten losses are the reference program's") {
  SKIP_WITHOUT_PROGRAMS();
  if (!std::filesystem::exists(kFashion)) SKIP("dataset-fashion-mnist is not installed");
  std::ifstream file(SIMDGRAD_TEST_DATA "/fashion_mnist_losses.txt");
  std::string line;
  std::getline(file, line);
  REQUIRE(line.rfind("# seed", 0) == 0);
  int seeds = 0;
  for (; std::getline(file, line); ++seeds) {
    std::istringstream wanted(line);
    std::string seed, word;
    wanted >> seed;
    const ProgramResult run =
        run_program("fashion_mnist", {"--seed", seed, "--epochs", "1", "--steps", "10",
                                      "--print-losses", "10", "--threads", "2"});
    if (run.foreign) SKIP("the program cannot be run here");
    REQUIRE(run.status == 0);
    std::istringstream found(run.err);
    double loss, reference;
    for (int i = 0; i < 10; ++i) {
      INFO("seed " << seed << ", loss " << i);
      REQUIRE((wanted >> reference && found >> word >> loss && word == "loss"));
      REQUIRE_THAT(loss, WithinAbs(reference, 1e-5));
    }
  }
  REQUIRE(seeds == 5);
}

TEST_CASE("the classifier trains, reports and saves; threads change nothing") {
  SKIP_WITHOUT_PROGRAMS();
  const ScratchFolder folder;
  write_images(folder);
  const std::vector<std::string> arguments = {"--data",  folder.path(), "--hidden", "16,8",
                                              "--batch", "32",          "--lr=0.01"};
  const auto run = [&](std::vector<std::string> more) {
    more.insert(more.begin(), arguments.begin(), arguments.end());
    return run_program("fashion_mnist", more);
  };
  const std::regex result("test_accuracy=[01]\\.\\d{4} seconds=\\d+\\.\\d images_per_second=\\d+");
  for (const std::string optimizer : {"adam", "adamw", "sgd"}) {
    std::string models[2];
    for (int threads = 1; threads <= 2; ++threads) {
      const std::string out = folder / (optimizer + std::to_string(threads) + "/deep");
      const ProgramResult trained = run({"--optimizer", optimizer, "--epochs", "12", "--seed=3",
                                         "--out", out, "--threads", std::to_string(threads)});
      INFO(trained.err << trained.out);
      if (trained.foreign) SKIP("the program cannot be run here");
      REQUIRE(trained.status == 0);
      REQUIRE(std::regex_match(last_line(trained.out), result));
      // No terminal: a line for each epoch, no bar, no colour.
      REQUIRE(std::count(trained.err.begin(), trained.err.end(), '\n') == 12);
      REQUIRE(trained.err.find_first_of("\r\033") == std::string::npos);
      if (optimizer != "sgd") REQUIRE(trained.out.find("test_accuracy=1.0000 ") == 0);
      std::ifstream metrics(out + "/metrics.csv");
      std::string line;
      std::getline(metrics, line);
      REQUIRE(line == "epoch,loss,accuracy,seconds,images_per_second");
      int rows = 0;
      while (std::getline(metrics, line)) {
        REQUIRE(line.rfind(std::to_string(++rows) + ",", 0) == 0);
        REQUIRE(std::count(line.begin(), line.end(), ',') == 4);
      }
      REQUIRE(rows == 12);
      const TensorDict tensors = load_safetensors(out + "/model.safetensors").tensors;
      REQUIRE(tensors.keys() == std::vector<std::string>{"0.weight", "0.bias", "2.weight", "2.bias",
                                                         "4.weight", "4.bias"});
      std::ifstream model(out + "/model.safetensors", std::ios::binary);
      models[threads - 1].assign(std::istreambuf_iterator<char>(model), {});
    }
    REQUIRE(models[0] == models[1]);
  }
  const ProgramResult tested =
      run({"--epochs", "0", "--load", folder / "adam1/deep/model.safetensors"});
  REQUIRE(tested.out == "test_accuracy=1.0000 seconds=0.0 images_per_second=0\n");
}

TEST_CASE("programs refuse what they cannot do, by name, and damage nothing") {
  SKIP_WITHOUT_PROGRAMS();
  const ScratchFolder folder;
  write_images(folder);
  const auto refused = [&](const std::vector<std::string>& arguments, int status,
                           const std::string& text) {
    const ProgramResult run = run_program("fashion_mnist", arguments);
    if (run.foreign) return;  // cannot be run here
    INFO(run.err << run.out);
    REQUIRE(run.status == status);
    REQUIRE(run.out == "");
    REQUIRE_THAT(run.err, ContainsSubstring(text));
    if (status == 1) REQUIRE(last_line(run.err).rfind("fashion_mnist: ", 0) == 0);
  };
  const std::string data = "--data=" + folder.path(), few = "--epochs=1";
  refused({"--data", folder / "none"}, 1, "has neither train-images-idx3-ubyte nor");
  refused({data, "--out", folder / "train-images-idx3-ubyte"}, 1,
          "cannot create the folder " + (folder / "train-images-idx3-ubyte") + ": Not a directory");
  if (::geteuid() != 0) {
    ::mkdir((folder / "closed").c_str(), 0500);
    refused({data, "--out", folder / "closed"}, 1, "closed is not writable");
  }
  save_safetensors(folder / "other", {{"0.weight", ones({16, 12})}});
  refused({data, "--hidden", "16", "--load", folder / "other"}, 1,
          "'0.bias' is missing from the file, the model needs [16] of float32");
  refused({data, "--load", folder / "other"}, 1,
          "'0.weight' is [16, 12] of float32 in the file, the model needs [128, 12] of float32");
  // An output that cannot be replaced: what stood there stays, and so does its neighbour.
  std::filesystem::create_directories(folder / "out/model.safetensors");
  std::ofstream(folder / "out/metrics.csv") << "old";
  refused({data, few, "--out", folder / "out"}, 1,
          "out/model.safetensors: it exists and is not a regular file");
  REQUIRE(folder.read("out/metrics.csv") == "old");

  folder.write("t10k-labels-idx1-ubyte", idx({100}, std::string(100, 12)));
  refused({data}, 1, "t10k-labels-idx1-ubyte: label 0 is 12, 0 to 9 are possible");
  folder.write("train-images-idx3-ubyte", "");
  refused({data}, 1, "train-images-idx3-ubyte: the header ends after 0 bytes");

  for (const std::vector<std::string>& usage :
       std::vector<std::vector<std::string>>{{"--nonsense"},
                                             {"surplus"},
                                             {"--epochs", "-1"},
                                             {"--epochs", "two"},
                                             {"--threads", "0"},
                                             {"--batch", "0"},
                                             {"--hidden", "0"},
                                             {"--hidden", "5,-3"},
                                             {"--lr", "-1"},
                                             {"--seed", "-1"},
                                             {"--optimizer", "lion"},
                                             {"--data"}})
    refused(usage, 2, "--");
}

TEST_CASE("every program has --help and --version") {
  SKIP_WITHOUT_PROGRAMS();
  for (const std::string name : {"fashion_mnist", "notebook"}) {
    const ProgramResult help = run_program(name, {"--help"}),
                        version = run_program(name, {"--version"});
    if (help.foreign) SKIP("the program cannot be run here");
    REQUIRE((help.status == 0 && version.status == 0));
    REQUIRE(version.out == name + " " + SIMDGRAD_VERSION + "\n");
    for (const std::string option : {"--help", "--version", "--seed", "--threads"})
      REQUIRE_THAT(help.out, ContainsSubstring(option));
    REQUIRE(run_program(name, {"--nonsense"}).status == 2);
    REQUIRE(run_program(name, {"--threads=x"}).status == 2);
  }
}

TEST_CASE("simdgrad.h includes every public header") {
  const std::string folder = SIMDGRAD_SOURCE_DIR "/include/simdgrad";
  const auto text_of = [&](const std::string& name) {
    std::ifstream file(folder + "/" + name);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string all = text_of("simdgrad.h") + text_of("nn.h") + text_of("optim.h");
  int headers = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string name = std::filesystem::relative(entry.path(), folder).string();
    if (entry.path().extension() != ".h" || name == "simdgrad.h") continue;
    ++headers;
    INFO(name);
    REQUIRE_THAT(all, ContainsSubstring("#include <simdgrad/" + name + ">"));
  }
  REQUIRE(headers > 30);
}
