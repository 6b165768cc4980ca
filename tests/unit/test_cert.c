#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "crypto/crypto.h"

static const int64_t start = 1620381600; /* 2021-05-07T10:00:00Z */

static X509 *read_cert(struct bytes pem) {
  BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
  X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
  BIO_free(bio);
  assert_non_null(cert);
  return cert;
}

static void test_make(void **state) {
  (void)state;
  struct buf key = {0}, cert = {0};
  char pin[LINK_PIN_SIZE], again[LINK_PIN_SIZE], name[100] = "";
  assert_int_equal(link_cert_make(&key, &cert, pin, "b.example", start, 30, NULL), PARLEY_OK);
  assert_int_equal(strlen(pin), 52);
  assert_memory_equal(pin, "sha256//", 8);
  assert_int_equal(link_cert_pin(again, buf_view(&cert), NULL), PARLEY_OK);
  assert_string_equal(again, pin);

  X509 *x = read_cert(buf_view(&cert));
  BIO *bio = BIO_new_mem_buf(key.p, (int)key.n);
  EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
  assert_non_null(pkey);
  assert_int_equal(X509_check_private_key(x, pkey), 1);
  assert_int_equal(X509_verify(x, pkey), 1);
  assert_true(X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, name, sizeof name) > 0);
  assert_string_equal(name, "b.example");
  assert_int_equal(X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)), 0);
  assert_int_equal(X509_check_ca(x), 0);
  assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notBefore(x), (time_t)start), 0);
  assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notAfter(x), (time_t)(start + 30 * 86400)), 0);
  EVP_PKEY_free(pkey);
  BIO_free(bio);
  X509_free(x);
  buf_free(&key);
  buf_free(&cert);
}

static void test_two_differ(void **state) {
  (void)state;
  struct buf key = {0}, one = {0}, other = {0};
  char pin[2][LINK_PIN_SIZE];
  assert_int_equal(link_cert_make(&key, &one, pin[0], "a", start, 1, NULL), PARLEY_OK);
  assert_int_equal(link_cert_make(&key, &other, pin[1], "a", start, 1, NULL), PARLEY_OK);
  assert_string_not_equal(pin[0], pin[1]);
  X509 *x = read_cert(buf_view(&one)), *y = read_cert(buf_view(&other));
  assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(x), X509_get0_serialNumber(y)), 0);
  X509_free(x);
  X509_free(y);
  buf_free(&key);
  buf_free(&one);
  buf_free(&other);
}

static void test_make_refused(void **state) {
  (void)state;
  struct buf key = {0}, cert = {0};
  char pin[LINK_PIN_SIZE];
  char name[66];
  memset(name, 'n', sizeof name);
  name[65] = '\0';
  assert_int_equal(link_cert_make(&key, &cert, pin, name, start, 1, NULL), PARLEY_EINVAL);
  assert_int_equal(link_cert_make(&key, &cert, pin, "", start, 1, NULL), PARLEY_EINVAL);
  assert_int_equal(link_cert_make(&key, &cert, pin, "\xff", start, 1, NULL), PARLEY_EINVAL);
  assert_int_equal(link_cert_make(&key, &cert, pin, "a", start, 0, NULL), PARLEY_EINVAL);
  assert_int_equal(link_cert_make(&key, &cert, pin, "a", start, 36501, NULL), PARLEY_EINVAL);
  assert_int_equal(link_cert_make(&key, &cert, pin, "a", -1, 1, NULL), PARLEY_EINVAL);
  assert_int_equal(link_cert_make(&key, &cert, pin, "a", INT64_MAX, 1, NULL), PARLEY_EINVAL);
  assert_int_equal(key.n + cert.n, 0);
  name[64] = '\0';
  assert_int_equal(link_cert_make(&key, &cert, pin, name, start, 36500, NULL), PARLEY_OK);
  buf_free(&key);
  buf_free(&cert);
}

static void test_pin_refused(void **state) {
  (void)state;
  char pin[LINK_PIN_SIZE];
  struct errmsg e = {""};
  static uint8_t big[65537];
  assert_int_equal(link_cert_pin(pin, BYTES_NONE, &e), PARLEY_EINVAL);
  assert_int_equal(link_cert_pin(pin, bytes_str("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), &e),
                   PARLEY_EINVAL);
  assert_int_equal(link_cert_pin(pin, BYTES(big, sizeof big), &e), PARLEY_ELIMIT);
  /* Must not ask the terminal. */
  assert_int_equal(link_cert_pin(pin,
                                 bytes_str("-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n"
                                           "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAA\n"
                                           "-----END CERTIFICATE-----\n"),
                                 &e),
                   PARLEY_EINVAL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_make),
      cmocka_unit_test(test_two_differ),
      cmocka_unit_test(test_make_refused),
      cmocka_unit_test(test_pin_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
