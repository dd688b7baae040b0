// The std::thread back end of core/parallel.h. It serves ThreadSanitizer, which reports oneTBB's
// own uninstrumented synchronisation as races; speed is not its aim.

#include <condition_variable>
#include <mutex>
#include <thread>

#include "core/parallel_backend.h"

namespace simdgrad::detail {
namespace {

// Never destroyed: its threads are detached and wait in it until the process ends.
struct Pool {
  std::mutex region;  // one region at a time
  std::mutex mutex;   // guards what follows
  std::condition_variable work;
  std::condition_variable done;
  int workers = 0;
  const FunctionRef<void(int)>* participate = nullptr;
  int wanted = 0;   // workers that the region may still have
  int next = 0;     // the participant that the next of them becomes
  int running = 0;  // workers inside the region
};

Pool& pool() {
  static Pool* const instance = new Pool;
  return *instance;
}

void work(Pool& pool) {
  std::unique_lock lock(pool.mutex);
  for (;;) {
    pool.work.wait(lock, [&pool] { return pool.wanted > 0; });
    --pool.wanted;
    ++pool.running;
    const int index = pool.next++;
    const FunctionRef<void(int)> participate = *pool.participate;
    lock.unlock();
    participate(index);
    lock.lock();
    if (--pool.running == 0) pool.done.notify_one();
  }
}

}  // namespace

void backend_run(int, int participants, FunctionRef<void(int)> participate) {
  Pool& shared = pool();
  std::unique_lock region(shared.region, std::try_to_lock);
  if (!region.owns_lock()) {  // another user thread has the workers
    participate(0);
    return;
  }
  {
    const std::lock_guard lock(shared.mutex);
    for (; shared.workers < participants - 1; ++shared.workers) {
      std::thread([&shared] { work(shared); }).detach();
    }
    shared.participate = &participate;
    shared.wanted = participants - 1;
    shared.next = 1;
  }
  shared.work.notify_all();
  participate(0);
  std::unique_lock lock(shared.mutex);
  shared.wanted = 0;
  shared.done.wait(lock, [&shared] { return shared.running == 0; });
}

}  // namespace simdgrad::detail
