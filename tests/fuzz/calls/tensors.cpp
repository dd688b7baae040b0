// Tensors as planned: strides, views, leaves and results.
#include "tests/fuzz/calls/tensors.h"

#include <algorithm>

namespace fuzz {
namespace {

using simdgrad::empty;

Tensor filled(Call& c, const Shape& shape, const Plan& plan) {
  const Tensor x = empty(shape, plan.dtype);
  if (plan.values == Plan::Values::ids)
    fill_ids(c.random, x, plan.limit);
  else
    fill_any(c.random, x);
  return x;
}

// The shape of what a view is taken of, and the view.
struct Layout {
  Shape shape;
  enum class Kind { plain, permuted, sliced, expanded, overlapping } kind = Kind::plain;
  Shape order;                            // permuted: dimension order[i] of the view is dimension i
  int64_t dim = 0, step = 1, offset = 0;  // sliced
};

Layout draw_layout(Call& c, const Shape& shape) {
  using Kind = Layout::Kind;
  Layout layout{shape, Kind::plain, {}, 0, 1, 0};
  if (shape.empty()) return layout;
  const int64_t dims = static_cast<int64_t>(shape.size());
  layout.kind = c.random.pick({Kind::plain, Kind::plain, Kind::plain, Kind::plain, Kind::permuted,
                               Kind::permuted, Kind::sliced, Kind::sliced, Kind::expanded,
                               Kind::overlapping});
  if (c.is_written() && layout.kind >= Kind::expanded) layout.kind = Kind::permuted;
  layout.dim = c.random.below(dims);
  const size_t dim = static_cast<size_t>(layout.dim);
  if (layout.kind == Kind::permuted) {
    for (int64_t i = 0; i < dims; ++i) layout.order.push_back(i);
    for (size_t i = shape.size(); i > 1; --i)
      std::swap(layout.order[i - 1],
                layout.order[static_cast<size_t>(c.random.below(static_cast<int64_t>(i)))]);
    for (size_t i = 0; i < shape.size(); ++i)
      layout.shape[static_cast<size_t>(layout.order[i])] = shape[i];
  } else if (layout.kind == Kind::sliced) {
    layout.step = c.random.between(1, 3);
    layout.offset = c.random.below(3);
    layout.shape[dim] = layout.offset + shape[dim] * layout.step;
  } else if (layout.kind == Kind::expanded) {
    layout.shape[dim] = 1;
  } else if (layout.kind == Kind::overlapping) {
    int64_t reach = 1;
    for (const int64_t size : shape) reach += std::max<int64_t>(size - 1, 0) * 2;
    layout.shape = {reach + 2};
  }
  return layout;
}

Tensor view_of(Call& c, const Tensor& x, const Layout& layout, const Shape& shape) {
  using Kind = Layout::Kind;
  switch (layout.kind) {
    case Kind::plain:
      return x;
    case Kind::permuted:
      return x.permute(layout.order);
    case Kind::sliced:
      return x.slice(layout.dim, layout.offset, std::nullopt, layout.step)
          .narrow(layout.dim, 0, shape[static_cast<size_t>(layout.dim)]);
    case Kind::expanded:
      return x.expand(shape);
    case Kind::overlapping:
      break;
  }
  Shape strides;
  for (size_t i = 0; i < shape.size(); ++i) strides.push_back(c.random.below(3));
  return x.as_strided(shape, strides, c.random.below(2));
}

}  // namespace

Tensor build_tensor(Call& c, const Plan& plan) {
  const Layout layout = draw_layout(c, plan.shape);
  const Tensor storage = filled(c, layout.shape, plan);
  const bool takes_gradient =
      simdgrad::is_floating_point(plan.dtype) && c.random.chance(plan.gradient_chance);
  if (!takes_gradient) {
    Tensor x = view_of(c, storage, layout, plan.shape);
    if (c.random.chance(30)) x = x.detach();  // no view
    c.give(x);
    return x;
  }
  // A leaf of these strides, a view of a leaf, or the result of an operation. What is written in
  // place cannot be a leaf.
  const int64_t way = c.random.below(c.is_written() ? 20 : 10);
  if (way < 5) {
    const Tensor x = view_of(c, storage, layout, plan.shape).detach();
    x.set_requires_grad(true);
    c.give(x, x);
    return x;
  }
  const Tensor leaf = storage.set_requires_grad(true);
  const Tensor source = way < 7 ? leaf : leaf.mul(1);
  Tensor x = view_of(c, source, layout, plan.shape);
  if (way >= 12 && layout.kind != Layout::Kind::plain) x = x.clone();
  c.give(x, leaf);
  return x;
}

Tensor build_sparse(Call& c, const Plan& plan) {
  Shape size = plan.shape;
  if (size.empty()) size = {c.world.letter('v')};
  const int64_t dims = static_cast<int64_t>(size.size());
  const int64_t sparse_dim = c.random.chance(80) ? 1 : c.random.between(1, dims);
  int64_t nnz = c.random.below(5);
  for (int64_t i = 0; i < sparse_dim; ++i)
    if (size[static_cast<size_t>(i)] == 0) nnz = 0;
  const Tensor indices = empty({sparse_dim, nnz}, simdgrad::kLong);
  for (int64_t i = 0; i < sparse_dim; ++i)
    fill_ids(c.random, indices.select(0, i), size[static_cast<size_t>(i)]);
  Shape value_size = {nnz};
  value_size.insert(value_size.end(), size.begin() + sparse_dim, size.end());
  const Tensor values = empty(value_size, plan.dtype);
  fill_any(c.random, values);
  const bool takes_gradient =
      simdgrad::is_floating_point(plan.dtype) && c.random.chance(plan.gradient_chance);
  if (takes_gradient && c.random.chance(50)) {  // of its values
    values.set_requires_grad(true);
    const Tensor x = sparse_coo_tensor(indices, values, size);
    c.give(x, values);
    return x;
  }
  const Tensor x = sparse_coo_tensor(indices, values, size);
  if (takes_gradient) x.set_requires_grad(true);
  c.give(x, takes_gradient ? x : Tensor());
  return x;
}

void give_gradient(Call& c, const Tensor& parameter) {
  if (!parameter.defined() || c.random.chance(15)) return;
  const Call::Entry entry(c, "gradient", Use::written);
  const Shape before = parameter.sizes().vec();
  Plan plan{before, parameter.scalar_type(), Plan::Values::any, 1, 5};
  if (c.random.chance(8)) plan = draw_plan(c);
  const bool is_sparse = !plan.shape.empty() && c.random.chance(35);
  Tensor gradient = is_sparse ? build_sparse(c, plan) : build_tensor(c, plan);
  if (is_sparse && c.random.chance(10)) overwrite_integers(c.random, gradient._indices());
  parameter.mutable_grad() = gradient;
}

}  // namespace fuzz
