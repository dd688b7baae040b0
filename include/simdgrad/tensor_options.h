// What a factory makes: dtype, layout, device, requires_grad; as c10::TensorOptions.
#pragma once

#include <simdgrad/scalar_type.h>

#include <optional>
#include <string>
#include <string_view>

namespace simdgrad {

enum class Layout : uint8_t { Strided, Sparse };
constexpr Layout kStrided = Layout::Strided;
constexpr Layout kSparse = Layout::Sparse;
SIMDGRAD_API std::ostream& operator<<(std::ostream& out, Layout layout);

// CUDA is a name for programs that choose between the two; a Device of it is refused.
enum class DeviceType : uint8_t { CPU, CUDA };
constexpr DeviceType kCPU = DeviceType::CPU, kCUDA = DeviceType::CUDA;
namespace detail {
[[noreturn]] SIMDGRAD_API void refuse_device();
}

// There is one device; the class lets programs that name it compile.
class Device {
 public:
  constexpr Device(DeviceType type = kCPU) {
    if (type != kCPU) detail::refuse_device();
  }
  // "cpu" or "cpu:0"; Error for any other name.
  SIMDGRAD_API explicit Device(std::string_view name);
  Device(const char* name) : Device(std::string_view(name)) {}
  constexpr DeviceType type() const { return kCPU; }
  constexpr bool is_cpu() const { return true; }
  std::string str() const { return "cpu"; }
  constexpr bool operator==(const Device&) const { return true; }
};
SIMDGRAD_API std::ostream& operator<<(std::ostream& out, const Device& device);

// `zeros({2, 3}, TensorOptions().dtype(kDouble).requires_grad(true))`; a dtype alone converts.
class TensorOptions {
 public:
  constexpr TensorOptions() = default;
  constexpr TensorOptions(ScalarType type) : dtype_(type) { detail::check_scalar_type(type); }
  constexpr TensorOptions(TypeMeta type) : TensorOptions(type.toScalarType()) {}
  constexpr TensorOptions(Layout layout) : layout_(layout) {}
  constexpr TensorOptions(DeviceType type) : TensorOptions(Device(type)) {}
  constexpr TensorOptions(Device) {}

  [[nodiscard]] constexpr TensorOptions dtype(ScalarType type) const {
    return dtype(std::optional(type));
  }
  [[nodiscard]] constexpr TensorOptions dtype(TypeMeta type) const {
    return dtype(type.toScalarType());
  }
  [[nodiscard]] constexpr TensorOptions dtype(std::optional<ScalarType> type) const {
    if (type) detail::check_scalar_type(*type);
    TensorOptions copy = *this;
    copy.dtype_ = type;
    return copy;
  }
  [[nodiscard]] constexpr TensorOptions layout(Layout layout) const {
    TensorOptions copy = *this;
    copy.layout_ = layout;
    return copy;
  }
  [[nodiscard]] constexpr TensorOptions device(Device) const { return *this; }
  [[nodiscard]] constexpr TensorOptions requires_grad(bool value) const {
    TensorOptions copy = *this;
    copy.requires_grad_ = value;
    return copy;
  }

  TypeMeta dtype() const { return TypeMeta(dtype_.value_or(get_default_dtype())); }
  constexpr bool has_dtype() const { return dtype_.has_value(); }
  constexpr std::optional<ScalarType> dtype_opt() const { return dtype_; }
  constexpr Layout layout() const { return layout_.value_or(Layout::Strided); }
  constexpr bool has_layout() const { return layout_.has_value(); }
  constexpr Device device() const { return {}; }
  constexpr bool requires_grad() const { return requires_grad_; }

 private:
  std::optional<ScalarType> dtype_;
  std::optional<Layout> layout_;
  bool requires_grad_ = false;
};

inline TensorOptions dtype(ScalarType type) { return TensorOptions(type); }
inline TensorOptions dtype(TypeMeta type) { return TensorOptions(type); }
inline TensorOptions layout(Layout layout) { return TensorOptions(layout); }
inline TensorOptions device(Device device) { return TensorOptions(device); }
inline TensorOptions requires_grad(bool value = true) {
  return TensorOptions().requires_grad(value);
}

}  // namespace simdgrad
