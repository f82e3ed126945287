#include "server/config_document.h"

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <set>
#include <utility>

#include "http/wire/grammar.h"
#include "server/config_keys.h"
#include "server/cpus.h"
#include "server/database_config.h"
#include "server/json_reader.h"
#include "server/listening.h"
#include "server/peers.h"
#include "server/schema.h"
#include "server/text_file.h"

namespace hangup::server {
namespace {

using nlohmann::json;

constexpr std::size_t max_file_bytes = 1024 * 1024;

std::string placed(std::string_view name, const std::string& what) {
  return in_one_line(name) + ": " + what;
}

// The routes and databases that run in a pool, by the path of their key, and its name.
std::vector<std::pair<std::string, std::string>> users_of_pools(const json& document) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto* const section : {"routes", "databases"}) {
    for (const auto& user : document.at(section).items()) {
      const auto& of = user.value();
      if (const auto pool = of.find("pool");
          pool != of.end() && of.value("kind", "") != "postgres") {
        all.emplace_back(section + ("." + user.key()), pool->get<std::string>());
      }
    }
  }
  return all;
}

// What a schema cannot say: the pool of a route or a database is one of the pools.
void check_pools(const json& document, mistakes& wrong) {
  const auto& pools = document.at("pools");
  for (const auto& [user, name] : users_of_pools(document)) {
    if (!pools.contains(name)) {
      wrong.add_made([&, user = user, name = name] {
        return user + ".pool: found " + shown(name) + ", allowed " +
               (pools.empty() ? "nothing: there are no pools"
                              : "one of " + listed(names_in(pools)));
      });
    }
  }
}

void check_jobs(const json& jobs, mistakes& wrong) {
  const auto one = jobs.at("max_result_bytes").get<std::size_t>();
  const auto all = jobs.at("max_total_bytes").get<std::size_t>();
  if (all < one) {
    wrong.add("jobs.max_total_bytes: found " + std::to_string(all) +
              ", allowed from jobs.max_result_bytes on, which is " + std::to_string(one));
  }
}

// A private key that was given in place of its path must not be shown by any message.
void check_path(const std::string& key, const json& value, mistakes& wrong) {
  const auto& path = value.get_ref<const std::string&>();
  if (path.find("-----BEGIN") != std::string::npos) {
    wrong.add(key + ": found what is in a PEM file, allowed its path");
  } else if (std::any_of(path.begin(), path.end(), http::is_control)) {
    wrong.add(key + ": found a text with control characters, which is not shown, allowed a path");
  }
}

void check_paths(const json& of, const std::string& section, const char* key, mistakes& wrong) {
  for (const auto& one : of.items()) {
    check_path(section + "." + one.key() + "." + key, one.value().at(key), wrong);
  }
}

// Whether it looks like what is between the first and the last line of a PEM file.
bool is_bare_key(std::string_view text) {
  constexpr std::size_t shortest = 60;  // for a private key; the first byte of all is 0x30
  return text.size() >= shortest && text.starts_with('M') &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return http::is_alphanumeric(c) || c == '+' || c == '/' || c == '=';
         });
}

void check_tls(const json& tls, mistakes& wrong) {
  if (is_bare_key(tls.at("key").get_ref<const std::string&>())) {
    wrong.add("tls.key: found what looks like a key, which is not shown, allowed its path");
    return;
  }
  for (const auto& [here, there] : {std::pair("certificate", "key"), {"key", "certificate"}}) {
    const auto& path = tls.at(here).get_ref<const std::string&>();
    check_path(std::string("tls.") + here, tls.at(here), wrong);
    if (path.empty() && !tls.at(there).get_ref<const std::string&>().empty()) {
      wrong.add(std::string("tls.") + here +
                ": found nothing, allowed the path of a PEM file, as tls." + there + " has one");
    }
  }
}

// Calls `leaf` with each key that holds a value, and that value. An array is one, and what is
// empty.
void each_leaf(const json& of, const std::string& path,
               const std::function<void(const std::string&, const json&)>& leaf) {
  for (const auto& [key, value] : of.items()) {
    auto here = path;
    here.append(path.empty() ? "" : ".").append(key);
    if (value.is_object() && !value.empty()) {
      each_leaf(value, here, leaf);
    } else {
      leaf(here, value);
    }
  }
}

// The value of a key, made if it is not there: a name of a map may be new.
json& at(json& root, std::string_view key) {
  const auto dot = std::min(key.find('.'), key.size());
  json& next = root[std::string(key.substr(0, dot))];
  return dot == key.size() ? next : at(next, key.substr(dot + 1));
}

// Is it the key, or one of what is in it?
bool is_in(std::string_view key, std::string_view around) {
  return key.starts_with(around) &&
         (key.size() == around.size() || key[around.size()] == '.' || key[around.size()] == '[');
}

std::string section_of(std::string_view key) {
  return std::string(key.substr(0, key.find('.')));
}

