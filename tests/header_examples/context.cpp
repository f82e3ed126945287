// The examples of context/ and worker/, compiled: see cmake/header_examples.cmake.
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <string>
#include <vector>

#include "hangup/context/after_func.h"
#include "hangup/context/cause.h"
#include "hangup/context/channel.h"
#include "hangup/context/event.h"
#include "hangup/context/select.h"
#include "hangup/context/shield.h"
#include "hangup/context/signal.h"
#include "hangup/context/task.h"
#include "hangup/context/task_group.h"
#include "hangup/context/wait.h"
#include "hangup/context/with_task_group.h"
#include "hangup/worker/after_func_on.h"
#include "hangup/worker/loop.h"
#include "hangup/worker/pool.h"

namespace hangup::header_examples {

using namespace std::chrono_literals;

std::error_code fetch(const context& ctx, const std::string& part);
bool read(std::string& line);
void write(const std::string& line);
void ask(const context& ctx);

std::error_code of_task_group(const context& request, const std::vector<std::string>& wanted);
std::error_code of_task_group(const context& request, const std::vector<std::string>& wanted) {
#include "include/hangup/context/task_group.h.example"
  return {};
}

struct job {};
void begin(job j);

std::error_code of_select(const context& ctx, channel<job>& jobs, channel<job>& others,
                          channel<std::string>& results);
std::error_code of_select(const context& ctx, channel<job>& jobs, channel<job>& others,
                          channel<std::string>& results) {
  std::string next;
  bool over = false;
#include "include/hangup/context/select.h.example"
  return ec;
}

std::error_code of_signal();
std::error_code of_signal() {
#include "include/hangup/context/signal.h.example"
  stop();
  return ctx.err();
}

void write_audit(const context& ctx, const std::string& record);
std::error_code of_shield(const context& ctx, const std::string& record);
std::error_code of_shield(const context& ctx, const std::string& record) {
#include "include/hangup/context/shield.h.example"
}

void of_channel(const context& ctx);
void of_channel(const context& ctx) {
  std::string line;
#include "include/hangup/context/channel.h.example"
}

void of_after_func(const context& ctx, int fd);
void of_after_func(const context& ctx, int fd){
#include "include/hangup/context/after_func.h.example"
}

std::error_code of_pool(const context& request);
std::error_code of_pool(const context& request) {
#include "include/hangup/worker/pool.h.example"
  return ec;
}

struct engine {
  void tell_to_cancel(int query);
};
void of_after_func_on(const context& ctx, pool& queries, engine& server, int query);
void of_after_func_on(const context& ctx, pool& queries, engine& server, int query) {
#include "include/hangup/worker/after_func_on.h.example"
}

#include "include/hangup/context/cause.h.inner.example"

struct table {};
task<int> ask(context ctx, table& db);
task<int> of_time(context ctx, table& db);
task<int> of_time(context ctx, table& db) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"  // each context is called ctx
#include "include/hangup/context/task.h.inner.example"
#pragma GCC diagnostic pop
  co_return row;
}

std::string of_value(const context& parent);
std::string of_value(const context& parent) {
#include "include/hangup/context/context.h.inner.example"
  return *with_value<trace_id>(parent, "4bf92f35").value<trace_id>();
}

task<std::error_code> of_wait(context ctx, int fd);
task<std::error_code> of_wait(context ctx, int fd) {
#include "include/hangup/context/wait.h.example"
  co_return ec;
}

task<std::error_code> of_event(context ctx, event& loaded);
task<std::error_code> of_event(context ctx, event& loaded) {
#include "include/hangup/context/event.h.example"
  co_return ec;
}

std::string read_all(int fd);
void print(const std::string& text);
task<std::string> fetch(context ctx, int fd);
task<> show(context ctx, int fd);
#include "include/hangup/context/task.h.example"

task<> serve(context ctx);
task<int> count();
task<int> of_loop(context request, pool& queries);
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wsubobject-linkage"  // GCC 12: the lambdas are in an included file
#endif
task<int> of_loop(context request, pool& queries) {
#include "include/hangup/worker/loop.h.example"
  co_return ec ? 0 : n;
}

namespace of_tasks {

task<std::error_code> fetch(context ctx, const std::string& part);
task<std::error_code> of_group(context request, const std::vector<std::string>& wanted);
task<std::error_code> of_group(context request, const std::vector<std::string>& wanted) {
#include "include/hangup/context/with_task_group.h.example"
  co_return ec;
}

}  // namespace of_tasks
}  // namespace hangup::header_examples
