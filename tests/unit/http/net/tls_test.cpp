// What a certificate and a key are refused for.
#include "http/net/tls_session.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/support/certificate.h"

namespace hangup::http {
namespace {

// What the refusal says; empty if there is none.
std::string refusal_of(const std::string& certificate_file, const std::string& key_file) {
  try {
    const tls_identity made(certificate_file, key_file);
    return {};
  } catch (const tls_error& e) {
    return e.what();
  }
}

TEST(tls_identity, is_a_certificate_and_its_key) {
  const test::certificate own;
  EXPECT_EQ(refusal_of(own.file, own.key_file), "");
}

TEST(tls_identity, is_refused_in_one_line_that_names_the_file) {
  const test::certificate own;
  const test::certificate other;
  const auto bad = own.file + ".bad";
  const auto fifo = own.file + ".fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const auto empty = own.file + ".empty";
  std::ofstream(bad) << "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n";
  std::ofstream(empty).flush();
  const auto locked = own.key_file + ".locked";
  own.lock_key(locked, "a passphrase, for which nobody must be asked");
  struct {
    const char* what;
    std::string certificate;
    std::string key;
    std::string named;
  } const cases[] = {
      {"no certificate file", "/nowhere/tls.crt", own.key_file, "/nowhere/tls.crt: "},
      {"no key file", own.file, "/nowhere/tls.key", "/nowhere/tls.key: "},
      {"nonsense for a certificate", bad, own.key_file, bad + ": "},
      {"nothing for a certificate", empty, own.key_file, empty + ": "},
      {"nothing for a key", own.file, empty, empty + ": "},
      {"a key for a certificate", own.key_file, own.key_file, own.key_file + ": "},
      {"a certificate for a key", own.file, own.file, own.file + ": "},
      {"the key of another certificate", own.file, other.key_file, other.key_file + ": "},
      {"a key with a passphrase", own.file, locked, locked + ": "},
      {"a directory", "/tmp", own.key_file, "/tmp: "},
      {"a FIFO, which nobody may wait for", fifo, own.key_file, fifo + ": "},
      {"a FIFO for a key", own.file, fifo, fifo + ": "},
  };
  for (const auto& c : cases) {
    const auto said = refusal_of(c.certificate, c.key);
    EXPECT_EQ(said.rfind(c.named, 0), 0U) << c.what << ": " << said;
    EXPECT_GT(said.size(), c.named.size() + 5) << c.what;
    EXPECT_EQ(said.find('\n'), std::string::npos) << c.what << ": " << said;
  }
  EXPECT_EQ(refusal_of(own.file, own.key_file), "") << "a refusal leaves nothing behind";
}

TEST(tls_identity, is_refused_in_one_line_and_not_with_all_of_a_key_in_place_of_its_path) {
  const test::certificate own;
  const auto key = "Bag Attributes\n" + std::string(200, 'x') + "s3cret\n";
  for (const auto& said : {refusal_of(own.file, key), refusal_of(key, own.key_file)}) {
    EXPECT_EQ(said.rfind("Bag Attributes?xxx", 0), 0U) << said;
    EXPECT_EQ(said.find('\n'), std::string::npos) << said;
    EXPECT_EQ(said.find("s3cret"), std::string::npos) << said;
  }
}

}  // namespace
}  // namespace hangup::http
