// Regions of chunks: who runs them, under which floating-point mode, what happens to exceptions.
#include "core/parallel.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <simdgrad/error.h>
#include <simdgrad/parallel.h>

#include "core/cpu.h"
#include "core/fork.h"
#include "core/parallel_backend.h"
#include "core/testing_hooks.h"
#include "core/thread_state.h"

namespace simdgrad {

namespace detail {
std::atomic<double> inline_threshold{kInlineThreshold};
std::atomic<std::int64_t> forced_chunk{0};
}  // namespace detail

namespace {

std::atomic<int> thread_count{0};              // 0: not decided yet
std::atomic<bool> backend_started{false};      // the back end may have threads
std::atomic<bool> forked_from_threads{false};  // a child of a process whose back end had threads

// The rounding mode and the treatment of denormals. A worker, and with oneTBB even the caller,
// would otherwise run under the mode of whoever created the pool.
class FloatingPointMode {
 public:
#if defined(__x86_64__)
  static FloatingPointMode current() { return FloatingPointMode(_mm_getcsr()); }
  void set() const { _mm_setcsr(bits_); }
  // The low six bits are sticky exception flags.
  bool differs(FloatingPointMode other) const { return ((bits_ ^ other.bits_) & ~0x3fu) != 0; }

 private:
  explicit FloatingPointMode(unsigned bits) : bits_(bits) {}
  unsigned bits_;
#else
  static FloatingPointMode current() {
    std::uint64_t bits;
    asm volatile("mrs %0, fpcr" : "=r"(bits));
    return FloatingPointMode(bits);
  }
  void set() const { asm volatile("msr fpcr, %0" : : "r"(bits_)); }
  bool differs(FloatingPointMode other) const { return bits_ != other.bits_; }

 private:
  explicit FloatingPointMode(std::uint64_t bits) : bits_(bits) {}
  std::uint64_t bits_;
#endif
};

// Test mode: see testing::set_rendezvous.
struct Rendezvous {
  std::mutex mutex;
  std::condition_variable all_here;
  std::atomic<int> wanted{0};
  std::uint64_t regions = 0;
  int last_threads = 0;
  int max_threads = 0;
};

Rendezvous& rendezvous() {
  static Rendezvous* const instance = new Rendezvous;
  return *instance;
}

// The range of chunks that one participant starts with; others help when theirs is used up. Trivial,
// so that only the slots in use are touched.
struct alignas(64) Slot {
  std::int64_t next;  // claimed through atomic_ref
  std::int64_t end;
};

class Region {
 public:
  Region(std::int64_t chunks, int participants, FunctionRef<void(std::int64_t)> body)
      : body_(body), slot_count_(std::min(participants, kMaxSlots)) {
    const std::int64_t share = chunks / slot_count_;
    const std::int64_t rest = chunks % slot_count_;
    std::int64_t begin = 0;
    for (int i = 0; i < slot_count_; ++i) {
      const std::int64_t end = begin + share + (i < rest ? 1 : 0);
      slots_[i] = {begin, end};
      begin = end;
    }
    const int wanted = rendezvous().wanted.load(std::memory_order_relaxed);
    if (wanted > 0) [[unlikely]] {
      const std::lock_guard lock(rendezvous().mutex);
      test_id_ = ++rendezvous().regions;
      threads_to_meet_ = wanted <= participants ? wanted : 0;
    }
  }

  // Runs chunks until none is left.
  void participate(int participant) {
    const bool was_in_worker = thread_state.in_parallel_worker;
    thread_state.in_parallel_worker = true;
    const FloatingPointMode own_mode = FloatingPointMode::current();
    const bool other_mode = own_mode.differs(mode_);
    if (other_mode) mode_.set();
    for (int i = 0; i < slot_count_; ++i) {
      if (!run_slot(slots_[(participant + i) % slot_count_])) break;
    }
    if (other_mode) own_mode.set();
    thread_state.in_parallel_worker = was_in_worker;
  }

  void finish() {
    if (test_id_ != 0) [[unlikely]] {
      const std::lock_guard lock(rendezvous().mutex);
      rendezvous().last_threads = threads_met_;
      rendezvous().max_threads = std::max(rendezvous().max_threads, threads_met_);
    }
    if (error_) std::rethrow_exception(error_);
  }

 private:
  static constexpr int kMaxSlots = 64;

  // False when the region is cancelled.
  bool run_slot(Slot& slot) {
    const std::atomic_ref<std::int64_t> next(slot.next);
    while (next.load(std::memory_order_relaxed) < slot.end) {
      const std::int64_t chunk = next.fetch_add(1, std::memory_order_relaxed);
      if (chunk >= slot.end) break;
      if (test_id_ != 0) [[unlikely]]
        meet();
      if (cancelled_.load(std::memory_order_relaxed)) return false;
      try {
        body_(chunk);
      } catch (...) {
        record_error(chunk);
        return false;
      }
    }
    return true;
  }

