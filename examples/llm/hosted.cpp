// A server that makes texts, as those around llama.cpp do. stock.cpp has it with cpp-httplib alone,
// hosted.cpp with hangup: `diff stock.cpp hosted.cpp` shows all that is different. What both do is
// described in docs/llm-server.md.
#include "hangup/http/hosted.h"
#include "hangup/http/context_of.h"

#include "examples/llm/openai.h"
#include "examples/llm/options.h"
#include "examples/llm/slots.h"

namespace {

using server_type = hangup::http::hosted<httplib::Server>;
using httplib::Request;
using httplib::Response;

constexpr const char* json = "application/json";

// Waits until the job has something to take. False: the client has left.
bool wait(llm::job& job, const Request& req, [[maybe_unused]] const httplib::DataSink* sink) {
  return job.wait(hangup::http::context_of(req).stop_token());
}

void stream(const std::shared_ptr<llm::job>& job, llm::form form, llm::slots& slots,
            const Request& req, Response& res) {
  res.set_chunked_content_provider(
      "text/event-stream",
      [=, &req](std::size_t, httplib::DataSink& sink) {
        if (!wait(*job, req, &sink)) {
          return false;
        }
        std::string events;
        if (const auto words = job->take(); !words.empty()) {
          events = llm::event(form, *job, words);
        }
        const bool last = job->over();
        if (last) {
          events += llm::last_events(form, *job);
        }
        const bool sent = sink.write(events.data(), events.size());
        if (last) {
          sink.done();
        }
        return sent;
      },
      [job, &slots](bool) { slots.stop(*job); });
}

void refuse(Response& res, int status, const char* type, const char* why) {
  res.status = status;
  res.set_content(llm::problem(status, type, why), json);
}

void generate(llm::form form, llm::slots& slots, const Request& req, Response& res) {
  llm::question asked;
  try {
    asked = llm::read_question(form, req.body);
  } catch (const std::invalid_argument& e) {
    return refuse(res, 400, "invalid_request_error", e.what());
  }
  const bool in_pieces = asked.stream;
  const auto job = slots.begin(std::move(asked));
  if (!job) {
    return refuse(res, 503, "unavailable_error", "too many wait already");
  }
  if (in_pieces) {
    return stream(job, form, slots, req, res);
  }
  if (wait(*job, req, nullptr)) {
    res.set_content(llm::whole(form, *job, job->take()), json);
  }
  slots.stop(*job);  // changes nothing if it is complete
}

// Before routing: pages of other origins may ask, and what is not public needs the key.
server_type::HandlerResponse admit(const std::string& key, const Request& req, Response& res) {
  // Any origin: a page is not let in by who its user is, but by the key that it sends.
  res.set_header("Access-Control-Allow-Origin", "*");
  if (req.method == "OPTIONS") {
    res.set_header("Access-Control-Allow-Methods", "GET, POST");
    res.set_header("Access-Control-Allow-Headers", "Authorization, Content-Type");
    res.status = 204;
    return server_type::HandlerResponse::Handled;
  }
  const bool open = req.path == "/" || req.path == "/index.html" || req.path == "/health";
  if (!key.empty() && !open && !llm::has_key(req.get_header_value("Authorization"), key)) {
    refuse(res, 401, "authentication_error", "the API key is missing or wrong");
    return server_type::HandlerResponse::Handled;
  }
  return server_type::HandlerResponse::Unhandled;
}

}  // namespace

int main(int argc, char** argv) {
  llm::keep_signals_for_on_signal();
  const auto o = llm::read_options(argc, argv);
  const llm::model model(o.width);
  llm::slots slots(model, o.slots);

  server_type svr;
  svr.set_hosted_options({.workers = o.threads, .paths_with_own_workers = {"/health", "/slots"}});
  svr.set_tcp_nodelay(true);
  svr.set_payload_max_length(1 << 20);
  svr.set_pre_routing_handler(
      [&](const Request& req, Response& res) { return admit(o.api_key, req, res); });
  svr.set_logger([](const Request& req, const Response& res) {
    llm::say(req.method + " " + req.path + " " + std::to_string(res.status));
  });
  svr.set_error_handler([](const Request&, Response& res) {
    if (res.body.empty()) {
      refuse(res, res.status, "error", "this could not be answered");
    }
  });
  svr.set_exception_handler([](const Request&, Response& res, const std::exception_ptr&) {
    refuse(res, 500, "server_error", "an error of the server");
  });

  svr.Get("/health",
          [&](const Request&, Response& res) { res.set_content(llm::health(slots), json); });
  svr.Get("/slots",
          [&](const Request&, Response& res) { res.set_content(llm::slots_now(slots), json); });
  svr.Get("/v1/models",
          [](const Request&, Response& res) { res.set_content(llm::models(), json); });
  svr.Post("/v1/chat/completions",
           [&](const Request& req, Response& res) { generate(llm::form::chat, slots, req, res); });
  svr.Post("/completion", [&](const Request& req, Response& res) {
    generate(llm::form::completion, slots, req, res);
  });
  if (!o.public_folder.empty() && !svr.set_mount_point("/", o.public_folder)) {
    llm::say("--public: " + o.public_folder + " is no folder");
    return 2;
  }

  const int port = o.port == 0 ? svr.bind_to_any_port(o.host) : o.port;
  if (port < 0 || (o.port != 0 && !svr.bind_to_port(o.host, port))) {
    llm::say("cannot listen on " + o.host + ":" + std::to_string(o.port));
    return 1;
  }
  const llm::on_signal end([&] {
    slots.stop_all();
    svr.stop();
  });
  llm::say("listening on " + o.host + ":" + std::to_string(port));
  return svr.listen_after_bind() ? 0 : 1;
}
