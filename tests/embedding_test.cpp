// Embedding beyond the case table: refusals, gradients dense and row-sparse, renorm, one_hot.
#include <simdgrad/autograd.h>
#include <simdgrad/creation.h>
#include <simdgrad/embedding.h>
#include <simdgrad/indexing.h>
#include <simdgrad/parallel.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/random.h>
#include <simdgrad/sparse.h>
#include <simdgrad/views.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "core/testing_hooks.h"
#include "tests/catch.h"
#include "tests/gradients.h"
#include "tests/machine_settings.h"

using namespace simdgrad;

namespace {

std::vector<double> numbers(const Tensor& tensor) {
  const Tensor flat = tensor.detach().to(kDouble).contiguous();
  const double* from = flat.const_data_ptr<double>();
  return std::vector<double>(from, from + flat.numel());
}
using Numbers = std::vector<double>;
std::vector<int64_t> sizes_of(const Tensor& tensor) { return tensor.sizes().vec(); }

bool same_bits(const Tensor& a, const Tensor& b) {
  const Tensor x = a.detach().contiguous(), y = b.detach().contiguous();
  return x.sizes() == y.sizes() && x.scalar_type() == y.scalar_type() &&
         (x.numel() == 0 ||
          std::memcmp(x.data_ptr(), y.data_ptr(), static_cast<size_t>(x.nbytes())) == 0);
}

// 1 ... 2 n in rows of two.
Tensor table(int64_t rows = 4, ScalarType dtype = kFloat) {
  Tensor weight = (arange(2 * rows).to(dtype) + 1).view({rows, 2});
  return weight.set_requires_grad(true);
}
Tensor cotangent() { return tensor({{1., 2.}, {3., 4.}, {5., 6.}, {7., 8.}}); }

// d weight of (embedding * cotangent).sum() for ids 1, 1, 3, 2.
Tensor gradient_of(int64_t padding, bool scale, bool sparse, Tensor ids = tensor({1, 1, 3, 2})) {
  const Tensor weight = table();
  (embedding(weight, ids, padding, scale, sparse) * cotangent()).sum().backward();
  return weight.grad();
}

// Squared uniform numbers: small ids are frequent, some are hot.
Tensor skewed_ids(int64_t n, int64_t limit) {
  return (rand({n}, kDouble).pow(6) * static_cast<double>(limit)).to(kLong);
}

}  // namespace

TEST_CASE("embedding: rows by id, any shape and strides of ids and table", "[embedding]") {
  const Tensor weight = table();
  const Tensor y = embedding(weight, tensor({1, 1, 3}));
  CHECK(numbers(y) == Numbers{3, 4, 3, 4, 7, 8});
  CHECK(y.grad_fn()->name() == "EmbeddingBackward0");
  CHECK(y.grad_fn()->next_edges().size() == 1);
  CHECK(sizes_of(embedding(weight, tensor(1))) == std::vector<int64_t>{2});
  CHECK(sizes_of(embedding(weight, zeros({2, 0}, kLong))) == std::vector<int64_t>{2, 0, 2});
  CHECK(sizes_of(embedding(weight, zeros({2, 1, 1, 1, 3}, kLong))) ==
        std::vector<int64_t>{2, 1, 1, 1, 3, 2});
  CHECK(numbers(embedding(weight, tensor({2, 0}, kInt))) == Numbers{5, 6, 1, 2});
  // ids [2, 3] seen transposed
  const Tensor ids = tensor({{0, 1, 2}, {3, 2, 1}});
  CHECK(numbers(embedding(weight, ids.t())) == Numbers{1, 2, 7, 8, 3, 4, 5, 6, 5, 6, 3, 4});
  CHECK(numbers(embedding(weight, ids.slice(1, 0, 3, 2))) == Numbers{1, 2, 5, 6, 7, 8, 3, 4});
  const Tensor wide = weight.detach().view({2, 4});
  const Tensor transposed = embedding(wide.t(), ids);
  CHECK(numbers(transposed) == Numbers{1, 5, 2, 6, 3, 7, 4, 8, 3, 7, 2, 6});
  CHECK(transposed.is_contiguous());
  CHECK(numbers(embedding(wide.slice(1, 0, 4, 2), tensor({1}))) == Numbers{5, 7});
  CHECK(numbers(embedding(tensor({{1., 2.}}).expand({5, 2}), tensor({4, 0}))) ==
        Numbers{1, 2, 1, 2});
  CHECK(numbers(embedding(arange(8).view({4, 2}), tensor({1, 2}))) == Numbers{2, 3, 4, 5});
  CHECK(!embedding(arange(8).view({4, 2}), tensor({1})).requires_grad());
  CHECK(embedding(ones({4, 2}, kBool), tensor({1})).scalar_type() == kBool);
  CHECK(sizes_of(embedding(zeros({0, 0}), zeros({0}, kLong))) == std::vector<int64_t>{0, 0});
  CHECK(sizes_of(embedding(zeros({10, 0}), tensor({1, 2}))) == std::vector<int64_t>{2, 0});
  // Nothing is recorded where nothing asks for it.
  CHECK(!embedding(weight.detach(), ids).requires_grad());
  const NoGradGuard no_grad;
  CHECK(!embedding(weight, ids).requires_grad());
}

