// Sparse tensors beyond the case table: parts, refusals, sums, names, threads, equal ids.
#include <simdgrad/autograd.h>
#include <simdgrad/creation.h>
#include <simdgrad/indexing.h>
#include <simdgrad/parallel.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/random.h>
#include <simdgrad/reductions.h>
#include <simdgrad/sparse.h>
#include <simdgrad/views.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <sstream>
#include <vector>

#include "ops/rows/grouping.h"
#include "tests/catch.h"
#include "tests/gradients.h"
#include "tests/machine_settings.h"

using namespace simdgrad;

namespace {

using Numbers = std::vector<double>;
Numbers numbers(const Tensor& tensor) {
  const Tensor flat = tensor.detach().to(kDouble).contiguous();
  const double* from = flat.const_data_ptr<double>();
  return Numbers(from, from + flat.numel());
}
using Sizes = std::vector<int64_t>;
Sizes sizes_of(const Tensor& tensor) { return tensor.sizes().vec(); }

std::string name_of(const Tensor& tensor) {
  return tensor.grad_fn() ? tensor.grad_fn()->name() : "none";
}

// Rows 2, 0, 2 of a [4, 2] tensor: {1, 2}, {3, 4}, {5, 6}.
Tensor indices() { return tensor({{2, 0, 2}}); }
Tensor values(ScalarType dtype = kFloat) { return tensor({{1., 2.}, {3., 4.}, {5., 6.}}, dtype); }
Tensor example(ScalarType dtype = kFloat) {
  return sparse_coo_tensor(indices(), values(dtype), {4, 2});
}
const Numbers kDense{3, 4, 0, 0, 6, 8, 0, 0};

void check_parts(const Tensor& sparse, const Numbers& at, const Numbers& entries, bool coalesced) {
  REQUIRE(sparse.is_sparse());
  CHECK(numbers(sparse._indices()) == at);
  CHECK(numbers(sparse._values()) == entries);
  CHECK(sparse.is_coalesced() == coalesced);
  CHECK(sparse._nnz() == sparse._indices().size(1));
  CHECK(sparse._nnz() == sparse._values().size(0));
}

}  // namespace

TEST_CASE("sparse: making and reading", "[sparse]") {
  const Tensor s = example();
  check_parts(s, {2, 0, 2}, {1, 2, 3, 4, 5, 6}, false);
  CHECK(sizes_of(s) == Sizes{4, 2});
  CHECK(s.numel() == 8);
  CHECK(s.dim() == 2);
  CHECK(s.sparse_dim() == 1);
  CHECK(s.dense_dim() == 1);
  CHECK(values().sparse_dim() == 0);
  CHECK(values().dense_dim() == 2);
  CHECK(s.layout() == kSparse);
  CHECK(s.toString() == "SparseCPUFloatType");
  CHECK(!s.has_storage());
  CHECK_THROWS_AS(s.data_ptr(), Error);
  CHECK(sizes_of(sparse_coo_tensor(indices(), values())) == Sizes{3, 2});
  CHECK(sparse_coo_tensor(indices(), values(), {4, 2}, kDouble).scalar_type() == kDouble);
  CHECK(example(kLong).scalar_type() == kLong);
  const Tensor none = sparse_coo_tensor({4, 2}, kFloat);
  check_parts(none, {}, {}, true);
  CHECK(none.sparse_dim() == 2);
  CHECK(sizes_of(none._indices()) == Sizes{2, 0});
  CHECK(sparse_coo_tensor(tensor({{1}}), tensor({1.}), {4}).is_coalesced());
  CHECK(sparse_coo_tensor(indices(), values(), {4, 2}, {}, true).is_coalesced());
  CHECK(sizes_of(sparse_coo_tensor(zeros({1, 0}, kLong), zeros({0, 2}))) == Sizes{0, 2});
  // It shares its parts.
  const Tensor at = indices(), entries = values();
  const Tensor shared = sparse_coo_tensor(at, entries, {4, 2});
  CHECK(shared._values().data_ptr() == entries.data_ptr());
  CHECK(shared._indices().data_ptr() == at.data_ptr());
  // Two sparse dimensions; none at all.
  const Tensor grid =
      sparse_coo_tensor(tensor({{0, 1, 1}, {1, 0, 0}}), tensor({1., 2., 5.}), {2, 2});
  CHECK(numbers(grid.to_dense()) == Numbers{0, 1, 7, 0});
  check_parts(grid.coalesce(), {0, 1, 1, 0}, {1, 7}, true);
  const Tensor point = sparse_coo_tensor(zeros({0, 2}, kLong), tensor({1., 2.}), IntArrayRef());
  CHECK(numbers(point.to_dense()) == Numbers{3});
  CHECK(point.coalesce()._nnz() == 1);
}

