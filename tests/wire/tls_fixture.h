// A server of TLS, and clients that have shaken hands.
#pragma once

#include <memory>

#include "tests/support/certificate.h"
#include "tests/support/tls_client.h"
#include "tests/wire/fixture.h"

namespace hangup::wire {

inline std::shared_ptr<const http::tls_identity> identity_of(const test::certificate& own) {
  return std::make_shared<const http::tls_identity>(own.file, own.key_file);
}

// One for all tests: to make keys takes time.
inline const test::certificate& shared_certificate() {
  static const test::certificate one;
  return one;
}

inline setup over_tls(setup how = {}) {
  how.identity = identity_of(shared_certificate());
  return how;
}

inline tls_client shaken(const live_server& s, const tls_offer& offer = {},
                         int receive_buffer = 0) {
  tls_client c(s.server.port(), offer, receive_buffer);
  EXPECT_TRUE(c.shake_hands());
  return c;
}

// One that has had an answer, so that nothing lies unread in its socket (TLS 1.3 sends tickets
// behind the handshake): its close() is a FIN and not a RST.
inline tls_client settled(const live_server& s) {
  auto c = shaken(s);
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
  return c;
}

}  // namespace hangup::wire
