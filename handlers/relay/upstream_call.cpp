#include "handlers/relay/upstream_call.h"

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <utility>

#include "hangup/context/wait.h"
#include "hangup/http/problem.h"
#include "http/wire/grammar.h"

namespace hangup::handlers {
namespace {

using std::chrono::milliseconds;

[[noreturn]] void not_taken(int option) {
  throw std::runtime_error("libcurl does not take option " + std::to_string(option));
}

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
  if (::curl_easy_setopt(easy, option, value) != CURLE_OK) {  // NOLINT: the API of libcurl
    not_taken(option);
  }
}

template <class Value>
void set(CURLM* multi, CURLMoption option, Value value) {
  if (::curl_multi_setopt(multi, option, value) != CURLM_OK) {  // NOLINT: the API of libcurl
    not_taken(option);
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

// The handles of libcurl, the sockets that it waits for, and until when.
class upstream_call::transfer {
 public:
  transfer() {
    static const bool ready = make_ready();
    sockets_ = ::epoll_create1(EPOLL_CLOEXEC);
    multi_ = ready && sockets_ >= 0 ? ::curl_multi_init() : nullptr;
    easy_ = multi_ != nullptr ? ::curl_easy_init() : nullptr;
    if (easy_ == nullptr) {
      close();
      throw http::problem_error(503, "the upstream cannot be asked now");
    }
    set(multi_, CURLMOPT_SOCKETDATA, this);
    set(
        multi_, CURLMOPT_SOCKETFUNCTION,
        +[](CURL*, curl_socket_t fd, int what, void* self, void* known) {
          return static_cast<transfer*>(self)->waits_for(fd, what, known != nullptr);
        });
    set(multi_, CURLMOPT_TIMERDATA, this);
    set(
        multi_, CURLMOPT_TIMERFUNCTION, +[](CURLM*, long ms, void* self) {
          static_cast<transfer*>(self)->due_ =
              ms < 0 ? never : later(context::clock::now(), milliseconds(ms));
          return 0;
        });
  }
  ~transfer() { close(); }
  transfer(const transfer&) = delete;
  transfer& operator=(const transfer&) = delete;

  CURL* easy() const noexcept { return easy_; }
  void send(const std::string& header) { sent_ = append(sent_, header); }
  // To be called when all headers are there, and before begin().
  void use_headers() { set(easy_, CURLOPT_HTTPHEADER, sent_); }
  void use_place(const std::string& place) {
    places_ = append(places_, place);
    set(easy_, CURLOPT_RESOLVE, places_);
  }
  void begin() {
    if (::curl_multi_add_handle(multi_, easy_) != CURLM_OK) {
      throw std::bad_alloc();
    }
  }

  int sockets() const noexcept { return sockets_; }
  context::clock::time_point due() const noexcept { return due_; }
  // Does what can be done without a wait. Returns the code of the call, if it has ended.
  std::optional<int> go_on() {
    int running = 0;
    if (context::clock::now() >= due_) {
      due_ = never;
      failed_ |= ::curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running) != CURLM_OK;
    }
    std::array<epoll_event, 4> events{};
    const int n = ::epoll_wait(sockets_, events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < n; ++i) {
      const auto& e = events[static_cast<std::size_t>(i)];
      const int mask = ((e.events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                       ((e.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                       ((e.events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
      failed_ |= ::curl_multi_socket_action(multi_, e.data.fd, mask, &running) != CURLM_OK;
    }
    if (const auto* const info = ::curl_multi_info_read(multi_, &running)) {
      code_ = info->data.result;
    }
    if (failed_ && !code_) {
      code_ = CURLE_OUT_OF_MEMORY;
    }
    return code_;
  }

 private:
  static constexpr auto never = context::clock::time_point::max();

  int waits_for(curl_socket_t fd, int what, bool is_known) noexcept {
    if (what == CURL_POLL_REMOVE) {
      ::epoll_ctl(sockets_, EPOLL_CTL_DEL, fd, nullptr);
      return 0;
    }
    epoll_event e{};
    e.events = ((what & CURL_POLL_IN) != 0 ? std::uint32_t{EPOLLIN} : 0U) |
               ((what & CURL_POLL_OUT) != 0 ? std::uint32_t{EPOLLOUT} : 0U);
    e.data.fd = fd;
    ::curl_multi_assign(multi_, fd, this);  // so that it is known the next time
    return ::epoll_ctl(sockets_, is_known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &e);
  }

  // libcurl does not look up any name (see name_lookup), so none of this waits.
  void close() noexcept {
    if (easy_ != nullptr) {
      ::curl_multi_remove_handle(multi_, easy_);
      ::curl_easy_cleanup(easy_);
    }
    ::curl_multi_cleanup(multi_);
    ::curl_slist_free_all(sent_);
    ::curl_slist_free_all(places_);
    if (sockets_ >= 0) {
      ::close(sockets_);
    }
  }

  int sockets_ = -1;
  CURLM* multi_ = nullptr;
  CURL* easy_ = nullptr;
  curl_slist* sent_ = nullptr;
  curl_slist* places_ = nullptr;
  context::clock::time_point due_ = never;
  bool failed_ = false;
  std::optional<int> code_;
};

upstream_call::upstream_call(const upstream& to, bool is_head, const std::string& target,
                             const headers& with)
    : to_(to), curl_(std::make_unique<transfer>()) {
  CURL* const easy = curl_->easy();
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
    curl_->send(line_of(name, value));
    asked_.range = asked_.range || name == "Range";
    asked_.condition = asked_.condition || name == "If-None-Match" || name == "If-Modified-Since";
  }
  curl_->use_headers();

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

task<std::error_code> upstream_call::ask(const context& ctx) {
  if (const auto ec = co_await locate(ctx)) {
    co_return ec;
  }
  curl_->begin();
  if (const auto ec = co_await run(ctx, until::head)) {
    co_return ec;
  }
  // A 204 or 304 never has a body. For a 205 the end of its framing shows it.
  if (over_ || head_.has_content()) {
    co_return std::error_code();
  }
  co_return co_await run(ctx, until::end);
}

task<std::error_code> upstream_call::read(const context& ctx, std::string_view& piece) {
  piece = {};
  piece_.clear();
  if (over_) {
    co_return std::error_code();
  }
  wanted_ = true;
  heard_ = context::clock::now();  // the pause was on this side, not the upstream's
  if (std::exchange(paused_, false)) {
    ::curl_easy_pause(curl_->easy(), CURLPAUSE_CONT);
  }
  if (turn_.is_over()) {
    static_cast<void>(co_await yield(ctx));
  }
  const auto ec = co_await run(ctx, until::piece);
  if (!ec) {
    piece = piece_;
    turn_.moved(piece.size());
  }
  co_return ec;
}

// Looks up the addresses, so that libcurl need not.
task<std::error_code> upstream_call::locate(const context& ctx) {
  const auto& how = to_.options();
  const auto limit = began_ + how.connect_timeout;
  if (!to_.socket().empty()) {
    set(curl_->easy(), CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(how.connect_timeout.count()));
    co_return std::error_code();
  }
  name_lookup::addresses found;
  {
    const auto patience = with_deadline(ctx, limit);
    const auto ec = co_await to_.addresses().find(patience.ctx, found);
    if (ctx.done()) {
      co_return stopped(ctx);
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
    curl_->use_place(place);
  }
  set(curl_->easy(), CURLOPT_CONNECTTIMEOUT_MS,
      static_cast<long>(std::max<milliseconds::rep>(1, left(limit).count())));
  co_return std::error_code();
}

// Runs until this is there, or the call has ended.
task<std::error_code> upstream_call::run(const context& ctx, until what) {
  const auto came = co_await wait_for(ctx, what);
  if (ctx.done()) {
    co_return stopped(ctx);
  }
  switch (came) {
    case seen::silence:
      fail(504, upstream_end::timed_out,
           "sent nothing for " + std::to_string(to_.options().stall_timeout.count()) + " ms");
    case seen::end:
      if (!head_.whole()) {
        fail_by(CURLE_GOT_NOTHING);
      }
      check_head();
      settle(upstream_end::completed);
      break;
    case seen::what_was_waited_for:
      check_head();
      break;
  }
  co_return std::error_code();
}

bool upstream_call::is_there(until what) const noexcept {
  return (what == until::head && head_.whole()) || (what == until::piece && !piece_.empty());
}

// The result means nothing if the context has ended.
task<upstream_call::seen> upstream_call::wait_for(const context& ctx, until what) {
  const auto stall = to_.options().stall_timeout;
  while (!is_there(what)) {
    const auto ended_with = curl_->go_on();
    if (is_there(what)) {
      break;  // before the end, if both have come
    }
    if (ended_with) {
      if (*ended_with != CURLE_OK) {
        fail_by(*ended_with);
      }
      co_return seen::end;
    }
    const bool asked = heard_ != context::clock::time_point::max();
    const auto silent = later(asked ? heard_ : context::clock::now(), stall);
    if (context::clock::now() >= silent) {
      co_return seen::silence;
    }
    const auto next = std::min(silent, curl_->due());
    const std::error_code ec = co_await wait_fd(ctx, curl_->sockets(), POLLIN, next);
    if (ctx.done()) {
      co_return seen::end;
    }
    if (ec && ec != std::errc::timed_out) {
      fail(503, upstream_end::broken, "cannot be waited for now: " + ec.message());
    }
  }
  co_return seen::what_was_waited_for;
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
  if (!wanted_ || !piece_.empty()) {
    paused_ = true;  // until read() is called
    return CURL_WRITEFUNC_PAUSE;
  }
  piece_ = piece;
  return piece.size();
}

}  // namespace hangup::handlers
