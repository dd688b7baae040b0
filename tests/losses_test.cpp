// Losses and layer normalisation beyond the case table: the fused cross entropy and its graph, rows
// of every length, extreme logits, threads, texts.
#include <simdgrad/autograd.h>
#include <simdgrad/creation.h>
#include <simdgrad/indexing.h>
#include <simdgrad/losses.h>
#include <simdgrad/memory.h>
#include <simdgrad/normalization.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/random.h>
#include <simdgrad/reductions.h>
#include <simdgrad/views.h>

#include <cmath>
#include <limits>

#include "tests/catch.h"
#include "tests/describe.h"
#include "tests/machine_settings.h"

using namespace simdgrad;
using autograd::grad;
using testing::bytes;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

// The two operations that cross_entropy_loss stands for, each with its own node.
Tensor two_steps(const Tensor& x, const Tensor& target, const Tensor& weight, Reduction reduction,
                 int64_t ignore_index) {
  return nll_loss(log_softmax(x, x.dim() == 1 ? 0 : 1), target, weight, reduction, ignore_index);
}

}  // namespace

TEST_CASE("cross entropy equals log_softmax and nll_loss", "[losses]") {
  manual_seed(1);
  const ScalarType type = GENERATE(kFloat, kDouble);
  const double eps = type == kFloat ? 2e-6 : 1e-14;
  for (int64_t n : {1, 2, 7, 8, 9, 10, 16, 17, 33, 100, 1000})
    for (const Reduction reduction : {kNone, kMean, kSum})
      for (const bool weighted : {false, true}) {
        const Tensor x = (randn({37, n}, type) * 3).requires_grad_();
        const Tensor target = randint(0, n, {37});
        const Tensor weight = weighted ? rand({n}, type) + .5 : Tensor();
        const int64_t ignored = n > 2 ? 1 : -100;
        INFO("classes " << n << " reduction " << static_cast<int>(reduction));
        const Tensor loss = cross_entropy_loss(x, target, weight, reduction, ignored);
        const Tensor other = two_steps(x, target, weight, reduction, ignored);
        CHECK(bytes(loss) == bytes(other));
        const Tensor dy = rand(loss.sizes(), type);
        const Tensor fused = grad({loss}, {x}, {dy})[0], plain = grad({other}, {x}, {dy})[0];
        CHECK(fused.allclose(plain, eps, eps));
        const Tensor again = cross_entropy_loss(x, target, weight, reduction, ignored);
        CHECK(grad({again}, {x}, {dy}, true, true)[0].allclose(plain, eps, eps));
      }
  const Tensor one = randn({5}, type).requires_grad_();
  const Tensor loss = cross_entropy_loss(one, tensor(3));
  CHECK(bytes(loss) == bytes(two_steps(one, tensor(3), {}, kMean, -100)));
  loss.backward();
  CHECK(one.grad().allclose(one.detach().softmax(0) - tensor({0, 0, 0, 1, 0}), eps, eps));
}

TEST_CASE("cross entropy shows the graph of its parts", "[losses]") {
  const Tensor x = randn({3, 4}).requires_grad_(), target = tensor({1, 0, 3});
  const Tensor loss = cross_entropy_loss(x, target);
  const auto edges = loss.grad_fn()->next_edges();
  CHECK(loss.grad_fn()->name() == "NllLossBackward0");
  REQUIRE(edges.size() == 1);
  CHECK(edges[0].function->name() == "LogSoftmaxBackward0");
  CHECK(edges[0].function->next_edges().at(0).function->name() == "torch::autograd::AccumulateGrad");
  // The logits themselves are not kept: changing them later is allowed, as after log_softmax.
  Tensor hidden = x * 2;
  const Tensor later = cross_entropy_loss(hidden, target);
  const Tensor want = grad({cross_entropy_loss(x * 2, target)}, {x})[0];
  hidden.add_(1);
  CHECK(bytes(grad({later}, {x})[0]) == bytes(want));
  const Tensor used = cross_entropy_loss(x, target);
  used.backward();
  CHECK_THROWS_WITH(used.backward(), ContainsSubstring("backward through the graph a second time"));
}

TEST_CASE("cross entropy and its own gradient in one backward", "[losses]") {
  manual_seed(2);
  const Tensor target = randint(0, 6, {4});
  for (const Reduction reduction : {kNone, kMean}) {
    const auto penalised = [&](auto loss_of) {
      const Tensor x = (arange(24, kDouble).view({4, 6}).sin() * 2).requires_grad_();
      const Tensor loss = loss_of(x).sum();
      const Tensor dx = grad({loss}, {x}, {}, true, true)[0];
      // Through the loss again, and through what the first backward recorded.
      (loss + (dx * dx).sum()).backward();
      return x.grad();
    };
    const Tensor fused = penalised(
        [&](const Tensor& x) { return cross_entropy_loss(x, target, {}, reduction); });
    const Tensor plain =
        penalised([&](const Tensor& x) { return two_steps(x, target, {}, reduction, -100); });
    CHECK(fused.allclose(plain, 1e-12, 1e-13));
    CHECK(fused.abs().max().item<double>() > .01);
  }
}

