// What a configuration names outside of itself, looked at before the server starts: certificates,
// folders, samples that cannot be made.
#pragma once

#include "server/flags.h"
#include "server/mistakes.h"

namespace hangup::server {

// All that the start would refuse: the certificate, search.root, the certificates of upstreams, the
// samples, and a FIFO where libpq would read a file. Makes and changes nothing.
mistakes check_files(const launch& with);

// The mistake that no socket can listen on listen.host. Its port is not looked at: what has it now
// may be the server that is to be replaced. Asks the resolver, which may take its time.
mistakes check_host(const launch& with);

}  // namespace hangup::server
