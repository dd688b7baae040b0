// Errors are exceptions, warnings go to a handler that is silent by default. The library itself
// never prints, exits or aborts.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <iosfwd>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include <simdgrad/export.h>

namespace simdgrad {

// What every refused or failed call throws (c10::Error). Copying never throws: the text is shared.
class SIMDGRAD_API Error : public std::exception {
 public:
  explicit Error(const std::string& message);
  Error(const Error&) noexcept;
  Error& operator=(const Error&) noexcept;
  ~Error() override;

  // The message. There is no backtrace in it, so the two are the same text.
  const char* what() const noexcept override;
  const char* what_without_backtrace() const noexcept;

 private:
  std::runtime_error message_;
};

// Kinds that PyTorch tells apart, as c10 names them. A plain Error is a RuntimeError in Python.
class SIMDGRAD_API IndexError : public Error {
 public:
  using Error::Error;
  ~IndexError() override;
};
class SIMDGRAD_API ValueError : public Error {
 public:
  using Error::Error;
  ~ValueError() override;
};
class SIMDGRAD_API TypeError : public Error {
 public:
  using Error::Error;
  ~TypeError() override;
};
class SIMDGRAD_API NotImplementedError : public Error {
 public:
  using Error::Error;
  ~NotImplementedError() override;
};

// Receives warnings. process may be called from several threads at once.
struct SIMDGRAD_API WarningHandler {
  virtual ~WarningHandler();
  virtual void process(const std::string& message) = 0;
};

// Installs a handler for the whole process; nullptr (the default) drops every warning. The handler
// stays the caller's and must outlive its use.
SIMDGRAD_API void set_warning_handler(WarningHandler* handler);
SIMDGRAD_API WarningHandler* get_warning_handler();

// Passes a warning to the handler in place, if any.
SIMDGRAD_API void warn(const std::string& message);

namespace detail {

template <class T>
concept CharacterType =
    std::same_as<T, char> || std::same_as<T, signed char> || std::same_as<T, unsigned char>;

// A list of int64 (sizes, strides): printed as [2, 3].
template <class T>
concept IntegerList = requires(const T& list) {
  { list.data() } -> std::convertible_to<const std::int64_t*>;
  { list.size() } -> std::convertible_to<std::size_t>;
};

// The type of any other object is unknown out of line: it is printed with its operator<<. Stream is
// a parameter so that <sstream> is needed only where such an object is passed.
template <class T, class Stream = std::ostringstream>
void append_streamed(std::string& out, const void* object) {
  Stream stream;
  stream << *static_cast<const T*>(object);
  out += stream.str();
}

// One piece of a message, as it stands at the call. Small enough that the failing branch only
// stores a few words; the text is built out of line.
class MessagePart {
 public:
  template <class T>
  requires std::is_arithmetic_v<T> MessagePart(T value) {
    if constexpr (CharacterType<T>) {
      kind_ = Kind::character;
      character_ = static_cast<char>(value);
    } else if constexpr (std::is_floating_point_v<T>) {
      kind_ = Kind::real;
      real_ = static_cast<double>(value);
    } else if constexpr (std::is_signed_v<T>) {
      kind_ = Kind::integer;
      integer_ = static_cast<std::int64_t>(value);
    } else {
      kind_ = Kind::natural;
      natural_ = static_cast<std::uint64_t>(value);
    }
  }
  MessagePart(const char* text) : MessagePart(std::string_view(text)) {}
  template <class T>
  requires(std::is_class_v<T> || std::is_enum_v<T>) MessagePart(const T& value) {
    if constexpr (std::convertible_to<const T&, std::string_view>) {
      const std::string_view text = value;
      kind_ = Kind::text;
      size_ = text.size();
      text_ = text.data();
    } else if constexpr (IntegerList<T>) {
      kind_ = Kind::list;
      size_ = static_cast<std::size_t>(value.size());
      list_ = value.data();
    } else {
      kind_ = Kind::object;
      object_ = &value;
      append_object_ = &append_streamed<T>;
    }
  }
  void append_to(std::string& out) const;

 private:
  enum class Kind : unsigned char { text, character, integer, natural, real, list, object };

  Kind kind_;
  union {
    const char* text_;
    char character_;
    std::int64_t integer_;
    std::uint64_t natural_;
    double real_;
    const std::int64_t* list_;
    const void* object_;
  };
  union {
    std::size_t size_;
    void (*append_object_)(std::string&, const void*);
  };
};

using MessageParts = std::initializer_list<MessagePart>;

SIMDGRAD_API std::string build_message(MessageParts parts);

template <class E>
struct Throw;
#define SIMDGRAD_DECLARE_THROW(type)                                             \
  template <>                                                                    \
  struct SIMDGRAD_API Throw<type> {                                              \
    [[noreturn, gnu::cold, gnu::noinline]] static void with(MessageParts parts); \
  };
SIMDGRAD_DECLARE_THROW(Error)
SIMDGRAD_DECLARE_THROW(IndexError)
SIMDGRAD_DECLARE_THROW(ValueError)
SIMDGRAD_DECLARE_THROW(TypeError)
SIMDGRAD_DECLARE_THROW(NotImplementedError)
#undef SIMDGRAD_DECLARE_THROW

}  // namespace detail
}  // namespace simdgrad

// SIMDGRAD_THROW("op: got ", n, " of ", sizes): throws Error with the parts printed one after the
// other, each as std::ostream would (6 significant digits for real numbers, 1 and 0 for bool), and
// lists of int64 as [2, 3]. An object with an operator<< of its own needs <sstream> at the call.
// The _AS forms throw a kind of Error: SIMDGRAD_THROW_AS(IndexError, "...").
#define SIMDGRAD_THROW_AS(type, ...) \
  ::simdgrad::detail::Throw<::simdgrad::type>::with({__VA_ARGS__})
#define SIMDGRAD_THROW(...) SIMDGRAD_THROW_AS(Error, __VA_ARGS__)

// Throws unless the condition holds. Costs the caller one compare and one branch: the parts are
// evaluated only on failure.
#define SIMDGRAD_CHECK_AS(type, condition, ...) \
  do {                                          \
    if (!(condition)) [[unlikely]] {            \
      SIMDGRAD_THROW_AS(type, __VA_ARGS__);     \
    }                                           \
  } while (false)
#define SIMDGRAD_CHECK(condition, ...) SIMDGRAD_CHECK_AS(Error, condition, __VA_ARGS__)
