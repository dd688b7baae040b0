#include "tests/cases/declarations.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>

namespace cases {
namespace {

const char* const kHeaders[] = {"pointwise",     "reductions", "linear_algebra",  "views",
                                "indexing",      "losses",     "normalization",   "embedding",
                                "sparse",        "creation",   "random",          "fused_optimizers"};

std::string read(const std::string& name) {
  const std::string path = std::string(SIMDGRAD_SOURCE_DIR) + "/include/simdgrad/" + name;
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::string text, line;
  while (std::getline(file, line)) text += line.substr(0, line.find("//")) + "\n";
  return text;
}

// One argument: without default, const, &, * and name.
std::string argument_type(std::string argument) {
  argument = argument.substr(0, argument.find('='));
  argument = std::regex_replace(argument, std::regex("\\bconst\\b|&|\\bstd::|\\s+$|^\\s+"), " ");
  std::istringstream words(argument);
  std::string word, type;
  std::vector<std::string> all;
  while (words >> word) all.push_back(word);
  // The last word is the name, unless the type is all there is.
  if (all.size() > 1) all.pop_back();
  for (const std::string& part : all) type += part;
  return type;
}

std::string signature(const std::string& name, const std::string& arguments) {
  std::string result = name + "(", current;
  int depth = 0;
  bool first = true;
  const auto flush = [&] {
    if (std::all_of(current.begin(), current.end(), [](unsigned char c) { return std::isspace(c); }))
      return;
    if (!first) result += ',';
    result += argument_type(current);
    first = false;
    current.clear();
  };
  for (char c : arguments) {
    depth += (c == '<' || c == '(' || c == '{') - (c == '>' || c == ')' || c == '}');
    if (c == ',' && depth == 0) {
      flush();
      current.clear();
    } else {
      current += c;
    }
  }
  flush();
  return result + ")";
}

// SIMDGRAD_OPERATOR(+): between tensors, and with a number on either side.
void add_operators(std::set<std::string>& all) {
  const std::string text = read("pointwise.h");
  const std::regex row("\nSIMDGRAD_OPERATOR\\(([^)\\s]+)\\)");
  for (std::sregex_iterator it(text.begin(), text.end(), row), end; it != end; ++it)
    for (const char* arguments : {"(Tensor,Tensor)", "(Tensor,Scalar)", "(Scalar,Tensor)"})
      all.insert("operator" + std::string((*it)[1]) + arguments);
}

void add_list_rows(const std::string& file, const std::string& macro, bool binary,
                   std::set<std::string>& all) {
  const std::string text = read(file);
  const std::regex row(macro + "\\((\\w+),\\s*\\w+\\)");
  for (std::sregex_iterator it(text.begin(), text.end(), row), end; it != end; ++it) {
    const std::string name = (*it)[1];
    if (binary) {
      all.insert(name + "(Tensor,Tensor)");
    } else {
      all.insert(name + "(Tensor)");
      all.insert(name + "_(Tensor)");
    }
  }
}

}  // namespace

std::vector<std::string> declared_operations() {
  std::set<std::string> all;
  for (const char* header : kHeaders) {
    const std::string text = read(std::string(header) + ".h");
    const std::regex declaration(
        "SIMDGRAD_API\\s+((?:std::)?(?:tuple|vector)<[^;(]*?>|Tensor\\s*&?|bool|void)\\s*"
        "(operator[^\\w\\s(]+|\\w+)\\s*\\(([^;]*)\\)\\s*;");
    for (std::sregex_iterator it(text.begin(), text.end(), declaration), end; it != end; ++it) {
      const std::string name = (*it)[2];
      // Not the macros of the lists, nor the constructors of helper types.
      if (name.find("##") != std::string::npos || name == "function" || std::isupper(name[0])) continue;
      all.insert(signature(name, (*it)[3]));
    }
  }
  add_operators(all);
  add_list_rows("unary_ops.inc", "SIMDGRAD_UNARY", false, all);
  add_list_rows("binary_ops.inc", "SIMDGRAD_BINARY", true, all);
  return {all.begin(), all.end()};
}

}  // namespace cases
