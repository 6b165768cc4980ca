/*
 * The versions that a log has opened, and judging its statements by them (docs/protocol.md, "New versions").
 * Stored among STORE_PEERS: "v/<origin>": for each opening in the order of the log a line "<digest> <index>".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/json_load.h"
#include "node/epoch_end.h"

#define RUN_PARTS_MAX 64

/* ---- what a log has opened ---- */

parley_err openings_add(struct openings *o, const uint8_t digest[static SHA256_SIZE], uint64_t index,
                        struct errmsg *e) {
  if (o->n == o->cap) {
    const size_t cap = o->cap ? 2 * o->cap : 4;
    struct opened *grown = realloc(o->list, cap * sizeof *grown);
    if (!grown) return err_set(e, PARLEY_ENOMEM, "out of memory");
    o->list = grown;
    o->cap = cap;
  }
  memcpy(o->list[o->n].digest, digest, SHA256_SIZE);
  o->list[o->n++].index = index;
  return PARLEY_OK;
}

/* Place of the latest opening of a version below the index, or o->n. */
static size_t opened_last(const struct openings *o, const uint8_t digest[static SHA256_SIZE], uint64_t below) {
  for (size_t i = o->n; i-- > 0;)
    if (o->list[i].index < below && !memcmp(o->list[i].digest, digest, SHA256_SIZE)) return i;
  return o->n;
}

bool openings_have(const struct openings *o, const uint8_t digest[static SHA256_SIZE]) {
  for (size_t i = 0; i < o->n; i++)
    if (!memcmp(o->list[i].digest, digest, SHA256_SIZE)) return true;
  return false;
}

static void key_opened(struct buf *k, const char *origin) { buf_fmt(k, "v/%s", origin); }

parley_err openings_save(struct node *n, const char *origin, const struct openings *o, struct errmsg *e) {
  struct buf k = {0}, v = {0};
  key_opened(&k, origin);
  for (size_t i = 0; i < o->n; i++) {
    char hex[65];
    hex_encode(hex, BYTES(o->list[i].digest, SHA256_SIZE));
    buf_fmt(&v, "%s %" PRIu64 "\n", hex, o->list[i].index);
  }
  parley_err r = buf_ok(&k) && buf_ok(&v) ? store_put(n->env.store, STORE_PEERS, buf_view(&k), buf_view(&v), e)
                                          : err_set(e, PARLEY_ENOMEM, "out of memory");
  buf_free(&k);
  buf_free(&v);
  return r;
}

static parley_err openings_parse(struct openings *o, struct bytes v, const char *origin, struct errmsg *e) {
  struct bytes line;
  uint8_t digest[SHA256_SIZE];
  uint64_t index;
  parley_err r = PARLEY_OK;
  while (!r && bytes_line(&v, &line)) {
    if (line.n < 66 || line.p[64] != ' ' || !hex_decode(digest, SHA256_SIZE, BYTES(line.p, 64)) ||
        !dec_decode(&index, BYTES(line.p + 65, line.n - 65)))
      return err_set(e, PARLEY_EIO, "what is stored about the versions in %s is damaged", origin);
    r = openings_add(o, digest, index, e);
  }
  return r;
}

/* What one entry opens when nothing is stored of its log: it may have been written before versions were. */
static parley_err read_head(struct openings *o, struct copy *c, uint64_t index, bool *more, struct errmsg *e) {
  struct arena a = {0};
  struct bytes entry;
  struct statement s = {0};
  struct dsse d;
  *more = false;
  parley_err r = copy_entry(c, index, &a, &entry, e);
  if (!r && statement_parse(&s, &a, entry, &d, NULL) == PARLEY_OK) {
    const bool run = !strcmp(s.kind, "forum.charter");
    const json_int_t part = run ? json_integer_value(json_object_get(s.body, "part")) : 0,
                     parts = run ? json_integer_value(json_object_get(s.body, "parts")) : 0;
    *more = !strcmp(s.kind, "forum.card") || !strcmp(s.kind, "forum.epoch") || (run && part + 1 < parts);
    if (run && part + 1 == parts) r = openings_add(o, s.charter, index, e);
  }
  statement_clear(&s);
  arena_free(&a);
  return r;
}

