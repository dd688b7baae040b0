// Measures simdgrad beside its peers: long-lived worker processes whose windows alternate, so that a
// noisy machine disturbs all of them alike. bench/README.md says how to read the table.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <regex>
#include <thread>

#include "bench/peer.h"
#include "bench/results.h"

namespace bench {
namespace {

struct Options {
  std::string filter = ".", csv, markdown, charts, python;
  std::vector<std::string> peers = {"torch", "torch-keep", "jax", "products"};
  std::vector<int> threads = {1, static_cast<int>(std::thread::hardware_concurrency())};
  double seconds = 0.4;
  int rounds = 8, torch_processes = 8, core = 0;
  bool skip_machine = false, memory = false;
};

struct Workload {
  std::string name;
  double flops, bytes;
};

// Large blocks stay with the process: what libtorch does with an allocator that keeps them.
const std::vector<std::string> kKeepBlocks = {"MALLOC_TRIM_THRESHOLD_=17179869184",
                                              "MALLOC_MMAP_THRESHOLD_=17179869184",
                                              "MALLOC_TOP_PAD_=268435456"};
// Rows where page faults decide, and those are malloc's.
bool asks_for_large_blocks(const std::string& workload) {
  return workload == "memory/zeros_51MB" || workload == "pointwise/add_into_new_16M" ||
         workload == "embedding/dense_backward";
}
bool trains(const std::string& workload) {
  return workload.rfind("mlp/", 0) == 0 || workload == "notebook/sparse_sgd_step" ||
         workload == "embedding/dense_backward" || workload == "embedding/sparse_sgd_step";
}

class Benchmark {
 public:
  Benchmark(const Options& options, std::filesystem::path folder)
      : options_(options), folder_(std::move(folder)) {}

  void run() {
    if (!options_.skip_machine) {
      results_.machine = measure_machine(options_.threads.back());
      std::cout << machine_text(results_.machine) << std::flush;
    }
    for (const int threads : options_.threads) measure_all(threads);
    std::cout << products_text(results_.rows);
    if (options_.memory) measure_memory();
    if (!options_.csv.empty()) write_csv(results_, options_.csv);
    if (!options_.markdown.empty()) write_markdown(results_, options_.markdown);
    if (!options_.charts.empty()) write_charts(results_, options_.charts);
  }

 private:
  bool wants(const std::string& peer) const {
    return std::count(options_.peers.begin(), options_.peers.end(), peer) > 0;
  }

  PeerOptions ours(int threads) const {
    return {"simdgrad", {folder_ / "worker"}, {}, threads, threads == 1 ? options_.core : -1};
  }

