#include "server/search_files.h"

#include <string>
#include <utility>
#include <vector>

#include "handlers/query/postgres_files.h"
#include "handlers/search/sample_corpus.h"
#include "server/line_text.h"
#include "server/message_text.h"
#include "server/progress.h"

namespace hangup::server {
namespace {

config_error wrong_root(const launch& with, const std::string& line) {
  return config_error(escaped(who_said(line, with.source, with.over) + ": " + line));
}

void add_database(const config::database_t& d, std::vector<std::string>& to) {
  if (d.kind == "sqlite") {
    for (const auto* suffix : {"", "-wal", "-shm", "-journal", ".making"}) {
      to.push_back(d.file + suffix);
    }
    return;
  }
  for (auto& file : query::files_in_conninfo(d.conninfo)) {
    to.push_back(std::move(file));
  }
}

}  // namespace

search::own_files own_files_of(const launch& with) {
  const auto& c = with.settings;
  std::vector<std::string> files;
  if (with.source != built_in) {
    files.push_back(with.source);
  }
  for (const auto& s : with.over) {
    files.push_back(s.file);
  }
  files.insert(files.end(), {c.tls.certificate, c.tls.key, c.admin.token_file});
  for (const auto& [name, d] : c.databases) {
    add_database(d, files);
  }
  for (const auto& [name, u] : c.relay.upstreams) {
    files.push_back(u.ca_file);
  }
  std::erase(files, "");
  return search::own_files(std::move(files));
}

std::shared_ptr<const search::root> open_search(const context& ctx, const launch& with,
                                                const search::own_files& own) {
  const auto& c = with.settings.search;
  if (c.root.empty()) {
    return nullptr;
  }
  if (c.sample) {
    progress shown("the sample texts " + c.root);
    if (const auto ec =
            search::make_corpus(ctx, c.root, [&](unsigned percent) { shown.show(percent); })) {
      ctx.throw_if_done();
      throw wrong_root(with, corpus_not_made(c.root, ec.message()));
    }
  }
  try {
    return std::make_shared<const search::root>(
        c.root, search::root_options{.cross_mounts = c.cross_mounts, .own = own});
  } catch (const search::root_error& e) {
    throw wrong_root(with, not_searchable(c.root, e.code()));
  }
}

std::string not_searchable(const std::string& root, const std::error_code& why) {
  return "search.root: found " + shown(root) + ", which cannot be searched: " + why.message() +
         ", allowed a folder that this user may read";
}

std::string corpus_not_made(const std::string& root, const std::string& why) {
  return "search.root: the sample texts " + root + " cannot be made: " + why +
         "; name another directory, or set \"sample\" to false";
}

}  // namespace hangup::server
