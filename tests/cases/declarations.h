// The list of public operations, read from the public headers.
#pragma once

#include <string>
#include <vector>

namespace cases {

// "mul(Tensor,Tensor)", "add_(Tensor,Scalar,Scalar)" ...: every free function that the headers of
// operations declare, with its argument types without const, references, names and defaults. Rows of
// the .inc lists are expanded.
std::vector<std::string> declared_operations();

}  // namespace cases
