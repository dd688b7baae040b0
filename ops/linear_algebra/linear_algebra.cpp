// mm, addmm, mv, dot, bmm, matmul and linear: checks, products without copies, gradients.
#include <simdgrad/autograd.h>
#include <simdgrad/linear_algebra.h>
#include <simdgrad/pointwise.h>
#include <simdgrad/reductions.h>
#include <simdgrad/views.h>

#include <algorithm>
#include <utility>

#include "autograd/record.h"
#include "core/dtypes.h"
#include "ops/loops/broadcast.h"
#include "ops/loops/copy.h"
#include "ops/linear_algebra/gemm.h"
#include "ops/views/shape.h"

namespace simdgrad {
namespace {

ops::Matrix matrix(const Tensor& of) {
  const TensorImpl& m = impl(of);
  const size_t last = m.ndim - 1u;
  return {m.data, m.strides()[last - 1], m.strides()[last]};
}

// A matrix in a product: a tensor of two dimensions, or its transpose without a view of it.
struct Operand {
  explicit Operand(const Tensor& of)
      : rows(impl(of).shape.inlined[0]),
        columns(impl(of).shape.inlined[1]),
        numbers{impl(of).data, impl(of).shape.inlined[kInlineDims],
                impl(of).shape.inlined[kInlineDims + 1]} {}
  Operand transposed() const {
    Operand turned = *this;
    std::swap(turned.rows, turned.columns);
    std::swap(turned.numbers.row_stride, turned.numbers.column_stride);
    return turned;
  }
  int64_t rows, columns;
  ops::Matrix numbers;
};

void check_dtypes(const Tensor& a, const Tensor& b) {
  SIMDGRAD_CHECK(impl(a).dtype == impl(b).dtype,
                 "expected m1 and m2 to have the same dtype, but got: ", a.dtype().name(),
                 " != ", b.dtype().name());
}

inline void check_inner(const int64_t* a, const int64_t* b) {
  SIMDGRAD_CHECK(a[1] == b[0], "mat1 and mat2 shapes cannot be multiplied (", a[0], "x", a[1], " and ",
                 b[0], "x", b[1], ")");
}

[[gnu::always_inline]] inline void check_mm(const Tensor& a, const Tensor& b) {
  check_dense(a, "mm", "self");
  check_dense(b, "mm", "mat2");
  SIMDGRAD_CHECK(impl(a).ndim == 2, "self must be a matrix");
  SIMDGRAD_CHECK(impl(b).ndim == 2, "mat2 must be a matrix");
  check_inner(impl(a).sizes(), impl(b).sizes());
  check_dtypes(a, b);
}

void check_addmm(const Tensor& self, const Tensor& mat1, const Tensor& mat2) {
  check_dense(self, "addmm");
  check_dense(mat1, "addmm", "mat1");
  check_dense(mat2, "addmm", "mat2");
  SIMDGRAD_CHECK(impl(mat1).ndim == 2, "mat1 must be a matrix, got ", mat1.dim(), "-D tensor");
  SIMDGRAD_CHECK(impl(mat2).ndim == 2, "mat2 must be a matrix, got ", mat2.dim(), "-D tensor");
  const ScalarType types[3] = {impl(self).dtype, impl(mat1).dtype, impl(mat2).dtype};
  SIMDGRAD_CHECK(types[0] == types[2], "self and mat2 must have the same dtype, but got ",
                 to_string(types[0]), " and ", to_string(types[2]));
  SIMDGRAD_CHECK(types[1] == types[2], "mat1 and mat2 must have the same dtype, but got ",
                 to_string(types[1]), " and ", to_string(types[2]));
  check_inner(impl(mat1).sizes(), impl(mat2).sizes());
}

// Integers: plain loops in int64, for the few who multiply ids or counts.
Tensor integer_product(const Tensor& a, const Tensor& b, int64_t batch, int64_t n, int64_t m,
                       int64_t p) {
  const Tensor left = a.to(kLong).contiguous(), right = b.to(kLong).contiguous();
  Dims sizes(impl(a).size_list());
  sizes[sizes.size() - 1] = p;
  Tensor y = make_tensor(sizes, kLong);
  const int64_t* x = left.const_data_ptr<int64_t>();
  const int64_t* w = right.const_data_ptr<int64_t>();
  int64_t* to = y.data_ptr<int64_t>();
  for (int64_t t = 0; t < batch; ++t, x += n * m, w += m * p, to += n * p)
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < p; ++j) {
        uint64_t sum = 0;  // wraps as integers do in PyTorch
        for (int64_t k = 0; k < m; ++k)
          sum += static_cast<uint64_t>(x[i * m + k]) * static_cast<uint64_t>(w[k * p + j]);
        to[i * p + j] = static_cast<int64_t>(sum);
      }
  return y.to(a.scalar_type());
}

// a b + epilogue of floating-point matrices, without graph. Inlined, as the checks are: what a product
// takes beside its kernel is a tenth of 32 x 32 x 32.
[[gnu::always_inline]] inline Tensor product(const Operand& a, const Operand& b, ScalarType dtype,
                                             const ops::Epilogue& epilogue = {}) {
  const int64_t sizes[2] = {a.rows, b.columns};
  Tensor y = make_tensor(sizes, dtype);
  for_float_type(dtype, [&]<class T>(T) {
    ops::gemm<T>(a.rows, b.columns, a.columns, a.numbers, b.numbers, static_cast<T*>(impl(y).data),
                 std::max<int64_t>(b.columns, 1), epilogue);
  });
  return y;
}

[[gnu::always_inline]] inline Tensor product(const Tensor& a, const Tensor& b,
                                             const ops::Epilogue& epilogue = {}) {
  const Operand left(a), right(b);
  const ScalarType dtype = impl(a).dtype;
  if (!is_floating_point(dtype))
    return integer_product(a, b, 1, left.rows, left.columns, right.columns);
  return product(left, right, dtype, epilogue);
}

// A matrix laid out as the transpose of a row-major one. Its gradient is computed transposed, so
// that a weight behind t() gets it in the weight's own layout, without a copy.
bool is_transposed(IntArrayRef strides, IntArrayRef sizes) {
  return strides[0] == 1 && strides[1] == sizes[0] && sizes[0] != 1;
}

struct MatrixLayout {
  explicit MatrixLayout(const Tensor& of)
      : transposed(is_transposed(impl(of).stride_list(), impl(of).size_list())) {}
  bool transposed;
};

// A gradient [n,p], where it is expanded, as that of a sum, as a matrix of its own.
Tensor written_out(const Tensor& dy) {
  const TensorImpl& of = impl(dy);
  return !of.is_sparse() && of.strides()[1] == 0 && of.sizes()[1] > 1 ? contiguous_values(dy) : dy;
}

Tensor scaled(Tensor x, const Scalar& factor) { return factor.equal(1) ? x : x.mul(factor); }

// Outside the graph: a b, or (b^T a^T)^T for who wants it laid out so.
Tensor product_laid_out(const Operand& a, const Operand& b, ScalarType dtype, MatrixLayout as) {
  return as.transposed ? transposed(product(b.transposed(), a.transposed(), dtype))
                       : product(a, b, dtype);
}
// Is it for mm, to be recorded or refused?
bool goes_through_mm(const Tensor& dy, const Tensor& other) {
  return thread_state.grad_enabled || impl(dy).is_sparse() || impl(dy).dtype != impl(other).dtype;
}

// y = a b:  d a [n,m] = dy [n,p] b^T [p,m]
Tensor left_gradient(const Tensor& dy, const Tensor& b, MatrixLayout a, const Scalar& alpha) {
  if (goes_through_mm(dy, b))
    return scaled(a.transposed ? mm(b, dy.t()).t() : mm(dy, b.t()), alpha);
  return scaled(product_laid_out(Operand(dy), Operand(b).transposed(), impl(dy).dtype, a), alpha);
}
// d b [m,p] = a^T [m,n] dy [n,p]
Tensor right_gradient(const Tensor& dy, const Tensor& a, MatrixLayout b, const Scalar& alpha) {
  if (goes_through_mm(dy, a))
    return scaled(b.transposed ? mm(dy.t(), a).t() : mm(a.t(), dy), alpha);
  return scaled(product_laid_out(Operand(a).transposed(), Operand(dy), impl(dy).dtype, b), alpha);
}

// Saves only what the other operand's gradient needs.
Saved saved_for(const Tensor& tensor, const Tensor& other) {
  return tensor_requires_grad(other) ? Saved(tensor) : Saved();
}

[[gnu::noinline]] void record_mm(const Tensor& y, const Tensor& self, const Tensor& mat2) {
  record<"MmBackward0">(
      y, std::tie(self, mat2),
      [a = saved_for(self, mat2), b = saved_for(mat2, self), a_layout = MatrixLayout(self),
       b_layout = MatrixLayout(mat2)](Gradients& d) {
        if (d.needs(0)) d.set(0, left_gradient(d.dy(), b(d), a_layout, 1));
        if (d.needs(1)) d.set(1, right_gradient(d.dy(), a(d), b_layout, 1));
      });
}

}  // namespace

