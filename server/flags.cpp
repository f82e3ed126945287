#include "server/flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "handlers/utf8.h"
#include "hangup/version.h"
#include "server/config_document.h"
#include "server/environment.h"
#include "server/file_checks.h"
#include "server/identity.h"
#include "server/sample_place.h"
#include "server/schema.h"

namespace hangup::server {
namespace {

constexpr auto default_file = "config/server.json";

// A flag with a value, which is that of a key of the configuration, or for --config its file.
struct value_flag {
  std::string name;
  std::string key;
  std::string value{};
  std::vector<std::string> values{};  // of --listen, which may be given several times
  CLI::Option* option = nullptr;

  bool is_given() const { return option->count() > 0; }
  std::string allowed() const {
    return name == "--listen" ? "an address, such as 127.0.0.1:8080 or unix:/run/hangup.sock"
           : name == "--admin-listen" ? "an address, such as 127.0.0.1:8081, or same"
           : !key.empty()             ? config_schema().allowed(key)
           : name == "--probe"        ? "a URL"
                                      : "the path of a file";
  }
  // Its value has been forgotten: `--port --host x`, `--probe "$URL"`.
  bool lacks_value() const {
    const auto is_flag = [](const std::string& text) { return text.starts_with("--"); };
    const auto is_none = [&](const std::string& text) { return text.empty() || is_flag(text); };
    return is_flag(value) || (name == "--probe" && value.empty()) ||
           std::any_of(values.begin(), values.end(), is_none);
  }
};

launch answer(std::string message) {
  message.erase(message.find_last_not_of('\n') + 1);
  launch l;
  l.exit_code = 0;
  l.message = std::move(message);
  return l;
}

launch refusal(std::string message) {
  launch l;
  l.exit_code = 2;
  l.message = std::move(message);
  l.message_is_error = true;
  return l;
}

// Of the command line itself.
std::string misuse(const std::string& message) {
  return message + (message.ends_with('?') ? " See --help" : "; see --help");
}

std::string found_nothing(const value_flag& flag) {
  return misuse(flag.name + ": found nothing, allowed " + flag.allowed());
}

// Adds what is no flag. If there are other mistakes, an argument may be the value of one of them.
void add_unknown(const CLI::App& app, const std::vector<std::string>& arguments, mistakes& wrong) {
  const auto is_flag = [](const std::string& argument) {
    return argument.starts_with('-') && argument != "--";
  };
  const bool only_flags =
      !wrong.empty() || std::any_of(arguments.begin(), arguments.end(), is_flag);
  std::vector<std::string> known;
  for (const auto* option : app.get_options()) {
    known.push_back(option->get_name());
  }
  for (const auto& argument : arguments) {
    if (is_flag(argument)) {
      wrong.add_made([&] {
        const auto name = argument.substr(0, argument.find('='));
        return misuse(shown_name(name) + ": unknown flag; " + did_you_mean(name, known));
      });
    } else if (!only_flags) {
      wrong.add(misuse(shown(argument) + ": unknown argument, allowed are only flags"));
    }
    if (argument == "--") {
      break;  // nothing behind it is a flag
    }
  }
}

// CLI11 takes whatever follows a flag for its value: so one is missing only at the very end, and
// one too many is glued to a flag that has none.
template <class Flags>
std::string mismatch(const Flags& flags, const std::vector<std::string>& arguments,
                     const CLI::Error& why) {
  for (const auto& flag : flags) {
    if (!arguments.empty() &&
        (arguments.back() == flag.name || arguments.back() == flag.name + "=")) {
      return found_nothing(flag);
    }
  }
  for (const std::string_view argument : arguments) {
    for (const std::string_view flag : {"--check-config", "--print-config"}) {
      if (argument.starts_with(std::string(flag) + "=")) {
        return misuse(std::string(flag) + ": found " +
                      shown(argument.substr(argument.find('=') + 1)) + ", allowed no value");
      }
    }
  }
  return misuse(shown(why.what()));
}

// --listen says all of where to listen, unless --host or --port says more.
void add_listen(const value_flag& flag, bool with_host, std::vector<setting>& to) {
  to.push_back({flag.name, flag.key, nlohmann::json(flag.values).dump()});
  to.push_back({flag.name, "listen.path", ""});
  if (!with_host) {
    to.push_back({flag.name, "listen.host", ""});
  }
}

enum class wanted { run, check, print };

// The file of the configuration. "": there is none.
struct named_file {
  std::string path;
  std::string by;  // "--config", "HANGUP_CONFIG"; empty: it is the default one
};

// `wrong`: what has been found so far.
launch launch_with(const named_file& file, const std::vector<setting>& settings, wanted what,
                   mistakes wrong) {
  launch l;
  l.source = file.path.empty() ? built_in : file.path;
  l.over = settings;
  auto all = file.path.empty() ? read_document("{}", built_in, settings, wrong)
                               : load_document(file.path, file.by, settings, wrong);
  mistakes of_samples;
  place_samples(all, of_samples);
  wrong.add_all(of_samples, [&](const std::string& line) {
    return in_one_line(who_said(line, l.source, settings)) + ": " + line;
  });
  l.settings = config_of(all);
  if (what == wanted::print && wrong.empty()) {
    return answer(in_lines(all));
  }
  wrong.add_all(check_files(l));
  if (what == wanted::check) {
    wrong.add_all(check_samples(l));
    wrong.add_all(check_process(l));
  }
  if (!wrong.empty()) {
    return refusal(wrong.text());
  }
  l.identity = identity_of(l.settings);
  return what == wanted::check ? answer(in_one_line(l.source) + ": ok") : l;
}

}  // namespace

launch read_flags(int argc, const char* const* argv, const char* const* environment) {
  const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);

