#include "server/peers.h"

#include <curl/curl.h>

#include <algorithm>
#include <new>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "handlers/utf8.h"
#include "hangup/context/after_func.h"
#include "hangup/http/listen_address.h"
#include "hangup/worker/loop.h"
#include "http/net/address.h"
#include "http/wire/grammar.h"
#include "server/asking_client.h"
#include "server/message_text.h"

namespace hangup::server {
namespace {

using milliseconds = std::chrono::milliseconds;

constexpr std::size_t most_head_bytes = 64U << 10U;
constexpr std::size_t most_detail_bytes = 200;

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
  if (::curl_easy_setopt(easy, option, value) != CURLE_OK) {  // NOLINT: the API of libcurl
    throw std::bad_alloc();
  }
}

using easy_handle = std::unique_ptr<CURL, decltype(&::curl_easy_cleanup)>;
using multi_handle = std::unique_ptr<CURLM, decltype(&::curl_multi_cleanup)>;
using header_lines = std::unique_ptr<curl_slist, decltype(&::curl_slist_free_all)>;

void add(header_lines& to, const std::string& line) {
  auto* const longer = ::curl_slist_append(to.get(), line.c_str());
  if (longer == nullptr) {
    throw std::bad_alloc();
  }
  static_cast<void>(to.release());
  to.reset(longer);
}

// One question to one replica, and the room for its answer.
struct call {
  call(peer_answer& answer, std::size_t room) noexcept : to(answer), room_for_body(room) {}

  static std::size_t write(char* bytes, std::size_t, std::size_t size, void* self) noexcept {
    auto& c = *static_cast<call*>(self);
    if (size > c.room_for_body) {
      c.is_too_large = true;
      return 0;
    }
    try {
      c.to.body.append(bytes, size);
    } catch (const std::bad_alloc&) {
      return 0;
    }
    c.room_for_body -= size;
    return size;
  }

  static std::size_t head_line(char*, std::size_t, std::size_t size, void* self) noexcept {
    auto& c = *static_cast<call*>(self);
    if (size > c.room_for_head) {
      c.is_too_large = true;
      return 0;
    }
    c.room_for_head -= size;
    return size;
  }

  peer_answer& to;
  std::size_t room_for_body;
  std::size_t room_for_head = most_head_bytes;
  bool is_too_large = false;
  easy_handle easy{::curl_easy_init(), &::curl_easy_cleanup};
};

void prepare(call& c, const peer_question& what, curl_slist* headers, milliseconds timeout) {
  if (!c.easy) {
    throw std::bad_alloc();
  }
  auto* const easy = c.easy.get();
  set(easy, CURLOPT_URL, ("http://" + c.to.replica + what.target).c_str());
  set(easy, CURLOPT_CUSTOMREQUEST, what.method.c_str());
  set(easy, CURLOPT_HTTPHEADER, headers);
  set(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_PROXY, "");
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy, CURLOPT_PATH_AS_IS, 1L);
  set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(easy, CURLOPT_USERAGENT, "hangup");
  set(easy, CURLOPT_WRITEFUNCTION, &call::write);
  set(easy, CURLOPT_WRITEDATA, &c);
  set(easy, CURLOPT_HEADERFUNCTION, &call::head_line);
  set(easy, CURLOPT_HEADERDATA, &c);
  set(easy, CURLOPT_PRIVATE, &c);
}

void say(peer_answer& a, peer_end how, std::string why) {
  a.end = how;
  a.error = std::move(why);
  a.body.clear();
}

// The beginning of a stranger's text, in whole characters.
std::string beginning(const std::string& utf8) {
  if (utf8.size() <= most_detail_bytes) {
    return utf8;
  }
  auto size = most_detail_bytes;
  while (size > 0 && handlers::continues_a_character(utf8[size])) {
    --size;
  }
  return utf8.substr(0, size) + "...";
}

// What it says is wrong; its own words, if it has any.
std::string status_text(const peer_answer& a) {
  const auto said = read_peer_json(a.body, peer_page::why_not).members;
  const auto detail = said.find("detail");
  return "status " + std::to_string(a.status) +
         (detail != said.end() && detail->is_string()
              ? ": " + beginning(detail->get_ref<const std::string&>())
              : std::string());
}

