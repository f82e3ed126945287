// Where to make samples that are named by a relative path, such as build/sample.db, if they cannot
// be made there.
#pragma once

#include <filesystem>
#include <string>
#include <system_error>

#include "server/config_document.h"
#include "server/mistakes.h"

namespace hangup::server {

// The user's folder for data of this program: $XDG_DATA_HOME/hangup, or ~/.local/share/hangup if
// that variable is not set or not an absolute path. Empty if $HOME is not set either. The folder
// need not exist.
std::string data_folder();

// Chooses the place of each sample (databases.*.file, search.root) that has a relative path. It is
// the first of these where the sample exists or can be made:
//   1. the path itself; its parent folder must exist
//   2. data_folder(), under the last component of the path; missing folders are made later
//   3. the working directory, under the last component
// If there is none, the path is left as it is. Changes the document accordingly, and adds the
// reason to the source of the value. Two samples that would get the same place are a mistake. Makes
// nothing.
void place_samples(config_document& d, mistakes& wrong);

// The reason why a sample cannot be made at this path, after place_samples(). For a relative path
// it says that there is no other place either.
std::string why_not_made(const std::string& path, std::error_code ec);

// Makes data_folder() if it is the parent folder of this path; otherwise does nothing.
std::error_code make_data_folder(const std::string& around);

// The path of a folder without the slash at its end.
std::filesystem::path without_slash(const std::string& path);

// Why a file or folder with this name could not be made, if so. Makes nothing. `with_parents`:
// missing parent folders would be made too.
std::error_code can_be_made(const std::string& path, bool with_parents);

}  // namespace hangup::server
