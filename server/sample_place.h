// Where to make samples that are named by a relative path, such as build/sample.db, if the server
// is started in a directory where that path makes no sense.
#pragma once

#include <string>
#include <system_error>

#include "server/document.h"

namespace hangup::server {

// The user's folder for data of this program: $XDG_DATA_HOME/hangup, or ~/.local/share/hangup if
// that variable is not set or not an absolute path. Empty if $HOME is not set either. The folder
// need not exist.
std::string data_folder();

// A sample (databases.*.file, search.root) with a relative path stays in the working directory if
// its parent folder exists there. Otherwise it is placed in data_folder(), under the last component
// of its path, and the document is changed accordingly, with the source.
void place_samples(document& d);

// Makes data_folder() if it is the parent folder of this path; otherwise does nothing.
std::error_code make_data_folder(const std::string& around);

// Why a file or folder with this name could not be made, if so. Makes nothing. `with_parents`:
// missing parent folders would be made too.
std::error_code can_be_made(const std::string& path, bool with_parents);

}  // namespace hangup::server