TEST_CASE("the gradient of cross entropy takes the place of what was saved for it", "[losses]") {
  const Tensor x = randn({64, 8000}).requires_grad_(), target = randint(0, 8000, {64}, kLong);
  const Tensor wanted = grad({two_steps(x, target, {}, kMean, -100)}, {x})[0];
  const int64_t matrix = x.numel() * 4;
  for (const bool retained : {false, true}) {
    const Tensor loss = cross_entropy_loss(x, target);
    empty_cache();
    reset_peak_memory_stats();
    const int64_t before = memory_stats().peak_bytes;
    const Tensor dx = grad({loss}, {x}, {}, retained)[0];
    CHECK((memory_stats().peak_bytes - before >= matrix) == retained);
    CHECK(allclose(dx, wanted, 1e-5, 1e-8));
    if (!retained) {
      CHECK_THROWS_AS(grad({loss}, {x}), Error);
      continue;
    }
    // What was retained is whole: for another pass, and for the last.
    CHECK(bytes(grad({loss}, {x}, {}, true)[0]) == bytes(dx));
    CHECK(bytes(grad({loss}, {x})[0]) == bytes(dx));
  }
}

TEST_CASE("class targets at the edges", "[losses]") {
  const Tensor x = randn({3, 5}).requires_grad_();
  const Tensor ignored = full({3}, -100, kLong);
  CHECK(std::isnan(cross_entropy_loss(x, ignored).item<double>()));
  CHECK(cross_entropy_loss(x, ignored, {}, kSum).item<double>() == 0);
  cross_entropy_loss(x, ignored, {}, kSum).backward();
  CHECK(x.grad().equal(zeros({3, 5})));
  CHECK(std::isnan(cross_entropy_loss(empty({0, 5}), empty({0}, kLong)).item<double>()));
  CHECK(cross_entropy_loss(empty({0, 5}), empty({0}, kLong), {}, kSum).item<double>() == 0);
  CHECK(cross_entropy_loss(tensor({{1e4, 0.}, {0., -1e4}}), tensor({1, 0})).item<double>() == 5000);
  CHECK(bytes(cross_entropy_loss(x, tensor({1, 2, 0}, kByte))) ==
        bytes(cross_entropy_loss(x, tensor({1, 2, 0}))));
  CHECK(bytes(cross_entropy_loss(x.detach().t().contiguous().t(), tensor({1, 2, 0}))) ==
        bytes(cross_entropy_loss(x, tensor({1, 2, 0}))));

  const Tensor classes = tensor({1, 7, 2});
  CHECK_THROWS_WITH(cross_entropy_loss(x, classes), Equals("Target 7 is out of bounds."));
  CHECK_THROWS_AS(nll_loss(x, classes), IndexError);
  CHECK_THROWS_WITH(cross_entropy_loss(x, tensor({0, -1, 2})), Equals("Target -1 is out of bounds."));
  CHECK_THROWS_WITH(cross_entropy_loss(x, tensor({1, 2})),
                    Equals("Expected input batch_size (3) to match target batch_size (2)."));
  CHECK_THROWS_WITH(cross_entropy_loss(x, tensor({1., 2., 3.})),
                    Equals("expected target dtype to be Long or Byte, but got Float"));
  CHECK_THROWS_WITH(nll_loss(x, tensor({1, 2, 0}), ones({4})),
                    Equals("weight tensor should be defined either for all 5 classes or no classes but "
                           "got weight tensor of shape: [4]"));
  CHECK_THROWS_WITH(nll_loss(x, tensor({1, 2, 0}), ones({5}, kDouble)),
                    Equals("expected scalar type Float but found Double"));
  CHECK_THROWS_WITH(nll_loss(randn({5}), tensor({1, 2})),
                    Equals("For 1D input, 1D target must have size 1, but got target size: 2"));
  CHECK_THROWS_WITH(nll_loss(randn({2, 5, 3}), zeros({2, 4}, kLong)),
                    Equals("Expected target size [2, 3], got [2, 4]"));
  CHECK_THROWS_WITH(cross_entropy_loss(x, tensor({1, 2, 0}), {}, kMean, -100, 1.5),
                    Equals("label_smoothing must be between 0.0 and 1.0. Got: 1.5"));
  CHECK_THROWS_WITH(cross_entropy_loss(x, ones({3, 5}, kLong)),
                    Equals("Expected floating point type for target with class probabilities, got Long"));
}

