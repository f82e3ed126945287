// A self-signed certificate of 127.0.0.1 and its key, in PEM files of its own, which are removed at
// the end. Each is another one.
#pragma once

#include <string>

#include "tests/support/temporary_directory.h"

namespace hangup::test {

class certificate {
 public:
  enum class key_kind { ec, rsa };

  explicit certificate(key_kind kind = key_kind::ec);

  // Another certificate and key in the same files.
  void renew();
  // Writes the key once more, with a passphrase.
  void lock_key(const std::string& to, const std::string& passphrase) const;

 private:
  const key_kind kind_;
  const temporary_directory directory_;

 public:
  const std::string file;
  const std::string key_file;
  long serial = 0;
};

}  // namespace hangup::test