TEST_CASE("sparse: refusals", "[sparse]") {
  const Tensor i = indices(), v = values(), s = example();
  const auto refuses = [](auto call, const std::string& text) { CHECK_THROWS_WITH(call(), text); };
  const auto make = [&](const Tensor& at, const Tensor& entries, Sizes size) {
    return [=] { sparse_coo_tensor(at, entries, size); };
  };
  refuses(make(i, v, {4, 3}), "values has incorrect size, expected [3, 3], got [3, 2]");
  refuses(make(i, v, {4}),
          "'len(size) == sparse_dim + dense_dim' is not satisfied: len(size) = 1, sparse_dim = 1, "
          "dense_dim = 1");
  refuses(make(i, v, {4, 2, 1}),
          "'len(size) == sparse_dim + dense_dim' is not satisfied: len(size) = 3, sparse_dim = 1, "
          "dense_dim = 1");
  refuses(make(tensor({{2, 0}}), v, {4, 2}),
          "indices and values must have same nnz, but got nnz from indices: 2, nnz from values: 3");
  refuses(make(i, tensor(1.), {4}),
          "indices and values must have same nnz, but got nnz from indices: 3, nnz from values: 1");
  refuses(make(i.to(kInt), v, {4, 2}), "indices must be an int64 tensor");
  refuses(make(i.to(kFloat), v, {4, 2}), "indices must be an int64 tensor");
  refuses(make(i, s, {4, 2}),
          "expected values to be a dense tensor, but got values of layout Sparse");
  refuses(make(tensor({{-1, 0, 1}}), v, {4, 2}), "found negative index -1 for dim 0");
  refuses([&] { sparse_coo_tensor(tensor({{-1, 0, 1}}), v); }, "found negative index -1 for dim 0");
  refuses(make(i, v, {2, 2}),
          "size is inconsistent with indices: for dim 0, size is 2 but found index 2");
  CHECK_THROWS_AS(sparse_coo_tensor(i, v, {-4, 2}), Error);
  CHECK_THROWS_AS(sparse_coo_tensor(tensor({2, 0, 2}), v, {4, 2}), Error);
  refuses(
      [&] {
        sparse_coo_tensor(i, tensor({1, 2, 3}), {4}, TensorOptions().requires_grad(true));
      },
      "Only Tensors of floating point and complex dtype can require gradients");
  refuses([&] { s.indices(); },
          "Cannot get indices on an uncoalesced tensor, please call .coalesce() first");
  refuses([&] { s.values(); },
          "Cannot get values on an uncoalesced tensor, please call .coalesce() first");
  refuses([&] { v.indices(); }, "indices expected sparse coordinate tensor layout but got Strided");
  refuses([&] { v.values(); }, "values expected sparse tensor layout but got Strided");
  refuses([&] { v.coalesce(); },
          "coalesce expected sparse coordinate tensor layout but got Strided");
  refuses([&] { v.is_coalesced(); },
          "is_coalesced expected sparse coordinate tensor layout but got Strided");
  CHECK_THROWS_AS(v._nnz(), Error);
  const std::string order = "add(sparse, dense) is not supported. Use add(dense, sparse) instead.";
  refuses([&] { s + ones({4, 2}); }, order);
  refuses([&] { s - ones({4, 2}); }, order);
  refuses([&] { s.add(tensor(1.)); }, order);
  refuses(
      [&] {
        Tensor copy = s.clone();
        copy.add_(ones({4, 2}));
      },
      order);
  refuses(
      [&] {
        s + sparse_coo_tensor(i, v, {5, 2});
      },
      "add: expected sizes of 'self' and 'other' to match, but [4, 2] != [5, 2]");
  refuses(
      [&] { ones({4}) + s; },
      "add: expected 'self' and 'other' to have same size, but self has size [4] while other has "
      "size [4, 2] (FYI: dense-sparse addition does not currently support broadcasting)");
  refuses(
      [&] {
        Tensor whole = ones({4, 2}, kLong);
        whole.add_(s);
      },
      "Can't convert result type Float to output Long in add operation");
  refuses(
      [&] {
        s / ones({4, 2});
      },
      "Sparse division requires a scalar or zero-dim dense tensor divisor (got shape [4, 2] for "
      "divisor)");
  refuses([&] { s.to_sparse(2); },
          "to_sparse: conversion from Sparse to Sparse with sparse_dim argument "
          "!=self.sparse_dim() is not supported");
  refuses([&] { v.to_sparse(3); },
          "dense_to_sparse: sparse_dim argument must be in [0,2] range, but 3 is given");
  refuses([&] { v.to_sparse(-1); },
          "dense_to_sparse: sparse_dim argument must be in [0,2] range, but -1 is given");
  refuses([&] { v.to_sparse(0); },
          "dense_to_sparse: sparse_dim argument must be in >0 when self.dim()>0");
  // What has no kernel for them says so, and touches nothing.
  using Call = Tensor (*)(const Tensor&);
  const Call unsupported[] = {
      [](const Tensor& x) { return x.exp(); },
      [](const Tensor& x) { return x.relu(); },
      [](const Tensor& x) { return x + 1; },
      [](const Tensor& x) { return 1 - x; },
      [](const Tensor& x) { return x.mean(); },
      [](const Tensor& x) { return x.max(); },
      [](const Tensor& x) { return x.softmax(0); },
      [](const Tensor& x) {
        return x.mm(ones({2, 3}));
      },
      [](const Tensor& x) { return x.eq(x); },
      [](const Tensor& x) { return x.view({8}); },
      [](const Tensor& x) { return x.reshape({8}); },
      [](const Tensor& x) { return x.t(); },
      [](const Tensor& x) { return x.transpose(0, 1); },
      [](const Tensor& x) { return x.slice(0, 1); },
      [](const Tensor& x) { return x.contiguous(); },
      [](const Tensor& x) { return x.clone().fill_(1); },
      [](const Tensor& x) {
        return x.clone().copy_(ones({4, 2}));
      },
      [](const Tensor& x) {
        return ones({4, 2}).copy_(x);
      },
      [](const Tensor& x) {
        return ones({4, 2}).matmul(x);
      },
      [](const Tensor& x) {
        return where(ones({4, 2}, kBool), x, x);
      },
      [](const Tensor& x) { return ones_like(x); },
      [](const Tensor& x) { return full_like(x, 2); },
      [](const Tensor& x) { return rand_like(x); },
      [](const Tensor& x) { return randn_like(x); },
      [](const Tensor& x) { return dropout(x, 0.5, true); },
      [](const Tensor& x) { return x.argmax(); },
      [](const Tensor& x) { return x.index_select(0, tensor({1})); },
      [](const Tensor& x) { return x.index({tensor({1})}); },
      [](const Tensor& x) {
        return x.gather(0, zeros({1, 2}, kLong));
      },
      [](const Tensor& x) { return x.unsqueeze(0); },
      [](const Tensor& x) {
        return x.expand({3, 4, 2});
      },
      [](const Tensor& x) { return x.select(0, 1); },
      [](const Tensor& x) { return x.pow(2); },
      [](const Tensor& x) { return x.clamp(0, 1); },
      [](const Tensor& x) {
        return x.masked_fill(ones({4, 2}, kBool), 0);
      },
      [](const Tensor& x) {
        return cat({x, x});
      },
      [](const Tensor& x) {
        return stack({x, x});
      },
      [](const Tensor& x) { return x.unbind(0)[0]; },
      [](const Tensor& x) { return x.clone().uniform_(); },
      [](const Tensor& x) { return x.logsumexp(0); },
      [](const Tensor& x) { return x.norm(2, 0); },
      [](const Tensor& x) { return x.std(); },
      [](const Tensor& x) { return x.all(); },
      [](const Tensor& x) { return x.isnan(); },
      [](const Tensor& x) { return x.as_strided({2}, {1}); },
  };
  for (size_t k = 0; k < std::size(unsupported); ++k) {
    CAPTURE(k);
    CHECK_THROWS_AS(unsupported[k](s), Error);
  }
}

