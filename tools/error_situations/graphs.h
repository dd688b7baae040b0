// The graph, custom functions and row-sparse gradients.
#pragma once

#include "situation.h"

namespace error_situations {

inline std::vector<Situation> graphs() {
  constexpr const char* kUnused =
      "element 0 of the differentiated Tensors appears to not have been used in the graph. Set "
      "allow_unused=True if this is the desired behavior.";
  return {
      {"backward twice",
       [] {
         auto y = leaf({3}).exp().sum();
         y.backward();
         y.backward();
       }},
      {"no graph", [] { torch::ones({}).backward(); }},
      {"vector loss", [] { leaf({3}).exp().backward(); }},
      {"saved tensor changed",
       [] {
         auto y = leaf({3}).exp();
         y.add_(1);
         y.sum().backward();
       }},
      {"saved double tensor changed",
       [] {
         auto x = torch::ones({2, 3}, torch::kDouble).requires_grad_(true);
         auto y = x * 2;
         auto z = y * y;
         y.add_(1).add_(1);
         z.sum().backward();
       }},
      {"saved leaf changed",
       [] {
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
      {"no_grad view in place",
       [] {
         auto x = leaf({3}) * 1;
         torch::Tensor v;
         {
           torch::NoGradGuard no_grad;
           v = x.view({3});
         }
         v.add_(1);
       }},
      {"multi-view in place",
       [] {
         auto x = leaf({4}) * 1;
         x.split(2)[0].add_(1);
       }},
      {"multi-view unbind in place",
       [] {
         auto x = leaf({4}) * 1;
         x.unbind(0)[0].add_(1);
       }},
      {"grad unused", [] { torch::autograd::grad({leaf({3}).sum()}, {leaf({3})}); }, kUnused},
      {"grad of plain", [] { torch::autograd::grad({leaf({3}).sum()}, {torch::ones({3})}); }},
      {"grad no inputs", [] { torch::autograd::grad({leaf({3}).sum()}, {}); },
       "`inputs` argument to `grad()` cannot be empty."},
      {"grad of nothing", [] { torch::autograd::grad({}, {leaf({3})}); }, kUnused},
      {"grad counts",
       [] {
         auto x = leaf({3});
         torch::autograd::grad({x.sum()}, {x}, {torch::ones({}), torch::ones({})});
       }},
      {"backward inputs empty",
       [] { leaf({3}).sum().backward({}, true, false, std::vector<torch::Tensor>{}); }},
      {"backward inputs plain",
       [] {
         leaf({3}).sum().backward({}, true, false, std::vector<torch::Tensor>{torch::ones({3})});
       }},
      {"backward inputs non-leaf",
       [] {
         auto x = leaf({3}) * 2;
         x.sum().backward({}, true, false, std::vector<torch::Tensor>{x});
       }},
      {"cotangent shape",
       [] {
         (leaf({3, 4}) * 2).backward(torch::ones({2}));
       }},
      {"cotangent of plain", [] { torch::ones({3}).backward(torch::ones({3})); }},
      {"cotangent dtype", [] { (leaf({3}) * 2).backward(torch::ones({3}, torch::kLong)); }},
      {"requires_grad off non-leaf", [] { (leaf({3}) * 2).requires_grad_(false); }},
      {"hook changes dtype",
       [] {
         torch::Tensor x = torch::rand({2, 3}).requires_grad_();
         torch::Tensor y = x.mm(torch::rand({3, 2}));
         y.register_hook([](torch::Tensor g) { return g.to(torch::kDouble); });
         y.sum().backward();
       }},
      {"hook changes layout",
       [] {
         torch::Tensor x = torch::rand({2, 3}).requires_grad_();
         torch::Tensor y = x * 2;
         y.register_hook([](torch::Tensor g) { return g.to_sparse(1); });
         y.sum().backward();
       }},
      {"hook on plain", [] { torch::ones({3}).register_hook([](torch::Tensor g) { return g; }); }},
      {"retain_grad on plain", [] { torch::ones({3}).retain_grad(); }},
      {"grad set shape",
       [] {
         auto x = leaf({3});
         x.mutable_grad() = torch::ones({4});
         x.sum().backward();
       }},
      {"detach_ view",
       [] {
         auto x = leaf({3}) * 1;
         x.view({3}).detach_();
       }},
      {"double backward, dense embedding", [] { embedding_double_backward(false); }},
      {"double backward, sparse embedding", [] { embedding_double_backward(true); }},
      {"sparse + dense",
       [] {
         auto embedding = sparse_embedding();
         embedding->forward(integers({1, 1})).sum().backward();
         embedding->weight.grad() + torch::ones({10, 3});
       }},
      {"dense + sparse",
       [] {
         auto embedding = sparse_embedding();
         embedding->forward(integers({1, 1})).sum().backward();
         torch::ones({10, 3}) + embedding->weight.grad();
       }},
      {"sparse + 1",
       [] {
         torch::ones({3}).to_sparse() + 1;
       }},
      {"sparse -= 1", [] { torch::ones({3}).to_sparse().sub_(1); }},
      {"dense *= sparse of another shape",
       [] { torch::ones({3}).mul_(torch::ones({3, 3}).to_sparse(1)); }},
      {"int *= sparse float",
       [] { torch::ones({3}, torch::kLong).mul_(torch::ones({3}).to_sparse()); }},
      {"indices of uncoalesced",
       [] {
         auto embedding = sparse_embedding();
         embedding->forward(integers({1, 1})).sum().backward();
         embedding->weight.grad().indices();
       }},
      {"indices of dense", [] { torch::ones({3})._indices(); }},
      {"data_ptr of sparse",
       [] {
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

}  // namespace error_situations
