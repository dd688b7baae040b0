// Files that calls read and write: a folder of their own, good files and spoilt ones.
#pragma once

#include <string>

#include "tests/fuzz/calls/call.h"

namespace fuzz {

// Where the calls of this process work; an empty folder.
void set_scratch_folder(const std::string& path);
// A path as the function needs it.
std::string draw_path(Call& c);

}  // namespace fuzz
