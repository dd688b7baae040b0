// A notebook about nn.Linear and nn.Embedding, cell by cell: everything that its cells printed, in its
// order and form, computed here. Some of its cells are stale or failed:
//   In [1] printed the address of a generator: left out.
//   In [4] and In [3] failed with a NameError, having run before the cells that define x_idx and w:
//     left out; the embedding of In [3], which later cells use, is made here.
//   In [20] has one print more in its source than it printed, and the end of a warning: left out.
//   In [29] printed a shape that its source does not, and is cut off in its first tensor: in full here.
//   In [24], the two timing loops, comes last.
#include <simdgrad/simdgrad.h>
#include <CLI/CLI.hpp>
#include <charconv>
#include <chrono>
#include <iostream>

using namespace simdgrad;
using indexing::Slice;

// Python's repr of a float: the shortest text that reads back as the same number.
std::string python(double value) {
  char text[400];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed).ptr;
  const std::string digits(text, end);
  return digits.find_first_of(".n") == std::string::npos ? digits + ".0" : digits;
}

// repr of a text without quotes in it.
std::string python(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\n' ? "\\n" : std::string(1, c);
  return result + "'";
}

std::string shape(const Tensor& tensor) {
  return (std::ostringstream() << "torch.Size(" << tensor.sizes() << ")").str();
}

// A NumPy array of integers: [0 1 0 3 1 2].
std::string numpy(const Tensor& integers) {
  std::string text = "[";
  for (int64_t i = 0; i < integers.numel(); ++i)
    text += (i ? " " : "") + std::to_string(integers[i].item<int64_t>());
  return text + "]";
}

// Python's builtin sum: 0 + x[0] + x[1] + ...
Tensor builtin_sum(const Tensor& x) {
  Tensor sum = 0 + x[0];
  for (int64_t i = 1; i < x.size(0); ++i) sum = sum + x[i];
  return sum;
}

// Between what a cell printed and the value of its last expression: two empty lines.
constexpr const char* kResult = "\n";
template <class... Parts>
void cell(int number, const Parts&... outputs) {
  std::cout << "In [" << number << "]:\n";
  ((std::cout << outputs << "\n"), ...);
  std::cout << "\n";
}

// Four words of five features: a Linear over counts of words is an Embedding, summed.
struct SmallLayers {
  nn::Linear linear = nn::Linear(nn::LinearOptions(4, 5).bias(false));
  Tensor first_x = rand({2, 4});
  Tensor ids = tensor({{0, 1}, {0, 3}, {1, 2}});  // x_idx: three documents of two words
  Tensor x = tensor({{1., 1., 0., 0.}, {1., 0., 0., 1.}, {0., 1., 1., 0.}});  // the same, one-hot
  // Python's Parameter is a leaf on the storage of the weight, transposed.
  nn::Embedding embed =
      nn::Embedding(nn::EmbeddingOptions(4, 5)._weight(linear->weight.numpy_T().detach()));
};

void run_linear(SmallLayers& layers) {
  nn::Linear& linear = layers.linear;
  Tensor y1 = linear(layers.first_x);
  cell(2, "linear weight shape: " + shape(linear->weight), shape(y1), kResult,
       python("\nx代表两个文本 文本各有四个特征\nlinear代表全连接 将四个特征投射到五个特征\n"
              "特征就是特定的文本\n"));
  const Tensor y2 = matmul(layers.first_x, linear->weight.numpy_T());
  cell(13, shape(y2), python(mean(y1 - y2).item<double>()));
  const Tensor w = linear->weight.numpy_T(), words = layers.ids.reshape(-1);
  cell(20, linear(layers.x), w[0] + w[1], w[0] + w[3]);
  cell(16, shape(w), w, numpy(words));
  cell(17, w.index({words}));
  Tensor r = w.index({words}).reshape({-1, 2, 5});
  cell(19, shape(r), r);
  r = r.sum(1);
  cell(11, shape(r), r);
}

void run_embedding(SmallLayers& layers) {
  const Tensor r2 = layers.embed(layers.ids);
  cell(14, shape(r2.sum(2)), kResult, r2.sum(2));
  cell(15, builtin_sum(r2.index({0, 0, Slice()})));
  cell(16, python(0.2644 + 0.4660 - 0.0696 - 0.4073 + 0.4554));
  cell(17, shape(r2.sum(1)), kResult, r2.sum(1));
  cell(18, builtin_sum(r2.index({0, Slice(), 0})));
  cell(19, python(0.2644 - 0.1249));
  cell(20, shape(r2.sum(0)), kResult, r2.sum(0));
  cell(21, builtin_sum(r2.index({Slice(), 0, 0})));
  cell(22, python(0.2644 + 0.2644 - 0.1249));
}

void run_vocabulary() {
  const int64_t words = 10000;
  nn::Linear linear(nn::LinearOptions(words, 128).bias(false));
  nn::Embedding embed(nn::EmbeddingOptions(words, 128)._weight(linear->weight.numpy_T().detach()));
  const Tensor x = randint(0, words, {16, 4}), one_hot_x = one_hot(x, words).to(kFloat);
  cell(26, x, kResult, shape(one_hot_x));
  const Tensor y1 = linear(one_hot_x), y2 = embed(x);
  cell(29, shape(y1), y1, y2, mean(abs(y1 - y2)));
  cell(27, shape(y1));
}

template <class Function>
double seconds_of(int64_t loops, const Function& function) {
  const auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < loops; ++i) function();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

int main(int count, char** arguments) try {
  int64_t seed = 24, loops = 100000;
  int threads = get_num_threads();
  CLI::App app("Prints what the cells of a notebook about nn.Linear and nn.Embedding print.");
  const CLI::Range any(int64_t{0}, int64_t{1} << 32);
  app.option_defaults()->always_capture_default();
  app.set_version_flag("--version", "notebook " SIMDGRAD_VERSION);
  app.add_option("--seed", seed, "The notebook's is 24")->check(any);
  app.add_option("--threads", threads, "Changes no result")->check(CLI::Range(1, 1024));
  app.add_option("--loops", loops, "Rounds of the two timing loops")->check(any);
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  set_num_threads(threads);
  manual_seed(uint64_t(seed));
  SmallLayers layers;
  run_linear(layers);
  run_embedding(layers);
  run_vocabulary();
  const double linear = seconds_of(loops, [&] { layers.linear(layers.x); });
  const double embedding = seconds_of(loops, [&] { layers.embed(layers.ids).sum(1); });
  cell(24, python(embedding) + " " + python(linear));
  SIMDGRAD_CHECK(std::cout.flush(), "cannot write to the standard output");
} catch (const std::exception& error) {
  std::cerr << "notebook: " << error.what() << "\n";
  return 1;
}
