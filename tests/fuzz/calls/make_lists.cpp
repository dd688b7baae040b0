// Lists: sizes, strides, dimensions, tensors, entries of an index.
#include <algorithm>

#include "tests/fuzz/calls/arguments.h"
#include "tests/fuzz/calls/tensors.h"

namespace fuzz {
namespace {

// Sizes that no tensor has, and some whose product wraps to a small number.
Shape wild_sizes(Random& random) {
  constexpr int64_t k32 = int64_t{1} << 32, k62 = int64_t{1} << 62, k63 = INT64_MAX;
  switch (random.below(9)) {
    case 0:
    case 5:
      return random.pick<Shape>(
          {{k32, k32}, {k62, 4}, {k32, k32, 2}, {3, k62, 4}, {k62, 2, 2}, {k63, 3}});
    case 1:
      return random.pick<Shape>({{0, k63}, {k63, 0}, {k63, 2}, {2, k63}, {k62}, {k63}});
    case 2:
      return Shape(static_cast<size_t>(random.pick({63, 64, 65, 66, 300})), 1);
    case 3:
      return random.pick<Shape>({{-1}, {-1, -1}, {2, -1}, {-2}, {INT64_MIN}, {}});
    case 4:
      return random.pick<Shape>({{1 << 15, 1 << 15}, {1 << 20, 1 << 20}, {1 << 29}, {1 << 30}});
    default:
      break;
  }
  Shape sizes;
  for (int64_t n = random.below(6); n > 0; --n) sizes.push_back(wild_integer(random));
  return sizes;
}

Shape draw_dims(Call& c, bool all) {
  const int64_t dims = c.self().defined() ? c.self().dim() : 0;
  Shape drawn;
  for (int64_t i = 0; i < dims; ++i)
    if (all || c.random.chance(50)) drawn.push_back(c.random.chance(30) ? i - dims : i);
  for (size_t i = drawn.size(); i > 1; --i)
    std::swap(drawn[i - 1], drawn[static_cast<size_t>(c.random.below(static_cast<int64_t>(i)))]);
  return drawn;
}

// Sizes that self's expand to.
Shape expanded(Call& c) {
  Shape sizes = c.self().defined() ? c.self().sizes().vec() : Shape{};
  for (int64_t& size : sizes)
    if (size == 1 && c.random.chance(70)) size = c.random.between(0, 4);
  if (c.random.chance(30)) sizes.insert(sizes.begin(), c.random.between(0, 3));
  return sizes;
}

Shape split_sizes(Call& c) {
  const Tensor& self = c.self();
  int64_t left = self.defined() && self.dim() > 0 ? self.size(0) : 0;
  Shape sizes;
  while (left > 0) {
    sizes.push_back(c.random.between(0, left));
    left -= sizes.back();
  }
  return sizes;
}

Shape draw_sizes(Call& c) {
  const std::string& name = c.parameter();
  if (!c.word().empty()) return shape_of_word(c, c.word());
  if (name == "dims") return draw_dims(c, c.is_function("permute"));
  if (name == "split_sizes") return split_sizes(c);
  if (c.is_function("expand")) return expanded(c);
  if (c.is_function("view") || c.is_function("reshape")) {
    World world = c.world;
    if (c.self().defined()) world.base = c.self().sizes().vec();
    Shape sizes = world.same_count(c.random);
    if (!sizes.empty() && c.random.chance(30))
      sizes[static_cast<size_t>(c.random.below(static_cast<int64_t>(sizes.size())))] = -1;
    return sizes;
  }
  Shape sizes;
  if (name == "strides") {
    const bool all_the_same = c.random.chance(30);
    for (int64_t n = c.world.start; n > 0; --n)
      sizes.push_back(all_the_same ? 0 : c.random.below(3));
    return sizes;
  }
  if (name == "state_steps") {
    for (int n = c.world.list_length; n > 0; --n) sizes.push_back(c.random.between(1, 5));
    return sizes;
  }
  for (int64_t n = c.random.below(5); n > 0; --n)
    sizes.push_back(c.random.chance(8) ? 0 : c.random.between(1, 4));
  if (c.is_function("as_strided") && c.random.chance(50)) sizes = {c.random.between(0, 2)};
  c.world.start = static_cast<int64_t>(sizes.size());
  return sizes;
}

}  // namespace

std::vector<int64_t> Make<std::vector<int64_t>>::make(Call& c) {
  if (!c.wild()) return draw_sizes(c);
  if (c.random.chance(15)) return draw_dims(c, c.random.chance(50));
  Shape sizes = wild_sizes(c.random);
  c.world.start = static_cast<int64_t>(sizes.size());  // strides that go with them
  return sizes;
}

simdgrad::IntArrayRef Make<simdgrad::IntArrayRef>::make(Call& c) {
  auto all = std::make_shared<Shape>(Make<Shape>::make(c));
  if (c.in_scope("ArrayRef") && c.is_function("operator[]") && all->empty()) all->push_back(1);
  c.hold(all);
  return *all;
}

simdgrad::OptionalIntArrayRef Make<simdgrad::OptionalIntArrayRef>::make(Call& c) {
  if (c.random.chance(25)) return std::nullopt;
  return Make<simdgrad::IntArrayRef>::make(c);
}

const int64_t* Make<const int64_t*>::make(Call& c) {
  static const int64_t values[] = {1, 2, 3, 4};
  return c.is_named("last") ? values + 4 : values + c.choose(2);
}

namespace {

// Tensors that a graph hangs on: leaves given before, and what was computed from them.
Tensor recorded_output(Call& c) {
  Plan plan{c.world.base, simdgrad::kFloat, Plan::Values::any, 1, 100};
  const Tensor x = build_tensor(c, plan);
  switch (c.random.below(4)) {
    case 0:
      return x.sum();
    case 1:
      return x.mul(x);
    case 2:
      return x.sigmoid().mean();
    default:
      return x;
  }
}

Tensor recorded_input(Call& c) {
  std::vector<Tensor> leaves;
  for (const Given& one : c.given)
    if (one.leaf.defined()) leaves.push_back(one.leaf);
  if (leaves.empty()) return {};
  return leaves[c.choose(leaves.size())];
}

Tensor parameter(Call& c) {
  Plan plan{c.world.base, c.world.dtype, Plan::Values::any, 1, 0};
  if (!simdgrad::is_floating_point(plan.dtype)) plan.dtype = simdgrad::kFloat;
  if (c.random.chance(20)) plan = draw_plan(c);
  Tensor x = build_tensor(c, plan);
  c.given.pop_back();
  x = x.detach();
  if (simdgrad::is_floating_point(x.scalar_type()) && c.random.chance(92))
    x.set_requires_grad(true);
  c.give(x, x.requires_grad() ? x : Tensor());
  return x;
}

}  // namespace

std::vector<Tensor> Make<std::vector<Tensor>>::make(Call& c) {
  const std::string& name = c.parameter();
  std::vector<Tensor> all;
  int count = c.world.list_length;
  if (c.wild()) count = static_cast<int>(c.random.below(5));
  // Gradients, and state that is not always kept, may be left out.
  const bool is_optional = name == "grad_outputs" || name == "grad_tensors" ||
                           name == "momentum_buffer_list" || name == "max_exp_avg_sqs";
  if (is_optional && c.random.chance(50)) return all;
  if (c.in_scope("") && (c.is_function("gradcheck") || c.is_function("gradgradcheck")) &&
      !c.wild()) {
    Shape shape = c.world.base;
    for (int64_t& size : shape) size = std::min<int64_t>(size, 3);  // as many calls as numbers
    for (int i = 0; i < count; ++i) {
      const Tensor x = simdgrad::rand(shape, simdgrad::kDouble);
      all.push_back(name == "inputs" ? x.set_requires_grad(true)
                                     : simdgrad::rand({}, simdgrad::kDouble));
      c.give(all.back(), name == "inputs" ? all.back() : Tensor());
    }
    return all;
  }
  for (int i = 0; i < count; ++i) {
    if (c.wild())
      all.push_back(draw_tensor(c));
    else if (name == "outputs" || name == "tensors") {
      const bool is_joined = c.is_function("cat") || c.is_function("stack");
      all.push_back(is_joined ? draw_tensor(c) : recorded_output(c));
    } else if (name == "inputs")
      all.push_back(recorded_input(c));
    else if (name == "params" || name == "parameters")
      all.push_back(parameter(c));
    else {
      Plan plan{c.world.base, c.world.dtype, Plan::Values::any, 1, 10};
      if (name == "grad_outputs") plan.shape = {};
      all.push_back(build_tensor(c, plan));
    }
  }
  return all;
}

simdgrad::TensorList Make<simdgrad::TensorList>::make(Call& c) {
  auto all = std::make_shared<std::vector<Tensor>>(Make<std::vector<Tensor>>::make(c));
  c.hold(all);
  return *all;
}

const Tensor* Make<const Tensor*>::make(Call& c) {
  auto all = std::make_shared<std::vector<Tensor>>();
  for (int i = 0; i < 4; ++i) all->push_back(draw_tensor(c));
  c.hold(all);
  return all->data();
}

simdgrad::indexing::Slice Make<simdgrad::indexing::Slice>::make(Call& c) {
  using Bound = std::optional<int64_t>;
  const Bound start = c.argument<Bound>("start"), stop = c.argument<Bound>("stop");
  return simdgrad::indexing::Slice(start, stop, c.argument<Bound>("step"));
}

simdgrad::indexing::TensorIndex Make<simdgrad::indexing::TensorIndex>::make(Call& c) {
  using simdgrad::indexing::TensorIndex;
  const Tensor& self = c.self();
  const int64_t dims = self.defined() ? self.dim() : 0;
  const int64_t dim =
      std::min<int64_t>(static_cast<int64_t>(c.world.indexed), std::max<int64_t>(dims - 1, 0));
  const int64_t size = dims > 0 ? self.size(dim) : 1;
  c.world.dim = dim;
  if (c.wild()) {
    switch (c.random.below(4)) {
      case 0:
        return wild_integer(c.random);
      case 1:
        return draw_tensor(c);
      case 2:
        return c.random.chance(50);
      default:
        return Make<simdgrad::indexing::Slice>::make(c);
    }
  }
  if (static_cast<int64_t>(c.world.indexed) >= dims) return std::nullopt;
  const int64_t kind = c.random.below(20);
  if (kind == 0) return std::nullopt;
  if (kind == 1) return simdgrad::indexing::Ellipsis;
  if (kind == 2) return c.random.chance(50);
  ++c.world.indexed;
  if (kind < 8) return size > 0 ? c.random.between(-size, size - 1) : 0;
  if (kind < 13) return Make<simdgrad::indexing::Slice>::make(c);
  const bool is_mask = kind > 17;
  Plan plan{{is_mask ? size : c.world.letter('n')},
            is_mask ? simdgrad::kBool : simdgrad::kLong,
            is_mask ? Plan::Values::any : Plan::Values::ids,
            size,
            0};
  return build_tensor(c, plan);
}

}  // namespace fuzz