parley_err openings_load(struct node *n, const char *origin, struct copy *c, uint64_t upto, struct openings *o,
                         struct errmsg *e) {
  struct buf k = {0};
  struct arena a = {0};
  struct bytes v;
  key_opened(&k, origin);
  parley_err r = buf_ok(&k) ? store_get(n->env.store, STORE_PEERS, buf_view(&k), &a, &v, e)
                            : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!r) {
    r = openings_parse(o, v, origin, e);
  } else if (r == PARLEY_ENOTFOUND) {
    bool more = true;
    r = PARLEY_OK;
    for (uint64_t i = 0; i < upto && more && !r; i++) r = read_head(o, c, i, &more, e);
  }
  buf_free(&k);
  arena_free(&a);
  return r;
}

parley_err openings_committed(struct node *n, const struct submission *s, struct errmsg *e) {
  struct openings *o = &s->forum->log.versions;
  while (o->n && o->list[o->n - 1].index >= s->index) o->n--; /* of a batch that failed */
  parley_err r = openings_add(o, s->opens, s->index, e);
  return r ? r : openings_save(n, s->forum->log.origin, o, e);
}

/* ---- order ---- */

/* The versions of a log as a set: which is the ancestor of which follows from them alone. */
static parley_err set_of(const struct node *n, const struct openings *o, struct arena *a, struct version_set *s,
                         struct errmsg *e) {
  *s = (struct version_set){.v = arena_alloc(a, (o->n + 1) * sizeof *s->v)};
  if (!s->v) return err_set(e, PARLEY_ENOMEM, "out of memory");
  for (size_t i = 0; i < o->n; i++) {
    const struct proposal *p = proposal_find(n, o->list[i].digest);
    if (!p || versions_find(s, p->digest) != VERSION_NONE) continue;
    s->v[s->n++] = (struct version){.charter = &p->charter, .given = true, .complete = true};
  }
  return versions_judge(s, a, e);
}

/* Whether the log has opened, below the index, a descendant of the version (holding: one that holds) after it has opened that last. */
static parley_err overtaken(const struct node *n, const struct openings *o, uint64_t below, bool holding,
                            const uint8_t digest[static SHA256_SIZE], bool *yes, struct errmsg *e) {
  struct arena a = {0};
  struct version_set s;
  struct openings with = {0};
  const size_t at = opened_last(o, digest, below);
  *yes = false;
  if (at + 1 == o->n || o->n == 0) return PARLEY_OK;
  parley_err r = at < o->n ? PARLEY_OK : openings_add(&with, digest, 0, e); /* it may never have opened it */
  for (size_t i = 0; i < o->n && !r; i++) r = openings_add(&with, o->list[i].digest, o->list[i].index, e);
  if (!r) r = set_of(n, &with, &a, &s, e);
  const size_t cited = r ? VERSION_NONE : versions_find(&s, digest);
  for (size_t i = at < o->n ? at + 1 : 0; i < o->n && cited != VERSION_NONE; i++) {
    const size_t later = versions_find(&s, o->list[i].digest);
    if (o->list[i].index < below && later != VERSION_NONE && versions_before(&s, cited, later) &&
        (!holding || proposal_find(n, o->list[i].digest)->holds))
      *yes = true;
  }
  free(with.list);
  arena_free(&a);
  return r;
}

parley_err version_cited(struct node *n, const struct their_log *l, const struct statement *s,
                         const struct charter **out, struct errmsg *e) {
  bool late = false;
  const struct proposal *p = proposal_find(n, s->charter);
  if (!openings_have(&l->versions, s->charter))
    return err_set(e, PARLEY_EINVAL, "charter: it cites a version that this log has not opened");
  if (!p) return err_set(e, PARLEY_EIO, "a version that %s has opened is not at hand", l->origin);
  parley_err r = overtaken(n, &l->versions, UINT64_MAX, false, s->charter, &late, e);
  if (!r && late) r = err_set(e, PARLEY_EINVAL, "charter: out of order: this log has opened a later version before it");
  *out = &p->charter;
  return r;
}