  // What can be started here.
  std::vector<PeerOptions> peers(int threads) const {
    const int core = threads == 1 ? options_.core : -1;
    // A BLAS that was told which processor this is, or to wait passively, is not at its best.
    const std::vector<std::string> unset = {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"};
    const std::string torch = folder_ / "worker_torch", products = folder_ / "worker_products";
    std::vector<PeerOptions> all;
    if (wants("torch") && ::access(torch.c_str(), X_OK) == 0)
      all.push_back({"torch", {torch}, unset, threads, core});
    if (wants("torch-keep") && ::access(torch.c_str(), X_OK) == 0)
      all.push_back({"torch-keep", {torch}, kKeepBlocks, threads, core});
    const std::string script = folder_ / "jax_worker.py";
    if (wants("jax") && !options_.python.empty())
      all.push_back({"jax", {options_.python, script, std::to_string(threads)}, unset, threads, core});
    if (wants("products") && !options_.python.empty())
      for (const char* library : {"openblas", "onednn", "mkl"})
        all.push_back({library, {products, library, options_.python}, unset, threads, core});
    return all;
  }

  void measure_all(int threads) {
    std::vector<Peer> running;
    running.emplace_back(ours(threads));
    for (const PeerOptions& peer : peers(threads)) {
      try {
        running.emplace_back(peer);
      } catch (const std::exception& error) {
        std::cout << "left out: " << error.what() << "\n";
      }
    }
    std::cout << "\n" << threads << (threads == 1 ? " thread\n" : " threads\n");
    for (const Peer& peer : running) {
      std::cout << "  " << peer.name() << ": " << peer.about() << "\n";
      if (threads == options_.threads.front()) results_.sides.push_back({peer.name(), peer.about()});
    }
    std::cout << row_heading() << std::flush;
    for (const Workload& workload : list(running.front())) measure(workload, running, threads);
  }

  std::vector<Workload> list(Peer& peer) const {
    std::istringstream words(peer.ask("list"));
    std::vector<Workload> all;
    const std::regex filter(options_.filter);
    for (Workload each; words >> each.name >> each.flops >> each.bytes;)
      if (std::regex_search(each.name, filter)) all.push_back(each);
    return all;
  }

  void measure(const Workload& workload, std::vector<Peer>& running, int threads) {
    std::vector<Peer*> taking_part;
    for (Peer& peer : running) {
      if (peer.name() == "torch-keep" && !asks_for_large_blocks(workload.name)) continue;
      if (peer.prepare(workload.name)) taking_part.push_back(&peer);
    }
    std::vector<std::vector<double>> windows(taking_part.size());
    for (int round = 0; round < options_.rounds; ++round) {
      for (size_t i = 0; i < taking_part.size(); ++i) {
        const std::vector<double> times = taking_part[i]->run(options_.seconds / options_.rounds);
        windows[i].insert(windows[i].end(), times.begin(), times.end());
      }
    }
    Row row{workload.name, "", threads, Times::of(windows[0]), {}, workload.flops, workload.bytes};
    row.limit = results_.machine.limit(workload.flops, workload.bytes, threads > 1);
    for (size_t i = 1; i < taking_part.size(); ++i) {
      row.peer = taking_part[i]->name();
      compare_checksums(*taking_part[0], *taking_part[i], workload.name);
      if (row.peer == "torch" && threads > 1 && workload.name.rfind("mlp/", 0) == 0)
        add_processes(workload.name, threads, windows[i]);
      row.theirs = Times::of(windows[i]);
      row.goal = goal_of(row.workload, row.peer, threads);
      add(row);
    }
    if (taking_part.size() == 1) add(row);
  }

  void add(const Row& row) {
    results_.rows.push_back(row);
    std::cout << row_text(row) << std::flush;
  }

  // libtorch with several threads has fast and slow processes: the best of several stands.
  void add_processes(const std::string& workload, int threads, std::vector<double>& windows) const {
    for (int i = 1; i < options_.torch_processes; ++i) {
      Peer another(peers(threads).front());
      another.prepare(workload);
      const std::vector<double> times = another.run(options_.seconds / 2);
      windows.insert(windows.end(), times.begin(), times.end());
    }
  }

  static void compare_checksums(const Peer& a, const Peer& b, const std::string& workload) {
    const double difference = std::abs(a.checksum() - b.checksum());
    if (difference > 1e-3 * std::max(std::abs(a.checksum()), 1e-3))
      std::cout << "!! " << workload << ": " << a.name() << " gets " << a.checksum() << ", "
                << b.name() << " " << b.checksum() << "\n";
  }

  void measure_memory() {
    std::cout << "\nlargest resident memory over what loading the library takes, one thread\n";
    std::vector<Workload> all;
    {
      Peer peer(ours(1));
      all = list(peer);
    }
    for (const Workload& workload : all) {
      if (!trains(workload.name)) continue;
      const double mine = memory_of(ours(1), workload.name);
      for (const PeerOptions& peer : peers(1)) {
        if (peer.name != "torch") continue;
        results_.memory.push_back({workload.name, peer.name, mine, memory_of(peer, workload.name)});
        std::cout << memory_text(results_.memory.back()) << std::flush;
      }
    }
  }
  static double memory_of(const PeerOptions& options, const std::string& workload) {
    Peer peer(options);
    peer.prepare(workload);
    peer.ask("calls 50");
    return std::stod(peer.ask("memory").substr(std::string("memory ").size()));
  }

  const Options& options_;
  std::filesystem::path folder_;
  Results results_;
};

}  // namespace
}  // namespace bench

int main(int count, char** arguments) {
  bench::Options options;
  CLI::App app("Speed of simdgrad beside its peers, in one run");
  app.add_option("--filter", options.filter, "only workloads that this regular expression finds");
  app.add_option("--threads", options.threads, "numbers of threads, such as 1,2")->delimiter(',');
  app.add_option("--peer", options.peers,
                 "torch, torch-keep (malloc keeps large blocks), jax, products (OpenBLAS, oneDNN, "
                 "MKL), or none; those that are not installed are left out")
      ->delimiter(',');
  app.add_option("--seconds", options.seconds, "for each workload and side")->capture_default_str();
  app.add_option("--rounds", options.rounds, "turns that a side takes in that time");
  app.add_option("--torch-processes", options.torch_processes,
                 "processes of libtorch whose best stands for training on several threads");
  app.add_option("--core", options.core, "where one-thread processes are pinned");
  app.add_option("--csv", options.csv, "file for all figures");
  app.add_option("--markdown", options.markdown, "file for the tables as Markdown");
  app.add_option("--charts", options.charts, "folder for the charts");
  app.add_option("--python", options.python, "a Python that has jax, and the wheels of the products");
  app.add_flag("--no-machine", options.skip_machine, "do not measure the machine's limits");
  app.add_flag("--memory", options.memory, "the largest resident memory of training, too");
  CLI11_PARSE(app, count, arguments);
  try {
    bench::Benchmark(options, std::filesystem::canonical("/proc/self/exe").parent_path()).run();
  } catch (const std::exception& error) {
    std::cerr << "bench: " << error.what() << "\n";
    return 1;
  }
}
