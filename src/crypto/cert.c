#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "crypto/internal.h"

#define NAME_MAX_BYTES 64 /* ub-common-name, RFC 5280 appendix A */
#define DAYS_MAX 36500
#define DAY 86400
#define CERT_MAX 65536

/* 127 random bits, never zero: positive and within the 20 octets of RFC 5280 section 4.1.2.2. */
static bool set_serial(X509 *cert) {
  uint8_t random[16];
  if (!random_bytes(random, sizeof random)) return false;
  random[0] = (random[0] & 0x7f) | 0x40;
  BIGNUM *number = BN_bin2bn(random, sizeof random, NULL);
  bool ok = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
  BN_free(number);
  return ok;
}

static bool add_extension(X509 *cert, int nid, const char *value) {
  X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
  bool ok = x != NULL && X509_add_ext(cert, x, -1) == 1;
  X509_EXTENSION_free(x);
  return ok;
}

static bool fill_cert(X509 *cert, EVP_PKEY *key, const char *name, int64_t not_before, int days) {
  X509_NAME *subject = X509_NAME_new();
  bool ok = subject != NULL &&
            X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const uint8_t *)name, -1, -1, 0) == 1 &&
            X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
            X509_set_subject_name(cert, subject) == 1 && X509_set_issuer_name(cert, subject) == 1 &&
            ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)not_before) != NULL &&
            ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)(not_before + (int64_t)days * DAY)) != NULL &&
            X509_set_pubkey(cert, key) == 1 && add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
            add_extension(cert, NID_key_usage, "critical,digitalSignature") &&
            add_extension(cert, NID_ext_key_usage, "serverAuth,clientAuth") && X509_sign(cert, key, EVP_sha256()) > 0;
  X509_NAME_free(subject);
  return ok;
}

/* Moves what was written to bio into out. */
static bool take_bio(struct buf *out, BIO *bio) {
  char *p = NULL;
  long n = BIO_get_mem_data(bio, &p);
  if (n <= 0) return false;
  buf_add(out, p, (size_t)n);
  return buf_ok(out);
}

static bool write_key(struct buf *out, EVP_PKEY *key) {
  BIO *bio = BIO_new(BIO_s_mem());
  bool ok =
      bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1 && take_bio(out, bio);
  BIO_free(bio); /* memory buffers are wiped */
  return ok;
}

static bool write_cert(struct buf *out, X509 *cert) {
  BIO *bio = BIO_new(BIO_s_mem());
  bool ok = bio != NULL && PEM_write_bio_X509(bio, cert) == 1 && take_bio(out, bio);
  BIO_free(bio);
  return ok;
}

static bool cert_pin(char pin[static LINK_PIN_SIZE], X509 *cert) {
  uint8_t *der = NULL, digest[SHA256_SIZE];
  int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
  if (n <= 0) return false;
  sha256(digest, BYTES(der, (size_t)n));
  OPENSSL_free(der);
  struct buf text = {0};
  buf_str(&text, "sha256//");
  base64_encode(&text, BYTES(digest, sizeof digest), true);
  const char *s = buf_cstr(&text);
  bool ok = s != NULL && text.n == LINK_PIN_SIZE - 1;
  if (ok) memcpy(pin, s, LINK_PIN_SIZE);
  buf_free(&text);
  return ok;
}

parley_err link_cert_make(struct buf *key_pem, struct buf *cert_pem, char pin[static LINK_PIN_SIZE], const char *name,
                          int64_t not_before, int days, struct errmsg *e) {
  size_t n = strlen(name);
  if (n == 0 || n > NAME_MAX_BYTES || !utf8_valid(BYTES(name, n)))
    return err_set(e, PARLEY_EINVAL, "certificate name: must be 1 to %d bytes of UTF-8", NAME_MAX_BYTES);
  if (days < 1 || days > DAYS_MAX || not_before < 0 || not_before > INT64_C(250000000000))
    return err_set(e, PARLEY_EINVAL, "certificate life: must be 1 to %d days within the years 1970 to 9999", DAYS_MAX);
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *cert = X509_new();
  bool ok = key != NULL && cert != NULL && fill_cert(cert, key, name, not_before, days) && write_key(key_pem, key) &&
            write_cert(cert_pem, cert) && cert_pin(pin, cert);
  X509_free(cert);
  EVP_PKEY_free(key);
  ERR_clear_error();
  return ok ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory or randomness while making a certificate");
}

parley_err link_cert_pin(char pin[static LINK_PIN_SIZE], struct bytes cert_pem, struct errmsg *e) {
  if (cert_pem.n > CERT_MAX)
    return err_set(e, PARLEY_ELIMIT, "the certificate has %zu bytes, more than %d", cert_pem.n, CERT_MAX);
  BIO *bio = BIO_new_mem_buf(cert_pem.n > 0 ? (const void *)cert_pem.p : "", (int)cert_pem.n);
  if (bio == NULL) return err_set(e, PARLEY_ENOMEM, "out of memory while reading a certificate");
  X509 *cert = PEM_read_bio_X509(bio, NULL, crypto_no_passphrase, NULL);
  BIO_free(bio);
  ERR_clear_error();
  if (cert == NULL) return err_set(e, PARLEY_EINVAL, "not a certificate in PEM form (-----BEGIN CERTIFICATE-----)");
  bool ok = cert_pin(pin, cert);
  X509_free(cert);
  return ok ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory while reading a certificate");
}
