// A workload: something that users wait for, written once against libtorch's interface. It is compiled
// against simdgrad (through compat/) and against libtorch.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench/clock.h"

namespace bench {

// Runs the body `calls` times and returns the seconds of what is measured.
using Body = std::function<double(int64_t calls)>;

struct Workload {
  std::string name;  // "mlp/784-128-10/b64/sgd"
  double items = 1;  // a call is this many of what is reported (nodes of a chain)
  double flops = 0;  // of an item, floating point
  double bytes = 0;  // of an item, read and written, each once
  // Makes the operands, from manual_seed(0), and the body.
  std::function<Body()> make;
  // A number that both sides must agree on: that the same thing is measured. Called before the body.
  std::function<double()> checksum = nullptr;
  // How the bytes go: "read", "copy" (some read, some written), "update" (in place) or "fill".
  const char* traffic = "copy";
};

std::vector<Workload>& workloads();

// The usual body: all of `f` is measured.
template <class F>
Body repeat(F f) {
  return [f](int64_t calls) mutable {
    const double start = now();
    for (int64_t i = 0; i < calls; ++i) f();
    return now() - start;
  };
}
// The same without recording a graph.
template <class F>
Body repeat_without_graph(F f) {
  return [f](int64_t calls) mutable {
    const torch::NoGradGuard guard;
    const double start = now();
    for (int64_t i = 0; i < calls; ++i) f();
    return now() - start;
  };
}

// Adds to workloads() before main().
struct Register {
  explicit Register(void (*add)()) { add(); }
};

}  // namespace bench
