// Regions: chunks, threads, exceptions, teams, floating-point modes, forks.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <simdgrad/error.h>
#include <simdgrad/parallel.h>

#include "core/parallel.h"
#include "core/parallel_team.h"
#include "core/testing_hooks.h"
#include "core/thread_state.h"
#include "tests/catch.h"
#include "tests/machine_settings.h"
#include "tests/self_process.h"

using namespace simdgrad;

namespace {

constexpr double kPlenty = 1e9;  // nanoseconds: well above any threshold

// Regions of any size go to so many threads, while it lives.
struct Settings : testing::RestoreSettings {
  explicit Settings(int threads) {
    set_num_threads(threads);
    testing::set_inline_threshold(0);
  }
};

std::int64_t sum_of_chunks(std::int64_t chunks) {
  std::atomic<std::int64_t> sum{0};
  parallel_chunks(chunks, kPlenty, [&](std::int64_t chunk) { sum += chunk; });
  return sum;
}

}  // namespace

TEST_CASE("every chunk runs exactly once", "[threads]") {
  const int threads = GENERATE(1, 2, 3, 16);
  const Settings settings(threads);
  for (const std::int64_t chunks : {0, 1, 2, 3, 15, 16, 17, 64, 65, 1000}) {
    std::vector<std::atomic<int>> runs(static_cast<std::size_t>(chunks));
    parallel_chunks(chunks, kPlenty, [&](std::int64_t chunk) {
      runs[static_cast<std::size_t>(chunk)].fetch_add(1, std::memory_order_relaxed);
    });
    int wrong = 0;
    for (const std::atomic<int>& count : runs) wrong += count != 1;
    CAPTURE(threads, chunks);
    REQUIRE(wrong == 0);
  }
}

TEST_CASE("parallel_for cuts a range by its size alone", "[threads]") {
  const Settings settings(GENERATE(1, 2, 16));
  std::mutex mutex;
  std::set<std::pair<std::int64_t, std::int64_t>> pieces;
  parallel_for(-3, 8, 4, [&](std::int64_t from, std::int64_t to) {
    const std::lock_guard lock(mutex);
    pieces.insert({from, to});
  });
  REQUIRE(pieces == std::set<std::pair<std::int64_t, std::int64_t>>{{-3, 1}, {1, 5}, {5, 8}});
  parallel_for(5, 5, 1, [](std::int64_t, std::int64_t) { FAIL("nothing to run"); });
  REQUIRE_THROWS_WITH(parallel_for(0, 1, 0, [](std::int64_t, std::int64_t) {}),
                      "parallel_for: got a grain_size of 0, at least 1 is needed");
  REQUIRE_THROWS_WITH(parallel_for(0, 9, 1, [](std::int64_t from, std::int64_t) {
                        if (from == 4) throw Error("piece 4");
                      }),
                      "piece 4");
}

TEST_CASE("plain memory written in chunks is seen by the caller", "[threads]") {
  const Settings settings(4);
  std::vector<int> data(10000);
  for (int round = 1; round <= 20; ++round) {
    parallel_range(10000, 100, 1000.0, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) data[static_cast<std::size_t>(i)] += 1;
    });
    REQUIRE(data == std::vector<int>(10000, round));
  }
}

TEST_CASE("ranges are cut by shape alone", "[threads]") {
  const Settings settings(1);
  const auto pieces = [](std::int64_t n, std::int64_t chunk) {
    std::mutex mutex;
    std::set<std::pair<std::int64_t, std::int64_t>> found;
    int twice = 0;
    parallel_range(n, chunk, kPlenty, [&](std::int64_t begin, std::int64_t end) {
      const std::lock_guard lock(mutex);
      if (!found.emplace(begin, end).second) ++twice;
    });
    REQUIRE(twice == 0);
    return found;
  };
  for (const std::int64_t n : {0, 1, 99, 100, 101, 1000, 1001}) {
    set_num_threads(1);
    const auto expected = pieces(n, 100);
    REQUIRE(expected.size() == static_cast<std::size_t>((n + 99) / 100));
    std::int64_t at = 0;
    for (const auto& [begin, end] : expected) {
      REQUIRE(begin == at);
      REQUIRE(end > begin);
      REQUIRE(end - begin <= 100);
      at = end;
    }
    REQUIRE(at == n);
    for (const int threads : {2, 3, 16}) {
      set_num_threads(threads);
      REQUIRE(pieces(n, 100) == expected);
    }
  }
  testing::set_chunk(7);
  REQUIRE(chunk_size(100) == 7);
  REQUIRE(chunk_size(5) == 5);
  REQUIRE(pieces(100, 100).size() == 15);
  testing::set_chunk(0);
  REQUIRE(chunk_size(100) == 100);
}

