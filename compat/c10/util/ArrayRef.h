// libtorch's header of array views.
#pragma once

#include <simdgrad/array_ref.h>

#include <torch/names.h>
