// Checks what a configuration names, before the server starts: files, folders, samples, and the
// address to listen on.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/flags.h"
#include "server/mistakes.h"

namespace hangup::server {

// Everything for which the start would fail: the certificate, search.root, the certificates of
// upstreams, the samples, and a FIFO in place of a file that libpq reads. Makes and changes
// nothing.
mistakes check_files(const launch& with);

// The samples that are there and of no use: damaged, empty, or not readable. The start logs these
// and the server is not ready. Takes up to a second.
mistakes check_samples(const launch& with);

// What is wrong with the sample texts, and what to do about it; empty if they are whole, or if
// search.root is no sample.
std::optional<std::string> damaged_corpus(const config::search_t& c);

// Whether this process can serve: it can listen on the addresses of listen, and the limit of open
// files is not too low (descriptors.h). An address that is in use is no mistake, because the server
// that is to be replaced may be using it. `sockets`: those that it was started with to listen on,
// in place of the addresses. Uses the resolver, which may take long.
mistakes check_process(const launch& with, const std::vector<int>& sockets = {});

}  // namespace hangup::server
