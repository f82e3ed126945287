#include "http/problem.h"

#include <nlohmann/json.hpp>

namespace hangup::http {

std::string_view status_text(int status) noexcept {
  switch (status) {
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 508:
      return "Loop Detected";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

std::string_view usual_detail(int status) noexcept {
  switch (status) {
    case 413:
      return "the body of the request is too large";
    case 416:
      return "the Range header asks for what is not there";
    case 500:
      return "the server failed to answer this request";
    case 503:
      return "the server cannot take this request now";
    case 504:
      return "the deadline of this request passed before it was answered";
    default:
      return status < 500 ? "the request cannot be understood" : "the server failed";
  }
}

std::string problem_body(int status, std::string_view detail, std::string_view request_id) {
  nlohmann::ordered_json body = {{"type", "about:blank"},
                                 {"title", status_text(status)},
                                 {"status", status},
                                 {"detail", detail}};
  if (!request_id.empty()) {
    body["request_id"] = request_id;
  }
  auto text = body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  text.push_back('\n');
  return text;
}

void set_problem(httplib::Response& res, int status, std::string_view detail,
                 std::string_view request_id) {
  res.status = status;
  res.set_content(problem_body(status, detail, request_id), problem_type);
}

}  // namespace hangup::http
