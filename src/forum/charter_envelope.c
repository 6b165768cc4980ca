#include <stdlib.h>
#include <string.h>

#include "forum/charter.h"
#include "forum/fields.h"

/* An envelope whose signatures are known to belong to members; sigs[i] is member i's, or NULL. */
struct signatures {
  struct charter charter;
  const struct dsse_sig *sigs[FORUM_MEMBERS_MAX];
  size_t n;
};

/* Key ids of all members whose cards are known ("" for the others), and their cards. */
struct signers {
  char keyids[FORUM_MEMBERS_MAX][65];
  const struct card *cards[FORUM_MEMBERS_MAX];
};

static parley_err find_signers(struct signers *out, const struct charter *c, card_lookup lookup, void *ctx,
                               struct errmsg *e) {
  for (size_t i = 0; i < c->n_members; i++) {
    const struct card *card = lookup(ctx, c->members[i].name, c->members[i].fingerprint);
    out->cards[i] = card;
    out->keyids[i][0] = '\0';
    if (card == NULL) continue;
    ed25519_keyid(out->keyids[i], card->statement);
    for (size_t w = 0; w < c->n_witnesses; w++)
      if (memcmp(c->witnesses[w].pub, card->mirror, 32) == 0)
        return err_set(e, PARLEY_EINVAL, "witnesses[%zu]: is the mirror key of %s, a member", w, card->name);
  }
  return PARLEY_OK;
}

/* docs/protocol.md, "Charter": at most one signature a member, in the order of `members` (dsse_parse takes no key twice). */
static parley_err assign(struct signatures *s, const struct dsse *d, struct bytes pae, const struct signers *who,
                         struct errmsg *e) {
  size_t n = s->charter.n_members, next = 0;
  for (size_t i = 0; i < d->n; i++) {
    size_t m = 0;
    while (m < n && strcmp(who->keyids[m], d->sigs[i].keyid) != 0) m++;
    if (m == n)
      return err_set(e, PARLEY_EVERIFY,
                     "signatures[%zu]: key %.16s… is no statement key of a member whose card is known", i,
                     d->sigs[i].keyid);
    const char *name = s->charter.members[m].name;
    if (m < next)
      return err_set(e, PARLEY_EVERIFY,
                     "signatures[%zu]: %s stands too late; signatures follow the order of the members", i, name);
    if (!ed25519_verify(who->cards[m]->statement, d->sigs[i].sig, pae))
      return err_set(e, PARLEY_EVERIFY, "signatures[%zu]: the signature of %s does not verify", i, name);
    s->sigs[m] = &d->sigs[i];
    next = m + 1;
  }
  s->n = d->n;
  return PARLEY_OK;
}

static parley_err read_envelope(struct signatures **out, struct arena *a, struct bytes envelope, card_lookup lookup,
                                void *ctx, struct errmsg *e) {
  struct dsse d;
  struct bytes pae;
  struct signatures *s = arena_alloc(a, sizeof *s);
  struct signers *who = arena_alloc(a, sizeof *who);
  if (s == NULL || who == NULL) return err_set(e, PARLEY_ENOMEM, "out of memory while reading a charter");
  parley_err err = fields_envelope(&d, a, envelope, CHARTER_SIZE_MAX, CHARTER_TYPE, e);
  if (err != PARLEY_OK) return err_prefix(e, err, "charter");
  err = charter_parse(&s->charter, a, d.payload, e);
  if (err != PARLEY_OK) return err;
  err = find_signers(who, &s->charter, lookup, ctx, e);
  if (err == PARLEY_OK) err = fields_pae(&pae, a, &d, e);
  if (err == PARLEY_OK) err = assign(s, &d, pae, who, e);
  *out = s;
  return err == PARLEY_OK ? err : err_prefix(e, err, "charter");
}

parley_err charter_envelope_parse(struct charter *out, bool signed_by[static FORUM_MEMBERS_MAX], bool *complete,
                                  struct arena *a, struct bytes envelope, card_lookup lookup, void *ctx,
                                  struct errmsg *e) {
  struct signatures *s;
  parley_err err = read_envelope(&s, a, envelope, lookup, ctx, e);
  if (err != PARLEY_OK) return err;
  *out = s->charter;
  for (size_t i = 0; i < FORUM_MEMBERS_MAX; i++) signed_by[i] = s->sigs[i] != NULL;
  *complete = s->n == s->charter.n_members;
  return PARLEY_OK;
}

