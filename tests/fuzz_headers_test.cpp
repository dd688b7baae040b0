// The reader of the public headers: declarations of every form that they use, and a refusal of others.
#include <set>

#include "tests/catch.h"
#include "tests/fuzz/calls/call_writer.h"

namespace {

using namespace fuzz;

Headers parse(const std::string& code) {
  return parse_headers(read_tokens("# 1 \"/here/a.h\"\n" + code, {"/here/"}));
}

std::set<std::string> signatures(const std::string& code) {
  std::set<std::string> all;
  for (const Function& function : parse(code).functions)
    all.insert(CallWriter::signature(function));
  return all;
}

using Set = std::set<std::string>;

}  // namespace

TEST_CASE("header reader: free functions") {
  CHECK(signatures(
            "namespace simdgrad {\n"
            "__attribute__((visibility(\"default\"))) Tensor add(const Tensor& self, const Scalar& "
            "alpha = 1);\n"
            "inline Tensor twice(const Tensor& x) { return x < 2 ? x : f({x}); }\n"
            "std::tuple<Tensor, Tensor> max(const Tensor&, int64_t dim, bool keepdim = false);\n"
            "Tensor operator==(const Tensor& a, const Tensor& b);\n"
            "constexpr int kNumber = 3; inline constexpr Empty kEmpty{};\n"
            "namespace detail { void hidden(); }\n"
            "template <class T> requires(sizeof(T) > 1 && std::is_class_v<T>) void save(const T& "
            "x);\n"
            "}") == Set{"add(const Tensor&, const Scalar&)", "twice(const Tensor&)",
                        "max(const Tensor&, int64_t, bool)",
                        "operator==(const Tensor&, const Tensor&)", "save<T>(const T&)"});
}

TEST_CASE("header reader: classes") {
  const Headers headers = parse(
      "namespace simdgrad {\n"
      "class Base { public: explicit Base(int n) : n_(n), list_{1, 2} {} virtual void run() = 0;\n"
      "  Base(const Base&) = delete; ~Base(); protected: void hidden(); private: int n_; };\n"
      "struct [[nodiscard]] Derived final : public Base {\n"
      "  using Base::Base;\n"
      "  auto name(const int& n)->decltype(*this) { return *this; } private: int name_ = 2; "
      "public:\n"
      "  explicit operator bool() const { return true; }\n"
      "  int operator()(int x) const; void operator=(int x) &&; static Derived make();\n"
      "  friend bool operator<(const Derived& a, const Derived& b);\n"
      "  union { int a; double b; };\n"
      "};\n"
      "bool Derived::out_of_line() { return false; }\n"
      "}");
  Set all;
  for (const Function& function : headers.functions) all.insert(CallWriter::signature(function));
  CHECK(all == Set{"Base::Base(int)", "Base::run()", "Derived::name(const int&)",
                   "Derived::operator bool() const", "Derived::operator()(int) const",
                   "Derived::operator=(int) &&", "Derived::make()"});
  CHECK(headers.classes.at("simdgrad::Base").is_abstract);
  CHECK(headers.classes.at("simdgrad::Derived").inherits_constructors);
  CHECK(Names(headers).all_bases("simdgrad::Derived") ==
        std::vector<std::string>{"simdgrad::Base"});
}

TEST_CASE("header reader: what it does not understand is an error, not passed over") {
  CHECK_THROWS_AS(signatures("void f(int (*callback)(int));"), ParseError);
  CHECK_THROWS_AS(signatures("void f(int values[3]);"), ParseError);
  CHECK_THROWS_AS(signatures("f(int x);"), ParseError);
  CHECK_THROWS_AS(signatures("void f() try { } catch (...) { }"), ParseError);
  CHECK_THROWS_AS(signatures("struct A { void f()"), ParseError);
}

TEST_CASE("header reader: a template that nobody chose types for is an error") {
  const Headers headers = parse("namespace simdgrad { template <class T> void frobnicate(T x); }");
  const CallWriter writer(headers);
  CHECK_THROWS_AS(writer.call(headers.functions.at(0), "call_0"), std::runtime_error);
}

TEST_CASE("header reader: types are named from outside") {
  const Headers headers = parse(
      "namespace simdgrad { class Tensor; class Tensor { }; template <class T> class Box { class "
      "Item { }; };\n"
      "namespace nn { class Module { }; void f(Box<Tensor>::Item a, const std::vector<Module>& b); "
      "} }");
  const Function& f = headers.functions.at(0);
  const Names names(headers);
  CHECK(names.type(f.parameters[0].type, f.scope, {}) == "simdgrad::Box<simdgrad::Tensor>::Item");
  CHECK(names.type(f.parameters[1].type, f.scope, {}) ==
        "const std::vector<simdgrad::nn::Module>&");
}
