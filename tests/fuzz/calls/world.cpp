// Sizes and recipes.
#include "tests/fuzz/calls/world.h"

#include <sstream>
#include <unordered_map>

namespace fuzz {
namespace {

struct Row {
  const char* functions;  // names, or classes for their members
  const char* words;      // alternatives between |
};

// Functions that need more than operands that broadcast. One that is not here is called all the same;
// the summary lists those that never returned.
constexpr Row kRows[] = {
    {"mm", "self=ab mat2=bc"},
    {"mv", "self=ab vec=b"},
    {"dot", "self=a tensor=a other=a"},
    {"bmm", "self=nab mat2=nbc"},
    {"addmm", "self=ac mat1=ab mat2=bc | self=c mat1=ab mat2=bc | self=1c mat1=ab mat2=bc"},
    {"matmul",
     "self=ab other=bc | self=ab other=b | self=b other=bc | self=*ab other=*bc | "
     "self=*ab other=bc | self=a other=a | self=ab other=*bc"},
    {"linear", "input=*b weight=cb bias=c?"},
    {"LinearImpl", "input=*b in_features=b out_features=c"},
    {"embedding", "weight=vd indices=#v:* input=#v:*"},
    {"embedding_renorm_", "self=vd indices=#v:*"},
    {"from_pretrained", "embeddings=vd"},
    {"EmbeddingImpl", "num_embeddings=v embedding_dim=d _weight=vd ids=#v:*"},
    {"one_hot", "self=#v:* tensor=#v:*"},
    {"nll_loss",
     "self=nc input=nc target=#c:n weight=c? | self=c target=#c:. weight=c? | "
     "self=ncx input=ncx target=#c:nx weight=c?"},
    {"NLLLossImpl", "input=nc target=#c:n weight=c? | input=ncx target=#c:nx weight=c?"},
    {"cross_entropy_loss cross_entropy CrossEntropyLossImpl",
     "self=nc input=nc target=#c:n weight=c? | self=nc input=nc target=nc weight=c? | "
     "self=c input=c target=#c:. weight=c? | self=ncx input=ncx target=#c:nx weight=c?"},
    {"binary_cross_entropy_with_logits BCEWithLogitsLossImpl",
     "self=& input=& target=& weight=~? pos_weight=~?"},
    {"layer_norm LayerNormImpl",
     "input=*ab normalized_shape=ab weight=ab? bias=ab? | "
     "input=*a normalized_shape=a weight=a? bias=a?"},
    {"index_select", "index=#@:n"},
    {"index_add index_add_", "self=& index=#@:n source=@n"},
    {"gather", "self=& index=#@:@n"},
    {"scatter_add scatter_add_", "self=& index=#@:@n source=@n"},
    {"masked_select", "self=& mask=b:~"},
    {"masked_fill masked_fill_", "self=& mask=b:~ value=."},
    {"where", "condition=b:~ self=& other=~ | condition=b:& self=~ other=~"},
    {"fill_", "self=& value=."},
    {"view_as reshape_as", "self=& other=%"},
    {"expand_as", "self=~ other=&"},
    {"sparse_coo_tensor", "indices=#v:1k values=kd size=vd | indices=#v:2k values=k size=vv"},
    {"coalesce to_dense indices values _indices _values _nnz sparse_dim dense_dim is_coalesced",
     "self=S | self=S | self=S | self=&"},
    {"t", "self=ab | self=a | self=."},
    {"eye_", "matrix=ab"},
    {"kaiming_uniform_ kaiming_normal_ xavier_uniform_ xavier_normal_", "tensor=ab | tensor=abx"},
    {"set_data", "self=& data=&"},
    {"set_state", "state=G"},
    {"operator[]", "self=& index=#@:."},
    {"is_nonzero item", "self=. | self=1 | self=11"},
    {"max min", "self=& other=~ | self=ab | self=abx"},
    {"allclose equal isclose", "self=& other=&"},
    {"backward", "self=& gradient=& | self=. gradient=."},
};

using Recipes = std::unordered_map<std::string, std::vector<Recipe>>;

Recipes read_recipes() {
  Recipes all;
  for (const Row& row : kRows) {
    std::vector<Recipe> alternatives(1);
    std::istringstream words(row.words);
    for (std::string word; words >> word;) {
      if (word == "|") {
        alternatives.emplace_back();
      } else {
        const size_t equals = word.find('=');
        alternatives.back().emplace_back(word.substr(0, equals), word.substr(equals + 1));
      }
    }
    std::istringstream names(row.functions);
    for (std::string name; names >> name;) all[name] = alternatives;
  }
  return all;
}

const Recipe* draw_recipe(Random& random, const std::string& scope, const std::string& name) {
  static const Recipes recipes = read_recipes();
  const size_t colon = scope.rfind(':');
  for (const std::string& key :
       {colon == std::string::npos ? scope : scope.substr(colon + 1), name})
    if (const auto found = recipes.find(key); found != recipes.end())
      return &found->second[static_cast<size_t>(
          random.below(static_cast<int64_t>(found->second.size())))];
  return nullptr;
}

int64_t draw_size(Random& random) { return random.chance(10) ? 0 : random.between(1, 5); }

}  // namespace

World::World(Random& random, const std::string& scope, const std::string& name)
    : recipe_(draw_recipe(random, scope, name)) {
  for (int64_t& size : letters) size = draw_size(random);
  const int dimensions = random.pick({0, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6});
  for (int i = 0; i < dimensions; ++i) base.push_back(random.chance(15) ? 1 : draw_size(random));
  if (random.chance(2) && dimensions > 0) base.back() = random.between(6, 300);
  for (int64_t i = random.below(3); i > 0; --i) batch.push_back(draw_size(random));
  dtype = random.pick({simdgrad::kFloat, simdgrad::kFloat, simdgrad::kFloat, simdgrad::kFloat,
                       simdgrad::kDouble, simdgrad::kDouble, simdgrad::kDouble, simdgrad::kLong,
                       static_cast<simdgrad::ScalarType>(random.below(8))});
  if (name.rfind("bitwise", 0) == 0 || name == "operator&" || name == "operator|" ||
      name == "operator^" || name == "operator~")
    dtype = random.pick({simdgrad::kLong, simdgrad::kInt, simdgrad::kByte, simdgrad::kBool});
  list_length = static_cast<int>(random.between(random.chance(10) ? 0 : 1, 3));
}

const std::string& World::word(const std::string& parameter) const {
  static const std::string nothing;
  if (recipe_ != nullptr)
    for (const auto& [name, word] : *recipe_)
      if (name == parameter) return word;
  return nothing;
}

Shape World::broadcastable(Random& random) const {
  Shape shape = base;
  if (random.chance(50)) return shape;
  if (random.chance(15)) return {};
  while (!shape.empty() && random.chance(30)) shape.erase(shape.begin());
  for (int64_t& size : shape)
    if (random.chance(30)) size = 1;
  return shape;
}

Shape World::same_count(Random& random) const {
  if (random.chance(40)) return base;
  int64_t count = 1;
  for (const int64_t size : base) count *= size;
  Shape shape;
  for (int64_t factor = 2; factor <= 5 && count > 1; ++factor)
    if (count % factor == 0 && random.chance(60)) {
      shape.push_back(factor);
      count /= factor;
    }
  shape.insert(shape.begin() + random.below(static_cast<int64_t>(shape.size()) + 1), count);
  return shape;
}

}  // namespace fuzz
