#include "hangup/context/cause.h"

namespace hangup {

std::string_view name(cause_kind kind) noexcept {
  switch (kind) {
    case cause_kind::caller:
      return "caller";
    case cause_kind::client_closed:
      return "client_closed";
    case cause_kind::client_reset:
      return "client_reset";
    case cause_kind::client_vanished:
      return "client_vanished";
    case cause_kind::deadline:
      return "deadline";
    case cause_kind::write_timeout:
      return "write_timeout";
    case cause_kind::shutdown:
      return "shutdown";
    case cause_kind::operator_request:
      return "operator_request";
    case cause_kind::sibling_failed:
      return "sibling_failed";
    case cause_kind::handler_returned:
      return "handler_returned";
    case cause_kind::signal:
      return "signal";
  }
  return "unknown";
}

namespace {

std::string_view words(cause_kind kind) noexcept {
  switch (kind) {
    case cause_kind::client_closed:
      return "client closed (FIN)";
    case cause_kind::client_reset:
      return "client reset (RST)";
    case cause_kind::client_vanished:
      return "client vanished (no answer)";
    case cause_kind::deadline:
      return "deadline exceeded";
    case cause_kind::write_timeout:
      return "client did not read (write timeout)";
    case cause_kind::shutdown:
      return "server shutdown";
    case cause_kind::operator_request:
      return "ended by an operator";
    case cause_kind::sibling_failed:
      return "a sibling task failed";
    case cause_kind::handler_returned:
      return "handler returned";
    case cause_kind::signal:
      return "signal";
    case cause_kind::caller:
      break;
  }
  return "canceled";
}

}  // namespace

std::string describe(const location& where) {
  return where.line == 0 ? std::string()
                         : std::string(where.file) + ":" + std::to_string(where.line);
}

std::string describe(const cause& why) {
  std::string said(words(why.kind));
  if (!why.text.empty()) {
    said.append(": ").append(why.text);
  } else if (why.code) {
    said.append(": ").append(why.code.message());
  }
  return said;
}

}  // namespace hangup
