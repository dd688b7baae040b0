// Dtypes, devices and layouts: names, promotion, printing.
#include <simdgrad/array_ref.h>
#include <simdgrad/error.h>
#include <simdgrad/scalar.h>
#include <simdgrad/tensor_options.h>

#include <atomic>
#include <ostream>

namespace simdgrad {
namespace {

constexpr const char* kNames[] = {"Byte", "Char", "Short", "Int", "Long", "Float", "Double", "Bool"};
constexpr const char* kPythonNames[] = {"uint8", "int8",    "int16",   "int32",
                                        "int64", "float32", "float64", "bool"};
std::atomic<ScalarType> default_dtype{ScalarType::Float};

constexpr const char* kCNames[] = {"unsigned char", "signed char", "short int", "int",
                                   "long int",      "float",       "double",    "bool"};

size_t index_of(ScalarType type) {
  detail::check_scalar_type(type);
  return static_cast<size_t>(type);
}

}  // namespace

void detail::refuse_scalar_type(ScalarType type) {
  SIMDGRAD_THROW("ScalarType: got ", static_cast<int>(type), ", which is no element type");
}

const char* to_string(ScalarType type) { return kNames[index_of(type)]; }
const char* dtype_name(ScalarType type) { return kPythonNames[index_of(type)]; }
const char* TypeMeta::name() const { return kCNames[index_of(type_)]; }

ScalarType promote_types(ScalarType a, ScalarType b) {
  detail::check_scalar_type(a);
  detail::check_scalar_type(b);
  if (a == b) return a;
  if (is_floating_point(a) || is_floating_point(b))
    return a == kDouble || b == kDouble ? kDouble : kFloat;
  if (a == kBool) return b;
  if (b == kBool) return a;
  // The wider integer holds the other; of one byte each, only int16 holds both.
  if (element_size(a) == element_size(b)) return kShort;
  return element_size(a) > element_size(b) ? a : b;
}

bool can_cast(ScalarType from, ScalarType to) {
  detail::check_scalar_type(from);
  detail::check_scalar_type(to);
  if (is_floating_point(from) && !is_floating_point(to)) return false;
  return !(from != kBool && to == kBool);
}

ScalarType get_default_dtype() { return default_dtype.load(std::memory_order_relaxed); }

void set_default_dtype(ScalarType type) {
  SIMDGRAD_CHECK_AS(TypeError, is_floating_point(type),
                    "only floating-point types are supported as the default type");
  default_dtype.store(type, std::memory_order_relaxed);
}

std::ostream& operator<<(std::ostream& out, ScalarType type) { return out << to_string(type); }

std::ostream& operator<<(std::ostream& out, TypeMeta type) { return out << type.name(); }

std::ostream& operator<<(std::ostream& out, Layout layout) {
  return out << (layout == Layout::Sparse ? "Sparse" : "Strided");
}

Device::Device(std::string_view name) {
  SIMDGRAD_CHECK(name == "cpu" || name == "cpu:0", "device: got '", name, "', only cpu exists");
}

void detail::refuse_device() { SIMDGRAD_THROW("device: got cuda, only cpu exists"); }

std::ostream& operator<<(std::ostream& out, const Device& device) { return out << device.str(); }

std::ostream& operator<<(std::ostream& out, const Scalar& value) {
  if (value.is_boolean()) return out << (value.to<bool>() ? "true" : "false");
  if (value.is_floating_point()) return out << value.to_double();
  return out << value.to_long();
}

std::ostream& operator<<(std::ostream& out, IntArrayRef values) {
  out << '[';
  for (size_t i = 0; i < values.size(); ++i) out << (i ? ", " : "") << values[i];
  return out << ']';
}

}  // namespace simdgrad
