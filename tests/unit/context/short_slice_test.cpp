// On kernels that know it, the threads that are woken by an end have the shortest slice.
#include "context/short_slice.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <thread>

namespace hangup::test {
namespace {

bool kernel_knows_slices() {
  utsname system{};
  ::uname(&system);
  int major = 0;
  int minor = 0;
  return std::sscanf(system.release, "%d.%d", &major, &minor) == 2 &&
         (major > 6 || (major == 6 && minor >= 12));
}

// The words of sched_attr: its size and the policy are the first, the runtime the third of 64 bits.
std::uint64_t slice_of_this_thread() {
  std::array<std::uint64_t, 6> attributes{};
  EXPECT_EQ(::syscall(SYS_sched_getattr, 0, attributes.data(), sizeof attributes, 0), 0);
  return attributes[3];
}

TEST(short_slice, is_asked_for_by_one_thread_and_changes_nothing_else) {
  const auto usual = slice_of_this_thread();
  std::thread([usual] {
    const int nice = ::nice(0);
    tree::ask_for_short_slices();
    EXPECT_EQ(slice_of_this_thread(), kernel_knows_slices() ? 100'000 : usual);
    EXPECT_EQ(::nice(0), nice);
    EXPECT_EQ(::sched_getscheduler(0), SCHED_OTHER);
  }).join();
  EXPECT_EQ(slice_of_this_thread(), usual);
}

TEST(short_slice, is_not_asked_for_where_somebody_has_chosen_another_policy) {
  std::thread([] {
    const sched_param none{};
    ASSERT_EQ(::sched_setscheduler(0, SCHED_BATCH, &none), 0);
    const auto before = slice_of_this_thread();
    tree::ask_for_short_slices();
    EXPECT_EQ(::sched_getscheduler(0), SCHED_BATCH);
    EXPECT_EQ(slice_of_this_thread(), before);
  }).join();
}

}  // namespace
}  // namespace hangup::test
