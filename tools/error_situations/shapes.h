// Products, shapes, views and indexing.
#pragma once

#include "situation.h"

namespace error_situations {

inline std::vector<Situation> products() {
  return {
      {"matmul 3x4 5x6",
       [] {
         torch::rand({3, 4}).matmul(torch::rand({5, 6}));
       }},
      {"linear 3x4, W 5x6",
       [] {
         F::linear(torch::rand({3, 4}), torch::rand({5, 6}));
       }},
      {"linear 2x3x4, W 5x6",
       [] {
         F::linear(torch::rand({2, 3, 4}), torch::rand({5, 6}));
       }},
      {"linear 4, W 5x6",
       [] {
         F::linear(torch::rand({4}), torch::rand({5, 6}));
       }},
      {"mm 1-D",
       [] {
         torch::rand({3}).mm(torch::rand({3, 4}));
       }},
      {"mm mat2 1-D",
       [] {
         torch::rand({3, 4}).mm(torch::rand({4}));
       }},
      {"mm 3x4 5x6",
       [] {
         torch::mm(torch::rand({3, 4}), torch::rand({5, 6}));
       }},
      {"mm dtypes",
       [] {
         torch::rand({3, 4}).mm(torch::rand({4, 5}, torch::kDouble));
       }},
      {"matmul dtypes",
       [] {
         torch::rand({3, 4}).matmul(torch::rand({4}, torch::kDouble));
       }},
      {"linear dtypes",
       [] {
         F::linear(torch::rand({3, 4}), torch::rand({5, 4}, torch::kDouble));
       }},
      {"linear dtypes with bias",
       [] {
         F::linear(torch::rand({3, 4}, torch::kDouble), torch::rand({5, 4}), torch::rand({5}));
       }},
      {"addmm dtypes of self",
       [] {
         torch::addmm(torch::rand({5}, torch::kDouble), torch::rand({3, 4}), torch::rand({4, 5}));
       }},
      {"addmm dtypes before shapes",
       [] {
         torch::addmm(torch::rand({5}), torch::rand({3, 4}, torch::kDouble), torch::rand({6, 5}));
       }},
      {"addmm 1-D",
       [] { torch::addmm(torch::rand({5}), torch::rand({4}), torch::rand({4, 5})); }},
      {"linear bias 6",
       [] {
         F::linear(torch::rand({3, 4}), torch::rand({5, 4}), torch::rand({6}));
       }},
      {"addmm input",
       [] {
         torch::addmm(torch::rand({7}), torch::rand({3, 4}), torch::rand({4, 5}));
       }},
      {"addmm 3x4 5x6",
       [] {
         torch::addmm(torch::rand({6}), torch::rand({3, 4}), torch::rand({5, 6}));
       }},
      {"mv",
       [] {
         torch::rand({3, 4}).mv(torch::rand({5}));
       }},
      {"matmul 2-D 1-D",
       [] {
         torch::rand({3, 4}).matmul(torch::rand({5}));
       }},
      {"matmul 1-D 2-D",
       [] {
         torch::rand({5}).matmul(torch::rand({3, 4}));
       }},
      {"matmul 1-D 1-D", [] { torch::rand({5}).matmul(torch::rand({3})); }},
      {"matmul batches",
       [] {
         torch::rand({2, 3, 4}).matmul(torch::rand({3, 4, 5}));
       }},
      {"matmul 3-D inner",
       [] {
         torch::rand({2, 3, 4}).matmul(torch::rand({2, 5, 6}));
       }},
      {"dot", [] { torch::rand({4}).dot(torch::rand({5})); }},
      {"dot 2-D",
       [] {
         torch::rand({4, 1}).dot(torch::rand({5}));
       }},
      {"dot dtypes", [] { torch::rand({4}).dot(torch::rand({4}, torch::kDouble)); }},
      {"bmm",
       [] {
         torch::rand({2, 3, 4}).bmm(torch::rand({2, 5, 6}));
       }},
      {"bmm 2-D",
       [] {
         torch::rand({3, 4}).bmm(torch::rand({2, 4, 6}));
       }},
      {"matmul 0-D", [] { torch::rand({}).matmul(torch::rand({3})); }},
  };
}

inline std::vector<Situation> shapes() {
  return {
      {"expand overflow", [] { torch::zeros({1}).expand({int64_t{1} << 32, int64_t{1} << 32}); }},
      {"expand twice overflow",
       [] { torch::zeros({1}).expand({int64_t{1} << 62}).expand({4, int64_t{1} << 62}); }},
      {"as_strided overflow",
       [] { torch::zeros({1}).as_strided({int64_t{1} << 32, int64_t{1} << 32}, {0, 0}); }},
      {"mm int16 float", [] { torch::ones({2, 2}, torch::kShort).mm(torch::ones({2, 2})); }},
      {"broadcast",
       [] {
         torch::rand({3, 4}) + torch::rand({3, 5});
       }},
      {"in-place broadcast",
       [] {
         torch::rand({3}).add_(torch::rand({2, 3}));
       }},
      {"copy_ shape", [] { torch::rand({3}).copy_(torch::rand({4})); }},
      {"view size",
       [] {
         torch::rand({12}).view({5, 2});
       }},
      {"view -1 -1",
       [] {
         torch::rand({12}).view({-1, -1});
       }},
      {"view -2",
       [] {
         torch::rand({12}).view({-2, 6});
       }},
      {"view stride",
       [] {
         torch::rand({3, 4}).t().view({12});
       }},
      {"reshape 0 -1",
       [] {
         torch::rand({0}).reshape({0, -1});
       }},
      {"sum dim 2",
       [] {
         torch::rand({3, 4}).sum(2);
       }},
      {"sum dims 0 0",
       [] {
         torch::rand({3, 4}).sum({0, 0});
       }},
      {"softmax dim",
       [] {
         torch::softmax(torch::rand({3, 4}), 2);
       }},
      {"size dim",
       [] {
         torch::rand({3, 4}).size(2);
       }},
      {"cat",
       [] {
         torch::cat({torch::rand({2, 3}), torch::rand({2, 4})});
       }},
      {"cat dims",
       [] {
         torch::cat({torch::rand({2, 3}), torch::rand({2})});
       }},
      {"cat 0-D",
       [] {
         torch::cat({torch::rand({}), torch::rand({2})});
       }},
      {"cat empty", [] { torch::cat(std::vector<torch::Tensor>{}); }},
      {"stack",
       [] {
         torch::stack({torch::rand({2, 3}), torch::rand({2, 4})});
       }},
      {"stack empty", [] { torch::stack(std::vector<torch::Tensor>{}); }},
      {"select",
       [] {
         torch::rand({3, 4}).select(0, 7);
       }},
      {"select 0-D", [] { torch::rand({}).select(0, 0); }},
      {"operator[]", [] { torch::rand({3})[5]; }},
      {"operator[] 0-D", [] { torch::rand({})[0]; }},
      {"index integer",
       [] {
         torch::rand({3, 4}).index({5});
       }},
      {"index too many",
       [] {
         torch::rand({3, 4}).index({0, 0, 0});
       }},
      {"index tensor",
       [] {
         torch::rand({3}).index({integers({0, 5})});
       }},
      {"index tensor dim 1",
       [] {
         torch::rand({3, 4}).index({Slice(), integers({0, -5})});
       }},
      {"index float", [] { torch::rand({3}).index({torch::rand({2})}); }},
      {"index shapes",
       [] {
         torch::rand({3, 4}).index({integers({0, 1}), integers({0, 1, 2})});
       }},
      {"index mask shape", [] { torch::rand({3}).index({torch::ones({4}, torch::kBool)}); }},
      {"index_put_ shape",
       [] {
         torch::rand({3, 4}).index_put_({0}, torch::rand({3}));
       }},
      {"index_put_ tensor shape",
       [] {
         torch::rand({3, 4}).index_put_({integers({0, 1})}, torch::rand({3}));
       }},
      {"index_put_ dtype",
       [] { torch::rand({3}).index_put_({integers({0})}, torch::ones({1}, torch::kDouble)); }},
      {"slice step", [] { torch::rand({3}).slice(0, 0, 3, 0); }},
      {"narrow", [] { torch::rand({3}).narrow(0, 2, 5); }},
      {"narrow start", [] { torch::rand({3}).narrow(0, 4, 1); }},
      {"narrow length", [] { torch::rand({3}).narrow(0, 0, -1); }},
      {"expand",
       [] {
         torch::rand({3}).expand({2, 4});
       }},
      {"expand fewer",
       [] {
         torch::rand({2, 3}).expand({3});
       }},
      {"expand -1",
       [] {
         torch::rand({3}).expand({-1, 3});
       }},
      {"gather",
       [] {
         torch::rand({3, 4}).gather(1, torch::full({3, 1}, 9, torch::kLong));
       }},
      {"gather dtype",
       [] {
         torch::rand({3, 4}).gather(1, torch::zeros({3, 1}));
       }},
      {"gather dims",
       [] {
         torch::rand({3, 4}).gather(1, integers({0}));
       }},
      {"gather size",
       [] {
         torch::rand({3, 4}).gather(1, torch::zeros({4, 1}, torch::kLong));
       }},
      {"index_select",
       [] {
         torch::rand({3, 4}).index_select(0, integers({3}));
       }},
      {"index_select dtype",
       [] {
         torch::rand({3, 4}).index_select(0, torch::zeros({1}));
       }},
      {"index_select 2-D",
       [] {
         torch::rand({3, 4}).index_select(0, torch::zeros({1, 1}, torch::kLong));
       }},
      {"permute",
       [] {
         torch::rand({3, 4}).permute({0, 0});
       }},
      {"permute fewer",
       [] {
         torch::rand({3, 4}).permute({0});
       }},
      {"t of 3-D",
       [] {
         torch::rand({2, 3, 4}).t();
       }},
      {"transpose dim",
       [] {
         torch::rand({2, 3}).transpose(0, 2);
       }},
      {"squeeze", [] { torch::rand({3}).squeeze(3); }},
      {"unsqueeze", [] { torch::rand({3}).unsqueeze(3); }},
      {"flatten",
       [] {
         torch::rand({2, 3}).flatten(1, 0);
       }},
      {"split sizes",
       [] {
         torch::rand({4}).split_with_sizes({1, 1});
       }},
      {"split size", [] { torch::rand({4}).split(-1); }},
      {"chunk 0", [] { torch::rand({4}).chunk(0); }},
      {"as_strided", [] { torch::rand({4}).as_strided({3}, {2}); }},
      {"overlap", [] { torch::rand({1}).expand({3}).add_(1); }},
      {"partial overlap",
       [] {
         auto x = torch::rand({4});
         x.slice(0, 0, 3).add_(x.slice(0, 1, 4));
       }},
  };
}

}  // namespace error_situations
