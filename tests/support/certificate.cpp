#include "tests/support/certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <stdexcept>

namespace hangup::test {
namespace {

// Not the functions themselves: their types have attributes, which a template argument loses, and
// GCC 14 warns of that.
struct freed {
  void operator()(::EVP_PKEY* p) const noexcept { ::EVP_PKEY_free(p); }
  void operator()(::X509* p) const noexcept { ::X509_free(p); }
  void operator()(std::FILE* p) const noexcept { std::fclose(p); }
};
template <class T>
using owned = std::unique_ptr<T, freed>;

long next_serial() {
  static std::atomic<long> last{static_cast<long>(::getpid()) * 1000};
  return ++last;
}

void add(X509* x, int what, const char* value) {
  X509_EXTENSION* const e = ::X509V3_EXT_conf_nid(nullptr, nullptr, what, value);
  ::X509_add_ext(x, e, -1);
  ::X509_EXTENSION_free(e);
}

template <class Write>
void write(const std::string& to, const Write& what) {
  const owned<std::FILE> f(std::fopen(to.c_str(), "w"));
  if (!f || what(f.get()) != 1) {
    throw std::runtime_error(to + ": cannot be written");
  }
}

}  // namespace

certificate::certificate(key_kind kind)
    : kind_(kind), file(directory_ / "tls.crt"), key_file(directory_ / "tls.key") {
  renew();
}

void certificate::renew() {
  serial = next_serial();
  const owned<EVP_PKEY> key(kind_ == key_kind::ec ? ::EVP_EC_gen("P-256") : ::EVP_RSA_gen(2048));
  const owned<X509> made(::X509_new());
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

void certificate::lock_key(const std::string& to, const std::string& passphrase) const {
  const owned<std::FILE> from(std::fopen(key_file.c_str(), "r"));
  const owned<EVP_PKEY> key(::PEM_read_PrivateKey(from.get(), nullptr, nullptr, nullptr));
  write(to, [&](FILE* f) {
    return ::PEM_write_PrivateKey(f, key.get(), ::EVP_aes_256_cbc(),
                                  reinterpret_cast<const unsigned char*>(passphrase.data()),
                                  static_cast<int>(passphrase.size()), nullptr, nullptr);
  });
}

}  // namespace hangup::test
