// A program over the install tree: a layer, a gradient, an Error across the library's border.
#include <simdgrad/simdgrad.h>
#include <cstdio>

using namespace simdgrad;

int main() {
  manual_seed(24);
  nn::Linear linear(nn::LinearOptions(4, 5).bias(false));
  Tensor y = linear(ones({3, 4})).pow(2).sum();
  y.backward();
  bool caught = false;
  try {
    mm(ones({2, 3}), ones({4, 5}));
  } catch (const Error& error) {
    caught = true;
  }
  const bool good = caught && linear->weight.grad().sizes() == linear->weight.sizes();
  std::printf("simdgrad %s: %s\n", SIMDGRAD_VERSION, good ? "good" : "bad");
  return good ? 0 : 1;
}
