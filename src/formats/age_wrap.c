#include <string.h>

#include "formats/age_header.h"

#define X25519_INFO "age-encryption.org/v1/X25519"
#define SCRYPT_LABEL "age-encryption.org/v1/scrypt"

static const uint8_t zero_nonce[12];

bool age_header_mac(uint8_t mac[static 32], const uint8_t file_key[static AGE_FILE_KEY_SIZE], struct bytes mac_input) {
  uint8_t key[32];
  bool ok = hkdf_sha256(key, sizeof key, BYTES(file_key, AGE_FILE_KEY_SIZE), BYTES_NONE, bytes_str("header"));
  if (ok) hmac_sha256(mac, BYTES(key, sizeof key), mac_input);
  wipe(key, sizeof key);
  return ok;
}

bool age_payload_key(uint8_t key[static 32], const uint8_t file_key[static AGE_FILE_KEY_SIZE],
                     const uint8_t nonce[static AGE_NONCE_SIZE]) {
  return hkdf_sha256(key, 32, BYTES(file_key, AGE_FILE_KEY_SIZE), BYTES(nonce, AGE_NONCE_SIZE), bytes_str("payload"));
}

bool age_wrap(uint8_t body[static AGE_BODY_SIZE], const uint8_t wrap_key[static 32],
              const uint8_t file_key[static AGE_FILE_KEY_SIZE]) {
  return aead_seal(body, wrap_key, zero_nonce, BYTES(file_key, AGE_FILE_KEY_SIZE));
}

bool age_unwrap(uint8_t file_key[static AGE_FILE_KEY_SIZE], const uint8_t wrap_key[static 32],
                const uint8_t body[static AGE_BODY_SIZE]) {
  return aead_open(file_key, wrap_key, zero_nonce, BYTES(body, AGE_BODY_SIZE));
}

bool age_x25519_wrap_key(uint8_t key[static 32], const uint8_t shared[static X25519_SIZE],
                         const uint8_t share[static X25519_SIZE], const uint8_t recipient[static X25519_SIZE]) {
  uint8_t salt[2 * X25519_SIZE];
  memcpy(salt, share, X25519_SIZE);
  memcpy(salt + X25519_SIZE, recipient, X25519_SIZE);
  return hkdf_sha256(key, 32, BYTES(shared, X25519_SIZE), BYTES(salt, sizeof salt), bytes_str(X25519_INFO));
}

parley_err age_scrypt_wrap_key(uint8_t key[static 32], struct bytes pass, const uint8_t salt[static 16], unsigned log_n,
                               struct errmsg *e) {
  uint8_t labelled[sizeof SCRYPT_LABEL - 1 + 16];
  memcpy(labelled, SCRYPT_LABEL, sizeof SCRYPT_LABEL - 1);
  memcpy(labelled + sizeof SCRYPT_LABEL - 1, salt, 16);
  return scrypt_derive(key, 32, pass, BYTES(labelled, sizeof labelled), log_n, e);
}
