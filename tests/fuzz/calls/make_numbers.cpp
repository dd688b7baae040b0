// Numbers, guided by the name of the parameter.
#include <algorithm>
#include <cctype>
#include <cmath>

#include "tests/fuzz/calls/arguments.h"
#include "tests/fuzz/calls/tensors.h"

namespace fuzz {
namespace {

int64_t dims_of_self(const Call& c) { return c.self().defined() ? c.self().dim() : 0; }

int64_t size_of_self(const Call& c, int64_t dim) {
  const Tensor& self = c.self();
  if (!self.defined() || self.dim() == 0) return 1;
  return self.size(std::clamp<int64_t>(dim, 0, self.dim() - 1));
}

int64_t draw_dim(Call& c) {
  const bool has_one_more = c.is_function("unsqueeze") || c.is_function("stack");
  const int64_t dims = std::max<int64_t>(dims_of_self(c) + has_one_more, 1);
  int64_t from = 0;
  if (c.is_named("end_dim")) from = std::min(c.world.dim, dims - 1);
  c.world.dim = c.random.between(from, dims - 1);
  return c.random.chance(40) ? c.world.dim - dims : c.world.dim;
}

bool is_any_of(const std::string& text, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(), [&](const char* word) { return text == word; });
}

// Loops over a range take as long as the range is: it is short, wherever it lies.
int64_t draw_range(Call& c) {
  if (c.is_named("grain_size"))
    return c.random.pick<int64_t>({1, 3, 100, INT64_MAX, 0, -1, INT64_MIN});
  if (c.is_named("begin")) {
    c.world.start = c.random.pick<int64_t>({0, 0, 0, -5, INT64_MIN, INT64_MAX - 10, INT64_MAX});
    return c.world.start;
  }
  const int64_t length = c.random.between(-3, 10);
  int64_t end;
  return __builtin_add_overflow(c.world.start, length, &end) ? c.world.start : end;
}

int64_t draw_integer(Call& c) {
  const std::string& name = c.parameter();
  const std::string& word = c.word();
  if (word.size() == 1 && std::islower(static_cast<unsigned char>(word[0])))
    return c.world.letter(word[0]);
  if (is_any_of(name, {"dim", "dim0", "dim1", "start_dim", "end_dim"})) return draw_dim(c);
  if (name == "sparse_dim") return c.random.between(0, dims_of_self(c));
  const bool on_first = c.is_function("operator[]");
  const int64_t size = size_of_self(c, on_first ? 0 : c.world.dim);
  if (name == "index") return size > 0 ? c.random.between(-size, size - 1) : 0;
  if (name == "start") {
    c.world.start = c.random.between(0, size);
    return c.random.chance(30) ? c.world.start - size : c.world.start;
  }
  if (name == "end" || name == "stop") return c.random.between(-size, size + 1);
  if (name == "length") return c.random.between(0, std::max<int64_t>(size - c.world.start, 0));
  if (is_any_of(name, {"step", "chunks", "split_size"})) return c.random.between(1, 3);
  if (name == "num_classes")
    return c.random.chance(40) ? -1 : c.world.letter('v') + c.random.below(3);
  if (name == "padding_idx")
    return c.random.between(-1, std::max<int64_t>(c.world.letter('v') - 1, -1));
  if (name == "ignore_index") return c.random.chance(60) ? -100 : c.random.below(3);
  if (name == "high" || name == "to") return c.random.between(1, 9);
  if (name == "low" || name == "from") return c.random.between(-3, 0);
  if (name == "classes") return 10;
  if (name == "storage_offset") return c.random.below(2);
  return c.random.between(0, 6);
}

}  // namespace

int64_t Make<int64_t>::make(Call& c) {
  if (c.is_function("parallel_for")) return draw_range(c);
  if (!c.wild()) return draw_integer(c);
  const int64_t value = wild_integer(c.random);
  // An empty dimension is split into as many parts as asked for, one tensor each.
  const bool is_too_long = c.is_named("chunks") && value > (1 << 16) && value < int64_t{1} << 60;
  return is_too_long ? INT64_MAX : value;
}

int Make<int>::make(Call& c) {
  // More threads than this are made, and cost what threads cost.
  if (c.is_named("threads")) return c.random.pick({1, 2, 3, 4, 0, -1, INT32_MIN});
  if (c.wild()) return static_cast<int>(wild_integer(c.random));
  return static_cast<int>(draw_integer(c));
}

unsigned Make<unsigned>::make(Call& c) {
  if (c.is_function("remove_hook") && !c.wild() && c.self().defined() && c.self().requires_grad())
    return c.self().register_hook(SilentHook());
  return c.wild() ? static_cast<unsigned>(wild_integer(c.random))
                  : static_cast<unsigned>(c.random.below(3));
}

uint64_t Make<uint64_t>::make(Call& c) {
  // The size of memory that the call is given, and an index without a check, as a vector's.
  if (c.in_scope("FileWriter")) return c.choose(4096);
  if (c.in_scope("ArrayRef") && c.is_function("ArrayRef")) return c.choose(4);
  if (c.in_scope("ArrayRef") && c.is_function("operator[]")) return 0;
  if (c.is_function("forward_list")) return c.choose(4);
  // Under the sanitizers operator new ends the process where it should throw.
  if (c.is_function("reserve")) return c.random.pick<uint64_t>({0, 1, 1000, UINT64_MAX});
  if (c.wild()) return static_cast<uint64_t>(wild_integer(c.random));
  return c.choose(4);
}

bool Make<bool>::make(Call& c) {
  if (c.parameter() == "inplace") return c.random.chance(25);
  return c.random.chance(50);
}

double Make<double>::make(Call& c) {
  if (c.wild()) return wild_double(c.random);
  const std::string& name = c.parameter();
  if (is_any_of(name, {"beta1", "beta2", "momentum", "first", "second"}))
    return c.random.unit() * 0.99;
  if (name == "eps") return c.random.pick({1e-8, 1e-5, 1e-3});
  if (name == "norm_type") return c.random.pick({1.0, 2.0, 3.0, 0.5});
  if (name == "weight_decay" || name == "dampening") return c.random.pick({0.0, 0.0, 0.1});
  if (name == "to" || name == "high") return 1 + c.random.unit();
  return c.random.unit();
}
float Make<float>::make(Call& c) { return static_cast<float>(Make<double>::make(c)); }

simdgrad::Scalar Make<simdgrad::Scalar>::make(Call& c) {
  const std::string& name = c.parameter();
  if (c.wild()) {
    if (c.random.chance(40)) return wild_integer(c.random);
    if (c.random.chance(20)) return c.random.chance(50);
    return wild_double(c.random);
  }
  if (c.is_function("arange") || c.is_function("linspace")) {
    if (name == "step") return c.random.pick<simdgrad::Scalar>({1, 2, 0.5});
    return c.random.between(name == "start" ? -3 : 0, 9);
  }
  if (name == "index") {
    const int64_t size = size_of_self(c, 0);
    return size > 0 ? c.random.between(-size, size - 1) : int64_t{0};
  }
  if (name == "alpha" || name == "beta")
    return c.random.pick<simdgrad::Scalar>({1, 1, 2, 0, -1, 0.5});
  switch (c.random.below(6)) {
    case 0:
      return c.random.chance(50);
    case 1:
    case 2:
      return c.random.between(-2, 4);
    default:
      return c.random.unit() * 4 - 1;
  }
}

}  // namespace fuzz
