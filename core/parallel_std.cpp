// The std::thread back end of core/parallel.h. It serves ThreadSanitizer, which reports oneTBB's
// own uninstrumented synchronisation as races; speed is not its aim.

#include <condition_variable>
#include <mutex>
#include <thread>

#include "core/parallel_backend.h"
#include "core/parallel_team.h"

namespace simdgrad::detail {
namespace {

// Never destroyed: its threads are detached and wait in it until the process ends.
struct Pool {
  Team team;
  std::mutex mutex;  // guards what follows
  std::condition_variable work;
  int threads = 0;
  int busy = 0;      // threads that linger or are about to
  int recruits = 0;  // how many are still to begin
};

Pool& pool() {
  static Pool* const instance = new Pool;
  return *instance;
}

void work(Pool& pool) {
  std::unique_lock lock(pool.mutex);
  for (;;) {
    pool.work.wait(lock, [&pool] { return pool.recruits > 0; });
    --pool.recruits;
    lock.unlock();
    pool.team.linger();
    lock.lock();
    --pool.busy;
  }
}

}  // namespace

void backend_run(int, int participants, FunctionRef<void(int)> participate) {
  Pool& shared = pool();
  const auto recruit = [&shared](int workers) noexcept {
    int found = 0;
    try {
      const std::lock_guard lock(shared.mutex);
      for (; found < workers; ++found) {
        if (shared.threads == shared.busy) {
          std::thread([&shared] { work(shared); }).detach();
          ++shared.threads;
        }
        ++shared.busy;
        ++shared.recruits;
      }
    } catch (...) {  // no more threads: the others and the caller do the work
    }
    shared.work.notify_all();
    return found;
  };
  if (!shared.team.run(participants, participate, kLinger, recruit)) participate(0);
}

}  // namespace simdgrad::detail
