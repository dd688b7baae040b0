// Starts a worker with an environment of its own on its core, and speaks to it through pipes.
#include "bench/peer.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace bench {
namespace {

void apply_environment(const std::vector<std::string>& settings) {
  for (const std::string& setting : settings) {
    const size_t at = setting.find('=');
    if (at == std::string::npos) {
      ::unsetenv(setting.c_str());
    } else {
      ::setenv(setting.substr(0, at).c_str(), setting.c_str() + at + 1, 1);
    }
  }
}

[[noreturn]] void become(const PeerOptions& options, int input, int output) {
  ::dup2(input, 0);
  ::dup2(output, 1);
  apply_environment(options.environment);
  if (options.core >= 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(options.core, &set);
    ::sched_setaffinity(0, sizeof set, &set);
  }
  std::vector<char*> arguments;
  for (const std::string& word : options.command)
    arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

}  // namespace

Peer::Peer(const PeerOptions& options) : options_(options) {
  int to[2], from[2];
  if (::pipe2(to, O_CLOEXEC) != 0 || ::pipe2(from, O_CLOEXEC) != 0)
    throw std::runtime_error("pipe: " + std::string(std::strerror(errno)));
  process_ = ::fork();
  if (process_ == 0) become(options, to[0], from[1]);
  ::close(to[0]);
  ::close(from[1]);
  to_ = ::fdopen(to[1], "w");
  from_ = ::fdopen(from[0], "r");
  const std::string ready = ask("threads " + std::to_string(options.threads));
  if (ready.rfind("ready ", 0) != 0)
    throw std::runtime_error(options.name + ": " + options.command[0] + " did not start");
  about_ = ready.substr(6);
  ask("");  // the answer to "threads"
}

Peer::~Peer() {
  if (process_ < 0) return;
  std::fclose(to_);  // it ends at the end of its input
  std::fclose(from_);
  ::waitpid(process_, nullptr, 0);
}

Peer::Peer(Peer&& other) noexcept
    : options_(std::move(other.options_)),
      process_(other.process_),
      to_(other.to_),
      from_(other.from_),
      about_(std::move(other.about_)),
      kernel_(std::move(other.kernel_)),
      checksum_(other.checksum_) {
  other.process_ = -1;
}

std::string Peer::loaded(const std::string& library) const {
  std::ifstream file("/proc/" + std::to_string(process_) + "/maps");
  for (std::string line; std::getline(file, line);)
    if (line.find("/" + library) != std::string::npos) return line.substr(line.find('/'));
  return "";
}

std::string Peer::ask(const std::string& line) {
  if (!line.empty()) {
    std::fputs((line + "\n").c_str(), to_);
    std::fflush(to_);
  }
  char* text = nullptr;
  size_t room = 0;
  const ssize_t length = ::getline(&text, &room, from_);
  std::string answer = length > 0 ? std::string(text, static_cast<size_t>(length) - 1) : "";
  std::free(text);
  if (length <= 0) throw std::runtime_error(options_.name + " ended after '" + line + "'");
  if (answer.rfind("error", 0) == 0) throw std::runtime_error(options_.name + ": " + answer);
  return answer;
}

bool Peer::prepare(const std::string& workload) {
  const std::string answer = ask("prepare " + workload);
  if (answer == "missing") return false;
  std::istringstream words(answer);
  std::string ok, checksum;
  words >> ok >> checksum;
  checksum_.reset();
  if (checksum != "-") checksum_ = std::stod(checksum);
  kernel_.clear();
  std::getline(words >> std::ws, kernel_);
  return true;
}

std::vector<double> Peer::run(double seconds) {
  std::istringstream words(ask("run " + std::to_string(seconds)));
  std::string first;
  words >> first;
  std::vector<double> times;
  for (double time; words >> time;) times.push_back(time);
  return times;
}

}  // namespace bench