/* Appends the envelope of the signatures that are there, in the order of the members. */
static parley_err write_envelope(struct buf *out, struct bytes payload, const struct dsse_sig *const *sigs, size_t n,
                                 struct errmsg *e) {
  size_t before = out->n;
  struct dsse d = {.type = bytes_str(CHARTER_TYPE), .payload = payload};
  d.sigs = calloc(n > 0 ? n : 1, sizeof *d.sigs);
  if (d.sigs == NULL) return err_set(e, PARLEY_ENOMEM, "out of memory while writing a charter");
  for (size_t i = 0; i < n; i++)
    if (sigs[i] != NULL) d.sigs[d.n++] = *sigs[i];
  dsse_write(out, &d);
  free(d.sigs);
  if (!buf_ok(out)) return err_set(e, PARLEY_ENOMEM, "out of memory while writing a charter");
  size_t size = out->n - before;
  if (size > CHARTER_SIZE_MAX) {
    out->n = before;
    return err_set(e, PARLEY_ELIMIT, "the charter's envelope would have %zu bytes, allowed are %d", size,
                   CHARTER_SIZE_MAX);
  }
  return PARLEY_OK;
}

static parley_err sign_payload(struct dsse_sig *out, struct bytes payload, const struct ed25519_key *key,
                               struct errmsg *e) {
  struct buf pae = {0};
  dsse_pae(&pae, bytes_str(CHARTER_TYPE), payload);
  bool ok = buf_ok(&pae);
  if (ok) {
    ed25519_keyid(out->keyid, ed25519_public(key));
    ed25519_sign(out->sig, key, buf_view(&pae));
  }
  buf_free(&pae);
  return ok ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory while signing a charter");
}

parley_err charter_sign(struct buf *out, struct bytes in, struct bytes payload, const char *member,
                        const struct ed25519_key *statement_key, card_lookup lookup, void *ctx, struct arena *a,
                        struct errmsg *e) {
  struct signatures *s = arena_alloc(a, sizeof *s);
  if (s == NULL) return err_set(e, PARLEY_ENOMEM, "out of memory while signing a charter");
  parley_err err = in.n > 0 ? read_envelope(&s, a, in, lookup, ctx, e) : charter_parse(&s->charter, a, payload, e);
  if (err != PARLEY_OK) return err;
  if (!bytes_eq(s->charter.payload, payload))
    return err_set(e, PARLEY_ECONFLICT, "the envelope is over another charter than the one to sign");
  const struct charter_member *m = charter_member(&s->charter, member);
  if (m == NULL) return err_set(e, PARLEY_EREFUSED, "%.64s is no member of this charter and cannot sign it", member);
  const struct card *card = lookup(ctx, m->name, m->fingerprint);
  if (card == NULL)
    return err_set(e, PARLEY_ENOTFOUND, "the card of %s that the charter names is not at hand", m->name);
  if (memcmp(card->statement, ed25519_public(statement_key), 32) != 0)
    return err_set(e, PARLEY_EINVAL, "the key is not the statement key in the card of %s that the charter names",
                   m->name);
  struct dsse_sig ours;
  err = sign_payload(&ours, payload, statement_key, e);
  if (err != PARLEY_OK) return err;
  s->sigs[m - s->charter.members] = &ours;
  return write_envelope(out, payload, s->sigs, s->charter.n_members, e);
}

parley_err charter_merge(struct buf *out, struct bytes a_env, struct bytes b_env, card_lookup lookup, void *ctx,
                         struct arena *a, struct errmsg *e) {
  struct signatures *first, *second;
  parley_err err = read_envelope(&first, a, a_env, lookup, ctx, e);
  if (err == PARLEY_OK) err = read_envelope(&second, a, b_env, lookup, ctx, e);
  if (err != PARLEY_OK) return err;
  if (!bytes_eq(first->charter.payload, second->charter.payload))
    return err_set(e, PARLEY_ECONFLICT, "the two envelopes are over different charters");
  for (size_t i = 0; i < first->charter.n_members; i++)
    if (first->sigs[i] == NULL) first->sigs[i] = second->sigs[i];
  return write_envelope(out, first->charter.payload, first->sigs, first->charter.n_members, e);
}
