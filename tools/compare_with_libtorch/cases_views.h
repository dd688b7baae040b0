// Views, indexing and joining.
#pragma once

#include "case.h"

namespace compare {

inline void add_views(Ops& ops) {
  const auto view = [&ops](const char* name, std::function<Tensor(Case&, Tensor)> f) {
    ops.push_back({name, [f](Case& c) { return Outputs{f(c, c.x({c.n, c.m, 4}))}; }});
  };
  view("view", [](Case& c, Tensor x) { return x.contiguous().view({c.n * c.m, -1}); });
  view("view_split", [](Case& c, Tensor x) { return x.contiguous().view({c.n, c.m, 2, 2}); });
  view("reshape", [](Case& c, Tensor x) { return x.reshape({4, c.n * c.m}); });
  view("flatten", [](Case&, Tensor x) { return x.flatten(1); });
  view("t", [](Case&, Tensor x) { return x[0].t(); });
  view("numpy_T", [](Case&, Tensor x) { return x[0].numpy_T(); });
  view("transpose", [](Case&, Tensor x) { return x.transpose(0, -1); });
  view("permute", [](Case&, Tensor x) { return x.permute({2, 0, 1}); });
  view("expand", [](Case& c, Tensor x) { return x.expand({c.b, c.n, c.m, 4}); });
  view("expand_ones", [](Case& c, Tensor x) { return x.sum(1, true).expand({c.n, c.m, -1}); });
  view("squeeze", [](Case&, Tensor x) { return x.unsqueeze(1).squeeze(); });
  view("squeeze_dim", [](Case&, Tensor x) { return x.unsqueeze(2).squeeze(2); });
  view("unsqueeze", [](Case&, Tensor x) { return x.unsqueeze(-2); });
  view("select", [](Case& c, Tensor x) { return x.select(1, c.below(c.m)); });
  view("slice", [](Case&, Tensor x) { return x.slice(2, 1, 4, 2); });
  view("narrow", [](Case&, Tensor x) { return x.narrow(2, 1, 2); });
  view("index_integer", [](Case&, Tensor x) { return x.index({0, Slice(), -1}); });
  view("index_slices", [](Case&, Tensor x) {
    return x.index({Ellipsis, Slice(1, None, 2), None});
  });
  view("index_tensor", [](Case& c, Tensor x) { return x.index({c.ids(c.n, {5})}); });
  view("index_tensor_2d", [](Case& c, Tensor x) { return x.index({c.ids(c.n, {2, 3}), 0}); });
  view("index_middle", [](Case& c, Tensor x) { return x.index({Slice(), c.ids(c.m, {5})}); });
  view("index_pair", [](Case& c, Tensor x) {
    return x.index({c.ids(c.n, {3}), Slice(), c.ids(4, {3})});
  });
  view("index_broadcast", [](Case& c, Tensor x) {
    return x.index({c.ids(c.n, {3, 1}), c.ids(c.m, {2})});
  });
  view("index_mask", [](Case& c, Tensor x) { return x.index({c.mask({c.n, c.m})}); });
  view("index_mask_last", [](Case& c, Tensor x) { return x.index({Ellipsis, c.mask({4})}); });
  view("index_negative", [](Case& c, Tensor x) { return x.index({c.ids(c.n, {4}) - c.n}); });
  view("index_select", [](Case& c, Tensor x) { return x.index_select(1, c.ids(c.m, {6})); });
  view("gather", [](Case& c, Tensor x) { return x.gather(2, c.ids(4, {c.n, c.m, 3})); });
  view("index_put_", [](Case& c, Tensor x) {
    Tensor y = x * 1;
    y.index_put_({torch::arange(c.n), 0, 2}, c.x({c.n}));
    return y;
  });
  view("index_put_scalar", [](Case& c, Tensor x) {
    Tensor y = x * 1;
    y.index_put_({c.ids(c.n, {3})}, 2.5);
    return y;
  });
  view("index_put_mask", [](Case& c, Tensor x) {
    Tensor y = x * 1;
    y.index_put_({c.mask({c.n, c.m})}, c.x({4}));
    return y;
  });
  view("index_put_slice", [](Case& c, Tensor x) {
    Tensor y = x * 1;
    y.index_put_({Slice(), 0, Slice(1, 3)}, c.x({c.n, 2}));
    return y;
  });
  ops.push_back({"cat", [](Case& c) {
                   return Outputs{torch::cat({c.x({c.n, c.m}), c.x({c.k, c.m})}),
                                  torch::cat({c.x({c.n, c.m}), c.x({c.n, c.k})}, 1)};
                 }});
  ops.push_back({"stack", [](Case& c) {
                   Tensor x = c.x({c.n, c.m}), y = c.x({c.n, c.m});
                   return Outputs{torch::stack({x, y}), torch::stack({x, y, x}, -1)};
                 }});
  ops.push_back({"split", [](Case& c) {
                   Outputs parts = c.x({c.n + 1, c.m}).split(2);
                   return Outputs{parts[0], parts.back()};
                 }});
  ops.push_back({"unbind", [](Case& c) { return c.x({2, c.m}).unbind(); }});
}

}  // namespace compare
