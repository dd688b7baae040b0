// A warning that a program hears once, however often it comes by the place.
#pragma once

#include <atomic>
#include <string>

#include <simdgrad/error.h>

namespace simdgrad {

// Of the place: `static constinit WarnOnce once; once("...")`.
class WarnOnce {
 public:
  void operator()(const std::string& message) {
    // Nobody listening does not count.
    if (get_warning_handler() && !said_.exchange(true, std::memory_order_relaxed)) warn(message);
  }

 private:
  std::atomic<bool> said_{false};
};

}  // namespace simdgrad
