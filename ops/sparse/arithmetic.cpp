// Products, quotients and negatives of sparse tensors: entry by entry.
#include "ops/sparse/arithmetic.h"

#include <simdgrad/pointwise.h>
#include <simdgrad/sparse.h>
#include <simdgrad/views.h>

#include <algorithm>

#include "autograd/accumulate_grad.h"
#include "ops/loops/copy.h"
#include "ops/sparse/entries.h"
#include "ops/sparse/sums.h"
#include "ops/views/shape.h"

namespace simdgrad {
namespace {

Tensor converted(Tensor gradient, ScalarType dtype) { return gradient.to(dtype); }
bool is_sparse(const Tensor& tensor) { return tensor.defined() && impl(tensor).is_sparse(); }

// f of the entries, with the same indices. f adds nothing to absent ones: f(0) = 0.
template <class F>
Tensor map_entries(const Tensor& self, F f) {
  check_defined(self);
  const TensorExtra& parts = parts_of(self);
  const GradModeGuard no_grad(false);
  return make_sparse(parts.indices, f(parts.values), self.sizes(), parts.coalesced);
}

// The same in place. Values that nobody else can see keep their memory: `into` changes them.
template <class F, class G>
void map_entries_(const Tensor& self, F f, G into) {
  const TensorExtra& parts = parts_of(self);
  const GradModeGuard no_grad(false);
  if (is_unshared(parts.values)) {
    Tensor values = parts.values;
    into(values);
    return;
  }
  Tensor values = f(parts.values);
  SIMDGRAD_CHECK(can_cast(values.scalar_type(), impl(self).dtype), "result type ",
                 to_string(values.scalar_type()), " can't be cast to the desired output type ",
                 to_string(impl(self).dtype));
  replace_parts(self, parts.indices, values.to(impl(self).dtype), parts.coalesced);
}

// What backward keeps: an operand only where the other one's gradient reads it.
Saved saved_for(const Tensor& tensor, const Tensor& other) {
  return tensor_requires_grad(other) ? Saved(tensor) : Saved();
}
struct Types {
  ScalarType self, other;
  Types(const Tensor& a, const Tensor& b) : self(impl(a).dtype), other(impl(b).dtype) {}
};

// A factor for every number: one element in few dimensions.
bool is_number(const Tensor& tensor) {
  return !is_sparse(tensor) && impl(tensor).numel == 1 && impl(tensor).ndim <= kInlineDims;
}
Tensor as_number(const Tensor& tensor) { return impl(tensor).ndim ? tensor.reshape({}) : tensor; }

// sum over all numbers of gradient * sparse.
Tensor inner_product(const Tensor& gradient, const Tensor& sparse) {
  const Tensor whole = coalesce(sparse);
  return (entries_at(gradient, parts_of(whole).indices) * whole.values()).sum();
}

// self [sparse] times other of the same shape, entry by entry.
Tensor mul_elements(const Tensor& self, const Tensor& other) {
  SIMDGRAD_CHECK(self.sizes() == other.sizes(), "mul: operands have incompatible sizes, got ",
                 self.sizes(), " and ", other.sizes(), "; a sparse operand is not broadcast");
  Tensor y = map_entries(self, [&](const Tensor& values) {
    return values * entries_at(other, parts_of(self).indices);
  });
  if (is_floating_point(impl(y).dtype) && needs_gradient(self, other))
    record<"MulBackward0">(y, std::tie(self, other),
                           [a = saved_for(self, other), b = saved_for(other, self),
                            types = Types(self, other), sparse = is_sparse(other)](Gradients& d) {
                             const Tensor dy = d.dy();
                             if (d.needs(0)) d.set(0, converted(mul(dy, b(d)), types.self));
                             if (!d.needs(1)) return;
                             const Tensor db = converted(mul(dy, a(d)), types.other);
                             d.set(1, sparse ? db : to_dense(db));
                           });
  return y;
}

// The indices behind `extra` more sparse dimensions of size 1, or (where negative) without as many.
Tensor shifted_indices(const Tensor& indices, int64_t extra) {
  const int64_t sparse_dim = indices.size(0), count = indices.size(1);
  if (extra < 0) return indices.narrow(0, -extra, sparse_dim + extra);
  Tensor y = zeros_of({sparse_dim + extra, count}, kLong);
  copy_values(y.narrow(0, extra, sparse_dim), indices);
  return y;
}

// The same with sizes of 1 in front, or without those: dense tensors as reshape.
Tensor with_leading_ones(const Tensor& self, int64_t extra) {
  if (extra == 0) return self;
  Dims sizes(static_cast<size_t>(std::max<int64_t>(extra, 0)), 1);
  for (int64_t i = std::max<int64_t>(-extra, 0); i < self.dim(); ++i) sizes.push_back(self.size(i));
  if (!is_sparse(self)) return self.reshape(sizes);
  const TensorExtra& parts = parts_of(self);
  Tensor y;
  {
    const GradModeGuard no_grad(false);
    y = make_sparse(shifted_indices(parts.indices, extra), parts.values, sizes, parts.coalesced);
  }
  if (needs_gradient(self))
    record<"UnsqueezeBackward0">(y, std::tie(self), [extra](Gradients& d) {
      d.set(0, with_leading_ones(d.dy(), -extra));
    });
  return y;
}

// A number with more dimensions than self gives those to the product.
Tensor mul_by_number(const Tensor& given, const Tensor& other) {
  const Tensor self = with_leading_ones(given, std::max<int64_t>(0, other.dim() - given.dim()));
  Tensor y = map_entries(self, [&](const Tensor& values) { return values * as_number(other); });
  if (is_floating_point(impl(y).dtype) && needs_gradient(self, other))
    record<"MulBackward0">(
        y, std::tie(self, other),
        [a = saved_for(self, other), b = saved_for(other, self), types = Types(self, other),
         sizes = FixedDims<kInlineDims>(other.sizes())](Gradients& d) {
          if (d.needs(0)) d.set(0, converted(mul(d.dy(), as_number(b(d))), types.self));
          if (d.needs(1))
            d.set(1, converted(inner_product(d.dy(), a(d)), types.other).reshape(sizes));
        });
  return y;
}

void check_divisor(const Tensor& other) {
  check_defined(other, "other", 1);
  SIMDGRAD_CHECK(!is_sparse(other) && impl(other).ndim == 0,
                 "Sparse division requires a scalar or zero-dim dense tensor divisor (got shape ",
                 other.sizes(), " for divisor)");
}

// What self is now, as an operand: it stays as it is, with its history, when self gets other parts.
Tensor snapshot(const Tensor& self) {
  const TensorExtra& parts = parts_of(self);
  Tensor y = make_sparse(parts.indices, parts.values, self.sizes(), parts.coalesced);
  if (Node* node = impl(self).grad_fn) {
    detail::retain_node(node);
    set_history(y, node, impl(self).output_nr);
  }
  return y;
}

// self becomes `result`, an operation's of its snapshot.
Tensor& become(Tensor& self, const Tensor& result) {
  SIMDGRAD_CHECK(can_cast(result.scalar_type(), impl(self).dtype), "result type ",
                 to_string(result.scalar_type()), " can't be cast to the desired output type ",
                 to_string(impl(self).dtype));
  const Tensor same_type = result.to(impl(self).dtype);
  InplaceHistory history(self);
  history.take(NodePtr::share(impl(same_type).grad_fn));
  const TensorExtra& parts = parts_of(same_type);
  replace_parts(self, parts.indices, parts.values, parts.coalesced);
  history.commit();
  return self;
}

// self = f of its entries, with a formula for its gradient that is linear in dy and keeps nothing.
template <NodeName name, class F, class G, class Formula>
Tensor& change_entries(Tensor& self, F f, G into, Formula formula) {
  const bool records = needs_gradient(self);
  check_inplace(self, records);
  InplaceHistory history(self);
  if (records) history.record<name>(std::tie(self), std::move(formula));
  map_entries_(self, f, into);
  history.commit();
  return self;
}

// self [dense] = self * other [sparse], of one shape: 0 where other has no entry.
Tensor& mul_dense_(Tensor& self, const Tensor& other) {
  check_dense_sum(self, other);
  const ScalarType dtype = impl(self).dtype;
  check_cast(promote_types(dtype, impl(other).dtype), dtype);
  const bool records = needs_gradient(self, other);
  check_inplace(self, records);
  Tensor product;
  {
    const GradModeGuard no_grad(false);
    product = to_dense(mul_elements(other, self));
  }
  InplaceHistory history(self);
  if (records) {
    const Tensor before = tensor_requires_grad(other) ? self.clone() : self;
    history.record<"MulBackward0">(
        std::tie(self, other), [a = saved_for(before, other), b = saved_for(other, self), dtype,
                                other_type = impl(other).dtype](Gradients& d) {
          if (d.needs(0)) d.set(0, converted(to_dense(mul(b(d), d.dy())), dtype));
          if (d.needs(1)) d.set(1, converted(mul(d.dy(), a(d)), other_type));
        });
  }
  copy_values(self, product);
  history.commit();
  return self;
}

}  // namespace

Tensor mul_sparse(const Tensor& self, const Tensor& other) {
  check_defined(self);
  check_defined(other, "other", 1);
  if (!is_sparse(self)) return mul_sparse(other, self);
  return is_number(other) ? mul_by_number(self, other) : mul_elements(self, other);
}

Tensor mul_sparse(const Tensor& self, const Scalar& other) {
  Tensor y = map_entries(self, [&](const Tensor& values) { return values.mul(other); });
  if (is_floating_point(impl(y).dtype) && needs_gradient(self))
    record<"MulBackward1">(y, std::tie(self), [other, dtype = impl(self).dtype](Gradients& d) {
      d.set(0, converted(mul(d.dy(), other), dtype));
    });
  return y;
}

Tensor& mul_sparse_(Tensor& self, const Tensor& other) {
  check_defined(self);
  check_defined(other, "other", 1);
  if (!is_sparse(self)) return mul_dense_(self, other);
  check_inplace(self, needs_gradient(self, other));
  const Tensor before = snapshot(self);
  return become(self, mul_sparse(before, other.is_same(self) ? before : other));
}

Tensor& mul_sparse_(Tensor& self, const Scalar& other) {
  return change_entries<"MulBackward1">(
      self, [&](const Tensor& values) { return values.mul(other); },
      [&](Tensor& values) { values.mul_(other); },
      [other](Gradients& d) { d.set(0, mul(d.dy(), other)); });
}

Tensor div_sparse(const Tensor& self, const Tensor& other) {
  check_defined(self);
  check_divisor(other);
  SIMDGRAD_CHECK(is_sparse(self), "div: a dense tensor cannot be divided by a sparse one");
  Tensor y = map_entries(self, [&](const Tensor& values) { return values / other; });
  if (needs_gradient(self, other))
    record<"DivBackward0">(
        y, std::tie(self, other),
        [a = saved_for(self, other), b = Saved(other), types = Types(self, other)](Gradients& d) {
          if (d.needs(0)) d.set(0, converted(div(d.dy(), b(d)), types.self));
          if (d.needs(1))  // -a / b^2
            d.set(1, converted(-inner_product(d.dy(), a(d)) / (b(d) * b(d)), types.other));
        });
  return y;
}

Tensor div_sparse(const Tensor& self, const Scalar& other) {
  Tensor y = map_entries(self, [&](const Tensor& values) { return values.div(other); });
  if (needs_gradient(self))
    record<"DivBackward1">(y, std::tie(self), [other, dtype = impl(self).dtype](Gradients& d) {
      d.set(0, converted(div(d.dy(), other), dtype));
    });
  return y;
}

Tensor& div_sparse_(Tensor& self, const Tensor& other) {
  check_defined(self);
  check_divisor(other);
  check_inplace(self, needs_gradient(self, other));
  return become(self, div_sparse(snapshot(self), other));
}

Tensor& div_sparse_(Tensor& self, const Scalar& other) {
  return change_entries<"DivBackward1">(
      self, [&](const Tensor& values) { return values.div(other); },
      [&](Tensor& values) { values.div_(other); },
      [other](Gradients& d) { d.set(0, div(d.dy(), other)); });
}

Tensor neg_sparse(const Tensor& self) {
  Tensor y = map_entries(self, [](const Tensor& values) { return values.neg(); });
  if (needs_gradient(self))
    record<"NegBackward0">(y, std::tie(self), [](Gradients& d) { d.set(0, neg(d.dy())); });
  return y;
}

Tensor& neg_sparse_(Tensor& self) {
  return change_entries<"NegBackward0">(
      self, [](const Tensor& values) { return values.neg(); },
      [](Tensor& values) { values.neg_(); }, [](Gradients& d) { d.set(0, neg(d.dy())); });
}

}  // namespace simdgrad
