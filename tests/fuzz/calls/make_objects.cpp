// Texts, options, functions, nodes: everything that is neither a number nor a list.
#include <algorithm>

#include "tests/fuzz/calls/arguments.h"
#include "tests/fuzz/calls/files.h"
#include "tests/fuzz/calls/tensors.h"

namespace fuzz {

using simdgrad::Error;

// --- texts --------------------------------------------------------------------------------------

std::string Make<std::string>::make(Call& c) {
  const std::string& name = c.parameter();
  if (name.find("path") != std::string::npos || name == "folder") return draw_path(c);
  if (c.wild())
    return c.random.pick<std::string>({"", "a.b", ".", "\xff\xfe", std::string("a\0b", 3),
                                       "__metadata__", std::string(3000, 'y'), "0", "weight",
                                       "w\n\"\\"});
  if (name == "approximate" || name == "new_approximate") return c.random.pick({"none", "tanh"});
  if (name == "profile") return c.random.pick({"default", "short", "full"});
  if (name == "key" && c.in_scope("OrderedDict")) return c.random.pick({"a", "b", "c", "d"});
  return c.random.pick({"a", "b", "hidden", "weight", "bias", "0"});
}

std::string_view Make<std::string_view>::make(Call& c) {
  std::string text = Make<std::string>::make(c);
  if (!c.wild()) {
    if (c.is_named("rounding_mode")) text = c.random.pick({"trunc", "floor"});
    if (c.in_scope("Device")) text = c.random.pick({"cpu", "cpu:0"});
  }
  auto held = std::make_shared<std::string>(std::move(text));
  c.hold(held);
  return *held;
}

const char* Make<const char*>::make(Call& c) {
  if (c.wild()) return c.random.pick({"", "....", "cuda", "cuda:0", "cpu:1", "\xff"});
  if (c.in_scope("Device")) return c.random.pick({"cpu", "cpu:0"});
  return "...";
}

std::nullopt_t Make<std::nullopt_t>::make(Call&) { return std::nullopt; }
std::nullptr_t Make<std::nullptr_t>::make(Call&) { return nullptr; }
std::type_info& Make<std::type_info>::make(Call&) {
  return const_cast<std::type_info&>(typeid(Product));
}
std::unique_ptr<std::ostream> Make<std::ostream>::make(Call&) {
  return std::make_unique<std::ostringstream>();
}

// Memory of the caller: what a call is told of its size may be wrong only where nothing is touched.
alignas(64) static char caller_memory[1 << 16];
void* Make<void*>::make(Call& c) {
  std::fill(std::begin(caller_memory), std::end(caller_memory), '\0');
  return c.wild() && c.random.chance(30) ? nullptr : caller_memory;
}
const void* Make<const void*>::make(Call&) { return caller_memory; }

// --- options ------------------------------------------------------------------------------------

simdgrad::TensorOptions Make<simdgrad::TensorOptions>::make(Call& c) {
  simdgrad::TensorOptions options;
  if (c.random.chance(70)) {
    const ScalarType dtype =
        c.random.chance(70) ? c.world.dtype : static_cast<ScalarType>(c.random.below(8));
    options = options.dtype(dtype);
  }
  const bool is_floating = simdgrad::is_floating_point(options.dtype());
  if (c.random.chance(is_floating ? 40 : 3)) options = options.requires_grad(true);
  if (c.wild() && c.random.chance(40)) options = options.layout(simdgrad::kSparse);
  c.options_require_grad = options.requires_grad();
  return options;
}

simdgrad::Device Make<simdgrad::Device>::make(Call& c) {
  return c.wild() ? simdgrad::Device(simdgrad::kCUDA) : simdgrad::Device();
}

simdgrad::TensorData Make<simdgrad::TensorData>::make(Call& c) {
  using simdgrad::TensorData;
  if (c.wild() && c.random.chance(20)) return TensorData({});
  switch (c.random.below(7)) {
    case 0:
      return TensorData(c.random.unit());
    case 1:
      return TensorData(c.random.between(-3, 3));
    case 2:
      return TensorData({1.5, -2.0, 3.25});
    case 3:
      return TensorData({{1, 2}, {3, 4}});
    case 4:
      return TensorData({{{true, false}}, {{false, true}}});
    case 5:
      return TensorData({1, 2.5, true});
    default:
      return c.wild() ? TensorData({{1, 2}, {3}}) : TensorData({{0.5}, {1.5}});
  }
}

Tensor Make<Tensor>::make(Call& c) { return draw_tensor(c); }

// --- functions of the caller --------------------------------------------------------------------

Hook Make<Hook>::make(Call& c) { return {c.random.below(c.wild() ? 5 : 2)}; }
Tensor Hook::operator()(const Tensor& gradient) const {
  switch (kind) {
    case 0:
      return gradient * 2;
    case 1:
      return {};
    case 2:
      return gradient.unsqueeze(0).expand(3);
    case 3:
      return gradient.to(simdgrad::kLong);
    default:
      throw Error("a hook that fails");
  }
}
SilentHook Make<SilentHook>::make(Call&) { return {}; }
ParallelBody Make<ParallelBody>::make(Call&) { return {}; }
PlainFunction Make<PlainFunction>::make(Call&) { return {}; }
MakeState Make<MakeState>::make(Call&) { return {}; }
simdgrad::optim::Optimizer::StateMap Make<simdgrad::optim::Optimizer::StateMap>::make(Call&) {
  return {};
}
std::unique_ptr<simdgrad::detail::TensorHook>
Make<std::unique_ptr<simdgrad::detail::TensorHook>>::make(Call& c) {
  if (c.wild()) return nullptr;
  return std::make_unique<simdgrad::detail::CallableHook<Hook>>(Make<Hook>::make(c));
}

Tensor Product::forward(simdgrad::autograd::AutogradContext* ctx, const Tensor& x,
                        const Tensor& y) {
  ctx->save_for_backward({x, y});
  return x * y;
}
simdgrad::autograd::variable_list Product::backward(simdgrad::autograd::AutogradContext* ctx,
                                                    simdgrad::autograd::variable_list dy) {
  const auto saved = ctx->get_saved_variables();
  const auto gradient = [&](const Tensor& of, const Tensor& other) {
    if (!is_floating_point(of.scalar_type())) return Tensor();
    const bool is_same_shape = of.sizes().vec() == dy[0].sizes().vec();
    return is_same_shape ? (dy[0] * other).to(of.scalar_type()) : simdgrad::zeros_like(of);
  };
  return {gradient(saved[0], saved[1]), gradient(saved[1], saved[0])};
}

simdgrad::autograd::CustomCall::BackwardFunction
Make<simdgrad::autograd::CustomCall::BackwardFunction>::make(Call&) {
  return
      [](simdgrad::autograd::AutogradContext*, simdgrad::autograd::variable_list dy) { return dy; };
}
std::function<void(void*)> Make<std::function<void(void*)>>::make(Call& c) {
  if (c.wild()) return nullptr;
  return [](void*) {};
}
std::function<void(simdgrad::nn::Module&)> Make<std::function<void(simdgrad::nn::Module&)>>::make(
    Call& c) {
  if (c.wild()) return nullptr;
  return [](simdgrad::nn::Module& module) { module.name(); };
}
std::function<void(const std::string&, simdgrad::nn::Module&)>
Make<std::function<void(const std::string&, simdgrad::nn::Module&)>>::make(Call& c) {
  if (c.wild()) return nullptr;
  return [](const std::string&, simdgrad::nn::Module& module) { module.name(); };
}
std::function<void(simdgrad::FileWriter&)> Make<std::function<void(simdgrad::FileWriter&)>>::make(
    Call& c) {
  if (c.wild() && c.random.chance(30)) return nullptr;
  const bool fails = c.wild();
  return [fails](simdgrad::FileWriter& file) {
    file.write("some text");
    if (fails) throw Error("a writer that fails");
  };
}
std::function<Tensor(Tensor)> Make<std::function<Tensor(Tensor)>>::make(Call& c) {
  if (c.wild() && c.random.chance(30)) return nullptr;
  if (c.wild()) return [](Tensor) { return Tensor(); };
  return [](Tensor x) { return x * 2; };
}
std::function<Tensor()> Make<std::function<Tensor()>>::make(Call& c) {
  if (c.random.chance(50)) return nullptr;
  if (c.wild()) return []() -> Tensor { throw Error("a closure that fails"); };
  return [] { return simdgrad::ones({}); };
}
simdgrad::GradcheckFunction Make<simdgrad::GradcheckFunction>::make(Call& c) {
  using simdgrad::autograd::variable_list;
  const int64_t kind = c.wild() ? c.random.below(5) : 4;
  if (kind == 0) return nullptr;
  return [kind](const variable_list& x) -> variable_list {
    if (kind == 1 || x.empty()) return {};
    if (kind == 2) return {Tensor()};
    if (kind == 3) return {x[0].to(simdgrad::kLong)};
    return {x[0].tanh().sum()};
  };
}

// --- nodes, writers, handlers -------------------------------------------------------------------

simdgrad::NodePtr Make<simdgrad::NodePtr>::make(Call& c) {
  if (c.wild() && !c.is_named("self")) return nullptr;
  Tensor x = simdgrad::ones({2}, simdgrad::requires_grad());
  for (int64_t n = c.random.between(1, 4); n > 0; --n)
    x = c.random.chance(50) ? x * x : x.sum(0, true);
  return x.grad_fn();
}
simdgrad::Node& Make<simdgrad::Node>::make(Call& c) {
  auto held = std::make_shared<simdgrad::NodePtr>(Make<simdgrad::NodePtr>::make(c));
  if (*held == nullptr) *held = simdgrad::ones({2}, simdgrad::requires_grad()).exp().grad_fn();
  c.hold(held);
  return **held;
}
simdgrad::Node* Make<simdgrad::Node*>::make(Call& c) {
  return c.wild() ? nullptr : &Make<simdgrad::Node>::make(c);
}
simdgrad::Edge Make<simdgrad::Edge>::make(Call& c) {
  if (c.wild()) return {};
  return Make<simdgrad::Node>::make(c).next_edge(0);
}

// Of a call that is under way.
simdgrad::autograd::AutogradContext& Make<simdgrad::autograd::AutogradContext>::make(Call& c) {
  auto call = std::make_shared<simdgrad::autograd::CustomCall>(typeid(Product), &Product::backward);
  c.hold(call);
  const Tensor x = draw_tensor(c), y = draw_tensor(c);
  call->add_argument(x);
  call->add_argument(y);
  if (c.random.chance(50)) call->context()->save_for_backward({x, y});
  if (c.random.chance(50)) call->finish({simdgrad::ones({2})});
  return *call->context();
}

namespace {
struct Text : simdgrad::FileWriter {
  void write(const void* data, size_t bytes) override {
    text.append(static_cast<const char*>(data), bytes);
  }
  std::string text;
};
struct Silent : simdgrad::WarningHandler {
  void process(const std::string&) override {}
};
}  // namespace

std::unique_ptr<simdgrad::FileWriter> Make<simdgrad::FileWriter>::make(Call&) {
  return std::make_unique<Text>();
}
std::unique_ptr<simdgrad::WarningHandler> Make<simdgrad::WarningHandler>::make(Call&) {
  return std::make_unique<Silent>();
}
simdgrad::WarningHandler* Make<simdgrad::WarningHandler*>::make(Call& c) {
  static Silent silent;
  return c.random.chance(50) ? &silent : nullptr;
}

}  // namespace fuzz
