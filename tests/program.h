// Runs a program of examples/ as a user would.
#pragma once

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/scratch_folder.h"

// What a program of ours did.
struct ProgramResult {
  int status = -1;      // its exit code
  bool foreign = false;  // built for another machine and run by an emulator that we do not know
  std::string out, err;
};

inline std::string program_path(const std::string& name) {
  return std::string(SIMDGRAD_BINARY_DIR) + "/examples/" + name;
}

// Runs examples/NAME of this build with these arguments; its input is empty and none of its outputs a
// terminal.
inline ProgramResult run_program(const std::string& name,
                                 const std::vector<std::string>& arguments) {
  const ScratchFolder folder;
  std::vector<std::string> words = {program_path(name)};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const std::string out = folder / "out", err = folder / "err";
  const int create = 01 | 0100;  // O_WRONLY | O_CREAT
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", 0, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), create, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), create, 0600);
  pid_t child = 0;
  const int error =
      posix_spawn(&child, words[0].c_str(), &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ProgramResult result;
  int status = 0;
  if (error == ENOEXEC) {
    result.foreign = true;
  } else if (error != 0) {
    result.err = "cannot be started: " + std::string(std::strerror(error));
  } else if (waitpid(child, &status, 0) == child) {
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    result.out = folder.read("out");
    result.err = folder.read("err");
  }
  return result;
}
