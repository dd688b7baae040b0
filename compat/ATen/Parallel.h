// libtorch's header of threads: at::parallel_for, at::set_num_threads.
#pragma once

#include <torch/torch.h>
