// libtorch's header of errors and checks.
#pragma once

#include <torch/macros.h>
