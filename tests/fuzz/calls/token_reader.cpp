// A place in a list of tokens: brackets, attributes, constraints and the ends of functions.
#include "tests/fuzz/calls/token_reader.h"

namespace fuzz {
namespace {

int bracket_change(const Token& token) {
  if (token.kind != Token::Kind::symbol) return 0;
  const std::string& t = token.text;
  return (t == "(" || t == "[" || t == "{") - (t == ")" || t == "]" || t == "}");
}

}  // namespace

const Token& TokenReader::peek(size_t ahead) const {
  static const Token end{Token::Kind::end, "", "the end"};
  return next_ + ahead < tokens_.size() ? tokens_[next_ + ahead] : end;
}

bool TokenReader::accept(const std::string& text) {
  if (!at(text)) return false;
  ++next_;
  return true;
}

void TokenReader::expect(const std::string& text) {
  if (!accept(text)) throw ParseError(peek(), "expected '" + text + "'");
}

Token TokenReader::take() {
  if (at_end()) throw ParseError(peek(), "a declaration without end");
  return tokens_[next_++];
}

std::string TokenReader::take_name() {
  if (peek().kind != Token::Kind::name) throw ParseError(peek(), "expected a name");
  return take().text;
}

Tokens TokenReader::group_with_brackets() {
  Tokens tokens;
  int depth = 0;
  do {
    tokens.push_back(take());
    depth += bracket_change(tokens.back());
  } while (depth > 0);
  return tokens;
}

Tokens TokenReader::angle_group_with_brackets() {
  Tokens tokens;
  int depth = 0, angles = 0;
  do {
    tokens.push_back(take());
    depth += bracket_change(tokens.back());
    if (depth == 0) angles += (tokens.back().text == "<") - (tokens.back().text == ">");
  } while (angles > 0);
  return tokens;
}

Tokens TokenReader::group() {
  const Tokens tokens = group_with_brackets();
  return {tokens.begin() + 1, tokens.end() - 1};
}

Tokens TokenReader::angle_group() {
  if (!at("<")) throw ParseError(peek(), "expected '<'");
  const Tokens tokens = angle_group_with_brackets();
  return {tokens.begin() + 1, tokens.end() - 1};
}

Tokens TokenReader::until(const std::string& text) {
  Tokens tokens;
  while (!at(text)) {
    if (bracket_change(peek()) > 0) {
      append(tokens, group_with_brackets());
    } else {
      tokens.push_back(take());
    }
  }
  return tokens;
}

Tokens TokenReader::until_semicolon() {
  const Tokens tokens = until(";");
  take();
  return tokens;
}

void TokenReader::skip_attributes() {
  for (;;) {
    if (at("[") && peek(1).text == "[") {
      group();
    } else if (at("__attribute__") || at("alignas")) {
      take();
      group();
    } else {
      return;
    }
  }
}

// A constraint: parenthesised, a requires-expression or a concept, joined by && and ||.
void TokenReader::requires_clause() {
  expect("requires");
  for (;;) {
    accept("!");
    if (at("(")) {
      group();
    } else if (accept("requires")) {
      if (at("(")) group();
      group();
    } else {
      do {
        take_name();
        if (at("<")) angle_group();
      } while (accept("::"));
      if (at("(")) group();
    }
    if (accept("&&")) continue;
    if (at("|") && peek(1).text == "|") {
      take();
      take();
      continue;
    }
    return;
  }
}

void TokenReader::constructor_initialisers() {
  do {
    do {
      take_name();
      if (at("<")) angle_group();
    } while (accept("::"));
    if (!at("(") && !at("{")) throw ParseError(peek(), "expected an initialiser");
    group();
    while (accept(".")) continue;  // a pack
  } while (accept(","));
}

Ending TokenReader::function_end(Function& function) {
  for (;;) {
    skip_attributes();
    if (accept(";")) return Ending::semicolon;
    if (accept("const")) {
      function.is_const = true;
    } else if (accept("&&")) {
      function.on_rvalue = true;
    } else if (accept("noexcept")) {
      if (at("(")) group();
    } else if (accept("->")) {
      function.result.clear();
      while (!at("{") && !at(";")) {
        function.result.push_back(take());
        if (function.result.back().text == "decltype")
          append(function.result, group_with_brackets());
      }
    } else if (at("requires")) {
      requires_clause();
    } else if (accept("=")) {
      const std::string what = take().text;
      expect(";");
      if (what == "delete") return Ending::deleted;
      if (what == "default") return Ending::defaulted;
      if (what == "0") return Ending::pure;
      throw ParseError(peek(), "a function that ends in '= " + what + "'");
    } else if (at("{") || at(":")) {
      if (accept(":")) constructor_initialisers();
      group();
      return Ending::body;
    } else if (!accept("override") && !accept("final") && !accept("&") && !accept("volatile")) {
      throw ParseError(peek(), "what is this at the end of a function");
    }
  }
}

std::vector<Tokens> TokenReader::split(const Tokens& tokens) {
  std::vector<Tokens> parts(1);
  int depth = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    depth += bracket_change(tokens[i]);
    const bool opens = tokens[i].text == "<" && i > 0 && tokens[i - 1].kind == Token::Kind::name;
    depth += opens - (tokens[i].text == ">" && depth > 0);
    if (tokens[i].text == "," && depth == 0) {
      parts.emplace_back();
    } else {
      parts.back().push_back(tokens[i]);
    }
  }
  if (parts.size() == 1 && parts[0].empty()) parts.clear();
  return parts;
}

}  // namespace fuzz
