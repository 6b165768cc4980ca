#include "node/answers.h"

#include <string.h>

#include "base/encoding.h"
#include "node/forks.h"

#define DISPUTES_MAX 100

/* ---- finding ---- */

static const char *prefix_of(enum answer what) {
  return what == ANSWER_ACK ? "a/" : what == ANSWER_REJECT ? "r/" : "n/";
}

static void answer_key(struct buf *out, enum answer what, const uint8_t id[static 32], const char *party) {
  buf_str(out, prefix_of(what));
  buf_add(out, id, 32);
  buf_str(out, party);
}

parley_err answer_find_any(struct node *n, enum answer what, const struct hash *id, const char *party, struct hash *out,
                           struct errmsg *e) {
  struct buf k = {0};
  struct arena a = {0};
  struct bytes v;
  answer_key(&k, what, id->b, party);
  parley_err r = buf_ok(&k) ? store_get(n->env.store, STORE_INDEX, buf_view(&k), &a, &v, e)
                            : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!r && v.n == 32) memcpy(out->b, v.p, 32);
  buf_free(&k);
  arena_free(&a);
  return r;
}

static bool anything_closed(const struct node *n) {
  const struct forum *f = n->forums;
  while (f && f->charter.n_closed == 0) f = f->next;
  return f != NULL || n->forks->kept;
}

parley_err answer_find(struct node *n, enum answer what, const struct hash *id, const char *party, struct hash *out,
                       struct errmsg *e) {
  struct row row;
  char why[256];
  parley_err r = answer_find_any(n, what, id, party, out, e);
  if (r || !anything_closed(n)) return r;
  r = row_get(n, out, &row, e);
  if (r) return r == PARLEY_ENOTFOUND ? PARLEY_OK : r; /* its row is damaged, which others tell */
  if (row_is_closed(n, &row, why, sizeof why)) r = err_set(e, PARLEY_ENOTFOUND, "it counts no more: %s", why);
  row_clear(&row);
  return r;
}

parley_err answer_put(struct node *n, enum answer what, const uint8_t re[static 32], const char *party,
                      const struct hash *id, struct errmsg *e) {
  struct buf k = {0};
  struct hash had;
  memcpy(had.b, re, 32);
  parley_err r = answer_find(n, what, &had, party, &had, e);
  if (r != PARLEY_ENOTFOUND) return r;
  answer_key(&k, what, re, party);
  r = buf_ok(&k) ? store_put(n->env.store, STORE_INDEX, buf_view(&k), BYTES(id->b, 32), e)
                 : err_set(e, PARLEY_ENOMEM, "out of memory");
  buf_free(&k);
  return r;
}

bool answer_disputed(struct node *n, const struct hash *id, const char *party) {
  struct hash had;
  return answer_find(n, ANSWER_REJECT, id, party, &had, NULL) == PARLEY_OK &&
         answer_find(n, ANSWER_ACK, id, party, &had, NULL) == PARLEY_ENOTFOUND;
}

struct disputes {
  struct node *n;
  const struct forum *forum;
  const char *party;
  json_t *list;
};

static parley_err dispute_one(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  const struct disputes *d = ctx;
  struct hash id;
  struct row row;
  struct arena a = {0};
  char why[256];
  (void)v, (void)e;
  if (key.n <= 34 || json_array_size(d->list) >= DISPUTES_MAX) return PARLEY_OK;
  memcpy(id.b, key.p + 2, 32);
  const char *by = arena_cstr(&a, BYTES(key.p + 34, key.n - 34));
  if (by && answer_disputed(d->n, &id, by) && row_get(d->n, &id, &row, NULL) == PARLEY_OK) {
    char hex[65];
    hex_encode(hex, BYTES(id.b, 32));
    if (row.forum == d->forum && !row_is_closed(d->n, &row, why, sizeof why) &&
        (row.ours ? !strcmp(by, d->party) : !strcmp(by, d->n->own.name) && !strcmp(row.from, d->party)))
      json_array_append_new(d->list, json_string(hex));
    row_clear(&row);
  }
  arena_free(&a);
  return PARLEY_OK;
}