const struct charter *charter_cited(const struct node *n, const struct forum *f, const struct statement *s) {
  const struct proposal *p = proposal_find(n, s->charter);
  return p && p->placed && !memcmp(p->forum, f->id, SHA256_SIZE) ? &p->charter : &f->charter;
}

/* ---- runs ---- */

struct run {
  struct arena arena;
  struct buf envelope;
  struct charter charter; /* of the proposal held, or in the arena */
  bool signed_by[FORUM_MEMBERS_MAX];
};

static void run_free(struct run *r) {
  buf_free(&r->envelope);
  arena_free(&r->arena);
}

static parley_err add_data(const struct statement *s, struct run *out, struct errmsg *e) {
  base64_decode(&out->envelope, bytes_str(json_string_value(json_object_get(s->body, "data"))), true);
  if (!buf_ok(&out->envelope)) return err_set(e, PARLEY_ENOMEM, "out of memory");
  if (out->envelope.n > CHARTER_SIZE_MAX)
    return err_set(e, PARLEY_EINVAL, "body: the parts are longer than any charter");
  return PARLEY_OK;
}

/* The part that must stand at the index, appended. */
static parley_err add_part(const struct node *n, struct their_log *l, uint64_t index, json_int_t part,
                           const struct statement *last, struct run *out, struct errmsg *e) {
  struct arena a = {0};
  struct bytes entry;
  struct statement s = {0};
  struct dsse d;
  parley_err r = copy_entry(mirror_copy(l->mirror), index, &a, &entry, e);
  if (!r) {
    r = statement_parse(&s, &a, entry, &d, e);
    const bool fits = !r && !strcmp(s.kind, "forum.charter") && !strcmp(s.from, last->from) &&
                      !memcmp(s.charter, last->charter, SHA256_SIZE) && !memcmp(s.forum, last->forum, SHA256_SIZE) &&
                      json_integer_value(json_object_get(s.body, "part")) == part &&
                      json_equal(json_object_get(s.body, "parts"), json_object_get(last->body, "parts"));
    if (!r && fits) r = statement_verify(&d, &s, card_in_force(n, l), e);
    if (r != PARLEY_ENOMEM && (r || !fits))
      r = err_set(e, PARLEY_EINVAL, "body: the parts before it do not stand before it");
    if (!r) r = add_data(&s, out, e);
  }
  statement_clear(&s);
  arena_free(&a);
  return r;
}

/* Cards that the version names and that are not pinned here. */
static const char *missing_card(struct node *n, const struct charter *c) {
  for (size_t i = 0; i < c->n_members; i++)
    if (!node_card_lookup(n, c->members[i].name, c->members[i].fingerprint)) return c->members[i].name;
  return NULL;
}

/*
 * The same envelope as the one held: its signatures were verified when that was taken. In a forum of 193 each member would
 * verify 193 times 193 otherwise.
 */
static bool is_held(const struct node *n, const uint8_t digest[static SHA256_SIZE], struct run *run) {
  const struct proposal *p = proposal_find(n, digest);
  if (!p || p->n_signed == 0 || !bytes_eq(buf_view(&p->envelope), buf_view(&run->envelope))) return false;
  run->charter = p->charter;
  memcpy(run->signed_by, p->signed_by, sizeof run->signed_by);
  return true;
}

/* Signatures are verified; where that needs a card that is not at hand, *wait. */
static parley_err read_envelope(struct node *n, struct run *run, const struct statement *s, bool *wait,
                                struct errmsg *e) {
  struct dsse d;
  bool all;
  if (is_held(n, s->charter, run)) return PARLEY_OK;
  parley_err r = dsse_parse(&d, &run->arena, buf_view(&run->envelope), CHARTER_SIZE_MAX, e);
  if (!r) r = charter_parse(&run->charter, &run->arena, d.payload, e);
  if (!r && memcmp(run->charter.digest, s->charter, SHA256_SIZE))
    r = err_set(e, PARLEY_EINVAL, "body: it carries another version than the one that it cites");
  if (r) return r;
  const char *missing = missing_card(n, &run->charter);
  r = charter_envelope_parse(&run->charter, run->signed_by, &all, &run->arena, buf_view(&run->envelope),
                             node_card_lookup, n, e);
  *wait = r && r != PARLEY_ENOMEM && missing != NULL;
  if (*wait)
    r = err_set(e, PARLEY_ENOTFOUND,
                "the card of %s that a new version of the charter names is not pinned here (parley trust)", missing);
  return r;
}

