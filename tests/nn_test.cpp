// Modules: names, order, printing, clones, modes, conversions; containers; functions and losses.
// What printing and errors must say was asked of libtorch.

#include <simdgrad/simdgrad.h>

#include <cmath>
#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/catch.h"

using namespace simdgrad;
namespace F = simdgrad::nn::functional;

namespace nets {

struct Inner : nn::Module {
  Inner() : fc(register_module("fc", nn::Linear(2, 2))) {}
  Tensor forward(const Tensor& x) { return fc(x); }
  nn::Linear fc;
};

// Parameters of its own, a frozen one, one that is not there, a buffer, layers, a module without a
// holder.
struct Net : nn::Module {
  Net() {
    b = register_parameter("b", ones({1}));
    l1 = register_module("l1", nn::Linear(2, 3));
    a = register_parameter("a", ones({1}));
    frozen = register_parameter("frozen", ones({1}), false);
    none = register_parameter("none", {}, false);
    seq = register_module("seq", nn::Sequential(nn::Linear(3, 3), nn::ReLU(), nn::Dropout(0.2)));
    in = register_module("in", std::make_shared<Inner>());
    buf = register_buffer("buf", arange(3));
  }
  Tensor forward(const Tensor& x) { return seq->forward(l1(x)); }
  Tensor a, b, frozen, none, buf;
  nn::Linear l1{nullptr};
  nn::Sequential seq{nullptr};
  std::shared_ptr<Inner> in;
};

struct Copyable : nn::Cloneable<Copyable> {
  Copyable() { reset(); }
  void reset() override {
    scale = register_parameter("scale", ones({2}));
    count = register_buffer("count", zeros({}, kLong));
    layer = register_module("layer", nn::Linear(2, 2));
  }
  Tensor forward(const Tensor& x) { return layer(x) * scale; }
  Tensor scale, count;
  nn::Linear layer{nullptr};
};

// A child with plain members beside its parameters, held by a pointer.
struct Counting : nn::Cloneable<Counting> {
  Counting() { reset(); }
  void reset() override { scale = register_parameter("scale", ones({2})); }
  Tensor scale;
  int calls = 0;
  std::string label = "new";
};
struct Holder : nn::Cloneable<Holder> {
  Holder() { reset(); }
  void reset() override { child = register_module("child", std::make_shared<Counting>()); }
  std::shared_ptr<Counting> child;
};
// One child more with every reset().
struct Growing : nn::Cloneable<Growing> {
  void reset() override {
    for (int i = 0; i < count; ++i) register_module(std::to_string(i), nn::ReLU());
    ++count;
  }
  static inline int count = 1;
};

}  // namespace nets

namespace {

template <class T>
std::string printed(const T& value) {
  std::ostringstream out;
  const auto flags = out.flags();
  out << value;
  CHECK(out.flags() == flags);
  return out.str();
}

// Not inlined: at -O1 g++ warns of the null pointer that it then sees.
[[gnu::noinline]] void forward_ones(nn::Linear layer) { layer->forward(ones({2})); }

template <class Call>
std::string error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

template <class Dict>
std::string keys_of(const Dict& dict) {
  std::string keys;
  for (const auto& item : dict) keys += (keys.empty() ? "" : " ") + ("[" + item.key() + "]");
  return keys;
}

bool same(const Tensor& a, const Tensor& b) { return allclose(a, b, 0, 0); }

}  // namespace

