// What the public headers declare: every function that a program may call, and the types in its
// signature.
#pragma once

#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/fuzz/calls/header_tokens.h"

namespace fuzz {

using Tokens = std::vector<Token>;

// A declaration that this parser does not understand. The build fails: what is passed over in silence
// is never called.
struct ParseError : std::runtime_error {
  ParseError(const Token& at, const std::string& what)
      : std::runtime_error(at.place + ": " + what + " at '" + at.text + "'") {}
};

struct Parameter {
  Tokens type;       // "const Tensor &"
  std::string name;  // empty where the header gives none
  bool has_default = false;
  bool is_pack = false;
  Tokens array;  // N of `const T (&values)[N]`
};

struct TemplateParameter {
  std::string name;
  bool is_pack = false;
};

struct Function {
  std::string scope;  // "simdgrad::nn::Module"
  std::string name;   // "operator[]"; a constructor has its class's
  std::string place;  // "module.h:40"
  bool in_class = false;
  bool is_constructor = false;
  bool is_conversion = false;  // operator bool
  bool is_static = false;
  bool is_const = false;
  bool on_rvalue = false;  // &&
  Tokens result;
  std::vector<Parameter> parameters;
  std::vector<TemplateParameter> template_parameters;  // its own
};

struct Class {
  std::string path;                                    // "simdgrad::nn::Module"
  std::vector<TemplateParameter> template_parameters;  // and those of the classes around it
  std::vector<Tokens> bases;
  bool is_abstract = false;            // of its own making
  bool has_constructor = false;        // a public one
  bool hides_constructors = false;     // has some that are not public
  bool inherits_constructors = false;  // using Base::Base
};

struct Headers {
  std::vector<Function> functions;
  std::map<std::string, Class> classes;                          // by path
  std::map<std::string, std::vector<std::string>> enumerations;  // enumerators by path
  std::map<std::string, Tokens> aliases;                         // using NAME = TOKENS
  std::set<std::string> namespaces;
};

// Namespaces named `detail` and what is not public in a class are left out; so are destructors, deleted
// functions and friends that are declared outside as well. ParseError for anything unknown.
Headers parse_headers(const Tokens& tokens);

// "const Tensor&", "std::vector<Tensor>".
std::string text_of(const Tokens& tokens);

}  // namespace fuzz
