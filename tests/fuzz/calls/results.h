// What is looked at in a result: tensors are kept for the checks, everything else is read.
#pragma once

#include "tests/fuzz/calls/call.h"

namespace fuzz {

void collect(Call& c, const Tensor& result);
void collect(Call& c, const simdgrad::nn::Module& module);
inline void collect(Call& c, const std::string& text) { c.has_read += text.size(); }

template <class T>
void collect(Call& c, const T& result) {
  if constexpr (requires {
                  result.parameters();
                  result.modules();
                }) {
    collect(c, static_cast<const simdgrad::nn::Module&>(result));
  } else if constexpr (requires {
                         result.begin() == result.end();
                         *result.begin();
                       }) {
    for (auto at = result.begin(); at != result.end(); ++at) collect(c, *at);
  } else if constexpr (requires {
                         result.key();
                         result.value();
                       }) {
    collect(c, result.key());
    collect(c, result.value());
  } else if constexpr (requires {
                         result.first;
                         result.second;
                       }) {
    collect(c, result.first);
    collect(c, result.second);
  } else if constexpr (requires {
                         std::get<1>(result);
                         std::tuple_size<T>::value;
                       }) {
    std::apply([&](const auto&... one) { (collect(c, one), ...); }, result);
  } else if constexpr (requires {
                         result.tensors;
                         result.metadata;
                       }) {
    collect(c, result.tensors);
    collect(c, result.metadata);
  } else if constexpr (requires {
                         result.images;
                         result.labels;
                       }) {
    collect(c, result.images);
    collect(c, result.labels);
  } else if constexpr (requires { result.train.images; }) {
    collect(c, result.train);
    collect(c, result.test);
  } else if constexpr (requires { result.get_lr(); }) {
    c.has_read += result.get_lr() > 0;
  } else if constexpr (requires { sizeof(T); }) {
    if constexpr (std::is_trivially_copyable_v<T> && !std::is_abstract_v<T>) {
      const volatile unsigned char* const bytes =
          reinterpret_cast<const volatile unsigned char*>(&result);
      for (size_t i = 0; i < sizeof(T); ++i) c.has_read += bytes[i];
    }
  }
}

template <class T>
void Call::keep(T&& result) {
  has_returned = true;
  collect(*this, result);
}

}  // namespace fuzz