TEST_CASE("parameters, buffers and modules come in the order of registration") {
  const auto net = std::make_shared<nets::Net>();
  CHECK(keys_of(net->named_parameters()) ==
        "[b] [a] [frozen] [l1.weight] [l1.bias] [seq.0.weight] [seq.0.bias] [in.fc.weight] "
        "[in.fc.bias]");
  CHECK(keys_of(net->named_parameters(false)) == "[b] [a] [frozen]");
  CHECK(keys_of(net->named_buffers()) == "[buf]");
  CHECK(keys_of(net->named_modules()) ==
        "[] [l1] [seq] [seq.0] [seq.1] [seq.2] [in] [in.fc]");
  CHECK(keys_of(net->named_modules("x")) ==
        "[x] [x.l1] [x.seq] [x.seq.0] [x.seq.1] [x.seq.2] [x.in] [x.in.fc]");
  CHECK(keys_of(net->named_children()) == "[l1] [seq] [in]");
  CHECK(net->parameters().size() == 9);
  CHECK(net->modules(false).size() == 7);
  CHECK(net->children().size() == 3);
  CHECK_FALSE(net->named_parameters()["frozen"].requires_grad());
  CHECK(net->named_parameters()["l1.weight"].is_same(net->l1->weight));
  CHECK(net->named_parameters()["a"].is_leaf());
  std::string visited;
  net->apply([&](const std::string& name, nn::Module&) { visited += "[" + name + "]"; });
  CHECK(visited == "[][l1][seq][seq.0][seq.1][seq.2][in][in.fc]");
  CHECK(net->name() == "nets::Net");
  CHECK(net->l1->name() == "torch::nn::LinearImpl");
  CHECK(net->seq->name() == "torch::nn::SequentialImpl");
}

TEST_CASE("refusals of a module") {
  const auto net = std::make_shared<nets::Net>();
  CHECK(error_of([&] { net->named_parameters()["zz"]; }) == "Parameter 'zz' is not defined");
  CHECK(error_of([&] { net->register_module("l1", nn::ReLU()); }) ==
        "Submodule 'l1' already defined");
  CHECK(error_of([&] { net->register_module("a.b", nn::ReLU()); }) ==
        "Submodule name must not contain a dot (got 'a.b')");
  CHECK(error_of([&] { net->register_module("", nn::ReLU()); }) ==
        "Submodule name must not be empty");
  CHECK(error_of([&] { net->register_buffer("buf", ones({1})); }) ==
        "Buffer 'buf' already defined");
  CHECK(net->children().size() == 3);
  CHECK(error_of([&] { net->clone(); }) ==
        "clone() has not been implemented for nets::Net. Subclass torch::nn::Cloneable<nets::Net> "
        "instead of torch::nn::Module to inherit the ability to clone.");
  CHECK(error_of([] { forward_ones(nn::Linear(nullptr)); }) ==
        "Accessing empty ModuleHolder");
  CHECK(nn::Linear(nullptr).is_empty());
  // A module below itself would be walked for ever.
  CHECK(error_of([&] { net->register_module("me", net); }) ==
        "register_module: 'me' is the module itself, which cannot be below itself");
  CHECK(error_of([&] { net->in->register_module("up", net); }) ==
        "register_module: 'up' is a module above this one, which cannot be below itself");
  CHECK(error_of([&] { net->in->replace_module("fc", net); }) ==
        "replace_module: 'fc' is a module above this one, which cannot be below itself");
  CHECK(net->in->children().size() == 1);
  nets::Growing growing;
  growing.reset();
  CHECK(error_of([&] { growing.clone(); }) ==
        "The cloned module does not have the same number of child modules as the original module after "
        "calling reset(). Are you sure you called register_module() inside reset() and not the "
        "constructor?");
  nets::Net on_the_stack;
  CHECK_THAT(error_of([&] { on_the_stack.modules(); }),
             StartsWith("It looks like you attempted to retrieve your top-level module"));
  CHECK(on_the_stack.modules(false).size() == 7);
}

