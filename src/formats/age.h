/*
 * age v1 (C2SP age.md): X25519 and scrypt recipients, STREAM payload, binary format. All randomness comes in as an
 * argument, so that a file can be rebuilt byte for byte from its seed (docs/protocol.md, "Sealing").
 * Bounds: header at most 64 KiB, at most 256 stanzas; scrypt work factor at most 20 when reading.
 */
#ifndef PARLEY_FORMATS_AGE_H
#define PARLEY_FORMATS_AGE_H

#include "base/arena.h"
#include "base/err.h"
#include "crypto/crypto.h"

#define AGE_CHUNK 65536
#define AGE_HEADER_MAX 65536
#define AGE_RECIPIENTS_MAX 256

struct age_identity {
  uint8_t secret[X25519_SIZE], pub[X25519_SIZE];
};

/* "age1…" and "AGE-SECRET-KEY-1…". */
parley_err age_recipient_parse(uint8_t pub[static X25519_SIZE], struct bytes text, struct errmsg *e);
void age_recipient_write(struct buf *out, const uint8_t pub[static X25519_SIZE]);
parley_err age_identity_parse(struct age_identity *out, struct bytes text, struct errmsg *e);
void age_identity_write(struct buf *out, const struct age_identity *id);
bool age_identity_from_secret(struct age_identity *out, const uint8_t secret[static X25519_SIZE]);

/* Everything random in an age file with n X25519 recipients. `ephemeral` has n * 32 bytes. */
struct age_random {
  uint8_t file_key[16];
  uint8_t nonce[16];
  const uint8_t *ephemeral;
};

/* Writes header and 16-byte nonce; *payload_key gets the key for the STREAM below. Recipients in the given order. */
parley_err age_header(struct buf *out, uint8_t payload_key[static 32], const uint8_t (*recipients)[X25519_SIZE],
                      size_t n, const struct age_random *r, struct errmsg *e);
/*
 * The stanza of one X25519 recipient alone, as age_header writes it for recipient number i at age_stanza_at(i) of the
 * file: age_stanza_at(i + 1) - age_stanza_at(i) bytes. So it can be told to which key a file of known randomness is.
 */
parley_err age_stanza(struct buf *out, const uint8_t recipient[static X25519_SIZE],
                      const uint8_t ephemeral[static X25519_SIZE], const uint8_t file_key[static 16], struct errmsg *e);
size_t age_stanza_at(size_t i);
/* Passphrase header: salt of 16 bytes, file key and nonce from r (ephemeral unused). */
parley_err age_header_scrypt(struct buf *out, uint8_t payload_key[static 32], struct bytes pass,
                             const uint8_t salt[static 16], unsigned log_n, const struct age_random *r,
                             struct errmsg *e);
/* Exact length of a header for n X25519 recipients plus nonce, and of a whole file with that header. */
size_t age_header_size(size_t n_recipients);
uint64_t age_file_size(size_t n_recipients, uint64_t plain);

/*
 * Encrypts chunk number i (in.n <= AGE_CHUNK; shorter only when final; empty only when i == 0 and final). Appends
 * in.n + 16 bytes; opening appends in.n - 16.
 */
parley_err age_chunk_seal(struct buf *out, const uint8_t payload_key[static 32], uint64_t i, bool final,
                          struct bytes in, struct errmsg *e);
parley_err age_chunk_open(struct buf *out, const uint8_t payload_key[static 32], uint64_t i, bool final,
                          struct bytes in, struct errmsg *e);

/*
 * Reads a header (with the nonce) from the front of `in`. OK: *used bytes consumed and the payload key for this id.
 * EINVAL malformed, ELIMIT, EVERIFY header MAC or chunk wrong, ENOTFOUND no stanza for this identity or passphrase,
 * EBUSY when `in` ends before the header does (feed more).
 */
parley_err age_open_header(size_t *used, uint8_t payload_key[static 32], struct bytes in, const struct age_identity *id,
                           struct errmsg *e);
parley_err age_open_header_scrypt(size_t *used, uint8_t payload_key[static 32], struct bytes in, struct bytes pass,
                                  struct errmsg *e);

/* Whole small files in memory: seal to recipients, open with an identity or a passphrase. */
parley_err age_seal(struct buf *out, const uint8_t (*recipients)[X25519_SIZE], size_t n, const struct age_random *r,
                    struct bytes plain, struct errmsg *e);
parley_err age_open(struct buf *out, struct bytes file, const struct age_identity *id, struct errmsg *e);
parley_err age_seal_scrypt(struct buf *out, struct bytes pass, const uint8_t salt[static 16], unsigned log_n,
                           const struct age_random *r, struct bytes plain, struct errmsg *e);
parley_err age_open_scrypt(struct buf *out, struct bytes file, struct bytes pass, struct errmsg *e);

/*
 * Streaming decryption of a payload after the header: feed any sizes, plaintext is appended to out. Each chunk is
 * authentic when it appears, but the file is whole only once finish says OK: it fails on truncation.
 */
struct age_reader {
  uint8_t key[32];
  uint64_t chunk;
  struct buf pending;
  bool done, failed; /* after the final chunk, or a failure, nothing more is read */
};
void age_reader_init(struct age_reader *r, const uint8_t payload_key[static 32]);
parley_err age_reader_feed(struct age_reader *r, struct bytes in, struct buf *out, struct errmsg *e);
parley_err age_reader_finish(struct age_reader *r, struct buf *out, struct errmsg *e);
void age_reader_free(struct age_reader *r);

/*
 * Streaming encryption of a payload: the same in the other direction (one chunk is held back until it is known whether
 * it is final).
 */
struct age_writer {
  uint8_t key[32];
  uint64_t chunk;
  struct buf pending;
};
void age_writer_init(struct age_writer *w, const uint8_t payload_key[static 32]);
parley_err age_writer_feed(struct age_writer *w, struct bytes in, struct buf *out, struct errmsg *e);
parley_err age_writer_finish(struct age_writer *w, struct buf *out, struct errmsg *e);
void age_writer_free(struct age_writer *w);

#endif