TEST_CASE("one pass and composed losses of pairs agree", "[losses]") {
  manual_seed(3);
  const ScalarType type = GENERATE(kFloat, kDouble);
  const double eps = type == kFloat ? 2e-6 : 1e-14;
  using Loss = Tensor (*)(const Tensor&, const Tensor&, Reduction);
  const Loss mse = &mse_loss;
  const Loss bce = [](const Tensor& x, const Tensor& t, Reduction reduction) {
    return binary_cross_entropy_with_logits(x, t, {}, {}, reduction);
  };
  for (const Loss loss : {mse, bce})
    for (int64_t n : {1, 5, 16, 33, 257, 5000, 20001})
      for (const Reduction reduction : {kMean, kSum}) {
        const Tensor x = (randn({n}, type) * 4).requires_grad_(), t = rand({n}, type);
        const Tensor strided = stack({t, t}, 1).select(1, 0);
        INFO("n " << n);
        const Tensor fused = loss(x, t, reduction), composed = loss(x, strided, reduction);
        CHECK(fused.item<double>() == Approx(composed.item<double>()).epsilon(n > 1000 ? 4 * eps : eps));
        const Tensor want = grad({composed}, {x})[0];
        // A gradient is the difference of two terms of at most the factor, each rounded.
        const double factor = reduction == kMean ? 1 / static_cast<double>(n) : 1;
        CHECK(grad({fused}, {x})[0].allclose(want, eps, .1 * eps * factor));
        CHECK(grad({loss(x, t, reduction)}, {x}, {}, true, true)[0].allclose(want, eps, 1e-9));
      }
  Tensor a = randn({6}, type).requires_grad_(), b = randn({6}, type).requires_grad_();
  mse_loss(a, b).backward();
  CHECK(a.grad().allclose((a - b) / 3, eps, eps));
  CHECK(b.grad().allclose((b - a) / 3, eps, eps));
}

TEST_CASE("extreme logits and sizes of pairs", "[losses]") {
  const Tensor x = tensor({1000., -1000., 1000., -1000., 0.}), t = tensor({1., 0., 0., 1., .5});
  const Tensor each = binary_cross_entropy_with_logits(x, t, {}, {}, kNone);
  CHECK(each.allclose(tensor({0., 0., 1000., 1000., std::log(2.)}), 1e-6, 1e-30));
  CHECK(binary_cross_entropy_with_logits(x, t, {}, {}, kSum).item<double>() == Approx(2000 + std::log(2.)));
  CHECK(std::isnan(binary_cross_entropy_with_logits(tensor({kNan, 1.}), tensor({1., 1.})).item<double>()));
  CHECK(std::isnan(mse_loss(empty({0}), empty({0})).item<double>()));
  CHECK(mse_loss(tensor({kInf}), tensor({1.})).item<double>() == kInf);
  CHECK(mse_loss(randn({3}), randn({3, 1}), kNone).sizes() == IntArrayRef({3, 3}));
  CHECK(mse_loss(randn({3}), randn({3}, kDouble)).scalar_type() == kDouble);
  CHECK_THROWS_WITH(binary_cross_entropy_with_logits(randn({3, 1}), rand({3})),
                    Equals("Target size ([3]) must be the same as input size ([3, 1])"));
  CHECK_THROWS_WITH(mse_loss(randn({3}), randn({4})),
                    Equals("The size of tensor a (3) must match the size of tensor b (4) at "
                           "non-singleton dimension 0"));
  CHECK_THROWS_WITH(mse_loss(arange(3), arange(3)), Equals("\"mse_cpu\" not implemented for 'Long'"));
}

