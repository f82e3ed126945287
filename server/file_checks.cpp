#include "server/file_checks.h"

#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "handlers/query/postgres_files.h"
#include "handlers/search/sample_corpus.h"
#include "server/databases.h"
#include "server/descriptors.h"
#include "server/identity.h"
#include "server/line_text.h"
#include "server/listening.h"
#include "server/operators_access.h"
#include "server/relay_upstreams.h"
#include "server/sample_place.h"
#include "server/search_files.h"
#include "server/text_file.h"

namespace hangup::server {
namespace {

namespace fs = std::filesystem;

bool is_there(const std::string& path) {
  std::error_code ec;
  return fs::exists(path, ec);
}

// Why nothing can be made under this name, whatever the folder that it is in; "" if it can.
std::string cannot_be_named(const std::string& path) {
  std::error_code ec;
  if (fs::status(path, ec).type() == fs::file_type::none) {
    return ec.message();
  }
  if (fs::is_symlink(fs::symlink_status(path, ec))) {
    return "it is a symbolic link to what does not exist";
  }
  fs::path before;  // the kernel does not go back from a folder that does not exist
  for (const auto& part : fs::path(path)) {
    if (part == ".." && !before.empty() && !fs::is_directory(before, ec)) {
      return "there is no folder " + before.string();
    }
    before /= part;
  }
  return {};
}

// Why a file beside it, under which it is made first, cannot be written; "" if it can.
std::string cannot_be_written(const std::string& path) {
  std::error_code ec;
  const auto there = fs::status(path, ec);
  if (there.type() == fs::file_type::none) {
    return ec.message();
  }
  if (there.type() == fs::file_type::not_found) {
    return {};
  }
  const auto what = path + " is there and ";
  if (there.type() != fs::file_type::regular) {
    return what + "is not a regular file";
  }
  return ::access(path.c_str(), W_OK) == 0 ? "" : what + "cannot be written";
}

// `why` begins with the name of the file.
std::string wrong_in_pem(const config::tls_t& c, std::string_view why) {
  for (const auto& [key, file] :
       {std::pair("tls.certificate", c.certificate), std::pair("tls.key", c.key)}) {
    if (why.starts_with(file + ": ")) {
      return std::string(key) + ": found " + shown(file) + ", but " +
             std::string(why.substr(file.size() + 2)) + ", allowed a PEM file";
    }
  }
  return "tls: " + std::string(why);
}

void check_identity(const config& c, mistakes& wrong) {
  try {
    static_cast<void>(identity_of(c));
  } catch (const http::tls_error& e) {
    wrong.add(wrong_in_pem(c.tls, e.what()));
  }
}

void check_token(const config::admin_t& c, mistakes& wrong) {
  try {
    static_cast<void>(token_of(c));
  } catch (const std::invalid_argument& e) {
    wrong.add(e.what());
  }
}

void check_search(const config::search_t& c, mistakes& wrong) {
  if (c.root.empty()) {
    return;
  }
  if (c.sample && !is_there(c.root)) {
    auto why = cannot_be_named(c.root);
    if (why.empty()) {
      why = cannot_be_written(without_slash(c.root).string() + ".lock");
    }
    if (const auto ec =
            why.empty() ? can_be_made(c.root, fs::path(c.root).is_absolute()) : std::error_code()) {
      why = why_not_made(c.root, ec);
    }
    if (!why.empty()) {
      wrong.add(corpus_not_made(c.root, why));
    }
    return;
  }
  try {
    const search::root opened(c.root);
  } catch (const search::root_error& e) {
    wrong.add(not_searchable(c.root, e.code()));
  }
}

void check_relay(const config::relay_t& c, mistakes& wrong) {
  for (const auto& [name, u] : c.upstreams) {
    try {
      static_cast<void>(open_upstream(name, c));
    } catch (const std::invalid_argument& e) {
      wrong.add(e.what());
    }
  }
}

// Why a sample that is not there cannot be made; "" if it can.
std::string cannot_be_made(const std::string& file) {
  if (file.ends_with('/')) {
    return "a file has no / at its end";
  }
  if (auto why = cannot_be_named(file); !why.empty()) {
    return why;
  }
  if (auto why = cannot_be_written(file + ".making"); !why.empty()) {
    return why;
  }
  const auto in_data_folder = fs::path(file).parent_path() == data_folder();
  const auto ec = can_be_made(file, in_data_folder);
  return ec ? why_not_made(file, ec) : "";
}

void check_database(const std::string& name, const config::database_t& d, mistakes& wrong) {
  if (is_sample(d) && !is_there(d.file)) {
    if (const auto why = cannot_be_made(d.file); !why.empty()) {
      wrong.add(sample_not_made(name, d.file, why));
    }
  }
  if (d.kind == "postgres") {
    for (const auto& file : query::files_in_conninfo(d.conninfo)) {
      // libpq opens it without looking, and would wait for ever.
      if (kind_of_special_file(file) == "a FIFO") {
        wrong.add("databases." + name + ".conninfo: found " + shown(file) +
                  ", which is a FIFO, allowed a regular file");
      }
    }
  }
}

mistakes by_who(const launch& with, const mistakes& found) {
  mistakes wrong;
  wrong.add_all(found, [&](const std::string& line) {
    return in_one_line(who_said(line, with.source, with.over)) + ": " + escaped(line);
  });
  return wrong;
}

}  // namespace

mistakes check_files(const launch& with) {
  const auto& c = with.settings;
  mistakes found;
  check_identity(c, found);
  check_token(c.admin, found);
  check_search(c.search, found);
  check_relay(c.relay, found);
  for (const auto& [name, d] : c.databases) {
    check_database(name, d, found);
  }
  return by_who(with, found);
}

std::optional<std::string> damaged_corpus(const config::search_t& c) {
  const auto fault = c.sample ? search::corpus_fault(c.root) : std::nullopt;
  if (!fault) {
    return {};
  }
  std::error_code ignored;
  const auto root = fs::absolute(c.root, ignored);
  const auto* const first = fs::exists(root, ignored) ? "remove the folder and start" : "start";
  return "the sample texts " + root.string() + ": " + *fault + "; " + first +
         " the server again, which makes it anew";
}

mistakes check_samples(const launch& with) {
  auto c = with.settings;
  std::erase_if(c.databases, [](const auto& database) {
    return !is_sample(database.second) || !is_there(database.second.file);
  });
  mistakes found;
  for (const auto& line : damaged_samples(background(), c)) {
    found.add(line);
  }
  if (is_there(c.search.root)) {
    if (const auto fault = damaged_corpus(c.search)) {
      found.add("search.root: " + *fault);
    }
  }
  return by_who(with, found);
}

mistakes check_process(const launch& with, const std::vector<int>& sockets) {
  mistakes found;
  check_addresses(with.settings, !sockets.empty(), found);
  if (found.empty()) {
    check_who_may_ask(with.settings, sockets, found);
    check_no_address_twice(with.settings, !sockets.empty(), found);
    check_peers_can_be_asked(with.settings, sockets, found);
  }
  mistakes wrong = by_who(with, found);
  const auto allowed = allowed_descriptors();
  if (const auto least = least_descriptors(with.settings); allowed < least) {
    wrong.add("the limit of open files: found " + std::to_string(allowed) +
              " (ulimit -Hn), allowed from " + std::to_string(least) + " on");
  }
  return wrong;
}

}  // namespace hangup::server
