// What the kernel says of the threads of this process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/support/eventually.h"

namespace hangup::test {

inline std::string contents_of(const std::filesystem::path& path) {
  std::ifstream in(path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// Those that have this name.
inline std::vector<pid_t> threads_named(const std::string& name) {
  std::vector<pid_t> all;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    if (contents_of(task.path() / "comm") == name + "\n") {
      all.push_back(std::stoi(task.path().filename()));
    }
  }
  return all;
}

// The only one that has this name; 0: there is none, or there are several. The kernel lists a
// thread for a moment after it was joined, and one that begins has another name: so this waits.
inline pid_t thread_named(const std::string& name) {
  std::vector<pid_t> found;
  const bool is_one = eventually([&] {
    found = threads_named(name);
    return found.size() == 1;
  });
  return is_one ? found.front() : 0;
}

// What /proc has under a name in the status of a thread, such as "State"; empty: nothing.
inline std::string status_of(pid_t thread, const std::string& name) {
  const auto status = contents_of("/proc/self/task/" + std::to_string(thread) + "/status");
  const auto at = status.find("\n" + name + ":\t");
  const auto from = at + name.size() + 3;
  return at == std::string::npos ? "" : status.substr(from, status.find('\n', from) - from);
}

// How often it has gone to sleep.
inline std::int64_t waits_of(pid_t thread) {
  const auto count = status_of(thread, "voluntary_ctxt_switches");
  return count.empty() ? -1 : std::stoll(count);
}

}  // namespace hangup::test
