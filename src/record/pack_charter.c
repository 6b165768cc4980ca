/*
 * The charter in an evidence pack. What ties it to the rest are digests: the statement names the digest of the version in
 * force, each version those that it replaces, and the first one's is the forum's id.
 */
#include <string.h>

#include "record/pack_parts.h"

struct version {
  struct pack_file_name file;
  struct charter *charter;
};

/*
 * The signature of a member whose card is not at hand is taken as it is: in a large forum a pack does not hold all cards,
 * and the digest of the payload, which author and addressees signed, is what counts. In a forum of two all are at hand.
 */
static parley_err signature_check(const struct charter *c, const struct dsse *d, size_t i,
                                  const struct pack_cards *cards, struct errmsg *e) {
  const struct charter_member *m = &c->members[i];
  const struct pack_run run = pack_run(cards, m->name);
  const size_t named = pack_run_find(run, m->fingerprint);
  if (named < run.n) {
    const parley_err rc = dsse_signed_by(d, i, run.list[named]->statement);
    if (rc == PARLEY_ENOMEM) return err_set(e, rc, "out of memory");
    if (rc == PARLEY_OK) return rc;
    return err_set(e, PARLEY_EVERIFY, "signature %zu is not one of %s", i + 1, m->name);
  }
  if (c->n_members == 2)
    return err_set(e, PARLEY_EVERIFY,
                   "the signature of %s cannot be checked: the pack has not the card that the charter names", m->name);
  return PARLEY_OK;
}

static parley_err envelope_check(struct charter *out, struct arena *a, struct bytes data,
                                 const struct pack_cards *cards, struct errmsg *e) {
  struct dsse d;
  parley_err rc = dsse_parse(&d, a, data, CHARTER_SIZE_MAX, e);
  if (rc != PARLEY_OK) return rc;
  if (!bytes_is(d.type, CHARTER_TYPE)) return err_set(e, PARLEY_EINVAL, "payloadType is not %s", CHARTER_TYPE);
  rc = charter_parse(out, a, d.payload, e);
  if (rc != PARLEY_OK) return rc;
  if (d.n != out->n_members)
    return err_set(e, PARLEY_EVERIFY, "%zu signatures for %zu members: the charter is not complete", d.n,
                   out->n_members);
  for (size_t i = 0; i < d.n && rc == PARLEY_OK; i++) rc = signature_check(out, &d, i, cards, e);
  return rc;
}

static parley_err version_read(struct version *v, struct arena *a, const struct pack *p, const struct pack_cards *cards,
                               struct errmsg *e) {
  const struct pack_file *f;
  parley_err rc = pack_need(&f, p, v->file.text, e);
  if (rc != PARLEY_OK) return rc;
  v->charter = arena_alloc(a, sizeof *v->charter);
  if (v->charter == NULL) return err_set(e, PARLEY_ENOMEM, "out of memory while reading %s", f->name);
  rc = envelope_check(v->charter, a, f->data, cards, e);
  return rc == PARLEY_OK ? rc : err_prefix(e, rc, "%s", f->name);
}

/* Files charter.<k>.json, whatever their numbers: version_read then finds the gap. */
static size_t predecessors(const struct pack *p) {
  size_t n = 0;
  for (size_t i = 0; i < p->n; i++)
    n += strncmp(p->files[i].name, "charter.", 8) == 0 && strcmp(p->files[i].name, PACK_CHARTER) != 0;
  return n;
}

static bool replaces(const struct charter *c, const uint8_t digest[static SHA256_SIZE]) {
  for (size_t i = 0; i < c->n_replaces; i++)
    if (memcmp(c->replaces[i], digest, SHA256_SIZE) == 0) return true;
  return false;
}

/* Every version but the last is replaced by a later one; seen from the end, so that the file that was changed is named. */
static parley_err all_replaced(const struct version *v, size_t n, struct errmsg *e) {
  for (size_t i = n - 1; i-- > 0;) {
    bool found = false;
    for (size_t k = i + 1; k < n && !found; k++) found = replaces(v[k].charter, v[i].charter->digest);
    if (!found)
      return err_set(e, PARLEY_EVERIFY,
                     "%s: no later version says that it replaces this one; %s is missing or one of them was changed",
                     v[i].file.text, pack_charter_file(i + 1).text);
  }
  return PARLEY_OK;
}

/* Every version that a version replaces is an earlier one of the pack. */
static parley_err all_known(const struct version *v, size_t n, struct errmsg *e) {
  for (size_t i = 1; i < n; i++) {
    size_t known = 0;
    for (size_t k = 0; k < i; k++) known += replaces(v[i].charter, v[k].charter->digest);
    if (known == 0 || known != v[i].charter->n_replaces)
      return err_set(e, PARLEY_EVERIFY, "%s: a version that it replaces is not in the pack before it", v[i].file.text);
  }
  return PARLEY_OK;
}

static parley_err chain_check(const struct version *v, size_t n, const struct statement *s, struct errmsg *e) {
  const struct version *first = &v[0], *last = &v[n - 1];
  if (memcmp(last->charter->digest, s->charter, SHA256_SIZE) != 0)
    return err_set(e, PARLEY_EVERIFY, "%s: its digest is not the one that %s names as `charter`", last->file.text,
                   PACK_ENTRY);
  const parley_err rc = all_replaced(v, n, e);
  if (rc != PARLEY_OK) return rc;
  if (first->charter->n_replaces > 0)
    return err_set(e, PARLEY_EVERIFY,
                   "%s: it replaces an earlier version, which is missing from the pack (charter.0.json …)",
                   first->file.text);
  if (memcmp(first->charter->digest, s->forum, SHA256_SIZE) != 0)
    return err_set(e, PARLEY_EVERIFY, "%s: its digest is not the one that %s names as `forum`", first->file.text,
                   PACK_ENTRY);
  return all_known(v, n, e);
}

/* Of each party of the pack the card that the charter cited names is there. */
static parley_err members_check(const struct charter *c, const struct pack_cards *cards, struct errmsg *e) {
  for (size_t i = 0; i < cards->n;) {
    const char *party = cards->list[i]->name;
    const struct pack_run run = pack_run(cards, party);
    const struct charter_member *m = charter_member(c, party);
    if (m == NULL)
      return err_set(e, PARLEY_EVERIFY, "%s: %s is no member by %s", pack_card_file(party).text, party, PACK_CHARTER);
    if (pack_run_find(run, m->fingerprint) == run.n)
      return err_set(e, PARLEY_EVERIFY, "%s: %s names another card of %s, which is not in the pack",
                     pack_card_file(party).text, PACK_CHARTER, party);
    i += run.n;
  }
  return PARLEY_OK;
}

parley_err pack_charter_verify(const struct charter **out, struct arena *a, const struct pack *p,
                               const struct statement *s, const struct pack_cards *cards, struct errmsg *e) {
  const size_t n = predecessors(p) + 1;
  struct version *v = arena_alloc(a, n * sizeof *v);
  if (v == NULL) return err_set(e, PARLEY_ENOMEM, "out of memory while reading the charter");
  parley_err rc = PARLEY_OK;
  for (size_t i = 0; i < n && rc == PARLEY_OK; i++) {
    v[i].file = i + 1 < n ? pack_charter_file(i) : (struct pack_file_name){PACK_CHARTER};
    rc = version_read(&v[i], a, p, cards, e);
  }
  if (rc == PARLEY_OK) rc = chain_check(v, n, s, e);
  if (rc == PARLEY_OK) rc = members_check(v[n - 1].charter, cards, e);
  if (rc == PARLEY_OK) *out = v[n - 1].charter;
  return rc;
}
