// Preprocessed C++ as tokens, of the files that are ours alone.
#pragma once

#include <string>
#include <vector>

namespace fuzz {

struct Token {
  enum class Kind { name, number, text, symbol, end };
  Kind kind = Kind::end;
  std::string text;
  std::string place;  // "tensor.h:150"
};

// The tokens of the lines that a compiler's -E says are from files under one of `roots` (paths with a
// slash at the end, or whole files). "::", "->" and "&&" are one token each; every other symbol is one
// character, so that two closing angle brackets are two tokens.
std::vector<Token> read_tokens(const std::string& preprocessed,
                               const std::vector<std::string>& roots);

}  // namespace fuzz
