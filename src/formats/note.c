/*
 * C2SP signed-note: verifier keys, notes, signature lines. The cosignature of tlog-cosignature (type 0x04) differs from
 * a plain Ed25519 signature only in the bytes it signs and in the timestamp before it.
 */
#include "formats/note.h"

#include <string.h>

#include "base/encoding.h"
#include "formats/text.h"

#define KEY_ID_SIZE 4
#define TIME_SIZE 8
#define COSIGNATURE_SIZE (TIME_SIZE + ED25519_SIG_SIZE)

static const uint8_t LINE_START[] = {0xe2, 0x80, 0x94, ' '}; /* em dash, space */

static uint32_t u32be(const uint8_t p[static 4]) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* ---- key names ---- */

/* Unicode White_Space in valid UTF-8 at b; controls are refused elsewhere. */
static bool unicode_space_at(struct bytes b, size_t i) {
  static const char *const spaces[] = {
      "\x20",         "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\xa8",
      "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80",
  };
  for (size_t k = 0; k < sizeof spaces / sizeof *spaces; k++) {
    const size_t n = strlen(spaces[k]);
    if (b.n - i >= n && memcmp(b.p + i, spaces[k], n) == 0) return true;
  }
  /* U+2000 to U+200A */
  return b.n - i >= 3 && b.p[i] == 0xe2 && b.p[i + 1] == 0x80 && b.p[i + 2] >= 0x80 && b.p[i + 2] <= 0x8a;
}

/* signed-note: Format, key names. */
static bool name_valid(struct bytes name) {
  if (name.n == 0 || !utf8_valid(name)) return false;
  for (size_t i = 0; i < name.n; i++)
    if (name.p[i] < 0x20 || name.p[i] == '+' || unicode_space_at(name, i)) return false;
  return true;
}

/* ---- verifier keys ---- */

static uint32_t key_id(struct bytes name, uint8_t type, const uint8_t pub[static 32]) {
  const uint8_t middle[] = {'\n', type};
  const struct bytes parts[] = {name, BYTES(middle, 2), BYTES(pub, 32)};
  uint8_t digest[SHA256_SIZE];
  sha256v(digest, parts, 3);
  return u32be(digest);
}

static parley_err make(struct vkey *out, struct bytes name, uint8_t type, const uint8_t pub[static 32],
                       struct errmsg *e) {
  if (name.n > NOTE_NAME_MAX) return err_set(e, PARLEY_EINVAL, "the key name is longer than %d bytes", NOTE_NAME_MAX);
  if (!name_valid(name))
    return err_set(e, PARLEY_EINVAL, "the key name is empty or has a space, a plus, a control character or bad UTF-8");
  if (type != NOTE_ED25519 && type != NOTE_COSIGNATURE)
    return err_set(e, PARLEY_EINVAL, "key type 0x%02x is not supported; use 0x01 (Ed25519) or 0x04 (cosignature)",
                   type);
  if (!ed25519_public_ok(pub)) return err_set(e, PARLEY_EINVAL, "the key is of small order: anybody can sign with it");
  struct vkey k = {.type = type, .id = key_id(name, type, pub)};
  memcpy(k.name, name.p, name.n);
  memcpy(k.pub, pub, sizeof k.pub);
  *out = k;
  return PARLEY_OK;
}

parley_err vkey_make(struct vkey *out, const char *name, uint8_t type, const uint8_t pub[static 32], struct errmsg *e) {
  return make(out, bytes_str(name), type, pub, e);
}

parley_err vkey_parse(struct vkey *out, struct bytes text, struct errmsg *e) {
  const size_t plus = bytes_find(text, 0, '+');
  if (plus == (size_t)-1 || text.n - plus < 10 || text.p[plus + 9] != '+')
    return err_set(e, PARLEY_EINVAL, "a verifier key has the form <name>+<8 hex digits>+<base64>");
  uint8_t id[KEY_ID_SIZE], key[33];
  if (!hex_decode(id, sizeof id, BYTES(text.p + plus + 1, 8)))
    return err_set(e, PARLEY_EINVAL, "the key id of the verifier key is not 8 lower-case hex digits");
  if (!base64_decode_fixed(key, sizeof key, BYTES(text.p + plus + 10, text.n - plus - 10), true))
    return err_set(e, PARLEY_EINVAL, "the verifier key does not end in the base64 of a type byte and a 32-byte key");
  struct vkey k;
  const parley_err err = make(&k, BYTES(text.p, plus), key[0], key + 1, e);
  if (err) return err;
  if (k.id != u32be(id))
    return err_set(e, PARLEY_EINVAL, "the key id of the verifier key is not that of its name and key; copy it anew");
  *out = k;
  return PARLEY_OK;
}

