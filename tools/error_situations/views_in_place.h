// Views whose history could not tell of an in-place operation: made under no_grad, one of several of one
// call, or come out of a custom Function; changed themselves, or by way of what they show.
#pragma once

#include "situation.h"

namespace error_situations {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Returns its input as it is; the gradient is 7 dy.
struct Same : torch::autograd::Function<Same> {
  static Tensor forward(AutogradContext*, const Tensor& x) { return x; }
  static variable_list backward(AutogradContext*, variable_list dy) { return {dy[0] * 7}; }
};
// Returns a view that forward makes.
struct Flat : torch::autograd::Function<Flat> {
  static Tensor forward(AutogradContext*, const Tensor& x) { return x.view({-1}); }
  static variable_list backward(AutogradContext*, variable_list dy) { return {dy[0].view({2, 2}) * 7}; }
};
// Returns both inputs as they are.
struct Both : torch::autograd::Function<Both> {
  static variable_list forward(AutogradContext*, const Tensor& x, const Tensor& y) { return {x, y}; }
  static variable_list backward(AutogradContext*, variable_list dy) { return {dy[0], dy[1]}; }
};
// Doubles its input in place.
struct Doubled : torch::autograd::Function<Doubled> {
  static Tensor forward(AutogradContext* ctx, Tensor x) {
    x.mul_(2);
    ctx->mark_dirty({x});
    return x;
  }
  static variable_list backward(AutogradContext*, variable_list dy) { return {dy[0] * 2}; }
};
// The same, and gives something else back as well, or instead.
struct DoubledAndMore : torch::autograd::Function<DoubledAndMore> {
  static variable_list forward(AutogradContext* ctx, Tensor x) {
    x.mul_(2);
    ctx->mark_dirty({x});
    return {x, x * 3};
  }
  static variable_list backward(AutogradContext*, variable_list dy) { return {dy[0] + dy[1]}; }
};
struct DoubledInstead : torch::autograd::Function<DoubledInstead> {
  static Tensor forward(AutogradContext* ctx, Tensor x) {
    x.mul_(2);
    ctx->mark_dirty({x});
    return x * 3;
  }
  static variable_list backward(AutogradContext*, variable_list dy) { return {dy[0] * 6}; }
};

inline Tensor non_leaf(torch::IntArrayRef sizes) { return leaf(sizes) * 1; }
template <class F>
auto without_grad(F f) {
  torch::NoGradGuard no_grad;
  return f();
}

inline std::vector<Situation> views_in_place() {
  return {
      {"function's input returned, in place", [] { Same::apply(leaf({2})).mul_(2); }},
      {"function's input returned, non-leaf, in place", [] { Same::apply(non_leaf({2})).mul_(2); }},
      {"function's input returned, view of it in place",
       [] { Same::apply(leaf({2})).view({2, 1}).mul_(2); }},
      {"function's input returned, element of it in place", [] { Same::apply(leaf({2}))[0].mul_(2); }},
      {"function's input returned, input in place",
       [] {
         Tensor x = non_leaf({2}), y = Same::apply(x);
         x.mul_(2);
         y.sum().backward();
       }},
      {"function's input returned, leaf changed under no_grad",
       [] {
         Tensor x = leaf({2}), y = Same::apply(x);
         without_grad([&] { return x.mul_(2); });
         y.sum().backward();
       }},
      {"function's view in place", [] { Flat::apply(leaf({2, 2})).mul_(2); }},
      {"function's first of two inputs in place",
       [] { Both::apply(leaf({2}), non_leaf({2}))[0].mul_(2); }},
      {"function's second of two inputs in place",
       [] { Both::apply(leaf({2}), non_leaf({2}))[1].mul_(2); }},
      {"function's input that needs none in place",
       [] { Both::apply(torch::ones({2}), leaf({2}))[0].mul_(2); }},
      {"function's first of two inputs, leaf changed under no_grad",
       [] {
         Tensor x = leaf({2});
         variable_list y = Both::apply(x, non_leaf({2}));
         without_grad([&] { return x.mul_(2); });
         y[0].sum().backward();
       }},
      {"function changes a leaf", [] { Doubled::apply(leaf({2})); }},
      {"function changes a view of a leaf", [] { Doubled::apply(leaf({2}).view({2})); }},
      {"function changes a view, several outputs", [] { DoubledAndMore::apply(non_leaf({2})[0]); }},
      {"function keeps what it changed", [] { DoubledInstead::apply(non_leaf({2})); }},
      {"view that is a leaf in place",
       [] {
         Tensor w = torch::zeros({6}).view({2, 3}).requires_grad_();
         w.mul_(2);
       }},
      {"row of a view that is a leaf in place",
       [] { torch::zeros({6}).view({2, 3}).requires_grad_()[0].mul_(2); }},
      {"no_grad view, base in place",
       [] {
         Tensor x = non_leaf({2}), v = without_grad([&] { return x.view({2}); });
         x.mul_(2);
         v.sum().backward();
       }},
      {"no_grad view of plain, base in place",
       [] {
         Tensor x = torch::ones({2}), v = without_grad([&] { return x.view({2}); });
         x.mul_(leaf({2}));
         v.grad_fn();
       }},
      {"multi-view, base in place",
       [] {
         Tensor x = non_leaf({4}), v = x.unbind(0)[0];
         x.mul_(2);
         v.backward();
       }},
      {"multi-view changed under no_grad",
       [] {
         Tensor x = non_leaf({4}), v = x.chunk(2)[0];
         without_grad([&] { return v.mul_(2); });
         v.sum().backward();
       }},
  };
}

}  // namespace error_situations
