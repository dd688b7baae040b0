// Checks of what a call was given and of what it returned.
#include "tests/fuzz/calls/checks.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <sstream>

#include "core/tensor_impl.h"
#include "tests/fuzz/calls/results.h"
#include "tests/fuzz/calls/show.h"

namespace fuzz {
namespace {

using simdgrad::impl;

constexpr size_t kCallerMemory = 1 << 16;  // make_objects.cpp
constexpr int64_t kMostPrinted = 200000;   // elements: a summary shows six along each dimension
constexpr size_t kMostResults = 64;        // of a list, that are looked at

// What the call may write, and whatever shares its memory.
std::set<const void*> written_storages(const Call& c) {
  std::set<const void*> all;
  for (const Given& one : c.given)
    if (writes(c, one) && one.storage) all.insert(one.storage);
  return all;
}

// How `given` differs from what it was; empty if it does not.
std::string difference(const Given& given) {
  const Tensor& x = given.tensor;
  if (x.sizes().vec() != given.sizes) return "sizes";
  if (x.scalar_type() != given.dtype) return "dtype";
  if (x.requires_grad() != given.requires_grad) return "requires_grad";
  if (x._version() != given.version) return "version";
  if (given.storage == nullptr) return "";
  if (impl(x).storage != given.storage) return "storage";
  if (x.strides().vec() != given.strides) return "strides";
  const char* const bytes = static_cast<const char*>(impl(x).storage->data);
  if (!given.bytes.empty() && !std::equal(given.bytes.begin(), given.bytes.end(), bytes))
    return "bits";
  return "";
}

// The number of bytes from the start of its storage that a tensor reaches; wide, since it may wrap.
__int128 reach(const Tensor& x) {
  __int128 last = x.storage_offset();
  for (int64_t dim = 0; dim < x.dim(); ++dim) {
    if (x.size(dim) == 0) return 0;
    last += static_cast<__int128>(x.size(dim) - 1) * x.stride(dim);
  }
  return (last + 1) * x.element_size();
}

std::string broken_shape(const Tensor& x) {
  __int128 count = 1;
  if (x.dim() > 64) return "more than 64 dimensions";
  for (const int64_t size : x.sizes()) {
    if (size < 0) return "a negative size";
    count = count > (__int128{1} << 64) && size != 0 ? count : count * size;
  }
  if (std::count(x.sizes().begin(), x.sizes().end(), 0)) count = 0;
  if (count != x.numel()) return "numel() is not the product of the sizes";
  if (x.is_sparse()) return "";
  if (x.storage_offset() < 0) return "a negative offset";
  if (reach(x) > static_cast<__int128>(impl(x).storage->bytes))
    return "elements outside of its storage";
  return "";
}

void check_requires_grad(const Call& c, const Tensor& result, Witness& witness) {
  if (is_exempt_from_gradients(c) || is_given(c, result)) return;
  // A view of what requires grad does so too, in any grad mode, as libtorch's.
  if (!c.is_recorded && result.is_view() && result._base().requires_grad()) return;
  std::string who;
  for (const Given& one : c.given) {
    if (is_sometimes_differentiable(c, one)) return;
    if (c.is_recorded && is_differentiable(c, one)) who = one.parameter;
  }
  if (!result.is_floating_point()) {
    if (result.requires_grad()) witness.found("an integer result requires grad", "");
    if (!who.empty() && refuses_integer_results(c))
      witness.found("an integer result drops a gradient", "of '" + who + "'");
    return;
  }
  const bool expected = !who.empty() || c.options_require_grad;
  if (result.requires_grad() == expected) return;
  if (expected)
    witness.found("the result does not require grad", "though '" + who + "' does");
  else
    witness.found("the result requires grad",
                  c.is_recorded ? "though no input does" : "without grad mode");
}

}  // namespace

const char* name_of(Phase phase) {
  const char* const names[] = {"while arguments were made",
                               "in the call",
                               "while results were looked at",
                               "while results were printed",
                               "in backward",
                               "in double backward",
                               "after the call"};
  return names[static_cast<size_t>(phase)];
}

bool is_given(const Call& c, const Tensor& x) {
  return std::any_of(c.given.begin(), c.given.end(), [&](const Given& one) {
    return one.tensor.is_same(x) || one.leaf.is_same(x);
  });
}

void collect(Call& c, const Tensor& result) {
  if (c.is_function("from_blob") && result.defined() && !result.is_sparse() &&
      reach(result) > static_cast<__int128>(kCallerMemory)) {
    c.discards_results = true;
    return;
  }
  c.results.push_back(result);
}

void collect(Call& c, const simdgrad::nn::Module& module) {
  std::ostringstream text;
  text << module;
  c.has_read += text.str().size() + module.parameters().size() + module.modules(false).size();
}

void check_arguments(const Call& c, bool was_refused, const std::string& when, Witness& witness) {
  const std::set<const void*> written = written_storages(c);
  for (const Given& one : c.given) {
    if (!one.tensor.defined()) continue;
    if (one.tensor.requires_grad() && !one.tensor.is_floating_point())
      witness.found("an integer argument requires grad " + when, "'" + one.parameter + "'");
    const bool may_change = writes(c, one) || (one.storage && written.count(one.storage)) ||
                            (one.storage == nullptr && !written.empty());
    if (may_change && (!was_refused || may_leave_traces(c))) continue;
    const std::string what = difference(one);
    if (what.empty()) continue;
    if (may_change)
      witness.found("a refused call leaves a trace", "'" + one.parameter + "' changed: " + what);
    else
      witness.found("argument changed " + when, "'" + one.parameter + "': " + what);
  }
}

void check_results(Call& c, Witness& witness) {
  if (c.discards_results) return;
  witness.enter(Phase::results);
  // A module that was changed still prints and lists what it has.
  for (const simdgrad::nn::Module* module : c.modules)
    if (c.in_scope("nn::Module")) collect(c, *module);
  if (c.results.size() > kMostResults) c.results.resize(kMostResults);
  const std::string name = c.signature.name;
  for (const Tensor& result : c.results) {
    if (!result.defined()) continue;
    // Uninitialised numbers may be no bool.
    if (name.rfind("empty", 0) == 0 && !result.is_sparse())
      std::memset(impl(result).storage->data, 0, impl(result).storage->bytes);
    if (const std::string what = broken_shape(result); !what.empty()) {
      witness.found("a broken shape", what + ": " + show(result.sizes()));
      return;
    }
    check_requires_grad(c, result, witness);
  }
  witness.enter(Phase::print);
  for (const Tensor& result : c.results) {
    const bool is_large = result.defined() && result.dim() > 4 && result.numel() > kMostPrinted;
    if (!is_large && simdgrad::to_string(result).empty()) witness.found("prints as nothing", "");
  }
}

}  // namespace fuzz