// The sections that there are not, and those in which a value is not allowed.
std::set<std::string> unsound_sections(const json& document) {
  std::set<std::string> unsound;
  for (const auto& section : document.items()) {
    const auto& name = section.key();
    if (name.find('.') != std::string::npos || !config_schema().has(name) ||
        !config_schema().allows(name, section.value())) {
      unsound.insert(name);
    }
  }
  return unsound;
}

// Leaves nothing in these sections that can be wrong: no database, nothing to search, else the
// defaults.
void clear(json& document, const std::set<std::string>& sections) {
  for (const auto& section : sections) {
    if (section == "databases") {
      document[section] = json::object();
    } else if (section == "search") {
      document[section] = {{"root", ""}};
    } else {
      document.erase(section);
    }
  }
  if (!sections.empty()) {
    static_cast<void>(config_schema().complete(document));
  }
}

// False: it is wrong.
bool put(config_document& to, const setting& s, bool applies, mistakes& wrong) {
  json value;
  const auto of_text = config_schema().read_text(s.key, s.text, value);
  if (!of_text.empty()) {
    const std::string help = s.by.starts_with("--") ? "; see --help" : "";
    if (s.is_hidden) {
      wrong.add(placed(s.by, "found what is not shown, allowed " + config_schema().allowed(s.key)));
    } else {
      wrong.add_all(of_text, [&](const auto& line) { return placed(s.by, line) + help; });
    }
    return false;
  }
  if (!applies) {
    return true;
  }
  std::erase_if(to.from, [&](const auto& entry) { return is_in(entry.first, s.key); });
  to.from[s.key] = s.by;
  if (json given; value.is_object() && !read_json(s.text, given)) {  // without defaults
    each_leaf(given, s.key, [&](const auto& key, const json&) { to.from[key] = s.by; });
  }
  at(to.values, s.key) = std::move(value);
  return true;
}

problem check_new_pool(const json& document, const json& of_file, const setting& s) {
  constexpr std::string_view pools = "pools.";
  const auto name = s.key.substr(std::min(pools.size(), s.key.size()),
                                 s.key.find('.', pools.size()) - pools.size());
  if (!s.key.starts_with(pools) || of_file.contains(name)) {
    return {};
  }
  std::vector<std::string> used;
  for (auto& [user, pool] : users_of_pools(document)) {
    used.push_back(std::move(pool));
  }
  if (std::find(used.begin(), used.end(), name) != used.end()) {
    return {};
  }
  std::sort(used.begin(), used.end());
  used.erase(std::unique(used.begin(), used.end()), used.end());
  return "no route and no database uses pool " + shown(name) + "; " + did_you_mean(name, used);
}

void count_threads(config_document& in) {
  for (auto& pool : in.values.at("pools").items()) {
    auto& workers = pool.value().at("workers");
    if (workers == 0) {
      workers = usable_cpus();
      in.from["pools." + pool.key() + ".workers"] = "the CPUs that there are";
    }
  }
  if (auto& threads = in.values.at("tasks").at("threads"); threads == 0) {
    threads = in.values.at("http").at("front_threads");
    in.from["tasks.threads"] = "http.front_threads";
  }
}

// Of what a text says; null: nothing that one can use, and its mistake has been told. Then each
// setting is looked at by itself.
config_document document_of(const json* values, std::string_view name,
                            const std::vector<setting>& settings, mistakes& wrong) {
  config_document d;
  d.values = values != nullptr ? *values : json::object();
  each_leaf(d.values, "", [&](const auto& key, const json&) { d.from[key] = name; });
  const auto of_text = config_schema().complete(d.values);
  wrong.add_all(of_text, [&](const std::string& line) { return placed(name, line); });
  std::set<std::string> unsound;
  if (values == nullptr) {
    unsound = {"databases", "search"};
  } else if (!of_text.empty()) {
    unsound = unsound_sections(d.values);
  }
  clear(d.values, unsound);

  const auto pools = d.values.at("pools");
  for (const auto& s : settings) {
    const auto section = section_of(s.key);
    if (!put(d, s, values != nullptr && !unsound.contains(section), wrong)) {
      unsound.insert(section);
    }
  }
  const auto by_who = [&](const std::string& line) {
    return placed(who_said(line, name, settings), line);
  };
  // What is new in a map has defaults, too, and keys that it must have.
  if (const auto of_new = settings.empty() ? mistakes() : config_schema().complete(d.values);
      !of_new.empty()) {
    wrong.add_all(of_new, by_who);
    unsound.merge(unsound_sections(d.values));
  }
  const auto check = [&](std::initializer_list<const char*> sections, const auto& with) {
    if (std::any_of(sections.begin(), sections.end(),
                    [&](const auto* section) { return unsound.contains(section); })) {
      return;
    }
    mistakes found;
    with(found);
    wrong.add_all(found, by_who);
    if (!found.empty() && sections.size() == 1) {
      unsound.insert(*sections.begin());
    }
  };
  check({"pools", "routes", "databases", "relay"},
        [&](mistakes& found) { check_pools(d.values, found); });
  check({"databases"}, [&](mistakes& found) { check_databases(d.values.at("databases"), found); });
  check({"databases"}, [&](mistakes& found) {
    check_paths(d.values.at("databases"), "databases", "file", found);
  });
  check({"relay"}, [&](mistakes& found) {
    check_paths(d.values.at("relay").at("upstreams"), "relay.upstreams", "ca_file", found);
  });
  check({"search"}, [&](mistakes& found) {
    check_path("search.root", d.values.at("search").at("root"), found);
  });
  check({"listen"}, [&](mistakes& found) { check_listen(d.values.at("listen"), found); });
  check({"admin"}, [&](mistakes& found) { check_admin(d.values.at("admin"), found); });
  check({"admin"}, [&](mistakes& found) { check_peers(d.values.at("admin"), found); });
  check({"admin"}, [&](mistakes& found) {
    check_path("admin.token_file", d.values.at("admin").at("token_file"), found);
  });
  check({"jobs"}, [&](mistakes& found) { check_jobs(d.values.at("jobs"), found); });
  check({"tls"}, [&](mistakes& found) { check_tls(d.values.at("tls"), found); });
  for (const auto& s : settings) {
    const auto wrong_pool = unsound.empty() ? check_new_pool(d.values, pools, s) : problem();
    if (wrong_pool) {
      wrong.add(placed(s.by, *wrong_pool));
    }
  }
  clear(d.values, unsound);
  count_threads(d);
  return d;
}

}  // namespace

