// The version of these headers. The build reads the three numbers below; nothing else states them.
#pragma once

#define SIMDGRAD_VERSION_MAJOR 0
#define SIMDGRAD_VERSION_MINOR 1
#define SIMDGRAD_VERSION_PATCH 0

#define SIMDGRAD_STRINGIFY_(x) #x
#define SIMDGRAD_STRINGIFY(x) SIMDGRAD_STRINGIFY_(x)

// "0.1.0"
#define SIMDGRAD_VERSION                     \
  SIMDGRAD_STRINGIFY(SIMDGRAD_VERSION_MAJOR) \
  "." SIMDGRAD_STRINGIFY(SIMDGRAD_VERSION_MINOR) "." SIMDGRAD_STRINGIFY(SIMDGRAD_VERSION_PATCH)
