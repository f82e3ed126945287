// How far something is that takes a while at the start.
#pragma once

#include <string>

namespace hangup::server {

// On standard error, of something that is called `what` ("the sample database build/sample.db"):
// drawn over itself on a terminal; elsewhere a line each 25 percent. Waits for nobody who does not
// read it.
void show_progress(const std::string& what, unsigned percent);

}  // namespace hangup::server
