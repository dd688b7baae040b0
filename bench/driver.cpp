// Measures simdgrad beside its peers: long-lived worker processes whose windows alternate, so that a
// noisy machine disturbs all of them alike. bench/README.md says how to read the table.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <regex>
#include <thread>

#include "bench/results.h"
#include "bench/sides.h"

namespace bench {
namespace {

struct Options {
  SideOptions sides;
  std::string filter = ".", csv, markdown, charts;
  std::vector<int> threads = {1, static_cast<int>(std::thread::hardware_concurrency())};
  double seconds = 0.4;
  int rounds = 8, torch_processes = 8;
  bool no_machine = false, no_fresh = false;
};

struct Workload {
  std::string name;
  double flops, bytes;
  std::string traffic;
};

// The order in which families are shown; the workers list them as they were linked.
size_t place_of(const Workload& workload) {
  const std::vector<std::string> families = {
      "region",    "overhead", "notebook", "mlp",    "gemm",   "linear",    "loss",       "norm",
      "pointwise", "reduce",   "copy",     "random", "memory", "embedding", "vocabulary", "double"};
  const std::string family = workload.name.substr(0, workload.name.find('/'));
  return static_cast<size_t>(std::find(families.begin(), families.end(), family) -
                             families.begin());
}

class Benchmark {
 public:
  explicit Benchmark(const Options& options) : options_(options), filter_(options.filter) {}

  // Whether all sides computed the same.
  bool run() {
    for (const std::string& file : {options_.csv, options_.markdown}) prepare_file(file);
    results_.baseline = options_.sides.baseline;
    if (!results_.baseline.empty()) check_baseline(options_.sides);
    warn_of_load();
    if (!options_.no_machine) {
      results_.machine = measure_machine(int(std::thread::hardware_concurrency()));
      std::cout << machine_text(results_.machine) << std::flush;
    }
    for (const int threads : options_.threads) measure_all(threads);
    measure_slower_rows_again();
    std::cout << summary_text(results_);
    if (!options_.no_fresh) {
      measure_memory();
      measure_allocations();
    }
    if (!results_.baseline.empty()) std::cout << baseline_text(results_);
    if (!options_.csv.empty()) write_csv(results_, options_.csv);
    if (!options_.markdown.empty()) write_markdown(results_, options_.markdown);
    if (!options_.charts.empty()) write_charts(results_, options_.charts);
    return agree_;
  }

 private:
  // Now rather than after the run.
  static void prepare_file(const std::string& file) {
    if (file.empty()) return;
    const std::filesystem::path folder = std::filesystem::path(file).parent_path();
    if (!folder.empty()) std::filesystem::create_directories(folder);
    if (!std::ofstream(file, std::ios::app)) throw std::runtime_error("cannot write " + file);
  }

  static void warn_of_load() {
    double load = 0;
    if (::getloadavg(&load, 1) == 1 && load > 0.5)
      std::cout << "load average " << load << ": other work takes time from this run\n";
  }

  void measure_all(int threads) {
    std::vector<Peer> running;
    running.emplace_back(our_side(options_.sides, threads));
    if (!results_.baseline.empty()) running.emplace_back(baseline_side(options_.sides, threads));
    for (const PeerOptions& peer : peer_sides(options_.sides, threads)) {
      try {
        running.emplace_back(peer);
      } catch (const std::exception& error) {
        std::cout << "left out: " << error.what() << "\n";
      }
    }
    std::cout << "\n" << threads << (threads == 1 ? " thread\n" : " threads\n");
    for (const Peer& peer : running) {
      std::cout << "  " << peer.name() << ": " << peer.about() << "\n";
      if (threads == options_.threads.front())
        results_.sides.push_back({peer.name(), peer.about()});
    }
    std::cout << row_heading() << std::flush;
    for (const Workload& workload : list(running.front())) measure(workload, running, threads);
  }

  std::vector<Workload> list(Peer& peer) const {
    std::istringstream words(peer.ask("list"));
    std::vector<Workload> all;
    for (Workload each; words >> each.name >> each.flops >> each.bytes >> each.traffic;)
      if (std::regex_search(each.name, filter_)) all.push_back(each);
    std::stable_sort(all.begin(), all.end(), [](const Workload& a, const Workload& b) {
      return place_of(a) < place_of(b);
    });
    return all;
  }

