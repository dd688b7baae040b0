// Types of the public headers as a program outside of them writes them.
#pragma once

#include "tests/fuzz/calls/header_parser.h"

namespace fuzz {

// What template parameters stand for: one type, or as many as a pack has.
using Stands = std::map<std::string, std::vector<std::string>>;

class Names {
 public:
  explicit Names(const Headers& headers) : headers_(headers) {}

  // "const simdgrad::Tensor&" for the tokens of a type as `scope` sees it.
  std::string type(const Tokens& tokens, const std::string& scope, const Stands& stands) const;
  // "simdgrad::OrderedDict<std::string, simdgrad::Tensor>::Item" for the path of a class.
  std::string path(const std::string& path, const Stands& stands) const;
  // The class that a base names, "simdgrad::nn::Cloneable"; empty if it is none of ours.
  std::string base(const Tokens& base, const std::string& scope) const;
  // Its bases, theirs, and so on.
  std::vector<std::string> all_bases(const std::string& path) const;

 private:
  bool is_type(const std::string& path) const;
  // The path of `name` as `scope` sees it; empty if it is none of ours.
  std::string find(const std::string& name, std::string scope) const;

  const Headers& headers_;
};

}  // namespace fuzz
