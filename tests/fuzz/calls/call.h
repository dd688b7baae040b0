// One call of one public signature: its arguments, what it was given, and what it returned.
#pragma once

#include <simdgrad/simdgrad.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/fuzz/calls/random.h"
#include "tests/fuzz/calls/world.h"

namespace fuzz {

using simdgrad::ScalarType;
using simdgrad::Tensor;

class Call;

// A row of the generated table.
struct Signature {
  const char* text;   // "add(const Tensor&, const Scalar&)"
  const char* place;  // "pointwise.h:74"
  const char* scope;  // "nn::functional", "Tensor"; empty for simdgrad itself
  const char* name;
  bool is_heavy;  // works on tensors; the others are called less often
  void (*call)(Call&);
  const char* reason;  // why it is never called, or null
};

enum class Use { read, written };

// Makes a T: make(Call&) returns a T, a std::unique_ptr<T> or a T& to something that stays.
template <class T, class = void>
struct Make;

// A tensor that the call is given, and what it looked like before.
struct Given {
  Tensor tensor;
  Tensor leaf;  // whose gradient is asked for; undefined without one
  std::string parameter;
  Use use = Use::read;

  bool requires_grad = false;
  Shape sizes, strides;
  ScalarType dtype{};
  int64_t version = 0;
  const void* storage = nullptr;
  std::string bytes;  // of the whole storage
};

class Call {
 public:
  Call(const Signature& signature, uint64_t seed, bool is_verbose);
  ~Call();
  Call(const Call&) = delete;

  // --- for the generated code -------------------------------------------------------------------
  // An argument of this type, which lives as long as the call. The parameter's name guides the choice.
  template <class T>
  T& argument(const char* name, Use use = Use::read);
  size_t choose(size_t count) {
    return static_cast<size_t>(random.below(static_cast<int64_t>(count)));
  }
  bool sets() { return random.chance(40); }  // an option?
  // All arguments are made; the call comes next.
  void ready();
  void keep() { has_returned = true; }
  template <class T>
  void keep(T&& result);

  // --- for those who make arguments ---------------------------------------------------------------
  // Is this argument to be out of the ordinary?
  bool wild();
  const std::string& parameter() const { return parameter_; }
  bool is_named(const char* name) const { return parameter_ == name; }
  bool is_function(const char* name) const { return name_ == name; }
  bool in_scope(const char* scope) const { return scope_ == scope; }
  const std::string& word() const { return world.word(parameter_); }
  bool is_written() const { return use_ == Use::written; }
  // The first tensor given, or an undefined one.
  const Tensor& self() const;
  // Notes a tensor that the call will see.
  void give(const Tensor& tensor, const Tensor& leaf = {});
  void give_parts(const Tensor& sparse);
  // Notes the parameters and buffers of a module, the parameters of an optimizer.
  void note(simdgrad::nn::Module& module);
  void note(simdgrad::optim::Optimizer& optimizer);
  // Keeps an object until the call is over.
  void hold(std::shared_ptr<void> object) { held_.push_back(std::move(object)); }

  class Entry;
  const Signature& signature;
  Random random;
  World world;
  const bool is_verbose;
  std::deque<Given> given;  // references into it last
  std::vector<Tensor> results;
  simdgrad::nn::Module* module = nullptr;      // made last
  std::vector<simdgrad::nn::Module*> modules;  // all that were made
  bool is_ready = false;
  bool has_returned = false;
  bool discards_results = false;      // they may show memory that is not there
  size_t has_read = 0;                // so that reading results is not left out
  bool options_require_grad = false;  // TensorOptions().requires_grad(true)
  bool is_recorded = true;            // the grad mode of the call
  std::string description;            // of the arguments, where it is verbose
  std::function<void(const Call&)> on_ready;

 private:
  const std::string name_, scope_;
  std::string parameter_;
  Use use_ = Use::read;
  int depth_ = 0;
  bool is_spoiled_ = false;
  int spoil_argument_ = 0, spoil_inside_ = 0;  // per cent
  std::vector<std::shared_ptr<void>> held_;
};

// The parameter that is being made; arguments may be made of others.
class Call::Entry {
 public:
  Entry(Call& call, const char* name, Use use);
  ~Entry();

 private:
  Call& call_;
  const std::string parameter_before_;
  const Use use_before_;
};

}  // namespace fuzz