TEST_CASE("sparse: coalescing, dense and back", "[sparse]") {
  const Tensor s = example();
  const Tensor c = s.coalesce();
  check_parts(c, {0, 2}, {3, 4, 6, 8}, true);
  CHECK(c.coalesce().is_same(c));
  CHECK(numbers(c.indices()) == Numbers{0, 2});
  CHECK(numbers(c.values()) == Numbers{3, 4, 6, 8});
  CHECK(numbers(s.to_dense()) == kDense);
  CHECK(numbers(example(kLong).to_dense()) == kDense);
  CHECK(numbers(example(kByte).coalesce()._values()) == Numbers{3, 4, 6, 8});
  const Tensor flags = sparse_coo_tensor(tensor({{1, 1, 0}}), tensor({true, true, false}), {3});
  CHECK(numbers(flags.to_dense()) == Numbers{0, 1, 0});
  CHECK(values().to_dense().is_same(values()) == false);
  const Tensor dense = values();
  CHECK(dense.to_dense().is_same(dense));
  check_parts(dense.to_sparse(1), {0, 1, 2}, {1, 2, 3, 4, 5, 6}, true);
  check_parts(dense.to_sparse(2), {0, 0, 1, 1, 2, 2, 0, 1, 0, 1, 0, 1}, {1, 2, 3, 4, 5, 6}, true);
  check_parts(tensor({{0., 0.}, {1., 0.}}).to_sparse(1), {1}, {1, 0}, true);
  check_parts(to_sparse(tensor({{0., 0.}, {1., 0.}})), {1, 0}, {1}, true);
  check_parts(tensor({{-0., 0.}, {std::nan(""), 0.}}).to_sparse(1)._indices().to_sparse(2), {0, 0},
              {1}, true);
  check_parts(tensor({{0, 2}}).to_sparse(1), {0}, {0, 2}, true);
  check_parts(tensor(2.).to_sparse(0), {}, {2}, true);
  CHECK(zeros({0, 3}).to_sparse(1)._nnz() == 0);
  CHECK(sizes_of(zeros({3, 0}).to_sparse(1)) == Sizes{3, 0});
  check_parts(values().t().to_sparse(1), {0, 1}, {1, 3, 5, 2, 4, 6}, true);
  CHECK(s.to_sparse(1).is_same(s));
  // Three dimensions, two of them sparse; indices and values with gaps.
  const Tensor wide = rand({6, 5, 3});
  const Tensor at = tensor({{1, 0, 1, 1, 0}, {2, 3, 2, 0, 3}});
  const Tensor entries = wide.slice(0, 0, 5).transpose(0, 1);  // [5, 5, 3]
  const Tensor t = sparse_coo_tensor(at, entries, {2, 4, 5, 3});
  Tensor sum = zeros({2, 4, 5, 3});
  for (int64_t k = 0; k < 5; ++k)
    sum[at[0][k].item<int64_t>()][at[1][k].item<int64_t>()] += entries[k];
  CHECK(t.to_dense().equal(sum));
  CHECK(t.coalesce().to_dense().equal(sum));
  check_parts(t.coalesce(), {0, 1, 1, 3, 0, 2}, numbers(t.coalesce()._values()), true);
  CHECK(sum.to_sparse(2).to_dense().equal(sum));
  CHECK(sum.to_sparse(3).to_dense().equal(sum));
  CHECK(sum.to_sparse(4).to_dense().equal(sum));
  const Tensor gaps =
      sparse_coo_tensor(tensor({{2, 9, 0, 9, 2, 9}}).slice(1, 0, 6, 2), values(), {4, 2});
  CHECK(numbers(gaps.to_dense()) == kDense);
  check_parts(gaps.coalesce(), {0, 2}, {3, 4, 6, 8}, true);
}

