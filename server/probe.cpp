#include "server/probe.h"

#include <curl/curl.h>

#include <memory>
#include <new>
#include <string_view>

#include "hangup/http/listen_address.h"
#include "server/config_document.h"
#include "server/message_text.h"

namespace hangup::server {
namespace {

constexpr std::string_view unix_prefix = "unix:";

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
  if (::curl_easy_setopt(easy, option, value) != CURLE_OK) {  // NOLINT: the API of libcurl
    throw std::bad_alloc();
  }
}

bool is_allowed(const std::string& url) {
  const std::unique_ptr<CURLU, decltype(&::curl_url_cleanup)> parts(::curl_url(),
                                                                    &::curl_url_cleanup);
  return (url.starts_with("http://") || url.starts_with("https://")) &&
         ::curl_url_set(parts.get(), CURLUPART_URL, url.c_str(), CURLU_DISALLOW_USER) == CURLUE_OK;
}

// What is asked, and by which Unix socket.
struct question {
  std::string url;
  std::string socket{};  // empty: none
};

question read_question(const std::string& text) {
  if (!text.starts_with(unix_prefix)) {
    return {text};
  }
  const auto rest = text.substr(unix_prefix.size());
  const auto colon = rest.rfind(":/");
  const auto target = colon == std::string::npos ? "/readyz" : rest.substr(colon + 1);
  const auto socket = rest.substr(0, colon);
  const bool has_room = !socket.empty() && socket != "@" && socket.size() <= http::max_unix_path;
  return {has_room ? "http://localhost" + target : "", socket};
}

}  // namespace

std::string probe(const std::string& text) {
  const auto [url, socket] = read_question(text);
  if (const bool is_unix = text.starts_with(unix_prefix); !is_allowed(url)) {
    // Not shown, because it may contain a password.
    throw config_error(
        "--probe: found " +
        (is_unix || text.find('@') == std::string::npos ? shown(text) : "a URL with a user") +
        ", allowed one such as http://127.0.0.1:8080/readyz or "
        "unix:/run/hangup.sock:/readyz");
  }
  const std::unique_ptr<CURL, decltype(&::curl_easy_cleanup)> easy(::curl_easy_init(),
                                                                   &::curl_easy_cleanup);
  if (!easy) {
    throw std::bad_alloc();
  }
  set(easy.get(), CURLOPT_URL, url.c_str());
  if (socket.starts_with('@')) {
    set(easy.get(), CURLOPT_ABSTRACT_UNIX_SOCKET, socket.c_str() + 1);
  } else if (!socket.empty()) {
    set(easy.get(), CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
  }
  set(easy.get(), CURLOPT_TIMEOUT_MS, 3000L);
#if LIBCURL_VERSION_NUM >= 0x075700
  set(easy.get(), CURLOPT_QUICK_EXIT, 1L);  // do not wait for a look-up that hangs
#endif
  set(easy.get(), CURLOPT_PROXY, "");  // ignores the proxy settings of the environment
  set(easy.get(), CURLOPT_FOLLOWLOCATION, 0L);
  set(easy.get(), CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(easy.get(), CURLOPT_USERAGENT, "hangup");
  set(easy.get(), CURLOPT_SSL_VERIFYPEER, 0L);
  set(easy.get(), CURLOPT_SSL_VERIFYHOST, 0L);
  set(
      easy.get(), CURLOPT_WRITEFUNCTION,
      +[](char*, std::size_t, std::size_t size, void*) { return size; });
  const auto ended = ::curl_easy_perform(easy.get());
  long status = 0;
  ::curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  if (ended != CURLE_OK) {
    return text + ": " + ::curl_easy_strerror(ended);
  }
  return status / 100 == 2 ? std::string() : text + ": " + std::to_string(status);
}

}  // namespace hangup::server
