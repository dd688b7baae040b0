// What makes an object of each public class, and the lists of enumerators.
#include <algorithm>
#include <sstream>

#include "tests/fuzz/calls/call_writer.h"

namespace fuzz {
namespace {

bool is_copy(const Function& function) {
  if (function.parameters.size() != 1) return false;
  std::string type = text_of(function.parameters[0].type);
  std::erase_if(type, [](char c) { return c == '&' || c == ' '; });
  return type == function.name || type == "const" + function.name;
}

}  // namespace

// Its own, and those that it inherits by a using-declaration.
std::vector<const Function*> CallWriter::constructors(const std::string& path) const {
  std::vector<const Function*> all;
  for (const Function& function : headers_.functions) {
    if (!function.is_constructor || function.scope != path || is_copy(function)) continue;
    const auto& parameters = function.parameters;
    const bool has_list = std::any_of(parameters.begin(), parameters.end(), [](const Parameter& p) {
      return text_of(p.type).find("std::initializer_list<") != std::string::npos;
    });
    if (!has_list) all.push_back(&function);
  }
  const Class& of = headers_.classes.at(path);
  if (of.inherits_constructors)
    for (const std::string& base : names_.all_bases(path))
      for (const Function* inherited : constructors(base)) all.push_back(inherited);
  return all;
}

// Can an object be made: of this class itself, or of one that derives from it?
bool CallWriter::is_made(const std::string& path) const {
  const Class& of = headers_.classes.at(path);
  const bool has_implicit =
      !of.has_constructor && !of.hides_constructors && !of.inherits_constructors;
  if (!of.template_parameters.empty()) return false;
  if (!of.is_abstract && (has_implicit || !constructors(path).empty())) return true;
  return std::any_of(headers_.classes.begin(), headers_.classes.end(), [&](const auto& other) {
    const auto bases = names_.all_bases(other.first);
    return std::find(bases.begin(), bases.end(), path) != bases.end() && is_made(other.first);
  });
}

std::string CallWriter::factory(const std::string& path) const {
  const Class& of = headers_.classes.at(path);
  std::vector<std::string> ways;
  const auto all = constructors(path);
  if (!of.is_abstract) {
    if (all.empty() && !of.has_constructor && !of.inherits_constructors)
      ways.push_back("made = std::make_unique<" + path + ">();");
    for (const Function* constructor : all)
      for (const Variant& variant : variants(*constructor)) {
        std::string way, list;
        for (const Argument& argument : arguments(*constructor, variant)) {
          way += argument.declaration + ' ';
          list += (list.empty() ? "" : ", ") + argument.expression;
        }
        ways.push_back(way + "made = std::make_unique<" + path + ">(" + list + ");");
      }
  }
  for (const auto& [other, derived] : headers_.classes) {
    const auto bases = names_.all_bases(other);
    if (std::find(bases.begin(), bases.end(), path) != bases.end() && is_made(other))
      ways.push_back("made = fuzz::Constructed<" + other + ">::make(c);");
  }
  std::ostringstream out;
  out << "template <>\nstd::unique_ptr<" << path << "> fuzz::Constructed<" << path
      << ">::make(fuzz::Call& c) {\n  std::unique_ptr<" << path << "> made;\n  switch (c.choose("
      << ways.size() << ")) {\n";
  for (size_t i = 0; i < ways.size(); ++i)
    out << "    case " << i << ": { " << ways[i] << " break; }\n";
  out << "  }\n";
  for (const Function& function : headers_.functions) {
    if (function.scope != path || !sets_option(function)) continue;
    // Of `const T&` and `T&&` the first.
    if (text_of(function.parameters[0].type).find("&&") != std::string::npos) continue;
    std::vector<Argument> argument;
    add_argument(function, {}, function.parameters[0], {}, argument);
    out << "  if (c.sets()) { " << argument[0].declaration << " made->" << function.name << '('
        << argument[0].expression << "); }\n";
  }
  out << "  return made;\n}\n";
  return out.str();
}

std::string CallWriter::factory_declarations() const {
  std::ostringstream out;
  for (const auto& [path, enumerators] : headers_.enumerations) {
    out << "template <>\nstruct fuzz::Enumerators<" << path << "> {\n  static constexpr " << path
        << " all[] = {";
    for (const std::string& one : enumerators) out << path << "::" << one << ", ";
    out << "};\n};\n";
  }
  for (const auto& [path, of] : headers_.classes)
    if (is_made(path))
      out << "template <>\nstd::unique_ptr<" << path << "> fuzz::Constructed<" << path
          << ">::make(fuzz::Call& c);\n";
  return out.str();
}

std::vector<std::string> CallWriter::factories() const {
  std::vector<std::string> all;
  for (const auto& [path, of] : headers_.classes)
    if (is_made(path)) all.push_back(factory(path));
  return all;
}

}  // namespace fuzz
