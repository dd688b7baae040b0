// The formula of every pointwise operation, once: value and gradient.
//
// V is a SIMD batch in the kernels, Integer for the integer dtypes of operations that keep the type,
// and Symbolic (a Tensor) when a gradient is differentiated again. So formulas use only what all of
// them have: V(number), + - * /, comparisons (a mask; & | ! work on it), select(mask, a, b) and the
// functions of ops/kernels/math/math.h; in a gradient those that ops/pointwise/symbolic.h has as well.
// NaN must come through. No plain functions here: every instruction set compiles this file, and only
// templates on V stay apart.
#pragma once

namespace simdgrad::formulas {

// What backward needs besides dy: its first argument.
enum class Saves { nothing, input, output };

// --- of one tensor: forward(x), backward(saved, dy) ---------------------------------------------
// `keeps_type` where integers stay integers: forward then runs on Integer too. `refuses_bool` is the
// text for bool, `floats_only` PyTorch's name of its kernel in the text for integers.
// `arithmetic` where value and gradient are nothing but sums, products, quotients, roots and choices:
// those follow the processor's rounding mode, all else is computed to nearest.
// `zero_derivative` where the gradient does not change with what is saved and PyTorch's graph has that
// derivative all the same: a zero.

// x where a formula still changes with it: what vanishes beyond meets no infinity, nor do its derivatives.
template <class V>
V bounded(V x, double limit) {
  return select(x > V(limit), V(limit), select(x < V(-limit), V(-limit), x));
}

template <class V>
V sign(V x) {
  return select(x > V(0), V(1), select(x < V(0), V(-1), V(0)));
}

// y = |x|;  dy/dx = sign(x)
struct Abs {
  static constexpr auto saves = Saves::input;
  static constexpr bool arithmetic = true;
  static constexpr bool keeps_type = true;
  static constexpr auto refuses_bool = "\"abs_cpu\" not implemented for 'Bool'";
  template <class V> static V forward(V x) { return abs(x); }
  template <class V> static V backward(V x, V dy) { return dy * sign(x); }
};

// y = -x;  dy/dx = -1
struct Neg {
  static constexpr auto saves = Saves::nothing;
  static constexpr bool arithmetic = true;
  static constexpr bool keeps_type = true;
  static constexpr auto refuses_bool =
      "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a "
      "mask, use the `~` or `logical_not()` operator instead.";
  template <class V> static V forward(V x) { return -x; }
  template <class V> static V backward(V, V dy) { return -dy; }
};

// y = e^x;  dy/dx = y
struct Exp {
  static constexpr auto saves = Saves::output;
  template <class V> static V forward(V x) { return exp(x); }
  template <class V> static V backward(V y, V dy) { return dy * y; }
};

// y = e^x - 1;  dy/dx = y + 1
struct Expm1 {
  static constexpr auto saves = Saves::output;
  template <class V> static V forward(V x) { return expm1(x); }
  template <class V> static V backward(V y, V dy) { return dy * (y + V(1)); }
};

// y = ln x;  dy/dx = 1/x
struct Log {
  static constexpr auto saves = Saves::input;
  template <class V> static V forward(V x) { return log(x); }
  template <class V> static V backward(V x, V dy) { return dy / x; }
};

// y = ln(1 + x);  dy/dx = 1 / (1 + x)
struct Log1P {
  static constexpr auto saves = Saves::input;
  template <class V> static V forward(V x) { return log1p(x); }
  template <class V> static V backward(V x, V dy) { return dy / (x + V(1)); }
};

// y = x^(1/2);  dy/dx = 1 / (2 y)
struct Sqrt {
  static constexpr auto saves = Saves::output;
  static constexpr bool arithmetic = true;
  template <class V> static V forward(V x) { return sqrt(x); }
  template <class V> static V backward(V y, V dy) { return dy / (V(2) * y); }
};

// y = sin x;  dy/dx = cos x
struct Sin {
  static constexpr auto saves = Saves::input;
  template <class V> static V forward(V x) { return sin(x); }
  template <class V> static V backward(V x, V dy) { return dy * cos(x); }
};

// y = cos x;  dy/dx = -sin x
struct Cos {
  static constexpr auto saves = Saves::input;
  template <class V> static V forward(V x) { return cos(x); }
  template <class V> static V backward(V x, V dy) { return dy * -sin(x); }
};

// y = tanh x;  dy/dx = 1 - y^2
struct Tanh {
  static constexpr auto saves = Saves::output;
  template <class V> static V forward(V x) { return tanh(x); }
  template <class V> static V backward(V y, V dy) { return dy * (V(1) - y * y); }
};

// y = erf x;  dy/dx = 2 / sqrt(pi) e^-x^2
struct Erf {
  static constexpr auto saves = Saves::input;
  template <class V> static V forward(V x) { return erf(x); }
  template <class V> static V backward(V x, V dy) {
    return V(1.1283791670955126) * exp(-(x * x)) * dy;
  }
};

// y = 1 / (1 + e^-x);  dy/dx = y (1 - y)
struct Sigmoid {
  static constexpr auto saves = Saves::output;
  template <class V> static V forward(V x) { return sigmoid(x); }
  template <class V> static V backward(V y, V dy) { return dy * (V(1) - y) * y; }
};

// y = x s, s = sigmoid(x), 0 at -infinity;  dy/dx = s (1 + x (1 - s))
struct Silu {
  static constexpr auto saves = Saves::input;
  static constexpr auto floats_only = "silu_cpu";
  template <class V> static V forward(V x) { return max(x, V(-1000)) * sigmoid(x); }
  template <class V> static V backward(V x, V dy) {
    const V s = sigmoid(x);
    return dy * s * (V(1) + bounded(x, 1000) * (V(1) - s));
  }
};

// y = x where x > 0 or NaN, 0 below, -0 at -0;  dy/dx = 0 where y <= 0, else 1
struct Relu {
  static constexpr auto saves = Saves::output;
  static constexpr bool arithmetic = true;
  static constexpr bool zero_derivative = true;
  static constexpr bool keeps_type = true;
  static constexpr auto refuses_bool = "Boolean inputs not supported for relu";
  template <class V> static V forward(V x) { return select(x < V(0), V(0), x); }
  template <class V> static V backward(V y, V dy) { return select(y <= V(0), V(0), dy); }
};

// y = 1/x;  dy/dx = -y^2
struct Reciprocal {
  static constexpr auto saves = Saves::output;
  static constexpr bool arithmetic = true;
  template <class V> static V forward(V x) { return V(1) / x; }
  template <class V> static V backward(V y, V dy) { return -dy * (y * y); }
};

// y = x^(-1/2);  dy/dx = -y^3 / 2
struct Rsqrt {
  static constexpr auto saves = Saves::output;
  static constexpr bool arithmetic = true;
  template <class V> static V forward(V x) { return rsqrt(x); }
  template <class V> static V backward(V y, V dy) { return V(-0.5) * dy * (y * y * y); }
};

// y = 1, 0 or -1, 0 for NaN;  dy/dx = 0
struct Sign {
  static constexpr auto saves = Saves::nothing;
  static constexpr bool arithmetic = true;
  static constexpr bool keeps_type = true;
  template <class V> static V forward(V x) { return sign(x); }
  template <class V> static V backward(V, V) { return V(0); }
};

// y = x P(X < x) for normal X;  dy/dx = P(X < x) + x p(x)
struct Gelu {
  static constexpr auto saves = Saves::input;
  static constexpr auto floats_only = "GeluKernelImpl";
  template <class V> static V forward(V x) { return times_normal_cdf(x); }
  template <class V> static V backward(V x, V dy) {
    const V z = bounded(x, 40), density = exp(z * z * V(-0.5)) * V(0.3989422804014327);
    return dy * (normal_cdf(x) + z * density);
  }
};

// y = x (1 + t) / 2, t = tanh(u), u = sqrt(2 / pi) (x + 0.044715 x^3);
// dy/dx = (1 + t) / 2 + x / 2 (1 - t^2) u'
struct GeluTanh {
  static constexpr auto saves = Saves::input;
  static constexpr auto floats_only = "GeluKernelImpl";
  template <class V> static V argument(V x) {
    return V(0.7978845608028654) * (x + V(0.044715) * (x * x * x));
  }
  template <class V> static V forward(V x) {
    return V(0.5) * max(x, V(-100)) * (V(1) + tanh(argument(x)));
  }
  template <class V> static V backward(V x, V dy) {
    const V z = bounded(x, 100), t = tanh(argument(z));
    const V slope = V(0.7978845608028654) * (V(1) + V(3 * 0.044715) * (z * z));
    return dy * (V(0.5) * (V(1) + t) + V(0.5) * z * (V(1) - t * t) * slope);
  }
};

// y = log(1 + e^(beta x)) / beta, x where beta x > threshold;  dy/dx = sigmoid(beta x), 1 there
struct Softplus {
  static constexpr auto saves = Saves::input;
  static constexpr auto floats_only = "softplus_cpu";
  double beta, threshold;
  template <class V> V forward(V x) const {
    if (beta == 1) {
      // From 17.4 on a float is its own softplus.
      if (sizeof(typename V::value_type) == 4 && threshold >= 17.4) return log1p_exp(x);
      return select(x > V(threshold), x, log1p_exp(x));
    }
    const V z = x * V(beta);
    return select(z > V(threshold), x, log1p_exp(z) / V(beta));
  }
  template <class V> V backward(V x, V dy) const {
    const V z = x * V(beta);
    return select(z > V(threshold), dy, dy * sigmoid(z));
  }
};

// y = min(max(x, min), max), NaN stays;  dy/dx = 1 where min <= x <= max, else 0
struct Clamp {
  static constexpr auto saves = Saves::input;
  static constexpr bool arithmetic = true;
  double min, max;
  template <class V> V forward(V x) const {
    const V raised = select(x < V(min), V(min), x);
    return select(raised > V(max), V(max), raised);
  }
  template <class V> V backward(V x, V dy) const {
    return select((x >= V(min)) & (x <= V(max)), dy, V(0));
  }
};

// x^exponent: the exponents that have a shorter form take it.
template <class V>
V power(V x, double exponent) {
  if (exponent == 2) return x * x;
  if (exponent == 0) return V(1);
  if (exponent == 1) return x;
  if (exponent == 3) return x * x * x;
  if (exponent == 0.5) return sqrt(x);
  if (exponent == -1) return V(1) / x;
  if (exponent == -2) return V(1) / (x * x);
  if (exponent == -0.5) return rsqrt(x);
  return pow(x, V(exponent));
}

// y = x^p, a number p;  dy/dx = p x^(p-1), 0 for p = 0
struct PowScalar {
  static constexpr auto saves = Saves::input;
  double exponent;
  bool is_arithmetic() const {  // and so is the gradient
    return exponent == 2 || exponent == 1 || exponent == 3 || exponent == 0.5 || exponent == -1 ||
           exponent == 0;
  }
  template <class V> V forward(V x) const { return power(x, exponent); }
  template <class V> V backward(V x, V dy) const {
    if (exponent == 0) return V(0);
    return dy * (V(exponent) * power(x, exponent - 1));
  }
};

// --- of two tensors: forward(a, b), backward_a(a, b, dy), backward_b(a, b, dy) ------------------
// for_a, for_b: which operands the gradient of a (of b) is computed from, besides dy. The others are
// not saved and arrive undefined; y, where it is used, arrives in the place of b. same_a: the gradient
// of a is dy itself.
enum class Uses { nothing = 0, a = 1, b = 2, both = 3, output = 4, a_and_output = 5 };

// y = a + b
struct Add {
  static constexpr auto for_a = Uses::nothing, for_b = Uses::nothing;
  static constexpr bool arithmetic = true;
  static constexpr bool keeps_type = true, same_a = true, same_b = true;
  template <class V> static V forward(V a, V b) { return a + b; }
  template <class V> static V backward_a(V, V, V dy) { return dy; }
  template <class V> static V backward_b(V, V, V dy) { return dy; }
};

// y = a + alpha b, in one rounding;  dy/db = alpha
struct AddScaled {
  static constexpr auto for_a = Uses::nothing, for_b = Uses::nothing;
  static constexpr bool arithmetic = true;
  static constexpr bool keeps_type = true, same_a = true;
  double alpha;
  template <class V> V forward(V a, V b) const { return fma(b, V(alpha), a); }
  template <class V> V backward_a(V, V, V dy) const { return dy; }
  template <class V> V backward_b(V, V, V dy) const { return dy * V(alpha); }
};

// y = a - b
struct Sub {
  static constexpr auto for_a = Uses::nothing, for_b = Uses::nothing;
  static constexpr bool arithmetic = true;
  static constexpr bool keeps_type = true, same_a = true;
  template <class V> static V forward(V a, V b) { return a - b; }
  template <class V> static V backward_a(V, V, V dy) { return dy; }
  template <class V> static V backward_b(V, V, V dy) { return -dy; }
};

// y = a b;  dy/da = b, dy/db = a
struct Mul {
  static constexpr auto for_a = Uses::b, for_b = Uses::a;
  static constexpr bool arithmetic = true;
  static constexpr bool keeps_type = true;
  template <class V> static V forward(V a, V b) { return a * b; }
  template <class V> static V backward_a(V, V b, V dy) { return dy * b; }
  template <class V> static V backward_b(V a, V, V dy) { return dy * a; }
};

// y = a / b;  dy/da = 1/b, dy/db = -a / b^2
struct Div {
  static constexpr auto for_a = Uses::b, for_b = Uses::both;
  static constexpr bool arithmetic = true;
  template <class V> static V forward(V a, V b) { return a / b; }
  template <class V> static V backward_a(V, V b, V dy) { return dy / b; }
  template <class V> static V backward_b(V a, V b, V dy) { return -dy * ((a / b) / b); }
};

// y = a / b rounded towards zero;  gradients 0
struct DivTrunc {
  static constexpr auto for_a = Uses::nothing, for_b = Uses::nothing;
  static constexpr bool keeps_type = true;
  template <class V> static V forward(V a, V b) { return trunc(a / b); }
  template <class V> static V backward_a(V, V, V) { return V(0); }
  template <class V> static V backward_b(V, V, V) { return V(0); }
};

// y = a / b rounded down;  gradients 0
struct DivFloor {
  static constexpr auto for_a = Uses::nothing, for_b = Uses::nothing;
  static constexpr bool keeps_type = true;
  template <class V> static V forward(V a, V b) { return floor_divide(a, b); }
  template <class V> static V backward_a(V, V, V) { return V(0); }
  template <class V> static V backward_b(V, V, V) { return V(0); }
};

// y = a^b;  dy/da = b a^(b-1), 0 where b = 0;  dy/db = y ln a, 0 where a = 0 <= b
struct Pow {
  static constexpr auto for_a = Uses::both, for_b = Uses::a_and_output;
  static constexpr bool keeps_type = true;
  template <class V> static V forward(V a, V b) { return pow(a, b); }
  template <class V> static V backward_a(V a, V b, V dy) {
    return select(b == V(0), V(0), dy * (b * pow(a, b - V(1))));
  }
  template <class V> static V backward_b(V a, V y, V dy) {
    const auto flat = (a == V(0)) & (abs(y) < V(__builtin_inf()));  // 0^b is finite where 0 <= b
    return select(flat, V(0), dy * (y * log(select(flat, V(1), a))));
  }
};

// y = the larger, NaN if either is;  the gradient goes to it, half to each of two equal ones
struct Maximum {
  static constexpr auto for_a = Uses::both, for_b = Uses::both;
  static constexpr bool arithmetic = true;
  static constexpr bool keeps_type = true;
  template <class V> static V forward(V a, V b) { return max(a, b); }
  template <class V> static V backward_a(V a, V b, V dy) {
    return select(a < b, V(0), select(a == b, dy * V(0.5), dy));
  }
  template <class V> static V backward_b(V a, V b, V dy) { return backward_a(b, a, dy); }
};

// y = the smaller, NaN if either is;  as for Maximum
struct Minimum {
  static constexpr auto for_a = Uses::both, for_b = Uses::both;
  static constexpr bool arithmetic = true;
  static constexpr bool keeps_type = true;
  template <class V> static V forward(V a, V b) { return min(a, b); }
  template <class V> static V backward_a(V a, V b, V dy) {
    return select(a > b, V(0), select(a == b, dy * V(0.5), dy));
  }
  template <class V> static V backward_b(V a, V b, V dy) { return backward_a(b, a, dy); }
};

// --- masks of floats: forward gives a mask ------------------------------------------------------
struct IsNan {
  template <class V> static auto forward(V x) { return x != x; }
};
struct IsInf {
  template <class V> static auto forward(V x) { return abs(x) == V(__builtin_inf()); }
};
struct IsFinite {
  template <class V> static auto forward(V x) { return abs(x) < V(__builtin_inf()); }
};
#define SIMDGRAD_COMPARISON_FORMULA(Name, op) \
  struct Name {                               \
    template <class V> static auto forward(V a, V b) { return a op b; } \
  };
SIMDGRAD_COMPARISON_FORMULA(Eq, ==)
SIMDGRAD_COMPARISON_FORMULA(Ne, !=)
SIMDGRAD_COMPARISON_FORMULA(Lt, <)
SIMDGRAD_COMPARISON_FORMULA(Le, <=)
SIMDGRAD_COMPARISON_FORMULA(Gt, >)
SIMDGRAD_COMPARISON_FORMULA(Ge, >=)
#undef SIMDGRAD_COMPARISON_FORMULA

// |a - b| <= atol + rtol |b| for finite b - a, or equal, or both NaN
struct IsClose {
  double rtol, atol;
  bool equal_nan;
  template <class V> auto forward(V a, V b) const {
    const V distance = abs(a - b);
    auto close = (a == b) | ((distance < V(__builtin_inf())) &
                             (distance <= V(atol) + abs(V(rtol) * b)));
    if (equal_nan) close = close | ((a != a) & (b != b));
    return close;
  }
};

}  // namespace simdgrad::formulas