json_t *answer_disputes(struct node *n, const struct forum *f, const char *party) {
  struct disputes d = {.n = n, .forum = f, .party = party, .list = json_array()};
  struct errmsg e;
  if (store_scan(n->env.store, STORE_INDEX, bytes_str(prefix_of(ANSWER_REJECT)), BYTES_NONE, true, dispute_one, &d, &e))
    node_log_line(n, 3, "what is disputed cannot be read: %s", e.text);
  return d.list;
}

/* ---- what may be answered ---- */

static bool addressed_to(const struct statement *s, const char *party) {
  for (size_t i = 0; i < s->n_to; i++)
    if (!strcmp(s->to[i], party)) return true;
  return false;
}

/* Sealed; no receipt is answered, and no rejection rejected. */
static bool answerable(enum answer what, const char *kind) {
  if (kind_is_open(kind)) return false;
  return what == ANSWER_DISCLOSED ||
         (answer_of(kind) != ANSWER_ACK && !(what == ANSWER_REJECT && answer_of(kind) == ANSWER_REJECT));
}

/* A party acknowledges once, rejects once, and rejects nothing that it has acknowledged. */
static parley_err not_yet(struct node *n, enum answer what, const struct hash *id, const char *party,
                          struct errmsg *e) {
  struct hash had;
  parley_err r = PARLEY_ENOTFOUND;
  if (what == ANSWER_DISCLOSED) return PARLEY_OK;
  r = answer_find(n, ANSWER_ACK, id, party, &had, e);
  if (r == PARLEY_OK) return err_set(e, PARLEY_ECONFLICT, "it was acknowledged already");
  if (r == PARLEY_ENOTFOUND && what == ANSWER_REJECT) r = answer_find(n, ANSWER_REJECT, id, party, &had, e);
  if (r == PARLEY_OK) return err_set(e, PARLEY_ECONFLICT, "it was rejected already");
  return r == PARLEY_ENOTFOUND ? PARLEY_OK : r;
}

/* ---- a counterpart's ---- */

static const char *verb_of(enum answer what) {
  return what == ANSWER_ACK ? "acknowledges" : what == ANSWER_REJECT ? "rejects" : "tells of the disclosure of";
}

static parley_err judge_against(const struct row *row, const struct statement *re, const struct their_log *l,
                                const struct statement *s, struct errmsg *e) {
  const enum answer what = answer_of(s->kind);
  const char *verb = verb_of(what);
  if (row->forum != l->from->forum) return err_set(e, PARLEY_EINVAL, "re: it %s a statement of another forum", verb);
  if (row->problem || !answerable(what, re->kind))
    return err_set(e, PARLEY_EINVAL, "re: it %s what is never %s", verb,
                   what == ANSWER_ACK      ? "acknowledged"
                   : what == ANSWER_REJECT ? "rejected"
                                           : "disclosed");
  if (!addressed_to(re, s->from))
    return err_set(e, PARLEY_EINVAL, "re: it %s a statement that was not addressed to %s", verb, s->from);
  if (s->n_to != 1 || strcmp(s->to[0], re->from))
    return err_set(e, PARLEY_EINVAL, "to: %s goes to the author of what it is about, alone", s->kind);
  return PARLEY_OK;
}

static parley_err judge_row(struct node *n, const struct row *row, const struct their_log *l, const struct statement *s,
                            struct errmsg *e) {
  struct arena a = {0};
  struct bytes entry;
  struct statement re = {0};
  struct dsse d;
  parley_err r = row_entry(n, row, &a, &entry, e);
  if (!r) r = statement_parse(&re, &a, entry, &d, e);
  if (!r) r = judge_against(row, &re, l, s, e);
  statement_clear(&re);
  arena_free(&a);
  return r;
}

