/*
 * The charter in an evidence pack. What ties it to the rest are digests: the statement names the digest of the version in
 * force, each version those that it replaces, and the first one's is the forum's id.
 */
#include <string.h>

#include "forum/versions.h"
#include "record/pack_parts.h"

struct signed_version {
  struct pack_file_name file;
  struct charter *charter;
  const struct card *cards[FORUM_MEMBERS_MAX]; /* that the version names and the pack has; NULL: it has not */
  bool signed_by[FORUM_MEMBERS_MAX];           /* of those */
  size_t n_others;                             /* signatures of members whose cards are not at hand */
};

/* ---- signatures ---- */

static size_t find_cards(struct signed_version *v, const struct pack_cards *cards) {
  size_t missing = 0;
  for (size_t i = 0; i < v->charter->n_members; i++) {
    const struct charter_member *m = &v->charter->members[i];
    const struct pack_run run = pack_run(cards, m->name);
    const size_t named = pack_run_find(run, m->fingerprint);
    v->cards[i] = named < run.n ? run.list[named] : NULL;
    missing += v->cards[i] == NULL;
  }
  return missing;
}

static size_t signer(const struct signed_version *v, const struct dsse *d, size_t i) {
  size_t m = 0;
  char keyid[65];
  for (; m < v->charter->n_members; m++) {
    if (v->cards[m] == NULL) continue;
    ed25519_keyid(keyid, v->cards[m]->statement);
    if (strcmp(keyid, d->sigs[i].keyid) == 0) break;
  }
  return m;
}

/*
 * The signature of a member whose card is not at hand is taken as it is: in a large forum a pack does not hold all cards,
 * and the digest of the payload, which author and addressees signed, is what counts.
 */
static parley_err read_signatures(struct signed_version *v, const struct dsse *d, struct errmsg *e) {
  size_t next = 0;
  for (size_t i = 0; i < d->n; i++) {
    const size_t m = signer(v, d, i);
    if (m == v->charter->n_members) {
      v->n_others++;
      continue;
    }
    if (m < next)
      return err_set(e, PARLEY_EVERIFY, "signature %zu, of %s, stands too late: they follow the order of the members",
                     i + 1, v->charter->members[m].name);
    const parley_err rc = dsse_signed_by(d, i, v->cards[m]->statement);
    if (rc == PARLEY_ENOMEM) return err_set(e, rc, "out of memory");
    if (rc != PARLEY_OK)
      return err_set(e, PARLEY_EVERIFY, "signature %zu is not one of %s", i + 1, v->charter->members[m].name);
    v->signed_by[m] = true;
    next = m + 1;
  }
  return PARLEY_OK;
}

static parley_err envelope_check(struct signed_version *v, struct arena *a, struct bytes data,
                                 const struct pack_cards *cards, struct errmsg *e) {
  struct dsse d;
  parley_err rc = dsse_parse(&d, a, data, CHARTER_SIZE_MAX, e);
  if (rc != PARLEY_OK) return rc;
  if (!bytes_is(d.type, CHARTER_TYPE)) return err_set(e, PARLEY_EINVAL, "payloadType is not %s", CHARTER_TYPE);
  rc = charter_parse(v->charter, a, d.payload, e);
  if (rc != PARLEY_OK) return rc;
  const size_t missing = find_cards(v, cards);
  rc = read_signatures(v, &d, e);
  if (rc == PARLEY_OK && v->n_others > missing)
    rc = err_set(e, PARLEY_EVERIFY, "%zu signatures are by nobody that the charter names", v->n_others - missing);
  return rc;
}

static parley_err version_read(struct signed_version *v, struct arena *a, const struct pack *p,
                               const struct pack_cards *cards, struct errmsg *e) {
  const struct pack_file *f;
  parley_err rc = pack_need(&f, p, v->file.text, e);
  if (rc != PARLEY_OK) return rc;
  v->charter = arena_alloc(a, sizeof *v->charter);
  if (v->charter == NULL) return err_set(e, PARLEY_ENOMEM, "out of memory while reading %s", f->name);
  rc = envelope_check(v, a, f->data, cards, e);
  return rc == PARLEY_OK ? rc : err_prefix(e, rc, "%s", f->name);
}

/* ---- completeness: docs/protocol.md, "New versions", as far as the pack can tell ---- */

/* How many have signed of those that are counted: others may be whose cards are not at hand, as far as there are signatures for them. */
struct count {
  size_t all, known, unknown;
};

static void count_one(struct count *k, const struct signed_version *v, const struct charter_member *m) {
  const size_t i = (size_t)(m - v->charter->members);
  k->all++;
  if (v->cards[i] == NULL) k->unknown++;
  k->known += v->signed_by[i];
}

static bool reaches(const struct count *k, size_t need, const struct signed_version *v) {
  const size_t others = k->unknown < v->n_others ? k->unknown : v->n_others;
  return k->known + others >= need;
}

