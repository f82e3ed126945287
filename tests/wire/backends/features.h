// What a server of cpp-httplib can do, each in one route, so that several servers can be asked the
// same and their answers compared.
#pragma once

#include <stdexcept>
#include <string>

#include "tests/support/temporary_directory.h"
#include "tests/wire/httplib_server.h"

namespace hangup::wire {

inline const std::string digits = "0123456789abcdefghij";

// The fields of a form, in the order of their names; versions keep them in different places.
template <class Req>
std::string fields_of(const Req& req) {
  std::string all;
  const auto add = [&all](const auto& parts) {
    for (const auto& entry : parts) {
      const auto& part = entry.second;
      all += entry.first + "=" + part.content;
      if constexpr (requires { part.filename; }) {
        all += "(" + part.filename + ")";
      }
      all += ";";
    }
  };
  if constexpr (requires { req.files; }) {
    add(req.files);
  } else {
    add(req.form.fields);
    add(req.form.files);
  }
  return all;
}

inline std::string parameters_of(const httplib::Request& req) {
  std::string all;
  for (const auto& [name, value] : req.params) {
    all += name + "=" + value + ";";
  }
  return all;
}

// With `:names` where this version has them.
template <class Server, class Req = httplib::Request>
void add_names(Server& server) {
  if constexpr (requires(Req & req) { req.path_params.at("id"); }) {
    server.Get("/named/:id/of/:kind", [](const auto& req, httplib::Response& res) {
      res.set_content(req.path_params.at("id") + " " + req.path_params.at("kind"), "text/plain");
    });
  }
}

template <class Server>
void add_pre_request(Server& server) {
  if constexpr (requires { server.set_pre_request_handler(nullptr); }) {
    server.set_pre_request_handler([](const auto& req, httplib::Response& res) {
      res.set_header("X-Pre-Request", req.matched_route);
      return httplib::Server::HandlerResponse::Unhandled;
    });
  }
}

template <class Server>
void add_bodies(Server& server) {
  const auto echo = [](const httplib::Request& req, httplib::Response& res) {
    res.set_content(req.method + " " + req.body, "text/plain");
  };
  server.Put("/echo", echo);
  server.Patch("/echo", echo);
  server.Delete("/echo", echo);
  server.Options("/echo", echo);
  server.Post("/form", [](const httplib::Request& req, httplib::Response& res) {
    res.set_content(parameters_of(req) + fields_of(req), "text/plain");
  });
  server.Post("/reader", [](const httplib::Request&, httplib::Response& res,
                            const httplib::ContentReader& reader) {
    std::string all;
    const bool whole = reader([&all](const char* piece, std::size_t size) {
      all.append(piece, size);
      return true;
    });
    res.set_content(all + (whole ? " whole" : " cut"), "text/plain");
  });
}

template <class Server>
void add_answers(Server& server, told& at) {
  server.Get(R"(/numbers/(\d+))", [](const httplib::Request& req, httplib::Response& res) {
    res.set_content("number " + std::string(req.matches[1]), "text/plain");
  });
  server.Get("/params", [](const httplib::Request& req, httplib::Response& res) {
    res.set_content(parameters_of(req), "text/plain");
  });
  server.Get("/header", [](const httplib::Request& req, httplib::Response& res) {
    res.set_content("[" + req.get_header_value("X-Text") + "]", "text/plain");
  });
  server.Get("/range", [](const httplib::Request&, httplib::Response& res) {
    res.set_header("Accept-Ranges", "bytes");
    res.set_content(digits, "text/plain");
  });
  server.Get("/length", [&at](const httplib::Request&, httplib::Response& res) {
    res.set_header("Accept-Ranges", "bytes");
    res.set_content_provider(
        digits.size(), "text/plain",
        [](std::size_t from, std::size_t size, httplib::DataSink& sink) {
          return sink.write(digits.data() + from, std::min(size, std::size_t{7}));
        },
        [&at](bool whole) { at.tell(whole ? "released whole" : "released cut"); });
  });
  server.Get("/chunks", [&at](const httplib::Request&, httplib::Response& res) {
    res.set_chunked_content_provider(
        "text/plain",
        [](std::size_t, httplib::DataSink& sink) {
          sink.write(digits.data(), 4);
          sink.write(digits.data() + 4, digits.size() - 4);
          sink.done();
          return true;
        },
        [&at](bool whole) { at.tell(whole ? "released whole" : "released cut"); });
  });
  server.Get("/compressed", [](const httplib::Request&, httplib::Response& res) {
    res.set_content(std::string(5000, 'c'), "text/plain");
  });
  server.Get("/elsewhere",
             [](const httplib::Request&, httplib::Response& res) { res.set_redirect("/fast"); });
  server.Get("/teapot", [](const httplib::Request&, httplib::Response& res) {
    res.status = 418;
    res.set_content("short and stout", "text/plain");
  });
  server.Get("/empty", [](const httplib::Request&, httplib::Response& res) { res.status = 204; });
  server.Get("/throws",
             [](const httplib::Request&, httplib::Response&) { throw std::runtime_error("why"); });
}

template <class Server>
void add_hooks(Server& server) {
  server.set_default_headers({{"X-Default", "yes"}});
  server.set_pre_routing_handler([](const httplib::Request& req, httplib::Response& res) {
    if (req.path.rfind("/private", 0) == 0) {
      res.status = 401;
      res.set_content("who are you", "text/plain");
      return httplib::Server::HandlerResponse::Handled;
    }
    return httplib::Server::HandlerResponse::Unhandled;
  });
  server.set_post_routing_handler(
      [](const httplib::Request&, httplib::Response& res) { res.set_header("X-Post", "routed"); });
  server.set_error_handler([](const httplib::Request&, httplib::Response& res) {
    if (res.body.empty()) {
      res.set_content("error " + std::to_string(res.status), "text/plain");
    }
  });
  server.set_exception_handler([](const httplib::Request&, httplib::Response& res, auto&& thrown) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& e) {
      res.status = 500;
      res.set_content(std::string("thrown: ") + e.what(), "text/plain");
    }
  });
  server.set_expect_100_continue_handler([](const httplib::Request& req, httplib::Response&) {
    return req.has_header("X-Refuse") ? 417 : 100;
  });
  server.set_payload_max_length(100'000);
}

// All of it. `files` is mounted under /files.
template <class Server>
void add_features(httplib_server<Server>& s, const test::temporary_directory& files) {
  auto& server = s.server;
  server.set_mount_point("/files", files.path());
  server.set_file_request_handler(
      [](const httplib::Request&, httplib::Response& res) { res.set_header("X-File", "served"); });
  add_names(server);
  add_pre_request(server);
  add_bodies(server);
  add_answers(server, s.at);
  add_hooks(server);
}

}  // namespace hangup::wire
