// The health check of a container without curl: `hangup --probe URL`. A server that listens on a
// Unix socket is asked as unix:/run/hangup.sock:/readyz, or @name in place of the path; without a
// path of the URL it is asked for /readyz.
#pragma once

#include <string>

namespace hangup::server {

// Requests this URL once with GET, for at most three seconds in all, without redirects and proxies.
// Returns an empty text for a 2xx answer, otherwise what was found, in one line. The certificate of
// an https URL is not checked: the caller is on the same machine, and uses an address that is not
// in any certificate. Throws config_error if the URL is not http, https or unix, or contains a user
// name.
std::string probe(const std::string& text);

}  // namespace hangup::server