TEST_CASE("sparse: arithmetic", "[sparse]") {
  const Tensor s = example(), c = s.coalesce();
  check_parts(s * 2, {2, 0, 2}, {2, 4, 6, 8, 10, 12}, false);
  check_parts(2 * s, {2, 0, 2}, {2, 4, 6, 8, 10, 12}, false);
  check_parts(s / 2, {2, 0, 2}, {.5, 1, 1.5, 2, 2.5, 3}, false);
  check_parts(-s, {2, 0, 2}, {-1, -2, -3, -4, -5, -6}, false);
  check_parts(s * tensor(2.), {2, 0, 2}, {2, 4, 6, 8, 10, 12}, false);
  check_parts(tensor(2.) * s, {2, 0, 2}, {2, 4, 6, 8, 10, 12}, false);
  check_parts(s / tensor(2.), {2, 0, 2}, {.5, 1, 1.5, 2, 2.5, 3}, false);
  check_parts(s * (ones({1}) * 3), {2, 0, 2}, {3, 6, 9, 12, 15, 18}, false);
  const Tensor factors = (arange(8).to(kFloat) + 1).view({4, 2});
  check_parts(s * factors, {2, 0, 2}, {5, 12, 3, 8, 25, 36}, false);
  check_parts(factors * s, {2, 0, 2}, {5, 12, 3, 8, 25, 36}, false);
  check_parts(s * s, {2, 0, 2}, {6, 16, 9, 16, 30, 48}, false);
  check_parts(c * c, {0, 2}, {9, 16, 36, 64}, true);
  CHECK((example(kLong) * 1.5).scalar_type() == kFloat);
  CHECK((example(kLong) / 2).scalar_type() == kFloat);
  CHECK((example(kLong) * 2).scalar_type() == kLong);
  CHECK((s * tensor(2., kDouble)).scalar_type() == kFloat);
  CHECK((s + example(kDouble)).scalar_type() == kDouble);
  check_parts(s.to(kDouble), {2, 0, 2}, {1, 2, 3, 4, 5, 6}, false);
  CHECK(s.to(kDouble).scalar_type() == kDouble);
  check_parts(zeros_like(s), {}, {}, true);
  CHECK(sizes_of(zeros_like(s)._values()) == Sizes{0, 2});
  CHECK(zeros_like(s, kDouble).scalar_type() == kDouble);
  CHECK(empty_like(s)._nnz() == 0);
  check_parts(s.clone(), {2, 0, 2}, {1, 2, 3, 4, 5, 6}, false);
  CHECK(s.clone()._values().data_ptr() != s._values().data_ptr());
  check_parts(s.detach(), {2, 0, 2}, {1, 2, 3, 4, 5, 6}, false);
  CHECK(s.sum().item<double>() == 21);
  CHECK(s.norm().item<double>() == Approx(std::sqrt(125.)));
  CHECK(s.norm(1).item<double>() == 21);
  CHECK(s.norm(std::numeric_limits<double>::infinity()).item<double>() == 8);
  CHECK(s.norm(0).item<double>() == 4);
  const Tensor none = sparse_coo_tensor(zeros({1, 0}, kLong), zeros({0, 2}), {4, 2});
  CHECK(none.norm().item<double>() == 0);
  CHECK(none.sum().item<double>() == 0);
  CHECK(numbers((none * 3).to_dense()) == Numbers(8, 0));
}

TEST_CASE("sparse: sums", "[sparse]") {
  const Tensor s = example(), c = s.coalesce();
  // As libtorch: lists that lie without gaps are walked together, others are put one after the other.
  check_parts(s + s, {2, 0, 2}, {2, 4, 6, 8, 10, 12}, false);
  check_parts(s.add(s, 3), {2, 0, 2}, {4, 8, 12, 16, 20, 24}, false);
  check_parts(s - s, {2, 0, 2}, {0, 0, 0, 0, 0, 0}, false);
  check_parts(c + c, {0, 2}, {6, 8, 12, 16}, true);
  const Tensor other =
      sparse_coo_tensor(tensor({{1, 2}}), tensor({{1., 1.}, {1., 1.}}), {4, 2}, {}, true);
  check_parts(c + other, {0, 1, 2}, {3, 4, 1, 1, 7, 9}, true);
  CHECK(numbers((s + other).to_dense()) == Numbers{3, 4, 1, 1, 7, 9, 0, 0});
  const Tensor expanded = sparse_coo_tensor(indices(), ones({1, 1}).expand({3, 2}), {4, 2});
  check_parts(s + expanded, {2, 0, 2, 2, 0, 2}, {1, 2, 3, 4, 5, 6, 1, 1, 1, 1, 1, 1}, false);
  check_parts(s.add(expanded, 2), {2, 0, 2, 2, 0, 2}, {1, 2, 3, 4, 5, 6, 2, 2, 2, 2, 2, 2}, false);
  // More numbers than the dense tensor has: coalesced at once.
  const Tensor once = sparse_coo_tensor(zeros({1, 3}, kLong), ones({1}).expand({3}), {4});
  CHECK((once + once)._nnz() == 1);
  CHECK(numbers((once + once).to_dense()) == Numbers{6, 0, 0, 0});
  const Tensor none = sparse_coo_tensor(zeros({1, 0}, kLong), zeros({0, 2}), {4, 2});
  check_parts(s + none, {2, 0, 2}, {1, 2, 3, 4, 5, 6}, false);
  check_parts(none.add(s, 2), {2, 0, 2}, {2, 4, 6, 8, 10, 12}, false);
  // Dense and sparse.
  const Tensor whole = ones({4, 2});
  CHECK(numbers(whole + s) == Numbers{4, 5, 1, 1, 7, 9, 1, 1});
  CHECK(numbers(whole.add(s, 2)) == Numbers{7, 9, 1, 1, 13, 17, 1, 1});
  CHECK(numbers(whole - s) == Numbers{-2, -3, 1, 1, -5, -7, 1, 1});
  CHECK((ones({4, 2}, kLong) + s).scalar_type() == kFloat);
  CHECK((ones({4, 2}) + s.to(kDouble)).scalar_type() == kDouble);
  Tensor target = ones({4, 2});
  CHECK(&target.add_(s, 2) == &target);
  CHECK(numbers(target) == Numbers{7, 9, 1, 1, 13, 17, 1, 1});
  CHECK(target._version() == 1);
  CHECK(numbers(ones({4, 2}).sub_(s)) == Numbers{-2, -3, 1, 1, -5, -7, 1, 1});
  CHECK(numbers(ones({4, 2}, kDouble).add_(s)) == Numbers{4, 5, 1, 1, 7, 9, 1, 1});
  CHECK(ones({4, 2}).add_(s.to(kDouble)).scalar_type() == kFloat);
  // Rows that lie apart, across, or in a corner.
  const Numbers sum{7, 9, 1, 1, 13, 17, 1, 1};
  Tensor apart = ones({4, 5});
  apart.slice(1, 1, 3).add_(s, 2);
  CHECK(numbers(apart.slice(1, 1, 3)) == sum);
  CHECK(apart.sum().item<double>() == 20 + 2 * 21);
  Tensor across = ones({2, 4});
  across.t().add_(s, 2);
  CHECK(numbers(across.t()) == sum);
  Tensor grid = ones({4, 4});
  grid.slice(1, 0, 4, 2)
      .add_(sparse_coo_tensor(tensor({{2, 0, 2}, {0, 1, 0}}), tensor({1., 2., 3.}), {4, 2}), 2);
  CHECK(numbers(grid) == Numbers{1, 1, 5, 1, 1, 1, 1, 1, 9, 1, 1, 1, 1, 1, 1, 1});
  // Its own rows as values.
  Tensor self = (arange(4).to(kFloat)).view({4, 1});
  self.add_(sparse_coo_tensor(tensor({{1, 2, 3, 3}}), self, {4, 1}));
  CHECK(numbers(self) == Numbers{0, 1, 3, 8});
}

