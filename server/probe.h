// The health check of a container that has no curl: `hangup --probe URL`.
#pragma once

#include <string>

namespace hangup::server {

// GETs the URL once, for three seconds at most all in all, following nothing and by no proxy. Empty
// if the answer is a 2xx, else what was found, in one line. Over https the certificate is not
// checked: who asks is the server's own machine, and asks by an address that stands in no
// certificate. Throws config_error for what is no URL of http or https, and for one with a user.
std::string probe(const std::string& url);

}  // namespace hangup::server
