#include "home/config_witness.h"

#include <stdio.h>
#include <string.h>

#include "base/encoding.h"

#define WORDS "witness must be a name, an address and perhaps a pin: witness.example https://witness.example sha256//…"

static struct bytes word(struct bytes *rest) {
  size_t n = 0;
  while (rest->n && (rest->p[0] == ' ' || rest->p[0] == '\t')) *rest = BYTES(rest->p + 1, rest->n - 1);
  while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t') n++;
  const struct bytes w = BYTES(rest->p, n);
  *rest = BYTES(rest->p + n, rest->n - n);
  return w;
}

static bool take(char *out, size_t size, struct bytes w) {
  if (w.n == 0 || w.n >= size || memchr(w.p, 0, w.n)) return false;
  memcpy(out, w.p, w.n);
  out[w.n] = '\0';
  return true;
}

/* An address, not a name: nobody else's resolver decides where plain HTTP goes. */
static bool is_loopback(const char *host, size_t n) {
  struct bytes rest = BYTES(host, n);
  if (bytes_is(rest, "[::1]")) return true;
  for (int i = 0; i < 4; i++) {
    const size_t dot = i < 3 ? bytes_find(rest, 0, '.') : rest.n;
    uint64_t byte;
    if (dot > rest.n || !dec_decode(&byte, BYTES(rest.p, dot)) || byte > 255 || (i == 0 && byte != 127)) return false;
    rest = i < 3 ? BYTES(rest.p + dot + 1, rest.n - dot - 1) : BYTES_NONE;
  }
  return true;
}

static bool port_follows(const char *s) {
  uint64_t port;
  const size_t n = strcspn(s, "/");
  return n == 0 || (s[0] == ':' && dec_decode(&port, BYTES(s + 1, n - 1)) && port > 0 && port <= 65535);
}

static bool url_valid(const char *s) {
  const bool tls = !strncmp(s, "https://", 8), plain = !strncmp(s, "http://", 7);
  const char *host = s + (tls ? 8 : 7);
  if ((!tls && !plain) || s[strlen(s) - 1] == '/' || strpbrk(s, "?#@\\\"'")) return false;
  for (const char *p = s; *p; p++)
    if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f) return false;
  const char *bracket = host[0] == '[' ? strchr(host, ']') : NULL;
  const size_t n = bracket ? (size_t)(bracket + 1 - host) : strcspn(host, ":/");
  return n > 0 && port_follows(host + n) && (tls || is_loopback(host, n));
}

static bool pin_valid(const char *s) {
  uint8_t digest[SHA256_SIZE];
  return !strncmp(s, "sha256//", 8) && base64_decode_fixed(digest, sizeof digest, bytes_str(s + 8), true);
}

parley_err config_witness_read(struct config *c, struct bytes value, struct errmsg *e) {
  struct config_witness w = {0};
  uint8_t any[32]; /* a key of some kind (the base point): what is looked at is the name */
  struct vkey k;
  memset(any, 0x66, sizeof any);
  any[0] = 0x58;
  if (c->n_witnesses == CONFIG_WITNESSES_MAX)
    return err_set(e, PARLEY_ELIMIT, "there are more than %d witnesses", CONFIG_WITNESSES_MAX);
  if (!take(w.name, sizeof w.name, word(&value)) || !take(w.url, sizeof w.url, word(&value)))
    return err_set(e, PARLEY_EINVAL, "%s", WORDS);
  const struct bytes pin = word(&value);
  if (vkey_make(&k, w.name, NOTE_COSIGNATURE, any, e)) return err_prefix(e, PARLEY_EINVAL, "witness");
  if (!url_valid(w.url))
    return err_set(e, PARLEY_EINVAL,
                   "witness: the address must be such as https://witness.example/path, without a final slash; http:// "
                   "only to 127.0.0.0/8 or [::1]");
  if (pin.n > 0 && (!take(w.pin, sizeof w.pin, pin) || !pin_valid(w.pin)))
    return err_set(e, PARLEY_EINVAL, "witness: the pin must be sha256// and the base64 of 32 bytes");
  if (word(&value).n > 0) return err_set(e, PARLEY_EINVAL, "%s", WORDS);
  for (size_t i = 0; i < c->n_witnesses; i++)
    if (!strcmp(c->witness[i].name, w.name)) return err_set(e, PARLEY_EINVAL, "the witness %s stands twice", w.name);
  c->witness[c->n_witnesses++] = w;
  return PARLEY_OK;
}

void config_witness_write(struct buf *out, const struct config *c, const char *before, const char *between) {
  for (size_t i = 0; i < c->n_witnesses; i++) {
    const struct config_witness *w = &c->witness[i];
    buf_fmt(out, "%s%s%s %s%s%s", i ? between : "", before, w->name, w->url, *w->pin ? " " : "", w->pin);
  }
}
