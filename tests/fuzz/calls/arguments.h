// How an argument of every type is made, and what is looked at in a result of every type.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <sstream>
#include <tuple>
#include <typeinfo>
#include <utility>

#include "tests/fuzz/calls/call.h"
#include "tests/fuzz/calls/show.h"

namespace fuzz {

// --- types of our own that stand for template parameters ----------------------------------------

template <class T, size_t N>
struct PlainArray {
  T values[N] = {};
};

// A hook that gives its gradient back, another one, one of a wrong shape or none at all.
struct Hook {
  int64_t kind = 0;
  Tensor operator()(const Tensor& gradient) const;
};
struct SilentHook {
  void operator()(const Tensor&) const {}
};
struct ParallelBody {
  void operator()(int64_t, int64_t) const {}
};
struct MakeState {
  std::unique_ptr<simdgrad::optim::OptimizerParamState> operator()() const {
    return std::make_unique<simdgrad::optim::SGDParamState>();
  }
};
struct PlainFunction {
  Tensor operator()(const Tensor& x, double factor) const { return x * factor; }
};
// x y
struct Product : simdgrad::autograd::Function<Product> {
  static Tensor forward(simdgrad::autograd::AutogradContext* ctx, const Tensor& x, const Tensor& y);
  static simdgrad::autograd::variable_list backward(simdgrad::autograd::AutogradContext* ctx,
                                                    simdgrad::autograd::variable_list dy);
};

// A class that can be made of one that cannot.
template <class T>
struct Concrete;
template <>
struct Concrete<simdgrad::optim::Optimizer> : simdgrad::optim::Optimizer {
  using Optimizer::Optimizer;
  explicit Concrete(Optimizer&& other) : Optimizer(std::move(other)) {}
  Tensor step(LossClosure closure) override { return run_closure(closure); }
  void check_options(const simdgrad::optim::OptimizerOptions&) const override {}
};

// --- makers -------------------------------------------------------------------------------------

// Made by a constructor of the class; the generator writes these.
template <class T>
struct Constructed {
  static std::unique_ptr<T> make(Call& c);
};
template <class E>
struct Enumerators;

template <class T, class>
struct Make {
  static std::unique_ptr<T> make(Call& c) { return Constructed<T>::make(c); }
};

#define FUZZ_COMMA ,
#define FUZZ_MAKE(Type, Made)  \
  template <>                  \
  struct Make<Type> {          \
    static Made make(Call& c); \
  };
#define FUZZ_MAKES(Type) FUZZ_MAKE(Type, Type)
FUZZ_MAKES(bool)
FUZZ_MAKES(int)
FUZZ_MAKES(unsigned)
FUZZ_MAKES(int64_t)
FUZZ_MAKES(uint64_t)
FUZZ_MAKES(float)
FUZZ_MAKES(double)
FUZZ_MAKES(std::string)
FUZZ_MAKES(std::string_view)
FUZZ_MAKES(const char*)
FUZZ_MAKES(std::nullopt_t)
FUZZ_MAKES(std::nullptr_t)
FUZZ_MAKES(void*)
FUZZ_MAKES(const void*)
FUZZ_MAKES(const int64_t*)
FUZZ_MAKES(const Tensor*)
FUZZ_MAKE(std::ostream, std::unique_ptr<std::ostream>)
FUZZ_MAKE(std::type_info, std::type_info&)
FUZZ_MAKES(Hook)
FUZZ_MAKES(SilentHook)
FUZZ_MAKES(ParallelBody)
FUZZ_MAKES(PlainFunction)
FUZZ_MAKES(MakeState)
FUZZ_MAKES(simdgrad::optim::Optimizer::StateMap)
FUZZ_MAKES(Tensor)
FUZZ_MAKES(simdgrad::Scalar)
FUZZ_MAKES(simdgrad::TensorOptions)
FUZZ_MAKES(simdgrad::TensorData)
FUZZ_MAKES(simdgrad::Device)
FUZZ_MAKES(simdgrad::IntArrayRef)
FUZZ_MAKES(simdgrad::OptionalIntArrayRef)
FUZZ_MAKES(simdgrad::TensorList)
FUZZ_MAKES(simdgrad::indexing::TensorIndex)
FUZZ_MAKES(simdgrad::indexing::Slice)
FUZZ_MAKES(std::vector<int64_t>)
FUZZ_MAKES(std::vector<Tensor>)
FUZZ_MAKES(simdgrad::NodePtr)
FUZZ_MAKES(simdgrad::Node*)
FUZZ_MAKES(simdgrad::Edge)
FUZZ_MAKE(simdgrad::autograd::AutogradContext, simdgrad::autograd::AutogradContext&)
FUZZ_MAKE(simdgrad::Node, simdgrad::Node&)
FUZZ_MAKE(simdgrad::FileWriter, std::unique_ptr<simdgrad::FileWriter>)
FUZZ_MAKE(simdgrad::WarningHandler, std::unique_ptr<simdgrad::WarningHandler>)
FUZZ_MAKES(simdgrad::WarningHandler*)
FUZZ_MAKES(std::unique_ptr<simdgrad::detail::TensorHook>)
FUZZ_MAKES(simdgrad::autograd::CustomCall::BackwardFunction)
FUZZ_MAKES(std::function<void(void*)>)
FUZZ_MAKES(std::function<void(simdgrad::nn::Module&)>)
FUZZ_MAKES(std::function<void(const std::string& FUZZ_COMMA simdgrad::nn::Module&)>)
FUZZ_MAKES(std::function<void(simdgrad::FileWriter&)>)
FUZZ_MAKES(std::function<Tensor(Tensor)>)
FUZZ_MAKES(std::function<Tensor()>)
FUZZ_MAKES(simdgrad::GradcheckFunction)
#undef FUZZ_MAKES
#undef FUZZ_MAKE

template <class T>
struct Make<T, std::enable_if_t<std::is_enum_v<T>>> {
  static T make(Call& c) {
    if (c.wild() && c.random.chance(30)) return static_cast<T>(77);  // none of them
    return Enumerators<T>::all[c.choose(std::size(Enumerators<T>::all))];
  }
};
template <class T>
struct Make<std::optional<T>> {
  static std::optional<T> make(Call& c) {
    if (c.random.chance(35)) return std::nullopt;
    return c.argument<T>(c.parameter().c_str());
  }
};
template <class A, class B>
struct Make<std::tuple<A, B>> {
  static std::tuple<A, B> make(Call& c) {
    A& a = c.argument<A>("first");
    return {a, c.argument<B>("second")};
  }
};
template <class T>
struct Make<std::vector<T>> {
  static std::vector<T> make(Call& c) {
    std::vector<T> all;
    for (int64_t n = c.random.below(4); n > 0; --n)
      all.push_back(std::move(c.argument<T>(c.parameter().c_str())));
    return all;
  }
};
template <class T>
struct Make<simdgrad::ArrayRef<T>> {
  static simdgrad::ArrayRef<T> make(Call& c) {
    auto all = std::make_shared<std::vector<T>>(Make<std::vector<T>>::make(c));
    c.hold(all);
    return *all;
  }
};
// An ArrayRef<bool> cannot look into a std::vector<bool>.
template <>
struct Make<simdgrad::ArrayRef<bool>> {
  static simdgrad::ArrayRef<bool> make(Call& c) {
    static const bool values[] = {true, false, true};
    return simdgrad::ArrayRef<bool>(values, c.choose(4));
  }
};
template <class T, size_t N>
struct Make<PlainArray<T, N>> {
  static PlainArray<T, N> make(Call& c) {
    PlainArray<T, N> made;
    for (T& value : made.values) value = c.argument<T>(c.parameter().c_str());
    return made;
  }
};
template <class K, class V>
struct Make<simdgrad::OrderedDict<K, V>> {
  static simdgrad::OrderedDict<K, V> make(Call& c) {
    simdgrad::OrderedDict<K, V> made("Name");
    for (int64_t n = c.random.below(4); n > 0; --n) {
      K& key = c.argument<K>("key");
      if (!made.contains(key)) made.insert(key, c.argument<V>("value"));
    }
    return made;
  }
};
template <class T>
struct Make<std::unique_ptr<T>> {
  static std::unique_ptr<T> make(Call& c) { return c.wild() ? nullptr : Constructed<T>::make(c); }
};
template <class T>
struct Make<std::shared_ptr<T>> {
  static std::shared_ptr<T> make(Call& c) {
    if (c.wild()) return c.module ? own(dynamic_cast<T*>(c.module)) : nullptr;
    std::shared_ptr<T> made = Constructed<T>::make(c);
    c.hold(made);
    c.note(*made);
    return made;
  }
  static std::shared_ptr<T> own(T* module) {
    if (module == nullptr) return nullptr;
    return std::dynamic_pointer_cast<T>(module->weak_from_this().lock());
  }
};
// The holders of modules.
template <class T>
struct Make<T, std::void_t<typename T::ContainedType, decltype(std::declval<T>().is_empty())>> {
  using Impl = typename T::ContainedType;
  static T make(Call& c) {
    if (c.wild()) return T(std::shared_ptr<Impl>());
    std::shared_ptr<Impl> made = Constructed<Impl>::make(c);
    c.hold(made);
    c.note(*made);
    return T(made);
  }
};
template <class T>
struct Make<simdgrad::nn::Cloneable<T>> {
  static std::unique_ptr<simdgrad::nn::Cloneable<T>> make(Call& c) {
    return Constructed<T>::make(c);
  }
};
template <class T, class Base>
struct Make<simdgrad::optim::CloneableAs<T, Base>> {
  static std::unique_ptr<simdgrad::optim::CloneableAs<T, Base>> make(Call& c) {
    return Constructed<T>::make(c);
  }
};
template <>
struct Make<simdgrad::OrderedDict<std::string, Tensor>::Item> {
  static simdgrad::OrderedDict<std::string, Tensor>::Item make(Call& c) {
    std::string& key = c.argument<std::string>("key");
    return {key, c.argument<Tensor>("value")};
  }
};

template <class T>
T& Call::argument(const char* name, Use use) {
  const Entry entry(*this, name, use);
  using Made = decltype(Make<T>::make(*this));
  if constexpr (std::is_reference_v<Made>) {
    return Make<T>::make(*this);
  } else if constexpr (std::is_same_v<Made, T>) {
    auto object = std::shared_ptr<T>(new T(Make<T>::make(*this)));
    hold(object);
    if (is_verbose)
      description +=
          std::string(2 * static_cast<size_t>(depth_), ' ') + name + " = " + show(*object) + "\n";
    return *object;
  } else if constexpr (std::is_base_of_v<simdgrad::nn::Module, T>) {
    // Seldom one that no shared pointer owns.
    T* object = nullptr;
    if (random.chance(95)) {
      auto owned = std::shared_ptr<T>(Make<T>::make(*this));
      object = owned.get();
      hold(owned);
    } else {
      auto owned = std::make_shared<std::unique_ptr<T>>(Make<T>::make(*this));
      object = owned->get();
      hold(owned);
    }
    note(*object);
    return *object;
  } else {
    auto object = std::shared_ptr<T>(Make<T>::make(*this));
    hold(object);
    if constexpr (std::is_base_of_v<simdgrad::optim::Optimizer, T>) note(*object);
    return *object;
  }
}

}  // namespace fuzz

#include "tests/fuzz/calls/results.h"
