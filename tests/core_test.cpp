// What stands under tensors: messages, warnings, sizes, thread state, instruction sets, cores.
#include <simdgrad/autograd.h>
#include <simdgrad/creation.h>
#include <simdgrad/error.h>
#include <simdgrad/parallel.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/reductions.h>
#include <simdgrad/reference_count.h>
#include <simdgrad/views.h>

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "core/checked_math.h"
#include "core/cpu.h"
#include "core/function_ref.h"
#include "core/testing_hooks.h"
#include "core/thread_state.h"
#include "tests/catch.h"
#include "tests/self_process.h"

using namespace simdgrad;

namespace {

struct Point {
  int x, y;
};
std::ostream& operator<<(std::ostream& out, const Point& point) {
  return out << '(' << point.x << ", " << point.y << ')';
}
enum class Color { red };
std::ostream& operator<<(std::ostream& out, Color) { return out << "red"; }

template <class... Parts>
std::string message_of(const Parts&... parts) {
  try {
    SIMDGRAD_THROW(parts...);
  } catch (const Error& error) {
    return error.what();
  }
}

template <class... Parts>
std::string streamed(const Parts&... parts) {
  std::ostringstream stream;
  (stream << ... << parts);
  return stream.str();
}

}  // namespace

TEST_CASE("error messages read as a stream would print them") {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double value : {0.0, -0.0, 1.0, 0.1, 1.0 / 3, 123456.0, 1234567.0, 1e-4, 1e-5, 1e100,
                             -2.5e-310, infinity, -infinity, 100000.5, 999999.5}) {
    REQUIRE(message_of(value) == streamed(value));
    REQUIRE(message_of(static_cast<float>(value)) == streamed(static_cast<float>(value)));
  }
  REQUIRE(message_of(std::numeric_limits<double>::quiet_NaN()) == "nan");
  REQUIRE(message_of(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
  REQUIRE(message_of(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
  REQUIRE(message_of(1, ' ', -2L, " ", 3u, "x", true, false, 'c', short{4}) == "1 -2 3x10c4");
  REQUIRE(message_of(std::string("text"), std::string_view("view"), "literal") ==
          "textviewliteral");
  REQUIRE(message_of(std::vector<std::int64_t>{2, -3, 4}, std::vector<std::int64_t>{}) ==
          "[2, -3, 4][]");
  REQUIRE(message_of(Point{1, 2}, " is ", Color::red) == "(1, 2) is red");
  REQUIRE(message_of() == "");
}

TEST_CASE("checks throw only when they fail, and look at the parts only then") {
  int evaluated = 0;
  const auto part = [&evaluated] { return ++evaluated; };
  SIMDGRAD_CHECK(evaluated == 0, "never built ", part());
  REQUIRE(evaluated == 0);
  REQUIRE_THROWS_WITH([&] { SIMDGRAD_CHECK(false, "built ", part()); }(), "built 1");
  if (evaluated == 1)
    SIMDGRAD_CHECK(true, "a check is one statement");
  else
    FAIL("not reached");

  REQUIRE_THROWS_AS([] { SIMDGRAD_CHECK_AS(IndexError, false, "out of range"); }(), IndexError);
  REQUIRE_THROWS_AS([] { SIMDGRAD_THROW_AS(ValueError, "bad value"); }(), Error);
  REQUIRE_THROWS_AS([] { SIMDGRAD_THROW_AS(TypeError, "bad type"); }(), std::exception);
  REQUIRE_THROWS_AS([] { SIMDGRAD_THROW_AS(NotImplementedError, "no"); }(), NotImplementedError);

  const Error error("the text");
  const Error copy = error;
  REQUIRE(std::string(copy.what()) == "the text");
  REQUIRE(std::string(copy.what_without_backtrace()) == "the text");
  STATIC_REQUIRE(std::is_nothrow_copy_constructible_v<Error>);
}

TEST_CASE("warnings go to the handler in place") {
  struct Recorder : WarningHandler {
    void process(const std::string& message) override { messages.push_back(message); }
    std::vector<std::string> messages;
  };
  WarningHandler* const before = get_warning_handler();
  set_warning_handler(nullptr);
  warn("nobody hears");
  Recorder recorder;
  set_warning_handler(&recorder);
  warn("one");
  std::thread([] { warn("two"); }).join();
  set_warning_handler(nullptr);
  warn("three");
  set_warning_handler(before);
  REQUIRE(recorder.messages == std::vector<std::string>{"one", "two"});
}

// Once in a process: in one of its own, since other cases may have come by these places.
TEST_CASE("child: warnings once", "[.]") {
  struct Recorder : WarningHandler {
    void process(const std::string& message) override { messages.push_back(message); }
    std::vector<std::string> messages;
  };
  Recorder recorder;
  const Tensor x = ones({3}).requires_grad_(), cube = ones({2, 2, 2}), one = ones({1});
  const auto everything = [&] {
    (x * x).sum().backward({}, true, true);
    one.std();
    one.var();
    cube.numpy_T();
  };
  set_warning_handler(nullptr);
  everything();  // what nobody hears does not count
  set_warning_handler(&recorder);
  everything();
  everything();
  set_warning_handler(nullptr);
  REQUIRE(recorder.messages.size() == 4);
  CHECK_THAT(recorder.messages[0], StartsWith("Using backward() with create_graph=True"));
  CHECK_THAT(recorder.messages[1], StartsWith("std(): degrees of freedom is <= 0"));
  CHECK_THAT(recorder.messages[2], StartsWith("var(): degrees of freedom is <= 0"));
  CHECK_THAT(recorder.messages[3], StartsWith("The use of `x.T` on tensors of dimension other than 2"));
}

TEST_CASE("a warning about a habit is heard once") {
  REQUIRE(run_self("SIMDGRAD_ISA=" + std::string(isa_name(active_isa())), "child: warnings once") == 0);
}

TEST_CASE("sizes refuse to wrap") {
  using Sizes = std::vector<std::int64_t>;
  constexpr std::int64_t big = std::int64_t{1} << 33;
  constexpr std::int64_t huge = std::int64_t{1} << 62;
  REQUIRE(numel(Sizes{}) == 1);
  REQUIRE(numel(Sizes{2, 3, 4}) == 24);
  REQUIRE(numel(Sizes{0, huge}) == 0);
  REQUIRE(numel(Sizes{huge, 0}) == 0);
  // No part of these could be named, so they are refused although they hold nothing.
  REQUIRE_THROWS_WITH(numel(Sizes{0, huge, huge}), "numel: integer multiplication overflow");
  REQUIRE_THROWS_WITH(numel(Sizes{huge, huge, 0}), "numel: integer multiplication overflow");
  REQUIRE_THROWS_WITH(numel(Sizes{big, big}), "numel: integer multiplication overflow");

  REQUIRE(byte_count(Sizes{2, 3}, 4) == 24);
  REQUIRE(byte_count(Sizes{huge, 0}, 4) == 0);
  REQUIRE_THROWS_WITH(byte_count(Sizes{huge, 0, huge}, 4),
                      "Storage size calculation overflowed with sizes=[4611686018427387904, 0, "
                      "4611686018427387904]");
  REQUIRE(byte_count(Sizes{huge / 2}, 2) == static_cast<std::size_t>(huge));
  REQUIRE_THROWS_WITH(byte_count(Sizes{huge}, 4),
                      "Storage size calculation overflowed with sizes=[4611686018427387904]");
  REQUIRE_THROWS_WITH(byte_count(Sizes{big, big}, 1),
                      "Storage size calculation overflowed with sizes=[8589934592, 8589934592]");

  REQUIRE(byte_count(Sizes{2, 3}, Sizes{10, 1}, 4) == 52);
  REQUIRE(byte_count(Sizes{2, 3}, Sizes{10, 1}, 4, 5) == 72);
  REQUIRE(byte_count(Sizes{2, 0}, Sizes{huge, huge}, 4) == 0);
  REQUIRE_THROWS_WITH(byte_count(Sizes{5}, Sizes{huge}, 1),
                      "Storage size calculation overflowed with sizes=[5] and "
                      "strides=[4611686018427387904]");

  check_sizes_nonnegative(Sizes{0, 1, huge});
  REQUIRE_THROWS_WITH(check_sizes_nonnegative(Sizes{-1}),
                      "Trying to create tensor with negative dimension -1: [-1]");
  REQUIRE_THROWS_WITH(check_sizes_nonnegative(Sizes{2, -5, -6}),
                      "Trying to create tensor with negative dimension -5: [2, -5, -6]");

  REQUIRE(checked_multiply(-3, 4) == -12);
  REQUIRE_THROWS_AS(checked_multiply(big, big), Error);
  REQUIRE(checked_add(huge, huge - 1) == std::numeric_limits<std::int64_t>::max());
  REQUIRE_THROWS_AS(checked_add(huge, huge), Error);
}

TEST_CASE("a function reference calls what it refers to") {
  int calls = 0;
  const auto count = [&calls](int by) { return calls += by; };
  const FunctionRef<int(int)> reference = count;
  const FunctionRef<int(int)> copy = reference;
  REQUIRE(reference(2) == 2);
  REQUIRE(copy(3) == 5);
  const FunctionRef<void(int)> ignores_the_result = count;
  ignores_the_result(1);
  REQUIRE(calls == 6);
}

TEST_CASE("a thread starts with a state of its own") {
  REQUIRE(thread_state.grad_enabled);
  thread_state.grad_enabled = false;
  bool fresh = false;
  std::thread([&fresh] {
    fresh = thread_state.grad_enabled && thread_state.engine_depth == 0;
  }).join();
  thread_state.grad_enabled = true;
  REQUIRE(fresh);
}

// In a process of its own: this one has had threads.
TEST_CASE("child: references before and after the first thread", "[.]") {
#if __has_include(<sys/single_threaded.h>) && !defined(__SANITIZE_THREAD__)
  REQUIRE(detail::is_single_threaded());
#endif
  detail::ReferenceCount count;
  count.add();
  count.add();
  REQUIRE(count.load() == 3);
  REQUIRE_FALSE(count.drop());
  REQUIRE(count.load() == 2);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&count] {
      for (int i = 0; i < 100000; ++i) {
        count.add();
        if (count.drop()) std::abort();
      }
    });
  }
  REQUIRE_FALSE(detail::is_single_threaded());
  for (std::thread& thread : threads) thread.join();
  REQUIRE(count.load() == 2);
  REQUIRE_FALSE(count.drop());
  REQUIRE(count.is_one());
  REQUIRE(count.drop());
}

