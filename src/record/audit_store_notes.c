/*
 * What the store holds of signed trees, for an audit: checkpoints of one log, and the cosignatures that it was given.
 */
#include <inttypes.h>
#include <string.h>

#include "forum/card.h"
#include "record/audit_store.h"
#include "record/mirror_state.h"

/* ---- checkpoints of one log ---- */

static parley_err put_note(struct audit_listing *l, const char *what, struct bytes note) {
  struct buf item = {0};
  buf_fmt(&item, "%s\n", what);
  buf_bytes(&item, note);
  const parley_err err = buf_ok(&item) ? audit_store_item(l, buf_view(&item)) : PARLEY_ENOMEM;
  buf_free(&item);
  return err == PARLEY_EBUSY ? PARLEY_OK : err; /* at most a dozen notes of one log: one page */
}

/* A record that cannot be read at all is an item without a note. */
static parley_err put_mirror_notes(struct audit_listing *l, const char *origin, struct errmsg *e) {
  struct mirror_record r = {0};
  parley_err err = mirror_record_load(&r, l->s, origin, e);
  if (err == PARLEY_ENOTFOUND) return PARLEY_OK;
  if (err == PARLEY_EIO) return put_note(l, "the mirror's record, which cannot be read", BYTES_NONE);
  for (size_t i = 0; !err && i < r.n; i++) err = put_note(l, "a pending checkpoint", r.pending[i].note);
  if (!err && r.has_own) err = put_note(l, "the mirror checkpoint", r.own.note);
  mirror_record_free(&r);
  return err;
}

/* The first checkpoint under a new log key: serial and size, each on a line, then the note. */
static parley_err put_first_note(struct audit_listing *l, const char *origin, struct errmsg *e) {
  struct arena a = {0};
  struct buf key = {0};
  struct bytes v, line;
  buf_fmt(&key, "cn/%s", origin);
  parley_err err = audit_store_value(l->s, STORE_PEERS, &key, &a, &v, e);
  if (!err && bytes_line(&v, &line) && bytes_line(&v, &line))
    err = put_note(l, "the first checkpoint under a new key", v);
  arena_free(&a);
  return err == PARLEY_ENOTFOUND ? PARLEY_OK : err;
}

/* "n/<origin>\n<party>": the newest that another mirror has cosigned of a log that is not ours. */
static parley_err put_carried(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  (void)key, (void)e;
  return put_note(ctx, "a checkpoint that another mirror cosigned", v);
}

static parley_err put_carried_notes(struct audit_listing *l, const char *origin, struct errmsg *e) {
  struct buf prefix = {0};
  buf_fmt(&prefix, "n/%s\n", origin);
  const parley_err err = buf_ok(&prefix)
                             ? store_scan(l->s, STORE_PEERS, buf_view(&prefix), BYTES_NONE, false, put_carried, l, e)
                             : audit_store_no_memory(e);
  buf_free(&prefix);
  return err;
}

parley_err audit_store_notes(struct audit_listing *l, const char *origin, struct errmsg *e) {
  parley_err err = put_mirror_notes(l, origin, e);
  if (!err) err = put_first_note(l, origin, e);
  return err ? err : put_carried_notes(l, origin, e);
}

/* ---- cosignatures: "c/<origin>\n<party>\n<size>", "wc/…" of witnesses; time, line of the log, cosignature ---- */

static parley_err list_cosignature(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct audit_listing *l = ctx;
  struct bytes time, party = BYTES(key.p + l->skip, key.n - l->skip);
  if (party.n < 10 || party.p[party.n - 9] != '\n') return PARLEY_OK;
  const uint64_t size = u64be(party.p + party.n - 8);
  struct buf item = {0};
  buf_add(&item, party.p, party.n - 9);
  buf_fmt(&item, " %" PRIu64 "\n", size);
  if (bytes_line(&v, &time)) buf_bytes(&item, v);
  const parley_err err = buf_ok(&item) ? PARLEY_OK : audit_store_no_memory(e);
  if (!err) audit_item_put(l->out, buf_view(&item));
  buf_free(&item);
  if (err) return err;
  return l->out->n - l->before >= AUDIT_PAGE_MAX ? PARLEY_EBUSY : PARLEY_OK;
}

parley_err audit_store_cosignatures(struct audit_listing *l, const char *table, const char *name, struct errmsg *e) {
  char party[AUDIT_COSIGNER_MAX + 1];
  uint64_t size;
  struct buf prefix = {0}, after = {0};
  if (!audit_store_word(&name, party, sizeof party) || !audit_store_number(&name, &size))
    return audit_store_no_such(name, e);
  buf_fmt(&prefix, "%s/%s\n", table, name);
  if (strcmp(party, "-") != 0) {
    buf_bytes(&after, buf_view(&prefix));
    buf_fmt(&after, "%s\n", party);
    buf_u64be(&after, size);
  }
  l->skip = prefix.n; /* where the party begins in a key */
  const parley_err err = buf_ok(&prefix) && buf_ok(&after) ? store_scan(l->s, STORE_PEERS, buf_view(&prefix),
                                                                        buf_view(&after), false, list_cosignature, l, e)
                                                           : audit_store_no_memory(e);
  buf_free(&prefix);
  buf_free(&after);
  return err;
}