void vkey_write(struct buf *out, const struct vkey *k) {
  uint8_t key[33];
  key[0] = k->type;
  memcpy(key + 1, k->pub, sizeof k->pub);
  buf_fmt(out, "%s+%08x+", k->name, k->id);
  base64_encode(out, BYTES(key, sizeof key), true);
}

/* ---- parsing ---- */

/* Cuts a signature line (without newline) into its name and its base64. */
static bool split_line(struct bytes line, struct bytes *name, struct bytes *base64) {
  if (line.n < sizeof LINE_START || memcmp(line.p, LINE_START, sizeof LINE_START) != 0) return false;
  const size_t start = sizeof LINE_START, space = bytes_find(line, start, ' ');
  if (space == (size_t)-1) return false;
  *name = BYTES(line.p + start, space - start);
  *base64 = BYTES(line.p + space + 1, line.n - space - 1);
  return name_valid(*name);
}

static parley_err parse_sig(struct note_sig *out, struct arena *a, struct bytes line, size_t number, struct errmsg *e) {
  struct bytes base64, sig;
  if (!split_line(line, &out->name, &base64))
    return err_set(e, PARLEY_EINVAL, "signature line %zu of the note is not \"\u2014 name base64\"", number);
  const parley_err err = text_base64(&sig, a, base64);
  if (err == PARLEY_ENOMEM) return err_set(e, err, "out of memory for a note");
  if (err || sig.n <= KEY_ID_SIZE)
    return err_set(e, PARLEY_EINVAL, "signature line %zu of the note is not base64 of key id and signature", number);
  out->id = u32be(sig.p);
  out->sig = BYTES(sig.p + KEY_ID_SIZE, sig.n - KEY_ID_SIZE);
  out->line = BYTES(line.p, line.n + 1);
  return PARLEY_OK;
}

/* The text ends before the last empty line (signed-note: Format). */
static bool find_signatures(struct bytes in, size_t *at) {
  for (size_t i = in.n; i >= 2; i--) {
    if (in.p[i - 1] != '\n' || in.p[i - 2] != '\n') continue;
    *at = i;
    return true;
  }
  return false;
}

static parley_err parse_sigs(struct note *out, struct arena *a, struct bytes lines, struct errmsg *e) {
  size_t n = 0;
  for (size_t i = 0; i < lines.n; i++) n += lines.p[i] == '\n';
  if (n == 0 || lines.p[lines.n - 1] != '\n')
    return err_set(e, PARLEY_EINVAL, "the note has no signature line, or its last line does not end");
  if (n > NOTE_SIGS_READ_MAX)
    return err_set(e, PARLEY_ELIMIT, "the note has %zu signatures, more than %d", n, NOTE_SIGS_READ_MAX);
  out->sigs = arena_alloc(a, n * sizeof *out->sigs);
  if (!out->sigs) return err_set(e, PARLEY_ENOMEM, "out of memory for a note");
  struct bytes line;
  for (out->n = 0; bytes_line(&lines, &line); out->n++) {
    const parley_err err = parse_sig(&out->sigs[out->n], a, line, out->n + 1, e);
    if (err) return err;
  }
  return PARLEY_OK;
}

parley_err note_parse(struct note *out, struct arena *a, struct bytes in, struct errmsg *e) {
  if (in.n > NOTE_SIZE_MAX)
    return err_set(e, PARLEY_ELIMIT, "the note has %zu bytes, more than %d", in.n, NOTE_SIZE_MAX);
  if (!text_valid(in)) return err_set(e, PARLEY_EINVAL, "the note is not UTF-8 text, or has a control character");
  size_t at;
  if (!find_signatures(in, &at))
    return err_set(e, PARLEY_EINVAL, "the note has no empty line between its text and its signatures");
  out->text = BYTES(in.p, at - 1);
  return parse_sigs(out, a, BYTES(in.p + at, in.n - at), e);
}

/* ---- verifying ---- */

static parley_err does_not_verify(const struct vkey *k, struct errmsg *e) {
  return err_set(e, PARLEY_EVERIFY, "the signature of %s (key id %08x) does not verify", k->name, k->id);
}

static parley_err cosignature_verify(struct bytes sig, struct bytes text, const struct vkey *k, int64_t *time,
                                     struct errmsg *e) {
  const uint64_t stamp = sig.n == COSIGNATURE_SIZE ? u64be(sig.p) : UINT64_MAX;
  if (stamp > INT64_MAX) return does_not_verify(k, e); /* tlog-cosignature: Format */
  struct buf message = {0};
  cosignature_message(&message, (int64_t)stamp, text);
  parley_err err = PARLEY_OK;
  if (!buf_ok(&message))
    err = err_set(e, PARLEY_ENOMEM, "out of memory for a note");
  else if (!ed25519_verify(k->pub, sig.p + TIME_SIZE, buf_view(&message)))
    err = does_not_verify(k, e);
  buf_free(&message);
  *time = (int64_t)stamp;
  return err;
}