Tensor mm(const Tensor& self, const Tensor& mat2) {
  check_mm(self, mat2);
  Tensor y = product(self, mat2);
  if (needs_gradient(self, mat2)) record_mm(y, self, mat2);
  return y;
}

Tensor addmm(const Tensor& self, const Tensor& mat1, const Tensor& mat2, const Scalar& beta,
             const Scalar& alpha) {
  check_addmm(self, mat1, mat2);
  const int64_t sizes[2] = {impl(mat1).sizes()[0], impl(mat2).sizes()[1]};
  Tensor y;
  if (!is_floating_point(self.scalar_type())) {
    const GradModeGuard no_grad(false);
    y = self.expand(sizes).mul(beta).add(product(mat1, mat2), alpha);
  } else {
    // A row of the result's width is read as it lies; other shapes through an expanded view.
    const TensorImpl& addend = impl(self);
    ops::Epilogue epilogue{alpha.to_double(), beta.to_double(), addend.data, 0, 0};
    Tensor expanded;
    if (addend.ndim == 1 && addend.sizes()[0] == sizes[1]) {
      epilogue.addend_column_stride = addend.strides()[0];
    } else {
      const GradModeGuard no_grad(false);
      expanded = self.expand(sizes);
      epilogue.addend_row_stride = impl(expanded).strides()[0];
      epilogue.addend_column_stride = impl(expanded).strides()[1];
    }
    y = product(mat1, mat2, epilogue);
  }
  if (needs_gradient(self, mat1, mat2)) {
    record<"AddmmBackward0">(
        y, std::tie(self, mat1, mat2),
        [a = saved_for(mat1, mat2), b = saved_for(mat2, mat1), a_layout = MatrixLayout(mat1),
         b_layout = MatrixLayout(mat2), beta, alpha,
         shape = FixedDims<2>(self.sizes())](Gradients& d) {
          // Written out once for all three.
          const bool products = d.needs(1) || d.needs(2);
          const Tensor dy = products && !d.create_graph() ? written_out(d.dy()) : d.dy();
          if (d.needs(0)) d.set(0, scaled(sum_to(dy, shape), beta));
          if (d.needs(1)) d.set(1, left_gradient(dy, b(d), a_layout, alpha));
          if (d.needs(2)) d.set(2, right_gradient(dy, a(d), b_layout, alpha));
        });
  }
  return y;
}

