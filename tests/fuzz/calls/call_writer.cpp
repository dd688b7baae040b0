// The calls: arguments in the order of the parameters, then the call itself.
#include "tests/fuzz/calls/call_writer.h"

#include <algorithm>
#include <sstream>

#include "tests/fuzz/calls/templates.h"

namespace fuzz {
namespace {

std::string trim(const std::string& text) {
  const size_t first = text.find_first_not_of(' ');
  return first == std::string::npos ? ""
                                    : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char c : text) {
    depth += (c == '<') - (c == '>');
    if (c == separator && depth == 0)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  for (std::string& part : parts) part = trim(part);
  return parts;
}

bool starts_with(const std::string& text, const std::string& with) {
  return text.rfind(with, 0) == 0;
}
bool ends_with(const std::string& text, const std::string& with) {
  return text.size() >= with.size() && text.substr(text.size() - with.size()) == with;
}

// "T = float; U = int, bool"
Stands read_choice(const std::string& text) {
  Stands stands;
  for (const std::string& one : split(text, ';')) {
    const size_t equals = one.find('=');
    stands[trim(one.substr(0, equals))] = split(trim(one.substr(equals + 1)), ',');
  }
  return stands;
}

// A type without const and reference, and which of them it had.
struct Passed {
  std::string type;
  bool by_const_reference = false, by_reference = false, moved = false;
};
Passed passed(std::string type) {
  Passed result;
  if (ends_with(type, "&&")) {
    result.moved = true;
    type = trim(type.substr(0, type.size() - 2));
  } else if (ends_with(type, "&")) {
    result.by_reference = true;
    type = trim(type.substr(0, type.size() - 1));
  } else {
    result.moved = true;
  }
  if (starts_with(type, "const ") && !ends_with(type, "*")) {
    type = type.substr(6);
    result.by_const_reference = result.by_reference;
    result.by_reference = false;
  }
  result.type = type;
  return result;
}

std::string quoted(const std::string& name) { return "\"" + (name.empty() ? "_" : name) + "\""; }

bool is_list(const Parameter& parameter) {
  return text_of(parameter.type).find("std::initializer_list<") != std::string::npos;
}

}  // namespace

bool CallWriter::sets_option(const Function& function) {
  const std::string result = text_of(function.result);
  const std::string of = function.scope.substr(function.scope.rfind(':') + 1);
  return function.in_class && !function.is_static && !function.is_const &&
         function.parameters.size() == 1 && !starts_with(function.name, "operator") &&
         (result == "decltype(* this)" || (result == of + "&" && ends_with(of, "Options")));
}

std::string CallWriter::signature(const Function& function) {
  std::string text = function.scope + "::" + function.name;
  if (starts_with(text, "simdgrad::")) text = text.substr(10);
  for (size_t i = 0; i < function.template_parameters.size(); ++i)
    text += (i ? ", " : "<") + function.template_parameters[i].name +
            (function.template_parameters[i].is_pack ? "..." : "");
  if (!function.template_parameters.empty()) text += '>';
  text += '(';
  for (size_t i = 0; i < function.parameters.size(); ++i) {
    const Parameter& parameter = function.parameters[i];
    text += (i ? ", " : "") + text_of(parameter.type) + (parameter.is_pack ? "..." : "");
    if (!parameter.array.empty()) text += "(&)[" + text_of(parameter.array) + "]";
  }
  return text + ')' + (function.is_const ? " const" : "") + (function.on_rvalue ? " &&" : "");
}

std::string CallWriter::operation(const Function& function) {
  if (function.in_class || function.scope != "simdgrad") return "";
  std::string text = function.name + '(';
  for (size_t i = 0; i < function.parameters.size(); ++i) {
    if (i > 0) text += ',';
    const Tokens& type = function.parameters[i].type;
    for (size_t t = 0; t < type.size(); ++t) {
      const bool is_std = type[t].text == "std" || (t > 0 && type[t - 1].text == "std");
      if (!is_std && type[t].text != "const" && type[t].text != "&") text += type[t].text;
    }
  }
  return text + ')';
}

std::vector<Stands> CallWriter::stands_of(const Function& function) const {
  std::vector<Stands> all(1);
  const auto multiply = [&](const std::string& of, const std::vector<TemplateParameter>& needed) {
    if (needed.empty()) return;
    const auto found = kChoices.find(of);
    if (found == kChoices.end())
      throw std::runtime_error(function.place + ": " + signature(function) +
                               " is a template; say in tests/fuzz/calls/templates.h what stands for its "
                               "parameters, under " +
                               of);
    used_.insert(of);
    std::vector<Stands> product;
    for (const Stands& before : all)
      for (const std::string& choice : found->second) {
        Stands stands = before;
        for (auto& [name, types] : read_choice(choice)) stands[name] = types;
        product.push_back(stands);
      }
    all = product;
    for (const TemplateParameter& parameter : needed)
      if (!all[0].count(parameter.name))
        throw std::runtime_error(function.place + ": " + of +
                                 " in tests/fuzz/calls/templates.h says "
                                 "nothing of " +
                                 parameter.name);
  };
  std::string path;
  for (const std::string& scope :
       {function.scope.substr(0, function.scope.rfind("::")), function.scope})
    if (const auto in = headers_.classes.find(scope);
        in != headers_.classes.end() && all[0].empty() && !in->second.template_parameters.empty())
      multiply(scope, in->second.template_parameters);
  multiply(function.scope + "::" + function.name, function.template_parameters);
  return all;
}

std::vector<CallWriter::Variant> CallWriter::variants(const Function& function) const {
  std::vector<Variant> all;
  const auto& parameters = function.parameters;
  const bool has_list = std::any_of(parameters.begin(), parameters.end(), is_list);
  const bool has_default = std::any_of(parameters.begin(), parameters.end(),
                                       [](const Parameter& p) { return p.has_default; });
  for (const Stands& stands : stands_of(function))
    for (size_t list_size = 0; list_size < (has_list ? 4u : 1u); ++list_size)
      for (int shortened = 0; shortened <= has_default; ++shortened)
        all.push_back({stands, list_size, shortened != 0});
  return all;
}

void CallWriter::add_argument(const Function& function, const Variant& variant,
                              const Parameter& parameter, const Stands& stands,
                              std::vector<Argument>& all) const {
  const std::string type = names_.type(parameter.type, function.scope, stands);
  const std::string name = quoted(sets_option(function) ? function.name : parameter.name);
  const std::string variable = "a" + std::to_string(all.size());
  Passed how = passed(type);
  if (!parameter.array.empty()) {
    const std::string size = names_.type(parameter.array, function.scope, stands);
    all.push_back({"auto& " + variable + " = c.argument<fuzz::PlainArray<" + how.type + ", " +
                       size + ">>(" + name + ");",
                   variable + ".values"});
    return;
  }
  if (starts_with(how.type, "std::initializer_list<")) {
    const std::string element = how.type.substr(22, how.type.size() - 23);
    std::string declaration, list = how.type + "{";
    for (size_t i = 0; i < variant.list_size; ++i) {
      const std::string one = variable + "_" + std::to_string(i);
      declaration += "auto& " + one + " = c.argument<" + element + ">(" + name + "); ";
      list += (i ? ", " : "") + one;
    }
    all.push_back({declaration, list + "}"});
    return;
  }
  std::string expression = variable;
  if (how.by_const_reference) expression = "std::as_const(" + variable + ")";
  if (how.moved) expression = "std::move(" + variable + ")";
  const char* const use = how.by_reference ? ", fuzz::Use::written" : "";
  all.push_back(
      {"auto& " + variable + " = c.argument<" + how.type + ">(" + name + use + ");", expression});
}

std::vector<CallWriter::Argument> CallWriter::arguments(const Function& function,
                                                        const Variant& variant) const {
  std::vector<Argument> all;
  for (const Parameter& parameter : function.parameters) {
    if (variant.shortened && parameter.has_default) break;
    if (!parameter.is_pack) {
      add_argument(function, variant, parameter, variant.stands, all);
      continue;
    }
    // As many arguments as the pack that its type names has types.
    for (const Token& token : parameter.type) {
      const auto pack = variant.stands.find(token.text);
      if (pack == variant.stands.end()) continue;
      for (const std::string& type : pack->second) {
        Stands one = variant.stands;
        one[token.text] = {type};
        add_argument(function, variant, parameter, one, all);
      }
    }
  }
  return all;
}

std::string CallWriter::expression(const Function& function, const Variant& variant,
                                   const std::string& list) const {
  const std::string scope = names_.path(function.scope, variant.stands);
  // Operators deduce what they stand for; others are told.
  std::string explicit_types;
  if (!starts_with(function.name, "operator"))
    for (const TemplateParameter& parameter : function.template_parameters)
      for (const std::string& type : variant.stands.at(parameter.name))
        explicit_types += (explicit_types.empty() ? "<" : ", ") + type;
  if (!explicit_types.empty()) explicit_types += '>';
  std::string name = function.name;
  if (function.is_conversion)
    name = "operator " + names_.type(function.result, function.scope, variant.stands);
  const std::string called = name + explicit_types + "(" + list + ")";
  if (!function.in_class || function.is_static) return scope + "::" + called;
  if (function.on_rvalue) return "std::move(self)." + called;
  return (function.is_const ? "std::as_const(self)." : "self.") + called;
}

std::string CallWriter::body(const Function& function, const Variant& variant) const {
  const std::string scope = names_.path(function.scope, variant.stands);
  std::ostringstream out;
  if (function.in_class && !function.is_static && !function.is_constructor)
    out << "auto& self = c.argument<" << scope << ">(\"self\""
        << (function.is_const ? "" : ", fuzz::Use::written") << "); ";
  std::string list;
  for (const Argument& argument : arguments(function, variant)) {
    out << argument.declaration << ' ';
    list += (list.empty() ? "" : ", ") + argument.expression;
  }
  out << "c.ready(); ";
  if (function.is_constructor) {
    const bool is_abstract = headers_.classes.at(function.scope).is_abstract;
    out << "c.keep(" << (is_abstract ? "fuzz::Concrete<" + scope + ">" : scope) << "(" << list
        << "));";
  } else if (text_of(function.result) == "void") {
    out << expression(function, variant, list) << "; c.keep();";
  } else {
    out << "c.keep(" << expression(function, variant, list) << ");";
  }
  return out.str();
}

std::string CallWriter::call(const Function& function, const std::string& name) const {
  const std::string text = signature(function);
  if (kUncalled.count(text)) {
    used_.insert(text);
    return "";
  }
  std::string out = "// " + function.place + "\nstatic void " + name + "(fuzz::Call& c) {\n";
  if (const auto form = kForms.find(text); form != kForms.end()) {
    used_.insert(text);
    return out + "  " + form->second + "\n}\n";
  }
  const std::vector<Variant> all = variants(function);
  if (all.size() == 1) return out + "  " + body(function, all[0]) + "\n}\n";
  out += "  switch (c.choose(" + std::to_string(all.size()) + ")) {\n";
  for (size_t i = 0; i < all.size(); ++i)
    out += "    case " + std::to_string(i) + ": { " + body(function, all[i]) + " break; }\n";
  return out + "  }\n}\n";
}

std::string CallWriter::row(const Function& function, const std::string& name) const {
  static const char* const kHeavy[] = {"Tensor", "variable_list", "Module", "Closure"};
  std::string all = text_of(function.result) + " " + signature(function);
  const bool is_accessor =
      sets_option(function) || (function.in_class && function.parameters.empty() &&
                                text_of(function.result).find("Tensor") == std::string::npos);
  const bool is_heavy =
      !is_accessor && std::any_of(std::begin(kHeavy), std::end(kHeavy), [&](const char* word) {
        return all.find(word) != std::string::npos;
      });
  std::string scope = function.scope;
  if (starts_with(scope, "simdgrad::"))
    scope = scope.substr(10);
  else if (scope == "simdgrad")
    scope = "";
  const auto uncalled = kUncalled.find(signature(function));
  return "    {\"" + signature(function) + "\", \"" + function.place + "\", \"" + scope + "\", \"" +
         function.name + "\", " + (is_heavy ? "true" : "false") + ", " +
         (uncalled == kUncalled.end() ? name + ", nullptr"
                                      : "nullptr, \"" + uncalled->second + "\"") +
         "},\n";
}

void CallWriter::check_tables() const {
  const auto check = [&](const std::string& row) {
    if (!used_.count(row))
      throw std::runtime_error("tests/fuzz/calls/templates.h: no header declares " + row + " any more");
  };
  for (const auto& [row, choices] : kChoices) check(row);
  for (const auto& [row, form] : kForms) check(row);
  for (const auto& [row, reason] : kUncalled) check(row);
}

}  // namespace fuzz
