// A place in a list of tokens, and the pieces of C++ that are skipped or split as a whole.
#pragma once

#include "tests/fuzz/calls/header_parser.h"

namespace fuzz {

// How a function's declaration ends.
enum class Ending { semicolon, body, deleted, defaulted, pure };

class TokenReader {
 protected:
  explicit TokenReader(const Tokens& tokens) : tokens_(tokens) {}

  bool at_end() const { return next_ >= tokens_.size(); }
  const Token& peek(size_t ahead = 0) const;
  bool at(const std::string& text) const { return peek().text == text; }
  bool accept(const std::string& text);
  void expect(const std::string& text);
  Token take();
  std::string take_name();

  // What stands between the brackets that start here: ( [ {, and for an angle_group <.
  Tokens group();
  Tokens angle_group();
  // The same with the brackets.
  Tokens group_with_brackets();
  Tokens angle_group_with_brackets();
  // Tokens before `text` outside of brackets.
  Tokens until(const std::string& text);
  Tokens until_semicolon();
  void skip_to_semicolon() { until_semicolon(); }
  // [[...]], __attribute__((...)), alignas(...)
  void skip_attributes();
  void requires_clause();
  // What follows a function's parameters, its body included. Takes notes of const, && and `-> type`.
  Ending function_end(Function& function);

  static void append(Tokens& to, const Tokens& from) {
    to.insert(to.end(), from.begin(), from.end());
  }
  // At commas outside of brackets, angle brackets included.
  static std::vector<Tokens> split(const Tokens& tokens);

 private:
  void constructor_initialisers();

  const Tokens& tokens_;
  size_t next_ = 0;
};

}  // namespace fuzz
