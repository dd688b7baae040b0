// Trains a classifier of Fashion-MNIST: 784-128-10, ReLU, Adam, batches of 64, 5 epochs; about 87 % of
// the test images come out right. --data takes other IDX files of labelled images.
#include <simdgrad/simdgrad.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>

using namespace simdgrad;
using Clock = std::chrono::steady_clock;

struct Options {
  int64_t seed = 0;
  int threads = get_num_threads();
  int64_t epochs = 5, batch = 64, steps = 0, print_losses = 0;
  std::vector<int64_t> hidden = {128};
  double lr = 1e-3;
  std::string optimizer = "adam", data = "/usr/share/datasets/fashion-mnist", load, out;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

const bool terminal = ::isatty(STDERR_FILENO);
// A line on a terminal that changes in place, ten times a second.
void show_bar(int64_t epoch, double done, double images_per_second, double loss) {
  static const char* const no_color = std::getenv("NO_COLOR");
  static const bool color = !no_color || !*no_color;
  static Clock::time_point shown;
  if (!terminal || seconds_since(shown) < 0.1) return;
  shown = Clock::now();
  const std::string bar(static_cast<size_t>(24 * done), '=');
  std::fprintf(stderr, "\r%sepoch %d [%-24s]%s %.0f images/s  loss %.4f  ", color ? "\033[36m" : "",
               int(epoch), bar.c_str(), color ? "\033[0m" : "", images_per_second, loss);
}

struct Pixels {
  Tensor x, y;  // float [n, rows * columns] from 0 to 1, int64 [n]
  explicit Pixels(const data::LabeledImages& from)
      : x(from.images.flatten(1).to(kFloat) / 255), y(from.labels) {}
};

nn::Sequential build_model(int64_t inputs, const std::vector<int64_t>& hidden) {
  nn::Sequential model;
  for (const int64_t width : hidden) {
    model->push_back(nn::Linear(inputs, width));
    model->push_back(nn::ReLU());
    inputs = width;
  }
  model->push_back(nn::Linear(inputs, 10));
  return model;
}

std::unique_ptr<optim::Optimizer> build_optimizer(const Options& options, nn::Sequential& model) {
  const auto parameters = model->parameters();
  if (options.optimizer == "sgd") return std::make_unique<optim::SGD>(parameters, options.lr);
  if (options.optimizer == "adamw") return std::make_unique<optim::AdamW>(parameters, options.lr);
  return std::make_unique<optim::Adam>(parameters, options.lr);
}

double accuracy(nn::Sequential& model, const Pixels& test) {
  NoGradGuard no_grad;
  return model->forward(test.x).argmax(1).eq(test.y).to(kFloat).mean().item<double>();
}

void prepare_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  SIMDGRAD_CHECK(!error, "cannot create the folder ", folder, ": ", error.message());
  SIMDGRAD_CHECK(::access(folder.c_str(), W_OK) == 0, "the folder ", folder, " is not writable");
}

void train(const Options& options) {
  if (!options.out.empty()) prepare_folder(options.out);  // now rather than after the training
  const data::Mnist mnist = data::load_mnist(options.data);
  const Pixels train(mnist.train), test(mnist.test);
  manual_seed(uint64_t(options.seed));
  nn::Sequential model = build_model(train.x.size(1), options.hidden);
  if (!options.load.empty()) load(model, options.load);
  const auto optimizer = build_optimizer(options, model);
  const int64_t n = train.y.numel();
  const int64_t end = options.steps ? std::min(n, options.steps * options.batch) : n;
  std::ostringstream metrics("epoch,loss,accuracy,seconds,images_per_second\n", std::ios::ate);
  double correct = accuracy(model, test), seconds = 0;
  for (int64_t epoch = 1, step = 0; epoch <= options.epochs; ++epoch) {
    const auto start = Clock::now();
    const Tensor order = randperm(n);
    double loss_sum = 0;
    for (int64_t i = 0; i < end; i += options.batch) {
      const Tensor ids = order.slice(0, i, std::min(i + options.batch, end));
      const Tensor x = train.x.index_select(0, ids), y = train.y.index_select(0, ids);
      optimizer->zero_grad();
      const Tensor loss = nn::functional::cross_entropy(model->forward(x), y);
      loss.backward();
      optimizer->step();
      const double value = loss.item<double>(), done = double(i + y.numel());
      loss_sum += value * double(y.numel());
      if (step++ < options.print_losses) std::fprintf(stderr, "loss %.9g\n", value);
      show_bar(epoch, done / double(end), done / seconds_since(start), value);
    }
    correct = accuracy(model, test);
    const double time = seconds_since(start), loss = loss_sum / double(end);
    seconds += time;
    std::fprintf(stderr, "%sepoch %d  loss %.4f  accuracy %.4f  %.2f s  %.0f images/s\n",
                 terminal ? "\r\033[K" : "", int(epoch), loss, correct, time, double(end) / time);
    metrics << epoch << "," << loss << "," << correct << "," << time << "," << double(end) / time
            << "\n";
  }
  if (!options.out.empty()) {
    save(model, options.out + "/model.safetensors");
    replace_file(options.out + "/metrics.csv", [&](FileWriter& f) { f.write(metrics.str()); });
  }
  std::printf("test_accuracy=%.4f seconds=%.1f images_per_second=%.0f\n", correct, seconds,
              seconds > 0 ? double(options.epochs * end) / seconds : 0);
  SIMDGRAD_CHECK(std::fflush(stdout) == 0, "cannot write the result to the standard output");
}

int main(int count, char** arguments) try {
  Options options;
  CLI::App app("Trains a classifier of Fashion-MNIST or of other images in IDX files.");
  const CLI::Range any(int64_t{0}, int64_t{1} << 32), some(int64_t{1}, int64_t{1} << 30);
  app.option_defaults()->always_capture_default();
  app.set_version_flag("--version", "fashion_mnist " SIMDGRAD_VERSION);
  app.add_option("--seed", options.seed, "Of first values and order of images")->check(any);
  app.add_option("--threads", options.threads, "Changes no result")->check(CLI::Range(1, 1024));
  app.add_option("--epochs", options.epochs, "Rounds over the images; 0: only test")->check(any);
  app.add_option("--hidden", options.hidden, "Sizes of hidden layers")->delimiter(',')->check(some);
  app.add_option("--batch", options.batch, "Images per step")->check(some);
  app.add_option("--lr", options.lr, "Learning rate; sgd likes 0.1")->check(CLI::Range(0., 1e9));
  app.add_option("--optimizer", options.optimizer)->check(CLI::IsMember({"adam", "adamw", "sgd"}));
  app.add_option("--steps", options.steps, "At most so many per epoch; 0: all")->check(any);
  app.add_option("--print-losses", options.print_losses, "So many, on stderr")->check(any);
  app.add_option("--data", options.data, "Folder of train- and t10k- images and labels");
  app.add_option("--load", options.load, "Parameters to start from: a model.safetensors");
  app.add_option("--out", options.out, "Folder for model.safetensors and metrics.csv");
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  set_num_threads(options.threads);
  train(options);
} catch (const std::exception& error) {
  std::fprintf(stderr, "fashion_mnist: %s\n", error.what());
  return 1;
}
