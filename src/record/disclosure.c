#include "record/disclosure.h"

#include <stdio.h>
#include <string.h>

#include "base/encoding.h"

/* ---- names ---- */

static bool alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

static bool is_age(const char *ext) {
  return (ext[1] | 0x20) == 'a' && (ext[2] | 0x20) == 'g' && (ext[3] | 0x20) == 'e' && ext[4] == '\0';
}

/* The end of a file's name that is kept: what programs know its type by, and nothing that could lead elsewhere. */
static const char *extension(const char *name) {
  const char *dot = strrchr(name, '.');
  if (dot == NULL || dot == name) return "";
  const size_t n = strlen(dot + 1);
  bool ok = n >= 1 && n <= 8;
  for (size_t i = 1; ok && i <= n; i++) ok = alphanumeric(dot[i]);
  return ok && !(n == 3 && is_age(dot)) ? dot : "";
}

struct pack_file_name disclosure_clear_name(size_t n, const char *name) {
  struct pack_file_name out;
  snprintf(out.text, sizeof out.text, "files/%zu%s", n, extension(name));
  return out;
}

struct pack_file_name disclosure_sealed_name(size_t n) {
  struct pack_file_name out;
  snprintf(out.text, sizeof out.text, "files/%zu.age", n);
  return out;
}

/* ---- who was able to read ---- */

struct stanza {
  const char *party, *desk;
  struct bytes have;
  const uint8_t *ephemeral, *file_key;
};

static parley_err stanza_is_to(bool *yes, const struct stanza *s, const struct card_seal *seal, struct errmsg *e) {
  struct buf b = {0};
  const parley_err rc = age_stanza(&b, seal->recipient, s->ephemeral, s->file_key, e);
  *yes = rc == PARLEY_OK && bytes_eq(buf_view(&b), s->have);
  buf_free(&b);
  return rc == PARLEY_ENOMEM ? rc : PARLEY_OK; /* a key of small order opens nothing */
}

/* The newest card that fits; several may hold the same key. */
static parley_err find_reader(struct pack_reader *out, const struct stanza *s, const struct card *const *cards,
                              size_t n, struct errmsg *e) {
  *out = (struct pack_reader){0};
  for (size_t i = 0; i < n; i++) {
    if (strcmp(cards[i]->name, s->party) != 0) continue;
    if (out->card != NULL && cards[i]->serial <= out->card->serial) continue;
    for (size_t k = 0; k < cards[i]->n_seal; k++) {
      bool yes;
      if (strcmp(cards[i]->seal[k].label, s->desk) != 0) continue;
      const parley_err rc = stanza_is_to(&yes, s, &cards[i]->seal[k], e);
      if (rc != PARLEY_OK) return rc;
      if (yes) *out = (struct pack_reader){cards[i], &cards[i]->seal[k]};
    }
  }
  if (out->card != NULL) return PARLEY_OK;
  return err_set(e, PARLEY_EVERIFY, "it is not sealed, with this seed, to a key of the desk \"%s\" of %s", s->desk,
                 s->party);
}

parley_err disclosure_readers(struct pack_reader *out, const struct statement *s, const uint8_t seed[static SEED_SIZE],
                              int file, struct bytes sealed, const struct card *const *cards, size_t n_cards,
                              struct errmsg *e) {
  struct age_random r;
  uint8_t ephemeral[(STATEMENT_TO_MAX + 1) * X25519_SIZE];
  const size_t n = s->n_to + 1, size = age_stanza_at(1) - age_stanza_at(0);
  if (sealed.n < age_header_size(n))
    return err_set(e, PARLEY_EVERIFY, "it ends within the header that an age file for %zu recipients has", n);
  parley_err rc = seal_random(&r, ephemeral, seed, file, n) ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory");
  for (size_t i = 0; i < n && rc == PARLEY_OK; i++) {
    const bool author = i == s->n_to;
    const struct stanza st = {author ? s->from : s->to[i], author ? "duty" : s->desk,
                              BYTES(sealed.p + age_stanza_at(i), size), ephemeral + i * X25519_SIZE, r.file_key};
    rc = find_reader(&out[i], &st, cards, n_cards, e);
  }
  wipe(&r, sizeof r);
  wipe(ephemeral, n * X25519_SIZE);
  return rc;
}

/* ---- bulk/range ---- */

static parley_err put_line(void *ctx, const struct hash *h, struct errmsg *e) {
  struct buf *out = ctx;
  base64_encode(out, BYTES(h->b, sizeof h->b), true);
  buf_str(out, "\n");
  return buf_ok(out) ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory");
}

parley_err disclosure_ranges(size_t order[static STATEMENT_ATTACH_MAX], struct leaf_range *out, size_t *n,
                             const struct statement *s, const bool *disclosed, struct errmsg *e) {
  *n = 0;
  for (size_t i = 0; i < s->n_attach; i++) {
    if (!disclosed[i]) continue;
    size_t k = (*n)++;
    for (; k > 0 && s->attach[order[k - 1]].first > s->attach[i].first; k--) order[k] = order[k - 1];
    order[k] = i;
  }
  for (size_t k = 0; k < *n; k++) {
    const struct attach *at = &s->attach[order[k]];
    out[k] = (struct leaf_range){at->first, at->first + at->count};
    if (k > 0 && out[k - 1].end > out[k].start)
      return err_set(e, PARLEY_EINVAL, "files %zu and %zu of the statement share entries of the bulk log", order[k - 1],
                     order[k]);
  }
  return PARLEY_OK;
}

parley_err disclosure_range(struct buf *out, const struct statement *s, const bool *disclosed,
                            struct merkle_source bulk, struct errmsg *e) {
  size_t order[STATEMENT_ATTACH_MAX], n;
  struct leaf_range ranges[STATEMENT_ATTACH_MAX];
  const parley_err rc = disclosure_ranges(order, ranges, &n, s, disclosed, e);
  return rc == PARLEY_OK ? merkle_range_prove(put_line, out, bulk, ranges, n, s->bulk_size, e) : rc;
}
