// Where samples are made that are named by a relative path, such as build/sample.db, if the server
// is not started where that makes sense.
#pragma once

#include <string>
#include <system_error>

#include "server/document.h"

namespace hangup::server {

// The user's folder for data of this program: $XDG_DATA_HOME/hangup, or ~/.local/share/hangup where
// that variable is not set or is no absolute path. Empty: there is no $HOME either. It need not be
// there.
std::string data_folder();

// A sample (databases.*.file, search.root) with a relative path is in the working directory if the
// folder around it is there; otherwise it is in data_folder(), under the last name of its path. The
// document says so afterwards, and by whom.
void place_samples(document& d);

// Makes data_folder() if that is the folder around this path; else nothing.
std::error_code make_data_folder(const std::string& around);

// What would keep a file or a folder of this name from being made? Makes nothing. `with_parents`:
// the folders around it would be made as well.
std::error_code can_be_made(const std::string& path, bool with_parents);

}  // namespace hangup::server