TEST_CASE("modules print as in libtorch") {
  using namespace nn;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {printed(Linear(4, 5)), "torch::nn::Linear(in_features=4, out_features=5, bias=true)"},
      {printed(Linear(LinearOptions(4, 5).bias(false))),
       "torch::nn::Linear(in_features=4, out_features=5, bias=false)"},
      {printed(Embedding(10, 3)), "torch::nn::Embedding(num_embeddings=10, embedding_dim=3)"},
      {printed(Embedding(EmbeddingOptions(10, 3).padding_idx(-1))),
       "torch::nn::Embedding(num_embeddings=10, embedding_dim=3, padding_idx=9)"},
      {printed(Embedding(
           EmbeddingOptions(10, 3).max_norm(2).norm_type(3).scale_grad_by_freq(true).sparse(true))),
       "torch::nn::Embedding(num_embeddings=10, embedding_dim=3, max_norm=2, norm_type=3, "
       "scale_grad_by_freq=true, sparse=true)"},
      {printed(Dropout()), "torch::nn::Dropout(p=0.5, inplace=false)"},
      {printed(Dropout(DropoutOptions().p(0.25).inplace(true))),
       "torch::nn::Dropout(p=0.25, inplace=true)"},
      {printed(LayerNorm(LayerNormOptions({4}))),
       "torch::nn::LayerNorm([4], eps=1e-05, elementwise_affine=true)"},
      {printed(LayerNorm(LayerNormOptions({3, 4}).eps(1e-6).elementwise_affine(false))),
       "torch::nn::LayerNorm([3, 4], eps=1e-06, elementwise_affine=false)"},
      {printed(ReLU()), "torch::nn::ReLU()"},
      {printed(ReLU(ReLUOptions(true))), "torch::nn::ReLU(inplace=true)"},
      {printed(GELU(GELUOptions().approximate("tanh"))), "torch::nn::GELU()"},
      {printed(Softplus()), "torch::nn::Softplus(beta=1, threshold=20)"},
      {printed(Softplus(SoftplusOptions().beta(2.5).threshold(10))),
       "torch::nn::Softplus(beta=2.5, threshold=10)"},
      {printed(Tanh()), "torch::nn::Tanh()"},
      {printed(Sigmoid()), "torch::nn::Sigmoid()"},
      {printed(Softmax(1)), "torch::nn::Softmax(dim=1)"},
      {printed(LogSoftmax(1)), "torch::nn::LogSoftmax(dim=1)"},
      {printed(Flatten()), "torch::nn::Flatten(start_dim=1, end_dim=-1)"},
      {printed(Identity()), "torch::nn::Identity()"},
      {printed(CrossEntropyLoss()), "torch::nn::CrossEntropyLoss()"},
      {printed(NLLLoss()), "torch::nn::NLLLoss()"},
      {printed(MSELoss()), "torch::nn::MSELoss()"},
      {printed(BCEWithLogitsLoss()), "torch::nn::BCEWithLogitsLoss()"},
      {printed(Functional([](Tensor x) { return x.relu(); })), "torch::nn::Functional()"},
      {printed(Sequential()), "torch::nn::Sequential"},
      {printed(Sequential({{"first", Linear(2, 3)}, {"act", ReLU()}})),
       "torch::nn::Sequential(\n"
       "  (first): torch::nn::Linear(in_features=2, out_features=3, bias=true)\n"
       "  (act): torch::nn::ReLU()\n"
       ")"},
      {printed(*std::make_shared<nets::Net>()),
       "nets::Net(\n"
       "  (l1): torch::nn::Linear(in_features=2, out_features=3, bias=true)\n"
       "  (seq): torch::nn::Sequential(\n"
       "    (0): torch::nn::Linear(in_features=3, out_features=3, bias=true)\n"
       "    (1): torch::nn::ReLU()\n"
       "    (2): torch::nn::Dropout(p=0.2, inplace=false)\n"
       "  )\n"
       "  (in): nets::Inner(\n"
       "    (fc): torch::nn::Linear(in_features=2, out_features=2, bias=true)\n"
       "  )\n"
       ")"},
  };
  for (const auto& [ours, expected] : cases) CHECK(ours == expected);
}

