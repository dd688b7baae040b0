// What the library shows to programs, and what its own parts reach directly.
#pragma once

// The library is built with hidden visibility: what users may link against says SIMDGRAD_API.
#define SIMDGRAD_API __attribute__((visibility("default")))

// On declarations in private headers: reached directly, without a look-up table.
#define SIMDGRAD_LOCAL __attribute__((visibility("hidden")))
