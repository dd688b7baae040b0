// examples/notebook against the figures of the notebook itself (tests/data/notebook.txt).

#include <simdgrad/simdgrad.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

#include "tests/catch.h"
#include "tests/program.h"

using namespace simdgrad;

namespace {

using Cells = std::vector<std::pair<std::string, std::string>>;  // "In [2]:", what it printed

Cells cells_of(std::istream& text) {
  Cells cells;
  for (std::string line; std::getline(text, line);) {
    if (line.rfind("In [", 0) == 0) {
      cells.emplace_back(line, "");
    } else if (!cells.empty()) {
      cells.back().second += line + "\n";
    }
  }
  for (auto& [name, printed] : cells) printed.erase(printed.find_last_not_of('\n') + 1);
  return cells;
}

}  // namespace

TEST_CASE("the program prints what the notebook printed, to the digit") {
  if (!std::filesystem::exists(program_path("notebook"))) SKIP("examples are not built");
  const ProgramResult run = run_program("notebook", {"--loops", "3"});
  if (run.foreign) SKIP("the program cannot be run here");
  INFO(run.err);
  REQUIRE(run.status == 0);
  REQUIRE(run.err == "");
  std::istringstream output(run.out);
  std::ifstream figures(SIMDGRAD_TEST_DATA "/notebook.txt");
  const Cells found = cells_of(output), wanted = cells_of(figures);
  REQUIRE(wanted.size() == 20);
  REQUIRE(found.size() == wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto& [name, printed] = wanted[i];
    INFO(name);
    REQUIRE(found[i].first == name);
    if (name == "In [29]:") {  // cut off in the notebook
      REQUIRE(printed.size() == 1000);
      REQUIRE(found[i].second.substr(0, printed.size()) == printed);
      REQUIRE_THAT(found[i].second, EndsWith("\ntensor(0., grad_fn=<MeanBackward0>)"));
    } else if (name == "In [24]:") {  // times
      std::istringstream times(found[i].second);
      double embedding = 0, linear = 0;
      REQUIRE((times >> embedding >> linear && embedding > 0 && linear > 0));
    } else {
      REQUIRE(found[i].second == printed);
    }
  }
}

TEST_CASE("the notebook's linear, mm, addmm and matmul agree bit for bit") {
  manual_seed(24);
  for (const auto& [words, features] : {std::pair<int64_t, int64_t>{4, 5}, {10000, 128}}) {
    const Tensor w = nn::Linear(nn::LinearOptions(words, features).bias(false))->weight;
    const Tensor x = rand({3, words});
    const Tensor y = nn::functional::linear(x, w);
    REQUIRE(equal(y, mm(x, w.t())));
    REQUIRE(equal(y, matmul(x, w.numpy_T())));
    REQUIRE(equal(y, addmm(zeros({features}), x, w.t())));
    REQUIRE(equal(y, matmul(x.unsqueeze(0), w.t()).squeeze(0)));
  }
}
