// The exceptions: what a signature writes that its types do not tell, and what has no gradient.
#include <algorithm>
#include <cstring>

#include "tests/fuzz/calls/checks.h"

namespace fuzz {
namespace {

struct Exception {
  const char* function;
  const char* parameter;  // null for all
};

bool is_in(const Call& c, const std::string& parameter, const Exception* begin,
           const Exception* end) {
  return std::any_of(begin, end, [&](const Exception& one) {
    return c.is_function(one.function) && (one.parameter == nullptr || parameter == one.parameter);
  });
}
#define FUZZ_IS_IN(table, parameter) is_in(c, parameter, std::begin(table), std::end(table))

// Written though const, or by an option: an in-place layer, max_norm of an embedding.
constexpr Exception kWrites[] = {
    {"set_requires_grad", "self"},
    {"requires_grad_", "self"},
    {"set_data", "self"},
    {"relu", "input"},
    {"dropout", "input"},
    {"embedding", "weight"},
    {"forward", nullptr},
    {"forward_list", nullptr},
    {"operator()", nullptr},
    {"step", nullptr},
    {"load", nullptr},
    {"apply", nullptr},
    {"register_parameter", nullptr},
    {"from_pretrained", "embeddings"},
    {"EmbeddingImpl", "_weight"},
};

// Inputs that have no gradient: only their shape or dtype counts, or they are constants of a loss.
constexpr Exception kConstants[] = {
    {"view_as", "other"},
    {"reshape_as", "other"},
    {"expand_as", "other"},
    {"type_as", "other"},
    {"to", "other"},
    {"nll_loss", "weight"},
    {"binary_cross_entropy_with_logits", "weight"},
    {"binary_cross_entropy_with_logits", "pos_weight"},
};

// Inputs that have one in some cases only: a weight has with probabilities as targets.
constexpr Exception kSometimes[] = {
    {"cross_entropy", "weight"}, {"cross_entropy_loss", "weight"}, {"forward_list", "inputs"},
    {"index_put", "value"},  // a single `false` changes nothing
    {"forward", "weight"},       {"forward", "pos_weight"},        {"forward", "buffer"},
};

// Results that carry no graph, whatever the inputs.
constexpr const char* kNotDifferentiable[] = {
    "detach",     "detach_",    "tensor_data", "data",         "variable_data",
    "empty_like", "zeros_like", "ones_like",   "full_like",    "rand_like",
    "randn_like", "_values",    "grad",        "mutable_grad",
};

// What sets requires_grad, keeps tensors as they are or makes a graph of its own.
constexpr const char* kExempt[] = {"set_requires_grad",
                                   "requires_grad_",
                                   "register_parameter",
                                   "finish",
                                   "get_saved_variables",
                                   "grad",
                                   "step",
                                   "register_buffer",
                                   "_base"};

// A dtype of integers for a tensor that requires grad is refused.
constexpr const char* kRefusesIntegers[] = {"sum", "mean", "softmax", "log_softmax"};

// Gradients of which libtorch records a graph even for a cotangent that has none.
constexpr const char* kCurved[] = {"abs",
                                   "relu",
                                   "exp",
                                   "expm1",
                                   "log",
                                   "log1p",
                                   "sqrt",
                                   "sin",
                                   "cos",
                                   "tanh",
                                   "erf",
                                   "sigmoid",
                                   "silu",
                                   "reciprocal",
                                   "rsqrt",
                                   "square",
                                   "gelu",
                                   "softplus",
                                   "softmax",
                                   "log_softmax",
                                   "logsumexp",
                                   "nll_loss",
                                   "cross_entropy_loss",
                                   "cross_entropy",
                                   "mse_loss",
                                   "binary_cross_entropy_with_logits"};

// What changes one thing after the other until it comes to one that it refuses, as PyTorch's.
constexpr const char* kLeavesTraces[] = {"register_parameter", "zero_grad"};

bool has_name(const Call& c, const char* const* begin, const char* const* end) {
  return std::any_of(begin, end, [&](const char* name) { return c.is_function(name); });
}

bool ends_with_underscore(const Call& c) {
  const char* const name = c.signature.name;
  return name[std::strlen(name) - 1] == '_';
}

}  // namespace

bool writes(const Call& c, const Given& given) {
  if (given.use == Use::written) return true;
  if (ends_with_underscore(
          c)) {  // constant_(Tensor tensor, ...), _fused_sgd_(TensorList self, ...)
    if (c.in_scope("nn::init")) return true;
    if (std::strncmp(c.signature.name, "_fused", 6) == 0) return given.parameter != "grads";
  }
  return FUZZ_IS_IN(kWrites, given.parameter);
}

bool is_differentiable(const Call& c, const Given& given) {
  if (!given.requires_grad) return false;
  if (has_name(c, std::begin(kNotDifferentiable), std::end(kNotDifferentiable))) return false;
  return !FUZZ_IS_IN(kConstants, given.parameter) && !is_sometimes_differentiable(c, given);
}

bool is_sometimes_differentiable(const Call& c, const Given& given) {
  return given.requires_grad && FUZZ_IS_IN(kSometimes, given.parameter);
}

bool refuses_integer_results(const Call& c) {
  return has_name(c, std::begin(kRefusesIntegers), std::end(kRefusesIntegers));
}

bool is_curved(const Call& c) { return has_name(c, std::begin(kCurved), std::end(kCurved)); }

bool may_leave_traces(const Call& c) {
  // An embedding scales rows down before it looks them up.
  const bool has_embedding =
      std::any_of(c.modules.begin(), c.modules.end(), [](const simdgrad::nn::Module* module) {
        return module->name().find("Embedding") != std::string::npos;
      });
  if (c.is_function("embedding") || has_embedding) return true;
  return has_name(c, std::begin(kLeavesTraces), std::end(kLeavesTraces));
}

bool is_exempt_from_gradients(const Call& c) {
  return has_name(c, std::begin(kExempt), std::end(kExempt));
}

}  // namespace fuzz