TEST_CASE("sparse: sums over dimensions", "[sparse]") {
  const Tensor s = example();
  CHECK(numbers(s.sum(0)) == Numbers{9, 12});
  CHECK_FALSE(s.sum(0).is_sparse());
  CHECK(sizes_of(s.sum(IntArrayRef{0}, true)) == Sizes{1, 2});
  CHECK(s.sum(IntArrayRef{0, 1}).item<double>() == 21);
  check_parts(s.sum(1), {0, 2}, {7, 14}, true);
  check_parts(s.sum(-1), {0, 2}, {7, 14}, true);
  CHECK(sizes_of(s.sum(IntArrayRef{1}, true)) == Sizes{4, 1});
  check_parts(s.sum(IntArrayRef{}), {0, 2}, {3, 4, 6, 8}, true);  // as libtorch: no dimension
  CHECK(s.sum(IntArrayRef{1}, false, kDouble).scalar_type() == kDouble);
  CHECK(example(kInt).sum(1).scalar_type() == kLong);
  CHECK(numbers(example(kBool).sum(0)) == Numbers{3, 3});
  CHECK_THROWS_WITH(
      s.sum(5), Equals("Dimension out of range (expected to be in range of [-2, 1], but got 5)"));
  CHECK_THROWS_WITH(s.sum(IntArrayRef{1, 1}), Equals("dim 1 appears multiple times in the list of dims"));
  const Tensor grid = sparse_coo_tensor(tensor({{1, 0, 1, 1, 0}, {2, 3, 2, 0, 3}}),
                                        arange(15).to(kFloat).view({5, 3}), {2, 4, 3});
  check_parts(grid.sum(0), {0, 2, 3}, {9, 10, 11, 6, 8, 10, 15, 17, 19}, true);
  check_parts(grid.sum(1), {0, 1}, {15, 17, 19, 15, 18, 21}, true);
  check_parts(grid.sum(2), {0, 1, 1, 3, 0, 2}, {51, 30, 24}, true);
  CHECK(numbers(grid.sum(IntArrayRef{0, 1})) == Numbers{30, 35, 40});
  check_parts(grid.sum(IntArrayRef{0, 2}), {0, 2, 3}, {30, 24, 51}, true);
  for (int64_t dim = 0; dim < 3; ++dim)
    for (const bool keepdim : {false, true}) {
      Tensor y = grid.sum(IntArrayRef{dim}, keepdim);
      if (y.is_sparse()) y = y.to_dense();
      CHECK(y.equal(grid.to_dense().sum(IntArrayRef{dim}, keepdim)));
    }
}

TEST_CASE("sparse: a dense tensor times a sparse one, in place", "[sparse]") {
  const Tensor factors = (arange(8).to(kFloat) + 1).view({4, 2});
  for (const Tensor& s : {example(), example().coalesce()}) {
    Tensor y = factors.clone();
    CHECK(&y.mul_(s) == &y);
    CHECK(numbers(y) == Numbers{3, 8, 0, 0, 30, 48, 0, 0});
    CHECK(y._version() == 1);
    (y = factors.clone()) *= s;
    CHECK(numbers(y) == Numbers{3, 8, 0, 0, 30, 48, 0, 0});
  }
  CHECK(ones({4, 2}, kDouble).mul_(example()).scalar_type() == kDouble);
  Tensor integers = ones({4, 2}, kLong), wide = ones({2});
  CHECK_THROWS_WITH(integers.mul_(example()),
                    Equals("Can't convert result type Float to output Long in add operation"));
  CHECK_THROWS_AS(wide.mul_(example()), Error);
  CHECK_THROWS_AS(wide.div_(example()), Error);
  CHECK(integers._version() + wide._version() == 0);
  CHECK(numbers(wide) == Numbers{1, 1});
  // Leading dimensions of a number go to the product.
  CHECK(sizes_of(example() * ones({1, 1, 1})) == Sizes{1, 4, 2});
  check_parts(example().to_sparse(), {2, 0, 2}, {1, 2, 3, 4, 5, 6}, false);
  CHECK(factors.to_sparse()._nnz() == 8);
  CHECK_THROWS_WITH(full_like(example(), 0),
                    Equals("full_like: sparse tensors are not supported, got layout Sparse for argument "
                           "'self'"));
  CHECK_THROWS_AS(ones_like(example()), Error);
  for (const auto& refused : {+[](const Tensor& x) { return x + 1; }, +[](const Tensor& x) { return x - 1; },
                              +[](const Tensor& x) { return x.add(ones({})); }})
    CHECK_THROWS_WITH(refused(example()), Equals("add(sparse, dense) is not supported. Use add(dense, "
                                                 "sparse) instead."));
}

