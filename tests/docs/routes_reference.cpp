#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "hangup/context/cause.h"
#include "hangup/http/causes.h"
#include "server/route_descriptions.h"
#include "tests/docs/reference.h"

namespace hangup::docs {
namespace {

using server::route_description;

std::string replaced(std::string in, std::string_view what, std::string_view by) {
  if (const auto at = in.find(what); at != std::string::npos) {
    in.replace(at, what.size(), by);
  }
  return in;
}

constexpr std::string_view placeholder = "{database}";

const http::route& find(const std::vector<const http::route*>& all, const route_description& of) {
  const auto path = replaced(std::string(of.path), placeholder, whole_program::database);
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto* r) {
    return r->method == of.method && r->path == path;
  });
  if (found == all.end()) {
    throw std::runtime_error("there is no route " + std::string(of.method) + " " + path);
  }
  return **found;
}

std::string name_of(const route_description& of) {
  return std::string(of.method) + " " + std::string(of.path);
}

// Where its deadline is set; that key must say what holds for the route.
std::string key_of_deadline(const route_description& of, std::chrono::milliseconds holds,
                            const whole_program& in) {
  const auto key = replaced(std::string(of.set_by), placeholder, whole_program::database);
  if (in.setting(key) != std::to_string(holds.count())) {
    throw std::runtime_error(name_of(of) + ": " + key + " does not say its deadline");
  }
  return std::string(of.set_by);
}

std::string runs_on(const http::route& r) {
  if (r.on_loop != nullptr) {
    return "as a task";
  }
  if (r.runs_on == nullptr) {
    return "on the spot";
  }
  return "pool " + code(r.runs_on->name());
}

}  // namespace

std::string routes(whole_program& of) {
  const auto all = (*of).server().routes();
  const auto& settings = of.launched().settings;
  for (const auto* r : all) {
    const auto path = replaced(r->path, whole_program::database, placeholder);
    const auto& known = server::route_descriptions();
    if (r->index != 0 && std::none_of(known.begin(), known.end(), [&](const auto& d) {
          return d.method == r->method && d.path == path;
        })) {
      throw std::runtime_error("nothing is said of " + r->method + " " + path);
    }
  }
  std::string page =
      "| route | answer | runs | deadline | when the client leaves |\n"
      "| --- | --- | --- | --- | --- |\n";
  for (const auto& d : server::route_descriptions()) {
    const auto& r = find(all, d);
    const auto holds = r.deadline.count() > 0 ? r.deadline : settings.http.spot_deadline;
    page += "| " + code(name_of(d)) + " | " + cell(d.answer) +
            (d.needs.empty() ? "" : " There only with " + cell(d.needs) + ".") +
            (d.example.empty() ? "" : " Example: " + code(d.example)) + " | " + runs_on(r) + " | " +
            (d.set_by.empty() ? "none"
                              : std::to_string(holds.count() / 1000) + " s, " +
                                    code(key_of_deadline(d, holds, of))) +
            " | " + cell(d.stops) + " |\n";
  }
  return page;
}

std::string parameters() {
  std::string page =
      "| route | parameter | allowed | default | meaning |\n| --- | --- | --- | --- | --- |\n";
  for (const auto& d : server::route_descriptions()) {
    for (const auto& p : d.parameters) {
      page += "| " + code(name_of(d)) + " | " + (p.name == "..." ? "others" : code(p.name)) +
              " | " + cell(p.allowed) + " | " +
              (p.otherwise.empty() ? "must be given" : cell(p.otherwise)) + " | " +
              cell(p.meaning) + " |\n";
    }
  }
  return page;
}

namespace {

// Why the context of such a request has ended; none if it had not.
std::vector<cause_kind> causes_of(http::request_end end) {
  switch (end) {
    case http::request_end::client_closed:
      return {http::causes::client_closed};
    case http::request_end::client_reset:
      return {http::causes::client_reset};
    case http::request_end::client_vanished:
      return {http::causes::client_vanished, http::causes::write_timeout};
    case http::request_end::deadline:
      return {cause_kind::deadline};
    case http::request_end::shutdown:
      return {cause_kind::shutdown};
    case http::request_end::operator_request:
      return {http::causes::operator_request};
    default:
      return {};
  }
}

std::string_view meaning(http::request_end end) {
  switch (end) {
    case http::request_end::completed:
      return "The whole answer was handed over, with a status below 400. A client that leaves "
             "after "
             "that has not hung up.";
    case http::request_end::client_closed:
      return "The client closed the connection (FIN) before it had its answer. Status 499, never "
             "sent.";
    case http::request_end::client_reset:
      return "The client reset the connection (RST). One that closes while bytes are unread in its "
             "socket does that, too. Status 499, never sent.";
    case http::request_end::client_vanished:
      return "The client no longer answered the kernel's questions, or did not take the answer in "
             "`http.write_timeout_ms`. Status 499, never sent.";
    case http::request_end::deadline:
      return "The deadline of the route, or the client's own, passed: 504.";
    case http::request_end::shutdown:
      return "The server stopped: 503.";
    case http::request_end::operator_request:
      return "An operator ended it by `DELETE /requests`: 503, with the reason that was given.";
    case http::request_end::rejected:
      return "It was refused and may be tried again: 503 with `Retry-After`.";
    case http::request_end::failed:
      return "It went wrong on this side: another 5xx, an exception, or an answer that broke off.";
    case http::request_end::bad_request:
      return "It was wrong: 4xx, 501 or 505.";
  }
  throw std::runtime_error("an end of a request without a meaning");
}

}  // namespace

std::string ends() {
  std::string page = "| end | cause in the log | meaning |\n| --- | --- | --- |\n";
  for (std::size_t i = 0; i < http::request_ends; ++i) {
    const auto end = static_cast<http::request_end>(i);
    std::string causes;
    for (const auto kind : causes_of(end)) {
      causes += (causes.empty() ? "" : ", ") + code(describe({.kind = kind}));
    }
    page += "| " + code(name(end)) + " | " + (causes.empty() ? "none" : causes) + " | " +
            std::string(meaning(end)) + " |\n";
  }
  return page;
}

}  // namespace hangup::docs