TEST_CASE("distinct threads really run at once", "[threads]") {
  const int threads = GENERATE(2, 3, 16);
  const Settings settings(threads);
  testing::set_rendezvous(threads);
  std::mutex mutex;
  std::set<std::thread::id> ids;
  for (int round = 0; round < 3; ++round) {
    parallel_chunks(2 * threads, kPlenty, [&](std::int64_t) {
      const std::lock_guard lock(mutex);
      ids.insert(std::this_thread::get_id());
    });
    REQUIRE(testing::last_region_threads() == threads);
    REQUIRE(ids.size() >= static_cast<std::size_t>(threads));
  }
  REQUIRE(testing::max_region_threads() == threads);
  REQUIRE(ids.count(std::this_thread::get_id()) == 1);
}

TEST_CASE("the number of threads goes up and down", "[threads]") {
  const Settings settings(16);
  for (const int threads : {16, 2, 5, 1, 16, 3}) {
    set_num_threads(threads);
    REQUIRE(get_num_threads() == threads);
    testing::set_rendezvous(threads);
    sum_of_chunks(64);
    REQUIRE(testing::last_region_threads() == (threads == 1 ? 0 : threads));
  }
  // No more than asked for, even while others wait for more.
  set_num_threads(2);
  testing::set_rendezvous(2);
  for (int round = 0; round < 20; ++round) sum_of_chunks(64);
  REQUIRE(testing::max_region_threads() == 2);

  REQUIRE_THROWS_WITH(set_num_threads(0), "Expected positive number of threads");
  REQUIRE_THROWS_WITH(set_num_threads(-3), "Expected positive number of threads");
  REQUIRE_THROWS_AS(set_num_threads(1000000), Error);
  REQUIRE(get_num_threads() == 2);
}

TEST_CASE("small work runs inline and in order", "[threads]") {
  const Settings settings(4);
  testing::set_inline_threshold(-1);
  std::vector<std::int64_t> order;
  parallel_chunks(5, 19000.0, [&](std::int64_t chunk) { order.push_back(chunk); });
  REQUIRE(order == std::vector<std::int64_t>{0, 1, 2, 3, 4});
  order.clear();
  parallel_range(10, 4, 1900.0, [&](std::int64_t begin, std::int64_t end) {
    order.insert(order.end(), {begin, end});
  });
  REQUIRE(order == std::vector<std::int64_t>{0, 4, 4, 8, 8, 10});
  testing::set_rendezvous(4);
  sum_of_chunks(8);
  REQUIRE(testing::max_region_threads() == 4);
}

TEST_CASE("a region inside a chunk runs inline", "[threads]") {
  const int threads = GENERATE(2, 16);
  const Settings settings(threads);
  std::atomic<int> strays{0};
  std::atomic<std::int64_t> sum{0};
  REQUIRE_FALSE(thread_state.in_parallel_worker);
  parallel_chunks(32, kPlenty, [&](std::int64_t outer) {
    const std::thread::id self = std::this_thread::get_id();
    std::int64_t expected = 0;
    parallel_chunks(8, kPlenty, [&](std::int64_t inner) {
      if (std::this_thread::get_id() != self || inner != expected++) ++strays;
      parallel_chunks(2, kPlenty, [&](std::int64_t) { sum += outer * 8 + inner; });
    });
    if (!thread_state.in_parallel_worker) ++strays;
  });
  REQUIRE(strays == 0);
  REQUIRE(sum == 255 * 256);
  REQUIRE_FALSE(thread_state.in_parallel_worker);
}

