// A parser of declarations: namespaces, classes, and the heads of functions, whose bodies it skips.
#include "tests/fuzz/calls/header_parser.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "tests/fuzz/calls/token_reader.h"

namespace fuzz {
namespace {

bool is_specifier(const Token& token) {
  static const std::set<std::string> words = {"static",    "virtual", "inline",       "constexpr",
                                              "explicit",  "extern",  "thread_local", "constinit",
                                              "consteval", "mutable", "typename"};
  return token.kind == Token::Kind::name && words.count(token.text) > 0;
}

bool contains(const Tokens& tokens, const std::string& text) {
  return std::any_of(tokens.begin(), tokens.end(), [&](const Token& t) { return t.text == text; });
}

class Parser : TokenReader {
 public:
  explicit Parser(const Tokens& tokens) : TokenReader(tokens) {}

  Headers run() {
    while (!at_end()) declaration({});
    return std::move(headers_);
  }

 private:
  struct Scope {
    std::string path;
    Class* in = nullptr;
    bool is_public = true;
    bool is_hidden = false;  // detail, or a private class
    std::string of(const std::string& name) const {
      return path.empty() ? name : path + "::" + name;
    }
  };
  using Templates = std::vector<TemplateParameter>;

  void declaration(const Scope& scope) {
    if (accept(";")) return;
    if (at("namespace") || (at("inline") && peek(1).text == "namespace")) return name_space(scope);
    if (at("using")) return using_declaration(scope);
    if (at("static_assert") || at("typedef")) return skip_to_semicolon();
    bool is_friend = accept("friend");
    Templates templates;
    bool is_specialisation = false;
    while (at("template")) {
      const Templates more = template_header();
      is_specialisation |= more.empty();
      templates.insert(templates.end(), more.begin(), more.end());
    }
    if (at("requires")) requires_clause();
    is_friend |= accept("friend");
    if (at("enum")) return enumeration(scope);
    if (at("class") || at("struct") || at("union"))
      return is_friend ? skip_to_semicolon()
                       : class_definition(scope, templates, is_specialisation);
    function_or_variable(scope, templates, is_friend, is_specialisation);
  }

  void name_space(const Scope& scope) {
    accept("inline");
    expect("namespace");
    Scope inner = scope;
    while (!at("{")) {
      if (accept("=")) return skip_to_semicolon();  // another name for a namespace
      if (accept("::")) continue;
      const std::string name = take_name();
      inner.path = inner.of(name);
      headers_.namespaces.insert(inner.path);
      inner.is_hidden |= name == "detail";
    }
    body(inner);
  }

  void body(Scope& scope) {
    expect("{");
    while (!accept("}")) {
      if (scope.in && (at("public") || at("private") || at("protected")) && peek(1).text == ":") {
        scope.is_public = take().text == "public";
        take();
      } else {
        declaration(scope);
      }
    }
  }

  void using_declaration(const Scope& scope) {
    expect("using");
    const Tokens tokens = until_semicolon();
    if (tokens.empty() || tokens[0].text == "namespace") return;
    if (tokens.size() > 1 && tokens[1].text == "=") {  // also where an attribute stands between
      headers_.aliases[scope.of(tokens[0].text)] = {tokens.begin() + 2, tokens.end()};
    } else if (scope.in == nullptr) {  // using simdgrad::Edge
      headers_.aliases[scope.of(tokens.back().text)] = tokens;
    } else if (tokens.size() > 2 && tokens.back().text == tokens[tokens.size() - 3].text) {
      scope.in->inherits_constructors = true;  // using Error::Error
    }
  }

  Templates template_header() {
    expect("template");
    Templates all;
    for (const Tokens& one : split(angle_group())) {
      TemplateParameter parameter;
      for (size_t i = 0; i < one.size() && one[i].text != "="; ++i) {
        if (one[i].text == ".") parameter.is_pack = true;
        if (one[i].kind == Token::Kind::name) parameter.name = one[i].text;
      }
      // One with a default that no caller gives, as `class = std::enable_if_t<...>`, is no choice.
      const bool is_unnamed = parameter.name == "class" || parameter.name == "typename";
      if (!is_unnamed) all.push_back(parameter);
    }
    return all;
  }

