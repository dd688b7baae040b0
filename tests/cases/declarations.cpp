// Which headers count, and what their declarations are.
#include "tests/cases/declarations.h"

#include <set>

namespace cases {
namespace {

const std::set<std::string> kHeaders = {
    "pointwise.h", "unary_ops.inc", "binary_ops.inc", "reductions.h",      "linear_algebra.h",
    "views.h",     "indexing.h",    "losses.h",       "embedding.h",       "normalization.h",
    "sparse.h",    "creation.h",    "random.h",       "fused_optimizers.h"};

struct Declaration {
  const char* header;
  const char* operation;
};
// Read from the headers by the generator of tests/fuzz/calls, at build time.
const Declaration kDeclarations[] = {
#include "operations.inc"
};

}  // namespace

std::vector<std::string> declared_operations() {
  std::set<std::string> all;
  for (const Declaration& one : kDeclarations)
    if (kHeaders.count(one.header)) all.insert(one.operation);
  return {all.begin(), all.end()};
}

}  // namespace cases
