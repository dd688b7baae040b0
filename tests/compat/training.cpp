// A training program as written for libtorch: prints a line per model and step, "MODEL STEP LOSS".
// It compiles unchanged against libtorch and against simdgrad::torch_compat. tests/compat_test.cpp
// holds what it prints to what libtorch's build of it printed (tests/data/training_losses.txt).

#include <torch/torch.h>

#include <cmath>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace F = torch::nn::functional;

// A classifier of bags of words: an embedding, its mean, two layers, dropout between them.
struct BagOfWordsOptions {
  BagOfWordsOptions(int64_t words, int64_t classes) : words_(words), classes_(classes) {}
  TORCH_ARG(int64_t, words);
  TORCH_ARG(int64_t, classes);
  TORCH_ARG(int64_t, width) = 8;
  TORCH_ARG(bool, sparse) = false;
};

struct BagOfWordsImpl : torch::nn::Module {
  explicit BagOfWordsImpl(const BagOfWordsOptions& options)
      : embedding(register_module(
            "embedding",
            torch::nn::Embedding(torch::nn::EmbeddingOptions(options.words(), options.width())
                                     .padding_idx(0)
                                     .sparse(options.sparse())))),
        hidden(register_module("hidden", torch::nn::Linear(options.width(), 16))),
        dropout(register_module("dropout", torch::nn::Dropout(0.1))),
        output(register_module("output", torch::nn::Linear(16, options.classes()))) {
    scale = register_parameter("scale", torch::ones({1}));
    register_buffer("steps", torch::zeros({}, torch::kLong));
  }

  torch::Tensor forward(const torch::Tensor& ids) {
    TORCH_CHECK(ids.dim() == 2, "expected [batch, words], got ", ids.sizes());
    torch::Tensor x = embedding(ids).mean(1) * scale;
    x = torch::relu(hidden->forward(x));
    return output(dropout(x));
  }

  torch::nn::Embedding embedding{nullptr};
  torch::nn::Linear hidden{nullptr};
  torch::nn::Dropout dropout;
  torch::nn::Linear output{nullptr};
  torch::Tensor scale;
};
TORCH_MODULE(BagOfWords);

void report(const std::string& model, int step, const torch::Tensor& loss) {
  std::printf("%s %d %.8f\n", model.c_str(), step, loss.item<double>());
}

// A perceptron on random clusters.
void train_perceptron(torch::Device device) {
  torch::manual_seed(1);
  torch::nn::Sequential model(torch::nn::Linear(6, 32), torch::nn::ReLU(),
                              torch::nn::Linear(32, 16), torch::nn::Tanh(),
                              torch::nn::Linear(16, 4));
  model->to(device);
  torch::optim::Adam optimizer(model->parameters(),
                               torch::optim::AdamOptions(1e-2).betas({0.9, 0.99}));
  const torch::Tensor centres = torch::rand({4, 6}) * 4 - 2;
  for (int step = 0; step < 40; ++step) {
    const auto labels = torch::randint(0, 4, {32}, torch::TensorOptions().dtype(torch::kInt64));
    const auto images = (centres.index_select(0, labels) + torch::rand({32, 6})).to(device);
    optimizer.zero_grad();
    const torch::Tensor loss = F::cross_entropy(model->forward(images), labels);
    loss.backward();
    optimizer.step();
    report("perceptron", step, loss);
  }
  model->eval();
  torch::NoGradGuard no_grad;
  const torch::Tensor predicted = model->forward(centres + 0.5).argmax(1);
  report("perceptron_right", 40, predicted.eq(torch::arange(4)).to(torch::kFloat).mean());
}

