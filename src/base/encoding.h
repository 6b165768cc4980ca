/*
 * Text encodings. Decoders are strict: exactly one text decodes to given bytes, everything else is refused.
 */
#ifndef PARLEY_BASE_ENCODING_H
#define PARLEY_BASE_ENCODING_H

#include "base/bytes.h"

/* Base64, RFC 4648 section 4. `pad` false: the unpadded form used by age. Canonical only, no white space. */
void base64_encode(struct buf *out, struct bytes in, bool pad);
bool base64_decode(struct buf *out, struct bytes in, bool pad);
/* Decodes into exactly n bytes; false if the length differs. */
bool base64_decode_fixed(uint8_t *out, size_t n, struct bytes in, bool pad);

/* Lower-case hexadecimal. hex_encode writes 2n characters and a NUL. hex_decode refuses upper case. */
void hex_encode(char *out, struct bytes in);
bool hex_decode(uint8_t *out, size_t n, struct bytes in);

/* ASCII decimal without leading zeroes ("0" allowed), at most 2^63 - 1. */
bool dec_decode(uint64_t *out, struct bytes in);

/*
 * Bech32 (BIP 173) without its length limit, as age uses it. hrp is lower case; at most 64 data bytes (enough for
 * X25519).
 */
bool bech32_encode(struct buf *out, const char *hrp, struct bytes data, bool upper);
/* Writes exactly n bytes. All upper or all lower case only; the checksum and zero padding bits are checked. */
bool bech32_decode(uint8_t *out, size_t n, const char *hrp, struct bytes text);

/* Valid UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). */
bool utf8_valid(struct bytes b);

#endif