TEST_CASE("a clone shares nothing with its model") {
  const auto model = std::make_shared<nets::Copyable>();
  model->layer->weight.mutable_grad() = ones({2, 2});
  model->eval();
  const auto copy = std::dynamic_pointer_cast<nets::Copyable>(model->clone());
  REQUIRE(copy);
  CHECK(keys_of(copy->named_parameters()) == keys_of(model->named_parameters()));
  for (size_t i = 0; i < copy->parameters().size(); ++i) {
    const Tensor mine = copy->parameters()[i], theirs = model->parameters()[i];
    CHECK(same(mine, theirs));
    CHECK_FALSE(mine.is_alias_of(theirs));
    CHECK(mine.requires_grad());
    CHECK(mine.is_leaf());
  }
  CHECK(copy->scale.is_same(copy->parameters()[0]));
  CHECK(copy->layer->weight.is_same(copy->named_parameters()["layer.weight"]));
  CHECK_FALSE(copy->is_training());
  const Tensor x = rand({3, 2});
  const Tensor before = model->forward(x).detach();
  {
    const NoGradGuard no_grad;
    for (Tensor parameter : copy->parameters()) parameter.add_(1);
    copy->count.add_(1);
  }
  CHECK(same(model->forward(x), before));
  CHECK(model->count.item<int64_t>() == 0);

  nn::Sequential sequence(nn::Linear(2, 3), nn::Tanh());
  const auto twin = std::dynamic_pointer_cast<nn::SequentialImpl>(sequence->clone());
  CHECK(same(twin->forward(x), sequence->forward(x)));
  CHECK_FALSE(twin->parameters()[0].is_alias_of(sequence->parameters()[0]));

  // The child's plain members are its own, and the parent's pointer shows the cloned child.
  nets::Holder holder;
  holder.child->calls = 7;
  holder.child->label = "seen";
  const auto held = std::dynamic_pointer_cast<nets::Holder>(holder.clone());
  CHECK(held->child != holder.child);
  CHECK(held->child.get() == held->children()[0].get());
  CHECK(held->child->calls == 7);
  CHECK(held->child->label == "seen");
  CHECK_FALSE(held->child->scale.is_alias_of(holder.child->scale));
  CHECK(held->child->scale.is_same(held->parameters()[0]));

  // Also where the weight came from outside.
  const Tensor rows = rand({4, 2});
  nn::Embedding given(nn::EmbeddingOptions(4, 2)._weight(rows));
  const auto other = std::dynamic_pointer_cast<nn::EmbeddingImpl>(given->clone());
  CHECK(same(other->weight, rows));
  CHECK_FALSE(other->weight.is_alias_of(given->weight));
  CHECK(given->weight.is_alias_of(rows));
  nn::CrossEntropyLoss weighted(nn::CrossEntropyLossOptions().weight(ones({3})));
  const auto doubled = std::dynamic_pointer_cast<nn::CrossEntropyLossImpl>(weighted->clone());
  doubled->to(kDouble);
  CHECK(weighted->weight.dtype() == kFloat);
}

TEST_CASE("modes, conversions and gradients reach the whole tree") {
  const auto net = std::make_shared<nets::Net>();
  CHECK(net->is_training());
  net->eval();
  for (const auto& module : net->modules()) CHECK_FALSE(module->is_training());
  net->in->train();
  CHECK(net->in->fc->is_training());
  CHECK_FALSE(net->is_training());
  net->train();
  for (const auto& module : net->modules()) CHECK(module->is_training());

  const Tensor weight = net->l1->weight;
  net->to(kDouble);
  for (const Tensor& parameter : net->parameters()) CHECK(parameter.dtype() == kDouble);
  CHECK(net->buf.dtype() == kDouble);  // integers too, as libtorch does
  CHECK(net->l1->weight.is_same(weight));
  CHECK(weight.is_leaf());
  net->forward(ones({1, 2}, kDouble)).sum().backward();
  CHECK(weight.grad().dtype() == kDouble);

  net->zero_grad(false);
  CHECK(same(weight.grad(), zeros({3, 2}, kDouble)));
  net->zero_grad();
  CHECK_FALSE(weight.grad().defined());
}

TEST_CASE("a conversion that is refused converts nothing") {
  const auto net = std::make_shared<nets::Net>();
  CHECK(error_of([&] { net->to(kChar); }) ==
        "data set to a tensor that requires gradients must be floating point or complex dtype");
  for (const Tensor& parameter : net->parameters()) CHECK(parameter.scalar_type() == kFloat);
  CHECK(net->buf.scalar_type() == kLong);
  const auto apply = [&](auto f) { return error_of([&] { net->apply(f); }); };
  CHECK(apply(std::function<void(nn::Module&)>()) == "apply: got an empty function");
  CHECK(apply(std::function<void(const std::string&, nn::Module&)>()) == "apply: got an empty function");
  CHECK(error_of([] { nn::Functional(nn::FunctionalImpl::Function()); }) ==
        "Functional: got an empty function");
  const int64_t smallest = std::numeric_limits<int64_t>::min();
  CHECK(error_of([&] { nn::Embedding(nn::EmbeddingOptions(smallest, 2).padding_idx(smallest)); }) ==
        "Padding_idx must be within num_embeddings");
}

