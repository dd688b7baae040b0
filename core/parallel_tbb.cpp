// The oneTBB back end of core/parallel.h, the one place that includes oneTBB.

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/partitioner.h>
#include <oneapi/tbb/task_arena.h>

#include <atomic>
#include <memory>
#include <mutex>

#include "core/cpu.h"
#include "core/parallel_backend.h"
#include "core/parallel_team.h"

namespace simdgrad::detail {
namespace {

namespace tbb = oneapi::tbb;

// User threads that may be inside the arena at once besides its workers; one more would have to
// wait for a slot.
constexpr int kUserThreads = 16;

// Never destroyed: regions may run while static objects are being destroyed.
struct Pool {
  std::mutex mutex;
  std::unique_ptr<tbb::global_control> control;
  std::atomic<int> control_threads{0};
  // One arena for each number of threads ever used: another thread may still be inside an old one.
  std::atomic<tbb::task_arena*> arenas[kMaxThreads + 1] = {};
  Team team;
};

Pool& pool() {
  static Pool* const instance = new Pool;
  return *instance;
}

// An arena alone never gets more workers than the machine has cores; a global_control lifts that.
// It is held only where needed, since it is seen by the program's own use of oneTBB too.
tbb::task_arena& make_arena(Pool& pool, int threads) {
  const std::lock_guard lock(pool.mutex);
  if (pool.control_threads.load(std::memory_order_relaxed) != threads) {
    pool.control.reset();
    if (threads > tbb::info::default_concurrency()) {
      pool.control = std::make_unique<tbb::global_control>(
          tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads));
    }
    pool.control_threads.store(threads, std::memory_order_release);
  }
  tbb::task_arena* arena = pool.arenas[threads].load(std::memory_order_relaxed);
  if (arena == nullptr) {
    arena = new tbb::task_arena(threads - 1 + kUserThreads, kUserThreads);
    pool.arenas[threads].store(arena, std::memory_order_release);
  }
  return *arena;
}

tbb::task_arena& arena_of(Pool& shared, int threads) {
  tbb::task_arena* const arena = shared.arenas[threads].load(std::memory_order_acquire);
  if (arena == nullptr || shared.control_threads.load(std::memory_order_acquire) != threads) {
    return make_arena(shared, threads);
  }
  return *arena;
}

// For a user thread whose region finds the team taken.
[[gnu::noinline]] void run_in_arena(tbb::task_arena& arena, int participants,
                                    FunctionRef<void(int)> participate) {
  // Isolated: nothing is thrown through oneTBB, so regions need no place in a tree of cancellation.
  // fp_settings: bodies start under the caller's mode instead of the one the arena was made under.
  tbb::task_group_context context(tbb::task_group_context::isolated,
                                  tbb::task_group_context::fp_settings);
  arena.execute([participants, participate, &context] {
    // While it waits, the caller must not pick up another user thread's region.
    tbb::this_task_arena::isolate([participants, participate, &context] {
      tbb::parallel_for(
          tbb::blocked_range<int>(0, participants),
          [participate](const tbb::blocked_range<int>& range) {
            for (int i = range.begin(); i != range.end(); ++i) participate(i);
          },
          tbb::simple_partitioner(), context);
    });
  });
}

// Workers beyond the cores would keep them from those that work.
std::int64_t linger_of(int threads) {
  static const int cores = available_cores();
  return threads <= cores ? kLinger : 0;
}

}  // namespace

void backend_run(int threads, int participants, FunctionRef<void(int)> participate) {
  Pool& shared = pool();
  tbb::task_arena& arena = arena_of(shared, threads);
  const auto recruit = [&shared, &arena](int workers) noexcept {
    int found = 0;
    try {
      for (; found < workers; ++found) arena.enqueue([&shared] { shared.team.linger(); });
    } catch (...) {  // no memory: the others and the caller do the work
    }
    return found;
  };
  if (!shared.team.run(participants, participate, linger_of(threads), recruit)) {
    run_in_arena(arena, participants, participate);
  }
}

}  // namespace simdgrad::detail
