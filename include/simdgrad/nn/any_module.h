// A module of any type behind one call, for Sequential.
#pragma once

#include <simdgrad/nn/module.h>

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace simdgrad::nn {

// Holds a module whose forward takes one to three tensors and returns one.
class SIMDGRAD_API AnyModule {
 public:
  AnyModule() = default;
  template <class T>
    requires std::is_base_of_v<Module, T>
  explicit AnyModule(std::shared_ptr<T> module)
      : module_(module), call_(&AnyModule::call_forward<T>), arity_(arity<T>()) {}
  template <class T>
    requires(std::is_base_of_v<Module, std::decay_t<T>>)
  explicit AnyModule(T&& module)
      : AnyModule(std::make_shared<std::decay_t<T>>(std::forward<T>(module))) {}
  template <class T>
  explicit AnyModule(const ModuleHolder<T>& module) : AnyModule(module.ptr()) {}

  // Error when the number of tensors is not that of the module's forward.
  Tensor forward_list(const Tensor* inputs, size_t count) {
    SIMDGRAD_CHECK(module_, "Cannot call forward() on an empty AnyModule");
    SIMDGRAD_CHECK(count == arity_, module_->name(), "'s forward() method expects ", arity_,
                   " argument(s), but received ", count, ".");
    return call_(*module_, inputs);
  }
  template <class... Inputs>
  Tensor forward(const Inputs&... inputs) {
    const Tensor list[] = {inputs...};
    return forward_list(list, sizeof...(Inputs));
  }
  const std::shared_ptr<Module>& ptr() const { return module_; }
  // The module as T; Error if it is another.
  template <class T>
  T& get() const {
    T* found = dynamic_cast<T*>(module_.get());
    SIMDGRAD_CHECK(found, "Attempted to cast module to another type than the one it has");
    return *found;
  }
  bool is_empty() const { return module_ == nullptr; }
  // The same call on another module of the same type.
  AnyModule with(std::shared_ptr<Module> module) const {
    AnyModule copy = *this;
    copy.module_ = std::move(module);
    return copy;
  }

 private:
  template <class T>
  static constexpr size_t arity() {
    static_assert(
        requires(T& m, Tensor x) { m.forward(x); } ||
            requires(T& m, Tensor x) { m.forward(x, x); } ||
            requires(T& m, Tensor x) { m.forward(x, x, x); },
        "a module in a Sequential has a forward() that takes one to three tensors");
    if constexpr (requires(T& m, Tensor x) { m.forward(x); }) return 1;
    else if constexpr (requires(T& m, Tensor x) { m.forward(x, x); }) return 2;
    else return 3;
  }
  template <class T>
  static Tensor call_forward(Module& module, const Tensor* inputs) {
    T& typed = static_cast<T&>(module);
    if constexpr (arity<T>() == 1) return typed.forward(inputs[0]);
    else if constexpr (arity<T>() == 2) return typed.forward(inputs[0], inputs[1]);
    else return typed.forward(inputs[0], inputs[1], inputs[2]);
  }

  std::shared_ptr<Module> module_;
  Tensor (*call_)(Module&, const Tensor*) = nullptr;
  size_t arity_ = 0;
};

// A module and its name, for `Sequential({{"hidden", Linear(4, 5)}, {"act", ReLU()}})`.
class NamedAnyModule {
 public:
  template <class T>
  NamedAnyModule(std::string name, T&& module)
      : name_(std::move(name)), module_(std::forward<T>(module)) {}
  const std::string& name() const noexcept { return name_; }
  AnyModule& module() noexcept { return module_; }
  const AnyModule& module() const noexcept { return module_; }

 private:
  std::string name_;
  AnyModule module_;
};

}  // namespace simdgrad::nn
