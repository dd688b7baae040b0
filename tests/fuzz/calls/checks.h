// What must hold after every call.
#pragma once

#include "tests/fuzz/calls/call.h"

namespace fuzz {

// Where a call is, for the report of one that does not come back.
enum class Phase : uint32_t { arguments, call, results, print, backward, second_backward, end };
const char* name_of(Phase phase);

// Who hears of it.
class Witness {
 public:
  virtual ~Witness() = default;
  virtual void enter(Phase phase) = 0;
  // A kind in a few words, the same for every occurrence, and the details.
  virtual void found(const std::string& kind, const std::string& details) = 0;
};

// Arguments are as they were: all of them where the call was refused, else those it does not write.
void check_arguments(const Call& c, bool was_refused, const std::string& when, Witness& witness);
// Results have shapes that their memory holds, require grad as they should, and print.
void check_results(Call& c, Witness& witness);
// Backward and double backward; gradients have the shape and dtype of what they belong to. True if
// backward came to an end.
bool check_backward(Call& c, Witness& witness);

// --- the tables (tables.cpp) --------------------------------------------------------------------
// Does the call write this argument?
bool writes(const Call& c, const Given& given);
// Do its results depend on this argument by way of the graph?
bool is_differentiable(const Call& c, const Given& given);
bool is_sometimes_differentiable(const Call& c, const Given& given);
// May it change something before it is refused?
bool may_leave_traces(const Call& c);
// Is nothing said of its results' gradients?
bool is_exempt_from_gradients(const Call& c);
// Does it refuse a dtype that its gradient would not survive?
bool refuses_integer_results(const Call& c);
// Does its gradient depend on its input, so that create_graph records it whatever the cotangent?
bool is_curved(const Call& c);
// Was it given this very tensor?
bool is_given(const Call& c, const Tensor& x);

}  // namespace fuzz
