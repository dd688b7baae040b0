// Workers are children made by fork: a call that ends one ends nothing else.
#include "tests/fuzz/calls/supervisor.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iostream>
#include <new>
#include <sstream>
#include <stdexcept>

#include "tests/fuzz/calls/checks.h"

namespace fuzz {
namespace {

// A call may take this long: of its own time, so that a busy machine is no hang, and by the wall, for
// one that waits.
// Under the sanitizers a gradgradcheck of some hundred numbers takes five.
#if defined(SIMDGRAD_SANITIZED)
constexpr int kMostSeconds = 30;
#else
constexpr int kMostSeconds = 5;
#endif
constexpr double kMostSecondsWaiting = 60;
// A signature that kills this many workers is left alone for the rest of the run.
constexpr uint32_t kMostDeaths = 12;
constexpr size_t kMostLines = 24;  // of a sanitizer's report

double seconds_since(int64_t then_ns, clockid_t clock) {
  timespec now;
  if (clock_gettime(clock, &now) != 0) return 0;
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec - then_ns);
}

// What a sanitizer says is wrong, without addresses: "heap-buffer-overflow"; empty if none spoke.
std::string diagnosis(const std::string& words) {
  const std::string marks[] = {"ERROR: AddressSanitizer: ", "runtime error: "};
  for (const std::string& mark : marks) {
    const size_t at = words.find(mark);
    if (at == std::string::npos) continue;
    std::string text = words.substr(at + mark.size(), words.find('\n', at) - at - mark.size());
    for (const char* end : {" on ", " 0x", ": ", " by "}) text = text.substr(0, text.find(end));
    return text;
  }
  return "";
}

// What a worker wrote to stderr before it died: the head of a sanitizer's report.
std::string last_words(const std::string& path) {
  std::ifstream file(path);
  std::string text, line;
  for (size_t lines = 0; lines < kMostLines && std::getline(file, line);)
    if (line.find_first_not_of("= \t") != std::string::npos) {
      text += "    " + line.substr(0, 200) + "\n";
      ++lines;
    }
  return text;
}

}  // namespace

struct Supervisor::Process {
  pid_t id = 0;
  std::string errors;  // file
};

Supervisor::Supervisor(const std::vector<Signature>& all, const Settings& settings)
    : all_(all),
      settings_(settings),
      order_(schedule(all, settings)),
      processes_(static_cast<size_t>(settings.workers)) {
  if (order_.empty()) throw std::runtime_error("no signature contains '" + settings.only + "'");
  if (all.size() > kMostSignatures)
    throw std::runtime_error("more signatures than the board has room for");
  void* const memory =
      mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED || pipe(pipe_) != 0) throw std::runtime_error("no memory to share");
  board_ = new (memory) Board;
  fcntl(pipe_[0], F_SETFL, O_NONBLOCK);
}

Supervisor::~Supervisor() {
  for (const Process& process : processes_)
    if (process.id > 0) {
      kill(process.id, SIGKILL);
      waitpid(process.id, nullptr, 0);
    }
  close(pipe_[0]);
  close(pipe_[1]);
  munmap(board_, sizeof(Board));
}

