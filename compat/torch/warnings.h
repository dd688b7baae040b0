// Warnings on stderr, as in libtorch: installed at the start of every program that includes this,
// unless it has set a handler of its own by then.
#pragma once

#include <simdgrad/error.h>

#include <cstdio>

namespace simdgrad::compat {

struct StderrWarnings final : WarningHandler {
  void process(const std::string& message) override {
    std::fprintf(stderr, "Warning: %s\n", message.c_str());
  }
};

// Never destroyed: objects of static duration may still warn while the program ends.
inline const bool warnings_on_stderr = [] {
  static auto& handler = *new StderrWarnings;
  if (!get_warning_handler()) set_warning_handler(&handler);
  return true;
}();

}  // namespace simdgrad::compat
