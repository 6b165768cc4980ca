/*
 * Names in a bundle and its first entry (docs/protocol.md, section 10). Nothing else is a name: no path can be made of
 * one.
 */
#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "base/time.h"
#include "record/bundle.h"

#define HEX (2 * SHA256_SIZE)

uint64_t bundle_size_max(enum bundle_kind kind) {
  switch (kind) {
  case BUNDLE_HEAD: return BUNDLE_HEAD_MAX;
  case BUNDLE_CARD: return CARD_SIZE_MAX;
  case BUNDLE_CHARTER: return CHARTER_SIZE_MAX;
  case BUNDLE_ORIGIN: return 512;
  case BUNDLE_CHECKPOINT:
  case BUNDLE_COSIGNED: return NOTE_SIZE_MAX;
  case BUNDLE_ENTRIES: break;
  }
  return BUNDLE_ENTRIES_MAX;
}

/* ---- names ---- */

static bool cut_front(struct bytes *in, const char *text) {
  const size_t n = strlen(text);
  if (in->n < n || memcmp(in->p, text, n) != 0) return false;
  *in = BYTES(in->p + n, in->n - n);
  return true;
}

static bool cut_end(struct bytes *in, const char *text) {
  const size_t n = strlen(text);
  if (in->n < n || memcmp(in->p + in->n - n, text, n) != 0) return false;
  in->n -= n;
  return true;
}

static bool take_party(char out[static PARTY_NAME_MAX + 1], struct bytes in) {
  if (in.n == 0 || in.n > PARTY_NAME_MAX || memchr(in.p, '\0', in.n)) return false;
  memcpy(out, in.p, in.n);
  out[in.n] = '\0';
  return party_name_valid(out);
}

/* <party>.<serial> */
static bool card_name(struct bundle_name *out, struct bytes in) {
  size_t dot = in.n;
  out->kind = BUNDLE_CARD;
  if (!cut_end(&in, ".json")) return false;
  for (dot = in.n; dot > 0 && in.p[dot - 1] != '.'; dot--)
    ;
  return dot > 0 && dec_decode(&out->serial, BYTES(in.p + dot, in.n - dot)) &&
         take_party(out->party, BYTES(in.p, dot - 1));
}

/* <start>-<end> */
static bool entries_name(struct bundle_name *out, struct bytes in) {
  const size_t dash = bytes_find(in, 0, '-');
  out->kind = BUNDLE_ENTRIES;
  return dash != (size_t)-1 && dec_decode(&out->start, BYTES(in.p, dash)) &&
         dec_decode(&out->end, BYTES(in.p + dash + 1, in.n - dash - 1)) && out->start < out->end;
}

static bool log_name(struct bundle_name *out, struct bytes in) {
  if (in.n < HEX + 1 || in.p[HEX] != '/' || !hex_decode(out->digest, SHA256_SIZE, BYTES(in.p, HEX))) return false;
  in = BYTES(in.p + HEX + 1, in.n - HEX - 1);
  if (cut_front(&in, "entries/")) return entries_name(out, in);
  out->kind = bytes_is(in, "origin") ? BUNDLE_ORIGIN : bytes_is(in, "checkpoint") ? BUNDLE_CHECKPOINT : BUNDLE_COSIGNED;
  return out->kind != BUNDLE_COSIGNED || (cut_front(&in, "checkpoint.") && take_party(out->party, in));
}

bool bundle_name_parse(struct bundle_name *out, const char *name) {
  struct bytes in = bytes_str(name);
  *out = (struct bundle_name){.kind = BUNDLE_HEAD};
  if (bytes_is(in, "parley-bundle")) return true;
  if (cut_front(&in, "card/")) return card_name(out, in);
  if (!cut_front(&in, "charter/")) return log_name(out, in);
  out->kind = BUNDLE_CHARTER;
  return cut_end(&in, ".json") && in.n == HEX && hex_decode(out->digest, SHA256_SIZE, in);
}

void bundle_name_write(char out[static BUNDLE_PATH_MAX + 1], const struct bundle_name *n) {
  char hex[HEX + 1];
  const size_t size = BUNDLE_PATH_MAX + 1;
  hex_encode(hex, BYTES(n->digest, SHA256_SIZE));
  switch (n->kind) {
  case BUNDLE_HEAD: snprintf(out, size, "parley-bundle"); break;
  case BUNDLE_CARD: snprintf(out, size, "card/%s.%llu.json", n->party, (unsigned long long)n->serial); break;
  case BUNDLE_CHARTER: snprintf(out, size, "charter/%s.json", hex); break;
  case BUNDLE_ORIGIN: snprintf(out, size, "%s/origin", hex); break;
  case BUNDLE_CHECKPOINT: snprintf(out, size, "%s/checkpoint", hex); break;
  case BUNDLE_COSIGNED: snprintf(out, size, "%s/checkpoint.%s", hex, n->party); break;
  case BUNDLE_ENTRIES:
    snprintf(out, size, "%s/entries/%llu-%llu", hex, (unsigned long long)n->start, (unsigned long long)n->end);
    break;
  }
}

/* ---- parley-bundle ---- */

/* The next line without its first word. */
static bool take_line(struct bytes *in, const char *word, struct bytes *out) {
  return bytes_line(in, out) && cut_front(out, word);
}

parley_err bundle_head_parse(struct bundle_head *out, struct bytes in, struct errmsg *e) {
  struct bytes from, to, forum, time;
  *out = (struct bundle_head){0};
  if (!cut_front(&in, "parley/bundle/v1\n"))
    return err_set(e, PARLEY_EINVAL,
                   "parley-bundle does not begin with parley/bundle/v1: it is none, or of another version");
  if (!take_line(&in, "from ", &from) || !take_line(&in, "for ", &to) || !take_line(&in, "forum ", &forum) ||
      !take_line(&in, "time ", &time) || in.n)
    return err_set(e, PARLEY_EINVAL, "parley-bundle is not the five lines of a bundle");
  if (!take_party(out->from, from) || !take_party(out->to, to))
    return err_set(e, PARLEY_EINVAL, "parley-bundle names no parties");
  if (forum.n != HEX || !hex_decode(out->forum, SHA256_SIZE, forum))
    return err_set(e, PARLEY_EINVAL, "parley-bundle names no forum");
  return time_parse(&out->time, time) ? PARLEY_OK : err_set(e, PARLEY_EINVAL, "parley-bundle has no time");
}

void bundle_head_write(struct buf *out, const struct bundle_head *h) {
  char hex[HEX + 1], time[TIME_TEXT_SIZE];
  hex_encode(hex, BYTES(h->forum, SHA256_SIZE));
  time_format(time, h->time);
  buf_fmt(out, "parley/bundle/v1\nfrom %s\nfor %s\nforum %s\ntime %s\n", h->from, h->to, hex, time);
}
