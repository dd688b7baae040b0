// libtorch's headers of std::optional under its own name.
#pragma once

#include <torch/names.h>
