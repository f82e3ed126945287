#include "server/cpus.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace hangup::server {
namespace {

// A /proc and a /sys of the test's own.
class cpus : public testing::Test {
 protected:
  void SetUp() override {
    cpu_set_t set;
    ASSERT_EQ(::sched_getaffinity(0, sizeof set, &set), 0);
    all_ = static_cast<unsigned>(CPU_COUNT(&set));
  }

  void write(const std::string& path, const std::string& text) const {
    const auto whole = root_ + path;
    std::filesystem::create_directories(std::filesystem::path(whole).parent_path());
    std::ofstream(whole) << text;
  }
  // A quota of version 1, of a period of 100 ms.
  void write_v1(const std::string& folder, int quota) const {
    write(folder + "/cpu.cfs_quota_us", std::to_string(quota) + "\n");
    write(folder + "/cpu.cfs_period_us", "100000\n");
  }
  unsigned at_most(unsigned n) const { return std::min(n, all_); }

  const test::temporary_directory folder_;
  const std::string& root_ = folder_.path();
  unsigned all_ = 0;
};

TEST_F(cpus, are_all_of_the_machine_without_a_quota) {
  EXPECT_EQ(usable_cpus(root_), all_);
  write("/proc/self/cgroup", "0::/\n");
  write("/sys/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_EQ(usable_cpus(root_), all_);
  EXPECT_GE(usable_cpus(), 1U);
}

TEST_F(cpus, are_as_many_as_the_quota_of_version_2_rounded_up) {
  write("/proc/self/cgroup", "0::/\n");
  write("/sys/fs/cgroup/cpu.max", "50000 100000\n");
  EXPECT_EQ(usable_cpus(root_), 1U);
  write("/sys/fs/cgroup/cpu.max", "150000 100000\n");
  EXPECT_EQ(usable_cpus(root_), at_most(2));
}

TEST_F(cpus, are_those_of_the_narrowest_cgroup_above) {
  write("/proc/self/cgroup", "0::/a/b\n");
  write("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  write("/sys/fs/cgroup/a/cpu.max", "100000 100000\n");
  EXPECT_EQ(usable_cpus(root_), 1U);
}

TEST_F(cpus, are_as_many_as_the_quota_of_version_1) {
  write("/proc/self/cgroup", "5:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n1:cpuset:/docker/x\n");
  write_v1("/sys/fs/cgroup/cpu", 50000);  // a container sees its own as the root
  EXPECT_EQ(usable_cpus(root_), 1U);
  write_v1("/sys/fs/cgroup/cpu", -1);
  EXPECT_EQ(usable_cpus(root_), all_);
  write_v1("/sys/fs/cgroup/cpu/docker/x", 100000);
  EXPECT_EQ(usable_cpus(root_), 1U);
}

TEST_F(cpus, are_looked_for_where_the_cgroups_are_mounted) {
  write("/proc/self/cgroup", "7:cpu,cpuacct:/docker/x/inner\n");
  write("/proc/self/mountinfo",
        "24 1 0:22 / /sys rw - sysfs sysfs rw\n"
        "30 24 0:26 /docker/x /cgroups/cpuset rw - cgroup cgroup rw,cpuset\n"
        "31 24 0:27 /docker/x /cgroups/one rw,nosuid shared:9 master:1 - cgroup cgroup "
        "rw,cpu,cpuacct\n");
  write_v1("/cgroups/one/inner", 100000);
  EXPECT_EQ(usable_cpus(root_), 1U);
  write_v1("/cgroups/one/inner", -1);
  EXPECT_EQ(usable_cpus(root_), all_);
  write("/proc/self/cgroup", "0::/docker/x\n");
  write("/proc/self/mountinfo", "31 24 0:27 /docker /cgroups/two rw - cgroup2 cgroup2 rw\n");
  write("/cgroups/two/x/cpu.max", "100000 100000\n");
  EXPECT_EQ(usable_cpus(root_), 1U);
}

TEST_F(cpus, are_never_none_whatever_the_files_say) {
  for (const auto* text : {"", "0 0", "-5 100000", "1 100000", "nonsense", "1e400 1"}) {
    write("/proc/self/cgroup", "0::/\n:::\n0::x\nnonsense\n");
    write("/proc/self/mountinfo", "\n - cgroup2\nnonsense\n");
    write("/sys/fs/cgroup/cpu.max", text);
    EXPECT_GE(usable_cpus(root_), 1U) << text;
    EXPECT_LE(usable_cpus(root_), all_) << text;
  }
}

}  // namespace
}  // namespace hangup::server