TEST_CASE("Sequential") {
  nn::Sequential model(nn::Linear(2, 3), nn::ReLU());
  model->push_back(nn::Linear(3, 1));
  model->push_back("act", nn::Sigmoid());
  CHECK(model->size() == 4);
  CHECK(keys_of(model->named_children()) == "[0] [1] [2] [act]");
  const Tensor x = rand({5, 2});
  CHECK(same(model->forward(x),
             sigmoid(F::linear(relu(F::linear(x, model->at<nn::LinearImpl>(0).weight,
                                              model->at<nn::LinearImpl>(0).bias)),
                               model->at<nn::LinearImpl>(2).weight,
                               model->at<nn::LinearImpl>(2).bias))));
  CHECK(same(model(x), model->forward(x)));
  CHECK(model[1]->as<nn::ReLU>() != nullptr);
  CHECK(model[1]->as<nn::Linear>() == nullptr);
  CHECK(model->ptr(0)->parameters().size() == 2);
  CHECK(error_of([&] { model->at<nn::LinearImpl>(9); }) == "Index out of range");
  CHECK_THAT(error_of([&] { model->at<nn::ReLUImpl>(0); }), StartsWith("Attempted to cast module"));
  CHECK(error_of([] { nn::Sequential()->forward(ones({1})); }) ==
        "Cannot call forward() on an empty Sequential");
  // A refused module leaves the container as it was.
  CHECK(error_of([&] { model->push_back("act", nn::ReLU()); }) ==
        "Submodule 'act' already defined");
  CHECK(model->size() == 4);
  CHECK(model->children().size() == 4);
  // Modules of users, functions, and one that takes two tensors first.
  struct Sum : nn::Module {
    Tensor forward(const Tensor& a, const Tensor& b) { return a + b; }
  };
  nn::Sequential sum(std::make_shared<Sum>(), nn::Functional([](Tensor y) { return y * 2; }),
                     nn::Functional(log_softmax, 0, std::nullopt));
  CHECK(same(sum->forward(ones({2}), ones({2})), log_softmax(full({2}, 4.f), 0)));
  CHECK_THAT(error_of([&] { sum->forward(ones({2})); }), ContainsSubstring("expects 2 argument"));
}

TEST_CASE("Embedding: padding, given weights, norms") {
  nn::Embedding padded(nn::EmbeddingOptions(5, 2).padding_idx(-1));
  CHECK(padded->options.padding_idx() == 4);
  CHECK(same(padded->weight[4], zeros({2})));
  padded(tensor({4, 1, 4})).sum().backward();
  CHECK(same(padded->weight.grad().index({tensor({1, 4})}), tensor({{1., 1.}, {0., 0.}})));

  const Tensor rows = arange(8).to(kFloat).view({4, 2});
  auto frozen = nn::Embedding::from_pretrained(rows);
  CHECK_FALSE(frozen->weight.requires_grad());
  CHECK(same(frozen->forward(tensor({3, 0})), tensor({{6., 7.}, {0., 1.}})));
  const auto free = nn::Embedding::from_pretrained(
      rows.clone(), nn::EmbeddingFromPretrainedOptions().freeze(false));
  CHECK(free->weight.requires_grad());
  CHECK(error_of([] { nn::Embedding::from_pretrained(ones({2})); }) ==
        "Embeddings parameter is expected to be 2-dimensional");

  // A weight that is a view trains through to what it views; one with a history stays a non-leaf.
  nn::Linear linear(nn::LinearOptions(4, 5).bias(false));
  nn::Embedding tied(nn::EmbeddingOptions(4, 5)._weight(linear->weight.numpy_T().detach()));
  CHECK(tied->weight.is_leaf());
  CHECK(tied->weight.is_alias_of(linear->weight));
  const Tensor before = linear->weight.detach().clone();
  tied(tensor({2})).sum().backward();
  optim::SGD(tied->parameters(), 1.0).step();
  CHECK(same(linear->weight, before - tied->weight.grad().t()));
  nn::Embedding grown(nn::EmbeddingOptions(4, 5)._weight(linear->weight.numpy_T()));
  CHECK_FALSE(grown->weight.is_leaf());

  nn::Embedding capped(nn::EmbeddingOptions(3, 2)._weight(full({3, 2}, 3.f)).max_norm(1.0));
  const Tensor looked_up = capped(tensor({1, 1}));
  CHECK(looked_up.norm(2, 1)[0].item<double>() == Approx(1).epsilon(1e-5));
  CHECK(same(capped->weight.detach()[0], full({2}, 3.f)));
  const Tensor functional = F::embedding(tensor({0}), capped->weight.detach(),
                                         F::EmbeddingFuncOptions().max_norm(2).norm_type(1));
  CHECK(functional.abs().sum().item<double>() == Approx(2).epsilon(1e-5));
}

