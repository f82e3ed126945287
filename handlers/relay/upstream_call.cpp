#include "handlers/relay/upstream_call.h"

#include <curl/curl.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <stdexcept>

#include "hangup/context/after_func.h"
#include "hangup/http/problem.h"
#include "http/wire/grammar.h"

namespace hangup::handlers {
namespace {

using std::chrono::milliseconds;

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
  if (::curl_easy_setopt(easy, option, value) != CURLE_OK) {  // NOLINT: the API of libcurl
    throw std::runtime_error("libcurl does not take option " + std::to_string(option));
  }
}

curl_slist* append(curl_slist* list, const std::string& text) {
  auto* const longer = ::curl_slist_append(list, text.c_str());
  if (longer == nullptr) {
    throw std::bad_alloc();
  }
  return longer;
}

milliseconds left(context::clock::time_point until) {
  return std::chrono::ceil<milliseconds>(until - context::clock::now());
}

// The headers of the request come from the client. Each of them is checked here, although it was
// checked before, because a line break in one would make it two headers.
std::string line_of(const std::string& name, const std::string& value) {
  if (!http::is_token(name) || !http::is_field_value(value)) {
    throw http::problem_error(
        400, "a header of this request has control characters in it, and cannot be passed on");
  }
  return name + ": " + value;
}

// Shared by all calls. Throws on failure; the next call then tries again.
bool make_ready() {
  if (::curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    throw http::problem_error(503, "the upstream cannot be asked now");
  }
  return true;
}

}  // namespace

struct upstream_call::handles {
  handles() {
    static const bool ready = make_ready();
    multi = ready ? ::curl_multi_init() : nullptr;
    easy = multi != nullptr ? ::curl_easy_init() : nullptr;
    if (easy == nullptr || ::curl_multi_add_handle(multi, easy) != CURLM_OK) {
      close();
      throw std::bad_alloc();
    }
  }
  ~handles() { close(); }
  handles(const handles&) = delete;
  handles& operator=(const handles&) = delete;

  // libcurl does not look up any name (see name_lookup), so none of this waits.
  void close() noexcept {
    if (easy != nullptr) {
      ::curl_multi_remove_handle(multi, easy);
      ::curl_easy_cleanup(easy);
    }
    ::curl_multi_cleanup(multi);
    ::curl_slist_free_all(sent);
    ::curl_slist_free_all(places);
  }

  CURLM* multi = nullptr;
  CURL* easy = nullptr;
  curl_slist* sent = nullptr;
  curl_slist* places = nullptr;
};

upstream_call::upstream_call(const upstream& to, bool is_head, const std::string& target,
                             const headers& with)
    : to_(to), curl_(std::make_unique<handles>()) {
  CURL* const easy = curl_->easy;
  set(easy, CURLOPT_URL, (to.base_url() + target).c_str());
  if (const auto& socket = to.socket(); socket.starts_with('@')) {
    set(easy, CURLOPT_ABSTRACT_UNIX_SOCKET, socket.c_str() + 1);
  } else if (!socket.empty()) {
    set(easy, CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
  }
  set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy, CURLOPT_PROXY, "");  // ignores the proxy settings of the environment
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_PATH_AS_IS, 1L);
  set(easy, CURLOPT_FORBID_REUSE, 1L);
  set(easy, CURLOPT_NOBODY, is_head ? 1L : 0L);
  set(easy, CURLOPT_USERAGENT, "hangup");
  set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  // The authorities have already been loaded: reading them for each call would be slow.
  set(easy, CURLOPT_CAINFO, static_cast<const char*>(nullptr));
  set(easy, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  for (const auto& [name, value] : with) {
    curl_->sent = append(curl_->sent, line_of(name, value));
    asked_.range = asked_.range || name == "Range";
    asked_.condition = asked_.condition || name == "If-None-Match" || name == "If-Modified-Since";
  }
  set(easy, CURLOPT_HTTPHEADER, curl_->sent);

  set(easy, CURLOPT_HEADERDATA, this);
  set(
      easy, CURLOPT_HEADERFUNCTION, +[](char* text, std::size_t, std::size_t size, void* self) {
        return static_cast<upstream_call*>(self)->head_line({text, size}) ? size : 0;
      });
  set(easy, CURLOPT_WRITEDATA, this);
  set(
      easy, CURLOPT_WRITEFUNCTION, +[](char* text, std::size_t, std::size_t size, void* self) {
        return static_cast<upstream_call*>(self)->body_piece({text, size});
      });
  // Called when the connection has been made and TLS begins.
  set(easy, CURLOPT_SSL_CTX_DATA, this);
  set(
      easy, CURLOPT_SSL_CTX_FUNCTION, +[](CURL*, void* ssl, void* self) {
        auto& call = *static_cast<upstream_call*>(self);
        call.shaking_ = true;
        ::SSL_CTX_set1_cert_store(static_cast<SSL_CTX*>(ssl), call.to_.trusted());
        return CURLE_OK;
      });
  set(easy, CURLOPT_PREREQDATA, this);
  set(
      easy, CURLOPT_PREREQFUNCTION, +[](void* self, char*, char*, int, int) {
        static_cast<upstream_call*>(self)->heard_ = context::clock::now();
        return CURL_PREREQFUNC_OK;
      });
  to_.began();
}

