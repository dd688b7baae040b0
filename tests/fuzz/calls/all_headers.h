// What is read for its declarations: all public headers, and the planted faults.
#include <simdgrad/simdgrad.h>

#include "tests/fuzz/calls/planted.h"
