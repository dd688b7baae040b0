// The operations that dump.cpp runs. Only calls that libtorch and simdgrad share.
#pragma once

#include "cases_layers.h"
#include "cases_pointwise.h"
#include "cases_reductions.h"
#include "cases_rest.h"
#include "cases_views.h"

namespace compare {

inline Ops all() {
  Ops ops;
  add_unary(ops);
  add_binary(ops);
  add_reductions(ops);
  add_products(ops);
  add_views(ops);
  add_losses(ops);
  add_embeddings(ops);
  add_factories(ops);
  add_optimizers(ops);
  add_rest(ops);
  return ops;
}

}  // namespace compare