// Is it what was asked for? Until now it has only come as a whole.
void judge(peer_answer& a, const peer_question& what) {
  if (a.status == 401) {
    say(a, peer_end::refused,
        what.authorization.empty() ? "it asks for a token (status 401)"
                                   : "it has refused the token (status 401)");
  } else if (a.status == 403) {
    say(a, peer_end::refused, "it has refused the question: " + status_text(a));
  } else if (a.status != (what.method == "DELETE" ? 202 : 200)) {
    say(a, peer_end::failed, status_text(a));
  } else if (const auto wrong = read_peer_json(a.body, what.page).wrong; !wrong.empty()) {
    say(a, peer_end::malformed, "what it answers is not what a replica answers: " + wrong);
  } else {
    a.error.clear();
  }
}

void say_why_not(const call& c, CURLcode how) {
  auto& a = c.to;
  switch (how) {
    case CURLE_OPERATION_TIMEDOUT:
      return say(a, peer_end::timed_out, "no answer in time");
    case CURLE_COULDNT_CONNECT:
      return say(a, peer_end::unreachable, "no connection");
    case CURLE_UNSUPPORTED_PROTOCOL:  // what began without a status line, and so looks like
                                      // HTTP/0.9
    case CURLE_WEIRD_SERVER_REPLY:
      return say(a, peer_end::broken, "it did not answer as HTTP");
    case CURLE_GOT_NOTHING:
      return say(a, peer_end::broken, "it closed the connection without an answer");
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
      return say(a, peer_end::broken, "its answer broke off");
    default:
      break;
  }
  if (c.is_too_large) {
    return say(a, peer_end::malformed, "its answer is too large");
  }
  say(a, peer_end::broken,
      std::string("its answer was not understood: ") + ::curl_easy_strerror(how));
}

// An answer that is whole is judged when all have ended: reading it takes time.
void ended(CURL* easy, CURLcode how) {
  void* self = nullptr;
  ::curl_easy_getinfo(easy, CURLINFO_PRIVATE, &self);
  auto& c = *static_cast<call*>(self);
  if (how != CURLE_OK) {
    return say_why_not(c, how);
  }
  long status = 0;
  ::curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  c.to.status = static_cast<int>(status);
  c.to.end = peer_end::answered;
}

// A name, or an IPv6 address in brackets, perhaps with its zone.
bool may_be_host(std::string_view host) {
  const auto others = host.starts_with('[') ? "[]:.%-_" : "-_.";
  return std::all_of(host.begin(), host.end(), [others](char c) {
    return http::is_alphanumeric(c) || std::string_view(others).find(c) != std::string_view::npos;
  });
}

// How much time the context has. At least 1 ms, as 0 would be no limit for libcurl.
milliseconds left_of(const context& ctx) {
  const auto end = ctx.deadline().value_or(context::clock::time_point::max());
  return std::max(std::chrono::duration_cast<milliseconds>(end - context::clock::now()),
                  milliseconds(1));
}

}  // namespace

std::string_view name(peer_end end) noexcept {
  switch (end) {
    case peer_end::answered:
      return "answered";
    case peer_end::refused:
      return "refused";
    case peer_end::failed:
      return "failed";
    case peer_end::not_asked:
      return "not_asked";
    case peer_end::unreachable:
      return "unreachable";
    case peer_end::timed_out:
      return "timed_out";
    case peer_end::broken:
      return "broken";
    case peer_end::malformed:
      return "malformed";
    case peer_end::canceled:
      break;
  }
  return "canceled";
}

void check_peers(const nlohmann::json& admin, mistakes& wrong) {
  const auto& all = admin.at("peers");
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& text = all[i].get_ref<const std::string&>();
    std::string why;
    try {
      const auto at = http::parse_listen_address(text);
      why = at.is_unix()            ? "it is a Unix socket"
            : at.port == 0          ? "its port is 0"
            : !may_be_host(at.host) ? "its host is neither a name nor an address"
                                    : "";
    } catch (const std::invalid_argument& e) {
      why = e.what();
    }
    if (why.empty() && std::find(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(i),
                                 all[i]) != all.begin() + static_cast<std::ptrdiff_t>(i)) {
      why = "it is there before";
    }
    if (!why.empty()) {
      wrong.add("admin.peers[" + std::to_string(i) + "]: found " + shown(text) + ", but " + why +
                ", allowed such as 10.0.0.2:8081, [fd00::2]:8081, hangup:8081");
    }
  }
}