upstream_call::~upstream_call() {
  settle(upstream_end::canceled);
}

std::error_code upstream_call::ask(const context& ctx) {
  if (const auto ec = locate(ctx)) {
    return ec;
  }
  if (const auto ec = run(ctx, true)) {
    return ec;
  }
  // A 204 or 304 never has a body. For a 205 the end of its framing shows it.
  return over_ || head_.has_content() ? std::error_code{} : run(ctx, false);
}

std::error_code upstream_call::body(const context& ctx, const taker& take) {
  if (over_) {
    return {};
  }
  take_ = &take;
  heard_ = context::clock::now();
  ::curl_easy_pause(curl_->easy, CURLPAUSE_CONT);
  const auto ec = run(ctx, false);
  take_ = nullptr;
  return ec;
}

// Looks up the addresses, so that libcurl need not.
std::error_code upstream_call::locate(const context& ctx) {
  const auto& how = to_.options();
  const auto until = began_ + how.connect_timeout;
  if (!to_.socket().empty()) {
    set(curl_->easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(how.connect_timeout.count()));
    return {};
  }
  name_lookup::addresses found;
  {
    const auto patience = with_deadline(ctx, until);
    const auto ec = to_.addresses().find(patience.ctx, found);
    if (ctx.done()) {
      return stopped(ctx);
    }
    if (ec && !patience.ctx.done()) {
      fail(503, upstream_end::unreachable, "cannot be looked up now: " + ec.message());
    }
    if (ec) {
      fail(504, upstream_end::timed_out,
           "was not found by its name within " + std::to_string(how.connect_timeout.count()) +
               " ms");
    }
  }
  if (found.empty()) {
    fail(502, upstream_end::unreachable, "has a name that is not known");
  }
  if (found.size() > 1 || found.front() != to_.host()) {
    std::string place = to_.host() + ":" + std::to_string(to_.port());
    for (std::size_t i = 0; i < found.size(); ++i) {
      place.append(i == 0 ? ":" : ",").append(found[i]);
    }
    curl_->places = append(nullptr, place);
    set(curl_->easy, CURLOPT_RESOLVE, curl_->places);
  }
  set(curl_->easy, CURLOPT_CONNECTTIMEOUT_MS,
      static_cast<long>(std::max<milliseconds::rep>(1, left(until).count())));
  return {};
}

// Runs until the head is complete, or until the call has ended.
std::error_code upstream_call::run(const context& ctx, bool until_head) {
  int code = CURLE_OK;
  const auto what = transfer(ctx, until_head, code);
  // From here on no other thread wakes it, so it may be destroyed.
  if (ctx.done()) {
    return stopped(ctx);
  }
  switch (what) {
    case seen::silence:
      fail(504, upstream_end::timed_out,
           "sent nothing for " + std::to_string(to_.options().stall_timeout.count()) + " ms");
    case seen::end:
      if (taken_) {
        settle(upstream_end::canceled);  // the receiver does not want any more
        return taken_;
      }
      if (code != CURLE_OK || !head_.whole()) {
        fail_by(code == CURLE_OK ? CURLE_GOT_NOTHING : code);
      }
      check_head();
      settle(upstream_end::completed);
      break;
    case seen::head:
      check_head();
      break;
  }
  return {};
}