Tensor mv(const Tensor& self, const Tensor& vec) {
  check_dense(self, "mv");
  check_dense(vec, "mv", "vec");
  SIMDGRAD_CHECK(self.dim() == 2 && vec.dim() == 1,
                 "vector + matrix @ vector expected, got 1, ", self.dim(), ", ", vec.dim());
  SIMDGRAD_CHECK(self.size(1) == vec.size(0), "size mismatch, got input (", self.size(0), "), mat (",
                 self.size(0), "x", self.size(1), "), vec (", vec.size(0), ")");
  SIMDGRAD_CHECK(self.scalar_type() == vec.scalar_type(),
                 "addmv input tensors must have the same dtype, but got ",
                 to_string(vec.scalar_type()), ", ", to_string(self.scalar_type()), ", and ",
                 to_string(vec.scalar_type()));
  Tensor y;
  {
    const GradModeGuard no_grad(false);
    y = product(self, vec.unsqueeze(1)).squeeze(1).detach();
  }
  if (needs_gradient(self, vec)) {
    record<"MvBackward0">(y, std::tie(self, vec),
                          [a = saved_for(self, vec), x = saved_for(vec, self)](Gradients& d) {
                            // [n,1] [1,m] -> [n,m]
                            if (d.needs(0)) d.set(0, mm(d.dy().unsqueeze(1), x(d).unsqueeze(0)));
                            // [m,n] [n] -> [m]
                            if (d.needs(1)) d.set(1, mv(a(d).t(), d.dy()));
                          });
  }
  return y;
}

