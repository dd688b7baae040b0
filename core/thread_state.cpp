// The thread-local state itself.
#include "core/thread_state.h"

#include <type_traits>

namespace simdgrad {

// No destructor: other thread-local objects may use it while the thread ends.
static_assert(std::is_trivially_destructible_v<ThreadState>);

constinit thread_local ThreadState thread_state __attribute__((tls_model("initial-exec")));

}  // namespace simdgrad
