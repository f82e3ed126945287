#include "http/exchange/incoming.h"

#include <array>
#include <functional>

#include "http/wire/query_string.h"

namespace hangup::http {
namespace {

// Empties it, and gives its memory back if that is more than is worth keeping.
template <class Container>
void empty(Container& c, std::size_t most_kept) noexcept {
  if (c.capacity() > most_kept) {
    Container().swap(c);
  } else {
    c.clear();
  }
}

// What a thread keeps. When the thread ends, requests that are still in use are destroyed as usual.
struct spare_requests {
  ~spare_requests() { are_gone = true; }
  std::array<std::unique_ptr<request>, 4> kept;
  static thread_local bool are_gone;
};
thread_local bool spare_requests::are_gone = false;
thread_local spare_requests spares;

}  // namespace

bool takes_body(std::string_view method) noexcept {
  return method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE";
}

void request_recycler::operator()(request* done) const noexcept {
  std::unique_ptr<request> r(done);
  if (spare_requests::are_gone) {
    return;
  }
  for (auto& place : spares.kept) {
    if (place == nullptr) {
      request_access::clear(*r);
      place = std::move(r);
      return;
    }
  }
}

kept_request request_access::made() {
  if (!spare_requests::are_gone) {
    for (auto& place : spares.kept) {
      if (place != nullptr) {
        return kept_request(place.release());
      }
    }
  }
  return kept_request(new request());
}

void request_access::clear(request& r) noexcept {
  constexpr std::size_t most_text = 2048;
  constexpr std::size_t most_fields = 32;
  empty(r.text_, most_text);
  empty(r.body_, most_text);
  empty(r.headers_, most_fields);
  empty(r.parameters_, most_fields);
  r.was_read_ = false;
}

void request_access::fill(request& to, const request_head& head, std::string_view segment,
                          const peer& addresses, std::string_view of_segment) {
  const std::string_view sent(head.method.data(), head.size);
  auto& text = to.text_;
  text.clear();
  text.reserve(sent.size() + head.path.size() + head.query.size() +
               of_segment.size());  // it must not move any more
  text.append(sent);
  // The same text in the copy. What is not in the head is a name that head.h has added.
  const auto here = [&](std::string_view there) {
    const std::less_equal<const char*> in_order;
    const bool is_sent = in_order(sent.data(), there.data()) &&
                         in_order(there.data() + there.size(), sent.data() + sent.size());
    return is_sent ? std::string_view(text).substr(
                         static_cast<std::size_t>(there.data() - sent.data()), there.size())
                   : there;
  };
  const auto appended = [&text](std::size_t from) { return std::string_view(text).substr(from); };
  const auto decoded = [&](std::string_view there) {
    if (there.find_first_of("%+") == std::string_view::npos) {
      return here(there);
    }
    const auto from = text.size();
    append_form_decoded(there, text);
    return appended(from);
  };
  to.method_ = here(head.method);
  to.target_ = here(head.target);
  const auto path_at = text.size();
  text.append(head.path);
  to.path_ = appended(path_at);
  to.path_parameter_ =
      segment.empty() ? std::string_view()
                      : to.path_.substr(static_cast<std::size_t>(segment.data() - head.path.data()),
                                        segment.size());
  const auto name_at = text.size();
  text.append(segment.empty() ? std::string_view() : of_segment);
  to.path_parameter_name_ = appended(name_at);
  to.headers_.clear();
  for (const auto& [name, value] : head.headers) {
    to.headers_.push_back({here(name), here(value)});
  }
  to.parameters_.clear();
  for_each_sent_parameter(head.query, [&](std::string_view name, std::string_view value) {
    to.parameters_.push_back({decoded(name), decoded(value)});
    return true;
  });
  to.body_.clear();
  to.http_1_0_ = !head.http_1_1;
  to.is_tls_ = false;
  to.remote_address_ = addresses.remote_address;
  to.remote_port_ = addresses.remote_port;
  to.local_address_ = addresses.local_address;
  to.local_port_ = addresses.local_port;
}

kept_request request_for_handler(const request_head& head, std::string_view segment,
                                 const peer& addresses, std::string_view name) {
  auto req = request_access::made();
  request_access::fill(*req, head, segment, addresses, name);
  return req;
}

}  // namespace hangup::http