TEST_CASE("sparse: in place", "[sparse]") {
  const auto changed = [](auto change) {
    Tensor s = example().clone();
    Tensor& same = change(s);
    CHECK(&same == &s);
    CHECK(s._version() == 1);
    return s;
  };
  check_parts(changed([](Tensor& s) -> Tensor& { return s.mul_(2); }), {2, 0, 2},
              {2, 4, 6, 8, 10, 12}, false);
  check_parts(changed([](Tensor& s) -> Tensor& { return s.mul_(tensor(2.)); }), {2, 0, 2},
              {2, 4, 6, 8, 10, 12}, false);
  check_parts(changed([](Tensor& s) -> Tensor& {
                return s.mul_(ones({4, 2}) * 2);
              }),
              {2, 0, 2}, {2, 4, 6, 8, 10, 12}, false);
  check_parts(changed([](Tensor& s) -> Tensor& { return s.div_(2); }), {2, 0, 2},
              {.5, 1, 1.5, 2, 2.5, 3}, false);
  check_parts(changed([](Tensor& s) -> Tensor& { return s.div_(tensor(2.)); }), {2, 0, 2},
              {.5, 1, 1.5, 2, 2.5, 3}, false);
  check_parts(changed([](Tensor& s) -> Tensor& { return s.neg_(); }), {2, 0, 2},
              {-1, -2, -3, -4, -5, -6}, false);
  check_parts(changed([](Tensor& s) -> Tensor& { return s.add_(s, 2); }), {2, 0, 2},
              {3, 6, 9, 12, 15, 18}, false);
  check_parts(changed([](Tensor& s) -> Tensor& { return s.zero_(); }), {}, {}, true);
  // The tensors it was made of stay as they were.
  const Tensor at = indices(), entries = values();
  Tensor shared = sparse_coo_tensor(at, entries, {4, 2});
  shared.mul_(2).add_(shared).neg_().zero_();
  CHECK(numbers(entries) == Numbers{1, 2, 3, 4, 5, 6});
  CHECK(numbers(at) == Numbers{2, 0, 2});
  // A clone made of it does not follow either.
  Tensor first = example().clone();
  const Tensor second = first.clone(), seen = first._values();
  first.mul_(3);
  check_parts(second, {2, 0, 2}, {1, 2, 3, 4, 5, 6}, false);
  CHECK(numbers(seen) == Numbers{1, 2, 3, 4, 5, 6});
  Tensor whole = example(kLong).clone();
  CHECK_THROWS_AS(whole.mul_(1.5), Error);
  CHECK(whole._version() == 0);
  check_parts(whole, {2, 0, 2}, {1, 2, 3, 4, 5, 6}, false);
}

TEST_CASE("sparse: node names", "[sparse]") {
  const Tensor v = values().set_requires_grad(true);
  const Tensor s = sparse_coo_tensor(indices(), v, {4, 2});
  CHECK(name_of(s) == "SparseCooTensorWithDimsAndTensorsBackward0");
  CHECK(name_of(s.coalesce()) == "CoalesceBackward0");
  CHECK(name_of(s.to_dense()) == "ToDenseBackward0");
  CHECK(name_of(s.coalesce().values()) == "ValuesBackward0");
  CHECK(name_of(s._values()) == "none");
  CHECK(!s._values().requires_grad());
  CHECK(!s.coalesce().indices().requires_grad());
  CHECK(name_of(s.clone()) == "CloneBackward0");
  CHECK(name_of(s.detach()) == "none");
  CHECK(name_of(s * 2) == "MulBackward1");
  CHECK(name_of(s / 2) == "DivBackward1");
  CHECK(name_of(-s) == "NegBackward0");
  CHECK(name_of(s + s) == "AddBackward0");
  CHECK(name_of(s - s) == "SubBackward0");
  CHECK(name_of(ones({4, 2}) + s) == "AddBackward0");
  CHECK(name_of(ones({4, 2}).sub_(s)) == "SubBackward0");
  CHECK(name_of(s * ones({4, 2})) == "MulBackward0");
  CHECK(name_of(s * tensor(2.)) == "MulBackward0");
  CHECK(name_of(s / tensor(2.)) == "DivBackward0");
  CHECK(name_of(s.sum()) == "SumBackward0");
  CHECK(name_of(s.norm()) == "NormBackward0");
  CHECK(name_of(s.to(kDouble)) == "ToCopyBackward0");
  CHECK(name_of(ones({4, 2}, TensorOptions().requires_grad(true)).to_sparse(1)) ==
        "ToSparseBackward0");
  CHECK(!(s * 2).is_leaf());
  const NoGradGuard no_grad;
  for (const Tensor& y : {sparse_coo_tensor(indices(), v, {4, 2}), s * 2, s + s, s.coalesce(),
                          s.to_dense(), s.clone(), s.sum(), s.norm()})
    CHECK(name_of(y) == "none");
}

