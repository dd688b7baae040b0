// Which tensor a parameter gets, and the ones that no call hopes for.
#include <algorithm>
#include <cctype>

#include "core/tensor_impl.h"
#include "tests/fuzz/calls/tensors.h"

namespace fuzz {
namespace {

bool is_any_of(const std::string& text, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(), [&](const char* word) { return text == word; });
}

int64_t size_along_dim(Call& c) {
  const Tensor& self = c.self();
  if (!self.defined() || self.dim() == 0) return 1;
  return self.size(std::clamp<int64_t>(c.world.dim, 0, self.dim() - 1));
}

Tensor undefined(Call& c) {
  c.give(Tensor());
  return {};
}

// Of many dimensions, all but a few of size 1.
Shape deep_shape(Random& random, int64_t dims) {
  Shape shape(static_cast<size_t>(dims), 1);
  for (int i = 0; i < 3; ++i) shape[static_cast<size_t>(random.below(dims))] = random.between(1, 3);
  return shape;
}

// One of those given before, or a view of one.
Tensor alias(Call& c) {
  const Tensor x = c.given[c.choose(c.given.size())].tensor;
  if (!x.defined() || x.is_sparse()) {
    c.give(x);
    return x;
  }
  Tensor view = x;
  switch (c.random.below(5)) {
    case 0:
      view = x.numpy_T();
      break;
    case 1:
      if (x.dim() > 0) view = x.slice(0, 1);
      break;
    case 2:
      if (x.dim() > 0 && x.size(0) > 0) view = x.select(0, 0);
      break;
    case 3:
      view = x.detach();
      break;
    default:
      break;
  }
  c.give(view);
  return view;
}

Tensor external(Call& c, const Plan& plan) {
  int64_t count = 1;
  for (const int64_t size : plan.shape) count *= size;
  auto memory = std::make_shared<std::vector<double>>(static_cast<size_t>(count) + 1, 0.5);
  c.hold(memory);
  Tensor x = simdgrad::from_blob(memory->data(), plan.shape, simdgrad::kDouble);
  c.give(x);
  return x;
}

}  // namespace

Shape shape_of_word(Call& c, std::string_view word) {
  Shape shape;
  const auto append = [&](const Shape& more) {
    shape.insert(shape.end(), more.begin(), more.end());
  };
  for (size_t i = 0; i < word.size(); ++i) {
    const char letter = word[i];
    if (letter == '*')
      append(c.world.batch);
    else if (letter == '&')
      append(c.world.base);
    else if (letter == '~')
      append(c.world.broadcastable(c.random));
    else if (letter == '%')
      append(c.world.same_count(c.random));
    else if (std::isdigit(static_cast<unsigned char>(letter)))
      shape.push_back(letter - '0');
    else if (std::islower(static_cast<unsigned char>(letter)))
      shape.push_back(c.world.letter(letter));
    else if (letter == '@') {
      const Tensor& self = c.self();
      if (self.defined()) append(self.sizes().vec());
      if (!shape.empty())
        shape[static_cast<size_t>(std::clamp<int64_t>(
            c.world.dim, 0, static_cast<int64_t>(shape.size()) - 1))] = c.world.letter(word[i + 1]);
      ++i;
    }
  }
  return shape;
}

// What the module made last takes: the width of its first layer.
bool plan_for_module(Call& c, Plan& plan) {
  if (c.module == nullptr || c.parameter() == "self" ||
      !is_any_of(c.parameter(), {"inputs", "args", "input"}))
    return false;
  for (const auto& [name, weight] : c.module->named_parameters().pairs()) {
    if (weight.dim() != 2) continue;
    const bool takes_ids = c.module->name().find("Embedding") != std::string::npos;
    plan = {{c.world.letter('n'), weight.size(1)}, weight.scalar_type(), Plan::Values::any, 1, 50};
    if (takes_ids)
      plan = {{c.world.letter('n')}, simdgrad::kLong, Plan::Values::ids, weight.size(0), 0};
    return true;
  }
  return false;
}

