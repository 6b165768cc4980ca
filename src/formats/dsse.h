/*
 * DSSE v1 envelopes (secure-systems-lab/dsse): {"payload","payloadType","signatures":[{"keyid","sig"}]}.
 * parley writes exactly one form (compact, that member order, base64 padded) and reads only that form, so that every
 * byte of an envelope is either signed or reproduced from what is.
 */
#ifndef PARLEY_FORMATS_DSSE_H
#define PARLEY_FORMATS_DSSE_H

#include "base/arena.h"
#include "base/err.h"
#include "crypto/crypto.h"

#define DSSE_SIGS_MAX 256 /* a charter has one signature a member */

struct dsse_sig {
  char keyid[65]; /* ed25519_keyid of the signer, always lower-case hex of 64 */
  uint8_t sig[ED25519_SIG_SIZE];
};

struct dsse {
  struct bytes type;    /* payload type, in the arena */
  struct bytes payload; /* decoded, in the arena */
  size_t n;
  struct dsse_sig *sigs;
};

/*
 * Parses at most max bytes and refuses (EINVAL) anything that dsse_write would not write again byte for byte. No
 * signature is checked.
 */
parley_err dsse_parse(struct dsse *out, struct arena *a, struct bytes in, size_t max, struct errmsg *e);
void dsse_write(struct buf *out, const struct dsse *d);
/* PAE: what is signed. */
void dsse_pae(struct buf *out, struct bytes type, struct bytes payload);
/* OK when signature i is by pub: keyid equals ed25519_keyid(pub) and the signature verifies. EVERIFY, ENOMEM; no sentence. */
parley_err dsse_signed_by(const struct dsse *d, size_t i, const uint8_t pub[static ED25519_KEY_SIZE]);

#endif
