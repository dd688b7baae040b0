// Preprocessed C++ as tokens: line markers, then characters.
#include "tests/fuzz/calls/header_tokens.h"

#include <cctype>
#include <filesystem>
#include <sstream>
#include <stdexcept>

namespace fuzz {
namespace {

bool is_name_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// The end of a literal that starts at `begin` with a quote.
size_t end_of_literal(const std::string& line, size_t begin) {
  size_t end = begin + 1;
  while (end < line.size() && line[end] != line[begin]) end += line[end] == '\\' ? 2 : 1;
  if (end >= line.size()) throw std::runtime_error("a literal without end: " + line);
  return end + 1;
}

void read_line(const std::string& line, const std::string& place, std::vector<Token>& tokens) {
  for (size_t at = 0; at < line.size();) {
    const char c = line[at];
    if (std::isspace(static_cast<unsigned char>(c))) {
      ++at;
      continue;
    }
    size_t end = at + 1;
    Token::Kind kind = Token::Kind::symbol;
    if (std::isdigit(static_cast<unsigned char>(c))) {
      kind = Token::Kind::number;
      while (end < line.size() &&
             (is_name_character(line[end]) || line[end] == '.' || line[end] == '\'' ||
              ((line[end] == '-' || line[end] == '+') && line[end - 1] == 'e')))
        ++end;
    } else if (is_name_character(c)) {
      kind = Token::Kind::name;
      while (end < line.size() && is_name_character(line[end])) ++end;
    } else if (c == '"' || c == '\'') {
      kind = Token::Kind::text;
      end = end_of_literal(line, at);
    } else if (const std::string two = line.substr(at, 2);
               two == "::" || two == "->" || two == "&&") {
      end = at + 2;
    }
    tokens.push_back({kind, line.substr(at, end - at), place});
    at = end;
  }
}

// # 12 "include/simdgrad/tensor.h" 1
bool read_marker(const std::string& line, long& number, std::string& file) {
  if (line.rfind("# ", 0) != 0) return false;
  const size_t first = line.find('"'), last = line.rfind('"');
  if (first == std::string::npos || last == first) return false;
  number = std::stol(line.substr(2));
  file = line.substr(first + 1, last - first - 1);
  return true;
}

bool is_ours(const std::string& file, const std::vector<std::string>& roots) {
  const std::string path = std::filesystem::path(file).lexically_normal().string();
  for (const std::string& root : roots)
    if (root.back() == '/' ? path.rfind(root, 0) == 0 : path == root) return true;
  return false;
}

}  // namespace

std::vector<Token> read_tokens(const std::string& preprocessed,
                               const std::vector<std::string>& roots) {
  std::vector<Token> tokens;
  std::istringstream lines(preprocessed);
  std::string line, file;
  long number = 0;
  bool ours = false;
  while (std::getline(lines, line)) {
    if (read_marker(line, number, file)) {
      ours = is_ours(file, roots);
      continue;
    }
    if (ours && line.rfind("#", 0) != 0)
      read_line(line,
                std::filesystem::path(file).filename().string() + ":" + std::to_string(number),
                tokens);
    ++number;
  }
  return tokens;
}

}  // namespace fuzz