Plan draw_plan(Call& c) {
  using Values = Plan::Values;
  Plan plan;
  if (c.word().empty() && plan_for_module(c, plan)) return plan;
  plan.dtype = c.random.chance(88) ? c.world.dtype : static_cast<ScalarType>(c.random.below(8));
  std::string_view word = c.word();
  if (!word.empty() && word.back() == '?') word.remove_suffix(1);
  if (word.rfind("#", 0) == 0) {
    plan.values = Values::ids;
    plan.limit = word[1] == '@' ? size_along_dim(c) : c.world.letter(word[1]);
    word.remove_prefix(3);
  } else if (word.rfind("b:", 0) == 0) {
    plan.values = Values::mask;
    word.remove_prefix(2);
  } else if (word.empty()) {
    const std::string& name = c.parameter();
    if (is_any_of(name, {"condition", "mask"}))
      plan.values = Values::mask;
    else if (is_any_of(name, {"index", "indices", "ids"}))
      plan.values = Values::ids;
    plan.limit = size_along_dim(c);
    const bool is_first = c.given.empty() || c.is_written();
    word = is_first || c.random.chance(60) ? "&" : "~";
  }
  plan.shape = shape_of_word(c, word);
  if (plan.values == Values::ids)
    plan.dtype = c.random.chance(85) ? simdgrad::kLong : simdgrad::kInt;
  if (plan.values == Values::mask) plan.dtype = simdgrad::kBool;
  if (c.is_written()) plan.gradient_chance = 35;
  return plan;
}

Tensor draw_tensor(Call& c) {
  const std::string& word = c.word();
  if (word == "G" && !c.wild()) {
    const Tensor state =
        simdgrad::Generator(static_cast<uint64_t>(c.random.below(100))).get_state();
    c.give(state);
    return state;
  }
  const Plan plan = draw_plan(c);
  if (c.wild()) return draw_wild_tensor(c, plan);
  const bool is_optional = !word.empty() && word.back() == '?';
  if (is_optional && c.random.chance(40)) return undefined(c);
  if (word == "S" || c.random.chance(2)) {
    Plan sparse = plan;
    if (word == "S") sparse.shape = c.world.base;
    return build_sparse(c, sparse);
  }
  return build_tensor(c, plan);
}

Tensor draw_wild_tensor(Call& c, const Plan& as_planned) {
  Plan plan = as_planned;
  const int64_t kind = c.random.below(100);
  if (kind < 10) return undefined(c);
  if (kind < 32) {
    if (c.random.chance(60) && plan.values == Plan::Values::any) plan.shape = c.world.base;
    const Tensor sparse = build_sparse(c, plan);
    if (c.random.chance(20)) overwrite_integers(c.random, sparse._indices());
    return sparse;
  }
  if (kind < 40 && !c.given.empty()) return alias(c);
  if (kind < 42) return external(c, plan);
  if (kind < 50) {
    if (plan.shape.empty()) plan.shape = {0};
    plan.shape[static_cast<size_t>(c.random.below(static_cast<int64_t>(plan.shape.size())))] = 0;
  } else if (kind < 57) {
    plan.shape = {};
  } else if (kind < 61) {
    plan.shape = deep_shape(c.random, c.random.pick({6, 8, 33, 63, 64}));
  } else if (kind < 73) {
    plan.dtype = static_cast<ScalarType>(c.random.below(8));
    plan.values = Plan::Values::any;
  } else if (kind < 77) {  // many elements in little memory
    plan.shape = {c.random.between(1, 3), c.random.between(100, 5000)};
    const Tensor wide = simdgrad::zeros({1, 1}, plan.dtype).expand(plan.shape);
    c.give(wide);
    return wide;
  } else if (kind < 87) {
    Shape random_shape;
    for (int64_t n = c.random.below(6); n > 0; --n) random_shape.push_back(c.random.below(5));
    plan.shape = random_shape;
  } else {  // ids and sizes of any value
    plan.dtype = c.random.pick({simdgrad::kLong, simdgrad::kLong, simdgrad::kInt, simdgrad::kByte});
    const Tensor ids = simdgrad::zeros(plan.shape, plan.dtype);
    overwrite_integers(c.random, ids);
    c.give(ids);
    return ids;
  }
  return build_tensor(c, plan);
}

}  // namespace fuzz
