// Optimizers.
#pragma once

#include <simdgrad/optim/adam.h>
#include <simdgrad/optim/optimizer.h>
#include <simdgrad/optim/sgd.h>
