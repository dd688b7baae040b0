// libtorch's entry header over simdgrad: programs written for libtorch compile unchanged.
//
// torch, at and c10 are names of simdgrad's namespace; what else such programs use stands in names.h
// and macros.h, and warnings go to stderr as libtorch's do (warnings.h).
#pragma once

#include <simdgrad/simdgrad.h>

#include <torch/names.h>
#include <torch/macros.h>
#include <torch/warnings.h>