peers::peers(const config::admin_t& c, const handlers::name_lookup::function& look)
    : timeout_(c.peer_timeout) {
  for (const auto& text : c.peers) {
    const auto at = http::parse_listen_address(text);  // check_peers() has found nothing
    const std::string host(http::without_brackets(at.host));
    all_.push_back(
        {host, at.port,
         std::make_unique<const handlers::name_lookup>(host, look, std::chrono::seconds(1))});
  }
}

cancelable peers::patience(const context& ctx) const {
  return with_timeout(ctx, std::min(timeout_, left_of(ctx) / 10 * 9));
}

std::vector<std::string> peers::addresses(const context& ctx,
                                          std::vector<peer_answer>& not_asked) const {
  const auto half = with_timeout(ctx, left_of(ctx) / 2);
  std::vector<std::string> all;
  for (const auto& p : all_) {
    handlers::name_lookup::addresses found;
    const std::error_code ec = run_blocking(p.lookup->find(half.ctx, found));
    const auto not_this = [&](const char* why) {
      not_asked.push_back(
          {.replica = http::endpoint(p.host, p.port), .end = peer_end::not_asked, .error = why});
      note(peer_end::not_asked);
    };
    if (found.empty()) {
      not_this(ec ? "its name was not looked up in time" : "the name has no address");
    }
    for (const auto& one : found) {
      auto at = http::endpoint(one, p.port);
      if (std::find(all.begin(), all.end(), at) != all.end()) {
        continue;
      }
      if (all.size() == most_addresses) {
        not_this("there are more addresses than can be asked");
        break;
      }
      all.push_back(std::move(at));
    }
  }
  return all;
}

std::vector<peer_answer> peers::ask(const context& ctx, const std::vector<std::string>& replicas,
                                    const peer_question& what) const {
  header_lines headers(nullptr, &::curl_slist_free_all);
  add(headers, "Accept: application/json");
  add(headers, "X-Request-Id: " + what.request_id);
  if (!what.client.empty()) {
    add(headers, "Forwarded: " + forwarded_for(what.client));
  }
  if (!what.authorization.empty()) {
    add(headers, "Authorization: " + what.authorization);
  }
  std::vector<peer_answer> answers;
  answers.reserve(replicas.size());
  const auto room = room_for_each(replicas.size());
  std::vector<std::unique_ptr<call>> calls;  // its address is known to libcurl
  const multi_handle multi(::curl_multi_init(), &::curl_multi_cleanup);
  if (!multi) {
    throw std::bad_alloc();
  }
  const auto time = std::min(left_of(ctx), timeout_);
  for (const auto& replica : replicas) {
    answers.push_back({.replica = replica});
    calls.push_back(std::make_unique<call>(answers.back(), room));
    prepare(*calls.back(), what, headers.get(), time);
    ::curl_multi_add_handle(multi.get(), calls.back()->easy.get());
  }
  {
    const after_func wake(ctx, [m = multi.get()]() noexcept { ::curl_multi_wakeup(m); });
    constexpr int longest_wait_ms = 1000;
    for (int running = 1; running > 0 && !ctx.done();) {
      if (::curl_multi_perform(multi.get(), &running) != CURLM_OK) {
        break;
      }
      int others = 0;
      while (const auto* const said = ::curl_multi_info_read(multi.get(), &others)) {
        if (said->msg == CURLMSG_DONE) {
          ended(said->easy_handle, said->data.result);
        }
      }
      if (running > 0) {
        ::curl_multi_poll(multi.get(), nullptr, 0, longest_wait_ms, nullptr);
      }
    }
  }
  const auto over = ctx.err();
  for (const auto& c : calls) {
    ::curl_multi_remove_handle(multi.get(), c->easy.get());
    auto& a = c->to;
    if (a.end == peer_end::answered) {
      judge(a, what);
    } else if (a.end == peer_end::timed_out) {
      const bool given_up = over && over != errc::deadline_exceeded;
      say(a, given_up ? peer_end::canceled : a.end, given_up ? "it was given up" : a.error);
    }
    note(a.end);
  }
  return answers;
}

}  // namespace hangup::server
