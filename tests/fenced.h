// Memory between two pages that fault.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>

#include "tests/catch.h"

namespace simdgrad::testing {

// A region whose neighbours on both sides fault.
class Fenced {
 public:
  explicit Fenced(std::size_t bytes) {
    const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    inside_ = (bytes + page - 1) / page * page;
    whole_ = inside_ + 2 * page;
    base_ =
        static_cast<char*>(mmap(nullptr, whole_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    REQUIRE(base_ != MAP_FAILED);
    REQUIRE(mprotect(base_ + page, inside_, PROT_READ | PROT_WRITE) == 0);
    front_ = base_ + page;
    back_ = front_ + inside_ - bytes;
  }
  ~Fenced() { munmap(base_, whole_); }
  Fenced(const Fenced&) = delete;
  Fenced& operator=(const Fenced&) = delete;
  // The first byte after the fence, or the place that ends at the other one.
  template <class T>
  T* at(bool end) const {
    return reinterpret_cast<T*>(end ? back_ : front_);
  }

 private:
  char* base_;
  char* front_;
  char* back_;
  std::size_t inside_, whole_;
};

}  // namespace simdgrad::testing
