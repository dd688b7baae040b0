// Ids that lie in a caller's buffer may be written between forward and backward, or between two uses of
// a sparse tensor: every reader checks them again.
#include <simdgrad/autograd.h>
#include <simdgrad/creation.h>
#include <simdgrad/embedding.h>
#include <simdgrad/indexing.h>
#include <simdgrad/losses.h>
#include <simdgrad/optim/sgd.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/printing.h>
#include <simdgrad/random.h>
#include <simdgrad/reductions.h>
#include <simdgrad/sparse.h>
#include <simdgrad/views.h>

#include <functional>

#include "tests/catch.h"
#include "tests/describe.h"

using namespace simdgrad;

TEST_CASE("ids that change between forward and backward are checked again") {
  const std::pair<const char*, std::function<Tensor(const Tensor&, const Tensor&)>> operations[] = {
      {"cross_entropy", [](auto& x, auto& ids) { return cross_entropy_loss(x, ids); }},
      {"cross_entropy, none",
       [](auto& x, auto& ids) { return cross_entropy_loss(x, ids, {}, kNone).sum(); }},
      {"cross_entropy, smoothed",
       [](auto& x, auto& ids) { return cross_entropy_loss(x, ids, {}, kMean, -100, 0.1); }},
      {"nll_loss", [](auto& x, auto& ids) { return nll_loss(x, ids); }},
      {"embedding", [](auto& x, auto& ids) { return embedding(x, ids).sum(); }},
      {"embedding by frequency", [](auto& x, auto& ids) { return embedding(x, ids, -1, true).sum(); }},
      {"embedding, sparse",
       [](auto& x, auto& ids) { return embedding(x, ids, -1, false, true).sum(); }},
      {"embedding, sparse with padding",
       [](auto& x, auto& ids) { return embedding(x, ids, 2, false, true).sum(); }},
      {"gather", [](auto& x, auto& ids) { return x.gather(1, ids.unsqueeze(1)).sum(); }},
      {"index_select", [](auto& x, auto& ids) { return x.index_select(0, ids).sum(); }},
      {"index", [](auto& x, auto& ids) { return x.index({ids}).sum(); }},
      {"scatter_add",
       [](auto& x, auto& ids) { return zeros({4, 4}).scatter_add(1, ids.unsqueeze(1), x).sum(); }},
      {"index_add", [](auto& x, auto& ids) { return zeros({4, 4}).index_add(0, ids, x).pow(2).sum(); }},
      {"index_put_",
       [](auto& x, auto& ids) {
         Tensor y = zeros({4, 4});
         y.index_put_({ids}, x);
         return y.sum();
       }},
  };
  for (const auto& [name, operation] : operations)
    for (const int64_t wild : {int64_t{4}, int64_t{-5}, int64_t{1} << 40, INT64_MIN, INT64_MAX})
      for (const bool create_graph : {false, true}) {
        INFO(name << ", id " << wild << (create_graph ? ", create_graph" : ""));
        int64_t buffer[] = {0, 3, 1, 2};
        const Tensor x = rand({4, 4}, TensorOptions().requires_grad(true));
        const Tensor ids = from_blob(buffer, {4}, kLong);
        const Tensor y = operation(x, ids);
        buffer[1] = wild;
        CHECK_THROWS_AS(autograd::grad({y}, {x}, {}, true, create_graph), Error);
        buffer[1] = 3;
        CHECK(autograd::grad({y}, {x}, {}, true, create_graph)[0].sizes() == x.sizes());
      }
}

TEST_CASE("indices of a sparse tensor that change are checked again") {
  for (const int64_t wild : {int64_t{3}, int64_t{-1}, int64_t{1} << 40, INT64_MIN, INT64_MAX})
    for (const int64_t sparse_dims : {1, 2}) {
      INFO("index " << wild << ", " << sparse_dims << " sparse dimensions");
      Tensor indices = sparse_dims == 1 ? tensor({{0, 2}}) : tensor({{0, 2}, {1, 1}});
      const Tensor values = sparse_dims == 1 ? ones({2, 3}) : ones({2});
      const Tensor sparse = sparse_coo_tensor(indices, values, {3, 3});
      sparse._indices()[0][1] = wild;
      Tensor dense = zeros({3, 3});
      CHECK_THROWS_AS(dense.add_(sparse), Error);
      CHECK_THROWS_AS(dense.sub_(sparse), Error);
      CHECK_THROWS_AS(dense.mul_(sparse), Error);
      CHECK(dense.equal(zeros({3, 3})));
      CHECK_THROWS_AS(dense + sparse, Error);
      CHECK_THROWS_AS(sparse.to_dense(), Error);
      CHECK_THROWS_AS(sparse.coalesce(), Error);
      CHECK_THROWS_AS(sparse + sparse, Error);
      CHECK_THROWS_AS(sparse * dense, Error);
      CHECK_THROWS_AS(sparse.norm(), Error);
      CHECK(to_string(sparse).size() > 0);
    }
  // A handle on the parts may get another shape; the tensor keeps its own.
  Tensor indices = tensor({{0, 2}});
  const Tensor sparse = sparse_coo_tensor(indices, ones({2, 3}), {3, 3});
  indices.set_data(zeros({1, 7}, kLong));
  sparse._indices().set_data(zeros({5}, kLong));
  sparse._values().set_data(zeros({5}));
  CHECK(sparse.to_dense().sum().item<float>() == 6);
}

TEST_CASE("an optimizer's step refuses indices that have changed and changes nothing") {
  Tensor table = ones({5, 2}, TensorOptions().requires_grad(true));
  optim::SGD optimizer({table}, 0.1);
  embedding(table, tensor({1, 3}), -1, false, true).sum().backward();
  table.grad()._indices()[0][1] = 1 << 30;
  CHECK_THROWS_AS(optimizer.step(), Error);
  CHECK(table.detach().equal(ones({5, 2})));
}
