// Tensors of every kind that a program may have.
#pragma once

#include "tests/fuzz/calls/call.h"

namespace fuzz {

// What a tensor is to be.
struct Plan {
  enum class Values { any, ids, mask };
  Shape shape;
  ScalarType dtype = simdgrad::kFloat;
  Values values = Values::any;
  int64_t limit = 1;         // of ids
  int gradient_chance = 50;  // per cent
};

// A tensor as planned, of random strides, which the call is given.
Tensor build_tensor(Call& c, const Plan& plan);
// One as the recipe or the name of the parameter asks for; any kind where it is wild.
Tensor draw_tensor(Call& c);
Plan draw_plan(Call& c);
Tensor draw_wild_tensor(Call& c, const Plan& plan);
// A row-sparse one, or one of more sparse dimensions.
Tensor build_sparse(Call& c, const Plan& plan);
// Gives a leaf a gradient, dense, sparse or none; seldom one that does not fit.
void give_gradient(Call& c, const Tensor& parameter);

// Sizes by a word of a recipe.
Shape shape_of_word(Call& c, std::string_view word);

// Fills a contiguous tensor.
void fill_any(Random& random, const Tensor& x);
void fill_ids(Random& random, const Tensor& x, int64_t limit);
// Wild values in every element of an integer tensor's storage; bool stays 0 or 1.
void overwrite_integers(Random& random, const Tensor& x);
int64_t wild_integer(Random& random);
double wild_double(Random& random);

}  // namespace fuzz
