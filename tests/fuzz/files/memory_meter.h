// The most bytes that the process held at once, of malloc and its kin, over a piece of its run.
#pragma once

#include <cstddef>

namespace fuzz {

void begin_metering();
// The most that was held since begin_metering(), beyond what was held then.
size_t end_metering();

}  // namespace fuzz
