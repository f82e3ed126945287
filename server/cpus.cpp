#include "server/cpus.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>

namespace hangup::server {
namespace {

constexpr double no_limit = std::numeric_limits<double>::infinity();

// Version 2, "max 100000" or "50000 100000": the quota and the period.
double quota_v2(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  double quota = 0;
  double period = 0;
  return file >> quota >> period && quota > 0 && period > 0 ? quota / period : no_limit;
}

// Version 1, one file each; a quota of -1 means none.
double quota_v1(const std::string& folder) {
  double quota = 0;
  double period = 0;
  std::ifstream(folder + "/cpu.cfs_quota_us") >> quota;
  std::ifstream(folder + "/cpu.cfs_period_us") >> period;
  return quota > 0 && period > 0 ? quota / period : no_limit;
}

// The smallest quota of a cgroup and of those above it, up to the mount.
template <class Quota>
double least(const std::string& mount, std::string path, const Quota& quota) {
  double found = quota(mount);
  while (path.size() > 1) {
    found = std::min(found, quota(mount + path));
    const auto slash = path.rfind('/');
    path.resize(slash == std::string::npos ? 0 : slash);
  }
  return found;
}

bool lists(const std::string& controllers, const std::string& one) {
  std::istringstream all(controllers);
  for (std::string name; std::getline(all, name, ',');) {
    if (name == one) {
      return true;
    }
  }
  return false;
}

struct hierarchy {
  std::string at;    // where it is mounted
  std::string from;  // the cgroup that is visible there
};

// Lines of /proc/self/mountinfo:
//   31 24 0:27 /docker/x /sys/fs/cgroup/cpu,cpuacct ro,nosuid - cgroup cgroup rw,cpu,cpuacct
hierarchy mounted(const std::string& root, bool version_2) {
  std::ifstream lines(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string other;
    std::string type;
    std::string options;
    hierarchy found;
    words >> other >> other >> other >> found.from >> found.at;
    while (words >> other && other != "-") {
    }
    words >> type >> other >> options;
    if (version_2 ? type == "cgroup2" : type == "cgroup" && lists(options, "cpu")) {
      return found;
    }
  }
  return {version_2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu", "/"};
}

// The smallest quota for a cgroup, given by its path from the root of the hierarchy.
template <class Quota>
double least_in(const std::string& root, const hierarchy& in, const std::string& path,
                const Quota& quota) {
  const bool is_below = in.from != "/" && (path + "/").starts_with(in.from + "/");
  return least(root + in.at, is_below ? path.substr(in.from.size()) : path, quota);
}

// Lines of /proc/self/cgroup: "0::/path" of version 2, "4:cpu,cpuacct:/path" of version 1.
double quota_of_cgroups(const std::string& root) {
  std::ifstream lines(root + "/proc/self/cgroup");
  double found = no_limit;
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) {
      continue;
    }
    const auto controllers = line.substr(first + 1, second - first - 1);
    const auto path = line.substr(second + 1);
    if (controllers.empty()) {
      found = std::min(found, least_in(root, mounted(root, true), path, quota_v2));
    } else if (lists(controllers, "cpu")) {
      found = std::min(found, least_in(root, mounted(root, false), path, quota_v1));
    }
  }
  return found;
}

}  // namespace

unsigned usable_cpus(const std::string& root) {
  cpu_set_t set;
  CPU_ZERO(&set);
  const int allowed = ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  const auto time = std::ceil(quota_of_cgroups(root));
  return static_cast<unsigned>(std::max(1.0, std::min(static_cast<double>(allowed), time)));
}

}  // namespace hangup::server