Tensor dot(const Tensor& self, const Tensor& tensor) {
  check_dense(self, "dot");
  check_dense(tensor, "dot", "tensor");
  SIMDGRAD_CHECK(self.dim() == 1 && tensor.dim() == 1, "1D tensors expected, but got ", self.dim(),
                 "D and ", tensor.dim(), "D tensors");
  SIMDGRAD_CHECK(self.scalar_type() == tensor.scalar_type(),
                 "dot : expected both vectors to have same dtype, but found ",
                 to_string(self.scalar_type()), " and ", to_string(tensor.scalar_type()));
  SIMDGRAD_CHECK(self.numel() == tensor.numel(), "inconsistent tensor size, expected tensor ",
                 self.sizes(), " and src ", tensor.sizes(),
                 " to have the same number of elements, but got ", self.numel(), " and ",
                 tensor.numel(), " elements respectively");
  Tensor y;
  {
    const GradModeGuard no_grad(false);
    y = product(self.unsqueeze(0), tensor.unsqueeze(1)).view(IntArrayRef{}).detach();
  }
  if (needs_gradient(self, tensor)) {
    record<"DotBackward0">(y, std::tie(self, tensor),
                           [a = saved_for(self, tensor), b = saved_for(tensor, self)](Gradients& d) {
                             if (d.needs(0)) d.set(0, d.dy() * b(d));  // [] [n] -> [n]
                             if (d.needs(1)) d.set(1, d.dy() * a(d));
                           });
  }
  return y;
}

namespace {

template <class T>
void run_gemm_batched(const Tensor& a, const Tensor& b, const Tensor& y) {
  const TensorImpl& left = impl(a);
  const TensorImpl& right = impl(b);
  ops::gemm_batched<T>(left.sizes()[0], left.sizes()[1], right.sizes()[2], left.sizes()[2],
                       matrix(a), left.strides()[0], matrix(b), right.strides()[0],
                       static_cast<T*>(impl(y).data));
}

}  // namespace

Tensor bmm(const Tensor& self, const Tensor& mat2) {
  check_dense(self, "bmm");
  check_dense(mat2, "bmm", "mat2");
  SIMDGRAD_CHECK(self.dim() == 3, "batch1 must be a 3D tensor");
  SIMDGRAD_CHECK(mat2.dim() == 3, "batch2 must be a 3D tensor");
  SIMDGRAD_CHECK(self.size(0) == mat2.size(0) && self.size(2) == mat2.size(1),
                 "Expected size for first two dimensions of batch2 tensor to be: [", self.size(0),
                 ", ", self.size(2), "] but got: [", mat2.size(0), ", ", mat2.size(1), "].");
  SIMDGRAD_CHECK(self.scalar_type() == mat2.scalar_type(), "expected scalar type ",
                 to_string(self.scalar_type()), " but found ", to_string(mat2.scalar_type()));
  Tensor y;
  if (is_floating_point(self.scalar_type())) {
    y = make_tensor({self.size(0), self.size(1), mat2.size(2)}, self.scalar_type());
    self.scalar_type() == kFloat ? run_gemm_batched<float>(self, mat2, y)
                                 : run_gemm_batched<double>(self, mat2, y);
  } else {
    y = integer_product(self, mat2, self.size(0), self.size(1), self.size(2), mat2.size(2));
  }
  if (needs_gradient(self, mat2)) {
    record<"BmmBackward0">(y, std::tie(self, mat2),
                           [a = saved_for(self, mat2), b = saved_for(mat2, self)](Gradients& d) {
                             // [b,n,p] [b,p,m] -> [b,n,m]
                             if (d.needs(0)) d.set(0, bmm(d.dy(), b(d).transpose(1, 2)));
                             // [b,m,n] [b,n,p] -> [b,m,p]
                             if (d.needs(1)) d.set(1, bmm(a(d).transpose(1, 2), d.dy()));
                           });
  }
  return y;
}

