#include "server/peers.h"

#include <curl/curl.h>

#include <algorithm>
#include <new>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "hangup/context/after_func.h"
#include "hangup/http/listen_address.h"
#include "hangup/worker/loop.h"
#include "http/net/address.h"
#include "server/asking_client.h"
#include "server/message_text.h"

namespace hangup::server {
namespace {

constexpr std::size_t most_bytes = 32U << 20U;  // of all answers to one question

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

// One question to one replica, and the room that all of them share for their answers.
struct call {
  call(peer_answer& answer, std::size_t& room) noexcept : to(answer), left(room) {}

  static std::size_t write(char* bytes, std::size_t, std::size_t size, void* self) noexcept {
    auto& c = *static_cast<call*>(self);
    if (size > c.left) {
      return 0;
    }
    try {
      c.to.body.append(bytes, size);
    } catch (const std::bad_alloc&) {
      return 0;
    }
    c.left -= size;
    return size;
  }

  peer_answer& to;
  std::size_t& left;
  easy_handle easy{::curl_easy_init(), &::curl_easy_cleanup};
};

void prepare(call& c, const peer_question& what, curl_slist* headers,
             std::chrono::milliseconds timeout) {
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
  set(easy, CURLOPT_PRIVATE, &c);
}

void ended(CURL* easy, CURLcode how) {
  void* self = nullptr;
  ::curl_easy_getinfo(easy, CURLINFO_PRIVATE, &self);
  auto& answer = static_cast<call*>(self)->to;
  if (how == CURLE_OK) {
    long status = 0;
    ::curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    answer.status = static_cast<int>(status);
    answer.error.clear();
    return;
  }
  answer.body.clear();
  answer.error = how == CURLE_OPERATION_TIMEDOUT ? "no answer in time"
                 : how == CURLE_COULDNT_CONNECT  ? "no connection"
                 : how == CURLE_WRITE_ERROR      ? "its answer is too large"
                                                 : ::curl_easy_strerror(how);
}

std::string address_at(const std::string& host, std::uint16_t port) {
  return http::endpoint(host, port);
}

}  // namespace

void check_peers(const nlohmann::json& admin, mistakes& wrong) {
  const auto& all = admin.at("peers");
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& text = all[i].get_ref<const std::string&>();
    std::string why;
    try {
      const auto at = http::parse_listen_address(text);
      why = at.is_unix() ? "it is a Unix socket" : at.port == 0 ? "its port is 0" : "";
    } catch (const std::invalid_argument& e) {
      why = e.what();
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
    auto at = http::parse_listen_address(text);  // check_peers() has found nothing
    if (at.host.starts_with('[')) {
      at.host = at.host.substr(1, at.host.size() - 2);
    }
    all_.push_back(
        {at.host, at.port,
         std::make_unique<const handlers::name_lookup>(at.host, look, std::chrono::seconds(1))});
  }
}

std::vector<std::string> peers::addresses(const context& ctx,
                                          std::vector<peer_answer>& not_asked) const {
  const auto half = with_timeout(ctx, timeout_ / 2);
  std::vector<std::string> all;
  for (const auto& p : all_) {
    handlers::name_lookup::addresses found;
    const std::error_code ec = run_blocking(p.lookup->find(half.ctx, found));
    const auto not_this = [&](const char* why) {
      not_asked.push_back({.replica = address_at(p.host, p.port), .error = why});
    };
    if (found.empty()) {
      not_this(ec ? "its name was not looked up in time" : "the name has no address");
    }
    for (const auto& one : found) {
      auto at = address_at(one, p.port);
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
  auto room = most_bytes;
  std::vector<std::unique_ptr<call>> calls;  // its address is known to libcurl
  const multi_handle multi(::curl_multi_init(), &::curl_multi_cleanup);
  if (!multi) {
    throw std::bad_alloc();
  }
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      ctx.deadline().value_or(context::clock::time_point::max()) - context::clock::now());
  const auto time =
      std::clamp(left, std::chrono::milliseconds(1), timeout_);  // 0 would be no limit
  for (const auto& replica : replicas) {
    answers.push_back({.replica = replica, .error = "no answer in time"});
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
  for (const auto& c : calls) {
    ::curl_multi_remove_handle(multi.get(), c->easy.get());
  }
  return answers;
}

}  // namespace hangup::server