TEST_CASE("an exception in any chunk reaches the caller", "[threads]") {
  const int threads = GENERATE(1, 2, 16);
  const Settings settings(threads);
  for (std::int64_t bad = 0; bad < 20; ++bad) {
    std::atomic<int> runs{0};
    const auto run = [&] {
      parallel_chunks(20, kPlenty, [&](std::int64_t chunk) {
        ++runs;
        SIMDGRAD_CHECK(chunk != bad, "chunk ", chunk);
      });
    };
    REQUIRE_THROWS_WITH(run(), "chunk " + std::to_string(bad));
    REQUIRE(runs >= 1);
    REQUIRE_FALSE(thread_state.in_parallel_worker);
    REQUIRE(sum_of_chunks(20) == 190);
  }
  // All fail: the first chunk is always started by somebody, and wins.
  for (int round = 0; round < 10; ++round) {
    testing::set_rendezvous(threads);
    REQUIRE_THROWS_WITH(
        parallel_chunks(64, kPlenty, [](std::int64_t chunk) { SIMDGRAD_THROW("chunk ", chunk); }),
        ContainsSubstring("chunk "));
  }
  // Something that is no std::exception passes through as it is.
  REQUIRE_THROWS_AS(parallel_chunks(4, kPlenty, [](std::int64_t) { throw 7; }), int);
  REQUIRE(sum_of_chunks(100) == 4950);
}

TEST_CASE("of two failing chunks that both ran, the lower one is reported", "[threads]") {
  const Settings settings(2);
  testing::set_rendezvous(2);  // both threads hold a chunk before either goes on
  std::atomic<int> arrived{0};
  for (int round = 0; round < 20; ++round) {
    arrived = 0;
    REQUIRE_THROWS_WITH(parallel_chunks(2, kPlenty,
                                        [&](std::int64_t chunk) {
                                          ++arrived;
                                          while (arrived < 2) std::this_thread::yield();
                                          SIMDGRAD_THROW("chunk ", chunk);
                                        }),
                        "chunk 0");
  }
}

TEST_CASE("a failure cancels what has not started", "[threads]") {
  const int threads = GENERATE(1, 2, 4);
  const Settings settings(threads);
  std::atomic<int> runs{0};
  REQUIRE_THROWS(parallel_chunks(100000, kPlenty, [&](std::int64_t chunk) {
    ++runs;
    if (chunk == 0) throw Error("first");
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }));
  REQUIRE(runs < 50000);
}

TEST_CASE("several user threads have regions at once", "[threads]") {
  const Settings settings(3);
  std::atomic<int> wrong{0};
  std::vector<std::thread> users;
  for (int user = 0; user < 20; ++user) {  // more than the arena has places for
    users.emplace_back([&wrong, user] {
      for (int round = 0; round < 30; ++round) {
        if (sum_of_chunks(50 + user) != (50 + user) * (49 + user) / 2) ++wrong;
        try {
          parallel_chunks(8, kPlenty, [user](std::int64_t chunk) {
            if (chunk == 5) SIMDGRAD_THROW("user ", user);
          });
          ++wrong;
        } catch (const Error& error) {
          if (error.what() != "user " + std::to_string(user)) ++wrong;
        }
        if (user == 0) set_num_threads(2 + round % 3);
      }
    });
  }
  for (std::thread& user : users) user.join();
  REQUIRE(wrong == 0);
}

namespace {

// Runs a region of three on the team, whose recruits are threads of the test's own; waits until all
// three are in it. The participants that ran, in no order.
std::set<int> run_three(detail::Team& team, std::vector<std::thread>& threads, int* recruited) {
  std::mutex mutex;
  std::set<int> participants;
  std::atomic<int> inside{0};
  const bool ran = team.run(
      3,
      [&](int participant) {
        ++inside;
        while (inside < 3) std::this_thread::yield();
        const std::lock_guard lock(mutex);
        participants.insert(participant);
      },
      200'000'000,
      [&](int workers) {
        *recruited += workers;
        for (int i = 0; i < workers; ++i) threads.emplace_back([&team] { team.linger(); });
        return workers;
      });
  REQUIRE(ran);
  return participants;
}

}  // namespace

TEST_CASE("a team's workers linger for the next region and leave when there is none", "[threads]") {
  detail::Team team;
  std::vector<std::thread> threads;
  int recruited = 0;
  for (int region = 0; region < 50; ++region)
    REQUIRE(run_three(team, threads, &recruited) == std::set<int>{0, 1, 2});
  CHECK(recruited < 50);  // 2, unless the machine held them up for 200 ms
  for (std::thread& thread : threads) thread.join();
  threads.clear();
  // They have left: the next region asks for others.
  recruited = 0;
  REQUIRE(run_three(team, threads, &recruited) == std::set<int>{0, 1, 2});
  CHECK(recruited == 2);
  for (std::thread& thread : threads) thread.join();
}

