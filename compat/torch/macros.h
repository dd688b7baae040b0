// libtorch's macros. All but the interface's own names are left out.
#pragma once

#include <simdgrad/error.h>
#include <simdgrad/nn/module.h>
#include <simdgrad/version.h>

#include <torch/names.h>

#define TORCH_API

// The libtorch whose behaviour this follows.
#define TORCH_VERSION_MAJOR 2
#define TORCH_VERSION_MINOR 13
#define TORCH_VERSION_PATCH 0
#define TORCH_VERSION "2.13.0"

// class Name : ModuleHolder<NameImpl>.
#define TORCH_MODULE(Name) SIMDGRAD_MODULE(Name)
#define TORCH_MODULE_IMPL(Name, Impl) SIMDGRAD_MODULE_IMPL(Name, Impl)
#define TORCH_ARG(Type, name) SIMDGRAD_ARG(Type, name)
// A forward() with default arguments needs no help here.
#define FORWARD_HAS_DEFAULT_ARGS(...)

// Throws c10::Error with the parts printed one after the other; without any, libtorch's own words.
#define SIMDGRAD_COMPAT_CHECK(type, condition, ...)                                             \
  do {                                                                                          \
    if (!(condition)) [[unlikely]] {                                                            \
      throw ::simdgrad::type(__VA_OPT__(true ? ::simdgrad::str(__VA_ARGS__) :)                  \
          ::simdgrad::str("Expected " #condition                                                \
                          " to be true, but got false.  (Could this error message be improved?" \
                          "  If so, please report an enhancement request to PyTorch.)"));       \
    }                                                                                           \
  } while (false)
#define TORCH_CHECK(condition, ...) \
  SIMDGRAD_COMPAT_CHECK(Error, condition __VA_OPT__(, ) __VA_ARGS__)
#define TORCH_CHECK_INDEX(condition, ...) \
  SIMDGRAD_COMPAT_CHECK(IndexError, condition __VA_OPT__(, ) __VA_ARGS__)
#define TORCH_CHECK_VALUE(condition, ...) \
  SIMDGRAD_COMPAT_CHECK(ValueError, condition __VA_OPT__(, ) __VA_ARGS__)
#define TORCH_CHECK_TYPE(condition, ...) \
  SIMDGRAD_COMPAT_CHECK(TypeError, condition __VA_OPT__(, ) __VA_ARGS__)
#define TORCH_INTERNAL_ASSERT(condition, ...) \
  SIMDGRAD_COMPAT_CHECK(Error, condition __VA_OPT__(, ) __VA_ARGS__)
#define AT_ASSERT(...) TORCH_CHECK(__VA_ARGS__)
#define AT_ERROR(...) TORCH_CHECK(false, __VA_ARGS__)
#define TORCH_WARN(...) ::simdgrad::warn(::simdgrad::str(__VA_ARGS__))