TEST_CASE("references are counted alike with one thread and with several") {
  REQUIRE(run_self("SIMDGRAD_ISA=" + std::string(isa_name(active_isa())),
                   "child: references before and after the first thread") == 0);
}

TEST_CASE("instruction sets are chosen by name") {
  const std::string choices = supported_isa_names();
  REQUIRE_FALSE(choices.empty());
  const Isa best = detail::choose_isa("");
  REQUIRE(isa_supported(best));
  const std::string last = choices.substr(choices.rfind(' ') + 1);
  REQUIRE(isa_name(best) == last);
  for (int index = 0; index < kIsaCount; ++index) {
    const Isa isa = static_cast<Isa>(index);
    if (isa_supported(isa)) {
      REQUIRE(detail::choose_isa(isa_name(isa)) == isa);
      REQUIRE(choices.find(isa_name(isa)) != std::string::npos);
    } else {
      REQUIRE_THROWS_WITH(detail::choose_isa(isa_name(isa)),
                          "SIMDGRAD_ISA: '" + std::string(isa_name(isa)) +
                              "' cannot run on this CPU; choices on this CPU: " + choices);
    }
  }
  REQUIRE_THROWS_WITH(
      detail::choose_isa("foo"),
      "SIMDGRAD_ISA: 'foo' is not an instruction set of this build; choices on this CPU: " +
          choices);
  REQUIRE_THROWS_AS(detail::choose_isa("AVX2"), Error);

  const Isa before = active_isa();
#if defined(__x86_64__)
  testing::force_isa(Isa::sse2);
  REQUIRE(active_isa() == Isa::sse2);
  REQUIRE_THROWS_AS(testing::force_isa(Isa::neon), Error);
  REQUIRE(active_isa() == Isa::sse2);
#endif
  testing::force_isa(before);
  REQUIRE(active_isa() == before);
}

