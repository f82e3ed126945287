// Checks the files that a configuration names, before the server starts: certificates, folders, and
// samples that cannot be made.
#pragma once

#include "server/flags.h"
#include "server/mistakes.h"

namespace hangup::server {

// Everything for which the start would fail: the certificate, search.root, the certificates of
// upstreams, the samples, and a FIFO in place of a file that libpq reads. Makes and changes
// nothing.
mistakes check_files(const launch& with);

// The mistake that no socket can listen on listen.host. The port is not checked, because the server
// that is to be replaced may be using it. Uses the resolver, which may take long.
mistakes check_host(const launch& with);

}  // namespace hangup::server