/* What it says is judged where it can be read; what cannot be read may still be meant, and is shown as it is. */
static parley_err judge_body(struct node *n, const struct statement *s, struct errmsg *e) {
  struct plain p = {0};
  struct answer_body body;
  if (answer_of(s->kind) == ANSWER_ACK || s->n_to != 1 || strcmp(s->to[0], n->own.name)) return PARLEY_OK;
  parley_err r = row_open(n, s, &p, e);
  if (r) return r == PARLEY_ENOMEM ? r : PARLEY_OK;
  r = answer_body_parse(&body, answer_of(s->kind), p.body, e);
  plain_clear(&p);
  return r;
}

parley_err answer_judge(struct node *n, const struct their_log *l, const struct statement *s, struct errmsg *e) {
  struct row row;
  struct hash id;
  memcpy(id.b, s->re[0], 32);
  parley_err r = not_yet(n, answer_of(s->kind), &id, s->from, e);
  if (r == PARLEY_ECONFLICT) r = err_prefix(e, PARLEY_EINVAL, "re");
  if (r) return r;
  r = row_get(n, &id, &row, e);
  if (r == PARLEY_ENOTFOUND && (s->n_to != 1 || strcmp(s->to[0], n->own.name)))
    return PARLEY_OK; /* of a third party, whose statement may arrive later: there is no order across logs */
  const struct own_log *own = &l->from->forum->log;
  if (r == PARLEY_ENOTFOUND && (own->stopped || !own->ready))
    return PARLEY_OK; /* our store went back in time, or may have: it can have lost the statement (found by seed 5152) */
  if (r == PARLEY_ENOTFOUND)
    return err_set(e, PARLEY_EINVAL, "re: it %s a statement that is not held here", verb_of(answer_of(s->kind)));
  if (r) return r;
  r = judge_row(n, &row, l, s, e);
  row_clear(&row);
  return r ? r : judge_body(n, s, e);
}

/* ---- ours ---- */

static parley_err not_queued(const struct node *n, enum answer what, const struct hash *id, struct errmsg *e) {
  for (const struct submission *q = n->queue; q; q = q->next) {
    if (q->answers == ANSWER_NONE || memcmp(q->re, id->b, 32)) continue;
    if (q->answers == ANSWER_ACK && what != ANSWER_DISCLOSED)
      return err_set(e, PARLEY_ECONFLICT, "it was acknowledged already");
    if (q->answers == ANSWER_REJECT && what == ANSWER_REJECT)
      return err_set(e, PARLEY_ECONFLICT, "it was rejected already");
    if (q->answers == ANSWER_DISCLOSED && what == ANSWER_DISCLOSED)
      return err_set(e, PARLEY_ECONFLICT, "its author is being told already");
  }
  return PARLEY_OK;
}

parley_err answer_allowed(struct node *n, enum answer what, const struct row *row, const struct statement *re,
                          struct errmsg *e) {
  char why[256];
  const char *done = what == ANSWER_ACK ? "acknowledged" : what == ANSWER_REJECT ? "rejected" : "disclosed";
  if (row->ours && what == ANSWER_DISCLOSED)
    return err_set(e, PARLEY_ECONFLICT, "that is our own statement: nobody has to be told that we disclose it");
  if (row->ours)
    return err_set(e, PARLEY_ECONFLICT, "that is our own statement; only its addressees %s it",
                   what == ANSWER_ACK ? "acknowledge" : "reject");
  if (!re || row->problem)
    return err_set(e, PARLEY_EREFUSED, "it breaks a rule and cannot be %s: %s", done,
                   row->problem ? row->problem : "malformed");
  if (!answerable(what, re->kind)) return err_set(e, PARLEY_EREFUSED, "%s is never %s", re->kind, done);
  if (what != ANSWER_DISCLOSED && row_is_closed(n, row, why, sizeof why))
    return err_set(e, PARLEY_EREFUSED, "it does not count, so it is not %s: %s", done, why);
  if (!addressed_to(re, n->own.name)) return err_set(e, PARLEY_EREFUSED, "it is not addressed to %s", n->own.name);
  parley_err r = not_yet(n, what, &row->id, n->own.name, e);
  return r ? r : not_queued(n, what, &row->id, e);
}
