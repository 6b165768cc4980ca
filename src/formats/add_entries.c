/*
 * C2SP tlog-mirror: the binary body of add-entries, entry bundles, and the mirror-info text of 202 and 409 answers.
 * The body is streamed: every reader says EBUSY as long as what it has may be the front of a good body.
 */
#include "base/encoding.h"
#include "formats/text.h"
#include "formats/tlog.h"

#define LENGTH_SIZE 2
#define INFO_MAX 8192

/* ---- reading binary ---- */

struct cursor {
  struct bytes in;
  size_t at;
};

static bool take(struct cursor *c, size_t n, const uint8_t **p) {
  if (c->in.n - c->at < n) return false;
  *p = c->in.p + c->at;
  c->at += n;
  return true;
}

static parley_err too_short(struct errmsg *e) { return err_set(e, PARLEY_EBUSY, "the body is not complete yet"); }

/* A uint16 length and as many bytes. A length over max is refused before the bytes have come. */
static parley_err take_string(struct cursor *c, size_t max, const char *what, struct bytes *out, struct errmsg *e) {
  const uint8_t *p;
  if (!take(c, LENGTH_SIZE, &p)) return too_short(e);
  const size_t n = u16be(p);
  if (n > max) return err_set(e, PARLEY_ELIMIT, "%s has %zu bytes, more than %zu", what, n, max);
  if (!take(c, n, &p)) return too_short(e);
  *out = BYTES(p, n);
  return PARLEY_OK;
}

static void put_string(struct buf *out, struct bytes s) {
  if (s.n > UINT16_MAX) {
    out->failed = true; /* its length does not fit: nothing is better than another body */
    return;
  }
  buf_u16be(out, (uint16_t)s.n);
  buf_bytes(out, s);
}

/* ---- head ---- */

parley_err add_entries_head_parse(struct add_entries_head *out, size_t *used, struct bytes in, struct errmsg *e) {
  struct add_entries_head h;
  struct cursor c = {in, 0};
  const uint8_t *p;
  parley_err err = take_string(&c, ADD_ENTRIES_ORIGIN_MAX, "the log origin", &h.origin, e);
  if (err) return err;
  if (h.origin.n == 0) return err_set(e, PARLEY_EINVAL, "the log origin is empty");
  if (!take(&c, 16, &p)) return too_short(e);
  h.start = u64be(p);
  h.end = u64be(p + 8);
  if (h.end > INT64_MAX) return err_set(e, PARLEY_EINVAL, "upload_end is no tree size (over 2^63 - 1)");
  if (h.start > h.end) return err_set(e, PARLEY_EINVAL, "upload_start is greater than upload_end");
  err = take_string(&c, ADD_ENTRIES_TICKET_MAX, "the ticket", &h.ticket, e);
  if (err) return err;
  *out = h;
  *used = c.at;
  return PARLEY_OK;
}

void add_entries_head_write(struct buf *out, const struct add_entries_head *h) {
  put_string(out, h->origin);
  buf_u64be(out, h->start);
  buf_u64be(out, h->end);
  put_string(out, h->ticket);
}

/* ---- packages ---- */

static parley_err take_proof(struct cursor *c, struct proof *out, struct errmsg *e) {
  const uint8_t *p;
  if (!take(c, 1, &p)) return too_short(e);
  out->n = *p;
  if (out->n > PROOF_MAX)
    return err_set(e, PARLEY_EINVAL, "the package has a proof of %zu hashes, more than %d", out->n, PROOF_MAX);
  for (size_t i = 0; i < out->n; i++) {
    if (!take(c, sizeof out->h[i].b, &p)) return too_short(e);
    for (size_t k = 0; k < sizeof out->h[i].b; k++) out->h[i].b[k] = p[k];
  }
  return PARLEY_OK;
}

parley_err entry_package_parse(struct entry_package *out, size_t *used, struct bytes in, size_t n, size_t entry_max,
                               struct errmsg *e) {
  if (n < 1 || n > MIRROR_PACKAGE_ENTRIES)
    return err_set(e, PARLEY_EINVAL, "a package has 1 to %d entries, not %zu", MIRROR_PACKAGE_ENTRIES, n);
  struct cursor c = {in, 0};
  for (out->n = 0; out->n < n; out->n++) {
    const parley_err err = take_string(&c, entry_max, "an entry", &out->entries[out->n], e);
    if (err) return err;
  }
  const parley_err err = take_proof(&c, &out->proof, e);
  if (err) return err;
  *used = c.at;
  return PARLEY_OK;
}

void entry_package_write(struct buf *out, const struct entry_package *p) {
  if (p->n > MIRROR_PACKAGE_ENTRIES || p->proof.n > PROOF_MAX) {
    out->failed = true;
    return;
  }
  for (size_t i = 0; i < p->n; i++) put_string(out, p->entries[i]);
  buf_u8(out, (uint8_t)p->proof.n);
  for (size_t i = 0; i < p->proof.n; i++) buf_add(out, p->proof.h[i].b, sizeof p->proof.h[i].b);
}

bool entry_bundle_next(struct bytes *rest, struct bytes *entry, bool *bad) {
  *bad = false;
  if (rest->n == 0) return false;
  struct cursor c = {*rest, 0};
  if (take_string(&c, UINT16_MAX, "an entry", entry, NULL)) {
    *bad = true;
    return false;
  }
  *rest = BYTES(rest->p + c.at, rest->n - c.at);
  return true;
}

/* ---- mirror-info ---- */

parley_err mirror_info_parse(struct mirror_info *out, struct arena *a, struct bytes in, struct errmsg *e) {
  struct mirror_info m = {.ticket = BYTES_NONE};
  struct bytes pending, next, ticket;
  if (in.n > INFO_MAX) return err_set(e, PARLEY_ELIMIT, "the mirror's answer has more than %d bytes", INFO_MAX);
  if (!bytes_line(&in, &pending) || !bytes_line(&in, &next) || !bytes_line(&in, &ticket) || in.n > 0)
    return err_set(e, PARLEY_EINVAL, "the mirror's answer is not three lines");
  if (!dec_decode(&m.pending, pending) || !dec_decode(&m.next, next))
    return err_set(e, PARLEY_EINVAL, "the mirror's answer has no decimal tree size and next entry");
  if (ticket.n > 0) {
    const parley_err err = text_base64(&m.ticket, a, ticket);
    if (err == PARLEY_ENOMEM) return err_set(e, err, "out of memory for a mirror's answer");
    if (err) return err_set(e, err, "the ticket in the mirror's answer is not base64");
  }
  if (m.ticket.n > ADD_ENTRIES_TICKET_MAX)
    return err_set(e, PARLEY_ELIMIT, "the ticket of the mirror has more than %d bytes", ADD_ENTRIES_TICKET_MAX);
  *out = m;
  return PARLEY_OK;
}

void mirror_info_write(struct buf *out, const struct mirror_info *m) {
  tlog_size_write(out, m->pending);
  tlog_size_write(out, m->next);
  base64_encode(out, m->ticket, true);
  buf_str(out, "\n");
}
