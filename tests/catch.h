// One face for Catch2 2.13 and 3.x: tests include this and no Catch2 header.
// Written in the manner of version 3: Approx, ContainsSubstring, StartsWith, EndsWith, WithinAbs,
// WithinRel, SKIP(message).
#pragma once

#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_approx.hpp>
#include <catch2/catch_message.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#define SIMDGRAD_CATCH_MAJOR 3

using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

#ifndef SKIP  // Catch2 before 3.3
#define SKIP(...)                     \
  do {                                \
    WARN("skipped: " << __VA_ARGS__); \
    return;                           \
  } while (false)
#endif
#else
#include <catch2/catch.hpp>

#define SIMDGRAD_CATCH_MAJOR 2

using Catch::Detail::Approx;

inline Catch::Matchers::StdString::ContainsMatcher ContainsSubstring(
    const std::string& text, Catch::CaseSensitive::Choice choice = Catch::CaseSensitive::Yes) {
  return Catch::Matchers::Contains(text, choice);
}

#define SKIP(...)                     \
  do {                                \
    WARN("skipped: " << __VA_ARGS__); \
    return;                           \
  } while (false)
#endif

using Catch::Matchers::EndsWith;
using Catch::Matchers::Equals;
using Catch::Matchers::Message;
using Catch::Matchers::StartsWith;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;