TEST_CASE("embedding: refusals", "[embedding]") {
  const Tensor weight = table();
  const auto text = [](auto call) {
    try {
      call();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  for (const int64_t bad : {4, -1, 1000000})
    for (const bool sparse : {false, true})
      CHECK(text([&] {
              embedding(weight, tensor({int64_t{0}, bad}), -1, false, sparse);
            }) == "index out of range in self");
  CHECK_THROWS_AS(embedding(weight, tensor({4})), IndexError);
  CHECK(
      text([&] { embedding(weight, tensor({1.})); }) ==
      "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, "
      "Int; but got CPUFloatType instead (while checking arguments for embedding)");
  CHECK_THAT(text([&] { embedding(weight, ones({2}, kByte)); }),
             ContainsSubstring("but got CPUByteType instead"));
  CHECK(text([&] { embedding(weight[0], tensor({1.})); }) == "'weight' must be 2-D");
  CHECK(text([&] { embedding(weight.view({2, 2, 2}), tensor({1})); }) == "'weight' must be 2-D");
  CHECK(text([&] { embedding(Tensor(), tensor({1})); }) ==
        "Expected a proper Tensor but got None (or an undefined Tensor in C++) for argument #0 "
        "'weight'");
  CHECK(text([&] { embedding(weight, Tensor()); }) ==
        "Expected a proper Tensor but got None (or an undefined Tensor in C++) for argument #1 "
        "'indices'");
  CHECK(text([&] { embedding(zeros({0, 3}), tensor({1})); }) != "accepted");
  CHECK(text([&] { embedding(zeros({10, 0}), tensor({20})); }) != "accepted");
  CHECK(text([&] { embedding(weight.detach().to_sparse(1), tensor({1})); }) != "accepted");
  CHECK(text([&] { gradient_of(1, true, true); }) ==
        "embedding_backward: scale_grad_by_freq not supported with sparse gradients");
  // ids changed between forward and backward
  const Tensor ids = tensor({1, 1, 3, 2});
  for (const bool sparse : {false, true}) {
    const Tensor y = embedding(weight, ids, -1, false, sparse).sum();
    ids[0] = 0;
    CHECK_THAT(
        text([&] { y.backward(); }),
        ContainsSubstring("modified by an inplace operation: [CPULongType [4]] is at version"));
  }
}

TEST_CASE("embedding: the gradient, dense", "[embedding]") {
  CHECK(numbers(gradient_of(-1, false, false)) == Numbers{0, 0, 4, 6, 7, 8, 5, 6});
  CHECK(numbers(gradient_of(3, false, false)) == Numbers{0, 0, 4, 6, 7, 8, 0, 0});
  CHECK(numbers(gradient_of(-1, true, false)) == Numbers{0, 0, 2, 3, 7, 8, 5, 6});
  CHECK(numbers(gradient_of(1, true, false)) == Numbers{0, 0, 0, 0, 7, 8, 5, 6});
  CHECK(numbers(gradient_of(7, false, false)) == Numbers{0, 0, 4, 6, 7, 8, 5, 6});
  CHECK(numbers(gradient_of(-3, false, false)) == Numbers{0, 0, 4, 6, 7, 8, 5, 6});
  CHECK(numbers(gradient_of(-1, false, false, tensor({1, 1, 3, 2}, kInt))) ==
        Numbers{0, 0, 4, 6, 7, 8, 5, 6});
  // Padding with an infinite gradient gives nothing at all.
  const Tensor weight = table();
  const double infinity = std::numeric_limits<double>::infinity();
  (embedding(weight, tensor({0, 1}), 1) * tensor({{1., 1.}, {infinity, 1.}})).sum().backward();
  CHECK(numbers(weight.grad()) == Numbers{1, 1, 0, 0, 0, 0, 0, 0});
  // A transposed table gets its gradient in its own strides.
  Tensor transposed = (arange(8).to(kFloat) + 1).view({2, 4}).t();
  transposed.set_requires_grad(true);
  (embedding(transposed, tensor({1, 1, 3, 2})) * cotangent()).sum().backward();
  CHECK(numbers(transposed.grad()) == Numbers{0, 0, 4, 6, 7, 8, 5, 6});
  CHECK(transposed.grad().strides() == transposed.strides());
  // Through a view of a leaf.
  const Tensor base = table();
  (embedding(base.view({2, 4}).t(), tensor({1, 1, 3, 2})) * cotangent()).sum().backward();
  CHECK(numbers(base.grad()) == Numbers{0, 4, 7, 5, 0, 6, 8, 6});
  // No ids, no rows, no columns.
  for (const int64_t dim : {0, 2}) {
    const Tensor empty_ids = ones({10, dim}, TensorOptions().requires_grad(true));
    embedding(empty_ids, zeros({0}, kLong)).sum().backward();
    CHECK(numbers(empty_ids.grad()) == Numbers(static_cast<size_t>(10 * dim), 0));
  }
}

TEST_CASE("embedding: the gradient, expanded and strided", "[embedding]") {
  const Tensor weight = (arange(20).to(kDouble)).view({5, 4}).set_requires_grad(true);
  const Tensor ids = tensor({{0, 1, 2}, {4, 1, 1}});
  Tensor expected = zeros({5, 4}, kDouble);
  const auto check = [&](const Tensor& dy) {
    const Tensor flat = dy.contiguous().view({6, 4}), id = ids.view({6});
    Tensor sum = zeros({5, 4}, kDouble);
    for (int64_t p = 0; p < 6; ++p) sum[id[p].item<int64_t>()] += flat[p];
    for (const bool sparse : {false, true}) {
      const Tensor g =
          autograd::grad({embedding(weight, ids, -1, false, sparse)}, {weight}, {dy})[0];
      CHECK(same_bits(g.to_dense(), sum));
    }
  };
  const Tensor full = rand({2, 3, 4}, kDouble);
  check(full);
  check(tensor(2., kDouble).expand({2, 3, 4}));
  check(full.slice(1, 0, 1).expand({2, 3, 4}));  // as sum(1) leaves it
  check(full.slice(0, 0, 1).expand({2, 3, 4}));  // as sum(0) leaves it
  check(full.slice(2, 0, 1).expand({2, 3, 4}));  // as sum(2) leaves it
  check(rand({4, 3, 2}, kDouble).permute({2, 1, 0}));
  check(rand({3, 2, 4}, kDouble).transpose(0, 1));
  check(rand({2, 3, 8}, kDouble).slice(2, 0, 8, 2));
  check(rand({4, 3, 4}, kDouble).slice(0, 0, 4, 2));
}

TEST_CASE("embedding: the gradient, row-sparse", "[embedding][sparse]") {
  const Tensor g = gradient_of(-1, false, true);
  CHECK(g.is_sparse());
  CHECK(sizes_of(g) == std::vector<int64_t>{4, 2});
  CHECK(numbers(g._indices()) == Numbers{1, 1, 3, 2});
  CHECK(sizes_of(g._indices()) == std::vector<int64_t>{1, 4});
  CHECK(numbers(g._values()) == Numbers{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(!g.is_coalesced());
  CHECK(numbers(g.to_dense()) == Numbers{0, 0, 4, 6, 7, 8, 5, 6});
  const Tensor padded = gradient_of(1, false, true);
  CHECK(numbers(padded._indices()) == Numbers{3, 2});
  CHECK(numbers(padded._values()) == Numbers{5, 6, 7, 8});
  CHECK(numbers(gradient_of(-1, false, true, tensor({1, 1, 3, 2}, kInt))._indices()) ==
        Numbers{1, 1, 3, 2});
  const Tensor rows = table();
  (embedding(rows, tensor({{1, 1}, {3, 2}}), -1, false, true) * cotangent().view({2, 2, 2}))
      .sum()
      .backward();
  CHECK(numbers(rows.grad()._indices()) == Numbers{1, 1, 3, 2});
  // No ids, and nothing but padding.
  for (const Tensor& ids : {zeros({0}, kLong), zeros({3}, kLong)}) {
    const Tensor weight = table();
    embedding(weight, ids, 0, false, true).sum().backward();
    CHECK(weight.grad()._nnz() == 0);
    CHECK(sizes_of(weight.grad()._values()) == std::vector<int64_t>{0, 2});
    CHECK(weight.grad().is_coalesced());
  }
  // Tables without rows or columns.
  for (const auto& [count, dim] : {std::pair<int64_t, int64_t>{0, 0}, {10, 0}}) {
    const Tensor weight = zeros({count, dim}, TensorOptions().requires_grad(true));
    embedding(weight, count ? tensor({1, 1, 9}) : zeros({0}, kLong), -1, false, true)
        .sum()
        .backward();
    CHECK(weight.grad().is_sparse());
    CHECK(weight.grad()._nnz() == (count ? 3 : 0));
    CHECK(sizes_of(weight.grad()) == std::vector<int64_t>{count, dim});
  }
  // Through operations that know sparse gradients.
  const Tensor scaled = table();
  (embedding(-(scaled * 2) / 4, tensor({1, 1, 3, 2}), -1, false, true) * cotangent())
      .sum()
      .backward();
  CHECK(numbers(scaled.grad()._values()) == Numbers{-.5, -1, -1.5, -2, -2.5, -3, -3.5, -4});
  const Tensor cloned = table();
  (embedding(cloned.clone(), tensor({1, 1, 3, 2}), -1, false, true) * cotangent()).sum().backward();
  CHECK(numbers(cloned.grad()._indices()) == Numbers{1, 1, 3, 2});
}

TEST_CASE("embedding: a stored gradient does not follow the ids", "[embedding][sparse]") {
  const Tensor weight = table();
  const Tensor ids = tensor({1, 1, 3, 2});
  embedding(weight, ids, -1, false, true).sum().backward();
  ids[0] = 0;
  CHECK(numbers(weight.grad()._indices()) == Numbers{1, 1, 3, 2});
  embedding(weight, ids, -1, false, true).sum().backward();
  CHECK(numbers(weight.grad()._indices()) == Numbers{1, 1, 3, 2, 0, 1, 3, 2});
  CHECK(weight.grad()._nnz() == 8);
  ids[1] = 3;
  CHECK(numbers(weight.grad()._indices()) == Numbers{1, 1, 3, 2, 0, 1, 3, 2});
}

TEST_CASE("embedding: dense and sparse gradients of one leaf add up", "[embedding][sparse]") {
  const Tensor ids = tensor({1, 1, 3, 2});
  for (const bool create_graph : {false, true})
    for (const bool first : {false, true})
      for (const bool second : {false, true}) {
        CAPTURE(create_graph, first, second);
        const Tensor weight = table(4, kDouble);
        const Tensor factor = cotangent().to(kDouble).set_requires_grad(true);
        const auto add = [&](bool sparse) {
          (embedding(weight, ids, -1, false, sparse) * factor)
              .sum()
              .backward({}, std::nullopt, create_graph);
        };
        add(first);
        const Tensor before = weight.grad();
        CHECK(before.is_sparse() == first);
        const Numbers numbers_before = numbers(before.to_dense());
        add(second);
        CHECK(weight.grad().is_sparse() == (first && second));
        CHECK(numbers(weight.grad().to_dense()) == Numbers{0, 0, 8, 12, 14, 16, 10, 12});
        CHECK(weight.grad().requires_grad() == create_graph);
        // Under create_graph the old gradient may be in use: it stays as it was.
        if (create_graph) CHECK(numbers(before.to_dense()) == numbers_before);
        if (!create_graph) continue;
        const Tensor g = weight.grad().to_dense();
        const Tensor dg = autograd::grad({(g * g).sum()}, {factor})[0];
        CHECK(numbers(dg) == Numbers{32, 48, 32, 48, 40, 48, 56, 64});
        weight.mutable_grad() = Tensor();
      }
}

TEST_CASE("embedding: two uses in one graph, dense and sparse", "[embedding][sparse]") {
  const Tensor ids = tensor({1, 1, 3, 2});
  for (const bool dense_first : {false, true}) {
    const Tensor weight = table();
    const Tensor dense = (embedding(weight, ids) * cotangent()).sum();
    const Tensor sparse = embedding(weight, ids, -1, false, true).sum();
    (dense_first ? dense + sparse : sparse + dense).backward();
    CHECK(!weight.grad().is_sparse());
    CHECK(numbers(weight.grad()) == Numbers{0, 0, 6, 8, 8, 9, 6, 7});
  }
  const Tensor weight = table();
  (embedding(weight, ids, -1, false, true).sum() + embedding(weight, ids, -1, false, true).sum())
      .backward();
  CHECK(weight.grad()._nnz() == 8);
  CHECK(numbers(weight.grad().to_dense()) == Numbers{0, 0, 4, 4, 2, 2, 2, 2});
}

TEST_CASE("embedding: derivatives of any order", "[embedding]") {
  const TensorOptions options = TensorOptions(kDouble).requires_grad(true);
  manual_seed(5);
  const Tensor weight = rand({5, 3}, options);
  const Tensor ids = tensor({{1, 4, 1}, {0, 4, 4}});
  for (const int64_t padding : {-1, 4})
    for (const bool scale : {false, true}) {
      const auto f = [&](const autograd::variable_list& x) {
        return autograd::variable_list{embedding(x[0], ids, padding, scale).pow(2)};
      };
      CAPTURE(padding, scale);
      // The rows of padding and repeats scaled by frequency are not what differences see.
      if (padding < 0 && !scale) CHECK(gradcheck(f, {weight}));
      // The gradient as a function of dy is linear: it is checked as one, to the second order.
      const auto gradient = [&](const autograd::variable_list& x) {
        const AutoGradMode on(true);
        const Tensor w = weight.detach().requires_grad_(true);
        return autograd::variable_list{
            autograd::grad({embedding(w, ids, padding, scale)}, {w}, {x[0]}, true, true)[0]};
      };
      const Tensor dy = rand({2, 3, 3}, options);
      testing::check_gradients(gradient, {dy});
    }
  const auto plain = [&](const autograd::variable_list& x) {
    return autograd::variable_list{embedding(x[0], ids).pow(3)};
  };
  CHECK(gradgradcheck(plain, {weight}));
  // Names and values of libtorch.
  const Tensor w = table();
  const Tensor a = cotangent().set_requires_grad(true);
  const Tensor id = tensor({1, 1, 3, 2});
  const Tensor g = autograd::grad({(embedding(w, id) * a).sum()}, {w}, {}, true, true)[0];
  CHECK(g.grad_fn()->name() == "EmbeddingDenseBackwardBackward0");
  (g * g).sum().backward();
  CHECK(numbers(a.grad()) == Numbers{8, 12, 8, 12, 10, 12, 14, 16});
}

TEST_CASE("embedding: derivatives of any order, row-sparse", "[embedding][sparse]") {
  const TensorOptions options = TensorOptions(kDouble).requires_grad(true);
  manual_seed(6);
  const Tensor weight = rand({5, 3}, options);
  const Tensor ids = tensor({{1, 4, 1}, {0, 4, 4}});
  const auto f = [&](const autograd::variable_list& x) {
    return autograd::variable_list{embedding(x[0], ids, -1, false, true).pow(3)};
  };
  CHECK(gradcheck(f, {weight}));
  for (const int64_t padding : {-1, 4}) {
    const auto gradient = [&](const autograd::variable_list& x) {
      const AutoGradMode on(true);
      const Tensor w = weight.detach().requires_grad_(true);
      const Tensor g =
          autograd::grad({embedding(w, ids, padding, false, true)}, {w}, {x[0]}, true, true)[0];
      CHECK(g.is_sparse());
      return autograd::variable_list{g.to_dense(), g.coalesce().values(), g.norm(), g.sum()};
    };
    const Tensor dy = rand({2, 3, 3}, options);
    testing::check_gradients(gradient, {dy});
  }
  const Tensor w = table();
  const Tensor a = cotangent().set_requires_grad(true);
  const Tensor g = autograd::grad({(embedding(w, tensor({1, 1, 3, 2}), -1, false, true) * a).sum()},
                                  {w}, {}, true, true)[0];
  CHECK(g.grad_fn()->name() == "SparseCooTensorWithDimsAndTensorsBackward0");
  const Tensor dense = g.to_dense();
  (dense * dense).sum().backward();
  CHECK(numbers(a.grad()) == Numbers{8, 12, 8, 12, 10, 12, 14, 16});
}

TEMPLATE_TEST_CASE("embedding: the gradient's bits are the plain loop's for any threads",
                   "[embedding][threads]", float, double) {
  const testing::RestoreSettings restore;
  manual_seed(3);
  const ScalarType dtype = scalar_type_of<TestType>;
  struct Case {
    int64_t n, rows, dim;
  };
  for (const Case& shape : {Case{1, 1, 1},
                            {7, 3, 5},
                            {300, 50, 1},
                            {300, 50, 17},
                            {2000, 7, 67},
                            {3000, 100000, 33},
                            {4000, 1, 130},
                            {5000, 40, 130}}) {
    CAPTURE(shape.n, shape.rows, shape.dim);
    const Tensor ids = skewed_ids(shape.n, shape.rows);
    const Tensor dy = rand({shape.n, shape.dim}, dtype) - 0.5;
    std::vector<TestType> expected(static_cast<size_t>(shape.rows * shape.dim));
    const int64_t* id = ids.const_data_ptr<int64_t>();
    const TestType* from = dy.const_data_ptr<TestType>();
    for (int64_t p = 0; p < shape.n; ++p)
      if (id[p] != 2)
        for (int64_t j = 0; j < shape.dim; ++j)
          expected[static_cast<size_t>(id[p] * shape.dim + j)] += from[p * shape.dim + j];
    const Tensor weight = zeros({shape.rows, shape.dim}, dtype).set_requires_grad(true);
    for (const int threads : {1, 2, 3, 16})
      for (const bool forced : {false, true}) {
        CAPTURE(threads, forced);
        set_num_threads(threads);
        testing::set_inline_threshold(forced ? 0 : -1);
        testing::set_chunk(forced ? 3 : 0);
        const Tensor g = autograd::grad({embedding(weight, ids, 2)}, {weight}, {dy})[0];
        CHECK(std::memcmp(g.data_ptr(), expected.data(), expected.size() * sizeof(TestType)) == 0);
        const Tensor s =
            autograd::grad({embedding(weight, ids, 2, false, true)}, {weight}, {dy})[0];
        CHECK(same_bits(s.to_dense(), g));
        const Tensor c = s.coalesce();
        CHECK(same_bits(c.values(), g.index_select(0, c.indices()[0])));
      }
  }
}

TEST_CASE("embedding: rows are added all or not at all", "[embedding][threads]") {
  const testing::RestoreSettings restore;
  set_num_threads(2);
  testing::set_inline_threshold(0);
  manual_seed(4);
  const Tensor ids = randint(0, 1000, {40000}, kLong), values = rand({40000, 16});
  Tensor table = rand({1000, 16});
  const Tensor before = table.clone();
  int failures = 0;
  for (bool failed = true; failed; failures += failed) {
    testing::fail_allocation(failures + 1, false);
    failed = false;
    try {
      table.index_add_(0, ids, values);
    } catch (const Error&) {
      failed = true;
    }
    testing::fail_allocation(0, false);
    if (failed) CHECK(table.equal(before));
  }
  CHECK(failures > 0);
  CHECK(!table.equal(before));
}

TEST_CASE("embedding: a sparse gradient of a table that is a sum", "[embedding][sparse]") {
  const Tensor x = rand({1, 3}).requires_grad_();
  for (const Tensor& t : {x.sum(1, true), x.mean(1, true)})
    CHECK_THROWS_WITH(embedding(t, zeros({2}, kLong), -1, false, true).sum().backward(),
                      StartsWith("expand: sparse tensors are not supported"));
}

TEST_CASE("embedding: a view of a table takes no sparse gradient", "[embedding][sparse]") {
  const auto backward = [](const Tensor& table) {
    embedding(table, tensor({1, 2}), -1, false, true).sum().backward();
  };
  const Tensor weight = ones({5, 5}).requires_grad_();
  CHECK_THROWS_AS(backward(weight.as_strided({4, 4}, {2, 2}, 1)), Error);
  CHECK_THROWS_AS(backward(weight.t()), Error);
  Tensor changed = weight * 1;
  changed.slice(0, 0, 4).mul_(2);
  CHECK_THROWS_AS(backward(changed), Error);
  CHECK_THROWS_AS(backward(changed.slice(0, 0, 4)), Error);
  CHECK_FALSE(weight.grad().defined());
}

TEST_CASE("embedding: a sparse step touches the rows it names", "[embedding][sparse]") {
  // A table that could not be zeroed or copied in the time: 2^33 numbers would not fit at all. The
  // rows shown are one row expanded, so only reading and writing by id is possible.
  const Tensor row = ones({1, 8}).expand({int64_t{1} << 33, 8});
  const Tensor weight = row.detach().set_requires_grad(true);
  const Tensor ids = tensor({int64_t{1}, (int64_t{1} << 33) - 1, int64_t{1}});
  embedding(weight, ids, -1, false, true).sum().backward();
  const Tensor g = weight.grad();
  CHECK(g._nnz() == 3);
  CHECK(numbers(g.coalesce().indices()) == Numbers{1, static_cast<double>((int64_t{1} << 33) - 1)});
  CHECK(g.norm().item<double>() == Approx(std::sqrt(5 * 8.)));
  CHECK((g + g)._nnz() <= 6);
  CHECK((g * 2)._nnz() == 3);
}

TEST_CASE("embedding_renorm_: named rows, once each", "[embedding]") {
  Tensor w = table().detach();
  const auto near = [](const Tensor& tensor, const Numbers& expected) {
    const Numbers got = numbers(tensor);
    REQUIRE(got.size() == expected.size());
    for (size_t i = 0; i < got.size(); ++i) CHECK(got[i] == Approx(expected[i]).epsilon(2e-6));
  };
  Tensor& same = embedding_renorm_(w, tensor({1, 1, 3}), 1, 2);
  CHECK(&same == &w);
  near(w, {1, 2, .6, .8, 5, 6, .658505, .752577});
  CHECK(w._version() == 1);
  embedding_renorm_(w, tensor({0}), 1, 1);
  near(w, {.333333, .666667, .6, .8, 5, 6, .658505, .752577});
  embedding_renorm_(w, tensor({0}), 1, std::numeric_limits<double>::infinity());
  near(w, {.333333, .666667, .6, .8, 5, 6, .658505, .752577});
  embedding_renorm_(w, tensor({{0, 1}, {2, 3}}), .5, 3);
  near(w, {.240375, .48075, .333486, .444648, .35784, .429408, .368762, .421442});
  embedding_renorm_(w, tensor({1}, kInt), .1, 2);
  near(w, {.240375, .48075, .06, .08, .35784, .429408, .368762, .421442});
  Tensor transposed = (arange(8).to(kFloat) + 1).view({2, 4}).t();
  embedding_renorm_(transposed, tensor({1}), 1, 2);
  near(transposed, {1, 5, .316228, .948683, 3, 7, 4, 8});
  Tensor exact = (arange(8).to(kDouble) + 1).view({4, 2});
  embedding_renorm_(exact, tensor({1, 0}), 1, 2);
  CHECK(exact[1][0].item<double>() == 0.59999998800000021);
  // A leaf that requires grad refuses, and nothing has changed; without grad mode it is allowed.
  Tensor leaf = table().detach().clone().set_requires_grad(true);
  CHECK_THROWS_AS(embedding_renorm_(leaf, tensor({1}), 1, 2), Error);
  CHECK(leaf._version() == 0);
  CHECK(numbers(leaf[1]) == Numbers{3, 4});
  {
    const NoGradGuard no_grad;
    embedding_renorm_(leaf, tensor({3, 1, 3}), 1, 2);
  }
  embedding(leaf, tensor({3, 1, 3})).sum().backward();
  CHECK(numbers(leaf.grad()) == Numbers{0, 0, 1, 1, 0, 0, 2, 2});
  Tensor result = table() * 1;
  embedding_renorm_(result, tensor({1}), 1, 2);
  CHECK(result.grad_fn()->name() == "EmbeddingRenormBackward0");
  CHECK_THROWS_AS(result.sum().backward(), Error);
  CHECK_THROWS_WITH(embedding_renorm_(w, tensor({1.}), 1, 2),
                    "Expected tensor for argument #2 'indices' to have one of the following scalar "
                    "types: Long, Int; but got CPUFloatType instead (while checking arguments for "
                    "embedding_renorm_)");
  Tensor row = w[0];
  CHECK_THROWS_WITH(embedding_renorm_(row, tensor({1}), 1, 2),
                    "Expected 2-dimensional tensor, but got 1-dimensional tensor for argument #1 "
                    "'self' (while checking arguments for embedding_renorm_)");
  CHECK_THROWS_AS(embedding_renorm_(w, tensor({9}), 1, 2), IndexError);
  CHECK_THROWS_AS(embedding_renorm_(w, tensor({-1}), 1, 2), IndexError);
}

TEST_CASE("one_hot", "[embedding]") {
  CHECK(numbers(one_hot(tensor({0, 2}))) == Numbers{1, 0, 0, 0, 0, 1});
  CHECK(one_hot(tensor({0, 2})).scalar_type() == kLong);
  CHECK(numbers(one_hot(tensor({0, 2}), 5)) == Numbers{1, 0, 0, 0, 0, 0, 0, 1, 0, 0});
  CHECK(numbers(one_hot(tensor(1))) == Numbers{0, 1});
  CHECK(sizes_of(one_hot(tensor({{0, 1}, {2, 0}}))) == std::vector<int64_t>{2, 2, 3});
  CHECK(numbers(one_hot(tensor({{0, 1}, {2, 0}}).t())) ==
        Numbers{1, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0});
  CHECK(sizes_of(one_hot(zeros({2, 0}, kLong), 3)) == std::vector<int64_t>{2, 0, 3});
  const char* small = "Class values must be smaller than num_classes.";
  CHECK_THROWS_WITH(one_hot(tensor({0, 5}), 5), small);
  CHECK_THROWS_WITH(one_hot(tensor({1}), 0), small);
  CHECK_THROWS_WITH(one_hot(tensor({1}), -2), small);
  CHECK_THROWS_WITH(one_hot(tensor({-1, 5}), 5), "Class values must be non-negative.");
  CHECK_THROWS_WITH(one_hot(tensor({-1})), "Class values must be non-negative.");
  for (const Tensor& wrong : {tensor({0.}), tensor({0}, kInt), tensor({true}), Tensor()})
    CHECK_THROWS_WITH(one_hot(wrong),
                      "one_hot is only applicable to index tensor of type LongTensor.");
  for (const int64_t classes : {-1, 0})
    CHECK_THROWS_WITH(one_hot(zeros({0}, kLong), classes),
                      "Can not infer total number of classes from empty tensor.");
}
