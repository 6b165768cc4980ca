/*
 * The text header of an age file (C2SP age.md, "Header") as its parser sees it: shared by the age_*.c files only.
 */
#ifndef PARLEY_FORMATS_AGE_HEADER_H
#define PARLEY_FORMATS_AGE_HEADER_H

#include "formats/age.h"

#define AGE_FILE_KEY_SIZE 16
#define AGE_BODY_SIZE (AGE_FILE_KEY_SIZE + AEAD_TAG_SIZE) /* a wrapped file key */
#define AGE_NONCE_SIZE 16

/* One recipient stanza. Only the first three arguments and the last body line are kept; argc and body_n count all. */
struct age_stanza {
  struct bytes args[3];
  size_t argc;
  uint8_t body[48];
  size_t body_n;
};

/* A header whose every line is well-formed. The views point into the input. */
struct age_header {
  struct bytes stanzas; /* all stanzas as text, for age_stanza_next */
  size_t count;
  struct bytes mac_input; /* from the start up to and including "---" */
  uint8_t mac[32];
  size_t size;
};

/* Errors as in age_open_header: EINVAL, ELIMIT, EBUSY. */
parley_err age_header_parse(struct age_header *h, struct bytes in, struct errmsg *e);

/* Takes the stanza at the front of *rest. EBUSY when *rest ends before it does. */
parley_err age_stanza_next(struct age_stanza *s, struct bytes *rest, struct errmsg *e);

/* Appends "-> type arg [arg]\n" and the body. Empty arguments are left out. */
void age_stanza_write(struct buf *out, struct bytes type, struct bytes arg1, struct bytes arg2,
                      const uint8_t body[static AGE_BODY_SIZE]);

/* The MAC of a header; false only when out of memory. */
bool age_header_mac(uint8_t mac[static 32], const uint8_t file_key[static AGE_FILE_KEY_SIZE], struct bytes mac_input);
bool age_payload_key(uint8_t key[static 32], const uint8_t file_key[static AGE_FILE_KEY_SIZE],
                     const uint8_t nonce[static AGE_NONCE_SIZE]);

/* Wraps and unwraps a file key for one recipient; the key that wraps it comes from the functions below. */
bool age_wrap(uint8_t body[static AGE_BODY_SIZE], const uint8_t wrap_key[static 32],
              const uint8_t file_key[static AGE_FILE_KEY_SIZE]);
bool age_unwrap(uint8_t file_key[static AGE_FILE_KEY_SIZE], const uint8_t wrap_key[static 32],
                const uint8_t body[static AGE_BODY_SIZE]);
/* From the shared secret of X25519; false only when out of memory. */
bool age_x25519_wrap_key(uint8_t key[static 32], const uint8_t shared[static X25519_SIZE],
                         const uint8_t share[static X25519_SIZE], const uint8_t recipient[static X25519_SIZE]);
parley_err age_scrypt_wrap_key(uint8_t key[static 32], struct bytes pass, const uint8_t salt[static 16], unsigned log_n,
                               struct errmsg *e);

#endif