// Returns when the head is complete, when the call has ended (with its code), or when the upstream
// has been silent too long. The result means nothing if the context has ended.
upstream_call::seen upstream_call::transfer(const context& ctx, bool until_head, int& code) {
  CURLM* const multi = curl_->multi;
  const after_func wake(ctx, [multi]() noexcept { ::curl_multi_wakeup(multi); });
  const auto stall = to_.options().stall_timeout;
  while (!ctx.done() && !taken_) {
    int count = 0;
    ::curl_multi_perform(multi, &count);
    if (const auto* const info = ::curl_multi_info_read(multi, &count)) {
      code = info->data.result;
      return seen::end;
    }
    if (until_head && head_.whole()) {
      return seen::head;
    }
    const bool asked = heard_ != context::clock::time_point::max();
    const auto patience = asked ? left(heard_ + stall) : stall;
    if (patience.count() <= 0) {
      return seen::silence;
    }
    ::curl_multi_poll(multi, nullptr, 0, static_cast<int>(patience.count()), nullptr);
  }
  return seen::end;
}

// For an answer that is complete but must not be passed on.
void upstream_call::check_head() {
  if (const auto why = head_.unfit(asked_); !why.empty()) {
    fail(502, upstream_end::malformed, why);
  }
}

std::error_code upstream_call::stopped(const context& ctx) {
  settle(ctx.cause()->kind == cause_kind::deadline ? upstream_end::deadline
                                                   : upstream_end::canceled);
  return ctx.err();
}

// Closes the connection and counts the call, the first time it is called.
void upstream_call::settle(upstream_end how) noexcept {
  over_ = true;
  if (!settled_) {
    settled_ = true;
    curl_.reset();
    to_.ended(how);
  }
}

void upstream_call::fail(int status, upstream_end how, const std::string& what) {
  settle(how);
  throw http::problem_error(status, "the upstream \"" + to_.name() + "\" " + what);
}

void upstream_call::fail_by(int code) {
  const auto within = " within " + std::to_string(to_.options().connect_timeout.count()) + " ms";
  switch (code) {
    case CURLE_COULDNT_CONNECT:
      fail(502, upstream_end::unreachable, "refused the connection");
    case CURLE_OPERATION_TIMEDOUT:
      fail(
          504, upstream_end::timed_out,
          (shaking_ ? "did not finish the TLS handshake" : "did not accept a connection") + within);
    case CURLE_PEER_FAILED_VERIFICATION:
      fail(502, upstream_end::unreachable, "has a certificate that is not to be trusted");
    case CURLE_SSL_CONNECT_ERROR:
      fail(502, upstream_end::unreachable, "did not finish the TLS handshake");
    case CURLE_WRITE_ERROR:
      if (head_too_large_) {
        fail(502, upstream_end::malformed, "sent too large a head");
      }
      if (head_.whole() && !head_.has_content()) {
        fail(502, upstream_end::malformed,
             "answered " + std::to_string(head_.status()) + " with a body");
      }
      break;
    case CURLE_GOT_NOTHING:
      fail(502, upstream_end::broken,
           head_bytes_ == 0 ? "closed the connection without an answer"
                            : "closed the connection in the middle of the head of its answer");
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
      fail(502, upstream_end::broken, "broke its answer off");
    default:
      break;
  }
  fail(502, upstream_end::malformed, "answered what is not understood here");
}

bool upstream_call::head_line(std::string_view line) {
  heard_ = context::clock::now();
  head_bytes_ += line.size();
  head_too_large_ = head_bytes_ > to_.options().max_head_bytes;
  if (head_too_large_) {
    return false;
  }
  return head_.whole() || head_.take(line);  // after the head: a trailer
}

std::size_t upstream_call::body_piece(std::string_view piece) {
  heard_ = context::clock::now();
  if (!head_.has_content()) {
    return 0;
  }
  if (take_ == nullptr) {
    return CURL_WRITEFUNC_PAUSE;  // until body() is called
  }
  taken_ = (*take_)(piece);
  heard_ = context::clock::now();  // the pause was on this side, not the upstream's
  return taken_ ? 0 : piece.size();
}

}  // namespace hangup::handlers
