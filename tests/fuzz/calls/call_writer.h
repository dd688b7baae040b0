// From declarations to C++ that calls them with random arguments.
#pragma once

#include <set>

#include "tests/fuzz/calls/names.h"

namespace fuzz {

class CallWriter {
 public:
  explicit CallWriter(const Headers& headers) : headers_(headers), names_(headers) {}

  // "Tensor::add_(const Tensor&, const Scalar&)".
  static std::string signature(const Function& function);
  // `options.bias(false)`?
  static bool sets_option(const Function& function);
  // "mul(Tensor,Tensor)", as the case table names what a row covers (tests/cases/declarations.h);
  // empty for what is no free function of simdgrad itself.
  static std::string operation(const Function& function);
  // One function `void call_17(Call& c)`; empty where templates.h says that it is not called.
  std::string call(const Function& function, const std::string& name) const;
  // The row of the table of signatures.
  std::string row(const Function& function, const std::string& name) const;
  // Declarations and definitions of what makes an object of each class by one of its constructors or
  // of those derived from it, and sets some of its options.
  std::string factory_declarations() const;
  std::vector<std::string> factories() const;
  // Throws std::runtime_error for a row of templates.h that no header has any more.
  void check_tables() const;

 private:
  struct Variant {
    Stands stands;
    size_t list_size = 0;    // of braced lists
    bool shortened = false;  // without the parameters that have defaults
  };
  struct Argument {
    std::string declaration, expression;
  };

  std::vector<Variant> variants(const Function& function) const;
  std::vector<Stands> stands_of(const Function& function) const;
  std::vector<Argument> arguments(const Function& function, const Variant& variant) const;
  void add_argument(const Function& function, const Variant& variant, const Parameter& parameter,
                    const Stands& stands, std::vector<Argument>& all) const;
  std::string body(const Function& function, const Variant& variant) const;
  std::string expression(const Function& function, const Variant& variant,
                         const std::string& list) const;
  std::vector<const Function*> constructors(const std::string& path) const;
  std::string factory(const std::string& path) const;
  bool is_made(const std::string& path) const;

  const Headers& headers_;
  Names names_;
  mutable std::set<std::string> used_;  // rows of templates.h
};

}  // namespace fuzz