  void measure(const Workload& workload, std::vector<Peer>& running, int threads) {
    std::vector<Peer*> taking_part;
    for (Peer& peer : running) {
      if (peer.name() == "torch-keep" && !asks_for_large_blocks(workload.name)) continue;
      if (peer.prepare(workload.name)) {
        taking_part.push_back(&peer);
      } else if (peer.name() == "baseline") {
        results_.not_in_baseline.insert(workload.name);
      }
    }
    const std::vector<std::vector<double>> windows = alternate(taking_part, threads);
    if (workload.flops > 1e6) measure_peak_again(results_.machine);
    Row row{workload.name, "", threads, Times::of(windows[0]), {}, workload.flops, workload.bytes};
    row.limit = results_.machine.limit(workload.flops, workload.bytes, traffic_of(workload.traffic),
                                       threads > 1);
    std::cout << our_text(row) << std::flush;
    for (size_t i = 1; i < taking_part.size(); ++i) {
      row.peer = taking_part[i]->name();
      row.kernel = taking_part[i]->kernel();
      compare_checksums(*taking_part[0], *taking_part[i], workload.name);
      std::vector<double> theirs = windows[i];
      if (row.peer == "torch" && threads > 1 && workload.name.rfind("mlp/", 0) == 0)
        add_processes(workload.name, threads, theirs);
      row.theirs = Times::of(theirs);
      for (int turn = 0; turn < 4 && is_disturbed(results_.rows, row); ++turn) {
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        const std::vector<double> times = taking_part[i]->run(options_.seconds);
        theirs.insert(theirs.end(), times.begin(), times.end());
        row.theirs = Times::of(theirs);
      }
      row.goal = goal_of(row.workload, row.peer, threads);
      results_.rows.push_back(row);
      std::cout << peer_text(row) << std::flush;
    }
    if (taking_part.size() == 1) results_.rows.push_back(row);
  }