TEST_CASE("a team without workers leaves all to the caller, and is not shared", "[threads]") {
  detail::Team team;
  int calls = 0;
  const auto nobody = [](int) { return 0; };
  for (int region = 0; region < 3; ++region) {
    REQUIRE(team.run(
        4,
        [&](int participant) {
          CHECK(participant == 0);
          ++calls;
          CHECK_FALSE(team.run(
              2, [&](int) { ++calls; }, 0, nobody));
        },
        0, nobody));
  }
  CHECK(calls == 3);
  // A worker that comes too late finds nothing.
  std::thread([&team] { team.linger(); }).join();
  CHECK(calls == 3);
}

#if defined(__x86_64__)
TEST_CASE("chunks run under the caller's floating-point mode", "[threads]") {
  const Settings settings(4);
  testing::set_rendezvous(4);
  const unsigned before = _mm_getcsr();
  constexpr unsigned kFlush = 0x8040;        // flush to zero, denormals are zero
  constexpr unsigned kTowardsZero = 0x6000;  // rounding
  for (const unsigned mode : {0u, kFlush, 0u, kTowardsZero, kFlush | kTowardsZero, 0u}) {
    const unsigned wanted = (before & ~(kFlush | kTowardsZero)) | mode;
    _mm_setcsr(wanted);
    std::atomic<int> wrong{0};
    parallel_chunks(64, kPlenty, [&](std::int64_t) {
      if (((_mm_getcsr() ^ wanted) & 0xffc0) != 0) ++wrong;
      volatile float denormal = 5e-41f;
      volatile float product = denormal * 1.0f;
      if ((product == 0.0f) != ((mode & kFlush) != 0)) ++wrong;
    });
    const unsigned after = _mm_getcsr();
    _mm_setcsr(before);
    CAPTURE(mode);
    REQUIRE(wrong == 0);
    REQUIRE(((after ^ wanted) & 0xffc0) == 0);
    REQUIRE(testing::last_region_threads() == 4);
  }
}
#endif

TEST_CASE("a forked child runs on one thread", "[threads]") {
  const Settings settings(4);
  REQUIRE(sum_of_chunks(100) == 4950);  // the pool exists
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    int code = 0;
    if (get_num_threads() != 1) code |= 1;
    if (sum_of_chunks(100) != 4950) code |= 2;
    try {
      set_num_threads(4);
      code |= 4;
    } catch (const Error&) {
    }
    set_num_threads(1);
    try {
      parallel_chunks(4, kPlenty, [](std::int64_t) { throw Error("in the child"); });
      code |= 8;
    } catch (const Error&) {
    }
    _exit(code);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 0);
  REQUIRE(get_num_threads() == 4);
  REQUIRE(sum_of_chunks(100) == 4950);
}

TEST_CASE("child: SIMDGRAD_NUM_THREADS", "[.]") {
  const std::string value = std::getenv("SIMDGRAD_NUM_THREADS");
  if (value == "5") {
    REQUIRE(get_num_threads() == 5);
    testing::set_inline_threshold(0);
    testing::set_rendezvous(5);
    REQUIRE(sum_of_chunks(10) == 45);
    REQUIRE(testing::last_region_threads() == 5);
  } else {
    REQUIRE_THROWS_WITH(get_num_threads(),
                        "SIMDGRAD_NUM_THREADS: got '" + value + "', needs a number from 1 to 1024");
    REQUIRE_THROWS_AS(sum_of_chunks(10), Error);  // and not only the first time
    set_num_threads(2);
    REQUIRE(get_num_threads() == 2);
    REQUIRE(sum_of_chunks(10) == 45);
  }
}

TEST_CASE("SIMDGRAD_NUM_THREADS sets the number of threads", "[threads]") {
  for (const char* value : {"5", "0", "-1", "many", "3 ", "1e3", "99999999999"}) {
    CAPTURE(value);
    REQUIRE(run_self(std::string("SIMDGRAD_NUM_THREADS=") + value, "child: SIMDGRAD_NUM_THREADS") ==
            0);
  }
}
