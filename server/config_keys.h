// The table of settings: each key of the configuration stands once, on a line of its own, in one of
// keys_*.cpp. The schema, the checks of file, environment and flags, --print-config, the files in
// config/ and docs/configuration.md are made from it (scripts/reference). How a line is written is
// in keys.h. To add a key, add a line and a member of `config`.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "hangup/http/half_close.h"
#include "server/config.h"
#include "server/keys.h"

namespace hangup::server {

// The whole table. Made once, thread-safe.
const form<config>& config_keys();

// The sections, in the order in which they are shown.
form<config::listen_t> listen_keys();                              // keys_http.cpp
form<config::admin_t> admin_keys();                                //
form<config::tls_t> tls_keys();                                    //
form<config::log_t> log_keys();                                    //
form<config::http_t> http_keys();                                  //
form<std::map<std::string, config::pool_t>> pools_keys();          // keys_pools.cpp
form<config::tasks_t> tasks_keys();                                //
form<config::routes_t> routes_keys();                              //
form<std::map<std::string, config::database_t>> databases_keys();  // keys_databases.cpp
form<config::spin_t> spin_keys();                                  // keys_work.cpp
form<config::search_t> search_keys();                              //
form<config::relay_t> relay_keys();                                //
form<config::fanout_t> fanout_keys();                              //
form<config::jobs_t> jobs_keys();                                  //
form<config::requests_t> requests_keys();                          //
form<config::live_t> live_keys();                                  //
form<config::stopping_t> stopping_keys();                          //

// What there is if the configuration does not say it.
nlohmann::ordered_json default_pools();
nlohmann::ordered_json default_databases();

// The words for a half-close; they stand in several sections.
form<http::half_close> half_close_words();

}  // namespace hangup::server