static bool demand_met(const struct charter *p, const struct signed_version *v) {
  struct count stay = {0};
  size_t voters = 0;
  for (size_t i = 0; i < p->n_members; i++) {
    if (!member_role_votes(p->members[i].role)) continue;
    const struct charter_member *m = charter_member(v->charter, p->members[i].name);
    voters++;
    if (m != NULL) count_one(&stay, v, m);
  }
  const bool fewer = strcmp(p->adoption, "threshold") == 0 && (size_t)p->threshold < stay.all;
  return stay.all > 0 && 2 * stay.all >= voters && reaches(&stay, fewer ? (size_t)p->threshold : stay.all, v);
}

/* With respect to the versions of the pack before it; the first needs all. */
static parley_err complete_check(const struct signed_version *v, size_t at, struct errmsg *e) {
  const struct signed_version *x = &v[at];
  struct count admitted = {0};
  bool met = true;
  for (size_t i = 0; i < x->charter->n_members; i++) {
    bool before = false;
    for (size_t k = 0; k < at && !before; k++)
      before = version_lists(x->charter, v[k].charter->digest) &&
               charter_member(v[k].charter, x->charter->members[i].name) != NULL;
    if (!before) count_one(&admitted, x, &x->charter->members[i]);
  }
  for (size_t k = 0; k < at && met; k++)
    if (version_lists(x->charter, v[k].charter->digest)) met = demand_met(v[k].charter, x);
  if (met && reaches(&admitted, admitted.all, x)) return PARLEY_OK;
  return err_set(e, PARLEY_EVERIFY, "%s: the charter is not complete: it has not the signatures that it needs",
                 x->file.text);
}

/* Files charter.<k>.json, whatever their numbers: version_read then finds the gap. */
static size_t predecessors(const struct pack *p) {
  size_t n = 0;
  for (size_t i = 0; i < p->n; i++)
    n += strncmp(p->files[i].name, "charter.", 8) == 0 && strcmp(p->files[i].name, PACK_CHARTER) != 0;
  return n;
}

/* Every version but the last is replaced by a later one; seen from the end, so that the file that was changed is named. */
static parley_err all_replaced(const struct signed_version *v, size_t n, struct errmsg *e) {
  for (size_t i = n - 1; i-- > 0;) {
    bool found = false;
    for (size_t k = i + 1; k < n && !found; k++) found = version_lists(v[k].charter, v[i].charter->digest);
    if (!found)
      return err_set(e, PARLEY_EVERIFY,
                     "%s: no later version says that it replaces this one; %s is missing or one of them was changed",
                     v[i].file.text, pack_charter_file(i + 1).text);
  }
  return PARLEY_OK;
}

/* Each later version replaces an earlier one of the pack, and is complete by what that demands. Others that it lists count as open proposals. */
static parley_err all_known(const struct signed_version *v, size_t n, struct errmsg *e) {
  for (size_t i = 1; i < n; i++) {
    size_t known = 0;
    for (size_t k = 0; k < i; k++) known += version_lists(v[i].charter, v[k].charter->digest);
    if (known == 0)
      return err_set(e, PARLEY_EVERIFY, "%s: a version that it replaces is not in the pack before it", v[i].file.text);
  }
  parley_err rc = PARLEY_OK;
  for (size_t i = 0; i < n && rc == PARLEY_OK; i++) rc = complete_check(v, i, e);
  return rc;
}

static parley_err chain_check(const struct signed_version *v, size_t n, const struct statement *s, struct errmsg *e) {
  const struct signed_version *first = &v[0], *last = &v[n - 1];
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

/* In a forum of two both signatures can be checked. */
static parley_err both_at_hand(const struct signed_version *v, struct errmsg *e) {
  for (size_t i = 0; v->charter->n_members == 2 && i < 2; i++)
    if (v->cards[i] == NULL)
      return err_set(e, PARLEY_EVERIFY,
                     "%s: the signature of %s cannot be checked: the pack has not the card that the charter names",
                     v->file.text, v->charter->members[i].name);
  return PARLEY_OK;
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
  struct signed_version *v = arena_alloc(a, n * sizeof *v);
  if (v == NULL) return err_set(e, PARLEY_ENOMEM, "out of memory while reading the charter");
  parley_err rc = PARLEY_OK;
  for (size_t i = 0; i < n && rc == PARLEY_OK; i++) {
    v[i].file = i + 1 < n ? pack_charter_file(i) : (struct pack_file_name){PACK_CHARTER};
    rc = version_read(&v[i], a, p, cards, e);
  }
  if (rc == PARLEY_OK) rc = chain_check(v, n, s, e);
  if (rc == PARLEY_OK) rc = both_at_hand(&v[n - 1], e);
  if (rc == PARLEY_OK) rc = members_check(v[n - 1].charter, cards, e);
  if (rc == PARLEY_OK) *out = v[n - 1].charter;
  return rc;
}
