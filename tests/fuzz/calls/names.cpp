// Types of the public headers, looked up from the inside out as a compiler does.
#include "tests/fuzz/calls/names.h"

namespace fuzz {

namespace {

// Of `CloneableAs<AdamOptions, OptimizerOptions>`; none of them has arguments of its own.
std::vector<Tokens> template_arguments(const Tokens& type) {
  std::vector<Tokens> all;
  for (const Token& token : type) {
    if (token.text == "<" || token.text == ",")
      all.emplace_back();
    else if (!all.empty() && token.text != ">")
      all.back().push_back(token);
  }
  return all;
}

}  // namespace

bool Names::is_type(const std::string& path) const {
  return headers_.classes.count(path) || headers_.enumerations.count(path) ||
         headers_.aliases.count(path) || headers_.namespaces.count(path);
}

std::string Names::find(const std::string& name, std::string scope) const {
  for (;;) {
    const std::string path = scope.empty() ? name : scope + "::" + name;
    if (is_type(path)) return path;
    if (const auto inside = headers_.classes.find(scope); inside != headers_.classes.end())
      for (const Tokens& tokens : inside->second.bases) {
        const std::string from = base(tokens, scope.substr(0, scope.rfind("::")));
        if (!from.empty() && is_type(from + "::" + name)) return from + "::" + name;
      }
    if (scope.empty()) return "";
    const size_t end = scope.rfind("::");
    scope = end == std::string::npos ? "" : scope.substr(0, end);
  }
}

std::string Names::base(const Tokens& base, const std::string& scope) const {
  std::string name;
  for (const Token& token : base) {
    if (token.text == "<") break;
    if (token.text != "::" || !name.empty()) name += token.text;
  }
  const std::string found = find(name, scope);
  return headers_.classes.count(found) ? found : "";
}

std::vector<std::string> Names::all_bases(const std::string& path) const {
  std::vector<std::string> all;
  for (const Tokens& tokens : headers_.classes.at(path).bases) {
    const std::string one = base(tokens, path.substr(0, path.rfind("::")));
    if (one.empty()) continue;
    all.push_back(one);
    for (const std::string& further : all_bases(one)) all.push_back(further);
    // CloneableAs<Derived, Base> derives from what Base stands for.
    const std::vector<Tokens> arguments = template_arguments(tokens);
    const Class& of = headers_.classes.at(one);
    for (size_t i = 0; i < of.template_parameters.size() && i < arguments.size(); ++i)
      for (const Tokens& its_base : of.bases)
        if (its_base.size() == 1 && its_base[0].text == of.template_parameters[i].name)
          if (const std::string further = base(arguments[i], path.substr(0, path.rfind("::")));
              !further.empty())
            all.push_back(further);
  }
  return all;
}

std::string Names::path(const std::string& path, const Stands& stands) const {
  std::string text, part;
  size_t known = 0;  // template parameters of the classes so far
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find("::", begin), path.size());
    part = path.substr(0, end);
    text += (text.empty() ? "" : "::") + path.substr(begin, end - begin);
    begin = end + 2;
    const auto found = headers_.classes.find(part);
    if (found == headers_.classes.end() || found->second.template_parameters.size() == known)
      continue;
    const auto& parameters = found->second.template_parameters;
    text += '<';
    for (size_t i = known; i < parameters.size(); ++i)
      text += (i > known ? ", " : "") + stands.at(parameters[i].name).at(0);
    text += '>';
    known = parameters.size();
  }
  return text;
}

std::string Names::type(const Tokens& tokens, const std::string& scope,
                        const Stands& stands) const {
  Tokens written;
  for (size_t i = 0; i < tokens.size(); ++i) {
    Token token = tokens[i];
    const bool is_qualified = i > 0 && tokens[i - 1].text == "::";
    if (token.kind == Token::Kind::name && !is_qualified) {
      if (const auto stand = stands.find(token.text); stand != stands.end()) {
        token.text = stand->second.at(0);
      } else if (const std::string found = find(token.text, scope); !found.empty()) {
        const bool has_arguments = i + 1 < tokens.size() && tokens[i + 1].text == "<";
        token.text = has_arguments ? found : path(found, stands);
      }
    }
    written.push_back(token);
  }
  return text_of(written);
}

}  // namespace fuzz
