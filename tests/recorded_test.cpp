// Error texts, node names, module values and printed tensors against those recorded from torch
// (tests/data).

#include <simdgrad/simdgrad.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace torch = simdgrad;
#include "tests/catch.h"
#include "tools/error_situations/all.h"
#include "tools/grad_fn_expressions.h"
#include "tools/module_cases.h"

using namespace simdgrad;

namespace {

// "NAME tab REST" rows, without comments; rows below "# later" are of parts that do not exist yet.
std::map<std::string, std::string> recorded(const std::string& name) {
  std::ifstream file(std::string(SIMDGRAD_TEST_DATA) + "/" + name);
  REQUIRE(file.good());
  std::map<std::string, std::string> rows;
  for (std::string line; std::getline(file, line) && line != "# later";) {
    const size_t tab = line.find('\t');
    if (line[0] != '#') rows[line.substr(0, tab)] = line.substr(tab + 1);
  }
  REQUIRE_FALSE(rows.empty());
  return rows;
}

std::string outcome(const error_situations::Situation& situation) {
  std::string text = "accepted";
  try {
    situation.run();
  } catch (const Error& error) {
    text = error.what_without_backtrace();
  } catch (const std::exception& error) {
    text = std::string("std::exception: ") + error.what();
  }
  return text.substr(0, text.find('\n'));
}

// Where our answer differs from libtorch's on purpose; each is an exception of promise 1, told in
// docs/moving-from-libtorch.md. The situations' own `ours` hold the mended typos and asserts.
const std::map<std::string, std::string> kOurTexts = {
    // libtorch means to refuse this, but notices it only after the first step.
    {"SGD same parameter twice", "some parameters appear in more than one parameter group"},
};

}  // namespace

TEST_CASE("error texts are libtorch's") {
  manual_seed(1);
  auto texts = recorded("error_texts.tsv");
  for (const auto& situation : error_situations::all()) {
    INFO(situation.name);
    REQUIRE(texts.count(situation.name));
    std::string expected = situation.ours ? situation.ours : texts.at(situation.name);
    // Ours are all of the one kind Error.
    const std::string other_kind = "std::exception: ";
    if (expected.rfind(other_kind, 0) == 0) expected.erase(0, other_kind.size());
    if (kOurTexts.count(situation.name)) {
      CHECK(kOurTexts.at(situation.name) != expected);
      expected = kOurTexts.at(situation.name);
    }
    CHECK(outcome(situation) == expected);
    texts.erase(situation.name);
  }
  CHECK(texts.empty());
}

TEST_CASE("nodes bear libtorch's names") {
  const auto names = recorded("grad_fn_names.tsv");
  const auto rows = grad_fn_expressions::all();
  CHECK(rows.size() == names.size());
  for (const auto& [expression, name] : rows) {
    INFO(expression);
    REQUIRE(names.count(expression));
    CHECK(name == names.at(expression));
  }
}

namespace {

// One block of printed_tensors.txt; tools/record_prints.py describes the keys.
struct PrintCase {
  std::string name, text;
  std::map<std::string, std::vector<std::string>> keys;
  bool has(const char* key) const { return keys.count(key) != 0; }
  std::vector<int64_t> integers(const char* key) const {
    std::vector<int64_t> result;
    for (const std::string& word : keys.at(key)) result.push_back(std::stoll(word));
    return result;
  }
};

std::vector<PrintCase> print_cases() {
  std::ifstream file(std::string(SIMDGRAD_TEST_DATA) + "/printed_tensors.txt");
  REQUIRE(file.good());
  std::vector<PrintCase> cases;
  for (std::string line; std::getline(file, line);) {
    if (line[0] == '#') continue;
    if (line.rfind("== ", 0) == 0) {
      cases.push_back({line.substr(3), "", {}});
      continue;
    }
    std::istringstream words(line);
    std::string key, word;
    words >> key;
    std::vector<std::string> values;
    while (words >> word) values.push_back(word);
    if (key != "expect") {
      cases.back().keys[key] = values;
      continue;
    }
    for (int left = std::stoi(values[0]); left > 0; --left) {
      std::getline(file, line);
      cases.back().text += line + (left > 1 ? "\n" : "");
    }
  }
  return cases;
}

ScalarType dtype_of(const std::string& name) {
  const std::map<std::string, ScalarType> types = {
      {"float32", kFloat}, {"float64", kDouble}, {"int64", kLong}, {"int32", kInt},
      {"int16", kShort},   {"int8", kChar},      {"uint8", kByte}, {"bool", kBool}};
  return types.at(name);
}

// Elements as int64 or double, then converted.
Tensor elements(const PrintCase& c, const std::vector<int64_t>& shape, ScalarType dtype) {
  const bool floating = dtype == kFloat || dtype == kDouble;
  const Tensor result = empty(shape, floating ? kDouble : kLong);
  for (int64_t i = 0; i < result.numel(); ++i) {
    double value = 0;
    if (c.has("values")) {
      const std::string& word = c.keys.at("values").at(static_cast<size_t>(i));
      if (!floating) {
        result.data_ptr<int64_t>()[i] = std::stoll(word);
        continue;
      }
      value = std::strtod(word.c_str(), nullptr);
    } else if (c.has("arange")) {
      const auto& words = c.keys.at("arange");
      value = std::strtod(words[0].c_str(), nullptr) +
              std::strtod(words[1].c_str(), nullptr) * static_cast<double>(i);
    } else {
      const auto n = c.integers("cycle");
      value = static_cast<double>((n[0] * i) % n[1] - n[2]) / static_cast<double>(n[3]);
    }
    if (floating) {
      result.data_ptr<double>()[i] = value;
    } else {
      result.data_ptr<int64_t>()[i] = static_cast<int64_t>(value);
    }
  }
  return result.to(dtype);
}

Tensor build(const PrintCase& c) {
  const ScalarType dtype = dtype_of(c.keys.at("dtype")[0]);
  const auto shape = c.integers("shape");
  Tensor x;
  if (c.has("indices")) {
    auto flat = c.integers("indices");
    const int64_t sparse_dim = flat[0];
    flat.erase(flat.begin());
    const Tensor indices = empty({static_cast<int64_t>(flat.size())}, kLong);
    std::copy(flat.begin(), flat.end(), indices.data_ptr<int64_t>());
    const int64_t count = static_cast<int64_t>(flat.size()) / sparse_dim;
    x = sparse_coo_tensor(indices.view({sparse_dim, count}),
                          elements(c, c.integers("dense"), dtype), shape);
    if (c.has("coalesce")) x = x.coalesce();
  } else {
    x = elements(c, shape, dtype);
  }
  if (c.has("permute")) x = x.permute(c.integers("permute"));
  if (c.has("slice")) x = x.slice(0, c.integers("slice")[0], std::nullopt, c.integers("slice")[1]);
  if (c.has("requires_grad")) x.requires_grad_(true);
  if (!c.has("apply")) return x;
  const std::string& apply = c.keys.at("apply")[0];
  if (apply == "neg") return -x;
  if (apply == "add") return x + x;
  if (apply == "sum") return x.sum();
  return x.view({-1});
}

}  // namespace

