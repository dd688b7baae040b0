// libtorch's header of tensor options.
#pragma once

#include <torch/names.h>
