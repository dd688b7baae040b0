// A callable parameter without ownership and without memory of its own.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace simdgrad {

template <class Signature>
class FunctionRef;

template <class Function, class Result, class... Arguments>
concept CallableObject = std::is_object_v<std::remove_reference_t<Function>> &&
    std::is_invocable_r_v<Result, Function&, Arguments...>;

// A reference to something callable: two words, no ownership, no allocation. Whatever it refers to
// must outlive it, so it serves as a parameter and not as a member.
template <class Result, class... Arguments>
class FunctionRef<Result(Arguments...)> {
 public:
  template <CallableObject<Result, Arguments...> Function>
  FunctionRef(Function&& function) noexcept  // meant to convert
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(function)))),
        call_(call<std::remove_reference_t<Function>>) {}
  FunctionRef(FunctionRef&) noexcept = default;  // else the template would refer to the reference
  FunctionRef(const FunctionRef&) noexcept = default;
  FunctionRef(FunctionRef&&) noexcept = default;
  FunctionRef& operator=(const FunctionRef&) noexcept = default;

  Result operator()(Arguments... arguments) const {
    return call_(object_, std::forward<Arguments>(arguments)...);
  }

 private:
  template <class Function>
  static Result call(void* object, Arguments... arguments) {
    Function& function = *static_cast<Function*>(object);
    if constexpr (std::is_void_v<Result>) {
      function(std::forward<Arguments>(arguments)...);
    } else {
      return function(std::forward<Arguments>(arguments)...);
    }
  }

  void* object_;
  Result (*call_)(void*, Arguments...);
};

}  // namespace simdgrad