namespace {

// The words are KEY=VALUE.
void set_options(const std::vector<std::string>& words) {
  PrintOptions options;
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    const std::string key = word.substr(0, equals), value = word.substr(equals + 1);
    if (key == "profile") options.profile(value);
    else if (key == "sci_mode") options.sci_mode(value == "True");
    else if (key == "precision") options.precision(std::stoll(value));
    else if (key == "threshold") options.threshold(std::stoll(value));
    else if (key == "edgeitems") options.edgeitems(std::stoll(value));
    else if (key == "linewidth") options.linewidth(std::stoll(value));
    else FAIL("unknown option " << word);
  }
  set_printoptions(options);
}

// Back to the defaults, whatever a check did.
struct DefaultOptions {
  ~DefaultOptions() {
    set_default_dtype(kFloat);
    set_printoptions(PrintOptions().profile("default"));
  }
};

}  // namespace

TEST_CASE("tensors print as in Python") {
  const std::vector<PrintCase> cases = print_cases();
  REQUIRE(cases.size() == 177);
  for (const PrintCase& c : cases) {
    INFO(c.name);
    const DefaultOptions defaults;
    if (c.has("default_dtype")) set_default_dtype(dtype_of(c.keys.at("default_dtype")[0]));
    if (c.has("options")) set_options(c.keys.at("options"));
    std::ostringstream out;
    out << build(c);
    CHECK(out.str() == c.text);
  }
}

TEST_CASE("modules and fills draw libtorch's numbers") {
  const auto rows = recorded("module_values.txt");
  std::set<std::string> seen;
  const auto check = [&](const std::string& name, const Tensor& given, double tolerance) {
    INFO(name);
    REQUIRE(rows.count(name));
    seen.insert(name);
    const std::string& row = rows.at(name);
    const size_t tab = row.find('\t');
    std::string sizes;
    for (int64_t d = 0; d < given.dim(); ++d)
      sizes += (d ? "x" : "") + std::to_string(given.size(d));
    CHECK(sizes == row.substr(0, tab));
    const Tensor values = given.detach().contiguous().view({-1});
    std::istringstream words(row.substr(tab + 1));
    int64_t count = 0;
    for (std::string word; words >> word; ++count) {
      const uint32_t bits = static_cast<uint32_t>(std::stoul(word, nullptr, 16));
      float expected;
      std::memcpy(&expected, &bits, sizeof expected);
      REQUIRE(count < values.numel());
      const float actual = values.data_ptr<float>()[count];
      INFO(count << ": " << actual << ", recorded " << expected);
      if (tolerance == 0) {
        CHECK(std::memcmp(&actual, &expected, sizeof actual) == 0);
      } else {
        CHECK_THAT(actual, WithinAbs(expected, tolerance));
      }
    }
    CHECK(count == values.numel());
  };
  module_cases::visit([&](const std::string& name, const auto& make) {
    manual_seed(24);
    // Normal numbers agree to their rounding, all others bit for bit.
    const bool normal = name.find("Embedding") == 0 || name.find("randn") == 0 ||
                        name.find("normal_") == 0;
    for (const auto& [part, tensor] : make()) check(name + " " + part, tensor, normal ? 1e-6 : 0);
    check(name + " next", rand({1}), 0);
  });
  CHECK(seen.size() == rows.size());
}
