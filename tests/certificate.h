// A self-signed certificate of 127.0.0.1 and its key, in PEM files of its own, which are removed at
// the end. Each is another one.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

namespace hangup::test {

class certificate {
 public:
  enum class key_kind { ec, rsa };

  explicit certificate(key_kind kind = key_kind::ec) : serial(next_serial()), kind_(kind) {
    std::string name = "/tmp/hangup-tls-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error("mkdtemp");
    }
    directory_ = name;
    file = name + "/tls.crt";
    key_file = name + "/tls.key";
    renew();
  }
  ~certificate() { std::filesystem::remove_all(directory_); }
  certificate(const certificate&) = delete;
  certificate& operator=(const certificate&) = delete;

  // Another certificate and key in the same files.
  void renew() {
    serial = next_serial();
    const std::unique_ptr<EVP_PKEY, decltype(&::EVP_PKEY_free)> key(
        kind_ == key_kind::ec ? ::EVP_EC_gen("P-256") : ::EVP_RSA_gen(2048), &::EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&::X509_free)> made(::X509_new(), &::X509_free);
    X509* const x = made.get();
    ::X509_set_version(x, 2);
    ::ASN1_INTEGER_set(::X509_get_serialNumber(x), serial);
    constexpr long day = 24 * 60 * 60;
    ::X509_gmtime_adj(::X509_getm_notBefore(x), -day);
    ::X509_gmtime_adj(::X509_getm_notAfter(x), day);
    ::X509_set_pubkey(x, key.get());
    X509_NAME* const name = ::X509_get_subject_name(x);
    ::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                 reinterpret_cast<const unsigned char*>("hangup test"), -1, -1, 0);
    ::X509_set_issuer_name(x, name);
    add(x, NID_basic_constraints, "critical,CA:TRUE");
    add(x, NID_subject_alt_name, "IP:127.0.0.1");
    ::X509_sign(x, key.get(), ::EVP_sha256());
    write(file, [x](FILE* to) { return ::PEM_write_X509(to, x); });
    write(key_file, [&key](FILE* to) {
      return ::PEM_write_PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }

  // Writes the key once more, with a passphrase.
  void lock_key(const std::string& to, const std::string& passphrase) const {
    const std::unique_ptr<FILE, decltype(&std::fclose)> from(std::fopen(key_file.c_str(), "r"),
                                                             &std::fclose);
    const std::unique_ptr<EVP_PKEY, decltype(&::EVP_PKEY_free)> key(
        ::PEM_read_PrivateKey(from.get(), nullptr, nullptr, nullptr), &::EVP_PKEY_free);
    write(to, [&](FILE* f) {
      return ::PEM_write_PrivateKey(f, key.get(), ::EVP_aes_256_cbc(),
                                    reinterpret_cast<const unsigned char*>(passphrase.data()),
                                    static_cast<int>(passphrase.size()), nullptr, nullptr);
    });
  }

  std::string file;
  std::string key_file;
  long serial;

 private:
  static long next_serial() {
    static std::atomic<long> last{static_cast<long>(::getpid()) * 1000};
    return ++last;
  }
  static void add(X509* x, int what, const char* value) {
    X509_EXTENSION* const e = ::X509V3_EXT_conf_nid(nullptr, nullptr, what, value);
    ::X509_add_ext(x, e, -1);
    ::X509_EXTENSION_free(e);
  }
  template <class Write>
  static void write(const std::string& to, const Write& what) {
    const std::unique_ptr<FILE, decltype(&std::fclose)> f(std::fopen(to.c_str(), "w"),
                                                          &std::fclose);
    if (!f || what(f.get()) != 1) {
      throw std::runtime_error(to + ": cannot be written");
    }
  }

  const key_kind kind_;
  std::string directory_;
};

}  // namespace hangup::test
