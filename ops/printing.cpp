// Tensors as text, as Python's torch prints them.
#include <simdgrad/printing.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <mutex>
#include <ostream>
#include <vector>

#include "core/fork.h"
#include "core/tensor_impl.h"

namespace simdgrad {
namespace {

struct Settings {
  int64_t precision = 4;
  int64_t threshold = 1000;
  int64_t edgeitems = 3;
  int64_t linewidth = 80;
  std::optional<bool> sci_mode;
};

// Never destroyed: static objects may print.
detail::ForkMutex& settings_mutex = *new detail::ForkMutex;
Settings settings_now;

Settings current_settings() {
  const std::lock_guard lock(settings_mutex);
  return settings_now;
}

Settings profile_settings(const std::string& name) {
  Settings settings;
  if (name == "short") {
    settings.precision = 2;
    settings.edgeitems = 2;
  } else if (name == "full") {
    settings.threshold = std::numeric_limits<int64_t>::max();
  } else {
    SIMDGRAD_CHECK(name == "default", "set_printoptions: got profile '", name,
                   "', needed default, short or full");
  }
  return settings;
}

std::string printed(const char* format, int64_t precision, double value) {
  char buffer[400];
  const int length = std::snprintf(buffer, sizeof buffer, format, static_cast<int>(precision), value);
  return std::string(buffer, static_cast<size_t>(std::min<int>(length, sizeof buffer - 1)));
}

double real_at(const char* p, ScalarType dtype) {
  return dtype == kFloat ? *reinterpret_cast<const float*>(p) : *reinterpret_cast<const double*>(p);
}

std::string integer_at(const char* p, ScalarType dtype) {
  switch (dtype) {
    case kByte: return std::to_string(*reinterpret_cast<const uint8_t*>(p));
    case kChar: return std::to_string(*reinterpret_cast<const int8_t*>(p));
    case kShort: return std::to_string(*reinterpret_cast<const int16_t*>(p));
    case kInt: return std::to_string(*reinterpret_cast<const int32_t*>(p));
    case kBool: return *reinterpret_cast<const bool*>(p) ? "True" : "False";
    default: return std::to_string(*reinterpret_cast<const int64_t*>(p));
  }
}

// One width and one notation for all elements that are shown.
class ElementFormat {
 public:
  ElementFormat(ScalarType dtype, const Settings& settings)
      : dtype_(dtype), settings_(settings), real_(is_floating_point(dtype)) {}

  // First pass: what is there?
  void look_at(const char* p) {
    if (!real_) {
      width_ = std::max(width_, integer_at(p, dtype_).size());
      return;
    }
    const double value = real_at(p, dtype_);
    if (!std::isfinite(value) || value == 0) return;
    smallest_ = std::min(smallest_, std::abs(value));
    largest_ = std::max(largest_, std::abs(value));
    if (value != std::ceil(value)) integers_ = false;
    any_ = true;
  }
  void choose_notation() {
    if (!any_) return;
    // PyTorch's rule: a range of more than a thousand, very large or very small numbers.
    scientific_ = settings_.sci_mode.value_or(largest_ / smallest_ > 1000 || largest_ > 1e8 ||
                                              smallest_ < 1e-4);
  }
  // Second pass over the same elements: how wide is the widest?
  void measure(const char* p) {
    if (!real_) return;
    const double value = real_at(p, dtype_);
    if (std::isfinite(value) && value != 0) width_ = std::max(width_, text_of(value).size());
  }

  std::string operator()(const char* p) const {
    const std::string text = real_ ? text_of(real_at(p, dtype_)) : integer_at(p, dtype_);
    return text.size() < width_ ? std::string(width_ - text.size(), ' ') + text : text;
  }
  int64_t width() const { return static_cast<int64_t>(width_); }

 private:
  std::string text_of(double value) const {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    if (scientific_) return printed("%.*e", settings_.precision, value);
    if (integers_) return printed("%.*f", 0, value) + ".";
    return printed("%.*f", settings_.precision, value);
  }

