// The calls: each starts from the same state of the library, from a seed of its own.
#include "tests/fuzz/calls/worker.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iostream>

#include "core/cpu.h"
#include "core/tensor_impl.h"
#include "core/testing_hooks.h"
#include "tests/fuzz/calls/checks.h"
#include "tests/fuzz/calls/files.h"

namespace fuzz {
namespace {

constexpr size_t kAllocationLimit = size_t{256} << 20;

int64_t now_ns(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * int64_t{1000000000} + now.tv_nsec;
}

class Worker : Witness {
 public:
  Worker(const std::vector<Signature>& all, const Settings& settings, int worker, Board& board,
         int pipe)
      : all_(all), settings_(settings), state_(board.workers[worker]), board_(board), pipe_(pipe) {}

  void run(uint32_t signature, uint64_t number) {
    signature_ = signature;
    number_ = number;
    state_.signature = signature;
    state_.began_ns = now_ns(CLOCK_MONOTONIC);
    state_.began_cpu_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    enter(Phase::arguments);
    state_.number = number;
    restore_library();
    const simdgrad::LiveCounts before = simdgrad::live_counts();
    {
      Call call(all_[signature], settings_.seed + number, settings_.is_verbose);
      simdgrad::testing::force_isa(isas_[call.choose(isas_.size())]);
      one_call(call);
    }
    enter(Phase::end);
    restore_library();
    check_memory(before);
  }

 private:
  void enter(Phase phase) override { state_.phase = static_cast<uint32_t>(phase); }

  void found(const std::string& kind, const std::string& details) override {
    std::string line = std::to_string(signature_) + "\t" + std::to_string(number_) + "\t" + kind +
                       "\t" + details.substr(0, 600);
    std::replace(line.begin(), line.end(), '\n', ' ');
    line += '\n';
    if (write(pipe_, line.data(), line.size()) < 0) _exit(3);
  }

  void one_call(Call& call) {
    SignatureCounts& counts = board_.counts[signature_];
    ++counts.calls;
    bool was_refused = false;
    try {
      enter(Phase::arguments);
      make(call);
    } catch (const simdgrad::Error& error) {
      was_refused = true;
      if (settings_.is_verbose) std::cerr << "  refused: " << error.what() << "\n";
    } catch (const std::exception& error) {
      found(std::string("threw ") + typeid(error).name(), error.what());
      return;
    } catch (...) {
      found("threw what is no exception", "");
      return;
    }
    if (call.is_ready) check_arguments(call, was_refused, "by the call", *this);
    if (was_refused) return;
    ++counts.returned;
    try {
      check_results(call, *this);
      if (check_backward(call, *this)) ++counts.backward;
    } catch (const std::exception& error) {
      found("results: threw " + std::string(typeid(error).name()), error.what());
    }
    check_arguments(call, false, "by backward", *this);
  }

  void make(Call& call) {
    call.on_ready = [this](const Call& ready) {
      if (settings_.is_verbose) std::cerr << ready.signature.text << "\n" << ready.description;
      enter(Phase::call);
    };
    call.signature.call(call);
    if (!call.has_returned) found("the generated call is wrong", "it neither returned nor threw");
  }

  void check_memory(const simdgrad::LiveCounts& before) {
    if (simdgrad::testing::damaged_blocks() > 0) {
      found("wrote past the end of a block",
            "of " + std::to_string(simdgrad::testing::damaged_block_bytes()) + " bytes");
      _exit(kDamaged);
    }
    const simdgrad::LiveCounts after = simdgrad::live_counts();
    if (after.tensors != before.tensors || after.nodes != before.nodes)
      found("leaks", std::to_string(after.tensors - before.tensors) + " tensors, " +
                         std::to_string(after.nodes - before.nodes) + " nodes");
  }

  // What calls set for the whole process or thread.
  static void restore_library() {
    simdgrad::GradMode::set_enabled(true);
    simdgrad::set_default_dtype(simdgrad::kFloat);
    simdgrad::set_warning_handler(nullptr);
    simdgrad::set_printoptions(simdgrad::PrintOptions().profile("default").linewidth(80));
    simdgrad::set_cache_limit(int64_t{1} << 30);
    simdgrad::manual_seed(1);
    if (simdgrad::get_num_threads() != 1) simdgrad::set_num_threads(1);
  }

  static std::vector<simdgrad::Isa> available_isas() {
    if (std::getenv("SIMDGRAD_ISA") != nullptr) return {simdgrad::active_isa()};
    std::vector<simdgrad::Isa> all;
    for (int i = 0; i < simdgrad::kIsaCount; ++i)
      if (const auto isa = static_cast<simdgrad::Isa>(i); simdgrad::isa_supported(isa))
        all.push_back(isa);
    return all;
  }

  const std::vector<simdgrad::Isa> isas_ = available_isas();
  const std::vector<Signature>& all_;
  const Settings& settings_;
  WorkerState& state_;
  Board& board_;
  const int pipe_;
  uint32_t signature_ = 0;
  uint64_t number_ = 0;
};

// An allocation that the library does not see to (a vector that grows without end) ends as bad_alloc,
// not as the machine's.
void limit_memory() {
#if !defined(SIMDGRAD_SANITIZED)
  const rlimit limit{rlim_t{4} << 30, rlim_t{4} << 30};
  setrlimit(RLIMIT_AS, &limit);
#endif
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
}

}  // namespace

std::vector<uint32_t> schedule(const std::vector<Signature>& all, const Settings& settings) {
  constexpr int kHeavyShare = 8;
  std::vector<uint32_t> order;
  for (uint32_t i = 0; i < all.size(); ++i) {
    const std::string text = all[i].text;
    const bool is_planted = text.rfind("planted::", 0) == 0;
    if (all[i].call == nullptr || (is_planted && !settings.planted)) continue;
    if (!settings.only.empty() && text != settings.only &&
        text.find(settings.only) == std::string::npos)
      continue;
    order.insert(order.end(), all[i].is_heavy ? kHeavyShare : 1, i);
  }
  // One that is named in full is meant alone.
  for (const uint32_t i : order)
    if (settings.only == all[i].text) return {i};
  Random random(settings.seed);
  for (size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[static_cast<size_t>(random.below(static_cast<int64_t>(i)))]);
  return order;
}

void work(const std::vector<Signature>& all, const std::vector<uint32_t>& order,
          const Settings& settings, int worker, uint64_t number, Board& board, int pipe) {
  limit_memory();
  set_scratch_folder(settings.scratch);
  simdgrad::testing::set_allocation_limit(kAllocationLimit);
  Worker made(all, settings, worker, board, pipe);
  for (; number <= settings.runs; number += static_cast<uint64_t>(settings.workers)) {
    const uint32_t signature = order[(number - 1) % order.size()];
    if (!board.counts[signature].is_given_up) made.run(signature, number);
  }
}

}  // namespace fuzz
