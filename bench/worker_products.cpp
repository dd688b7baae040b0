// Matrix products of other libraries, behind the same protocol as worker.cpp: OpenBLAS, oneDNN and MKL
// from their wheels, found through the given Python and loaded here.
//   worker_products openblas|onednn|mkl PYTHON
#include <dlfcn.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/clock.h"

namespace {

using bench::now;

struct Shape {
  int64_t m, n, k;
  bool a_transposed, b_transposed;
};

// "gemm/256" and "linear/64x784-128/dW", as workloads_products.cpp names them.
bool parse(const std::string& name, Shape& shape) {
  long n, batch, in, out;
  char form[16];
  if (std::sscanf(name.c_str(), "gemm/%ld", &n) == 1) {
    shape = {n, n, n, false, false};
    return true;
  }
  if (std::sscanf(name.c_str(), "linear/%ldx%ld-%ld/%15s", &batch, &in, &out, form) != 4)
    return false;
  const std::string which = form;
  if (which == "forward") shape = {batch, out, in, false, true};
  if (which == "dx") shape = {batch, in, out, false, false};
  if (which == "dW") shape = {out, in, batch, true, false};
  return true;
}

// 64-byte aligned numbers between -1 and 1.
struct Matrix {
  explicit Matrix(int64_t count)
      : data(static_cast<float*>(std::aligned_alloc(64, (count * 4 + 63) / 64 * 64))) {
    for (int64_t i = 0; i < count; ++i) data[i] = float(i % 17 - 8) / 8;
  }
  ~Matrix() { std::free(data); }
  Matrix(const Matrix&) = delete;
  float* data;
};

class Library {
 public:
  explicit Library(const std::string& path)
      : handle_(::dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL)) {
    if (!handle_) throw std::runtime_error(::dlerror());
  }
  template <class Function>
  Function* find(const char* name) const {
    void* symbol = ::dlsym(handle_, name);
    if (!symbol) throw std::runtime_error(std::string("no function ") + name);
    return reinterpret_cast<Function*>(symbol);
  }

 private:
  void* handle_;
};

// What a Python expression prints: where a wheel has put its library.
std::string ask_python(const std::string& python, const std::string& program) {
  std::FILE* pipe = ::popen((python + " -c '" + program + "' 2>/dev/null").c_str(), "r");
  char line[1024] = "";
  if (!pipe || !std::fgets(line, sizeof line, pipe)) line[0] = 0;
  if (pipe) ::pclose(pipe);
  std::string text = line;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (text.empty()) throw std::runtime_error("its wheel is not installed");
  return text;
}
std::string in_prefix(const std::string& python, const std::string& pattern) {
  return ask_python(python,
                    "import glob, sys; print(glob.glob(sys.prefix + \"/lib/" + pattern + "\")[0])");
}

// The products of one library. make() gives the call for a shape.
struct Products {
  std::string about;
  std::function<void(int)> set_threads;
  std::function<std::function<void()>(const Shape&, const float* a, const float* b, float* c)> make;
  // The kernel of the last call made.
  std::function<std::string()> kernel = [] { return std::string(); };
};

// CBLAS: 101 row-major, 111 as it lies, 112 transposed.
using Sgemm = void(int, int, int, int, int, int, float, const float*, int, const float*, int, float,
                   float*, int);
auto blas_products(Sgemm* sgemm) {
  return
      [sgemm](const Shape& s, const float* a, const float* b, float* c) -> std::function<void()> {
        const int m = int(s.m), n = int(s.n), k = int(s.k);
        return [=] {
          sgemm(101, s.a_transposed ? 112 : 111, s.b_transposed ? 112 : 111, m, n, k, 1.0f, a,
                s.a_transposed ? m : k, b, s.b_transposed ? k : n, 0.0f, c, n);
        };
      };
}

Products openblas(const std::string& python) {
  const std::string folder =
      ask_python(python, "import scipy_openblas32 as o; print(o.get_lib_dir())");
  const Library library(folder + "/libscipy_openblas.so");
  const std::string about = std::string(library.find<char*()>("scipy_openblas_get_config")()) +
                            ", kernel " + library.find<char*()>("scipy_openblas_get_corename")();
  return {about, library.find<void(int)>("scipy_openblas_set_num_threads"),
          blas_products(library.find<Sgemm>("scipy_cblas_sgemm"))};
}

