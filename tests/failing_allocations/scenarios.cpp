// The trainings whose allocations fail: one for each way of the library that allocates in a step.
#include "tests/failing_allocations/scenarios.h"

namespace failing_allocations {
namespace {

namespace F = nn::functional;

Tensor numbers(IntArrayRef sizes, uint64_t seed) {
  return empty(sizes, kFloat).uniform_(-1, 1, Generator(seed));
}
Tensor ids(int64_t limit, IntArrayRef sizes) { return randint(0, limit, sizes, Generator(3)); }

// A leaf that is trained.
Tensor parameter(Training& training, IntArrayRef sizes) {
  Tensor made = numbers(sizes, training.parameters.size() + 11).requires_grad_();
  training.parameters.push_back(made);
  return made;
}

template <class Optimizer, class Options>
void add_optimizer(Training& training, const std::vector<Tensor>& parameters, Options options) {
  training.optimizers.push_back(std::make_unique<Optimizer>(parameters, options));
  optim::Optimizer* const optimizer = training.optimizers.back().get();
  training.phases.push_back({"step", [optimizer] { optimizer->step(); }});
}

void add_phase(Training& training, const char* name, std::function<void(std::vector<Tensor>&)> run,
               bool repeatable = true) {
  training.phases.push_back(
      {name, [&training, run = std::move(run)] { run(training.results); }, repeatable});
}
void add_backward(Training& training, size_t loss) {
  add_phase(
      training, "backward", [loss](auto& r) { r[loss].backward(); }, false);
}

// Two layers with dropout and a norm between them, as most of them are.
void dense_forward(Training& training) {
  const Tensor x = numbers({5, 6}, 1), y = ids(3, {5});
  const Tensor w1 = parameter(training, {20, 6}), b1 = parameter(training, {20}),
               gain = parameter(training, {20}), shift = parameter(training, {20}),
               w2 = parameter(training, {3, 20}), b2 = parameter(training, {3});
  add_phase(training, "linear", [=](auto& r) { r[0] = linear(x, w1, b1); });
  add_phase(training, "layer_norm", [=](auto& r) { r[1] = layer_norm(r[0], {20}, gain, shift); });
  add_phase(training, "dropout", [=](auto& r) { r[2] = dropout(r[1].relu(), 0.3, true); });
  add_phase(training, "loss", [=](auto& r) { r[3] = F::cross_entropy(linear(r[2], w2, b2), y); });
}

template <class Optimizer, class Options>
void dense(Training& training, Options options) {
  dense_forward(training);
  add_backward(training, 3);
  add_optimizer<Optimizer>(training, training.parameters, options);
}
void dense_sgd(Training& training) { dense<optim::SGD>(training, optim::SGDOptions(0.1)); }
void dense_momentum(Training& training) {
  dense<optim::SGD>(training, optim::SGDOptions(0.1).momentum(0.9).nesterov(true));
}
void dense_adam(Training& training) { dense<optim::Adam>(training, optim::AdamOptions(0.01)); }
void dense_adamw(Training& training) {
  dense<optim::AdamW>(training, optim::AdamWOptions(0.01).amsgrad(true));
}

// Two backwards into the same gradients, the first of which keeps its graph.
void accumulated(Training& training) {
  dense_forward(training);
  add_phase(
      training, "backward that keeps", [](auto& r) { r[3].backward({}, true); }, false);
  add_backward(training, 3);
  add_optimizer<optim::SGD>(training, training.parameters, optim::SGDOptions(0.1));
}

template <class Optimizer>
void embedded(Training& training, bool sparse, double momentum) {
  const Tensor table = parameter(training, {40, 5}), w = parameter(training, {1, 5});
  const Tensor words = ids(40, {6, 4}), wanted = numbers({6, 1}, 2);
  add_phase(training, "embedding",
            [=](auto& r) { r[0] = embedding(table, words, -1, false, sparse).mean(1); });
  add_phase(training, "loss", [=](auto& r) { r[1] = F::mse_loss(linear(r[0], w), wanted); });
  add_backward(training, 1);
  add_optimizer<optim::SGD>(training, {table}, optim::SGDOptions(0.1).momentum(momentum));
  add_optimizer<Optimizer>(training, {w}, 0.1);
}
void embedding_dense(Training& training) { embedded<optim::Adam>(training, false, 0); }
void embedding_sparse(Training& training) { embedded<optim::SGD>(training, true, 0); }
void embedding_momentum(Training& training) { embedded<optim::SGD>(training, true, 0.9); }

// The table twice in one graph: two row-sparse gradients meet in the engine, or one and a dense one.
void embedding_twice(Training& training, bool dense) {
  const Tensor table = parameter(training, {40, 5});
  const Tensor words = ids(40, {6, 4});
  add_phase(training, "loss", [=](auto& r) {
    const Tensor again = dense ? table : embedding(table, words[0], -1, false, true);
    r[0] = embedding(table, words, -1, false, true).square().sum() + again.exp().sum();
  });
  add_backward(training, 0);
  add_optimizer<optim::SGD>(training, {table}, optim::SGDOptions(0.1));
}
void embedding_sums(Training& training) { embedding_twice(training, false); }
void embedding_mixed(Training& training) { embedding_twice(training, true); }

struct Scaled : autograd::Function<Scaled> {
  static autograd::variable_list forward(autograd::AutogradContext* ctx, const Tensor& x,
                                         const Tensor& w, double factor) {
    ctx->saved_data["factor"] = factor;
    const Tensor y = x * w * factor;
    ctx->save_for_backward({x, w, y});
    return {y, y.sum()};
  }
  static autograd::variable_list backward(autograd::AutogradContext* ctx,
                                          autograd::variable_list dy) {
    const autograd::variable_list saved = ctx->get_saved_variables();
    const Tensor d = (dy[0] + dy[1]) * ctx->saved_data["factor"].toDouble();
    return {d * saved[1], (d * saved[0]).sum(0), Tensor()};
  }
};
void custom_function(Training& training) {
  const Tensor x = numbers({5, 30}, 1), w = parameter(training, {30}),
               v = parameter(training, {30});
  add_phase(training, "apply", [=](auto& r) {
    autograd::variable_list y = Scaled::apply(x * v, w, 1.5);
    r[0] = y[0];
    r[1] = y[1];
  });
  add_phase(training, "loss", [](auto& r) { r[2] = r[0].square().mean() + r[1]; });
  add_backward(training, 2);
  add_optimizer<optim::SGD>(training, training.parameters, optim::SGDOptions(0.1));
}

// A penalty on the gradient's norm: a backward through the recorded backward.
void double_backward(Training& training) {
  const Tensor x = numbers({5, 6}, 1), w = parameter(training, {20, 6}),
               v = parameter(training, {1, 20});
  add_phase(training, "forward", [=](auto& r) { r[0] = linear(linear(x, w).tanh(), v).sum(); });
  add_phase(training, "grad", [=](auto& r) {
    autograd::variable_list dx = autograd::grad({r[0]}, {w, v}, {}, true, true);
    r[1] = dx[0];
    r[2] = dx[1];
  });
  add_phase(training, "penalty", [](auto& r) { r[3] = r[1].square().sum() + r[2].norm() + r[0]; });
  add_backward(training, 3);
  add_optimizer<optim::Adam>(training, training.parameters, optim::AdamOptions(0.01));
}

// Hooks on a leaf and on results, and retained gradients.
void hooked(Training& training) {
  const Tensor x = numbers({5, 6}, 1), w = parameter(training, {20, 6}),
               v = parameter(training, {1, 20});
  w.register_hook([](const Tensor& dy) { return dy * 0.5; });
  add_phase(training, "forward", [=](auto& r) { r[0] = linear(x, w).sigmoid(); });
  add_phase(training, "hook",
            [](auto& r) { r[0].register_hook([](const Tensor& dy) { return dy * 0.9; }); });
  add_phase(training, "retain_grad", [](auto& r) { r[0].retain_grad(); });
  add_phase(training, "loss", [=](auto& r) { r[1] = linear(r[0], v).square().mean(); });
  add_backward(training, 1);
  add_phase(training, "gradient of the result",
            [](auto& r) { SIMDGRAD_CHECK(r[0].grad().defined(), "no retained gradient"); });
  add_optimizer<optim::SGD>(training, training.parameters, optim::SGDOptions(0.1));
}

// In-place operations on results and on views of them; lists of tensors; more gradients into one node
// than fit its inline array.
void views_and_lists(Training& training) {
  const Tensor w = parameter(training, {24, 6}), v = parameter(training, {24});
  add_phase(training, "product", [=](auto& r) { r[0] = w * 2; });
  add_phase(
      training, "in place", [](auto& r) { r[0].mul_(0.5); }, false);
  add_phase(
      training, "a view in place", [=](auto& r) { r[0].t().select(0, 2).mul_(v); }, false);
  add_phase(
      training, "rows in place", [=](auto& r) { r[0].slice(0, 0, 8).add_(w.slice(0, 8, 16)); },
      false);
  add_phase(training, "split", [](auto& r) {
    r[1] = cat(r[0].split(1), 1);
    r[2] = stack(r[0].unbind(1));
  });
  add_phase(training, "index", [](auto& r) {
    r[3] = r[2].index({indexing::Slice(), tensor({1, 3, 3})}).max(std::get<0>(r[1].max(1)).sum());
  });
  add_phase(training, "loss",
            [](auto& r) { r[4] = r[1].square().sum() + r[3].logsumexp(0).sum(); });
  add_backward(training, 4);
  add_optimizer<optim::SGD>(training, training.parameters, optim::SGDOptions(0.01));
}

// A backward inside a backward, through a graph that both share.
struct Reentrant : autograd::Function<Reentrant> {
  static Tensor forward(autograd::AutogradContext* ctx, const Tensor& x, const Tensor& leaf,
                        const Tensor& shared) {
    ctx->saved_data["leaf"] = leaf;
    ctx->saved_data["shared"] = shared;
    return x * 1;
  }
  static autograd::variable_list backward(autograd::AutogradContext* ctx,
                                          autograd::variable_list dy) {
    const AutoGradMode recorded(true);
    const Tensor y = ctx->saved_data["shared"].toTensor().sum();
    const Tensor dx = autograd::grad({y}, {ctx->saved_data["leaf"].toTensor()}, {}, true)[0];
    return {dy[0] * dx.detach(), Tensor(), Tensor()};
  }
};
void reentrant(Training& training) {
  const Tensor w = parameter(training, {24});
  add_phase(training, "forward", [=](auto& r) {
    r[0] = w.exp();
    r[1] = (Reentrant::apply(w * 3, w, r[0]) * r[0]).sum();
  });
  add_backward(training, 1);
  add_optimizer<optim::SGD>(training, training.parameters, optim::SGDOptions(0.01));
}

// Every kind of in-place operation, on a result or on a view of one.
struct InPlace {
  const char* name;
  void (*run)(Tensor& x, const Tensor& other);  // both [6, 4]
};
const InPlace kInPlace[] = {
    {"tanh_", [](Tensor& x, const Tensor&) { x.tanh_(); }},
    {"relu_", [](Tensor& x, const Tensor&) { x.relu_(); }},
    {"add_", [](Tensor& x, const Tensor& other) { x.add_(other, 2); }},
    {"add_ of a row", [](Tensor& x, const Tensor& other) { x.add_(other[2]); }},
    {"add_ of a number", [](Tensor& x, const Tensor&) { x.add_(3); }},
    {"mul_", [](Tensor& x, const Tensor& other) { x.mul_(other); }},
    {"div_", [](Tensor& x, const Tensor& other) { x.div_(other.exp()); }},
    {"pow_", [](Tensor& x, const Tensor&) { x.pow_(2); }},
    {"square_", [](Tensor& x, const Tensor&) { x.square_(); }},
    {"clamp_", [](Tensor& x, const Tensor&) { x.clamp_(-0.5, 0.5); }},
    {"masked_fill_", [](Tensor& x, const Tensor& other) { x.masked_fill_(other > 0, 2); }},
    {"masked_fill_ of a tensor",
     [](Tensor& x, const Tensor& other) { x.masked_fill_(other > 0, other.sum()); }},
    {"copy_", [](Tensor& x, const Tensor& other) { x.copy_(other); }},
    {"fill_", [](Tensor& x, const Tensor&) { x.fill_(0.5); }},
    {"fill_ of a tensor", [](Tensor& x, const Tensor& other) { x.fill_(other.sum()); }},
    {"zero_", [](Tensor& x, const Tensor&) { x.zero_(); }},
    {"index_put_",
     [](Tensor& x, const Tensor& other) {
       x.index_put_({tensor({1, 3})}, other.slice(0, 0, 2));
     }},
    {"index_add_",
     [](Tensor& x, const Tensor& other) {
       x.index_add_(0, tensor({1, 1}), other.slice(0, 0, 2));
     }},
    {"scatter_add_",
     [](Tensor& x, const Tensor& other) {
       x.scatter_add_(0, tensor({{1, 0, 1, 2}}), other);
     }},
    {"uniform_", [](Tensor& x, const Tensor&) { x.uniform_(); }},
    {"normal_", [](Tensor& x, const Tensor&) { x.normal_(); }},
    {"bernoulli_", [](Tensor& x, const Tensor&) { x.bernoulli_(0.4); }},
    {"random_", [](Tensor& x, const Tensor&) { x.random_(5); }},
};
Tensor part(const Tensor& x, int64_t step) { return x.slice(0, 0, 6).slice(1, 0, 4 * step, step); }
void in_place(Training& training, bool view) {
  const Tensor w = parameter(training, {12, 8}), other = parameter(training, {6, 4});
  for (const InPlace& operation : kInPlace) {
    add_phase(training, "a result", [=](auto& r) { r[0] = (view ? w : part(w, 1)) * 1.5; });
    add_phase(training, operation.name, [=](auto& r) {
      Tensor x = view ? part(r[0], 2) : r[0];
      operation.run(x, other);
    });
    add_phase(training, "sum", [=](auto& r) {
      const Tensor sum = r[0].sum();
      r[1] = r[1].defined() ? r[1] + sum : sum;
    });
  }
  add_backward(training, 1);
  add_optimizer<optim::SGD>(training, training.parameters, optim::SGDOptions(0.01));
}
void in_place_whole(Training& training) { in_place(training, false); }
void in_place_view(Training& training) { in_place(training, true); }

// Draws of every kind, each a phase of its own.
void random_numbers(Training& training) {
  const Tensor w = parameter(training, {40});
  const auto draw = [&](const char* name, Tensor (*make)()) {
    add_phase(training, name, [=](auto& r) {
      const Tensor drawn = make().to(kFloat).sum();
      r[0] = r[0].defined() ? r[0] + drawn : drawn;
    });
  };
  draw("rand", [] { return rand({40}); });
  draw("randn", [] { return randn({40}); });
  draw("randint", [] { return randint(0, 9, {40}); });
  draw("randperm", [] { return randperm(40); });
  draw("bernoulli", [] { return empty({40}).bernoulli_(0.3); });
  draw("normal_ in place", [] { return empty({40, 2}).t().normal_(); });
  add_phase(training, "dropout", [=](auto& r) { r[1] = dropout(w, 0.5, true) * r[0]; });
  add_phase(training, "loss", [](auto& r) { r[2] = r[1].square().mean(); });
  add_backward(training, 2);
  add_optimizer<optim::SGD>(training, training.parameters, optim::SGDOptions(0.001));
}

}  // namespace

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all = {
      {"dense, SGD", dense_sgd},
      {"dense, momentum", dense_momentum},
      {"dense, Adam", dense_adam},
      {"dense, AdamW with amsgrad", dense_adamw},
      {"two backwards into one gradient", accumulated},
      {"embedding, dense gradient", embedding_dense},
      {"embedding, row-sparse gradient", embedding_sparse},
      {"embedding, row-sparse with momentum", embedding_momentum},
      {"embedding, row-sparse gradients that meet", embedding_sums},
      {"embedding, a row-sparse and a dense gradient", embedding_mixed},
      {"a function of one's own", custom_function},
      {"double backward", double_backward},
      {"hooks", hooked},
      {"views and lists", views_and_lists},
      {"in place on a result", in_place_whole},
      {"in place on a view", in_place_view},
      {"a backward in a backward", reentrant},
      {"random numbers", random_numbers},
  };
  return all;
}

}  // namespace failing_allocations
