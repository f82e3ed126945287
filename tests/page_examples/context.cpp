// The blocks of pages that need no server, compiled: see cmake/page_examples.cmake.
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "hangup/context/after_func.h"
#include "hangup/context/bridge.h"
#include "hangup/context/channel.h"
#include "hangup/context/event.h"
#include "hangup/context/select.h"
#include "hangup/context/shield.h"
#include "hangup/context/signal.h"
#include "hangup/context/task.h"
#include "hangup/context/task_group.h"
#include "hangup/context/wait.h"
#include "hangup/worker/loop.h"
#include "hangup/worker/pool.h"

namespace page_examples {

using namespace hangup;
using namespace std::chrono_literals;

namespace contexts {

struct trace_id {
  using type = std::string;
};
void of_ways_to_end(const context& parent, const context& other, context::clock::time_point when,
                    const std::stop_token& token) {
#include "docs/contexts.md/ways_to_end.body"
}

void log(std::string_view kind, const std::string& text, context::clock::time_point at);
void of_cause(const context& ctx) {
#include "docs/contexts.md/cause.body"
}

struct job {};
void begin(job j);
void sent();
void of_waits(const context& ctx, int fd, std::condition_variable_any& cv,
              std::unique_lock<std::mutex>& lock, bool ready, channel<std::string>& lines,
              channel<job>& jobs, channel<std::string>& results, event& loaded) {
  std::error_code ec;
  std::string line;
  std::string next;
#include "docs/contexts.md/waits.body"
}

double price(int row);
std::error_code of_loop(const context& ctx, const std::vector<int>& rows, double& total) {
#include "docs/contexts.md/loop.body"
  return {};
}

void of_after_func(const context& ctx, int fd){
#include "docs/contexts.md/after_func.body"
}

std::error_code fetch(const context& ctx, const std::string& part);
std::error_code of_group(const context& ctx, const std::vector<std::string>& wanted) {
#include "docs/contexts.md/group.body"
  return {};
}

namespace of_tasks {
std::string read_all(int fd);
void store(const context& ctx, const std::string& text);
void log(const std::error_code& ec);
#include "docs/contexts.md/tasks.functions"
void statements(const context& ctx, int fd, pool& queries) {
  std::error_code ec;
#include "docs/contexts.md/tasks.body"
}
}  // namespace of_tasks

void write_audit(const context& ctx, const std::string& record);
std::error_code of_shield(const context& ctx, const std::string& record) {
#include "docs/contexts.md/shield.body"
}

}  // namespace contexts

namespace tasks_page {

task<std::string> fetch(context ctx, int fd);
void store(const context& ctx, const std::string& text);
task<> of_a_pool(context ctx, pool& queries, std::string text){
#include "docs/tasks.md/on_a_pool.body"
} task<> of_a_time(context ctx, int fd){
#include "docs/tasks.md/with_a_time.body"
} task<> of_event(context ctx, event& loaded) {
#include "docs/tasks.md/event.body"
  co_return;
}

}  // namespace tasks_page

namespace examples {

namespace of_cancel {
void work(const context& ctx);
int main();
#include "examples/README.md/cancel.functions"
}  // namespace of_cancel

std::error_code fetch(const context& ctx, int part);
void of_group() {
#include "examples/README.md/group.body"
}

}  // namespace examples
}  // namespace page_examples

#include "CONTRIBUTING.md/contract.functions"
