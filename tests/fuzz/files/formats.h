// The formats that are read: one object for each, defined in its file.
#pragma once

#include "tests/fuzz/files/format.h"

namespace fuzz {

extern const Format safetensors_format, idx_format;

}  // namespace fuzz