  void enumeration(const Scope& scope) {
    expect("enum");
    if (!accept("class")) accept("struct");
    skip_attributes();
    const std::string path = scope.of(take_name());
    while (!at("{") && !at(";")) take();
    if (accept(";")) return;
    std::vector<std::string> names;
    for (const Tokens& one : split(group()))
      if (!one.empty()) names.push_back(one[0].text);
    if (!scope.is_hidden && scope.is_public) headers_.enumerations[path] = names;
    expect(";");
  }

  void class_definition(const Scope& scope, const Templates& templates, bool is_specialisation) {
    const bool is_union = at("union"), is_struct = !at("class");
    take();
    skip_attributes();
    if (is_union || at("{")) {  // an anonymous one holds fields only
      while (!at("{")) take();
      group();
      return skip_to_semicolon();
    }
    const std::string name = take_name();
    if (at("<")) angle_group();
    accept("final");
    if (accept(";")) return;
    Scope inner{scope.of(name), nullptr, is_struct, scope.is_hidden || !scope.is_public};
    inner.is_hidden |= is_specialisation;
    Class made;
    made.path = inner.path;
    if (scope.in) made.template_parameters = scope.in->template_parameters;
    made.template_parameters.insert(made.template_parameters.end(), templates.begin(),
                                    templates.end());
    if (accept(":"))
      for (Tokens base : split(until("{"))) {
        std::erase_if(base,
                      [](const Token& t) { return t.text == "public" || t.text == "virtual"; });
        made.bases.push_back(base);
      }
    if (!at("{")) throw ParseError(peek(), "a class without a body");
    Class discarded = made;
    inner.in = inner.is_hidden ? &discarded : &(headers_.classes[made.path] = made);
    body(inner);
    skip_to_semicolon();
  }

  // Reads up to what tells a function from a variable; the head is what stands before.
  Tokens head() {
    Tokens tokens;
    while (!at("(") && !at("=") && !at(";") && !at("{")) {
      if (at("__attribute__") || at("alignas")) {
        skip_attributes();
      } else if (at("[") && peek(1).text == "[") {
        skip_attributes();
      } else if (at("[")) {
        group();  // an array
      } else if (at("operator")) {
        Token name = take();
        if (at("(")) {
          group();
          name.text += "()";
        }
        conversion_.clear();
        while (!at("(")) {
          if (peek().kind == Token::Kind::name) name.text += " ";
          conversion_.push_back(take());
          name.text += conversion_.back().text;
        }
        tokens.push_back(name);
      } else {
        tokens.push_back(take());
        const Token last = tokens.back();
        if (last.text == "decltype") append(tokens, group_with_brackets());
        if (last.kind == Token::Kind::name && at("<")) append(tokens, angle_group_with_brackets());
      }
    }
    return tokens;
  }

