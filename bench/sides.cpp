// Which processes take part, with what environment, and for which workloads.
#include "bench/sides.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace bench {
namespace {

// Large blocks stay with the process: what libtorch does with an allocator that keeps them.
const std::vector<std::string> kKeepBlocks = {"MALLOC_TRIM_THRESHOLD_=17179869184",
                                              "MALLOC_MMAP_THRESHOLD_=17179869184",
                                              "MALLOC_TOP_PAD_=268435456"};
// A BLAS that was told which processor this is would not be at its best. SIMDGRAD_BENCH_OPENBLAS_CORETYPE
// tells it on purpose: Haswell holds it to AVX2.
const std::vector<std::string> kUnset = {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"};
std::vector<std::string> openblas_environment() {
  std::vector<std::string> settings = kUnset;
  if (const char* core = std::getenv("SIMDGRAD_BENCH_OPENBLAS_CORETYPE"))
    settings.push_back("OPENBLAS_CORETYPE=" + std::string(core));
  return settings;
}

bool starts_with(const std::string& text, const std::string& prefix) {
  return text.rfind(prefix, 0) == 0;
}
double number_in(const std::string& answer) { return std::stod(answer.substr(answer.find(' '))); }

int core_of(const SideOptions& options, int threads) { return threads == 1 ? options.core : -1; }

}  // namespace

PeerOptions our_side(const SideOptions& options, int threads) {
  return {"simdgrad", {options.folder / "worker"}, {}, threads, core_of(options, threads)};
}

PeerOptions baseline_side(const SideOptions& options, int threads) {
  std::filesystem::path worker = std::filesystem::absolute(options.baseline);
  if (std::filesystem::is_directory(worker)) worker /= "build/release/bench/worker";
  if (::access(worker.c_str(), X_OK) != 0)
    throw std::runtime_error("--baseline " + options.baseline + ": there is no program " +
                             worker.string() + "; in a checkout ./dev bench --help builds it");
  return {"baseline", {worker}, {}, threads, core_of(options, threads)};
}

void check_baseline(const SideOptions& options) {
  const PeerOptions older = baseline_side(options, 1), ours = our_side(options, 1);
  const std::string library = Peer(older).loaded("libsimdgrad.so");
  if (std::filesystem::equivalent(older.command[0], ours.command[0])) return;
  if (!library.empty() && library == Peer(ours).loaded("libsimdgrad.so"))
    throw std::runtime_error("--baseline " + options.baseline + ": " + older.command[0] +
                             " runs the library of this build, " + library +
                             "; it was moved: build it where it lies now");
}

std::vector<PeerOptions> peer_sides(const SideOptions& options, int threads) {
  const int core = core_of(options, threads);
  const auto wants = [&](const char* peer) {
    return std::count(options.peers.begin(), options.peers.end(), peer) > 0;
  };
  const std::string torch = options.folder / "worker_torch";
  const std::string products = options.folder / "worker_products";
  const bool has_torch = ::access(torch.c_str(), X_OK) == 0;
  std::vector<PeerOptions> all;
  if (wants("torch") && has_torch) all.push_back({"torch", {torch}, kUnset, threads, core});
  if (wants("torch-keep") && has_torch)
    all.push_back({"torch-keep", {torch}, kKeepBlocks, threads, core});
  const std::string script = options.folder / "jax_worker.py";
  if (options.python.empty()) return all;
  if (wants("jax"))
    all.push_back(
        {"jax", {options.python, script, std::to_string(threads)}, kUnset, threads, core});
  if (wants("torch-python"))
    all.push_back({"torch-python",
                   {options.python, options.folder / "torch_worker.py"},
                   kUnset,
                   threads,
                   core});
  for (const char* library : {"openblas", "onednn", "mkl"})
    if (wants("products") || wants(library))
      all.push_back({library,
                     {products, library, options.python},
                     library == std::string("openblas") ? openblas_environment() : kUnset,
                     threads,
                     core});
  return all;
}

bool asks_for_large_blocks(const std::string& workload) {
  return workload == "memory/zeros_51MB" || workload == "pointwise/add_into_new_16M" ||
         workload == "embedding/dense_backward";
}

bool trains(const std::string& workload) {
  return starts_with(workload, "mlp/") || workload == "notebook/sparse_sgd_step" ||
         workload == "embedding/dense_backward" || workload == "embedding/sparse_sgd_step";
}

bool steady(const std::string& workload) {
  return starts_with(workload, "mlp/16-16-4/") || starts_with(workload, "mlp/784-128-10/b64/") ||
         workload == "notebook/sparse_sgd_step" || workload == "embedding/sparse_sgd_step";
}

double memory_of(const PeerOptions& options, const std::string& workload) {
  Peer peer(options);
  peer.ask("operands " + workload);
  peer.ask("calls 50");
  return number_in(peer.ask("memory"));
}

double allocations_of(PeerOptions options, const SideOptions& sides, const std::string& workload) {
  options.environment.push_back("LD_PRELOAD=" + (sides.folder / "count_allocations.so").string());
  Peer peer(options);
  peer.ask("operands " + workload);
  peer.ask("calls 10");
  double least = 1e300;
  for (int window = 0; window < 3; ++window)
    least = std::min(least, number_in(peer.ask("allocations 50")) / 50);
  return least;
}

}  // namespace bench
