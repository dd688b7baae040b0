// Row kernels, reductions, products, random fills and optimizer steps beside pages that fault: every
// length from 1 to 130. See tests/fences_test.cpp.
#include <simdgrad/simdgrad.h>

#include <functional>
#include <iostream>
#include <limits>
#include <vector>

#include "tests/catch.h"
#include "tests/fences.h"

namespace {

using namespace simdgrad;
using testing::damaged_blocks;
using testing::is_fenced;
using testing::placed;
using X = const Tensor&;

// Of a matrix, along its dimension `d` where it has one.
struct OfMatrix {
  const char* name;
  std::function<Tensor(X x, int64_t d)> run;
};

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The first and the last row or column.
Tensor ends(X x, int64_t d) { return tensor({int64_t{0}, x.size(d) - 1, int64_t{0}}); }

std::vector<OfMatrix> real_operations() {
  return {
      {"mean", [](X x, int64_t d) { return x.mean(d); }},
      {"var", [](X x, int64_t d) { return x.var(IntArrayRef{d}, false); }},
      {"var of all", [](X x, int64_t) { return x.var(false); }},
      {"norm", [](X x, int64_t d) { return norm(x, Scalar(2), IntArrayRef{d}); }},
      {"norm 1", [](X x, int64_t d) { return norm(x, Scalar(1), IntArrayRef{d}); }},
      {"norm 3", [](X x, int64_t d) { return norm(x, Scalar(3), IntArrayRef{d}); }},
      {"norm infinity", [](X x, int64_t d) { return norm(x, Scalar(kInfinity), IntArrayRef{d}); }},
      {"norm of all", [](X x, int64_t) { return x.norm(); }},
      {"logsumexp", [](X x, int64_t d) { return x.logsumexp({d}); }},
      {"softmax", [](X x, int64_t d) { return x.softmax(d); }},
      {"log_softmax", [](X x, int64_t d) { return x.log_softmax(d); }},
      {"layer_norm", [](X x, int64_t) { return layer_norm(x, {x.size(1)}); }},
      {"layer_norm with weights",
       [](X x, int64_t) {
         return layer_norm(x, {x.size(1)}, placed(x.detach()[0]), placed(x.detach()[0]));
       }},
      {"cross_entropy",
       [](X x, int64_t) { return cross_entropy_loss(x, full({x.size(0)}, x.size(1) - 1, kLong)); }},
      {"nll_loss", [](X x, int64_t) { return nll_loss(x, zeros({x.size(0)}, kLong)); }},
      {"embedding", [](X x, int64_t) { return embedding(x.contiguous(), ends(x, 0)); }},
      {"sparse embedding",
       [](X x, int64_t) { return embedding(x.contiguous(), ends(x, 0), -1, false, true); }},
      {"embedding_renorm_",
       [](X x, int64_t) {
         Tensor table = x.detach().clone();
         return embedding_renorm_(table, ends(x, 0), 0.5, 2) + x * 0;
       }},
      {"mm", [](X x, int64_t) { return mm(x, x.t()); }},
      {"mm of columns", [](X x, int64_t) { return mm(x.t(), x); }},
      {"bmm", [](X x, int64_t) { return bmm(x.unsqueeze(0), x.t().unsqueeze(0)); }},
      {"mv", [](X x, int64_t) { return mv(x, placed(x.detach()[0])); }},
      {"dot", [](X x, int64_t) { return dot(x[0], x[0]); }},
      {"linear",
       [](X x, int64_t) { return linear(x, x.detach(), placed(x.detach().select(1, 0))); }},
      {"addmm", [](X x, int64_t) { return addmm(placed(x.detach().select(1, 0)), x, x.t()); }},
  };
}

std::vector<OfMatrix> operations_of_any_type() {
  return {
      {"sum", [](X x, int64_t d) { return x.sum(d); }},
      {"sum of all", [](X x, int64_t) { return x.sum(); }},
      {"max", [](X x, int64_t d) { return std::get<0>(x.max(d)); }},
      {"min", [](X x, int64_t d) { return std::get<0>(x.min(d)); }},
      {"max of all", [](X x, int64_t) { return x.max(); }},
      {"amin", [](X x, int64_t d) { return x.amin({d}); }},
      {"contiguous", [](X x, int64_t) { return x.t().contiguous(); }},
      {"clone", [](X x, int64_t) { return x.clone(); }},
      {"cat",
       [](X x, int64_t d) {
         return cat({x, x}, d);
       }},
      {"stack",
       [](X x, int64_t d) {
         return stack({x, x}, d);
       }},
      {"every second", [](X x, int64_t d) { return x.slice(d, 0, x.size(d), 2).contiguous(); }},
      {"into every second",
       [](X x, int64_t d) {
         Tensor y = x.clone();
         y.slice(d, 0, y.size(d), 2).fill_(1);
         return y;
       }},
      {"a column in place",
       [](X x, int64_t d) {
         Tensor y = x.clone();
         y.select(d, y.size(d) - 1).copy_(x.select(d, 0));
         return y;
       }},
      {"index_select", [](X x, int64_t d) { return x.index_select(d, ends(x, d)); }},
      {"gather", [](X x, int64_t d) { return x.gather(d, zeros(x.sizes(), kLong)); }},
      {"index",
       [](X x, int64_t) {
         return x.index({ends(x, 0), ends(x, 1)});
       }},
      {"index_add",
       [](X x, int64_t d) { return x.index_add(d, ends(x, d), x.index_select(d, ends(x, d))); }},
      {"scatter_add", [](X x, int64_t d) { return x.scatter_add(d, zeros(x.sizes(), kLong), x); }},
      {"index_put", [](X x, int64_t) { return x.index_put({ends(x, 0)}, x.index({ends(x, 0)})); }},
      {"broadcast row", [](X x, int64_t) { return x * x[0]; }},
      {"broadcast column", [](X x, int64_t) { return x + x.narrow(1, 0, 1); }},
  };
}

// Those without a gradient.
std::vector<OfMatrix> other_operations() {
  return {
      {"argmax", [](X x, int64_t d) { return x.argmax(d); }},
      {"argmin of all", [](X x, int64_t) { return x.argmin(); }},
      {"all", [](X x, int64_t d) { return x.all(d); }},
      {"any of all", [](X x, int64_t) { return x.any(); }},
      {"nonzero", [](X x, int64_t) { return x.nonzero(); }},
      {"masked_select", [](X x, int64_t) { return masked_select(x, x != 0); }},
      {"one_hot", [](X x, int64_t) { return one_hot(x[0].ne(0).to(kLong), 5); }},
      {"rows compared", [](X x, int64_t) { return x < x[0]; }},
  };
}

// Numbers from 1 to 3, [3, n]: row-major, or column-major, against a fence.
Tensor matrix(int64_t n, bool across, ScalarType dtype) {
  const Tensor flat = placed(
      bitwise_and(arange(3 * n, kLong), tensor(int64_t{31})).to(dtype).div(16).add(1).to(dtype));
  return across ? flat.view({n, 3}).t() : flat.view({3, n});
}

// Nothing of what lies outside, which is NaN, may come in.
bool is_clean(const Tensor& x) {
  if (!x.defined() || !is_floating_point(x.scalar_type())) return true;
  return (x.is_sparse() ? x.to_dense() : x).isfinite().all().item<bool>();
}

long calls = 0;

void check(const OfMatrix& operation, ScalarType dtype, bool gradient) {
  for (int64_t n = 1; n <= 130; ++n)
    for (const bool across : {false, true})
      for (const int64_t d : {0, 1}) {
        Tensor x = matrix(n, across, dtype);
        if (gradient) x.requires_grad_();
        const Tensor y = operation.run(x, d);
        bool clean = is_clean(y.detach());
        if (gradient) {
          const Tensor dy = placed(ones({y.numel()}, dtype)).view(y.sizes());
          clean = clean && is_clean(autograd::grad({y}, {x}, {dy})[0]);
        }
        ++calls;
        if (!clean) FAIL(operation.name << ", length " << n << (across ? ", columns" : ", rows"));
      }
}

}  // namespace

