// The test program once more, as a process of its own.
#pragma once

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

// Runs one hidden test case of this very program with a variable of the environment set, since such
// variables are read once. Returns the exit status; 0 is success.
inline int run_self(const std::string& setting, const std::string& test_case) {
  std::vector<std::string> environment = {setting};
  const std::string name = setting.substr(0, setting.find('=') + 1);
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (std::string(*entry).rfind(name, 0) != 0) environment.emplace_back(*entry);
  }
  std::vector<char*> environment_pointers;
  for (std::string& entry : environment) environment_pointers.push_back(entry.data());
  environment_pointers.push_back(nullptr);
  std::string program = "/proc/self/exe";
  std::string filter = test_case;
  char* arguments[] = {program.data(), filter.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", 1 /* O_WRONLY */, 0);
  pid_t child = 0;
  const int error = posix_spawn(&child, program.c_str(), &actions, nullptr, arguments,
                                environment_pointers.data());
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  if (error != 0 || waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
