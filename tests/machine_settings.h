// Numbers of threads and sizes of chunks for a test, put back at the end.
#pragma once

#include <simdgrad/parallel.h>

#include <string>

#include "core/testing_hooks.h"
#include "tests/catch.h"

namespace simdgrad::testing {

// The number of threads and the switches of core/testing_hooks.h that bear on threads, put back at
// the end of the scope.
struct RestoreSettings {
  ~RestoreSettings() {
    set_rendezvous(0);
    set_chunk(0);
    set_inline_threshold(-1);
    set_num_threads(threads);
  }
  int threads = get_num_threads();
};

// Makes small work run as large work does, while it lives.
struct SmallChunks : RestoreSettings {
  explicit SmallChunks(int64_t chunk) {
    set_inline_threshold(0);
    set_chunk(chunk);
  }
};

// run() answers the same string for any number of threads, in usual chunks and in small ones.
template <class Run>
void check_same_for_any_threads(const Run& run) {
  const RestoreSettings restore;
  set_inline_threshold(0);
  for (const int64_t chunk : {0, 100}) {
    set_chunk(chunk);
    set_num_threads(1);
    const std::string alone = run();
    for (const int threads : {2, 3, 16}) {
      set_num_threads(threads);
      INFO(threads << " threads, chunk " << chunk);
      CHECK(run() == alone);
    }
  }
}

}  // namespace simdgrad::testing