  CLI::App app("The HTTP server whose work stops when the client hangs up.", "hangup");
  app.set_help_flag("-h,--help", "Print this and exit.");
  app.set_version_flag("--version", "hangup " HANGUP_VERSION, "Print the version and exit.");
  app.allow_extras();  // unknown() has more to say about them
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.footer(std::string(
                 "Flags go over the environment, and that over the file. In the environment "
                 "HANGUP_LISTEN__PORT is the\nkey listen.port, HANGUP_..._FILE names a file with "
                 "the value, HANGUP_HOST and HANGUP_PORT are --host\nand --port, HANGUP_CONFIG is "
                 "--config; another HANGUP_ name is a mistake, except what Kubernetes, Docker and\n"
                 "scripts set (docs/running.md). Without --config the file is\n") +
             default_file +
             " in the current directory, and if there is none the built-in defaults hold.\n"
             "A sample named by a relative path is made there, or where that cannot be done, in\n"
             "$XDG_DATA_HOME/hangup (~/.local/share/hangup), or else in the current directory.");

  std::array<value_flag, 9> flags{{{"--config", ""},
                                   {"--probe", ""},
                                   {"--host", "listen.host"},
                                   {"--port", "listen.port"},
                                   {"--listen", "listen.more"},
                                   {"--admin-listen", "admin.listen"},
                                   {"--tls-certificate", "tls.certificate"},
                                   {"--tls-key", "tls.key"},
                                   {"--log-level", "log.level"}}};
  auto& [file, asked, host, port, listen, admin, certificate, key, level] = flags;
  file.option = app.add_option(file.name, file.value, "Configuration file, JSON.");
  file.option->type_name("FILE");
  asked.option = app.add_option(
      asked.name, asked.value,
      "Ask a running server once, such as http://127.0.0.1:8080/readyz or "
      "unix:/run/hangup.sock:/readyz, for three seconds at most, and exit: 0 if it answers 2xx, "
      "else 1. For health checks.");
  asked.option->type_name("URL");
  listen.option = app.add_option(
      listen.name, listen.values,
      "Listen on this address, such as 127.0.0.1:8080, [::1]:8080, localhost:0 or "
      "unix:/run/hangup.sock, instead of those of listen. May be given several times, and beside "
      "--host and --port.");
  listen.option->type_name("ADDRESS")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
  for (const auto& [flag, type] : {std::pair(&host, "ADDR"),
                                   {&port, "N"},
                                   {&admin, "ADDRESS"},
                                   {&certificate, "FILE"},
                                   {&key, "FILE"},
                                   {&level, "L"}}) {
    flag->option = app.add_option(flag->name, flag->value, config_schema().about(flag->key));
    flag->option->type_name(type);
  }
  bool only_check = false;
  bool only_print = false;
  app.add_flag("--check-config", only_check,
               "Check the configuration, and all that it names, and exit; makes nothing.")
      ->disable_flag_override();
  app.add_flag("--print-config", only_print,
               "Print each setting in effect and who says so, without secrets, and exit.")
      ->disable_flag_override();

  mistakes misused;
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    return answer(app.help());
  } catch (const CLI::CallForVersion& version) {
    return answer(version.what());
  } catch (const CLI::ParseError& why) {
    misused.add(mismatch(flags, arguments, why));
  }
  if (misused.empty()) {
    for (const auto& flag : flags) {
      if (flag.is_given() && flag.lacks_value()) {
        misused.add(found_nothing(flag));
      }
    }
    if (!std::all_of(listen.values.begin(), listen.values.end(), handlers::is_utf8)) {
      misused.add(misuse("--listen: found what is not UTF-8, allowed " + listen.allowed()));
    }
    add_unknown(app, app.remaining(), misused);
    if (only_check && only_print) {
      misused.add(misuse("--check-config: found --print-config as well, allowed one of them"));
    }
  }
  if (!misused.empty()) {
    if (!asked.is_given()) {  // who only asks a server reads no environment
      misused.add_all(read_environment(environment).wrong);
    }
    return refusal(misused.text());
  }

  if (asked.is_given()) {
    launch l;
    l.probe = asked.value;
    return l;
  }

  auto around = read_environment(environment);
  named_file from;
  if (file.is_given()) {
    from = {file.value, file.name};
  } else if (around.config) {
    from = {*around.config, "HANGUP_CONFIG"};
  } else {
    std::error_code ignored;  // what cannot be looked at is read, which says why
    const auto found = std::filesystem::symlink_status(default_file, ignored).type();
    from.path = found == std::filesystem::file_type::not_found ? "" : default_file;
  }
  if (from.path.empty() && !from.by.empty()) {
    return refusal(misuse(from.by + ": found nothing, allowed " + file.allowed()));
  }
  auto settings = std::move(around.settings);
  for (const auto* flag : {&host, &port, &admin, &certificate, &key, &level}) {
    if (flag->is_given()) {
      settings.push_back({flag->name, flag->key, flag->value});
    }
  }
  if (listen.is_given()) {
    add_listen(listen, host.is_given() || port.is_given(), settings);
  }
  return launch_with(from, settings,
                     only_print   ? wanted::print
                     : only_check ? wanted::check
                                  : wanted::run,
                     std::move(around.wrong));
}

}  // namespace hangup::server