// Bags of words: which of three groups of words a text is made of.
template <class Optimizer, class Options>
void train_bags(const std::string& name, Options options, bool sparse) {
  torch::manual_seed(2);
  BagOfWords model(BagOfWordsOptions(30, 3).sparse(sparse));
  model->train();
  Optimizer optimizer(model->parameters(), options);
  torch::nn::CrossEntropyLoss criterion(
      torch::nn::CrossEntropyLossOptions().label_smoothing(0.05).weight(
          torch::tensor({1.0, 0.5, 2.0})));
  for (int step = 0; step < 30; ++step) {
    const torch::Tensor labels = torch::randint(3, {16}, torch::kLong);
    torch::Tensor ids = torch::randint(10, {16, 5}, torch::kLong) + labels.unsqueeze(1) * 10;
    ids.index_put_({torch::indexing::Slice(), 4}, 0);
    model->zero_grad();
    const torch::Tensor loss = criterion(model(ids), labels);
    loss.backward();
    optimizer.step();
    report(name, step, loss);
  }
  double norm = 0;
  for (const auto& parameter : model->named_parameters()) {
    norm += parameter.value().norm().item<double>();
  }
  report(name + "_norms", 30, torch::tensor(norm));
}

// A line through points, by SGD on a closure, with a step of the rate by hand.
void fit_line() {
  torch::manual_seed(3);
  auto model = std::make_shared<torch::nn::LinearImpl>(3, 1);
  torch::optim::SGD optimizer(
      model->parameters(), torch::optim::SGDOptions(0.1).momentum(0.9).nesterov(true));
  const auto x = torch::rand({20, 3}, torch::dtype(torch::kFloat32).requires_grad(false));
  const auto y = torch::matmul(x, torch::tensor({1.0f, -2.0f, 0.5f})).unsqueeze(1) + 0.25;
  for (int step = 0; step < 25; ++step) {
    if (step == 15) {
      for (auto& group : optimizer.param_groups()) {
        static_cast<torch::optim::SGDOptions&>(group.options()).lr(0.02);
      }
    }
    const auto loss = optimizer.step([&] {
      optimizer.zero_grad();
      auto mse = F::mse_loss(model->forward(x), y);
      mse.backward();
      return mse;
    });
    report("line", step, loss);
  }
}

// A function with a derivative of its own, in a loss of two terms.
struct Clip : torch::autograd::Function<Clip> {
  static torch::Tensor forward(torch::autograd::AutogradContext* ctx, torch::Tensor x,
                               double limit) {
    ctx->save_for_backward({x});
    ctx->saved_data["limit"] = limit;
    return x.clamp(-limit, limit);
  }
  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* ctx,
                                               torch::autograd::tensor_list grads) {
    const auto x = ctx->get_saved_variables()[0];
    const double limit = ctx->saved_data["limit"].toDouble();
    return {grads[0] * (x.abs() <= 2 * limit).to(x.dtype()), torch::Tensor()};
  }
};

void train_custom() {
  torch::manual_seed(4);
  auto weight = torch::rand({4, 4}, torch::requires_grad());
  std::vector<torch::Tensor> parameters = {weight};
  torch::optim::AdamW optimizer(parameters, torch::optim::AdamWOptions(0.05).weight_decay(0.1));
  const auto x = torch::rand({8, 4});
  for (int step = 0; step < 20; ++step) {
    optimizer.zero_grad();
    const auto y = Clip::apply(x.mm(weight) - 1, 0.75);
    const auto targets = (x > 0.5).to(torch::kFloat);
    const auto loss = F::binary_cross_entropy_with_logits(y, targets) + 0.01 * weight.pow(2).sum();
    loss.backward();
    optimizer.step();
    report("custom", step, loss);
  }
}

int main() {
  torch::Device device(torch::cuda::is_available() ? torch::kCUDA : torch::kCPU);
  try {
    train_perceptron(device);
    train_bags<torch::optim::Adam>("bags_adam", torch::optim::AdamOptions(2e-2), false);
    train_bags<torch::optim::SGD>("bags_sparse", torch::optim::SGDOptions(0.5), true);
    fit_line();
    train_custom();
    BagOfWords model(BagOfWordsOptions(30, 3));
    model->forward(torch::zeros({3}, torch::kLong));
  } catch (const c10::Error& error) {
    const std::string text = error.what_without_backtrace();
    std::cout << "refused: " << text.substr(0, text.find('\n')) << std::endl;
    return 0;
  }
  return 1;
}
