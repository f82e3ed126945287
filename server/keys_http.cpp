// The settings of the listening socket, of the log, and of connections and requests.
#include <string>

#include "server/config_keys.h"

namespace hangup::server {
namespace {

unsigned permissions_of(const std::string& stated) {
  constexpr int octal = 8;
  return static_cast<unsigned>(std::stoul(stated, nullptr, octal));
}

}  // namespace

form<http::half_close> half_close_words() {
  return one_of<http::half_close>(
      {{"cancel", http::half_close::cancel}, {"ignore", http::half_close::ignore}});
}

form<config::listen_t> listen_keys() {
  using t = config::listen_t;
  return object<t>({
      {"host", &t::host, text(0, 255), "127.0.0.1",
       "Name or address to listen on. A name stands for all of its addresses (localhost is "
       "127.0.0.1 and ::1). An IPv6 address may be in brackets. 0.0.0.0 is every interface by "
       "IPv4, :: every interface by IPv6 and IPv4. Empty: only on listen.path and listen.more."},
      {"port", &t::port, integer(0, 65'535), 8080,
       "TCP port of listen.host; 0 chooses a free one."},
      {"path", &t::path, text(0, 107), "",
       "Path of a Unix socket to listen on as well, of at most 107 bytes. One that begins with @ "
       "is a name in "
       "Linux's abstract namespace, which has no file and no permissions. Empty: none. On Unix "
       "sockets the server speaks plain HTTP, also where TLS is configured."},
      {"mode", &t::mode, made_of(text(3, 4, "^0?[0-7]{3}$"), permissions_of), "0660",
       "Permissions of the files of Unix sockets, in octal. Whoever may write to the file may "
       "connect."},
      {"more", &t::more,
       array_of(
           16,
           "An address, such as 127.0.0.1:8081, [::1]:8080, localhost:0 or unix:/run/hangup.sock.",
           text(1, 320)),
       nlohmann::ordered_json::array(), "Further addresses to listen on."},
      {"backlog", &t::backlog, integer(1, 65'535), 1024,
       "Number of connections that the kernel queues until the server accepts them."},
  });
}

form<config::admin_t> admin_keys() {
  using t = config::admin_t;
  return object<t>({
      {"listen", &t::listen, text(0, 320), "",
       "An address for the pages for operators, such as 127.0.0.1:8081 or unix:/run/admin.sock; "
       "those of listen do not have them then. The word same: the addresses of listen have them. "
       "Empty: as same, but the server does not start if one of those is neither on loopback nor a "
       "Unix socket."},
      {"token_file", &t::token_file, text(0, 4096), "",
       "A file with a token of 16..1024 visible characters. Then these pages are only for requests "
       "with \"Authorization: Bearer TOKEN\". It is read again on SIGHUP. Empty: no token is asked "
       "for."},
      {"hosts", &t::hosts, array_of(32, "A name.", text(1, 255, "^[A-Za-z0-9._-]+$")),
       nlohmann::ordered_json::array(),
       "Names that Host may have in requests for these pages, beside addresses, names without a "
       "dot, what ends with .localhost, and the names in listen and admin.listen. Others are "
       "refused with 421, so that no web page can "
       "reach them by a name of its own (DNS rebinding)."},
      {"peers", &t::peers,
       array_of(
           64,
           "The address of the pages for operators of a replica, such as 10.0.0.2:8081; a name "
           "stands for all of its addresses.",
           text(1, 320)),
       nlohmann::ordered_json::array(),
       "The replicas of this server, this one included, and asked by plain HTTP: "
       "/replicas/requests "
       "shows the requests of all of them. Without any there is no such page. Not with tls, unless "
       "admin.listen is a Unix socket."},
      {"peer_timeout_ms", &t::peer_timeout, integer(1, hour_ms), 2000,
       "Time in milliseconds for the answers of admin.peers to one question, the look-up of their "
       "names included, which has half of it."},
  });
}

form<config::tls_t> tls_keys() {
  using t = config::tls_t;
  return object<t>({
      {"certificate", &t::certificate, text(0, 4096), "",
       "PEM file with the certificate and its chain."},
      {"key", &t::key, text(0, 4096), "", "PEM file with the private key of the certificate."},
  });
}

form<config::log_t> log_keys() {
  using t = config::log_t;
  return object<t>({
      {"level", &t::level,
       one_of<log_level>({{"trace", log_level::trace},
                          {"debug", log_level::debug},
                          {"info", log_level::info},
                          {"warn", log_level::warn},
                          {"error", log_level::error}}),
       "info", "The least severe level that is logged."},
      {"format", &t::format,
       one_of<log_format>({{"text", log_format::text}, {"json", log_format::json}}), "text",
       "Format of the log lines: text for people, json (one object per line) for programs."},
      {"queue", &t::queue, integer(256, 1'000'000), 8192,
       "Places of 256 bytes for log lines that wait to be written. A longer line takes several. If "
       "there is no place for a line, it is dropped and counted, so that no request waits for the "
       "log; an eighth is kept for warnings and the program's own messages."},
      {"skip", &t::skip, array_of(32, "One path.", text(1, 256, "^/[!-~]*$")),
       nlohmann::ordered_json::array(),
       "Paths of routes, as GET / lists them. Their requests are not logged if they are completed "
       "with a status below 400. They are counted and listed all the same."},
  });
}

form<config::http_t> http_keys() {
  using t = config::http_t;
  return object<t>({
      {"front_threads", &t::front_threads, integer(1, 64), 2,
       "Number of threads that read request heads, find the route and serve the fast routes."},
      {"front_loops", &t::front_loops, integer(1, 64), 1,
       "Number of event loops that share these threads and the connections; each has at least one "
       "thread. More than one is for machines with many cores."},
      {"max_connections", &t::max_connections, integer(1, 1'000'000), 10'000,
       "Maximum number of open connections. If the limit of open files (ulimit -n) is too low for "
       "them, the server logs a warning at the start."},
      {"max_connections_per_address", &t::max_connections_per_address, integer(0, 1'000'000), 0,
       "Maximum number of open connections from one address, or from one user of Unix sockets; 0: "
       "no such limit, for servers behind a proxy, where all connections come from one address."},
      {"max_head_bytes", &t::max_head_bytes, integer(kib, 64 * kib), 16 * kib,
       "Maximum size of a request's head in bytes; a larger one is refused with 431."},
      {"max_headers", &t::max_headers, integer(1, 1000), 100,
       "Maximum number of header lines in a request; more are refused with 431."},
      {"max_body_bytes", &t::max_body_bytes, integer(0, gib), 8 * mib,
       "Maximum size of a request's body in bytes; a larger one is refused with 413."},
      {"body_buffer_bytes", &t::body_buffer_bytes, integer(kib, 16 * mib), 64 * kib,
       "A request's body of up to this size in bytes is read completely before the request uses a "
       "worker."},
      {"read_ahead_bytes", &t::read_ahead_bytes, integer(0, gib), mib,
       "Number of bytes that are read from a client while its request waits or runs, so that a "
       "hang-up behind them is noticed; 0: none."},
      {"read_ahead_total_bytes", &t::read_ahead_total_bytes, integer(0, gib), 64 * mib,
       "Maximum number of bytes read ahead on all connections together."},
      {"half_close", &t::on_half_close, half_close_words(), "cancel",
       "What it means if a client closes only its sending direction: it has hung up (cancel), or "
       "it still waits for its answer (ignore)."},
      {"handshake_timeout_ms", &t::handshake_timeout, integer(1, hour_ms), 10'000,
       "Time in milliseconds for the TLS handshake, counted from the start of the connection."},
      {"head_timeout_ms", &t::head_timeout, integer(1, hour_ms), 10'000,
       "Time in milliseconds from the first byte of a request to the end of its head."},
      {"idle_timeout_ms", &t::idle_timeout, integer(1, hour_ms), 60'000,
       "Time in milliseconds that a connection may stay open without a request."},
      {"body_timeout_ms", &t::body_timeout, integer(1, hour_ms), 30'000,
       "Time in milliseconds to wait for a request's body. The time is used up by waiting and "
       "regained by received bytes, at body_min_rate."},
      {"body_min_rate", &t::body_min_rate, integer(0, gib), kib,
       "Minimum rate in bytes per second at which a request's body must arrive once "
       "body_timeout_ms has been used up; 0: body_timeout_ms starts again with each byte."},
      {"write_timeout_ms", &t::write_timeout, integer(1, hour_ms), 30'000,
       "Time in milliseconds to wait for a client to read a response before it counts as gone. The "
       "time is used up by waiting and regained by sent bytes, at write_min_rate."},
      {"write_min_rate", &t::write_min_rate, integer(0, gib), kib,
       "Minimum rate in bytes per second at which a client must read a response once "
       "write_timeout_ms has been used up; 0: write_timeout_ms starts again with each byte."},
      {"spot_deadline_ms", &t::spot_deadline, integer(0, hour_ms), 10'000,
       "Deadline in milliseconds of the program's own pages (/, /healthz, /readyz, /metrics, "
       "/requests, /jobs, /query), from the complete head to the last byte of the response; 0: "
       "none."},
      {"linger_timeout_ms", &t::linger_timeout, integer(1, hour_ms), 1000,
       "Time in milliseconds that a connection stays half-open after the server has closed it, so "
       "that the client can read the last response."},
      {"late_after_ms", &t::late_after, integer(0, hour_ms), 1000,
       "Time in milliseconds after the end of a request's context; work that goes on for longer is "
       "reported as a late stopper. 0: none is reported."},
      {"keepalive_idle_s", &t::keepalive_idle, integer(1, 32'767), 10,
       "Time in seconds without traffic until the kernel sends the first keep-alive probe to the "
       "client."},
      {"keepalive_interval_s", &t::keepalive_interval, integer(1, 32'767), 5,
       "Time in seconds between two keep-alive probes."},
      {"keepalive_probes", &t::keepalive_probes, integer(1, 127), 3,
       "Number of unanswered keep-alive probes until the client counts as vanished."},
      {"user_timeout_ms", &t::user_timeout, integer(1, hour_ms), 30'000,
       "Time in milliseconds that sent bytes may be unacknowledged until the client counts as "
       "vanished."},
  });
}

}  // namespace hangup::server