  void function_or_variable(const Scope& scope, const Templates& templates, bool is_friend,
                            bool is_specialisation) {
    const Token start = peek();
    Tokens tokens = head();
    if (!at("(") || peek(1).text == "*")
      return skip_to_semicolon();  // also a pointer to a function
    Function made;
    made.scope = scope.path;
    made.in_class = scope.in != nullptr && !is_friend;
    if (is_friend) made.scope = made.scope.substr(0, made.scope.rfind("::"));
    made.place = start.place;
    made.template_parameters = templates;
    if (tokens.empty()) throw ParseError(start, "expected a name");
    made.name = tokens.back().text;
    tokens.pop_back();
    // `unsigned Tensor::register_hook(...)` defines what its class declares.
    const bool is_definition = !tokens.empty() && tokens.back().text == "::";
    const bool is_destructor = !tokens.empty() && tokens.back().text == "~";
    made.is_static = contains(tokens, "static");
    std::erase_if(tokens, is_specifier);
    made.result = tokens;
    const std::string simple_name = scope.path.substr(scope.path.rfind(':') + 1);
    made.is_constructor = made.in_class && tokens.empty() && made.name == simple_name;
    if (tokens.empty() && !made.is_constructor) {
      made.is_conversion = made.name.rfind("operator ", 0) == 0;
      made.result = conversion_;
      if (!made.is_conversion) throw ParseError(start, "a function without a result");
    }
    const Tokens inside = group();
    const Ending ending = function_end(made);
    note_special(scope, made, ending, is_destructor);
    const bool is_repeated = is_friend && ending != Ending::body;
    if (scope.is_hidden || !scope.is_public || is_definition || is_destructor || is_repeated ||
        is_specialisation || ending == Ending::deleted)
      return;
    for (const Tokens& one : split(inside))
      if (!one.empty()) made.parameters.push_back(parameter(one));
    headers_.functions.push_back(std::move(made));
  }

  static void note_special(const Scope& scope, const Function& made, Ending ending,
                           bool is_destructor) {
    if (scope.in == nullptr) return;
    if (ending == Ending::pure) scope.in->is_abstract = true;
    if (!made.is_constructor || is_destructor) return;
    if (scope.is_public && ending != Ending::deleted)
      scope.in->has_constructor = true;
    else
      scope.in->hides_constructors = true;
  }

  static Parameter parameter(const Tokens& tokens) {
    Parameter made;
    const auto equals =
        std::find_if(tokens.begin(), tokens.end(), [](const Token& t) { return t.text == "="; });
    made.has_default = equals != tokens.end();
    Tokens type(tokens.begin(), equals);
    std::erase_if(type, is_specifier);
    // const T (&values)[N]
    const auto bracket =
        std::find_if(type.begin(), type.end(), [](const Token& t) { return t.text == "["; });
    if (bracket != type.end()) {
      const bool is_reference_to_array = bracket - type.begin() > 4 && (bracket - 1)->text == ")" &&
                                         (bracket - 3)->text == "&" && (bracket - 4)->text == "(";
      if (!is_reference_to_array) throw ParseError(*bracket, "a parameter of array type");
      made.name = (bracket - 2)->text;
      made.array = {bracket + 1, type.end() - 1};
      type.erase(bracket - 4, type.end());
      made.type = type;
      return made;
    }
    if (contains(type, "(") && !contains(type, "<"))
      throw ParseError(type[0], "a parameter that is a function pointer");
    const size_t count = type.size();
    const bool is_named = count > 1 && type.back().kind == Token::Kind::name &&
                          type[count - 2].text != "::" && type.back().text != "const" &&
                          !(count == 2 && type[0].text == "const");
    if (is_named) {
      made.name = type.back().text;
      type.pop_back();
    }
    made.is_pack = contains(type, ".") && type.back().text == ".";
    if (made.is_pack) std::erase_if(type, [](const Token& t) { return t.text == "."; });
    made.type = type;
    return made;
  }

  Headers headers_;
  Tokens conversion_;  // what the operator read last converts to, if it converts
};

}  // namespace

Headers parse_headers(const Tokens& tokens) { return Parser(tokens).run(); }

std::string text_of(const Tokens& tokens) {
  std::string text;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const bool is_word =
        tokens[i].kind == Token::Kind::name || tokens[i].kind == Token::Kind::number;
    const char before = text.empty() ? ' ' : text.back();
    const bool after_word = std::isalnum(static_cast<unsigned char>(before)) || before == '_';
    if (is_word && !text.empty() && (after_word || before == '&' || before == '*' || before == '>'))
      text += ' ';
    text += tokens[i].text;
    if (tokens[i].text == ",") text += ' ';
  }
  return text;
}

}  // namespace fuzz
