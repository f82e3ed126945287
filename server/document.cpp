#include "server/document.h"

#include <algorithm>
#include <functional>
#include <system_error>
#include <utility>

#include "server/cpus.h"
#include "server/database_config.h"
#include "server/json_reader.h"
#include "server/schema.h"
#include "server/text_file.h"

namespace hangup::server {
namespace {

using nlohmann::json;

constexpr std::size_t max_file_bytes = 1024 * 1024;

// Shown whole, unless it would not be one line.
std::string in_one_line(std::string_view name) {
  const bool plain =
      std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c <= '~'; });
  return plain ? std::string(name) : shown(name);
}

[[noreturn]] void refuse(std::string_view name, const std::string& what) {
  throw config_error(in_one_line(name) + ": " + what);
}

// What a schema cannot say: the pool of a route or a database is one of the pools. Without
// upstreams there is no relay, without databases neither a fan-out nor a job.
problem check_pools(const json& document) {
  const auto& pools = document.at("pools");
  for (const auto* const section : {"routes", "databases"}) {
    for (const auto& user : document.at(section).items()) {
      const auto name = user.value().at("pool").get<std::string>();
      const bool of_databases = user.key() == "fanout" || user.key() == "job_result";
      const bool is_there = user.key() == "relay" ? !document.at("relay").at("upstreams").empty()
                            : of_databases        ? !document.at("databases").empty()
                                                  : true;
      if (is_there && !pools.contains(name)) {
        std::vector<std::string> known;
        for (const auto& pool : pools.items()) {
          known.push_back(pool.key());
        }
        return std::string(section) + "." + user.key() + ".pool: found " + shown(name) +
               ", allowed " +
               (known.empty() ? "nothing: there are no pools" : "one of " + listed(known));
      }
    }
  }
  return {};
}

problem check_jobs(const json& document) {
  const auto one = document.at("jobs").at("max_result_bytes").get<std::size_t>();
  const auto all = document.at("jobs").at("max_total_bytes").get<std::size_t>();
  if (all < one) {
    return "jobs.max_total_bytes: found " + std::to_string(all) +
           ", allowed from jobs.max_result_bytes on, which is " + std::to_string(one);
  }
  return {};
}

problem check_tls(const json& document) {
  const auto& tls = document.at("tls");
  for (const auto* const key : {"certificate", "key"}) {
    if (tls.at(key).get<std::string>().starts_with("-----BEGIN")) {
      return std::string("tls.") + key + ": found what is in a PEM file, allowed its path";
    }
  }
  for (const auto& [here, there] : {std::pair("certificate", "key"), {"key", "certificate"}}) {
    if (tls.at(here).get<std::string>().empty() && !tls.at(there).get<std::string>().empty()) {
      return std::string("tls.") + here +
             ": found nothing, allowed the path of a PEM file, as tls." + there + " has one";
    }
  }
  return {};
}

std::string contents(const std::string& path) {
  std::string text;
  const auto ec = read_text_file(path, max_file_bytes, text);
  if (ec == std::errc::file_too_large) {
    refuse(path, "found more than " + std::to_string(max_file_bytes) +
                     " bytes, which is the most allowed");
  }
  if (ec) {
    refuse(path, "cannot be read: " +
                     (ec == std::errc::timed_out ? "nobody writes to it" : ec.message()));
  }
  return text;
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

void put(document& to, const setting& s) {
  json value;
  if (const auto wrong = config_schema().read_text(s.key, s.text, value)) {
    refuse(s.by, s.is_hidden ? "found what is not shown, allowed " + config_schema().allowed(s.key)
                             : *wrong);
  }
  std::erase_if(to.from, [&](const auto& said) { return is_in(said.first, s.key); });
  to.from[s.key] = s.by;
  if (json said; value.is_object() && !read_json(s.text, said)) {  // without defaults
    each_leaf(said, s.key, [&](const auto& key, const json&) { to.from[key] = s.by; });
  }
  at(to.values, s.key) = std::move(value);
}

problem check_new_pool(const json& document, const json& of_file, const setting& s) {
  constexpr std::string_view pools = "pools.";
  const auto name = s.key.substr(std::min(pools.size(), s.key.size()),
                                 s.key.find('.', pools.size()) - pools.size());
  if (!s.key.starts_with(pools) || of_file.contains(name)) {
    return {};
  }
  std::vector<std::string> used;
  for (const auto* const section : {"routes", "databases"}) {
    for (const auto& user : document.at(section)) {
      used.push_back(user.at("pool").get<std::string>());
    }
  }
  if (std::find(used.begin(), used.end(), name) != used.end()) {
    return {};
  }
  std::sort(used.begin(), used.end());
  used.erase(std::unique(used.begin(), used.end()), used.end());
  return "no route and no database uses pool " + shown(name) + "; " + did_you_mean(name, used);
}

void count_workers(document& in) {
  for (auto& pool : in.values.at("pools").items()) {
    auto& workers = pool.value().at("workers");
    if (workers == 0) {
      workers = usable_cpus();
      in.from["pools." + pool.key() + ".workers"] = "the CPUs that there are";
    }
  }
}

}  // namespace

std::string who_said(std::string_view wrong, std::string_view file,
                     const std::vector<setting>& settings) {
  const auto key = wrong.substr(0, wrong.find(':'));
  const auto section = key.substr(0, key.rfind('.'));
  std::string all(file);
  for (const auto& s : settings) {
    if (is_in(s.key, section) || is_in(key, s.key) || wrong.find(s.key) != std::string_view::npos) {
      all.append(all.size() == file.size() ? " with " : ", ").append(s.by);
    }
  }
  return all;
}

document load_document(const std::string& path, const std::vector<setting>& settings) {
  return parse_document(contents(path), path, settings);
}

document parse_document(std::string_view text, std::string_view name,
                        const std::vector<setting>& settings) {
  document d;
  if (const auto wrong = read_json(text, d.values)) {
    refuse(name, *wrong);
  }
  if (d.values.is_object()) {
    each_leaf(d.values, "", [&](const auto& key, const json&) { d.from[key] = name; });
  }
  if (const auto wrong = config_schema().complete(d.values)) {
    refuse(name, *wrong);
  }
  const auto pools = d.values.at("pools");
  for (const auto& s : settings) {
    put(d, s);
  }
  // What is new in a map has defaults, too, and keys that it must have.
  if (const auto wrong = config_schema().complete(d.values)) {
    refuse(who_said(*wrong, name, settings), *wrong);
  }
  for (const auto& wrong : {check_pools(d.values), check_databases(d.values.at("databases")),
                            check_jobs(d.values), check_tls(d.values)}) {
    if (wrong) {
      refuse(who_said(*wrong, name, settings), *wrong);
    }
  }
  for (const auto& s : settings) {
    if (const auto wrong = check_new_pool(d.values, pools, s)) {
      refuse(s.by, *wrong);
    }
  }
  count_workers(d);
  return d;
}

std::string in_lines(const document& d) {
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
  static const schema instance(json::parse(schema_text()));
  return instance;
}

}  // namespace hangup::server