TEST_CASE("layer_norm of rows of every length", "[losses]") {
  manual_seed(4);
  const ScalarType type = GENERATE(kFloat, kDouble);
  const double eps = type == kFloat ? 1e-5 : 1e-13;
  for (int64_t n : {2, 3, 8, 9, 16, 17, 31, 64, 65, 128, 300, 1025}) {
    const int64_t rows = n > 100 ? 40 : 1500;  // several blocks of rows
    const Tensor x = (randn({rows, n}, type) + 3).requires_grad_();
    const Tensor weight = randn({n}, type).requires_grad_(), bias = randn({n}, type).requires_grad_();
    const Tensor dy = randn({rows, n}, type);
    const Tensor y = layer_norm(x, {n}, weight, bias);
    const Tensor mean = x.mean(1, true), variance = x.var(1, false, true);
    const Tensor want = (x - mean) * (variance + 1e-5).rsqrt() * weight + bias;
    INFO("n " << n);
    CHECK(y.allclose(want, eps, eps));
    const auto fused = grad({y}, {x, weight, bias}, {dy});
    const auto plain = grad({want}, {x, weight, bias}, {dy});
    const auto composed =
        grad({layer_norm(x, {n}, weight, bias)}, {x, weight, bias}, {dy}, true, true);
    for (size_t i = 0; i < 3; ++i) {
      CHECK(fused[i].sizes() == plain[i].sizes());
      CHECK(fused[i].allclose(plain[i], 20 * eps, 20 * eps));
      CHECK(composed[i].allclose(plain[i], 20 * eps, 20 * eps));
      CHECK(composed[i].requires_grad());  // of dbias, a sum of dy alone, the derivative is a zero
    }
  }
  CHECK(layer_norm(ones({2, 1}, type) * 7, {1}).equal(zeros({2, 1}, type)));
  CHECK(layer_norm(empty({0, 3}, type), {3}).numel() == 0);
  CHECK(layer_norm(empty({2, 0}, type), {0}).numel() == 0);
  Tensor none = empty({0, 3}, type).requires_grad_(), weight = ones({3}, type).requires_grad_();
  layer_norm(none, {3}, weight).sum().backward();
  CHECK(weight.grad().equal(zeros({3}, type)));
  const Tensor cube = randn({4, 2, 3}, type), scale = randn({2, 3}, type);
  CHECK(layer_norm(cube, {2, 3}, scale)
            .allclose(layer_norm(cube.view({4, 6}), {6}, scale.view({6})).view({4, 2, 3}), eps, eps));
}

TEST_CASE("what layer_norm refuses", "[losses]") {
  const Tensor x = randn({2, 3});
  CHECK_THROWS_WITH(layer_norm(x, {4}), Equals("Given normalized_shape=[4], expected input with shape "
                                               "[*, 4], but got input of size[2, 3]"));
  CHECK_THROWS_WITH(layer_norm(x, {3}, ones({4})),
                    Equals("Expected weight to be of same shape as normalized_shape, but got weight of "
                           "shape [4] and normalized_shape = [3]"));
  CHECK_THROWS_WITH(layer_norm(x, IntArrayRef()),
                    Equals("Expected normalized_shape to be at least 1-dimensional, i.e., containing at "
                           "least one element, but got normalized_shape = []"));
  CHECK_THROWS_WITH(layer_norm(x, {3}, ones({3}, kDouble)),
                    Equals("mixed dtype (CPU): expect parameter to have scalar type of Float"));
  CHECK_THROWS_WITH(layer_norm(arange(6).view({2, 3}), {3}),
                    Equals("\"LayerNormKernelImpl\" not implemented for 'Long'"));
}

TEST_CASE("losses: the same bits for any number of threads", "[losses][threads]") {
  manual_seed(5);
  const Tensor logits = randn({500, 77}), classes = randint(0, 77, {500});
  const Tensor pairs = randn({33333}), wanted = rand({33333});
  const auto run = [&] {
    const Tensor x = logits.detach().requires_grad_(), p = pairs.detach().requires_grad_();
    const Tensor w = ones({77}).requires_grad_(), b = zeros({77}).requires_grad_();
    const Tensor total = cross_entropy_loss(layer_norm(x, {77}, w, b), classes) + mse_loss(p, wanted) +
                         binary_cross_entropy_with_logits(p, wanted, {}, {}, kSum);
    total.backward();
    return bytes(total) + bytes(x.grad()) + bytes(p.grad()) + bytes(w.grad()) + bytes(b.grad());
  };
  testing::check_same_for_any_threads(run);
}

TEST_CASE("gradients of a binary cross entropy have their inputs' dtypes and shapes", "[losses]") {
  const Tensor x = randn({3}, TensorOptions(kFloat).requires_grad(true));
  const Tensor t = rand({3}, TensorOptions(kDouble).requires_grad(true));
  for (const Tensor& weight : {Tensor(), ones({1}, kDouble)}) {
    const Tensor y = binary_cross_entropy_with_logits(x, t, weight);
    CHECK(y.scalar_type() == kDouble);
    const auto gradients = grad({y}, {x, t});
    CHECK(gradients[0].scalar_type() == kFloat);
    CHECK(gradients[1].scalar_type() == kDouble);
  }
  const char* const text = "output with shape [1] doesn't match the broadcast shape [2, 3]";
  const Tensor one = zeros({1}).requires_grad_();
  CHECK_THROWS_WITH(binary_cross_entropy_with_logits(one, zeros({1}), ones({2, 3})), Equals(text));
  CHECK_THROWS_WITH(binary_cross_entropy_with_logits(one, zeros({1}), {}, ones({2, 3})), Equals(text));
}
