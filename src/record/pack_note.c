/*
 * Notes, policies and consistency proofs in the one form that an evidence pack holds them in.
 */
#include <string.h>

#include "base/encoding.h"
#include "record/pack_parts.h"

static parley_err no_memory(struct errmsg *e) {
  return err_set(e, PARLEY_ENOMEM, "out of memory while reading an evidence pack");
}

static parley_err taken(struct bytes *out, struct arena *a, struct buf *b, struct errmsg *e) {
  if (!buf_ok(b)) {
    buf_free(b);
    return no_memory(e);
  }
  *out = arena_take(a, b);
  return out->p == NULL ? no_memory(e) : PARLEY_OK;
}

/* Sets the epoch and writes the origin that a log of this party in this forum has. */
static parley_err origin_check(struct pack_note *out, char origin[static ORIGIN_MAX + 1], const char *party,
                               const uint8_t forum[static SHA256_SIZE], bool bulk, struct errmsg *e) {
  char name[PARTY_NAME_MAX + 1];
  uint8_t id[SHA256_SIZE];
  bool is_bulk;
  const struct bytes text = out->checkpoint.origin;
  if (!log_origin_parse(name, id, &out->epoch, &is_bulk, text))
    return err_set(e, PARLEY_EINVAL, "the origin of the checkpoint is not that of a log of a forum");
  log_origin(origin, party, forum, out->epoch, bulk);
  if (!bytes_is(text, origin)) return err_set(e, PARLEY_EVERIFY, "the checkpoint is of another log than %s", origin);
  return PARLEY_OK;
}

/* The vkey of card number i of a run: of its log in this origin, or, without an origin, of its mirror. */
static parley_err run_vkey(struct vkey *out, struct pack_run run, size_t i, const char *origin, struct errmsg *e) {
  return origin != NULL ? card_log_vkey(out, run.list[i], origin, e) : card_mirror_vkey(out, run.list[i], e);
}

/*
 * Copies one signature of a party: that of the newest of its cards that signed. A key that stays in several cards counts
 * as that of the newest, which is met first.
 */
static parley_err sig_copy(struct buf *out, struct vkey *k, size_t *which, int64_t *time, const struct note *n,
                           struct pack_run run, const char *origin, struct errmsg *e) {
  for (size_t i = run.n; i-- > 0;) {
    size_t line;
    parley_err rc = run_vkey(k, run, i, origin, e);
    if (rc == PARLEY_OK) rc = note_verify(n, k, time, &line, e);
    if (rc == PARLEY_ENOTFOUND) continue;
    if (rc != PARLEY_OK) return err_prefix(e, rc, "signature of %s", k->name);
    *which = i;
    note_sig_line(out, k, n->sigs[line].sig);
    return PARLEY_OK;
  }
  return err_set(e, PARLEY_EVERIFY, "the checkpoint does not carry the signature of %s", k->name);
}

static parley_err rewrite(struct pack_note *out, struct arena *a, const struct note *n, const struct pack_parties *who,
                          const char *origin, struct errmsg *e) {
  struct buf b = {0};
  checkpoint_text(&b, origin, out->checkpoint.size, &out->checkpoint.root);
  buf_str(&b, "\n");
  parley_err rc = sig_copy(&b, &out->signers.log, &out->log_card, NULL, n, who->from, origin, e);
  for (size_t i = 0; i < who->n_to && rc == PARLEY_OK; i++)
    rc = sig_copy(&b, &out->signers.mirrors[i], &out->cards[i], &out->times[i], n, who->to[i], NULL, e);
  out->signers.n = who->n_to;
  if (rc == PARLEY_OK) return taken(&out->text, a, &b, e);
  buf_free(&b);
  return rc;
}

parley_err pack_note_read(struct pack_note *out, struct arena *a, struct bytes note, const struct pack_parties *who,
                          const uint8_t forum[static SHA256_SIZE], bool bulk, struct errmsg *e) {
  *out = (struct pack_note){0};
  struct note n;
  if (who->n_to > PACK_COSIGNERS_MAX)
    return err_set(e, PARLEY_ELIMIT, "a note has room for %d cosignatures", PACK_COSIGNERS_MAX);
  char origin[ORIGIN_MAX + 1];
  parley_err rc = note_parse(&n, a, note, e);
  if (rc == PARLEY_OK) rc = checkpoint_parse(&out->checkpoint, n.text, e);
  if (rc == PARLEY_OK) rc = origin_check(out, origin, who->from.list[0]->name, forum, bulk, e);
  if (rc == PARLEY_OK) rc = rewrite(out, a, &n, who, origin, e);
  return rc;
}

parley_err pack_policy_text(struct bytes *out, struct arena *a, const struct pack_signers *signers, struct errmsg *e) {
  struct buf b = {0};
  tlog_policy_write(&b, &signers->log, signers->mirrors, signers->n);
  return taken(out, a, &b, e);
}

static void hash_line(struct buf *out, const struct hash *h) {
  base64_encode(out, BYTES(h->b, sizeof h->b), true);
  buf_str(out, "\n");
}

parley_err pack_consistency_text(struct bytes *out, struct arena *a, const struct hash *old, const struct proof *proof,
                                 struct errmsg *e) {
  struct buf b = {0};
  hash_line(&b, old);
  for (size_t i = 0; i < proof->n; i++) hash_line(&b, &proof->h[i]);
  return taken(out, a, &b, e);
}

parley_err pack_hashes_parse(struct hash *out, size_t *n, size_t max, struct bytes text, struct errmsg *e) {
  struct bytes line;
  for (*n = 0; text.n > 0; (*n)++) {
    if (*n == max) return err_set(e, PARLEY_EINVAL, "the file has more than %zu lines", max);
    if (!bytes_line(&text, &line) || !base64_decode_fixed(out[*n].b, sizeof out->b, line, true))
      return err_set(e, PARLEY_EINVAL, "line %zu is not a hash in base64", *n + 1);
  }
  return PARLEY_OK;
}
