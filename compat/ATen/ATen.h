// libtorch's header of tensors and operations.
#pragma once

#include <torch/torch.h>