/* *time: when a cosignature says it was made; 0 for a plain signature. EVERIFY, ENOMEM. */
static parley_err sig_verify(struct bytes sig, struct bytes text, const struct vkey *k, int64_t *time,
                             struct errmsg *e) {
  *time = 0;
  if (k->type == NOTE_COSIGNATURE) return cosignature_verify(sig, text, k, time, e);
  const bool ok = k->type == NOTE_ED25519 && sig.n == ED25519_SIG_SIZE && ed25519_verify(k->pub, sig.p, text);
  return ok ? PARLEY_OK : does_not_verify(k, e);
}

parley_err note_verify(const struct note *n, const struct vkey *k, int64_t *time, size_t *which, struct errmsg *e) {
  bool found = false;
  int64_t earliest = 0;
  size_t best = 0;
  for (size_t i = 0; i < n->n; i++) {
    const struct note_sig *s = &n->sigs[i];
    if (s->id != k->id || !bytes_is(s->name, k->name)) continue;
    int64_t at;
    const parley_err err = sig_verify(s->sig, n->text, k, &at, e);
    if (err) return err;
    if (!found || at < earliest) {
      earliest = at;
      best = i;
    }
    found = true;
  }
  if (!found) return err_set(e, PARLEY_ENOTFOUND, "the note is not signed by %s (key id %08x)", k->name, k->id);
  if (time) *time = earliest;
  if (which) *which = best;
  return PARLEY_OK;
}

parley_err note_verify_line(struct bytes line, struct bytes text, const struct vkey *k, int64_t *time,
                            struct errmsg *e) {
  if (line.n > 0 && line.p[line.n - 1] == '\n') line.n--;
  struct bytes name, base64;
  if (line.n > NOTE_SIZE_MAX || !text_valid(line) || bytes_find(line, 0, '\n') != (size_t)-1 ||
      !split_line(line, &name, &base64))
    return err_set(e, PARLEY_EINVAL, "the answer is no signature line of the form \"\u2014 name base64\"");
  struct buf sig = {0};
  parley_err err = PARLEY_OK;
  int64_t at = 0;
  if (!base64_decode(&sig, base64, true) || sig.failed || sig.n <= KEY_ID_SIZE)
    err = err_set(e, sig.failed ? PARLEY_ENOMEM : PARLEY_EINVAL, "the signature line has no base64 of a signature");
  else if (!bytes_is(name, k->name) || u32be(sig.p) != k->id)
    err = err_set(e, PARLEY_ENOTFOUND, "the signature line is not by %s (key id %08x)", k->name, k->id);
  else
    err = sig_verify(BYTES(sig.p + KEY_ID_SIZE, sig.n - KEY_ID_SIZE), text, k, &at, e);
  buf_free(&sig);
  if (!err && time) *time = at;
  return err;
}

/* ---- building ---- */

void note_sig_line(struct buf *out, const struct vkey *k, struct bytes sig) {
  uint8_t raw[KEY_ID_SIZE + COSIGNATURE_SIZE];
  if (sig.n != (k->type == NOTE_COSIGNATURE ? COSIGNATURE_SIZE : ED25519_SIG_SIZE)) {
    out->failed = true; /* a line that nobody could verify must not leave here */
    return;
  }
  for (size_t i = 0; i < KEY_ID_SIZE; i++) raw[i] = (uint8_t)(k->id >> (24 - 8 * i));
  memcpy(raw + KEY_ID_SIZE, sig.p, sig.n);
  buf_add(out, LINE_START, sizeof LINE_START);
  buf_str(out, k->name);
  buf_str(out, " ");
  base64_encode(out, BYTES(raw, KEY_ID_SIZE + sig.n), true);
  buf_str(out, "\n");
}

void cosignature_message(struct buf *out, int64_t time, struct bytes checkpoint_text) {
  if (time < 0) {
    out->failed = true; /* no such cosignature can be written */
    return;
  }
  buf_str(out, "cosignature/v1\ntime ");
  buf_dec(out, (uint64_t)time);
  buf_str(out, "\n");
  buf_bytes(out, checkpoint_text);
}

struct bytes note_signatures(struct bytes note) {
  struct bytes line;
  while (bytes_line(&note, &line) && line.n)
    ;
  return note;
}
