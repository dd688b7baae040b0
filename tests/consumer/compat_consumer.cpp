// As written for libtorch.
#include <torch/torch.h>

int main() {
  torch::manual_seed(0);
  torch::nn::Sequential model(torch::nn::Linear(4, 3), torch::nn::ReLU(), torch::nn::Linear(3, 2));
  torch::optim::Adam optimizer(model->parameters(), torch::optim::AdamOptions(1e-2));
  torch::Tensor x = torch::ones({5, 4});
  torch::Tensor ids = torch::zeros({5}, torch::kLong);
  const float first = torch::nn::functional::cross_entropy(model->forward(x), ids).item<float>();
  for (int step = 0; step < 20; ++step) {
    optimizer.zero_grad();
    torch::nn::functional::cross_entropy(model->forward(x), ids).backward();
    optimizer.step();
  }
  const float last = torch::nn::functional::cross_entropy(model->forward(x), ids).item<float>();
  return last < first ? 0 : 1;
}