  ScalarType dtype_;
  const Settings& settings_;
  bool real_;
  bool integers_ = true, scientific_ = false, any_ = false;
  double smallest_ = std::numeric_limits<double>::infinity(), largest_ = 0;
  size_t width_ = 1;
};

// The brackets and numbers of one strided tensor.
class Body {
 public:
  Body(const TensorImpl& of, const Settings& settings)
      : of_(of),
        settings_(settings),
        format_(of.dtype, settings),
        summarise_(of.numel > settings.threshold) {
    for_shown(0, data(), [&](const char* p) { format_.look_at(p); });
    format_.choose_notation();
    for_shown(0, data(), [&](const char* p) { format_.measure(p); });
  }

  std::string text(int64_t indent) const { return part(0, data(), indent); }

 private:
  const char* data() const { return static_cast<const char*>(of_.data); }
  // Bytes; a stride that is never taken may be any.
  int64_t step(size_t dim) const {
    return wrapping_multiply(of_.strides()[dim], element_size(of_.dtype));
  }
  bool cut(size_t dim) const {
    return summarise_ && of_.sizes()[dim] - settings_.edgeitems > settings_.edgeitems;
  }

  template <class F>
  void for_shown(size_t dim, const char* p, const F& f) const {
    if (dim == of_.ndim) {
      f(p);
      return;
    }
    const int64_t size = of_.sizes()[dim], edge = settings_.edgeitems;
    for (int64_t i = 0; i < size; ++i) {
      if (cut(dim) && i == edge) i = size - edge;
      if (i < size) for_shown(dim + 1, p + i * step(dim), f);
    }
  }

  // Entries of one dimension as they appear, "..." standing for what is left out.
  template <class Entry>
  std::vector<std::string> entries(size_t dim, const char* p, const char* dots,
                                   const Entry& entry) const {
    std::vector<std::string> list;
    const int64_t size = of_.sizes()[dim], edge = settings_.edgeitems;
    for (int64_t i = 0; i < size; ++i) {
      if (cut(dim) && i == edge) {
        list.push_back(dots);
        i = size - edge;
        if (i >= size) break;
      }
      list.push_back(entry(p + i * step(dim)));
    }
    return list;
  }

  std::string part(size_t dim, const char* p, int64_t indent) const {
    if (of_.ndim == 0) return format_(p);
    if (dim + 1u == of_.ndim) return row(dim, p, indent);
    const auto list =
        entries(dim, p, "...", [&](const char* q) { return part(dim + 1, q, indent + 1); });
    const std::string between = "," + std::string(of_.ndim - dim - 1, '\n') +
                                std::string(static_cast<size_t>(indent) + 1, ' ');
    std::string text = "[";
    for (size_t i = 0; i < list.size(); ++i) text += (i ? between : "") + list[i];
    return text + "]";
  }

  std::string row(size_t dim, const char* p, int64_t indent) const {
    const bool nothing_shown = summarise_ && settings_.edgeitems == 0;
    const auto list = nothing_shown ? std::vector<std::string>{"..."}
                                    : entries(dim, p, " ...", format_);
    const int64_t per_line =
        std::max<int64_t>(1, (settings_.linewidth - indent) / (format_.width() + 2));
    std::string text = "[";
    for (size_t i = 0; i < list.size(); ++i) {
      if (i) {
        text += i % static_cast<size_t>(per_line)
                    ? ", "
                    : ",\n" + std::string(static_cast<size_t>(indent) + 1, ' ');
      }
      text += list[i];
    }
    return text + "]";
  }