TEST_CASE("sparse: derivatives", "[sparse]") {
  manual_seed(8);
  const TensorOptions options = TensorOptions(kDouble).requires_grad(true);
  const Tensor entries = rand({3, 2}, options) + 0.5;
  const Tensor v = entries.detach().requires_grad_(true);
  const Tensor whole = (rand({4, 2}, kDouble) + 0.5).requires_grad_(true);
  const Tensor number = tensor(1.5, options);
  using List = autograd::variable_list;
  const auto sparse = [](const Tensor& x) { return sparse_coo_tensor(indices(), x, {4, 2}); };
  const auto both = testing::check_gradients;
  // Each result is made non-linear, so that second derivatives are not all zero.
  both([&](const List& x) { return List{sparse(x[0]).to_dense().pow(2)}; }, {v});
  both([&](const List& x) { return List{sparse(x[0]).coalesce().to_dense().pow(2)}; }, {v});
  both([&](const List& x) { return List{sparse(x[0]).coalesce().values().pow(2)}; }, {v});
  both([&](const List& x) { return List{sparse(x[0]).sum().pow(2)}; }, {v});
  both([&](const List& x) { return List{sparse(x[0]).sum(0).pow(2)}; }, {v});
  both([&](const List& x) { return List{sparse(x[0]).sum(1).to_dense().pow(2)}; }, {v});
  both([&](const List& x) { return List{sparse(x[0]).sum(IntArrayRef{1}, true).to_dense().pow(2)}; },
       {v});
  both([&](const List& x) { return List{(sparse(x[0]) * ones({1, 1, 1})).to_dense().pow(2)}; }, {v});
  both([&](const List& x) { return List{sparse(x[0]).norm(), sparse(x[0]).norm(3)}; }, {v});
  both([&](const List& x) { return List{(-(sparse(x[0]) * 3) / 2).to_dense().pow(2)}; }, {v});
  both([&](const List& x) { return List{(sparse(x[0]) + sparse(x[0] * x[0])).to_dense()}; }, {v});
  both([&](const List& x) { return List{sparse(x[0]).sub(sparse(x[0]).coalesce(), 3).norm()}; },
       {v});
  both([&](const List& x) { return List{x[1].add(sparse(x[0]), 2).pow(2)}; }, {v, whole});
  both([&](const List& x) { return List{(x[1] - sparse(x[0])).pow(2)}; }, {v, whole});
  both([&](const List& x) { return List{(sparse(x[0]) * x[1]).to_dense().pow(2)}; }, {v, whole});
  both([&](const List& x) { return List{(sparse(x[0]) * sparse(x[0])).to_dense()}; }, {v});
  both([&](const List& x) { return List{(sparse(x[0]) * x[1]).to_dense()}; }, {v, number});
  both([&](const List& x) { return List{(sparse(x[0]) / x[1]).to_dense()}; }, {v, number});
  both([&](const List& x) { return List{sparse(x[0]).clone().to_dense().pow(2)}; }, {v});
  both([&](const List& x) { return List{x[0].to_sparse(1).to_dense().pow(2)}; }, {whole});
  both([&](const List& x) { return List{x[0].to_sparse(1).coalesce().values().pow(2)}; }, {whole});
  // Changed in place.
  both(
      [&](const List& x) {
        Tensor s = sparse(x[0]).clone();
        s.mul_(2).add_(sparse(x[0] * x[0]), 3).div_(4).neg_();
        return List{s.to_dense()};
      },
      {v});
  both(
      [&](const List& x) {
        Tensor s = sparse(x[0]).clone();
        s.mul_(x[1]).div_(x[1] + 1).mul_(x[2]);
        return List{s.to_dense()};
      },
      {v, number, whole});
  both(
      [&](const List& x) {
        Tensor y = x[1] * 1;
        y.add_(sparse(x[0]), 2);
        return List{y.pow(2)};
      },
      {v, whole});
  both(
      [&](const List& x) {
        Tensor y = x[1] * 1;
        y.mul_(sparse(x[0]));
        return List{y.pow(2)};
      },
      {v, whole});
  both(
      [&](const List& x) {
        Tensor y = x[1] * 1;
        y.slice(0, 0, 4, 2).add_(sparse_coo_tensor(tensor({{1, 1, 0}}), x[0], {2, 2}), 2);
        return List{y.pow(2)};
      },
      {v, whole});
  // Two sparse dimensions.
  const Tensor grid = (rand({5, 3}, kDouble) + 0.5).requires_grad_(true);
  const Tensor at = tensor({{1, 0, 1, 1, 0}, {2, 3, 2, 0, 3}});
  both(
      [&](const List& x) {
        const Tensor s = sparse_coo_tensor(at, x[0], {2, 4, 3});
        return List{s.to_dense().pow(2), s.coalesce().values().pow(2), s.norm()};
      },
      {grid});
  // Cleared: nothing flows.
  Tensor s = sparse(v) * 2;
  s.zero_();
  s.to_dense().sum().backward();
  CHECK(numbers(v.grad()) == Numbers(6, 0));
}

TEST_CASE("sparse: leaves", "[sparse]") {
  const TensorOptions options = TensorOptions().requires_grad(true);
  const Tensor weights = tensor({{1., 2.}, {3., 4.}, {5., 6.}, {7., 8.}});
  const Tensor leaf = sparse_coo_tensor(indices(), values(), {4, 2}, options);
  CHECK(leaf.is_leaf());
  CHECK(leaf.requires_grad());
  (leaf.to_dense() * weights).sum().backward();
  check_parts(leaf.grad(), {0, 2}, {1, 2, 5, 6}, true);
  const Tensor summed = sparse_coo_tensor(indices(), values(), {4, 2}, options);
  summed.sum().backward();
  CHECK(numbers(summed.grad()) == Numbers(8, 1));
  Tensor refused = sparse_coo_tensor(indices(), values(), {4, 2}, options);
  CHECK_THROWS_WITH(refused.mul_(2),
                    "a leaf Variable that requires grad is being used in an in-place operation.");
  CHECK_THROWS_AS(refused.zero_(), Error);
  CHECK_THROWS_AS(refused.add_(example()), Error);
  CHECK(refused._version() == 0);
  // What backward reads must not have changed.
  const Tensor v = values().set_requires_grad(true), at = indices();
  const Tensor y = sparse_coo_tensor(at, v, {4, 2}).to_dense().sum();
  at[0][0] = 1;
  CHECK_THROWS_AS(y.backward(), Error);
}