TEST_CASE("child: SIMDGRAD_ISA", "[.]") {
  const std::string value = std::getenv("SIMDGRAD_ISA");
  if (value == "foo") {
    REQUIRE_THROWS_AS(active_isa(), Error);
    REQUIRE_THROWS_WITH(active_isa(), StartsWith("SIMDGRAD_ISA: 'foo' is not"));  // every time
  } else {
    REQUIRE(isa_name(active_isa()) == value);
    std::string capitals = value;
    for (char& letter : capitals) letter = static_cast<char>(std::toupper(letter));
    REQUIRE(get_cpu_capability() == capitals);
  }
}

TEST_CASE("SIMDGRAD_ISA forces an instruction set") {
  REQUIRE(run_self("SIMDGRAD_ISA=foo", "child: SIMDGRAD_ISA") == 0);
  for (int index = 0; index < kIsaCount; ++index) {
    const Isa isa = static_cast<Isa>(index);
    if (!isa_supported(isa)) continue;
    REQUIRE(run_self("SIMDGRAD_ISA=" + std::string(isa_name(isa)), "child: SIMDGRAD_ISA") == 0);
  }
}

TEST_CASE("container quotas lower the number of cores") {
  char pattern[] = "/tmp/simdgrad_cgroup_XXXXXX";
  REQUIRE(mkdtemp(pattern) != nullptr);
  const std::filesystem::path root = pattern;
  const auto write = [&root](const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root / path).parent_path());
    std::ofstream(root / path) << text;
  };
  const int all = available_cores(root.string());  // no control groups at all
  REQUIRE(all >= 1);

  write("proc/self/cgroup", "0::/user/job\n");
  write("sys/fs/cgroup/user/job/cpu.max", "max 100000\n");
  REQUIRE(available_cores(root.string()) == all);
  write("sys/fs/cgroup/user/job/cpu.max", "100000 100000\n");
  REQUIRE(available_cores(root.string()) == 1);
  write("sys/fs/cgroup/user/job/cpu.max", "199000 100000\n");
  REQUIRE(available_cores(root.string()) == 1);
  write("sys/fs/cgroup/user/job/cpu.max", "20000 100000\n");
  REQUIRE(available_cores(root.string()) == 1);
  write("sys/fs/cgroup/user/job/cpu.max", "100000000 100000\n");  // 1000 cores
  REQUIRE(available_cores(root.string()) == std::min(all, 1000));
  write("sys/fs/cgroup/user/cpu.max", "100000 100000\n");  // the group above has less
  REQUIRE(available_cores(root.string()) == 1);

  // Only the container's own group can be seen, at the top.
  std::filesystem::remove_all(root / "sys");
  write("sys/fs/cgroup/cpu.max", "100000 100000\n");
  REQUIRE(available_cores(root.string()) == 1);

  std::filesystem::remove_all(root / "sys");
  write("proc/self/cgroup", "12:memory:/docker/x\n3:cpu,cpuacct:/docker/x\n0::/\n");
  write("sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/cpu/docker/x/cpu.cfs_period_us", "100000\n");
  REQUIRE(available_cores(root.string()) == all);
  write("sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us", "150000\n");
  REQUIRE(available_cores(root.string()) == 1);

  write("proc/self/cgroup", "nonsense\n::::\n\n");
  REQUIRE(available_cores(root.string()) == all);
  std::filesystem::remove_all(root);
}
