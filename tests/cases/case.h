// One row per way of calling an operation: what it is given, what it should give.
//
// A row drives forward values (f64 and f32 against the reference), gradcheck and gradgradcheck,
// memory layouts, numbers of threads, and leak counts; see driver.cpp. To add an operation, add a
// row to the file of its family; a public operation that no row covers fails the test.
#pragma once

#include <simdgrad/autograd.h>
#include <simdgrad/tensor.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/cases/reference.h"

namespace cases {

using simdgrad::Tensor;
using Tensors = std::vector<Tensor>;
using reference::Array;
using reference::Arrays;
using reference::Shape;

// What one input is made of. Real inputs take a gradient and run in f64 and f32.
struct Input {
  enum class Kind { real, constant, ids, mask } kind = Kind::real;
  Shape shape;
  double low = -2, high = 2;  // reals and constants: distinct values in [low, high]; ids: [0, high)
};
// A real input that takes a gradient.
inline Input real(Shape shape, double low = -2, double high = 2) {
  return {Input::Kind::real, std::move(shape), low, high};
}
// A real input that takes none.
inline Input constant(Shape shape, double low = -2, double high = 2) {
  return {Input::Kind::constant, std::move(shape), low, high};
}
// int64 in [0, limit), with repeats.
inline Input ids(Shape shape, int64_t limit) {
  return {Input::Kind::ids, std::move(shape), 0, static_cast<double>(limit)};
}
inline Input mask(Shape shape) { return {Input::Kind::mask, std::move(shape), 0, 1}; }

struct Case {
  // "mul/broadcast": unique.
  std::string name;
  // The declarations it covers, as the driver reads them from the headers: "mul(Tensor,Tensor)".
  // Several are separated by spaces.
  std::string covers;
  std::vector<Input> inputs;
  std::function<Tensors(const Tensors&)> call;
  // The same from plain arrays; ids and masks are arrays of their numbers.
  std::function<Arrays(const Arrays&)> expected;
  // Largest |error| <= tolerance * max(1, |expected|).
  double tolerance_f64 = 1e-12;
  double tolerance_f32 = 2e-6;

  // Why something is left out is said beside the row.
  bool gradient = true;         // gradcheck
  bool second_gradient = true;  // gradgradcheck
  bool layouts = true;          // transposed and strided inputs too
  bool same_bits = false;       // layouts give the same bits, not only close values

  Case& tolerances(double f64, double f32) {
    tolerance_f64 = f64;
    tolerance_f32 = f32;
    return *this;
  }
  Case& no_gradient() {
    gradient = second_gradient = false;
    return *this;
  }
  Case& no_second_gradient() {
    second_gradient = false;
    return *this;
  }
  Case& no_layouts() {
    layouts = false;
    return *this;
  }
  Case& bits() {
    same_bits = true;
    return *this;
  }
};

// A check of its own for what the table's form does not fit: factories, random fills.
struct SpecialCase {
  std::string name;
  std::string covers;
  std::function<void()> check;  // uses Catch2's assertions
};

class Table {
 public:
  Case& add(std::string name, std::string covers, std::vector<Input> inputs,
            std::function<Tensors(const Tensors&)> call,
            std::function<Arrays(const Arrays&)> expected) {
    rows.push_back({std::move(name), std::move(covers), std::move(inputs), std::move(call),
                    std::move(expected)});
    return rows.back();
  }
  void add_special(std::string name, std::string covers, std::function<void()> check) {
    special.push_back({std::move(name), std::move(covers), std::move(check)});
  }
  std::vector<Case> rows;
  std::vector<SpecialCase> special;
};

// Each family's file defines one of these.
void add_pointwise_cases(Table& table);
void add_reduction_cases(Table& table);
void add_linear_algebra_cases(Table& table);
void add_view_cases(Table& table);
void add_indexing_cases(Table& table);
void add_loss_cases(Table& table);
void add_embedding_cases(Table& table);
void add_sparse_cases(Table& table);
void add_creation_cases(Table& table);
void add_random_cases(Table& table);
void add_optimizer_cases(Table& table);

const Table& table();

}  // namespace cases