TEST_CASE("sparse: bits do not depend on threads", "[sparse][threads]") {
  const testing::RestoreSettings restore;
  manual_seed(9);
  for (const int64_t dim : {1, 5, 64, 131}) {
    const int64_t n = 2000, rows = 300;
    const Tensor at = (rand({1, n}, kDouble).pow(4) * static_cast<double>(rows)).to(kLong);
    const Tensor s = sparse_coo_tensor(at, rand({n, dim}) - 0.5, {rows, dim});
    const Tensor start = rand({rows, dim});
    set_num_threads(1);
    const Tensor merged = s.coalesce().values(), sum = start.add(s, -0.37);
    Tensor naive = start.clone();
    float* to = naive.data_ptr<float>();
    for (int64_t p = 0; p < n; ++p)
      for (int64_t j = 0; j < dim; ++j) {
        float& entry = to[at.const_data_ptr<int64_t>()[p] * dim + j];
        entry = std::fma(-0.37f, s._values().const_data_ptr<float>()[p * dim + j], entry);
      }
    CHECK(sum.allclose(naive, 1e-5, 1e-5));
    for (const int threads : {1, 2, 3, 16}) {
      CAPTURE(dim, threads);
      set_num_threads(threads);
      testing::set_inline_threshold(0);
      testing::set_chunk(7);
      CHECK(s.coalesce().values().equal(merged));
      CHECK(start.add(s, -0.37).equal(sum));
      const Tensor wide = zeros({rows, dim + 3});
      wide.slice(1, 1, 1 + dim).copy_(start).add_(s, -0.37);
      CHECK(wide.slice(1, 1, 1 + dim).equal(sum));
      Tensor across = zeros({dim, rows});
      across.t().copy_(start);
      across.t().add_(s, -0.37);
      CHECK(across.t().equal(sum));
      testing::set_inline_threshold(-1);
      testing::set_chunk(0);
    }
  }
}

TEST_CASE("row grouping: stable, for few ids and many, narrow and wide", "[sparse]") {
  manual_seed(10);
  for (const int64_t n : {0, 1, 2, 7, 48, 49, 1000, 70000})
    for (const int64_t limit : {int64_t{1}, int64_t{2}, int64_t{300}, int64_t{2048},
                                int64_t{1} << 20, int64_t{1} << 33, int64_t{1} << 62}) {
      CAPTURE(n, limit);
      std::vector<int64_t> ids(static_cast<size_t>(n));
      const Tensor random = rand({n}, kDouble);
      for (int64_t i = 0; i < n; ++i)
        ids[static_cast<size_t>(i)] = std::min(
            limit - 1,
            static_cast<int64_t>(random.const_data_ptr<double>()[i] * static_cast<double>(limit)));
      const RowGrouping groups(ids.data(), n, limit);
      std::vector<int64_t> order(static_cast<size_t>(n));
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
        return ids[static_cast<size_t>(a)] < ids[static_cast<size_t>(b)];
      });
      CHECK(std::equal(order.begin(), order.end(), groups.order()));
      CHECK(groups.starts()[groups.groups()] == n);
      bool right = true;
      for (int64_t g = 0; g < groups.groups(); ++g) {
        right &= groups.starts()[g] < groups.starts()[g + 1];
        right &= g == 0 || groups.ids()[g - 1] < groups.ids()[g];
        for (int64_t k = groups.starts()[g]; k < groups.starts()[g + 1]; ++k)
          right &= ids[static_cast<size_t>(groups.order()[k])] == groups.ids()[g];
      }
      CHECK(right);
    }
}

TEST_CASE("sparse: printing", "[sparse]") {
  std::ostringstream out;
  out << example();
  CHECK_THAT(out.str(), ContainsSubstring("tensor(indices=tensor([[2, 0, 2]]),"));
  CHECK_THAT(out.str(), ContainsSubstring("size=(4, 2), nnz=3, layout=torch.sparse_coo"));
}

TEST_CASE("sparse: gradients have their operands' dtypes and forms", "[sparse]") {
  const Tensor leaf = ones({4}).requires_grad_();
  Tensor x = leaf * 1;
  x.mul_(sparse_coo_tensor(tensor({{3, 0}}), ones({2}, kDouble), {4}));
  const Tensor dx = autograd::grad({x.sum()}, {leaf})[0];
  CHECK(dx.scalar_type() == kFloat);
  CHECK(numbers(dx) == Numbers{1, 0, 0, 1});
  // A tensor without entries may have other sparse dimensions than what it is added to.
  const Tensor none = zeros({0, 5}).requires_grad_(), values = ones({1, 3, 5}).requires_grad_();
  const auto empty_one = [&] { return sparse_coo_tensor(zeros({2, 0}, kLong), none, {2, 3, 5}); };
  const auto full_one = [&] { return sparse_coo_tensor(zeros({1, 1}, kLong), values, {2, 3, 5}); };
  for (const bool first : {true, false}) {
    const Tensor y = first ? empty_one() + full_one() : full_one() + empty_one();
    const auto gradients = autograd::grad({y.sum()}, {none, values});
    CHECK(gradients[0].equal(zeros({0, 5})));
    CHECK(gradients[1].equal(ones({1, 3, 5})));
  }
}
