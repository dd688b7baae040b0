// What the arguments of one call agree on: sizes, a dtype, how many tensors a list has, and for
// functions of a special shape a recipe.
#pragma once

#include <simdgrad/scalar_type.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/fuzz/calls/random.h"

namespace fuzz {

using Shape = std::vector<int64_t>;

// A recipe says for a parameter what it is made of:
//   ab    sizes by letters, the same letter the same size in one call; digits are themselves;  .  0-d
//   *     some leading dimensions, the same for all;  &  the common shape;  ~  one that broadcasts to it
//   %     a shape of as many elements as the common one
//   @n    the sizes of self, but n along dim
//   #v:ab ids below v (below the size of self along dim for #@);  b:ab  a mask
//   S     a row-sparse tensor;  G  a state of a generator;  ? at the end: or undefined
using Recipe = std::vector<std::pair<std::string, std::string>>;

struct World {
  // For the function of this name, a member of the class `scope` ends in.
  World(Random& random, const std::string& scope, const std::string& name);

  // What the recipe says of a parameter; empty if nothing.
  const std::string& word(const std::string& parameter) const;
  int64_t letter(char c) const { return letters[c - 'a']; }
  Shape broadcastable(Random& random) const;
  Shape same_count(Random& random) const;

  int64_t letters[26];
  Shape base, batch;
  simdgrad::ScalarType dtype = simdgrad::kFloat;
  int list_length = 1;
  int64_t dim = 0;     // drawn last for a parameter of that kind, counted from the front
  int64_t start = 0;   // likewise
  size_t indexed = 0;  // dimensions that entries of an index stand for so far

 private:
  const Recipe* recipe_;
};

}  // namespace fuzz