  // Turn by turn, so that what disturbs the machine disturbs all sides.
  std::vector<std::vector<double>> alternate(const std::vector<Peer*>& sides, int threads) const {
    std::vector<std::vector<double>> windows(sides.size());
    for (int round = 0; round < options_.rounds; ++round) {
      for (size_t i = 0; i < sides.size(); ++i) {
        const std::vector<double> times = sides[i]->run(options_.seconds / options_.rounds);
        windows[i].insert(windows[i].end(), times.begin(), times.end());
        // Idle threads of OpenMP and OpenBLAS spin for a while, on cores that the next side needs:
        // OpenBLAS's for 2^26 ticks, 26 ms at 2.6 GHz. (After 25 ms oneDNN at 512^3 took 7.3 ms, not 0.53.)
        if (threads > 1) std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
    }
    return windows;
  }

  // Of fresh processes, which have other addresses, with no other side between them.
  double ratio_alone(const Row& row) const {
    Peer ours(our_side(options_.sides, row.threads));
    Peer baseline(baseline_side(options_.sides, row.threads));
    for (Peer* side : {&ours, &baseline}) side->prepare(row.workload);
    const std::vector<std::vector<double>> windows = alternate({&ours, &baseline}, row.threads);
    return Times::of(windows[1]).minimum / Times::of(windows[0]).minimum;
  }

  // Of a hundred rows some are slower by chance: those count that are so alone, too.
  void measure_slower_rows_again() {
    std::vector<Row*> slower;
    for (Row& row : results_.rows)
      if (row.is_slower_than_baseline()) slower.push_back(&row);
    if (slower.empty()) return;
    std::cout << "\nrows over 3 % slower than baseline, each alone five more times: "
              << slower.size() << "\n"
              << std::flush;
    for (Row* row : slower)
      for (int run = 0; run < 5; ++run) row->alone.push_back(ratio_alone(*row));
  }

  // libtorch with several threads has fast and slow processes: the best of several stands.
  void add_processes(const std::string& workload, int threads, std::vector<double>& windows) const {
    for (int i = 1; i < options_.torch_processes; ++i) {
      Peer another(peer_sides(options_.sides, threads).front());
      another.prepare(workload);
      const std::vector<double> times = another.run(options_.seconds / 2);
      windows.insert(windows.end(), times.begin(), times.end());
    }
  }

  void compare_checksums(const Peer& a, const Peer& b, const std::string& workload) {
    if (!b.checksum()) return;
    const double difference = std::abs(*a.checksum() - *b.checksum());
    if (difference <= 1e-3 * std::max(std::abs(*a.checksum()), 1e-3)) return;
    agree_ = false;
    std::cout << "!! " << workload << ": " << a.name() << " gets " << *a.checksum() << ", "
              << b.name() << " " << *b.checksum() << "\n";
  }

  // What libtorch needs for the same, where it was asked for.
  std::optional<PeerOptions> torch_side(int threads) const {
    for (const PeerOptions& peer : peer_sides(options_.sides, threads))
      if (peer.name == "torch") return peer;
    return std::nullopt;
  }
  std::vector<Workload> list() const {
    Peer peer(our_side(options_.sides, 1));
    return list(peer);
  }

  void measure_memory() {
    const std::optional<PeerOptions> torch = torch_side(1);
    for (const Workload& workload : list()) {
      if (!trains(workload.name)) continue;
      if (results_.memory.empty())
        std::cout << "\nlargest resident memory over what loading the library takes, 1 thread\n";
      CountRow row{
          workload.name, "torch", 1, memory_of(our_side(options_.sides, 1), workload.name), {}};
      if (torch) row.theirs = memory_of(*torch, workload.name);
      results_.memory.push_back(row);
      std::cout << memory_text(row) << std::flush;
    }
  }

  void measure_allocations() {
    for (const Workload& workload : list()) {
      for (const int threads : options_.threads) {
        if (!steady(workload.name)) continue;
        if (results_.allocations.empty())
          std::cout << "\nrequests to the heap (malloc, operator new, mmap) of a warm step\n";
        CountRow row{workload.name, "torch", threads, 0, {}};
        row.ours = allocations_of(our_side(options_.sides, threads), options_.sides, workload.name);
        if (const auto torch = torch_side(threads))
          row.theirs = allocations_of(*torch, options_.sides, workload.name);
        results_.allocations.push_back(row);
        std::cout << allocations_text(row) << std::flush;
      }
    }
  }

  const Options& options_;
  const std::regex filter_;
  Results results_;
  bool agree_ = true;
};

}  // namespace
}  // namespace bench

int main(int count, char** arguments) {
  bench::Options options;
  options.sides.peers = {"torch", "torch-keep", "torch-python", "jax", "products"};
  CLI::App app(
      "Speed of simdgrad beside its peers, in one run. bench/README.md explains the tables.");
  app.option_defaults()->always_capture_default();
  app.add_option("--filter", options.filter, "only workloads that this regular expression finds");
  app.add_option("--threads", options.threads, "numbers of threads, such as 1,2")->delimiter(',');
  app.add_option(
         "--peer", options.sides.peers,
         "torch, torch-keep (malloc keeps large blocks), torch-python (what libtorch lacks), jax, "
         "products (or openblas, onednn, mkl), none; what is not installed is left out")
      ->delimiter(',')
      ->check(CLI::IsMember({"torch", "torch-keep", "torch-python", "jax", "products", "openblas",
                             "onednn", "mkl", "none"}));
  app.add_option(
         "--baseline", options.sides.baseline,
         "an older build as one more side: a checkout that ./dev bench has built, or its "
         "worker; rows over 3 % slower run alone five more times; with --peer none no other")
      ->type_name("DIR");
  app.add_option("--seconds", options.seconds, "for each workload and side");
  app.add_option("--rounds", options.rounds, "turns that a side takes in that time");
  app.add_option("--torch-processes", options.torch_processes,
                 "processes of libtorch whose best stands for training on several threads");
  app.add_option("--core", options.sides.core, "where processes of one thread are pinned");
  app.add_option("--csv", options.csv, "file for all figures");
  app.add_option("--markdown", options.markdown, "file for the tables as Markdown");
  app.add_option("--charts", options.charts, "folder for the charts");
  app.add_option("--python", options.sides.python,
                 "a Python that has torch, jax, and the wheels of the products");
  app.add_flag("--no-machine", options.no_machine, "do not measure the machine's limits");
  app.add_flag("--no-fresh", options.no_fresh,
               "count no memory and no allocations of fresh processes");
  CLI11_PARSE(app, count, arguments);
  std::signal(SIGPIPE, SIG_IGN);  // a worker that has ended shows in the answer that is missing
  try {
    options.sides.folder = std::filesystem::canonical("/proc/self/exe").parent_path();
    if (bench::Benchmark(options).run()) return 0;
    std::cerr << "bench: the sides do not compute the same (lines with !!)\n";
  } catch (const std::exception& error) {
    std::cerr << "bench: " << error.what() << "\n";
  }
  return 1;
}