TEST_CASE("nn::functional and losses take libtorch's options") {
  const Tensor x = tensor({{1., 2., 3.}, {0., -1., 4.}}).requires_grad_(true);
  const Tensor ids = tensor({2, 0});
  const Tensor weight = tensor({1., 2., 3.});

  const auto loss = [](const Tensor& value) { return value.item<double>(); };
  const Tensor first = x.detach();
  using Cross = F::CrossEntropyFuncOptions;
  CHECK(loss(F::cross_entropy(first, ids)) ==
        Approx(loss(-(log_softmax(first, 1)[0][2] + log_softmax(first, 1)[1][0]) / 2)));
  for (const Reduction reduction : {kNone, kMean, kSum}) {
    const auto cross = Cross().weight(weight).label_smoothing(0.2).reduction(reduction);
    CHECK(same(nn::CrossEntropyLoss(cross)(x, ids), F::cross_entropy(x, ids, cross)));
    const auto nll = F::NLLLossFuncOptions().weight(weight).ignore_index(0).reduction(reduction);
    const Tensor log_p = log_softmax(x, 1);
    CHECK(same(nn::NLLLoss(nll)(log_p, ids), F::nll_loss(log_p, ids, nll)));
    CHECK(same(nn::MSELoss(reduction)(x, x * 2), F::mse_loss(x, x * 2, reduction)));
    const Tensor targets = sigmoid(first);
    const auto binary = F::BinaryCrossEntropyWithLogitsFuncOptions().pos_weight(weight).reduction(
        reduction);
    CHECK(same(nn::BCEWithLogitsLoss(binary)(x, targets),
               F::binary_cross_entropy_with_logits(x, targets, binary)));
  }
  CHECK(F::mse_loss(x, x * 2, kNone).sizes() == IntArrayRef({2, 3}));
  CHECK(loss(F::mse_loss(x, x * 2, kSum)) == Approx(loss(x.pow(2).sum())));
  nn::CrossEntropyLoss criterion(Cross().weight(weight));
  CHECK(keys_of(criterion->named_buffers()) == "[weight]");
  criterion->to(kDouble);
  CHECK(criterion->weight.dtype() == kDouble);

}

TEST_CASE("functional forms follow their modules") {
  const Tensor x = tensor({{-1., 0.5, 2.}, {0., -3., 4.}});
  CHECK(same(F::gelu(x), gelu(x)));
  CHECK(same(F::gelu(x, F::GELUFuncOptions().approximate("tanh")), gelu(x, "tanh")));
  CHECK(same(F::softplus(x, F::SoftplusFuncOptions().beta(2)), softplus(x, 2)));
  CHECK(same(F::silu(x), x * sigmoid(x)));
  CHECK(F::softmax(x, F::SoftmaxFuncOptions(1).dtype(kDouble)).dtype() == kDouble);
  CHECK(same(F::log_softmax(x, 0), log_softmax(x, 0)));
  CHECK(F::one_hot(tensor({0, 2})).sizes() == IntArrayRef({2, 3}));
  CHECK(same(F::layer_norm(x, F::LayerNormFuncOptions({3})),
             nn::LayerNorm(nn::LayerNormOptions({3}))(x)));
  Tensor changed = x.clone();
  CHECK(F::relu(changed, F::ReLUFuncOptions(true)).is_same(changed));
  CHECK(same(changed, relu(x)));

  CHECK(F::dropout(x, F::DropoutFuncOptions().training(false)).is_same(x));
  manual_seed(1);
  const Tensor dropped = F::dropout(x);
  manual_seed(1);
  Tensor in_place = x.clone();
  F::dropout(in_place, F::DropoutFuncOptions().inplace(true));
  CHECK(same(in_place, dropped));
  nn::Dropout dropout(0.5);
  dropout->eval();
  CHECK(dropout(x).is_same(x));
}
