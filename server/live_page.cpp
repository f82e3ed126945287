#include "server/live_page.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "http/wire/header_list.h"
#include "server/page_files.h"

namespace hangup::server {
namespace {

// Nothing but what this server sends is loaded, run or asked.
constexpr std::string_view policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

constexpr std::string_view files = "/page/";

std::string_view type_of(std::string_view name) {
  if (name.ends_with(".js")) {
    return "text/javascript; charset=utf-8";
  }
  if (name.ends_with(".css")) {
    return "text/css; charset=utf-8";
  }
  return name.ends_with(".svg") ? "image/svg+xml" : "text/html; charset=utf-8";
}

// By its name without what is behind the dot: a variable segment of a path has no dot.
const page_file* find(std::string_view name) {
  const auto all = page_files();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& f) {
    return f.name.substr(0, f.name.find('.')) == name;
  });
  return found == all.end() ? nullptr : &*found;
}

// A browser asks each time whether its copy is still right: another version of the program may
// listen here tomorrow.
void answer_with(const page_file& file, const http::request& req, http::reply& res) {
  res.set("ETag", file.tag);
  res.set("Cache-Control", "no-cache");
  res.set("Content-Security-Policy", policy);
  res.set("X-Content-Type-Options", "nosniff");
  res.set("Referrer-Policy", "no-referrer");
  res.set("Cross-Origin-Resource-Policy", "same-origin");
  const auto known = req.header_list("If-None-Match");
  if (known == "*" || known.find(file.tag) != std::string::npos) {
    res.status(304);
    return;
  }
  res.body(type_of(file.name), std::string(file.text));
}

}  // namespace

bool prefers_live_page(const http::request& req) {
  const auto accept = req.header_list("Accept");
  const auto html = http::weight_of_type(accept, "text/html");
  return html.weight > 0 && html > http::weight_of_type(accept, "text/plain") &&
         html > http::weight_of_type(accept, "application/json");
}

bool is_part_of_live_page(const http::request& req) {
  return req.path() == "/" ? prefers_live_page(req) : req.path().starts_with(files);
}

void answer_live_page(const http::request& req, http::reply& res) {
  answer_with(*find("index"), req, res);
}

void add_live_page_files(http::server& server) {
  server.handle({.method = "GET",
                 .path = std::string(files) + "{file}",
                 .as_written = true,
                 .serves = http::audience::operators,
                 .answer = [](const context&, const http::request& req, http::reply& res) {
                   const auto* const file = find(req.path_parameter());
                   if (file == nullptr) {
                     res.problem(404, "there is no such file");
                     return;
                   }
                   answer_with(*file, req, res);
                 }});
}

}  // namespace hangup::server