  void record_error(std::int64_t chunk) {
    const std::lock_guard lock(error_mutex_);
    if (!error_ || chunk < failed_chunk_) {
      error_ = std::current_exception();
      failed_chunk_ = chunk;
    }
    cancelled_.store(true, std::memory_order_relaxed);
  }

  void meet() {
    static thread_local std::uint64_t last_region = 0;
    if (last_region == test_id_) return;
    last_region = test_id_;
    Rendezvous& place = rendezvous();
    std::unique_lock lock(place.mutex);
    ++threads_met_;
    place.all_here.notify_all();
    place.all_here.wait_for(lock, std::chrono::seconds(2),
                            [this] { return threads_met_ >= threads_to_meet_; });
  }

  FunctionRef<void(std::int64_t)> body_;
  FloatingPointMode mode_ = FloatingPointMode::current();
  int slot_count_;
  int threads_to_meet_ = 0;
  int threads_met_ = 0;        // guarded by the rendezvous' mutex
  std::uint64_t test_id_ = 0;  // 0: not in test mode
  std::atomic<bool> cancelled_{false};
  std::mutex error_mutex_;
  std::exception_ptr error_;
  std::int64_t failed_chunk_ = 0;
  Slot slots_[kMaxSlots];
};

int initial_thread_count() {
  const char* const text = std::getenv("SIMDGRAD_NUM_THREADS");
  if (text == nullptr || *text == '\0') return std::min(available_cores(), detail::kMaxThreads);
  int threads = 0;
  const char* const end = text + std::strlen(text);
  const std::from_chars_result result = std::from_chars(text, end, threads);
  SIMDGRAD_CHECK(result.ec == std::errc() && result.ptr == end && threads >= 1 &&
                     threads <= detail::kMaxThreads,
                 "SIMDGRAD_NUM_THREADS: got '", text, "', needs a number from 1 to ",
                 detail::kMaxThreads);
  return threads;
}

}  // namespace

// In a forked child the workers do not exist and the back end's locks are in an unknown state.
void detail::leave_workers_behind() {
  if (!backend_started.load(std::memory_order_relaxed)) return;
  forked_from_threads.store(true, std::memory_order_relaxed);
  thread_count.store(1, std::memory_order_relaxed);
}

void detail::parallel_chunks_slow(std::int64_t chunks, FunctionRef<void(std::int64_t)> body) {
  const int threads = thread_state.in_parallel_worker ? 1 : get_num_threads();
  if (threads == 1) {
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) body(chunk);
    return;
  }
  backend_started.store(true, std::memory_order_relaxed);
  const int participants = static_cast<int>(std::min<std::int64_t>(threads, chunks));
  Region region(chunks, participants, body);
  backend_run(threads, participants,
              [&region](int participant) { region.participate(participant); });
  region.finish();
}

void detail::parallel_for(std::int64_t begin, std::int64_t end, std::int64_t grain_size,
                          void (*run)(const void*, std::int64_t, std::int64_t), const void* body) {
  SIMDGRAD_CHECK(grain_size >= 1, "parallel_for: got a grain_size of ", grain_size,
                 ", at least 1 is needed");
  if (begin >= end) return;
  const std::int64_t pieces = (end - begin - 1) / grain_size + 1;
  const auto piece = [&](std::int64_t index) {
    const std::int64_t from = begin + index * grain_size;
    run(body, from, end - from < grain_size ? end : from + grain_size);
  };
  if (pieces == 1) return piece(0);
  parallel_chunks_slow(pieces, piece);
}

int get_num_threads() {
  const int threads = thread_count.load(std::memory_order_relaxed);
  if (threads != 0) [[likely]]
    return threads;
  int undecided = 0;
  const int initial = initial_thread_count();
  // Unless set_num_threads came first.
  return thread_count.compare_exchange_strong(undecided, initial) ? initial : undecided;
}

void set_num_threads(int threads) {
  SIMDGRAD_CHECK(threads > 0, "Expected positive number of threads");
  SIMDGRAD_CHECK(threads <= detail::kMaxThreads, "set_num_threads: got ", threads,
                 " threads, at most ", detail::kMaxThreads, " are supported");
  SIMDGRAD_CHECK(
      threads == 1 || !forked_from_threads.load(std::memory_order_relaxed),
      "set_num_threads: a forked child of a process that ran in parallel has one thread");
  thread_count.store(threads, std::memory_order_relaxed);
}

namespace testing {

void set_inline_threshold(double nanoseconds) {
  detail::inline_threshold.store(nanoseconds < 0 ? detail::kInlineThreshold : nanoseconds);
}

void set_chunk(std::int64_t chunk) { detail::forced_chunk.store(chunk); }

void set_rendezvous(int threads) {
  Rendezvous& place = rendezvous();
  const std::lock_guard lock(place.mutex);
  place.wanted.store(threads);
  if (threads > 0) place.last_threads = place.max_threads = 0;
}

int last_region_threads() {
  const std::lock_guard lock(rendezvous().mutex);
  return rendezvous().last_threads;
}

int max_region_threads() {
  const std::lock_guard lock(rendezvous().mutex);
  return rendezvous().max_threads;
}

}  // namespace testing
}  // namespace simdgrad
