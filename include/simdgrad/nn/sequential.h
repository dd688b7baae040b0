// Modules in a row, as torch::nn::Sequential.
#pragma once

#include <simdgrad/nn/any_module.h>

#include <initializer_list>
#include <vector>

namespace simdgrad::nn {

// forward() gives its tensors to the first module, and each one's result to the next.
//
//   nn::Sequential model(nn::Linear(784, 128), nn::ReLU(), nn::Linear(128, 10));
//   Tensor logits = model->forward(images);
//
// Children are named "0", "1", ... unless names are given. Error: "Cannot call forward() on an empty
// Sequential".
class SIMDGRAD_API SequentialImpl : public Cloneable<SequentialImpl> {
 public:
  using Iterator = std::vector<AnyModule>::iterator;
  using ConstIterator = std::vector<AnyModule>::const_iterator;

  SequentialImpl();
  template <class... Modules>
    requires(sizeof...(Modules) > 0 && (!std::is_same_v<std::decay_t<Modules>, SequentialImpl> && ...))
  explicit SequentialImpl(Modules&&... modules) {
    (push_back(std::forward<Modules>(modules)), ...);
  }
  explicit SequentialImpl(std::initializer_list<NamedAnyModule> modules);
  explicit SequentialImpl(OrderedDict<std::string, AnyModule>&& modules);

  std::shared_ptr<Module> clone() const override;
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;

  template <class... Inputs>
  Tensor forward(const Inputs&... inputs) {
    const Tensor list[] = {inputs...};
    return run(list, sizeof...(Inputs));
  }

  // A refused module leaves the container as it was.
  template <class T>
  void push_back(T&& module) {
    push_back(std::to_string(modules_.size()), std::forward<T>(module));
  }
  template <class T>
  void push_back(std::string name, T&& module) {
    if constexpr (std::is_same_v<std::decay_t<T>, AnyModule>) {
      append(std::move(name), std::forward<T>(module));
    } else {
      append(std::move(name), AnyModule(std::forward<T>(module)));
    }
  }
  template <class Container>
  void extend(const Container& container) {
    for (const auto& module : container) push_back(module);
  }

  Iterator begin() { return modules_.begin(); }
  ConstIterator begin() const { return modules_.begin(); }
  Iterator end() { return modules_.end(); }
  ConstIterator end() const { return modules_.end(); }
  // The module at a position, as T. Errors: "Index out of range", another type.
  template <class T>
  T& at(size_t index) const {
    return checked(index).get<T>();
  }
  std::shared_ptr<Module> ptr(size_t index) const { return checked(index).ptr(); }
  std::shared_ptr<Module> operator[](size_t index) const { return ptr(index); }
  size_t size() const noexcept { return modules_.size(); }
  bool is_empty() const noexcept { return modules_.empty(); }

 private:
  void append(std::string name, AnyModule module);
  Tensor run(const Tensor* inputs, size_t count);
  const AnyModule& checked(size_t index) const;

  std::vector<AnyModule> modules_;
};

class Sequential : public ModuleHolder<SequentialImpl> {
 public:
  using ModuleHolder<SequentialImpl>::ModuleHolder;
  Sequential() : ModuleHolder(std::make_shared<SequentialImpl>()) {}
  Sequential(std::initializer_list<NamedAnyModule> modules)
      : ModuleHolder(std::make_shared<SequentialImpl>(modules)) {}
};

}  // namespace simdgrad::nn