TEST_CASE("rows and products of every length keep inside their blocks", "[.fences]") {
  REQUIRE(is_fenced());
  const int64_t before = damaged_blocks();
  calls = 0;
  size_t operations = 0;
  const auto check_all = [&](const std::vector<OfMatrix>& list, ScalarType dtype, bool gradient) {
    for (const OfMatrix& operation : list) {
      INFO(operation.name << " of " << dtype_name(dtype));
      check(operation, dtype, gradient);
      CHECK(damaged_blocks() == before);
      ++operations;
    }
  };
  for (const auto dtype : {kFloat, kDouble}) {
    check_all(real_operations(), dtype, true);
    check_all(operations_of_any_type(), dtype, true);
    check_all(other_operations(), dtype, false);
  }
  for (const auto dtype : {kLong, kInt, kShort, kInt8, kUInt8}) {
    check_all(operations_of_any_type(), dtype, false);
    check_all(other_operations(), dtype, false);
  }
  std::cerr << "fences: " << operations << " operations on rows, " << calls << " calls\n";
}

TEST_CASE("random fills and optimizer steps of every length keep inside their blocks",
          "[.fences]") {
  REQUIRE(is_fenced());
  const int64_t before = damaged_blocks();
  calls = 0;
  const std::vector<std::function<void(Tensor&)>> fills = {
      [](Tensor& x) { x.uniform_(); },
      [](Tensor& x) { x.normal_(); },
      [](Tensor& x) { x.bernoulli_(0.3); },
      [](Tensor& x) { x.random_(7); },
      [](Tensor& x) { x.copy_(rand(x.sizes(), x.scalar_type())); },
      [](Tensor& x) { x.copy_(randn(x.sizes(), x.scalar_type())); },
      [](Tensor& x) { x.copy_(randperm(x.numel())); },
      [](Tensor& x) { x.copy_(linspace(0, 1, x.numel(), x.scalar_type())); },
      [](Tensor& x) { x.copy_(arange(x.numel(), x.scalar_type())); },
      [](Tensor& x) { x.copy_(eye(x.numel(), x.scalar_type())[0]); },
  };
  for (const auto dtype : {kFloat, kDouble})
    for (int64_t n = 1; n <= 130; ++n) {
      for (const auto& fill : fills)
        for (const int64_t offset : {0, 3}) {
          Tensor x = placed(zeros({n}, dtype), offset);
          fill(x);
          CHECK(is_clean(x));
          ++calls;
        }
      const auto fresh = [&] { return placed(ones({n}, dtype)); };
      const Tensor w = fresh(), g = fresh(), m = fresh(), v = fresh(), most = fresh();
      _fused_sgd_({w}, {g}, {}, 0.1, 0, 0.1, 0, false, false, true);
      _fused_sgd_({w}, {g}, {m}, 0.1, 0.9, 0.1, 0.1, false, false, false);
      _fused_adam_({w}, {g}, {m}, {v}, {most}, {2}, 0.1, 0.9, 0.99, 0.1, 1e-8, true, false);
      _fused_adamw_({w}, {g}, {m}, {v}, {}, {2}, 0.1, 0.9, 0.99, 0.1, 1e-8, false, false);
      CHECK(is_clean(w));
      calls += 4;
    }
  CHECK(damaged_blocks() == before);
  std::cerr << "fences: " << calls << " fills and steps\n";
}