/* The signatures in the run, with respect to the versions that this log has opened before. */
static parley_err judge_complete(const struct node *n, const struct their_log *l, const struct run *run,
                                 struct errmsg *e) {
  const struct charter *c = &run->charter, *listed[CHARTER_REPLACES_MAX];
  size_t k = 0;
  for (size_t i = 0; i < c->n_replaces; i++) {
    const struct proposal *p = openings_have(&l->versions, c->replaces[i]) ? proposal_find(n, c->replaces[i]) : NULL;
    if (p) listed[k++] = &p->charter;
  }
  if (c->n_replaces == 0 && memcmp(c->digest, l->from->forum->id, SHA256_SIZE))
    return err_set(e, PARLEY_EINVAL, "body: it is the charter of another forum");
  if (c->n_replaces > 0 && k == 0)
    return err_set(e, PARLEY_EINVAL, "body: it replaces no version that this log has opened");
  if (!version_complete(c, run->signed_by, listed, k))
    return err_set(e, PARLEY_EINVAL, "body: the version is not complete: signatures that it needs do not stand here");
  return PARLEY_OK;
}

/* s: the last part, verified. */
static parley_err read_run(struct node *n, struct their_log *l, uint64_t index, const struct statement *s,
                           struct run *out, bool *wait, struct errmsg *e) {
  const json_int_t parts = json_integer_value(json_object_get(s->body, "parts"));
  parley_err r = PARLEY_OK;
  if (parts > RUN_PARTS_MAX || (uint64_t)parts > index + 1)
    return err_set(e, PARLEY_EINVAL, "body: a version of more than %d parts, or without the parts before it",
                   RUN_PARTS_MAX);
  for (json_int_t i = 0; i + 1 < parts && !r; i++) r = add_part(n, l, index + 1 - (uint64_t)(parts - i), i, s, out, e);
  if (!r) r = add_data(s, out, e);
  if (!r) r = read_envelope(n, out, s, wait, e);
  return r ? r : judge_complete(n, l, out, e);
}

/* It is held here, with all the signatures that stand in the run. */
static bool is_known(const struct node *n, const struct run *run) {
  const struct proposal *p = proposal_find(n, run->charter.digest);
  for (size_t i = 0; p && i < run->charter.n_members; i++)
    if (run->signed_by[i] && !p->signed_by[i]) return false;
  return p != NULL;
}

parley_err version_run_judge(struct node *n, struct their_log *l, uint64_t index, const struct statement *s, bool *wait,
                             struct errmsg *e) {
  struct run *run;
  *wait = false;
  if (json_integer_value(json_object_get(s->body, "part")) + 1 < json_integer_value(json_object_get(s->body, "parts")))
    return PARLEY_OK; /* the last part is judged */
  run = calloc(1, sizeof *run);
  if (!run) return err_set(e, PARLEY_ENOMEM, "out of memory");
  parley_err r = read_run(n, l, index, s, run, wait, e);
  if (!r && !is_known(n, run)) r = err_set(e, PARLEY_ENOTFOUND, "body: the version cannot be taken");
  if (!r) r = openings_add(&l->versions, run->charter.digest, index, e);
  run_free(run);
  free(run);
  return r;
}