  const TensorImpl& of_;
  const Settings& settings_;
  ElementFormat format_;
  bool summarise_;
};

std::string body(const Tensor& tensor, const Settings& settings, int64_t indent) {
  if (tensor.numel() == 0) return "[]";
  return Body(impl(tensor), settings).text(indent);
}

// "(2, 3)", "(2,)", "()"
std::string tuple(IntArrayRef sizes) {
  std::string text = "(";
  for (size_t i = 0; i < sizes.size(); ++i) text += (i ? ", " : "") + std::to_string(sizes[i]);
  return text + (sizes.size() == 1 ? ",)" : ")");
}

std::string sparse_body(const Tensor& tensor, const Settings& settings, int64_t indent) {
  const TensorExtra& parts = *impl(tensor).extra;
  const auto part = [&](const char* prefix, const Tensor& of) {
    std::string text = prefix + body(of, settings, indent + static_cast<int64_t>(std::string(prefix).size()));
    if (of.numel() == 0) text += ", size=" + tuple(of.sizes());
    return text + ")";
  };
  return part("indices=tensor(", parts.indices) + ",\n" +
         std::string(static_cast<size_t>(indent), ' ') + part("values=tensor(", parts.values);
}

std::string dtype_suffix(ScalarType dtype) { return std::string("dtype=torch.") + dtype_name(dtype); }

std::vector<std::string> suffixes_of(const Tensor& tensor, const Settings& settings) {
  std::vector<std::string> suffixes;
  const ScalarType dtype = tensor.scalar_type();
  const bool usual = dtype == get_default_dtype() || dtype == kLong || dtype == kBool;
  const std::string size = "size=" + tuple(tensor.sizes());
  if (tensor.is_sparse()) {
    suffixes.push_back(size);
    suffixes.push_back("nnz=" + std::to_string(impl(tensor).extra->indices.size(-1)));
    if (!usual) suffixes.push_back(dtype_suffix(dtype));
    suffixes.push_back("layout=torch.sparse_coo");
  } else if (tensor.numel() == 0) {
    if (tensor.dim() != 1) suffixes.push_back(size);
    if (dtype != get_default_dtype()) suffixes.push_back(dtype_suffix(dtype));
  } else {
    if (settings.edgeitems == 0) suffixes.push_back(size);
    if (!usual) suffixes.push_back(dtype_suffix(dtype));
  }
  if (const NodePtr grad_fn = tensor.grad_fn()) {
    const std::string name = grad_fn->name();
    const size_t last = name.rfind("::");
    suffixes.push_back("grad_fn=<" + (last == std::string::npos ? name : name.substr(last + 2)) + ">");
  } else if (tensor.requires_grad()) {
    suffixes.push_back("requires_grad=True");
  }
  return suffixes;
}

}  // namespace

void set_printoptions(const PrintOptions& options) {
  const std::lock_guard lock(settings_mutex);
  Settings settings = options.profile() ? profile_settings(*options.profile()) : settings_now;
  const auto take = [](const char* name, const std::optional<int64_t>& given, int64_t& into) {
    if (!given) return;
    SIMDGRAD_CHECK(*given >= 0, "set_printoptions: got ", name, " ", *given,
                   ", it must not be negative");
    into = *given;
  };
  take("precision", options.precision(), settings.precision);
  take("threshold", options.threshold(), settings.threshold);
  take("edgeitems", options.edgeitems(), settings.edgeitems);
  take("linewidth", options.linewidth(), settings.linewidth);
  settings.sci_mode = options.sci_mode();
  settings_now = settings;
}

std::string to_string(const Tensor& tensor) {
  if (!tensor.defined()) return "None";
  const Settings settings = current_settings();
  const std::string prefix = "tensor(";
  const int64_t indent = static_cast<int64_t>(prefix.size());
  std::string text = prefix + (tensor.is_sparse() ? sparse_body(tensor, settings, indent)
                                                  : body(tensor, settings, indent));
  // A suffix that does not fit on the line starts one of its own.
  // PyTorch counts the last line two characters longer than it is.
  const size_t newline = text.rfind('\n');
  int64_t used =
      static_cast<int64_t>(newline == std::string::npos ? text.size() : text.size() - newline - 1) + 2;
  bool force = tensor.is_sparse();
  for (const std::string& suffix : suffixes_of(tensor, settings)) {
    const int64_t length = static_cast<int64_t>(suffix.size());
    if (force || used + length + 2 > settings.linewidth) {
      text += ",\n" + std::string(static_cast<size_t>(indent), ' ') + suffix;
      used = indent + length;
      force = false;
    } else {
      text += ", " + suffix;
      used += length + 2;
    }
  }
  return text + ")";
}

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) { return out << to_string(tensor); }

}  // namespace simdgrad
