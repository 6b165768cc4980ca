/*
 * DSSE v1 envelopes in the one form that parley writes. The reader is a scanner for exactly that text: no JSON library
 * stands between the bytes and what is signed, so nothing can hide in white space, escapes or member order.
 */
#include "formats/dsse.h"

#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "formats/text.h"

#define TYPE_MAX 255

static bool literal(struct bytes *rest, const char *s) {
  const size_t n = strlen(s);
  if (rest->n < n || memcmp(rest->p, s, n) != 0) return false;
  rest->p += n;
  rest->n -= n;
  return true;
}

/* The text before the next quote, which is consumed too. */
static bool quoted(struct bytes *rest, struct bytes *out) {
  const size_t end = bytes_find(*rest, 0, '"');
  if (end == (size_t)-1) return false;
  *out = BYTES(rest->p, end);
  rest->p += end + 1;
  rest->n -= end + 1;
  return true;
}

/* Media types need no more than visible ASCII, which JSON never has to escape once quote and backslash are out. */
static bool type_valid(struct bytes type) {
  if (type.n == 0 || type.n > TYPE_MAX) return false;
  for (size_t i = 0; i < type.n; i++)
    if (type.p[i] <= 0x20 || type.p[i] >= 0x7f || type.p[i] == '"' || type.p[i] == '\\') return false;
  return true;
}

static bool keyid_valid(struct bytes keyid) {
  uint8_t digest[SHA256_SIZE];
  return hex_decode(digest, sizeof digest, keyid);
}

static parley_err parse_sig(struct dsse *d, struct bytes *rest, struct errmsg *e) {
  struct dsse_sig *s = &d->sigs[d->n];
  struct bytes keyid, sig;
  if (!literal(rest, "{\"keyid\":\"") || !quoted(rest, &keyid) || !literal(rest, ",\"sig\":\"") ||
      !quoted(rest, &sig) || !literal(rest, "}"))
    return err_set(e, PARLEY_EINVAL, "signatures[%zu] of the envelope is not {\"keyid\":…,\"sig\":…}", d->n);
  if (!keyid_valid(keyid))
    return err_set(e, PARLEY_EINVAL, "signatures[%zu].keyid of the envelope is not 64 lower-case hex digits", d->n);
  if (!base64_decode_fixed(s->sig, sizeof s->sig, sig, true))
    return err_set(e, PARLEY_EINVAL, "signatures[%zu].sig of the envelope is not the base64 of 64 bytes", d->n);
  memcpy(s->keyid, keyid.p, 64);
  s->keyid[64] = '\0';
  for (size_t i = 0; i < d->n; i++)
    if (strcmp(d->sigs[i].keyid, s->keyid) == 0)
      return err_set(e, PARLEY_EINVAL, "signatures[%zu] and [%zu] of the envelope are by the same key", i, d->n);
  d->n++;
  return PARLEY_OK;
}

static parley_err parse_sigs(struct dsse *d, struct arena *a, struct bytes rest, struct errmsg *e) {
  size_t n = 0;
  for (size_t i = 0; i < rest.n; i++) n += rest.p[i] == '{';
  if (n == 0) return err_set(e, PARLEY_EINVAL, "the envelope has no signature");
  if (n > DSSE_SIGS_MAX) return err_set(e, PARLEY_ELIMIT, "the envelope has more than %d signatures", DSSE_SIGS_MAX);
  d->sigs = arena_alloc(a, n * sizeof *d->sigs);
  if (!d->sigs) return err_set(e, PARLEY_ENOMEM, "out of memory for an envelope");
  do {
    if (d->n == n) return err_set(e, PARLEY_EINVAL, "signatures[%zu] of the envelope is missing", d->n);
    const parley_err err = parse_sig(d, &rest, e);
    if (err) return err;
  } while (literal(&rest, ","));
  if (!literal(&rest, "]}") || rest.n > 0)
    return err_set(e, PARLEY_EINVAL, "the envelope does not end after its signatures");
  return PARLEY_OK;
}

parley_err dsse_parse(struct dsse *out, struct arena *a, struct bytes in, size_t max, struct errmsg *e) {
  if (in.n > max) return err_set(e, PARLEY_ELIMIT, "the envelope has %zu bytes, more than %zu", in.n, max);
  struct dsse d = {0};
  struct bytes payload, type;
  if (!literal(&in, "{\"payload\":\"") || !quoted(&in, &payload))
    return err_set(e, PARLEY_EINVAL, "the envelope does not start with its payload; parley reads only compact DSSE");
  if (!literal(&in, ",\"payloadType\":\"") || !quoted(&in, &type) || !type_valid(type))
    return err_set(e, PARLEY_EINVAL, "payloadType of the envelope is missing or no plain media type");
  if (!literal(&in, ",\"signatures\":["))
    return err_set(e, PARLEY_EINVAL, "signatures of the envelope is missing or in the wrong place");
  const parley_err decoded = payload.n == 0 ? PARLEY_OK : text_base64(&d.payload, a, payload);
  if (decoded == PARLEY_EINVAL) return err_set(e, PARLEY_EINVAL, "payload of the envelope is not base64");
  d.type = arena_copy(a, type);
  if (decoded || !d.type.p) return err_set(e, PARLEY_ENOMEM, "out of memory for an envelope");
  const parley_err err = parse_sigs(&d, a, in, e);
  if (err) return err;
  *out = d;
  return PARLEY_OK;
}

void dsse_write(struct buf *out, const struct dsse *d) {
  if (!type_valid(d->type)) {
    out->failed = true; /* dsse_parse would refuse it */
    return;
  }
  buf_str(out, "{\"payload\":\"");
  base64_encode(out, d->payload, true);
  buf_str(out, "\",\"payloadType\":\"");
  buf_bytes(out, d->type);
  buf_str(out, "\",\"signatures\":[");
  for (size_t i = 0; i < d->n; i++) {
    buf_fmt(out, "%s{\"keyid\":\"%s\",\"sig\":\"", i ? "," : "", d->sigs[i].keyid);
    base64_encode(out, BYTES(d->sigs[i].sig, sizeof d->sigs[i].sig), true);
    buf_str(out, "\"}");
  }
  buf_str(out, "]}");
}

void dsse_pae(struct buf *out, struct bytes type, struct bytes payload) {
  buf_str(out, "DSSEv1 ");
  buf_dec(out, type.n);
  buf_str(out, " ");
  buf_bytes(out, type);
  buf_str(out, " ");
  buf_dec(out, payload.n);
  buf_str(out, " ");
  buf_bytes(out, payload);
}

parley_err dsse_signed_by(const struct dsse *d, size_t i, const uint8_t pub[static ED25519_KEY_SIZE]) {
  char keyid[65];
  ed25519_keyid(keyid, pub);
  if (i >= d->n || strcmp(d->sigs[i].keyid, keyid) != 0) return PARLEY_EVERIFY;
  struct buf pae = {0};
  dsse_pae(&pae, d->type, d->payload);
  parley_err err = buf_ok(&pae) ? PARLEY_OK : PARLEY_ENOMEM;
  if (!err && !ed25519_verify(pub, d->sigs[i].sig, buf_view(&pae))) err = PARLEY_EVERIFY;
  buf_free(&pae);
  return err;
}