Products mkl(const std::string& python) {
  ::setenv("MKL_THREADING_LAYER", "GNU", 1);
  const Library library(in_prefix(python, "libmkl_rt.so*"));
  char version[256] = "";
  library.find<void(char*, int)>("MKL_Get_Version_String")(version, sizeof version - 1);
  const std::string about = version;
  return {about.substr(0, about.find(" for ")), library.find<void(int)>("MKL_Set_Num_Threads"),
          blas_products(library.find<Sgemm>("cblas_sgemm"))};
}

// oneDNN: its sgemm and its matmul primitive, whichever is faster for a shape. The C interface of
// oneDNN 3, by its published constants.
class OneDnn {
 public:
  explicit OneDnn(const std::string& path) : library_(path) {
    check(library_.find<int(void**, int, size_t)>("dnnl_engine_create")(&engine_, 1, 0));
    check(library_.find<int(void**, void*, unsigned)>("dnnl_stream_create")(&stream_, engine_, 1));
  }
  std::string version() const {
    struct Version {
      int major, minor, patch;
    };
    const Version* v = library_.find<const Version*()>("dnnl_version")();
    return "oneDNN " + std::to_string(v->major) + "." + std::to_string(v->minor) + "." +
           std::to_string(v->patch) + ", the faster of sgemm and matmul";
  }
  // Of the two ways, and how it is done.
  std::function<void()> faster(const Shape& s, const float* a, const float* b, float* c) {
    const std::function<void()> candidates[] = {sgemm(s, a, b, c), matmul(s, a, b, c)};
    double best[2] = {1e9, 1e9};
    for (int round = 0; round < 40; ++round) {
      for (int i = 0; i < 2; ++i) {
        const double start = now();
        candidates[i]();
        best[i] = std::min(best[i], now() - start);
      }
    }
    kernel = best[1] < best[0] ? "matmul " + implementation_ : "sgemm";
    return candidates[best[1] < best[0]];
  }

  std::string kernel;

 private:
  static void check(int status) {
    if (status != 0) throw std::runtime_error("oneDNN status " + std::to_string(status));
  }
  std::function<void()> sgemm(const Shape& s, const float* a, const float* b, float* c) {
    const auto call =
        library_.find<int(char, char, int64_t, int64_t, int64_t, float, const float*, int64_t,
                          const float*, int64_t, float, float*, int64_t)>("dnnl_sgemm");
    return [=] {
      call(s.a_transposed ? 'T' : 'N', s.b_transposed ? 'T' : 'N', s.m, s.n, s.k, 1.0f, a,
           s.a_transposed ? s.m : s.k, b, s.b_transposed ? s.k : s.n, 0.0f, c, s.n);
    };
  }
  // A matrix of these sizes at `data`, as a memory object.
  void* memory(int64_t rows, int64_t columns, bool transposed, const float* data,
               void** description) {
    const int64_t sizes[2] = {rows, columns};
    const int64_t strides[2] = {transposed ? 1 : columns, transposed ? rows : 1};
    check(library_.find<int(void**, int, const int64_t*, int, const int64_t*)>(
        "dnnl_memory_desc_create_with_strides")(description, 2, sizes, 3, strides));
    void* result = nullptr;
    check(library_.find<int(void**, const void*, void*, void*)>("dnnl_memory_create")(
        &result, *description, engine_, const_cast<float*>(data)));
    return result;
  }
  std::function<void()> matmul(const Shape& s, const float* a, const float* b, float* c) {
    void *of_a, *of_b, *of_c, *description, *primitive;
    void* const in = memory(s.m, s.k, s.a_transposed, a, &of_a);
    void* const weights = memory(s.k, s.n, s.b_transposed, b, &of_b);
    void* const out = memory(s.m, s.n, false, c, &of_c);
    check(library_.find<int(void**, void*, const void*, const void*, const void*, const void*,
                            const void*)>("dnnl_matmul_primitive_desc_create")(
        &description, engine_, of_a, of_b, nullptr, of_c, nullptr));
    check(
        library_.find<int(void**, const void*)>("dnnl_primitive_create")(&primitive, description));
    const char* implementation = "";
    library_.find<int(const void*, int, int, void*)>("dnnl_primitive_desc_query")(
        description, 8 /* dnnl_query_impl_info_str */, 0, &implementation);
    implementation_ = implementation;
    struct Argument {
      int which;
      void* memory;
    };
    const auto execute =
        library_.find<int(const void*, void*, int, const Argument*)>("dnnl_primitive_execute");
    const auto wait = library_.find<int(void*)>("dnnl_stream_wait");
    return [=, this] {
      const Argument arguments[] = {{1, in}, {33, weights}, {17, out}};
      execute(primitive, stream_, 3, arguments);
      wait(stream_);
    };
  }