namespace {

// Shows a fresh product under another shape. PyTorch calls this _unsafe_view: not a view, since
// nobody else can see the product.
Tensor unsafe_view(const Tensor& self, IntArrayRef sizes) {
  Tensor y;
  {
    const GradModeGuard no_grad(false);
    y = self.view(sizes).detach();
  }
  if (needs_gradient(self))
    record_with_dims<"UnsafeViewBackward0">(
        y, self, self.sizes(), [](Gradients& d, IntArrayRef shape) { d.set(0, d.dy().reshape(shape)); });
  return y;
}

// One side has more than two dimensions, the other one or two: its leading dimensions become rows.
Tensor folded_matmul(const Tensor& many, const Tensor& few) {
  const IntArrayRef sizes = many.sizes();
  const int64_t inner = sizes.back();
  Dims shape(sizes.slice(0, sizes.size() - 1));
  int64_t count = 1;  // not -1 in reshape: inner may be 0
  for (int64_t size : shape) count *= size;
  const Tensor rows = many.reshape({count, inner});
  if (few.dim() == 1) return unsafe_view(mv(rows, few), shape);
  shape.push_back(few.size(1));
  return unsafe_view(mm(rows, few), shape);
}

// Both have batches, or they broadcast: expanded to the same ones, multiplied by bmm.
Tensor batched_matmul(const Tensor& self, const Tensor& other) {
  const Tensor right = other.dim() == 1 ? other.unsqueeze(1) : other;
  const Tensor left = self.dim() == 1 ? self.unsqueeze(0) : self;
  const size_t left_batch = static_cast<size_t>(left.dim()) - 2;
  const size_t right_batch = static_cast<size_t>(right.dim()) - 2;
  Dims batch;
  broadcast_shapes(left.sizes().slice(0, left_batch), right.sizes().slice(0, right_batch), batch);
  const int64_t n = left.size(-2), m = left.size(-1), p = right.size(-1);
  int64_t count = 1;
  for (int64_t size : batch) count *= size;
  Dims left_shape(batch), right_shape(batch), shape(batch);
  left_shape.push_back(n);
  left_shape.push_back(m);
  right_shape.push_back(right.size(-2));
  right_shape.push_back(p);
  const Tensor y = bmm(left.expand(left_shape).reshape({count, n, m}),
                       right.expand(right_shape).reshape({count, right.size(-2), p}));
  if (self.dim() > 1) shape.push_back(n);
  if (other.dim() > 1) shape.push_back(p);
  return unsafe_view(y, shape);
}

}  // namespace

Tensor matmul(const Tensor& self, const Tensor& other) {
  check_dense(self, "matmul");
  check_dense(other, "matmul", "other");
  const int64_t left = self.dim(), right = other.dim();
  SIMDGRAD_CHECK(left > 0 && right > 0,
                 "both arguments to matmul need to be at least 1D, but they are ", left, "D and ",
                 right, "D");
  if (left == 1 && right == 1) return dot(self, other);
  if (left == 2 && right == 1) return mv(self, other);
  if (left == 1 && right == 2) {
    const Tensor y = mm(self.unsqueeze(0), other);
    Tensor row;
    {
      const GradModeGuard no_grad(false);
      row = y.view({y.size(1)}).detach();
    }
    if (needs_gradient(y))
      record<"SqueezeBackward4">(row, std::tie(y), [](Gradients& d) { d.set(0, d.dy().unsqueeze(0)); });
    return row;
  }
  if (left == 2 && right == 2) return mm(self, other);
  if (left >= 3 && right <= 2) return folded_matmul(self, other);
  // [n,m] [...,m,p] is the transpose of [...,p,m] [m,n].
  if (left == 2 && other.size(-2) == self.size(1))
    return folded_matmul(other.transpose(-2, -1), self.t()).transpose(-2, -1).contiguous();
  return batched_matmul(self, other);
}

Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias) {
  check_dense(input, "linear", "self");
  check_dense(weight, "linear", "weight");
  if (input.dim() == 2 && bias.defined()) return addmm(bias, input, weight.t());
  const Tensor y = matmul(input, weight.dim() == 1 ? weight : weight.t());
  return bias.defined() ? y.add(bias) : y;
}

Tensor Tensor::mm(const Tensor& mat2) const { return simdgrad::mm(*this, mat2); }
Tensor Tensor::mv(const Tensor& vec) const { return simdgrad::mv(*this, vec); }
Tensor Tensor::dot(const Tensor& other) const { return simdgrad::dot(*this, other); }
Tensor Tensor::bmm(const Tensor& mat2) const { return simdgrad::bmm(*this, mat2); }
Tensor Tensor::matmul(const Tensor& other) const { return simdgrad::matmul(*this, other); }
Tensor Tensor::addmm(const Tensor& mat1, const Tensor& mat2, const Scalar& beta,
                     const Scalar& alpha) const {
  return simdgrad::addmm(*this, mat1, mat2, beta, alpha);
}

}  // namespace simdgrad
