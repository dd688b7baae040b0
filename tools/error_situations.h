// What users get wrong, one situation each, written against libtorch's C++ API. Included after
// <torch/torch.h> by tools/record_errors.cpp, which asks libtorch for the texts, and by the test that
// compares ours with them: same source, two libraries.
#pragma once

#include <cstdint>
#include <limits>
#include <tuple>
#include <utility>
#include <vector>

namespace error_situations {

struct Situation {
  const char* name;
  void (*run)();
  // Our text where libtorch's is an internal assert or has a slip of the pen; nullptr: the same.
  const char* ours = nullptr;
};

inline torch::Tensor leaf(torch::IntArrayRef sizes) {
  return torch::ones(sizes, torch::TensorOptions().requires_grad(true));
}
inline torch::Tensor integers(std::vector<int64_t> values) {
  return torch::tensor(values, torch::TensorOptions().dtype(torch::kLong));
}
inline torch::nn::Embedding sparse_embedding() {
  return torch::nn::Embedding(torch::nn::EmbeddingOptions(10, 3).sparse(true));
}
template <class Optimizer, class Options>
void sparse_step(Options options) {
  auto embedding = sparse_embedding();
  Optimizer optimizer(embedding->parameters(), options);
  for (int step = 0; step < 2; ++step) {
    optimizer.zero_grad();
    embedding->forward(integers({1, 2, 1})).sum().backward();
    optimizer.step();
  }
}
inline void embedding_double_backward(bool sparse) {
  auto embedding = torch::nn::Embedding(torch::nn::EmbeddingOptions(10, 3).sparse(sparse));
  auto y = embedding->forward(integers({1, 2, 1})).pow(2).sum();
  auto v = torch::ones_like(y).requires_grad_(true);
  auto g = torch::autograd::grad({y}, {embedding->weight}, {v}, true, true)[0];
  (sparse ? g.to_dense() : g).sum().backward();
}

using torch::indexing::Slice;
namespace F = torch::nn::functional;

inline std::vector<Situation> products() {
  return {
      {"matmul 3x4 5x6", [] { torch::rand({3, 4}).matmul(torch::rand({5, 6})); }},
      {"linear 3x4, W 5x6", [] { F::linear(torch::rand({3, 4}), torch::rand({5, 6})); }},
      {"linear 2x3x4, W 5x6", [] { F::linear(torch::rand({2, 3, 4}), torch::rand({5, 6})); }},
      {"linear 4, W 5x6", [] { F::linear(torch::rand({4}), torch::rand({5, 6})); }},
      {"mm 1-D", [] { torch::rand({3}).mm(torch::rand({3, 4})); }},
      {"mm mat2 1-D", [] { torch::rand({3, 4}).mm(torch::rand({4})); }},
      {"mm 3x4 5x6", [] { torch::mm(torch::rand({3, 4}), torch::rand({5, 6})); }},
      {"mm dtypes", [] { torch::rand({3, 4}).mm(torch::rand({4, 5}, torch::kDouble)); }},
      {"matmul dtypes", [] { torch::rand({3, 4}).matmul(torch::rand({4}, torch::kDouble)); }},
      {"linear dtypes", [] { F::linear(torch::rand({3, 4}), torch::rand({5, 4}, torch::kDouble)); }},
      {"linear bias 6",
       [] { F::linear(torch::rand({3, 4}), torch::rand({5, 4}), torch::rand({6})); }},
      {"addmm input", [] {
         torch::addmm(torch::rand({7}), torch::rand({3, 4}), torch::rand({4, 5}));
       }},
      {"addmm 3x4 5x6", [] {
         torch::addmm(torch::rand({6}), torch::rand({3, 4}), torch::rand({5, 6}));
       }},
      {"mv", [] { torch::rand({3, 4}).mv(torch::rand({5})); }},
      {"matmul 2-D 1-D", [] { torch::rand({3, 4}).matmul(torch::rand({5})); }},
      {"matmul 1-D 2-D", [] { torch::rand({5}).matmul(torch::rand({3, 4})); }},
      {"matmul 1-D 1-D", [] { torch::rand({5}).matmul(torch::rand({3})); }},
      {"matmul batches", [] { torch::rand({2, 3, 4}).matmul(torch::rand({3, 4, 5})); }},
      {"matmul 3-D inner", [] { torch::rand({2, 3, 4}).matmul(torch::rand({2, 5, 6})); }},
      {"dot", [] { torch::rand({4}).dot(torch::rand({5})); }},
      {"dot 2-D", [] { torch::rand({4, 1}).dot(torch::rand({5})); }},
      {"dot dtypes", [] { torch::rand({4}).dot(torch::rand({4}, torch::kDouble)); }},
      {"bmm", [] { torch::rand({2, 3, 4}).bmm(torch::rand({2, 5, 6})); }},
      {"bmm 2-D", [] { torch::rand({3, 4}).bmm(torch::rand({2, 4, 6})); }},
      {"matmul 0-D", [] { torch::rand({}).matmul(torch::rand({3})); }},
  };
}

inline std::vector<Situation> shapes() {
  return {
      {"broadcast", [] { torch::rand({3, 4}) + torch::rand({3, 5}); }},
      {"in-place broadcast", [] { torch::rand({3}).add_(torch::rand({2, 3})); }},
      {"copy_ shape", [] { torch::rand({3}).copy_(torch::rand({4})); }},
      {"view size", [] { torch::rand({12}).view({5, 2}); }},
      {"view -1 -1", [] { torch::rand({12}).view({-1, -1}); }},
      {"view -2", [] { torch::rand({12}).view({-2, 6}); }},
      {"view stride", [] { torch::rand({3, 4}).t().view({12}); }},
      {"reshape 0 -1", [] { torch::rand({0}).reshape({0, -1}); }},
      {"sum dim 2", [] { torch::rand({3, 4}).sum(2); }},
      {"sum dims 0 0", [] { torch::rand({3, 4}).sum({0, 0}); }},
      {"softmax dim", [] { torch::softmax(torch::rand({3, 4}), 2); }},
      {"size dim", [] { torch::rand({3, 4}).size(2); }},
      {"cat", [] { torch::cat({torch::rand({2, 3}), torch::rand({2, 4})}); }},
      {"cat dims", [] { torch::cat({torch::rand({2, 3}), torch::rand({2})}); }},
      {"cat 0-D", [] { torch::cat({torch::rand({}), torch::rand({2})}); }},
      {"cat empty", [] { torch::cat(std::vector<torch::Tensor>{}); }},
      {"stack", [] { torch::stack({torch::rand({2, 3}), torch::rand({2, 4})}); }},
      {"stack empty", [] { torch::stack(std::vector<torch::Tensor>{}); }},
      {"select", [] { torch::rand({3, 4}).select(0, 7); }},
      {"select 0-D", [] { torch::rand({}).select(0, 0); }},
      {"operator[]", [] { torch::rand({3})[5]; }},
      {"operator[] 0-D", [] { torch::rand({})[0]; }},
      {"index integer", [] { torch::rand({3, 4}).index({5}); }},
      {"index too many", [] { torch::rand({3, 4}).index({0, 0, 0}); }},
      {"index tensor", [] { torch::rand({3}).index({integers({0, 5})}); }},
      {"index tensor dim 1", [] { torch::rand({3, 4}).index({Slice(), integers({0, -5})}); }},
      {"index float", [] { torch::rand({3}).index({torch::rand({2})}); }},
      {"index shapes", [] { torch::rand({3, 4}).index({integers({0, 1}), integers({0, 1, 2})}); }},
      {"index mask shape", [] { torch::rand({3}).index({torch::ones({4}, torch::kBool)}); }},
      {"index_put_ shape", [] { torch::rand({3, 4}).index_put_({0}, torch::rand({3})); }},
      {"index_put_ tensor shape",
       [] { torch::rand({3, 4}).index_put_({integers({0, 1})}, torch::rand({3})); }},
      {"index_put_ dtype",
       [] { torch::rand({3}).index_put_({integers({0})}, torch::ones({1}, torch::kDouble)); }},
      {"slice step", [] { torch::rand({3}).slice(0, 0, 3, 0); }},
      {"narrow", [] { torch::rand({3}).narrow(0, 2, 5); }},
      {"narrow start", [] { torch::rand({3}).narrow(0, 4, 1); }},
      {"narrow length", [] { torch::rand({3}).narrow(0, 0, -1); }},
      {"expand", [] { torch::rand({3}).expand({2, 4}); }},
      {"expand fewer", [] { torch::rand({2, 3}).expand({3}); }},
      {"expand -1", [] { torch::rand({3}).expand({-1, 3}); }},
      {"gather", [] { torch::rand({3, 4}).gather(1, torch::full({3, 1}, 9, torch::kLong)); }},
      {"gather dtype", [] { torch::rand({3, 4}).gather(1, torch::zeros({3, 1})); }},
      {"gather dims", [] { torch::rand({3, 4}).gather(1, integers({0})); }},
      {"gather size",
       [] { torch::rand({3, 4}).gather(1, torch::zeros({4, 1}, torch::kLong)); }},
      {"index_select", [] { torch::rand({3, 4}).index_select(0, integers({3})); }},
      {"index_select dtype", [] { torch::rand({3, 4}).index_select(0, torch::zeros({1})); }},
      {"index_select 2-D",
       [] { torch::rand({3, 4}).index_select(0, torch::zeros({1, 1}, torch::kLong)); }},
      {"permute", [] { torch::rand({3, 4}).permute({0, 0}); }},
      {"permute fewer", [] { torch::rand({3, 4}).permute({0}); }},
      {"t of 3-D", [] { torch::rand({2, 3, 4}).t(); }},
      {"transpose dim", [] { torch::rand({2, 3}).transpose(0, 2); }},
      {"squeeze", [] { torch::rand({3}).squeeze(3); }},
      {"unsqueeze", [] { torch::rand({3}).unsqueeze(3); }},
      {"flatten", [] { torch::rand({2, 3}).flatten(1, 0); }},
      {"split sizes", [] { torch::rand({4}).split_with_sizes({1, 1}); }},
      {"split size", [] { torch::rand({4}).split(-1); }},
      {"chunk 0", [] { torch::rand({4}).chunk(0); }},
      {"as_strided", [] { torch::rand({4}).as_strided({3}, {2}); }},
      {"overlap", [] { torch::rand({1}).expand({3}).add_(1); }},
      {"partial overlap", [] {
         auto x = torch::rand({4});
         x.slice(0, 0, 3).add_(x.slice(0, 1, 4));
       }},
  };
}

inline std::vector<Situation> values() {
  return {
      {"item of 3", [] { torch::rand({3}).item(); }},
      {"item<float> of 3", [] { torch::rand({3}).item<float>(); }},
      {"item of 0", [] { torch::rand({0}).item(); }},
      {"item<uint8> of 300", [] { torch::tensor(300.0).item<uint8_t>(); }},
      {"is_nonzero of 2", [] { torch::rand({2}).is_nonzero(); }},
      {"data_ptr<double> of float", [] { torch::rand({3}).data_ptr<double>(); }},
      {"mean of int", [] { integers({1, 2}).mean(); }},
      {"mean dim of int", [] { integers({1, 2}).mean(0); }},
      {"var of int", [] { integers({1, 2}).var(); }},
      {"norm of int", [] { integers({1, 2}).norm(); }},
      {"softmax of int", [] { torch::softmax(integers({1, 2}), 0); }},
      {"max of empty", [] { torch::rand({0}).max(); }},
      {"max dim of empty", [] { std::get<0>(torch::rand({0, 3}).max(0)); }},
      {"amax of empty", [] { torch::rand({0}).amax(); }},
      {"argmax of empty", [] { torch::rand({0}).argmax(); }},
      {"max dim 2", [] { std::get<0>(torch::rand({3, 4}).max(2)); }},
      {"int += 1.5", [] { integers({1, 2}) += 1.5; }},
      {"int += float", [] { integers({1, 2}).add_(torch::rand({2})); }},
      {"int /= 2", [] { integers({1, 2}).div_(2); }},
      {"int exp_", [] { integers({1, 2}).exp_(); }},
      {"bool - bool", [] {
         auto b = torch::ones({2}, torch::kBool);
         b - b;
       }},
      {"- bool", [] { -torch::ones({2}, torch::kBool); }},
      {"1 - bool", [] { 1 - torch::ones({2}, torch::kBool); }},
      {"int pow -1", [] { integers({1, 2}).pow(-1); }},
      {"clamp none", [] { torch::rand({2}).clamp(); }},
      {"masked_fill mask", [] { torch::rand({2}).masked_fill(torch::ones({2}), 1); }},
      {"masked_fill value",
       [] { torch::rand({2}).masked_fill(torch::ones({2}, torch::kBool), torch::rand({2})); }},
      {"where condition", [] { torch::where(torch::rand({2}), torch::rand({2}), torch::rand({2})); }},
      {"div rounding", [] { torch::rand({2}).div(torch::rand({2}), "up"); }},
      {"equal dtypes", [] { torch::equal(torch::rand({2}), torch::rand({2}, torch::kDouble)); }},
      {"allclose dtypes",
       [] { torch::allclose(torch::rand({2}), torch::rand({2}, torch::kDouble)); }},
  };
}

inline std::vector<Situation> factories() {
  return {
      {"empty 2^45", [] { torch::empty({int64_t{1} << 45}); }},
      {"empty -1", [] { torch::empty({-1}); }},
      {"zeros -1", [] { torch::zeros({2, -1}); }},
      {"rand -1", [] { torch::rand({-1}); }},
      {"empty overflow", [] { torch::empty({int64_t{1} << 40, int64_t{1} << 40}); }},
      {"arange", [] { torch::arange(5, 1, 1); }},
      {"arange step 0", [] { torch::arange(0, 5, 0); }},
      {"arange nan", [] { torch::arange(std::numeric_limits<double>::quiet_NaN()); }},
      {"linspace steps", [] { torch::linspace(0, 1, -1); }},
      {"eye", [] { torch::eye(-1); }},
      {"randint", [] { torch::randint(5, 5, {2}); }},
      {"randint uint8", [] { torch::randint(0, 1000, {2}, torch::kByte); }},
      {"randperm", [] { torch::randperm(-1); }},
      {"randn int", [] { torch::randn({2}, torch::kLong); }},
      {"rand int", [] { torch::rand({2}, torch::kLong); }},
      {"uniform_ bounds", [] { torch::rand({2}).uniform_(2, 1); }},
      {"normal_ std", [] { torch::rand({2}).normal_(0, -1); }},
      {"random_ bounds", [] { torch::rand({2}).random_(3, 3); }},
      {"bernoulli_ p", [] { torch::rand({2}).bernoulli_(1.5); }},
      {"ragged list", [] { torch::tensor({{1, 2}, {3}}); }},
      {"one_hot large", [] { torch::one_hot(integers({0, 5}), 3); }},
      {"one_hot negative", [] { torch::one_hot(integers({0, -1}), 3); }},
      {"one_hot float", [] { torch::one_hot(torch::rand({2}), 3); }},
      {"one_hot empty", [] { torch::one_hot(integers({})); }},
      {"int requires_grad",
       [] { torch::ones({2}, torch::TensorOptions().dtype(torch::kLong).requires_grad(true)); }},
      {"int set_requires_grad", [] { integers({1}).set_requires_grad(true); }},
      {"undefined forward", [] { torch::nn::Linear(3, 2)->forward(torch::Tensor()); }},
      {"undefined add", [] { torch::Tensor() + torch::rand({2}); }},
      {"undefined sizes", [] { torch::Tensor().sizes(); }},
      {"undefined exp", [] { torch::Tensor().exp(); }},
  };
}

inline std::vector<Situation> layers() {
  return {
      {"embedding id", [] { torch::embedding(torch::rand({10, 3}), integers({10})); }},
      {"embedding id -1", [] { torch::embedding(torch::rand({10, 3}), integers({-1})); }},
      {"embedding float ids", [] { torch::embedding(torch::rand({10, 3}), torch::rand({2})); }},
      {"embedding 1-D weight", [] { torch::embedding(torch::rand({10}), integers({1})); }},
      {"padding_idx", [] {
         torch::nn::Embedding(torch::nn::EmbeddingOptions(10, 3).padding_idx(10));
       }},
      {"padding_idx negative", [] {
         torch::nn::Embedding(torch::nn::EmbeddingOptions(10, 3).padding_idx(-11));
       }, "Padding_idx must be within num_embeddings"},
      {"functional padding_idx", [] {
         F::embedding(integers({1}), torch::rand({10, 3}),
                      F::EmbeddingFuncOptions().padding_idx(10));
       }},
      {"embedding _weight shape", [] {
         torch::nn::Embedding(torch::nn::EmbeddingOptions(10, 3)._weight(torch::rand({9, 3})));
       }},
      {"cross_entropy target", [] { F::cross_entropy(torch::rand({2, 3}), integers({0, 7})); }},
      {"cross_entropy target -1", [] { F::cross_entropy(torch::rand({2, 3}), integers({0, -1})); }},
      {"cross_entropy batch", [] { F::cross_entropy(torch::rand({3, 4}), integers({0, 1})); }},
      {"cross_entropy dtype",
       [] { F::cross_entropy(torch::rand({2, 3}), torch::ones({2}, torch::kInt)); }},
      {"cross_entropy float target 1-D",
       [] { F::cross_entropy(torch::rand({2, 3}), torch::rand({2})); }},
      {"cross_entropy weight", [] {
         F::cross_entropy(torch::rand({2, 3}), integers({0, 1}),
                          F::CrossEntropyFuncOptions().weight(torch::rand({4})));
       }},
      {"cross_entropy label_smoothing", [] {
         F::cross_entropy(torch::rand({2, 3}), integers({0, 1}),
                          F::CrossEntropyFuncOptions().label_smoothing(1.5));
       }},
      {"cross_entropy 0-D", [] { F::cross_entropy(torch::rand({}), integers({0})); }},
      {"nll_loss target", [] { F::nll_loss(torch::rand({2, 3}), integers({0, 7})); }},
      {"nll_loss weight", [] {
         F::nll_loss(torch::rand({2, 3}), integers({0, 1}),
                     F::NLLLossFuncOptions().weight(torch::rand({4})));
       }},
      {"nll_loss batch", [] { F::nll_loss(torch::rand({3, 4}), integers({0, 1})); }},
      {"nll_loss dtype", [] { F::nll_loss(torch::rand({2, 3}), torch::rand({2})); }},
      {"mse_loss sizes", [] { F::mse_loss(torch::rand({2, 3}), torch::rand({4})); }},
      {"bce logits size", [] {
         F::binary_cross_entropy_with_logits(torch::rand({3, 1}), torch::rand({3}));
       }},
      {"layer_norm", [] {
         F::layer_norm(torch::rand({2, 3}), F::LayerNormFuncOptions({4}));
       }},
      {"layer_norm weight", [] {
         F::layer_norm(torch::rand({2, 3}),
                       F::LayerNormFuncOptions({3}).weight(torch::rand({4})));
       }},
      {"layer_norm empty shape", [] {
         F::layer_norm(torch::rand({2, 3}), F::LayerNormFuncOptions(std::vector<int64_t>{}));
       }},
      {"dropout p", [] { F::dropout(torch::rand({3}), F::DropoutFuncOptions().p(1.5)); }},
      {"dropout module p", [] { torch::nn::Dropout(1.5)->forward(torch::rand({3})); }},
      {"gelu approximate", [] { torch::gelu(torch::rand({3}), "none of them"); }},
      {"register dup", [] {
         torch::nn::Module module;
         module.register_parameter("w", torch::rand({2}));
         module.register_parameter("w", torch::rand({2}));
       }},
      {"register dup buffer", [] {
         torch::nn::Module module;
         module.register_buffer("w", torch::rand({2}));
         module.register_buffer("w", torch::rand({2}));
       }},
      {"register dot", [] {
         torch::nn::Module module;
         module.register_parameter("w.x", torch::rand({2}));
       }},
      {"register empty name", [] {
         torch::nn::Module module;
         module.register_parameter("", torch::rand({2}));
       }},
      {"register int parameter", [] {
         torch::nn::Module module;
         module.register_parameter("w", integers({1}));
       }},
      {"sequential empty", [] { torch::nn::Sequential()->forward(torch::rand({2})); }},
  };
}

inline std::vector<Situation> graphs() {
  constexpr const char* kUnused =
      "element 0 of the differentiated Tensors appears to not have been used in the graph. Set "
      "allow_unused=True if this is the desired behavior.";
  return {
      {"backward twice", [] {
         auto y = leaf({3}).exp().sum();
         y.backward();
         y.backward();
       }},
      {"no graph", [] { torch::ones({}).backward(); }},
      {"vector loss", [] { leaf({3}).exp().backward(); }},
      {"saved tensor changed", [] {
         auto y = leaf({3}).exp();
         y.add_(1);
         y.sum().backward();
       }},
      {"saved double tensor changed", [] {
         auto x = torch::ones({2, 3}, torch::kDouble).requires_grad_(true);
         auto y = x * 2;
         auto z = y * y;
         y.add_(1).add_(1);
         z.sum().backward();
       }},
      {"saved leaf changed", [] {
         auto x = leaf({3});
         auto y = (x * x).sum();
         {
           torch::NoGradGuard no_grad;
           x.add_(1);
         }
         y.backward();
       }},
      {"leaf in place", [] { leaf({3}).add_(1); }},
      {"view of leaf in place", [] { leaf({3}).view({3}).add_(1); }},
      {"leaf assigned into", [] { leaf({3})[0] = 1; }},
      {"no_grad view in place", [] {
         auto x = leaf({3}) * 1;
         torch::Tensor v;
         {
           torch::NoGradGuard no_grad;
           v = x.view({3});
         }
         v.add_(1);
       }},
      {"multi-view in place", [] {
         auto x = leaf({4}) * 1;
         x.split(2)[0].add_(1);
       }},
      {"multi-view unbind in place", [] {
         auto x = leaf({4}) * 1;
         x.unbind(0)[0].add_(1);
       }},
      {"grad unused", [] {
         torch::autograd::grad({leaf({3}).sum()}, {leaf({3})});
       }, kUnused},
      {"grad of plain", [] {
         torch::autograd::grad({leaf({3}).sum()}, {torch::ones({3})});
       }},
      {"grad no inputs", [] { torch::autograd::grad({leaf({3}).sum()}, {}); },
       "`inputs` argument to `grad()` cannot be empty."},
      {"grad of nothing", [] { torch::autograd::grad({}, {leaf({3})}); }, kUnused},
      {"grad counts", [] {
         auto x = leaf({3});
         torch::autograd::grad({x.sum()}, {x}, {torch::ones({}), torch::ones({})});
       }},
      {"backward inputs empty",
       [] { leaf({3}).sum().backward({}, true, false, std::vector<torch::Tensor>{}); }},
      {"backward inputs plain", [] {
         leaf({3}).sum().backward({}, true, false, std::vector<torch::Tensor>{torch::ones({3})});
       }},
      {"backward inputs non-leaf", [] {
         auto x = leaf({3}) * 2;
         x.sum().backward({}, true, false, std::vector<torch::Tensor>{x});
       }},
      {"cotangent shape", [] { (leaf({3, 4}) * 2).backward(torch::ones({2})); }},
      {"cotangent of plain", [] { torch::ones({3}).backward(torch::ones({3})); }},
      {"cotangent dtype", [] { (leaf({3}) * 2).backward(torch::ones({3}, torch::kLong)); }},
      {"requires_grad off non-leaf", [] { (leaf({3}) * 2).requires_grad_(false); }},
      {"hook on plain", [] {
         torch::ones({3}).register_hook([](torch::Tensor g) { return g; });
       }},
      {"retain_grad on plain", [] { torch::ones({3}).retain_grad(); }},
      {"grad set shape", [] {
         auto x = leaf({3});
         x.mutable_grad() = torch::ones({4});
         x.sum().backward();
       }},
      {"detach_ view", [] {
         auto x = leaf({3}) * 1;
         x.view({3}).detach_();
       }},
      {"double backward, dense embedding", [] { embedding_double_backward(false); }},
      {"double backward, sparse embedding", [] { embedding_double_backward(true); }},
      {"sparse + dense", [] {
         auto embedding = sparse_embedding();
         embedding->forward(integers({1, 1})).sum().backward();
         embedding->weight.grad() + torch::ones({10, 3});
       }},
      {"dense + sparse", [] {
         auto embedding = sparse_embedding();
         embedding->forward(integers({1, 1})).sum().backward();
         torch::ones({10, 3}) + embedding->weight.grad();
       }},
      {"indices of uncoalesced", [] {
         auto embedding = sparse_embedding();
         embedding->forward(integers({1, 1})).sum().backward();
         embedding->weight.grad().indices();
       }},
      {"indices of dense", [] { torch::ones({3})._indices(); }},
      {"data_ptr of sparse", [] {
         auto embedding = sparse_embedding();
         embedding->forward(integers({1, 1})).sum().backward();
         embedding->weight.grad().data_ptr();
       }},
  };
}

// Fn: forward doubles; backward returns what the situation asks for.
template <int kind>
struct Wrong : torch::autograd::Function<Wrong<kind>> {
  static torch::Tensor forward(torch::autograd::AutogradContext* ctx, torch::Tensor x) {
    if (kind == 3) ctx->save_for_backward({x});
    return x * 2;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 torch::autograd::variable_list grads) {
    if (kind == 0) return {torch::ones({7})};
    if (kind == 1) return {grads[0], grads[0]};
    if (kind == 2) return {};
    if (kind == 3) ctx->get_saved_variables();
    return {grads[0] * 2};
  }
};
template <int kind>
void wrong_function() {
  auto y = Wrong<kind>::apply(leaf({3})).sum();
  y.backward();
  if (kind == 3) y.backward();
}

inline std::vector<Situation> functions() {
  return {
      {"function gradient shape", wrong_function<0>},
      {"function gradient count", wrong_function<1>},
      {"function no gradients", wrong_function<2>},
      {"function backward twice", wrong_function<3>},
  };
}

inline std::vector<Situation> optimizers() {
  using torch::optim::AdamOptions;
  using torch::optim::AdamWOptions;
  using torch::optim::SGDOptions;
  return {
      {"sparse gradient, SGD (.1)", [] { sparse_step<torch::optim::SGD>(SGDOptions(.1)); }},
      {"sparse gradient, SGD (.1).momentum(.9)",
       [] { sparse_step<torch::optim::SGD>(SGDOptions(.1).momentum(.9)); }},
      {"sparse gradient, SGD (.1).weight_decay(.1)",
       [] { sparse_step<torch::optim::SGD>(SGDOptions(.1).weight_decay(.1)); }},
      {"sparse gradient, Adam (.1)", [] { sparse_step<torch::optim::Adam>(AdamOptions(.1)); }},
      {"sparse gradient, AdamW (.1)", [] { sparse_step<torch::optim::AdamW>(AdamWOptions(.1)); }},
      {"SGD lr -1", [] { torch::optim::SGD({leaf({2})}, SGDOptions(-1)); }},
      {"SGD momentum -1", [] { torch::optim::SGD({leaf({2})}, SGDOptions(.1).momentum(-1)); }},
      {"SGD weight_decay -1",
       [] { torch::optim::SGD({leaf({2})}, SGDOptions(.1).weight_decay(-1)); }},
      {"SGD nesterov", [] { torch::optim::SGD({leaf({2})}, SGDOptions(.1).nesterov(true)); }},
      {"Adam lr -1", [] { torch::optim::Adam({leaf({2})}, AdamOptions(-1)); }},
      {"Adam eps -1", [] { torch::optim::Adam({leaf({2})}, AdamOptions(.1).eps(-1)); }},
      {"Adam betas", [] {
         torch::optim::Adam({leaf({2})}, AdamOptions(.1).betas(std::make_tuple(1.5, .9)));
       }},
      {"Adam beta 2", [] {
         torch::optim::Adam({leaf({2})}, AdamOptions(.1).betas(std::make_tuple(.9, -1.)));
       }},
      {"Adam weight_decay -1",
       [] { torch::optim::Adam({leaf({2})}, AdamOptions(.1).weight_decay(-1)); }},
      {"AdamW lr -1", [] { torch::optim::AdamW({leaf({2})}, AdamWOptions(-1)); }},
      {"AdamW weight_decay -1",
       [] { torch::optim::AdamW({leaf({2})}, AdamWOptions(.1).weight_decay(-1)); }},
      {"SGD no parameters",
       [] { torch::optim::SGD(std::vector<torch::Tensor>{}, SGDOptions(.1)); }},
      {"SGD non-leaf", [] { torch::optim::SGD({leaf({2}) * 2}, SGDOptions(.1)); }},
      {"SGD same parameter twice", [] {
         auto x = leaf({2});
         torch::optim::SGD optimizer(std::vector<torch::Tensor>{x}, SGDOptions(.1));
         optimizer.add_param_group(std::vector<torch::Tensor>{x});
       }},
  };
}

// Situations of the present surface, in the order in which they are recorded.
inline std::vector<Situation> all() {
  std::vector<Situation> result;
  for (const auto& family : {products(), shapes(), values(), factories(), layers(), graphs(),
                             functions(), optimizers()}) {
    result.insert(result.end(), family.begin(), family.end());
  }
  return result;
}

}  // namespace error_situations