std::string who_said(std::string_view wrong, std::string_view file,
                     const std::vector<setting>& settings) {
  const auto key = wrong.substr(0, wrong.find(':'));
  const auto section = key.substr(0, key.rfind('.'));
  std::vector<std::string> by;  // one may set several keys
  for (const auto& s : settings) {
    if ((is_in(s.key, section) || is_in(key, s.key) ||
         wrong.find(s.key) != std::string_view::npos) &&
        std::find(by.begin(), by.end(), s.by) == by.end()) {
      by.push_back(s.by);
    }
  }
  std::string all(file);
  for (const auto& one : by) {
    all.append(all.size() == file.size() ? " with " : ", ").append(one);
  }
  return all;
}

config_document load_document(const std::string& path, std::string_view by,
                              const std::vector<setting>& settings, mistakes& wrong) {
  std::string text;
  if (const auto why = read_text_file(path, max_file_bytes, text)) {
    wrong.add(by.empty() ? placed(path, "cannot be read: " + *why)
                         : placed(by, shown(path) + " cannot be read: " + *why +
                                          ", allowed the path of a JSON file"));
  } else if (text.find_first_not_of(" \t\r\n", text.starts_with("\xef\xbb\xbf") ? 3 : 0) ==
             std::string::npos) {
    wrong.add(placed(path, "it is empty, allowed JSON, such as {}"));
  } else if (is_wide_text(text)) {
    wrong.add(placed(path, "it is UTF-16, allowed JSON in UTF-8"));
  } else {
    return read_document(text, path, settings, wrong);
  }
  return document_of(nullptr, path, settings, wrong);
}

config_document read_document(std::string_view text, std::string_view name,
                              const std::vector<setting>& settings, mistakes& wrong) {
  json values;
  mistakes twice;
  const auto not_json = read_json(text, values, twice);
  wrong.add_all(twice, [&](const std::string& line) { return placed(name, line); });
  if (not_json) {
    wrong.add(placed(name, *not_json));
    return document_of(nullptr, name, settings, wrong);
  }
  if (!values.is_object()) {
    wrong.add_all(config_schema().complete(values),
                  [&](const std::string& line) { return placed(name, line); });
    return document_of(nullptr, name, settings, wrong);
  }
  return document_of(&values, name, settings, wrong);
}

std::vector<std::string> keys_of(const json& values) {
  std::vector<std::string> keys;
  each_leaf(values, "", [&](const std::string& key, const json&) { keys.push_back(key); });
  return keys;
}

std::string in_lines(const config_document& d) {
  std::string lines;
  each_leaf(d.values, "", [&](const std::string& key, const json& value) {
    if (key == "$schema") {
      return;
    }
    auto line = key + " = ";
    const bool is_empty = value.is_string() && value.get_ref<const std::string&>().empty();
    line += config_schema().is_secret(key) && !is_empty
                ? "(hidden)"
                : value.dump(-1, ' ', false, json::error_handler_t::replace);
    constexpr std::size_t column = 50;
    line.append(line.size() < column ? column - line.size() : 0, ' ');
    const auto who = d.from.find(key);
    lines += line + "  # " + (who == d.from.end() ? "default" : in_one_line(who->second)) + "\n";
  });
  return lines;
}

const schema& config_schema() {
  static const schema instance{json(config_keys().schema)};
  return instance;
}

}  // namespace hangup::server
