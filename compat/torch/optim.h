// libtorch's header of this name; everything comes with torch.h.
#pragma once

#include <torch/torch.h>