void Supervisor::start(int worker, uint64_t number) {
  Process& process = processes_[static_cast<size_t>(worker)];
  process.errors = settings_.scratch + "/errors_" + std::to_string(worker);
  board_->workers[worker].number = 0;
  std::cout.flush();
  process.id = settings_.in_process ? 0 : fork();
  if (process.id < 0) throw std::runtime_error("cannot fork");
  if (process.id > 0) return;
  if (!settings_.in_process && !settings_.is_verbose) {
    const int errors = open(process.errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(errors, STDERR_FILENO);
  }
  Settings own = settings_;
  own.scratch += "/" + std::to_string(worker);
  mkdir(own.scratch.c_str(), 0700);
  work(all_, order_, own, worker, number, *board_, pipe_[1]);
  if (!settings_.in_process) _exit(0);
}

void Supervisor::run() {
  for (int worker = 0; worker < settings_.workers; ++worker)
    start(worker, static_cast<uint64_t>(worker) + 1);
  for (;;) {
    bool any = false;
    for (int worker = 0; worker < settings_.workers; ++worker) {
      if (processes_[static_cast<size_t>(worker)].id > 0) look_after(worker);
      any |= processes_[static_cast<size_t>(worker)].id > 0;
    }
    read_pipe();
    if (!any) return;
    usleep(20000);
  }
}

void Supervisor::look_after(int worker) {
  Process& process = processes_[static_cast<size_t>(worker)];
  const WorkerState& state = board_->workers[worker];
  int status = 0;
  if (waitpid(process.id, &status, WNOHANG) == process.id) {
    process.id = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    if (WIFEXITED(status) && WEXITSTATUS(status) == kDamaged) return go_on(worker);
    bury(worker, WIFSIGNALED(status) ? "died of " + std::string(strsignal(WTERMSIG(status)))
                                     : "ended with status " + std::to_string(WEXITSTATUS(status)));
    return;
  }
  const uint64_t number = state.number;
  if (number == 0) return;
  clockid_t clock;
  if (clock_getcpuclockid(process.id, &clock) != 0) return;
  const bool works = seconds_since(state.began_cpu_ns, clock) > kMostSeconds;
  const bool waits = seconds_since(state.began_ns, CLOCK_MONOTONIC) > kMostSecondsWaiting;
  if ((!works && !waits) || state.number != number) return;
  kill(process.id, SIGKILL);
  waitpid(process.id, nullptr, 0);
  process.id = 0;
  bury(worker, works ? "hangs: more than " + std::to_string(kMostSeconds) + " s of work"
                     : "hangs: waits for more than 60 s");
}

// Notes what ended a worker, and goes on behind that call.
void Supervisor::bury(int worker, const std::string& how) {
  read_pipe();
  const WorkerState& state = board_->workers[worker];
  Finding finding;
  finding.signature = state.signature;
  finding.number = state.number;
  finding.kind = how;
  finding.details = name_of(static_cast<Phase>(state.phase.load()));
  const std::string words =
      settings_.is_verbose ? "" : last_words(processes_[static_cast<size_t>(worker)].errors);
  if (const std::string said = diagnosis(words); !said.empty()) finding.kind = said;
  if (!words.empty()) finding.details += "\n" + words;
  if (finding.number == 0) throw std::runtime_error("a worker " + how + " before its first call");
  note(finding);
  SignatureCounts& counts = board_->counts[finding.signature];
  const bool is_hang = how.rfind("hangs", 0) == 0;
  counts.died += is_hang ? kMostDeaths / 2 : 1;
  if (counts.died >= kMostDeaths && !counts.is_given_up.exchange(true))
    std::cout << "  no further calls of " << all_[finding.signature].text << " in this run\n";
  go_on(worker);
}

void Supervisor::go_on(int worker) {
  const uint64_t next = board_->workers[worker].number + static_cast<uint64_t>(settings_.workers);
  if (next <= settings_.runs) start(worker, next);
}

void Supervisor::read_pipe() {
  char buffer[4096];
  for (ssize_t got; (got = read(pipe_[0], buffer, sizeof buffer)) > 0;)
    unread_.append(buffer, static_cast<size_t>(got));
  for (size_t end; (end = unread_.find('\n')) != std::string::npos; unread_.erase(0, end + 1)) {
    std::istringstream line(unread_.substr(0, end));
    Finding finding;
    std::string word;
    std::getline(line, word, '\t');
    finding.signature = static_cast<uint32_t>(std::stoul(word));
    std::getline(line, word, '\t');
    finding.number = std::stoull(word);
    std::getline(line, finding.kind, '\t');
    std::getline(line, finding.details);
    note(finding);
  }
}

void Supervisor::note(const Finding& finding) {
  const std::string key = std::to_string(finding.signature) + finding.kind;
  if (const auto known = known_.find(key); known != known_.end()) {
    Finding& first = findings_[known->second];
    ++first.count;
    first.number = std::min(first.number, finding.number);
    return;
  }
  known_[key] = findings_.size();
  findings_.push_back(finding);
  std::cout << all_[finding.signature].text << ": " << finding.kind;
  if (!finding.details.empty()) std::cout << ": " << finding.details;
  std::cout << "\n  call " << finding.number << "; " << reproducer(finding) << std::endl;
}

std::string Supervisor::reproducer(const Finding& finding) const {
  return "fuzz_calls --seed " + std::to_string(settings_.seed + finding.number - 1) + " --runs 1" +
         (settings_.planted ? " --planted" : "") + " --only '" + all_[finding.signature].text + "'";
}

}  // namespace fuzz
