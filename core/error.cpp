// Errors thrown, messages put together, warnings handed on.
#include <simdgrad/error.h>

#include <atomic>
#include <charconv>

namespace simdgrad {

Error::Error(const std::string& message) : message_(message) {}
Error::Error(const Error&) noexcept = default;
Error& Error::operator=(const Error&) noexcept = default;
Error::~Error() = default;
const char* Error::what() const noexcept { return message_.what(); }
const char* Error::what_without_backtrace() const noexcept { return message_.what(); }

// Out of line so that the type information lives in this library alone.
IndexError::~IndexError() = default;
ValueError::~ValueError() = default;
TypeError::~TypeError() = default;
NotImplementedError::~NotImplementedError() = default;

WarningHandler::~WarningHandler() = default;

namespace {
std::atomic<WarningHandler*> warning_handler{nullptr};
}  // namespace

void set_warning_handler(WarningHandler* handler) {
  warning_handler.store(handler, std::memory_order_release);
}

WarningHandler* get_warning_handler() { return warning_handler.load(std::memory_order_acquire); }

void warn(const std::string& message) {
  if (WarningHandler* handler = get_warning_handler()) handler->process(message);
}

namespace detail {
namespace {

template <class T, class... Format>
void append_number(std::string& out, T value, Format... format) {
  char buffer[32];  // 20 digits and a sign, or 6 digits with an exponent
  const std::to_chars_result end = std::to_chars(buffer, buffer + sizeof buffer, value, format...);
  out.append(buffer, end.ptr);
}

}  // namespace

void MessagePart::append_to(std::string& out) const {
  switch (kind_) {
    case Kind::text:
      out.append(text_, size_);
      break;
    case Kind::character:
      out += character_;
      break;
    case Kind::integer:
      append_number(out, integer_);
      break;
    case Kind::natural:
      append_number(out, natural_);
      break;
    case Kind::real:  // as an ostream does by default
      append_number(out, real_, std::chars_format::general, 6);
      break;
    case Kind::list:
      out += '[';
      for (std::size_t i = 0; i < size_; ++i) {
        if (i != 0) out += ", ";
        append_number(out, list_[i]);
      }
      out += ']';
      break;
    case Kind::object:
      append_object_(out, object_);
      break;
  }
}

std::string build_message(MessageParts parts) {
  std::string message;
  for (const MessagePart& part : parts) part.append_to(message);
  return message;
}

#define SIMDGRAD_DEFINE_THROW(type) \
  void Throw<type>::with(MessageParts parts) { throw type(build_message(parts)); }
SIMDGRAD_DEFINE_THROW(Error)
SIMDGRAD_DEFINE_THROW(IndexError)
SIMDGRAD_DEFINE_THROW(ValueError)
SIMDGRAD_DEFINE_THROW(TypeError)
SIMDGRAD_DEFINE_THROW(NotImplementedError)
#undef SIMDGRAD_DEFINE_THROW

}  // namespace detail
}  // namespace simdgrad