  Library library_;
  void* engine_ = nullptr;
  void* stream_ = nullptr;
  std::string implementation_;
};

Products onednn(const std::string& python) {
  auto* library = new OneDnn(in_prefix(python, "libdnnl.so.3"));  // as long as the process
  const Library openmp("libgomp.so.1");
  return {library->version(), openmp.find<void(int)>("omp_set_num_threads"),
          [library](const Shape& s, const float* a, const float* b, float* c) {
            return library->faster(s, a, b, c);
          },
          [library] { return library->kernel; }};
}

// The call must compute the product: a few entries against sums in double.
void check(const Shape& s, const Matrix& a, const Matrix& b, const Matrix& c) {
  for (int64_t at = 0; at < s.m * s.n; at += s.m * s.n / 7 + 1) {
    const int64_t i = at / s.n, j = at % s.n;
    double sum = 0;
    for (int64_t p = 0; p < s.k; ++p)
      sum += double(a.data[s.a_transposed ? p * s.m + i : i * s.k + p]) *
             double(b.data[s.b_transposed ? j * s.k + p : p * s.n + j]);
    if (std::abs(sum - c.data[at]) > 1e-3 * (1 + std::abs(sum)))
      throw std::runtime_error("a product is wrong");
  }
}

int serve(const Products& products) {
  std::printf("ready %s\n", products.about.c_str());
  std::fflush(stdout);
  std::function<void()> call;
  std::unique_ptr<Matrix> a, b, c;
  int64_t calls = 1;
  const auto window = [&] {
    const double start = now();
    for (int64_t i = 0; i < calls; ++i) call();
    return now() - start;
  };
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command, name;
    words >> command >> name;
    Shape shape{};
    if (command == "threads") {
      products.set_threads(std::atoi(name.c_str()));
      std::printf("ok\n");
    } else if (command == "prepare" && !parse(name, shape)) {
      std::printf("missing\n");
    } else if (command == "prepare") {
      a = std::make_unique<Matrix>(shape.m * shape.k);
      b = std::make_unique<Matrix>(shape.k * shape.n);
      c = std::make_unique<Matrix>(shape.m * shape.n);
      call = products.make(shape, a->data, b->data, c->data);
      call();
      check(shape, *a, *b, *c);
      calls = 1;
      for (double seconds = window(); seconds < 1e-3; seconds = window())
        calls = seconds < 1e-4 ? calls * 8 : static_cast<int64_t>(calls * 1.2e-3 / seconds) + 1;
      std::printf("ok - %s\n", products.kernel().c_str());
    } else if (command == "run") {
      std::printf("times");
      const double end = now() + std::atof(name.c_str());
      do std::printf(" %.6g", window() / static_cast<double>(calls));
      while (now() < end);
      std::printf("\n");
    } else {
      std::printf("error unknown command\n");
    }
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return 2;
  const std::string library = arguments[1], python = arguments[2];
  try {
    return serve(library == "openblas" ? openblas(python)
                 : library == "onednn" ? onednn(python)
                                       : mkl(python));
  } catch (const std::exception& error) {
    std::printf("error %s\n", error.what());
    return 1;
  }
}