parley_err version_run_learn(struct node *n, struct their_log *l, uint64_t index, struct errmsg *e) {
  struct arena a = {0};
  struct bytes entry;
  struct statement s = {0};
  struct dsse d;
  bool wait;
  struct run *run = calloc(1, sizeof *run);
  if (!run) return err_set(e, PARLEY_ENOMEM, "out of memory");
  parley_err r = copy_entry(mirror_copy(l->mirror), index, &a, &entry, e);
  if (!r) r = statement_parse(&s, &a, entry, &d, e);
  if (!r) r = statement_verify(&d, &s, card_in_force(n, l), e);
  if (!r && !strcmp(s.kind, "forum.charter")) {
    r = read_run(n, l, index, &s, run, &wait, e);
    if (!r) r = proposal_take_opened(n, buf_view(&run->envelope), l->from->peer->card.name, e);
  }
  statement_clear(&s);
  arena_free(&a);
  run_free(run);
  free(run);
  return r;
}

/* ---- marks ---- */

static const struct openings *opened_by(struct forum *f, const struct node *n, const struct heard *h,
                                        struct copy **copy) {
  struct own_log *own = strcmp(h->party, n->own.name) ? NULL : own_log_of(f, h->epoch, false);
  struct member *m = forum_member(f, h->party);
  struct their_log *l = m ? their_log_of(m, h->epoch, false) : NULL;
  if (own) *copy = own->copy;
  if (l) *copy = mirror_copy(l->mirror);
  return own ? &own->versions : l ? &l->versions : NULL;
}

/* A heard line that covers, in another log, the opening of a version that replaces the one cited. NULL: none does. */
static const char *heard_later(const struct node *n, struct forum *f, const struct statement *s) {
  for (size_t i = 0; i < s->n_heard; i++) {
    const struct heard *h = &s->heard[i];
    struct copy *copy = NULL;
    struct hash root;
    bool yes = false;
    const struct openings *o = opened_by(f, n, h, &copy);
    if (!o || h->size > copy_size(copy) || copy_root(copy, h->size, &root, NULL) || !hash_eq(&root, &h->root))
      continue; /* it fits nothing that is held */
    if (overtaken(n, o, h->size, true, s->charter, &yes, NULL) == PARLEY_ENOMEM) json_lose();
    if (yes) return h->party;
  }
  return NULL;
}

bool row_is_closed(const struct node *n, const struct row *r, char *why, size_t size) {
  uint64_t which;
  const struct charter_closed *end = charter_closed_find(&r->forum->charter, r->from, r->epoch);
  struct copy *copy = end ? row_copy(r, false, NULL, NULL) : NULL;
  struct hash root;
  if (epoch_waits_for_charter(n, r->forum, r->from, r->epoch, &which)) {
    snprintf(why, size, "%s has signed two histories of its log of epoch %llu, and no charter in force has closed that",
             r->from, (unsigned long long)which);
    return true;
  }
  if (!end) return false;
  if (r->index >= end->size) {
    snprintf(why, size, "the charter in force closes this log of %s after %llu entries", r->from,
             (unsigned long long)end->size);
    return true;
  }
  if (!copy || end->size > copy_size(copy) || copy_root(copy, end->size, &root, NULL) || hash_eq(&root, &end->root))
    return false;
  snprintf(why, size, "the charter in force closes this log of %s with another history than the one held here",
           r->from);
  return true;
}

void version_mark(struct node *n, const struct row *r, const struct statement *s, json_t *o) {
  const struct proposal *p = proposal_find(n, s->charter);
  char why[256] = "";
  if (r->problem || !strcmp(s->kind, "forum.charter") || !strcmp(s->kind, "forum.card")) return;
  const char *heard = heard_later(n, r->forum, s);
  if (row_is_closed(n, r, why, sizeof why)) {
    json_put_str(o, "mark", "closed");
    json_put_str(o, "mark_why", why);
  } else if (!p || !p->holds) {
    json_put_str(o, "mark", "conflict");
    json_put_str(o, "mark_why",
                 "the version of the charter that it cites does not hold: another one is complete, and neither "
                 "replaces the other");
  } else if (heard) {
    snprintf(why, sizeof why, "it cites a version of the charter that it knew to be replaced: it had heard so from %s",
             heard);
    json_put_str(o, "mark", "out_of_order");
    json_put_str(o, "mark_why", why);
  }
}
