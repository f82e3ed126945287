// The files and the parts of pages that are made of what the program itself knows: its settings,
// its flags, its routes, its metrics. Each function returns JSON or Markdown that ends in a
// newline, and throws std::runtime_error if something has no description.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "server/flags.h"
#include "server/program.h"

namespace hangup::docs {

std::string schema_file();         // config/server.schema.json
std::string configuration_file();  // config/server.json, which states the defaults

// A section for each section of the configuration, with a table of its keys.
std::string configuration();

// A program in which everything is configured that adds a route or a metric. It does not listen.
class whole_program {
 public:
  whole_program();

  const server::launch& launched() const noexcept { return with_; }
  // The value of a key, as --print-config shows it; throws std::runtime_error for one it has not.
  std::string setting(const std::string& key) const;
  server::program& operator*() noexcept { return *program_; }

  // What stands for a name that the operator chooses.
  static constexpr std::string_view database = "name-of-a-database";
  static constexpr std::string_view upstream = "name-of-an-upstream";

 private:
  server::launch with_;
  std::string printed_;  // by --print-config
  std::unique_ptr<server::program> program_;
};

std::string routes(whole_program& of);   // a table of all routes
std::string parameters();                // a table of the parameters of each route
std::string ends();                      // how a request may end
std::string metrics(whole_program& of);  // a table of all metrics

// A text for a cell of a table: without what would end the cell.
std::string cell(std::string_view text);
std::string code(std::string_view text);

}  // namespace hangup::docs
